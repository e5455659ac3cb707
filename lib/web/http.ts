import { LoginError } from './errors.ts';
import type { ParameterStore } from '../settings/store.ts';

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
  /** The body as text, decoded from whatever the platform made of it; read only where one is expected. */
  body?: (() => Promise<string>) | undefined;
  platform: Platform;
}

/** What only the platform knows or can do. Everything is optional: a platform says what it has. */
export interface Platform {
  /** Our own address as the platform itself knows it (never from a request header); `CMS_AUTH_URL` overrides it. */
  url?: string | undefined;
  /** Its name for this request, for the log. */
  requestId?: string | undefined;
  /** Whether it lets no cookie through but `__session`. */
  sessionCookieOnly?: boolean;
  /** What to say where a setting is missing: how one gets lost on this platform. */
  adviceOnMissing?: string;
  /** Where the values of `ssm:` settings are; opened only when there is one. Elsewhere such settings are refused. */
  openParameterStore?: (() => Promise<ParameterStore>) | undefined;
}

export interface HttpReply {
  status: number;
  /** Lower-case names; never `set-cookie`. */
  headers: Record<string, string>;
  /** One complete `Set-Cookie` value each. They must never be merged into one header. */
  cookies: string[];
  body: string;
}

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
export const redirect = (location: string): HttpReply => ({
  status: 302,
  headers: { ...commonHeaders, location },
  cookies: [],
  body: '',
});

/**
 * Parameters of a query, none of which may come twice (RFC 6749, 3.1): two readers might each believe another one.
 *
 * @throws LoginError BAD_REQUEST
 */
export function singleParameters<Name extends string>(
  parameters: URLSearchParams,
  names: readonly Name[],
): Record<Name, string | undefined> {
  const values = {} as Record<Name, string | undefined>;
  for (const name of names) {
    const given = parameters.getAll(name);
    if (given.length > 1) throw new LoginError('BAD_REQUEST', { detail: `"${name}" is given twice` });
    values[name] = given[0];
  }
  return values;
}
