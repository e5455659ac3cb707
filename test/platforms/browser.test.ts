import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { CmsName } from '../cms/bundles.ts';
import { decide, drivers } from '../cms/drive.ts';
import type { CmsConfig } from '../cms/page.ts';
import { startCmsSite } from '../cms/server.ts';
import { browserMissing, launch } from '../e2e/browser.ts';
import { startGitHub, type GitHubHost } from '../hosts/github.ts';
import type { Listening } from '../hosts/http.ts';
import { startEmulators } from './firebase.ts';
import { startLambda } from './lambda.ts';
import { startNetlify } from './netlify.ts';
import type { Platform, Start } from './suite.ts';
import { isNewest, startWrangler } from './wrangler.ts';

const platforms: [name: string, start: Start, endpoint?: string][] = [
  ['netlify serve', startNetlify('serve', { CMS_AUTH_URL: '' })],
  ['Lambda', startLambda()],
  ['Lambda with a stage', startLambda({ stage: 'prod' }), 'prod/auth'],
  ['the Firebase emulators', startEmulators],
];
if (isNewest) platforms.push(['wrangler dev', startWrangler]);

/** The login server and the CMS on `localhost`, the Git host on `127.0.0.1`: another site, as in the field. */
describe.skipIf(browserMissing).each(platforms)('In a browser, %s', (_, start, endpoint) => {
  const names: CmsName[] = ['decap', 'sveltia'];
  const configs = names.map((): CmsConfig => ({ backend: {} }));
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;
  let host: GitHubHost;
  let platform: Platform;
  let sites: Listening[] = [];

  beforeAll(async () => {
    [browser, host, ...sites] = await Promise.all([
      launch(),
      startGitHub(),
      ...names.map((cms, i) => startCmsSite({ cms, config: configs[i] ?? { backend: {} } })),
    ]);
    platform = await start({
      CMS_AUTH_ORIGINS: sites.map(({ url }) => url).join(','),
      GITHUB_URL: host.url,
      GITHUB_CLIENT_ID: host.app.clientId,
      GITHUB_CLIENT_SECRET: host.app.clientSecret,
    });
    host.app.redirectUris.push(`${platform.url}/auth/github/callback`);
    for (const config of configs)
      config.backend = {
        name: 'github',
        repo: host.repository.fullName,
        branch: 'main',
        base_url: new URL(platform.url).origin,
        ...(endpoint !== undefined && { auth_endpoint: endpoint }),
        api_root: host.apiRoot,
        graphql_api_root: host.graphqlRoot,
      };
  });
  afterAll(async () => {
    await browser?.close();
    await Promise.all([platform?.stop(), host?.close(), ...sites.map((site) => site.close())]);
  });
  beforeEach(async () => {
    context = await browser.newContext();
    page = await context.newPage();
  });
  afterEach(() => context.close());

  it.each(names)('logs an editor into %s, who edits and saves', { timeout: 90_000 }, async (cms) => {
    // A site's own, which is none of our business wherever we keep ours.
    const cookies = ['__session', 'other'].map((name) => ({ name, value: 'x', url: platform.url }));
    await context.addCookies(cookies);
    await page.goto(`${sites[names.indexOf(cms)]?.url}/`);
    const driver = drivers[cms];
    await decide(await driver.openLogin(page), 'Allow');
    await driver.loggedIn(page);
    expect(await driver.entries(page)).toHaveLength(2);
    const left = await context.cookies(`${platform.url}/auth/github/callback`);
    expect(left.map(({ name, value }) => `${name}=${value}`).sort()).toEqual(['__session=x', 'other=x']);

    await driver.editAndSave(page, `Written with ${cms}`);
    await page.reload();
    await driver.loggedIn(page);
    expect(await driver.entries(page)).toContain(`Written with ${cms}`);
    expect(host.unexpected).toEqual([]);
  });
});
