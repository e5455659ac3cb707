import type { CustomFetch, TokenEndpointResponse } from 'openid-client';
import { Failure, type ErrorRow } from '../http/errors.ts';
import { toFailure, readObject } from './response.ts';
import { clientAuthentication } from './client-authentication.ts';
import { hostErrors } from './errors.ts';
import * as openid from './openid.ts';
import { plain, send, textOf } from './request.ts';
import { isLoopback } from '../http/origins.ts';
import { settingPrefix } from '../providers/provider.ts';
import type { AuthorizationChecks } from './transaction.ts';
import type { Client } from '../config/settings.ts';

/** What the host gave. `refreshToken` only where the app's tokens expire. */
export interface Tokens {
  accessToken: string;
  refreshToken?: string;
}

/**
 * This file, with the OAuth library in it, is loaded by `import()` alone: beginning a login must not pay for it, nor for Node's
 * fetch.
 */
type OpenId = typeof openid;

export { authorizationError } from './errors.ts';

/**
 * Exchanges the authorization code for tokens (RFC 6749, 4.1.3).
 *
 * @param answer the parameters of the callback
 * @param deadline when to give up, in milliseconds since the epoch
 * @throws Failure with what the host answered, in our words
 */
export async function exchangeCode(
  client: Client,
  clientSecret: string,
  checks: AuthorizationChecks,
  answer: { code: string; iss?: string | undefined },
  deadline: number,
): Promise<Tokens> {
  // `redirect_uri` in the token request is this address without its query: ours as configured, not as it was asked for.
  const callback = new URL(client.redirectUri);
  callback.searchParams.set('code', answer.code);
  callback.searchParams.set('state', checks.state);
  if (answer.iss !== undefined) callback.searchParams.set('iss', answer.iss);
  const oauth = openid;
  return requestTokens(oauth, client, hostErrors.CODE_REJECTED, () =>
    oauth.authorizationCodeGrant(configuration(oauth, client, clientSecret, deadline), callback, {
      expectedState: checks.state,
      ...(client.provider.pkce && { pkceCodeVerifier: checks.codeVerifier }),
    }),
  );
}

/**
 * Exchanges a refresh token for new tokens (RFC 6749, 6). It goes to the host that gave it, and nowhere else. Not repeated
 * when it fails: where refresh tokens rotate, the old one may be spent although the answer was lost.
 *
 * @returns `refreshToken` is absent if the host wants the old one to be used again
 * @throws Failure
 */
export async function renewTokens(
  client: Client,
  clientSecret: string,
  refreshToken: string,
  deadline: number,
): Promise<Tokens> {
  const oauth = openid;
  return requestTokens(oauth, client, hostErrors.REFRESH_REJECTED, () =>
    oauth.refreshTokenGrant(configuration(oauth, client, clientSecret, deadline), refreshToken),
  );
}

async function requestTokens(
  oauth: OpenId,
  client: Client,
  rejected: ErrorRow,
  grant: () => Promise<TokenEndpointResponse>,
): Promise<Tokens> {
  try {
    const { access_token: accessToken, refresh_token: refreshToken } = await grant();
    for (const token of [accessToken, refreshToken ?? 'x'])
      if (!/^[\x21-\x7e]+$/.test(token)) throw new Failure(hostErrors.HOST_MALFORMED, { host: client.provider.name });
    return { accessToken, ...(refreshToken !== undefined && { refreshToken }) };
  } catch (error) {
    const prefix = settingPrefix(client.provider);
    const fill = { host: client.provider.name, setting: `${prefix}_URL`, prefix, callback: client.redirectUri };
    throw toFailure(oauth, error, { fill, rejected });
  }
}

function configuration(oauth: OpenId, client: Client, clientSecret: string, deadline: number) {
  const configuration = new oauth.Configuration(
    // Written down, not discovered: discovery is a round trip more per login, and one more thing to be led astray by.
    // The issuer must be exactly the host's own: the library refuses callbacks whose `iss` differs (RFC 9207).
    {
      issuer: client.issuer,
      token_endpoint: client.tokenEndpoint,
    },
    client.clientId,
    undefined,
    clientAuthentication(oauth, client.provider.clientAuthentication, {
      clientId: client.clientId,
      secret: clientSecret,
    }),
  );
  configuration[oauth.customFetch] = tolerantFetch(oauth, deadline);
  // Ours is the deadline that counts, since it also covers what came before. The library's own would be one more timer.
  configuration.timeout = 0;
  if (isLoopback(new URL(client.tokenEndpoint))) oauth.allowInsecureRequests(configuration);
  return configuration;
}

/**
 * A fetch that turns the oddities of Git hosts into what RFC 6749, 5 says, so that the library gives the right error for
 * each of them, and that no answer can cost more than 64 KiB or last beyond the deadline, body included.
 */
function tolerantFetch(oauth: OpenId, deadline: number): CustomFetch {
  return async (url, options) => {
    const { method, headers, body: form } = options;
    const given = await send(url, { method, headers: { ...headers, ...plain }, body: String(form), deadline });
    const answer = (body: object | undefined, status: number) =>
      new oauth.Response(body, status) as unknown as Response; // all of it that the library looks at
    const body = readObject(textOf(given), given.headers['content-type']);
    if (!body) return answer(undefined, given.status);
    // What is used here and nothing else, so that nothing else can spoil a token: hosts say `null`, an empty text or a list
    // where the library expects something else, and an ID token would be examined. Headers stay behind, too: Doorkeeper
    // (GitLab) sends `WWW-Authenticate` with every error, and the library would stop reading there.
    const { access_token, token_type, error } = body;
    const refresh_token = body['refresh_token'] || undefined;
    // GitHub says 200 to everything.
    const status = given.status === 200 && error ? 400 : given.status;
    return answer({ access_token, token_type, refresh_token, error }, status);
  };
}
