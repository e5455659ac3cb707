/** Whose name a commit has where the owner wants it to be the app's: some services build only for accounts that they know. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { signedMessage, type Call } from '../../lib/gateway/rules/rule.ts';
import { json, openWorld, sessionOf, startHost, withoutFiles, type Host } from '../contract/gateway/world.ts';

const sha = 'a'.repeat(40);
const other = 'b'.repeat(40);
const named = 'Co-authored-by: Zoë Editor <zoe@example.org>';

describe('Where the app stands as committer', () => {
  let host: Host;
  let world: ReturnType<typeof openWorld>;
  beforeAll(async () => {
    host = await startHost();
  });
  afterAll(() => host.close());
  beforeEach(() => {
    host.asked = [];
    host.script = json(201, { sha });
  });
  const open = (more: Record<string, string | undefined> = {}) =>
    (world = openWorld(
      host,
      async (handler, request) => {
        const reply = await handler({ ...request, platform: {}, body: () => [Buffer.from(request.body ?? '')] });
        return { ...reply, body: reply.body.toString() };
      },
      { CMS_GATEWAY_COMMITTER: 'app', ...more },
    ));
  const commit = async (message: string, headers = {}) => {
    const author = { name: 'Somebody', email: 'else@example.org', date: '2026-03-01T12:00:00.000Z' };
    const body = JSON.stringify({ message, tree: sha, parents: [other], author, committer: author });
    expect((await world.ask('/git/github/git/commits', { method: 'POST', body, headers })).status).toBe(201);
    return JSON.parse(String(host.asked.at(-1)?.body)) as { message: string };
  };

  it('GitHub is told neither author nor committer, and the editor is named in the message', async () => {
    open();
    expect(await commit('Update Post “a”')).toEqual({
      message: `Update Post “a”\n\n${named}`,
      tree: sha,
      parents: [other],
    });
  });

  it('otherwise as ever: the committer is the editor, and the message is what the CMS wrote', async () => {
    open({ CMS_GATEWAY_COMMITTER: undefined });
    expect(await commit('Update')).toMatchObject({ message: 'Update', committer: { email: 'zoe@example.org' } });
  });

  it('a commit that is made anew names whoever was there before, and not twice', async () => {
    open();
    const before = 'Update\n\nCo-authored-by: Ann <ann@parish.example>';
    expect((await commit(before)).message).toBe(`${before}\n${named}`);
    expect((await commit(`Update\n\n${named}`)).message).toBe(`Update\n\n${named}`);
  });

  it('a name cannot name somebody else', async () => {
    open();
    const claims = {
      user_metadata: { full_name: 'Zoë> <boss@example.org>\nCo-authored-by: The Boss <boss@example.org>' },
    };
    const { message } = await commit('x', { authorization: `Bearer ${await sessionOf(claims)}` });
    const lines = message.split('\n').filter((line) => line.startsWith('Co-authored-by'));
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/<zoe@example\.org>$/);
    expect(lines[0]).not.toMatch(/<boss/);
  });

  it('not even where names come as somebody wrote them', () => {
    const editor = { name: 'Zoë <boss@example.org>\nCo-authored-by: The Boss' };
    const call = { gateway: { committer: 'app' }, editor, email: 'zoe@example.org' } as Call;
    expect(signedMessage('x', call)).toBe(
      'x\n\nCo-authored-by: Zoë boss@example.orgCo-authored-by: The Boss <zoe@example.org>',
    );
  });

  it.each([
    ['an editor', named, 200],
    ['another one', 'Co-authored-by: Ann <ann@parish.example>', 200],
    ['nobody', 'Update', 422],
    ['somebody who is none', 'Co-authored-by: Mallory <mallory@example.com>', 422],
    ['an editor, but not at the end', `${named}\n\nCo-authored-by: Mallory <mallory@example.com>`, 422],
  ])('the published branch moves to commits that name %s', async (_, message, status) => {
    open();
    host.script = (asked, ...rest) =>
      json(200, {
        status: 'ahead',
        total_commits: 1,
        commits: [{ commit: { message, committer: { email: 'cms[bot]@users.noreply.github.com' } }, parents: [{}] }],
        files: [{ filename: 'content/a.md' }],
        object: { sha },
      })(asked, ...rest);
    const body = JSON.stringify({ sha, force: false });
    expect((await world.ask('/git/github/git/refs/heads/main', { method: 'PATCH', body })).status).toBe(status);
    expect(host.asked.filter(({ method }) => method === 'PATCH')).toHaveLength(status === 200 ? 1 : 0);
  });

  it('unless the editor stands there, what a message says counts for nothing', async () => {
    open({ CMS_GATEWAY_COMMITTER: 'editor' });
    host.script = json(200, {
      status: 'ahead',
      total_commits: 1,
      commits: [{ commit: { message: named, committer: { email: 'mallory@example.com' } }, parents: [{}] }],
      files: [],
    });
    const body = JSON.stringify({ sha, force: false });
    expect((await world.ask('/git/github/git/refs/heads/main', { method: 'PATCH', body })).status).toBe(422);
  });

  it('GitLab and Bitbucket are told no author, either', async () => {
    host.script = withoutFiles();
    open({
      GITHUB_URL: undefined,
      GITLAB_URL: host.url,
      CMS_GATEWAY_REPO: `${host.url}/group/project`,
      CMS_GATEWAY_TOKEN: 'glpat-x',
    });
    const actions = [{ action: 'create', file_path: 'content/a.md', content: 'x' }];
    const body = JSON.stringify({ branch: 'main', commit_message: 'Update', actions, author_name: 'x' });
    await world.ask('/git/gitlab/repository/commits', { method: 'POST', body });
    const sent = host.asked.find(({ method }) => method === 'POST');
    expect(JSON.parse(String(sent?.body))).toEqual({
      branch: 'main',
      commit_message: `Update\n\n${named}`,
      actions: [{ action: 'create', file_path: 'content/a.md', content: 'x' }],
    });

    host.asked = [];
    open({
      GITHUB_URL: undefined,
      BITBUCKET_URL: host.url,
      CMS_GATEWAY_REPO: `${host.url}/team/repo`,
      CMS_GATEWAY_TOKEN: 'ATCTT-x',
    });
    const boundary = '----WebKitFormBoundary0123456789abcdef';
    const part = (head: string, text: string) =>
      `--${boundary}\r\nContent-Disposition: form-data; ${head}\r\n\r\n${text}\r\n`;
    const form = `${part('name="content/a.md"; filename="a.md"', 'x')}${part('name="branch"', 'main')}${part('name="message"', 'Update')}--${boundary}--\r\n`;
    const reply = await world.ask('/git/bitbucket/src', {
      method: 'POST',
      body: form.replace('filename="a.md"\r\n', 'filename="a.md"\r\nContent-Type: text/markdown\r\n'),
      headers: { 'content-type': `multipart/form-data; boundary=${boundary}` },
    });
    expect(reply.status, reply.body).toBeLessThan(300);
    const text = String(host.asked.find(({ method }) => method === 'POST')?.body);
    expect(text).toContain(named);
    expect(text).not.toContain('name="author"');
  });

  it('another word is refused by name', async () => {
    open({ CMS_GATEWAY_COMMITTER: 'nobody' });
    const reply = await world.ask('/git/settings');
    expect([reply.status, reply.body]).toEqual([500, expect.stringContaining('CMS_GATEWAY_COMMITTER')]);
  });
});
