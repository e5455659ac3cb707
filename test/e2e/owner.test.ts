import type { Browser, BrowserContext, Locator, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { browserMissing, launch } from './browser.ts';
import { startWorld, type World } from './world.ts';

describe.skipIf(browserMissing)("the owner's page", () => {
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;
  let world: World;

  beforeAll(async () => void ([browser, world] = await Promise.all([launch(), startWorld(9485)])));
  afterAll(async () => {
    await browser?.close();
    await world?.close();
  });
  beforeEach(async () => {
    delete world.env['CMS_AUTH_ORIGINS'];
    world.env['GITHUB_CLIENT_SECRET'] = world.host.app.clientSecret;
    context = await browser.newContext({ permissions: ['clipboard-read', 'clipboard-write'] });
    page = await context.newPage();
    await page.goto(`${world.loginServer}/auth`);
  });
  afterEach(() => context.close());

  const section = () => page.locator('section').first();
  const tryLogin = async () => {
    const popup = page.waitForEvent('popup');
    await section().getByRole('button', { name: 'Try a login' }).click();
    await popup;
  };
  /** Outer ones first, as they stand. */
  const unfold = async (within: Locator) => {
    for (const summary of await within.locator('summary').all()) await summary.click();
  };
  const lastStep = (text: string) => section().locator('[data-try] li').filter({ hasText: text }).waitFor();

  it('tries a login, step by step, and shows no token', async () => {
    await tryLogin();
    await lastStep('The login works.');
    expect(await section().locator('[data-try] li').count()).toBe(3);
    expect(await page.content()).not.toContain('gho_');
  });

  it('says that it is not on the list, and that nothing was asked of the Git host', async () => {
    world.env['CMS_AUTH_ORIGINS'] = 'https://the-cms.example';
    world.host.requests.length = 0;
    await tryLogin();
    await lastStep(`refused before the Git host was asked: ${world.loginServer} is not on the list`);
    expect(world.host.requests).toEqual([]);
    expect(await page.content()).not.toContain('the-cms.example');
  });

  it('says what is wrong', async () => {
    world.env['GITHUB_CLIENT_SECRET'] = ' ';
    await tryLogin();
    await lastStep('GITHUB_CLIENT_SECRET is set but empty.');
  });

  it('does not hear another window that speaks its language', async () => {
    world.host.consent = 'ask';
    await tryLogin();
    await lastStep('It said "authorizing:github"');
    await page.evaluate(() => {
      const frame = document.body.appendChild(document.createElement('iframe'));
      frame.contentWindow?.parent.postMessage('authorization:github:success:{"token":"x"}', '*');
    });
    await page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 300)));
    expect(await section().locator('[data-try] li').count()).toBe(2);
    world.host.consent = 'always';
  });

  it('copies what is to be registered, and leads to the forms, the GitHub App first', async () => {
    const callback = `${world.loginServer}/auth/github/callback`;
    await unfold(section());
    await section()
      .locator('.copy')
      .filter({ hasText: new RegExp(`^${callback}`) })
      .getByRole('button')
      .click();
    expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(callback);
    const links = section().getByRole('link', { name: /^Register/ });
    const forms = await links.evaluateAll((all) => all.map((link) => (link as HTMLAnchorElement).href));
    expect(await links.allTextContents()).toEqual([
      'Register a GitHub App at GitHub',
      'Register an OAuth App at GitHub',
    ]);
    // The first of them is understood by the host that it leads to.
    const form = await fetch(forms[0] ?? '');
    expect([form.status, await form.text()]).toEqual([200, expect.stringContaining(callback)]);
  });

  it('says all of it without scripts, and has no button then', async () => {
    const plain = await browser.newContext({ javaScriptEnabled: false });
    const tab = await plain.newPage();
    await tab.goto(`${world.loginServer}/auth`);
    expect(await tab.getByRole('button').count()).toBe(0);
    await unfold(tab.locator('section').first());
    expect(await tab.locator('section').first().innerText()).toContain(`base_url: ${world.loginServer}`);
    await plain.close();
  });
});
