import { commonHeaders } from '../http/http.ts';
import { shown } from './finding.ts';
import { elementsOf } from './html.ts';
import { isNetworkError, type HttpResponse, type NetworkError } from './fetch.ts';
import type { Server } from './server.ts';

/** What the login server and the Git host answered. What it means is judged elsewhere. */
export interface LoginProbe extends Begun {
  /** Whose origin asked for a token; undefined if nothing says it. */
  site: string | undefined;
  /** Another address at which a login does begin, where it does not at this one. */
  works?: Server;
  /** Whether the configured address redirects to that one. */
  isMoved?: boolean;
  /** From the address that the Git host sends editors back to, opened by hand. */
  callback?: HttpResponse | NetworkError;
  /** From the address for renewing tokens, asked whether this origin may. */
  preflight?: HttpResponse | NetworkError;
  /** From the same address, asked to renew without a token. */
  renewal?: HttpResponse | NetworkError;
  /** From the Git host, where the login leads. */
  consent?: HttpResponse | NetworkError;
}

/** The beginning of a login. */
export interface Begun {
  server: Server;
  /** From the address that the popup opens. */
  begin: HttpResponse | NetworkError;
  /** Whether it is a server of this product. */
  ours: boolean;
  /** Where our page goes on when the opener has said its origin. */
  onwardUrl?: URL;
  onward?: HttpResponse | NetworkError;
  /** The address that the browser is sent to. */
  next?: URL;
}

/** What a page of ours says, by code and in words. */
export interface Reported {
  code: string;
  message: string;
}

/** Codes of the pages at addresses where a server of ours has nothing: whose mistake that is, the doctor finds out by itself. */
const nothingThere = ['NOT_FOUND', 'BASE_URL_HAS_PATH'];

/** @returns undefined if the answer is no page of ours with an outcome */
export function reported(answer: HttpResponse | NetworkError | undefined): Reported | undefined {
  if (answer === undefined || isNetworkError(answer)) return undefined;
  const elements = elementsOf(answer.body, 'main', 'p');
  const code = elements.find(({ name }) => name === 'main')?.attributes['data-code'];
  const words = elements.find(({ name }) => name === 'p')?.text ?? '';
  // "There is nothing at this address" is what any server says.
  return code === undefined || nothingThere.includes(code)
    ? undefined
    : { code, message: words.replace(/\s+/g, ' ').trim() };
}

/**
 * What a login server of others tells the CMS in place of a token. Its status is 200, and only a script in its page says it.
 *
 * @see sveltia-cms-auth, src/index.js
 * @returns undefined if the page says no such thing, or goes on to a login, too
 */
export function refused(answer: HttpResponse | NetworkError | undefined): Reported | undefined {
  if (answer === undefined || isNetworkError(answer) || goesOn(answer)) return undefined;
  const [, text = ''] = /authorization:[\w-]+:error:(\{.{1,2000}?\})["'`]/s.exec(answer.body) ?? [];
  try {
    // In a string of double quotes, those of the JSON have a backslash in front.
    const json = text.startsWith('{\\"') ? text.replaceAll('\\"', '"') : text;
    const { errorCode, message, error } = JSON.parse(json) as Record<string, unknown>;
    const words = [message, error].find((one) => typeof one === 'string');
    return words === undefined ? undefined : { code: typeof errorCode === 'string' ? errorCode : '', message: words };
  } catch {
    return undefined;
  }
}

/** Whether a page leads to a Git host by a script, or holds a token: what it says of errors is for later then. */
const goesOn = ({ body }: HttpResponse): boolean => /client_id=|authorization:[\w-]+:success:/.test(body);

/** What a page says in words, whoever made it. */
export function wordsOf(answer: HttpResponse | NetworkError): string {
  if (isNetworkError(answer)) return '';
  const type = answer.headers.get('content-type') ?? '';
  const texts = /html/.test(type)
    ? elementsOf(answer.body, 'h1', 'h2', 'p', 'pre').map(({ text }) => text)
    : /^(?:text\/|application\/(?:[\w.+-]*json))/.test(type)
      ? [answer.body]
      : [];
  const said = texts.map((text) => text.replace(/\s+/g, ' ').trim()).filter(Boolean);
  const title = /html/.test(type) ? elementsOf(answer.body, 'title').map(({ text }) => text.trim()) : [];
  return shown((said.length > 0 ? said : title).slice(0, 3).join(' '));
}

/** Names of hosts that nobody can have (RFC 2606). */
export const isExample = ({ origin }: Server): boolean =>
  /(?:^|\.)example(?:\.com|\.net|\.org)?$/.test(new URL(origin).hostname);

/** Our headers are on every answer, pages and redirects alike. One of them may have been changed on the way. */
export const isThisProduct = ({ headers }: HttpResponse): boolean => {
  const marks = Object.entries(commonHeaders);
  const found = marks.filter(([name, value]) => headers.get(name)?.toLowerCase() === value.toLowerCase());
  return found.length >= marks.length - 1;
};

/** Whether the browser is being sent to a Git host. */
export const isLogin = (next: URL | undefined): boolean => next?.searchParams.has('client_id') ?? false;

/** The code for a page whose origin is not listed. */
export const unlisted = 'UNSUPPORTED_DOMAIN';

/** What the gateway answered, asked without a token. */
export interface GatewayProbe {
  /** Where the CMS would ask it, without a slash at the end. */
  base: string;
  /** Its page for owners, or whatever else is there. */
  page: HttpResponse | NetworkError;
  /** What it says to a CMS that is not logged in. */
  settings: HttpResponse | NetworkError;
  /** Where a gateway of ours is, if it is not at `base` but below. */
  works?: string;
}

/** Whether this is our page at `/git`. */
export const isGatewayPage = (answer: HttpResponse): boolean =>
  isThisProduct(answer) &&
  (elementsOf(answer.body, 'main').some(({ attributes }) => attributes['data-page'] === 'gateway') ||
    // Servers from before there was such a mark.
    elementsOf(answer.body, 'h1').some(({ text }) =>
      /^The gateway(?: is not ready|: nothing is missing)$/.test(text.trim()),
    ));

/** What our page says that editors may change. */
export function writableAt({ body }: HttpResponse): string | undefined {
  return elementsOf(body, 'code').find(({ attributes }) => attributes['data-writable'] !== undefined)?.attributes[
    'data-writable'
  ];
}

/** What our page says is missing. */
export function missingAt({ body }: HttpResponse): string[] {
  const elements = elementsOf(body, 'h2', 'li');
  const marked = elements.filter(({ name, attributes }) => name === 'li' && attributes['data-code'] !== undefined);
  if (marked.length > 0) return marked.map(({ text }) => text.replace(/\s+/g, ' ').trim());
  // Servers from before there was such a mark.
  const first = elements.findIndex(({ name, text }) => name === 'h2' && text.trim() === 'What is missing');
  if (first < 0) return [];
  const rest = elements.slice(first + 1);
  const end = rest.findIndex(({ name }) => name === 'h2');
  return rest.slice(0, end < 0 ? undefined : end).map(({ text }) => text.replace(/\s+/g, ' ').trim());
}

/** The code of a gateway's refusal, if it gives one. */
export function codeOf(answer: HttpResponse | NetworkError): string | undefined {
  if (isNetworkError(answer)) return undefined;
  try {
    const { code } = JSON.parse(answer.body) as { code?: unknown };
    return typeof code === 'string' ? code : undefined;
  } catch {
    return undefined;
  }
}

/** What the Git host tells anybody about the repository. Fields are absent where it did not say. */
export interface RepositoryProbe {
  /** Which one was asked about, as the configuration names it. */
  repo: string;
  branch: string | undefined;
  /** `hidden`: private, or not there. Hosts do not tell the two apart. */
  state: 'public' | 'hidden';
  /** Its name, where it goes by another one now. */
  movedTo?: string;
  isArchived?: boolean;
  defaultBranch?: string;
  /** Whether the host says in words that there is no such branch. */
  lacksBranch?: boolean;
}
