import { Failure } from '../../http/errors.ts';
import { isBranch, isDraft, isRevision } from './branches.ts';
import { gatewayErrors } from '../errors.ts';
import type { ErrorRow } from '../../http/errors.ts';
import type { Editor } from '../identity/editors.ts';
import type { Gateway, RepositoryHost } from '../settings.ts';

/**
 * A Git host behind the gateway: a page of facts and of rules. All that the CMSs need is on it, and nothing else passes.
 * To add a host is to write one of these.
 */
export interface GatewayHost extends RepositoryHost {
  /** What stands in front of every path here, behind the API's root (see the provider's facts); the CMS never names the repository. */
  repositoryPath: (fullName: string) => string;
  /** How the host wants its credential. */
  authorization: (credential: string) => Readonly<Record<string, string>>;
  /** The first that fits counts. */
  rules: readonly Rule[];
  /** How it points to the next page. */
  links: {
    /** What stands in front of a repository's own paths there; it may be another name than `repositoryPath` has. Anchored. */
    prefix: RegExp;
    /** How the client wants to read it. @param rest path and query behind the prefix, with a slash in front */
    rewrite: (rest: string, origin: string) => string;
  };
  /** What the host says of the repository itself, to whoever asks for it with the credential. */
  repository: {
    /** What it is called now. */
    fullName: (repository: Json) => unknown;
    defaultBranch: (repository: Json) => unknown;
    /** Where a branch is looked up, below the repository. */
    branch: (name: string) => string;
    /**
     * Whether the credential may write to it, as far as the host says so.
     *
     * @param scopes of the credential, from the header in which hosts name them
     */
    rights: (repository: Json, scopes: string | undefined) => 'write' | 'read' | 'archived' | 'unknown';
    /** The right that a credential needs, as the host's pages call it. */
    needed: string;
    /** What it says against a write to a repository that has moved, where that is no redirect. */
    movedStatus?: number;
  };
  /** For hosts with apps: where to ask for a token that is good for one repository. Paths below the API's root. */
  installation?: {
    find: (fullName: string) => string;
    token: (id: string) => string;
    permissions: Readonly<Record<string, string>>;
  };
  /**
   * For CMSs that speak to the host itself, and are pointed at us in its place: the root of its REST API below `/git`, and where
   * the clients look for GraphQL then. What they get there is in `apis.ts`.
   */
  api?: { rest: string; graphql: readonly string[] };
  /** How it says when the credential ends: in a header of any answer, or in one of its own, below the API's root. */
  expiry?: { header: string } | { path: string; field: string };
}

/** What the rules of reads and of writes have in common. */
interface CommonRule {
  /** For the log. */
  name: string;
  /** Below the repository; `{name}` is one of the parameters, all else is as it stands. */
  path: string;
  parameters?: Readonly<Record<string, PathParameter>>;
  /** Keys that are passed on, each at most once, with what their values may be. Unknown ones are dropped. */
  query?: Readonly<Record<string, QueryValue>>;
  /** Those of them that must be there. */
  required?: readonly string[];
  /** The rule is for requests with at least one of these keys; the others go on to the next rule. */
  match?: readonly string[];
  /** What the host's 401 says here, where it is about the act and not about the credential. `{host}` is the host's name. */
  unauthorized?: ErrorRow;
}

/** Changes nothing at the host, and brings no body there. */
export interface ReadRule extends CommonRule {
  method: 'GET' | 'HEAD';
  /** What is named by its own hash never changes, so that browsers may keep it. */
  immutable?: true;
  /** The answer is a file, whatever it is called there: passed on byte for byte, whatever type it has. */
  file?: true;
  /** The media type by which a client asks for the file itself in the place of JSON; then the answer is as with `file`. */
  raw?: string;
  /** For hosts that point to the next page in the body: writes it anew. @param link see `links` */
  answer?: (body: unknown, link: (url: string) => string | undefined) => unknown;
  body?: undefined;
  guard?: undefined;
}

/**
 * Changes something at the host. What is checked stands in the type, since a write that nobody checks is a hole in the fence: its
 * body, what is looked up before it is done, or, where it has neither, what its path and query may name.
 */
export type WriteRule = CommonRule & {
  method: 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  immutable?: undefined;
  file?: undefined;
  raw?: undefined;
  answer?: undefined;
} & (
    | { body: RuleBody; guard?: Guard; names?: undefined }
    | { body?: undefined; guard: Guard; names?: undefined }
    /** @param names what it can name, in words: no body is passed on and nothing is looked up, so this is all that is checked */
    | { body?: undefined; guard?: undefined; names: string }
  );

export type Rule = ReadRule | WriteRule;

export const isRead = (rule: Rule): rule is ReadRule => rule.method === 'GET' || rule.method === 'HEAD';

/** A part of the path that the CMS chooses. Platforms differ in what they make of an encoded slash, so both forms are taken. */
export interface PathParameter {
  /** What it may be, in words: for the table of the fence. */
  what: string;
  /** Whether it may hold slashes, and how the host wants them: as `%2F`, or as they are. */
  slashes: false | 'encoded' | 'kept';
  /** @param text decoded. It is encoded anew for the host. */
  check: (text: string, gateway: Gateway) => boolean;
}

/** @returns the value to pass on. @throws Failure, by `refuse` */
export type QueryValue = ((value: string, call: Call) => string) & {
  /** What it may be, in words: for the table of the fence. */
  what: string;
};

/** @param what in words: for the table of the fence */
export const queryValue = (what: string, read: (value: string, call: Call) => string): QueryValue =>
  Object.assign((value: string, call: Call) => read(value, call), { what });

/** What a write's body may say. Made by `jsonBody`, `formBody` or `passthrough`. */
export interface RuleBody {
  /** What is checked in it, in words: for the table of the fence. */
  checks: string;
  /** Bytes at most; undefined where it carries a file, so that the platform's own limit counts. */
  limit: number | undefined;
  /** @throws Failure, by `refuse` */
  judge: (received: ReceivedBody, call: Call) => JudgedBody;
}

export interface ReceivedBody {
  bytes: Buffer;
  /** `Content-Type`, as it was sent. */
  type: string;
}

export interface JudgedBody {
  /** What it says, for the guard. */
  values: Json;
  /** Writes it for the host. @param added by the guard */
  write: (added: Json) => SentBody;
}

export interface SentBody {
  body: string | Uint8Array;
  type: string;
}

/** What has to be looked up at the host before anything is done. Made by `guard`. */
export interface Guard {
  /** What is looked up and has to be so, in words: for the table of the fence. */
  checks: string;
  /**
   * @param said what the judged body says, or the judged query where there is no body
   * @returns what is added to the body, or to the query where there is no body
   * @throws Failure, by `refuse`, if it must not be done
   */
  look: (call: Call, said: Json) => Promise<Json | undefined>;
}

/** @param checks in words: for the table of the fence */
export const guard = (checks: string, look: Guard['look']): Guard => ({ checks, look });

/** What a rule finds around it. */
export interface Call {
  gateway: Gateway<GatewayHost>;
  editor: Editor;
  /** The address that the editor commits under. */
  email: string;
  /** Of the path, decoded and checked. */
  parameters: Readonly<Record<string, string>>;
  /** Milliseconds since the epoch. */
  now: number;
  /**
   * Asks the host with our own credential.
   *
   * @param path below the repository, encoded
   * @returns the JSON of the answer
   * @throws Failure unless it has status 200 and JSON
   */
  read: (path: string) => Promise<unknown>;
  /** The same, and undefined where the host knows nothing of the kind (404). */
  find: (path: string) => Promise<unknown>;
  /** Whether the host knows it, without having it sent (HEAD). */
  exists: (path: string) => Promise<boolean>;
  /** Whether it is an address that this gateway writes into a commit for somebody who may in. */
  isEditorAddress: (email: string) => boolean;
}

/** @param detail what is wrong, as the rest of a sentence; never with what the request said */
export const refuse = (detail: string): Failure => new Failure(gatewayErrors.NOT_ALLOWED, { detail });

/** Against a write to another branch than the gateway's: two settings that name different ones. */
export const otherBranch = (given: unknown, { branch }: Gateway): Failure =>
  typeof given === 'string' && isBranch(given)
    ? new Failure(gatewayErrors.OTHER_BRANCH, { given, branch })
    : refuse('it writes to a branch that is not for the CMS');

/**
 * A value in a query as `URL` writes it, which encodes an apostrophe there: what is asked for is held against that.
 *
 * @see https://url.spec.whatwg.org/#special-query-percent-encode-set
 */
export const queryText = (value: string): string => encodeURIComponent(value).replaceAll("'", '%27');

/** A branch or a file in a path. Slashes stay. */
export const pathText = (name: string): string => encodeURIComponent(name).replaceAll('%2F', '/');

// Parameters that every host has

export const number: PathParameter = {
  what: 'a number',
  slashes: false,
  check: (text) => /^[1-9]\d{0,14}$/.test(text),
};
export const sha: PathParameter = { what: 'a hash', slashes: false, check: (text) => isSha(text) };
export const branch: PathParameter = { what: 'a branch', slashes: 'encoded', check: isRevision };
/** Of the editorial workflow: `cms/posts/a-title`. */
export const draft: PathParameter = { what: 'a draft', slashes: 'encoded', check: (text) => isDraft(text) };

export const isSha = (text: unknown): text is string =>
  typeof text === 'string' && /^[0-9a-f]{40}([0-9a-f]{24})?$/.test(text);
export { isDraft };

// Values of a query

export const anything: QueryValue = queryValue('anything', (value) => value);
export const oneOf = (...values: readonly string[]): QueryValue =>
  queryValue(values.map((value) => `\`${value}\``).join(', '), (value) => {
    if (values.includes(value)) return value;
    throw refuse('it asks for something that the CMS never asks for');
  });

// Bodies

export type Json = Readonly<Record<string, unknown>>;

/** The object that an answer holds; an empty one where it holds none. */
export const record = (value: unknown): Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : {};

/** The objects of a list; undefined if it is none. */
export const records = (value: unknown): Json[] | undefined => (Array.isArray(value) ? value.map(record) : undefined);

/** What the JSON of a call may weigh that carries no file. Bytes. */
export const usualBody = 1024 * 1024;

/**
 * Passed on as it is, unread.
 *
 * @param why nothing in it has to be checked: for the table of the fence
 * @param type that it is sent as, whatever the client called it
 */
export const passthrough = (why: string, type: string): RuleBody => ({
  checks: `not read: ${why}`,
  limit: undefined,
  judge: ({ bytes }) => ({ values: {}, write: () => ({ body: bytes, type }) }),
});

/**
 * JSON, written anew from what the rule takes out of it: nothing that the rule does not know gets through.
 *
 * @param checks in words: for the table of the fence
 * @param rule gives what is sent. Throws Failure, by `refuse`
 * @param carriesFile whether it may be as large as the platform takes
 */
export const jsonBody = (
  checks: string,
  rule: (body: Json, call: Call) => Json,
  { carriesFile = false }: { carriesFile?: boolean } = {},
): RuleBody => ({
  checks,
  limit: carriesFile ? undefined : usualBody,
  judge({ bytes, type }, call) {
    if (!/^application\/json\s*(;|$)/i.test(type) && type !== '' && !/^text\/plain\s*(;|$)/i.test(type))
      throw refuse('it is not JSON');
    const values = rule(readJson(bytes), call);
    return {
      values,
      write: (added) => ({ body: JSON.stringify({ ...values, ...added }), type: 'application/json' }),
    };
  },
});

/** What one body may hold: far more than a CMS ever changes at once, and far less than it takes to fill a memory. */
const mostEntries = 50_000;

/**
 * Reads JSON. Entries are counted first: a body of 31 MB can hold ten million objects, which take a gigabyte once they are parsed.
 *
 * @throws Failure unless it is an object
 */
export function readJson(bytes: Buffer): Json {
  if (countEntries(bytes) > mostEntries) throw refuse('it holds more than a CMS ever changes at once');
  let body: unknown;
  try {
    body = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw refuse('it is not JSON');
  }
  if (typeof body !== 'object' || body === null || Array.isArray(body)) throw refuse('it is not JSON');
  return body as Json;
}

/** Brackets and commas outside of texts, no further than it has to. */
function countEntries(bytes: Buffer): number {
  let count = 0;
  for (let at = 0; at < bytes.length && count <= mostEntries; at += 1) {
    const byte = bytes[at];
    if (byte === 0x7b || byte === 0x5b || byte === 0x2c) count += 1;
    if (byte === 0x22) at = endOfText(bytes, at);
  }
  return count;
}

/** Where the quote is that ends a text; at the end of all if there is none. Files are long texts, so most of a body is skipped here. */
function endOfText(bytes: Buffer, start: number): number {
  for (let at = bytes.indexOf(0x22, start + 1); at >= 0; at = bytes.indexOf(0x22, at + 1)) {
    let before = at;
    while (bytes[before - 1] === 0x5c) before -= 1;
    if ((at - before) % 2 === 0) return at;
  }
  return bytes.length;
}

/** @throws Failure if `value` is no text */
export function text(value: unknown, name: string, longest = 64 * 1024): string {
  if (typeof value !== 'string' || value.length > longest) throw refuse(`"${name}" is missing or is no text`);
  // Half a character is another text for whoever reads it next.
  if (/\p{Surrogate}/u.test(value)) throw refuse(`"${name}" holds half a character`);
  return value;
}

// Who it was, where a commit has the name of the app

const trailer = /^Co-authored-by: [^<>\n]* <([^<>\s]+)>$/;

/** The message of a commit, in which the editor is named as hosts read it: in a line of its own at the end. */
export function signedMessage(message: string, { gateway, editor, email }: Call): string {
  if (gateway.committer !== 'app') return message;
  const line = `Co-authored-by: ${editor.name.replace(/[<>\p{Cc}]/gu, '').trim()} <${email}>`;
  const lines = message.trimEnd().split('\n');
  const end = lines.at(-1) ?? '';
  if (end === line) return lines.join('\n');
  return [...lines, ...(trailer.test(end) ? [] : ['']), line].join('\n');
}

/** Who made a commit, by its message: the last one who is named there. */
export const signerOf = (message: unknown): string | undefined =>
  typeof message === 'string' ? trailer.exec(message.trimEnd().split('\n').at(-1) ?? '')?.[1] : undefined;
