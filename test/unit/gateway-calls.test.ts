/** What the gateway asks a host for one call of the CMS, how often, and by which credential; and what it makes of odd answers. */
import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { proxyGraphQL } from '../../lib/gateway/proxy.ts';
import { direct, json, nextToken, openWorld, useHost, type Host, type Script } from '../contract/gateway/world.ts';
import type { GatewayHost } from '../../lib/gateway/rules/rule.ts';
import type { Gateway } from '../../lib/gateway/settings.ts';
import type { Context } from '../../lib/handler/router.ts';

const sha = 'a'.repeat(40);
const root = '/api/v3/repos/owner/name';
const pem = generateKeyPairSync('rsa', { modulusLength: 2048 })
  .privateKey.export({ type: 'pkcs8', format: 'pem' })
  .toString();

const host = useHost();

/** Each test has a credential of its own: what was seen of one is kept for a minute. */
let count = 0;
const open = (platform: object = {}, more: Record<string, string | undefined> = {}) =>
  openWorld(host, direct(platform), { CMS_GATEWAY_TOKEN: nextToken(), ...more });

/** At Bitbucket, whose lists name their next page in the body. */
const openBitbucket = (token: string) =>
  open({}, { GITHUB_URL: undefined, BITBUCKET_URL: host.url, CMS_GATEWAY_TOKEN: token });

const openApp = () =>
  open({}, { CMS_GATEWAY_TOKEN: undefined, GITHUB_APP_ID: String(++count), GITHUB_APP_PRIVATE_KEY: pem });

/** A host that gives the app a token whenever it asks for one: `ghs_1`, `ghs_2` and so on. */
const withTokens = (script: (token: string) => Script): Script => {
  let made = 0;
  return (asked, ...rest) => {
    if (asked.url.endsWith('/installation')) return json(200, { id: 1 })(asked, ...rest);
    const whole = { expires_at: '2099-01-01T00:00:00Z', repositories: [{}] };
    if (asked.url.endsWith('/access_tokens')) return json(201, { token: `ghs_${++made}`, ...whole })(asked, ...rest);
    return script(tokenOf(asked))(asked, ...rest);
  };
};
const tokenOf = ({ headers }: Host['asked'][number]) => String(headers.authorization).replace('Bearer ', '');
/** What was asked of the repository itself, or of GraphQL, and by which token. */
const calls = () =>
  host.asked.flatMap(({ url, method, ...asked }) =>
    /\/(installation|access_tokens)$/.test(url)
      ? []
      : [`${method} ${url.replace(root, '')} ${tokenOf({ url, method, ...asked })}`],
  );

const refused = json(401, { message: 'Bad credentials' });
const code = ({ body }: { body: string }) => (JSON.parse(body) as { code?: string }).code;
const message = ({ body }: { body: string }) => (JSON.parse(body) as { message?: string }).message;

/** A draft of the CMS, and what it would bring. */
const draft: Script = (asked, ...rest) =>
  json(
    200,
    asked.url.includes('/compare/')
      ? { status: 'ahead', total_commits: 0, commits: [], files: [{ filename: 'content/a.md' }] }
      : {
          head: { ref: 'cms/posts/a', sha, repo: { id: 1, full_name: 'owner/name' } },
          base: { ref: 'main', repo: { id: 1, full_name: 'owner/name' } },
        },
  )(asked, ...rest);
const merge = ['/git/github/pulls/7/merge', { method: 'PUT', body: JSON.stringify({ sha }) }] as const;
const newBlob = ['/git/github/git/blobs', { method: 'POST', body: '{"content":"","encoding":"base64"}' }] as const;

describe('A token of the app that the host refuses', () => {
  it('is made anew for a read, which is asked again, and nobody notices', async () => {
    const { ask, log } = openApp();
    host.script = withTokens((token) => (token === 'ghs_1' ? refused : json(200, [])));
    expect((await ask('/git/github/pulls')).status).toBe(200);
    expect(calls()).toEqual(['GET /pulls ghs_1', 'GET /pulls ghs_2']);
    expect(log).toMatchObject([{ outcome: 'ok', status: 200 }]);
    expect(log[0]).not.toHaveProperty('warning');
  });

  it('is made anew once, and the owner is told if that is refused, too', async () => {
    const { ask, log } = openApp();
    host.script = withTokens(() => refused);
    expect(code(await ask('/git/github/pulls'))).toBe('UPSTREAM_CREDENTIAL');
    expect(calls()).toEqual(['GET /pulls ghs_1', 'GET /pulls ghs_2']);
    expect(log.at(-1)?.warning).toContain('refuses the credential');
  });

  it('is not made anew for a write, which is never sent twice: the next one has another', async () => {
    const { ask, log } = openApp();
    host.script = withTokens((token) => (token === 'ghs_1' ? refused : json(201, { sha })));
    expect(code(await ask(...newBlob))).toBe('UPSTREAM_CREDENTIAL');
    expect(log.at(-1)).not.toHaveProperty('warning');
    expect((await ask(...newBlob)).status).toBe(201);
    expect(calls()).toEqual(['POST /git/blobs ghs_1', 'POST /git/blobs ghs_2']);
  });

  it('is made anew for what is looked up before a write', async () => {
    host.script = withTokens((token) => (token === 'ghs_1' ? refused : draft));
    expect((await openApp().ask(...merge)).status).toBe(200);
    expect(calls()).toEqual([
      'GET /pulls/7 ghs_1',
      'GET /pulls/7 ghs_2',
      `GET /compare/main...${sha} ghs_2`,
      'PUT /pulls/7/merge ghs_2',
    ]);
  });

  it('is made anew for a question by GraphQL, and not for what that is to do', async () => {
    const { ask } = openApp();
    const graphql = (query: string, variables: object) =>
      ask('/git/graphql', { method: 'POST', body: JSON.stringify({ query, variables }) });
    host.script = withTokens(
      (token) => (asked, response, request) =>
        (String(asked.body).includes('"mutation') || token === 'ghs_1'
          ? refused
          : json(200, {
              data: {
                repository: { id: 'R_1' },
                node: {
                  headRefName: 'cms/posts/a',
                  baseRefName: 'main',
                  headRepository: { id: 'R_1' },
                  baseRepository: { id: 'R_1' },
                },
              },
            }))(asked, response, request),
    );
    const reply = await graphql(
      'mutation($input: ConvertPullRequestToDraftInput!) { convertPullRequestToDraft(input: $input) { pullRequest { isDraft } } }',
      { input: { pullRequestId: 'PR_1' } },
    );
    expect([reply.status, code(reply)]).toEqual([401, 'UPSTREAM_CREDENTIAL']);
    expect(calls().map((call) => call.replace(/^POST \S+ /, ''))).toEqual(['ghs_1', 'ghs_2', 'ghs_2']);
    expect(host.asked.map(({ body }) => /"query":"(\w+)/.exec(String(body))?.[1]).filter(Boolean)).toEqual([
      'query',
      'query',
      'mutation',
    ]);
  });

  // It may be as good as ever: whatever is in the way, the owner has nothing to renew.
  it.each([
    ['the host has no time', json(429, { message: 'Slow down' }), 'UPSTREAM_BUSY'],
    ['the host is out of order', json(500, {}), 'UPSTREAM_FAILED'],
    ['the host cannot be reached', ((_, response) => void response.destroy()) as Script, 'UPSTREAM_UNREACHABLE'],
  ])('is another matter than none to be had, since %s', async (_, script, name) => {
    const { ask, log } = openApp();
    host.script = script;
    expect(code(await ask('/git/github/pulls'))).toBe(name);
    expect(log.at(-1)).not.toHaveProperty('warning');
  });
});

describe('A token of the owner that the host refuses', () => {
  it.each([
    ['a read', ['/git/github/pulls', {}]],
    ['a write', newBlob],
  ] as const)('is the only one there is: %s is asked once, and the owner is told', async (_, [path, request]) => {
    const { ask, log } = open();
    host.script = refused;
    expect(code(await ask(path, request))).toBe('UPSTREAM_CREDENTIAL');
    expect(host.asked).toHaveLength(1);
    expect(log.at(-1)?.warning).toContain('refuses the credential');
  });
});

describe('What is looked up before a write', () => {
  it.each<[string, Script, number, string | undefined, string]>([
    ['is not there', json(404, { message: 'Not Found' }), 422, 'NOT_ALLOWED', 'is not there'],
    ['is a page', json(200, '<title>Sign in</title>'), 502, 'UPSTREAM_FAILED', 'GitHub'],
    ['is elsewhere', json(303, { message: 'See other' }), 502, 'UPSTREAM_FAILED', 'GitHub'],
    ['is only promised', json(202, { message: 'Accepted' }), 502, 'UPSTREAM_FAILED', 'GitHub'],
    ['is out of order', json(500, { message: 'Out of order' }), 500, undefined, 'Out of order'],
    ['is not for us', json(403, { message: 'Protected by SSO' }), 403, 'UPSTREAM_FORBIDDEN', 'Protected by SSO'],
  ])('and %s keeps it from being done, in words', async (_, script, status, name, words) => {
    host.script = script;
    const reply = await open().ask(...merge);
    expect([reply.status, code(reply), message(reply)]).toEqual([status, name, expect.stringContaining(words)]);
    expect(host.asked.map(({ method }) => method)).not.toContain('PUT');
  });
});

describe('Whether the repository is elsewhere, or its branch is missing,', () => {
  const asked = () => host.asked.map(({ url }) => url.replace(root, ''));

  it('is not asked where the branch is found', async () => {
    for (const status of [200, 304]) {
      host.script = json(status, { name: 'main' });
      expect((await open().ask('/git/github/branches/main')).status).toBe(status);
    }
    expect(asked()).toEqual(['/branches/main', '/branches/main']);
  });

  it('is not asked where the host offers a choice, which is no move', async () => {
    host.script = json(300, {}, { location: `${host.url}${root}/pulls` });
    expect(code(await open().ask('/git/github/pulls'))).toBe('UPSTREAM_FAILED');
    expect(asked()).toEqual(['/pulls']);
  });

  it('is told before all else that may be wrong with it', async () => {
    const { ask } = open();
    host.script = (given, ...rest) =>
      (given.url.endsWith('/name')
        ? json(200, { archived: true, default_branch: 'trunk' })
        : json(404, { message: 'Branch not found' }))(given, ...rest);
    expect(code(await ask('/git/github/branches/main'))).toBe('BRANCH_MISSING');
  });

  it('is not told where the host does not say so: its own words stand', async () => {
    host.script = (given, ...rest) =>
      (given.url.endsWith('/name') ? json(500, {}) : json(404, { message: 'Branch not found' }))(given, ...rest);
    const reply = await open().ask('/git/github/branches/main');
    expect([reply.status, message(reply)]).toEqual([404, 'Branch not found']);
    expect(asked()).toEqual(['/branches/main', '']);
  });

  it('is asked as long as the platform has time, and no longer', async () => {
    host.script = (given, ...rest) => {
      if (!given.url.endsWith('/name')) json(404, { message: 'Branch not found' })(given, ...rest);
    };
    const began = Date.now();
    expect((await open({ deadline: began + 300 }).ask('/git/github/branches/main')).status).toBe(404);
    expect(Date.now() - began).toBeLessThan(3_000);
  });
});

describe('A path that the platform has decoded', () => {
  it.each([
    [true, 404, 'MANGLED_PATH'],
    [false, 200, undefined],
    [undefined, 200, undefined],
  ])('and in which nobody can tell what was meant is not guessed at: %j', async (decodesPath, status, name) => {
    const reply = await open({ decodesPath }).ask('/git/github/git/trees/main:100%25');
    expect([reply.status, code(reply)]).toEqual([status, name]);
    expect(host.asked).toHaveLength(status === 200 ? 1 : 0);
  });
});

describe('A host that takes too long', () => {
  const large = JSON.stringify({ content: 'a'.repeat(2 * 1024 * 1024), encoding: 'base64' });
  const says =
    (body: string): Script =>
    (_, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.write(body);
    };

  // "Try again" is of no use where the file will be as large the next time.
  it.each<[string, Script, readonly [string, { method?: string; body?: string }], string, RegExp]>([
    ['for a few bytes', says('["a'), ['/git/github/pulls', {}], 'UPSTREAM_TIMEOUT', /Try again/],
    [
      'for a large answer',
      says(`["${'a'.repeat(2 * 1024 * 1024)}`),
      ['/git/github/pulls', {}],
      'UPSTREAM_TOO_SLOW',
      /sent only [12]\.\d MB.*smaller/,
    ],
    [
      'for a large file that it is sent',
      () => {},
      ['/git/github/git/blobs', { method: 'POST', body: large }],
      'UPSTREAM_TOO_SLOW',
      /did not take 2\.0 MB.*smaller/,
    ],
    ['for a small file that it is sent', () => {}, newBlob, 'UPSTREAM_TIMEOUT', /Try again/],
  ])('%s is told as that', async (_, script, [path, request], name, words) => {
    host.script = script;
    const reply = await open({ deadline: Date.now() + 500 }).ask(path, request);
    expect([reply.status, code(reply), message(reply)]).toEqual([504, name, expect.stringMatching(words)]);
  });
});

describe('An odd answer of a host', () => {
  // RFC 9110, 15.3.6: it has no content, and browsers read none.
  it('with 205 has no body here, whatever the host has sent', async () => {
    host.script = json(205, { a: 1 });
    const { status, body, headers } = await open().ask('/git/github/pulls');
    expect([status, body, headers['content-type']]).toEqual([205, '', undefined]);
  });

  it('with a status below all that platforms can pass on is told in words', async () => {
    host.script = (_, response) =>
      void response.socket?.end(
        'HTTP/1.1 099 Odd\r\ncontent-type: application/json\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}',
      );
    const reply = await open().ask('/git/github/pulls');
    expect([reply.status, code(reply)]).toEqual([502, 'UPSTREAM_FAILED']);
  });

  it('that is a page is none where JSON was asked for, also of a file', async () => {
    const { ask } = open();
    const blob = `/git/api/v3/repos/owner/name/git/blobs/${sha}`;
    host.script = (_, response) => void response.writeHead(200, { 'content-type': 'text/html' }).end('<h1>Hi</h1>');
    const accept = (type: string) => ask(blob, { headers: { accept: type } });
    expect(code(await accept('application/json'))).toBe('UPSTREAM_FAILED');
    expect((await accept('application/vnd.github.raw')).body).toBe('<h1>Hi</h1>');
  });

  it('that breaks off is not made into an empty one', async () => {
    host.script = json(200, '{"number": 7, "labels": [');
    expect(code(await open().ask('/git/api/v3/repos/owner/name/issues/7'))).toBe('UPSTREAM_FAILED');
  });

  it('that is a file goes out byte for byte: nobody takes escapes apart in it', async () => {
    const { ask, env } = open();
    const text = `see ${String(env['CMS_GATEWAY_TOKEN']).replace('_', '\\u005f')}, or %67ithub`;
    host.script = (_, response) =>
      void response.writeHead(200, { 'content-type': 'application/octet-stream' }).end(text);
    const reply = await ask(`/git/api/v3/repos/owner/name/git/blobs/${sha}`, {
      headers: { accept: 'application/vnd.github.raw' },
    });
    expect([reply.status, reply.body]).toEqual([200, text]);
  });

  // Readers of addresses leave tabs out (WHATWG URL, 4.4), and those of JSON read what is escaped.
  it.each([
    ['by a tab in an address', 'ATCTT-of-the-gateway', (token: string) => token.replace('-', '-\t')],
    ['in escapes that look like other ones', 'ATCTT%41', (token: string) => token.replace('%', '\u0000')],
    ['by a tab, and is written in an escape', 'ATCTT-a\\b', (token: string) => token.replace('-', '-\t')],
  ])('in which the credential is hidden %s does not leave', async (_, token, hide) => {
    const own = token.replace('ATCTT', `ATCTT${++count}`);
    const next = `${host.url}/2.0/repositories/owner/name/commits?page=${hide(own)}`;
    host.script = json(200, JSON.stringify({ values: [`as ${hide(own)} is`], next }).replaceAll('\\u0000', '\\u0025'));
    const reply = await openBitbucket(own).ask('/git/bitbucket/commits');
    expect([reply.status, code(reply)]).toEqual([502, 'UPSTREAM_FAILED']);
    expect(reply.body).not.toContain('ATCTT');
  });
});

it('A host without GraphQL is asked for nothing by it', async () => {
  const gateway = { roots: { api_root: `${host.url}/api/v3` } } as Gateway<GatewayHost>;
  await expect(proxyGraphQL('query{viewer{login}}', gateway, {} as Context)).rejects.toMatchObject({
    code: 'NOT_ON_LIST',
  });
  expect(host.asked).toEqual([]);
});

describe('What is read here is read to its end, also where answers are passed on while they are coming', () => {
  const streams = { streams: true };
  /** With blanks behind the first bracket, which JSON does not mind. */
  const enlarged = (text: string) => text.slice(0, 1) + ' '.repeat(700 * 1024) + text.slice(1);
  const large = (value: unknown) => enlarged(JSON.stringify(value));

  it('is what a call is judged by', async () => {
    host.script = (asked, response, request) => {
      const { end } = response;
      const endLarge = (text: string) => end.call(response, enlarged(text), 'utf8');
      draft(asked, Object.assign(response, { end: endLarge }), request);
    };
    expect((await open(streams).ask(...merge)).status).toBe(200);
    expect(host.asked.map(({ method }) => method)).toEqual(['GET', 'GET', 'PUT']);
  });

  it('is a page of a list that is written anew', async () => {
    host.script = json(200, large({ values: [{ hash: sha }], next: 'https://elsewhere.example/' }));
    const { ask } = open(streams, {
      GITHUB_URL: undefined,
      BITBUCKET_URL: host.url,
      CMS_GATEWAY_TOKEN: 'ATCTT-of-a-large-page',
    });
    const reply = await ask('/git/bitbucket/commits');
    expect([reply.status, reply.body]).toEqual([200, JSON.stringify({ values: [{ hash: sha }] })]);
  });

  it('is what a host says against a call', async () => {
    host.script = json(404, large({ message: 'No commit found for the ref' }));
    const reply = await open(streams).ask(`/git/github/git/trees/${sha}`);
    expect([reply.status, message(reply)]).toEqual([404, 'No commit found for the ref']);
  });

  it('is what a mutation of GraphQL is put together from', async () => {
    const { ask } = open(streams);
    host.script = (asked, ...rest) =>
      json(
        200,
        large(
          asked.url.includes('/compare/')
            ? { status: 'ahead', commits: [], total_commits: 0, files: [] }
            : { sha, commit: { sha, commit: { tree: { sha } } } },
        ),
      )(asked, ...rest);
    const query =
      'mutation($input: CreateCommitOnBranchInput!) { made: createCommitOnBranch(input: $input) { commit { oid } } }';
    const input = {
      branch: { repositoryNameWithOwner: 'owner/name', branchName: 'main' },
      expectedHeadOid: sha,
      fileChanges: { additions: [{ path: 'content/a.md', contents: 'QQ==' }] },
      message: { headline: 'A' },
    };
    const reply = await ask('/git/graphql', { method: 'POST', body: JSON.stringify({ query, variables: { input } }) });
    expect(JSON.parse(reply.body)).toEqual({ data: { made: { commit: { oid: sha } } } });
  });
});
