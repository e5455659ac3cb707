import { LoginError } from './errors.ts';
import type { Address, Client } from './settings.ts';

// An import would have Node gather every export of the module, WebCrypto with them, at each cold start.
const { createHash, createHmac, randomBytes, timingSafeEqual } = process.getBuiltinModule('node:crypto');

/**
 * An attempt is one login from its beginning to its end. Nothing of it is kept on the server, and there is no key of the
 * server's to set, rotate or lose: each attempt draws a fresh key, which only the browser that began it holds, in a
 * cookie of its own.
 *
 *     cookie  __Host-login-<id> = <time>.<key>
 *     state   <id>.<time>.<refresh>.<mac>      mac = HMAC(key, 'state/1' + JSON of the terms, refresh, time, id)
 *     PKCE verifier = HMAC(key, 'pkce/1' + state)
 *
 * The callback recomputes both from the cookie. What that stops:
 *
 * - Login CSRF (RFC 9700, 4.7): a callback address made by somebody else finds no cookie of its id in this browser.
 * - Code injection (4.5): the host hands out tokens only against the verifier, which no address or log ever holds.
 * - Mix-up (4.4) and changed settings: the mac covers provider, issuer, client id and redirect URI.
 * - Age: the mac covers the time, so `Max-Age` is mere tidiness.
 * - Two tabs: each attempt has a cookie of its own, so neither can overwrite the other's.
 * - Fixation: a key that arrives in a request is only ever checked against, never used for a new attempt.
 *
 * What remains: somebody who can plant cookies for this very host name (script on it, or on plain http another program
 * on the same machine; the `__Host-` prefix keeps sub-domains out) can have the victim finish a login that the attacker began.
 */
export interface Attempt {
  state: string;
  codeVerifier: string;
  /** Whether the login was begun at `/authorize`, whose clients can use a refresh token. */
  wantsRefresh: boolean;
}

const lifetime = 600; // seconds; codes of GitHub and GitLab live as long
const clockSkew = 60; // seconds, between two instances of us
const parallelLogins = 5;

const idPattern = /^[A-Za-z0-9_-]{12}$/;
const statePattern = /^([A-Za-z0-9_-]{12})\.([0-9a-z]{1,9})\.([01])\.([A-Za-z0-9_-]{43})$/;
const cookiePattern = /^([0-9a-z]{1,9})\.([A-Za-z0-9_-]{43})$/;

/** @returns the attempt and the `Set-Cookie` values that go with it, of which some may clear the oldest of earlier ones */
export function beginAttempt(
  client: Client,
  {
    address,
    cookieHeader,
    wantsRefresh,
    now,
  }: { address: Address; cookieHeader: string; wantsRefresh: boolean; now: number },
): { attempt: Attempt; cookies: string[] } {
  const random = randomBytes(32 + 9);
  const key = random.toString('base64url', 0, 32);
  const id = random.toString('base64url', 32);
  const time = Math.floor(now / 1000).toString(36);
  const unsigned = `${id}.${time}.${wantsRefresh ? 1 : 0}`;
  const state = `${unsigned}.${stateMac(key, client, unsigned)}`;
  return {
    attempt: { state, codeVerifier: verifier(key, state), wantsRefresh },
    cookies: [
      ...oldestBeyondLimit(cookieHeader, address).map((name) => setCookie(address, name, '', 0)),
      setCookie(address, cookieName(address, id), `${time}.${key}`, lifetime),
    ],
  };
}

/**
 * Finds the attempt that a callback's `state` belongs to.
 *
 * @throws LoginError STATE_MISSING, COOKIE_LOST, STATE_MISMATCH, ATTEMPT_EXPIRED
 */
export function recallAttempt(
  client: Client,
  state: string | undefined,
  { address, cookieHeader, now }: { address: Address; cookieHeader: string; now: number },
): Attempt {
  if (!state) throw new LoginError('STATE_MISSING');
  const [, id, time, refresh, mac] = statePattern.exec(state) ?? [];
  if (!id || !time || !refresh || !mac) throw new LoginError('STATE_MISMATCH');

  // First, because a cookie of that age is gone, too, and "lost" would be the wrong thing to tell.
  const age = Math.floor(now / 1000) - parseInt(time, 36);
  if (age > lifetime + clockSkew || age < -clockSkew) throw new LoginError('ATTEMPT_EXPIRED');

  // A page on another port of localhost, or a sub-domain where there is no prefix, can add a cookie of the same name, and
  // which of the two comes first is up to the browser. So every well-formed one is tried: the mac tells which is ours.
  const keys = cookiesNamed(cookieHeader, cookieName(address, id)).flatMap(
    (value) => cookiePattern.exec(value)?.[2] ?? [],
  );
  if (keys.length === 0) throw new LoginError('COOKIE_LOST', { origin: address.origin });
  const key = keys.find((candidate) => sameText(stateMac(candidate, client, `${id}.${time}.${refresh}`), mac));
  if (!key) throw new LoginError('STATE_MISMATCH');
  return { state, codeVerifier: verifier(key, state), wantsRefresh: refresh === '1' };
}

/** The `Set-Cookie` values that end the attempt of a `state`, whether or not it is a good one: each works once. */
export function forgetAttempt(state: string | undefined, address: Address): string[] {
  const id = state?.split('.', 1)[0] ?? '';
  return idPattern.test(id) ? [setCookie(address, cookieName(address, id), '', 0)] : [];
}

/** PKCE's S256 (RFC 7636, 4.2). */
export const codeChallenge = (codeVerifier: string): string =>
  createHash('sha256').update(codeVerifier).digest('base64url');

const hmac = (key: string, text: string): string =>
  createHmac('sha256', Buffer.from(key, 'base64url')).update(text).digest('base64url');

const verifier = (key: string, state: string): string => hmac(key, `pkce/1${state}`);

function stateMac(key: string, client: Client, unsigned: string): string {
  const [id, time, refresh] = unsigned.split('.');
  const { provider, issuer, clientId, redirectUri } = client;
  return hmac(key, `state/1${JSON.stringify([provider.id, issuer, clientId, redirectUri, refresh, time, id])}`);
}

/** In constant time. Both are of one length here: the pattern and the digest see to it. */
const sameText = (a: string, b: string): boolean => timingSafeEqual(Buffer.from(a), Buffer.from(b));

/** `__Host-` keeps cookies of sub-domains out; on http loopback it goes, because Safari drops it (and `Secure`) there. */
const prefix = (address: Address): string => (address.secure ? '__Host-login-' : 'login-');
const cookieName = (address: Address, id: string): string => prefix(address) + id;

/** `Lax`, because the host's redirect back to us comes from another site, where `Strict` cookies stay away. */
const setCookie = (address: Address, name: string, value: string, maxAge: number): string =>
  `${name}=${value}; Path=/; Max-Age=${maxAge}; HttpOnly; SameSite=Lax${address.secure ? '; Secure' : ''}`;

const parseCookies = (header: string): { name: string; value: string }[] =>
  header.split(';').flatMap((pair) => {
    const equals = pair.indexOf('=');
    return equals < 0 ? [] : [{ name: pair.slice(0, equals).trim(), value: pair.slice(equals + 1).trim() }];
  });

const cookiesNamed = (header: string, name: string): string[] =>
  parseCookies(header).flatMap((cookie) => (cookie.name === name ? cookie.value : []));

/** Logins that were given up leave their cookies behind; without a limit they would outgrow what platforms accept. */
function oldestBeyondLimit(header: string, address: Address): string[] {
  // By name, since a planted copy of a live login's cookie must neither count nor make it look older than it is.
  const newest = new Map<string, number>();
  for (const { name, value } of parseCookies(header)) {
    if (!name.startsWith(prefix(address)) || !idPattern.test(name.slice(prefix(address).length))) continue;
    const time = parseInt(cookiePattern.exec(value)?.[1] ?? '0', 36);
    newest.set(name, Math.max(time, newest.get(name) ?? 0));
  }
  return [...newest]
    .sort(([, a], [, b]) => b - a)
    .slice(parallelLogins)
    .slice(0, 20) // so that planted cookies cannot make our answer as large as the request
    .map(([name]) => name);
}
