import { Failure } from '../web/errors.ts';
import { oauthErrors } from './errors.ts';
import { clockSkew, lifetime, type Jar } from './cookies.ts';
import type { Client } from '../settings/settings.ts';

// An import would have Node gather every export of the module, WebCrypto with them, at each cold start.
const { createHash, createHmac, randomBytes, timingSafeEqual } = process.getBuiltinModule('node:crypto');

/**
 * An attempt is one login from its beginning to its end. Nothing of it is kept on the server, and there is no key of the
 * server's to set, rotate or lose: each attempt draws a fresh key, which only the browser that began it holds, in a
 * cookie (cookies.ts).
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
 * What remains: somebody who can plant cookies for this very host name can have the victim finish a login that the attacker
 * began. That is script on it; on plain http another program on the same machine; and sub-domains where the cookie cannot
 * have the `__Host-` prefix that keeps them out.
 */
export interface Attempt {
  state: string;
  codeVerifier: string;
  /** Whether the login was begun at `/authorize`, whose clients can use a refresh token. */
  wantsRefresh: boolean;
}

const statePattern = /^([\w-]{12})\.([0-9a-z]{1,9})\.([01])\.([\w-]{43})$/;

/** @returns the attempt and the `Set-Cookie` values that go with it, of which some may clear the oldest of earlier ones */
export function beginAttempt(
  client: Client,
  { jar, wantsRefresh, now }: { jar: Jar; wantsRefresh: boolean; now: number },
): { attempt: Attempt; cookies: string[] } {
  const random = randomBytes(32 + 9);
  const key = random.toString('base64url', 0, 32);
  const id = random.toString('base64url', 32);
  const time = Math.floor(now / 1000);
  const unsigned = `${id}.${time.toString(36)}.${wantsRefresh ? 1 : 0}`;
  const state = `${unsigned}.${stateMac(key, client, unsigned)}`;
  return {
    attempt: { state, codeVerifier: verifier(key, state), wantsRefresh },
    cookies: jar.keep({ id, time, key }),
  };
}

/**
 * Finds the attempt that a callback's `state` belongs to.
 *
 * @param origin our own, for the words about a lost cookie
 * @throws Failure STATE_MISSING, COOKIE_LOST, STATE_MISMATCH, ATTEMPT_EXPIRED
 */
export function recallAttempt(
  client: Client,
  state: string | undefined,
  { jar, origin, now }: { jar: Jar; origin: string; now: number },
): Attempt {
  if (!state) throw new Failure(oauthErrors.STATE_MISSING);
  const [, id, time, refresh, mac] = statePattern.exec(state) ?? [];
  if (!id || !time || !refresh || !mac) throw new Failure(oauthErrors.STATE_MISMATCH);

  // First, because a cookie of that age is gone, too, and "lost" would be the wrong thing to tell.
  const age = Math.floor(now / 1000) - parseInt(time, 36);
  if (age > lifetime + clockSkew || age < -clockSkew) throw new Failure(oauthErrors.ATTEMPT_EXPIRED);

  const keys = jar.keysOf(id);
  if (keys.length === 0) throw new Failure(oauthErrors.COOKIE_LOST, { origin });
  // Every one is tried: the mac tells which is ours.
  const key = keys.find((candidate) => sameText(stateMac(candidate, client, `${id}.${time}.${refresh}`), mac));
  if (!key) throw new Failure(oauthErrors.STATE_MISMATCH);
  return { state, codeVerifier: verifier(key, state), wantsRefresh: refresh === '1' };
}

/** The `Set-Cookie` values that end the attempts of these `state`s, whether or not they are good ones: each works once. */
export const forgetAttempts = (states: readonly string[], jar: Jar): string[] =>
  jar.forget(states.map((state) => state.split('.', 1)[0] ?? ''));

/** PKCE's S256 (RFC 7636, 4.2). */
export const codeChallenge = (codeVerifier: string): string =>
  createHash('sha256').update(codeVerifier).digest('base64url');

/**
 * The key's 43 characters as they stand hold the same 256 bits as the bytes they are made from, and Node 24 takes five times as
 * long for an HMAC whose key is not a string.
 */
const hmac = (key: string, text: string): string => createHmac('sha256', key).update(text).digest('base64url');

const verifier = (key: string, state: string): string => hmac(key, `pkce/1${state}`);

function stateMac(key: string, client: Client, unsigned: string): string {
  const [id, time, refresh] = unsigned.split('.');
  const { provider, issuer, clientId, redirectUri } = client;
  return hmac(key, `state/1${JSON.stringify([provider.id, issuer, clientId, redirectUri, refresh, time, id])}`);
}

/** In constant time. Both are of one length here: the pattern and the digest see to it. */
const sameText = (a: string, b: string): boolean => timingSafeEqual(Buffer.from(a), Buffer.from(b));
