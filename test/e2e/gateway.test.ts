import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { routes } from '../../functions/gateway.ts';
import { listen, node } from '../../lib/platforms/node.ts';
import { serve } from '../../lib/handler/serve.ts';
import type { LogEntry } from '../../lib/http/log.ts';
import type { CmsName } from '../cms/bundles.ts';
import { drivers } from '../cms/drive.ts';
import type { CmsConfig } from '../cms/page.ts';
import { startCmsSite, type SiteOptions } from '../cms/server.ts';
import * as write from '../cms/write.ts';
import { startGitHub, type GitHubHost } from '../hosts/github.ts';
import { startGoTrue } from '../hosts/gotrue.ts';
import { startIdentity } from '../hosts/identity.ts';
import { browserMissing, launch, noteAnswers } from './browser.ts';
import { freePort } from '../hosts/port.ts';

const timeoutMs = 180_000;
const token = 'github_pat_the-credential-of-the-gateway';
const signed = 'Ann Example <ann@example.com>';

describe.skipIf(browserMissing)('Behind the gateway, with GitHub,', () => {
  let browser: Browser;
  let page: Page;
  let github: GitHubHost;
  let own: string;
  let closeGateway: () => Promise<void>;
  /** What a test starts besides. */
  let toClose: { close(): Promise<void> }[] = [];
  const env: Record<string, string> = {};
  const log: LogEntry[] = [];
  /** What left the gateway's own site for the browser. */
  let seen: string[] = [];

  beforeAll(async () => {
    browser = await launch();
    const port = await freePort();
    own = `http://localhost:${port}`;
    const handler = serve(routes, { env, log: (entry) => log.push(entry) });
    closeGateway = await listen(node(handler), { port, host: 'localhost' });
  });
  afterAll(async () => {
    await browser?.close();
    await closeGateway?.();
  });
  beforeEach(async () => {
    log.length = 0;
    seen = [];
    for (const name of Object.keys(env)) delete env[name];
    github = await startGitHub();
    github.accessTokens.set(token, { name: 'CMS', scopes: ['repo'] });
    page = await (await browser.newContext()).newPage();
    noteAnswers(page, own, seen);
  });
  afterEach(async () => {
    await page.context().close();
    await Promise.all([github.close(), ...toClose.map((one) => one.close())]);
    toClose = [];
  });

  const history = (branch = 'main') =>
    github.repository
      .history(branch)
      .map(({ message, author, committer = author }) => [
        message.split('\n')[0],
        `${author.name} <${author.email}>`,
        `${committer.name} <${committer.email}>`,
      ]);

  async function openSite(
    cms: CmsName,
    { backend, top }: CmsConfig,
    more: Record<string, string>,
    parts: Pick<SiteOptions, 'identity' | 'besides'> = {},
  ) {
    const config = {
      backend: {
        name: 'git-gateway',
        branch: 'main',
        gateway_url: `${own}/git`,
        status_endpoint: `${own}/git/status`,
        ...backend,
      },
      top: { ...top },
    };
    const site = await startCmsSite({ cms, config, ...parts });
    toClose.push(site);
    Object.assign(env, {
      CMS_AUTH_URL: own,
      CMS_AUTH_ORIGINS: site.url,
      GITHUB_URL: github.url,
      CMS_GATEWAY_REPO: `${github.url}/${github.repository.fullName}`,
      CMS_GATEWAY_TOKEN: token,
      CMS_GATEWAY_EDITORS: 'ann@example.com',
      CMS_GATEWAY_PATHS: 'content/**, static/images/**',
      ...more,
    });
    return { site, config };
  }

  /** As somebody who comes back later. */
  async function comeBack(url: string) {
    await page.goto('about:blank');
    await page.goto(`${url}/`);
  }

  /** Nothing went wrong that nobody expected, and what nobody may have has nobody got. */
  async function checkEnd() {
    expect(github.unexpected).toEqual([]);
    expect(log.filter(({ outcome, code }) => outcome === 'failed' && code !== 'NOT_ON_LIST')).toEqual([]);
    const storage = await page.evaluate(() => JSON.stringify({ ...localStorage, ...sessionStorage }));
    for (const text of [...seen, storage, JSON.stringify(log)]) expect(text).not.toContain(token);
  }

  describe('Decap CMS with tokens that an OpenID provider issues', () => {
    let config: CmsConfig;
    let siteUrl: string;

    async function logIn(top: CmsConfig['top'], name = 'Ann Example') {
      const opened = await openSite('decap', { backend: { auth_type: 'pkce' }, top: { ...top } }, {});
      siteUrl = opened.site.url;
      const identity = await startIdentity({
        redirectUris: [`${own}/unused`],
        publicClient: { id: 'cms-page', redirectUris: [`${siteUrl}/`], audience: 'cms' },
      });
      toClose.push(identity);
      config = opened.config;
      Object.assign(config.top ?? {}, {
        auth: { base_url: identity.issuer, use_oidc: true, app_id: 'cms-page', full_name_claim: 'name' },
      });
      Object.assign(env, { CMS_GATEWAY_ISSUER: identity.issuer, CMS_GATEWAY_AUDIENCE: 'cms' });
      await page.goto(`${siteUrl}/`);
      await page.getByRole('button', { name: /^Login/ }).click();
      await page.getByRole('button', { name }).click();
    }

    it(
      'lists, creates, edits, uploads, survives a reload, deletes; and the editor is who did it',
      async () => {
        await logIn({ publish_mode: 'simple' });
        await drivers.decap.loggedIn(page);
        await write.publishNew(page, 'Über alles & more');
        await comeBack(siteUrl);
        await drivers.decap.loggedIn(page);
        const slug = 'über-alles-more';
        await write.editPublished(page, slug, 'Edited');
        const picture = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0, 0xff, 13, 10, 45, 45]);
        await write.upload(page, 'pixel.png', picture);
        await write.deletePublished(page, slug);
        expect(github.repository.blob(github.repository.resolve('main:static/images/pixel.png') ?? '')).toEqual(
          picture,
        );
        expect(github.repository.read(`content/posts/${slug}.md`)).toBeUndefined();
        expect(history().slice(0, 4)).toEqual([
          [expect.stringMatching(/^Delete Post/), signed, signed],
          [expect.stringMatching(/^Upload/), signed, signed],
          [expect.stringMatching(/^Update Post/), signed, signed],
          [expect.stringMatching(/^Create Post/), signed, signed],
        ]);
        await checkEnd();
      },
      timeoutMs,
    );

    it(
      'goes through the editorial workflow over what others wrote meanwhile, with a link to the preview',
      async () => {
        await logIn({ publish_mode: 'editorial_workflow' });
        await drivers.decap.loggedIn(page);
        await write.draftNew(page, 'A draft');
        const branch = 'cms/posts/a-draft';
        expect(github.repository.branches.has(branch)).toBe(true);
        const other = { name: 'Other', email: 'other@example.org', date: '2026-02-01T00:00:00.000Z' };
        github.repository.save(branch, { 'static/images/x.txt': 'x' }, 'By another', other);
        github.repository.save('main', { 'content/other.md': 'moved' }, 'Meanwhile', other);
        await write.editDraft(page, 'a-draft', 'A better draft');
        // Put on what was published meanwhile: who wrote it is still who wrote it, and who did that is the editor.
        expect(history(branch).slice(0, 4)).toEqual([
          [expect.stringMatching(/^Update Post/), signed, signed],
          ['By another', 'Other <other@example.org>', signed],
          [expect.stringMatching(/^Create Post/), signed, signed],
          ['Meanwhile', 'Other <other@example.org>', 'Other <other@example.org>'],
        ]);
        const preview = { context: 'deploy/preview', state: 'success', target_url: 'https://preview.example.com/' };
        github.statuses.set(github.repository.branches.get(branch) ?? '', [preview]);
        await write.setReady(page);
        await page.reload();
        await page.getByRole('link', { name: 'View Preview' }).waitFor();
        expect(await page.getByRole('link', { name: 'View Preview' }).getAttribute('href')).toContain(
          'https://preview.example.com/',
        );
        await write.publishDraft(page);
        expect(github.repository.read('content/posts/a-draft.md')).toContain('A better draft');
        await write.draftNew(page, 'Another draft');
        await write.throwAway(page);
        expect([...github.repository.branches.keys()]).toEqual(['main']);
        await checkEnd();
      },
      timeoutMs,
    );

    it(
      'tells those who are not on the list why they are not let in',
      async () => {
        await logIn({ publish_mode: 'simple' }, 'Eve Elsewhere');
        await page
          .getByText(/may not edit this site/)
          .first()
          .waitFor();
        expect(log.at(-1)).toMatchObject({ outcome: 'failed', code: 'NOT_AN_EDITOR' });
      },
      timeoutMs,
    );
  });

  const secret = 'the-secret-of-a-gotrue-and-of-nobody-else';
  const ann = { id: 'u1', email: 'ann@example.com', password: 'pass-word', name: 'Ann Example', confirmed: true };

  describe.each(['decap', 'netlify'] as const)('%s with a GoTrue', (cms) => {
    it.each(['asked', 'shared secret'])(
      'logs in by the password form, writes, and survives a reload (%s)',
      async (way) => {
        const gotrue = await startGoTrue({ secret, members: [ann] });
        toClose.push(gotrue);
        const { site } = await openSite(
          cms,
          { backend: { identity_url: gotrue.url }, top: { publish_mode: 'simple' } },
          way === 'asked' ? { CMS_GATEWAY_IDENTITY: gotrue.url } : { CMS_GATEWAY_JWT_SECRET: secret },
        );
        await page.goto(`${site.url}/`);
        await page.locator('input[name="email"]').fill(ann.email);
        await page.locator('input[name="password"]').fill(ann.password);
        await page.getByRole('button', { name: /^Login/ }).click();
        await drivers[cms].loggedIn(page);
        await write.publishNew(page, 'By password');
        await comeBack(site.url);
        await drivers[cms].loggedIn(page);
        expect(github.repository.read('content/posts/by-password.md')).toContain('By password');
        expect(history()[0]?.slice(1)).toEqual([signed, signed]);
        await checkEnd();
      },
      timeoutMs,
    );
  });

  // Across sites there is the first one alone: the second sends a header that GoTrue takes from no other site.
  const windows = [
    { cms: 'decap', identity: 'widget-v1', place: 'on the same site' },
    { cms: 'decap', identity: 'widget-v2', place: 'on the same site' },
    { cms: 'netlify', identity: 'widget-v1', place: 'on another site' },
  ] as const;
  it.each(windows)(
    'logs in by the window of Netlify Identity, edits, survives a reload, logs out: $cms, $identity, $place',
    async ({ cms, identity, place }) => {
      const driver = drivers[cms];
      const path = '/.netlify/identity';
      const gotrue = await startGoTrue({ secret, members: [ann], path });
      toClose.push(gotrue);
      const onSite = place === 'on the same site';
      const parts = { identity, ...(onSite && { besides: gotrue.mounted }) };
      const { site } = await openSite(cms, { backend: {}, top: { publish_mode: 'simple' } }, {}, parts);
      env['CMS_GATEWAY_IDENTITY'] = onSite ? site.url + path : gotrue.url;
      // On localhost the window would ask for this.
      const identitySite = onSite ? site.url : gotrue.url.replace(path, '');
      await page.addInitScript((url) => localStorage.setItem('netlifySiteURL', url), identitySite);
      const button = page.getByRole('button', { name: 'Login with Netlify Identity' });
      const form = page.frameLocator('#netlify-identity-widget').locator('form:has([name="password"])');

      await page.goto(`${site.url}/`);
      await button.click();
      await form.locator('[name="email"]').fill(ann.email);
      await form.locator('[name="password"]').fill(ann.password);
      await form.getByRole('button', { name: 'Log in' }).click();
      await driver.loggedIn(page);
      await driver.editAndSave(page, 'Written by Ann');
      expect(history()[0]).toEqual([expect.stringMatching(/^Update Post/), signed, signed]);

      await comeBack(site.url);
      await driver.loggedIn(page);
      expect(await driver.entries(page)).toContain('Written by Ann');
      await checkEnd();

      expect(gotrue.refresh.size).toBe(1);
      await page.locator('header [class*="AvatarDropdownButton"]').click();
      await page.getByRole('menuitem', { name: 'Log Out' }).click();
      // Until it is loaded again the CMS may go on showing the list: it asks who is logged in before the window has logged out.
      await expect.poll(() => gotrue.refresh.size).toBe(0);
      // The window forgets who was logged in when it has the answer.
      const storage = () => page.evaluate(() => JSON.stringify({ ...localStorage }));
      await expect.poll(storage).not.toContain('eyJ');
      await comeBack(site.url);
      await button.waitFor();
      expect(await storage()).not.toContain('eyJ');
    },
    timeoutMs,
  );
});
