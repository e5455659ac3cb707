/** GitHub's own API in front of the gateway, with a host behind it that says what no GitHub should. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { answerGraphQL, answerRest, type ApiRequest } from '../../lib/gateway/api.ts';
import { direct, json, openWorld, useHost, type Script } from '../contract/gateway/world.ts';

const sha = 'a'.repeat(40);
const root = '/api/v3/repos/owner/name';

const host = useHost();

const open = (platform: object = {}, more: Record<string, string> = {}) => {
  const { ask, log } = openWorld(host, direct(platform), more);
  return {
    ask,
    log,
    async graphql(document: object) {
      const { status, body } = await ask('/git/graphql', { method: 'POST', body: JSON.stringify(document) });
      return { status, ...(JSON.parse(body) as { code?: string; data?: unknown; errors?: object[] }) };
    },
  };
};

describe('The REST API', () => {
  it.each([
    ['GET', '/repos/owner/nama'],
    ['GET', '/repos/owner/nama/branches/main'],
    ['GET', '/repos/owner/namex'],
    ['GET', '/repos/owner/namex/collaborators/zoe%40example.org'],
    ['GET', '/repos/owner/name.git/branches/main'],
    ['GET', '/a/path/of/16/char/branches/main'],
    ['POST', '/repos/owner/nama/git/blobs'],
  ])('has one repository, and %s %s is none of it', async (method, path) => {
    const body = method === 'POST' ? { body: '{"content":"","encoding":"base64"}' } : {};
    const reply = await open().ask(`/git/api/v3${path}`, { method, ...body });
    expect([reply.status, reply.body]).toEqual([404, expect.stringContaining('NOT_ON_LIST')]);
    expect(host.asked).toEqual([]);
  });

  it.each([
    ['DELETE', '/repos/owner/name'],
    ['PATCH', '/repos/owner/name'],
    ['PATCH', '/user'],
    ['PUT', '/repos/owner/name/collaborators/zoe%40example.org'],
  ])('does not take %s %s for the question for the same', async (method, path) => {
    const reply = await open().ask(`/git/api/v3${path}`, { method, body: '{}' });
    expect([reply.status, reply.body]).toEqual([404, expect.stringContaining('NOT_ON_LIST')]);
    expect(host.asked).toEqual([]);
  });

  it('is spoken for no host that has none', async () => {
    const asked = { gateway: { host: { provider: { id: 'gitlab' } } } } as ApiRequest;
    for (const promise of [answerRest('/user', asked), answerGraphQL(asked)])
      await expect(promise).rejects.toMatchObject({ code: 'NO_SUCH_ADDRESS' });
  });
});

describe('A question by GraphQL', () => {
  const query = 'query($name: String!) { repository(owner: "owner", name: $name) { id } }';

  it('is the host’s to answer, and a read in the log', async () => {
    const { graphql, log } = open();
    host.script = json(200, { data: { repository: { id: 'R_1' } } });
    expect(await graphql({ query, variables: { name: 'name' } })).toEqual({
      status: 200,
      data: { repository: { id: 'R_1' } },
    });
    expect(host.asked.map(({ url, body }) => [url, String(body)])).toEqual([
      ['/api/graphql', JSON.stringify({ query: 'query{repository(owner:"owner",name:"name"){id}}' })],
    ]);
    expect(log).toMatchObject([{ event: 'read', route: 'query', outcome: 'ok', status: 200 }]);
    expect(log[0]).not.toHaveProperty('editor');
  });

  // https://graphql.github.io/graphql-over-http/draft/#sec-Request-Parameters
  it.each([[undefined], [null], ['text'], [['name']], [7]])('may come with %j for its variables', async (variables) => {
    const { graphql } = open();
    const whole = query.replace('($name: String!)', '').replace('$name', '"name"');
    expect((await graphql({ query: whole, variables })).status).toBe(200);
    expect(host.asked).toHaveLength(1);
    // One that nobody has set is missing, and is told as that.
    const reply = await graphql({ query, variables });
    expect(reply).toEqual({
      status: 200,
      data: null,
      errors: [{ type: 'FORBIDDEN', message: expect.stringContaining('"name"') as unknown }],
    });
    expect(host.asked).toHaveLength(1);
  });
});

describe('What is to be done by GraphQL', () => {
  const commit =
    'mutation($input: CreateCommitOnBranchInput!) { made: createCommitOnBranch(input: $input) { commit { oid } } }';
  const input = (branchName = 'main') => ({
    branch: { repositoryNameWithOwner: 'owner/name', branchName },
    expectedHeadOid: sha,
    fileChanges: { additions: [{ path: 'content/a.md', contents: 'QQ==' }] },
    message: { headline: 'A' },
  });
  const ready =
    'mutation($input: MarkPullRequestReadyForReviewInput!) { markPullRequestReadyForReview(input: $input) { pullRequest { isDraft } } }';
  const comparison = { status: 'ahead', commits: [], total_commits: 0, files: [] };

  /** All goes well, but for what a test wants otherwise. */
  const well =
    (...others: [method: string, path: RegExp, script: Script][]): Script =>
    (asked, ...rest) => {
      const [, , other] = others.find(([method, path]) => method === asked.method && path.test(asked.url)) ?? [];
      const usual = asked.url.includes('/compare/')
        ? comparison
        : asked.method === 'GET'
          ? { commit: { sha, commit: { tree: { sha } } } }
          : { sha };
      (other ?? json(200, usual))(asked, ...rest);
    };
  const asked = () => host.asked.map(({ method, url }) => `${method} ${url.replace(root, '')}`);
  const steps = [
    'GET /branches/main',
    'POST /git/blobs',
    'POST /git/trees',
    'POST /git/commits',
    `GET /compare/main...${sha}`,
    'PATCH /git/refs/heads/main',
  ];

  it('goes step by step, each with the body and the type of a client’s own', async () => {
    const { graphql, log } = open();
    host.script = well();
    expect(await graphql({ query: commit, variables: { input: input() } })).toEqual({
      status: 200,
      data: { made: { commit: { oid: sha } } },
    });
    expect(asked()).toEqual(steps);
    for (const { method, headers, body } of host.asked) {
      const isRead = method === 'GET';
      expect(headers['content-type']).toBe(isRead ? undefined : 'application/json');
      expect(headers['content-length']).toBe(isRead ? undefined : String(body.length));
      expect(headers).toMatchObject({ accept: 'application/json', 'user-agent': 'cms-auth-functions' });
    }
    expect(log).toMatchObject([{ event: 'write', route: 'new commit', outcome: 'ok', editor: 'zoe@example.org' }]);
  });

  it('is done, also where the host has no words for it', async () => {
    host.script = well(['PATCH', /refs/, (_, response) => void response.writeHead(204).end()]);
    expect(await open().graphql({ query: commit, variables: { input: input() } })).toMatchObject({
      data: { made: { commit: { oid: sha } } },
    });
  });

  it('goes to the branch that is meant, also where the platform decodes paths', async () => {
    const { graphql } = open({ decodesPath: true }, { CMS_GATEWAY_BRANCH: 'grün' });
    host.script = well();
    expect(await graphql({ query: commit, variables: { input: input('grün') } })).not.toHaveProperty('errors');
    expect(asked()[0]).toBe('GET /branches/gr%C3%BCn');
    expect(asked().at(-1)).toBe('PATCH /git/refs/heads/gr%C3%BCn');
  });

  const files = (count: number, folder = 'content') =>
    Array.from({ length: count }, (_, index) => ({ path: `${folder}/${index}.md` }));
  const filled = (count: number) => files(count).map((file) => ({ ...file, contents: '' }));

  // Of more, GitHub shows none in a comparison: see `mostFiles`.
  it.each([
    ['written', () => ({ additions: filled(300) })],
    ['deleted', () => ({ deletions: files(300) })],
    ['moved', () => ({ additions: filled(300), deletions: files(300, 'content/old') })],
  ])('is not begun for more files than can be published: 300 that are %s', async (_, changes) => {
    const { graphql, log } = open();
    host.script = well();
    expect(await graphql({ query: commit, variables: { input: { ...input(), fileChanges: changes() } } })).toEqual({
      status: 200,
      data: { made: null },
      errors: [
        { type: 'FORBIDDEN', message: expect.stringContaining('more than 299 files') as unknown, path: ['made'] },
      ],
    });
    expect(host.asked).toEqual([]);
    expect(log).toMatchObject([{ outcome: 'failed', code: 'NOT_ALLOWED', event: 'write', route: 'new commit' }]);
  });

  it('is done for as many files as can be published, also if each of them is moved', async () => {
    host.script = well();
    const fileChanges = { additions: filled(299), deletions: files(299, 'content/old') };
    const reply = await open().graphql({ query: commit, variables: { input: { ...input(), fileChanges } } });
    expect(reply).not.toHaveProperty('errors');
    expect(asked().filter((one) => one === 'POST /git/blobs')).toHaveLength(299);
  });

  it('is not begun for a file that is not for editors to write', async () => {
    const { graphql } = open({}, { CMS_GATEWAY_PATHS: 'content/**' });
    host.script = well();
    const additions = [...filled(8), { path: 'package.json', contents: '' }];
    const reply = await graphql({ query: commit, variables: { input: { ...input(), fileChanges: { additions } } } });
    expect(reply.errors).toMatchObject([
      { type: 'FORBIDDEN', message: expect.stringContaining('not for editors to write') as unknown },
    ]);
    expect(host.asked).toEqual([]);
  });

  describe('where no platform sets an end', () => {
    afterEach(() => void vi.useRealTimers());

    it.each([
      [59, 200, steps],
      [61, 504, steps.slice(0, 2)],
    ])('has one minute for all of its steps: after %i seconds', async (seconds, status, expected) => {
      vi.useFakeTimers({ toFake: ['Date'] });
      const slow: Script = (...given) => {
        vi.setSystemTime(Date.now() + seconds * 1_000);
        json(201, { sha })(...given);
      };
      host.script = well(['POST', /blobs/, slow]);
      const reply = await open().graphql({ query: commit, variables: { input: input() } });
      expect([reply.status, reply.code]).toEqual([status, status === 200 ? undefined : 'UPSTREAM_TIMEOUT']);
      expect(asked()).toEqual(expected);
    });
  });

  // As GitHub says it: https://spec.graphql.org/October2021/#sec-Errors
  it.each([400, 404, 409, 422, 500])('ends with what the host refuses: %i', async (status) => {
    const { graphql, log } = open();
    host.script = well(['POST', /blobs/, json(status, { message: 'No more of it' })]);
    expect(await graphql({ query: commit, variables: { input: input() } })).toEqual({
      status: 200,
      data: { made: null },
      errors: [{ type: 'UNPROCESSABLE', message: 'No more of it', path: ['made'] }],
    });
    expect(asked()).toEqual(steps.slice(0, 2));
    expect(log).toMatchObject([{ event: 'write', outcome: 'failed', code: 'UNPROCESSABLE' }]);
    expect(JSON.stringify(log)).not.toContain('No more of it');
  });

  it('ends with what the gateway refuses, and says of what it is', async () => {
    const { graphql, log } = open();
    // To us this is a draft like any other; GitHub has an answer of another kind there.
    expect(await graphql({ query: commit, variables: { input: input('cms/posts/protection') } })).toEqual({
      status: 200,
      data: { made: null },
      errors: [{ type: 'FORBIDDEN', message: expect.stringMatching(/\w/) as unknown, path: ['made'] }],
    });
    expect(host.asked).toEqual([]);
    expect(log).toMatchObject([{ outcome: 'failed', code: 'NOT_ON_LIST', event: 'write', route: 'new commit' }]);
  });

  it.each([
    ['its words', [{ message: 'Could not resolve' }], 'UNPROCESSABLE', 'Could not resolve'],
    ['the first of them', [{ message: 'One' }, { message: 'Two' }], 'UNPROCESSABLE', 'One'],
    ['none', [{}], 'UNPROCESSABLE', ''],
    ['none but a number', [{ message: 7 }], 'UNPROCESSABLE', ''],
    ['nothing at all', [null], 'UNPROCESSABLE', ''],
    ['an empty list', [], 'FORBIDDEN', expect.stringContaining('none of the CMS')],
    ['no list', 'x', 'FORBIDDEN', expect.stringContaining('none of the CMS')],
  ])('ends with what the host’s GraphQL has against it: %s', async (_, errors, type, message) => {
    const { graphql } = open();
    host.script = json(200, { data: null, errors });
    expect(await graphql({ query: ready, variables: { input: { pullRequestId: 'PR_1' } } })).toEqual({
      status: 200,
      data: { markPullRequestReadyForReview: null },
      errors: [{ type, message, path: ['markPullRequestReadyForReview'] }],
    });
    expect(host.asked).toHaveLength(1);
  });
});
