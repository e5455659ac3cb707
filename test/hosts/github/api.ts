/**
 * The door to GitHub's API: CORS, tokens and rights. Both roots of an Enterprise server are here, and `/graphql`, which
 * is where Sveltia CMS looks for GraphQL when the config only says `api_root`.
 */
import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { GitHubHost } from '../github.ts';
import { remember, tokenScopes } from '../host.ts';
import { HttpError, parseJson, readBody } from '../http.ts';
import type { Answer } from '../routes.ts';
import { appRoutes } from './app.ts';
import { answerGraphQL } from './graphql.ts';
import { findRoute } from './rest.ts';

/** Whose request it is, and what that person may do with the token at hand. */
export interface Caller {
  scopes: string[];
  mayRead: boolean;
  mayWrite: boolean;
  /** Of a GitHub App, with no more than the rights that were asked for. */
  isApp?: boolean;
}

const cors = {
  'Access-Control-Allow-Origin': '*',
  'Access-Control-Expose-Headers': 'ETag, Link, Location, Retry-After, X-OAuth-Scopes, X-Accepted-OAuth-Scopes',
};

const preflight = {
  ...cors,
  'Access-Control-Allow-Methods': 'GET, POST, PATCH, PUT, DELETE',
  'Access-Control-Allow-Headers':
    'Authorization, Content-Type, If-Match, If-Modified-Since, If-None-Match, If-Unmodified-Since, X-Requested-With, X-GitHub-Api-Version',
  'Access-Control-Max-Age': '86400',
};

/** False if the request is for something else than the API. */
export async function githubApi(
  github: GitHubHost,
  request: IncomingMessage,
  response: ServerResponse,
  url: URL,
): Promise<boolean> {
  const { pathname } = url;
  const graphql = pathname === '/graphql' || pathname === '/api/graphql';
  if (!graphql && !pathname.startsWith('/api/v3/')) return false;
  if (request.method === 'OPTIONS') {
    response.writeHead(204, preflight).end();
    return true;
  }
  response.setHeader('Date', new Date(Date.now() + github.clockAhead).toUTCString());
  try {
    const token = tokenOf(request);
    const path = url.pathname.slice('/api/v3'.length);
    if (!graphql && (path.startsWith('/app/') || path.endsWith('/installation'))) {
      const body = (await readBody(request, 64 * 1024)).toString();
      const given = { method: request.method ?? '', path, token, body: body === '' ? {} : parseJson(body) };
      const answer = await appRoutes(github, given);
      if (answer === undefined) throw new HttpError(404, 'Not Found');
      sendApi(request, response, answer);
      return true;
    }
    const caller = identify(github, token);
    response.setHeader('X-OAuth-Scopes', caller.scopes.join(', '));
    const ends = github.accessTokens.get(token)?.ends;
    if (ends !== undefined) response.setHeader('GitHub-Authentication-Token-Expiration', `${ends} 00:00:00 UTC`);
    if (graphql) {
      const { query, variables } = parseJson((await readBody(request, 32 * 1024 * 1024)).toString());
      const known = typeof variables === 'object' ? { ...variables } : {};
      // As with the token endpoint, errors come with status 200.
      const { body, unexpected } = await answerGraphQL(github, caller, String(query), known);
      if (unexpected !== undefined) remember(github, unexpected);
      sendApi(request, response, { status: 200, body });
    } else {
      sendApi(request, response, await answerRest(github, caller, request, url));
    }
  } catch (error) {
    if (!(error instanceof HttpError)) throw error;
    const { status, message } = error;
    const body = { message, documentation_url: 'https://docs.github.com/rest', status: `${status}` };
    sendApi(request, response, { status, body });
  }
  return true;
}

function tokenOf(request: IncomingMessage): string {
  const token = /^(?:token|bearer) (\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
  if (token === undefined) throw new HttpError(401, 'Requires authentication');
  return token;
}

function identify(github: GitHubHost, token: string): Caller {
  const installed = github.installationTokens.get(token);
  if (installed !== undefined && Date.now() < installed.ends) {
    // Their rights are those that were asked for; without one for contents, the repository is not even there.
    const { contents } = installed.permissions;
    return { scopes: [], mayRead: contents !== undefined, mayWrite: contents === 'write', isApp: true };
  }
  const scopes = tokenScopes(github, token);
  if (scopes === undefined) throw new HttpError(401, 'Bad credentials');
  // The tokens of a GitHub App have no scopes: their rights are those of the installation.
  const may = (...wanted: string[]) => token.startsWith('ghu_') || wanted.some((scope) => scopes.includes(scope));
  return {
    scopes,
    mayRead: github.private ? github.collaborator && may('repo') : true,
    mayWrite: github.collaborator && (github.private ? may('repo') : may('repo', 'public_repo')),
  };
}

async function answerRest(github: GitHubHost, caller: Caller, request: IncomingMessage, url: URL) {
  const method = request.method === 'HEAD' ? 'GET' : (request.method ?? 'GET');
  // A repository goes by its number, too.
  const path = url.pathname
    .slice('/api/v3'.length)
    .replace(/^\/repositories\/1(?=\/|$)/, `/repos/${github.repository.fullName}`);
  const moved = movedRepository(github, method, path);
  if (moved) return moved;
  const route = findRoute(method, path);
  if (route === undefined) {
    remember(github, `${method} ${path}`);
    throw new HttpError(404, 'Not Found');
  }
  const text = (await readBody(request, 16 * 1024 * 1024)).toString();
  const { accept = '' } = request.headers;
  return route({ github, caller, query: url.searchParams, accept, body: text === '' ? {} : parseJson(text) });
}

/**
 * A repository that was renamed or given to somebody else: its old name leads to its number, by 301 for reading, and by 307 for
 * writing, which keeps method and body. The new address is in `Location`, and with the 301 in the body.
 *
 * @see https://docs.github.com/rest/using-the-rest-api/best-practices-for-using-the-rest-api#follow-redirects
 */
function movedRepository(github: GitHubHost, method: string, path: string): Answer | undefined {
  const { movedFrom } = github;
  if (movedFrom === undefined) return undefined;
  const old = `/repos/${movedFrom}`;
  if (path !== old && !path.startsWith(`${old}/`)) return undefined;
  const url = `${github.apiRoot}/repositories/1${path.slice(old.length)}`;
  const body = { message: 'Moved Permanently', url, documentation_url: 'https://docs.github.com/rest/guides' };
  return { status: method === 'GET' ? 301 : 307, body, headers: { Location: url } };
}

function sendApi(request: IncomingMessage, response: ServerResponse, { status, body, headers: more }: Answer) {
  const text = body === undefined ? '' : Buffer.isBuffer(body) ? body : JSON.stringify(body);
  const etag = `"${createHash('sha256').update(text).digest('hex')}"`;
  // api.github.com lets browsers keep an answer for a minute. Here they always ask: a test that revokes a token
  // must not meet an answer from before.
  const headers = { ...cors, ...more, 'Cache-Control': 'private, no-cache', Vary: 'Accept, Authorization', ETag: etag };
  if (status === 200 && request.method === 'GET' && request.headers['if-none-match']?.includes(etag)) {
    response.writeHead(304, headers).end();
    return;
  }
  const type = text === '' ? {} : { 'Content-Type': 'application/json; charset=utf-8' };
  response.writeHead(status, { ...type, ...headers }).end(text);
}
