/** What somebody does who may edit and wants to do more: by hand, with a good session, past the CMS. See SECURITY.md, "The gateway". */
import { SignJWT } from 'jose';
import { afterEach, beforeEach, describe, expect, vi } from 'vitest';
import { routes } from '../../functions/gateway.ts';
import { serve } from '../../lib/handler/serve.ts';
import { startBitbucket, type BitbucketHost } from '../hosts/bitbucket.ts';
import { startGitHub, type GitHubHost } from '../hosts/github.ts';
import { startGitLab, type GitLabHost } from '../hosts/gitlab.ts';
import type { Signature } from '../hosts/repository.ts';
import { attack } from './attack.ts';

const secret = 'a secret that gateway and GoTrue share';
const token = 'the-token-of-the-gateway';
const files = { 'content/posts/a.md': 'a', 'static/images/a.png': 'a', 'package.json': '{}', 'site/secret.md': 'x' };
const date = '2026-02-01T00:00:00.000Z';
const zoe: Signature = { name: 'Zoë', email: 'zoe@example.org', date };
const stranger: Signature = { name: 'Stranger', email: 'stranger@elsewhere.example', date };

const starts = {
  github: () => startGitHub({ repository: { fullName: 'team/site', files } }),
  gitlab: () => startGitLab({ repository: { fullName: 'team/site', files } }),
  bitbucket: () => startBitbucket({ repository: { fullName: 'team/site', files } }),
};

/** A gateway in front of a strict host, and an editor who writes requests by hand. */
async function open<Id extends keyof typeof starts>(id: Id, paths = 'content/**, static/images/**') {
  const host = (await starts[id]()) as { github: GitHubHost; gitlab: GitLabHost; bitbucket: BitbucketHost }[Id] & {
    close(): Promise<void>;
  };
  const scopes = ['repo', 'api', 'repository:write', 'pullrequest:write'];
  host.accessTokens.set(token, { name: 'CMS', scopes } as never);
  const env = {
    CMS_AUTH_URL: 'https://gateway.example.com',
    CMS_AUTH_ORIGINS: 'https://www.example.com',
    CMS_GATEWAY_REPO: `${host.url}/team/site`,
    CMS_GATEWAY_TOKEN: token,
    CMS_GATEWAY_JWT_SECRET: secret,
    CMS_GATEWAY_EDITORS: 'zoe@example.org',
    CMS_GATEWAY_PATHS: paths,
    [`${id.toUpperCase()}_URL`]: host.url,
  };
  const handler = serve(routes, { env, log: () => {} });
  const jwt = await new SignJWT({ email: zoe.email, sub: '1', user_metadata: { full_name: zoe.name } })
    .setProtectedHeader({ alg: 'HS256' })
    .setExpirationTime('1h')
    .sign(new TextEncoder().encode(secret));
  async function ask(method: string, path: string, body?: unknown, type = 'application/json') {
    const bytes = body === undefined ? undefined : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
    const [target = '', query = ''] = path.split('?');
    const reply = await handler({
      method,
      path: `/git/${id}${target}`,
      query,
      headers: { authorization: `Bearer ${jwt}`, ...(bytes && { 'content-type': type }) },
      ...(bytes && { body: () => [bytes] }),
      platform: {},
    });
    const text = String(reply.body);
    return {
      status: reply.status,
      text,
      json: (text.startsWith('{') ? JSON.parse(text) : {}) as Record<string, unknown>,
    };
  }
  const { repository } = host;
  /** A commit that is in the store, and in no branch: as a fork's is, once its pull request has been opened. */
  function stray(changes: Record<string, string | null>, who = zoe, parents = [repository.branches.get('main') ?? '']) {
    const tree = repository.writeTree(
      repository.commit(parents[0] ?? '')?.tree,
      Object.entries(changes).map(([path, text]) => ({
        path,
        sha: text === null ? null : repository.writeBlob(Buffer.from(text)),
      })),
    );
    return repository.writeCommit({ tree, parents, message: 'Mine', author: who, committer: who });
  }
  return { host, repository, ask, stray, main: () => repository.branches.get('main') ?? '' };
}

const refused = ({ status, text }: { status: number; text: string }) => {
  expect([status, text]).toEqual([422, expect.stringContaining('The gateway does not pass this on')]);
  return (JSON.parse(text) as { message: string }).message;
};

describe('GitHub: the published branch', () => {
  let world: Awaited<ReturnType<typeof open<'github'>>>;
  beforeEach(async () => {
    world = await open('github');
  });
  afterEach(() => world.host.close());
  const move = (sha: string) => world.ask('PATCH', '/git/refs/heads/main', { sha, force: false });

  attack('goes on to a commit of the editor (a neighbour)', async () => {
    const sha = world.stray({ 'content/posts/b.md': 'b', 'content/posts/a.md': null });
    expect((await move(sha)).status).toBe(200);
    expect(world.main()).toBe(sha);
    return 'moved';
  });

  attack('is not moved to a commit of a fork that changes the build', async () => {
    const before = world.main();
    const words = refused(await move(world.stray({ 'package.json': '{"scripts":{}}', 'content/posts/a.md': 'b' })));
    expect(world.main()).toBe(before);
    return words;
  });

  attack('is not moved to a commit of a stranger', async () => {
    const before = world.main();
    const words = refused(await move(world.stray({ 'content/posts/a.md': 'b' }, stranger)));
    expect(world.main()).toBe(before);
    return words;
  });

  attack('is not moved over a commit of a stranger by one of an editor', async () => {
    const theirs = world.stray({ 'content/posts/a.md': 'b' }, stranger);
    return refused(await move(world.stray({ 'content/posts/c.md': 'c' }, zoe, [theirs])));
  });

  attack('does not become a folder of the repository', async () => {
    const before = world.main();
    const { repository } = world;
    const tree = repository.resolve('main:content') ?? '';
    const sha = repository.writeCommit({ tree, parents: [before], message: 'x', author: zoe });
    const words = refused(await move(sha));
    expect(world.main()).toBe(before);
    return words;
  });

  attack('does not lose what came meanwhile', async () => {
    const mine = world.stray({ 'content/posts/b.md': 'b' });
    world.repository.save('main', { 'content/posts/c.md': 'c' }, 'Theirs', zoe);
    const { status, json } = await move(mine);
    expect([status, json['code']]).toEqual([422, 'BRANCH_MOVED']);
    return String(json['message']);
  });

  attack('is not moved over more files than GitHub shows', async () => {
    const many = Object.fromEntries(Array.from({ length: 300 }, (_, at) => [`content/posts/${at}.md`, `${at}`]));
    expect((await move(world.stray({ 'content/posts/x.md': 'x' }))).status).toBe(200);
    return refused(await move(world.stray(many)));
  });

  attack('is not moved over more commits than GitHub shows', async () => {
    let sha = world.stray({ 'content/posts/x.md': '0' }, stranger);
    for (let at = 1; at <= 250; at += 1) sha = world.stray({ 'content/posts/x.md': String(at) }, zoe, [sha]);
    return refused(await move(sha));
  });

  /** A draft as somebody else made it, and its pull request. */
  async function draft(sha: string) {
    world.repository.branches.set('cms/posts/a', sha);
    const { json } = await world.ask('POST', '/pulls', { title: 'A', head: 'cms/posts/a', base: 'main' });
    expect(json['number']).toBe(world.host.pullRequests.length);
    return (body: object) => world.ask('PUT', `/pulls/${String(json['number'])}/merge`, body);
  }

  attack('takes a draft of the editor, also one that main has left behind (a neighbour)', async () => {
    const sha = world.stray({ 'content/posts/b.md': 'b' });
    world.repository.save('main', { 'package.json': '{"a":1}' }, 'Theirs', stranger);
    const merge = await draft(sha);
    const words = 'Automatically generated. Merged on Decap CMS.';
    expect((await merge({ commit_message: words, sha, merge_method: 'merge' })).status).toBe(200);
    const message = world.repository.commit(world.main())?.message;
    expect(message).toContain(`${words}\n\nMerged-by: Zoë <zoe@example.org>`);
    return 'merged, and the merge names the editor';
  });

  attack('takes a draft that names no commit as the one that was looked at', async () => {
    const merge = await draft(world.stray({ 'content/posts/b.md': 'b' }));
    expect((await merge({ merge_method: 'squash' })).status).toBe(200);
    expect(world.repository.commit(world.main())?.message).toContain('Merged-by: Zoë <zoe@example.org>');
    return 'merged';
  });

  attack('takes no draft that changes the build', async () => {
    const sha = world.stray({ 'package.json': '{}{}' });
    const before = world.main();
    const words = refused(await (await draft(sha))({ sha, merge_method: 'merge' }));
    expect(world.main()).toBe(before);
    return words;
  });

  attack('takes no draft that changed the build and changed it back in another place', async () => {
    const sha = world.stray({ 'site/secret.md': null, 'content/posts/secret.md': 'x' });
    return refused(await (await draft(sha))({ sha, merge_method: 'merge' }));
  });

  attack('takes no draft of a stranger', async () => {
    const sha = world.stray({ 'content/posts/b.md': 'b' }, stranger);
    return refused(await (await draft(sha))({ sha, merge_method: 'merge' }));
  });

  attack('takes no other commit than the one that was looked at', async () => {
    const sha = world.stray({ 'content/posts/b.md': 'b' });
    const merge = await draft(world.stray({ 'package.json': '{}{}' }));
    const reply = await merge({ sha, merge_method: 'merge' });
    expect(reply.status).toBe(409);
    return reply.text;
  });

  attack('takes labels of its own only', async () => {
    await draft(world.stray({ 'content/posts/b.md': 'b' }));
    world.host.pullRequests[0]?.labels.push('do not merge', 'decap-cms/draft');
    const put = (labels: string[]) => world.ask('PUT', '/issues/1/labels', { labels });
    for (const bad of [
      ['automerge'],
      ['safe to test', 'decap-cms/draft'],
      ['x/draft', 'y/draft'],
      ['decap-cms/drafty'],
      ['a@b draft'],
    ])
      refused(await put(bad));
    expect((await put(['ours/pending_review', 'do not merge'])).status).toBe(200);
    expect(world.host.pullRequests[0]?.labels.toSorted()).toEqual(['do not merge', 'ours/pending_review']);
    // What somebody else has put on stays.
    expect((await put(['ours/pending_publish'])).status).toBe(200);
    expect(world.host.pullRequests[0]?.labels).toContain('do not merge');
    return 'a state of a draft, and what was there';
  });
});

describe('GitLab: the published branch', () => {
  let world: Awaited<ReturnType<typeof open<'gitlab'>>>;
  beforeEach(async () => {
    world = await open('gitlab');
  });
  afterEach(() => world.host.close());

  async function draft(sha: string) {
    world.repository.branches.set('cms/posts/a', sha);
    const title = 'source_branch=cms%2Fposts%2Fa&target_branch=main&title=A&labels=decap-cms%2Fdraft';
    const { json } = await world.ask('POST', `/merge_requests?${title}`);
    expect(json['iid']).toBe(1);
    return (query = '') => world.ask('PUT', `/merge_requests/1/merge${query}`);
  }

  attack('takes a draft, and the merge names the editor (a neighbour)', async () => {
    const merge = await draft(world.stray({ 'content/posts/b.md': 'b' }));
    expect((await merge('?squash=false')).status).toBe(200);
    expect(world.repository.commit(world.main())?.message).toContain('Merged-by: Zoë <zoe@example.org>');
    return 'merged';
  });

  attack('takes no draft that changes the build', async () => {
    const before = world.main();
    const words = refused(await (await draft(world.stray({ 'package.json': '{}{}' })))());
    expect(world.main()).toBe(before);
    return words;
  });

  attack('takes labels of its own only', async () => {
    await draft(world.stray({ 'content/posts/b.md': 'b' }));
    world.host.mergeRequests[0]?.labels.push('do not merge');
    const put = (labels: string) => world.ask('PUT', `/merge_requests/1?labels=${encodeURIComponent(labels)}`);
    for (const bad of ['automerge', 'decap-cms/draft,safe to test', 'a/draft,b/draft']) refused(await put(bad));
    expect((await put('decap-cms/pending_review')).status).toBe(200);
    expect(world.host.mergeRequests[0]?.labels.toSorted()).toEqual(['decap-cms/pending_review', 'do not merge']);
    const title = 'source_branch=cms%2Fposts%2Fb&target_branch=main&title=A&labels=';
    refused(await world.ask('POST', `/merge_requests?${title}automerge`));
    return 'a state of a draft, and what was there';
  });
});

describe('Bitbucket: a draft', () => {
  let world: Awaited<ReturnType<typeof open<'bitbucket'>>>;
  beforeEach(async () => {
    world = await open('bitbucket');
  });
  afterEach(() => world.host.close());

  function save(values: Record<string, string>) {
    const all = Object.entries(values).map(([name, value]) => `name="${name}"\r\n\r\n${value}\r\n`);
    all.push('name="content/posts/b.md"; filename="b.md"\r\nContent-Type: text/markdown\r\n\r\nb\r\n');
    const body = `${all.map((part) => `--x\r\nContent-Disposition: form-data; ${part}`).join('')}--x--\r\n`;
    return world.ask('POST', '/src', body, 'multipart/form-data; boundary=x');
  }

  attack('begins at what is published, now or before, or goes on from itself (neighbours)', async () => {
    const old = world.main();
    expect((await save({ branch: 'cms/a', parents: old })).status).toBe(201);
    world.repository.save('main', { 'content/posts/c.md': 'c' }, 'Theirs', stranger);
    expect((await save({ branch: 'cms/b', parents: world.main() })).status).toBe(201);
    expect((await save({ branch: 'cms/c', parents: old })).status).toBe(201);
    expect((await save({ branch: 'cms/c', parents: world.repository.branches.get('cms/c') ?? '' })).status).toBe(201);
    expect((await save({ branch: 'cms/c' })).status).toBe(201);
    return 'saved';
  });

  attack('does not begin at a commit that nobody has reviewed', async () => {
    world.repository.branches.set('feature', world.stray({ 'bitbucket-pipelines.yml': 'x' }, stranger));
    for (const parents of [
      world.repository.branches.get('feature') ?? '',
      world.stray({ 'package.json': '' }),
      'f'.repeat(40),
    ])
      refused(await save({ branch: 'cms/a', parents }));
    expect(world.repository.branches.has('cms/a')).toBe(false);
    return 'refused, whether it is a branch of others, a commit in the store, or none';
  });

  attack('does not begin at another draft', async () => {
    expect((await save({ branch: 'cms/a', parents: world.main() })).status).toBe(201);
    return refused(await save({ branch: 'cms/b', parents: world.repository.branches.get('cms/a') ?? '' }));
  });

  async function draft(sha: string) {
    world.repository.branches.set('cms/a', sha);
    const branch = (name: string) => ({ branch: { name } });
    const { json } = await world.ask('POST', '/pullrequests', {
      title: 'A',
      source: branch('cms/a'),
      destination: branch('main'),
    });
    expect(json['id']).toBe(1);
    return () => world.ask('POST', '/pullrequests/1/merge', { merge_strategy: 'merge_commit' });
  }

  attack('is merged, and the merge names the editor (a neighbour)', async () => {
    world.repository.save('main', { 'package.json': '{"a":1}' }, 'Theirs', stranger);
    expect((await (await draft(world.stray({ 'content/posts/b.md': 'b' })))()).status).toBe(200);
    expect(world.repository.commit(world.main())?.message).toContain('Merged-by: Zoë <zoe@example.org>');
    return 'merged';
  });

  attack('that somebody pushed with a pipeline is not merged', async () => {
    const before = world.main();
    const words = refused(await (await draft(world.stray({ 'bitbucket-pipelines.yml': 'x' }, stranger)))());
    expect(world.main()).toBe(before);
    return words;
  });

  attack('of more files than Bitbucket shows at once is not merged', async () => {
    const many = Object.fromEntries(Array.from({ length: 501 }, (_, at) => [`content/posts/${at}.md`, `${at}`]));
    return refused(await (await draft(world.stray(many)))());
  });
});

describe('A file that has the name of a folder', () => {
  /** Editors may write neither of the two files in the folder, and each file directly below `content`. */
  const kept = { 'content/docs/secret.md': 'x', 'content/docs/CODEOWNERS': '* @owner' };
  async function openWith(id: 'gitlab' | 'bitbucket') {
    const world = await open(id, 'content/*, **/index.md');
    world.repository.save('main', { ...kept, 'content/a.md': 'a', Makefile: 'all:' }, 'Theirs', stranger);
    const read = (path: string) => world.repository.blob(world.repository.resolve(`${world.main()}:${path}`) ?? '');
    const isWhole = () => [...Object.keys(kept), 'Makefile'].every((path) => read(path) !== undefined);
    return { ...world, read, isWhole };
  }

  const isInTheWay = (reply: { status: number; text: string }) => {
    const words = refused(reply);
    expect(words).toContain('calls a file what is a folder');
    return words;
  };

  attack('GitLab: is neither deleted, nor written, nor moved', async () => {
    const { ask, host, isWhole, read } = await openWith('gitlab');
    const send = (...actions: object[]) =>
      ask('POST', '/repository/commits', { branch: 'main', commit_message: 'x', actions });
    const path = { file_path: 'content/docs' };
    const words = isInTheWay(await send({ action: 'delete', ...path }));
    isInTheWay(await send({ action: 'create', ...path, content: 'x' }));
    isInTheWay(await send({ action: 'update', ...path, content: 'x' }));
    isInTheWay(await send({ action: 'move', ...path, previous_path: 'content/a.md' }));
    isInTheWay(await send({ action: 'move', file_path: 'content/b', previous_path: 'content/docs' }));
    isInTheWay(
      await send({ action: 'create', file_path: 'content/b.md', content: 'b' }, { action: 'delete', ...path }),
    );
    expect([isWhole(), read('content/b.md')]).toEqual([true, undefined]);
    // Neighbours, one of which has a name that is hard to ask for.
    expect((await send({ action: 'delete', file_path: 'content/a.md' })).status).toBe(201);
    const odd = `content/it's 100% #1 ?a=b&c+d (é).md`;
    expect((await send({ action: 'create', file_path: odd, content: 'x' })).status).toBe(201);
    refused(await send({ action: 'create', file_path: odd.replace(' #1', ' \u0000'), content: 'x' }));
    await host.close();
    return words;
  });

  attack('GitLab: does not end up in the place of a folder that it is in', async () => {
    const { ask, host, main, repository } = await open('gitlab', '**/images/**');
    const send = (action: object) =>
      ask('POST', '/repository/commits', { branch: 'main', commit_message: 'x', actions: [action] });
    const file_path = 'netlify.toml/images/netlify.toml';
    const words = refused(await send({ action: 'create', file_path, content: 'x' }));
    refused(await send({ action: 'move', file_path, previous_path: 'static/images/a.png' }));
    expect(repository.resolve(`${main()}:netlify.toml`)).toBeUndefined();
    expect((await send({ action: 'create', file_path: 'b/images/b.md', content: 'x' })).status).toBe(201); // a neighbour
    await host.close();
    return words;
  });

  attack('Bitbucket: is neither deleted nor written, nor is a file made a folder', async () => {
    const { ask, host, isWhole, main, read } = await openWith('bitbucket');
    const send = (deleted: string[], written: string[], parents?: string) => {
      const all = Object.entries({ branch: 'main', ...(parents !== undefined && { parents }) });
      const parts = [...all, ...deleted.map((path) => ['files', path] as const)].map(
        ([name, value]) => `name="${name}"\r\n\r\n${value}\r\n`,
      );
      parts.push(...written.map((path) => `name="${path}"; filename="a"\r\nContent-Type: text/markdown\r\n\r\nb\r\n`));
      const body = `${parts.map((part) => `--x\r\nContent-Disposition: form-data; ${part}`).join('')}--x--\r\n`;
      return ask('POST', '/src', body, 'multipart/form-data; boundary=x');
    };
    const words = isInTheWay(await send(['content/docs'], []));
    isInTheWay(await send(['content/docs'], [], main()));
    isInTheWay(await send([], ['content/docs']));
    refused(await send(['content/docs'], ['content/docs/index.md']));
    isInTheWay(await send(['content/a.md'], ['Makefile/index.md']));
    expect([isWhole(), read('content/a.md')?.toString()]).toEqual([true, 'a']);
    // Neighbours, one of which has a name that is hard to ask for.
    expect((await send(['content/a.md'], ['content/new/deep/index.md'])).status).toBe(201);
    expect((await send([], [`content/it's 100% #1 ?a=b&c+d (é).md`])).status).toBe(201);
    await host.close();
    return words;
  });

  attack('GitHub: the branch does not go on to a commit that has lost them', async () => {
    const world = await open('github', 'content/*');
    world.repository.save('main', kept, 'Theirs', stranger);
    const move = (sha: string) => world.ask('PATCH', '/git/refs/heads/main', { sha, force: false });
    const words = refused(await move(world.stray({ 'content/docs': null })));
    refused(await move(world.stray({ 'content/docs': 'x' })));
    await world.host.close();
    return words;
  });
});

describe('A file that is published under another name by now', () => {
  const program = 'pay(editor)\n'.repeat(9);
  const decoy = 'content/decoy.md';
  const outdated = ({ status, json }: { status: number; json: Record<string, unknown> }) => {
    expect([status, json['code']]).toEqual([405, 'DRAFT_OUTDATED']);
    return String(json['message']);
  };

  /** A draft changes what was published as content, and is a program now. */
  async function openWith<Id extends keyof typeof starts>(id: Id) {
    const world = await open(id);
    const { repository } = world;
    repository.save('main', { [decoy]: program }, 'Mine', zoe);
    repository.branches.set('cms/a', world.stray({ [decoy]: 'pay(zoe)\n' }));
    repository.save('main', { 'src/pay.js': program, [decoy]: null }, 'Both', zoe);
    const before = world.main();
    return { ...world, isSafe: () => expect([world.main(), repository.read('src/pay.js')]).toEqual([before, program]) };
  }

  attack('GitHub: does not pass a change on to that name', async () => {
    const { ask, host, isSafe, repository, stray } = await openWith('github');
    await ask('POST', '/pulls', { title: 'A', head: 'cms/a', base: 'main' });
    const merge = (merge_method: string) => ask('PUT', '/pulls/1/merge', { merge_method });
    const words = outdated(await merge('merge'));
    outdated(await merge('squash'));
    isSafe();
    // A neighbour: others have changed other files, and the folder has odd names.
    const [odd = '', file = ''] = [`content/it's 100% #1 ?a=b&c+d (é).md`, 'content/posts/a.md'];
    repository.save('main', { [odd]: 'x' }, 'Theirs', stranger);
    repository.branches.set('cms/a', stray({ [odd]: 'mine', [file]: 'mine' }));
    repository.save('main', { Makefile: 'all:' }, 'Theirs', stranger);
    expect((await merge('merge')).status).toBe(200);
    expect([odd, file].map((path) => repository.read(path))).toEqual(['mine', 'mine']);
    await host.close();
    return words;
  });

  attack('GitLab: does not pass a change on to that name, squashed or not', async () => {
    const { ask, host, isSafe, main, repository, stray } = await openWith('gitlab');
    const propose = async () => {
      await ask('POST', '/merge_requests?source_branch=cms%2Fa&target_branch=main&title=A');
      return (squash = false) => ask('PUT', `/merge_requests/${host.mergeRequests.length}/merge?squash=${squash}`);
    };
    const merge = await propose();
    const words = outdated(await merge());
    outdated(await merge(true));
    isSafe();
    // A squashed draft is put on what was published before: there the file is gone as well, though it is back by now.
    repository.save('main', { [decoy]: program }, 'Mine', zoe);
    const before = main();
    outdated(await merge(true));
    expect([main(), repository.read('src/pay.js')]).toEqual([before, program]);
    for (const { state } of host.mergeRequests) expect(state).toBe('opened');
    for (const request of host.mergeRequests) request.state = 'closed';
    // A neighbour: others have changed other files, and the folder has odd names.
    const [odd = '', file = ''] = [`content/it's 100% #1 ?a=b&c+d (é).md`, 'content/posts/a.md'];
    repository.save('main', { [odd]: 'x' }, 'Theirs', stranger);
    repository.branches.set('cms/a', stray({ [odd]: 'mine', [file]: 'mine' }));
    repository.save('main', { Makefile: 'all:' }, 'Theirs', stranger);
    expect((await (await propose())(true)).status).toBe(200);
    expect([odd, file].map((path) => repository.read(path))).toEqual(['mine', 'mine']);
    await host.close();
    return words;
  });

  attack('Bitbucket: does not pass a change on to that name', async () => {
    const { ask, host, isSafe } = await openWith('bitbucket');
    const [source, destination] = ['cms/a', 'main'].map((name) => ({ branch: { name } }));
    await ask('POST', '/pullrequests', { title: 'A', source, destination });
    const words = refused(await ask('POST', '/pullrequests/1/merge', { merge_strategy: 'merge_commit' }));
    isSafe();
    await host.close();
    return words;
  });
});

describe('What Git reads in another way than it is written', () => {
  attack('GitLab: a file below a file brings none in under another name', async () => {
    const { ask, host, main, repository } = await open('gitlab', '**');
    const send = (branch: string, ...paths: string[]) =>
      ask('POST', '/repository/commits', {
        branch,
        ...(branch !== 'main' && { start_branch: 'main' }),
        commit_message: 'x',
        actions: paths.map((file_path) => ({ action: 'create', file_path, content: 'x' })),
      });
    const before = main();
    const smuggled = '!a!!!!!!!!!!!100644 .gitlab-ci.yml';
    const words = refused(await send('cms/a', '!a', '!a/b', smuggled));
    refused(await send('cms/a', smuggled.replace('100644', '300644')));
    refused(await send('main', '!a', '!a/b', smuggled));
    refused(await send('cms/a', '!a', '!a/b/c'));
    // In two steps: the draft is not looked at, and the published branch is.
    expect((await send('cms/b', '!a')).status).toBe(201);
    refused(await send('cms/b', '!a/b', smuggled));
    refused(await send('cms/c', 'zz!!!!!!!!!!!120000 zzz'));
    refused(await send('main', 'content/posts/a.md/b'));
    expect(main()).toBe(before);
    for (const name of ['cms/a', 'cms/c', 'main'])
      expect(repository.read('.gitlab-ci.yml', name), name).toBeUndefined();
    // Neighbours: numbers, blanks, and a folder beside a file of nearly its name.
    expect((await send('cms/d', 'Top 100 of 2026.md', '100 200 300.md', 'a.md', 'a/b.md')).status).toBe(201);
    await host.close();
    return words;
  });

  attack('GitHub: an editor’s own merge, of which a comparison shows only one side', async () => {
    const { ask, host, main, repository, stray } = await open('github');
    const draft = stray({ 'content/d.md': 'd' });
    repository.save('main', { 'package.json': '{"mended":true}' }, 'Theirs', stranger);
    const mended = main();
    const tree = repository.writeTree(repository.commit(mended)?.tree, [
      { path: 'content/d.md', sha: repository.writeBlob(Buffer.from('d')) },
    ]);
    const who = { message: 'x', author: stranger, committer: stranger };
    repository.branches.set('main', repository.writeCommit({ tree, parents: [mended, draft], ...who }));
    const before = main();
    let words = '';
    // Its base is the draft for the comparison, and the mended one as well for the merge; or it is below a merge that GitHub itself has made.
    const hub = { name: 'GitHub', email: 'noreply@github.com', date };
    for (const merge of [
      stray({}, zoe, [draft, mended]),
      stray({ 'content/x.md': 'x' }, zoe, [stray({}, hub, [draft, mended])]),
    ]) {
      repository.branches.set('cms/a', merge);
      await ask('POST', '/pulls', { title: 'A', head: 'cms/a', base: 'main' });
      words = refused(await ask('PUT', `/pulls/${host.pullRequests.length}/merge`, { merge_method: 'merge' }));
    }
    expect(main()).toBe(before);
    await host.close();
    return words;
  });
});

describe('One editor against the server', () => {
  let world: Awaited<ReturnType<typeof open<'gitlab'>>>;
  beforeEach(async () => {
    world = await open('gitlab');
  });
  afterEach(() => {
    vi.restoreAllMocks();
    return world.host.close();
  });
  const commit = (actions: string) => `{"branch":"main","commit_message":"x","actions":[${actions}]}`;

  attack('ten million objects in one body are counted, not parsed', async () => {
    const parse = vi.spyOn(JSON, 'parse');
    const reply = await world.ask('POST', '/repository/commits', commit(`${'{},'.repeat(10_000_000)}{}`));
    expect(reply.status).toBe(422);
    for (const [text] of parse.mock.calls) expect(String(text).length).toBeLessThan(10_000);
    return reply.text;
  });

  attack('nor are as many brackets, commas, or entries behind escaped quotes', async () => {
    for (const body of [
      commit('['.repeat(100_000)),
      commit(`[${'1,'.repeat(100_000)}1]`),
      `{"a":"\\\\","b":[${'{},'.repeat(100_000)}{}]}`,
      `{"a":${JSON.stringify('"')},"b":[${'{},'.repeat(100_000)}{}]}`,
    ])
      expect((await world.ask('POST', '/repository/commits', body)).text).toContain('more than a CMS ever changes');
    return 'refused';
  });

  attack('what carries no file is taken up to 1 MiB', async () => {
    const { ask, host } = await open('github');
    for (const path of ['/git/trees', '/git/commits', '/git/refs', '/pulls']) {
      const { status, json } = await ask('POST', path, `{"message":"${'x'.repeat(1024 * 1024)}"}`);
      expect([status, json['code']]).toEqual([413, 'BODY_TOO_LARGE']);
    }
    await host.close();
    return '413';
  });

  attack('a commit of many files and one of 23 MB pass (neighbours)', async () => {
    const action = (name: string, content: string) =>
      JSON.stringify({ action: 'create', file_path: `content/${name}`, content, encoding: 'base64' });
    const many = Array.from({ length: 500 }, (_, at) => action(`many/${at}.md`, 'eA=='));
    expect((await world.ask('POST', '/repository/commits', commit(many.join(',')))).status).toBe(201);
    const large = Buffer.alloc(23 * 1024 * 1024, 1).toString('base64');
    expect((await world.ask('POST', '/repository/commits', commit(action('large.bin', large)))).status).toBe(201);
    return 'written';
  });

  attack('more files than can be looked up cost no call', async () => {
    const action = (at: number) => `{"action":"delete","file_path":"content/${at}.md"}`;
    const before = world.host.requests.length;
    const all = Array.from({ length: 1_001 }, (_, at) => action(at));
    const words = refused(await world.ask('POST', '/repository/commits', commit(all.join(','))));
    expect(words).toContain('more than 1000 files');
    expect(world.host.requests.length).toBe(before);
    // What is refused for one of them is looked up no further.
    world.repository.save('main', { 'content/1.md/a': '' }, 'Theirs', stranger);
    refused(
      await world.ask(
        'POST',
        '/repository/commits',
        commit(Array.from({ length: 500 }, (_, at) => action(at)).join(',')),
      ),
    );
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(world.host.requests.length - before).toBeLessThan(30);
    return words;
  });
});
