/** The popup login of the gateway, on every platform: the CMSs' handshake, with our sign-in in the place of the Git host. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { people, startIdentity, type IdentityHost } from '../hosts/identity.ts';
import { visit } from '../hosts/visitor.ts';
import { codeOf, nextOf, popupGreetingOf, popupResultOf, tokenOf } from '../popup.ts';
import { gatewayHandler } from './handlers.ts';
import type { Environment } from '../../lib/config/environment.ts';
import type { LogEntry } from '../../lib/http/log.ts';
import type { Call, Reply, Request } from './login.ts';

const gateway = 'https://auth.example.com';
const site = 'https://www.example.com';
const preview = 'https://deploy-preview-7--site.netlify.app';

export function describePopup(name: string, call: Call): void {
  describe(`The popup login of the gateway on ${name}`, () => {
    let identity: IdentityHost;
    let log: LogEntry[];

    beforeAll(async () => {
      identity = await startIdentity({ redirectUris: [`${gateway}/git/auth/callback`] });
    });
    afterAll(() => identity.close());
    beforeEach(() => {
      log = [];
      identity.faults = {};
      identity.people = { ...people };
      identity.requests.length = 0;
    });

    /** The gateway, and one browser in front of it. */
    function open(settings: Environment = {}) {
      const env: Record<string, string | undefined> = {
        CMS_AUTH_URL: gateway,
        CMS_AUTH_ORIGINS: `${site}, https://deploy-preview-*--site.netlify.app`,
        CMS_GATEWAY_REPO: 'https://github.com/demo/site',
        CMS_GATEWAY_PATHS: 'content/**',
        CMS_GATEWAY_TOKEN: 'github_pat_credential_of_the_gateway',
        CMS_GATEWAY_ISSUER: identity.issuer,
        CMS_GATEWAY_CLIENT_ID: identity.clientId,
        CMS_GATEWAY_CLIENT_SECRET: identity.clientSecret,
        CMS_GATEWAY_EDITORS: 'ann@example.com',
        ...settings,
      };
      const handler = gatewayHandler({ env: env as Environment, log: (entry) => log.push(entry) });
      const jar = new Map<string, string>();
      async function ask(path: string, query = '', headers: Request['headers'] = {}): Promise<Reply> {
        const cookie = [...jar].map(([key, value]) => `${key}=${value}`).join('; ');
        const reply = await call(handler, {
          method: 'GET',
          path,
          query,
          headers: { ...(cookie !== '' && { cookie }), ...headers },
        });
        for (const text of reply.cookies) {
          const [pair = '', ...attributes] = text.split('; ');
          const equals = pair.indexOf('=');
          if (attributes.includes('Max-Age=0')) jar.delete(pair.slice(0, equals));
          else jar.set(pair.slice(0, equals), pair.slice(equals + 1));
        }
        return reply;
      }
      /** To the provider, for a page of this origin. */
      async function begin(origin = site) {
        const { path, query } = nextOf(await ask('/git/auth', 'provider=github&site_id=x&scope=repo'), origin);
        return ask(path, query);
      }
      async function signIn(who: string, origin = site) {
        const begun = await begin(origin);
        const back = await visit(begun.headers['location'] ?? '', who);
        expect(back.origin + back.pathname).toBe(`${gateway}/git/auth/callback`);
        return back.search.slice(1);
      }
      return { ask, begin, signIn, jar, env };
    }

    it('gives the page that opened it a session, and no other', async () => {
      const { ask, signIn, jar } = open();
      const reply = await ask('/git/auth/callback', await signIn('ann'));
      expect(popupResultOf(reply)).toMatchObject({ greeting: 'authorizing:github', origin: site });
      expect(popupResultOf(reply)?.message).toMatch(
        /^authorization:github:success:\{"token":"eyJ[\w.-]+","provider":"github"\}$/,
      );
      expect(tokenOf(reply)).toMatch(/^eyJ/);
      expect(jar.size).toBe(0);
      expect(reply.headers['content-security-policy']).toContain("frame-ancestors 'none'");
      for (const text of [JSON.stringify(log), reply.headers['location'] ?? ''])
        expect(text).not.toContain(tokenOf(reply));
      expect(log.map(({ event, outcome }) => `${event} ${outcome}`)).toEqual([
        'popup ok',
        'sign-in ok',
        'signed-in ok',
      ]);
    });

    it('opens for a CMS that does not say which host it means: there is only one', async () => {
      const reply = await open().ask('/git/auth', 'site_id=x');
      expect(popupGreetingOf(reply)).toMatchObject({ greeting: 'authorizing:github' });
    });

    it.each([[undefined], [''], ['null'], [`${site}/`], ['www.example.com']])(
      'takes %j for no origin, and asks the provider for nothing',
      async (origin) => {
        const { ask } = open();
        const { path, query } = nextOf(await ask('/git/auth', 'provider=github'), site);
        const parameters = new URLSearchParams(query);
        parameters.delete('origin');
        if (origin !== undefined) parameters.set('origin', origin);
        const reply = await ask(path, parameters.toString());
        expect(codeOf(reply)).toBe('BAD_REQUEST');
        expect(popupResultOf(reply)?.origin).not.toBe(site);
        expect(identity.requests).toEqual([]);
      },
    );

    it('asks who opened it before it asks the provider for anything', async () => {
      const { ask } = open();
      const reply = await ask('/git/auth', 'provider=github');
      expect(popupGreetingOf(reply)).toMatchObject({ greeting: 'authorizing:github' });
      expect(reply.headers['location']).toBeUndefined();
      expect(identity.requests).toEqual([]);
    });

    it.each([
      ['another site', 'https://evil.example'],
      ['a preview that only a pattern lists', preview],
      ['the same host by http', site.replace('https', 'http')],
      ['a longer name', `${site}.evil.example`],
    ])('tells %s that it is not listed, and asks the provider for nothing', async (_, origin) => {
      const { begin, jar } = open();
      const reply = await begin(origin);
      expect(codeOf(reply)).toBe('UNSUPPORTED_DOMAIN');
      expect(popupResultOf(reply)).toMatchObject({ origin });
      expect(popupResultOf(reply)?.message).toMatch(/^authorization:github:error:/);
      expect(identity.requests).toEqual([]);
      expect(jar.size).toBe(0);
    });

    it('gives nothing to a page that is listed no longer', async () => {
      const { ask, signIn, env } = open();
      const query = await signIn('ann');
      env['CMS_AUTH_ORIGINS'] = 'https://other.example.com';
      const reply = await ask('/git/auth/callback', query);
      expect(codeOf(reply)).toBe('UNSUPPORTED_DOMAIN');
      expect(tokenOf(reply)).toBeUndefined();
    });

    it('works once, in the browser that began', async () => {
      const { ask, signIn } = open();
      const query = await signIn('ann');
      expect(codeOf(await open().ask('/git/auth/callback', query))).toBe('COOKIE_LOST');
      expect(tokenOf(await ask('/git/auth/callback', query))).toBeDefined();
      expect(codeOf(await ask('/git/auth/callback', query))).toBe('COOKIE_LOST');
    });

    it('goes nowhere without its first step, or with another’s proof', async () => {
      const { ask } = open();
      expect(codeOf(await ask('/git/auth/begin', `provider=github&origin=${encodeURIComponent(site)}`))).toBe(
        'STATE_MISSING',
      );
      const { path, query } = nextOf(await open().ask('/git/auth', 'provider=github'), site);
      expect(codeOf(await ask(path, query))).toBe('COOKIE_LOST');
      expect(identity.requests).toEqual([]);
    });

    it('takes no answer of the other sign-in, and that one none of it', async () => {
      const { ask, signIn } = open();
      const query = await signIn('ann');
      expect((await ask('/git/oauth2/callback', query)).body).not.toContain('eyJ');
      expect(tokenOf(await ask('/git/auth/callback', query))).toBeUndefined();
    });

    it('tells who is not on the list why, to the page that asked', async () => {
      const { ask, signIn } = open();
      const reply = await ask('/git/auth/callback', await signIn('eve'));
      expect(popupResultOf(reply)).toMatchObject({ origin: site });
      expect(popupResultOf(reply)?.message).toMatch(/^authorization:github:error:.*eve@example\.net/);
      expect(tokenOf(reply)).toBeUndefined();
    });

    it.each([
      ['another Git host', {}, 'provider=gitlab', 'WRONG_BACKEND', 'gitlab'],
      [
        'a repository elsewhere',
        { CMS_GATEWAY_REPO: 'https://gitlab.com/demo/site', CMS_GATEWAY_TOKEN: 'glpat-credential' },
        'provider=gitlab',
        'NO_POPUP',
        'gitlab',
      ],
      ['a missing secret', { CMS_GATEWAY_CLIENT_SECRET: '' }, 'provider=github', 'SETTING_EMPTY', 'github'],
    ])('says what is wrong with %s, to whoever opened it', async (_, settings, query, code, announced) => {
      const reply = await open(settings).ask('/git/auth', query);
      expect(codeOf(reply)).toBe(code);
      expect(popupResultOf(reply)?.message).toMatch(new RegExp(`^authorization:${announced}:error:`));
      expect(popupResultOf(reply)?.origin).toBeUndefined();
      expect(identity.requests).toEqual([]);
    });

    it('is for a window of its own', async () => {
      const reply = await open().ask('/git/auth', 'provider=github', { 'sec-fetch-dest': 'iframe' });
      expect(codeOf(reply)).toBe('NAVIGATION_ONLY');
    });
  });
}
