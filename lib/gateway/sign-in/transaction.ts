import {
  beginTransaction,
  checksOf,
  payloadOf,
  recallTransaction,
  signToken,
  type AuthorizationChecks,
  type Purpose,
  type RecallOptions,
} from '../../oauth/transaction.ts';
import type { CookieStore } from '../../http/cookie-store.ts';
import type { IssuerClient } from '../../oauth/relying-party.ts';

/** What the CMS asked for. It travels in the state: nothing is stored. */
export interface AuthorizationRequest {
  /** Where the answer goes. */
  redirectUri: string;
  /** The CMS's own, which comes back as it was. */
  state: string | undefined;
  /** The CMS's PKCE challenge. */
  challenge: string;
}

/** A sign-in from its beginning to its end. */
export interface SignInTransaction extends AuthorizationChecks {
  /** Undefined if the owner only tries it. */
  request: AuthorizationRequest | undefined;
}

const statePurpose: Purpose = { name: 'sign-in/1', payload: /^(try|[\w-]{1,6000})$/ };

/** @returns the sign-in and the `Set-Cookie` values that go with it */
export function beginSignIn(
  client: IssuerClient,
  request: AuthorizationRequest | undefined,
  browser: { cookieStore: CookieStore; now: number },
): { signIn: SignInTransaction; cookies: string[] } {
  const { transaction, cookies } = beginTransaction(browser);
  const token = signToken(transaction, statePurpose, bindingOf(client), request ? write(request) : 'try');
  return { signIn: { ...checksOf(transaction, token), request }, cookies };
}

/**
 * Finds the sign-in that a callback's `state` belongs to.
 *
 * @throws Failure STATE_MISSING, COOKIE_LOST, STATE_MISMATCH, ATTEMPT_EXPIRED
 */
export function recallSignIn(
  client: IssuerClient,
  state: string | undefined,
  options: RecallOptions,
): SignInTransaction {
  const { transaction, payload } = recallTransaction(state, statePurpose, bindingOf(client), options);
  return { ...checksOf(transaction, state ?? ''), request: read(payload) };
}

/** What a state says about where the answer goes, whether or not it is a good one: enough to say there what went wrong. */
export const requestIn = (state: string | undefined): AuthorizationRequest | undefined => read(payloadOf(state) ?? '');

/** Whether a state says that it belongs to a try. */
export const isTry = (state: string | undefined): boolean => payloadOf(state) === 'try';

const bindingOf = ({ issuer, clientId, redirectUri }: IssuerClient): string[] => [issuer, clientId, redirectUri];

const write = ({ redirectUri, challenge, state: given }: AuthorizationRequest): string =>
  Buffer.from(JSON.stringify([redirectUri, challenge, ...(given === undefined ? [] : [given])])).toString('base64url');

function read(payload: string): AuthorizationRequest | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString());
    // Anybody can write one that nobody has signed: with half a character in it, it could not be sent back.
    if (!Array.isArray(value) || !value.every((text) => typeof text === 'string' && !/\p{Surrogate}/u.test(text)))
      return undefined;
    const [redirectUri, challenge, given] = value as string[];
    return redirectUri === undefined || challenge === undefined ? undefined : { redirectUri, challenge, state: given };
  } catch {
    return undefined;
  }
}
