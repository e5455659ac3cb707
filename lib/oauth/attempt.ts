import { Failure } from '../web/errors.ts';
import { oauthErrors } from './errors.ts';
import { clockSkew, lifetime, type Jar } from './cookies.ts';

// An import would have Node gather every export of the module, WebCrypto with them, at each cold start.
const { createHash, createHmac, randomBytes, timingSafeEqual } = process.getBuiltinModule('node:crypto');

/**
 * An attempt is one login or sign-in from its beginning to its end. Nothing of it is kept on the server, and there is no key
 * of the server's to set, rotate or lose: each attempt draws a fresh key, which only the browser that began it holds, in a
 * cookie (cookies.ts).
 *
 *     cookie  __Host-login-<id> = <time>.<key>
 *     state   <id>.<time>.<carried>.<mac>      mac = HMAC(key, 'state/2' + JSON of the terms, carried, time, id)
 *     PKCE verifier = HMAC(key, 'pkce/1' + state)
 *     nonce         = HMAC(verifier, 'nonce/1')
 *
 * The callback recomputes all of them from the cookie. What that stops:
 *
 * - Login CSRF (RFC 9700, 4.7): a callback address made by somebody else finds no cookie of its id in this browser.
 * - Code injection (4.5): the host hands out tokens only against the verifier, which no address or log ever holds; and an ID
 *   token that was made for another sign-in has another nonce.
 * - Mix-up (4.4) and changed settings: the mac covers the terms, which name provider, issuer, client id and redirect URI.
 * - Age: the mac covers the time, so `Max-Age` is mere tidiness.
 * - Two tabs: each attempt has a cookie of its own, so neither can overwrite the other's.
 * - Fixation: a key that arrives in a request is only ever checked against, never used for a new attempt.
 *
 * What remains: somebody who can plant cookies for this very host name can have the victim finish a login that the attacker
 * began. That is script on it; on plain http another program on the same machine; and sub-domains where the cookie cannot
 * have the `__Host-` prefix that keeps them out.
 */
export interface Attempt {
  state: string;
  codeVerifier: string;
  /** What travels in the state, for all to read, and cannot be changed on the way. */
  carried: string;
}

/** What the attempt is for: whoever comes back with other terms, comes back from another attempt. */
export type Terms = readonly (string | undefined)[];

const statePattern = /^([\w-]{12})\.([0-9a-z]{1,9})\.([\w.-]*)\.([\w-]{43})$/;

/**
 * @param carried letters, digits, `-`, `_` and `.` only
 * @returns the attempt and the `Set-Cookie` values that go with it, of which some may clear the oldest of earlier ones
 */
export function beginAttempt(
  terms: Terms,
  { carried, jar, now }: { carried: string; jar: Jar; now: number },
): { attempt: Attempt; cookies: string[] } {
  const random = randomBytes(32 + 9);
  const key = random.toString('base64url', 0, 32);
  const id = random.toString('base64url', 32);
  const time = Math.floor(now / 1000);
  const mac = stateMac(key, terms, carried, time.toString(36), id);
  const state = `${id}.${time.toString(36)}.${carried}.${mac}`;
  return { attempt: attemptOf(key, state, carried), cookies: jar.keep({ id, time, key }) };
}

/**
 * Finds the attempt that a callback's `state` belongs to.
 *
 * @param origin our own, for the words about a lost cookie
 * @throws Failure STATE_MISSING, COOKIE_LOST, STATE_MISMATCH, ATTEMPT_EXPIRED
 */
export function recallAttempt(
  terms: Terms,
  state: string | undefined,
  { jar, origin, now }: { jar: Jar; origin: string; now: number },
): Attempt {
  if (!state) throw new Failure(oauthErrors.STATE_MISSING);
  const [, id, time, carried, mac] = statePattern.exec(state) ?? [];
  if (!id || !time || carried === undefined || !mac) throw new Failure(oauthErrors.STATE_MISMATCH);

  // First, because a cookie of that age is gone, too, and "lost" would be the wrong thing to tell.
  const age = Math.floor(now / 1000) - parseInt(time, 36);
  if (age > lifetime + clockSkew || age < -clockSkew) throw new Failure(oauthErrors.ATTEMPT_EXPIRED);

  const keys = jar.keysOf(id);
  if (keys.length === 0) throw new Failure(oauthErrors.COOKIE_LOST, { origin });
  // Every one is tried: the mac tells which is ours.
  const key = keys.find((candidate) => sameText(stateMac(candidate, terms, carried, time, id), mac));
  if (!key) throw new Failure(oauthErrors.STATE_MISMATCH);
  return attemptOf(key, state, carried);
}

/** What a `state` carries, whether or not it is a good one: to be believed in nothing. */
export const carriedBy = (state: string | undefined): string | undefined => statePattern.exec(state ?? '')?.[3];

/** The `Set-Cookie` values that end the attempts of these `state`s, whether or not they are good ones: each works once. */
export const forgetAttempts = (states: readonly string[], jar: Jar): string[] =>
  jar.forget(states.map((state) => state.split('.', 1)[0] ?? ''));

/** PKCE's S256 (RFC 7636, 4.2). */
export const codeChallenge = (codeVerifier: string): string =>
  createHash('sha256').update(codeVerifier).digest('base64url');

/** What an ID token has to repeat, so that one of another sign-in is of no use (OpenID Connect Core, 3.1.2.1 and 15.5.2). */
export const nonceOf = ({ codeVerifier }: Attempt): string => hmac(codeVerifier, 'nonce/1');

const attemptOf = (key: string, state: string, carried: string): Attempt => ({
  state,
  codeVerifier: hmac(key, `pkce/1${state}`),
  carried,
});

/**
 * The key's 43 characters as they stand hold the same 256 bits as the bytes they are made from, and Node 24 takes five times as
 * long for an HMAC whose key is not a string.
 */
const hmac = (key: string, text: string): string => createHmac('sha256', key).update(text).digest('base64url');

const stateMac = (key: string, terms: Terms, carried: string, time: string, id: string): string =>
  hmac(key, `state/2${JSON.stringify([...terms, carried, time, id])}`);

/** In constant time. Both are of one length here: the pattern and the digest see to it. */
export const sameText = (a: string, b: string): boolean => timingSafeEqual(Buffer.from(a), Buffer.from(b));
