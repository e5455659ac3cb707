import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { providers } from '../../functions/auth.ts';
import { hosts, routes } from '../../functions/gateway.ts';
import { createHandler } from '../../lib/login/handler.ts';
import { toReply, toRequest } from '../../lib/platforms/node.ts';
import { serve as serveRoutes } from '../../lib/handler/serve.ts';
import { startGitHub } from '../hosts/github.ts';
import { listen, type Listening } from '../hosts/http.ts';
import { doctor } from './run.ts';
import { adminPage, serve, type Pages } from './world.ts';

interface Json {
  findings: { id: string; severity: string; what: string; write?: string }[];
}

const env: Record<string, string> = {};
const pages: Pages = {};
let gateway: Listening;
let site: Listening;
let github: Awaited<ReturnType<typeof startGitHub>>;

beforeAll(async () => {
  expect(hosts.length).toBeGreaterThan(0);
  const handler = serveRoutes(routes, { env, log: () => {} });
  github = await startGitHub();
  gateway = await listen(async (request, response) => toReply(await handler(toRequest(request, {})), response), {
    host: 'localhost',
  });
  site = await serve(pages);
});
afterAll(async () => void (await Promise.all([gateway, site, github].map((server) => server.close()))));
beforeEach(() => {
  for (const key of Object.keys(env)) delete env[key];
  Object.assign(env, {
    CMS_AUTH_URL: gateway.url,
    CMS_AUTH_ORIGINS: site.url,
    CMS_GATEWAY_REPO: `${github.url}/demo/site`,
    CMS_GATEWAY_PATHS: 'content/**, static/images/**',
    CMS_GATEWAY_TOKEN: 'no-token-of-this-host',
    CMS_GATEWAY_JWT_SECRET: 'a-secret-that-is-longer-than-32-characters',
    CMS_GATEWAY_EDITORS: 'ann@example.org',
    GITHUB_URL: github.url,
  });
});

const examine = async (
  { url = `${gateway.url}/git`, lines = [] }: { url?: string | undefined; lines?: string[] } = {},
  headers: Record<string, string> = {},
): Promise<Json['findings']> => {
  const rows = ['name: git-gateway', 'branch: main', ...(url === '' ? [] : [`gateway_url: ${url}`]), ...lines];
  pages['/admin/'] = { headers, body: adminPage('decap') };
  pages['/admin/config.yml'] = {
    headers: { 'content-type': 'text/yaml' },
    body: `backend:\n${rows.map((row) => `  ${row}\n`).join('')}auth:\n  base_url: ${gateway.url}/git\n  app_id: cms\n  full_name_claim: name\nmedia_folder: uploads\ncollections: [{ name: pages }]\n`,
  };
  return report();
};
const report = async () => (JSON.parse((await doctor([`${site.url}/admin/`, '--json'])).out) as Json).findings;
const pkce = ['auth_type: pkce'];

describe('A gateway of ours', () => {
  it('is asked what is missing, in its own words', async () => {
    env['CMS_GATEWAY_EDITORS'] = '';
    const findings = await examine({ lines: pkce });
    expect(findings[0]).toMatchObject({ id: 'gateway-not-ready', severity: 'broken' });
    expect(findings[0]?.what).toContain('CMS_GATEWAY_EDITORS');
  });

  it('that the host does not let in is not ready', async () => {
    const [first] = await examine({ lines: pkce });
    expect(first?.id).toBe('gateway-not-ready');
    expect(first?.what).toMatch(/GitHub/);
  });

  it('that is ready is known as ours', async () => {
    github.accessTokens.set('a-token-of-this-host', { name: 'gateway', scopes: ['repo'] });
    env['CMS_GATEWAY_TOKEN'] = 'a-token-of-this-host';
    const findings = await examine({ lines: pkce });
    expect(findings.map(({ id }) => id)).toEqual(['gateway-status']);
  });

  it('that does not list the page is named', async () => {
    env['CMS_AUTH_ORIGINS'] = 'https://www.example.com';
    const findings = await examine({ lines: pkce });
    const found = findings.find(({ id }) => id === 'gateway-origin');
    expect(found?.write).toContain(`CMS_AUTH_ORIGINS=${site.url}`);
  });

  it('is found where it is, if the address lacks its path', async () => {
    const findings = await examine({ url: gateway.url, lines: pkce });
    expect(findings[0]).toMatchObject({ id: 'gateway-missing', severity: 'broken' });
    expect(findings[0]?.write).toContain(`gateway_url: ${gateway.url}/git`);
  });

  it('says what editors may change, as it does itself', async () => {
    await examine({ lines: pkce });
    const { out } = await doctor([`${site.url}/admin/`]);
    expect(out).toContain('editors may change content/**, static/images/**');
    const { writable } = JSON.parse((await doctor([`${site.url}/admin/`, '--json'])).out) as { writable?: string };
    expect(writable).toBe('content/**, static/images/**');
    const page = await fetch(`${gateway.url}/git`);
    expect(await page.text()).toContain('<code data-writable="content/**, static/images/**">');
  });

  it('wants its status told', async () => {
    const without = await examine({ lines: pkce });
    expect(without.map(({ id }) => id)).toContain('gateway-status');
    const withIt = await examine({ lines: [...pkce, `status_endpoint: ${gateway.url}/git/status`] });
    expect(withIt.map(({ id }) => id)).not.toContain('gateway-status');
  });

  it.each([
    ['repo: a/b', 'gateway-repo', 'backend.repo'],
    ['identity_url: /.netlify/identity', 'gateway-identity', 'backend.identity_url'],
  ])('needs no %s', async (row, id, key) => {
    const findings = await examine({ lines: [...pkce, row] });
    expect(findings.find((finding) => finding.id === id)).toMatchObject({ severity: 'note', remove: [key] });
  });

  it('knows the CMS by one name, at one address', async () => {
    const findings = await examine({ lines: [...pkce, `status_endpoint: ${gateway.url}/git/status`] });
    expect(findings.filter(({ id }) => id === 'gateway-auth')).toEqual([]);
    const config = pages['/admin/config.yml'];
    const tried = async (from: string, to: string) => {
      const body = config?.body?.replace(from, to) ?? '';
      expect(body).not.toBe(config?.body);
      pages['/admin/config.yml'] = { ...config, body };
      return (await report()).find(({ id }) => id === 'gateway-auth');
    };
    expect((await tried('app_id: cms', 'app_id: 123.apps.example.com'))?.write).toContain('app_id: cms');
    expect((await tried(`base_url: ${gateway.url}/git`, `base_url: ${gateway.url}`))?.what).toMatch(
      /base_url under auth/,
    );
  });
});

describe('A login server of ours', () => {
  it('without a gateway is told which setting switches it on', async () => {
    const handler = createHandler(providers, { env, log: () => {} });
    const loginServer = await listen(async (request, response) =>
      toReply(await handler(toRequest(request, {})), response),
    );
    const [first] = await examine({ url: `${loginServer.url}/git`, lines: pkce }).finally(() => loginServer.close());
    expect(first).toMatchObject({ id: 'gateway-missing', severity: 'broken' });
    expect(first?.write).toMatch(/^CMS_GATEWAY_REPO=/);
  });
});

describe('A gateway that is not ours', () => {
  it('keeps its own form of sign-in: no line is asked for that only ours needs', async () => {
    const others = await listen(
      (_, response) => void response.writeHead(401, { 'content-type': 'application/json' }).end('{}'),
    );
    pages['/admin/'] = { body: adminPage('decap') };
    pages['/admin/config.yml'] = {
      body: `backend:\n  name: git-gateway\n  branch: main\n  auth_type: pkce\n  base_url: https://auth.example.org\n  auth_endpoint: /sites/x/pkce\n  gateway_url: ${others.url}\nmedia_folder: uploads\ncollections: [{ name: pages }]\n`,
    };
    const findings = await report().finally(() => others.close());
    expect(findings.map(({ id, severity }) => [id, severity])).toEqual([['gateway-missing', 'note']]);
  });

  it('is Netlify’s, on Netlify', async () => {
    const findings = await examine({ url: '' }, { 'x-nf-request-id': '1' });
    expect(findings.find(({ id }) => id === 'gateway-url')).toMatchObject({ severity: 'note' });
  });

  it('is nobody’s, off Netlify', async () => {
    const findings = await examine({ url: '' });
    expect(findings.find(({ id }) => id === 'gateway-url')).toMatchObject({ severity: 'broken' });
  });

  it('is nobody’s where something else answers', async () => {
    const findings = await examine({ url: `${site.url}/git`, lines: pkce });
    expect(findings[0]?.what).toMatch(/There is no gateway at .*: it answers 404/);
  });

  it('is nobody’s where nobody answers', async () => {
    const findings = await examine({ url: 'http://localhost:9/git', lines: pkce });
    expect(findings[0]?.id).toBe('gateway-silent');
  });
});
