import { describe, expect, it } from 'vitest';
import { readMultipart } from '../../lib/gateway/rules/multipart.ts';
import { readPaths, type WritablePaths } from '../../lib/gateway/rules/paths.ts';
import { ask, bitbucket, call, knows, lookUp, ruleOf, sendJson } from '../gateway/rules.ts';

type Entries = Array<[name: string, value: string | { file: string; called?: string }]>;

/** As the CMSs send it: the boundary and all else are the platform's. */
async function send(entries: Entries, more: { paths?: WritablePaths; committer?: 'app' } = {}) {
  const form = new FormData();
  for (const [name, value] of entries)
    if (typeof value === 'string') form.append(name, value);
    else form.append(name, new Blob([value.file]), value.called ?? name.split('/').at(-1));
  const response = new Response(form);
  const type = response.headers.get('content-type') ?? '';
  const bytes = Buffer.from(await response.arrayBuffer());
  const ours = call(bitbucket);
  const judged = ruleOf(bitbucket, 'commit').body?.judge(
    { bytes, type },
    { ...ours, gateway: { ...ours.gateway, ...more } },
  );
  const sent = judged?.write({});
  const parts = readMultipart(sent?.type, sent?.body as Uint8Array) ?? [];
  return {
    parts: parts.map(({ name, content }) => [name, String(Buffer.from(content))]),
  };
}

const post: Entries[number] = ['content/posts/a.md', { file: 'text' }];
const author = 'Zoë Editor <zoe@example.org>';

describe('a commit', () => {
  it('of the CMS goes up with the editor as its author', async () => {
    const { parts } = await send([post, ['message', 'Update'], ['branch', 'main']]);
    expect(parts).toEqual([
      ['author', author],
      ['branch', 'main'],
      ['message', 'Update'],
      ['content/posts/a.md', 'text'],
    ]);
  });

  it('that says so already goes up with it once', async () => {
    const { parts } = await send([post, ['author', author], ['branch', 'main']]);
    expect(parts.filter(([name]) => name === 'author')).toEqual([['author', author]]);
  });

  it('of a draft names one parent; files are deleted and moved', async () => {
    const parent = 'a'.repeat(40);
    const entries: Entries = [['files', 'content/posts/b.md'], ['files', 'static/images/b.png'], post];
    const { parts } = await send([...entries, ['branch', 'cms/posts/a'], ['parents', parent]]);
    expect(parts).toContainEqual(['files', 'static/images/b.png']);
    expect(parts).toContainEqual(['parents', parent]);
  });

  it.each<[string, Entries]>([
    ['no branch', [post]],
    ['another branch', [post, ['branch', 'production']]],
    ['a branch with a mark before it', [post, ['branch', '\ufeffmain']]],
    ['two branches', [post, ['branch', 'main'], ['branch', 'production']]],
    ['a branch that is a file', [post, ['branch', { file: 'main' }]]],
    ['a file that is called nearly like a value', [post, ['Branch', { file: 'x' }], ['branch', 'main']]],
    ['a file that is called like a word about the form', [post, ['_charset_', { file: 'x' }], ['branch', 'main']]],
    ['a file that is called like a value', [post, ['message', { file: 'x' }], ['branch', 'main']]],
    ['two authors', [post, ['author', author], ['author', author], ['branch', 'main']]],
    ['another author', [post, ['author', 'The Boss <boss@example.org>'], ['branch', 'main']]],
    ['another name', [post, ['author', 'The Boss <zoe@example.org>'], ['branch', 'main']]],
    ['two parents', [post, ['branch', 'cms/a'], ['parents', `${'a'.repeat(40)},${'b'.repeat(40)}`]]],
    ['parents twice', [post, ['branch', 'cms/a'], ['parents', 'a'.repeat(40)], ['parents', 'b'.repeat(40)]]],
    ['a parent by name', [post, ['branch', 'cms/a'], ['parents', 'main']]],
    ['no files', [['branch', 'main']]],
    [
      'a file outside',
      [
        ['package.json', { file: '{}' }],
        ['branch', 'main'],
      ],
    ],
    [
      'a file outside that is called otherwise',
      [
        ['package.json', { file: '{}', called: 'a.md' }],
        ['branch', 'main'],
      ],
    ],
    ['a deleted file outside', [post, ['files', 'package.json'], ['branch', 'main']]],
    ['one deleted file outside', [post, ['files', 'content/a.md'], ['files', 'README.md'], ['branch', 'main']]],
    [
      'what Bitbucket runs',
      [
        ['content/bitbucket-pipelines.yml', { file: '' }],
        ['branch', 'main'],
      ],
    ],
    [
      'a way out',
      [
        ['content/../package.json', { file: '' }],
        ['branch', 'main'],
      ],
    ],
    [
      'an absolute path',
      [
        ['/content/posts/a.md', { file: '' }],
        ['branch', 'main'],
      ],
    ],
    [
      'a value that is a file to Bitbucket',
      [
        ['content/posts/a.md', 'text'],
        ['branch', 'main'],
      ],
    ],
    ['something else', [post, ['branch', 'main'], ['x', 'y']]],
    ['the name of what every object has', [post, ['branch', 'main'], ['constructor', 'y']]],
    ['a line end in a deleted path', [post, ['files', 'content/a.md\npackage.json'], ['branch', 'main']]],
  ])('with %s is refused', async (_, entries) => {
    await expect(send(entries)).rejects.toThrow(/^The (gateway does not pass this on|CMS writes to the branch)/);
  });

  it('holds no file that a parser could take for a value, even where everything may be written', async () => {
    const paths = readPaths('**');
    if ('problem' in paths) throw new Error(paths.problem);
    for (const name of [
      'branch',
      'Branch',
      'AUTHOR',
      'message',
      'parents',
      'files',
      '_charset_',
      '_CHARSET_',
      'br\uff41nch',
    ])
      await expect(send([post, [name, { file: 'x' }], ['branch', 'main']], { paths }), name).rejects.toThrow(
        'not for editors',
      );
    for (const name of ['branches', 'a-branch', 'branch/a', 'a/branch', 'charset', 'README.md'])
      expect(
        (
          await send(
            [
              [name, { file: 'x' }],
              ['branch', 'main'],
            ],
            { paths },
          )
        ).parts,
      ).toContainEqual([name, 'x']);
  });

  it('in the name of the app says who wrote it, also where the CMS says nothing', async () => {
    const named = 'Co-authored-by: Zoë Editor <zoe@example.org>';
    const of = async (entries: Entries) => Object.fromEntries((await send(entries, { committer: 'app' })).parts);
    expect(await of([post, ['branch', 'main']])).toEqual({
      branch: 'main',
      message: `Saved in the CMS\n\n${named}`,
      'content/posts/a.md': 'text',
    });
    expect(await of([post, ['branch', 'main'], ['message', 'Update']])).toMatchObject({
      message: `Update\n\n${named}`,
    });
    // Else it is left to Bitbucket.
    expect((await send([post, ['branch', 'main']])).parts.map(([name]) => name)).not.toContain('message');
  });

  it('has no value that others could read otherwise', () => {
    const judge = (message: string) => {
      const part = (head: string, text: string) => `--b\r\nContent-Disposition: form-data; ${head}\r\n\r\n${text}\r\n`;
      const form = `${part('name="content/a.md"; filename="a.md"\r\nContent-Type: text/plain', 'x')}${part('name="branch"', 'main')}${part('name="message"', message)}--b--`;
      const received = { bytes: Buffer.from(form, 'latin1'), type: 'multipart/form-data; boundary=b' };
      return ruleOf(bitbucket, 'commit').body?.judge(received, call(bitbucket));
    };
    expect(judge('Update')?.values).toEqual({ branch: 'main', parents: undefined, paths: ['content/a.md'] });
    expect(() => judge('Update \xff')).toThrow('not a form as browsers send it');
  });

  it('as JSON or an encoded form is refused', () => {
    const rule = ruleOf(bitbucket, 'commit').body;
    for (const type of ['application/json', 'application/x-www-form-urlencoded', ''])
      expect(() => rule?.judge({ bytes: Buffer.from('branch=main&content/a.md=x'), type }, call(bitbucket))).toThrow(
        'form',
      );
  });
});

describe('a pull request', () => {
  const request = {
    title: 'Create Post “a”',
    source: { branch: { name: 'cms/posts/a' } },
    destination: { branch: { name: 'main' } },
    description: 'Automatically generated by Decap CMS',
    close_source_branch: true,
  };

  it('of the CMS goes up as it is, and nothing else with it', () => {
    const more = {
      ...request,
      source: { branch: { name: 'cms/posts/a' }, repository: { full_name: 'other/fork' } },
      reviewers: [{ uuid: '{1}' }],
    };
    expect(sendJson(bitbucket, 'open pull request', more).body).toEqual(request);
    const kept = { ...request, close_source_branch: false };
    expect(sendJson(bitbucket, 'open pull request', kept).body).toEqual(kept);
  });

  it.each([
    ['no title', { ...request, title: undefined }],
    ['another source', { ...request, source: { branch: { name: 'main' } } }],
    ['no source', { ...request, source: null }],
    ['another destination', { ...request, destination: { branch: { name: 'production' } } }],
    ['no destination', { ...request, destination: undefined }],
    ['other words', { ...request, description: '@everybody look' }],
    ['a text for a flag', { ...request, close_source_branch: 'true' }],
  ])('with %s is refused', (_, body) => {
    expect(() => sendJson(bitbucket, 'open pull request', body)).toThrow(
      /^The (gateway does not pass this on|CMS writes to the branch)/,
    );
  });

  it('is merged in the two ways of the CMSs', () => {
    const body = {
      message: 'Automatically generated. Merged on Netlify CMS.',
      close_source_branch: true,
      merge_strategy: 'squash',
    };
    expect(sendJson(bitbucket, 'merge', { ...body, type: 'x' }).body).toEqual({
      ...body,
      message: `${body.message}\n\nMerged-by: ${author}`,
    });
    expect(sendJson(bitbucket, 'merge', {}).body).toEqual({ message: `Merged-by: ${author}` });
    const other = { close_source_branch: false, merge_strategy: 'merge_commit' };
    expect(sendJson(bitbucket, 'merge', other).body).toEqual({ ...other, message: `Merged-by: ${author}` });
    for (const bad of [{ merge_strategy: 'fast_forward' }, { message: 'Mine' }, { close_source_branch: 1 }])
      expect(() => sendJson(bitbucket, 'merge', { ...body, ...bad })).toThrow();
  });

  it('has its state in a comment, and no other comments are written', () => {
    for (const raw of ['decap-cms/draft', 'netlify-cms/pending_review', 'ours: pending_publish'])
      expect(sendJson(bitbucket, 'comment', { content: { raw, markup: 'x' }, parent: {} }).body).toEqual({
        content: { raw },
      });
    for (const raw of ['Hello', '@team draft', 'a\ndraft', 1, undefined])
      expect(() => sendJson(bitbucket, 'comment', { content: { raw } })).toThrow();
  });

  const end = (name: string) => ({
    branch: { name },
    commit: { hash: '0123456789ab' },
    repository: { full_name: 'Team/Site' },
  });
  const good = { source: end('cms/posts/a'), destination: end('main') };
  it.each(['comment', 'merge', 'decline'])('is looked up before: %s', async (rule) => {
    const look = (request: object) =>
      lookUp(bitbucket, rule, knows({ '/pullrequests': request, '/diffstat': { values: [] } }));
    await expect(look(good)).resolves.toBeUndefined();
    for (const bad of [
      { ...good, source: end('feature') },
      { ...good, destination: end('production') },
      { ...good, source: { ...end('cms/posts/a'), repository: { full_name: 'other/site' } } },
      { ...good, source: { ...end('cms/posts/a'), repository: null } },
      { ...good, destination: { ...end('main'), repository: undefined } },
      {},
    ])
      await expect(look(bad)).rejects.toThrow('none of the CMS');
  });
});

describe('a search for drafts', () => {
  const query = (repository: string, source: string, target = 'main') =>
    `source.repository.full_name = "${repository}" AND state = "OPEN" AND destination.branch.name = "${target}" AND comment_count > 0 AND source.branch.name ${source}`;

  it('gets the name of the repository, which the CMS does not know', () => {
    for (const source of ['~ "cms/"', '= "cms/posts/a"']) {
      expect(ask(bitbucket, 'pull requests', 'q', query('', source))).toBe(query('team/site', source));
      expect(ask(bitbucket, 'pull requests', 'q', query('team/site', source))).toBe(query('team/site', source));
    }
  });

  it.each([
    query('other/site', '~ "cms/"'),
    query('', '~ ""'),
    query('', '= "main"'),
    query('', '= "cms/a" OR state = "MERGED"'),
    query('', '= "cms/a\\" OR title ~ \\"x"'),
    query('', '~ "cms/"', 'a" OR title ~ "'),
    query('', '= "cms/../main"'),
    query('', '~ "cms//"'),
    query('', '= "cms/a/./b"'),
    `title ~ "x" AND ${query('', '~ "cms/"')}`,
    `${query('', '~ "cms/"')} AND title ~ "x"`,
    '',
    'state = "OPEN"',
  ])('%j is refused', (q) => {
    expect(() => ask(bitbucket, 'pull requests', 'q', q)).toThrow();
  });
});

describe('a list points to its next page here', () => {
  const answer = ruleOf(bitbucket, 'commits').answer;
  const link = (url: string) => (url.startsWith('https://api/') ? url.slice('https://api'.length) : undefined);

  it('and to no page elsewhere', () => {
    const values = [{ next: 'https://api/inner' }];
    expect(answer?.({ values, next: 'https://api/n', previous: 'https://evil/p' }, link)).toEqual({
      values,
      next: '/n',
    });
    expect(answer?.({ values, next: 1 }, link)).toEqual({ values });
  });

  it('a file that was asked for like a list stays as it is', () => {
    for (const file of [{ next: 'https://api/n' }, [], 'x', null, { values: 1, next: 'x' }])
      expect(answer?.(file, link)).toBe(file);
  });
});

describe('what a merge brings', () => {
  const end = (name: string, hash: unknown) => ({
    branch: { name },
    commit: { hash },
    repository: { full_name: 'team/site' },
  });
  const side = (path: unknown, ...attributes: string[]) => ({ path, attributes });
  const merge = (diffstat: unknown, from: unknown = 'abcdef0', to: unknown = '0'.repeat(64)) =>
    lookUp(
      bitbucket,
      'merge',
      knows({
        '/pullrequests/7': { source: end('cms/posts/a', from), destination: end('main', to) },
        [`/diffstat/${String(from)}..${String(to)}?merge=true&pagelen=500`]: diffstat,
      }),
    );
  const fresh = side('content/a.md');

  it('is plain files of editors, or programs that were so before, and no links', async () => {
    for (const change of [
      { old: null, new: fresh },
      { old: fresh, new: null },
      { old: fresh },
      { old: side('content/b.md'), new: { path: 'content/a.md' } },
      { old: side('content/a.md', 'executable'), new: side('content/a.md', 'executable') },
      { old: side('content/a.md', 'executable'), new: fresh },
      { old: fresh, new: side('content/a.md', 'lfs') },
    ])
      expect(await merge({ values: [{ old: fresh, new: fresh }, change] }), JSON.stringify(change)).toBeUndefined();
    for (const change of [
      ...['link', 'executable', 'subrepository'].flatMap((special) => [
        { old: null, new: side('content/a.md', special) },
        { old: fresh, new: side('content/a.md', 'x', special) },
      ]),
      // They may lead elsewhere now.
      { old: side('content/a.md', 'link'), new: side('content/a.md', 'link') },
      { old: side('content/a.md', 'executable'), new: side('content/a.md', 'link') },
      { old: side('content/a.md', 'subrepository'), new: side('content/a.md', 'subrepository') },
      { old: null, new: side('package.json') },
      { old: side('package.json'), new: null },
      { old: side('package.json'), new: fresh },
      { old: null, new: side(undefined) },
      { old: null, new: null },
      {},
      null,
    ])
      await expect(merge({ values: [{ old: fresh, new: fresh }, change] }), JSON.stringify(change)).rejects.toThrow(
        'not for editors',
      );
  });

  it('is shown whole, between two commits', async () => {
    for (const cut of [{ values: [], next: 'https://api/n' }, { values: null }, {}, null])
      await expect(merge(cut)).rejects.toThrow('more than can be checked');
    for (const hash of [null, 7, 1234567, 'main', 'abcdef', 'a'.repeat(65), 'ABCDEF0', 'abcdef0?x', 'xabcdef0'])
      for (const ends of [
        [hash, 'abcdef0'],
        ['abcdef0', hash],
      ])
        await expect(merge({ values: [] }, ...(ends as [unknown, unknown]))).rejects.toThrow('has no commit');
  });
});

describe('where a commit goes', () => {
  const [tip, parent, draft, base] = ['a', 'b', 'c', 'd'].map((digit) => digit.repeat(40));
  const look = (branch: string, parents: string | undefined, merged: unknown = undefined, published: unknown = tip) =>
    lookUp(
      bitbucket,
      'commit',
      knows({
        '/refs/branches/main': { target: { hash: published } },
        '/refs/branches/cms/posts/a': { target: { hash: draft } },
        '/merge-base/': merged,
      }),
      { branch, parents },
    );

  it('is what is published, or the tip of the draft', async () => {
    expect(await look('cms/posts/a', undefined)).toBeUndefined();
    expect(await look('cms/posts/a', tip)).toBeUndefined();
    expect(await look('main', tip)).toBeUndefined();
    expect(await look('cms/posts/a', draft)).toBeUndefined();
    // Somebody has published meanwhile.
    expect(await look('cms/posts/a', parent, { hash: parent })).toBeUndefined();
    expect(await look('main', parent, { hash: parent })).toBeUndefined();
    for (const [branch, parents, merged] of [
      ['cms/posts/a', parent, { hash: base }],
      ['cms/posts/a', parent, undefined],
      ['cms/posts/b', draft, { hash: base }],
      ['main', draft, { hash: base }],
    ] as const)
      await expect(look(branch, parents, merged), branch).rejects.toThrow('begins at a commit of the branch');
    // Nothing is asked of Bitbucket under a name that is no hash.
    await expect(look('cms/posts/a', parent, { hash: parent }, '../x')).rejects.toThrow('begins at a commit');
  });
});

describe('what Bitbucket says of a repository', () => {
  it.each([
    ['unknown', undefined],
    ['unknown', ''],
    ['write', 'repository:write'],
    ['write', 'account, repository:admin'],
    ['read', 'repository'],
    ['read', 'repository:read'],
  ])('means %s with the scopes %j', (rights, scopes) => {
    expect(bitbucket.repository.rights({}, scopes)).toBe(rights);
  });

  it('points to its own pages', () => {
    for (const each of ['/repositories/team/site/commits', '/repositories/%7B1%7D/%7B2%7D/commits'])
      expect(each.replace(bitbucket.links.prefix, '')).toBe('/commits');
    for (const each of ['/repositories/team/site', '/repositories/team', '/x/repositories/team/site/y'])
      expect(bitbucket.links.prefix.test(each), each).toBe(false);
  });
});
