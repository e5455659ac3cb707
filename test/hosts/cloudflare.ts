/**
 * Cloudflare's API as far as its own tool needs it to deploy a Worker and to keep its secrets: it believes one token, knows one
 * account, and answers in Cloudflare's envelope.
 *
 * @see https://developers.cloudflare.com/api/resources/workers/subresources/scripts/
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { listen, readBody, requestUrl, sendJson } from './http.ts';

export interface CloudflareHost {
  /** For `CLOUDFLARE_API_BASE_URL`. */
  readonly url: string;
  token: string;
  /** Uploaded Workers by name: what the upload said, and its modules. */
  readonly workers: Map<string, { metadata: Record<string, unknown>; modules: Map<string, string> }>;
  /** Secrets of each Worker. */
  readonly secrets: Map<string, Map<string, string>>;
  /** Of each request: method and path. */
  readonly requests: string[];
  close(): Promise<void>;
}

export async function startCloudflare(): Promise<CloudflareHost> {
  const listening = await listen((request, response) => answer(cloudflare, request, response));
  const cloudflare: CloudflareHost = {
    url: `${listening.url}/client/v4`,
    token: 'the-api-token-of-the-owner',
    workers: new Map(),
    secrets: new Map(),
    requests: [],
    close: listening.close,
  };
  return cloudflare;
}

async function answer(cloudflare: CloudflareHost, request: IncomingMessage, response: ServerResponse) {
  const url = requestUrl(request, new URL(cloudflare.url).origin);
  const method = request.method ?? '';
  const path = url.pathname.replace('/client/v4/', '');
  cloudflare.requests.push(`${method} ${path}`);
  const send = (status: number, result: unknown, errors: { code: number; message: string }[] = []) =>
    sendJson(response, status, { success: status < 400, errors, messages: [], result });
  const refuse = (status: number, code: number, message: string) => send(status, null, [{ code, message }]);
  if (request.headers.authorization !== `Bearer ${cloudflare.token}`) return refuse(403, 10000, 'Authentication error');
  const bytes = await readBody(request, 16 * 1024 * 1024);

  if (path === 'memberships') return send(200, [{ id: 'm', account: { id: 'account-1', name: 'Acme' } }]);
  if (path === 'accounts') return send(200, [{ id: 'account-1', name: 'Acme' }]);
  if (path === 'user/tokens/verify') return send(200, { id: 'token', status: 'active' });
  if (path === 'user') return send(200, { id: 'user', email: 'owner@example.com' });
  if (path === 'accounts/account-1/workers/subdomain') return send(200, { subdomain: 'acme' });
  const [, name = '', what] =
    /^accounts\/account-1\/workers\/(?:scripts|services|workers)\/([a-z0-9-]+)(?:\/([\w-]+))?$/.exec(path) ?? [];
  const worker = cloudflare.workers.get(name);
  const secrets = cloudflare.secrets.get(name) ?? new Map<string, string>();
  if (method === 'PUT' && name !== '' && what === undefined) {
    const form = await formOf(request, bytes);
    const { metadata, ...modules } = Object.fromEntries(form);
    const said = JSON.parse(metadata ?? '{}') as Record<string, unknown>;
    if (typeof said['main_module'] !== 'string' || !(said['main_module'] in modules))
      return refuse(400, 10021, 'No such module: main_module');
    cloudflare.workers.set(name, { metadata: said, modules: new Map(Object.entries(modules)) });
    cloudflare.secrets.set(name, secrets); // they outlive a deploy
    return send(200, { id: name, etag: 'e', deployment_id: 'd', startup_time_ms: 5, entry_point: said['main_module'] });
  }
  if (!worker)
    return refuse(404, path.includes('/services/') ? 10090 : 10007, 'This Worker does not exist on your account.');
  if (what === undefined && method === 'GET' && path.includes('/workers/workers/'))
    return send(200, { id: name, name, subdomain: { enabled: true, previews_enabled: false } });
  if (what === undefined && method === 'GET')
    return send(200, { default_environment: { environment: 'production', script: {} } });
  if (what === 'subdomain') return send(200, { enabled: true, previews_enabled: false });
  if (what === 'secrets' && method === 'GET')
    return send(
      200,
      [...secrets.keys()].map((key) => ({ name: key, type: 'secret_text' })),
    );
  if (what === 'settings' && method === 'GET')
    return send(200, { bindings: [...secrets.keys()].map((key) => ({ name: key, type: 'secret_text' })) });
  if (what === 'settings' && method === 'PATCH') {
    const form = await formOf(request, bytes);
    const { bindings } = JSON.parse(form.get('settings') ?? '{}') as {
      bindings: { type: string; name: string; text?: string }[];
    };
    // What is not named is gone; what is named without a value stays.
    const kept = new Map<string, string>();
    for (const { name: key, text } of bindings) kept.set(key, text ?? secrets.get(key) ?? '');
    cloudflare.secrets.set(name, kept);
    return send(200, {});
  }
  // What newer versions of wrangler do it by, as a merge patch (RFC 7396): null takes away, and what is not named stays.
  if (what === 'secrets-bulk' && method === 'PATCH') {
    if (request.headers['content-type'] !== 'application/merge-patch+json')
      return refuse(415, 10001, 'Content-Type must be application/merge-patch+json');
    const patch = JSON.parse(bytes.toString()) as { secrets: Record<string, { text: string } | null> };
    for (const [key, value] of Object.entries(patch.secrets))
      if (value === null) secrets.delete(key);
      else secrets.set(key, value.text);
    return send(200, {});
  }
  if (what === 'deployments') return send(200, { deployments: [] });
  refuse(404, 7003, `Could not route to ${path}`);
}

/** The parts of a form by name, files as text. */
async function formOf(request: IncomingMessage, bytes: Buffer): Promise<Map<string, string>> {
  const form = await new Response(new Uint8Array(bytes), {
    headers: { 'content-type': request.headers['content-type'] ?? '' },
  }).formData();
  const parts = new Map<string, string>();
  for (const [name, value] of form) parts.set(name, typeof value === 'string' ? value : await value.text());
  return parts;
}
