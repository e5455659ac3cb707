/**
 * GitHub, played by a server on loopback: the OAuth endpoints with their peculiarities, and the API as far as the CMSs
 * use it. It serves the tests and the demo, so it is both strict and presentable.
 *
 * @see https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/authorizing-oauth-apps
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import { faults } from './faults.ts';
import { githubApi } from './github/api.ts';
import type { InstallationToken, InstalledApp } from './github/app.ts';
import type { PullRequest } from './github/pull-requests.ts';
import { githubRegistration, Registry } from './github/registration.ts';
import {
  fromOurPage,
  type Host,
  type HostSettings,
  logRequest,
  type LoggedRequest,
  repositoryPage,
  type RepositoryOptions,
  sendPage,
} from './host.ts';
import { listen, readParameters, requestUrl, send, sendJson, sendRedirect, type ListenOptions } from './http.ts';
import { challengeMatches, Grants, repeated, splitScopes } from './oauth.ts';
import { avatar, consentPage, errorPage } from './page.ts';
import { Repository } from './repository.ts';
import { sampleFiles } from './sample.ts';

export type { LoggedRequest };

/** A private repository needs the scope `repo`, a public one `public_repo`. */
export interface GitHubSettings extends HostSettings {
  /** GitHub App style: tokens that expire, refresh tokens that rotate, no scopes. */
  expiring: boolean;
  /** The issuer in the callback (RFC 9207): GitHub's, none, or a false one. */
  iss: 'right' | 'none' | (string & {});
}

export interface GitHubHost extends GitHubSettings, Host {
  /** The GitHub Apps, which know nothing of the one OAuth app above. */
  readonly registry: Registry;
  readonly graphqlRoot: string;
  readonly pullRequests: PullRequest[];
  /** By commit. */
  readonly statuses: Map<string, Array<{ context: string; state: string; target_url: string }>>;
  /** A GitHub App that is installed on the repository, if there is one, and the tokens that it was given. */
  installedApp: InstalledApp | undefined;
  readonly installationTokens: Map<string, InstallationToken>;
  /** What the repository was called before. */
  movedFrom?: string;
  /** How far this host's clock is ahead of the machine's, in milliseconds. */
  clockAhead: number;
}

export type GitHubOptions = ListenOptions & Partial<GitHubSettings> & { repository?: RepositoryOptions };

export async function startGitHub({ port, host, repository = {}, ...settings }: GitHubOptions = {}) {
  const { fullName = 'demo/site', branch = 'main', files = sampleFiles } = repository;
  const listening = await listen((request, response) => answer(github, request, response), {
    ...(port !== undefined && { port }),
    ...(host !== undefined && { host }),
  });
  const github: GitHubHost = {
    app: { name: 'Demo CMS', clientId: 'demo-client-id', clientSecret: 'demo-client-secret', redirectUris: [] },
    user: { login: 'demo-editor', name: 'Demo Editor' },
    collaborator: true,
    private: true,
    consent: 'ask',
    expiring: false,
    iss: 'right',
    fault: undefined,
    delay: 0,
    headers: {},
    ...settings,
    url: listening.url,
    apiRoot: `${listening.url}/api/v3`,
    graphqlRoot: `${listening.url}/api/graphql`,
    repository: new Repository(fullName, branch, files),
    grants: new Grants(),
    accessTokens: new Map(),
    pullRequests: [],
    statuses: new Map(),
    installedApp: undefined,
    installationTokens: new Map(),
    clockAhead: 0,
    registry: new Registry(),
    requests: [],
    unexpected: [],
    close: listening.close,
  };
  return github;
}

async function answer(github: GitHubHost, request: IncomingMessage, response: ServerResponse) {
  const url = requestUrl(request, github.url);
  const method = request.method ?? 'GET';
  const logged = logRequest(github, method, url.pathname);

  switch (`${method} ${url.pathname}`) {
    case 'GET /login/oauth/authorize':
    case 'POST /login/oauth/authorize': {
      const posted = method === 'POST';
      const parameters = posted ? await readParameters(request) : url.searchParams;
      logged.parameters = Object.fromEntries(parameters);
      await wait(github.delay);
      // Only our own consent page may answer for the user: not a link, and not a form on somebody else's page.
      const decision = posted && fromOurPage(request) ? parameters.get('decision') : null;
      parameters.delete('decision');
      return authorize(github, parameters, decision, response);
    }
    case 'POST /login/oauth/access_token': {
      const parameters = await readParameters(request);
      logged.parameters = Object.fromEntries(parameters);
      await wait(github.delay);
      if (github.fault !== undefined) return void faults[github.fault](response);
      return sendTokens(request, response, exchange(github, parameters));
    }
    case 'GET /avatar.svg':
      return send(response, 200, 'image/svg+xml', avatar);
    case 'GET /':
    case `GET /${github.repository.fullName}`:
      return sendPage(response, 200, repositoryPage(github.repository));
  }
  if (await githubRegistration(github, request, response, url)) return;
  if (await githubApi(github, request, response, url)) return;
  sendPage(response, 404, errorPage('Not found', 'There is nothing at this address of the demo Git host.'));
}

// The authorize endpoint

const rights: Record<string, string> = {
  repo: 'Read and write all your repositories, public and private',
  public_repo: 'Read and write your public repositories',
  user: 'Read and change your profile',
  'read:user': 'Read your profile',
  'user:email': 'Read your e-mail addresses',
  contents: 'Read and write the repositories that the app is installed on',
};

function authorize(github: GitHubHost, parameters: URLSearchParams, decision: string | null, response: ServerResponse) {
  const { app, expiring, grants, headers, user } = github;
  const state: Record<string, string> = parameters.has('state') ? { state: parameters.get('state') ?? '' } : {};
  const registered = app.redirectUris[0];
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);

  // Nobody to send the browser back to: these end at the host, and the login server never hears of them.
  const twice = repeated(parameters);
  if (twice !== undefined) return sendPage(response, 400, errorPage('Bad request', `There are two ${twice} here.`));
  if (parameters.get('client_id') !== app.clientId || registered === undefined) {
    return sendPage(response, 404, errorPage('Not found', 'No application is registered under this client id.'));
  }

  const redirectUri = parameters.get('redirect_uri') ?? registered;
  const refuse = (target: string, error: string, description: string) =>
    sendRedirect(response, target, {
      error,
      error_description: description,
      error_uri: `https://docs.github.com/apps/oauth-apps/maintaining-oauth-apps/troubleshooting-authorization-request-errors#${error.replaceAll('_', '-')}`,
      ...state,
    });
  if (app.suspended) return refuse(registered, 'application_suspended', 'Your application has been suspended.');
  if (!app.redirectUris.includes(redirectUri)) {
    // To the registered address, of course, never to the one that was asked for.
    const description = 'The redirect_uri MUST match the registered callback URL for this application.';
    return refuse(registered, 'redirect_uri_mismatch', description);
  }
  const challenge = parameters.get('code_challenge') ?? undefined;
  if (challenge !== undefined && parameters.get('code_challenge_method') !== 'S256') {
    return refuse(redirectUri, 'invalid_request', 'The code_challenge_method must be S256.');
  }

  // A request that names no scope gets all that were approved before, which is why one must always be named.
  const { approved } = grants;
  const asked = parameters.has('scope') ? splitScopes(parameters.get('scope') ?? '') : [...approved];
  // A GitHub App does not care for scopes: its permissions were fixed when it was installed.
  const scopes = expiring ? ['contents'] : asked;
  const known = approved.size > 0 && scopes.every((scope) => approved.has(scope));
  const silent = github.consent === 'always' || (github.consent === 'remember' && known);

  if (decision === 'deny') return refuse(redirectUri, 'access_denied', 'The user has denied your application access.');
  if (decision !== 'allow' && !silent) {
    const words = scopes.map((name) => ({ name, text: rights[name] ?? 'Something this demo has no words for' }));
    if (words.length === 0) words.push({ name: 'no scope', text: 'Read what is public' });
    const consent = { host: 'GitHub', app: app.name, user: user.login, rights: words, destination: redirectUri };
    return sendPage(response, 200, consentPage({ ...consent, parameters }));
  }

  for (const scope of scopes) approved.add(scope);
  const grant = { clientId: app.clientId, user: user.login, scopes: expiring ? [] : scopes, redirectUri, challenge };
  const iss = github.iss === 'right' ? `${github.url}/login/oauth` : github.iss;
  sendRedirect(response, redirectUri, {
    code: grants.issueCode(grant),
    ...state,
    ...(iss !== 'none' && { iss }),
  });
}

// The token endpoint

type TokenAnswer = Record<string, string | number>;

const tokenErrors = {
  incorrect_client_credentials: 'The client_id and/or client_secret passed are incorrect.',
  bad_verification_code: 'The code passed is incorrect or expired.',
  redirect_uri_mismatch: 'The redirect_uri MUST match the registered callback URL for this application.',
  bad_refresh_token: 'The refresh token passed is incorrect or expired.',
  unsupported_grant_type: 'The grant_type must be authorization_code or refresh_token.',
};

function tokenError(error: keyof typeof tokenErrors): TokenAnswer {
  const documentation = 'https://docs.github.com/apps/oauth-apps/maintaining-oauth-apps/';
  const uri = `${documentation}troubleshooting-oauth-app-access-token-request-errors#${error.replaceAll('_', '-')}`;
  return { error, error_description: tokenErrors[error], error_uri: uri };
}

function exchange({ app, expiring, grants }: GitHubHost, parameters: URLSearchParams): TokenAnswer {
  if (parameters.get('client_id') !== app.clientId || parameters.get('client_secret') !== app.clientSecret) {
    return tokenError('incorrect_client_credentials');
  }
  const grantType = parameters.get('grant_type') ?? 'authorization_code';
  let grant;
  if (grantType === 'authorization_code') {
    grant = grants.redeemCode(parameters.get('code') ?? '');
    if (grant === undefined || !challengeMatches(grant.challenge, parameters.get('code_verifier'))) {
      return tokenError('bad_verification_code');
    }
    if ((parameters.get('redirect_uri') ?? grant.redirectUri) !== grant.redirectUri) {
      return tokenError('redirect_uri_mismatch');
    }
  } else if (grantType === 'refresh_token') {
    grant = grants.redeemRefreshToken(parameters.get('refresh_token') ?? '', app.clientId);
    if (grant === undefined) return tokenError('bad_refresh_token');
  } else {
    return tokenError('unsupported_grant_type');
  }

  if (!expiring) {
    const { accessToken } = grants.issueTokens(grant, { accessPrefix: 'gho_' });
    return { access_token: accessToken, token_type: 'bearer', scope: grant.scopes.join(',') };
  }
  const lifetime = 8 * 60 * 60;
  const style = { accessPrefix: 'ghu_', refreshPrefix: 'ghr_', lifetime };
  const { accessToken, refreshToken } = grants.issueTokens(grant, style);
  return {
    access_token: accessToken,
    expires_in: lifetime,
    refresh_token: refreshToken ?? '',
    refresh_token_expires_in: 15_897_600,
    token_type: 'bearer',
    scope: '',
  };
}

/** Errors, too, come with status 200, and in a form unless JSON was asked for. */
function sendTokens(request: IncomingMessage, response: ServerResponse, tokens: TokenAnswer) {
  if (request.headers.accept?.includes('application/json')) return sendJson(response, 200, tokens);
  const form = new URLSearchParams(Object.entries(tokens).map(([name, value]) => [name, String(value)]));
  send(response, 200, 'application/x-www-form-urlencoded; charset=utf-8', form.toString());
}
