/** When the credential ends: how hosts say it, what the owner is told of it, and how often it is asked for. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { expiryWarning, fetchExpiry } from '../../lib/gateway/expiry.ts';
import { github } from '../../lib/gateway/rules/github.ts';
import { gitlab } from '../../lib/gateway/rules/gitlab.ts';
import { json, startHost, type Host, type Script } from '../contract/gateway/world.ts';
import type { GatewayHost } from '../../lib/gateway/rules/rule.ts';
import type { Gateway } from '../../lib/gateway/settings.ts';

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

describe('A credential that ends', () => {
  const end = Date.UTC(2026, 11, 1, 10);

  // https://docs.github.com/rest/authentication/authenticating-to-the-rest-api, https://docs.gitlab.com/api/personal_access_tokens/
  it.each([
    ['2026-12-01 10:00:00 UTC', end],
    ['2026-12-01 12:00:00 +0200', end],
    ['2026-12-01 03:00:00 -0700', end],
    ['2026-12-01T10:00:00Z', end],
    ['2026-12-01T10:00:00.000+00:00', end],
    ['2026-12-01', end - 10 * hour],
  ])('at %s is understood, wherever the server is', (said, time) => {
    const zone = process.env['TZ'];
    try {
      for (const here of ['UTC', 'America/New_York', 'Asia/Tokyo']) {
        process.env['TZ'] = here;
        expect(expiryWarning(said, 'GitHub', time - hour - 1)).toContain(' ends on 2026-12-01. ');
        expect(expiryWarning(said, 'GitHub', time - hour)).toBeUndefined();
      }
    } finally {
      if (zone === undefined) delete process.env['TZ'];
      else process.env['TZ'] = zone;
    }
  });

  it.each([
    ['in thirty days', 30 * day, true],
    ['in a moment more', 30 * day + 1, false],
    ['in more than an hour', hour + 1, true],
    // GitHub has been seen to name the present time.
    ['in an hour', hour, false],
    ['now', 0, false],
    ['a day ago', -day, false],
  ])('%s, which is %i ms from now, is spoken of: %j', (_, left, is) => {
    const said = expiryWarning('2026-12-01 10:00:00 UTC', 'GitHub', end - left);
    expect(said !== undefined).toBe(is);
    if (is) expect(said).toMatch(/GitHub ends on 2026-12-01\. Make a new one before that day\.$/);
  });

  it.each(['', 'never', 'undefined', '2026-13-45'])('at no time that could be read is not spoken of: %j', (said) =>
    expect(expiryWarning(said, 'GitHub', end)).toBeUndefined(),
  );
});

describe('A host that says it only if it is asked', () => {
  let host: Host;
  let count = 0;
  beforeAll(async () => {
    host = await startHost();
  });
  afterAll(() => host.close());
  beforeEach(() => {
    host.asked = [];
    vi.useFakeTimers({ toFake: ['Date'] });
  });
  afterEach(() => void vi.useRealTimers());
  /** By a credential of its own for each test. */
  const open = (record: GatewayHost = gitlab) => {
    const token = `glpat-${++count}`;
    const gateway = { host: record, roots: { api_root: `${host.url}/api/v4` } } as Gateway<GatewayHost>;
    return { token, ask: () => fetchExpiry(gateway, token) };
  };

  it('is asked once for all that wait, and not again for half a day', async () => {
    host.script = json(200, { expires_at: '2026-12-01' });
    const { ask, token } = open();
    expect(await Promise.all([ask(), ask()])).toEqual(['2026-12-01', '2026-12-01']);
    expect(host.asked).toMatchObject([
      { method: 'GET', url: '/api/v4/personal_access_tokens/self', headers: { 'private-token': token } },
    ]);
    vi.setSystemTime(Date.now() + 12 * hour - 1);
    await ask();
    expect(host.asked).toHaveLength(1);
    vi.setSystemTime(Date.now() + 1);
    expect(await ask()).toBe('2026-12-01');
    expect(host.asked).toHaveLength(2);
  });

  it.each<[string, Script]>([
    ['refuses', json(401, { expires_at: '2026-12-01' })],
    ['is out of order', json(500, { expires_at: '2026-12-01' })],
    ['has no such address', json(404, { message: '404 Not Found' })],
    ['knows no end', json(200, { expires_at: null })],
    ['says a number', json(200, { expires_at: 20261201 })],
    ['says nothing', json(200, 'null')],
    ['sends a page', (_, response) => void response.writeHead(200, { 'content-type': 'text/html' }).end('{}')],
    ['hangs up', (_, response) => void response.destroy()],
  ])('and %s is no harm, and asked again after ten minutes', async (_, script) => {
    host.script = script;
    const { ask } = open();
    expect(await ask()).toBeUndefined();
    const { length } = host.asked;
    vi.setSystemTime(Date.now() + 10 * minute - 1);
    expect(await ask()).toBeUndefined();
    expect(host.asked).toHaveLength(length);
    host.script = json(200, { expires_at: '2026-12-01' });
    vi.setSystemTime(Date.now() + 1);
    expect(await ask()).toBe('2026-12-01');
  });

  it('is another one than those that say it in a header: these are not asked', async () => {
    expect(await open(github).ask()).toBeUndefined();
    expect(await open({ ...gitlab, expiry: undefined } as unknown as GatewayHost).ask()).toBeUndefined();
    expect(host.asked).toEqual([]);
  });
});
