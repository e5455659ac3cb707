import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { CmsName } from '../cms/bundles.ts';
import { decide, drivers } from '../cms/drive.ts';
import { startCmsSite } from '../cms/server.ts';
import { browserMissing, launch } from './browser.ts';
import { startWorld, tokenRequests, type World } from './world.ts';

const posts = ['content/posts/first-post.md', 'content/posts/second-post.md'];

describe.skipIf(browserMissing).each<CmsName>(['decap', 'netlify', 'sveltia'])('the published bundle of %s', (cms) => {
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;
  let world: World;
  let site: { url: string; close(): Promise<void> };
  const driver = drivers[cms];

  beforeAll(async () => {
    browser = await launch();
    world = await startWorld(9481);
    site = await startCmsSite({
      cms,
      config: {
        backend: {
          name: 'github',
          repo: world.host.repository.fullName,
          branch: 'main',
          base_url: world.loginServer,
          api_root: world.host.apiRoot,
          graphql_api_root: world.host.graphqlRoot,
        },
      },
    });
  });
  afterAll(async () => {
    await browser?.close();
    await Promise.all([site?.close(), world?.close()]);
  });
  beforeEach(async () => {
    world.env['CMS_AUTH_ORIGINS'] = site.url;
    world.host.consent = 'ask';
    world.host.fault = undefined;
    context = await browser.newContext();
    page = await context.newPage();
    await page.goto(`${site.url}/`);
  });
  afterEach(() => context.close());

  it('logs in, edits and saves', async () => {
    const popup = await driver.openLogin(page);
    await decide(popup, 'Allow');
    await driver.loggedIn(page);
    expect(await driver.entries(page)).toHaveLength(2);
    await driver.editAndSave(page, `Written with ${cms}`);
    expect(posts.map((file) => world.host.repository.read(file)).join()).toContain(`Written with ${cms}`);
    await page.reload();
    await driver.loggedIn(page);
    expect(await driver.entries(page)).toContain(`Written with ${cms}`);
    expect(world.host.unexpected).toEqual([]);
    expect(await context.cookies(world.loginServer)).toEqual([]); // the attempt's cookie is gone
  });

  it('tells that the user said no', async () => {
    const popup = await driver.openLogin(page);
    await decide(popup, 'Deny');
    expect(await driver.loginMessage(page)).toContain('Access was refused at GitHub');
  });

  it('logs in after it was refused, and after the popup was closed', async () => {
    await decide(await driver.openLogin(page), 'Deny');
    await driver.loginMessage(page);
    const closed = await driver.openLogin(page);
    await closed.getByRole('button', { name: 'Allow', exact: true }).waitFor();
    await closed.close();
    if (cms === 'sveltia') await page.getByText('aborted').waitFor(); // until then it takes no second login
    await decide(await driver.openLogin(page), 'Allow');
    await driver.loggedIn(page);
  });

  it('logs in although the page is busy when the popup opens', async () => {
    await page.evaluate(() => {
      const open = window.open.bind(window);
      window.open = (...given) => {
        const popup = open(...given);
        setTimeout(() => {
          for (const end = Date.now() + 3_000; Date.now() < end;);
        });
        return popup;
      };
    });
    await decide(await driver.openLogin(page), 'Allow');
    await driver.loggedIn(page);
  });

  it('logs in again after it was logged out, in the same page', async () => {
    for (let i = 0; i < 2; i++) {
      await decide(await driver.openLogin(page), 'Allow');
      await driver.loggedIn(page);
      await page.evaluate(() => localStorage.clear());
      await page.reload();
    }
  });

  it('tells that the Git host is down', async () => {
    world.host.fault = 'reset';
    const popup = await driver.openLogin(page);
    await decide(popup, 'Allow');
    expect(await driver.loginMessage(page)).toContain('GitHub could not be reached');
  });

  it('tells that the secret is wrong, which GitHub says with status 200', async () => {
    const secret = world.env['GITHUB_CLIENT_SECRET'] ?? '';
    world.env['GITHUB_CLIENT_SECRET'] = 'wrong';
    const popup = await driver.openLogin(page);
    await decide(popup, 'Allow');
    expect(await driver.loginMessage(page)).toContain('check GITHUB_CLIENT_ID and GITHUB_CLIENT_SECRET');
    world.env['GITHUB_CLIENT_SECRET'] = secret;
  });

  it('tells that the cookie was lost, and costs the host no request', async () => {
    const popup = await driver.openLogin(page);
    await popup.getByRole('button', { name: 'Allow', exact: true }).waitFor();
    await context.clearCookies();
    const before = tokenRequests(world);
    await decide(popup, 'Allow');
    expect(await driver.loginMessage(page)).toContain('did not bring back the cookie');
    expect(tokenRequests(world)).toBe(before);
  });

  it('tells that a setting is missing', async () => {
    const id = world.env['GITHUB_CLIENT_ID'] ?? '';
    delete world.env['GITHUB_CLIENT_ID'];
    await driver.openLogin(page);
    expect(await driver.loginMessage(page)).toContain('GITHUB_CLIENT_ID is not set');
    world.env['GITHUB_CLIENT_ID'] = id;
  });

  it('gives nothing to a page on an origin that is not listed', async () => {
    world.env['CMS_AUTH_ORIGINS'] = 'https://www.example.com';
    world.host.requests.length = 0;
    await driver.openLogin(page);
    // Sveltia has words of its own for this one.
    expect(await driver.loginMessage(page)).toMatch(/not on the list|domain/i);
    expect(world.host.requests).toEqual([]);
    expect(await page.evaluate(() => JSON.stringify({ ...localStorage }))).not.toContain('gho_');
  });
});
