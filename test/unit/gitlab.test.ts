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
  const made = { id: other, parent_ids: [sha] };
  const merge = (comparison: unknown, said = {}, its: object = request, steps: Record<string, unknown> = {}) =>
    lookUp(
      gitlab,
      'merge',
      knows({
        ...steps,
        '/merge_requests/7': its,
        [`/repository/compare?from=main&to=${sha}`]:
          typeof comparison === 'object' && comparison !== null ? { commits: [made], ...comparison } : comparison,
        '/repository/files/content%2Fa.md?ref=main': {},
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
      await expect(merge({ diffs: [] }, {}, { ...request, sha: head })).rejects.toThrow('has no commit');
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
    const words = { code: 'DRAFT_OUTDATED' };
    await expect(merge({ diffs: [file, gone] })).rejects.toMatchObject(words);
    await expect(merge({ diffs: [{ ...gone, new_path: 'content/c.md', renamed_file: true }] })).rejects.toMatchObject(
      words,
    );
    for (const more of [{ new_file: true }, { deleted_file: true }])
      expect(await merge({ diffs: [{ ...gone, ...more }] })).toMatchObject({ sha });
    const many = Array.from({ length: 1_001 }, (_, at) => ({ ...file, old_path: `content/${at}.md` }));
    await expect(merge({ diffs: many })).rejects.toThrow('more than can be checked');
  });

  it('brings none by one of its commits either, since a rebase goes by each', async () => {
    const [first, second, base] = ['c'.repeat(40), 'd'.repeat(40), 'e'.repeat(40)];
    const line = [
      { id: sha, parent_ids: [second] },
      { id: first, parent_ids: [base] },
      { id: second, parent_ids: [first] },
    ];
    /** @param steps what each commit changes, the first one first */
    const rebase = (...steps: unknown[]) =>
      merge(
        { diffs: [file], commits: line },
        {},
        request,
        Object.fromEntries(
          [first, second, sha].map((id, at) => [`/repository/commits/${id}/diff?per_page=100`, steps[at]]),
        ),
      );
    const gone = { ...file, old_path: 'content/b.md', new_path: 'content/b.md' };
    const [fresh, over] = [
      { ...gone, new_file: true },
      { ...gone, deleted_file: true },
    ];
    const renamed = { ...gone, new_path: 'content/c.md', renamed_file: true };
    const later = { ...gone, old_path: 'content/c.md', new_path: 'content/c.md' };
    for (const good of [
      [[file], [over], [fresh]],
      // What the draft itself has made is in no other place.
      [[fresh], [gone], [gone]],
      [[fresh], [renamed], [later, file]],
      [[over], [fresh], [gone]],
    ])
      expect(await rebase(...good)).toMatchObject({ sha });
    for (const bad of [
      [[gone], [over], [fresh]],
      [[file], [gone], [over]],
      [[fresh, file], [over], [gone]],
      [[fresh], [renamed], [gone]],
    ])
      await expect(rebase(...bad), JSON.stringify(bad)).rejects.toMatchObject({ code: 'DRAFT_OUTDATED' });
    for (const part of [{}, Array(100).fill(file)])
      await expect(rebase([file], part, [file])).rejects.toThrow('more than can be checked');
    // All of them are shown, in one line.
    for (const commits of [line.slice(1), line.toSpliced(2, 1), Array.from({ length: 301 }, () => made)])
      await expect(merge({ diffs: [], commits }, {}, request, { '/repository/commits/': [] })).rejects.toThrow(
        'more than can be checked',
      );
  });

  it('holds no merge, of which a comparison shows one side', async () => {
    for (const parent_ids of [[sha, other], [], undefined, sha])
      await expect(merge({ diffs: [file], commits: [made, { ...made, parent_ids }] })).rejects.toThrow('holds a merge');
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
