/** What the gateway has to do on every platform, written once. */
import { generateKeyPairSync } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  json,
  openWorld,
  own,
  secret,
  sessionOf,
  site,
  startHost,
  upstreamToken,
  type Host,
  type Script,
} from './world.ts';
import type { Call, Reply } from '../login.ts';

const sha = 'a'.repeat(40);
const other = 'b'.repeat(40);
const message = (reply: Reply): string => (JSON.parse(reply.body) as { message: string }).message;

/** Every route that the CMSs ask for, in both forms where there are two, and what the host is asked. */
const reads: [asked: string, passedOn: string][] = [
  ['/branches/main', '/branches/main'],
  ['/branches/cms%2Fposts%2Fa', '/branches/cms%2Fposts%2Fa'],
  ['/branches/cms/posts/a', '/branches/cms%2Fposts%2Fa'],
  ['/git/trees/main:content/posts', '/git/trees/main:content%2Fposts'],
  ['/git/trees/main:content%2Fposts', '/git/trees/main:content%2Fposts'],
  ['/git/trees/main:', '/git/trees/main:'],
  [`/git/trees/${sha}?recursive=1`, `/git/trees/${sha}?recursive=1`],
  ['/git/trees/main:content/posts?recursive=1&ts=17', '/git/trees/main:content%2Fposts?recursive=1'],
  ['/git/trees/main:content%2F%C3%BCber%20uns', '/git/trees/main:content%2F%C3%BCber%20uns'],
  [`/git/blobs/${sha}`, `/git/blobs/${sha}`],
  ['/commits?path=content%2Fposts%2Fa.md&sha=main', '/commits?path=content%2Fposts%2Fa.md&sha=main'],
  [`/commits/${sha}/status`, `/commits/${sha}/status`],
  [`/compare/main...${sha}`, `/compare/main...${sha}`],
  ['/compare/main...owner:cms/posts/a', '/compare/main...owner:cms%2Fposts%2Fa'],
  [`/compare/${other}...${sha}`, `/compare/${other}...${sha}`],
  ['/pulls?base=main&state=open&per_page=100', '/pulls?base=main&state=open&per_page=100'],
  [
    '/pulls?head=owner%3Acms%2Fposts%2Fa&base=main&state=all&per_page=100',
    '/pulls?head=owner%3Acms%2Fposts%2Fa&base=main&state=all&per_page=100',
  ],
  ['/pulls/7/commits', '/pulls/7/commits'],
];

/** What nobody needs, and what means something else to whoever reads it next. */
const hostile: [method: string, path: string][] = [
  ['GET', '/'],
  ['GET', ''],
  ['GET', '/user'],
  ['GET', '/../../user'],
  ['GET', '/branches/../../../user'],
  ['GET', '/branches/%2e%2e/%2e%2e/%2e%2e/user'],
  ['GET', '/branches/..%2f..%2f..%2fuser'],
  ['GET', '/branches/%252e%252e%252f%252e%252e%252fuser'],
  ['GET', '/branches/..%5c..%5cuser'],
  ['GET', '/branches/a%00b'],
  ['GET', '/branches/a%0d%0aHost:%20evil'],
  ['GET', '/branches//main'],
  ['GET', '/branches/main/protection'],
  ['GET', '/branches/main%2Fprotection'],
  ['GET', '/contents/content/posts/a.md'],
  ['GET', '/git/refs/meta/_decap_cms'],
  ['GET', '/git/blobs/main'],
  ['GET', `/git/blobs/${sha}/../../../../user`],
  ['GET', '/git/trees/main:..%2f..'],
  ['GET', '/compare/main...evil:cms/posts/a'],
  ['GET', '/compare/main...owner:name:cms/posts/a'],
  ['GET', '/users/bot'],
  ['GET', '/search/issues'],
  ['GET', '/pulls/7'],
  ['GET', '/pulls/7/files'],
  ['GET', '/pulls/0/commits'],
  ['GET', '/pulls/7e1/commits'],
  ['GET', '/collaborators'],
  ['GET', '/actions/secrets'],
  ['GET', '/hooks'],
  ['PUT', '/contents/a.md'],
  ['POST', '/git/tags'],
  ['POST', '/merges'],
  ['POST', `/statuses/${sha}`],
  ['POST', '/forks'],
  ['DELETE', '/git/refs/heads/main'],
  ['DELETE', '/git/refs/heads/cms_1/posts/a'],
  ['DELETE', '/git/refs/tags/v1'],
  ['PATCH', ''],
  ['DELETE', ''],
  ['PUT', '/branches/main'],
  ['POST', `/git/blobs/${sha}`],
  ['PUT', '/issues/7'],
  ['POST', '/issues/7/labels'],
  ['POST', '/pulls/7/merge'],
  ['PATCH', '/pulls/7/merge'],
];

const ours = {
  head: { ref: 'cms/posts/a', sha, repo: { id: 1, full_name: 'owner/name', fork: false } },
  base: { ref: 'main', repo: { id: 1, full_name: 'owner/name' } },
};

const entry = { path: 'content/a.md', mode: '100644', type: 'blob', sha };
const tree = (...entries: object[]) => ({ base_tree: sha, tree: entries });
const commit = {
  message: 'Update',
  tree: sha,
  parents: [other],
  author: { name: 'A', email: 'a@b.c', date: '2026-03-01T12:00:00.000Z' },
};

/** What GitHub says about the changes of an editor, where something is to be published. */
const comparison = {
  status: 'ahead',
  ahead_by: 1,
  behind_by: 0,
  total_commits: 1,
  commits: [{ sha, commit: { ...commit, committer: { name: 'Zoë', email: 'zoe@example.org' } }, parents: [{ sha }] }],
  files: [{ filename: 'content/a.md', status: 'modified', sha }],
};
const lookedUp: Script = (asked, ...rest) =>
  json(200, asked.method !== 'GET' ? { ok: true } : asked.url.includes('/compare/') ? comparison : ours)(
    asked,
    ...rest,
  );

/** What the CMSs write. */
const writes: [method: string, path: string, body: object | undefined][] = [
  ['POST', '/git/blobs', { content: 'eA==', encoding: 'base64' }],
  ['POST', '/git/trees', tree(entry, { ...entry, path: 'content/b.md', sha: null })],
  ['POST', '/git/refs', { ref: 'refs/heads/cms/posts/a', sha }],
  ['POST', '/git/refs', { ref: 'refs/heads/cms_1794000000000/posts/a', sha }],
  ['PATCH', '/git/refs/heads/main', { sha, force: false }],
  ['PATCH', '/git/refs/heads/cms%2Fposts%2Fa', { sha, force: true }],
  ['PATCH', '/git/refs/heads/cms/posts/a', { sha, force: true }],
  ['DELETE', '/git/refs/heads/cms%2Fposts%2Fa', undefined],
  [
    'POST',
    '/pulls',
    { title: 'A', body: 'Automatically generated by Decap CMS', head: 'owner:cms/posts/a', base: 'main' },
  ],
  ['PATCH', '/pulls/7', { state: 'closed' }],
  [
    'PUT',
    '/pulls/7/merge',
    { commit_message: 'Automatically generated. Merged on Decap CMS.', sha, merge_method: 'merge' },
  ],
  ['PUT', '/issues/7/labels', { labels: ['decap-cms/draft'] }],
];

/** What they never would. */
const forbidden: [what: string, method: string, path: string, body: unknown][] = [
  ['a tree without a base', 'POST', '/git/trees', { tree: [entry] }],
  ['a tree with a base that is no hash', 'POST', '/git/trees', { base_tree: 'main', tree: [entry] }],
  ['a link', 'POST', '/git/trees', tree({ ...entry, mode: '120000' })],
  ['a program', 'POST', '/git/trees', tree({ ...entry, mode: '100755' })],
  ['a submodule', 'POST', '/git/trees', tree({ ...entry, mode: '160000', type: 'commit' })],
  ['a folder', 'POST', '/git/trees', tree({ ...entry, mode: '040000', type: 'tree' })],
  ['a workflow', 'POST', '/git/trees', tree({ ...entry, path: '.github/workflows/a.yml' })],
  ['a workflow in capitals', 'POST', '/git/trees', tree({ ...entry, path: '.GitHub/workflows/a.yml' })],
  ['a way out', 'POST', '/git/trees', tree({ ...entry, path: 'content/../.github/a' })],
  ['an absolute path', 'POST', '/git/trees', tree({ ...entry, path: '/content/a.md' })],
  ['a backslash', 'POST', '/git/trees', tree({ ...entry, path: 'content\\a.md' })],
  ['one bad entry among good ones', 'POST', '/git/trees', tree(entry, { ...entry, path: 'a/.gitmodules' })],
  ['a commit without a parent', 'POST', '/git/commits', { ...commit, parents: [] }],
  ['a commit without a tree', 'POST', '/git/commits', { ...commit, tree: undefined }],
  ['a tag', 'POST', '/git/refs', { ref: 'refs/tags/v1', sha }],
  ['another branch', 'POST', '/git/refs', { ref: 'refs/heads/production', sha }],
  ['a branch with a way out', 'POST', '/git/refs', { ref: 'refs/heads/cms/../production', sha }],
  ['force on what is published', 'PATCH', '/git/refs/heads/main', { sha, force: true }],
  ['a branch that is not ours', 'PATCH', '/git/refs/heads/production', { sha, force: false }],
  ['what is nearly a draft', 'PATCH', '/git/refs/heads/cms', { sha, force: true }],
  ['force that is a text', 'PATCH', '/git/refs/heads/main', { sha, force: 'true' }],
  ['a reference to a name', 'PATCH', '/git/refs/heads/main', { sha: 'evil' }],
  ['a pull request into another branch', 'POST', '/pulls', { title: 'A', head: 'cms/posts/a', base: 'production' }],
  ['a pull request of a fork', 'POST', '/pulls', { title: 'A', head: 'evil:cms/posts/a', base: 'main' }],
  ['a pull request of another branch', 'POST', '/pulls', { title: 'A', head: 'owner:feature', base: 'main' }],
  ['a new base', 'PATCH', '/pulls/7', { base: 'production' }],
  ['to open again', 'PATCH', '/pulls/7', { state: 'open' }],
  ['a merge by rebase', 'PUT', '/pulls/7/merge', { sha, merge_method: 'rebase' }],
  ['a merge of a name', 'PUT', '/pulls/7/merge', { sha: 'main', merge_method: 'merge' }],
  ['labels that are none', 'PUT', '/issues/7/labels', { labels: [{ name: 'a' }] }],
  ['a list', 'POST', '/git/trees', [tree(entry)]],
  ['no JSON', 'POST', '/git/trees', 'tree'],
];

/** `megabytes` is what the platform takes in a body, `answers` what it lets out in an answer; any of them, if it `streams`. */
export function describeGateway(
  name: string,
  call: Call,
  { megabytes, answers, streams = false }: { megabytes: number; answers: number; streams?: boolean },
): void {
  describe(`The gateway on ${name}`, () => {
    let host: Host;
    let world: ReturnType<typeof openWorld>;
    const ask: ReturnType<typeof openWorld>['ask'] = (...given) => world.ask(...given);
    const last = () => host.asked.at(-1);

    beforeAll(async () => {
      host = await startHost();
    });
    afterAll(() => host.close());
    beforeEach(() => {
      host.asked = [];
      host.script = json(200, { ok: true });
      world = openWorld(host, call);
    });

    describe('lets in', () => {
      it('an editor on the list, and tells the client which host it is', async () => {
        const reply = await ask('/git/settings');
        expect(reply.status).toBe(200);
        expect(reply.headers['content-type']).toMatch(/^application\/json/);
        expect(JSON.parse(reply.body)).toEqual({
          github_enabled: true,
          gitlab_enabled: false,
          bitbucket_enabled: false,
          roles: [],
        });
      });

      it('nobody without a token, in words', async () => {
        for (const path of ['/git/settings', '/git/github/branches/main']) {
          const reply = await ask(path, { headers: { authorization: undefined } });
          expect(reply.status).toBe(401);
          expect(message(reply)).toMatch(/log in/i);
        }
      });

      it.each([
        ['no bearer', 'Basic eDp5'],
        ['nothing', 'Bearer '],
        ['no token', 'Bearer abc'],
        ['two', 'Bearer a, Bearer b'],
      ])('nobody with %s', async (_, authorization) => {
        expect((await ask('/git/settings', { headers: { authorization } })).status).toBe(401);
      });

      it('nobody who is not on the list, in words that the CMS shows', async () => {
        const authorization = `Bearer ${await sessionOf({ email: 'mallory@example.org' })}`;
        const reply = await ask('/git/github/branches/main', { headers: { authorization } });
        expect(reply.status).toBe(401);
        expect(message(reply)).toMatch(/may not edit/);
        expect(host.asked).toEqual([]);
      });

      it('nobody whose session is over, or by another secret', async () => {
        for (const token of [await sessionOf({}, { seconds: -60 }), await sessionOf({}, { key: `${secret}!` })])
          expect((await ask('/git/settings', { headers: { authorization: `Bearer ${token}` } })).status).toBe(401);
      });

      it('whoever is on it no longer than they are', async () => {
        world.env['CMS_GATEWAY_EDITORS'] = 'somebody@else.example';
        expect((await ask('/git/settings')).status).toBe(401);
      });
    });

    describe('for pages', () => {
      it('of listed origins answers a preflight without a token, and keeps it for two hours', async () => {
        const reply = await ask('/git/github/branches/main', {
          method: 'OPTIONS',
          headers: { authorization: undefined },
        });
        expect(reply.status).toBe(204);
        expect(reply.headers).toMatchObject({
          'access-control-allow-origin': site,
          'access-control-max-age': '7200',
          vary: 'Origin, Authorization',
        });
        expect(reply.headers['access-control-allow-headers']).toMatch(/authorization.*content-type.*x-nf-client/);
        for (const method of ['PUT', 'PATCH', 'DELETE'])
          expect(reply.headers['access-control-allow-methods']).toContain(method);
        expect(reply.headers).not.toHaveProperty('access-control-allow-credentials');
      });

      it.each(['https://evil.example', 'null', 'https://deploy-preview-1--site.netlify.app', `${site}.evil.example`])(
        'of %s does nothing at all',
        async (origin) => {
          for (const method of ['OPTIONS', 'GET', 'POST']) {
            const reply = await ask('/git/github/branches/main', { method, headers: { origin } });
            expect(reply.status).toBe(400);
            expect(reply.headers).not.toHaveProperty('access-control-allow-origin');
          }
          expect(host.asked).toEqual([]);
        },
      );

      it('of its own site needs no origin', async () => {
        expect((await ask('/git/settings', { headers: { origin: undefined } })).status).toBe(200);
      });

      it('says what they may read, also with an error', async () => {
        for (const path of ['/git/github/branches/main', '/git/github/nothing']) {
          const { headers } = await ask(path);
          expect(headers['access-control-allow-origin']).toBe(site);
          for (const exposed of ['link', 'etag', 'x-total', 'x-ratelimit-remaining', 'retry-after'])
            expect(headers['access-control-expose-headers']).toContain(exposed);
        }
      });
    });

    describe('passes on', () => {
      it.each(reads)('GET %s', async (asked, passedOn) => {
        const reply = await ask(`/git/github${asked}`);
        expect(reply).toMatchObject({ status: 200, body: '{"ok":true}' });
        expect(host.asked.map(({ method, url }) => `${method} ${url}`)).toEqual([
          `GET /api/v3/repos/owner/name${passedOn}`,
        ]);
      });

      it.each(writes)('%s %s', async (method, path, body) => {
        host.script = lookedUp;
        const reply = await ask(`/git/github${path}`, { method, ...(body && { body: JSON.stringify(body) }) });
        expect(reply.status).toBe(200);
        expect(last()?.method).toBe(method);
        expect(decodeURIComponent(last()?.url ?? '')).toBe(`/api/v3/repos/owner/name${decodeURIComponent(path)}`);
        const sent = String(last()?.body);
        // A merge names the editor, since the host names only the account of the credential.
        expect(sent.replace('\\n\\nMerged-by: Zoë Editor <zoe@example.org>', '')).toBe(
          body ? JSON.stringify(body) : '',
        );
        expect(sent.includes('Merged-by')).toBe(path.endsWith('/merge'));
      });

      it.each([
        ['a move of the published branch', 'PATCH', '/git/refs/heads/main', { sha, force: false }],
        ['a merge', 'PUT', '/pulls/7/merge', { sha, merge_method: 'merge' }],
      ])('%s only after a comparison, which costs one call', async (what, method, path, body) => {
        host.script = lookedUp;
        expect((await ask(`/git/github${path}`, { method, body: JSON.stringify(body) })).status).toBe(200);
        const looks = host.asked.map(({ method: how, url }) => `${how} ${url.replace('/api/v3/repos/owner/name', '')}`);
        expect(looks).toEqual([
          ...(what === 'a merge' ? ['GET /pulls/7'] : []),
          `GET /compare/main...${sha}`,
          `${method} ${path}`,
        ]);
        for (const bad of [
          {},
          { ...comparison, files: undefined },
          { ...comparison, total_commits: 251 },
          { ...comparison, files: [{ filename: '.github/workflows/a.yml' }] },
          { ...comparison, files: [{ filename: 'content/b.md', previous_filename: '.gitmodules' }] },
          { ...comparison, commits: [{ commit: { committer: { email: 'boss@example.org' } }, parents: [{ sha }] }] },
          // What people write on GitHub's pages is committed by it, too.
          { ...comparison, commits: [{ commit: {}, committer: { login: 'web-flow' }, parents: [{ sha }] }] },
        ]) {
          host.asked = [];
          host.script = (asked, ...rest) =>
            (asked.url.includes('/compare/') ? json(200, bad) : lookedUp)(asked, ...rest);
          expect((await ask(`/git/github${path}`, { method, body: JSON.stringify(body) })).status).toBe(422);
          expect(host.asked.every(({ method: how }) => how === 'GET')).toBe(true);
        }
        const verification = { verified: true, reason: 'valid' };
        const merged = {
          commit: { verification },
          committer: { login: 'web-flow' },
          parents: [{ sha }, { sha: other }],
        };
        const both = { ...comparison, total_commits: 2, commits: [...comparison.commits, merged] };
        host.script = (asked, ...rest) =>
          (asked.url.includes('/compare/') ? json(200, both) : lookedUp)(asked, ...rest);
        expect((await ask(`/git/github${path}`, { method, body: JSON.stringify(body) })).status).toBe(200);
      });

      it('a merge of what was looked at, where the client names no commit', async () => {
        host.script = lookedUp;
        await ask('/git/github/pulls/7/merge', { method: 'PUT', body: JSON.stringify({ merge_method: 'squash' }) });
        expect(host.asked[1]?.url).toContain(`/compare/main...${sha}`);
        expect(JSON.parse(String(last()?.body))).toMatchObject({ sha, merge_method: 'squash' });
      });

      it('a commit with the editor as its committer, whoever the author is', async () => {
        const forged = {
          ...commit,
          committer: { name: 'The Boss', email: 'boss@example.org', date: commit.author.date },
        };
        await ask('/git/github/git/commits', { method: 'POST', body: JSON.stringify(forged) });
        expect(JSON.parse(String(last()?.body))).toEqual({
          ...commit,
          committer: { name: 'Zoë Editor', email: 'zoe@example.org', date: expect.any(String) as string },
        });
      });

      it('headers from a list of four, and its own credential', async () => {
        await ask('/git/github/branches/main', {
          headers: {
            'if-none-match': '"abc"',
            accept: 'application/json',
            cookie: 'a=b',
            'x-forwarded-for': '1.2.3.4',
            'x-github-api-version': '1',
            'accept-encoding': 'gzip',
            'user-agent': 'evil',
          },
        });
        const { host: _host, connection: _connection, ...headers } = last()?.headers ?? {};
        expect(headers).toEqual({
          accept: 'application/json',
          authorization: `Bearer ${upstreamToken}`,
          'if-none-match': '"abc"',
          'user-agent': 'cms-auth-functions',
        });
      });

      it('what comes by a gateway_url with a slash at its end', async () => {
        expect((await ask('/git//settings')).status).toBe(200);
        expect((await ask('/git//github/branches/main')).status).toBe(200);
        expect(last()?.url).toBe('/api/v3/repos/owner/name/branches/main');
        expect((await ask('/git//github//branches/main')).status).toBe(404);
      });

      it('a query key that comes twice to nobody', async () => {
        expect((await ask('/git/github/pulls?base=main&base=evil')).status).toBe(400);
        expect(host.asked).toEqual([]);
      });

      it.each(hostile)('nothing for %s %s', async (method, path) => {
        const reply = await ask(`/git/github${path}`, { method, ...(method.startsWith('P') && { body: '{}' }) });
        // On the platforms that resolve dots by themselves, it may be no address of ours at all.
        expect(reply.status).toBe(404);
        if (reply.headers['content-type']?.startsWith('application/json')) expect(message(reply)).not.toBe('');
        expect(host.asked).toEqual([]);
      });

      it('nothing for an address that is none, and says so to pages', async () => {
        for (const path of ['/git/nothing', '/git///settings', '/git/github']) {
          const reply = await ask(path);
          expect([reply.status, reply.headers['access-control-allow-origin']], path).toEqual([404, site]);
          expect(message(reply)).toContain('/git');
        }
        const long = await ask(`/git/github/commits?path=${'x'.repeat(17_000)}`);
        expect(long.status).toBe(414);
        expect(message(long)).toContain('too large');
        expect(long.headers['access-control-allow-origin']).toBe(site);
        expect(host.asked).toEqual([]);
      });

      it('nothing for a host that is not the repository’s', async () => {
        // The last two are a way of GitHub's, by another name.
        for (const path of ['gitlab/repository/branches/main', 'gitlab/branches/main', 'bitbucket/branches/main'])
          expect((await ask(`/git/${path}`)).status).toBe(404);
        expect(host.asked).toEqual([]);
      });

      it.each(forbidden)('nothing to write %s', async (_, method, path, body) => {
        host.script = json(200, ours);
        const reply = await ask(`/git/github${path}`, { method, body: JSON.stringify(body) });
        expect(reply.status).toBe(422);
        expect(message(reply)).not.toBe('');
        expect(host.asked.filter((asked) => asked.method !== 'GET')).toEqual([]);
      });

      it.each([
        ['a fork', { ...ours, head: { ...ours.head, repo: { id: 2, full_name: 'evil/name', fork: true } } }],
        ['a fork that is gone', { ...ours, head: { ...ours.head, repo: null } }],
        ['a branch that is no draft', { ...ours, head: { ...ours.head, ref: 'feature' } }],
        ['one into another branch', { ...ours, base: { ...ours.base, ref: 'production' } }],
        ['nothing', {}],
      ])('nothing to a pull request of %s', async (_, found) => {
        host.script = json(200, found);
        const acts = [
          ['PATCH', '/pulls/7', { state: 'closed' }],
          ['PUT', '/pulls/7/merge', { sha, merge_method: 'merge' }],
          ['PUT', '/issues/7/labels', { labels: [] }],
        ] as const;
        for (const [method, path, body] of acts)
          expect((await ask(`/git/github${path}`, { method, body: JSON.stringify(body) })).status).toBe(422);
        expect(host.asked.map(({ method, url }) => [method, url])).toEqual(
          acts.map(() => ['GET', '/api/v3/repos/owner/name/pulls/7']),
        );
      });

      it('only to the paths that the owner names', async () => {
        world.env['CMS_GATEWAY_PATHS'] = 'content/**, static/img/*.png';
        const put = async (path: string) =>
          (await ask('/git/github/git/trees', { method: 'POST', body: JSON.stringify(tree({ ...entry, path })) }))
            .status;
        expect(await put('content/posts/a.md')).toBe(200);
        expect(await put('static/img/a.png')).toBe(200);
        for (const path of ['package.json', 'contents/a.md', 'static/img/a/b.png', 'content/.github/a', 'content'])
          expect(await put(path), path).toBe(422);
      });
    });

    describe('brings back', () => {
      it('headers from a list, for the browser to keep, and never as a page', async () => {
        host.script = json(
          200,
          {},
          {
            etag: '"abc"',
            'x-ratelimit-remaining': '12',
            'set-cookie': 'a=b',
            'access-control-allow-origin': '*',
            'x-oauth-scopes': 'repo',
            'github-authentication-token-expiration': '2020-01-01 00:00:00 UTC',
            server: 'x',
          },
        );
        const { headers, cookies } = await ask('/git/github/branches/main');
        expect(cookies).toEqual([]);
        expect(headers).toMatchObject({
          etag: '"abc"',
          'x-ratelimit-remaining': '12',
          'cache-control': 'private, no-cache',
          vary: 'Origin, Authorization',
          'x-content-type-options': 'nosniff',
          'content-security-policy': "default-src 'none'; sandbox",
          'access-control-allow-origin': site,
        });
        for (const name of ['x-oauth-scopes', 'github-authentication-token-expiration', 'server'])
          expect(headers).not.toHaveProperty(name);
        const blob = await ask(`/git/github/git/blobs/${sha}`);
        expect(blob.headers['cache-control']).toBe('private, max-age=31536000, immutable');
        const written = await ask('/git/github/git/blobs', { method: 'POST', body: '{}' });
        expect(written.headers['cache-control']).toBe('private, no-store');
      });

      it.each([204, 304])('%i without a type', async (status) => {
        host.script = (_, response) =>
          void response.writeHead(status, { etag: '"a"', 'content-type': 'application/json' }).end();
        const reply = await ask('/git/github/branches/main');
        expect(reply).toMatchObject({ status, body: '' });
        expect(reply.headers).not.toHaveProperty('content-type');
      });

      it('links as the client takes them apart, and none to elsewhere', async () => {
        const link = [
          `<${host.url}/api/v3/repositories/1/pulls?page=2&base=main>; rel="next"`,
          '<https://evil.example/x/y/pulls?page=3>; rel="last"',
          `<${host.url}/api/v3/user>; rel="first"`,
        ].join(', ');
        host.script = json(200, [], { link });
        const { headers } = await ask('/git/github/pulls');
        expect(headers['link']).toBe(`<${own}/x/y/pulls?page=2&base=main>; rel="next"`);
      });

      it.each([
        ['a page', (_, response) => void response.writeHead(200, { 'content-type': 'text/html' }).end('<h1>Hi</h1>')],
        ['a page that is called JSON', json(200, '<h1>Hi</h1>')],
        [
          'an error page',
          (_, response) => void response.writeHead(503, { 'content-type': 'text/html' }).end('<h1>Hi</h1>'),
        ],
        [
          'a packed answer',
          (_, response) =>
            void response
              .writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' })
              .end(gzipSync('{}')),
        ],
        ['a broken connection', (_, response) => void response.destroy()],
        [
          'half an answer',
          (_, response) => {
            response.writeHead(200, { 'content-type': 'application/json', 'content-length': '100' });
            response.write('{');
            setTimeout(() => response.destroy(), 50);
          },
        ],
        ['its own credential', (asked, ...rest) => json(200, asked.headers)(asked, ...rest)],
        ['its own credential in a header', json(200, {}, { etag: `"${upstreamToken}"` })],
      ] as [string, Host['script']][])('%s as 502 in words', async (_, script) => {
        host.script = script;
        for (const method of ['GET', 'POST']) {
          const body = method === 'POST' ? { body: '{"content":"","encoding":"base64"}' } : {};
          const reply = await ask(method === 'GET' ? '/git/github/branches/main' : '/git/github/git/blobs', {
            method,
            ...body,
          });
          expect(reply.status).toBe(502);
          expect(message(reply)).toMatch(/GitHub/);
          expect(JSON.stringify(reply)).not.toContain(upstreamToken);
        }
        expect(host.asked.filter(({ method }) => method === 'POST')).toHaveLength(1);
      });

      it.each([301, 302, 307, 308])(
        'no redirect (%i): the repository is elsewhere, and the owner is told',
        async (status) => {
          host.script = (_, response) => void response.writeHead(status, { location: 'https://evil.example/' }).end();
          for (const method of ['GET', 'POST']) {
            const body = method === 'POST' ? { body: '{"content":"","encoding":"base64"}' } : {};
            const reply = await ask(`/git/github/${method === 'GET' ? 'pulls' : 'git/blobs'}`, { method, ...body });
            expect(reply.status).toBe(500);
            expect(message(reply)).toContain('CMS_GATEWAY_REPO');
            expect(reply.headers).not.toHaveProperty('location');
          }
          expect(JSON.stringify(host.asked)).not.toContain('evil');
        },
      );

      it('none of a part of it, either', async () => {
        world.env['CMS_GATEWAY_TOKEN'] = `${upstreamToken}-2`;
        host.script = (asked, response) =>
          /(name|main)$/.test(asked.url)
            ? json(200, { default_branch: 'main' })(asked, response, {} as never)
            : void response.writeHead(302, { location: 'https://evil.example/' }).end();
        const reply = await ask('/git/github/pulls');
        expect([reply.status, reply.headers['location']]).toEqual([502, undefined]);
      });

      it.each([205, 299, 599])('%i as it is, if platforms have words for it', async (status) => {
        host.script = json(status, status === 205 ? '' : { message: 'So it is' });
        const reply = await ask('/git/github/branches/main');
        expect(reply.status).toBe(status);
        expect(reply.body).toBe(status === 205 ? '' : '{"message":"So it is"}');
      });

      it.each([600, 999])('%i as 502 in words, and one line in the log', async (status) => {
        host.script = json(status, { message: 'So it is' });
        for (const [path, method] of [
          ['/branches/main', 'GET'],
          ['/pulls/7/merge', 'PUT'],
        ] as const) {
          const body = { ...(method === 'PUT' && { body: JSON.stringify({ sha }) }) };
          const reply = await ask(`/git/github${path}`, { method, ...body });
          expect(reply.status).toBe(502);
          expect(message(reply)).toContain('GitHub');
        }
        expect(world.log.map(({ code }) => code)).toEqual(['UPSTREAM_FAILED', 'UPSTREAM_FAILED']);
      });

      it('a bomb as 502 in words, as soon as it is one', async () => {
        let sent = 0; // megabytes
        host.script = (_, response) => {
          response.writeHead(200, { 'content-type': 'application/json' });
          const chunk = Buffer.alloc(1024 * 1024, 'x');
          const write = () => {
            sent++;
            while (response.write(chunk)) if (response.destroyed) return;
            response.once('drain', write);
          };
          write();
        };
        const reply = await ask('/git/github/branches/main');
        expect(reply.status).toBe(502);
        expect(message(reply)).toContain(streams ? 'did not answer as it should' : `${answers} MB`);
        expect(sent).toBeLessThan(answers + 16); // what was under way by then
      });

      it('a refused credential in the words that the CMS knows, with a word for the owner in the log', async () => {
        host.script = json(401, { message: 'Requires authentication' });
        const reply = await ask('/git/github/branches/main');
        expect(reply.status).toBe(401);
        expect(message(reply)).toBe('Bad credentials');
        expect(world.log.at(-1)?.warning).toMatch(/credential/);
      });

      it('an app whose key is refused likewise, also to the owner', async () => {
        const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
        world.env['CMS_GATEWAY_TOKEN'] = undefined;
        world.env['GITHUB_APP_ID'] = '77';
        world.env['GITHUB_APP_PRIVATE_KEY'] = privateKey.export({ type: 'pkcs1', format: 'pem' }) as string;
        host.script = json(401, { message: 'A JSON web token could not be decoded' });
        const reply = await ask('/git/github/branches/main');
        expect(reply.status).toBe(401);
        expect(message(reply)).toBe('Bad credentials');
        expect(world.log.at(-1)?.warning).toMatch(/credential/);
        const page = await ask('/git', { headers: { origin: undefined } });
        expect(page.body).toContain('does not accept the credential');
      });

      it.each([
        ['429', json(429, { message: 'Too many' }, { 'retry-after': '17' }), '17'],
        [
          '403 with nothing left',
          json(
            403,
            { message: 'API rate limit exceeded' },
            { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(Math.floor(Date.now() / 1000) + 600) },
          ),
          /^\d{3}$/,
        ],
        ['403 of the secondary kind', json(403, { message: 'You have exceeded a secondary rate limit.' }), '60'],
        ['403 that says when', json(403, { message: 'No' }, { 'retry-after': '30' }), '30'],
      ])('a limit (%s) as 429, and when to come again', async (_, script, after) => {
        host.script = script;
        const reply = await ask('/git/github/branches/main');
        expect(reply.status).toBe(429);
        expect(reply.headers['retry-after']).toMatch(after);
        expect(message(reply)).not.toBe('');
      });

      it.each([
        [
          403,
          { message: 'Resource not accessible' },
          'GitHub does not let the gateway do this. GitHub says: “Resource not accessible.” The owner has to look at what its credential may do there.',
        ],
        [404, { message: 'Not Found', documentation_url: 'https://x' }, 'Not Found'],
        [422, { message: 'Reference already exists' }, 'Reference already exists'],
        [409, { message: { base: ['is taken'] } }, '{"base":["is taken"]}'],
        [400, { error: { message: 'Bad' } }, 'Bad'],
        [500, { error: 'Oops' }, 'Oops'],
      ])('%i with the host’s message as a text', async (status, body, words) => {
        host.script = json(status, body);
        const reply = await ask('/git/github/pulls/7/commits');
        expect(reply.status).toBe(status);
        expect(message(reply)).toBe(words);
        expect(reply.headers['cache-control']).toBe('private, no-store');
      });
    });

    it('takes bodies up to what the platform gives, and says how much that is', async () => {
      const body = (size: number) => JSON.stringify({ content: 'x'.repeat(size), encoding: 'base64' });
      const limit = megabytes * 1024 * 1024;
      expect((await ask('/git/github/git/blobs', { method: 'POST', body: body(limit - 100) })).status).toBe(200);
      expect(last()?.body).toHaveLength(Buffer.byteLength(body(limit - 100)));
      host.asked = [];
      const reply = await ask('/git/github/git/blobs', { method: 'POST', body: body(limit + 100) });
      expect(reply.status).toBe(413);
      expect(message(reply)).toContain(`${megabytes} MB`);
      expect(host.asked).toEqual([]);
    });

    it('hands out answers up to what the platform lets out, and says how much that is', async () => {
      const limit = answers * 1024 * 1024;
      const blob = (size: number) => json(200, { content: 'x'.repeat(size), encoding: 'base64' });
      const file = `/git/github/git/blobs/${'d'.repeat(40)}`; // what a hash names is kept for other calls
      host.script = blob(limit - 100 * 1024); // the rest is for what Lambda counts besides the body
      const whole = await ask(file);
      expect([whole.status, whole.body.length]).toEqual([200, expect.closeTo(limit - 100 * 1024, -3)]);
      host.script = blob(limit);
      const reply = await ask(file);
      if (streams) return expect([reply.status, reply.body.length]).toEqual([200, expect.closeTo(limit, -3)]);
      expect(reply.status).toBe(502);
      expect(message(reply)).toContain(`${answers} MB`);
      expect(world.log.at(-1)?.code).toBe('ANSWER_TOO_LARGE');
    });

    it('serves 64 at a time', async () => {
      host.script = (asked, ...rest) => void wait(20).then(() => json(200, { url: asked.url })(asked, ...rest));
      const replies = await Promise.all(
        Array.from({ length: 64 }, (_, i) => ask(`/git/github/pulls/${i + 1}/commits`)),
      );
      expect(replies.map(({ body }) => body)).toEqual(
        replies.map((_, i) => JSON.stringify({ url: `/api/v3/repos/owner/name/pulls/${i + 1}/commits` })),
      );
    });

    it('logs who wrote, not who read, and never a path, query, body or token', async () => {
      await ask('/git/github/commits?path=content%2Fsecret-plan.md&sha=main');
      await ask('/git/github/git/refs/heads/cms%2Fsecret-plan', {
        method: 'PATCH',
        body: JSON.stringify({ sha, force: true }),
      });
      await ask('/git/github/secret-plan');
      await ask('/git/github/git/refs/heads/main', { method: 'DELETE' });
      await ask('/git/gitlab/secret-plan', { method: 'POST', body: '{}' });
      expect(world.log).toMatchObject([
        { event: 'read', route: 'commits', status: 200, outcome: 'ok', provider: 'github' },
        { event: 'write', route: 'move branch', status: 200, outcome: 'ok', editor: 'zoe@example.org' },
        { event: 'read', outcome: 'failed', code: 'NOT_ON_LIST' },
        { event: 'write', outcome: 'failed', code: 'NOT_ON_LIST', editor: 'zoe@example.org' },
        { event: 'write', outcome: 'failed', code: 'NOT_ON_LIST', editor: 'zoe@example.org' },
      ]);
      expect(world.log[2]).not.toHaveProperty('editor');
      expect(world.log[0]).not.toHaveProperty('editor');
      const text = JSON.stringify(world.log);
      for (const hidden of ['secret-plan', upstreamToken, sha, 'eyJ']) expect(text).not.toContain(hidden);
    });

    it('warns of a credential that ends soon', async () => {
      const end = new Date(Date.now() + 5 * 86_400_000).toISOString().slice(0, 10);
      host.script = json(200, {}, { 'github-authentication-token-expiration': `${end} 10:00:00 UTC` });
      await ask('/git/github/branches/main');
      expect(world.log.at(-1)?.warning).toContain(end);
    });

    it('tells the CMS that it is well, or that it is not', async () => {
      const status = async () =>
        JSON.parse((await ask('/git/status', { headers: { authorization: undefined } })).body) as unknown;
      expect(await status()).toEqual({ components: [{ name: 'Git Gateway', status: 'operational' }] });
      world.env['CMS_GATEWAY_TOKEN'] = undefined;
      expect(await status()).toEqual({ components: [{ name: 'Git Gateway', status: 'major_outage' }] });
    });

    it('has a page for the owner, which names what is missing and no secret', async () => {
      const good = await ask('/git', { headers: { origin: undefined, authorization: undefined } });
      expect(good.status).toBe(200);
      expect(good.headers['content-type']).toMatch(/^text\/html/);
      expect(good.body).toContain('name: git-gateway');
      expect(good.body).toContain(`gateway_url: ${own}/git`);
      world.env['CMS_GATEWAY_EDITORS'] = '';
      world.env['CMS_GATEWAY_ISSUER'] = 'https://accounts.google.com';
      const bad = await ask('/git', { headers: { origin: undefined, authorization: undefined } });
      expect(bad.body).toContain('CMS_GATEWAY_ISSUER');
      expect(bad.body).toContain('CMS_GATEWAY_EDITORS');
      for (const { body } of [good, bad]) {
        for (const hidden of [secret, upstreamToken, 'zoe@']) expect(body).not.toContain(hidden);
      }
      world.env['CMS_AUTH_PAGE'] = 'off';
      expect((await ask('/git')).status).toBe(404);
    });

    it('answers in words whatever setting is wrong', async () => {
      for (const name of ['CMS_GATEWAY_REPO', 'CMS_GATEWAY_TOKEN', 'CMS_GATEWAY_JWT_SECRET', 'CMS_GATEWAY_EDITORS']) {
        const before = world.env[name];
        world.env[name] = '';
        const reply = await ask('/git/settings');
        expect(reply.status).toBe(500);
        expect(message(reply)).toContain('CMS_GATEWAY_');
        world.env[name] = before;
      }
    });
  });
}
