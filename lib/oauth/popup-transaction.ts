import {
  beginTransaction,
  checksOf,
  payloadOf,
  recallTransaction,
  signToken,
  type Transaction,
  type AuthorizationChecks,
  type Purpose,
  type RecallOptions,
} from './transaction.ts';
import { isOrigin } from '../http/origins.ts';
import type { CookieStore } from '../http/cookie-store.ts';
import type { Client } from '../config/settings.ts';

/** A login in a popup, from its beginning to its end, and what has to be remembered of it on the way. */
export interface LoginTransaction extends AuthorizationChecks {
  /** Whether it was begun at `/authorize`, whose clients can use a refresh token. */
  wantsRefresh: boolean;
  /** The origin of the page that asked for it, and that alone is told how it ended. */
  opener: string;
}

/** A login of which it is not known yet whether its opener is listed. */
export interface PendingLogin {
  transaction: Transaction;
  wantsRefresh: boolean;
}

/** What the first step asks the second one to do. */
export interface LoginRequest {
  provider: { id: string };
  /** What the host is to be asked for, if anything. */
  scope: string | undefined;
}

/** Who asks the host, and what the answer comes back to. */
export type RegisteredClient = Pick<Client, 'issuer' | 'clientId' | 'redirectUri'> & { provider: { id: string } };

/** Of the token from the first step to the second. Its payload says whether refresh is wanted. */
const csrfPurpose: Purpose = { name: 'proof/1', payload: /^[01]$/ };

/** Of the state, from the second step to the callback. Its payload says that, and the opener's origin in base64url. */
const statePurpose: Purpose = { name: 'state/2', payload: /^[01]\.[\w-]{1,400}$/ };

/** @returns the CSRF token that goes to the second step, and the `Set-Cookie` values that go with it */
export function beginLogin(
  request: LoginRequest,
  { wantsRefresh, ...browser }: { cookieStore: CookieStore; wantsRefresh: boolean; now: number },
): { csrfToken: string; cookies: string[] } {
  const { transaction, cookies } = beginTransaction(browser);
  return { csrfToken: signToken(transaction, csrfPurpose, requestBinding(request), wantsRefresh ? '1' : '0'), cookies };
}

/**
 * Finds the login that a CSRF token belongs to. Without the first step there is none, so nobody gets to the host around it.
 *
 * @throws Failure STATE_MISSING, COOKIE_LOST, STATE_MISMATCH, ATTEMPT_EXPIRED
 */
export function recallPendingLogin(
  request: LoginRequest,
  csrfToken: string | undefined,
  options: RecallOptions,
): PendingLogin {
  const { transaction, payload } = recallTransaction(csrfToken, csrfPurpose, requestBinding(request), options);
  return { transaction, wantsRefresh: payload === '1' };
}

/** Goes on with a login whose opener is listed. */
export function bindLogin(
  { transaction, wantsRefresh }: PendingLogin,
  client: RegisteredClient,
  opener: string,
): LoginTransaction {
  const payload = `${wantsRefresh ? 1 : 0}.${Buffer.from(opener).toString('base64url')}`;
  return {
    ...checksOf(transaction, signToken(transaction, statePurpose, bindingOf(client), payload)),
    wantsRefresh,
    opener,
  };
}

/**
 * Finds the login that a callback's `state` belongs to.
 *
 * @throws Failure STATE_MISSING, COOKIE_LOST, STATE_MISMATCH, ATTEMPT_EXPIRED
 */
export function recallLogin(
  client: RegisteredClient,
  state: string | undefined,
  options: RecallOptions,
): LoginTransaction {
  const { transaction, payload } = recallTransaction(state, statePurpose, bindingOf(client), options);
  return {
    ...checksOf(transaction, state ?? ''),
    wantsRefresh: payload.startsWith('1'),
    opener: openerOf(state) ?? '',
  };
}

/**
 * The opener's origin as a `state` says it, whether or not its mac is right: enough to know whom to tell what went wrong.
 *
 * @returns undefined where it names none that a message can be sent to
 */
export function openerOf(state: string | undefined): string | undefined {
  const [, opener = ''] = payloadOf(state)?.split('.') ?? [];
  const origin = Buffer.from(opener, 'base64url').toString();
  return isOrigin(origin) ? origin : undefined;
}

const requestBinding = ({ provider, scope }: LoginRequest) => [provider.id, scope];

const bindingOf = ({ provider, issuer, clientId, redirectUri }: RegisteredClient): string[] => [
  provider.id,
  issuer,
  clientId,
  redirectUri,
];
