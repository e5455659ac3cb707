import { describe, expect, it } from 'vitest';
import { readMultipart } from '../../lib/gateway/rules/multipart.ts';
import { ask, bitbucket, call, knows, lookUp, ruleOf, sendJson } from '../gateway/rules.ts';

type Entries = Array<[name: string, value: string | { file: string; called?: string }]>;

/** As the CMSs send it: the boundary and all else are the platform's. */
async function send(entries: Entries) {
  const form = new FormData();
  for (const [name, value] of entries)
    if (typeof value === 'string') form.append(name, value);
    else form.append(name, new Blob([value.file]), value.called ?? name.split('/').at(-1));
  const response = new Response(form);
  const type = response.headers.get('content-type') ?? '';
  const bytes = Buffer.from(await response.arrayBuffer());
  const sent = ruleOf(bitbucket, 'commit').body?.judge({ bytes, type }, call(bitbucket)).write({});
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
