import { Failure, webErrors } from '../http/errors.ts';
import { loginErrors, refreshErrors } from './errors.ts';
import { json, readBody, singleParameters, type HttpReply, type HttpRequest } from '../http/http.ts';
import { matchOrigin } from '../http/origins.ts';
import { clientSettings, originsSetting, refreshSetting, secretSetting, type Address } from '../config/settings.ts';
import type { Context } from '../handler/router.ts';
import type { Provider, RenewingProvider } from '../providers/provider.ts';

/** Of a body, in bytes. */
const longest = 16 * 1024;

/** The app at the host, and its secret. */
const appSettings = (provider: Provider, address: Address) =>
  [clientSettings(provider, address), secretSetting(provider)] as const;

/**
 * Lets a listed page read the answer, before any work: a page that cannot read it must not be able to spend the editor's refresh
 * token either. `Origin` keeps other pages' scripts out; it does not stop somebody who has already stolen a refresh token and sends
 * what he likes.
 *
 * @throws Failure ORIGIN_NOT_LISTED
 */
export async function admitRefresh(
  provider: Provider,
  { request, settings, address, headers }: Context,
): Promise<void> {
  headers['vary'] = 'Origin';
  const origin = request.headers['origin'];
  if (origin === undefined) throw new Failure(refreshErrors.ORIGIN_NOT_LISTED);
  const neededLater = [refreshSetting, ...appSettings(provider, address)];
  const [origins] = await settings.read([originsSetting(address)], neededLater);
  if (!matchOrigin(origins, origin)) throw new Failure(refreshErrors.ORIGIN_NOT_LISTED);
  headers['access-control-allow-origin'] = origin;
}

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
  const app = appSettings(provider, address);
  const [origins, renewed] = await settings.read([originsSetting(address), refreshSetting], app);
  const listed = matchOrigin(origins, request.headers['origin'] ?? '');
  if (listed !== 'exact' || !renewed.includes(provider.id)) throw new Failure(refreshErrors.REFRESH_NOT_ALLOWED);

  const [client, secret] = await settings.read(app); // before the body, which may take all the time there is
  const given = await readGiven(request, provider, deadline);
  const { renewTokens } = await import('../oauth/token-request.ts');
  const tokens = await renewTokens(client, secret, given, deadline);
  const { answer } = provider.refresh;
  return json(200, {
    [answer.accessToken]: tokens.accessToken,
    // Always there: a client that finds none stores none, and is locked out at the next expiry.
    [answer.refreshToken]: tokens.refreshToken ?? given,
  });
}

/** A failure as the clients read it; RFC 6749, 5.2 has `error` and `error_description`. */
export const failedRefresh = ({ status, code, message }: Failure): HttpReply =>
  json(status, { error: code, error_description: message, message });

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
  // RFC 6749, A.17: visible ASCII. Bitbucket's have about 3 kB.
  if (!/^[\x21-\x7e]{1,8192}$/.test(token))
    throw new Failure(webErrors.BAD_REQUEST, { detail: '"refresh_token" is missing or is none' });
  return token;
}

/** The clients do not encode what they send, so a plus is a plus. */
const plainParameters = (text: string): URLSearchParams => new URLSearchParams(text.replaceAll('+', '%2B'));

function jsonParameters(text: string): URLSearchParams {
  try {
    return new URLSearchParams(
      Object.entries(JSON.parse(text) as object).filter(
        (pair): pair is [string, string] => typeof pair[1] === 'string',
      ),
    );
  } catch {
    return new URLSearchParams(); // what is no JSON, or `null`, holds no refresh token
  }
}
