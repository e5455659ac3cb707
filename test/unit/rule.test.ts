/** What the rules of all hosts are made of: what a value may be, to the last character, and what a body may hold. */
import { describe, expect, it } from 'vitest';
import {
  isSha,
  jsonBody,
  number,
  otherBranch,
  readJson,
  record,
  records,
  sha,
  signedMessage,
  signerOf,
  text,
  usualBody,
  type Call,
  type QueryValue,
} from '../../lib/gateway/rules/rule.ts';
import {
  checkBranch,
  checkFiles,
  file,
  flag,
  folder,
  labels,
  page,
  published,
  revision,
  signature,
  size,
  status,
  withEditor,
} from '../../lib/gateway/rules/values.ts';
import { call, github } from '../gateway/rules.ts';

const ours = call(github);
const { gateway } = ours;
const refused = expect.objectContaining({ code: 'NOT_ALLOWED' });

describe('A value of a query or a path', () => {
  const values: [what: string, value: QueryValue, good: string[], bad: string[]][] = [
    ['a number of entries', size, ['1', '9', '20', '999'], ['', '0', '01', '1000', '-1', '1.5', 'x1', '1x', ' 1']],
    [
      'a page',
      page,
      ['2', 'a', 'Zm9v+/=', 'a.b~c-d_e', 'x'.repeat(512)],
      ['', 'x'.repeat(513), 'a b', 'a&b', 'a?b', '#', 'a%b', 'ü', 'a\n', '\na'],
    ],
    ['yes or no', flag, ['true', 'false'], ['', '1', 'TRUE', 'truefalse', 'xtrue']],
    ['a folder', folder, ['', '/', 'a', '/a', 'a/', '/a/b/'], ['//', '//a', 'a//b', 'a/..', '..', 'a\\b', '/./']],
    ['a branch', revision, ['main', 'cms/posts/a', 'a'.repeat(40)], ['', '-a', 'a..b', 'main:x', 'a b']],
    ['the published branch', published, ['main'], ['', 'Main', 'cms/posts/a', 'main ']],
  ];
  it.each(values)('is %s and nothing else', (_, value, good, bad) => {
    for (const each of good) expect(value(each, ours), each).toBe(each);
    for (const each of bad) expect(() => value(each, ours), JSON.stringify(each)).toThrow(refused);
  });

  it('is a number as hosts count', () => {
    for (const each of ['1', '42', '1'.repeat(15)]) expect(number.check(each, gateway), each).toBe(true);
    for (const each of ['', '0', '07', '1'.repeat(16), '-1', '1e3', 'x7', '7x', '7\n'])
      expect(number.check(each, gateway), each).toBe(false);
  });

  it('is a hash of Git’s: 40 digits, or 64 by its newer kind', () => {
    for (const each of ['a'.repeat(40), '0123456789abcdef'.repeat(4)]) {
      expect(isSha(each)).toBe(true);
      expect(sha.check(each, gateway)).toBe(true);
    }
    const bad = [39, 41, 63, 65, 104].map((length) => 'a'.repeat(length));
    for (const each of [...bad, 'A'.repeat(40), `x${'a'.repeat(40)}`, `${'a'.repeat(40)}\n`, 'g'.repeat(40), ''])
      expect(isSha(each), each).toBe(false);
    for (const each of [undefined, null, 7, ['a'.repeat(40)]]) expect(isSha(each)).toBe(false);
  });

  it('is a file', () => {
    expect(file.check('content/a.md', gateway)).toBe(true);
    expect(file.check('content/../a.md', gateway)).toBe(false);
    expect(file.check('a'.repeat(4096), gateway)).toBe(true);
    expect(file.check('a'.repeat(4097), gateway)).toBe(false);
  });
});

describe('A branch that is written to', () => {
  it('is the published one or a draft', () => {
    for (const each of ['main', 'cms/posts/a']) expect(() => checkBranch(each, gateway)).not.toThrow();
    expect(() => checkBranch('other', gateway)).toThrow(expect.objectContaining({ code: 'OTHER_BRANCH' }));
    for (const each of ['cms/a b', 'cms/a..b', 'a b', '', undefined, null, 7, ['main']])
      expect(() => checkBranch(each, gateway), JSON.stringify(each)).toThrow(refused);
  });
});

it('A branch that is refused is named only if it can be one', () => {
  expect(otherBranch('other', gateway).code).toBe('OTHER_BRANCH');
  for (const each of ['a b', '', undefined, 7, { length: 1 }])
    expect(otherBranch(each, gateway).code).toBe('NOT_ALLOWED');
});

describe('The state of a draft', () => {
  const states = ['draft', 'pending_review', 'pending_publish', 'pending_deletion'];

  it('is one that the CMSs know, with the prefix of the owner', () => {
    for (const each of [...states, 'decap-cms/draft', 'netlify-cms/pending_review', `${'x'.repeat(100)}draft`])
      expect(status(each)).toBe(each);
    const bad = ['', 'Draft', 'drafts', 'draft ', 'automerge', 'draft\n', `${'x'.repeat(101)}draft`];
    for (const each of [...bad, ...[...'@<>[](),\n\u0085'].map((sign) => `${sign}draft`)])
      expect(() => status(each), JSON.stringify(each)).toThrow(refused);
  });

  it('takes the place of the one before; the labels of others stay', () => {
    expect(labels(['cms/draft'], [])).toEqual(['cms/draft']);
    expect(labels(['cms/pending_review'], ['cms/draft', 'bug'])).toEqual(['bug', 'cms/pending_review']);
    expect(labels(['bug', 'cms/draft'], ['cms/draft', 'bug'])).toEqual(['bug', 'cms/draft']);
    // What others have put on is not taken off, either.
    expect(labels([], ['cms/draft', 'bug'])).toEqual(['bug']);
    for (const wanted of [['automerge'], ['cms/draft', 'automerge'], ['cms/draft', 'cms/pending_review']])
      expect(() => labels(wanted, ['bug'])).toThrow(refused);
  });
});

describe('What a draft brings', () => {
  const check = (...changes: Parameters<typeof checkFiles>[1]) => checkFiles(ours, changes);

  it('is files that editors may write, by each name that they have or had', () => {
    expect(() => check()).not.toThrow();
    const [a, b] = ['content/a.md', 'content/b.md'];
    expect(() => check({ before: a, after: a }, { before: a, after: b })).not.toThrow();
    expect(() => check({ before: undefined, after: a }, { before: b, after: undefined })).not.toThrow();
    expect(() => check({ before: a, after: a, isSpecial: false })).not.toThrow();
    for (const other of ['package.json', null, 7, [a]])
      for (const change of [
        { before: other, after: other },
        { before: a, after: other },
        { before: other, after: a },
        { before: undefined, after: other },
        { before: other, after: undefined },
      ])
        expect(() => check({ before: a, after: a }, change), JSON.stringify(change)).toThrow(refused);
    expect(() => check({ before: undefined, after: undefined })).toThrow(refused);
  });

  it('is no link and no program', () => {
    expect(() => check({ before: 'content/a.md', after: 'content/a.md', isSpecial: true })).toThrow(refused);
  });
});

describe('Who it was', () => {
  const named = (name: string, committer: string | undefined = 'app') =>
    ({ gateway: { committer }, editor: { name }, email: 'zoe@example.org' }) as Call;
  const line = 'Co-authored-by: Zoë <zoe@example.org>';

  it('stands as Git writes it', () => {
    expect(signature(' Z<o>ë\n ', 'zoe@example.org')).toBe('Zoë <zoe@example.org>');
    expect(withEditor(undefined, named('Zoë'))).toBe('Merged-by: Zoë <zoe@example.org>');
    expect(withEditor('Words', named(' Zoë '))).toBe('Words\n\nMerged-by: Zoë <zoe@example.org>');
  });

  it('stands at the end of a message, behind an empty line, once', () => {
    const ann = 'Co-authored-by: Ann <ann@example.org>';
    expect(signedMessage('x', named(' Zoë '))).toBe(`x\n\n${line}`);
    expect(signedMessage('x\n\n', named('Zoë'))).toBe(`x\n\n${line}`);
    expect(signedMessage(`x\n\n${ann}`, named('Zoë'))).toBe(`x\n\n${ann}\n${line}`);
    expect(signedMessage(`x\n\n${line}\n`, named('Zoë'))).toBe(`x\n\n${line}`);
    // These only look like it.
    for (const end of ['Co-authored-by: Ann', `see ${ann}`, `${ann}!`, 'Co-authored-by: A <a b@example.org>'])
      expect(signedMessage(`x\n\n${end}`, named('Zoë'))).toBe(`x\n\n${end}\n\n${line}`);
    expect(signedMessage('x\n', named('Zoë', 'editor'))).toBe('x\n');
  });

  it('is read from the last line alone', () => {
    expect(signerOf(`x\n\n${line}\n`)).toBe('zoe@example.org');
    expect(signerOf(`${line}\n\nx`)).toBeUndefined();
    for (const other of [`see ${line}`, `${line}!`, 'Co-authored-by: Zoë <>', 'Co-authored-by: Zoë <a b>', '', 7, null])
      expect(signerOf(other)).toBeUndefined();
    // A name cannot bring a second address along.
    expect(signerOf('Co-authored-by: A <a@example.org> B <b@example.org>')).toBeUndefined();
  });
});

describe('A body', () => {
  const bytes = (value: unknown) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value));

  it('is an object', () => {
    expect(readJson(bytes({ a: 1 }))).toEqual({ a: 1 });
    for (const each of ['[]', 'null', '7', '"a"', '', '{', '{"a":"\xff"}'])
      expect(() => readJson(Buffer.from(each, 'latin1')), each).toThrow(refused);
  });

  it('holds no more entries than a CMS changes at once, and those are counted outside of texts', () => {
    // One of them is the object itself, and one the list; each comma is an entry.
    const list = (length: number) => ({ a: Array.from({ length }, () => 1) });
    expect(readJson(bytes(list(49_999)))).toEqual(list(49_999));
    expect(() => readJson(bytes(list(50_000)))).toThrow(refused);
    expect(() => readJson(bytes(`{"a":[${'[],'.repeat(30_000)}[]]}`))).toThrow(refused);
    expect(() => readJson(bytes(`{"a":[${'{},'.repeat(30_000)}{}]}`))).toThrow(refused);
    const many = ',[{'.repeat(30_000);
    for (const each of [many, `"${many}`, `\\${many}`, `\\"${many}`, `${many}\\`, `${many}\\\\"`])
      expect(readJson(bytes({ a: each, b: [1] }))).toEqual({ a: each, b: [1] });
    // What is behind a text counts again.
    for (const each of ['', 'a', '\\', '"', '\\"', '\\\\', 'a\\'])
      expect(() => readJson(bytes({ before: each, ...list(49_999) })), each).toThrow(refused);
    expect(() => readJson(bytes(`"${many}`))).toThrow(refused);
  });

  it('comes under the names that browsers give to JSON and to nothing', () => {
    const body = jsonBody('nothing', (given) => given);
    const judge = (type: string) => body.judge({ bytes: bytes({ a: 1 }), type }, ours).values;
    for (const type of ['application/json', 'Application/JSON; charset=utf-8', 'application/json ;x', 'text/plain', ''])
      expect(judge(type), type).toEqual({ a: 1 });
    expect(judge('text/plain;charset=UTF-8')).toEqual({ a: 1 });
    expect(judge('text/plain ; charset=UTF-8')).toEqual({ a: 1 });
    for (const type of [
      'application/jsonp',
      'x-application/json',
      'application/json x',
      'text/plainer',
      'x-text/plain',
      'text/html',
      ' ',
    ])
      expect(() => judge(type), type).toThrow(refused);
  });

  it('is written anew, with what was looked up', () => {
    const { write } = jsonBody('a', ({ a }) => ({ a })).judge({ bytes: bytes({ a: 1, b: 2 }), type: '' }, ours);
    expect(write({})).toEqual({ body: '{"a":1}', type: 'application/json' });
    expect(write({ sha: 'x' })).toEqual({ body: '{"a":1,"sha":"x"}', type: 'application/json' });
  });

  it('is as large as the platform takes only where it carries a file', () => {
    expect(jsonBody('a', (given) => given).limit).toBe(usualBody);
    expect(jsonBody('a', (given) => given, { carriesFile: true }).limit).toBeUndefined();
  });

  it('holds texts of whole characters, as long as they may be', () => {
    expect(text('', 'a')).toBe('');
    expect(text('👩', 'a')).toBe('👩');
    expect(text('a'.repeat(65_536), 'a')).toHaveLength(65_536);
    expect(text('abc', 'a', 3)).toBe('abc');
    for (const each of ['a'.repeat(65_537), '\ud83d', 'a\udc69', 7, null, undefined, ['a'], {}])
      expect(() => text(each, 'a')).toThrow(refused);
    expect(() => text('abcd', 'a', 3)).toThrow(refused);
  });

  it('and an answer are read as what they are', () => {
    expect(record({ a: 1 })).toEqual({ a: 1 });
    for (const each of [null, undefined, 'a', 7, [{ a: 1 }]]) expect(record(each)).toEqual({});
    expect(records([{ a: 1 }, null, 'a'])).toEqual([{ a: 1 }, {}, {}]);
    for (const each of [{ length: 0 }, null, undefined, 'a']) expect(records(each)).toBeUndefined();
  });
});
