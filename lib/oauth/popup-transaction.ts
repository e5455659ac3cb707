import {
  beginAttempt,
  bind,
  carriedBy,
  recallAttempt,
  ticketOf,
  type Attempt,
  type Bound,
  type Kind,
  type Seen,
} from './transaction.ts';
import { isOrigin } from '../http/origins.ts';
import type { CookieStore } from './cookies.ts';
import type { Client } from '../config/settings.ts';

/** A login in a popup, from its beginning to its end, and what has to be remembered of it on the way. */
export interface Login extends Bound {
  /** Whether it was begun at `/authorize`, whose clients can use a refresh token. */
  wantsRefresh: boolean;
  /** The origin of the page that asked for it, and that alone is told how it ended. */
  opener: string;
}

/** A login whose opener has not been judged yet. */
export interface Opening {
  attempt: Attempt;
  wantsRefresh: boolean;
}

/** What the first step asks the second one to do. */
export interface Wish {
  provider: { id: string };
  /** What the host is to be asked for, if anything. */
  scope: string | undefined;
}

/** Who asks the host, and what the answer comes back to. */
export type RegisteredClient = Pick<Client, 'issuer' | 'clientId' | 'redirectUri'> & { provider: { id: string } };

/** From the first step to the second. It carries whether refresh is wanted. */
const proof: Kind = { name: 'proof/1', carried: /^[01]$/ };

/** From the second step to the callback. It carries that, and the opener's origin in base64url. */
const state: Kind = { name: 'state/2', carried: /^[01]\.[\w-]{1,400}$/ };

/** @returns the proof that goes to the second step, and the `Set-Cookie` values that go with it */
export function beginLogin(
  wish: Wish,
  { wantsRefresh, ...browser }: { cookieStore: CookieStore; wantsRefresh: boolean; now: number },
): { proof: string; cookies: string[] } {
  const { attempt, cookies } = beginAttempt(browser);
  return { proof: ticketOf(attempt, proof, wished(wish), wantsRefresh ? '1' : '0'), cookies };
}

/**
 * Finds the login that a proof belongs to. Without the first step there is none, so nobody gets to the host around it.
 *
 * @throws Failure STATE_MISSING, COOKIE_LOST, STATE_MISMATCH, ATTEMPT_EXPIRED
 */
export function recallOpening(wish: Wish, ticket: string | undefined, seen: Seen): Opening {
  const { attempt, carried } = recallAttempt(ticket, proof, wished(wish), seen);
  return { attempt, wantsRefresh: carried === '1' };
}

/** Goes on with a login whose opener has been judged. */
export function bindLogin({ attempt, wantsRefresh }: Opening, client: RegisteredClient, opener: string): Login {
  const carried = `${wantsRefresh ? 1 : 0}.${Buffer.from(opener).toString('base64url')}`;
  return { ...bind(attempt, ticketOf(attempt, state, termsOf(client), carried)), wantsRefresh, opener };
}

/**
 * Finds the login that a callback's `state` belongs to.
 *
 * @throws Failure STATE_MISSING, COOKIE_LOST, STATE_MISMATCH, ATTEMPT_EXPIRED
 */
export function recallLogin(client: RegisteredClient, ticket: string | undefined, seen: Seen): Login {
  const { attempt, carried } = recallAttempt(ticket, state, termsOf(client), seen);
  return { ...bind(attempt, ticket ?? ''), wantsRefresh: carried.startsWith('1'), opener: openerOf(ticket) ?? '' };
}

/**
 * The opener's origin as a `state` says it, whether or not it is a good one: enough to know whom to tell what went wrong.
 *
 * @returns undefined where it names none that a message can be sent to
 */
export function openerOf(ticket: string | undefined): string | undefined {
  const [, opener = ''] = carriedBy(ticket)?.split('.') ?? [];
  const origin = Buffer.from(opener, 'base64url').toString();
  return isOrigin(origin) ? origin : undefined;
}

const wished = ({ provider, scope }: Wish) => [provider.id, scope];

const termsOf = ({ provider, issuer, clientId, redirectUri }: RegisteredClient): string[] => [
  provider.id,
  issuer,
  clientId,
  redirectUri,
];
