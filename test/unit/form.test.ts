import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readMultipart, writeMultipart } from '../../lib/gateway/rules/multipart.ts';

/** As the web platform writes a form. */
async function encode(form: FormData) {
  const response = new Response(form);
  return { type: response.headers.get('content-type') ?? '', body: new Uint8Array(await response.arrayBuffer()) };
}

const type = 'multipart/form-data; boundary=b';
const bytes = (text: string) => Buffer.from(text, 'latin1');
const part = (name: string, content: string) =>
  `--b\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${content}\r\n`;
const good = `${part('branch', 'main')}--b--\r\n`;

const name = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 40 })
  // What a browser would have to escape, and what no header takes.
  // oxlint-disable-next-line no-control-regex
  .filter((text) => !/["\\]|[\u0000-\u001f\u007f-\u009f\u2028\u2029]|%(22|0d|0a)/i.test(text) && text.trim() === text);

describe('what a browser sends is read as it was meant', () => {
  it('whatever the names and contents are', async () => {
    const file = fc.record({ name, content: fc.uint8Array({ maxLength: 200 }) });
    const value = fc.record({ name, text: fc.string({ unit: 'grapheme' }) });
    await fc.assert(
      fc.asyncProperty(fc.array(file, { maxLength: 5 }), fc.array(value, { maxLength: 5 }), async (files, values) => {
        fc.pre(files.length + values.length > 0);
        const form = new FormData();
        for (const { name: path, content } of files) form.append(path, new Blob([content]), 'file');
        for (const { name: key, text } of values) form.append(key, text);
        const { type: contentType, body } = await encode(form);
        const parts = readMultipart(contentType, body)?.map(({ content, ...rest }) => ({
          ...rest,
          content: Buffer.from(content).toString('hex'),
        }));
        const hex = (text: string) => Buffer.from(text.replaceAll(/\r\n|\r|\n/g, '\r\n')).toString('hex');
        expect(parts).toEqual([
          ...files.map(({ name: path, content }) => ({
            name: path,
            filename: 'file',
            content: Buffer.from(content).toString('hex'),
          })),
          ...values.map(({ name: key, text }) => ({ name: key, filename: undefined, content: hex(text) })),
        ]);
      }),
    );
  });

  it('with as many files, and as large ones, as a body can hold', async () => {
    const form = new FormData();
    const content = new Uint8Array(3 * 1024 * 1024).fill(10);
    for (let index = 0; index < 4; index += 1) form.append(`static/${index}.jpg`, new Blob([content]), 'x.jpg');
    const { type: contentType, body } = await encode(form);
    expect(readMultipart(contentType, body)?.map((each) => each.content.length)).toEqual(Array(4).fill(content.length));
  });

  it('in small values, too', () => {
    expect(readMultipart(type, bytes(good))).toEqual([{ name: 'branch', filename: undefined, content: bytes('main') }]);
  });
});

describe('the header of a form', () => {
  const named = (boundary: string) => bytes(good.replaceAll('--b', `--${boundary}`));
  const read = (start: string, boundary: string) => readMultipart(`${start}${boundary}`, named(boundary));

  it('names a boundary of up to 70 characters (RFC 2046, 5.1.1), with a blank before it or without', () => {
    for (const start of [
      'multipart/form-data; boundary=',
      'multipart/form-data;boundary=',
      'Multipart/Form-Data; boundary=',
    ])
      for (const boundary of ['b', '-_-B1', 'x'.repeat(70)]) expect(read(start, boundary), start).toHaveLength(1);
    expect(read('multipart/form-data; boundary=', 'x'.repeat(71))).toBeUndefined();
    for (const start of [
      'x-multipart/form-data; boundary=',
      'multipart/form-data;  boundary=',
      ' multipart/form-data; boundary=',
    ])
      expect(read(start, 'b'), start).toBeUndefined();
    for (const end of [' ', ';', '"', '; charset=utf-8', '\n'])
      expect(readMultipart(`${type}${end}`, named('b')), end).toBeUndefined();
    for (const none of [undefined, 'multipart/form-data']) {
      expect(readMultipart(none, named('b'))).toBeUndefined();
      expect(readMultipart(none, named('undefined'))).toBeUndefined();
    }
  });
});

describe('a file in a form', () => {
  const file = (filename: string, its: string) =>
    readMultipart(
      type,
      bytes(
        `--b\r\nContent-Disposition: form-data; name="a"; filename="${filename}"\r\nContent-Type: ${its}\r\n\r\nx\r\n--b--`,
      ),
    );

  it('has a type as browsers write one', () => {
    for (const its of [
      'text/plain',
      'image/svg+xml',
      'application/x-a.b_c-d',
      'text/a; charset=utf-8',
      'text/a;charset=x',
    ])
      expect(file('a.md', its), its).toHaveLength(1);
    for (const its of [
      'text',
      'text/',
      '/plain',
      'text/plain/x',
      'text/plain;',
      'text/plain; charset=',
      'text/plain; charset=a b',
      'text/plain; charset=a; charset=b',
      'text/plain;  charset=a',
      'text/plain; name=a',
      'text /plain',
      '"text"/plain',
      'multipart/mixed; boundary=c',
    ])
      expect(file('a.md', its), its).toBeUndefined();
  });

  it('has a name without a path, of signs that everybody reads alike', () => {
    for (const name of ['a', 'a.md', 'a b.md', "l'a;b=c.md", '%41'])
      expect(file(name, 'text/plain'), name).toHaveLength(1);
    for (const name of ['', 'a/b', '/a', 'a\\b', 'a"b', 'a\tb', 'a\x7fb'])
      expect(file(name, 'text/plain'), name).toBeUndefined();
  });
});

describe('the name of a part', () => {
  const named = (name: string) =>
    readMultipart(type, Buffer.from(`--b\r\nContent-Disposition: form-data; name="${name}"\r\n\r\nx\r\n--b--`));

  it('has no blank at an end, of any language’s kind', () => {
    for (const name of ['a', 'a b', '%41', '%2', '%0b', 'a%22'.slice(0, 3)]) expect(named(name), name).toHaveLength(1);
    for (const blank of [' ', '\u00a0', '\u3000', '\u2003', '\ufeff']) {
      expect(named(`${blank}a`)).toBeUndefined();
      expect(named(`a${blank}`)).toBeUndefined();
      expect(named(`a${blank}b`)).toHaveLength(1);
    }
    for (const name of ['a%22', 'a%0d', 'a%0D', 'a%0a', 'a%0Ab', 'a\u0085b', 'a\u2028b', 'a\u2029b', 'a\\b'])
      expect(named(name), name).toBeUndefined();
  });
});

it('a thousand parts are read, and a form may end with its line or without', () => {
  const many = part('a', '').repeat(1000);
  for (const end of ['--b--', '--b--\r\n']) expect(readMultipart(type, bytes(many + end))).toHaveLength(1000);
  for (const end of ['--b--\r', '--b--\n', '--b--\r\n\r\n', '--b--xx', '--b-', '--b'])
    expect(readMultipart(type, bytes(part('a', 'x') + end)), end).toBeUndefined();
});

describe('a form written anew', () => {
  it('says the same, and brings nothing of the spelling with it', async () => {
    const form = new FormData();
    form.append('content/ü.md', new Blob(['x'], { type: 'text/x-odd' }), 'another name.md');
    form.append('branch', 'main');
    const { type: contentType, body } = await encode(form);
    const parts = readMultipart(contentType, body) ?? [];
    const made = writeMultipart(parts);
    const again = readMultipart(made.type, made.body);
    expect(again?.map(({ name: key, content }) => [key, String(Buffer.from(content))])).toEqual([
      ['content/ü.md', 'x'],
      ['branch', 'main'],
    ]);
    for (const gone of ['another name', 'text/x-odd', contentType.split('boundary=')[1] ?? ''])
      expect(made.body.includes(gone)).toBe(false);
  });

  it('has another boundary each time, which whoever sent the form cannot know', () => {
    const parts = readMultipart(type, bytes(good)) ?? [];
    expect(writeMultipart(parts).type).not.toBe(writeMultipart(parts).type);
    expect(writeMultipart(parts).type).toMatch(/boundary=[\w-]{30,70}$/);
  });
});

describe('what another parser could read differently is refused', () => {
  const header = 'Content-Disposition: form-data; name="branch"';
  it.each([
    ['no boundary', 'multipart/form-data', good],
    ['two boundaries', 'multipart/form-data; boundary=b; boundary=c', good],
    ['a quoted boundary', 'multipart/form-data; boundary="b"', good],
    ['a boundary that continues', 'multipart/form-data; boundary*0=b', good],
    ['another type', 'multipart/mixed; boundary=b', good],
    ['an empty body', type, ''],
    ['a preamble', type, `x\r\n${good}`],
    ['a line before the first part', type, `\r\n${good}`],
    ['an epilogue', type, `${good}x`],
    ['a second form behind the first', type, good + good],
    ['a line too many at the end', type, `${good}\r\n`],
    ['no end', type, part('branch', 'main')],
    ['half an end', type, `${part('branch', 'main')}--b-`],
    ['blanks behind a boundary', type, good.replace('--b\r\n', '--b  \r\n')],
    ['a longer boundary', type, good.replaceAll('--b', '--bc')],
    ['bare line feeds', type, good.replaceAll('\r\n', '\n')],
    ['a bare line feed behind the boundary', type, good.replace('--b\r\n', '--b\n\n')],
    ['a boundary behind a bare line feed', type, good.replace('main', `main\n--b\n${header}\n\nother`)],
    ['a boundary in mid-line', type, good.replace('main', 'main--b')],
    ['no headers', type, '--b\r\n\r\nmain\r\n--b--\r\n'],
    ['another header', type, good.replace('\r\n\r\n', '\r\nContent-Transfer-Encoding: base64\r\n\r\n')],
    ['a header twice', type, good.replace('\r\n\r\n', `\r\n${header}\r\n\r\n`)],
    ['a header before', type, good.replace('Content', 'X-A: b\r\nContent')],
    ['a folded header', type, good.replace('; name', ';\r\n name')],
    ['a line that is no header', type, good.replace('\r\n\r\n', '\r\nwhatever\r\n\r\n')],
    ['a blank before the colon', type, good.replace('tion:', 'tion :')],
    ['a lower-case header', type, good.replace('Content-Disposition', 'content-disposition')],
    ['two blanks', type, good.replace('; name', ';  name')],
    ['an unquoted name', type, good.replace('"branch"', 'branch')],
    ['two names', type, good.replace('name="branch"', 'name="branch"; name="files"')],
    ['an extended name', type, good.replace('name="branch"', 'name="branch"; filename*=UTF-8\'\'x')],
    ['an escaped quote', type, good.replace('branch', 'bra\\"nch')],
    ['a percent-encoded quote', type, good.replace('branch', 'bra%22nch')],
    ['a percent-encoded line end', type, good.replace('branch', 'bra%0d%0anch')],
    ['a blank behind a name', type, good.replace('branch', 'branch ')],
    ['a blank before a name', type, good.replace('branch', ' branch')],
    ['a blank of another kind', type, Buffer.from(good.replace('branch', 'branch\u3000')).toString('latin1')],
    ['an empty file name', type, good.replace('"branch"', '"branch"; filename=""')],
    [
      'an empty file name with a type',
      type,
      good.replace('"branch"\r\n', '"branch"; filename=""\r\nContent-Type: text/plain\r\n'),
    ],
    ['a file without a type', type, good.replace('"branch"', '"branch"; filename="x"')],
    ['an empty name', type, good.replace('branch', '')],
    ['a null in a name', type, good.replace('branch', 'bra\0nch')],
    ['a tab in a name', type, good.replace('branch', 'bra\tnch')],
    ['a name that is not UTF-8', type, good.replace('branch', 'bra\xffnch')],
    ['an attachment', type, good.replace('form-data; name', 'attachment; name')],
    ['a path as a file name', type, good.replace('"branch"', '"branch"; filename="../x"')],
    ['a type for a value', type, good.replace('\r\n\r\n', '\r\nContent-Type: text/plain; charset=utf-16\r\n\r\n')],
    [
      'a form within a form',
      type,
      good.replace('"branch"\r\n', '"a"; filename="a"\r\nContent-Type: multipart/mixed; boundary=c\r\n'),
    ],
    ['a header without an end', type, `--b\r\n${header}`],
    ['a huge header', type, good.replace('branch', 'b'.repeat(9000))],
  ])('%s', (_, contentType, body) => {
    expect(readMultipart(contentType, bytes(body))).toBeUndefined();
  });

  it('one byte too many, unless the content or a name has it', () => {
    const body = bytes(good);
    for (let at = 0; at <= body.length; at += 1)
      for (let byte = 0; byte < 256; byte += 1) {
        const changed = Buffer.concat([body.subarray(0, at), Buffer.of(byte), body.subarray(at)]);
        const [only, ...more] = readMultipart(type, changed) ?? [];
        const isSame = only?.name === 'branch' && only.content.length === 'main'.length;
        if (isSame || more.length > 0) expect.fail(JSON.stringify(changed.toString('latin1')));
      }
  });

  it('too many parts', () => {
    expect(readMultipart(type, bytes(`${part('a', '').repeat(1001)}--b--`))).toBeUndefined();
  });
});
