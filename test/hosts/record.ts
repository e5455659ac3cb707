/**
 * A Git host played from its record alone: whatever the record says of the OAuth endpoints is what this host demands, and
 * nothing else is let through. So a record that a login cannot be carried out with is noticed before anybody has written a
 * host by hand for it. What a real host does besides is for the hosts beside this file.
 *
 * Strict as RFC 6749 and RFC 7636 are, with a client secret: https://www.rfc-editor.org/rfc/rfc6749#section-4.1
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Provider } from '../../lib/providers/provider.ts';
import { basicCredentials } from './host.ts';
import { listen, readParameters, requestUrl, sendJson, sendRedirect } from './http.ts';
import { challengeMatches, Grants, repeated } from './oauth.ts';

export interface RecordHost {
  /** Without a slash at the end, and below a path, as instances of one's own may be. */
  readonly url: string;
  readonly app: { clientId: string; clientSecret: string; redirectUri: string };
  readonly grants: Grants;
  /** Why requests were refused: a test with a login that should work wants none. */
  readonly refusals: string[];
  /** What was granted last. */
  granted: { scopes: readonly string[] } | undefined;
  close(): Promise<void>;
}

/** @param redirectUri the one that is registered; compared as text */
export async function startFromRecord(provider: Provider, redirectUri: string): Promise<RecordHost> {
  const listening = await listen((request, response) => answer(provider, host, request, response));
  const host: RecordHost = {
    url: `${listening.url}/instance`,
    // What HTTP Basic would have to encode is left out: hosts differ there, and the record says nothing about it.
    app: { clientId: `client-of-${provider.id}`, clientSecret: `secret-of-${provider.id}-0123456789`, redirectUri },
    grants: new Grants(),
    refusals: [],
    granted: undefined,
    close: listening.close,
  };
  return host;
}

async function answer(provider: Provider, host: RecordHost, request: IncomingMessage, response: ServerResponse) {
  const url = requestUrl(request, new URL(host.url).origin);
  const path = url.pathname;
  const refuse = (status: number, error: string, why: string) => {
    host.refusals.push(why);
    sendJson(response, status, { error, error_description: why });
  };
  if (request.method === 'GET' && path === `/instance${provider.authorizePath}`)
    return authorize(provider, host, url.searchParams, response, refuse);
  if (request.method === 'POST' && path === `/instance${provider.tokenPath}`)
    return issue(provider, host, request, response, refuse);
  refuse(404, 'not_found', `${request.method} ${path} is no address of ${provider.name}`);
}

type Refuse = (status: number, error: string, why: string) => void;

/** RFC 6749, 4.1.1; RFC 7636, 4.3 */
function authorize(
  { pkce, scope: record, issuerPath }: Provider,
  host: RecordHost,
  given: URLSearchParams,
  response: ServerResponse,
  refuse: Refuse,
) {
  const twice = repeated(given);
  if (twice !== undefined) return refuse(400, 'invalid_request', `"${twice}" is given twice`);
  if (given.get('client_id') !== host.app.clientId) return refuse(400, 'invalid_request', 'another client id');
  if (given.get('redirect_uri') !== host.app.redirectUri)
    return refuse(400, 'invalid_request', `${given.get('redirect_uri')} is not registered`);
  if (given.get('response_type') !== 'code') return refuse(400, 'unsupported_response_type', 'no response_type=code');
  const known = [
    'client_id',
    'redirect_uri',
    'response_type',
    'state',
    'scope',
    'code_challenge',
    'code_challenge_method',
  ];
  const strange = [...given.keys()].find((name) => !known.includes(name));
  if (strange !== undefined) return refuse(400, 'invalid_request', `"${strange}" is no parameter of this host`);
  const challenge = given.get('code_challenge');
  if (!pkce && challenge !== null) return refuse(400, 'invalid_request', 'PKCE, which this host does not take');
  if (pkce && !(given.get('code_challenge_method') === 'S256' && /^[\w-]{43}$/.test(challenge ?? '')))
    return refuse(400, 'invalid_request', 'no PKCE with S256');
  const scopes = given.get('scope')?.split(/[ ,]/) ?? [];
  if (!record && given.has('scope')) return refuse(400, 'invalid_scope', 'a scope, which this host does not take');
  if (record && (scopes.length === 0 || !scopes.every((name) => Object.hasOwn(record.allowed, name))))
    return refuse(400, 'invalid_scope', `scope "${given.get('scope')}"`);
  host.granted = { scopes };
  const code = host.grants.issueCode({
    clientId: host.app.clientId,
    user: 'editor',
    scopes,
    redirectUri: host.app.redirectUri,
    challenge: challenge ?? undefined,
  });
  // RFC 9207, with the issuer that the record makes of the base URL.
  sendRedirect(response, host.app.redirectUri, { code, state: given.get('state') ?? '', iss: host.url + issuerPath });
}

/** RFC 6749, 4.1.3, 6 and 2.3.1; RFC 7636, 4.5 */
async function issue(
  { clientAuthentication, pkce, refresh }: Provider,
  host: RecordHost,
  request: IncomingMessage,
  response: ServerResponse,
  refuse: Refuse,
) {
  if (!/^application\/x-www-form-urlencoded\b/.test(request.headers['content-type'] ?? ''))
    return refuse(400, 'invalid_request', 'no form');
  const given = await readParameters(request);
  const twice = repeated(given);
  if (twice !== undefined) return refuse(400, 'invalid_request', `"${twice}" is given twice`);
  const basic = basicCredentials(request);
  if (clientAuthentication === 'client_secret_post' ? basic !== undefined : given.has('client_secret'))
    return refuse(401, 'invalid_client', 'the client says who it is in another way than the record has');
  const { id, secret } = basic ?? { id: given.get('client_id'), secret: given.get('client_secret') };
  if (id !== host.app.clientId || secret !== host.app.clientSecret)
    return refuse(401, 'invalid_client', 'another client, or another secret');
  const style = { accessPrefix: 'access-', refreshPrefix: 'refresh-', lifetime: 3_600 };
  if (given.get('grant_type') === 'refresh_token') {
    if (!refresh) return refuse(400, 'unsupported_grant_type', 'a renewal, which the record does not have');
    const grant = host.grants.redeemRefreshToken(given.get('refresh_token') ?? '', host.app.clientId);
    if (!grant) return refuse(400, 'invalid_grant', 'no such refresh token');
    return sendTokens(response, host.grants.issueTokens(grant, style));
  }
  if (given.get('grant_type') !== 'authorization_code')
    return refuse(400, 'unsupported_grant_type', `grant type ${given.get('grant_type')}`);
  const grant = host.grants.redeemCode(given.get('code') ?? '');
  if (!grant) return refuse(400, 'invalid_grant', 'no such code');
  if (given.get('redirect_uri') !== grant.redirectUri)
    return refuse(400, 'invalid_grant', 'another redirect address than the code was made for');
  const verifier = given.get('code_verifier');
  if (pkce ? !challengeMatches(grant.challenge, verifier) : verifier !== null)
    return refuse(400, 'invalid_grant', 'the verifier is not that of the challenge');
  sendTokens(response, host.grants.issueTokens(grant, style));
}

/** RFC 6749, 5.1 */
function sendTokens(response: ServerResponse, { accessToken, refreshToken }: ReturnType<Grants['issueTokens']>) {
  response.setHeader('Cache-Control', 'no-store');
  sendJson(response, 200, {
    access_token: accessToken,
    token_type: 'Bearer',
    expires_in: 3_600,
    ...(refreshToken !== undefined && { refresh_token: refreshToken }),
  });
}
