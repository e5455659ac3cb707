/**
 * What an owner and a CMS see of a deployed login server, on every platform: over HTTP, without knowing what is behind it. Each
 * platform's own file only says how to start it. The finer points are in `test/contract`; here is what a platform's front
 * end can bend: paths, queries, methods, headers, cookies, bodies and statuses.
 */
import { request as sendBare, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startBitbucket, type BitbucketHost } from '../hosts/bitbucket.ts';
import { startGitHub, type GitHubHost } from '../hosts/github.ts';
import { startGitLab, type GitLabHost } from '../hosts/gitlab.ts';
import { popupResultOf, nextOf, popupGreetingOf } from '../popup.ts';

export interface Platform {
  /** Our own address, without a slash at the end. */
  url: string;
  /** What it has written to its log so far. */
  output(): string;
  stop(): Promise<void>;
}

/** Starts what was built, with these settings and, unless they say otherwise, its own address for `CMS_AUTH_URL`. */
export type Start = (settings: Readonly<Record<string, string>>) => Promise<Platform>;

/** Where platforms differ because of what they are, and not because of how well we fit in. */
export interface Differences {
  /**
   * What comes to us: the `listed` paths of the functions alone (Netlify, with a function per provider), all that is `below`
   * /auth, or `everything`.
   */
  owns?: 'listed' | 'below' | 'everything';
  /** One for each login, or `__session` for all of them (Firebase Hosting lets no other one through). */
  cookies?: 'each' | 'session';
  /** `imposed` where the tool answers OPTIONS itself and lets every origin read every answer. */
  cors?: 'ours' | 'imposed';
  /** `lost` where the tool takes a 403 for a missing file and asks us for others, such as `/auth/github.html`. */
  forbidden?: 'kept' | 'lost';
}

type Name = 'github' | 'gitlab' | 'bitbucket';

interface Reply {
  status: number;
  headers: Record<string, string>;
  cookies: Cookie[];
  body: string;
}

interface Cookie {
  name: string;
  value: string;
  /** Names in lower case. */
  attributes: Record<string, string>;
}

interface Ask {
  method?: string;
  headers?: Record<string, string>;
  body?: string;
}

const site = 'https://www.example.com';
const elsewhere = 'https://elsewhere.example';
const form = 'application/x-www-form-urlencoded';
const json = 'application/json';

/** How the CMSs renew a session. */
const renewals: Record<string, { id: Name; path: string; type: string; body: (token: string) => string }> = {
  'GitHub, in JSON': {
    id: 'github',
    path: '/auth/github/access_token',
    type: json,
    body: (token) => JSON.stringify({ grant_type: 'refresh_token', client_id: '', refresh_token: token }),
  },
  'GitLab, in JSON': {
    id: 'gitlab',
    path: '/auth/gitlab/token',
    type: json,
    body: (token) => JSON.stringify({ grant_type: 'refresh_token', client_id: '', refresh_token: token }),
  },
  'Bitbucket, in a form': {
    id: 'bitbucket',
    path: '/auth/refresh?provider=bitbucket&site_id=www.example.com',
    type: form,
    body: (token) => `refresh_token=${token}`,
  },
};

export function describePlatform(
  name: string,
  start: Start,
  { owns = 'below', cookies: kind = 'each', cors = 'ours', forbidden = 'kept' }: Differences = {},
): void {
  describe(`The login server on ${name}`, () => {
    let hosts: { github: GitHubHost; gitlab: GitLabHost; bitbucket: BitbucketHost };
    let platform: Platform;
    let url: string;

    beforeAll(async () => {
      const [github, gitlab, bitbucket] = await Promise.all([startGitHub(), startGitLab(), startBitbucket()]);
      hosts = { github, gitlab, bitbucket };
      const settings: Record<string, string> = {
        CMS_AUTH_ORIGINS: `${site}, https://deploy-preview-*--site.example.com`,
        CMS_AUTH_REFRESH: 'github,gitlab,bitbucket',
      };
      for (const [id, host] of Object.entries(hosts)) {
        host.consent = 'always';
        settings[`${id.toUpperCase()}_URL`] = host.url;
        settings[`${id.toUpperCase()}_CLIENT_ID`] = host.app.clientId;
        settings[`${id.toUpperCase()}_CLIENT_SECRET`] = host.app.clientSecret;
      }
      platform = await start(settings);
      url = platform.url;
      for (const [id, host] of Object.entries(hosts)) host.app.redirectUris.push(`${url}/auth/${id}/callback`);
    });
    afterAll(async () => {
      await platform?.stop();
      await Promise.all(Object.values(hosts ?? {}).map((host) => host.close()));
    });
    beforeEach(() => {
      hosts.github.expiring = true;
      hosts.github.fault = undefined;
      for (const host of Object.values(hosts)) host.requests.length = 0;
    });

    /** One browser with its cookies. */
    function open() {
      const jar = new Map<string, string>();

      async function ask(path: string, { method = 'GET', headers = {}, body }: Ask = {}): Promise<Reply> {
        const cookie = [...jar].map((pair) => pair.join('=')).join('; ');
        const response = await fetch(url + path, {
          method,
          headers: { ...(cookie !== '' && { cookie }), ...headers },
          redirect: 'manual',
          ...(body !== undefined && { body }),
        });
        const cookies = response.headers.getSetCookie().map(readCookie);
        for (const { name: key, value, attributes } of cookies) {
          if (attributes['max-age'] === '0') jar.delete(key);
          else jar.set(key, value);
        }
        const { 'set-cookie': _, ...rest } = Object.fromEntries(response.headers);
        return { status: response.status, headers: rest, cookies, body: await response.text() };
      }

      /** Begins, and goes on as an opener of this origin would have it. */
      async function begin(path: string, origin = site) {
        const opening = await ask(path);
        expectOurs(opening, 200);
        const next = nextOf(opening, origin).url;
        expect(next.slice(0, url.length)).toBe(url);
        return { opening, begun: await ask(next.slice(url.length)) };
      }

      /** The same, and asks the host for its consent. */
      async function consent(path: string) {
        const { opening, begun } = await begin(path);
        expectOurs(begun, 302);
        const location = new URL(begun.headers['location'] ?? '');
        const answer = await fetch(location, { redirect: 'manual' });
        const back = new URL(answer.headers.get('location') ?? '');
        return { opening, begun, location, back, path: back.href.slice(url.length) };
      }

      /** @returns what the CMS gets to know */
      async function login(path: string) {
        const { path: callback } = await consent(path);
        const reply = await ask(callback);
        expectOurs(reply, 200);
        return readResult(reply);
      }

      return { jar, ask, begin, consent, login };
    }

    const tokenRequests = (id: Name) =>
      hosts[id].requests.filter(({ method, path }) => method === 'POST' && /token/.test(path));

    /** Of our own, in JSON, one for each request that came to us. */
    const logLines = () =>
      platform
        .output()
        .split('\n')
        .flatMap((line) => /\{"event":.*\}/.exec(line)?.[0] ?? [])
        .map((line) => JSON.parse(line) as Record<string, unknown>);

    describe('logs in', () => {
      it.each<[string, Name]>([
        ['/auth?provider=github&site_id=www.example.com&scope=repo', 'github'],
        ['/auth/github', 'github'],
        ['/auth/github/authorize?provider=github&site_id=www.example.com&scope=repo', 'github'],
        ['/auth?provider=gitlab&site_id=www.example.com&scope=api', 'gitlab'],
        ['/auth/gitlab/authorize', 'gitlab'],
        ['/auth?provider=bitbucket&site_id=www.example.com&scope=repo', 'bitbucket'],
        ['/auth/bitbucket/authorize', 'bitbucket'],
      ])('at %s', async (path, id) => {
        const before = logLines().length;
        const { jar, ask, consent } = open();
        const { opening, begun, location, back, path: callback } = await consent(path);
        expect(begun).toMatchObject({ body: '', cookies: [] });
        expect(location.origin).toBe(hosts[id].url);
        const state = location.searchParams.get('state') ?? '';
        const [attempt = ''] = state.split('.', 1);
        expect(Object.fromEntries(location.searchParams)).toEqual({
          response_type: 'code',
          client_id: hosts[id].app.clientId,
          redirect_uri: `${url}/auth/${id}/callback`,
          state: expect.stringMatching(/^[\w-]{12}\.[0-9a-z]+\.[01]\.[\w-]+\.[\w-]{43}$/),
          // Bitbucket knows neither.
          ...(id !== 'bitbucket' && {
            scope: id === 'github' ? 'repo' : 'api',
            code_challenge: expect.stringMatching(/^[\w-]{43}$/),
            code_challenge_method: 'S256',
          }),
        });
        const key = '[0-9a-z]+\\.[\\w-]{43}';
        const cookie = {
          name: kind === 'each' ? `login-${attempt}` : '__session',
          value: expect.stringMatching(kind === 'each' ? `^${key}$` : `^login~${attempt}\\.${key}$`) as unknown,
          attributes: {
            path: kind === 'each' ? '/' : new URL(`${url}/auth`).pathname,
            httponly: '',
            samesite: 'Lax',
            'max-age': '600',
          },
        };
        expect(opening.cookies).toEqual([cookie]);

        expect(back.href.split('?')[0]).toBe(`${url}/auth/${id}/callback`);
        const done = await ask(callback);
        expectOurs(done, 200);
        expect(done.cookies).toEqual([{ ...cookie, value: '', attributes: { ...cookie.attributes, 'max-age': '0' } }]);
        expect(jar.size).toBe(0);
        const { token = '', provider } = readResult(done);
        expect(provider).toBe(id);
        expect(hosts[id].grants.holder(token)).toMatchObject({ user: hosts[id].user.login });
        expect(JSON.stringify([done.headers, done.cookies])).not.toContain(token);

        // The question whether it has started may be written down as late as now.
        const sinceThen = () =>
          logLines()
            .slice(before)
            .filter(({ event }) => event !== 'page');
        await expect.poll(sinceThen).toMatchObject([
          { event: 'begin', provider: id, outcome: 'ok' },
          { event: 'proceed', provider: id, outcome: 'ok' },
          { event: 'finish', provider: id, outcome: 'ok' },
        ]);
      });

      it('in many tabs', async () => {
        const { ask, consent, jar } = open();
        const begin = () => consent('/auth?provider=github');
        // Of two that share a cookie and begin in the same instant, one would lose its key.
        const tabs =
          kind === 'each'
            ? await Promise.all([begin(), begin(), begin(), begin()])
            : [await begin(), await begin(), await begin()];
        expect(jar.size).toBe(kind === 'each' ? 4 : 1);
        const tokens = new Set();
        for (const { path } of tabs.reverse()) tokens.add(readResult(await ask(path))['token']);
        expect(tokens.size).toBe(tabs.length);
        expect(jar.size).toBe(0);
      });

      it('of a client that sends no header but Host', async () => {
        const begun = await bare('/auth?provider=github');
        expect(begun.statusCode).toBe(200);
        expect(begun.headers['set-cookie']).toHaveLength(1);
        expect(popupGreetingOf({ body: await text(begun) })?.greeting).toBe('authorizing:github');
        const page = await bare('/auth/github/callback?code=x&state=x');
        expect(page.statusCode).toBe(400);
        expect(await text(page)).toContain('Code: STATE_MISMATCH<');
      });

      function bare(path: string): Promise<IncomingMessage> {
        return new Promise((resolve, reject) => {
          sendBare(url + path, { agent: false }, resolve)
            .on('error', reject)
            .end();
        });
      }

      it('and understands every way of encoding a query', async () => {
        for (const scope of ['repo,user', 'repo%2Cuser', 'repo+user', 'repo%20user', 'repo%20+%2c,user']) {
          const { begun } = await open().begin(`/auth?provider=%67ithub&x=%&y=%ff&scope=${scope}`);
          expect(new URL(begun.headers['location'] ?? '').searchParams.get('scope')).toBe('repo user');
        }
      });

      if (kind === 'each')
        it('and clears the oldest of many cookies, each in a header of its own', async () => {
          const { ask, jar } = open();
          for (let i = 0; i < 7; i++) jar.set(`login-AAAAAAAAAAA${i}`, `${i}.${'A'.repeat(43)}`);
          const { cookies } = await ask('/auth/github');
          const cleared = cookies
            .filter(({ attributes }) => attributes['max-age'] === '0')
            .map((cookie) => cookie.name);
          expect(cleared.sort()).toEqual(['login-AAAAAAAAAAA0', 'login-AAAAAAAAAAA1']);
          expect(cookies).toHaveLength(3);
          expect(jar.size).toBe(6);
        });
    });

    describe('tells a CMS', () => {
      it('that a callback was loaded a second time', async () => {
        const { ask, consent, jar } = open();
        const { opening, path } = await consent('/auth?provider=github');
        await ask(path);
        expectFailure(await ask(path), 400, 'COOKIE_LOST');
        expect(tokenRequests('github')).toHaveLength(1);

        // Somebody who kept the cookie gets to the host, whose code is spent.
        for (const { name: key, value } of opening.cookies) jar.set(key, value);
        const replayed = await ask(path);
        expectFailure(replayed, 400, 'CODE_REJECTED');
        expect(replayed.cookies).toMatchObject([{ value: '', attributes: { 'max-age': '0' } }]);
      });

      it('that its page is not listed, before the host is asked', async () => {
        const { begun } = await open().begin('/auth?provider=github', 'https://evil.example');
        expectFailure(begun, 400, 'UNSUPPORTED_DOMAIN');
        expect(begun.cookies).toMatchObject([{ value: '', attributes: { 'max-age': '0' } }]);
        expect(hosts.github.requests).toEqual([]);
      });

      it('that the editor refused', async () => {
        const { ask, consent } = open();
        const { back } = await consent('/auth?provider=github');
        back.searchParams.delete('code');
        back.searchParams.set('error', 'access_denied');
        const reply = await ask(back.href.slice(url.length));
        expectFailure(reply, 400, 'ACCESS_DENIED');
        expect(reply.cookies).toHaveLength(1);
      });

      it('that the host failed, with a page of ours behind the 502', async () => {
        hosts.github.fault = 'html502';
        const { ask, consent } = open();
        const { path } = await consent('/auth?provider=github');
        expectFailure(await ask(path), 502, 'HOST_FAILED');
      });

      it('that it does not know the provider', async () => {
        expectFailure(await open().ask('/auth?provider=gitea'), 400, 'UNKNOWN_PROVIDER', 'gitea');
      });

      it('that a login in a frame is none', async () => {
        const reply = await open().ask('/auth/github', { headers: { 'sec-fetch-dest': 'iframe' } });
        expectForbidden(reply);
        if (forbidden === 'kept') expectFailure(reply, 403, 'NAVIGATION_ONLY');
        expect(reply.headers).not.toHaveProperty('location');
      });

      it('that a parameter was given twice', async () => {
        expectFailure(await open().ask('/auth?provider=github&provider=github'), 400, 'BAD_REQUEST');
      });
    });

    describe.each(Object.entries(renewals))('renews a session at %s', (_, { id, path, type, body }) => {
      const ask = (token: string, origin: string) =>
        open().ask(path, { method: 'POST', headers: { origin, 'content-type': type }, body: body(token) });

      it('with CORS for the page that asked', async () => {
        const result = await open().login(`/auth/${id}/authorize`);
        const token = result['refreshToken'] ?? result['refresh_token'] ?? '';
        const reply = await ask(token, site);
        expectOurs(reply, 200);
        expectCors(reply, site);
        const tokens = JSON.parse(reply.body) as Record<string, string>;
        const renewed = tokens['token'] ?? tokens['access_token'] ?? '';
        expect(hosts[id].grants.holder(renewed)).toMatchObject({ user: hosts[id].user.login });
        expect(tokens['refresh_token']).toMatch(/./);
        expect(tokens['refresh_token']).not.toBe(token);
      });

      it('passing on the very token that was sent, and an error with the status it has', async () => {
        const reply = await ask('no+such~token-%', site);
        expect(tokenRequests(id).at(-1)?.parameters['refresh_token']).toBe('no+such~token-%');
        expectOurs(reply, 400);
        expectCors(reply, site);
        expect(JSON.parse(reply.body)).toMatchObject({ error: 'REFRESH_REJECTED' });
      });

      it('for listed pages alone', async () => {
        const reply = await ask('x', elsewhere);
        expectForbidden(reply);
        expectCors(reply, undefined);
        expect(tokenRequests(id)).toEqual([]);
      });

      if (cors === 'ours')
        it('after a preflight', async () => {
          const wish = { 'access-control-request-method': 'POST', 'access-control-request-headers': 'content-type' };
          const preflight = (origin: string) => open().ask(path, { method: 'OPTIONS', headers: { ...wish, origin } });
          const yes = await preflight(site);
          expectOurs(yes, 204);
          expectCors(yes, site);
          expect(yes.headers).toMatchObject({
            'access-control-allow-methods': 'POST',
            'access-control-allow-headers': 'content-type',
          });
          const no = await preflight(elsewhere);
          expectForbidden(no);
          expectCors(no, undefined);
          expect(no.headers).not.toHaveProperty('access-control-allow-methods');
        });

      it('on POST alone', async () => {
        const reply = await open().ask(path, { headers: { origin: site } });
        expectOurs(reply, 405);
        expect(reply.headers['allow']).toBe('POST, OPTIONS');
      });

      it('unless it takes a megabyte to ask for it', async () => {
        const reply = await ask('x'.repeat(1_000_000), site);
        expectOurs(reply, 414);
        expectCors(reply, site);
        expect(tokenRequests(id)).toEqual([]);
        expectOurs(await ask('x', site), 400);
      });
    });

    it('renews a session for clients that put all into the query', async () => {
      const { refresh_token: token = '' } = await open().login('/auth?provider=bitbucket');
      const ask = (given: string) =>
        open().ask(`/auth/refresh?provider=bitbucket&site_id=x&refresh_token=${given}`, {
          method: 'POST',
          headers: { origin: site, 'content-type': 'text/plain;charset=UTF-8' },
        });
      const reply = await ask(token);
      expectOurs(reply, 200);
      expect(JSON.parse(reply.body)).toHaveProperty('token');
      await ask('a+plus%2Bmore');
      expect(tokenRequests('bitbucket').at(-1)?.parameters['refresh_token']).toBe('a+plus+more');
    });

    describe('besides', () => {
      it('shows its owner what to register', async () => {
        const reply = await open().ask('/auth');
        expectOurs(reply, 200);
        for (const id of Object.keys(hosts)) expect(reply.body).toContain(`${url}/auth/${id}/callback`);
        expect(reply.cookies).toEqual([]);
      });

      it.each<[Name, string]>([
        ['github', 'GitHub'],
        ['gitlab', 'GitLab'],
        ['bitbucket', 'Bitbucket'],
      ])('says whether %s is ready', async (id, title) => {
        const reply = await open().ask(`/auth/${id}/callback`);
        expectOurs(reply, 200);
        expect(reply.body).toContain(`<h1>${title}: all settings are there</h1>`);
      });

      it('begins and ends nothing for HEAD', async () => {
        const { ask, consent, jar } = open();
        for (const path of ['/auth?provider=github', '/auth/github', '/auth/github/authorize']) {
          const reply = await ask(path, { method: 'HEAD' });
          expectOurs(reply, 200);
          expect(reply).toMatchObject({ cookies: [], body: '' });
        }
        expect(jar.size).toBe(0);
        const { path } = await consent('/auth?provider=github');
        const head = await ask(path, { method: 'HEAD' });
        expectOurs(head, 200);
        expect(head).toMatchObject({ cookies: [], body: '' });
        expect(readResult(await ask(path))).toHaveProperty('token');
      });

      it.each(['POST', 'PUT', 'DELETE', ...(cors === 'ours' ? ['OPTIONS'] : [])])('takes no %s', async (method) => {
        for (const path of ['/auth', '/auth/github', '/auth/github/callback?code=x&state=x']) {
          const reply = await open().ask(path, { method });
          expectOurs(reply, 405);
          expect(reply.headers['allow']).toBe('GET, HEAD');
          expect(reply.cookies).toEqual([]);
        }
      });

      it('is not impressed by a megabyte', async () => {
        const reply = await open().ask('/auth', {
          method: 'POST',
          headers: { 'content-type': form },
          body: `x=${'x'.repeat(1_000_000)}`,
        });
        expectOurs(reply, 405);
        expectOurs(await open().ask('/auth'), 200);
      });

      it.each(['/auth/github/x', '/auth/github/callback/x', '/auth/gitea/callback'])(
        'there is nothing at %s',
        async (path) => {
          const reply = await open().ask(path);
          if (owns === 'listed') return expectNotOurs(reply, 404);
          expectOurs(reply, 404);
          expect(reply.body).toContain('Code: NOT_FOUND<');
        },
      );

      it.each(['/other', '/authx', '/auth.html', '/x/auth'])('%s is not ours', async (path) => {
        const reply = await open().ask(path);
        if (owns !== 'everything') return expectNotOurs(reply, 404);
        expectOurs(reply, 404);
        expect(reply.body).toContain('Code: NOT_FOUND<');
      });
    });

    it('has told its log no secret of all this', () => {
      const log = JSON.stringify(logLines());
      expect(log).not.toMatch(/gh[our]_|glpat|bbat_|bbrt_|code=|state=|refresh_token|login-/);
      for (const host of Object.values(hosts)) {
        expect(log).not.toContain(host.url);
        expect(platform.output()).not.toContain(host.app.clientSecret);
      }
    });

    function expectForbidden(reply: Reply) {
      if (forbidden === 'kept') return expectOurs(reply, 403);
      expect([404, 405]).toContain(reply.status);
      expectOurs(reply, reply.status);
    }

    function expectCors({ headers }: Reply, origin: string | undefined) {
      if (cors === 'imposed' && origin === undefined) return;
      expect(headers['access-control-allow-origin']).toBe(origin);
      if (cors === 'ours') expect(headers).not.toHaveProperty('access-control-allow-credentials');
      // Where a 403 gets lost, what comes instead is not about this address.
      if (origin !== undefined) expect(headers['vary']?.toLowerCase().split(/, ?/)).toContain('origin');
    }

    /** A page that tells a waiting CMS. */
    function expectFailure(reply: Reply, status: number, code: string, announced = 'github') {
      expectOurs(reply, status);
      expect(reply.body).toContain(`Code: ${code}<`);
      expect(reply.body).toContain(`"greeting":"authorizing:${announced}"`);
    }
  });
}

/** An answer of ours as it left us. Its content is JSON for scripts, a page for everybody else. */
function expectOurs({ status, headers, body }: Reply, expected: number): void {
  expect(status).toBe(expected);
  expect(headers).toMatchObject({
    'cache-control': 'private, no-store',
    'cross-origin-opener-policy': 'unsafe-none',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
  });
  if (body === '') return;
  if (body.startsWith('{')) return expect(headers['content-type']).toBe('application/json; charset=utf-8');
  expect(body).toMatch(/^<!doctype html>[^]*<\/html>\n$/);
  expect(headers['content-type']).toBe('text/html; charset=utf-8');
  expect(headers['content-security-policy']).toMatch(/^default-src 'none'; .*frame-ancestors 'none'$/);
}

function expectNotOurs({ status, headers, cookies, body }: Reply, expected: number): void {
  expect(status).toBe(expected);
  expect(headers['cache-control']).not.toBe('private, no-store');
  expect(cookies).toEqual([]);
  expect(body).not.toContain('Code: ');
}

/** `Expires` is left out: some front ends add it, and `Max-Age` wins over it (RFC 6265, 5.3). */
function readCookie(header: string): Cookie {
  const [first = '', ...rest] = header.split('; ');
  const split = (part: string): [string, string] => {
    const equals = `${part}=`.indexOf('=');
    return [part.slice(0, equals), part.slice(equals + 1)];
  };
  const [name, value] = split(first);
  const attributes = Object.fromEntries(rest.map(split).map(([key, text]) => [key.toLowerCase(), text]));
  delete attributes['expires'];
  return { name, value, attributes };
}

/** What a listed page is told: the token and who it is from, or an error. */
function readResult({ body }: Reply): Record<string, string> {
  const { message = '' } = popupResultOf({ body }) ?? {};
  const [, result = '{}'] = /^authorization:\w+:success:(.+)$/.exec(message) ?? [];
  return JSON.parse(result) as Record<string, string>;
}
