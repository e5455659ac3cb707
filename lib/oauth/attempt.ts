import { Failure } from '../web/errors.ts';
import { oauthErrors } from './errors.ts';
import { clockSkew, lifetime, type Jar } from './cookies.ts';
import { isOrigin } from '../web/origins.ts';
import type { Provider } from '../providers/provider.ts';
import type { Client } from '../settings/settings.ts';

// An import would have Node gather every export of the module, WebCrypto with them, at each cold start.
const { createHash, createHmac, randomBytes, timingSafeEqual } = process.getBuiltinModule('node:crypto');

/**
 * An attempt is one login from its beginning to its end. Nothing of it is kept on the server, and there is no key of the
 * server's to set, rotate or lose: each attempt draws a fresh key, which only the browser that began it holds, in a
 * cookie (cookies.ts).
 *
 *     cookie  __Host-login-<id> = <time>.<key>
 *     proof   <id>.<time>.<refresh>.<mac>           mac = HMAC(key, 'proof/1' + JSON of what goes to the second step)
 *     state   <id>.<time>.<refresh>.<opener>.<mac>  mac = HMAC(key, 'state/2' + JSON of the terms, refresh, opener, time, id)
 *     PKCE verifier = HMAC(key, 'pkce/1' + state)
 *
 * The first step gives out the proof, the second one checks it and makes the state, the callback checks that. Each writes
 * down anew what it was given and compares the whole of it. What that stops:
 *
 * - Login CSRF (RFC 9700, 4.7): a callback address made by somebody else finds no cookie of its id in this browser.
 * - Code injection (4.5): the host hands out tokens only against the verifier, which no address or log ever holds.
 * - Mix-up (4.4) and changed settings: the state's mac covers provider, issuer, client id and redirect URI.
 * - Another addressee: it covers the origin of the page that asked, too, so the token is sent to nobody else.
 * - A way round the first step: without its proof nothing is asked of the host.
 * - Age: both macs cover the time, so `Max-Age` is mere tidiness.
 * - Two tabs: each attempt has a cookie of its own, so neither can overwrite the other's.
 * - Fixation: a key that arrives in a request is only ever checked against, never used for a new attempt.
 *
 * What remains: somebody who can plant cookies for this very host name can have the victim finish a login that the attacker
 * began. That is script on it; on plain http another program on the same machine; and sub-domains where the cookie cannot
 * have the `__Host-` prefix that keeps them out. And the browser's own user can name any origin as the opener's, since the
 * key is theirs: the token then goes to a page on that origin, or nowhere.
 */
export interface Attempt {
  state: string;
  codeVerifier: string;
  /** Whether the login was begun at `/authorize`, whose clients can use a refresh token. */
  wantsRefresh: boolean;
  /** The origin of the page that asked for the login. */
  opener: string;
}

/** What the first step hands to the second through the browser. */
export interface Wish {
  provider: Provider;
  /** What the host is to be asked for, if anything. */
  scope: string | undefined;
}

/** An attempt whose opener has not been judged yet. */
export interface Opening {
  id: string;
  /** In seconds since the epoch, to base 36. */
  time: string;
  refresh: string;
  key: string;
}

const proofPattern = /^([\w-]{12})\.([0-9a-z]{1,9})\.([01])\.[\w-]{43}$/;
const statePattern = /^([\w-]{12})\.([0-9a-z]{1,9})\.([01])\.([\w-]{1,400})\.[\w-]{43}$/;

/** @returns the proof and the `Set-Cookie` values that go with it, of which some may clear the oldest of earlier ones */
export function beginAttempt(
  wish: Wish,
  { jar, wantsRefresh, now }: { jar: Jar; wantsRefresh: boolean; now: number },
): { proof: string; cookies: string[] } {
  const random = randomBytes(32 + 9);
  const key = random.toString('base64url', 0, 32);
  const id = random.toString('base64url', 32);
  const time = Math.floor(now / 1000);
  const opening = { id, time: time.toString(36), refresh: wantsRefresh ? '1' : '0', key };
  return { proof: proofOf(opening, wish), cookies: jar.keep({ id, time, key }) };
}

/** What is needed to find an attempt: `origin` is our own, for the words about a lost cookie. */
interface Seen {
  jar: Jar;
  origin: string;
  now: number;
}

/**
 * Finds the attempt that a proof belongs to.
 *
 * @throws Failure STATE_MISSING, COOKIE_LOST, STATE_MISMATCH, ATTEMPT_EXPIRED
 */
export const recallOpening = (wish: Wish, proof: string | undefined, seen: Seen): Opening =>
  recall(proof, proofPattern, seen, (opening) => proofOf(opening, wish));

/** Goes on with an attempt whose opener has been judged. */
export const bindAttempt = (opening: Opening, client: Client, opener: string): Attempt =>
  attemptOf(opening, stateOf(opening, client, opener), opener);

/**
 * Finds the attempt that a callback's `state` belongs to.
 *
 * @throws Failure STATE_MISSING, COOKIE_LOST, STATE_MISMATCH, ATTEMPT_EXPIRED
 */
export function recallAttempt(client: Client, state: string | undefined, seen: Seen): Attempt {
  const opener = openerOf(state) ?? '';
  const opening = recall(state, statePattern, seen, (found) => stateOf(found, client, opener));
  return attemptOf(opening, state ?? '', opener);
}

/**
 * The opener's origin as a state says it, whether or not the state is a good one: enough to know whom to tell what went wrong.
 *
 * @returns undefined where there is none that a message can be sent to
 */
export function openerOf(state: string | undefined): string | undefined {
  const [, , , , opener] = statePattern.exec(state ?? '') ?? [];
  const origin = Buffer.from(opener ?? '', 'base64url').toString();
  return isOrigin(origin) ? origin : undefined;
}

function recall(
  text: string | undefined,
  pattern: RegExp,
  { jar, origin, now }: Seen,
  rewrite: (opening: Opening) => string,
): Opening {
  if (!text) throw new Failure(oauthErrors.STATE_MISSING);
  const [, id, time, refresh] = pattern.exec(text) ?? [];
  if (!id || !time || !refresh) throw new Failure(oauthErrors.STATE_MISMATCH);

  // First, because a cookie of that age is gone, too, and "lost" would be the wrong thing to tell.
  const age = Math.floor(now / 1000) - parseInt(time, 36);
  if (age > lifetime + clockSkew || age < -clockSkew) throw new Failure(oauthErrors.ATTEMPT_EXPIRED);

  const keys = jar.keysOf(id);
  if (keys.length === 0) throw new Failure(oauthErrors.COOKIE_LOST, { origin });
  // Every one is tried: the mac tells which is ours.
  const openings = keys.map((key) => ({ id, time, refresh, key }));
  const opening = openings.find((candidate) => sameText(rewrite(candidate), text));
  if (!opening) throw new Failure(oauthErrors.STATE_MISMATCH);
  return opening;
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

const proofOf = ({ id, time, refresh, key }: Opening, { provider, scope }: Wish): string =>
  `${id}.${time}.${refresh}.${hmac(key, `proof/1${JSON.stringify([provider.id, scope, refresh, time, id])}`)}`;

function stateOf({ id, time, refresh, key }: Opening, client: Client, opener: string): string {
  const { provider, issuer, clientId, redirectUri } = client;
  const terms = JSON.stringify([provider.id, issuer, clientId, redirectUri, refresh, opener, time, id]);
  return `${id}.${time}.${refresh}.${Buffer.from(opener).toString('base64url')}.${hmac(key, `state/2${terms}`)}`;
}

const attemptOf = ({ key, refresh }: Opening, state: string, opener: string): Attempt => ({
  state,
  codeVerifier: hmac(key, `pkce/1${state}`),
  wantsRefresh: refresh === '1',
  opener,
});

/** In constant time, where they are of one length. */
const sameText = (a: string, b: string): boolean =>
  a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));
