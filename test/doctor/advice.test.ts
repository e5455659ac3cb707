import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { isMap, parseDocument } from 'yaml';
import { providers } from '../../functions/auth.ts';
import { pageChecks } from '../../lib/doctor/checks/admin-page.ts';
import { parseOrigins } from '../../lib/http/origins.ts';
import { withFacts } from '../../lib/providers/facts.ts';
import { groupOf } from '../../lib/doctor/config.ts';
import { contextOf, type CheckContext } from '../../lib/doctor/context.ts';
import { doctor, onFiles } from './run.ts';
import { broken } from './setups.ts';
import { startWorld } from './world.ts';

interface Json {
  findings: { id: string; severity: string; what: string; why: string; write?: string; remove?: string[] }[];
  notChecked: string[];
}

let world: Awaited<ReturnType<typeof startWorld>>;
beforeAll(async () => void (world = await startWorld()));
afterAll(() => world.close());
beforeEach(() => world.reset());

const examine = async (...args: string[]): Promise<Json> =>
  JSON.parse((await doctor([world.admin, '--json', ...args])).out) as Json;

describe('What is to be written instead', () => {
  const yaml = broken.filter(({ file, text }) => file === undefined && !text.includes('\0'));

  it.each(yaml)('is not complained about again: $name', async ({ text, cms, args = [] }) => {
    const call = ['config.yml', '--json', ...(cms ? ['--cms', cms] : []), ...args];
    const before = JSON.parse((await onFiles({ 'config.yml': text }, call)).out) as Json;
    for (const { what, write, remove } of before.findings) {
      if (write === 'backend:') continue; // the name of a group that is there
      const change = write === undefined ? undefined : parseDocument(write);
      const changes = change?.errors.length === 0 ? (change.toJS() as unknown) : undefined;
      if (!remove && (typeof changes !== 'object' || changes === null || /^[A-Z_]+=/.test(write ?? ''))) continue;
      const changed = parseDocument(text);
      if (changed.errors.length > 0) continue;
      for (const [key, value] of Object.entries((changes ?? {}) as Record<string, unknown>))
        if (key !== 'backend') changed.set(key, value);
        else {
          if (!isMap(changed.get('backend'))) changed.set('backend', changed.createNode({}));
          for (const [inner, one] of Object.entries((value ?? {}) as object)) changed.setIn(['backend', inner], one);
        }
      for (const key of remove ?? []) changed.deleteIn(key.split('.'));
      const after = JSON.parse((await onFiles({ 'config.yml': String(changed) }, call)).out) as Json;
      expect(
        after.findings.map((finding) => finding.what),
        write,
      ).not.toContain(what);
    }
  });

  it.each(['oauth/auth', 'login', 'api/auth'])(
    'is to delete auth_endpoint: %s, if a login begins without',
    async (path) => {
      world.publish('decap', world.config('github', { auth_endpoint: path }));
      const [first] = (await examine()).findings;
      expect(first?.what).toMatch(
        new RegExp(`auth_endpoint is ${path}|There is no login at .*/${path}: it answers 40[04]`),
      );
      expect(first?.remove).toEqual(['backend.auth_endpoint']);
      expect(first?.write).toBeUndefined();
    },
  );

  it.each(['callback', '/callback', 'auth/callback', 'auth/auth'])('is to delete auth_endpoint: %s', async (path) => {
    const text = `backend:\n  name: github\n  repo: a/b\n  branch: main\n  base_url: https://auth.example.com\n  auth_endpoint: ${path}\n`;
    const { findings } = JSON.parse((await onFiles({ 'config.yml': text }, ['config.yml', '--json'])).out) as Json;
    expect(findings[0]).toMatchObject({ id: 'auth-endpoint', severity: 'broken' });
    expect(findings[0]?.remove).toEqual(['backend.auth_endpoint']);
    expect(findings[0]?.write).toBeUndefined();
  });

  it('names the path of the login server, if it is there that a login begins', async () => {
    world.env['CMS_AUTH_URL'] = `${world.loginServer}/prod`;
    world.hosts.github.app.redirectUris = [`${world.loginServer}/prod/auth/github/callback`];
    world.front = (next) => (request, response) =>
      request.url?.startsWith('/prod/') ? next() : void response.writeHead(404).end();
    world.publish('decap', world.config('github', { auth_endpoint: 'auth' }));
    const [first] = (await examine('--hop', `${world.loginServer}/prod`)).findings;
    expect(first).toMatchObject({ id: 'auth-endpoint', write: 'backend:\n  auth_endpoint: prod/auth' });
  });
});

describe('A configuration', () => {
  it('with base_url at the top level alone is examined with that server', async () => {
    const text = world.config('github').replace(/ {2}base_url.*\n/, '');
    delete world.env['GITHUB_CLIENT_ID'];
    world.publish('decap', `base_url: ${world.loginServer}\n${text}`);
    const { findings, notChecked } = await examine();
    expect(findings.map(({ id }) => id)).toEqual(['wrong-level', 'hop-not-set-up']);
    expect(notChecked).toEqual([]);
  });

  it.each([
    ['^3.0.0', false],
    ['3', false],
    ['latest', false],
    ['^3.15.0', false],
    ['3.16.3', false],
    ['3.15.9', true],
    ['~3.8.1', true],
    ['3.8', true],
    ['^2.0.0', true],
  ])('for Decap CMS %s may send tokens in the query: %s', async (version, isOld) => {
    world.publish('decap', world.config('bitbucket'));
    const page = world.pages['/admin/'];
    world.pages['/admin/'] = { ...page, body: page?.body?.replace('^3.16.3', version) ?? '' };
    const { findings } = await examine();
    expect(findings.some(({ id }) => id === 'session-query')).toBe(isOld);
  });
});

describe('The second step of a login', () => {
  it('says without a login that the page is not listed, and where the login leads nevertheless', async () => {
    world.env['CMS_AUTH_ORIGINS'] = world.loginServer;
    world.hosts.github.app.redirectUris = ['https://www.example.com/callback'];
    const { findings, notChecked } = await examine();
    expect(findings.map(({ id }) => id)).toEqual(['origin-not-listed', 'callback-not-registered']);
    expect(findings[0]?.write).toContain(`CMS_AUTH_ORIGINS=${world.site}`);
    expect(notChecked).toEqual([]);
  });

  it('may tell where it leads to listed pages only, which is said', async () => {
    world.env['CMS_AUTH_ORIGINS'] = 'https://www.example.com';
    const { findings, notChecked } = await examine();
    expect(findings.map(({ id }) => id)).toEqual(['origin-not-listed']);
    expect(notChecked).toEqual([expect.stringContaining('Where the login leads') as string]);
  });

  it('is routed nowhere', async () => {
    world.front = (next) => (request, response) =>
      request.url?.includes('/begin') ? void response.writeHead(404).end() : next();
    const [first] = (await examine()).findings;
    expect(first).toMatchObject({ id: 'hop-begin-missing', severity: 'broken' });
  });

  it('gets the cookie of the first, and nobody else does', async () => {
    const seen: [string, string | undefined][] = [];
    world.front = (next) => (request) => {
      seen.push([(request.url ?? '').split('?')[0] ?? '', request.headers.cookie]);
      next();
    };
    await examine();
    expect(seen.filter(([, cookie]) => cookie !== undefined).map(([path]) => path)).toEqual(['/auth/github/begin']);
  });
});

describe('For a deploy preview, the advice is what a login server takes:', () => {
  it.each([
    ['https://deploy-preview-7--site.netlify.app', 'https://deploy-preview-*--site.netlify.app'],
    ['https://site--pr5-abc123.web.app', 'https://site--*.web.app'],
    ['https://feature--team.vercel.app', 'https://feature--team.vercel.app'],
  ])('%s', (origin, entry) => {
    const check = pageChecks.find(({ id }) => id === 'deploy-preview');
    const context = { given: {}, answer: { url: new URL(`${origin}/admin/`) } } as unknown as CheckContext;
    const found = check?.look(context);
    const [, list = ''] = (found && found.write?.split('=', 2)) || [];
    expect(list.split(',')).toEqual(['https://www.example.com', entry]);
    expect(parseOrigins(list)).not.toHaveProperty('problem');
  });
});

describe('Where no server has a list of sites, nobody is told to write one:', () => {
  const pkce = { name: 'gitlab', repo: 'a/b', branch: 'main', auth_type: 'pkce', app_id: 'abc' };
  const login = { name: 'gitlab', repo: 'a/b', branch: 'main', base_url: 'https://auth.example.com' };
  const adviceFor = (backend: object, address: string): string => {
    const answer = { url: new URL(address), status: 200, headers: new Headers(), body: '', cut: false };
    const given = { name: 'config.yml', config: groupOf({ backend }), answer, findings: [] };
    const context = contextOf(given, { providers: providers.map(withFacts), namedServer: undefined });
    return pageChecks.flatMap(({ look }) => Object.values(look(context) || {})).join(' ');
  };

  it.each(['http://www.example.com/admin/', 'https://deploy-preview-7--site.netlify.app/admin/'])('%s', (address) => {
    expect(adviceFor(login, address)).toContain('CMS_AUTH_ORIGINS');
    expect(adviceFor(pkce, address)).toMatch(/redirect to that|registered/);
    expect(adviceFor(pkce, address)).not.toContain('CMS_AUTH_ORIGINS');
  });
});
