/** The credential does not come back, however the host writes it: every way of writing that an answer passes through is tried. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { bytesHold, textHolds } from '../../lib/gateway/secret.ts';
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
