/** The credential does not come back, however the host writes it: every way of writing that an answer passes through is tried. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { bytesHold, searchFor, textHolds } from '../../lib/gateway/secret.ts';
import { openWorld, startHost, upstreamToken, type Host } from '../contract/gateway/world.ts';
import type { Handler, HttpReply } from '../../lib/http/http.ts';

const hex = (character: string) => character.charCodeAt(0).toString(16).padStart(2, '0');
const escape = (character: string) => `\\u00${hex(character)}`;
const percent = (character: string) => `%${hex(character)}`;
const all = (how: (character: string) => string, text = upstreamToken) => [...text].map(how).join('');
const one = (how: (character: string) => string) => how(upstreamToken[0] ?? '') + upstreamToken.slice(1);

/** What a text means to whoever reads it on the other side. */
const written: [how: string, text: string][] = [
  ['as it is', upstreamToken],
  ['in escapes', all(escape)],
  ['in escapes with capitals', all((character) => escape(character).replace(/[a-f]/g, (digit) => digit.toUpperCase()))],
  ['with one escape', one(escape)],
  ['in percent', all(percent)],
  ['with one percent', one(percent)],
  ['in percent within escapes', all(escape, all(percent))],
  ['in escapes of escapes', all(escape, all(escape))],
  ['among more of it', `x ${all(escape)} y`],
];

describe('The credential of the gateway', () => {
  let host: Host;
  let handler: Handler;
  let world: ReturnType<typeof openWorld>;

  beforeAll(async () => {
    host = await startHost();
  });
  afterAll(() => host.close());
  beforeEach(() => {
    world = openWorld(host, async (made, request) => {
      handler = made;
      const reply = await handler({ ...request, platform: {}, body: () => [Buffer.from(request.body ?? '')] });
      raw = reply;
      return { ...reply, body: reply.body.toString() };
    });
  });
  let raw: HttpReply;

  const answer =
    (status: number, body: string | Buffer, headers: Record<string, string> = {}): Host['script'] =>
    (_, response) =>
      void response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(body);

  async function expectKept(script: Host['script'], path = '/git/github/branches/main') {
    host.script = script;
    const reply = await world.ask(path);
    expect(reply.status).toBe(502);
    const text = [...Object.values(raw.headers), reply.body, JSON.stringify(world.log)].join('\n');
    expect(text).toContain('GitHub');
    expect(textHolds(text, upstreamToken)).toBe(false);
  }

  describe.each(written)('written %s', (_, text) => {
    it.each([
      ['a value', `{"a":"${text}"}`],
      ['a name', `{"${text}":1}`],
      ['deep in it', `[{"a":[{"b":"${text}"}]}]`],
    ])('is not handed out as %s of an answer', (_what, body) => expectKept(answer(200, body)));

    it.each([400, 403, 404, 409, 422, 500])('nor in the words of a refusal (%i)', (status) =>
      expectKept(answer(status, `{"message":"${text}"}`)),
    );

    it('nor by a header', async () => {
      await expectKept(answer(200, '{}', { etag: `"${text}"` }));
      await expectKept(
        answer(200, '[]', { link: `<${host.url}/api/v3/repos/owner/name/pulls?page=${text}>; rel="next"` }),
        '/git/github/pulls',
      );
    });
  });

  it('is not put together by what reads an address, either: it leaves out tabs', () =>
    expectKept(
      answer(200, '[]', {
        link: `<${host.url}/api/v3/repos/owner/name/pulls?page=${upstreamToken.replace('_', '\t_')}>; rel="next"`,
      }),
      '/git/github/pulls',
    ));

  it.each([
    ['UTF-8', (text: string) => Buffer.from(text)],
    ['UTF-16', (text: string) => Buffer.from(text, 'utf16le')],
    ['UTF-16 the other way round', (text: string) => Buffer.from(text, 'utf16le').swap16()],
  ])('is in no file, in %s', async (_, bytes) => {
    const token = 'glpat-the-credential';
    Object.assign(world.env, {
      CMS_GATEWAY_TOKEN: token,
      GITHUB_URL: undefined,
      GITLAB_URL: host.url,
      CMS_GATEWAY_REPO: `${host.url}/group/project`,
      CMS_GATEWAY_PATHS: '**',
    });
    host.script = answer(200, bytes(`<b>${token}</b>`), { 'content-type': 'text/html; charset=utf-16' });
    const reply = await world.ask('/git/gitlab/repository/files/a.html/raw?ref=main');
    expect(reply.status).toBe(502);
  });

  it('is not in what looks up a draft, and of other answers nothing is kept back', async () => {
    host.script = answer(200, JSON.stringify({ a: '100 %', b: '\\u0067 "x" \\', c: 'ghp%20', d: 'ü\u0000' }));
    expect((await world.ask('/git/github/branches/main')).status).toBe(200);
  });

  // Settings take any token without blanks.
  it.each([
    ['in escapes', 'x\\u002541y'],
    ['in escapes of escapes', 'x\\\\u002541y'],
    ['in percent', 'x%2541y'],
    ['in percent within escapes', 'x\\u00252541y'],
  ])('is found, also if it holds what looks like percent itself, and is written %s', (_, text) => {
    expect(bytesHold(Buffer.from(`["${text}"]`), 'x%41y', true)).toBe(true);
    expect(textHolds(text, 'x%42y')).toBe(false);
  });

  it('is not looked for in layers without an end', () => {
    const deep = `${'%25'.repeat(200_000)}41`;
    expect(textHolds(deep, 'A'.repeat(40))).toBe(false);
    let layered = 'secret';
    for (let i = 0; i < 50; i++) layered = all(percent, layered.slice(0, 1)) + layered.slice(1);
    expect(textHolds(layered, 'secret')).toBe(false); // nobody would read it there either
  });
});

describe('A search', () => {
  it.each(written)('finds what is written %s, wherever it is cut, and nothing before its end is there', (_, text) => {
    const bytes = Buffer.from(text.trim().replace(/ y$/, ''));
    for (let cut = 0; cut <= bytes.length; cut++) {
      const search = searchFor(upstreamToken, true);
      const pieces = [bytes.subarray(0, cut), bytes.subarray(cut, -1), bytes.subarray(-1)].map((piece) => {
        const own = Buffer.from(piece);
        const found = search.finds(own, false);
        own.fill('x'); // as whoever brings the pieces may do
        return found;
      });
      if (cut < bytes.length) expect(pieces.slice(0, 2)).toEqual([false, false]);
      expect(pieces.includes(true) || search.finds(Buffer.alloc(0), true)).toBe(true);
    }
    const search = searchFor(upstreamToken, true);
    const found = [...bytes].map((byte, at) => search.finds(Buffer.of(byte), at === bytes.length - 1));
    expect(found.indexOf(true)).toBe(bytes.length - 1);
  });

  it('is for one credential, whatever others are looked for meanwhile', () => {
    const secrets = ['first_secret', 'second', 'a-third-one'];
    const searches = secrets.map((secret) => searchFor(secret, true));
    const halves = secrets.map((secret) => [secret.slice(0, 3), all(escape, secret.slice(3))]);
    for (const [i, search] of searches.entries()) {
      for (const other of secrets)
        expect(bytesHold(Buffer.from(`${other} `), secrets[i] ?? '', true)).toBe(i === secrets.indexOf(other));
      expect(search.finds(Buffer.from(halves[i]?.[0] ?? ''), false)).toBe(false);
    }
    for (const [i, search] of searches.entries()) {
      const others = halves.filter((_, other) => other !== i).map(([, end]) => end);
      expect(searchFor(secrets[i] ?? '', true).finds(Buffer.from(others.join(' ')), true)).toBe(false);
      expect(search.finds(Buffer.from(halves[i]?.[1] ?? ''), true)).toBe(true);
    }
  });

  it('knows of an escape that is cut behind its sign, and that a file has none', () => {
    for (const isText of [true, false]) {
      const search = searchFor(upstreamToken, isText);
      const seen = ['a\\', 'n\\', '"'].map((piece) => [search.finds(Buffer.from(piece), false), search.hasEscapes]);
      expect(seen).toEqual([
        [false, false],
        [false, false],
        [false, isText],
      ]);
    }
  });

  it('reads the last of it as it stands, if the end of an escape never comes', () => {
    for (const secret of ['x\\', 'x\\u00', 'x%4', '\\', '%'])
      for (const text of [secret, secret.replace('x', '\\u0078'), secret.replace('x', '%78')])
        expect([secret, text, bytesHold(Buffer.from(`%25${text}`), secret, true)]).toEqual([secret, text, true]);
  });

  describe('through many escapes', () => {
    afterEach(() => void vi.restoreAllMocks());

    /** What a search of so many bytes takes: the largest room that was made for it, and how many bytes were looked at. */
    function measure(text: string, size: number): { largest: number; seen: number } {
      const bytes = Buffer.alloc(size, text);
      const made = (['alloc', 'allocUnsafe', 'allocUnsafeSlow', 'from', 'concat'] as const).map((name) =>
        vi.spyOn(Buffer, name as 'alloc'),
      );
      const toText = vi.spyOn(Buffer.prototype, 'toString');
      const looks = vi.spyOn(Buffer.prototype, 'includes');
      expect(bytesHold(bytes, upstreamToken, true)).toBe(false);
      const contexts = looks.mock.contexts as Buffer[];
      const lengths = made.flatMap(({ mock }) => mock.results.map(({ value }) => (value as Buffer).length));
      const taken = {
        largest: lengths.reduce((one, other) => Math.max(one, other)),
        seen: contexts.reduce((sum, { length }) => sum + length, 0),
      };
      expect(toText).not.toHaveBeenCalled();
      vi.restoreAllMocks();
      return taken;
    }

    it.each(['%25', '%252525', '%41', '\\', '\\\\u005c', '\\u0025', '\\"', '\\u0025u0025', '%5c', 'a%'])(
      'takes a little memory whatever the size, and looks at each byte so many times: %s',
      (text) => {
        const [one, two] = [measure(text, 1024 * 1024), measure(text, 2 * 1024 * 1024)];
        expect(two.largest).toBe(one.largest);
        expect(one.largest).toBeLessThan(32 * 1024);
        expect(two.seen).toBeLessThan(2.1 * one.seen);
        expect(one.seen).toBeLessThan(64 * 1024 * 1024);
      },
    );
  });
});
