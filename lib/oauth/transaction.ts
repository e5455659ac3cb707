import { Failure } from '../http/errors.ts';
import { oauthErrors } from './errors.ts';
import { clockSkew, lifetime, type CookieStore } from './cookies.ts';

// An import would have Node gather every export of the module, WebCrypto with them, at each cold start.
const { createHash, createHmac, randomBytes, timingSafeEqual } = process.getBuiltinModule('node:crypto');

/**
 * An attempt is one login or sign-in from its beginning to its end. Nothing of it is kept on the server, and there is no key
 * of the server's to set, rotate or lose: each attempt draws a fresh key, which only the browser that began it holds, in a
 * cookie (cookies.ts). What it sends on its way carries a mac by that key:
 *
 *     cookie  __Host-login-<id> = <time>.<key>
 *     ticket  <id>.<time>.<carried>.<mac>      mac = HMAC(key, kind + JSON of the terms, carried, time, id)
 *     PKCE verifier = HMAC(key, 'pkce/1' + state), where the state is the ticket that goes to the provider
 *     nonce         = HMAC(verifier, 'nonce/1')
 *
 * Whoever gets a ticket back writes it down anew and compares the whole of it. What that stops:
 *
 * - Login CSRF (RFC 9700, 4.7): a callback address made by somebody else finds no cookie of its id in this browser.
 * - Code injection (4.5): the provider hands out tokens only against the verifier, which no address or log ever holds; and an
 *   ID token of another sign-in has another nonce.
 * - Mix-up (4.4) and changed settings: the terms name issuer, client id and redirect URI.
 * - Another addressee: the carried text says who gets the outcome.
 * - A ticket in another's place: each kind has a name of its own under the mac.
 * - Age: the mac covers the time, so `Max-Age` is mere tidiness.
 * - Two tabs: each attempt has a cookie of its own, so neither can overwrite the other's.
 * - Fixation: a key that arrives in a request is only ever checked against, never used for a new attempt.
 *
 * What remains: somebody who can plant cookies for this very host name can have the victim finish a login that the attacker
 * began. That is script on it; on plain http another program on the same machine; and sub-domains where the cookie cannot
 * have the `__Host-` prefix that keeps them out. And the browser's own user holds the key, and can write any ticket with it.
 */
export interface Attempt {
  id: string;
  /** In seconds since the epoch, to base 36. */
  time: string;
  key: string;
}

/** What goes to the provider, and what only we can say when the browser comes back. */
export interface Bound {
  state: string;
  codeVerifier: string;
}

/** A kind of ticket. */
export interface Kind {
  /** With a version: whatever is changed about a kind, those that are on their way are not taken for the new ones. */
  name: string;
  /** What is carried: letters, digits, `-`, `_` and `.` only. */
  carried: RegExp;
}

/** What a ticket is for. It is not written on it: whoever comes back to other terms comes back from another attempt. */
export type Terms = readonly (string | undefined)[];

const ticketPattern = /^([\w-]{12})\.([0-9a-z]{1,9})\.([\w.-]*)\.[\w-]{43}$/;

/** @returns the attempt and the `Set-Cookie` values that go with it, of which some may clear the oldest of earlier ones */
export function beginAttempt({ cookieStore, now }: { cookieStore: CookieStore; now: number }): {
  attempt: Attempt;
  cookies: string[];
} {
  const random = randomBytes(32 + 9);
  const key = random.toString('base64url', 0, 32);
  const id = random.toString('base64url', 32);
  const time = Math.floor(now / 1000);
  return { attempt: { id, time: time.toString(36), key }, cookies: cookieStore.keep({ id, time, key }) };
}

export const ticketOf = ({ id, time, key }: Attempt, { name }: Kind, terms: Terms, carried: string): string =>
  `${id}.${time}.${carried}.${hmac(key, name + JSON.stringify([...terms, carried, time, id]))}`;

/** What is needed to find an attempt: `origin` is our own, for the words about a lost cookie. */
export interface Seen {
  cookieStore: CookieStore;
  origin: string;
  now: number;
}

/**
 * Finds the attempt that a ticket belongs to.
 *
 * @throws Failure STATE_MISSING, COOKIE_LOST, STATE_MISMATCH, ATTEMPT_EXPIRED
 */
export function recallAttempt(
  ticket: string | undefined,
  kind: Kind,
  terms: Terms,
  { cookieStore, origin, now }: Seen,
): { attempt: Attempt; carried: string } {
  if (!ticket) throw new Failure(oauthErrors.STATE_MISSING);
  const [, id, time, carried] = ticketPattern.exec(ticket) ?? [];
  if (!id || !time || carried === undefined || !kind.carried.test(carried))
    throw new Failure(oauthErrors.STATE_MISMATCH);

  // First, because a cookie of that age is gone, too, and "lost" would be the wrong thing to tell.
  const age = Math.floor(now / 1000) - parseInt(time, 36);
  if (age > lifetime + clockSkew || age < -clockSkew) throw new Failure(oauthErrors.ATTEMPT_EXPIRED);

  const keys = cookieStore.keysOf(id);
  if (keys.length === 0) throw new Failure(oauthErrors.COOKIE_LOST, { origin });
  // Every one is tried: the mac tells which is ours.
  const attempts = keys.map((key) => ({ id, time, key }));
  const attempt = attempts.find((candidate) => sameText(ticketOf(candidate, kind, terms, carried), ticket));
  if (!attempt) throw new Failure(oauthErrors.STATE_MISMATCH);
  return { attempt, carried };
}

/** What a ticket carries, whether or not it is a good one: enough to know whom to tell what went wrong, and for nothing else. */
export const carriedBy = (ticket: string | undefined): string | undefined => ticketPattern.exec(ticket ?? '')?.[3];

export const bind = ({ key }: Attempt, state: string): Bound => ({ state, codeVerifier: hmac(key, `pkce/1${state}`) });

/** What an ID token has to repeat, so that one of another sign-in is of no use (OpenID Connect Core, 3.1.2.1 and 15.5.2). */
export const nonceOf = ({ codeVerifier }: Bound): string => hmac(codeVerifier, 'nonce/1');

/** The `Set-Cookie` values that end the attempts of these tickets, whether or not they are good ones: each works once. */
export const forgetAttempts = (tickets: readonly string[], cookieStore: CookieStore): string[] =>
  cookieStore.forget(tickets.map((ticket) => ticket.split('.', 1)[0] ?? ''));

/** PKCE's S256 (RFC 7636, 4.2). */
export const codeChallenge = (codeVerifier: string): string =>
  createHash('sha256').update(codeVerifier).digest('base64url');

/**
 * The key's 43 characters as they stand hold the same 256 bits as the bytes they are made from, and Node 24 takes five times as
 * long for an HMAC whose key is not a string.
 */
const hmac = (key: string, text: string): string => createHmac('sha256', key).update(text).digest('base64url');

/** In constant time, where they are of one length. */
export const sameText = (a: string, b: string): boolean =>
  a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));
