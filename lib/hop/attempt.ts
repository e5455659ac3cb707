import { beginAttempt, bind, recallAttempt, ticketOf, type Bound, type Kind, type Seen } from '../oauth/attempt.ts';
import type { Jar } from '../oauth/cookies.ts';
import type { Client } from '../settings/settings.ts';

/** A login from its beginning to its end, and what has to be remembered of it on the way. */
export interface Login extends Bound {
  /** Whether it was begun at `/authorize`, whose clients can use a refresh token. */
  wantsRefresh: boolean;
}

const state: Kind = { name: 'state/2', carried: /^[01]$/ };

/** @returns the login and the `Set-Cookie` values that go with it */
export function beginLogin(
  client: Client,
  { wantsRefresh, ...browser }: { jar: Jar; wantsRefresh: boolean; now: number },
): { attempt: Login; cookies: string[] } {
  const { attempt, cookies } = beginAttempt(browser);
  const ticket = ticketOf(attempt, state, termsOf(client), wantsRefresh ? '1' : '0');
  return { attempt: { ...bind(attempt, ticket), wantsRefresh }, cookies };
}

/**
 * Finds the login that a callback's `state` belongs to.
 *
 * @throws Failure STATE_MISSING, COOKIE_LOST, STATE_MISMATCH, ATTEMPT_EXPIRED
 */
export function recallLogin(client: Client, ticket: string | undefined, seen: Seen): Login {
  const { attempt, carried } = recallAttempt(ticket, state, termsOf(client), seen);
  return { ...bind(attempt, ticket ?? ''), wantsRefresh: carried === '1' };
}

const termsOf = ({ provider, issuer, clientId, redirectUri }: Client): string[] => [
  provider.id,
  issuer,
  clientId,
  redirectUri,
];
