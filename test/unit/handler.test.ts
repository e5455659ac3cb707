import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { Failure, webErrors } from '../../lib/http/errors.ts';
import { createHandler } from '../../lib/login/handler.ts';
import { commonHeaders, type HttpRequest } from '../../lib/http/http.ts';
import { serve } from '../../lib/handler/serve.ts';
import type { RouteModule } from '../../lib/handler/router.ts';
import type { LogEntry } from '../../lib/http/log.ts';
import { github } from '../../lib/providers/github.ts';
import { loginErrors } from '../errors.ts';

const env = { CMS_AUTH_URL: 'https://auth.example.com', GITHUB_CLIENT_ID: 'id', GITHUB_CLIENT_SECRET: 'secret' };
const request: HttpRequest = { method: 'GET', path: '/auth/github', query: '', headers: {}, platform: {} };

describe('The handler', () => {
  it('never rejects and never leaves out the headers, whatever the request and the settings', async () => {
    const text = fc.string({ unit: 'binary', maxLength: 50 });
    const near = (...texts: string[]) => fc.oneof(text, fc.constantFrom(...texts));
    const requests = fc.record({
      method: near('GET', 'HEAD', 'POST'),
      path: near('/auth', '/auth/github', '/auth/github/begin', '/auth/github/callback', '/auth/__proto__/callback'),
      query: near(
        'provider=github',
        'code=x&state=AAAAAAAAAAAA.1.0.x',
        'provider=__proto__',
        'proof=AAAAAAAAAAAA.1.0.x&origin=https://x.example',
        'origin=%00',
      ),
      headers: fc.dictionary(
        near('cookie', 'sec-fetch-dest', 'sec-purpose', '__proto__'),
        fc.option(text, { nil: undefined }),
      ),
      platform: fc.record({
        url: fc.option(near('https://auth.example.com/prod', 'http://localhost:1'), { nil: undefined }),
      }),
    });
    const settings = fc.dictionary(
      fc.constantFrom(
        'CMS_AUTH_URL',
        'CMS_AUTH_ORIGINS',
        'CMS_AUTH_PAGE',
        'GITHUB_URL',
        'GITHUB_SCOPE',
        'GITHUB_CLIENT_ID',
      ),
      near('https://example.com', 'ssm:/x', 'off'),
    );
    await fc.assert(
      fc.asyncProperty(requests, settings, async (given, changed) => {
        const entries: LogEntry[] = [];
        const handler = createHandler([github], { env: { ...env, ...changed }, log: (entry) => entries.push(entry) });
        const reply = await handler(given);
        expect(reply.headers).toMatchObject(commonHeaders);
        expect(entries).toHaveLength(1);
        expect(entries[0]?.code).not.toBe('INTERNAL');
        // Fit for a header on every platform.
        for (const value of [...Object.values(reply.headers), ...reply.cookies])
          expect(value).toMatch(/^[\x20-\x7e]*$/);
      }),
      { numRuns: 1000 },
    );
  });

  it('makes a mistake of ours a failed login that says nothing about it', async () => {
    const entries: LogEntry[] = [];
    const broken = new Proxy(env, {
      get: (target, name) => {
        if (name === 'GITHUB_CLIENT_ID') throw new Error('the-mistake');
        return Reflect.get(target, name) as unknown;
      },
    });
    const reply = await createHandler([github], { env: broken, log: (entry) => entries.push(entry) })(request);
    expect(reply.status).toBe(500);
    expect(entries).toMatchObject([{ event: 'begin', provider: 'github', outcome: 'failed', code: 'INTERNAL' }]);
    expect(reply.body).toContain('authorizing:github');
    expect(JSON.stringify([reply, entries])).not.toContain('the-mistake');
  });

  it('ends in words, and in a line of the log, even where the words for a failure cannot be written', async () => {
    const entries: LogEntry[] = [];
    const routes: RouteModule = {
      timeoutMs: 1_000,
      endpoints: [
        {
          path: '/auth/*',
          route: () => ({ event: 'begin', handle: () => Promise.reject(new Failure(webErrors.NOT_FOUND)) }),
        },
      ],
      fail() {
        throw new URIError('URI malformed: another-mistake');
      },
    };
    const reply = await serve([routes], { env, log: (entry) => entries.push(entry) })(request);
    expect([reply.status, reply.body]).toEqual([500, expect.stringContaining('Start again from the CMS')]);
    expect(reply.headers).toMatchObject(commonHeaders);
    expect(entries).toMatchObject([{ event: 'begin', outcome: 'failed', code: 'INTERNAL', reason: 'NOT_FOUND' }]);
    expect(JSON.stringify([reply, entries])).not.toContain('mistake');
  });

  it.each([
    ['https://auth.example.com', 'max-age=31536000'],
    ['https://auth.example.com/prod', 'max-age=31536000'],
    ['https://localhost:8443', undefined],
    ['https://127.0.0.1', undefined],
    ['http://localhost:8888', undefined],
  ])('at %s: browsers that were there by https come back by https, but on loopback', async (url, wanted) => {
    for (const path of ['/auth', '/auth/github', '/nothing']) {
      const reply = await createHandler([github], { env: { ...env, CMS_AUTH_URL: url }, log: () => {} })({
        ...request,
        path,
      });
      expect(reply.headers['strict-transport-security']).toBe(wanted);
    }
  });

  it("logs one entry with the duration and the platform's name for the request", async () => {
    const entries: LogEntry[] = [];
    let time = Date.UTC(2026, 5, 1);
    const now = () => (time += 7);
    await createHandler([github], { env, now, log: (entry) => entries.push(entry) })({
      ...request,
      platform: { requestId: 'r1' },
    });
    expect(entries).toEqual([{ event: 'begin', provider: 'github', outcome: 'ok', duration: 7, request: 'r1' }]);
  });
});

it('explains the codes of its pages on the owner’s page, below its own address and where there is one', async () => {
  const linked = async (path: string, more: object) => {
    const handler = createHandler([github], { env: { ...env, ...more }, log: () => {} });
    const { body } = await handler({ ...request, path });
    return /<a href="([^"]*)">What the code means/.exec(String(body))?.[1];
  };
  for (const path of ['/auth/github/callback/more', '/auth/github/nothing'])
    expect(await linked(path, {})).toBe('/auth#NOT_FOUND');
  const wrong = { GITHUB_CLIENT_ID: '' };
  expect(await linked('/auth/github', wrong)).toBe('/auth#SETTING_EMPTY');
  expect(await linked('/auth/github', { ...wrong, CMS_AUTH_PAGE: 'on\n' })).toBe('/auth#SETTING_EMPTY');
  const below = { CMS_AUTH_URL: 'https://auth.example.com/prod' };
  expect(await linked('/prod/auth/github', { ...wrong, ...below })).toBe('/prod/auth#SETTING_EMPTY');
  expect(await linked('/auth/github', { ...wrong, CMS_AUTH_PAGE: 'off' })).toBeUndefined();
  expect(await linked('/auth/github', { CMS_AUTH_URL: 'nowhere' })).toBeUndefined();

  const page = await createHandler([github], { env, log: () => {} })({ ...request, path: '/auth' });
  for (const code of Object.keys(loginErrors)) expect(page.body).toContain(`<dt id="${code}">`);
});

it('serves a host whose sessions cannot be renewed, without an address for that', async () => {
  const { refresh, ...other } = github;
  expect(refresh.path).toBe('/auth/github/access_token');
  const handler = createHandler([other], { env, log: () => {} });
  expect((await handler(request)).status).toBe(200);
  const renewal = { ...request, method: 'POST', path: refresh.path, headers: { origin: 'https://auth.example.com' } };
  expect((await handler(renewal)).status).toBe(404);
});

it('clears the cookies of five attempts at the most, so that our answer cannot grow with what is asked', async () => {
  const handler = createHandler([github], { env, log: () => {} });
  const query = Array.from({ length: 9 }, (_, i) => `state=AAAAAAAAAAA${i}.x`).join('&');
  expect((await handler({ ...request, path: '/auth/github/callback', query })).cookies).toHaveLength(5);
});

it('tells the owner that no sites are listed also where only a space is', async () => {
  for (const path of ['/auth', '/auth/github/callback']) {
    const handler = createHandler([github], { env: { ...env, CMS_AUTH_ORIGINS: ' \n' }, log: () => {} });
    expect((await handler({ ...request, path })).body).toContain('CMS_AUTH_ORIGINS</code> is not set');
  }
});

it('clears the cookie of an attempt once, also when two states name it', async () => {
  const handler = createHandler([github], { env: { CMS_AUTH_URL: 'https://auth.example.com' }, log: () => {} });
  const id = 'AAAAAAAAAAAA';
  const query = `state=${id}.a&state=${id}.b`;
  const { cookies } = await handler({ method: 'GET', path: '/auth/github/callback', query, headers: {}, platform: {} });
  expect(cookies).toHaveLength(1);
});
