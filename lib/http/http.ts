import { Failure, webErrors } from './errors.ts';
import type { Platform } from './platform.ts';

/**
 * What a request and a reply are in here: plain data.
 *
 * Not the web's `Request` and `Response`: the first touch of those classes loads Node's whole fetch stack, which costs
 * every cold start 35 to 55 ms of CPU and 11 MiB, and beginning a login needs none of it. A platform's shell turns its
 * own event into an `HttpRequest` (`toRequest`) and an `HttpReply` into its own answer (`toReply`).
 */
export interface HttpRequest {
  method: string;
  /** The path as it was asked for, not decoded, without query: `/auth/github/callback`. */
  path: string;
  /** The query as it was sent, without `?`: some clients do not encode it, and a `+` may mean a plus. */
  query: string;
  /** Lower-case names. Repeated headers are joined as HTTP joins them; cookies with `; `. */
  headers: Readonly<Record<string, string | undefined>>;
  /** The bytes of the body, decoded from whatever the platform made of them; asked for only where a body is expected. */
  body?: (() => AsyncIterable<Uint8Array> | Iterable<Uint8Array>) | undefined;
  platform: Platform;
}

export interface HttpReply {
  status: number;
  /** Lower-case names; never `set-cookie`. */
  headers: Record<string, string>;
  /** One complete `Set-Cookie` value each. They must never be merged into one header. */
  cookies: string[];
  /** Bytes where they are a Git host's, passed on as they came; a stream where more of them are still to come. */
  body: string | Uint8Array | ReadableStream<Uint8Array>;
  /** Of a stream: that it has ended. The line in the log waits for it. @throws Failure, if it broke off */
  ended?: Promise<void>;
}

/** Not by its class, whose first touch loads Node's web streams. */
export const isStream = (body: HttpReply['body']): body is ReadableStream<Uint8Array> =>
  typeof body === 'object' && 'getReader' in body;

/** A reply of our own making. */
export interface TextReply extends HttpReply {
  body: string;
}

/** Its reply belongs to whoever called it, who may change it. */
export type Handler = (request: HttpRequest) => Promise<HttpReply>;

/**
 * On every answer of ours. `Cross-Origin-Opener-Policy` counts on redirects too: any value but `unsafe-none`, such as
 * the `same-origin` of usual "secure headers" presets, cuts the popup off from the CMS that opened it. `private` is for
 * Firebase Hosting, which drops `Set-Cookie` without it.
 */
export const commonHeaders = {
  'cache-control': 'private, no-store',
  'cross-origin-opener-policy': 'unsafe-none',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
} as const;

/** 302, never 301 or 307: a cached redirect would replay an old `state` (RFC 9700, 4.12). */
export const redirect = (location: string): TextReply => ({
  status: 302,
  headers: { location, ...commonHeaders },
  cookies: [],
  body: '',
});

/** RFC 6749, 5.1 wants `no-store` for tokens; it is on every answer of ours. */
export const json = (status: number, value: object): TextReply => ({
  status,
  headers: { 'content-type': 'application/json; charset=utf-8', ...commonHeaders },
  cookies: [],
  body: JSON.stringify(value),
});

/** A path without what stands in front of ours. Some proxies take that away before the request gets here, others leave it. */
export const withoutPrefix = (path: string, prefix: string): string =>
  prefix !== '' && path.startsWith(`${prefix}/`) ? path.slice(prefix.length) : path;

/**
 * A login in a frame or ahead of time is somebody else's idea, not the editor's. Old browsers send neither header.
 *
 * @param path of all that logins need, for the words
 * @throws Failure NAVIGATION_ONLY
 */
export function refuseUnlessNavigation({ headers }: HttpRequest, path: string): void {
  const destination = headers['sec-fetch-dest'] ?? 'document';
  if (destination !== 'document' || headers['sec-purpose']?.includes('prefetch'))
    throw new Failure(webErrors.NAVIGATION_ONLY, { path });
}

/**
 * Parameters of a query, none of which may come twice (RFC 6749, 3.1): two readers might each believe another one.
 *
 * @throws Failure BAD_REQUEST
 */
export function singleParameters<Name extends string>(
  parameters: URLSearchParams,
  names: readonly Name[],
): Record<Name, string | undefined> {
  const values = {} as Record<Name, string | undefined>;
  for (const name of names) {
    const given = parameters.getAll(name);
    if (given.length > 1) throw new Failure(webErrors.BAD_REQUEST, { detail: `"${name}" is given twice` });
    values[name] = given[0];
  }
  return values;
}

/**
 * Reads a request's body, for no longer than the deadline and no further than the limit: somebody who sends byte by byte, or
 * without an end, gets no more of our time and memory than a Git host does.
 *
 * @param limits `limit` in bytes, `deadline` in milliseconds since the epoch
 * @returns undefined if the body is larger than the limit
 * @throws Failure BAD_REQUEST if it breaks off or does not arrive in time
 */
export async function readBody(
  { body }: HttpRequest,
  { limit, deadline }: { limit: number; deadline: number },
): Promise<Buffer | undefined> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  let stopped = false;
  let timer;
  const late = new Promise<never>((_, reject) => {
    const refuse = () => reject(new Failure(webErrors.BAD_REQUEST, { detail: 'its body did not arrive in time' }));
    timer = setTimeout(refuse, deadline - Date.now());
  });
  const read = async (): Promise<Buffer | undefined> => {
    for await (const chunk of body?.() ?? []) {
      // To leave the loop ends the stream: nothing is read on behind an answer. A read that is under way when time runs out
      // cannot be called back; it is for one more piece, which is dropped.
      if (stopped || (size += chunk.length) > limit) return undefined;
      chunks.push(chunk);
    }
    // Most platforms hand it over in one piece, which may be large: it is not copied.
    const [only] = chunks;
    return chunks.length === 1 && Buffer.isBuffer(only) ? only : Buffer.concat(chunks);
  };
  try {
    return await Promise.race([read(), late]);
  } catch (error) {
    throw error instanceof Failure
      ? error
      : new Failure(webErrors.BAD_REQUEST, { detail: 'its body broke off' }, { cause: error });
  } finally {
    stopped = true;
    clearTimeout(timer);
  }
}
