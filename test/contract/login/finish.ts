/** The callback: what is refused, and that nothing is spent on it. */
import { describe, expect, it } from 'vitest';
import { popupResultOf } from '../../popup.ts';
import {
  callbackPath,
  loginServer,
  nasty,
  preview,
  secret,
  site,
  stranger,
  tokenRequest,
  type LoginWorld,
} from './world.ts';
import type { ErrorCode } from '../../errors.ts';
import type { Reply } from '../login.ts';

export function ending(world: LoginWorld): void {
  const { asked, expectForgotten, open } = world;
  const expectFailure = (reply: Reply, code: ErrorCode, openerOrigin: string | null = site) =>
    world.expectFailure(reply, code, 'github', openerOrigin);

  describe('at its end', () => {
    it('is not without parameters: the page says whether all is ready, and changes nothing', async () => {
      const { ask, jar } = open();
      await ask('/auth/github');
      const reply = await ask(callbackPath);
      expect(reply.status).toBe(200);
      expect(reply.cookies).toEqual([]);
      expect(popupResultOf(reply)).toBeUndefined();
      expect(jar.size).toBe(1);
      const broken = await open({ GITHUB_CLIENT_SECRET: '' }).ask(callbackPath);
      expect(broken.status).toBe(200);
      expect(broken.body).toContain('GITHUB_CLIENT_SECRET');
      // Which sites may log in is told, too, or what is wrong about the list.
      const told = /Editors can log in from the sites in <code>CMS_AUTH_ORIGINS/;
      for (const { body } of [reply, broken]) expect(body).toMatch(told);
      const wrong = await open({ CMS_AUTH_ORIGINS: 'https://*.netlify.app' }).ask(callbackPath);
      expect(wrong.status).toBe(200);
      expect(wrong.body).toContain('GitHub is not ready');
      expect(wrong.body).not.toMatch(told);
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
      expectFailure(await open().ask(callbackPath, query), code, null);
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
      world.host.requests.length = 0;
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
        { CMS_AUTH_URL: `${loginServer}/prod` },
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

    it('tells whom the state names, proven or not, and nobody who is no origin', async () => {
      const { consent } = open();
      const { parameters, cookie } = await consent();
      const [id = '', time = '', refresh = '', , mac = ''] = (parameters.get('state') ?? '').split('.');
      for (const [named, openerOrigin] of [
        [stranger, stranger],
        [preview, preview],
        ['*', null],
        ['/', null],
        ['null', null],
        ['', null],
        ['javascript:alert(1)', null],
        [`${site}/`, null],
        [nasty, null],
      ] as const) {
        parameters.set('state', [id, time, refresh, Buffer.from(named).toString('base64url'), mac].join('.'));
        const reply = await open().ask(callbackPath, parameters.toString(), { headers: { cookie } });
        expectFailure(reply, 'STATE_MISMATCH', openerOrigin);
        expect(reply.body).not.toContain('alert(1)');
      }
      expect(asked()).not.toContain(tokenRequest);
    });

    it('refuses a page that is not listed any more, and spends no code', async () => {
      const { ask, consent, env } = open();
      const { parameters, id } = await consent();
      env['CMS_AUTH_ORIGINS'] = 'https://other.example';
      const reply = await ask(callbackPath, parameters.toString());
      expectFailure(reply, 'UNSUPPORTED_DOMAIN');
      expectForgotten(reply, id);
      expect(asked()).not.toContain(tokenRequest);
    });

    it.each([
      ['GITHUB_CLIENT_SECRET', undefined, 'SETTING_MISSING'],
      ['GITHUB_CLIENT_SECRET', '\n', 'SETTING_EMPTY'],
      ['GITHUB_CLIENT_SECRET', 'ssm:hidden', 'SETTING_INVALID'],
      ['CMS_AUTH_ORIGINS', 'https://*.hidden.example', 'SETTING_INVALID'],
    ] as const)('costs no code when %s = %j', async (setting, value, code) => {
      const { ask, consent, env } = open();
      const { parameters, id } = await consent();
      env[setting] = value;
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
      world.host.fault = fault;
      const { ask, consent } = open();
      const { parameters, id } = await consent();
      const reply = await ask(callbackPath, parameters.toString());
      expectFailure(reply, code);
      expectForgotten(reply, id);
      expect(reply.body).not.toContain('token_from_a_fault');
      expect(asked().filter((request) => request === tokenRequest)).toHaveLength(1);
    });

    it('tells the CMS that the secret is wrong, and does not show it', async () => {
      world.host.app.clientSecret = 'renewed';
      const { ask, consent } = open();
      const { parameters } = await consent();
      const reply = await ask(callbackPath, parameters.toString());
      expectFailure(reply, 'BAD_CLIENT_CREDENTIALS');
      expect(reply.body).not.toContain(secret);
    });
  });
}
