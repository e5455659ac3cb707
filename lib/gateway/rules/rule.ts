import { Failure } from '../../http/errors.ts';
import { isBranch } from './paths.ts';
import { gatewayErrors } from '../errors.ts';
import type { ErrorRow } from '../../http/errors.ts';
import type { Editor } from '../identity/editors.ts';
import type { Gateway, RepositoryHost } from '../settings.ts';

/**
 * A Git host behind the gateway: a page of facts and of rules. All that the CMSs need is on it, and nothing else passes.
 * To add a host is to write one of these.
 */
export interface GatewayHost extends RepositoryHost {
  /** What stands in front of every path here, behind the API's root (see the provider's record); the CMS never names the repository. */
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
  /** For hosts with apps: where to ask for a token that is good for one repository. Paths below the API's root. */
  installation?: {
    find: (fullName: string) => string;
    token: (id: string) => string;
    permissions: Readonly<Record<string, string>>;
  };
  /** How it says when the credential ends: in a header of any answer, or in one of its own, below the API's root. */
  expiry?: { header: string } | { path: string; field: string };
}

export interface Rule {
  /** For the log. */
  name: string;
  method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Below the repository; `{name}` is one of the parameters, all else is as it stands. */
  path: string;
  parameters?: Readonly<Record<string, PathParameter>>;
  /** Keys that are passed on, each at most once, with what their values may be. Unknown ones are dropped. */
  query?: Readonly<Record<string, QueryValue>>;
  /** Those of them that must be there. */
  required?: readonly string[];
  /** The rule is for requests with at least one of these keys; the others go on to the next rule. */
  match?: readonly string[];
  /** Without one, no body is passed on. */
  body?: BodyRule;
  /** What has to be looked up before anything is done: throws if it must not be done. */
  guard?: (call: Call) => Promise<void>;
  /** What is named by its own hash never changes, so that browsers may keep it. */
  immutable?: true;
  /** What the host's 401 says here, where it is about the act and not about the credential. `{host}` is the host's name. */
  unauthorized?: ErrorRow;
  /** The answer is a file, whatever it is called there: passed on byte for byte, whatever type it has. */
  file?: true;
  /** For hosts that point to the next page in the body: writes it anew. @param link see `links` */
  answer?: (body: unknown, link: (url: string) => string | undefined) => unknown;
}

/** A part of the path that the CMS chooses. Platforms differ in what they make of an encoded slash, so both forms are taken. */
export interface PathParameter {
  /** Whether it may hold slashes, and how the host wants them: as `%2F`, or as they are. */
  slashes: false | 'encoded' | 'kept';
  /** @param text decoded. It is encoded anew for the host. */
  check: (text: string, gateway: Gateway) => boolean;
}

/** @returns the value to pass on. @throws Failure, by `refuse` */
export type QueryValue = (value: string, call: Call) => string;

/** @throws Failure, by `refuse` */
export type BodyRule = (given: ReceivedBody, call: Call) => SentBody;

export interface ReceivedBody {
  bytes: Buffer;
  /** `Content-Type`, as it was sent. */
  type: string;
}

export interface SentBody {
  body: string | Uint8Array;
  type: string;
}

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
}

/** @param detail what is wrong, as the rest of a sentence; never with what the request said */
export const refuse = (detail: string): Failure => new Failure(gatewayErrors.NOT_ALLOWED, { detail });

// Parameters that every host has

export const number: PathParameter = { slashes: false, check: (text) => /^[1-9]\d{0,14}$/.test(text) };
export const sha: PathParameter = { slashes: false, check: (text) => isSha(text) };
export const branch: PathParameter = { slashes: 'encoded', check: isBranch };
/** Of the editorial workflow: `cms/posts/a-title`. */
export const draft: PathParameter = { slashes: 'encoded', check: (text) => isDraft(text) };

export const isSha = (text: unknown): text is string =>
  typeof text === 'string' && /^[0-9a-f]{40}([0-9a-f]{24})?$/.test(text);
export const isDraft = (name: unknown): name is string =>
  typeof name === 'string' && name.startsWith('cms/') && isBranch(name);

// Values of a query

export const anything: QueryValue = (value) => value;
export const oneOf =
  (...values: readonly string[]): QueryValue =>
  (value) => {
    if (values.includes(value)) return value;
    throw refuse('it asks for something that the CMS never asks for');
  };

// Bodies

/** Passed on as it is. @param type that it is sent as, whatever the client called it */
export const passthrough =
  (type: string): BodyRule =>
  ({ bytes }) => ({ body: bytes, type });

export type Json = Readonly<Record<string, unknown>>;

/** JSON, written anew from what the rule takes out of it: nothing that the rule does not know gets through. */
export const jsonBody =
  (rule: (body: Json, call: Call) => object): BodyRule =>
  ({ bytes, type }, call) => {
    if (!/^application\/json\s*(;|$)/i.test(type) && type !== '' && !/^text\/plain\s*(;|$)/i.test(type))
      throw refuse('it is not JSON');
    let body: unknown;
    try {
      body = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    } catch {
      throw refuse('it is not JSON');
    }
    if (typeof body !== 'object' || body === null || Array.isArray(body)) throw refuse('it is not JSON');
    return { body: JSON.stringify(rule(body as Json, call)), type: 'application/json' };
  };

/** @throws Failure if `value` is no text */
export function text(value: unknown, name: string, longest = 64 * 1024): string {
  if (typeof value === 'string' && value.length <= longest) return value;
  throw refuse(`"${name}" is missing or is no text`);
}
