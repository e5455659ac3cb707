import { SignJWT } from 'jose';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { routes } from '../../functions/gateway.ts';
import { listen, node } from '../../lib/platforms/node.ts';
import { serve } from '../../lib/handler/serve.ts';
import type { LogEntry } from '../../lib/http/log.ts';
import { drivers } from '../cms/drive.ts';
import { startCmsSite } from '../cms/server.ts';
import * as write from '../cms/write.ts';
import type { RepositoryOptions } from '../hosts/host.ts';
import { startBitbucket, type BitbucketHost } from '../hosts/bitbucket.ts';
import { startGitLab, type GitLabHost } from '../hosts/gitlab.ts';
import { browserMissing, launch } from './browser.ts';
import { freePort } from '../hosts/port.ts';

const timeoutMs = 180_000;

const secret = 'a secret that gateway and GoTrue share';
const token = 'the-token-of-the-gateway';
const editor = { name: 'Zoë Editor', email: 'zoe@example.org' };

/** Listed in pages of twenty: so many that there is a second one. */
const many = Object.fromEntries(
  Array.from({ length: 22 }, (_, index) => {
    const name = `${String(index + 1).padStart(2, '0')}`;
    return [`content/posts/post ${name}.md`, `---\ntitle: Number ${name}\ndate: 2026-01-01T00:00:00.000Z\n---\nText\n`];
  }),
);

const hosts = [
  {
    id: 'gitlab',
    fullName: 'group/sub/project',
    start: (repository: RepositoryOptions) => startGitLab({ path: '/gitlab', repository }),
    /** Whose merge it is: the account of the token, at every host that has no more to say about it. */
    merged: 'Demo Editor',
  },
  {
    id: 'bitbucket',
    fullName: 'team/site',
    start: (repository: RepositoryOptions) => startBitbucket({ repository }),
    merged: 'CMS',
  },
] as const;

describe.skipIf(browserMissing).each(hosts)(
  'Decap CMS behind the gateway, with $id',
  ({ id, fullName, start, merged }) => {
    let browser: Browser;
    let page: Page;
    let host: GitLabHost | BitbucketHost;
    let site: { url: string; close(): Promise<void> };
    let closeGateway: () => Promise<void>;
    const env: Record<string, string> = {};
    const log: LogEntry[] = [];
    const config: { backend: Record<string, string>; top: Record<string, string> } = { backend: {}, top: {} };

    beforeAll(async () => {
      browser = await launch();
      const port = await freePort();
      const own = `http://localhost:${port}`;
      Object.assign(config.backend, {
        name: 'git-gateway',
        branch: 'main',
        gateway_url: `${own}/git`,
        status_endpoint: `${own}/git/status`,
      });
      site = await startCmsSite({ cms: 'decap', config });
      Object.assign(env, {
        CMS_AUTH_URL: own,
        CMS_AUTH_ORIGINS: site.url,
        CMS_GATEWAY_TOKEN: token,
        CMS_GATEWAY_JWT_SECRET: secret,
        CMS_GATEWAY_EDITORS: editor.email,
        CMS_GATEWAY_PATHS: 'content/**, static/images/**',
      });
      closeGateway = await listen(node(serve(routes, { env, log: (entry) => log.push(entry) })), {
        port,
      });
    });
    afterAll(async () => {
      await browser?.close();
      await Promise.all([site?.close(), closeGateway?.()]);
    });
    beforeEach(async () => {
      log.length = 0;
      host = await start({ fullName, files: { ...many } });
      host.accessTokens.set(token, { name: 'CMS', scopes: ['api', 'repository:write', 'pullrequest:write'] });
      Object.assign(env, { [`${id.toUpperCase()}_URL`]: host.url, CMS_GATEWAY_REPO: `${host.url}/${fullName}` });
      const context = await browser.newContext();
      page = await context.newPage();
      // Logged in already: as the CMS leaves it in its storage.
      const jwt = await new SignJWT({ ...editor, sub: '1', user_metadata: { full_name: editor.name } })
        .setProtectedHeader({ alg: 'HS256' })
        .setExpirationTime('1h')
        .sign(new TextEncoder().encode(secret));
      const user = { backendName: 'git-gateway', ...editor, token: jwt, user_metadata: { full_name: editor.name } };
      await page.addInitScript((text) => localStorage.setItem('decap-cms-user', text), JSON.stringify(user));
    });
    afterEach(async () => {
      await page.context().close();
      await host.close();
    });

    const open = async () => {
      await page.goto(`${site.url}/`);
      await drivers.decap.loggedIn(page);
    };
    const history = (branch = 'main') =>
      host.repository.history(branch).map(({ message, author }) => [message, `${author.name} <${author.email}>`]);
    const signed = `${editor.name} <${editor.email}>`;

    it(
      'lists page by page, creates, edits, uploads, deletes, and the editor is who did it',
      async () => {
        config.top['publish_mode'] = 'simple';
        await open();
        // More come as the list is scrolled.
        await expect
          .poll(
            async () => {
              await page.mouse.wheel(0, 20_000);
              return (await drivers.decap.entries(page)).length;
            },
            { timeout: 30_000 },
          )
          .toBe(22);
        await write.publishNew(page, 'Über alles & more');
        await write.editPublished(page, 'post 02', 'Edited');
        const picture = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0, 0xff, 13, 10, 45, 45]);
        await write.upload(page, 'pixel.png', picture);
        await write.deletePublished(page, 'post 03');

        const { repository } = host;
        expect(repository.read('content/posts/über-alles-more.md')).toContain('title: Über alles & more');
        expect(repository.read('content/posts/post 02.md')).toContain('title: Edited');
        expect(repository.blob(repository.resolve('main:static/images/pixel.png') ?? '')).toEqual(picture);
        expect(repository.read('content/posts/post 03.md')).toBeUndefined();
        expect(history()).toEqual([
          [expect.stringMatching(/^Delete Post/), signed],
          [expect.stringMatching(/^Upload/), signed],
          [expect.stringMatching(/^Update Post/), signed],
          [expect.stringMatching(/^Create Post/), signed],
          ['First commit', 'Demo <demo@example.com>'],
        ]);
        expect(host.unexpected).toEqual([]);
        expect(log.filter(({ outcome, code }) => outcome === 'failed' && code !== 'NOT_ON_LIST')).toEqual([]);
      },
      timeoutMs,
    );

    it(
      'goes through the editorial workflow: a draft, saved again over what others wrote meanwhile, published; another thrown away',
      async () => {
        config.top['publish_mode'] = 'editorial_workflow';
        await open();
        await write.draftNew(page, 'A draft');
        expect(host.repository.branches.has('cms/posts/a-draft')).toBe(true);
        // Somebody else's text is a part of this draft, and of the branch that it is put on.
        const other = { name: 'Other', email: 'other@example.org', date: '2026-02-01T00:00:00.000Z' };
        host.repository.save('cms/posts/a-draft', { 'static/images/x.txt': 'x' }, 'By another', other);
        host.repository.save('main', { 'content/posts/post 01.md': 'moved' }, 'Meanwhile', other);
        await write.editDraft(page, 'a-draft', 'A better draft');
        await write.setReady(page);
        await write.publishDraft(page);
        expect(host.repository.read('content/posts/a-draft.md')).toContain('A better draft');
        expect(host.repository.read('static/images/x.txt')).toBe('x');
        expect(history()[0]).toEqual([
          `Automatically generated. Merged on Decap CMS.\n\nMerged-by: ${signed}`,
          expect.stringContaining(merged) as unknown,
        ]);
        const [, draft = ''] = host.repository.commit(host.repository.branches.get('main') ?? '')?.parents ?? [];
        expect(history(draft).slice(0, 3)).toEqual([
          [expect.stringMatching(/^Update Post/), signed],
          ['By another', 'Other <other@example.org>'],
          [expect.stringMatching(/^Create Post/), signed],
        ]);

        await write.draftNew(page, 'Another draft');
        await write.throwAway(page);
        expect([...host.repository.branches.keys()]).toEqual(['main']);
        expect(host.unexpected).toEqual([]);
        expect(log.filter(({ outcome, code }) => outcome === 'failed' && code !== 'NOT_ON_LIST')).toEqual([]);
      },
      timeoutMs,
    );
  },
);
