import { LoginError } from '../web/errors.ts';
import { renewTokens } from '../oauth/exchange.ts';
import { commonHeaders, singleParameters, type HttpReply, type HttpRequest } from '../web/http.ts';
import { matchOrigin } from '../web/origins.ts';
import {
  clientSettings,
  readClient,
  readOrigins,
  readRefresh,
  readSecret,
  secretSetting,
} from '../settings/settings.ts';
import type { Surroundings } from './login.ts';
import type { Provider } from '../providers/provider.ts';

/** RFC 6749, A.17: visible ASCII. Bitbucket's have about 3 kB. */
const refreshTokenPattern = /^[\x21-\x7e]{1,8192}$/;

/** Of a query or a body, in characters. */
const longest = 16 * 1024;

/**
 * Renews a token for a CMS that knows how to ask (see the providers' `refresh`). The clients are unforgiving: whatever they
 * cannot read as JSON across origins locks the editor out, so a listed origin always gets JSON, failures included.
 *
 * `Origin` keeps other pages' scripts out; it does not stop somebody who has already stolen a refresh token and sends what
 * he likes.
 *
 * @throws LoginError, with the CORS headers already set if the origin is listed
 */
export async function refresh(
  provider: Provider,
  { request, settings, address, deadline, headers }: Surroundings,
): Promise<HttpReply> {
  // Before any work: a page that cannot read the answer must not be able to spend the editor's refresh token either.
  headers['vary'] = 'Origin';
  const origin = request.headers['origin'];
  if (origin === undefined) throw new LoginError('ORIGIN_NOT_LISTED');
  const toCome = [...clientSettings(provider), secretSetting(provider)];
  let env = await settings.read(['CMS_AUTH_ORIGINS'], ['CMS_AUTH_REFRESH', ...toCome]);
  const listed = matchOrigin(readOrigins(env, address), origin);
  if (listed === undefined) throw new LoginError('ORIGIN_NOT_LISTED');
  headers['access-control-allow-origin'] = origin;

  if (request.method === 'OPTIONS') {
    headers['access-control-allow-methods'] = 'POST';
    headers['access-control-allow-headers'] = 'content-type';
    return { status: 204, headers: { ...commonHeaders }, cookies: [], body: '' };
  }
  if (request.method !== 'POST') throw new LoginError('METHOD_NOT_ALLOWED');
  env = await settings.read(['CMS_AUTH_REFRESH'], toCome);
  if (listed !== 'exact' || !readRefresh(env, provider)) throw new LoginError('REFRESH_NOT_ALLOWED');

  env = await settings.read(toCome); // before the body, which may take all the time there is
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
  const body = await withinDeadline(request.body?.(), deadline);
  if (request.query.length > longest || body.length > longest) throw new LoginError('REQUEST_TOO_LARGE');
  const form = request.headers['content-type']?.startsWith('application/json')
    ? jsonParameters(body)
    : plainParameters(body);
  const names = ['provider', 'grant_type', 'refresh_token'] as const;
  const query = singleParameters(plainParameters(request.query), names);
  const inBody = singleParameters(form, names);

  for (const named of [query.provider, inBody.provider])
    if (named !== undefined && named !== provider.id) throw new LoginError('PROVIDER_MISMATCH');
  const grant = query.grant_type ?? inBody.grant_type ?? 'refresh_token';
  const token = query.refresh_token ?? inBody.refresh_token ?? '';
  if (grant !== 'refresh_token')
    throw new LoginError('BAD_REQUEST', { detail: 'only refresh tokens are exchanged here' });
  if (!refreshTokenPattern.test(token))
    throw new LoginError('BAD_REQUEST', { detail: '"refresh_token" is missing or is none' });
  return token;
}

/** Somebody who sends a body byte by byte gets no more of our time than a Git host does. */
async function withinDeadline(body: Promise<string> | undefined, deadline: number): Promise<string> {
  let timer;
  const late = new Promise<never>((_, reject) => {
    const refuse = () => reject(new LoginError('BAD_REQUEST', { detail: 'its body did not arrive in time' }));
    timer = setTimeout(refuse, deadline - Date.now());
  });
  try {
    return (await Promise.race([body, late])) ?? '';
  } catch (error) {
    throw error instanceof LoginError
      ? error
      : new LoginError('BAD_REQUEST', { detail: 'its body broke off' }, { cause: error });
  } finally {
    clearTimeout(timer);
  }
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

export const json = (status: number, value: Record<string, string>): HttpReply => ({
  status,
  headers: { ...commonHeaders, 'content-type': 'application/json; charset=utf-8' },
  cookies: [],
  body: JSON.stringify(value),
});

/** A failure as the clients read it; RFC 6749, 5.2 has `error` and `error_description`. */
export const refreshFailure = ({ status, code, message }: LoginError): HttpReply =>
  json(status, { error: code, error_description: message, message });
