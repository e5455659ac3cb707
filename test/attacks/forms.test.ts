/**
 * Bitbucket's API runs on Django, which reads a form in its own way. What the gateway has judged and what the host then reads have to
 * be one and the same. So each form here is read by us, by Django and by Werkzeug: whatever is taken means the same to all three, as it
 * came and as we write it. The two are Debian's packages.
 */
import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { readMultipart, writeMultipart, type FormPart } from '../../lib/gateway/rules/multipart.ts';
import { bitbucket, call, ruleOf } from '../gateway/rules.ts';
import { attack } from './attack.ts';

interface Form {
  type: string;
  body: Uint8Array;
}

interface Reading {
  values: [name: string, hex: string][];
  files: [name: string, hex: string][];
}

// Debian's own, since another Python has not these packages.
const python = '/usr/bin/python3';

function peers(forms: readonly Form[]): { django: Reading; werkzeug: Reading }[] {
  const input = forms.map(({ type, body }) => JSON.stringify({ type, body: Buffer.from(body).toString('base64') }));
  const { stdout, stderr, status } = spawnSync(python, ['test/attacks/peers/forms.py'], {
    input: input.join('\n'),
    maxBuffer: 1024 ** 3,
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`${python} could not read the forms: ${stderr.slice(-500)}`);
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { django: Reading; werkzeug: Reading });
}

function reading(parts: readonly FormPart[]): Reading {
  const list = (isFile: boolean) =>
    parts
      .filter(({ filename }) => (filename !== undefined) === isFile)
      .map(({ name, content }): [string, string] => [name, Buffer.from(content).toString('hex')])
      .sort(byText);
  return { values: list(false), files: list(true) };
}

/** As Python sorts: by code points. */
const byText = (a: [string, string], b: [string, string]) =>
  Buffer.compare(Buffer.from(a[0]), Buffer.from(b[0])) || Buffer.compare(Buffer.from(a[1]), Buffer.from(b[1]));

const type = 'multipart/form-data; boundary=b';
const part = (header: string, content: string, more = '') =>
  `--b\r\nContent-Disposition: form-data; ${header}${more}\r\n\r\n${content}\r\n`;
const octets = '\r\nContent-Type: application/octet-stream';
const file = part('name="content/posts/a.md"; filename="a.md"', 'text', octets);
const branch = part('name="branch"', 'main');
const form = (...parts: string[]): Form => ({ type, body: Buffer.from(`${parts.join('')}--b--\r\n`) });

/** What the gateway makes of a form. */
function send({ type: contentType, body }: Form): Form | undefined {
  try {
    const given = { bytes: Buffer.from(body), type: contentType };
    const sent = ruleOf(bitbucket, 'commit').body?.judge(given, call(bitbucket)).write({});
    return sent && { type: sent.type, body: sent.body as Uint8Array };
  } catch {
    return undefined;
  }
}

beforeAll(() => {
  const { status, stderr } = spawnSync(python, ['-c', 'import django, werkzeug'], { encoding: 'utf8' });
  if (status !== 0)
    throw new Error(`Two parsers are missing: "apt-get install python3-django python3-werkzeug". ${stderr ?? ''}`);
});

describe('A form that Bitbucket could read in another way', () => {
  it.each<[string, Form]>([
    [
      'a branch behind a blank, as a file without a name',
      form(file, part('name="branch "; filename=""', 'production', octets)),
    ],
    [
      'an author behind a blank',
      form(file, branch, part('name="author "; filename=""', 'Boss <boss@example.org>', octets)),
    ],
    ['a pipeline behind a blank', form(part('name=" bitbucket-pipelines.yml"; filename="x"', 'x', octets), branch)],
    ['a deleted file behind a blank', form(file, branch, part('name="files "; filename="x"', 'README.md', octets))],
    [
      'a blank that no keyboard has',
      form(file, branch, part('name="branch\u3000"; filename="x"', 'production', octets)),
    ],
    [
      'a line end of another alphabet',
      form(file, branch, part('name="branch\u2028"; filename="x"', 'production', octets)),
    ],
    ['an empty file name', form(file, branch, part('name="message"; filename=""', 'x', octets))],
    ['a file name in quotes of another kind', form(file, branch, part("name='branch'", 'production'))],
    ['a file name beside the name', form(file, branch, part('name="branch"; filename*=UTF-8\'\'x', 'production'))],
    ['a name that is written twice', form(file, branch, part('name="content/x.md"; name="branch"', 'production'))],
    ['a semicolon in a name', form(file, branch, part('name="content/x;name=branch"', 'production'))],
    [
      'an encoding of its own',
      form(file, branch, part('name="branch"', 'cHJvZHVjdGlvbg==', '\r\nContent-Transfer-Encoding: base64')),
    ],
    ['a charset of its own', form(file, branch, part('name="_charset_"', 'utf-16'))],
    ['a file called like one', form(file, branch, part('name="_charset_"; filename="x"', 'utf-16', octets))],
  ])('%s is refused', (_, given) => {
    expect(send(given)).toBeUndefined();
  });

  const inserts = [
    ' ',
    '\t',
    '"',
    ';',
    '=',
    '\\',
    '\r\n',
    '\n',
    '\r',
    '\0',
    '\u00a0',
    '\u2028',
    '\u3000',
    '%22',
    '%0D%0A',
  ];
  const words = [
    'filename=""',
    '; filename="x"',
    'name="branch"',
    "filename*=UTF-8''x",
    '--b',
    '--b--',
    '\r\n--b\r\n',
    '*',
    '.',
    '/',
    '&#x2f;',
    ':',
    octets,
  ];
  const chars = fc.constantFrom(...inserts, ...words);
  const name = fc.constantFrom(
    'content/posts/a.md',
    'content/ü–ж.md',
    'content/a b;c=d.md',
    'branch',
    'files',
    'message',
    'parents',
    'author',
    "content/it's.md",
    'content/&#x2f;.md',
    'content/a%20b.md',
  );
  const text = fc.oneof(
    fc.constantFrom('main', 'cms/posts/a', 'content/b.md', 'production', ''),
    fc.string({ unit: 'grapheme', maxLength: 12 }),
  );
  const parts = fc.array(
    fc.oneof(
      fc.tuple(name, text).map(([key, value]) => part(`name="${key}"`, value)),
      fc
        .tuple(name, text, fc.constantFrom('a.md', 'blob', 'ü.png', '.', '..'))
        .map(([key, value, called]) => part(`name="${key}"; filename="${called}"`, value, octets)),
    ),
    { minLength: 1, maxLength: 4 },
  );
  /** A form as a browser writes it, and then a few changes anywhere. */
  const mutated = fc
    .tuple(
      parts,
      fc.array(fc.record({ at: fc.nat(), gone: fc.constantFrom(0, 0, 1, 2), put: chars }), { maxLength: 2 }),
    )
    .map(([written, changes]) => {
      let body = `${written.join('')}--b--\r\n`;
      for (const { at, gone, put } of changes) {
        const place = at % (body.length + 1);
        body = body.slice(0, place) + put + body.slice(place + gone);
      }
      return { type, body: Buffer.from(body) };
    });

  attack('means the same to us, to Django and to Werkzeug, as it came and as we write it, or is refused', () => {
    const forms = fc.sample(mutated, { numRuns: 20_000 });
    const taken = forms.flatMap((given) => {
      const read = readMultipart(given.type, given.body);
      return read ? [{ given, read }] : [];
    });
    expect(taken.length).toBeGreaterThan(2_000);
    const asItCame = peers(taken.map(({ given }) => given));
    const writtenAnew = peers(taken.map(({ read }) => writeMultipart(read)));
    for (const [index, { given, read }] of taken.entries()) {
      const ours = reading(read);
      const both = { django: ours, werkzeug: ours };
      expect(writtenAnew[index], String(given.body)).toEqual(both);
      // Django reads HTML's references in the name of a file and drops one that comes to nothing or to dots. We write "file" for each.
      const isPlain = read.every(({ filename = 'file' }) => !filename.includes('&') && !/^[.\s]+$/.test(filename));
      if (isPlain) expect(asItCame[index], String(given.body)).toEqual(both);
    }
    return `${forms.length} forms, ${taken.length} taken, read alike by all three`;
  });

  /** Near to what a CMS sends, so that many get through. */
  const nearly = fc.tuple(mutated, fc.boolean()).map(([{ body }, isFirst]) => {
    const rest = String(body);
    return {
      type,
      body: Buffer.from(isFirst ? branch + file + rest : file + rest.replace(/--b--\r\n$/, `${branch}--b--\r\n`)),
    };
  });

  attack('brings nothing to the host but what was judged', () => {
    const forms = fc.sample(nearly, { numRuns: 20_000 });
    const sent = forms.flatMap((given) => send(given) ?? []);
    expect(sent.length).toBeGreaterThan(200);
    for (const { django, werkzeug } of peers(sent)) {
      expect(werkzeug).toEqual(django);
      const said = (key: string) =>
        django.values.filter(([each]) => each === key).map(([, hex]) => Buffer.from(hex, 'hex').toString());
      expect(said('branch')).toEqual([expect.stringMatching(/^(main|cms\/.+)$/)]);
      expect(said('author')).toEqual(['Zoë Editor <zoe@example.org>']);
      for (const path of [...django.files.map(([each]) => each), ...said('files')])
        expect(path).toMatch(/^(content|static\/images)\//);
    }
    return `${sent.length} of ${forms.length} forms got through, each within the fence`;
  });
});
