/** What is seen of a host and of an identity service when they are looked at for the owner: answer by answer. */
import { generateKeyPairSync } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { probe, probeHost } from '../../lib/gateway/health.ts';
import { github } from '../../lib/gateway/rules/github.ts';
import { gitlab } from '../../lib/gateway/rules/gitlab.ts';
import { factsOf } from '../../lib/providers/facts.ts';
import { apiRoots } from '../../lib/providers/provider.ts';
import { json, startHost, type Host, type Script } from '../contract/gateway/world.ts';
import type { AuthMethod, Gateway } from '../../lib/gateway/settings.ts';
import type { GatewayHost } from '../../lib/gateway/rules/rule.ts';

let host: Host;
beforeAll(async () => {
  host = await startHost();
});
afterAll(() => host.close());
beforeEach(() => {
  host.asked = [];
});
afterEach(() => void vi.useRealTimers());

/** By a credential of its own each time, since what was seen of one is kept. */
let count = 0;
const gateway = (more: Partial<Gateway<GatewayHost>> = {}, record: GatewayHost = github) =>
  ({
    host: record,
    base: host.url,
    roots: apiRoots(factsOf(record.provider), host.url),
    fullName: 'owner/name',
    branch: 'main',
    auth: { kind: 'hs256', secret: 'x' },
    lists: { everyone: false, addresses: [], domains: [], roles: [], rolesClaim: '' },
    credential: { kind: 'token', token: `github_pat_${++count}` },
    ...more,
  }) as Gateway<GatewayHost>;

const scoped = { 'x-oauth-scopes': 'repo' };
const found = { full_name: 'owner/name', default_branch: 'main', permissions: { push: true } };
const repository = (more: object = {}, headers: Record<string, string> = scoped) =>
  json(200, { ...found, ...more }, headers);
const branch = json(200, { name: 'main' });
const missing = json(404, { message: 'Not Found' });

/** The repository, its branch, and whatever else is asked for. */
const say = (own: Script, ofBranch: Script = branch, other: Script = missing): void => {
  host.script = (asked, ...rest) =>
    (/\/(repos|projects)\/[^/]+(\/name)?$/.test(asked.url) ? own : asked.url.includes('/branches/') ? ofBranch : other)(
      asked,
      ...rest,
    );
};

/** What was found, in short. */
async function look(given: Gateway<GatewayHost> = gateway()) {
  const { problems, warnings, unseen } = await probeHost(given, Date.now() + 5_000);
  return { problems: problems.map(({ code, fill }) => [code, fill] as const), warnings, unseen };
}
const well = { problems: [], warnings: [], unseen: [] };
const codes = async (given?: Gateway<GatewayHost>) => (await look(given)).problems.map(([code]) => code);

describe('The repository', () => {
  it('that is there, with its branch and the right to write, is well: by two questions', async () => {
    say(repository());
    expect(await look()).toEqual(well);
    expect(host.asked.map(({ method, url }) => `${method} ${url}`)).toEqual([
      'GET /api/v3/repos/owner/name',
      'GET /api/v3/repos/owner/name/branches/main',
    ]);
  });

  it('is not looked at oftener than once a minute, whoever asks', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    say(repository());
    const own = gateway();
    await Promise.all([look(own), look(own)]);
    vi.setSystemTime(Date.now() + 59_999);
    await look(own);
    expect(host.asked).toHaveLength(2);
    vi.setSystemTime(Date.now() + 1);
    await look(own);
    expect(host.asked).toHaveLength(4);
  });

  it.each<[string, Script, string, object]>([
    ['401', json(401, { message: 'Bad credentials' }), 'CREDENTIAL_REFUSED', {}],
    [
      '403',
      json(403, { message: 'SSO' }),
      'REPOSITORY_HIDDEN',
      { words: expect.stringContaining('“SSO.”') as unknown },
    ],
    ['404', missing, 'REPOSITORY_HIDDEN', { words: '' }],
    ['429', json(429, {}, { 'retry-after': '17' }), 'UPSTREAM_BUSY', { seconds: '17' }],
    ['403 for a limit', json(403, {}, { 'retry-after': '17' }), 'UPSTREAM_BUSY', { seconds: '17' }],
    ['500', json(500, found), 'UPSTREAM_FAILED', {}],
    ['202', json(202, found), 'UPSTREAM_FAILED', {}],
    ['nothing', json(200, 'null'), 'UPSTREAM_FAILED', {}],
    ['a list', json(200, [found]), 'UPSTREAM_FAILED', {}],
    ['a number', json(200, '7'), 'UPSTREAM_FAILED', {}],
    ['a text', json(200, '"x"'), 'UPSTREAM_FAILED', {}],
    ['a page', (_, response) => void response.writeHead(200).end('<h1>Hi</h1>'), 'UPSTREAM_FAILED', {}],
    ['no answer', (_, response) => void response.destroy(), 'UPSTREAM_UNREACHABLE', {}],
  ])('answered by %s is told as what that is', async (_, script, code, fill) => {
    say(script);
    expect((await look()).problems).toEqual([[code, { host: 'GitHub', ...fill }]]);
    expect(host.asked.some(({ url }) => url.includes('branches'))).toBe(false);
  });

  it.each<[string, object, Record<string, string>, string[], number]>([
    ['read', { permissions: { push: false } }, scoped, ['CREDENTIAL_READ_ONLY'], 0],
    ['unknown', {}, {}, [], 1],
    ['gone, since it is archived', { archived: true }, scoped, ['REPOSITORY_ARCHIVED'], 0],
  ])('whose right to write is %s is told as that', async (_, more, headers, problems, unseen) => {
    say(repository(more, headers));
    const seen = await look();
    expect(seen.problems.map(([code]) => code)).toEqual(problems);
    expect(seen.unseen).toHaveLength(unseen);
  });

  it('is an app’s to write to, whatever is said of the account: its token was made with the right, or not at all', async () => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    const token = { token: 'ghs_1', expires_at: '2099-01-01T00:00:00Z', repositories: [{}] };
    const made: Script = (asked, ...rest) => json(200, asked.method === 'GET' ? { id: 1 } : token)(asked, ...rest);
    for (const [more, headers] of [
      [{ permissions: { push: false } }, scoped],
      [{}, {}],
    ] as const) {
      say(repository(more, headers), branch, made);
      const credential = { kind: 'app', id: String(++count), privateKey: pem } as const;
      expect(await look(gateway({ credential }))).toEqual(well);
    }
  });

  it('tells when the credential ends, in a header or at an address of its own', async () => {
    const soon = new Date(Date.now() + 5 * 86_400_000).toISOString().slice(0, 10);
    say(repository({}, { ...scoped, 'github-authentication-token-expiration': `${soon} 10:00:00 UTC` }));
    expect((await look()).warnings).toEqual([expect.stringContaining(soon)]);
    const project = { path_with_namespace: 'owner/name', permissions: { project_access: { access_level: 40 } } };
    say(json(200, project), branch, json(200, { expires_at: soon }));
    expect((await look(gateway({}, gitlab))).warnings).toEqual([expect.stringContaining(soon)]);
  });

  it('tells of a clock that is off', async () => {
    say(repository({}, { ...scoped, date: new Date(Date.now() + 3_600_000).toUTCString() }));
    expect((await look()).warnings).toEqual([expect.stringMatching(/clock .* 3(599|600|601) seconds behind/)]);
  });

  it('takes no mistake of our own for something that is wrong with it', async () => {
    say(repository());
    const mistake = new TypeError('a mistake of ours');
    const rights = () => {
      throw mistake;
    };
    await expect(look(gateway({}, { ...github, repository: { ...github.repository, rights } }))).rejects.toBe(mistake);
  });
});

describe('A repository that has moved', () => {
  const moved = (location: string | undefined, body: object = {}) =>
    say(
      (...given) =>
        json(
          301,
          body,
          location === undefined ? {} : { location: location.replace('ROOT', `${host.url}/api/v3`) },
        )(...given),
      branch,
      json(200, { full_name: 'owner/new' }),
    );
  const to = async () => (await look()).problems.map(([code, { to: where }]) => [code, where]);

  it.each([
    ['by its number', 'ROOT/repositories/1'],
    ['by its name', 'ROOT/repos/owner/new'],
    ['by a path', '/api/v3/repositories/1'],
  ])('is named where the host leads there: %s', async (_, location) => {
    moved(location);
    expect(await to()).toEqual([['REPOSITORY_MOVED', ` to ${host.url}/owner/new`]]);
    expect(host.asked).toHaveLength(2);
  });

  it('is named where the host says so in the body', async () => {
    moved(undefined, { url: `${host.url}/api/v3/repositories/1` });
    expect(await to()).toEqual([['REPOSITORY_MOVED', ` to ${host.url}/owner/new`]]);
  });

  // The credential goes to the host's API, and to a repository of it.
  it.each<[string, string | undefined, object]>([
    ['with a query', 'ROOT/repos/owner/new?access=x', {}],
    ['with a mark', 'ROOT/repos/owner/new#x', {}],
    ['to another API', '/api/v9/repositories/1', {}],
    ['to what is no repository', 'ROOT/user', {}],
    ['to a part of one', 'ROOT/repositories/1/hooks', {}],
    ['to the root alone', 'ROOT', {}],
    ['to nobody knows where', undefined, {}],
    ['to a number', undefined, { url: 7 }],
    ['to a list', undefined, { url: ['ROOT/repositories/1'] }],
  ])('%s is not followed', async (_, location, body) => {
    moved(location, JSON.parse(JSON.stringify(body).replace('ROOT', `${host.url}/api/v3`)) as object);
    expect(await to()).toEqual([['REPOSITORY_MOVED', '']]);
    expect(host.asked).toHaveLength(1);
  });

  it.each<[string, Script]>([
    ['is out of order', json(500, { full_name: 'owner/new' })],
    ['is hidden', json(404, { full_name: 'owner/new' })],
    ['refuses', json(401, { full_name: 'owner/new' })],
    ['leads on', json(301, { full_name: 'owner/new' })],
    ['says nothing', json(200, 'null')],
    ['has no name', json(200, {})],
    ['has a number for a name', json(200, { full_name: 7 })],
    ['has a list for a name', json(200, { full_name: ['owner/new'] })],
    ['has a name as no repository', json(200, { full_name: 'owner/new/x' })],
    ['has too long a name', json(200, { full_name: `owner/${'a'.repeat(250)}` })],
  ])('is not named where what it leads to %s', async (_, other) => {
    say(json(301, {}, { location: `${host.url}/api/v3/repositories/1` }), branch, other);
    expect(await to()).toEqual([['REPOSITORY_MOVED', '']]);
  });
});

describe('The branch', () => {
  it.each<[string, Script]>([
    ['is not there', missing],
    ['is called otherwise now', json(301, {}, { location: '/api/v3/repos/owner/name/branches/trunk' })],
    ['is to be found elsewhere', json(307, {}, { location: '/api/v3/repos/owner/name/branches/trunk' })],
  ])('that %s is missing', async (_, ofBranch) => {
    say(repository({ default_branch: 'trunk' }), ofBranch);
    expect((await look()).problems).toEqual([
      ['BRANCH_MISSING', { branch: 'main', others: '. Its default branch is "trunk"' }],
    ]);
  });

  // A name of the host's stands among words of ours only if it can be seen for what it is.
  it.each([
    ['trunk', '. Its default branch is "trunk"'],
    ['grün/1-ä', '. Its default branch is "grün/1-ä"'],
    ['हिन्दी', '. Its default branch is "हिन्दी"'],
    ['a'.repeat(255), `. Its default branch is "${'a'.repeat(255)}"`],
    ['main', ', which is empty'],
    [null, ', which is empty'],
    ['a'.repeat(256), ''],
    ['a b', ''],
    ['a\u202eb', ''],
    ['', ''],
    [7, ''],
    [['trunk'], ''],
    [undefined, ''],
  ])('is told beside the one that there is: %j', async (usual, others) => {
    say(repository({ default_branch: usual }), missing);
    expect((await look()).problems).toEqual([['BRANCH_MISSING', { branch: 'main', others }]]);
  });

  it.each<[string, Script, string]>([
    ['500', json(500, { name: 'main' }), 'UPSTREAM_FAILED'],
    ['202', json(202, { name: 'main' }), 'UPSTREAM_FAILED'],
    ['304', json(304, ''), 'UPSTREAM_FAILED'],
    ['a list', json(200, []), 'UPSTREAM_FAILED'],
    ['nothing', json(200, 'null'), 'UPSTREAM_FAILED'],
    ['401', json(401, {}), 'CREDENTIAL_REFUSED'],
    ['403', json(403, {}), 'REPOSITORY_HIDDEN'],
    ['429', json(429, {}), 'UPSTREAM_BUSY'],
  ])('answered by %s is told as what that is', async (_, ofBranch, code) => {
    say(repository(), ofBranch);
    expect(await codes()).toEqual([code]);
  });

  it.each([
    [false, 1],
    [true, 0],
    [null, 0],
    [undefined, 0],
  ])('that says of its right to be pushed to %j has so many warnings: %i', async (can, times) => {
    say(repository(), json(200, { name: 'main', can_push: can }));
    const { problems, warnings } = await look();
    expect([problems, warnings.length]).toEqual([[], times]);
  });
});

describe('The identity service', () => {
  const everybody = { everyone: true, addresses: [], domains: [], roles: [], rolesClaim: '' };
  const nobody = { ...everybody, everyone: false };
  const jwt = (issuer: string): AuthMethod => ({ kind: 'jwt', issuer, audience: ['cms'] });
  const see = async (auth: AuthMethod, lists: Gateway['lists']) => {
    const { problems, warnings } = await probe(gateway({ auth, lists }), Date.now() + 5_000);
    return { problems: problems.map(({ code }) => code), warnings };
  };

  it.each<[string, AuthMethod, Gateway['lists'], boolean]>([
    ['where anybody may sign up', jwt('https://acme.auth0.com'), everybody, true],
    ['where that is nothing to who is let in', jwt('https://acme.auth0.com'), nobody, false],
    ['of which nothing is known', jwt('https://id.example.org'), everybody, false],
    ['that is a secret alone', { kind: 'hs256', secret: 'x' }, everybody, false],
  ])('%s is warned of, or not', async (_, auth, lists, is) => {
    say(repository());
    const { problems, warnings } = await see(auth, lists);
    expect(problems).toEqual([]);
    expect(warnings).toEqual(is ? [expect.stringContaining('Auth0')] : []);
  });

  it('that signs anybody up is a problem, and the host’s own stand behind it', async () => {
    say(repository({ archived: true }), branch, json(200, { disable_signup: false, autoconfirm: true }));
    const gotrue: AuthMethod = { kind: 'gotrue', address: `${host.url}/identity-${++count}` };
    expect(await see(gotrue, nobody)).toEqual({ problems: ['SIGN_UP_OPEN', 'REPOSITORY_ARCHIVED'], warnings: [] });
    say(repository(), branch, json(200, { disable_signup: true }));
    const closed: AuthMethod = { kind: 'gotrue', address: `${host.url}/identity-${++count}` };
    expect(await see(closed, everybody)).toEqual({ problems: [], warnings: [] });
  });
});
