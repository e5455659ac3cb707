import { Failure } from '../http/errors.ts';
import { transactionErrors } from './transaction-errors.ts';
import { clockSkew, lifetime } from '../http/cookies.ts';
import type { CookieStore } from '../http/cookie-store.ts';

// An import would have Node gather every export of the module, WebCrypto with them, at each cold start.
const { createHmac, hash, randomBytes, timingSafeEqual } = process.getBuiltinModule('node:crypto');

/**
 * An authorization transaction is one login or sign-in from its beginning to its end. Nothing of it is kept on the server, and
 * there is no key of the server's to set, rotate or lose: each transaction draws a fresh key, which only the browser that began it
 * holds, in a cookie (cookies.ts). What it sends on its way is a token with a mac by that key:
 *
 *     cookie  __Host-login-<id> = <time>.<key>
 *     token   <id>.<time>.<payload>.<mac>      mac = HMAC(key, purpose + JSON of the binding, payload, time, id)
 *     PKCE verifier = HMAC(key, 'pkce/1' + state), where the state is the token that goes to the provider
 *     nonce         = HMAC(verifier, 'nonce/1')
 *
 * A token that comes back is made anew and compared as a whole. What that stops:
 *
 * - Login CSRF (RFC 9700, 4.7): a callback address made by somebody else finds no cookie of its id in this browser.
 * - Code injection (4.5): the provider hands out tokens only against the verifier, which no address or log ever holds; and an
 *   ID token of another sign-in has another nonce.
 * - Mix-up (4.4) and changed settings: the binding names issuer, client id and redirect URI.
 * - Another addressee: the payload says who gets the outcome.
 * - A token in another's place: each purpose has a name of its own under the mac.
 * - Age: the mac covers the time, so `Max-Age` is mere tidiness.
 * - Two tabs: each transaction has a cookie of its own, so neither can overwrite the other's.
 * - Fixation: a key that arrives in a request is only ever checked against, never used for a new transaction.
 *
 * What remains: somebody who can plant cookies for this very host name can have the victim finish a login that the attacker
 * began. That is script on it; on plain http another program on the same machine; and sub-domains where the cookie cannot
 * have the `__Host-` prefix that keeps them out. And the browser's own user holds the key, and can write any token with it.
 */
export interface Transaction {
  id: string;
  /** In seconds since the epoch, to base 36. */
  time: string;
  key: string;
}

/** What goes to the provider, and what only we know when the browser comes back (`checks` in the OAuth library's words). */
export interface AuthorizationChecks {
  state: string;
  codeVerifier: string;
}

/** What a token is made for: one of another purpose is refused. */
export interface Purpose {
  /** With a version: when a purpose changes, the tokens that are still on their way are not taken for new ones. */
  name: string;
  /** What may be in it: letters, digits, `-`, `_` and `.` only. */
  payload: RegExp;
}

/** What a token holds for. It is under the mac and not in the token: who comes back with another binding has another transaction. */
export type Binding = readonly (string | undefined)[];

const tokenPattern = /^([\w-]{12})\.([0-9a-z]{1,9})\.([\w.-]*)\.[\w-]{43}$/;

/** @returns the transaction and the `Set-Cookie` values that go with it, of which some may clear the oldest of earlier ones */
export function beginTransaction({ cookieStore, now }: { cookieStore: CookieStore; now: number }): {
  transaction: Transaction;
  cookies: string[];
} {
  const random = randomBytes(32 + 9);
  const key = random.toString('base64url', 0, 32);
  const id = random.toString('base64url', 32);
  const time = Math.floor(now / 1000);
  return { transaction: { id, time: time.toString(36), key }, cookies: cookieStore.keep({ id, time, key }) };
}

export const signToken = (
  { id, time, key }: Transaction,
  { name }: Purpose,
  binding: Binding,
  payload: string,
): string => `${id}.${time}.${payload}.${hmac(key, name + JSON.stringify([...binding, payload, time, id]))}`;

/** What is needed to find a transaction: `origin` is our own, for the words about a lost cookie. */
export interface RecallOptions {
  cookieStore: CookieStore;
  origin: string;
  now: number;
}

/**
 * Finds the transaction that a token belongs to.
 *
 * @throws Failure STATE_MISSING, COOKIE_LOST, STATE_MISMATCH, ATTEMPT_EXPIRED
 */
export function recallTransaction(
  token: string | undefined,
  purpose: Purpose,
  binding: Binding,
  { cookieStore, origin, now }: RecallOptions,
): { transaction: Transaction; payload: string } {
  if (!token) throw new Failure(transactionErrors.STATE_MISSING);
  const [, id = '', time = '', payload] = tokenPattern.exec(token) ?? [];
  if (payload === undefined || !purpose.payload.test(payload)) throw new Failure(transactionErrors.STATE_MISMATCH);

  // First, because a cookie of that age is gone, too, and "lost" would be the wrong thing to tell.
  const age = Math.floor(now / 1000) - parseInt(time, 36);
  if (age > lifetime + clockSkew || age < -clockSkew) throw new Failure(transactionErrors.ATTEMPT_EXPIRED);

  const keys = cookieStore.keysOf(id);
  if (keys.length === 0) throw new Failure(transactionErrors.COOKIE_LOST, { origin });
  // Every one is tried: the mac tells which is ours.
  const transactions = keys.map((key) => ({ id, time, key }));
  const transaction = transactions.find((candidate) =>
    sameText(signToken(candidate, purpose, binding, payload), token),
  );
  if (!transaction) throw new Failure(transactionErrors.STATE_MISMATCH);
  return { transaction, payload };
}

/** The payload of a token, whether or not its mac is right: enough to know whom to tell what went wrong, and for nothing else. */
export const payloadOf = (token: string | undefined): string | undefined => tokenPattern.exec(token ?? '')?.[3];

export const checksOf = ({ key }: Transaction, state: string): AuthorizationChecks => ({
  state,
  codeVerifier: hmac(key, `pkce/1${state}`),
});

/** What an ID token has to repeat, so that one of another sign-in is of no use (OpenID Connect Core, 3.1.2.1 and 15.5.2). */
export const nonceOf = ({ codeVerifier }: AuthorizationChecks): string => hmac(codeVerifier, 'nonce/1');

/** The `Set-Cookie` values that end the transactions of these tokens, whether or not their macs are right: each works once. */
export const forgetTransactions = (tokens: readonly string[], cookieStore: CookieStore): string[] =>
  cookieStore.forget(tokens.map((token) => token.split('.', 1)[0] ?? ''));

/** PKCE's S256 (RFC 7636, 4.2). */
export const codeChallenge = (codeVerifier: string): string => hash('sha256', codeVerifier, 'base64url');

/**
 * The key's 43 characters as they stand hold the same 256 bits as the bytes they are made from, and Node 24 takes five times as
 * long for an HMAC whose key is not a string.
 */
const hmac = (key: string, text: string): string => createHmac('sha256', key).update(text).digest('base64url');

/** In constant time, where they are of one length. */
export const sameText = (a: string, b: string): boolean =>
  a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));
