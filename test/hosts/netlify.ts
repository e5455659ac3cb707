/**
 * Netlify's API as far as a site, its variables and its deploys go: it believes one token, knows one site, and refuses what
 * Netlify refuses. A deploy counts once every file that it announced was uploaded with the hash that it announced.
 *
 * @see https://open-api.netlify.com/#tag/environmentVariables
 * @see https://docs.netlify.com/api-and-cli-guides/api-guides/get-started-with-api/#deploy-with-the-api
 */
import { createHash } from 'node:crypto';
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
  /** Names of sites that are somebody else's. */
  readonly taken: Set<string>;
  /** The one site: there from the beginning, unless a test says otherwise. */
  site: { id: string; name: string; url: string } | undefined;
  /** What a new site's address is. */
  addressOf: (name: string) => string;
  /** Deploys that are published, with the functions that were uploaded and what Netlify was told of their paths. */
  readonly published: { functions: Map<string, Buffer>; routes: Record<string, unknown> }[];
  close(): Promise<void>;
}

/** A deploy that is still being uploaded. */
interface Upload {
  files: Map<string, string>;
  functions: Map<string, string>;
  routes: Record<string, unknown>;
  uploaded: Map<string, Buffer>;
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
    taken: new Set(),
    site: { id: 'site-1', name: 'your-login', url: 'https://your-login.netlify.app' },
    addressOf: (name) => `https://${name}.netlify.app`,
    published: [],
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
  if (method === 'POST' && url.pathname === '/api/v1/sites') {
    const { name } = parseJson((await readBody(request, 64 * 1024)).toString());
    if (typeof name !== 'string' || !/^[a-z0-9][a-z0-9-]{0,62}$/.test(name)) return refuse(422, 'Name is invalid');
    if (netlify.taken.has(name)) return refuse(422, 'Name must be unique');
    netlify.site = { id: 'site-1', name, url: netlify.addressOf(name) };
    return sendJson(response, 201, siteOf(netlify.site));
  }
  if (method === 'GET' && url.pathname === '/api/v1/sites/site-1' && netlify.site)
    return sendJson(response, 200, siteOf(netlify.site));
  if (method === 'GET' && url.pathname === '/api/v1/accounts')
    return sendJson(response, 200, [{ id: '1', slug: 'acme', name: 'Acme', default: true }]);
  if (netlify.site && /^\/api\/v1\/(sites\/site-1\/)?deploys(\/|$)/.test(url.pathname))
    return deploy(netlify, url, request, response);
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

const siteOf = ({ id, name, url }: { id: string; name: string; url: string }) => ({
  id,
  name,
  account_slug: 'acme',
  account_id: '1',
  account_name: 'Acme',
  url: url.replace(/^https/, 'http'),
  ssl_url: url,
  admin_url: `https://app.netlify.com/sites/${name}`,
  build_settings: {},
});

const uploads = new WeakMap<NetlifyHost, Upload>();

/** Announced first, then uploaded: files by SHA-1, functions as zips by SHA-256. */
async function deploy(netlify: NetlifyHost, url: URL, request: IncomingMessage, response: ServerResponse) {
  const method = request.method ?? '';
  const path = url.pathname.replace('/api/v1/', '');
  const state = (upload: Upload | undefined) => {
    const missing = (hashes: Map<string, string>) =>
      [...hashes].filter(([name]) => !upload?.uploaded.has(name)).map(([, hash]) => hash);
    const [required, functions] = [missing(upload?.files ?? new Map()), missing(upload?.functions ?? new Map())];
    const isReady = upload !== undefined && upload.functions.size > 0 && functions.length === 0;
    return {
      id: 'deploy-1',
      site_id: 'site-1',
      state: isReady ? 'ready' : 'uploading',
      required,
      required_functions: functions,
      ssl_url: netlify.site?.url,
      deploy_ssl_url: netlify.site?.url,
      url: netlify.site?.url,
      admin_url: 'https://app.netlify.com/sites/site',
      name: netlify.site?.name,
    };
  };
  if (method === 'POST' && path === 'sites/site-1/deploys') {
    await readBody(request, 1024 * 1024);
    uploads.delete(netlify);
    return sendJson(response, 200, { ...state(undefined), state: 'new' });
  }
  if (method === 'PUT' && path === 'sites/site-1/deploys/deploy-1') {
    const given = JSON.parse((await readBody(request, 1024 * 1024)).toString()) as Record<
      string,
      Record<string, string>
    >;
    const upload: Upload = {
      files: new Map(Object.entries(given['files'] ?? {})),
      functions: new Map(Object.entries(given['functions'] ?? {})),
      routes: given['functions_config'] ?? {},
      uploaded: new Map(),
    };
    uploads.set(netlify, upload);
    return sendJson(response, 200, state(upload));
  }
  const upload = uploads.get(netlify);
  const [, kind, name = ''] = /^deploys\/deploy-1\/(files|functions)\/(.+)$/.exec(path) ?? [];
  if (method === 'PUT' && upload && (kind === 'files' || kind === 'functions')) {
    const bytes = await readBody(request, 64 * 1024 * 1024);
    const announced = upload[kind].get(kind === 'files' ? decodeURIComponent(name) : name);
    const hash = createHash(kind === 'files' ? 'sha1' : 'sha256')
      .update(bytes)
      .digest('hex');
    if (announced !== hash) return sendJson(response, 422, { code: 422, message: `${name} is not what was announced` });
    upload.uploaded.set(decodeURIComponent(name), bytes);
    return sendJson(response, 200, { id: hash });
  }
  if (method === 'GET') {
    const now = state(upload);
    if (now.state === 'ready' && upload && netlify.published.at(-1)?.functions !== upload.uploaded)
      netlify.published.push({ functions: upload.uploaded, routes: upload.routes });
    return sendJson(response, 200, now);
  }
  sendJson(response, 404, { code: 404, message: 'Not Found' });
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
