/** GitHub's own API in front of the gateway, on every platform: with a GitHub behind it whose GraphQL is GitHub's own schema. */
import { beforeEach, describe, expect, it } from 'vitest';
import { startGitHub, type GitHubHost } from '../../hosts/github.ts';
import { nodeIdOf } from '../../hosts/github/graphql.ts';
import type { Call, Reply } from '../login.ts';
import { openWorld, own, sessionOf, upstreamToken, type Host } from './world.ts';

const api = '/git/api/v3';
const repo = `${api}/repos/demo/site`;
const author = { name: 'Other', email: 'other@example.org', date: '2026-02-01T00:00:00.000Z' };

interface Answer {
  data: Record<string, Record<string, unknown> | null> | null;
  errors?: { type: string; message: string }[];
}

export function describeGitHubApi(name: string, call: Call): void {
  describe(`GitHub’s API in front of the gateway on ${name}`, () => {
    let github: GitHubHost;
    let world: ReturnType<typeof openWorld>;
    const ask: ReturnType<typeof openWorld>['ask'] = (...given) => world.ask(...given);
    const value = (reply: Reply): Record<string, unknown> => JSON.parse(reply.body) as Record<string, unknown>;

    beforeEach(async () => {
      github = await startGitHub();
      github.accessTokens.set(upstreamToken, { name: 'CMS', scopes: ['repo'] });
      world = openWorld({ url: github.url } as Host, call, {
        CMS_GATEWAY_REPO: `${github.url}/demo/site`,
        CMS_GATEWAY_PATHS: 'content/**, static/images/**',
      });
      return () => github.close();
    });

    const post = (path: string, body: unknown, method = 'POST') => ask(path, { method, body: JSON.stringify(body) });
    async function graphql(query: string, variables: object = {}): Promise<Answer> {
      const reply = await post('/git/graphql', { query, variables });
      expect(reply.status).toBe(200);
      return JSON.parse(reply.body) as Answer;
    }
    const head = (branch = 'main') => github.repository.branches.get(branch) ?? '';
    const everything = () => JSON.stringify([[...github.repository.branches], github.pullRequests]);

    const commitText =
      'mutation($input: CreateCommitOnBranchInput!) { createCommitOnBranch(input: $input) { commit { oid committedDate file_0: file(path: "content/posts/a.md") { oid } } } }';
    const commit = (changes: object = {}, more: object = {}) => ({
      branch: { repositoryNameWithOwner: 'demo/site', branchName: 'main' },
      expectedHeadOid: head(),
      fileChanges: {
        additions: [{ path: 'content/posts/a.md', contents: Buffer.from('Text').toString('base64') }],
        deletions: [],
        ...changes,
      },
      message: { headline: 'Create a' },
      ...more,
    });

    const editor = { ...author, name: 'Zoë Editor', email: 'zoe@example.org' };

    /** A pull request of the CMS's, or one that differs. */
    function draft(differs: Partial<GitHubHost['pullRequests'][number]> = {}) {
      github.repository.branches.set('cms/posts/a', head());
      github.repository.save('cms/posts/a', { 'content/posts/a.md': 'Draft' }, 'A draft', editor);
      const request = {
        number: 1,
        title: 'A',
        body: '',
        head: 'cms/posts/a',
        base: 'main',
        owner: 'demo',
        labels: ['sveltia-cms/draft'],
        state: 'open' as const,
        draft: true,
        merged: false,
        updated: author.date,
        ...differs,
      };
      github.pullRequests.push(request);
      return request;
    }

    it('says who the editor is, and asks GitHub for nothing', async () => {
      for (const scheme of ['token', 'Bearer']) {
        const reply = await ask(`${api}/user`, { headers: { authorization: `${scheme} ${await sessionOf()}` } });
        expect(value(reply)).toMatchObject({ login: 'zoe@example.org', name: 'Zoë Editor', email: 'zoe@example.org' });
      }
      const { id } = value(await ask(`${api}/user`)) as { id: number };
      expect(id).toBe((value(await ask(`${api}/user`)) as { id: number }).id);
      expect(Number.isSafeInteger(id)).toBe(true);
      expect((await ask(`${repo}/collaborators/zoe%40example.org`)).status).toBe(204);
      expect(value(await ask(`${api}/repos/Demo/SITE`))).toMatchObject({
        full_name: 'demo/site',
        default_branch: 'main',
        private: true,
        fork: false,
        allow_forking: false,
        permissions: { push: true, pull: true, admin: false },
      });
      const picture = 'https://img.example/zoe.png';
      const authorization = `token ${await sessionOf({ picture })}`;
      expect(value(await ask(`${api}/user`, { headers: { authorization } }))).toMatchObject({ avatar_url: picture });
      expect(github.requests).toEqual([]);
    });

    it.each([
      '/users/zoe',
      '/user/repos',
      '/user/',
      '/repos/demo/other',
      '/repos/demo/other/branches/main',
      '/repos/demo/siteother/branches/main',
      '/repos/demo/site/../other/branches/main',
      '/repos/demo%2Fsite/branches/main',
      '/repos/demo/site/collaborators/somebody',
      '/repos/demo/site/collaborators',
      '/repos/demo/site/dispatches',
      '/repos/demo/site/forks',
      '/repos/demo/site/actions/secrets',
      '/repos/demo/site/contents/README.md',
      '/graphql',
      '/app',
    ])('knows nothing at %s', async (path) => {
      const reply = await ask(`${api}${path}`);
      expect(reply.status).toBe(404);
      expect(github.requests).toEqual([]);
    });

    it('lets nobody in without a session, or who is not on the list', async () => {
      for (const target of [`${api}/user`, `${repo}/branches/main`, '/git/graphql', '/git/api/graphql']) {
        const method = target.endsWith('graphql') ? 'POST' : 'GET';
        const body = method === 'POST' ? { body: '{"query":"{viewer{login}}"}' } : {};
        const without = await ask(target, { method, headers: { authorization: undefined }, ...body });
        expect([without.status, value(without)['code']]).toEqual([401, 'NO_TOKEN']);
        const stranger = `token ${await sessionOf({ email: 'eve@example.net' })}`;
        const unlisted = await ask(target, { method, headers: { authorization: stranger }, ...body });
        expect([unlisted.status, value(unlisted)['code']]).toEqual([401, 'NOT_AN_EDITOR']);
        const elsewhere = await ask(target, { method, headers: { origin: 'https://evil.example' }, ...body });
        expect(elsewhere.status).toBe(400);
        expect(elsewhere.headers['access-control-allow-origin']).toBeUndefined();
      }
      expect(github.requests).toEqual([]);
    });

    it('passes the rules’ calls on, with links that can be followed', async () => {
      for (let number = 1; number < 4; number++) draft({ number, head: `cms/posts/${number}` });
      const second = await ask(`${repo}/pulls?state=all&per_page=2`);
      expect(second.headers['link']).toMatch(new RegExp(`^<${own}${repo}/pulls\\?.*page=2.*>; rel="next"$`));
    });

    it('gives a file as it is to whoever asks for it so, and as JSON to all others', async () => {
      const bytes = Buffer.from([0x89, 0x50, 0, 0xff, 13, 10]);
      const sha = github.repository.writeBlob(bytes);
      const raw = await ask(`${repo}/git/blobs/${sha}`, { headers: { accept: 'application/vnd.github.raw' } });
      expect(raw.headers['content-type']).toBe('application/octet-stream');
      expect(raw.headers['content-security-policy']).toContain('sandbox');
      expect(raw.headers['vary']).toContain('Accept');
      const asJson = await ask(`${repo}/git/blobs/${sha}`, { headers: { accept: 'application/json' } });
      expect(Buffer.from((value(asJson) as { content: string }).content, 'base64')).toEqual(bytes);
      expect(asJson.headers['vary']).toContain('Accept');
    });

    it('writes a commit as its editor, through the rules', async () => {
      const before = head();
      const { data, errors } = await graphql(commitText, { input: commit() });
      expect(errors).toBeUndefined();
      const sha = github.repository.resolve('main:content/posts/a.md');
      expect(data?.['createCommitOnBranch']).toMatchObject({ commit: { oid: head(), file_0: { oid: sha } } });
      const made = github.repository.commit(head());
      expect(made).toMatchObject({ message: 'Create a', parents: [before] });
      for (const who of [made?.author, made?.committer])
        expect(who).toMatchObject({ name: 'Zoë Editor', email: 'zoe@example.org' });
      // What was there stays.
      expect(github.repository.read('content/posts/first-post.md')).toContain('The first post');
      expect(world.log.at(-1)).toMatchObject({
        event: 'write',
        outcome: 'ok',
        route: 'new commit',
        editor: 'zoe@example.org',
      });
      // GitHub would have done it in the name of the credential.
      expect(github.requests.map(({ path }) => path)).not.toContain('/api/graphql');
    });

    it('deletes, moves and writes in one commit', async () => {
      const moved = {
        additions: [{ path: 'content/posts/new.md', contents: '' }],
        deletions: [{ path: 'content/posts/first-post.md' }],
      };
      const { errors } = await graphql(commitText.replace('a.md', 'new.md'), { input: commit(moved) });
      expect(errors).toBeUndefined();
      expect(github.repository.read('content/posts/first-post.md')).toBeUndefined();
      expect(github.repository.read('content/posts/new.md')).toBe('');
      expect(github.repository.history('main')).toHaveLength(2);
    });

    it('writes a commit into a draft, which has a name of its own', async () => {
      for (const [branchName, branch] of [
        ['cms/posts/a', 'cms/posts/a'],
        ['refs/heads/cms/posts/b', 'cms/posts/b'],
        ['cms/refs/heads/c', 'cms/refs/heads/c'],
      ] as const) {
        github.repository.branches.set(branch, head());
        const { errors } = await graphql(commitText, {
          input: commit({}, { branch: { repositoryNameWithOwner: 'demo/site', branchName } }),
        });
        expect(errors).toBeUndefined();
        expect(github.repository.resolve(`${branch}:content/posts/a.md`)).toBeTruthy();
      }
      expect(github.repository.history('main')).toHaveLength(1);
    });

    // Both lists may be left out by GitHub's schema.
    it.each([[undefined], [null]])('writes a commit that has %s instead of a list', async (none) => {
      const deletions = [{ path: 'content/posts/first-post.md' }];
      const gone = commitText.replace('file_0: file(path: "content/posts/a.md") { oid }', '');
      expect((await graphql(gone, { input: commit({ additions: none, deletions }) })).errors).toBeUndefined();
      expect(github.repository.read('content/posts/first-post.md')).toBeUndefined();
      expect((await graphql(commitText, { input: commit({ deletions: none }) })).errors).toBeUndefined();
      expect(github.repository.read('content/posts/a.md')).toBe('Text');
    });

    it('writes many files at once, each by one question and in its place', async () => {
      const many = Array.from({ length: 9 }, (_, index) => ({ path: `content/${index}.md`, text: `Text ${index}` }));
      const additions = many.map(({ path, text }) => ({ path, contents: Buffer.from(text).toString('base64') }));
      const text = commitText.replace('posts/a.md', '8.md');
      expect((await graphql(text, { input: commit({ additions }) })).errors).toBeUndefined();
      for (const { path, text: content } of many) expect(github.repository.read(path)).toBe(content);
      expect(github.requests.filter(({ path }) => path.endsWith('/git/blobs'))).toHaveLength(many.length);
    });

    it.each([
      ['a path outside', () => commit({ additions: [{ path: 'package.json', contents: '' }] })],
      [
        'one of two paths outside',
        () =>
          commit({
            additions: [
              { path: 'content/a.md', contents: '' },
              { path: '.github/workflows/x.yml', contents: '' },
            ],
          }),
      ],
      ['a deletion outside', () => commit({ deletions: [{ path: 'README.md' }] })],
      ['a path that leads upwards', () => commit({ additions: [{ path: 'content/../package.json', contents: '' }] })],
      ['a file twice', () => commit({ deletions: [{ path: 'content/posts/a.md' }] })],
      ['nothing', () => commit({ additions: [] })],
      ['what is not base64', () => commit({ additions: [{ path: 'content/a.md', contents: '","encoding":"utf-8' }] })],
      ['a file that is no text', () => commit({ additions: [{ path: 'content/a.md', contents: ['QQ=='] }] })],
      ['a file without contents', () => commit({ additions: [{ path: 'content/a.md' }] })],
      ['what is no list', () => commit({ additions: { path: 'content/a.md', contents: '' } })],
      ['another branch', () => commit({}, { branch: { repositoryNameWithOwner: 'demo/site', branchName: 'other' } })],
      ['a branch by its number', () => commit({}, { branch: { id: 'REF_1' } })],
      [
        'another repository',
        () => commit({}, { branch: { repositoryNameWithOwner: 'demo/other', branchName: 'main' } }),
      ],
      ['what is not known', () => commit({}, { force: true })],
      ['a commit that is none', () => commit({}, { expectedHeadOid: 'main' })],
      ['no message', () => commit({}, { message: {} })],
      ['nothing at all', () => undefined],
    ] as [string, () => object | undefined][])('does not write a commit with %s, nor begins it', async (_, input) => {
      github.repository.branches.set('other', head());
      const before = everything();
      const { errors } = await graphql(commitText, { input: input() });
      expect(errors).toMatchObject([{ type: 'FORBIDDEN', message: expect.stringMatching(/\w/) as unknown }]);
      expect(everything()).toBe(before);
      expect(github.requests).toEqual([]);
      expect(world.log.at(-1)).toMatchObject({ outcome: 'failed' });
    });

    it('says that the branch has moved, whenever it has', async () => {
      const input = commit();
      github.repository.save('main', { 'content/x.md': 'x' }, 'Meanwhile', author);
      const moved = head();
      expect((await graphql(commitText, { input })).errors).toMatchObject([{ type: 'STALE_DATA' }]);
      expect(head()).toBe(moved);
      // What nobody has reviewed, and stands on what is published, is not published along with it.
      github.repository.branches.set('cms/posts/ahead', moved);
      github.repository.save('cms/posts/ahead', { 'content/z.md': 'z' }, 'A draft', author);
      const ahead = commit({}, { expectedHeadOid: github.repository.branches.get('cms/posts/ahead') });
      expect((await graphql(commitText, { input: ahead })).errors).toMatchObject([{ type: 'STALE_DATA' }]);
      expect(head()).toBe(moved);
      // In the last moment, after everything has been made.
      const late = commit();
      const { writeCommit } = github.repository;
      github.repository.writeCommit = function made(given) {
        github.repository.writeCommit = writeCommit;
        const sha = github.repository.writeCommit(given);
        github.repository.save('main', { 'content/y.md': 'y' }, 'At the same time', author);
        return sha;
      };
      expect((await graphql(commitText, { input: late })).errors).toMatchObject([{ type: 'STALE_DATA' }]);
      expect(github.repository.read('content/posts/a.md')).toBeUndefined();
      expect(github.repository.read('content/y.md')).toBe('y');
    });

    // A branch that is protected, as docs/gateway.md advises, is refused with the status of one that has moved.
    it('says in GitHub’s words what else is against it, and to the log in ours', async () => {
      github.repository.protection = 'Changes must be made through a pull request. ghp_x';
      const before = everything();
      const { data, errors } = await graphql(commitText, { input: commit() });
      expect(data).toEqual({ createCommitOnBranch: null });
      expect(errors).toMatchObject([{ type: 'UNPROCESSABLE', message: github.repository.protection }]);
      expect(everything()).toBe(before);
      expect(world.log.at(-1)).toMatchObject({ event: 'write', outcome: 'failed', code: 'UNPROCESSABLE', status: 422 });
      expect(JSON.stringify(world.log)).not.toContain('ghp_x');
    });

    it('deletes no file whose new text the host lost', async () => {
      const { writeBlob } = github.repository;
      github.repository.writeBlob = () => undefined as unknown as string; // a proxy in front of an Enterprise server
      const before = everything();
      const additions = [{ path: 'content/posts/first-post.md', contents: 'eA==' }];
      const { errors } = await graphql(commitText, { input: commit({ additions }) });
      github.repository.writeBlob = writeBlob;
      expect(errors).toMatchObject([{ type: 'FORBIDDEN' }]);
      expect(everything()).toBe(before);
    });

    it('does not ask for anything for a branch that is not for the CMS', async () => {
      github.repository.branches.set('other', head());
      const branch = { repositoryNameWithOwner: 'demo/site', branchName: 'other' };
      expect((await graphql(commitText, { input: commit({}, { branch }) })).errors).toMatchObject([
        { type: 'FORBIDDEN' },
      ]);
      expect(github.requests).toEqual([]);
    });

    // "The branch has moved" has an editor reload the CMS, and lose what was written. So it is said only if it has.
    it('says that GitHub has hung up in the last moment, and not that the branch has moved', async () => {
      const { branches } = github.repository;
      branches.set = () => {
        void github.close();
        return branches;
      };
      const reply = await post('/git/graphql', { query: commitText, variables: { input: commit() } });
      expect(reply.status).toBeGreaterThanOrEqual(500);
      expect(reply.body).not.toContain('STALE_DATA');
      expect(github.requests.at(-1)).toMatchObject({ method: 'PATCH' });
    });

    it('begins drafts only, and says when there is one', async () => {
      const text = 'mutation($input: CreateRefInput!) { createRef(input: $input) { ref { name } } }';
      const begin = (name: string) => graphql(text, { input: { repositoryId: 'R_1', name, oid: head() } });
      expect((await begin('refs/heads/cms/posts/b')).data).toEqual({ createRef: { ref: { name: 'cms/posts/b' } } });
      expect((await begin('refs/heads/cms/posts/b')).errors?.[0]?.message).toContain('already exists');
      for (const ref of ['refs/heads/main2', 'refs/tags/v1', 'refs/heads/cms/../main', 'heads/cms/x'])
        expect((await begin(ref)).errors).toMatchObject([{ type: 'FORBIDDEN' }]);
      expect([...github.repository.branches.keys()]).toEqual(['main', 'cms/posts/b']);
      const odd = 'cms/refs/heads/c';
      expect((await begin(`refs/heads/${odd}`)).data).toEqual({ createRef: { ref: { name: odd } } });
    });

    const switches = {
      markPullRequestReadyForReview: 'MarkPullRequestReadyForReviewInput',
      convertPullRequestToDraft: 'ConvertPullRequestToDraftInput',
    };
    const switchTo = (name: keyof typeof switches, pullRequestId: unknown) =>
      graphql(`mutation($input: ${switches[name]}!) { ${name}(input: $input) { pullRequest { isDraft } } }`, {
        input: { pullRequestId },
      });

    it('makes a draft ready, and a draft again', async () => {
      const request = draft();
      const { data } = await switchTo('markPullRequestReadyForReview', nodeIdOf(request));
      expect(data).toEqual({ markPullRequestReadyForReview: { pullRequest: { isDraft: false } } });
      expect(request.draft).toBe(false);
      await switchTo('convertPullRequestToDraft', nodeIdOf(request));
      expect(request.draft).toBe(true);
      expect(github.unexpected).toEqual([]);
    });

    const foreign = [
      ['of a fork', { owner: 'eve' }],
      ['of another branch', { head: 'feature' }],
      ['into another branch', { base: 'release' }],
    ] as const;
    it.each(foreign)('leaves a pull request alone that is %s', async (_, differs) => {
      for (const branch of ['feature', 'release']) github.repository.branches.set(branch, head());
      const request = draft(differs);
      const before = everything();
      const { errors } = await switchTo('markPullRequestReadyForReview', nodeIdOf(request));
      expect(errors).toMatchObject([{ type: 'FORBIDDEN' }]);
      for (const [method, path, body] of [
        ['POST', '/issues/1/labels', { labels: ['x'] }],
        ['PATCH', '/issues/1', { labels: ['x'] }],
        ['PATCH', '/pulls/1', { state: 'closed' }],
        ['PUT', '/pulls/1/merge', { merge_method: 'merge' }],
      ] as const)
        expect((await post(`${repo}${path}`, body, method)).status).toBe(422);
      expect(everything()).toBe(before);
    });

    it('takes no text for the number of a pull request', async () => {
      for (const id of ['R_kgDODemo', 'PR_unknown'])
        expect((await switchTo('markPullRequestReadyForReview', id)).errors?.[0]?.message).toBeTruthy();
      const before = github.requests.length;
      for (const id of ['', 'x"){id}}', '"PR_1', '\u2028', 'x'.repeat(201), 1, ['PR_1'], { id: 'PR_1' }])
        expect((await switchTo('markPullRequestReadyForReview', id)).errors).toMatchObject([{ type: 'FORBIDDEN' }]);
      expect(github.requests).toHaveLength(before);
    });

    it('merges what has been looked at, whatever the client leaves out', async () => {
      const request = draft({ draft: false });
      const reply = await post(`${repo}/pulls/1/merge`, { merge_method: 'merge', commit_title: 'Create a' }, 'PUT');
      expect(reply.status).toBe(200);
      expect(request.merged).toBe(true);
      expect(github.repository.read('content/posts/a.md')).toBe('Draft');
      expect(github.repository.commit(head())?.message).toContain('Create a');
    });

    it('merges without a title, too, which GitHub then makes itself', async () => {
      const request = draft({ draft: false });
      expect((await post(`${repo}/pulls/1/merge`, { merge_method: 'merge' }, 'PUT')).status).toBe(200);
      expect(request.merged).toBe(true);
    });

    it('proposes a draft with the words of the CMS, and as a draft if the CMS says so', async () => {
      const words = 'Automatically generated by Sveltia CMS';
      const propose = async (name: string, more: object) => {
        github.repository.branches.set(name, head());
        github.repository.save(name, { 'content/posts/a.md': name }, 'A draft', editor);
        return (await post(`${repo}/pulls`, { title: 'A', head: name, base: 'main', ...more })).status;
      };
      expect(await propose('cms/a', { body: words, draft: true })).toBe(201);
      expect(await propose('cms/b', { body: 'Fixes #1. @everybody', draft: false })).toBe(201);
      expect(await propose('cms/c', { draft: 'yes' })).toBe(201);
      expect(github.pullRequests).toMatchObject([
        { body: words, draft: true },
        { body: '', draft: false },
        { body: '', draft: false },
      ]);
      const sent = github.requests.filter(({ method, path }) => method === 'POST' && path.endsWith('/pulls'));
      expect(sent).toHaveLength(3);
    });

    it('shows the labels of an issue and nothing else of it', async () => {
      draft();
      expect(value(await ask(`${repo}/issues/1`))).toEqual({ number: 1, labels: [{ name: 'sveltia-cms/draft' }] });
      const body = { labels: ['sveltia-cms/pending_review'], title: 'Other', state: 'closed', assignees: ['eve'] };
      expect((await post(`${repo}/issues/1`, body, 'PATCH')).status).toBe(200);
      expect(github.pullRequests[0]).toMatchObject({
        labels: ['sveltia-cms/pending_review'],
        title: 'A',
        state: 'open',
      });
    });

    it('logs what a CMS asks for that nobody here knows', async () => {
      const { data, errors } = await graphql('{ viewer { login } }');
      expect(data).toBeNull();
      expect(errors).toMatchObject([{ type: 'FORBIDDEN', message: expect.stringContaining('"viewer"') as unknown }]);
      expect(world.log.at(-1)).toMatchObject({
        outcome: 'failed',
        code: 'UNKNOWN_DOCUMENT',
        message: expect.stringContaining('"viewer"') as unknown,
        editor: 'zoe@example.org',
      });
      for (const body of ['', '[]', '{', '{"query":1}', '"x"']) {
        const reply = await ask('/git/graphql', { method: 'POST', body });
        expect([200, 422]).toContain(reply.status);
        expect(world.log.at(-1)).toMatchObject({ outcome: 'failed', editor: 'zoe@example.org' });
      }
      expect(github.requests).toEqual([]);
    });
  });
}
