/**
 * Bitbucket Cloud, played by a server on loopback: the OAuth endpoints with their peculiarities, and the API as far as
 * Decap and Netlify CMS use it.
 *
 * @see https://developer.atlassian.com/cloud/bitbucket/oauth-2/
 */
import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import { bitbucketApi } from './bitbucket/api.ts';
import type { PullRequest } from './bitbucket/pull-requests.ts';
import { faults } from './faults.ts';
import {
  basicCredentials,
  fromOurPage,
  type Host,
  type HostSettings,
  logRequest,
  repositoryPage,
  type RepositoryOptions,
  sendPage,
} from './host.ts';
import { listen, readParameters, requestUrl, send, sendJson, sendRedirect, type ListenOptions } from './http.ts';
import { Grants, repeated, splitScopes, type OAuthApp } from './oauth.ts';
import { avatar, consentPage, errorPage } from './page.ts';
import { Repository } from './repository.ts';
import { sampleFiles } from './sample.ts';

/** Can be changed at any time, by assigning to the running host. */
export interface BitbucketSettings extends HostSettings {
  /** Bitbucket calls it a consumer. It has one callback address, and its scopes are those of all its tokens. */
  app: OAuthApp & { scopes: string[] };
  /** How the token answer names its scopes: `scopes` until the spring of 2026, `scope` since. */
  scopeMember: 'scopes' | 'scope';
  /** Seconds for which a refresh token still works after its first use. */
  grace: number;
}

export interface BitbucketHost extends BitbucketSettings, Host {
  readonly pullRequests: PullRequest[];
  /** What builds say about commits. */
  readonly statuses: Array<{ sha: string; key: string; state: string; url: string }>;
}

export type BitbucketOptions = ListenOptions & Partial<BitbucketSettings> & { repository?: RepositoryOptions };

export async function startBitbucket({ port, host, repository = {}, ...settings }: BitbucketOptions = {}) {
  const { fullName = 'demo/site', branch = 'main', files = sampleFiles } = repository;
  const listening = await listen((request, response) => answer(bitbucket, request, response), {
    ...(port !== undefined && { port }),
    ...(host !== undefined && { host }),
  });
  const bitbucket: BitbucketHost = {
    app: {
      name: 'Demo CMS',
      clientId: 'demoConsumerKey',
      clientSecret: 'demoConsumerSecret',
      redirectUris: [],
      scopes: ['account', 'repository:write', 'pullrequest:write'],
    },
    user: { login: 'demo-editor', name: 'Demo Editor' },
    collaborator: true,
    private: true,
    consent: 'ask',
    iss: 'none',
    fault: undefined,
    delay: 0,
    headers: {},
    scopeMember: 'scopes',
    grace: 10 * 60,
    ...settings,
    url: listening.url,
    apiRoot: `${listening.url}/2.0`,
    repository: new Repository(fullName, branch, files),
    grants: new Grants(),
    accessTokens: new Map(),
    pullRequests: [],
    statuses: [],
    requests: [],
    unexpected: [],
    close: listening.close,
  };
  return bitbucket;
}

async function answer(bitbucket: BitbucketHost, request: IncomingMessage, response: ServerResponse) {
  const url = requestUrl(request, bitbucket.url);
  const method = request.method ?? 'GET';
  const logged = logRequest(bitbucket, method, url.pathname);

  switch (`${method} ${url.pathname}`) {
    case 'GET /site/oauth2/authorize':
    case 'POST /site/oauth2/authorize': {
      const posted = method === 'POST';
      const parameters = posted ? await readParameters(request) : url.searchParams;
      logged.parameters = Object.fromEntries(parameters);
      await wait(bitbucket.delay);
      // Only our own consent page may answer for the user: not a link, and not a form on somebody else's page.
      const decision = posted && fromOurPage(request) ? parameters.get('decision') : null;
      parameters.delete('decision');
      return authorize(bitbucket, parameters, decision, response);
    }
    case 'POST /site/oauth2/access_token': {
      const parameters = await readParameters(request);
      logged.parameters = Object.fromEntries(parameters);
      await wait(bitbucket.delay);
      if (bitbucket.fault !== undefined) return void faults[bitbucket.fault](response);
      const tokens = exchange(bitbucket, basicCredentials(request), parameters);
      return sendJson(response, 'error' in tokens ? 400 : 200, tokens);
    }
    case 'GET /avatar.svg':
      return send(response, 200, 'image/svg+xml', avatar);
    case 'GET /':
    case `GET /${bitbucket.repository.fullName}`:
      return sendPage(response, 200, repositoryPage(bitbucket.repository));
  }
  if (await bitbucketApi(bitbucket, request, response, url)) return;
  sendPage(response, 404, errorPage('Not found', 'There is nothing at this address of the demo Git host.'));
}

// The authorize endpoint

const rights: Record<string, string> = {
  account: 'Read your account information',
  email: 'Read your e-mail addresses',
  repository: 'Read your repositories',
  'repository:write': 'Read and write your repositories',
  pullrequest: 'Read your pull requests',
  'pullrequest:write': 'Read and write your pull requests',
};

function authorize(
  bitbucket: BitbucketHost,
  parameters: URLSearchParams,
  decision: string | null,
  response: ServerResponse,
) {
  const { app, consent, grants, headers, iss, user } = bitbucket;
  const state: Record<string, string> = parameters.has('state') ? { state: parameters.get('state') ?? '' } : {};
  const callback = app.redirectUris[0];
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);

  // These end at the host, and the login server never hears of them.
  const stop = (text: string) => sendPage(response, 400, errorPage('Invalid request', text));
  const twice = repeated(parameters);
  if (twice !== undefined) return stop(`There are two ${twice} here.`);
  if (parameters.get('client_id') !== app.clientId || callback === undefined) {
    return stop('Invalid client_id. This integration is misconfigured: there is no such OAuth consumer.');
  }
  const redirectUri = parameters.get('redirect_uri') ?? callback;
  if (!isBelow(redirectUri, callback)) return stop('Invalid redirect_uri. It must be, or be below, the callback URL.');
  // The real one ignores it, so a login server that relies on it is not protected and would not find out.
  if (parameters.has('code_challenge')) return stop('Bitbucket has no PKCE: do not send a code_challenge.');

  const refuse = (error: string, description: string) =>
    sendRedirect(response, redirectUri, { error, error_description: description, ...state });
  if (parameters.get('response_type') !== 'code') {
    return refuse('unsupported_response_type', 'The response_type must be code.');
  }
  // Naming scopes is allowed but changes nothing: a token has those of its consumer.
  const excess = splitScopes(parameters.get('scope') ?? '').filter((scope) => !app.scopes.includes(scope));
  if (excess.length > 0) return refuse('invalid_scope', `Invalid scope: ${excess.join(', ')}`);
  if (decision === 'deny') return refuse('access_denied', 'The resource owner denied the request.');

  const known = app.scopes.every((scope) => grants.approved.has(scope));
  const silent = consent === 'always' || (consent === 'remember' && known);
  if (decision !== 'allow' && !silent) {
    const words = app.scopes.map((name) => ({ name, text: rights[name] ?? 'Something this demo has no words for' }));
    const asked = { host: 'Bitbucket', app: app.name, user: user.login, rights: words, destination: redirectUri };
    return sendPage(response, 200, consentPage({ ...asked, parameters }));
  }

  for (const scope of app.scopes) grants.approved.add(scope);
  const grant = { clientId: app.clientId, user: user.login, scopes: app.scopes, redirectUri, challenge: undefined };
  sendRedirect(response, redirectUri, {
    ...state,
    code: grants.issueCode(grant),
    ...(iss !== 'none' && { iss }),
  });
}

/** Below in the sense of paths: `/callback` is not the start of `/callback-of-somebody-else`. */
function isBelow(address: string, callback: string) {
  if (!URL.canParse(address)) return false;
  const { href } = new URL(address);
  const base = new URL(callback).href;
  return href === base || [`${base.replace(/\/$/, '')}/`, `${base}?`].some((start) => href.startsWith(start));
}

// The token endpoint

type TokenAnswer = Record<string, string | number>;

const lifetime = 2 * 60 * 60;

function exchange(
  { app, grace, grants, scopeMember }: BitbucketHost,
  credentials: { id: string; secret: string } | undefined,
  parameters: URLSearchParams,
): TokenAnswer {
  const refuse = (error: string, description: string) => ({ error, error_description: description });
  // Only by HTTP Basic, byte for byte: what is in the body does not count.
  if (credentials?.id !== app.clientId || credentials.secret !== app.clientSecret) {
    return refuse('unauthorized_client', 'Invalid OAuth client credentials');
  }
  if (parameters.has('code_verifier')) return refuse('invalid_request', 'Bitbucket has no PKCE: no code_verifier');
  const grantType = parameters.get('grant_type') ?? '';
  let grant;
  if (grantType === 'authorization_code') {
    grant = grants.redeemCode(parameters.get('code') ?? '');
    if (grant === undefined) return refuse('invalid_grant', 'The specified code is not valid.');
    if ((parameters.get('redirect_uri') ?? grant.redirectUri) !== grant.redirectUri) {
      return refuse('invalid_grant', 'The specified redirect_uri does not match.');
    }
  } else if (grantType === 'refresh_token') {
    grant = grants.redeemRefreshToken(parameters.get('refresh_token') ?? '', app.clientId, grace);
    if (grant === undefined) return refuse('invalid_grant', 'Invalid refresh_token');
  } else {
    return refuse('unsupported_grant_type', 'Unsupported grant type');
  }

  // Long, as the real ones are: too long for a cookie or an address, and made of characters that need no encoding.
  const generate = () => randomBytes(2250).toString('base64url');
  const style = { accessPrefix: 'bbat_', refreshPrefix: 'bbrt_', lifetime, generate };
  const { accessToken, refreshToken = '' } = grants.issueTokens(grant, style);
  return {
    access_token: accessToken,
    [scopeMember]: grant.scopes.join(' '),
    expires_in: lifetime,
    refresh_token: refreshToken,
    token_type: 'bearer',
    state: grantType,
  };
}
