/** The first step: what is refused before anybody is asked anything. */
import { describe, expect, it } from 'vitest';
import { codeOf, popupResultOf, nextOf, popupGreetingOf } from '../../popup.ts';
import { callbackPath, cookiesOfTheirOwn, loginServer, nasty, site, type LoginWorld } from './world.ts';
import type { Reply } from '../login.ts';

export function beginning(world: LoginWorld): void {
  const { asked, expectFailure, knowsAddress, look, open } = world;

  describe('at its beginning', () => {
    const expectNothingBegun = (reply: Reply) => {
      expect(reply.cookies).toEqual([]);
      expect(reply.headers['location']).toBeUndefined();
      expect(popupGreetingOf(reply)).toBeUndefined();
    };

    it.each([
      ['gitlab', 'gitlab'],
      ['constructor', 'constructor'],
      ['a-1', 'a-1'],
      ['__proto__', null],
      ['GitHub', null],
      ['github ', null],
      ['github\0', null],
      ['', null],
      ['1a', null],
      ['a'.repeat(32), null],
      ['<script>', null],
      [nasty, null],
      ['github:success:x', null],
    ])('does not know the provider %j, and tells the CMS under the name %j', async (provider, announced) => {
      const reply = await open().ask('/auth', new URLSearchParams({ provider }).toString());
      expectFailure(reply, 'UNKNOWN_PROVIDER', announced);
      expectNothingBegun(reply);
      expect(reply.body).not.toContain('alert(1)');
    });

    it.each(['/auth/gitlab', '/auth/gitlab/authorize', '/auth/constructor', '/auth/__proto__', '/auth/GitHub'])(
      'does not know the provider of %s',
      async (path) => {
        const reply = await open().ask(path);
        expect(codeOf(reply)).toBe('NOT_FOUND');
        expectNothingBegun(reply);
      },
    );

    // As `errors.ts` says: static hosting replaces 403 and 404 with a page of its own, and the CMS would wait for ever.
    it.each(['/auth/gitlab', '/auth/gitlab/authorize'])(
      'tells a CMS that waits about the unknown provider of %s with a status that arrives',
      async (path) => {
        const reply = await open().ask(path, 'provider=gitlab&site_id=x');
        expect(popupResultOf(reply)?.greeting).toBe('authorizing:gitlab');
        expect([403, 404]).not.toContain(reply.status);
      },
    );

    it.each([
      ['gitlab', 'gitlab'],
      ['', null],
      ['__proto__', null],
    ])('refuses a provider=%s that disagrees with the path', async (provider, announced) => {
      for (const path of ['/auth/github', '/auth/github/authorize']) {
        const reply = await open().ask(path, `provider=${provider}`);
        expectFailure(reply, 'PROVIDER_MISMATCH', announced);
        expectNothingBegun(reply);
      }
    });

    it.each([
      ['admin:org', 'repo'],
      ['repo admin:org', 'repo'],
      ['repo,user', 'repo user'],
      ['public_repo', 'public_repo'],
      ['__proto__', 'repo'],
      ['', 'repo'],
      [nasty, 'repo'],
    ])('asks, when the CMS wishes for the scope %j, for %j', async (scope, expected) => {
      const query = new URLSearchParams({ provider: 'github', scope }).toString();
      const { reply } = await open().begin('/auth', query);
      expect(new URL(reply.headers['location'] ?? '').searchParams.getAll('scope')).toEqual([expected]);
    });

    it.each(['provider=github&provider=github', 'provider=github&scope=repo&scope=user'])(
      'refuses what is given twice: %s',
      async (query) => {
        const reply = await open().ask('/auth', query);
        expectFailure(reply, 'BAD_REQUEST');
        expectNothingBegun(reply);
      },
    );

    // A server of one's own does not even take in more than 32 KiB.
    it('refuses 24 kB of query', async () => {
      for (const [path, openerOrigin] of [
        ['/auth/github', undefined],
        [callbackPath, null],
        ['/auth/github/begin', null],
      ] as const) {
        const reply = await open().ask(path, `provider=github&x=${'x'.repeat(24_000)}`);
        expectFailure(reply, 'REQUEST_TOO_LARGE', 'github', openerOrigin);
        expectNothingBegun(reply);
      }
      const reply = await open().ask('/auth', `provider=github&x=${'x'.repeat(24_000)}`);
      expect(codeOf(reply)).toBe('REQUEST_TOO_LARGE');
      expectNothingBegun(reply);
    });

    it.each(['POST', 'PUT', 'OPTIONS', 'DELETE', 'PATCH'])('takes no %s', async (method) => {
      for (const path of ['/auth', '/auth/github', '/auth/github/authorize', '/auth/github/begin', callbackPath]) {
        const reply = await open().ask(path, 'provider=github', { method });
        expect(reply.status).toBe(405);
        expect(reply.headers['allow']).toBe('GET, HEAD');
        expect(codeOf(reply)).toBe('METHOD_NOT_ALLOWED');
        expectNothingBegun(reply);
      }
      expect((await open().ask('/nothing', '', { method })).status).toBe(404);
    });

    it('begins nothing for HEAD', async () => {
      for (const path of ['/auth', '/auth/github', '/auth/github/authorize']) {
        const reply = await open().ask(path, 'provider=github', { method: 'HEAD' });
        expect(reply.status).toBe(200);
        expect(reply.body).toBe('');
        expectNothingBegun(reply);
      }
    });

    it.each([
      { 'sec-fetch-dest': 'iframe' },
      { 'sec-fetch-dest': 'empty' },
      { 'sec-fetch-dest': 'image' },
      { 'sec-fetch-dest': '' },
      { 'sec-fetch-dest': 'document, iframe' },
      { 'sec-fetch-dest': 'document', 'sec-purpose': 'prefetch' },
      { 'sec-fetch-dest': 'document', 'sec-purpose': 'prefetch;prerender' },
      { 'sec-purpose': 'prefetch' },
    ])('is navigated to, or nothing begins and nothing ends: %j', async (headers) => {
      const { ask, consent, jar } = open();
      const { parameters } = await consent();
      const next = nextOf(await ask('/auth/github'), site);
      world.host.requests.length = 0;
      const held = [...jar];
      for (const path of ['/auth', '/auth/github', '/auth/github/authorize']) {
        const reply = await ask(path, 'provider=github', { headers });
        expectFailure(reply, 'NAVIGATION_ONLY');
        expectNothingBegun(reply);
      }
      expectFailure(await ask(next.path, next.query, { headers }), 'NAVIGATION_ONLY', 'github', site);
      expectFailure(await ask(callbackPath, parameters.toString(), { headers }), 'NAVIGATION_ONLY', 'github', site);
      expect([...jar]).toEqual(held);
      expect(asked()).toEqual([]);
    });

    it.each([
      {},
      { 'sec-fetch-dest': 'document' },
      { 'sec-fetch-dest': 'document', 'sec-fetch-mode': 'navigate', 'sec-fetch-site': 'cross-site' },
    ])('does not mind %j', async (headers: Record<string, string>) => {
      expect((await open().begin('/auth/github', '', { headers })).reply.status).toBe(302);
    });

    it('never believes the request about our own address', async () => {
      for (const headers of [
        { host: 'evil.example' },
        { 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'http', 'x-forwarded-prefix': '/evil' },
        { forwarded: 'host=evil.example;proto=http' },
        { origin: 'https://evil.example', referer: 'https://evil.example/' },
        { 'x-original-url': 'https://evil.example/', 'x-forwarded-port': '1', 'x-host': 'evil.example' },
      ]) {
        // Both where the address is set and where the platform has to know it.
        for (const settings of [{}, { CMS_AUTH_URL: undefined }]) {
          const plain = await open(settings).ask('/auth/github');
          const forged = await open(settings).ask('/auth/github', '', { headers });
          const next = (reply: Reply) => popupGreetingOf(reply)?.next.replace(/\?.*/, '') ?? 'none';
          expect(next(forged)).toBe(next(plain));
          expect(next(forged)).toMatch(
            !knowsAddress && 'CMS_AUTH_URL' in settings ? /^none$/ : /^https?:\/\/.+\/auth\/github\/begin$/,
          );
          expect(JSON.stringify(forged)).not.toContain('evil');
        }
        const { reply } = await open().begin('/auth/github', '', { headers });
        const { searchParams } = new URL(reply.headers['location'] ?? '');
        expect(searchParams.get('redirect_uri')).toBe(loginServer + callbackPath);
        expect(JSON.stringify(reply)).not.toContain('evil');
      }
    });

    it.each([
      ['GITHUB_CLIENT_ID', undefined, 'SETTING_MISSING'],
      ['GITHUB_CLIENT_ID', ' ', 'SETTING_EMPTY'],
      ['GITHUB_URL', 'http://hidden.example', 'SETTING_INVALID'],
      ['CMS_AUTH_URL', 'http://hidden.example', 'SETTING_INVALID'],
      ['CMS_AUTH_ORIGINS', 'https://*.hidden.example', 'SETTING_INVALID'],
      ['GITHUB_SCOPE', ',', 'SETTING_INVALID'],
    ] as const)('tells the CMS what is wrong with %s = %j', async (setting, value, code) => {
      const reply = await open({ [setting]: value }).ask('/auth', 'provider=github');
      expectFailure(reply, code);
      expect(reply.body).toContain(setting);
      expect(reply.body).not.toContain('hidden');
      expectNothingBegun(reply);
    });

    it('needs no secret', async () => {
      const { reply } = await open({ GITHUB_CLIENT_SECRET: undefined }).begin('/auth/github', '');
      expect(reply.status).toBe(302);
    });

    if (look === cookiesOfTheirOwn)
      it('clears the oldest of many cookies, each in a header of its own', async () => {
        const { ask, jar } = open();
        for (let i = 0; i < 8; i++) jar.set(`__Host-login-AAAAAAAAAAA${i}`, `${i}.${'A'.repeat(43)}`);
        const { cookies } = await ask('/auth/github');
        const cleared = cookies.slice(0, -1).map((cookie) => cookie.split('=', 1)[0]);
        expect(cleared.sort()).toEqual([0, 1, 2].map((i) => `__Host-login-AAAAAAAAAAA${i}`));
        expect(jar.size).toBe(6);
      });

    it.each([
      'nonsense',
      ';;;',
      '=',
      '=;=;__Host-login-=',
      '__Host-login-AAAAAAAAAAAA',
      '__Host-login-AAAAAAAAAAAA=%',
      '__proto__=1; constructor=2',
      Array.from({ length: 12 }, () => '__Host-login-AAAAAAAAAAAA=nonsense').join('; '),
    ])('copes with malformed cookies, sets one that works, and none twice: %s', async (cookie) => {
      const { ask, consent, jar } = open();
      const { parameters, cookie: own } = await consent('/auth/github', '', { headers: { cookie } });
      expect(jar.size).toBeLessThanOrEqual(1);
      const [name = '', value = ''] = own.split('=');
      jar.set(name, value);
      const reply = await ask(callbackPath, parameters.toString(), { headers: { cookie } });
      expect(reply.status).toBe(200);
    });
  });
}
