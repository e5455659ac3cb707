/** A login server on some platform, a Git host behind it, and browsers in front of it. */
import { afterAll, beforeAll, beforeEach, expect } from 'vitest';
import { errors } from '../../errors.ts';
import { loginHandler } from '../handlers.ts';
import { github } from '../../../lib/providers/github.ts';
import { codeOf, popupResultOf, nextOf } from '../../popup.ts';
import { startGitHub, type GitHubHost } from '../../hosts/github.ts';
import type { LogEntry } from '../../../lib/http/log.ts';
import type { Environment } from '../../../lib/config/environment.ts';
import type { Call, Reply, Request } from '../login.ts';

/** What a login looks like in the browser's cookies. */
export interface Cookies {
  begun: (id: string) => RegExp;
  name: (id: string) => string;
  /** What ends an attempt; `held` is whether its key came along. */
  ended: (id: string, held: boolean) => string[];
  /** Of logins at a time. */
  room: number;
}

export const cookiesOfTheirOwn: Cookies = {
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

export const loginServer = 'https://auth.example.com';
export const site = 'https://www.example.com';
/** Listed by a pattern. */
export const preview = 'https://pr-1--site.netlify.app';
export const stranger = 'https://evil.example';
export const callbackPath = '/auth/github/callback';
export const secret = 'the-client-secret-of-the-app';
export const nasty = `"'></script><script>alert(1)</script><!--\u2028&amp;`;
export const tokenRequest = 'POST /login/oauth/access_token';

/** To be called in a `describe`. */
export function createWorld(call: Call, look: Cookies, knowsAddress: boolean) {
  let host: GitHubHost;
  const log: LogEntry[] = [];

  beforeAll(async () => {
    host = await startGitHub({
      consent: 'always',
      app: {
        name: 'CMS',
        clientId: 'the-client-id',
        clientSecret: secret,
        redirectUris: [loginServer + callbackPath, `${loginServer}/prod${callbackPath}`],
      },
    });
  });
  afterAll(() => host.close());
  beforeEach(() => {
    log.length = 0;
    host.requests.length = 0;
    Object.assign(host, { fault: undefined, iss: 'right', expiring: false });
    host.app.clientSecret = secret;
    delete host.app.suspended;
  });

  /** The login server, and one browser with its cookies in front of it. */
  function open(settings: Environment = {}, now: () => number = Date.now) {
    const env: Record<string, string | undefined> = {
      CMS_AUTH_URL: loginServer,
      CMS_AUTH_ORIGINS: `${site}, https://*--site.netlify.app`,
      GITHUB_URL: host.url,
      GITHUB_CLIENT_ID: host.app.clientId,
      GITHUB_CLIENT_SECRET: secret,
      ...settings,
    };
    const handler = loginHandler([github], { env, log: (entry) => log.push(entry), now });
    const jar = new Map<string, string>();

    /** `cookie` among the headers comes in front of the browser's own. */
    async function ask(path: string, query = '', { method = 'GET', headers = {} }: Partial<Request> = {}) {
      const own = [...jar].map(([key, value]) => `${key}=${value}`);
      const cookie = [headers['cookie'] ?? [], own].flat().join('; ');
      const reply = await call(handler, {
        method,
        path,
        query,
        headers: { ...headers, ...(cookie !== '' && { cookie }) },
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

    /** Begins, and lets a page of this origin answer. */
    async function begin(
      path = '/auth',
      query = 'provider=github',
      { headers = {}, origin = site }: { headers?: Record<string, string>; origin?: string } = {},
    ) {
      const opening = await ask(path, query, { headers });
      expect(opening.status).toBe(200);
      const next = nextOf(opening, origin);
      return { opening, next, reply: await ask(next.path, next.query, { headers }) };
    }

    /** The same, and asks the host for its consent. */
    async function consent(...given: Parameters<typeof begin>) {
      const { opening, reply: begun } = await begin(...given);
      expect(begun.status).toBe(302);
      const answer = await fetch(begun.headers['location'] ?? '', { redirect: 'manual' });
      const back = new URL(answer.headers.get('location') ?? '');
      const parameters = back.searchParams;
      const [cookie = ''] = (opening.cookies.at(-1) ?? '').split(';', 1);
      return {
        opening,
        begun,
        back,
        parameters,
        cookie,
        id: (parameters.get('state') ?? '').split('.')[0] ?? '',
        code: parameters.get('code') ?? '',
      };
    }

    return { ask, begin, consent, jar, handler, env };
  }

  const asked = () => host.requests.map(({ method, path }) => `${method} ${path}`);

  /**
   * A failure that the CMS gets to know: its code is on the page and in the message.
   *
   * @param announced the name that the CMS listens for; null if it cannot be told
   * @param openerOrigin whom it goes to; null if only the window knows; undefined if nobody was openerOrigin yet
   */
  function expectFailure(
    reply: Reply,
    code: keyof typeof errors,
    announced: string | null = 'github',
    openerOrigin?: string | null,
  ) {
    expect(codeOf(reply)).toBe(code);
    expect(reply.status).toBe(errors[code].status);
    expect(log.at(-1)).toMatchObject({ outcome: 'failed', code });
    expect(reply.body).toContain(` data-state="${code === 'UNSUPPORTED_DOMAIN' ? 'refused' : 'failed'}"`);
    const popupResult = popupResultOf(reply);
    if (announced === null) return expect(popupResult).toBeUndefined();
    expect(popupResult).toEqual({
      greeting: `authorizing:${announced}`,
      message: expect.stringContaining(`authorization:${announced}:error:{`),
      ...(openerOrigin !== undefined && { origin: openerOrigin }),
    });
    const json = popupResult?.message.replace(/^.*?:error:/, '') ?? '';
    expect(JSON.parse(json)).toMatchObject({ provider: announced, errorCode: code });
  }

  const expectForgotten = (reply: Reply, id: string, { held }: { held: boolean } = { held: true }) =>
    expect(reply.cookies).toEqual(look.ended(id, held));

  return {
    call,
    look,
    knowsAddress,
    log,
    open,
    asked,
    expectFailure,
    expectForgotten,
    get host(): GitHubHost {
      return host;
    },
  };
}

export type LoginWorld = ReturnType<typeof createWorld>;

/** What holds for every answer, whatever was asked. */
export function expectOurs({ status, headers, cookies, body }: Reply): void {
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
  if (status >= 400 && body !== '') expect(Object.keys(errors)).toContain(codeOf({ body }));
  const names = cookies.map((cookie) => cookie.split('=', 1)[0]);
  expect(new Set(names).size).toBe(names.length);
  for (const cookie of cookies)
    expect(cookie).toMatch(
      /^(__Host-login-[\w-]{12}=[\w.-]*; Path=\/|__session=[\w.~-]*; Path=(\/prod)?\/auth); Max-Age=\d+; HttpOnly; SameSite=Lax; Secure$|^login-[\w-]{12}=[\w.-]*; Path=\/; Max-Age=\d+; HttpOnly; SameSite=Lax$/,
    );
}
