/** The door to GitLab's API, REST and GraphQL: CORS, tokens and rights. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { GitLabHost } from '../gitlab.ts';
import { GraphQLError, executeGraphQL } from '../graphql.ts';
import { remember, tokenScopes } from '../host.ts';
import { HttpError, parseJson, readBody } from '../http.ts';
import { schema } from './graphql.ts';
import { findRoute } from './rest.ts';
import { projectId } from './route.ts';

/** Whose request it is, and what that person may do with the token at hand. */
export interface Caller {
  /** As it was sent. */
  token: string;
  /** What cannot be read does not exist. */
  mayRead: boolean;
  mayWrite: boolean;
}

const exposed = ['Page', 'Per-Page', 'Total', 'Total-Pages', 'Next-Page', 'Prev-Page', 'Gitlab-Blob-Id'];

const cors = {
  'Access-Control-Allow-Origin': '*',
  'Access-Control-Expose-Headers': ['ETag', 'Link', 'Retry-After', ...exposed.map((name) => `X-${name}`)].join(', '),
};

const preflight = {
  ...cors,
  'Access-Control-Allow-Methods': 'GET, HEAD, POST, PUT, PATCH, DELETE',
  'Access-Control-Allow-Headers': 'Authorization, Content-Type, Private-Token, If-None-Match, X-Requested-With',
  'Access-Control-Max-Age': '7200',
};

/** `path` is the part below the instance's own. False if the request is for something else than the API. */
export async function gitlabApi(
  gitlab: GitLabHost,
  request: IncomingMessage,
  response: ServerResponse,
  url: URL,
  path: string,
): Promise<boolean> {
  const graphql = path === '/api/graphql';
  if (!graphql && !path.startsWith('/api/v4/')) return false;
  if (request.method === 'OPTIONS') {
    response.writeHead(204, preflight).end();
    return true;
  }
  // Access tokens have a header of their own, and may come as a bearer token as well.
  const own = request.headers['private-token'];
  const token =
    typeof own === 'string' ? own : (/^bearer (\S+)$/i.exec(request.headers.authorization ?? '')?.[1] ?? '');
  const scopes = tokenScopes(gitlab, token);
  if (scopes === undefined || (own !== undefined && !gitlab.accessTokens.has(token))) {
    const { body, headers } = unauthorized(graphql, gitlab.grants.isExpired(token));
    sendApi(response, 401, body, headers);
    return true;
  }
  const member = gitlab.collaborator || gitlab.accessTokens.has(token);
  const caller: Caller = {
    token,
    mayRead: member || !gitlab.private,
    mayWrite: member && scopes.includes('api'),
  };
  if (!scopes.includes('api') && !(request.method !== 'POST' && scopes.includes('read_api'))) {
    const description = 'The request requires higher privileges than provided by the access token.';
    sendApi(response, 403, { error: 'insufficient_scope', error_description: description, scope: 'api' });
    return true;
  }
  try {
    if (graphql) {
      sendApi(response, 200, await answerGraphQL(gitlab, caller, request));
    } else {
      const below = path.slice('/api/v4'.length);
      const { status, body, headers } = await answerRest(gitlab, caller, request, url, below);
      sendApi(response, status, body, headers);
    }
  } catch (error) {
    if (!(error instanceof HttpError)) throw error;
    sendApi(response, error.status, { message: error.message });
  }
  return true;
}

/** Three wordings for the same thing; a CMS that knows only one of them does not notice that its login has ended. */
function unauthorized(graphql: boolean, expired: boolean) {
  if (graphql) return { body: { errors: [{ message: 'Invalid token' }] }, headers: {} };
  if (!expired) return { body: { message: '401 Unauthorized' }, headers: {} };
  const description = 'Token is expired. You can either do re-authorization or token refresh.';
  const challenge = `Bearer realm="Protected by OAuth 2.0", error="invalid_token", error_description="${description}"`;
  return {
    body: { error: 'invalid_token', error_description: description },
    headers: { 'WWW-Authenticate': challenge },
  };
}

async function answerRest(gitlab: GitLabHost, caller: Caller, request: IncomingMessage, url: URL, path: string) {
  const method = request.method === 'HEAD' ? 'GET' : (request.method ?? 'GET');
  const old = gitlab.movedFrom === undefined ? undefined : `/projects/${encodeURIComponent(gitlab.movedFrom)}`;
  // A project's old path leads to its number, for reading; nothing is written by way of it. See
  // https://docs.gitlab.com/api/rest/#redirects and `find_project!` in GitLab's lib/api/helpers.rb.
  if (old !== undefined && (path === old || path.startsWith(`${old}/`))) {
    if (method !== 'GET')
      throw new HttpError(405, '405 Method Not Allowed - Non GET methods are not allowed for moved projects');
    const location = `${gitlab.url}/api/v4/projects/${projectId}${path.slice(old.length)}`;
    return {
      status: 301,
      body: { message: `This resource has been moved permanently to ${location}` },
      headers: { Location: location },
    };
  }
  const route = findRoute(method, path);
  if (route === undefined) {
    remember(gitlab, `${method} ${path}`);
    throw new HttpError(404, '404 Not Found');
  }
  const text = (await readBody(request, 32 * 1024 * 1024)).toString();
  return route({ gitlab, caller, url, query: url.searchParams, body: text === '' ? {} : parseJson(text) });
}

async function answerGraphQL(gitlab: GitLabHost, caller: Caller, request: IncomingMessage) {
  const { query, variables } = parseJson((await readBody(request, 1024 * 1024)).toString());
  try {
    const known = typeof variables === 'object' ? { ...variables } : {};
    return { data: executeGraphQL(String(query), known, schema(gitlab, caller)) };
  } catch (error) {
    if (!(error instanceof GraphQLError)) throw error;
    const { message, type } = error;
    if (type === 'undefinedField' || type === 'parseError') remember(gitlab, `GraphQL: ${message}`);
    return { errors: [{ message }] };
  }
}

function sendApi(response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}) {
  const all = { ...cors, 'Cache-Control': 'max-age=0, private, must-revalidate', Vary: 'Origin', ...headers };
  if (body === undefined || Buffer.isBuffer(body)) {
    response.writeHead(status, all).end(body);
    return;
  }
  response.writeHead(status, { ...all, 'Content-Type': 'application/json' }).end(JSON.stringify(body));
}
