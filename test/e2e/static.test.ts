/** Static CMS, whose handshake is its own variant of Decap's: it answers one greeting, and no other. */
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { decide } from '../cms/drive.ts';
import { startCmsSite } from '../cms/server.ts';
import { browserMissing, launch } from './browser.ts';
import { startWorld, type World } from './world.ts';
import { freePort } from '../hosts/port.ts';

describe.skipIf(browserMissing)('the published bundle of static', () => {
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;
  let world: World;
  let site: { url: string; close(): Promise<void> };

  beforeAll(async () => {
    [browser, world] = await Promise.all([launch(), freePort().then(startWorld)]);
    const { repository, apiRoot } = world.host;
    const backend = {
      name: 'github',
      repo: repository.fullName,
      branch: 'main',
      base_url: world.loginServer,
      api_root: apiRoot,
    };
    site = await startCmsSite({ cms: 'static', config: { backend } });
  });
  afterAll(async () => {
    await browser?.close();
    await Promise.all([site?.close(), world?.close()]);
  });
  beforeEach(async () => {
    world.env['CMS_AUTH_ORIGINS'] = site.url;
    world.host.consent = 'ask';
    world.host.requests.length = 0;
    context = await browser.newContext();
    page = await context.newPage();
    await page.goto(`${site.url}/`);
  });
  afterEach(() => context.close());

  const openLogin = async () => {
    const button = page.getByRole('button', { name: 'Login with' });
    const [popup] = await Promise.all([page.waitForEvent('popup'), button.click()]);
    return popup;
  };
  const told = (words: string) => page.getByText(words).waitFor();

  it('logs in, also after it was refused', async () => {
    await decide(await openLogin(), 'Deny');
    await told('Access was refused at GitHub');
    await decide(await openLogin(), 'Allow');
    await page.getByText('The first post').waitFor();
  });

  it('tells that the cookie was lost', async () => {
    const popup = await openLogin();
    await popup.getByRole('button', { name: 'Allow', exact: true }).waitFor();
    await context.clearCookies();
    await decide(popup, 'Allow');
    await told('did not bring back the cookie');
  });

  it('gives nothing to a page on an origin that is not listed, and asks the host nothing', async () => {
    world.env['CMS_AUTH_ORIGINS'] = 'https://www.example.com';
    await openLogin();
    await told('is not on the list');
    expect(world.host.requests).toEqual([]);
  });
});
