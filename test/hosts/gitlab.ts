/**
 * GitLab, played by a server on loopback: the OAuth endpoints with the peculiarities of Doorkeeper, and the API as far as
 * the CMSs use it.
 *
 * @see https://docs.gitlab.com/api/oauth2/
 */
import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import { faults } from './faults.ts';
import { gitlabApi } from './gitlab/api.ts';
import type { MergeRequest } from './gitlab/merge-requests.ts';
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
import { challengeMatches, Grants, repeated, type OAuthApp } from './oauth.ts';
import { avatar, consentPage, errorPage } from './page.ts';
import { Repository } from './repository.ts';
import { sampleFiles } from './sample.ts';

/** Can be changed at any time, by assigning to the running host. */
export interface GitLabSettings extends HostSettings {
  /** What an application may ask for is fixed when it is registered. */
  app: OAuthApp & { scopes: string[] };
}

export interface GitLabHost extends GitLabSettings, Host {
  readonly graphqlRoot: string;
  readonly mergeRequests: MergeRequest[];
  /** What builds say about commits. */
  readonly statuses: Array<{ sha: string; name: string; status: string; target_url: string }>;
  /** Of whoever is a member: https://docs.gitlab.com/api/access_requests/#valid-access-levels */
  accessRole: number;
  /** What the project was called before. */
  movedFrom?: string;
}

export type GitLabOptions = ListenOptions &
  Partial<GitLabSettings> & {
    repository?: RepositoryOptions;
    /** Where the instance lives, for one that shares its host with others: `/gitlab`. Everything is below it. */
    path?: string;
  };

export async function startGitLab({ port, host, path = '', repository = {}, ...settings }: GitLabOptions = {}) {
  const { fullName = 'demo/site', branch = 'main', files = sampleFiles } = repository;
  const listening = await listen((request, response) => answer(gitlab, listening.url, request, response), {
    ...(port !== undefined && { port }),
    ...(host !== undefined && { host }),
  });
  const url = listening.url + path;
  const gitlab: GitLabHost = {
    app: {
      name: 'Demo CMS',
      clientId: 'demo-client-id',
      clientSecret: 'gloas-demo-client-secret',
      redirectUris: [],
      scopes: ['api'],
    },
    user: { login: 'demo-editor', name: 'Demo Editor' },
    collaborator: true,
    private: true,
    consent: 'ask',
    iss: 'none',
    fault: undefined,
    delay: 0,
    headers: {},
    accessRole: 30,
    ...settings,
    url,
    apiRoot: `${url}/api/v4`,
    graphqlRoot: `${url}/api/graphql`,
    repository: new Repository(fullName, branch, files),
    grants: new Grants(),
    accessTokens: new Map(),
    mergeRequests: [],
    statuses: [],
    requests: [],
    unexpected: [],
    close: listening.close,
  };
  return gitlab;
}

async function answer(gitlab: GitLabHost, origin: string, request: IncomingMessage, response: ServerResponse) {
  const url = requestUrl(request, origin);
  const method = request.method ?? 'GET';
  const logged = logRequest(gitlab, method, url.pathname);
  const root = new URL(gitlab.url).pathname.replace(/\/$/, '');
  const path = url.pathname.startsWith(`${root}/`) ? url.pathname.slice(root.length) : '';

  switch (`${method} ${path}`) {
    case 'GET /oauth/authorize':
    case 'POST /oauth/authorize': {
      const posted = method === 'POST';
      const parameters = posted ? await readParameters(request) : url.searchParams;
      logged.parameters = Object.fromEntries(parameters);
      await wait(gitlab.delay);
      // Only our own consent page may answer for the user: not a link, and not a form on somebody else's page.
      const decision = posted && fromOurPage(request) ? parameters.get('decision') : null;
      parameters.delete('decision');
      return authorize(gitlab, parameters, decision, response);
    }
    case 'POST /oauth/token': {
      const parameters = await readParameters(request);
      logged.parameters = Object.fromEntries(parameters);
      await wait(gitlab.delay);
      if (gitlab.fault !== undefined) return void faults[gitlab.fault](response);
      return sendTokens(response, exchange(gitlab, basicCredentials(request), parameters));
    }
    case 'GET /avatar.svg':
      return send(response, 200, 'image/svg+xml', avatar);
    case 'GET /':
    case `GET /${gitlab.repository.fullName}`:
      return sendPage(response, 200, repositoryPage(gitlab.repository));
  }
  if (await gitlabApi(gitlab, request, response, url, path)) return;
  sendPage(response, 404, errorPage('Not found', 'There is nothing at this address of the demo Git host.'));
}

// The authorize endpoint

const rights: Record<string, string> = {
  api: 'Read and write everything you can: groups, projects, and what is in them',
  read_api: 'Read everything you can: groups, projects, and what is in them',
  read_user: 'Read your profile',
  read_repository: 'Read your repositories, by Git only',
  write_repository: 'Read and write your repositories, by Git only',
};

const refusals = {
  access_denied: 'The resource owner or authorization server denied the request.',
  invalid_request: 'The request is missing a required parameter, or is otherwise malformed.',
  invalid_scope: 'The requested scope is invalid, unknown, or malformed.',
  invalid_code_challenge_method: 'The code_challenge_method must be S256.',
  unsupported_response_type: 'The authorization server does not support this response type.',
};

function authorize(gitlab: GitLabHost, parameters: URLSearchParams, decision: string | null, response: ServerResponse) {
  const { app, consent, grants, headers, iss, user } = gitlab;
  const state: Record<string, string> = parameters.has('state') ? { state: parameters.get('state') ?? '' } : {};
  const redirectUri = parameters.get('redirect_uri') ?? '';
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);

  // Nobody to send the browser back to: these end at the host, and the login server never hears of them.
  const stop = (status: number, text: string) => sendPage(response, status, errorPage('An error has occurred', text));
  const twice = repeated(parameters);
  if (twice !== undefined) return stop(400, `There are two ${twice} here.`);
  if (parameters.get('client_id') !== app.clientId) {
    return stop(401, 'Client authentication failed due to unknown client.');
  }
  if (!app.redirectUris.some((registered) => isSame(redirectUri, registered))) {
    return stop(400, 'The redirect URI included is not valid.');
  }

  const refuse = (error: keyof typeof refusals) =>
    sendRedirect(response, redirectUri, { error, error_description: refusals[error], ...state });
  const responseType = parameters.get('response_type');
  if (responseType === null) return refuse('invalid_request');
  if (responseType !== 'code') return refuse('unsupported_response_type');
  // By spaces only: to GitLab, `api,read_user` is one scope that it does not know.
  const scopes = (parameters.get('scope') ?? 'api').split(' ').filter(Boolean);
  if (!scopes.every((scope) => app.scopes.includes(scope))) return refuse('invalid_scope');
  const challenge = parameters.get('code_challenge') ?? undefined;
  if (challenge !== undefined && parameters.get('code_challenge_method') !== 'S256') {
    return refuse('invalid_code_challenge_method');
  }
  if (decision === 'deny') return refuse('access_denied');

  const known = scopes.every((scope) => grants.approved.has(scope));
  const silent = consent === 'always' || (consent === 'remember' && known);
  if (decision !== 'allow' && !silent) {
    const words = scopes.map((name) => ({ name, text: rights[name] ?? 'Something this demo has no words for' }));
    const asked = { host: 'GitLab', app: app.name, user: user.login, rights: words, destination: redirectUri };
    return sendPage(response, 200, consentPage({ ...asked, parameters }));
  }

  for (const scope of scopes) grants.approved.add(scope);
  sendRedirect(response, redirectUri, {
    code: grants.issueCode({ clientId: app.clientId, user: user.login, scopes, redirectUri, challenge }),
    ...state,
    ...(iss !== 'none' && { iss }),
  });
}

/** To the letter, except that programs on the user's own computer may choose their port. `localhost` is a name like any. */
function isSame(address: string, registered: string) {
  if (address === registered) return true;
  if (!URL.canParse(address) || !URL.canParse(registered)) return false;
  const [a, b] = [new URL(address), new URL(registered)];
  if (!['127.0.0.1', '[::1]'].includes(b.hostname)) return false;
  a.port = b.port;
  return a.href === b.href;
}

// The token endpoint

const tokenErrors = {
  invalid_client: 'Client authentication failed due to unknown client, or unsupported authentication method.',
  invalid_grant: 'The provided authorization grant is invalid, expired, revoked, or does not match.',
  invalid_request: 'The request is missing a required parameter, or is otherwise malformed.',
  unsupported_grant_type: 'The authorization grant type is not supported by the authorization server.',
};

type TokenAnswer = Record<string, string | number> | { error: keyof typeof tokenErrors };

const lifetime = 2 * 60 * 60;

function exchange(
  { app, grants }: GitLabHost,
  basic: { id: string; secret: string } | undefined,
  parameters: URLSearchParams,
): TokenAnswer {
  if (repeated(parameters) !== undefined) return { error: 'invalid_request' };
  // One way of saying who one is, not two; what comes by Basic is taken as it is, without decoding.
  if (basic !== undefined && parameters.has('client_secret')) return { error: 'invalid_request' };
  const { id, secret } = basic ?? { id: parameters.get('client_id'), secret: parameters.get('client_secret') };
  if (id !== app.clientId || secret !== app.clientSecret) return { error: 'invalid_client' };

  const redirectUri = parameters.get('redirect_uri');
  let grant;
  switch (parameters.get('grant_type')) {
    case 'authorization_code': {
      const code = parameters.get('code');
      const verifier = parameters.get('code_verifier');
      if (code === null || redirectUri === null) return { error: 'invalid_request' };
      grant = grants.redeemCode(code);
      // Neither a challenge without a verifier nor the reverse.
      const proven = grant?.challenge === undefined ? verifier === null : challengeMatches(grant.challenge, verifier);
      if (grant?.redirectUri !== redirectUri || !proven) return { error: 'invalid_grant' };
      break;
    }
    case 'refresh_token': {
      const token = parameters.get('refresh_token');
      if (token === null) return { error: 'invalid_request' };
      grant = grants.redeemRefreshToken(token, app.clientId);
      if (grant === undefined || (redirectUri ?? grant.redirectUri) !== grant.redirectUri) {
        return { error: 'invalid_grant' };
      }
      break;
    }
    case null:
      return { error: 'invalid_request' };
    default:
      return { error: 'unsupported_grant_type' };
  }

  const generate = () => randomBytes(32).toString('hex');
  const style = { accessPrefix: '', refreshPrefix: '', lifetime, generate };
  const { accessToken, refreshToken = '' } = grants.issueTokens(grant, style);
  return {
    access_token: accessToken,
    token_type: 'Bearer',
    expires_in: lifetime,
    refresh_token: refreshToken,
    scope: grant.scopes.join(' '),
    created_at: Math.floor(Date.now() / 1000),
  };
}

/** Errors come twice, in the header and in the body. */
function sendTokens(response: ServerResponse, tokens: TokenAnswer) {
  response.setHeader('Cache-Control', 'no-store');
  if (!isError(tokens)) return sendJson(response, 200, tokens);
  const { error } = tokens;
  const description = tokenErrors[error];
  const challenge = `Bearer realm="Doorkeeper", error="${error}", error_description="${description}"`;
  response.setHeader('WWW-Authenticate', challenge);
  sendJson(response, error === 'invalid_client' ? 401 : 400, { error, error_description: description });
}

function isError(tokens: TokenAnswer): tokens is { error: keyof typeof tokenErrors } {
  return 'error' in tokens;
}
