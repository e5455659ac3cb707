import { generateKeyPairSync } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { github as record } from '../../lib/gateway/rules/github.ts';
import { factsOf } from '../../lib/providers/facts.ts';
import { apiRoots } from '../../lib/providers/provider.ts';
import { openCredential } from '../../lib/gateway/credential.ts';
import { json, startHost, type Script } from '../contract/gateway/world.ts';
import { startGitHub, type GitHubHost } from '../hosts/github.ts';
import type { Gateway } from '../../lib/gateway/settings.ts';
import type { GatewayHost } from '../../lib/gateway/rules/rule.ts';

const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });

describe('An app’s token', () => {
  let host: GitHubHost;
  const hour = 60 * 60_000;
  const open = (id = '77', pem = privateKey.export({ type: 'pkcs1', format: 'pem' }).toString(), base = host.url) =>
    openCredential(
      {
        host: record,
        base,
        roots: apiRoots(factsOf(record.provider), base),
        fullName: 'demo/site',
        credential: { kind: 'app', id, privateKey: pem },
      } as Gateway<GatewayHost>,
      Date.now() + 5_000,
    );
  const code = (promise: Promise<unknown>) =>
    promise.then(
      () => 'ok',
      ({ code: name }: { code: string }) => name,
    );

  beforeEach(async () => {
    host = await startGitHub();
    host.installedApp = {
      id: '77',
      publicKey,
      installation: 4711,
      permissions: {
        contents: 'write',
        pull_requests: 'write',
        statuses: 'read',
        workflows: 'write',
        metadata: 'read',
      },
      lifetime: hour,
    };
  });
  afterEach(async () => {
    vi.useRealTimers();
    await host.close();
  });

  it('is for one repository, with the least rights, and made once for all who wait', async () => {
    const opened = await Promise.all(Array.from({ length: 64 }, () => open()));
    expect(new Set(opened.map(({ token }) => token)).size).toBe(1);
    expect([...host.installationTokens.values()]).toMatchObject([
      { repositories: ['site'], permissions: { contents: 'write', pull_requests: 'write', statuses: 'read' } },
    ]);
    expect((await open()).token).toBe(opened[0]?.token);
  });

  it('is made once for each of two configurations that take turns in one process', async () => {
    const other = await startGitHub();
    try {
      if (host.installedApp) other.installedApp = { ...host.installedApp };
      const tokens = [];
      for (let turn = 0; turn < 3; turn++)
        tokens.push((await open()).token, (await open('77', undefined, other.url)).token);
      expect(new Set(tokens).size).toBe(2);
      expect([host.installationTokens.size, other.installationTokens.size]).toEqual([1, 1]);
    } finally {
      await other.close();
    }
  });

  it('is made by a key in the other form, too', async () => {
    expect((await open('77', privateKey.export({ type: 'pkcs8', format: 'pem' }).toString())).token).toMatch(/^ghs_/);
  });

  it('is renewed before its end', async () => {
    if (host.installedApp) host.installedApp.lifetime = 5 * 60_000 + 1_500;
    const { token } = await open();
    expect((await open()).token).toBe(token);
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 2_600 }); // GitHub's times have no fractions
    expect((await open()).token).not.toBe(token);
  });

  it('is renewed when the host refuses it, once for all who saw that', async () => {
    const before = await Promise.all([open(), open()]);
    for (const credential of before) expect(credential.invalidate()).toBe(true);
    const after = await Promise.all([open(), open()]);
    expect(after[0]?.token).not.toBe(before[0]?.token);
    expect(host.installationTokens.size).toBe(2);
    before[0]?.invalidate(); // late
    expect((await open()).token).toBe(after[0]?.token);
  });

  it.each([
    [
      'by another key',
      () =>
        open(
          '77',
          generateKeyPairSync('rsa', { modulusLength: 2048 })
            .privateKey.export({ type: 'pkcs8', format: 'pem' })
            .toString(),
        ),
      'UPSTREAM_CREDENTIAL',
    ],
    ['of another app', () => open('78'), 'UPSTREAM_CREDENTIAL'],
  ])('%s is not to be had', async (_, ask, outcome) => {
    expect(await code(ask())).toBe(outcome);
  });

  it('without a right that the owner has to grant is not to be had, in words; and asked for again after a moment', async () => {
    if (host.installedApp) host.installedApp.permissions = { contents: 'read' };
    expect(await code(open())).toBe('APP_NOT_INSTALLED');
    const before = host.requests.length;
    expect(await code(open())).toBe('APP_NOT_INSTALLED');
    expect(host.requests.length).toBe(before);
    if (host.installedApp)
      host.installedApp.permissions = { contents: 'write', pull_requests: 'write', statuses: 'read' };
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 2_100 });
    expect(await code(open())).toBe('ok');
  });

  it('where the app is not installed is not to be had', async () => {
    host.installedApp = undefined;
    expect(await code(open())).toBe('APP_NOT_INSTALLED');
  });

  it.each([
    ['to look for the installation', 'GET', json(403, { message: 'You have exceeded a secondary rate limit.' }), '60'],
    ['to make a token', 'POST', json(429, { message: 'Too many' }, { 'retry-after': '17' }), '17'],
  ])('that the host has no time for (%s) says so, and when to come again', async (_, method, limit, seconds) => {
    const busy = await startHost();
    try {
      busy.script = (asked, ...rest) => (asked.method === method ? limit : json(200, { id: 4711 }))(asked, ...rest);
      await expect(open('77', undefined, busy.url)).rejects.toMatchObject({ code: 'UPSTREAM_BUSY', fill: { seconds } });
    } finally {
      await busy.close();
    }
  });

  /** A host that answers the question for the installation, and the one for a token, as a test wants. */
  async function ask(installation: Script, token: Script): Promise<string> {
    const odd = await startHost();
    try {
      odd.script = (asked, ...rest) => (asked.method === 'GET' ? installation : token)(asked, ...rest);
      return await code(open('77', undefined, odd.url));
    } finally {
      await odd.close();
    }
  }
  const found = json(200, { id: 4711 });
  const made = { token: 'ghs_x', expires_at: '2099-01-01T00:00:00Z', repositories: [{ name: 'site' }] };

  it.each([
    ['a whole answer', json(201, made), 'ok'],
    ['an answer that does not repeat the repositories', json(201, { ...made, repositories: undefined }), 'ok'],
    ['a token for two repositories', json(201, { ...made, repositories: [{}, {}] }), 'UPSTREAM_FAILED'],
    ['a token for none', json(201, { ...made, repositories: [] }), 'UPSTREAM_FAILED'],
    ['no token', json(201, { ...made, token: undefined }), 'UPSTREAM_FAILED'],
    ['a number for a token', json(201, { ...made, token: 7 }), 'UPSTREAM_FAILED'],
    ['a list for a token', json(201, { ...made, token: ['ghs_x'] }), 'UPSTREAM_FAILED'],
    ['an empty token', json(201, { ...made, token: '' }), 'UPSTREAM_FAILED'],
    ['a second header in the token', json(201, { ...made, token: 'ghs_x\r\nx-other: 1' }), 'UPSTREAM_FAILED'],
    ['a blank before the token', json(201, { ...made, token: ' ghs_x' }), 'UPSTREAM_FAILED'],
    ['a failure that holds a token', json(500, made), 'UPSTREAM_FAILED'],
    ['a redirect that holds a token', json(302, made), 'UPSTREAM_FAILED'],
    ['nothing', json(201, 'null'), 'UPSTREAM_FAILED'],
    ['a text', json(201, '"ghs_x"'), 'UPSTREAM_FAILED'],
  ])('made by a host that sends %s', async (_, answer, outcome) => {
    expect(await ask(found, answer)).toBe(outcome);
  });

  it.each([[undefined], ['4711'], ['../../other'], [1.5], [2 ** 53], [[4711]]])(
    'is asked for at no installation that is called %j',
    async (id) => {
      expect(await ask(json(200, { id }), json(201, made))).toBe('UPSTREAM_FAILED');
    },
  );

  it('of which the host does not say when it ends is used for a moment', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    const odd = await startHost();
    let count = 0;
    odd.script = (asked, ...rest) =>
      (asked.method === 'GET' ? found : json(201, { ...made, token: `ghs_${++count}`, expires_at: 'soon' }))(
        asked,
        ...rest,
      );
    const token = async () => (await open('77', undefined, odd.url)).token;
    expect([await token(), await token()]).toEqual(['ghs_1', 'ghs_1']);
    vi.setSystemTime(Date.now() + 1_100);
    expect(await token()).toBe('ghs_2');
    const { headers, body } = odd.asked.at(-1) ?? {};
    expect(headers?.['content-type']).toBe('application/json');
    expect(JSON.parse(String(body))).toMatchObject({ repositories: ['site'] });
    expect(odd.asked.filter(({ method }) => method === 'GET')).toHaveLength(1);
    await odd.close();
  });

  // The host's clock is two days ahead, as its `Date` says (RFC 9110, 6.6.1), and so are the times in its answers.
  const theirs = () => Date.now() + 48 * hour;
  const dated = (status: number, body: unknown) => json(status, body, { date: new Date(theirs()).toUTCString() });

  it('is asked for once more by the host’s clock, and not again if that was not the reason', async () => {
    const odd = await startHost();
    odd.script = (...given) => dated(401, {})(...given);
    expect(await code(open('77', undefined, odd.url))).toBe('UPSTREAM_CREDENTIAL');
    expect(odd.asked).toHaveLength(2);
    await odd.close();
  });

  it('ends by the host’s clock, and is renewed five minutes before', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    const odd = await startHost();
    let count = 0;
    odd.script = (asked, ...rest) => {
      count += asked.method === 'POST' ? 1 : 0;
      const whole = { ...made, token: `ghs_${count}`, expires_at: new Date(theirs() + hour).toISOString() };
      const answer = asked.method === 'GET' ? dated(200, { id: 4711 }) : dated(201, whole);
      return (odd.asked.length === 1 ? dated(401, {}) : answer)(asked, ...rest);
    };
    const token = async () => (await open('77', undefined, odd.url)).token;
    expect(await token()).toBe('ghs_1');
    vi.setSystemTime(Date.now() + 54 * 60_000);
    expect(await token()).toBe('ghs_1');
    vi.setSystemTime(Date.now() + 2 * 60_000);
    expect(await token()).toBe('ghs_2');
    await odd.close();
  });

  it('that the owner has set is the only one there is', async () => {
    const credential = { kind: 'token', token: 'github_pat_x' };
    const opened = await openCredential({ host: record, credential } as Gateway<GatewayHost>, Date.now() + 1_000);
    expect([opened.token, opened.invalidate()]).toEqual(['github_pat_x', false]);
  });

  it('is not waited for longer than there is time', async () => {
    const gateway = {
      host: record,
      base: 'http://127.0.0.1:9',
      roots: { api_root: 'http://127.0.0.1:9/api/v3' },
      fullName: 'demo/site',
      credential: { kind: 'app', id: '79', privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() },
    };
    expect(await code(openCredential(gateway as Gateway<GatewayHost>, Date.now() + 1_000))).toMatch(
      /UPSTREAM_(UNREACHABLE|TIMEOUT)/,
    );
  });
});
