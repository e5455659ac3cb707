import type { RequestListener } from 'node:http';
import { providers } from '../../functions/auth.ts';
import { createHandler } from '../../lib/login/handler.ts';
import { toReply, toRequest } from '../../lib/platforms/node.ts';
import { startBitbucket } from '../hosts/bitbucket.ts';
import { startGitHub } from '../hosts/github.ts';
import { startGitLab } from '../hosts/gitlab.ts';
import { listen, type Listening } from '../hosts/http.ts';

export type HostName = 'github' | 'gitlab' | 'bitbucket';
export type CmsName = 'decap' | 'netlify' | 'sveltia';

type Headers = Record<string, string | string[]>;

/** What a server answers at a path. */
export type Pages = Record<string, { status?: number; headers?: Record<string, string>; body?: string }>;

const scripts: Record<CmsName, string> = {
  decap: 'https://unpkg.com/decap-cms@^3.16.3/dist/decap-cms.js',
  netlify: 'https://unpkg.com/netlify-cms@^2.10.192/dist/netlify-cms.js',
  sveltia: 'https://unpkg.com/@sveltia/cms/dist/sveltia-cms.js',
};

export const adminPage = (cms: CmsName, head = ''): string =>
  `<!doctype html><html><head><meta charset="utf-8">${head}</head><body><script src="${scripts[cms]}"></script></body></html>`;

/** The real login server, Git hosts in memory, and a site with an admin page: all on loopback, each with an origin of its own. */
export async function startWorld() {
  const [github, gitlab, bitbucket] = await Promise.all([startGitHub(), startGitLab(), startBitbucket()]);
  const hosts = { github, gitlab, bitbucket };
  const env: Record<string, string> = {};
  const pages: Pages = {};
  /** What stands in front of the login server, as a CDN does: it answers itself, or changes the headers of answers. */
  const world: { front?: ((next: () => void) => RequestListener) | undefined; change: (headers: Headers) => Headers } =
    {
      change: (headers) => headers,
    };
  const handler = createHandler(providers, { env, log: () => {} });
  const loginServer = await listen(
    (request, response) => {
      const next = async () => {
        const { cookies, ...reply } = await handler(toRequest(request, {}));
        const headers = world.change({ ...reply.headers, ...(cookies.length > 0 && { 'set-cookie': cookies }) });
        toReply({ ...reply, headers: headers as Record<string, string>, cookies: [] }, response);
      };
      return world.front ? void world.front(() => void next())(request, response) : next();
    },
    { host: 'localhost' },
  );
  const site = await serve(pages);

  const roots = { github: '/api/v3', gitlab: '/api/v4', bitbucket: '/2.0' };
  /** What the owner of this world writes. */
  const config = (name: HostName, more: Record<string, string> = {}, top: Record<string, string> = {}): string => {
    const backend = {
      name,
      repo: 'demo/site',
      branch: 'main',
      base_url: loginServer.url,
      api_root: hosts[name].url + roots[name],
      ...more,
    };
    const rows = (values: Record<string, string>, indent = '') =>
      Object.entries(values).map(([key, value]) => `${indent}${key}: ${value}\n`);
    return [
      ...rows(name === 'bitbucket' ? { base_url: loginServer.url, ...top } : top),
      'backend:\n',
      ...rows(backend, '  '),
      'media_folder: uploads\ncollections: [{ name: pages }]\n',
    ].join('');
  };

  /** As it should be. Tests then change one thing. */
  const reset = () => {
    world.front = undefined;
    world.change = (headers) => headers;
    for (const key of Object.keys(env)) delete env[key];
    for (const key of Object.keys(pages)) delete pages[key];
    Object.assign(env, {
      CMS_AUTH_URL: loginServer.url,
      CMS_AUTH_ORIGINS: site.url,
      CMS_AUTH_REFRESH: 'bitbucket,gitlab',
    });
    for (const [id, host] of Object.entries(hosts)) {
      host.app.redirectUris = [`${loginServer.url}/auth/${id}/callback`];
      Object.assign(env, {
        [`${id.toUpperCase()}_URL`]: host.url,
        [`${id.toUpperCase()}_CLIENT_ID`]: host.app.clientId,
        [`${id.toUpperCase()}_CLIENT_SECRET`]: host.app.clientSecret,
      });
    }
    publish('decap', config('github'));
  };
  const publish = (cms: CmsName, text: string, headers: Record<string, string> = {}) => {
    pages['/admin/'] = { headers, body: adminPage(cms) };
    pages['/admin/config.yml'] = { headers: { 'content-type': 'text/yaml' }, body: text };
  };
  reset();
  return Object.assign(world, {
    loginServer: loginServer.url,
    site: site.url,
    admin: `${site.url}/admin/`,
    hosts,
    env,
    pages,
    config,
    publish,
    reset,
    close: async () =>
      void (await Promise.all([loginServer, site, ...Object.values(hosts)].map((server) => server.close()))),
  });
}

/** A static host. */
export const serve = (pages: Pages, host: 'localhost' | '127.0.0.1' = '127.0.0.1'): Promise<Listening> =>
  listen(
    (request, response) => {
      const {
        status = 200,
        headers = {},
        body = '',
      } = pages[(request.url ?? '').split('?')[0] ?? ''] ?? { status: 404 };
      response.writeHead(status, { 'content-type': 'text/html', ...headers }).end(body);
    },
    { host },
  );
