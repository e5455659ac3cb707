import { beginAttempt, recallAttempt, type Attempt } from '../oauth/attempt.ts';
import type { Jar } from '../oauth/cookies.ts';
import type { Client } from '../settings/settings.ts';

/** A login from its beginning to its end, and what has to be remembered of it on the way. */
export interface Login extends Attempt {
  /** Whether it was begun at `/authorize`, whose clients can use a refresh token. */
  wantsRefresh: boolean;
}

/** @returns the login and the `Set-Cookie` values that go with it */
export function beginLogin(
  client: Client,
  { wantsRefresh, ...browser }: { jar: Jar; wantsRefresh: boolean; now: number },
): { attempt: Login; cookies: string[] } {
  const { attempt, cookies } = beginAttempt(termsOf(client), { carried: wantsRefresh ? '1' : '0', ...browser });
  return { attempt: { ...attempt, wantsRefresh }, cookies };
}

/**
 * Finds the login that a callback's `state` belongs to.
 *
 * @param browser `origin` is our own, for the words about a lost cookie
 * @throws Failure STATE_MISSING, COOKIE_LOST, STATE_MISMATCH, ATTEMPT_EXPIRED
 */
export function recallLogin(
  client: Client,
  state: string | undefined,
  browser: { jar: Jar; origin: string; now: number },
): Login {
  const attempt = recallAttempt(termsOf(client), state, browser);
  return { ...attempt, wantsRefresh: attempt.carried === '1' };
}

const termsOf = ({ provider, issuer, clientId, redirectUri }: Client): string[] => [
  provider.id,
  issuer,
  clientId,
  redirectUri,
];
