import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { routes } from '../../functions/gateway.ts';
import { listen, node } from '../../lib/platforms/node.ts';
import { serve } from '../../lib/handler/serve.ts';
import type { LogEntry } from '../../lib/http/log.ts';
import type { CmsName, EarlierSveltia } from '../cms/bundles.ts';
import { drivers } from '../cms/drive.ts';
import { startCmsSite } from '../cms/server.ts';
import * as decapWrites from '../cms/write.ts';
import * as sveltiaWrites from '../cms/write-sveltia.ts';
import { startGitHub, type GitHubHost } from '../hosts/github.ts';
import { startIdentity, type IdentityHost } from '../hosts/identity.ts';
import { freePort } from '../hosts/port.ts';
import { browserMissing, launch, noteAnswers } from './browser.ts';

const timeoutMs = 180_000;
const token = 'github_pat_the-credential-of-the-gateway';
const signed = 'Ann Example <ann@example.com>';
const picture = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);

describe.skipIf(browserMissing)('A CMS that speaks to GitHub itself, pointed at the gateway,', () => {
  let browser: Browser;
  let page: Page;
  let github: GitHubHost;
  let identity: IdentityHost;
  let own: string;
  let closeGateway: () => Promise<void>;
  let site: { url: string; close(): Promise<void> } | undefined;
  const env: Record<string, string> = {};
  const log: LogEntry[] = [];
  /** What left the gateway's own site for the browser. */
  let seen: string[] = [];

  beforeAll(async () => {
    browser = await launch();
    const port = await freePort();
    own = `http://localhost:${port}`;
    closeGateway = await listen(node(serve(routes, { env, log: (entry) => log.push(entry) })), {
      port,
      host: 'localhost',
    });
    identity = await startIdentity({ redirectUris: [`${own}/git/auth/callback`] });
  });
  afterAll(async () => {
    await browser?.close();
    await Promise.all([closeGateway?.(), identity?.close()]);
  });
  beforeEach(async () => {
    log.length = 0;
    seen = [];
    github = await startGitHub();
    github.accessTokens.set(token, { name: 'CMS', scopes: ['repo'] });
    page = await (await browser.newContext()).newPage();
    noteAnswers(page, own, seen);
  });
  afterEach(async () => {
    await page.context().close();
    await Promise.all([github.close(), site?.close()]);
  });

  const history = (branch = 'main') =>
    github.repository
      .history(branch)
      .map(({ message, author, committer = author }) => [
        message.split('\n')[0],
        `${author.name} <${author.email}>`,
        `${committer.name} <${committer.email}>`,
      ]);

  /** The owner's whole configuration: the same for every CMS. */
  async function open(cms: CmsName | EarlierSveltia, publishMode = 'simple') {
    const backend = {
      name: 'github',
      repo: github.repository.fullName,
      branch: 'main',
      base_url: own,
      auth_endpoint: 'git/auth',
      api_root: `${own}/git/api/v3`,
    };
    site = await startCmsSite({ cms, config: { backend, top: { publish_mode: publishMode } } });
    Object.assign(env, {
      CMS_AUTH_URL: own,
      CMS_AUTH_ORIGINS: site.url,
      GITHUB_URL: github.url,
      CMS_GATEWAY_REPO: `${github.url}/${github.repository.fullName}`,
      CMS_GATEWAY_TOKEN: token,
      CMS_GATEWAY_ISSUER: identity.issuer,
      CMS_GATEWAY_CLIENT_ID: identity.clientId,
      CMS_GATEWAY_CLIENT_SECRET: identity.clientSecret,
      CMS_GATEWAY_EDITORS: 'ann@example.com',
      CMS_GATEWAY_PATHS: 'content/**, static/images/**',
    });
    if (cms.startsWith('sveltia')) await sveltiaWrites.keepNoBackups(page);
    await page.goto(`${site.url}/`);
  }

  async function logIn(cms: CmsName, who = 'Ann Example') {
    const popup = await drivers[cms].openLogin(page);
    await popup.getByRole('button', { name: who }).click();
  }

  /** Nothing went wrong that nobody expected, and what nobody may have has nobody got. */
  async function checkEnd() {
    expect(github.unexpected).toEqual([]);
    expect(log.filter(({ outcome, code }) => outcome === 'failed' && code !== 'NOT_ON_LIST')).toEqual([]);
    const storage = await page.evaluate(() => JSON.stringify({ ...localStorage, ...sessionStorage }));
    for (const text of [...seen, storage, JSON.stringify(log)])
      for (const secret of [token, identity.clientSecret]) expect(text).not.toContain(secret);
    expect(storage).toContain('eyJ');
    // A commit that GitHub made itself would be the credential's, whoever asked for it. Merges are.
    const written = github.repository.history('main').filter(({ parents }) => parents.length === 1);
    for (const { author, committer } of written) {
      expect(author).toMatchObject({ name: 'Ann Example', email: 'ann@example.com' });
      expect(committer).toMatchObject({ name: 'Ann Example', email: 'ann@example.com' });
    }
  }

  const pictureAt = (path: string) => github.repository.blob(github.repository.resolve(`main:${path}`) ?? '');

  it.each(['sveltia', 'sveltia-0.212', 'sveltia-0.150', 'sveltia-0.105'] as const)(
    'lists, edits, survives a reload, creates, uploads and deletes: %s',
    async (cms) => {
      await open(cms);
      const { sveltia } = drivers;
      await logIn('sveltia');
      await sveltia.loggedIn(page);
      expect(await sveltia.entries(page)).toEqual(['The first post', 'The second post']);
      await sveltia.editAndSave(page, 'Edited by Ann');
      await page.reload();
      await sveltia.loggedIn(page);
      expect(await sveltia.entries(page)).toContain('Edited by Ann');
      await sveltiaWrites.publishNew(page, 'Über alles & more');
      await sveltiaWrites.upload(page, 'pixel.png', picture);
      await sveltiaWrites.deletePublished(page, 'The second post');
      expect(pictureAt('static/images/pixel.png')).toEqual(picture);
      expect(github.repository.read('content/posts/second-post.md')).toBeUndefined();
      expect(history().map(([message]) => message?.split(' ')[0])).toEqual([
        'Delete',
        'Upload',
        'Create',
        'Update',
        'First',
      ]);
      await checkEnd();
    },
    timeoutMs,
  );

  it.each(['decap', 'netlify'] as const)(
    'lists, edits, survives a reload, creates, uploads and deletes: %s',
    async (cms) => {
      await open(cms);
      await logIn(cms);
      await drivers[cms].loggedIn(page);
      await decapWrites.publishNew(page, 'Another post');
      await page.goto('about:blank');
      await page.goto(`${site?.url}/`);
      await drivers[cms].loggedIn(page);
      await decapWrites.editPublished(page, 'another-post', 'Edited');
      await decapWrites.upload(page, 'pixel.png', picture);
      await decapWrites.deletePublished(page, 'another-post');
      expect(pictureAt('static/images/pixel.png')).toEqual(picture);
      expect(history().map(([message]) => message?.split(' ')[0])).toEqual([
        'Delete',
        'Upload',
        'Update',
        'Create',
        'First',
      ]);
      await checkEnd();
    },
    timeoutMs,
  );

  it(
    'goes through the editorial workflow to its end: sveltia',
    async () => {
      await open('sveltia', 'editorial_workflow');
      await logIn('sveltia');
      await drivers.sveltia.loggedIn(page);
      await sveltiaWrites.draftNew(page, 'A draft');
      const branch = 'cms/posts/a-draft';
      await expect.poll(() => github.pullRequests[0]).toMatchObject({ head: branch, base: 'main', draft: true });
      await page.reload();
      await drivers.sveltia.loggedIn(page);
      await sveltiaWrites.openDraft(page, 'A draft');
      await sveltiaWrites.editDraft(page, 'A better draft');
      await expect
        .poll(() => history(branch).map(([message, ...people]) => [message?.split(' ')[0], ...people]))
        .toEqual([
          ['Update', signed, signed],
          ['Create', signed, signed],
          ['First', 'Demo <demo@example.com>', 'Demo <demo@example.com>'],
        ]);
      await sveltiaWrites.openDraft(page, 'A better draft');
      await sveltiaWrites.setStatus(page, 'In Review');
      await expect
        .poll(() => github.pullRequests[0])
        .toMatchObject({ draft: false, labels: ['sveltia-cms/pending_review'] });
      await sveltiaWrites.setStatus(page, 'Draft');
      await expect.poll(() => github.pullRequests[0]).toMatchObject({ draft: true, labels: ['sveltia-cms/draft'] });
      await sveltiaWrites.setStatus(page, 'Ready');
      await expect
        .poll(() => github.pullRequests[0])
        .toMatchObject({ draft: false, labels: ['sveltia-cms/pending_publish'] });
      await sveltiaWrites.publishDraft(page, 'A better draft');
      await expect.poll(() => [...github.repository.branches.keys()]).toEqual(['main']);
      expect(github.repository.read('content/posts/a-draft.md')).toContain('A better draft');
      await sveltiaWrites.draftNew(page, 'Another draft');
      await sveltiaWrites.throwAway(page, 'Another draft');
      await expect.poll(() => [...github.repository.branches.keys()]).toEqual(['main']);
      expect(github.repository.read('content/posts/another-draft.md')).toBeUndefined();
      await checkEnd();
    },
    timeoutMs,
  );

  it(
    'goes through the editorial workflow to its end: decap',
    async () => {
      await open('decap', 'editorial_workflow');
      await logIn('decap');
      await drivers.decap.loggedIn(page);
      await decapWrites.draftNew(page, 'A draft');
      await decapWrites.editDraft(page, 'a-draft', 'A better draft');
      await decapWrites.setReady(page);
      await decapWrites.publishDraft(page);
      expect(github.repository.read('content/posts/a-draft.md')).toContain('A better draft');
      await decapWrites.draftNew(page, 'Another draft');
      await decapWrites.throwAway(page);
      expect([...github.repository.branches.keys()]).toEqual(['main']);
      await checkEnd();
    },
    timeoutMs,
  );

  it('tells who is not on the list why they are not let in, and asks GitHub for nothing', async () => {
    await open('sveltia');
    await logIn('sveltia', 'Eve Elsewhere');
    expect(await drivers.sveltia.loginMessage(page)).toContain('eve@example.net is not on the list of editors');
    expect(github.requests).toEqual([]);
  });
});
