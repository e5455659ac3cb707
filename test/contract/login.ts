/** What every platform has to do, written once. A platform's own file only says how to call its adapter. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { errors } from '../errors.ts';
import { createHandler } from '../../lib/hop/handler.ts';
import { github } from '../../lib/providers/github.ts';
import { startGitHub, type GitHubHost } from '../hosts/github.ts';
import { listen, sendJson } from '../hosts/http.ts';
import type { Handler } from '../../lib/web/http.ts';
import type { LogEntry } from '../../lib/web/log.ts';
import type { HandOver } from '../../lib/hop/popup.ts';
import type { Environment } from '../../lib/settings/environment.ts';

export interface Request {
  method: string;
  path: string;
  query: string;
  headers: Record<string, string>;
  body?: string;
}

export interface Reply {
  status: number;
  headers: Record<string, string>;
  cookies: string[];
  body: string;
}

export type Call = (handler: Handler, request: Request) => Promise<Reply>;

/** What a login looks like in the browser's cookies. */
interface Cookies {
  begun: (id: string) => RegExp;
  name: (id: string) => string;
  /** What ends an attempt; `held` is whether its key came along. */
  ended: (id: string, held: boolean) => string[];
  /** Of logins at a time. */
  room: number;
}

const cookiesOfTheirOwn: Cookies = {
  begun: (id) =>
    new RegExp(`^__Host-login-${id}=[0-9a-z]+\\.[\\w-]{43}; Path=/; Max-Age=600; HttpOnly; SameSite=Lax; Secure$`),
  name: (id) => `__Host-login-${id}`,
  ended: (id) => [`__Host-login-${id}=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax; Secure`],
  room: 5,
};

export const sessionCookieOnly: Cookies = {
  begun: (id) =>
    new RegExp(
      `^__session=login~${id}\\.[0-9a-z]+\\.[\\w-]{43}(~[\\w.-]+){0,2}; Path=/auth; Max-Age=600; HttpOnly; SameSite=Lax; Secure$`,
    ),
  name: () => '__session',
  ended: (_, held) =>
    held
      ? [
          expect.stringMatching(
            /^__session=; Path=(\/prod)?\/auth; Max-Age=0; HttpOnly; SameSite=Lax; Secure$/,
          ) as string,
        ]
      : [],
  room: 3,
};

const hop = 'https://auth.example.com';
const site = 'https://www.example.com';
const callbackPath = '/auth/github/callback';
const secret = 'the-client-secret-of-the-app';
const nasty = `"'></script><script>alert(1)</script><!--\u2028&amp;`;
const tokenRequest = 'POST /login/oauth/access_token';

export function describeLogin(name: string, call: Call, cookiesLook = cookiesOfTheirOwn): void {
  describe(`The login on ${name}`, () => {
    let host: GitHubHost;
    let log: LogEntry[];

    beforeAll(async () => {
      host = await startGitHub({
        consent: 'always',
        app: {
          name: 'CMS',
          clientId: 'the-client-id',
          clientSecret: secret,
          redirectUris: [hop + callbackPath, `${hop}/prod${callbackPath}`],
        },
      });
    });
    afterAll(() => host.close());
    beforeEach(() => {
      log = [];
      host.requests.length = 0;
      Object.assign(host, { fault: undefined, iss: 'right', expiring: false });
      host.app.clientSecret = secret;
      delete host.app.suspended;
    });

    /** The login server, and one browser with its cookies in front of it. */
    function open(settings: Environment = {}, now: () => number = Date.now) {
      const env = {
        CMS_AUTH_URL: hop,
        CMS_AUTH_ORIGINS: `${site}, https://*--site.netlify.app`,
        GITHUB_URL: host.url,
        GITHUB_CLIENT_ID: host.app.clientId,
        GITHUB_CLIENT_SECRET: secret,
        ...settings,
      };
      const handler = createHandler([github], { env, log: (entry) => log.push(entry), now });
      const jar = new Map<string, string>();

      async function ask(path: string, query = '', { method = 'GET', headers = {} }: Partial<Request> = {}) {
        const cookie = [...jar].map(([key, value]) => `${key}=${value}`).join('; ');
        const reply = await call(handler, {
          method,
          path,
          query,
          headers: { ...(cookie !== '' && { cookie }), ...headers },
        });
        expectOurs(reply);
        for (const text of reply.cookies) {
          const [pair = '', ...attributes] = text.split('; ');
          const equals = pair.indexOf('=');
          if (attributes.includes('Max-Age=0')) jar.delete(pair.slice(0, equals));
          else jar.set(pair.slice(0, equals), pair.slice(equals + 1));
        }
        return reply;
      }

      /** Begins, and asks the host for its consent. */
      async function consent(path = '/auth', query = 'provider=github', headers: Record<string, string> = {}) {
        const begun = await ask(path, query, { headers });
        expect(begun.status).toBe(302);
        const answer = await fetch(begun.headers['location'] ?? '', { redirect: 'manual' });
        const back = new URL(answer.headers.get('location') ?? '');
        const parameters = back.searchParams;
        const [cookie = ''] = (begun.cookies.at(-1) ?? '').split(';', 1);
        return {
          begun,
          back,
          parameters,
          cookie,
          id: (parameters.get('state') ?? '').split('.')[0] ?? '',
          code: parameters.get('code') ?? '',
        };
      }

      return { ask, consent, jar, handler };
    }

    const asked = () => host.requests.map(({ method, path }) => `${method} ${path}`);

    /** A failure that the CMS gets to know: its code is on the page and in the message. */
    function expectFailure(reply: Reply, code: keyof typeof errors, announced: string | null = 'github') {
      expect(pageCode(reply)).toBe(code);
      expect(reply.status).toBe(errors[code].status);
      expect(log.at(-1)).toMatchObject({ outcome: 'failed', code });
      const handOver = readHandOver(reply);
      if (announced === null) return expect(handOver).toBeUndefined();
      expect(handOver?.greeting).toBe(`authorizing:${announced}`);
      expect(handOver?.origins).toEqual({ exact: [], patterns: [] });
      expect(Object.keys(handOver?.results ?? {})).toEqual(['other']);
      const [, start = '', json = ''] = /^(.*?:error:)(.*)$/.exec(handOver?.results.other ?? '') ?? [];
      expect(start).toBe(`authorization:${announced}:error:`);
      expect(JSON.parse(json)).toMatchObject({ provider: announced, errorCode: code });
    }

    const expectForgotten = (reply: Reply, id: string, { held }: { held: boolean } = { held: true }) =>
      expect(reply.cookies).toEqual(cookiesLook.ended(id, held));

    describe('from its beginning to its end', () => {
      it.each([
        ['/auth', 'provider=github&site_id=www.example.com&scope=repo'],
        ['/auth/', 'provider=github&site_id=www.example.com&scope=repo,user'],
        ['/auth/github', ''],
        ['/auth/github/', 'provider=github'],
        ['/auth/github/authorize', 'provider=github&scope=repo'],
        ['/auth/github/authorize/', ''],
      ])('hands the token and the list over: %s?%s', async (path, query) => {
        const { ask, consent, jar } = open();
        const { back, parameters, id } = await consent(path, query);
        expect(back.origin + back.pathname).toBe(hop + callbackPath);
        expect([...jar.keys()]).toEqual([cookiesLook.name(id)]);

        const reply = await ask(callbackPath, parameters.toString());
        expect(reply.status).toBe(200);
        expectForgotten(reply, id);
        expect(jar.size).toBe(0);
        expect(asked()).toEqual(['GET /login/oauth/authorize', tokenRequest]);

        const handOver = readHandOver(reply);
        expect(handOver?.greeting).toBe('authorizing:github');
        expect(handOver?.origins.exact).toEqual([site]);
        expect(handOver?.origins.patterns).toHaveLength(1);
        const [, json = ''] = /^authorization:github:success:(.+)$/.exec(handOver?.results.exact ?? '') ?? [];
        const { token, ...rest } = JSON.parse(json) as { token: string };
        expect(rest).toEqual({ provider: 'github' });
        expect(host.grants.holder(token)).toMatchObject({ user: host.user.login });
        expect(handOver?.results.pattern).toBe(handOver?.results.exact);
        expect(handOver?.results.other).toContain('UNSUPPORTED_DOMAIN');
        expect(handOver?.results.other).not.toContain(token);
        // Nowhere but in these two messages.
        expect(reply.body.split(token)).toHaveLength(3);
        expect(JSON.stringify([reply.headers, reply.cookies])).not.toContain(token);
        expect(log.map(({ event, outcome }) => [event, outcome])).toEqual([
          ['begin', 'ok'],
          ['finish', 'ok'],
        ]);
      });

      it('asks the host for exactly what it has to', async () => {
        const { begun, id } = await open().consent();
        const location = new URL(begun.headers['location'] ?? '');
        expect(location.origin + location.pathname).toBe(`${host.url}/login/oauth/authorize`);
        expect(Object.fromEntries(location.searchParams)).toEqual({
          response_type: 'code',
          client_id: 'the-client-id',
          redirect_uri: hop + callbackPath,
          scope: 'repo',
          state: expect.stringMatching(/^[\w-]{12}\.[0-9a-z]+\.0\.[\w-]{43}$/),
          code_challenge: expect.stringMatching(/^[\w-]{43}$/),
          code_challenge_method: 'S256',
        });
        expect(begun.cookies).toEqual([expect.stringMatching(cookiesLook.begun(id))]);
      });

      it('works in many tabs at once, in any order', async () => {
        const { ask, consent } = open();
        const tabs = [];
        for (let i = 0; i < cookiesLook.room; i++) tabs.push(await consent());
        for (const { parameters } of tabs.reverse())
          expect((await ask(callbackPath, parameters.toString())).status).toBe(200);
      });

      it('works with an old host that sends no issuer', async () => {
        host.iss = 'none';
        const { ask, consent } = open();
        const { parameters } = await consent();
        expect(parameters.has('iss')).toBe(false);
        expect((await ask(callbackPath, parameters.toString())).status).toBe(200);
      });

      it('keeps the refresh token of an app whose tokens expire to itself', async () => {
        host.expiring = true;
        const { ask, consent } = open();
        const { parameters } = await consent();
        const reply = await ask(callbackPath, parameters.toString());
        expect(readHandOver(reply)?.results.exact).toContain('ghu_');
        expect(reply.body).not.toContain('ghr_');
      });

      it('works below a path, whether or not what is in front of us takes it away', async () => {
        const { ask, consent } = open({ CMS_AUTH_URL: `${hop}/prod` });
        for (const prefix of ['/prod', '']) {
          const { back, parameters } = await consent(`${prefix}/auth`);
          expect(back.origin + back.pathname).toBe(`${hop}/prod${callbackPath}`);
          expect((await ask(prefix + callbackPath, parameters.toString())).status).toBe(200);
        }
        for (const path of ['/prod', '/prod/', '/production/auth', '/prod/prod/auth'])
          expect((await ask(path, 'provider=github')).status).toBe(404);
      });

      it('survives a token that would end the script', async () => {
        const token = `gho_</script><!--<script>&"'`;
        const server = await listen((_, response) =>
          sendJson(response, 200, { access_token: token, token_type: 'bearer' }),
        );
        const { ask } = open({ GITHUB_URL: server.url });
        const begun = await ask('/auth/github');
        const state = new URL(begun.headers['location'] ?? '').searchParams.get('state') ?? '';
        const reply = await ask(callbackPath, new URLSearchParams({ code: 'x', state }).toString());
        await server.close();
        const [, json = ''] =
          /^authorization:github:success:(.+)$/.exec(readHandOver(reply)?.results.exact ?? '') ?? [];
        expect(JSON.parse(json)).toEqual({ token, provider: 'github' });
        expect(reply.body.match(/<script/g)).toHaveLength(2);
        expect(reply.body.match(/<\/script/g)).toHaveLength(2);
      });
    });

    describe('at its beginning', () => {
      const expectNothingBegun = (reply: Reply) => {
        expect(reply.cookies).toEqual([]);
        expect(reply.headers['location']).toBeUndefined();
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
          expect(pageCode(reply)).toMatch(/^(NOT_FOUND|UNKNOWN_PROVIDER)$/);
          expectNothingBegun(reply);
        },
      );

      // As `errors.ts` says: static hosting replaces 403 and 404 with a page of its own, and the CMS would wait for ever.
      it.each(['/auth/gitlab', '/auth/gitlab/authorize'])(
        'tells a CMS that waits about the unknown provider of %s with a status that arrives',
        async (path) => {
          const reply = await open().ask(path, 'provider=gitlab&site_id=x');
          expect(readHandOver(reply)?.greeting).toBe('authorizing:gitlab');
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
        const reply = await open().ask('/auth', query);
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

      it('refuses 100 kB of query', async () => {
        for (const path of ['/auth/github', callbackPath]) {
          const reply = await open().ask(path, `provider=github&x=${'x'.repeat(100_000)}`);
          expectFailure(reply, 'REQUEST_TOO_LARGE');
          expectNothingBegun(reply);
        }
        const reply = await open().ask('/auth', `provider=github&x=${'x'.repeat(100_000)}`);
        expect(pageCode(reply)).toBe('REQUEST_TOO_LARGE');
        expectNothingBegun(reply);
      });

      it.each(['POST', 'PUT', 'OPTIONS', 'DELETE', 'PATCH'])('takes no %s', async (method) => {
        for (const path of ['/auth', '/auth/github', '/auth/github/authorize', callbackPath]) {
          const reply = await open().ask(path, 'provider=github', { method });
          expect(reply.status).toBe(405);
          expect(reply.headers['allow']).toBe('GET, HEAD');
          expect(pageCode(reply)).toBe('METHOD_NOT_ALLOWED');
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
        const { ask, consent } = open();
        const { parameters } = await consent();
        host.requests.length = 0;
        for (const path of ['/auth', '/auth/github', '/auth/github/authorize']) {
          const reply = await ask(path, 'provider=github', { headers });
          expectFailure(reply, 'NAVIGATION_ONLY');
          expectNothingBegun(reply);
        }
        expectFailure(await ask(callbackPath, parameters.toString(), { headers }), 'NAVIGATION_ONLY');
        expect(asked()).toEqual([]);
      });

      it.each([
        {},
        { 'sec-fetch-dest': 'document' },
        { 'sec-fetch-dest': 'document', 'sec-fetch-mode': 'navigate', 'sec-fetch-site': 'cross-site' },
      ])('does not mind %j', async (headers: Record<string, string>) => {
        expect((await open().ask('/auth/github', '', { headers })).status).toBe(302);
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
            const uri = ({ headers: { location } }: Reply) =>
              location === undefined ? 'none' : new URL(location).searchParams.get('redirect_uri');
            expect(uri(forged)).toBe(uri(plain));
            // Not every platform knows it.
            expect(uri(forged)).toMatch(
              cookiesLook === sessionCookieOnly && 'CMS_AUTH_URL' in settings
                ? /^none$/
                : /^https?:\/\/.+\/auth\/github\/callback$/,
            );
            expect(JSON.stringify(forged)).not.toContain('evil');
          }
        }
      });

      it.each([
        ['GITHUB_CLIENT_ID', undefined, 'SETTING_MISSING'],
        ['GITHUB_CLIENT_ID', ' ', 'SETTING_EMPTY'],
        ['GITHUB_URL', 'http://hidden.example', 'SETTING_INVALID'],
        ['CMS_AUTH_URL', 'http://hidden.example', 'SETTING_INVALID'],
      ] as const)('tells the CMS what is wrong with %s = %j', async (setting, value, code) => {
        const reply = await open({ [setting]: value }).ask('/auth', 'provider=github');
        expectFailure(reply, code);
        expect(reply.body).toContain(setting);
        expect(reply.body).not.toContain('hidden');
        expectNothingBegun(reply);
      });

      it('needs no secret', async () => {
        const reply = await open({ GITHUB_CLIENT_SECRET: undefined, CMS_AUTH_ORIGINS: '*' }).ask('/auth/github');
        expect(reply.status).toBe(302);
      });

      if (cookiesLook === cookiesOfTheirOwn)
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
        const { ask, consent } = open();
        const { parameters, cookie: own } = await consent('/auth/github', '', { cookie });
        const reply = await ask(callbackPath, parameters.toString(), { headers: { cookie: `${cookie}; ${own}` } });
        expect(reply.status).toBe(200);
      });
    });

    describe('at its end', () => {
      it('is not without parameters: the page says whether all is ready, and changes nothing', async () => {
        const { ask, jar } = open();
        await ask('/auth/github');
        const reply = await ask(callbackPath);
        expect(reply.status).toBe(200);
        expect(reply.cookies).toEqual([]);
        expect(readHandOver(reply)).toBeUndefined();
        expect(jar.size).toBe(1);
        const broken = await open({ GITHUB_CLIENT_SECRET: '' }).ask(callbackPath);
        expect(broken.status).toBe(200);
        expect(broken.body).toContain('GITHUB_CLIENT_SECRET');
      });

      it('ends nothing for HEAD', async () => {
        const { ask, consent } = open();
        const { parameters } = await consent();
        const head = await ask(callbackPath, parameters.toString(), { method: 'HEAD' });
        expect(head.body).toBe('');
        expect(head.cookies).toEqual([]);
        expect((await ask(callbackPath, parameters.toString())).status).toBe(200);
      });

      it.each([
        ['code=x', 'STATE_MISSING'],
        ['code=x&state=', 'STATE_MISSING'],
        ['installation_id=1&setup_action=install', 'STATE_MISSING'],
        ['x', 'STATE_MISSING'],
        ['code=x&state=x', 'STATE_MISMATCH'],
        ['code=x&state=__proto__', 'STATE_MISMATCH'],
        ['error=access_denied', 'STATE_MISSING'],
        ['error=access_denied&state=x', 'STATE_MISMATCH'],
        ['state=x&state=y&code=z', 'BAD_REQUEST'],
      ] as const)('refuses %s without asking the host', async (query, code) => {
        expectFailure(await open().ask(callbackPath, query), code);
        expect(asked()).toEqual([]);
      });

      it('refuses a callback that another browser began, and does not spend its code', async () => {
        const victim = open();
        const attacker = await open().consent();
        await victim.ask('/auth/github');
        const reply = await victim.ask(callbackPath, attacker.parameters.toString());
        expectFailure(reply, 'COOKIE_LOST');
        expectForgotten(reply, attacker.id, { held: false });
        expect(victim.jar.size).toBe(1);
        expect(asked()).not.toContain(tokenRequest);
      });

      it('refuses a callback without its cookie', async () => {
        const { ask, consent, jar } = open();
        const { parameters, id } = await consent();
        jar.clear();
        const reply = await ask(callbackPath, parameters.toString());
        expectFailure(reply, 'COOKIE_LOST');
        expectForgotten(reply, id, { held: false });
        expect(asked()).not.toContain(tokenRequest);
      });

      it('refuses a callback that is loaded a second time', async () => {
        const { ask, consent, jar } = open();
        const { parameters, cookie, id } = await consent();
        await ask(callbackPath, parameters.toString());
        host.requests.length = 0;
        expectFailure(await ask(callbackPath, parameters.toString()), 'COOKIE_LOST');
        expect(asked()).toEqual([]);

        // Somebody who kept the cookie gets to the host, whose code is spent.
        const [, cookieName = '', value = ''] = /^(.*?)=(.*)$/.exec(cookie) ?? [];
        jar.set(cookieName, value);
        const replayed = await ask(callbackPath, parameters.toString());
        expectFailure(replayed, 'CODE_REJECTED');
        expectForgotten(replayed, id);
        expect(asked()).toEqual([tokenRequest]);
      });

      it('refuses the code of another attempt, which the host does not give out for this verifier', async () => {
        const { ask, consent } = open();
        const stolen = await open().consent();
        const own = await consent();
        own.parameters.set('code', stolen.code);
        const reply = await ask(callbackPath, own.parameters.toString());
        expectFailure(reply, 'CODE_REJECTED');
        expectForgotten(reply, own.id);
      });

      it('refuses an attempt that settings of another kind began', async () => {
        const { consent } = open();
        const { parameters, cookie, id } = await consent();
        for (const settings of [
          { GITHUB_CLIENT_ID: 'another' },
          { GITHUB_URL: 'https://git.example.com' },
          { CMS_AUTH_URL: `${hop}/prod` },
        ]) {
          const reply = await open(settings).ask(callbackPath, parameters.toString(), { headers: { cookie } });
          expectFailure(reply, 'STATE_MISMATCH');
          expectForgotten(reply, id);
        }
        expect(asked()).not.toContain(tokenRequest);
      });

      it.each([
        [661, 'ATTEMPT_EXPIRED'],
        [-65, 'ATTEMPT_EXPIRED'],
      ] as const)('refuses an attempt from %i s ago', async (seconds, code) => {
        const begun = await open({}, () => Date.now() - seconds * 1000).consent();
        const reply = await open().ask(callbackPath, begun.parameters.toString(), {
          headers: { cookie: begun.cookie },
        });
        expectFailure(reply, code);
        expectForgotten(reply, begun.id, { held: false });
        expect(asked()).not.toContain(tokenRequest);
      });

      it.each(['https://evil.example/login/oauth', 'https://github.com/login/oauth', '', nasty])(
        'refuses the answer of another issuer: %j',
        async (iss) => {
          const { ask, consent } = open();
          const { parameters, id } = await consent();
          parameters.set('iss', iss);
          const reply = await ask(callbackPath, parameters.toString());
          expectFailure(reply, 'ISSUER_MISMATCH');
          expectForgotten(reply, id);
          expect(asked()).not.toContain(tokenRequest);
        },
      );

      it.each([
        ['access_denied', 'ACCESS_DENIED'],
        ['redirect_uri_mismatch', 'REDIRECT_URI_MISMATCH'],
        ['application_suspended', 'APPLICATION_SUSPENDED'],
        ['unauthorized_client', 'CLIENT_NOT_ALLOWED'],
        ['__proto__', 'HOST_REFUSED'],
        ['constructor', 'HOST_REFUSED'],
        ['', 'HOST_REFUSED'],
        [nasty, 'HOST_REFUSED'],
      ] as const)("says the host's error %j in our words", async (error, code) => {
        const { ask, consent } = open();
        const { parameters, id } = await consent();
        parameters.delete('code');
        parameters.set('error', error);
        parameters.set('error_description', nasty);
        parameters.set('error_uri', 'javascript:alert(1)');
        const reply = await ask(callbackPath, parameters.toString());
        expectFailure(reply, code);
        expectForgotten(reply, id);
        expect(reply.body).not.toContain('alert(1)');
        expect(asked()).not.toContain(tokenRequest);
      });

      it('believes an error rather than a code beside it', async () => {
        const { ask, consent } = open();
        const { parameters } = await consent();
        parameters.set('error', 'access_denied');
        expectFailure(await ask(callbackPath, parameters.toString()), 'ACCESS_DENIED');
        expect(asked()).not.toContain(tokenRequest);
      });

      it('refuses an answer without a code', async () => {
        const { ask, consent } = open();
        const { parameters, id } = await consent();
        parameters.delete('code');
        const reply = await ask(callbackPath, parameters.toString());
        expectFailure(reply, 'BAD_REQUEST');
        expectForgotten(reply, id);
        expect(asked()).not.toContain(tokenRequest);
      });

      it.each(['code', 'iss', 'error', 'state'])(
        'refuses two of %s, and forgets the attempt all the same',
        async (twice) => {
          const { ask, consent } = open();
          const { parameters, id } = await consent();
          const value = parameters.get(twice) ?? 'access_denied';
          parameters.append(twice, value);
          if (twice === 'error') parameters.append(twice, value);
          const reply = await ask(callbackPath, parameters.toString());
          expectFailure(reply, 'BAD_REQUEST');
          expect(asked()).not.toContain(tokenRequest);
          expectForgotten(reply, id);
        },
      );

      it.each(['before', 'after'])('finds its cookie with a planted one of that name %s it', async (place) => {
        const { ask, consent, jar } = open();
        const { parameters, cookie } = await consent();
        const other = await open().consent();
        const planted = `${cookie.split('=')[0]}=${other.cookie.split('=')[1]}`;
        jar.clear();
        const header = place === 'before' ? `${planted}; ${cookie}` : `${cookie}; ${planted}`;
        const reply = await ask(callbackPath, parameters.toString(), { headers: { cookie: header } });
        expect(reply.status).toBe(200);
      });

      it.each([
        ['GITHUB_CLIENT_SECRET', undefined, 'SETTING_MISSING'],
        ['GITHUB_CLIENT_SECRET', '\n', 'SETTING_EMPTY'],
        ['GITHUB_CLIENT_SECRET', 'ssm:hidden', 'SETTING_INVALID'],
        ['CMS_AUTH_ORIGINS', 'https://*.hidden.example', 'SETTING_INVALID'],
      ] as const)('costs no code when %s = %j', async (setting, value, code) => {
        const { ask, consent } = open({ [setting]: value });
        const { parameters, id } = await consent();
        const reply = await ask(callbackPath, parameters.toString());
        expectFailure(reply, code);
        expectForgotten(reply, id);
        expect(reply.body).not.toContain('hidden');
        expect(asked()).not.toContain(tokenRequest);
      });

      it.each([
        ['html502', 'HOST_FAILED'],
        ['reset', 'HOST_UNREACHABLE'],
        ['huge', 'HOST_MALFORMED'],
        ['limited', 'HOST_BUSY'],
      ] as const)('tells the CMS that the host failed: %s', async (fault, code) => {
        host.fault = fault;
        const { ask, consent } = open();
        const { parameters, id } = await consent();
        const reply = await ask(callbackPath, parameters.toString());
        expectFailure(reply, code);
        expectForgotten(reply, id);
        expect(reply.body).not.toContain('token_from_a_fault');
        expect(asked().filter((request) => request === tokenRequest)).toHaveLength(1);
      });

      it('tells the CMS that the secret is wrong, and does not show it', async () => {
        host.app.clientSecret = 'renewed';
        const { ask, consent } = open();
        const { parameters } = await consent();
        const reply = await ask(callbackPath, parameters.toString());
        expectFailure(reply, 'BAD_CLIENT_CREDENTIALS');
        expect(reply.body).not.toContain(secret);
      });
    });

    describe('beside it', () => {
      it.each([
        '/',
        '/nothing',
        '/authx',
        '/Auth',
        '/auth/github/x',
        '/auth/github/callback/x',
        '/auth/gitlab/callback',
        '/auth/constructor/callback',
        '/auth/__proto__/callback',
        '//auth',
        '/x/auth/github',
        '/%61uth',
        '/auth%2fgithub',
      ])('there is nothing at %s', async (path) => {
        const reply = await open().ask(path, 'provider=github');
        expect(pageCode(reply)).toBe('NOT_FOUND');
        expect(reply.status).toBe(404);
        expect(reply.cookies).toEqual([]);
        expect(readHandOver(reply)).toBeUndefined();
      });

      it("there is the owner's page, which tells nobody the list, the secret or the client id", async () => {
        const reply = await open().ask('/auth');
        expect(reply.status).toBe(200);
        expect(reply.body).toContain(hop + callbackPath);
        for (const hidden of [site, 'netlify', secret, host.app.clientId]) expect(reply.body).not.toContain(hidden);
        expect((await open({ CMS_AUTH_PAGE: 'off' }).ask('/auth')).status).toBe(404);
      });

      it('nothing that a request says is on a page as markup', async () => {
        const markup = '<script>alert(1)</script>';
        const names = [
          'provider',
          'scope',
          'site_id',
          'code',
          'state',
          'iss',
          'error',
          'error_description',
          'x<script>',
        ];
        const encoded = new URLSearchParams(names.map((parameter) => [parameter, nasty])).toString();
        const raw = names.map((parameter) => `${parameter}="'>${markup}`).join('&');
        const headers = { referer: markup, origin: markup, 'user-agent': markup, host: 'x' };
        for (const path of ['/auth', '/auth/github', callbackPath, '/<script>', '/auth/<script>', `/auth/${markup}`])
          for (const query of ['', encoded, raw]) {
            const reply = await open().ask(path, query, { headers });
            expect(reply.body).not.toContain('alert(1)');
          }
        expect(asked()).toEqual([]);
      });

      it('the log holds nothing that a login is made of, and of every request one line', async () => {
        const { ask, consent } = open();
        const { parameters, cookie, code } = await consent('/auth', 'provider=github&scope=repo&site_id=the-site');
        const reply = await ask(callbackPath, parameters.toString());
        const token = /gh[ou]_\w+/.exec(reply.body)?.[0] ?? '';
        await ask(callbackPath, parameters.toString());
        await ask('/auth', 'provider=the-provider');
        await ask('/auth', 'provider=github', { headers: { referer: 'https://the-referer.example' } });
        await ask('/the-path');
        host.fault = 'array';
        const failed = await consent();
        await ask(callbackPath, failed.parameters.toString());

        expect(log).toHaveLength(8);
        const text = JSON.stringify(log);
        const key = /[\w-]{43}/.exec(cookie)?.[0] ?? '';
        const state = parameters.get('state') ?? '';
        for (const part of [token, code, failed.code, key, secret, host.app.clientId, ...state.split('.').slice(2)]) {
          expect(part).not.toBe('');
          if (part.length > 1) expect(text).not.toContain(part);
        }
        for (const part of [state.split('.')[0] ?? '', 'the-', '__Host', 'token_from_a_fault', 'state=', host.url])
          expect(text).not.toContain(part);
        for (const entry of log) {
          const allowed = ['event', 'provider', 'outcome', 'code', 'message', 'duration', 'request'];
          expect(allowed).toEqual(expect.arrayContaining(Object.keys(entry)));
        }
      });
    });

    describe('whatever is sent', () => {
      // What HTTP itself lets through; the pieces make it likely that something is nearly right.
      const visible = fc.stringMatching(/^[!-"$->@-~]{0,12}$/);
      const pieces = (...text: string[]) => fc.oneof(visible, fc.constantFrom(...text));
      const joined = (part: fc.Arbitrary<string>, by: string) =>
        fc.array(part, { maxLength: 6 }).map((parts) => parts.join(by));
      const path = fc.oneof(
        fc.constantFrom('/auth', '/auth/github', callbackPath),
        joined(pieces('auth', 'github', 'callback', 'authorize', '..', '__proto__', '%00', '%'), '/').map(
          (text) => `/${text}`,
        ),
      );
      const query = joined(
        pieces(
          'provider=github',
          'provider',
          'state=AAAAAAAAAAAA.1.0.',
          'code=x',
          'error=x',
          'scope=%',
          '=',
          '&',
          '%ff',
          '+',
        ),
        '&',
      );
      const value = fc.oneof(
        joined(
          pieces('__Host-login-AAAAAAAAAAAA=1', '__session=login~AAAAAAAAAAAA.1.', '=', ';', 'document', 'prefetch'),
          '; ',
        ),
        fc.stringMatching(/^[\x20-\x7e\x80-\xff]{0,40}$/),
      );
      const headers = fc
        .dictionary(
          fc.constantFrom('cookie', 'sec-fetch-dest', 'sec-purpose', 'origin', 'referer', 'x-forwarded-host', 'x'),
          value,
        )
        .map((given) => Object.fromEntries(Object.entries(given).map(([header, text]) => [header, text.trim()])));
      const method = fc.constantFrom('GET', 'GET', 'GET', 'HEAD', 'POST', 'PUT', 'OPTIONS', 'DELETE');

      it('there is an answer of ours', async () => {
        const { handler } = open();
        await fc.assert(
          fc.asyncProperty(fc.record({ method, path, query, headers }), async (request) => {
            const before = log.length;
            const reply = await call(handler, request);
            expectOurs(reply);
            expect(log).toHaveLength(before + 1);
            expect(log.at(-1)?.code).not.toBe('INTERNAL');
            expect(reply.status).toBeLessThan(500);
          }),
          { numRuns: 300 },
        );
        expect(asked()).toEqual([]);
      });
    });
  });
}

/** What holds for every answer, whatever was asked. */
function expectOurs({ status, headers, cookies, body }: Reply): void {
  expect(headers).toMatchObject({
    'cache-control': 'private, no-store',
    'cross-origin-opener-policy': 'unsafe-none',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
  });
  expect(headers).not.toHaveProperty('set-cookie');
  expect([200, 302, 400, 403, 404, 405, 414, 500, 502, 504]).toContain(status);
  if (status === 302) expect(body).toBe('');
  if (body !== '') {
    expect(headers['content-type']).toBe('text/html; charset=utf-8');
    const policy = headers['content-security-policy'] ?? '';
    expect(policy).toContain("default-src 'none'; ");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy.replace('img-src data:', '')).not.toMatch(/unsafe-|\*|https?:|data:|'self'/);
  }
  if (status >= 400 && body !== '') expect(Object.keys(errors)).toContain(pageCode({ body }));
  const names = cookies.map((cookie) => cookie.split('=', 1)[0]);
  expect(new Set(names).size).toBe(names.length);
  for (const cookie of cookies)
    expect(cookie).toMatch(
      /^(__Host-login-[\w-]{12}=[\w.-]*; Path=\/|__session=[\w.~-]*; Path=(\/prod)?\/auth); Max-Age=\d+; HttpOnly; SameSite=Lax; Secure$|^login-[\w-]{12}=[\w.-]*; Path=\/; Max-Age=\d+; HttpOnly; SameSite=Lax$/,
    );
}

const pageCode = ({ body }: { body: string }): string | undefined => /Code: (\w+)</.exec(body)?.[1];

function readHandOver({ body }: Reply): HandOver | undefined {
  const [, json] = /<script type="application\/json" id="hand-over">(.*?)<\/script>/.exec(body) ?? [];
  return json === undefined ? undefined : (JSON.parse(json) as HandOver);
}
