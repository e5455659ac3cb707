/** What the addresses of the gateway have in common, whatever is behind them: preflights, events of the log, errors as the CMS reads them. */
import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { pointersTo } from '../../lib/config/pointers.ts';
import { direct, json, nextToken, openWorld, site, useHost } from '../contract/gateway/world.ts';

const host = useHost();

/** Each test has a credential of its own: what was seen of one is kept for a minute. */
let count = 0;
const open = (platform: object = {}, more: Record<string, string | undefined> = {}) =>
  openWorld(host, direct(platform), { CMS_GATEWAY_TOKEN: nextToken(), ...more });
const openGitLab = (token = `glpat-${++count}`) =>
  open({}, { GITHUB_URL: undefined, GITLAB_URL: host.url, CMS_GATEWAY_TOKEN: token });
const code = ({ body }: { body: string }) => (JSON.parse(body) as { code?: string }).code;

describe('A preflight', () => {
  // https://fetch.spec.whatwg.org/#http-access-control-expose-headers: only an answer to the call itself says what may be read of it.
  it.each(['/git', '/git/', '/git/settings', '/git/github/pulls', '/git/graphql', '/git/api/v3/user', '/git/nothing'])(
    'is answered at %s, without a session, and says nothing of what may be read',
    async (path) => {
      const { ask, log } = open();
      const reply = await ask(path, { method: 'OPTIONS', headers: { authorization: undefined } });
      expect([reply.status, reply.body]).toEqual([204, '']);
      expect(reply.headers).toMatchObject({ 'access-control-allow-origin': site });
      expect(reply.headers['access-control-allow-methods']).toContain('PATCH');
      expect(reply.headers).not.toHaveProperty('access-control-expose-headers');
      expect(log.at(-1)).toMatchObject({ outcome: 'ok' });
    },
  );

  // https://fetch.spec.whatwg.org/#http-access-control-allow-origin
  it('lets nobody in because of the one before', async () => {
    const { ask } = open();
    await ask('/git/github/pulls', { method: 'OPTIONS' });
    const { status, headers } = await ask('/git/github/pulls', { method: 'OPTIONS', headers: { origin: undefined } });
    expect(status).toBe(204);
    expect(headers).not.toHaveProperty('access-control-allow-origin');
  });
});

describe('The log', () => {
  it.each([
    ['GET', '/raw', 'read'],
    ['HEAD', '', 'read'],
    ['PUT', '', 'write'],
    ['DELETE', '', 'write'],
  ])('calls %s what it is, and names the editor of what writes: %s', async (method, end, event) => {
    const { ask, log } = openGitLab();
    await ask(`/git/gitlab/repository/files/a.md${end}?ref=main`, { method });
    expect(log).toMatchObject([{ event }]);
    expect(log[0]?.editor).toBe(event === 'write' ? 'zoe@example.org' : undefined);
  });
});

describe('An error', () => {
  it.each([
    ['when to come again where the host has no time', json(429, {}, { 'retry-after': '17' }), 'UPSTREAM_BUSY', '17'],
    ['no such thing where it is out of order', json(500, {}), 'UPSTREAM_FAILED', undefined],
  ])('says %s', async (_, script, name, after) => {
    host.script = script;
    const reply = await open().ask('/git/github/pulls');
    expect([code(reply), reply.headers['retry-after']]).toEqual([name, after]);
  });
});

describe('The status page', () => {
  const status = async (loadPointers: () => Promise<unknown>) => {
    const { ask, log } = open({ loadPointers }, { CMS_GATEWAY_TOKEN: 'ssm:/cms/token' });
    const reply = await ask('/git/status', { headers: { authorization: undefined } });
    return { ...reply, log: log.at(-1) };
  };

  it('tells of an outage where a setting cannot be had', async () => {
    const { body } = await status(async () => pointersTo({ read: async () => new Map(), invalidate: () => {} }));
    expect(body).toContain('major_outage');
  });

  it('takes no mistake of our own for one', async () => {
    const reply = await status(() => Promise.reject(new TypeError('a mistake of ours')));
    expect([reply.status, code(reply), reply.log?.code]).toEqual([500, 'INTERNAL', 'INTERNAL']);
  });
});

describe('The beginning of a session', () => {
  const soon = new Date(Date.now() + 5 * 86_400_000).toISOString().slice(0, 10);

  it('tells the owner that the credential ends, where the host says so only to whoever asks', async () => {
    const { ask, log } = openGitLab();
    host.script = json(200, { expires_at: soon });
    expect((await ask('/git/settings')).status).toBe(200);
    expect(log[0]?.warning).toContain(soon);
  });

  it('asks for nothing where it does not end so', async () => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    for (const { ask, log } of [
      open(),
      open({}, { CMS_GATEWAY_TOKEN: undefined, GITHUB_APP_ID: '77', GITHUB_APP_PRIVATE_KEY: key }),
    ]) {
      expect((await ask('/git/settings')).status).toBe(200);
      expect(log[0]).not.toHaveProperty('warning');
    }
    expect(host.asked).toEqual([]);
  });
});
