import { Failure, webErrors } from '../http/errors.ts';
import { loginErrors } from './errors.ts';
import { renewTokens } from '../oauth/token-request.ts';
import {
  commonHeaders,
  readBody,
  singleParameters,
  type HttpReply,
  type HttpRequest,
  type TextReply,
} from '../http/http.ts';
import { matchOrigin } from '../http/origins.ts';
import { clientSettings, readClient, readOrigins, readRefresh, readSecret, secretSetting } from '../config/settings.ts';
import type { Context } from '../handler/router.ts';
import type { Provider, RenewingProvider } from '../providers/provider.ts';

/** RFC 6749, A.17: visible ASCII. Bitbucket's have about 3 kB. */
const refreshTokenPattern = /^[\x21-\x7e]{1,8192}$/;

/** Of a body, in bytes. */
const longest = 16 * 1024;

/** The settings that a renewal needs. */
const refreshSettings = (provider: Provider): string[] => [...clientSettings(provider), secretSetting(provider)];

/**
 * Lets a listed page read the answer, before any work: a page that cannot read it must not be able to spend the editor's refresh
 * token either. `Origin` keeps other pages' scripts out; it does not stop somebody who has already stolen a refresh token and sends
 * what he likes.
 *
 * @throws Failure ORIGIN_NOT_LISTED
 */
export const admitRefresh =
  (provider: Provider) =>
  async ({ request, settings, address, headers }: Context): Promise<void> => {
    headers['vary'] = 'Origin';
    const origin = request.headers['origin'];
    if (origin === undefined) throw new Failure(loginErrors.ORIGIN_NOT_LISTED);
    const env = await settings.read(['CMS_AUTH_ORIGINS'], ['CMS_AUTH_REFRESH', ...refreshSettings(provider)]);
    if (!matchOrigin(readOrigins(env, address), origin)) throw new Failure(loginErrors.ORIGIN_NOT_LISTED);
    headers['access-control-allow-origin'] = origin;
  };

export const refreshPreflight: HttpReply = {
  status: 204,
  headers: { ...commonHeaders, 'access-control-allow-methods': 'POST', 'access-control-allow-headers': 'content-type' },
  cookies: [],
  body: '',
};

/**
 * Renews a token for a CMS that knows how to ask (see the providers' `refresh`). The clients are unforgiving: whatever they
 * cannot read as JSON across origins locks the editor out, so a listed origin always gets JSON, failures included.
 *
 * @throws Failure
 */
export async function refresh(
  provider: RenewingProvider,
  { request, settings, address, deadline }: Context,
): Promise<HttpReply> {
  const needed = refreshSettings(provider);
  let env = await settings.read(['CMS_AUTH_ORIGINS', 'CMS_AUTH_REFRESH'], needed);
  const listed = matchOrigin(readOrigins(env, address), request.headers['origin'] ?? '');
  if (listed !== 'exact' || !readRefresh(env).includes(provider.id)) throw new Failure(loginErrors.REFRESH_NOT_ALLOWED);

  env = await settings.read(needed); // before the body, which may take all the time there is
  const given = await readGiven(request, provider, deadline);
  const client = readClient(env, provider, address);
  const tokens = await renewTokens(client, readSecret(env, provider), given, deadline);
  const { answer } = provider.refresh;
  return json(200, {
    [answer.accessToken]: tokens.accessToken,
    // Always there: a client that finds none stores none, and is locked out at the next expiry.
    [answer.refreshToken]: tokens.refreshToken ?? given,
  });
}

/** The refresh token, which three generations of clients send in the query, in a form or in JSON. */
async function readGiven(request: HttpRequest, provider: Provider, deadline: number): Promise<string> {
  const bytes = await readBody(request, { limit: longest, deadline });
  if (!bytes) throw new Failure(webErrors.REQUEST_TOO_LARGE);
  const body = bytes.toString();
  const form = request.headers['content-type']?.startsWith('application/json')
    ? jsonParameters(body)
    : plainParameters(body);
  const names = ['provider', 'grant_type', 'refresh_token'] as const;
  const query = singleParameters(plainParameters(request.query), names);
  const inBody = singleParameters(form, names);

  for (const named of [query.provider, inBody.provider])
    if (named !== undefined && named !== provider.id) throw new Failure(loginErrors.PROVIDER_MISMATCH);
  const grant = query.grant_type ?? inBody.grant_type ?? 'refresh_token';
  const token = query.refresh_token ?? inBody.refresh_token ?? '';
  if (grant !== 'refresh_token')
    throw new Failure(webErrors.BAD_REQUEST, { detail: 'only refresh tokens are exchanged here' });
  if (!refreshTokenPattern.test(token))
    throw new Failure(webErrors.BAD_REQUEST, { detail: '"refresh_token" is missing or is none' });
  return token;
}

/** The clients do not encode what they send, so a plus is a plus. */
const plainParameters = (text: string): URLSearchParams => new URLSearchParams(text.replaceAll('+', '%2B'));

function jsonParameters(text: string): URLSearchParams {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null)
      return new URLSearchParams(
        Object.entries(value).filter((pair): pair is [string, string] => typeof pair[1] === 'string'),
      );
  } catch {
    // what is no JSON holds no refresh token
  }
  return new URLSearchParams();
}

export const json = (status: number, value: Record<string, string>): TextReply => ({
  status,
  headers: { ...commonHeaders, 'content-type': 'application/json; charset=utf-8' },
  cookies: [],
  body: JSON.stringify(value),
});

/** A failure as the clients read it; RFC 6749, 5.2 has `error` and `error_description`. */
export const refreshFailure = ({ status, code, message }: Failure): TextReply =>
  json(status, { error: code, error_description: message, message });
