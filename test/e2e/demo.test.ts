/** What `npm start` shows where nothing is set: to somebody who has only just fetched the project. */
import { once } from 'node:events';
import { rm, symlink } from 'node:fs/promises';
import path from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { cmsBundle } from '../cms/bundles.ts';
import { decide, drivers } from '../cms/drive.ts';
import { buildApart, end, start } from '../contract/secrets/instances.ts';
import { browserMissing, launch } from './browser.ts';
import { freePort } from '../hosts/port.ts';

const wide = { width: 1280, height: 800 };

/** Saving takes its time, so it is done once for each way in: with an account at the Git host, and without. */
const pages = [
  { name: 'Decap CMS with GitHub', cms: 'decap', saves: true },
  { name: 'Decap CMS with GitLab', cms: 'decap', saves: false },
  { name: 'Decap CMS with Bitbucket', cms: 'decap', saves: false },
  { name: 'Sveltia CMS with GitHub', cms: 'sveltia', saves: false },
  { name: 'Sveltia CMS with GitLab', cms: 'sveltia', saves: false },
  { name: 'Decap CMS without a Git account', cms: 'decap', saves: true },
  { name: 'Sveltia CMS without a Git account', cms: 'sveltia', saves: true },
] as const;

/** Errors that these CMSs leave in the console wherever they run. */
const usual = [
  // Sveltia wants fonts and news from elsewhere, and the demo's pages let nothing out.
  /^Fetch API cannot load https:\/\/unpkg\.com\/|'https:\/\/(unpkg\.com|cdn\.jsdelivr\.net)\/[^']*' violates/,
  // Decap looks for pictures and for Git's settings where there are none.
  /status of 404 .*(static(\/|%2F)images|\/\.gitattributes)/,
];

describe('Without a setting, npm start', () => {
  let folder: string;
  beforeAll(async () => {
    await Promise.all([cmsBundle('decap'), cmsBundle('sveltia')]);
    folder = await buildApart();
    // What was fetched once is kept.
    await symlink(path.resolve('.cache'), path.join(folder, '.cache'), 'junction');
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const run = (env: Record<string, string>) => start('dist/node/start.mjs', { folder, env });

  it('shows no demo in production', async () => {
    const { child, written, said } = run({ PORT: String(await freePort()), NODE_ENV: 'production' });
    await said('Ctrl-C');
    await end(child);
    expect(written.stdout).toBe('');
    expect(written.stderr).toContain('Nothing is set up.');
    expect(child.exitCode).toBe(1);
  });

  describe.skipIf(browserMissing)('shows a demo that', () => {
    let browser: Browser;
    let page: Page;
    let origin: string;
    let demo: ReturnType<typeof run>;
    const errors: string[] = [];

    beforeAll(async () => {
      const port = await freePort();
      origin = `http://localhost:${port}`;
      demo = run({ PORT: String(port) });
      [browser] = await Promise.all([launch(), demo.said('Ctrl-C')]);
      const context = await browser.newContext({ viewport: wide });
      context.on('weberror', (error) => errors.push(String(error.error())));
      context.on('console', (message) => {
        const text = `${message.text()} ${message.location().url}`;
        if (message.type() === 'error' && !usual.some((one) => one.test(text))) errors.push(text);
      });
      page = await context.newPage();
    });
    afterAll(async () => {
      await browser?.close();
      if (demo) await end(demo.child);
    });
    beforeEach(async () => {
      errors.length = 0;
      await page.goto(origin);
      // The pages share an origin, and one CMS would take over what another has stored.
      await page.evaluate(() => localStorage.clear());
    });
    afterEach(() => expect(errors).toEqual([]));

    async function fits(shown: Page) {
      for (const width of [500, 380]) {
        await shown.setViewportSize({ width, height: 800 });
        const over = await shown.evaluate(() => (document.scrollingElement?.scrollWidth ?? Infinity) - innerWidth);
        await shown.setViewportSize(wide);
        expect(over, `${shown.url()} at ${width}`).toBeLessThanOrEqual(0);
      }
    }

    it('offers these CMS pages and the owner’s, which all fit into a narrow window', async () => {
      const names = await page.locator('nav strong').allInnerTexts();
      expect(names.map((name) => name.replaceAll(/\s+/g, ' '))).toEqual(pages.map(({ name }) => name));
      await fits(page);
      for (const [link, heading] of [
        ['the login', 'Login for your CMS'],
        ['the gateway', 'The gateway: nothing is missing'],
      ] as const) {
        await page.goto(origin);
        await page.getByRole('link', { name: link, exact: true }).click();
        await page.getByRole('heading', { name: heading }).waitFor();
        await fits(page);
      }
      await page.goto(`${origin}/auth/github?provider=github&site_id=localhost&scope=repo`);
      await page.locator('main[data-state=alone]').waitFor();
      await fits(page);
    });

    it.each(pages)('logs in: $name', async ({ name, cms, saves }) => {
      const driver = drivers[cms];
      await page.getByRole('link', { name }).click();
      if (name.includes('with ')) {
        const popup = await driver.openLogin(page);
        await popup.getByRole('button', { name: 'Allow' }).waitFor();
        await fits(popup);
        await decide(popup, 'Allow');
      } else {
        let shown = page;
        if (cms === 'sveltia') shown = await driver.openLogin(page);
        else await page.getByRole('button', { name: 'Login' }).click();
        const ann = shown.getByRole('button', { name: 'Ann Example' });
        await ann.waitFor();
        await fits(shown);
        await ann.click();
      }
      await driver.loggedIn(page);
      expect(await driver.entries(page)).toHaveLength(2);
      if (!saves) return;
      await driver.editAndSave(page, `Saved in ${name}`);
      await page.reload();
      await driver.loggedIn(page);
      expect(await driver.entries(page)).toContain(`Saved in ${name}`);
    });

    it('ends with Ctrl-C, also while somebody looks at it', async () => {
      const over = once(demo.child, 'exit');
      demo.child.kill('SIGINT');
      expect(await over).toEqual([0, null]);
      expect(demo.written.stdout).toContain('The demo has ended.');
    }, 5_000);
  });
});
