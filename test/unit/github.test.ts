/** GitHub's rules, without a server: what they make of a body, and what they want looked up. */
import { describe, expect, it } from 'vitest';
import { call, github, knows, lookUp, ruleOf } from '../gateway/rules.ts';
import type { Json } from '../../lib/gateway/rules/rule.ts';

const sha = 'a'.repeat(40);
const other = 'b'.repeat(40);
const refused = expect.objectContaining({ code: 'NOT_ALLOWED' });
const ours = call(github);

function judge(name: string, body: unknown, method?: string, parameters: Record<string, string> = {}, more: Json = {}) {
  const bytes = Buffer.from(JSON.stringify(body));
  const sent = ruleOf(github, name, method)
    .body?.judge({ bytes, type: 'application/json' }, { ...call(github, parameters), ...more })
    .write({});
  return JSON.parse(String(sent?.body)) as Json;
}
const check = (rule: string, name: string, value: string) =>
  ruleOf(github, rule).parameters?.[name]?.check(value, ours.gateway);

describe('A part of the path', () => {
  it('is a folder of a branch or a tree', () => {
    for (const each of ['main', `${sha}`, 'main:', 'main:content', 'main:content/', 'cms/posts/a:content/a:b'])
      expect(check('tree', 'tree', each), each).toBe(true);
    for (const each of ['', ':content', 'main:/content', 'main:content//', 'main:..', 'main:a/../b', 'a b:content'])
      expect(check('tree', 'tree', each), each).toBe(false);
  });

  it('is a comparison within this repository', () => {
    for (const each of ['main...cms/posts/a', `main...${sha}`, 'main...team:cms/posts/a', 'Team:main...TEAM:a'])
      expect(check('compare', 'comparison', each), each).toBe(true);
    for (const each of [
      'main',
      'main..a',
      'main...',
      '...main',
      'main...a...b',
      'main...other:a',
      'other:main...a',
      'main...team:site:a',
      'main...team:',
      'main...:a',
    ])
      expect(check('compare', 'comparison', each), each).toBe(false);
  });

  it('is a branch, and none of the pages behind one', () => {
    for (const each of ['main', 'cms/posts/a', 'cms/protection-of-data', 'protection', 'a/renamed'])
      expect(check('branch', 'branch', each), each).toBe(true);
    for (const each of ['main/protection', 'main/protection/x', 'main/rename', 'main/rename/x', '', 'a..b'])
      expect(check('branch', 'branch', each), each).toBe(false);
  });
});

describe('A tree', () => {
  const entry = { path: 'content/a.md', mode: '100644', type: 'blob', sha };

  it('has a base, and plain files that are written or deleted', () => {
    const tree = [entry, { ...entry, path: 'content/b.md', sha: null }];
    expect(judge('new tree', { base_tree: other, tree, x: 1 })).toEqual({ base_tree: other, tree });
    for (const bad of [
      { ...entry, mode: '100755' },
      { ...entry, mode: '120000' },
      { ...entry, type: 'tree' },
      { ...entry, type: undefined },
      { ...entry, path: 'package.json' },
      { ...entry, path: ['content/a.md'] },
      { ...entry, sha: undefined },
      { ...entry, sha: 'main' },
      null,
    ])
      expect(() => judge('new tree', { base_tree: other, tree: [entry, bad] }), JSON.stringify(bad)).toThrow(refused);
    for (const base of [undefined, null, 'main'])
      expect(() => judge('new tree', { base_tree: base, tree })).toThrow(refused);
    for (const list of [undefined, null, {}, 'x'])
      expect(() => judge('new tree', { base_tree: other, tree: list })).toThrow(refused);
  });
});

describe('A commit', () => {
  const commit = { message: 'Update', tree: sha, parents: [other] };
  const committer = { name: 'Zoë <Editor>', email: 'zoe@example.org', date: '1970-01-01T00:00:00.000Z' };
  const make = (body: object) => judge('new commit', body);

  it('has one parent, and the editor as its committer', () => {
    expect(make({ ...commit, committer: { name: 'x' }, signature: 'x' })).toEqual({
      ...commit,
      author: committer,
      committer,
    });
    for (const parents of [undefined, [], [sha, other], sha, ['main'], [null]])
      expect(() => make({ ...commit, parents })).toThrow(refused);
    for (const bad of [{ tree: 'main' }, { tree: undefined }, { message: undefined }, { message: 7 }])
      expect(() => make({ ...commit, ...bad })).toThrow(refused);
  });

  it('has the author that the CMS names, and the editor for what it leaves out', () => {
    const author = { name: 'Ann', email: 'ann@example.org', date: '2026-01-02T03:04:05Z' };
    expect(make({ ...commit, author })).toMatchObject({ author, committer });
    for (const name of ['', ' ', 7, undefined])
      expect(make({ ...commit, author: { ...author, name } })['author']).toEqual({ ...author, name: committer.name });
    for (const email of ['', ' ', 7, undefined])
      expect(make({ ...commit, author: { ...author, email } })['author']).toEqual({
        ...author,
        email: committer.email,
      });
    for (const date of ['', 'soon', 7, undefined])
      expect(make({ ...commit, author: { ...author, date } })['author']).toEqual({ ...author, date: committer.date });
  });

  it('has neither where the app stands for it', () => {
    const gateway = { ...ours.gateway, committer: 'app' };
    const made = judge('new commit', { ...commit, author: { name: 'Ann' } }, undefined, {}, { gateway });
    expect(Object.keys(made).sort()).toEqual(['message', 'parents', 'tree']);
  });
});

it('A branch that is begun is none of another kind', () => {
  expect(judge('new branch', { ref: 'refs/heads/cms/posts/a', sha, x: 1 })).toEqual({
    ref: 'refs/heads/cms/posts/a',
    sha,
  });
  for (const ref of ['refs/tags/refs/heads/cms/posts/a', 'cms/posts/a', 'refs/heads/', 'refs/heads/main', 7, undefined])
    expect(() => judge('new branch', { ref, sha }), String(ref)).toThrow(refused);
});

describe('A branch is moved', () => {
  const move = (branch: string, body: object) => judge('move branch', body, undefined, { branch });

  it('by force only if it is a draft', () => {
    expect(move('main', { sha, x: 1 })).toEqual({ sha, force: false });
    expect(move('main', { sha, force: false })).toEqual({ sha, force: false });
    expect(move('cms/posts/a', { sha, force: true })).toEqual({ sha, force: true });
    expect(() => move('main', { sha, force: true })).toThrow(refused);
    for (const force of ['true', 1, null, {}]) expect(() => move('cms/posts/a', { sha, force })).toThrow(refused);
    expect(() => move('cms/posts/a', { sha: 'main' })).toThrow(refused);
    expect(() => move('other', { sha })).toThrow(expect.objectContaining({ code: 'OTHER_BRANCH' }));
  });
});

describe('A pull request', () => {
  const opened = { title: 'A', head: 'cms/posts/a', base: 'main' };
  const open = (body: object) => judge('open pull request', body);

  it('goes from a draft of this repository into the published branch', () => {
    expect(open({ ...opened, draft: true, maintainer_can_modify: true })).toEqual(opened);
    expect(open({ ...opened, head: 'TEAM:cms/posts/a' })).toMatchObject({ head: 'TEAM:cms/posts/a' });
    for (const head of [
      'other:cms/posts/a',
      ':cms/posts/a',
      'team:main',
      'main',
      'team:site:cms/posts/a',
      'team:cms/posts/a:x',
      'team:',
      7,
    ])
      expect(() => open({ ...opened, head }), String(head)).toThrow(refused);
    for (const base of ['other', undefined, 'cms/posts/b']) expect(() => open({ ...opened, base })).toThrow(refused);
    expect(() => open({ ...opened, title: undefined })).toThrow(refused);
  });

  it('has the words of the CMS, or none', () => {
    for (const body of ['Automatically generated by Decap CMS', 'Automatically generated by Netlify CMS'])
      expect(open({ ...opened, body })).toEqual({ ...opened, body });
    for (const body of ['Closes #1', '@team', ['Automatically generated by Decap CMS'], 7])
      expect(open({ ...opened, body })).toEqual(opened);
  });

  it('is closed and never opened again', () => {
    expect(judge('close pull request', { state: 'closed', title: 'x' })).toEqual({ state: 'closed' });
    for (const state of ['open', undefined, ['closed']])
      expect(() => judge('close pull request', { state })).toThrow(refused);
  });

  it('is merged in the ways of the CMS', () => {
    const who = 'Merged-by: Zoë Editor <zoe@example.org>';
    const words = 'Automatically generated. Merged on Decap CMS.';
    expect(judge('merge', {})).toEqual({ commit_message: who, merge_method: 'merge' });
    expect(judge('merge', { commit_message: words, sha, merge_method: 'squash' })).toEqual({
      commit_message: `${words}\n\n${who}`,
      sha,
      merge_method: 'squash',
    });
    expect(judge('merge', { commit_message: 'Closes #1', merge_method: 'merge' })['commit_message']).toBe(who);
    for (const bad of [{ merge_method: 'rebase' }, { merge_method: null }, { sha: 'main' }, { sha: null }])
      expect(() => judge('merge', bad)).toThrow(refused);
  });

  it('has at most a hundred labels, of at most a hundred characters', () => {
    const names = Array.from({ length: 100 }, (_, index) => `${index}`.padEnd(100, 'x'));
    expect(judge('label', { labels: names })).toEqual({ labels: names });
    for (const labels of [[...names, 'x'], ['x'.repeat(101)], [7], 'x', undefined])
      expect(() => judge('label', { labels })).toThrow(refused);
  });
});

describe('A pull request that something is done to', () => {
  const repo = { full_name: 'Team/Site', id: 7 };
  const good = {
    head: { ref: 'cms/posts/a', sha, repo },
    base: { ref: 'main', repo },
    labels: [{ name: 'cms/draft' }, { name: 'bug' }, {}],
  };
  const compared: Json = {
    status: 'ahead',
    total_commits: 1,
    commits: [{ commit: { committer: { email: 'ann@example.org' } }, parents: [{}] }],
    files: [{ filename: 'content/a.md' }],
  };
  const look = (name: string, request: unknown, said: Json = {}, comparison: Json = compared) =>
    lookUp(github, name, knows({ '/pulls/7': request, '/compare/': comparison }), said);

  it('is a draft of this very repository, into the published branch', async () => {
    const renamed = { full_name: 'team/old', id: 7 };
    for (const each of [
      good,
      { ...good, head: { ...good.head, repo: { full_name: 'team/site' } } },
      // Names change, numbers do not.
      { ...good, head: { ...good.head, repo: renamed }, base: { ...good.base, repo: renamed } },
    ])
      expect(await look('close pull request', each)).toBeUndefined();
    for (const bad of [
      {},
      null,
      { ...good, head: { ...good.head, ref: 'feature' } },
      { ...good, head: { ...good.head, ref: undefined } },
      { ...good, base: { ...good.base, ref: 'other' } },
      { ...good, head: { ...good.head, repo: { full_name: 'other/site', id: 8 } } },
      { ...good, head: { ...good.head, repo: null } },
      // A fork that is gone has neither name nor number.
      { ...good, head: { ...good.head, repo: null }, base: { ...good.base, repo: null } },
    ])
      for (const name of ['close pull request', 'merge', 'label'])
        await expect(look(name, bad, { labels: [] }), JSON.stringify(bad)).rejects.toThrow(refused);
  });

  it('keeps the labels of others', async () => {
    expect(await look('label', good, { labels: ['cms/pending_review'] })).toEqual({
      labels: ['bug', 'cms/pending_review'],
    });
    expect(await look('label', { ...good, labels: undefined }, { labels: ['cms/draft'] })).toEqual({
      labels: ['cms/draft'],
    });
    await expect(look('label', good, { labels: ['automerge'] })).rejects.toThrow(refused);
  });

  it('is merged as it was looked at', async () => {
    expect(await look('merge', good)).toEqual({ sha });
    expect(await look('merge', good, { sha: other })).toEqual({ sha: other });
    await expect(look('merge', { ...good, head: { ...good.head, sha: undefined } })).rejects.toThrow(refused);
  });

  it('brings only files of editors, in commits of editors, and all of them are shown', async () => {
    const file = { filename: 'content/a.md' };
    const commit = (email: unknown, more: Json = {}) => ({ commit: { committer: { email } }, parents: [{}], ...more });
    const hub = { committer: { login: 'web-flow' } };
    const merge = { ...commit('noreply@github.com', { parents: [{}, {}] }), ...hub };
    for (const each of [
      { files: [] },
      { commits: [], total_commits: 0 },
      { total_commits: undefined },
      { files: Array(299).fill(file) },
      { files: [{ filename: 'content/a.md', previous_filename: 'content/b.md' }] },
      // A draft that is brought up to date at GitHub.
      { commits: [merge] },
      // It only matters for what is moved there.
      { status: 'diverged', files: [] },
    ])
      expect(await look('merge', good, {}, { ...compared, ...each }), JSON.stringify(each)).toEqual({ sha });
    for (const bad of [
      { files: undefined },
      { files: null },
      { commits: undefined },
      { files: Array(300).fill(file) },
      { total_commits: 2 },
      { files: [file, { filename: 'package.json' }] },
      { files: [{ filename: 'content/a.md', previous_filename: 'package.json' }] },
      { files: [{}] },
      { commits: [commit('mallory@example.com')] },
      { commits: [commit(undefined)] },
      { commits: [commit(7)] },
      { commits: [{}] },
      // What people write on GitHub's pages has its name as well, and one parent.
      { commits: [commit('noreply@github.com', hub)] },
      { commits: [commit('noreply@github.com', { ...hub, parents: undefined })] },
      { commits: [commit('mallory@example.com', { parents: [{}, {}] })] },
      { commits: [commit('mallory@example.com', { parents: [{}, {}], committer: { login: 'mallory' } })] },
      // Of what a merge brings, a comparison shows one side, unless nothing was published since.
      ...['diverged', 'behind', undefined].map((status) => ({ commits: [merge], files: [], status })),
      { commits: [commit('ann@example.org', { parents: [{}, {}] })], files: [], status: 'diverged' },
    ])
      await expect(look('merge', good, {}, { ...compared, ...bad }), JSON.stringify(bad)).rejects.toThrow(refused);
  });
});

describe('A file that a draft changes', () => {
  const tip = 'd'.repeat(40);
  const repo = { full_name: 'team/site', id: 7 };
  const request = { head: { ref: 'cms/posts/a', sha, repo }, base: { ref: 'main', repo }, labels: [] };
  /** @param there what main has by now */
  const merge = (files: Json[], there: Record<string, unknown>, status = 'diverged') => {
    const comparison = { status, base_commit: { sha: tip }, total_commits: 0, commits: [], files };
    const contents = Object.entries(there).map(([path, is]) => [`/contents/${path}?ref=${tip}`, is]);
    const known = { '/pulls/7': request, '/compare/': comparison, ...(Object.fromEntries(contents) as Json) };
    return lookUp(github, 'merge', knows(known), {});
  };
  const changed = { filename: 'content/a b.md', status: 'modified' };

  it('is still published under its name, or Git would look for another one', async () => {
    for (const type of ['file', 'symlink'])
      expect(await merge([changed], { 'content/a%20b.md': { type } })).toEqual({ sha });
    for (const there of [{}, { 'content/a%20b.md': [{ type: 'file' }] }, { 'content/b.md': { type: 'file' } }])
      await expect(merge([changed], there), JSON.stringify(there)).rejects.toMatchObject({
        code: 'DRAFT_OUTDATED',
        status: 405,
      });
    // Where nothing was published since, nothing has another name.
    expect(await merge([changed], {}, 'ahead')).toEqual({ sha });
  });

  it('is neither one that is new nor one that goes', async () => {
    for (const status of ['added', 'removed']) expect(await merge([{ ...changed, status }], {})).toEqual({ sha });
    const renamed = { filename: 'content/b.md', previous_filename: 'content/a b.md', status: 'renamed' };
    await expect(merge([renamed], {})).rejects.toMatchObject({ code: 'DRAFT_OUTDATED', status: 405 });
  });
});

describe('The published branch', () => {
  const compared = { total_commits: 0, commits: [], files: [] };
  const move = (status: string | undefined, branch = 'main') =>
    ruleOf(github, 'move branch').guard?.look(
      call(github, { branch, read: knows({ [`/compare/main...${sha}`]: { ...compared, status } }) }),
      { sha },
    );

  it('only goes forward', async () => {
    for (const status of ['ahead', 'identical']) expect(await move(status)).toBeUndefined();
    for (const status of ['behind', 'diverged', undefined])
      await expect(move(status)).rejects.toThrow(expect.objectContaining({ code: 'BRANCH_MOVED' }));
    // A draft may be made anew.
    expect(await move('diverged', 'cms/posts/a')).toBeUndefined();
  });
});

describe('What GitHub says of a repository', () => {
  it.each([
    ['archived', { archived: true, permissions: { push: true } }, 'repo'],
    ['read', { permissions: { push: false } }, 'repo'],
    ['read', { permissions: { push: true } }, 'gist, read:org'],
    ['read', { permissions: { push: true } }, 'repo:status'],
    ['read', { permissions: { push: true } }, 'xrepo'],
    ['write', { permissions: { push: true } }, 'repo'],
    ['write', { permissions: { push: true } }, 'gist, repo, user'],
    ['write', { permissions: { push: true } }, 'public_repo'],
    ['write', {}, 'gist,repo,user'],
    ['unknown', { permissions: { push: true } }, undefined],
    ['unknown', { permissions: { push: true } }, ''],
    ['read', { permissions: { push: false } }, undefined],
  ])('means %s: %j with the scopes %j', (rights, repository, scopes) => {
    expect(github.repository.rights(repository, scopes)).toBe(rights);
  });

  it('points to its own pages', () => {
    for (const each of ['/repos/team/site/commits', '/repositories/7/commits'])
      expect(each.replace(github.links.prefix, '')).toBe('/commits');
    for (const each of ['/repos/team/site', '/repos/team', '/x/repos/team/site/commits', '/repositories/x/commits'])
      expect(github.links.prefix.test(each), each).toBe(false);
  });
});
