import { codeChallenge, forgetTransactions } from '../oauth/transaction.ts';
import { transactionErrors } from '../oauth/transaction-errors.ts';
import { Failure, webErrors } from '../http/errors.ts';
import { redirect, singleParameters, type HttpReply } from '../http/http.ts';
import { isOrigin, matchOrigin } from '../http/origins.ts';
import { beginLogin, bindLogin, recallLogin, recallPendingLogin } from '../oauth/popup-transaction.ts';
import { loginErrors } from './errors.ts';
import { greetingPage, successPage } from '../handler/popup.ts';
import {
  clientSettings,
  originsSetting,
  refreshSetting,
  scopeSetting,
  secretSetting,
  urlSetting,
} from '../config/settings.ts';
import type { CookieStore } from '../http/cookie-store.ts';
import type { Provider } from '../providers/provider.ts';
import type { Context } from '../handler/router.ts';

/** What a login finds around it. */
interface LoginContext extends Context {
  cookieStore: CookieStore;
}

/**
 * Begins a login: a key for this browser, and the page that asks who opened it. Reads no secret, and needs neither the OAuth
 * library nor fetch.
 *
 * @param requestedScope the scope that the CMS asks for
 * @param wantsRefresh whether the CMS asked at an address whose clients can use a refresh token
 * @throws Failure if a setting is missing or cannot be used: now, and not after the editor has agreed at the host
 */
export async function begin(
  provider: Provider,
  { requestedScope, wantsRefresh }: { requestedScope: string | undefined; wantsRefresh: boolean },
  { settings, address, cookieStore, now, cookies }: LoginContext,
): Promise<HttpReply> {
  const [scope] = await settings.read([
    scopeSetting(provider, requestedScope),
    // Only needed later, but a mistyped one shows now.
    clientSettings(provider, address),
    originsSetting(address),
    refreshSetting,
  ]);
  const begun = beginLogin({ provider, scope }, { cookieStore, wantsRefresh, now });
  cookies.push(...begun.cookies);
  const asked = scope === undefined ? '' : `scope=${encodeURIComponent(scope)}&`;
  return greetingPage({
    provider: provider.id,
    // In full: whoever began at another address of this server finds out now that the cookie is not there.
    next: `${address.origin}${address.prefix}/auth/${provider.id}/begin?${asked}proof=${begun.csrfToken}&origin=`,
    ownOrigin: address.origin,
  });
}

/**
 * Sends the browser to the Git host (RFC 6749, 4.1.1), if the page that opened it is listed. A page that is not learns so
 * before anything is asked of the host, and no token is made for it.
 *
 * @throws Failure UNSUPPORTED_DOMAIN, or with what is wrong about the CSRF token
 */
export async function proceed(
  provider: Provider,
  { parameters, settings, address, cookieStore, now, cookies }: LoginContext,
): Promise<HttpReply> {
  const given = singleParameters(parameters, ['proof', 'scope', 'origin']);
  const loginRequest = { provider, scope: given.scope };
  const pending = recallPendingLogin(loginRequest, given.proof, { cookieStore, origin: address.origin, now });
  const { origin = '' } = given;
  if (!isOrigin(origin)) throw new Failure(webErrors.BAD_REQUEST, { detail: '"origin" is missing or is none' });

  // Checked again: the CSRF token is made with a key that the browser holds, so its user could have asked for any scope, and the
  // setting may have changed since.
  const neededLater = [clientSettings(provider, address), scopeSetting(provider, given.scope)] as const;
  const [origins] = await settings.read([originsSetting(address)], neededLater);
  if (!matchOrigin(origins, origin)) {
    cookies.push(...cookieStore.forget([pending.transaction.id]));
    throw new Failure(loginErrors.UNSUPPORTED_DOMAIN, { site: origin });
  }
  const [client, scope] = await settings.read(neededLater);
  const transaction = bindLogin(pending, client, origin);

  const query = {
    response_type: 'code',
    client_id: client.clientId,
    redirect_uri: client.redirectUri,
    ...(scope !== undefined && { scope }),
    state: transaction.state,
    ...(provider.pkce && {
      code_challenge: codeChallenge(transaction.codeVerifier),
      code_challenge_method: 'S256',
    }),
  };
  const pairs = Object.entries(query).map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
  return redirect(`${client.authorizationEndpoint}?${pairs.join('&')}`);
}

/**
 * Takes the browser back from the Git host, gets the token, and hands it to the CMS through the popup.
 *
 * The order is the point: nothing is believed before the transaction is recalled, and nothing is asked of the host before
 * everything that the browser brought has been believed. A callback without a transaction of ours costs no request.
 *
 * @throws Failure with what went wrong, wherever it went wrong
 */
export async function finish(
  provider: Provider,
  { parameters, settings, address, cookieStore, now, deadline, cookies }: LoginContext,
): Promise<HttpReply> {
  // First, and for a repeated `state` too: a transaction works once, however this ends.
  cookies.push(...forgetTransactions(parameters.getAll('state').slice(0, 5), cookieStore));
  const { code, state, error, iss } = singleParameters(parameters, ['code', 'state', 'error', 'iss']);

  const neededLater = [secretSetting(provider), originsSetting(address), refreshSetting] as const;
  const [client] = await settings.read([clientSettings(provider, address)], neededLater);
  const transaction = recallLogin(client, state, { cookieStore, origin: address.origin, now });

  // Mix-up (RFC 9207, RFC 9700 4.4): absent from hosts that do not send it, but never another one's.
  if (iss !== undefined && iss !== client.issuer)
    throw new Failure(transactionErrors.ISSUER_MISMATCH, { setting: urlSetting(provider).name });
  // In a file of its own, which only a login that comes back loads.
  const { authorizationError, exchangeCode } = await import('../oauth/token-request.ts');
  if (error !== undefined)
    throw new Failure(authorizationError(error), { host: provider.name, callback: client.redirectUri });
  if (!code) throw new Failure(webErrors.BAD_REQUEST, { detail: '"code" is missing' });

  // Before the exchange: a wrong setting must not cost the editor a code.
  const [secret, origins, renewed] = await settings.read(neededLater);
  // Anew: the list may have changed since, and only an exact origin gets a refresh token. Whoever can put a page on a preview
  // would else be in for months.
  const listed = matchOrigin(origins, transaction.opener);
  if (!listed) throw new Failure(loginErrors.UNSUPPORTED_DOMAIN, { site: transaction.opener });
  const login = listed === 'exact' && renewed.includes(provider.id) ? provider.refresh?.login : undefined;
  const tokens = await exchangeCode(client, secret, transaction, { code, iss }, deadline);

  const refreshToken = login &&
    (login.always || transaction.wantsRefresh) &&
    tokens.refreshToken !== undefined && { [login.refreshToken]: tokens.refreshToken };
  return successPage({
    provider: provider.id,
    result: { token: tokens.accessToken, ...refreshToken },
    origin: transaction.opener,
    ownOrigin: address.origin,
  });
}
