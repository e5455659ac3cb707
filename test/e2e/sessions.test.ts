import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { CmsName } from '../cms/bundles.ts';
import { decide, drivers } from '../cms/drive.ts';
import { startCmsSite } from '../cms/server.ts';
import { browserMissing, launch } from './browser.ts';
import { startWorld, type World } from './world.ts';

type Name = 'github' | 'gitlab' | 'bitbucket';

/** Which published CMS can use which host, and whether it can renew a session there. */
const pairs: { cms: CmsName; id: Name; renews: boolean }[] = [
  { cms: 'decap', id: 'gitlab', renews: false },
  { cms: 'netlify', id: 'gitlab', renews: false },
  { cms: 'sveltia', id: 'gitlab', renews: true },
  { cms: 'decap', id: 'bitbucket', renews: true },
  { cms: 'netlify', id: 'bitbucket', renews: true },
  { cms: 'sveltia', id: 'github', renews: true },
];

describe.skipIf(browserMissing).each(pairs)('the published bundle of $cms at $id', ({ cms, id, renews }) => {
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;
  let world: World;
  let site: { url: string; close(): Promise<void> };
  const driver = drivers[cms];

  beforeAll(async () => {
    [browser, world] = await Promise.all([launch(), startWorld(9484)]);
    world.hosts.github.expiring = true;
    world.env['CMS_AUTH_REFRESH'] = 'github,gitlab,bitbucket';
    const host = world.hosts[id];
    site = await startCmsSite({
      cms,
      config: {
        // Decap and Netlify CMS look for Bitbucket's refresh address here, and not in `backend`.
        top: { base_url: world.loginServer },
        backend: {
          name: id,
          repo: host.repository.fullName,
          branch: 'main',
          base_url: world.loginServer,
          api_root: host.apiRoot,
          ...('graphqlRoot' in host && { graphql_api_root: host.graphqlRoot }),
          ...(cms === 'sveltia' && { auth_endpoint: `auth/${id}/authorize` }),
        },
      },
    });
    world.env['CMS_AUTH_ORIGINS'] = site.url;
  });
  afterAll(async () => {
    await browser?.close();
    await Promise.all([site?.close(), world?.close()]);
  });
  beforeEach(async () => {
    world.hosts[id].consent = 'ask';
    context = await browser.newContext();
    page = await context.newPage();
    await page.goto(`${site.url}/`);
  });
  afterEach(() => context.close());

  const login = async () => {
    await decide(await driver.openLogin(page), 'Allow');
    await driver.loggedIn(page);
  };
  const stored = () => page.evaluate(() => JSON.stringify({ ...localStorage }));

  it('logs in, edits and saves', async () => {
    await login();
    await driver.editAndSave(page, `Written with ${cms}`);
    await page.reload();
    await driver.loggedIn(page);
    expect(await driver.entries(page)).toContain(`Written with ${cms}`);
    expect(world.hosts[id].unexpected).toEqual([]);
  });

  it('tells that the user said no', async () => {
    await decide(await driver.openLogin(page), 'Deny');
    expect(await driver.loginMessage(page)).toContain('Access was refused at');
  });

  if (!renews) return;

  it('stays in when the token expires before a reload', async () => {
    await login();
    const before = await stored();
    world.hosts[id].grants.expireAccessTokens();
    await page.reload();
    await driver.loggedIn(page);
    // Decap writes the old tokens back after such a reload; what counts is that the editor is in.
    if (cms === 'sveltia') expect(await stored()).not.toBe(before);
    expect(world.log.at(-1)).toMatchObject({ event: 'refresh', provider: id, outcome: 'ok' });
  });

  it('stays in when the token expires in mid-edit, and saves', async () => {
    await login();
    world.hosts[id].grants.expireAccessTokens();
    world.log.length = 0;
    await driver.editAndSave(page, `Saved after expiry with ${cms}`);
    expect(world.log).toContainEqual(expect.objectContaining({ event: 'refresh', provider: id, outcome: 'ok' }));
    await page.reload();
    await driver.loggedIn(page);
    expect(await driver.entries(page)).toContain(`Saved after expiry with ${cms}`);
  });

  it('shows the login page again when the host does not renew the session', async () => {
    await login();
    world.hosts[id].grants.expireAccessTokens();
    world.hosts[id].grants.expireRefreshTokens();
    await page.reload();
    // After a second reload at the latest: Decap stores what it was not given, and only then finds that it has nothing.
    const button = page.getByRole('button', { name: /Login with|Sign In with/ });
    await button.waitFor({ timeout: 15_000 }).catch(() => page.reload());
    await button.waitFor();
  });
});
