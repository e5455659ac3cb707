import { describe, expect, it } from 'vitest';
import { ask, call, gitlab, knows, lookUp, ruleOf, sendJson } from '../gateway/rules.ts';

const action = { action: 'update', file_path: 'content/posts/a.md', content: 'eA==', encoding: 'base64' };
const commit = { branch: 'main', commit_message: 'Update', actions: [action] };
const editor = { author_name: 'Zoë <Editor>', author_email: 'zoe@example.org' };
const send = (body: unknown, type?: string) => sendJson(gitlab, 'commit', body, type);

describe('a commit', () => {
  it('of the CMS goes up as it is, and its author is the editor', () => {
    const forged = { ...commit, author_name: 'The Boss', author_email: 'boss@example.org' };
    expect(send(forged)).toEqual({ body: { ...commit, ...editor }, type: 'application/json' });
  });

  it('begins a draft at what is published, moves and deletes', () => {
    const moved = { action: 'move', file_path: 'content/posts/c.md', previous_path: 'content/posts/b.md' };
    const draft = {
      ...commit,
      branch: 'cms/posts/a',
      start_branch: 'main',
      actions: [moved, { action: 'delete', file_path: 'static/images/a.png' }],
    };
    expect(send(draft).body).toEqual({ ...draft, ...editor });
  });

  it('keeps nothing that the CMSs do not send', () => {
    const more = {
      ...commit,
      force: true,
      start_sha: 'a'.repeat(40),
      start_project: 1,
      stats: true,
      allow_empty: true,
      actions: [{ ...action, execute_filemode: true, last_commit_id: 'a' }],
    };
    expect(send(more).body).toEqual({ ...commit, ...editor });
  });

  it.each([
    ['another branch', { ...commit, branch: 'production' }],
    ['no branch', { ...commit, branch: undefined }],
    ['a list as a branch', { ...commit, branch: ['main'] }],
    ['a branch that only begins like a draft', { ...commit, branch: 'cms' }],
    ['a draft that no branch can be called', { ...commit, branch: 'cms/../main' }],
    ['a draft that begins elsewhere', { ...commit, branch: 'cms/posts/a', start_branch: 'other' }],
    ['what is published, begun anew', { ...commit, start_branch: 'main' }],
    ['no message', { ...commit, commit_message: undefined }],
    ['no actions', { ...commit, actions: [] }],
    ['actions that are none', { ...commit, actions: [null] }],
    ['actions that are no list', { ...commit, actions: { 0: action } }],
    ['a change of rights', { ...commit, actions: [{ ...action, action: 'chmod' }] }],
    ['a file outside', { ...commit, actions: [{ ...action, file_path: 'package.json' }] }],
    ['one file outside among others', { ...commit, actions: [action, { ...action, file_path: '.gitlab-ci.yml' }] }],
    [
      'a file moved from outside',
      { ...commit, actions: [{ ...action, action: 'move', previous_path: 'package.json' }] },
    ],
    ['a way out', { ...commit, actions: [{ ...action, file_path: 'content/../package.json' }] }],
    ['an absolute path', { ...commit, actions: [{ ...action, file_path: '/content/posts/a.md' }] }],
    ['a backslash', { ...commit, actions: [{ ...action, file_path: 'content\\..\\package.json' }] }],
    [
      'what GitLab runs, where files may be written',
      { ...commit, actions: [{ ...action, file_path: 'content/.gitlab-ci.yml' }] },
    ],
    ['a path that is no text', { ...commit, actions: [{ ...action, file_path: ['content/posts/a.md'] }] }],
    ['content that is no text', { ...commit, actions: [{ ...action, content: { a: 1 } }] }],
    ['an unknown encoding', { ...commit, actions: [{ ...action, encoding: 'gzip' }] }],
    ['a list', [commit]],
    ['no JSON', 'branch=main'],
  ])('with %s is refused', (_, body) => {
    expect(() => send(body)).toThrow(/^The (gateway does not pass this on|CMS writes to the branch)/);
  });

  it('writes a file as it is, however long it is, in either encoding or none', () => {
    for (const more of [{ content: 'x'.repeat(100_000) }, { encoding: 'text' }, { content: undefined }])
      expect(send({ ...commit, actions: [{ ...action, ...more }] }).body).toEqual(
        JSON.parse(JSON.stringify({ ...commit, actions: [{ ...action, ...more }], ...editor })),
      );
    const { encoding: _, ...plain } = action;
    expect(send({ ...commit, actions: [plain] }).body).toEqual({ ...commit, actions: [plain], ...editor });
    for (const kind of ['create', 'update', 'move', 'delete'])
      expect(send({ ...commit, actions: [{ ...action, action: kind }] }).body).toMatchObject({
        actions: [{ action: kind }],
      });
    for (const more of [{ encoding: null }, { previous_path: null }, { action: ['update'] }, { file_path: null }])
      expect(() => send({ ...commit, actions: [{ ...action, ...more }] })).toThrow('does not pass this on');
    for (const each of ['x', 7, undefined]) expect(() => send({ ...commit, actions: [each] })).toThrow('does not pass');
  });

  it('of a draft may go on top of it, and begins nowhere but at what is published', () => {
    const draft = { ...commit, branch: 'cms/posts/a' };
    expect(send(draft).body).toEqual({ ...draft, ...editor });
    for (const start of ['cms/posts/a', 'other', null, ''])
      expect(() => send({ ...draft, start_branch: start })).toThrow('begins at the branch of CMS_GATEWAY_BRANCH');
  });

  it('as a form is refused', () => {
    expect(() => send(commit, 'multipart/form-data; boundary=x')).toThrow('it is not JSON');
    expect(() => send(commit, 'application/x-www-form-urlencoded')).toThrow('it is not JSON');
  });
});

describe('a merge request, which GitLab takes by the query', () => {
  it.each([
    ['open merge request', 'source_branch', 'cms/posts/a', 'main'],
    ['open merge request', 'source_branch', 'cms/posts/a', '../main'],
    ['open merge request', 'target_branch', 'main', 'production'],
    // A description can hold commands to GitLab.
    ['open merge request', 'description', 'Automatically generated by Decap CMS', 'Hello\n/merge'],
    ['open merge request', 'description', 'Automatically generated by Netlify CMS', '/target_branch x'],
    ['open merge request', 'squash', 'false', '1'],
    ['change merge request', 'state_event', 'close', 'reopen'],
    ['merge', 'merge_commit_message', 'Automatically generated. Merged on Decap CMS.', 'Closes #1'],
    ['merge', 'squash_commit_message', 'Automatically generated. Merged on Netlify CMS.', 'Anything'],
    ['merge', 'should_remove_source_branch', 'true', ''],
    ['rebase', 'skip_ci', 'true', 'yes'],
  ])('%s: %s is %s and never %s', (rule, key, good, bad) => {
    expect(ask(gitlab, rule, key, good)).toBe(good);
    expect(() => ask(gitlab, rule, key, bad)).toThrow();
  });

  const good = {
    source_branch: 'cms/posts/a',
    target_branch: 'main',
    source_project_id: 3,
    target_project_id: 3,
    sha: 'a'.repeat(40),
    diverged_commits_count: 0,
  };
  it.each(['change merge request', 'rebase', 'merge'])('is looked up before: %s', async (rule) => {
    const look = (request: object) =>
      lookUp(gitlab, rule, knows({ '/merge_requests': request, '/repository/compare': { diffs: [], commits: [] } }));
    // What is merged is what was looked at.
    const added = rule === 'merge' ? expect.objectContaining({ sha: good.sha }) : undefined;
    await expect(look(good)).resolves.toEqual(added);
    for (const bad of [
      { ...good, source_branch: 'feature' },
      { ...good, source_branch: null },
      { ...good, target_branch: 'production' },
      { ...good, source_project_id: 4 },
      { ...good, source_project_id: undefined, target_project_id: undefined },
      {},
    ])
      await expect(look(bad)).rejects.toThrow('none of the CMS');
  });
});

it.each([
  ['list files', 'ref', 'cms/posts/a', '..'],
  ['list files', 'path', 'content/posts', '../x'],
  ['list files', 'path', '', 'a//b'],
  ['list files', 'per_page', '100', '1000000'],
  ['list files', 'page', '2', 'x&y'],
  ['compare', 'from', 'main', 'main:x'],
  ['merge requests', 'labels', 'Any', 'None'],
  ['merge requests', 'state', 'opened', 'all'],
])('asks as the CMSs do: %s, %s is %j and never %j', (rule, key, good, bad) => {
  expect(ask(gitlab, rule, key, good)).toBe(good);
  expect(() => ask(gitlab, rule, key, bad)).toThrow();
});

describe('A merge request that something is done to', () => {
  const [sha, other] = ['a'.repeat(40), 'b'.repeat(40)];
  const request = {
    source_branch: 'cms/posts/a',
    target_branch: 'main',
    source_project_id: 3,
    target_project_id: 3,
    sha,
    labels: ['cms/draft', 'bug', 7],
  };
  const file = { old_path: 'content/a.md', new_path: 'content/a.md', a_mode: '100644', b_mode: '100644' };
  const made = { id: sha, parent_ids: [other] };
  const behind = { ...request, diverged_commits_count: 1, diff_refs: { start_sha: other } };
  /** @param more what else the host knows */
  const merge = (comparison: unknown, said = {}, its: object = behind, more: Record<string, unknown> = {}) =>
    lookUp(
      gitlab,
      'merge',
      knows({
        ...more,
        '/merge_requests/7?include_diverged_commits_count=true': its,
        [`/repository/compare?from=main&to=${sha}`]:
          typeof comparison === 'object' && comparison !== null ? { commits: [made], ...comparison } : comparison,
        '/repository/files/content%2Fa.md?ref=main': {},
        [`/repository/files/content%2Fa.md?ref=${other}`]: {},
      }),
      said,
    );
  const who = 'Merged-by: Zoë Editor <zoe@example.org>';

  it('is merged as it was looked at, with who did it in both messages', async () => {
    expect(await merge({ diffs: [] })).toEqual({ sha, merge_commit_message: who, squash_commit_message: who });
    expect(await merge({ diffs: [file], compare_timeout: false }, { squash_commit_message: 'x' })).toEqual({
      sha,
      merge_commit_message: who,
      squash_commit_message: `x\n\n${who}`,
    });
    for (const head of [undefined, null, 'main', 'a'.repeat(7)])
      await expect(merge({ diffs: [] }, {}, { ...behind, sha: head })).rejects.toThrow('has no commit');
  });

  it('brings only plain files of editors, or programs that were so before, and all of them are shown', async () => {
    for (const change of [
      { a_mode: '0', b_mode: '100644' },
      { a_mode: '100644', b_mode: '0' },
      { a_mode: '100644', b_mode: '000000' },
      { a_mode: '100755', b_mode: '100755' },
      { a_mode: '120000', b_mode: '100644' },
      { a_mode: undefined, b_mode: undefined },
      { b_mode: undefined },
    ])
      expect(await merge({ diffs: [file, { ...file, ...change }] })).toMatchObject({ sha });
    for (const change of [
      { b_mode: '100755' },
      { b_mode: '120000' },
      { b_mode: '160000' },
      { b_mode: '1006440' },
      { b_mode: '2100644' },
      { a_mode: '100755', b_mode: '120000' },
      // They may lead elsewhere now.
      { a_mode: '120000', b_mode: '120000' },
      { a_mode: '160000', b_mode: '160000' },
      { a_mode: undefined, b_mode: '10' },
      { old_path: 'package.json' },
      { new_path: 'package.json' },
      { new_path: undefined },
    ])
      await expect(merge({ diffs: [file, { ...file, ...change }] }), JSON.stringify(change)).rejects.toThrow(
        'not for editors to write',
      );
    for (const cut of [{ diffs: [], compare_timeout: true }, { diffs: null }, {}, null])
      await expect(merge(cut)).rejects.toThrow('more than can be checked');
  });

  it('brings no change of a file that has another name by now', async () => {
    const gone = { ...file, old_path: 'content/b.md', new_path: 'content/b.md' };
    const words = { code: 'DRAFT_OUTDATED', status: 405 };
    await expect(merge({ diffs: [file, gone] })).rejects.toMatchObject(words);
    await expect(merge({ diffs: [{ ...gone, new_path: 'content/c.md', renamed_file: true }] })).rejects.toMatchObject(
      words,
    );
    for (const more of [{ new_file: true }, { deleted_file: true }])
      expect(await merge({ diffs: [{ ...gone, ...more }] })).toMatchObject({ sha });
    // A squashed draft is put on what was published before.
    const at = (...refs: string[]) =>
      merge(
        { diffs: [gone] },
        {},
        behind,
        Object.fromEntries(refs.map((ref) => [`/repository/files/content%2Fb.md?ref=${ref}`, {}])),
      );
    expect(await at('main', other)).toMatchObject({ sha });
    await expect(at('main')).rejects.toMatchObject(words);
    await expect(at(other)).rejects.toMatchObject(words);
    for (const diff_refs of [undefined, null, {}, { start_sha: 'main' }])
      await expect(merge({ diffs: [file] }, {}, { ...behind, diff_refs })).rejects.toThrow('not ready');
    const many = Array.from({ length: 1_001 }, (_, index) => ({ ...file, old_path: `content/${index}.md` }));
    await expect(merge({ diffs: many })).rejects.toThrow('more than can be checked');
    // With nothing published since, each file has its name.
    expect(await merge({ diffs: [gone] }, {}, { ...request, diverged_commits_count: 0 })).toMatchObject({ sha });
    for (const diverged_commits_count of [undefined, null, '0'])
      await expect(merge({ diffs: [gone] }, {}, { ...behind, diverged_commits_count })).rejects.toMatchObject(words);
  });

  it('is put on what is published commit by commit only after it was saved again', async () => {
    const two = { diffs: [file], commits: [made, { id: other, parent_ids: [sha] }] };
    const project = (merge_method: unknown) => ({ '': { merge_method } });
    const inProject = (merge_method: unknown, comparison: object = two, its: object = behind) =>
      lookUp(
        gitlab,
        'merge',
        (path: string) =>
          path === ''
            ? project(merge_method)['']
            : knows({
                '/merge_requests/7?': its,
                '/repository/compare': comparison,
                '/repository/files/': {},
              })(path),
        {},
      );
    expect(await inProject('merge')).toMatchObject({ sha });
    for (const method of ['ff', 'rebase_merge', undefined, null])
      await expect(inProject(method), String(method)).rejects.toThrow('Save it again');
    expect(await inProject('ff', { ...two, commits: [made] })).toMatchObject({ sha });
    expect(await inProject('ff', two, { ...behind, diverged_commits_count: 0 })).toMatchObject({ sha });
  });

  it('holds no merge, of which a comparison shows one side, unless nothing was published since', async () => {
    for (const parent_ids of [[sha, other], [], undefined, sha]) {
      const comparison = { diffs: [file], commits: [made, { ...made, parent_ids }] };
      await expect(merge(comparison)).rejects.toThrow('holds a merge');
      expect(await merge(comparison, {}, { ...request, diverged_commits_count: 0 })).toMatchObject({ sha });
    }
    await expect(merge({ diffs: [file], commits: undefined })).rejects.toThrow('more than can be checked');
  });

  it('keeps the labels of others', async () => {
    const change = (said: object, its: object = request) =>
      lookUp(gitlab, 'change merge request', knows({ '/merge_requests/7': its }), { ...said });
    expect(await change({})).toBeUndefined();
    expect(await change({ labels: ' cms/pending_review ,,bug' })).toEqual({ labels: 'bug,cms/pending_review' });
    expect(await change({ labels: '' })).toEqual({ labels: 'bug' });
    expect(await change({ labels: 'cms/draft' }, { ...request, labels: undefined })).toEqual({ labels: 'cms/draft' });
    await expect(change({ labels: 'cms/draft,automerge' })).rejects.toThrow('no state of a draft');
    expect(ask(gitlab, 'open merge request', 'labels', 'cms/draft')).toBe('cms/draft');
    for (const wanted of ['automerge', 'cms/draft,automerge', 'cms/draft,cms/pending_review'])
      expect(() => ask(gitlab, 'open merge request', 'labels', wanted)).toThrow('no state of a draft');
  });
});

describe('What GitLab says of a project', () => {
  const level = (access_level: unknown) => ({ project_access: { access_level }, group_access: null });
  it.each([
    ['archived', { archived: true, permissions: level(40) }],
    ['write', { permissions: level(30) }],
    ['write', { archived: false, permissions: level(40) }],
    ['write', { permissions: { project_access: { access_level: 10 }, group_access: { access_level: 30 } } }],
    ['read', { permissions: level(29) }],
    ['unknown', { permissions: { project_access: null, group_access: null } }],
    ['unknown', { permissions: level('40') }],
    ['unknown', { permissions: null }],
    ['unknown', {}],
  ])('means %s: %j', (rights, project) => {
    expect(gitlab.repository.rights(project, undefined)).toBe(rights);
  });

  it('points to its own pages', () => {
    for (const each of ['/projects/7/repository/tree', '/projects/team%2Fsite/repository/tree'])
      expect(each.replace(gitlab.links.prefix, '')).toBe('/repository/tree');
    for (const each of ['/projects/7', '/x/projects/7/y', '/projects//x'])
      expect(gitlab.links.prefix.test(each), each).toBe(false);
  });
});

it('is told who writes, and where the app stands for it, only in the message', () => {
  const bytes = Buffer.from(JSON.stringify(commit));
  const ours = call(gitlab);
  const gateway = { ...ours.gateway, committer: 'app' as const };
  const sent = ruleOf(gitlab, 'commit').body?.judge({ bytes, type: 'application/json' }, { ...ours, gateway });
  expect(JSON.parse(String(sent?.write({}).body))).toEqual({
    ...commit,
    commit_message: 'Update\n\nCo-authored-by: Zoë Editor <zoe@example.org>',
  });
});
