/** What becomes of a host's answer on its way through the gateway, and of what a client says on its way to the host. */
import { describe, expect, it } from 'vitest';
import { direct, json, nextToken, openWorld, upstreamToken, useHost, type Script } from '../contract/gateway/world.ts';

const blob = `/git/api/v3/repos/owner/name/git/blobs/${'a'.repeat(40)}`;
const raw = { accept: 'application/vnd.github.raw' };

describe('An answer of the host', () => {
  const host = useHost();
  const open = (platform: object = {}) => openWorld(host, direct(platform), { CMS_GATEWAY_TOKEN: nextToken() });
  const openGitLab = () =>
    openWorld(host, direct(), {
      CMS_GATEWAY_TOKEN: nextToken().replace(upstreamToken, 'glpat-'),
      GITHUB_URL: undefined,
      GITLAB_URL: host.url,
      CMS_GATEWAY_REPO: `${host.url}/group/project`,
      CMS_GATEWAY_PATHS: '**',
    });
  const say =
    (status: number, headers: Record<string, string>, body = ''): Script =>
    (_, response) =>
      void response.writeHead(status, headers).end(body);
  const code = ({ body }: { body: string }) => (JSON.parse(body) as { code?: string }).code;

  // RFC 9110, 15: a redirect would lead the browser away; whatever is beyond 599 some platforms have no word for.
  it.each([
    [200, 200],
    [201, 201],
    [299, 299],
    [300, 502],
    [303, 502],
    [399, 502],
    [400, 400],
    [404, 404],
    [409, 409],
    [500, 500],
    [599, 599],
    [600, 502],
    [999, 502],
  ])('with %i is told with %i', async (status, told) => {
    host.script = json(status, { message: 'words' });
    const reply = await open().ask('/git/github/pulls');
    expect(reply.status).toBe(told);
    if (told >= 400 && told !== 502) expect(JSON.parse(reply.body)).toMatchObject({ message: 'words' });
    if (told === 502) expect(code(reply)).toBe('UPSTREAM_FAILED');
  });

  it.each([
    [204, 'text/html'],
    [205, 'text/html'],
    [304, 'text/html'],
    [200, 'text/html'],
  ])('without a body has no type either: %i', async (status, type) => {
    host.script = say(status, { 'content-type': type, etag: '"abc"' });
    const { headers, body, ...reply } = await open().ask('/git/github/pulls');
    expect([reply.status, body, headers['etag']]).toEqual([status, '', '"abc"']);
    expect(headers).not.toHaveProperty('content-type');
  });

  it.each([
    ['an error without words', json(422, {}), 'UPSTREAM_FAILED'],
    ['an error that is a page', say(404, { 'content-type': 'text/html' }, '<h1>Not found</h1>'), 'UPSTREAM_FAILED'],
    ['403', json(403, { message: 'Resource protected by SSO' }), 'UPSTREAM_FORBIDDEN'],
    ['401', json(401, { message: 'Bad credentials' }), 'UPSTREAM_CREDENTIAL'],
    ['429', json(429, { message: 'Slow down' }), 'UPSTREAM_BUSY'],
    [
      'what is packed',
      say(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' }, '{}'),
      'UPSTREAM_FAILED',
    ],
    ['a page', say(200, { 'content-type': 'text/html' }, '{}'), 'UPSTREAM_FAILED'],
    ['a page that calls itself JSON', json(200, '<html>'), 'UPSTREAM_FAILED'],
    ['words before the JSON', json(200, 'x {}'), 'UPSTREAM_FAILED'],
    ['a number', json(200, '1'), 'UPSTREAM_FAILED'],
  ])('is refused or told by name: %s', async (_, script, name) => {
    host.script = script;
    expect(code(await open().ask('/git/github/pulls'))).toBe(name);
  });

  it('that is JSON may have a mark of byte order (RFC 8259, 8.1)', async () => {
    host.script = json(200, '\ufeff []');
    expect(await open().ask('/git/github/pulls')).toMatchObject({ status: 200, body: ' []' }); // read as text, it is gone
  });

  it('that is JSON goes through as it came, blanks and all', async () => {
    const body = ' \n[{"a": "ä\\u00e4"}]\n';
    host.script = json(200, body);
    const reply = await open().ask('/git/github/pulls');
    expect([reply.body, reply.headers['content-type']]).toEqual([body, 'application/json; charset=utf-8']);
  });

  it('that is a file goes through with its type, or with one that no browser opens', async () => {
    const { ask } = open();
    host.script = say(200, { 'content-type': 'application/vnd.github.raw; charset=utf-8' }, 'text');
    expect(await ask(blob, { headers: raw })).toMatchObject({
      body: 'text',
      headers: {
        'content-type': 'application/vnd.github.raw; charset=utf-8',
        vary: 'Origin, Authorization, Accept',
        'content-security-policy': "default-src 'none'; sandbox",
      },
    });
    host.script = say(200, {}, 'text');
    const other = await ask(blob.replace('aa', 'bb'), { headers: raw });
    expect(other.headers['content-type']).toBe('application/octet-stream');
  });

  it('may weigh what the platform lets out, and no more', async () => {
    const { ask } = open({ largestAnswer: 100 });
    host.script = json(200, `["${'a'.repeat(96)}"]`);
    expect((await ask('/git/github/pulls')).status).toBe(200);
    host.script = json(200, `["${'a'.repeat(97)}"]`);
    expect(code(await ask('/git/github/pulls'))).toBe('ANSWER_TOO_LARGE');
    const weighed = open({ largestAnswer: 1000, sizeOf: () => 1001 });
    host.script = json(200, '[]');
    expect(code(await weighed.ask('/git/github/pulls'))).toBe('ANSWER_TOO_LARGE');
  });

  it('says of its headers what clients read, in characters that every platform passes on', async () => {
    host.script = json(200, '[]', {
      etag: '"abc"',
      'x-ratelimit-remaining': '12',
      'x-total': 'ä',
      'set-cookie': 'a=b',
      server: 'GitHub.com',
      'x-oauth-scopes': 'repo',
    });
    const { headers } = await open().ask('/git/github/pulls');
    expect(headers).toMatchObject({ etag: '"abc"', 'x-ratelimit-remaining': '12' });
    for (const name of ['x-total', 'server', 'x-oauth-scopes', 'link']) expect(headers).not.toHaveProperty(name);
  });

  // RFC 8288, 3. The client takes a link apart, and wants of it what stands behind its third slash and two names.
  it('has its links lead here, and none that leads elsewhere', async () => {
    const root = `${host.url}/api/v3/repos/owner/name`;
    host.script = json(200, '[]', {
      link: [
        `<${root}/pulls?page=2>; rel="next"`,
        `<${root}/pulls?page=9>;rel=last`,
        `<${root}/pulls?page=1>  ;  rel="first"`,
        `<https://evil.example/pulls?page=3>; rel="prev"`,
        `<${root}/pulls#x>; rel="self"`,
        `<nonsense>; rel="up"`,
      ].join(', '),
    });
    const { headers } = await open().ask('/git/github/pulls');
    const links = String(headers['link']).split(', ');
    expect(links.map((link) => /rel="(\w+)"$/.exec(link)?.[1])).toEqual(['next', 'last', 'first']);
    for (const link of links) expect(link).toMatch(/^<https:\/\/gateway\.example\.com\/x\/y\/pulls\?page=\d>; rel=/);
  });

  it.each<[string, (token: string) => Script]>([
    ['its body', (token) => json(200, [{ token }])],
    ['its body, in escapes', (token) => json(200, `["${token.replace('_', '\\u005f')}"]`)],
    ['its tag', (token) => json(200, '[]', { etag: `"${token}"` })],
    [
      'a link',
      (token) => json(200, '[]', { link: `<${host.url}/api/v3/repos/owner/name/pulls?t=${token}>; rel="next"` }),
    ],
    ['an error', (token) => json(422, { message: `bad ${token}` })],
    ['an error that is none of JSON', (token) => say(500, { 'content-type': 'text/plain' }, token.replace('_', '%5f'))],
    ['another error’s header', (token) => json(404, { message: 'x' }, { etag: token })],
  ])('that holds the credential in %s does not leave', async (_, script) => {
    const { ask, env } = open();
    host.script = script(String(env['CMS_GATEWAY_TOKEN']));
    const reply = await ask('/git/github/pulls');
    expect(JSON.stringify(reply)).not.toContain(upstreamToken);
    expect(code(reply)).toBe('UPSTREAM_FAILED');
  });

  it.each([
    ['"abc"', '"abc"'],
    ['a'.repeat(2048), 'a'.repeat(2048)],
    ['a'.repeat(2049), undefined],
    ['"ä"', undefined],
    ['a\tb', undefined],
    [undefined, undefined],
  ])('is asked for with the tag of the client, if it is what a header may hold: %s', async (match, tag) => {
    await open().ask('/git/github/pulls', { headers: { 'if-none-match': match } });
    expect(host.asked[0]?.headers['if-none-match']).toBe(tag);
  });

  // Decap and Netlify CMS name no form to the gateway, so that browsers write `*/*`; Sveltia names the two below.
  it.each([
    undefined,
    '*/*',
    'application/json',
    'application/vnd.github.raw',
    'application/vnd.github.raw+json',
    'application/vnd.github.v3.raw',
    'application/vnd.github.raw, application/json',
    'APPLICATION/VND.GITHUB.RAW',
    'application/vnd.github.html+json',
    'text/html',
    'text/ä',
  ])('is asked for in a form that the rule knows, whatever the client likes: %s', async (accept) => {
    const [github, gitlab] = [open(), openGitLab()];
    await github.ask('/git/github/pulls', { headers: { accept } });
    await github.ask(blob.replace('aa', 'ac'), { headers: { accept } });
    await gitlab.ask('/git/gitlab/repository/branches/main', { headers: { accept } });
    await gitlab.ask('/git/gitlab/repository/files/a.json/raw?ref=main', { headers: { accept } });
    const asked = host.asked.map(({ url, headers }) => [url.split('?')[0]?.split('/').pop(), headers['accept']]);
    // GitLab is also asked when the token ends.
    expect(asked.filter(([what]) => what !== 'self')).toEqual([
      ['pulls', 'application/json'],
      [expect.stringContaining('ac'), accept === raw.accept ? accept : 'application/json'],
      ['main', 'application/json'],
      ['raw', '*/*'],
    ]);
  });

  it.each(['raw', 'raw+json', 'v3.raw', 'v3.raw+json'])(
    'that is a file by the type of GitHub’s “%s” goes out as it is, and for JSON it is none',
    async (form) => {
      const { ask, env } = open();
      const text = `["${String(env['CMS_GATEWAY_TOKEN']).replace('_', '\\u005f')}"]`;
      host.script = say(200, { 'content-type': `application/vnd.github.${form}; charset=utf-8` }, text);
      expect(await ask(blob.replace('aa', 'ad'), { headers: raw })).toMatchObject({ status: 200, body: text });
      expect(code(await ask(blob.replace('aa', 'ae')))).toBe('UPSTREAM_FAILED');
    },
  );

  it('tells the owner that the credential ends, and where it is refused', async () => {
    const { ask, log } = open();
    const end = new Date(Date.now() + 5 * 86_400_000).toISOString().slice(0, 10);
    host.script = json(200, '[]', { 'github-authentication-token-expiration': `${end} 10:00:00 UTC` });
    await ask('/git/github/pulls');
    expect(log.at(-1)?.warning).toContain(end);
    host.script = json(401, { message: 'Bad credentials' });
    await ask('/git/github/pulls');
    expect(log.at(-1)?.warning).toContain('refuses the credential');
    expect(log.at(-1)).toMatchObject({ route: 'pull requests', code: 'UPSTREAM_CREDENTIAL' });
  });
});
