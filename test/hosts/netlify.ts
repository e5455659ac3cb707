/**
 * Netlify's API as far as a site's variables go: it believes one token, knows one site, and refuses what Netlify refuses.
 *
 * @see https://open-api.netlify.com/#tag/environmentVariables
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { listen, parseJson, readBody, requestUrl, sendJson } from './http.ts';

export interface NetlifyVariable {
  key: string;
  is_secret: boolean;
  scopes: string[];
  values: { context: string; value: string }[];
}

export interface NetlifyHost {
  readonly url: string;
  token: string;
  readonly variables: Map<string, NetlifyVariable>;
  /** Of each request: method and path. */
  readonly requests: string[];
  /** Refuses to change anything, with these words. */
  refusal: string | undefined;
  close(): Promise<void>;
}

const contexts = ['all', 'dev', 'branch-deploy', 'deploy-preview', 'production'];
const scopes = ['builds', 'functions', 'runtime', 'post_processing'];

export async function startNetlify(): Promise<NetlifyHost> {
  const listening = await listen((request, response) => answer(netlify, request, response));
  const netlify: NetlifyHost = {
    url: `${listening.url}/api/v1`,
    token: 'nfp_the-token-of-the-owner',
    variables: new Map(),
    requests: [],
    refusal: undefined,
    close: listening.close,
  };
  return netlify;
}

async function answer(netlify: NetlifyHost, request: IncomingMessage, response: ServerResponse) {
  const url = requestUrl(request, new URL(netlify.url).origin);
  const method = request.method ?? '';
  const refuse = (status: number, message: string) => sendJson(response, status, { code: status, message });
  netlify.requests.push(`${method} ${url.pathname}`);
  if (request.headers.authorization !== `Bearer ${netlify.token}`) return refuse(401, 'Access Denied');
  if (method === 'GET' && url.pathname === '/api/v1/sites/site-1')
    return sendJson(response, 200, {
      id: 'site-1',
      name: 'your-login',
      account_slug: 'acme',
      account_id: '1',
      url: 'http://your-login.netlify.app',
      ssl_url: 'https://your-login.netlify.app',
    });
  const [, key] = /^\/api\/v1\/accounts\/acme\/env(?:\/([A-Z0-9_]+))?$/.exec(url.pathname) ?? [];
  // Without a site it would be a variable of the whole team.
  if (!url.pathname.startsWith('/api/v1/accounts/acme/env') || url.searchParams.get('site_id') !== 'site-1')
    return refuse(404, 'Not Found');
  if (method === 'GET')
    // A secret is never given out, except what is for local development.
    return sendJson(
      response,
      200,
      [...netlify.variables.values()].map((one) => ({
        ...one,
        values: one.is_secret ? one.values.map(({ context }) => ({ context, value: '' })) : one.values,
      })),
    );
  const text = (await readBody(request, 64 * 1024)).toString();
  if (netlify.refusal !== undefined) return refuse(422, netlify.refusal);
  if (method === 'POST' && key === undefined) {
    const added = JSON.parse(text) as NetlifyVariable[];
    const problem = added.map((one) => problemOf(one)).find(Boolean);
    if (problem) return refuse(422, problem);
    if (added.some((one) => netlify.variables.has(one.key))) return refuse(422, 'Key already exists');
    for (const one of added) netlify.variables.set(one.key, one);
    return sendJson(response, 201, added);
  }
  const old = netlify.variables.get(key ?? '');
  if (!old) return refuse(404, 'Not Found');
  const body = parseJson(text);
  if (method === 'PUT') {
    const problem = problemOf(body as unknown as NetlifyVariable);
    if (problem) return refuse(422, problem);
    netlify.variables.set(old.key, body as unknown as NetlifyVariable);
  } else if (method === 'PATCH') {
    const { context, value } = body as { context: string; value: string };
    if (!contexts.includes(context) || typeof value !== 'string') return refuse(422, 'Invalid value');
    if (old.is_secret && context === 'all') return refuse(422, 'Secrets need contexts');
    old.values = [...old.values.filter((one) => one.context !== context), { context, value }];
  } else return refuse(405, 'Method not allowed');
  sendJson(response, 200, netlify.variables.get(old.key));
}

function problemOf({ key, is_secret, scopes: given, values }: NetlifyVariable): string | undefined {
  if (!/^[A-Z][A-Z0-9_]*$/.test(key)) return 'Invalid key';
  if (
    !Array.isArray(values) ||
    values.some(({ context, value }) => !contexts.includes(context) || typeof value !== 'string')
  )
    return 'Invalid values';
  if (!Array.isArray(given) || given.some((scope) => !scopes.includes(scope))) return 'Invalid scopes';
  if (is_secret && given.includes('post_processing')) return 'Secrets cannot be used in post processing';
  if (is_secret && values.some(({ context }) => context === 'all' || context === 'dev')) return 'Secrets need contexts';
  return undefined;
}
