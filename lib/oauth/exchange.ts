import type { ClientAuth, CustomFetch, TokenEndpointResponse } from 'openid-client';
import { Failure, webErrors, type ErrorRow } from '../web/errors.ts';
import { oauthErrors, tokenError } from './errors.ts';
import { send, textOf, TooLarge, TooLate, Unreachable } from './request.ts';
import { lazy } from '../web/lazy.ts';
import { isLoopback } from '../web/origins.ts';
import { settingPrefix } from '../providers/provider.ts';
import type { Bound } from './attempt.ts';
import type { Client } from '../settings/settings.ts';

/** What the host gave. `refreshToken` only where the app's tokens expire. */
export interface Tokens {
  accessToken: string;
  refreshToken?: string;
}

type OpenId = typeof import('./openid.ts');

/** The OAuth library, loaded here and not before: beginning a login must not pay for it, nor for Node's fetch. */
const loadOpenId = lazy<OpenId>(() => import('./openid.ts'));

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
  attempt: Bound,
  answer: { code: string; iss?: string | undefined },
  deadline: number,
): Promise<Tokens> {
  // `redirect_uri` in the token request is this address without its query: ours as configured, not as it was asked for.
  const callback = new URL(client.redirectUri);
  callback.searchParams.set('code', answer.code);
  callback.searchParams.set('state', attempt.state);
  if (answer.iss !== undefined) callback.searchParams.set('iss', answer.iss);
  const oauth = await loadOpenId();
  return exchange(oauth, client, oauthErrors.CODE_REJECTED, () =>
    oauth.authorizationCodeGrant(configuration(oauth, client, clientSecret, deadline), callback, {
      expectedState: attempt.state,
      ...(client.provider.pkce && { pkceCodeVerifier: attempt.codeVerifier }),
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
  const oauth = await loadOpenId();
  return exchange(oauth, client, oauthErrors.REFRESH_REJECTED, () =>
    oauth.refreshTokenGrant(configuration(oauth, client, clientSecret, deadline), refreshToken),
  );
}

async function exchange(
  oauth: OpenId,
  client: Client,
  rejected: ErrorRow,
  grant: () => Promise<TokenEndpointResponse>,
): Promise<Tokens> {
  try {
    const { access_token: accessToken, refresh_token: refreshToken } = await grant();
    for (const token of [accessToken, refreshToken ?? 'x'])
      if (!/^[\x21-\x7e]+$/.test(token)) throw new Failure(oauthErrors.HOST_MALFORMED, { host: client.provider.name });
    return { accessToken, ...(refreshToken !== undefined && { refreshToken }) };
  } catch (error) {
    throw inOurWords(oauth, error, client, rejected);
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
    clientAuthentication(oauth, client, clientSecret),
  );
  configuration[oauth.customFetch] = tolerantFetch(oauth, deadline);
  // Ours is the deadline that counts, since it also covers what came before. The library's own would be one more timer.
  configuration.timeout = 0;
  if (isLoopback(new URL(client.tokenEndpoint))) oauth.allowInsecureRequests(configuration);
  return configuration;
}

function clientAuthentication(oauth: OpenId, { provider, clientId }: Client, secret: string): ClientAuth {
  if (provider.clientAuthentication === 'body') return oauth.ClientSecretPost(secret);
  // The RFC wants both parts form-encoded first, and the library does so with `-`, `_` and `.` too. A host that does not
  // decode would refuse that. Without these characters, one that does decode reads the raw form alike.
  if (/[%+:]|[^\x21-\x7e]/.test(clientId) || /[%+]|[^\x21-\x7e]/.test(secret)) return oauth.ClientSecretBasic(secret);
  return (_server, _client, _body, headers) => headers.set('authorization', `Basic ${btoa(`${clientId}:${secret}`)}`);
}

/**
 * A fetch that turns the oddities of Git hosts into what RFC 6749, 5 says, so that the library gives the right error for
 * each of them, and that no answer can cost more than 64 KiB or last beyond the deadline, body included.
 */
function tolerantFetch(oauth: OpenId, deadline: number): CustomFetch {
  return async (url, options) => {
    const { method, headers, body: form } = options;
    const given = await send(url, { method, headers, body: String(form), deadline });
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

function readObject(text: string, type: string | undefined): Record<string, unknown> | undefined {
  if (type?.startsWith('application/x-www-form-urlencoded')) return Object.fromEntries(new URLSearchParams(text));
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

/**
 * The library's errors hold codes and tokens, so nothing of them is shown or logged but what is picked here.
 *
 * @param rejected what it means here that the host does not take the grant
 */
function inOurWords(oauth: OpenId, error: unknown, client: Client, rejected: ErrorRow): Failure {
  if (error instanceof Failure) return error;
  const prefix = settingPrefix(client.provider);
  const fill = { host: client.provider.name, setting: `${prefix}_URL`, prefix, callback: client.redirectUri };
  const options = { cause: error };

  if (error instanceof oauth.ResponseBodyError)
    return error.status === 429
      ? new Failure(oauthErrors.HOST_BUSY, fill, options)
      : new Failure(tokenError(error.error, rejected), fill, options);

  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof TooLarge) return new Failure(oauthErrors.HOST_MALFORMED, fill, options);
    if (cause instanceof TooLate) return new Failure(oauthErrors.HOST_TIMEOUT, fill, options);
    if (cause instanceof Unreachable) return new Failure(oauthErrors.HOST_UNREACHABLE, fill, options);
    if (cause.cause instanceof oauth.Response && cause.cause.status !== 200) {
      const status = cause.cause.status;
      return status === 429
        ? new Failure(oauthErrors.HOST_BUSY, fill, options)
        : new Failure(oauthErrors.HOST_FAILED, { ...fill, status: String(status) }, options);
    }
  }
  // A bare TypeError is neither the library's nor the network's: it is a mistake of ours.
  return new Failure(error instanceof TypeError ? webErrors.INTERNAL : oauthErrors.HOST_MALFORMED, fill, options);
}
