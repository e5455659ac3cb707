/** The callback and its cookie, tried with a plain HTTP client. The letters are those of the checklist that SECURITY.md follows. */
import { createHash, createHmac } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect } from 'vitest';
import { createHandler } from '../../lib/login/handler.ts';
import { lambda } from '../../lib/platforms/lambda.ts';
import { providers } from '../../functions/auth.ts';
import { startGitHub } from '../hosts/github.ts';
import { attack } from './attack.ts';
import { codeOf, site, startLoginServer, tokenIn, type LoginServer, type Id } from './login-server.ts';
import type { Reply } from '../contract/login.ts';

const ids: Id[] = ['github', 'gitlab', 'bitbucket'];

let loginServer: LoginServer;
beforeAll(async () => {
  loginServer = await startLoginServer();
});
afterAll(() => loginServer.close());
beforeEach(() => loginServer.reset());
const expectRefused = (...given: Parameters<LoginServer['expectRefused']>) => loginServer.expectRefused(...given);

describe('The callback (S1 to S12)', () => {
  attack('S1 without a state, with a nonsensical one, with the state of nobody', async () => {
    for (const id of ids) {
      expectRefused(await loginServer.finish(id, 'code=x'), 'STATE_MISSING');
      expectRefused(await loginServer.finish(id, 'code=x&state=__proto__'), 'STATE_MISMATCH');
      const time = Math.floor(Date.now() / 1000).toString(36);
      const state = `AAAAAAAAAAAA.${time}.0.${Buffer.from(site).toString('base64url')}.${'A'.repeat(43)}`;
      expectRefused(await loginServer.finish(id, `code=x&state=${state}`), 'COOKIE_LOST');
      const cookie = `__Host-login-AAAAAAAAAAAA=${time}.${'A'.repeat(43)}`;
      expectRefused(await loginServer.finish(id, `code=x&state=${state}`, cookie), 'STATE_MISMATCH');
    }
    return 'refused, and no Git host hears of it';
  });

  attack('S1 two states, of which one is right', async () => {
    const { parameters, cookie, state } = await loginServer.begin('github');
    for (const query of [`state=x&${parameters}`, `${parameters}&state=x`, `${parameters}&state=${state}`])
      expectRefused(await loginServer.finish('github', query, cookie), 'BAD_REQUEST');
    return 'refused: BAD_REQUEST';
  });

  attack('S2 one bit of state or key turned, cookies swapped, renamed, or of another login', async () => {
    const [one, two] = [await loginServer.begin('github'), await loginServer.begin('github')];
    const [name, value = ''] = one.cookie.split('=');
    const turned = (part: string, at: number) =>
      part.slice(0, at) + (part[at] === 'x' ? 'y' : 'x') + part.slice(at + 1);
    for (let at = one.state.length - 43; at < one.state.length - 1; at += 7) {
      one.parameters.set('state', turned(one.state, at));
      expectRefused(await loginServer.finish('github', one.parameters, one.cookie), 'STATE_MISMATCH');
    }
    one.parameters.set('state', one.state);
    for (let at = value.length - 43; at < value.length - 1; at += 7)
      expectRefused(
        await loginServer.finish('github', one.parameters, `${name}=${turned(value, at)}`),
        'STATE_MISMATCH',
      );
    expectRefused(
      await loginServer.finish('github', one.parameters, `${name}=${two.cookie.split('=')[1]}`),
      'STATE_MISMATCH',
    );
    expectRefused(await loginServer.finish('github', one.parameters, two.cookie), 'COOKIE_LOST');
    expectRefused(
      await loginServer.finish('github', one.parameters, `${two.cookie.split('=')[0]}=${value}`),
      'COOKIE_LOST',
    );
    // The whole of it under another id, so that it would work once more.
    const renamed = String(one.parameters).replace(one.state.slice(0, 12), 'AAAAAAAAAAAA');
    expectRefused(await loginServer.finish('github', renamed, `__Host-login-AAAAAAAAAAAA=${value}`), 'STATE_MISMATCH');
    return 'refused: STATE_MISMATCH or COOKIE_LOST';
  });

  attack('S3 eleven minutes later, with the cookie kept longer than it lives', async () => {
    const { parameters, cookie } = await loginServer.begin('github');
    loginServer.ahead = 661_000;
    return expectRefused(await loginServer.finish('github', parameters, cookie), 'ATTEMPT_EXPIRED');
  });

  attack('S4 a stolen code, handed in with a login of the thief’s own, where the host has PKCE', async () => {
    for (const id of ['github', 'gitlab'] as const) {
      const victim = await loginServer.begin(id);
      const thief = await loginServer.begin(id);
      expect(victim.location.searchParams.get('code_challenge_method')).toBe('S256');
      thief.parameters.set('code', victim.code);
      expectRefused(await loginServer.finish(id, thief.parameters, thief.cookie), 'CODE_REJECTED', 1);
      loginServer.hosts[id].requests.length = 0;
    }
    return 'refused by the host: CODE_REJECTED';
  });

  attack('S5 a verifier learned from another login, or guessed from what the address shows', async () => {
    const seen = new Set<string | null>();
    for (let i = 0; i < 20; i++) {
      const { location, state } = await loginServer.begin('gitlab');
      const challenge = location.searchParams.get('code_challenge');
      seen.add(challenge);
      const guesses = [state, ...state.split('.'), ''].flatMap((key) =>
        [state, `pkce/1${state}`].map((text) => createHmac('sha256', key).update(text).digest('base64url')),
      );
      for (const guess of [state, ...state.split('.'), ...guesses])
        expect(challenge).not.toBe(createHash('sha256').update(guess).digest('base64url'));
    }
    expect(seen.size).toBe(20);
    return 'of no use: 20 logins, 20 challenges, no guess';
  });

  attack('S6 the same callback again, with the cookie kept', async () => {
    for (const id of ids) {
      const { parameters, cookie } = await loginServer.begin(id);
      expect(tokenIn(await loginServer.finish(id, parameters, cookie))).toBeTruthy();
      expectRefused(await loginServer.finish(id, parameters), 'COOKIE_LOST', 1);
      expectRefused(await loginServer.finish(id, parameters, cookie), 'CODE_REJECTED', 2);
      loginServer.hosts[id].requests.length = 0;
    }
    return 'refused by the host: CODE_REJECTED; without the cookie by us: COOKIE_LOST';
  });

  attack('S7 a callback of somebody else’s login (login CSRF)', async () => {
    const attacker = await loginServer.begin('github');
    const victim = await loginServer.begin('github');
    const outcome = expectRefused(
      await loginServer.finish('github', attacker.parameters, victim.cookie),
      'COOKIE_LOST',
    );
    expect(tokenIn(await loginServer.finish('github', victim.parameters, victim.cookie))).toBeTruthy();
    return `${outcome}; the victim’s own login still works`;
  });

  attack('S8 mix-up: the answer of one host at the callback of another', async () => {
    for (const from of ids)
      for (const to of ids.filter((id) => id !== from)) {
        const { parameters, cookie } = await loginServer.begin(from);
        expectRefused(await loginServer.finish(to, parameters, cookie), 'STATE_MISMATCH');
        parameters.set('provider', from);
        expectRefused(await loginServer.finish(to, parameters, cookie), 'STATE_MISMATCH');
      }
    return 'refused: STATE_MISMATCH, and no code goes to the wrong host';
  });

  attack('S8 the answer of another issuer', async () => {
    for (const id of ids) {
      const { parameters, cookie } = await loginServer.begin(id);
      parameters.set('iss', 'https://evil.example');
      expectRefused(await loginServer.finish(id, parameters, cookie), 'ISSUER_MISMATCH');
    }
    return 'refused: ISSUER_MISMATCH';
  });

  attack('S8 a login begun before the owner moved to another app or instance', async () => {
    const { parameters, cookie } = await loginServer.begin('github');
    const { GITHUB_CLIENT_ID: id } = loginServer.env;
    loginServer.env['GITHUB_CLIENT_ID'] = 'another';
    expectRefused(await loginServer.finish('github', parameters, cookie), 'STATE_MISMATCH');
    loginServer.env['GITHUB_CLIENT_ID'] = id;
    const other = await startGitHub();
    loginServer.env['GITHUB_URL'] = other.url;
    const outcome = expectRefused(await loginServer.finish('github', parameters, cookie), 'STATE_MISMATCH');
    expect(other.requests).toEqual([]);
    await other.close();
    return outcome;
  });

  attack('S9 a stolen code, handed in with a login of the thief’s own, at Bitbucket', async () => {
    const victim = await loginServer.begin('bitbucket');
    const thief = await loginServer.begin('bitbucket');
    expect(victim.location.searchParams.has('code_challenge')).toBe(false);
    thief.parameters.set('code', victim.code);
    expect(tokenIn(await loginServer.finish('bitbucket', thief.parameters, thief.cookie))).toBeTruthy();
    return 'remains: it works; Bitbucket has no PKCE';
  });

  attack('S10 a state of another length', async () => {
    const { parameters, cookie, state } = await loginServer.begin('github');
    for (const other of [state.slice(0, -1), `${state}A`, state.slice(0, -43), `${state}\n`]) {
      parameters.set('state', other);
      expectRefused(await loginServer.finish('github', parameters, cookie), 'STATE_MISMATCH');
    }
    return 'refused: STATE_MISMATCH';
  });

  attack('S11 by POST, PUT and other methods', async () => {
    const { parameters, cookie } = await loginServer.begin('github');
    for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS']) {
      const reply = await loginServer.ask('/auth/github/callback', String(parameters), { method, headers: { cookie } });
      expectRefused(reply, 'METHOD_NOT_ALLOWED');
      expect(reply.cookies).toEqual([]);
    }
    return 'refused: 405, and nothing is spent';
  });

  attack('S12 in a frame, by a script, as an image, ahead of time', async () => {
    const { parameters, cookie } = await loginServer.begin('github');
    for (const headers of [
      ...['iframe', 'frame', 'object', 'embed', 'fencedframe', 'empty', 'image', 'script', 'webidentity', ''].map(
        (destination) => ({ 'sec-fetch-dest': destination }),
      ),
      { 'sec-fetch-dest': 'document', 'sec-purpose': 'prefetch' },
      { 'sec-fetch-dest': 'document', 'sec-purpose': 'prefetch;prerender' },
    ]) {
      const begun = await loginServer.ask('/auth/github', '', { headers });
      expectRefused(begun, 'NAVIGATION_ONLY');
      expect(begun.cookies).toEqual([]);
      const finished = await loginServer.ask('/auth/github/callback', String(parameters), {
        headers: { cookie, ...headers },
      });
      expectRefused(finished, 'NAVIGATION_ONLY');
      expect(finished.cookies).toEqual([]);
    }
    return 'refused: NAVIGATION_ONLY, and nothing is spent';
  });

  attack('V6 a flood without a valid attempt', async () => {
    const { parameters } = await loginServer.begin('github');
    await Promise.all(Array.from({ length: 200 }, () => loginServer.finish('github', parameters)));
    expect(loginServer.spent()).toBe(0);
    return '200 requests, none goes out';
  });
});

describe('The cookie (C1 to C9)', () => {
  attack('C1, C2 what it gives away, and to whom', async () => {
    const { setCookies, state } = await loginServer.begin('github');
    expect(setCookies).toEqual([
      expect.stringMatching(
        new RegExp(
          `^__Host-login-${state.slice(0, 12)}=[0-9a-z]+\\.[\\w-]{43}; Path=/; Max-Age=600; HttpOnly; SameSite=Lax; Secure$`,
        ),
      ),
    ]);
    return '__Host-, Secure, HttpOnly, SameSite=Lax, ten minutes';
  });

  // Unicode's spaces belong to the name: the browser does not see the prefix behind one, so a sub-domain may set it.
  attack('C1 __Host- forged with a space in front of it that only Unicode calls one', async () => {
    const { parameters, cookie } = await loginServer.begin('github');
    expectRefused(await loginServer.finish('github', parameters, `\u00a0${cookie}`), 'COOKIE_LOST');
    for (const space of ['\u2000', '\u3000', '\ufeff']) {
      // Some platforms decode headers as UTF-8.
      const handler = createHandler(providers, { env: loginServer.env, log: () => {} });
      const reply = await handler({
        method: 'GET',
        path: '/auth/github/callback',
        query: String(parameters),
        headers: { cookie: `a=b; ${space}${cookie}` },
        platform: {},
      });
      expectRefused(reply as Reply, 'COOKIE_LOST');
    }
    return 'refused: COOKIE_LOST';
  });

  attack('C1 a cookie without the prefix, in other letters, or in quotes', async () => {
    const { parameters, cookie } = await loginServer.begin('github');
    for (const other of [
      cookie.replace('__Host-', ''),
      cookie.replace('__Host-', '__host-'),
      cookie.replace('__Host-', '__Secure-'),
      `=${cookie}`,
      `x=${cookie}`,
      cookie.replace(/=(.*)/, '="$1"'),
    ])
      expectRefused(await loginServer.finish('github', parameters, other), 'COOKIE_LOST');
    return 'refused: COOKIE_LOST';
  });

  attack('C3 a planted cookie of the same name before or behind the victim’s own', async () => {
    for (const order of [0, 1]) {
      const { parameters, cookie } = await loginServer.begin('github');
      const planted = `${cookie.split('=')[0]}=${(await loginServer.begin('github')).cookie.split('=')[1]}`;
      const header = order ? `${planted}; ${cookie}` : `${cookie}; ${planted}`;
      expect(tokenIn(await loginServer.finish('github', parameters, header))).toBeTruthy();
    }
    return 'ignored: the login works';
  });

  attack('C4 200 planted cookies', async () => {
    const header = Array.from(
      { length: 200 },
      (_, i) => `__Host-login-${String(i).padStart(12, 'A')}=1.${'A'.repeat(43)}`,
    );
    const { parameters, setCookies, cookie } = await loginServer.begin('github', '/auth/github', {
      headers: { cookie: header.join('; ') },
    });
    expect(setCookies.length).toBeLessThan(25);
    expect(tokenIn(await loginServer.finish('github', parameters, cookie))).toBeTruthy();
    return 'cleared, twenty at a time; the login works';
  });

  attack('C5 a callback that fails, tried again with what the browser has left', async () => {
    const { parameters, cookie } = await loginServer.begin('github');
    parameters.set('error', 'access_denied');
    const { cookies } = await loginServer.finish('github', parameters, cookie);
    expect(cookies).toEqual([`${cookie.split('=')[0]}=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax; Secure`]);
    return 'an attempt ends with its callback, whatever the outcome';
  });

  attack('C6 plain http anywhere but on loopback', async () => {
    for (const url of [
      'http://auth.example.com',
      'http://localhost.example.com',
      'http://127.0.0.2',
      'http://0.0.0.0',
    ]) {
      loginServer.env['CMS_AUTH_URL'] = url;
      expect(codeOf(await loginServer.ask('/auth/github'))).toBe('SETTING_INVALID');
    }
    return 'refused: SETTING_INVALID';
  });

  attack('C8 two cookies in one header', async () => {
    const event = {
      rawPath: '/auth/github',
      headers: {},
      cookies: Array.from({ length: 8 }, (_, i) => `__Host-login-AAAAAAAAAAA${i}=1.${'A'.repeat(43)}`),
      requestContext: { domainName: 'auth.example.com', stage: '$default', http: { method: 'GET' } },
    };
    const { cookies, headers } = await lambda(createHandler(providers, { env: loginServer.env, log: () => {} }))(event);
    expect(cookies.length).toBeGreaterThan(1);
    for (const cookie of cookies) expect(cookie.match(/login-/g)).toHaveLength(1);
    expect(headers).not.toHaveProperty('set-cookie');
    return 'each has its own';
  });
});
