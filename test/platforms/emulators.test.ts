import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startGitHub, type GitHubHost } from '../hosts/github.ts';
import { buildFirebase, startEmulators, startSplit } from './firebase.ts';
import { describePlatform, type Platform } from './suite.ts';
import { shipped } from './tool.ts';
import { mint } from '../popup.ts';
import { login, site } from './visit.ts';

describePlatform('the Firebase emulators', startEmulators, { cookies: 'session' });
describePlatform('the Firebase emulators, with a function for each provider', startSplit, { cookies: 'session' });

describe('The login server on Firebase', () => {
  let host: GitHubHost;
  let platform: Platform;

  beforeAll(async () => {
    host = await startGitHub();
    host.consent = 'always';
    platform = await startEmulators({
      CMS_AUTH_ORIGINS: 'https://www.example.com',
      GITHUB_URL: host.url,
      GITHUB_CLIENT_ID: host.app.clientId,
      GITHUB_CLIENT_SECRET: host.app.clientSecret,
    });
    host.app.redirectUris.push(`${platform.url}/auth/github/callback`);
  });
  afterAll(async () => void (await Promise.all([platform?.stop(), host?.close()])));

  it.each([
    ['behind', (ours: string) => `${ours}; __session=the-site's-own`],
    ['ahead of', (ours: string) => `__session=the-site's-own; ${ours}`],
  ])("leaves the site's own __session alone, %s which ours comes", async (_, both) => {
    const { set, callback } = await mint(`${platform.url}/auth?provider=github`, site, "a=b; __session=the-site's-own");
    expect(set).toMatch(/^__session=login~[^;]+; Path=\/auth; /); // a browser keeps them apart by their paths
    const [ours = ''] = set.split(';');
    const done = await fetch(callback, { headers: { cookie: both(ours) } });
    expect(done.status).toBe(200);
    expect(done.headers.getSetCookie()).toEqual([expect.stringMatching(/^__session=; Path=\/auth; Max-Age=0; /)]);
  });
});

describe('The login server on Firebase without its secret', { timeout: 120_000 }, () => {
  it('ends a login before the host is asked', async () => {
    const host = await startGitHub();
    host.consent = 'always';
    const settings = { CMS_AUTH_ORIGINS: site, GITHUB_URL: host.url, GITHUB_CLIENT_ID: host.app.clientId };
    const platform = await startEmulators(settings);
    try {
      host.app.redirectUris.push(`${platform.url}/auth/github/callback`);
      const done = await login(platform.url);
      expect(done.status).toBe(500);
      expect(await done.text()).toMatch(/Code: SETTING_(EMPTY|MISSING)</);
      expect(host.requests.map(({ path: asked }) => asked)).not.toContain('/login/oauth/access_token');
    } finally {
      await Promise.all([platform.stop(), host.close()]);
    }
  });
});

describe('What goes to Firebase', () => {
  const github = { GITHUB_CLIENT_ID: 'x' };
  const all = { ...github, GITLAB_CLIENT_ID: 'x', BITBUCKET_CLIENT_ID: 'x' };
  const secret = (id: string) => `${id.toUpperCase()}_CLIENT_SECRET`;

  // A secret that is declared but does not exist blocks the deploy.
  it.each([
    ['without any host', {}, [], { cmsauth: [] }],
    ['for GitHub', github, [], { cmsauth: ['github'] }],
    ['for GitHub, split', github, ['--split'], { cmsauth: [], cmsauthgithub: ['github'] }],
    ['for all hosts', all, [], { cmsauth: ['github', 'gitlab', 'bitbucket'] }],
    [
      'for all hosts, split',
      all,
      ['--split'],
      { cmsauth: [], cmsauthbitbucket: ['bitbucket'], cmsauthgithub: ['github'], cmsauthgitlab: ['gitlab'] },
    ],
  ])('%s binds the secrets of those alone', async (_, settings, flags, expected) => {
    const folder = await buildFirebase(settings, ...flags);
    const index = pathToFileURL(path.join(folder, 'dist/firebase/index.mjs')).href;
    const functions = (await import(index)) as Record<string, { __endpoint: unknown }>;
    expect(Object.fromEntries(Object.entries(functions).map(([name, { __endpoint }]) => [name, __endpoint]))).toEqual(
      Object.fromEntries(
        Object.entries(expected).map(([name, ids]) => [
          name,
          expect.objectContaining({
            platform: 'gcfv2',
            timeoutSeconds: 15,
            httpsTrigger: { invoker: ['public'] },
            secretEnvironmentVariables: ids.map((id) => ({ key: secret(id) })),
          }),
        ]),
      ),
    );
  });

  it('depends on the very versions that are tested here', async () => {
    const read = async (file: string) => JSON.parse(await readFile(file, 'utf8')) as Record<string, unknown>;
    const { main, dependencies } = await read(shipped('dist/firebase/package.json'));
    expect(main).toBe('index.mjs');
    const { devDependencies } = await read('test/platforms/package.json');
    expect(Object.keys(dependencies as object).sort()).toEqual(['firebase-admin', 'firebase-functions']);
    expect(devDependencies).toMatchObject(dependencies as object);
  });
});
