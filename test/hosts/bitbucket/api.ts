/** The door to Bitbucket's API: CORS, tokens and rights. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { BitbucketHost } from '../bitbucket.ts';
import { remember, tokenScopes } from '../host.ts';
import { HttpError, parseJson, readBody } from '../http.ts';
import { findRoute } from './rest.ts';

/** Whose request it is, and what that person may do with the token at hand. */
export interface Caller {
  /** As it was sent. */
  token: string;
  /** Whether the token has that scope, or one that implies it. */
  has(scope: string): boolean;
}

const cors = {
  'Access-Control-Allow-Origin': '*',
  'Access-Control-Expose-Headers': 'Location, ETag, Link, Retry-After',
};

const preflight = {
  ...cors,
  'Access-Control-Allow-Methods': 'GET, POST, PUT, DELETE',
  'Access-Control-Allow-Headers': 'Authorization, Content-Type, Accept, If-Match, If-None-Match',
  'Access-Control-Max-Age': '86400',
};

/** False if the request is for something else than the API. */
export async function bitbucketApi(
  bitbucket: BitbucketHost,
  request: IncomingMessage,
  response: ServerResponse,
  url: URL,
): Promise<boolean> {
  if (!url.pathname.startsWith('/2.0/')) return false;
  if (request.method === 'OPTIONS') {
    response.writeHead(204, preflight).end();
    return true;
  }
  try {
    const caller = identify(bitbucket, request);
    const { status, body, headers = {} } = await answer(bitbucket, caller, request, url);
    sendApi(response, status, body, headers);
  } catch (error) {
    if (!(error instanceof HttpError)) throw error;
    sendApi(response, error.status, { type: 'error', error: { message: error.message } });
  }
  return true;
}

function identify(bitbucket: BitbucketHost, request: IncomingMessage): Caller {
  const token = /^bearer (\S+)$/i.exec(request.headers.authorization ?? '')?.[1] ?? '';
  const scopes = tokenScopes(bitbucket, token);
  if (scopes === undefined) {
    // The first sentence is what the CMSs go by when they decide to refresh.
    throw bitbucket.grants.isExpired(token)
      ? new HttpError(401, 'Access token expired. Use your refresh token to obtain a new access token.')
      : new HttpError(401, 'Token is invalid, expired, or not supported for this endpoint.');
  }
  // The right to write pull requests is one to write to the repository, and every right includes reading.
  const implied = scopes.flatMap((scope) => (/^(pullrequest|repository)/.test(scope) ? ['repository'] : []));
  const all = [...scopes, ...implied, ...(scopes.includes('pullrequest:write') ? ['repository:write'] : [])];
  return { token, has: (scope) => all.includes(scope) || all.includes(`${scope}:write`) };
}

async function answer(bitbucket: BitbucketHost, caller: Caller, request: IncomingMessage, url: URL) {
  const method = request.method === 'HEAD' ? 'GET' : (request.method ?? 'GET');
  const path = url.pathname.slice('/2.0'.length);
  const route = findRoute(method, path);
  if (route === undefined) {
    remember(bitbucket, `${method} ${path}`);
    throw new HttpError(404, 'Resource not found');
  }
  const content = await readBody(request, 32 * 1024 * 1024);
  const type = request.headers['content-type'] ?? '';
  const json = /\bjson\b/.test(type);
  const form = content.length > 0 && !json ? await readForm(content, type) : new FormData();
  const body = json ? parseJson(content.toString()) : {};
  return route({ bitbucket, caller, query: url.searchParams, body, form, files: await readFiles(form), url });
}

/** Commits come as forms, multipart or not. */
async function readForm(content: Buffer, type: string) {
  try {
    return await new Response(new Uint8Array(content), { headers: { 'Content-Type': type } }).formData();
  } catch {
    throw new HttpError(400, 'The body is not a form.');
  }
}

async function readFiles(form: FormData) {
  const files: Record<string, Buffer> = {};
  for (const [name, value] of form) {
    if (typeof value !== 'string') files[name] = Buffer.from(await value.arrayBuffer());
  }
  return files;
}

function sendApi(response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}) {
  const all = { ...cors, 'Cache-Control': 'private, no-cache', Vary: 'Authorization', ...headers };
  if (body === undefined || Buffer.isBuffer(body)) {
    response.writeHead(status, all).end(body);
    return;
  }
  response.writeHead(status, { ...all, 'Content-Type': 'application/json; charset=utf-8' }).end(JSON.stringify(body));
}
