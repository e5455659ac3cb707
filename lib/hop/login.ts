import { codeChallenge, forgetAttempts } from '../oauth/attempt.ts';
import { authorizationError, oauthErrors } from '../oauth/errors.ts';
import { exchangeCode } from '../oauth/exchange.ts';
import { Failure, webErrors } from '../web/errors.ts';
import { redirect, singleParameters, type HttpReply } from '../web/http.ts';
import { beginLogin, recallLogin } from './attempt.ts';
import { successPage } from './popup.ts';
import {
  clientSettings,
  handOverSettings,
  readClient,
  readOrigins,
  readRefresh,
  readScope,
  readSecret,
  scopeSetting,
  secretSetting,
  urlSetting,
} from '../settings/settings.ts';
import type { Jar } from '../oauth/cookies.ts';
import type { Provider } from '../providers/provider.ts';
import type { Surroundings } from '../serve.ts';

/** What a login finds around it. */
interface LoginSurroundings extends Surroundings {
  jar: Jar;
}

/**
 * Sends the browser to the Git host (RFC 6749, 4.1.1). Reads no secret, and needs neither the OAuth library nor fetch.
 *
 * @param wish the scope that the CMS asks for
 * @param wantsRefresh whether the CMS asked at an address whose clients can use a refresh token
 * @throws Failure if a setting is missing or cannot be used
 */
export async function begin(
  provider: Provider,
  { wish, wantsRefresh }: { wish: string | undefined; wantsRefresh: boolean },
  { settings, address, jar, now, cookies }: LoginSurroundings,
): Promise<HttpReply> {
  const env = await settings.read([...clientSettings(provider), scopeSetting(provider)]);
  const client = readClient(env, provider, address);
  const scope = readScope(env, provider, wish);
  const begun = beginLogin(client, { jar, wantsRefresh, now });
  cookies.push(...begun.cookies);

  const query = {
    response_type: 'code',
    client_id: client.clientId,
    redirect_uri: client.redirectUri,
    ...(scope !== undefined && { scope }),
    state: begun.attempt.state,
    ...(provider.pkce && {
      code_challenge: codeChallenge(begun.attempt.codeVerifier),
      code_challenge_method: 'S256',
    }),
  };
  const pairs = Object.entries(query).map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
  return redirect(`${client.authorizationEndpoint}?${pairs.join('&')}`);
}

/**
 * Takes the browser back from the Git host, gets the token, and hands it to the CMS through the popup.
 *
 * The order is the point: nothing is believed before the attempt is recalled, and nothing is asked of the host before
 * everything that the browser brought has been believed. A callback without an attempt of ours costs no request.
 *
 * @throws Failure with what went wrong, wherever it went wrong
 */
export async function finish(
  provider: Provider,
  { parameters, settings, address, jar, now, deadline, cookies }: LoginSurroundings,
): Promise<HttpReply> {
  // First, and for a repeated `state` too: an attempt works once, however this ends.
  cookies.push(...forgetAttempts(parameters.getAll('state').slice(0, 5), jar));
  const { code, state, error, iss } = singleParameters(parameters, ['code', 'state', 'error', 'iss']);

  const toCome = [secretSetting(provider), ...handOverSettings];
  const client = readClient(await settings.read(clientSettings(provider), toCome), provider, address);
  const attempt = recallLogin(client, state, { jar, origin: address.origin, now });

  // Mix-up (RFC 9207, RFC 9700 4.4): absent from hosts that do not send it, but never another one's.
  if (iss !== undefined && iss !== client.issuer)
    throw new Failure(oauthErrors.ISSUER_MISMATCH, { setting: urlSetting(provider) });
  if (error !== undefined)
    throw new Failure(authorizationError(error), { host: provider.name, callback: client.redirectUri });
  if (!code) throw new Failure(webErrors.BAD_REQUEST, { detail: '"code" is missing' });

  // Before the exchange: a wrong setting must not cost the editor a code.
  const env = await settings.read(toCome);
  const origins = readOrigins(env, address);
  const secret = readSecret(env, provider);
  const login = readRefresh(env, provider) ? provider.refresh?.login : undefined;
  const tokens = await exchangeCode(client, secret, attempt, { code, iss }, deadline);

  const refreshToken = login &&
    (login.always || attempt.wantsRefresh) &&
    tokens.refreshToken !== undefined && { [login.refreshToken]: tokens.refreshToken };
  return successPage({
    provider: provider.id,
    result: { token: tokens.accessToken },
    // For exact origins only: whoever can put a page on a preview would else be in for months.
    resultForExact: { token: tokens.accessToken, ...refreshToken },
    origins,
    hop: address.origin,
  });
}
