/** What can be tried with a plain HTTP client. The letters are those of the checklist that SECURITY.md follows. */
import { createHash, createHmac } from 'node:crypto';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect } from 'vitest';
import { createHandler } from '../../lib/hop/handler.ts';
import { lambda } from '../../lib/platforms/lambda.ts';
import { checkSettings } from '../../lib/settings/check.ts';
import { readOrigins } from '../../lib/settings/settings.ts';
import { providers } from '../../functions/auth.ts';
import { matchOrigin } from '../../lib/web/origins.ts';
import { startGitHub } from '../hosts/github.ts';
import { listen, send } from '../hosts/http.ts';
import { attack } from './attack.ts';
import { address, codeOf, handOver, preview, site, startHop, tokenIn, type Hop, type Id } from './hop.ts';
import type { Reply } from '../contract/login.ts';

const ids: Id[] = ['github', 'gitlab', 'bitbucket'];
const renewing: Record<Id, string> = {
  github: '/auth/github/access_token',
  gitlab: '/auth/gitlab/token',
  bitbucket: '/auth/refresh',
};
const markup = `"'></script><script>alert(1)</script>`;

let hop: Hop;
beforeAll(async () => {
  hop = await startHop();
});
afterAll(() => hop.close());
beforeEach(() => hop.reset());

/** The callback was refused with this code, without a token, and without a word to any Git host. */
function expectRefused(reply: Reply, code: string, spent = 0): string {
  expect(codeOf(reply)).toBe(code);
  expect(reply.body).not.toMatch(/gh[our]_|"token"/);
  expect(hop.spent()).toBe(spent);
  return `refused: ${code}`;
}

describe('The callback (S1 to S12)', () => {
  attack('S1 without a state, with a nonsensical one, with the state of nobody', async () => {
    for (const id of ids) {
      expectRefused(await hop.finish(id, 'code=x'), 'STATE_MISSING');
      expectRefused(await hop.finish(id, 'code=x&state=__proto__'), 'STATE_MISMATCH');
      const time = Math.floor(Date.now() / 1000).toString(36);
      const state = `AAAAAAAAAAAA.${time}.0.${'A'.repeat(43)}`;
      expectRefused(await hop.finish(id, `code=x&state=${state}`), 'COOKIE_LOST');
      const cookie = `__Host-login-AAAAAAAAAAAA=${time}.${'A'.repeat(43)}`;
      expectRefused(await hop.finish(id, `code=x&state=${state}`, cookie), 'STATE_MISMATCH');
    }
    return 'refused, and no Git host hears of it';
  });

  attack('S1 two states, of which one is right', async () => {
    const { parameters, cookie, state } = await hop.begin('github');
    for (const query of [`state=x&${parameters}`, `${parameters}&state=x`, `${parameters}&state=${state}`])
      expectRefused(await hop.finish('github', query, cookie), 'BAD_REQUEST');
    return 'refused: BAD_REQUEST';
  });

  attack('S2 one bit of state or key turned, cookies swapped, renamed, or of another login', async () => {
    const [one, two] = [await hop.begin('github'), await hop.begin('github')];
    const [name, value = ''] = one.cookie.split('=');
    const turned = (part: string, at: number) =>
      part.slice(0, at) + (part[at] === 'x' ? 'y' : 'x') + part.slice(at + 1);
    for (let at = one.state.length - 43; at < one.state.length - 1; at += 7) {
      one.parameters.set('state', turned(one.state, at));
      expectRefused(await hop.finish('github', one.parameters, one.cookie), 'STATE_MISMATCH');
    }
    one.parameters.set('state', one.state);
    for (let at = value.length - 43; at < value.length - 1; at += 7)
      expectRefused(await hop.finish('github', one.parameters, `${name}=${turned(value, at)}`), 'STATE_MISMATCH');
    expectRefused(await hop.finish('github', one.parameters, `${name}=${two.cookie.split('=')[1]}`), 'STATE_MISMATCH');
    expectRefused(await hop.finish('github', one.parameters, two.cookie), 'COOKIE_LOST');
    expectRefused(await hop.finish('github', one.parameters, `${two.cookie.split('=')[0]}=${value}`), 'COOKIE_LOST');
    // The whole of it under another id, so that it would work once more.
    const renamed = String(one.parameters).replace(one.state.slice(0, 12), 'AAAAAAAAAAAA');
    expectRefused(await hop.finish('github', renamed, `__Host-login-AAAAAAAAAAAA=${value}`), 'STATE_MISMATCH');
    return 'refused: STATE_MISMATCH or COOKIE_LOST';
  });

  attack('S3 eleven minutes later, with the cookie kept longer than it lives', async () => {
    const { parameters, cookie } = await hop.begin('github');
    hop.ahead = 661_000;
    return expectRefused(await hop.finish('github', parameters, cookie), 'ATTEMPT_EXPIRED');
  });

  attack('S4 a stolen code, handed in with a login of the thief’s own, where the host has PKCE', async () => {
    for (const id of ['github', 'gitlab'] as const) {
      const victim = await hop.begin(id);
      const thief = await hop.begin(id);
      expect(victim.location.searchParams.get('code_challenge_method')).toBe('S256');
      thief.parameters.set('code', victim.code);
      expectRefused(await hop.finish(id, thief.parameters, thief.cookie), 'CODE_REJECTED', 1);
      hop.hosts[id].requests.length = 0;
    }
    return 'refused by the host: CODE_REJECTED';
  });

  attack('S5 a verifier learned from another login, or guessed from what the address shows', async () => {
    const seen = new Set<string | null>();
    for (let i = 0; i < 20; i++) {
      const { location, state } = await hop.begin('gitlab');
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
      const { parameters, cookie } = await hop.begin(id);
      expect(tokenIn(await hop.finish(id, parameters, cookie))).toBeTruthy();
      expectRefused(await hop.finish(id, parameters), 'COOKIE_LOST', 1);
      expectRefused(await hop.finish(id, parameters, cookie), 'CODE_REJECTED', 2);
      hop.hosts[id].requests.length = 0;
    }
    return 'refused by the host: CODE_REJECTED; without the cookie by us: COOKIE_LOST';
  });

  attack('S7 a callback of somebody else’s login (login CSRF)', async () => {
    const attacker = await hop.begin('github');
    const victim = await hop.begin('github');
    const outcome = expectRefused(await hop.finish('github', attacker.parameters, victim.cookie), 'COOKIE_LOST');
    expect(tokenIn(await hop.finish('github', victim.parameters, victim.cookie))).toBeTruthy();
    return `${outcome}; the victim’s own login still works`;
  });

  attack('S8 mix-up: the answer of one host at the callback of another', async () => {
    for (const from of ids)
      for (const to of ids.filter((id) => id !== from)) {
        const { parameters, cookie } = await hop.begin(from);
        expectRefused(await hop.finish(to, parameters, cookie), 'STATE_MISMATCH');
        parameters.set('provider', from);
        expectRefused(await hop.finish(to, parameters, cookie), 'STATE_MISMATCH');
      }
    return 'refused: STATE_MISMATCH, and no code goes to the wrong host';
  });

  attack('S8 the answer of another issuer', async () => {
    for (const id of ids) {
      const { parameters, cookie } = await hop.begin(id);
      parameters.set('iss', 'https://evil.example');
      expectRefused(await hop.finish(id, parameters, cookie), 'ISSUER_MISMATCH');
    }
    return 'refused: ISSUER_MISMATCH';
  });

  attack('S8 a login begun before the owner moved to another app or instance', async () => {
    const { parameters, cookie } = await hop.begin('github');
    const { GITHUB_CLIENT_ID: id } = hop.env;
    hop.env['GITHUB_CLIENT_ID'] = 'another';
    expectRefused(await hop.finish('github', parameters, cookie), 'STATE_MISMATCH');
    hop.env['GITHUB_CLIENT_ID'] = id;
    const other = await startGitHub();
    hop.env['GITHUB_URL'] = other.url;
    const outcome = expectRefused(await hop.finish('github', parameters, cookie), 'STATE_MISMATCH');
    expect(other.requests).toEqual([]);
    await other.close();
    return outcome;
  });

  attack('S9 a stolen code, handed in with a login of the thief’s own, at Bitbucket', async () => {
    const victim = await hop.begin('bitbucket');
    const thief = await hop.begin('bitbucket');
    expect(victim.location.searchParams.has('code_challenge')).toBe(false);
    thief.parameters.set('code', victim.code);
    expect(tokenIn(await hop.finish('bitbucket', thief.parameters, thief.cookie))).toBeTruthy();
    return 'remains: it works; Bitbucket has no PKCE';
  });

  attack('S10 a state of another length', async () => {
    const { parameters, cookie, state } = await hop.begin('github');
    for (const other of [state.slice(0, -1), `${state}A`, state.slice(0, -43), `${state}\n`]) {
      parameters.set('state', other);
      expectRefused(await hop.finish('github', parameters, cookie), 'STATE_MISMATCH');
    }
    return 'refused: STATE_MISMATCH';
  });

  attack('S11 by POST, PUT and other methods', async () => {
    const { parameters, cookie } = await hop.begin('github');
    for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS']) {
      const reply = await hop.ask('/auth/github/callback', String(parameters), { method, headers: { cookie } });
      expectRefused(reply, 'METHOD_NOT_ALLOWED');
      expect(reply.cookies).toEqual([]);
    }
    return 'refused: 405, and nothing is spent';
  });

  attack('S12 in a frame, by a script, as an image, ahead of time', async () => {
    const { parameters, cookie } = await hop.begin('github');
    for (const headers of [
      ...['iframe', 'frame', 'object', 'embed', 'fencedframe', 'empty', 'image', 'script', 'webidentity', ''].map(
        (destination) => ({ 'sec-fetch-dest': destination }),
      ),
      { 'sec-fetch-dest': 'document', 'sec-purpose': 'prefetch' },
      { 'sec-fetch-dest': 'document', 'sec-purpose': 'prefetch;prerender' },
    ]) {
      const begun = await hop.ask('/auth/github', '', { headers });
      expectRefused(begun, 'NAVIGATION_ONLY');
      expect(begun.cookies).toEqual([]);
      const finished = await hop.ask('/auth/github/callback', String(parameters), { headers: { cookie, ...headers } });
      expectRefused(finished, 'NAVIGATION_ONLY');
      expect(finished.cookies).toEqual([]);
    }
    return 'refused: NAVIGATION_ONLY, and nothing is spent';
  });

  attack('V6 a flood without a valid attempt', async () => {
    const { parameters } = await hop.begin('github');
    await Promise.all(Array.from({ length: 200 }, () => hop.finish('github', parameters)));
    expect(hop.spent()).toBe(0);
    return '200 requests, none goes out';
  });
});

describe('The cookie (C1 to C9)', () => {
  attack('C1, C2 what it gives away, and to whom', async () => {
    const { setCookies, state } = await hop.begin('github');
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
    const { parameters, cookie } = await hop.begin('github');
    expectRefused(await hop.finish('github', parameters, `\u00a0${cookie}`), 'COOKIE_LOST');
    for (const space of ['\u2000', '\u3000', '\ufeff']) {
      // Some platforms decode headers as UTF-8.
      const handler = createHandler(providers, { env: hop.env, log: () => {} });
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
    const { parameters, cookie } = await hop.begin('github');
    for (const other of [
      cookie.replace('__Host-', ''),
      cookie.replace('__Host-', '__host-'),
      cookie.replace('__Host-', '__Secure-'),
      `=${cookie}`,
      `x=${cookie}`,
      cookie.replace(/=(.*)/, '="$1"'),
    ])
      expectRefused(await hop.finish('github', parameters, other), 'COOKIE_LOST');
    return 'refused: COOKIE_LOST';
  });

  attack('C3 a planted cookie of the same name before or behind the victim’s own', async () => {
    for (const order of [0, 1]) {
      const { parameters, cookie } = await hop.begin('github');
      const planted = `${cookie.split('=')[0]}=${(await hop.begin('github')).cookie.split('=')[1]}`;
      const header = order ? `${planted}; ${cookie}` : `${cookie}; ${planted}`;
      expect(tokenIn(await hop.finish('github', parameters, header))).toBeTruthy();
    }
    return 'ignored: the login works';
  });

  attack('C4 200 planted cookies', async () => {
    const header = Array.from(
      { length: 200 },
      (_, i) => `__Host-login-${String(i).padStart(12, 'A')}=1.${'A'.repeat(43)}`,
    );
    const { parameters, setCookies, cookie } = await hop.begin('github', '/auth/github', { cookie: header.join('; ') });
    expect(setCookies.length).toBeLessThan(25);
    expect(tokenIn(await hop.finish('github', parameters, cookie))).toBeTruthy();
    return 'cleared, twenty at a time; the login works';
  });

  attack('C5 a callback that fails, tried again with what the browser has left', async () => {
    const { parameters, cookie } = await hop.begin('github');
    parameters.set('error', 'access_denied');
    const { cookies } = await hop.finish('github', parameters, cookie);
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
      hop.env['CMS_AUTH_URL'] = url;
      expect(codeOf(await hop.ask('/auth/github'))).toBe('SETTING_INVALID');
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
    const { cookies, headers } = await lambda(createHandler(providers, { env: hop.env, log: () => {} }))(event);
    expect(cookies.length).toBeGreaterThan(1);
    for (const cookie of cookies) expect(cookie.match(/login-/g)).toHaveLength(1);
    expect(headers).not.toHaveProperty('set-cookie');
    return 'each has its own';
  });
});

describe('What is posted to the opener (P1 to P10)', () => {
  attack('P1, P6 site_id, Referer and Origin of a listed page', async () => {
    const begun = await hop.ask('/auth', `provider=github&site_id=www.example.com`, {
      headers: { referer: `${site}/admin/`, origin: site },
    });
    const consent = await fetch(begun.headers['location'] ?? '', { redirect: 'manual' });
    const { search } = new URL(consent.headers.get('location') ?? '');
    const reply = await hop.finish('github', search.slice(1), begun.cookies[0]?.split(';', 1)[0]);
    expect(handOver(reply).origins).toEqual({ exact: [site], patterns: [expect.any(String)] });
    expect(reply.headers['location']).toBeUndefined();
    return 'change nothing: the page asks the browser who the opener is';
  });

  attack('P5 a deploy preview that the owner has not listed', async () => {
    const origins = readOrigins({}, { origin: address, prefix: '', secure: true });
    expect(origins).toEqual({ exact: [address], patterns: [] });
    expect(matchOrigin(origins, preview)).toBeUndefined();
    return 'is not listed: without a setting, our own origin alone is';
  });

  attack('P5 a deploy preview that a pattern lists', async () => {
    for (const id of ids) {
      const { parameters, cookie } = await hop.begin(id, `/auth/${id}/authorize`);
      const { results } = handOver(await hop.finish(id, parameters, cookie));
      expect(results.exact).toMatch(/refresh_?[tT]oken/);
      expect(results.pattern).toContain('"token"');
      expect(results.pattern).not.toMatch(/refresh/i);
    }
    return 'remains: it gets the token, and never the refresh token';
  });

  attack('P7 somebody else’s words in a message of ours', async () => {
    for (const error of ['access_denied', markup, 'x'.repeat(1000)]) {
      const { parameters, cookie } = await hop.begin('github');
      parameters.delete('code');
      for (const [name, value] of Object.entries({
        error,
        error_description: `the-words ${markup}`,
        error_uri: 'javascript:the-words',
      }))
        parameters.set(name, value);
      const reply = await hop.finish('github', parameters, cookie);
      expect(reply.body).not.toMatch(/the-words|alert|xxxx/);
      expect(handOver(reply).origins).toEqual({ exact: [], patterns: [] });
    }
    return 'none: fixed words only, and no list of origins';
  });

  attack('P7 the token endpoint’s words in a message of ours', async () => {
    for (const error of ['the-words', 'invalid_grant', markup]) {
      const evil = await listen((_, response) =>
        send(response, 400, 'application/json', JSON.stringify({ error, error_description: 'the-words' })),
      );
      hop.env['GITLAB_URL'] = evil.url;
      const { headers, cookies } = await hop.ask('/auth/gitlab');
      const state = new URL(headers['location'] ?? '').searchParams.get('state') ?? '';
      const reply = await hop.finish('gitlab', `code=x&state=${state}`, cookies[0]?.split(';', 1)[0]);
      await evil.close();
      expect(codeOf(reply)).toMatch(/^(HOST_REFUSED|CODE_REJECTED)$/);
      expect(reply.body + JSON.stringify(hop.log)).not.toMatch(/the-words|alert/);
    }
    return 'none: fixed words only';
  });

  attack('P9, H3 a token that would end the script or the line', async () => {
    const token = `</script><!--<script>&"'`;
    const evil = await listen((_, response) =>
      send(response, 200, 'application/json', JSON.stringify({ access_token: token, token_type: 'bearer' })),
    );
    hop.env['GITLAB_URL'] = evil.url;
    const { headers, cookies } = await hop.ask('/auth/gitlab');
    const state = new URL(headers['location'] ?? '').searchParams.get('state') ?? '';
    const reply = await hop.finish('gitlab', `code=x&state=${state}`, cookies[0]?.split(';', 1)[0]);
    await evil.close();
    expect(reply.body.match(/<\/?script/g)).toHaveLength(4);
    const [, json = ''] = /^authorization:gitlab:success:(.+)$/.exec(handOver(reply).results.exact ?? '') ?? [];
    expect(JSON.parse(json)).toMatchObject({ token });
    return 'arrives as it is, in one line, and ends nothing';
  });
});

describe('The pages (H1 to H11)', () => {
  attack('H1 to H7, H11 a page, a redirect or an error without its headers', async () => {
    const { parameters, cookie } = await hop.begin('github');
    const replies = [
      await hop.ask('/auth'),
      await hop.ask('/auth/github'),
      await hop.ask('/auth', 'provider=nobody'),
      await hop.ask('/auth/github/callback'),
      await hop.ask('/nothing'),
      await hop.ask('/auth/github', '', { method: 'POST' }),
      await hop.ask('/auth/refresh', '', { method: 'POST' }),
      await hop.finish('github', parameters, cookie),
      await hop.finish('github', parameters),
    ];
    for (const { headers, body } of replies) {
      expect(headers).toMatchObject({
        'cache-control': 'private, no-store',
        'cross-origin-opener-policy': 'unsafe-none',
        'referrer-policy': 'no-referrer',
        'x-content-type-options': 'nosniff',
        'x-frame-options': 'DENY',
      });
      expect(headers).not.toHaveProperty('access-control-allow-origin');
      if (!headers['content-type']?.startsWith('text/html')) continue;
      const policy = headers['content-security-policy'] ?? '';
      for (const directive of ["default-src 'none'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"])
        expect(policy).toContain(directive);
      expect(policy.replace('img-src data:', '')).not.toMatch(/unsafe|sandbox|\*|https?:|data:|self/);
      const [, script] = /<script>([\s\S]*?)<\/script>/.exec(body) ?? [];
      if (script === undefined) expect(policy).not.toContain('script-src');
      else expect(policy).toContain(`script-src 'sha256-${createHash('sha256').update(script).digest('base64')}'`);
    }
    return `none of ${replies.length}; scripts run by the hash of what is served`;
  });

  attack('H9 a redirect that would repeat a body, or be kept', async () => {
    expect((await hop.ask('/auth/github')).status).toBe(302);
    return '302';
  });

  attack('markup wherever a request can put it', async () => {
    const names = [
      'provider',
      'scope',
      'site_id',
      'code',
      'state',
      'iss',
      'error',
      'error_description',
      'refresh_token',
    ];
    const query = new URLSearchParams(names.map((name) => [name, markup])).toString();
    const headers = {
      referer: markup,
      origin: markup,
      cookie: markup,
      'user-agent': markup,
      'x-forwarded-host': markup,
    };
    for (const path of ['/auth', '/auth/github', '/auth/github/callback', '/auth/refresh', `/auth/%3Cscript%3E`, '/x'])
      for (const method of ['GET', 'POST'])
        expect((await hop.ask(path, query, { method, headers })).body).not.toContain('alert(1)');
    return 'nowhere';
  });
});

describe('The server (V1 to V11)', () => {
  attack('V1 forged Host, X-Forwarded-* and the like', async () => {
    const evil = 'evil.example';
    for (const headers of [
      { host: evil },
      { host: `auth.example.com:1@${evil}` },
      { 'x-forwarded-host': evil, 'x-forwarded-proto': 'http', 'x-forwarded-prefix': '/evil', 'x-forwarded-port': '1' },
      { forwarded: `host=${evil};proto=http` },
      { 'x-host': evil, 'x-original-host': evil, 'x-original-url': `https://${evil}/`, 'x-rewrite-url': '/evil' },
      { origin: `https://${evil}`, referer: `https://${evil}/` },
    ]) {
      const { location, setCookies } = await hop.begin('github', '/auth/github', headers);
      expect(location.searchParams.get('redirect_uri')).toBe(`${address}/auth/github/callback`);
      expect(`${location} ${setCookies}`).not.toContain('evil');
    }
    return 'change nothing';
  });

  attack('V1 an absolute or a crooked request target', async () => {
    for (const path of [
      'http://evil.example/auth/github',
      '//evil.example/auth/github',
      '/\\evil.example',
      '/auth/github/..//x',
    ])
      expect((await hop.ask(path)).status).toBe(404);
    return 'there is nothing: 404';
  });

  attack('V2 a Git host at an address inside the network, or one that hides another', async () => {
    for (const url of [
      'http://169.254.169.254',
      'http://10.0.0.1',
      'https://github.com@evil.example',
      'https://github.com?x=',
      'https://github.com#',
      'file:///etc/passwd',
      'https://github.com\\@evil.example',
    ]) {
      hop.env['GITHUB_URL'] = url;
      expect(codeOf(await hop.ask('/auth/github', `GITHUB_URL=${url}`))).toBe('SETTING_INVALID');
    }
    return 'refused: SETTING_INVALID; and only the owner could ask for it';
  });

  attack('V2 a token endpoint that redirects, to catch code and secret elsewhere', async () => {
    let caught = '';
    const elsewhere = await listen(async (request, response) => {
      caught += `${request.method} ${await text(request)}`;
      send(response, 200, 'application/json', '{"access_token":"gho_caught","token_type":"bearer"}');
    });
    const redirecting = await listen((_, response) => void response.writeHead(307, { location: elsewhere.url }).end());
    hop.env['GITHUB_URL'] = redirecting.url;
    const { headers, cookies } = await hop.ask('/auth/github');
    const state = new URL(headers['location'] ?? '').searchParams.get('state') ?? '';
    const reply = await hop.finish('github', `code=x&state=${state}`, cookies[0]?.split(';', 1)[0]);
    await Promise.all([elsewhere.close(), redirecting.close()]);
    expect(caught).toBe('');
    return expectRefused(reply, 'HOST_FAILED');
  });

  attack('V3 an open redirect', async () => {
    for (const name of ['redirect', 'redirect_uri', 'return_to', 'next', 'url', 'callback', 'base_url', 'site_id']) {
      const { headers } = await hop.ask('/auth/github', `${name}=https://evil.example/`);
      expect(headers['location']).not.toContain('evil');
      expect((await hop.ask('/auth/github/callback', `${name}=https://evil.example/`)).headers).not.toHaveProperty(
        'location',
      );
    }
    return 'there is none: no parameter leads anywhere';
  });

  attack('V3 providers by the names of what every object has', async () => {
    for (const name of [
      '__proto__',
      'constructor',
      'toString',
      'hasOwnProperty',
      'GitHub',
      'github%00',
      'github/../gitlab',
    ]) {
      for (const [path, query] of [
        ['/auth', `provider=${name}`],
        [`/auth/${name}`, ''],
        [`/auth/${name}/callback`, 'code=x'],
        ['/auth/github', `provider=${name}`],
      ] as const) {
        const reply = await hop.ask(path, query);
        expect([400, 404]).toContain(reply.status);
        expect(reply.cookies).toEqual([]);
      }
    }
    return 'refused: 400 or 404';
  });

  attack('V3 parameters given twice, in two places, or in another spelling', async () => {
    for (const query of ['provider=github&provider=gitlab', 'provider=github&scope=repo&scope=user'])
      expect(codeOf(await hop.ask('/auth', query))).toBe('BAD_REQUEST');
    expect(codeOf(await hop.ask('/auth/github', 'provider=gitlab'))).toBe('PROVIDER_MISMATCH');
    const { parameters, cookie } = await hop.begin('github');
    for (const name of ['code', 'state', 'iss', 'error']) {
      const twice = `${parameters}&${name}=1&${name}=2`;
      expectRefused(await hop.finish('github', twice, cookie), 'BAD_REQUEST');
    }
    for (const query of [`code[]=x&${parameters}`, `${parameters}&redirect_uri=https://evil.example&client_id=evil`])
      await hop.finish('github', query, cookie);
    for (const { parameters: sent } of hop.hosts.github.requests) expect(JSON.stringify(sent)).not.toContain('evil');
    return 'refused: BAD_REQUEST or PROVIDER_MISMATCH; what we do not know goes nowhere';
  });

  attack('V3 line ends in a query, to forge a header', async () => {
    const forged = '%0d%0aSet-Cookie:%20evil=1%0d%0a%0d%0a';
    const { parameters, cookie } = await hop.begin('github');
    for (const reply of [
      await hop.ask('/auth', `provider=github&scope=${forged}&site_id=${forged}`),
      await hop.ask('/auth', `provider=${forged}`),
      await hop.finish('github', `${parameters}&state=AAAAAAAAAAAA${forged}`, cookie),
      await hop.finish('github', `code=${forged}&state=${forged}`),
    ]) {
      expect(`${Object.entries(reply.headers)} ${reply.cookies}`).not.toMatch(/evil|[\r\n]/);
    }
    return 'forges nothing';
  });

  attack('V4 a wider scope than the owner allows', async () => {
    for (const wish of ['admin:org', 'repo+delete_repo', 'repo,admin:org', '__proto__', 'repo%0aadmin:org', 'REPO']) {
      const { headers } = await hop.ask('/auth', `provider=github&scope=${wish}`);
      expect(new URL(headers['location'] ?? '').searchParams.getAll('scope')).toEqual(['repo']);
    }
    expect((await hop.begin('bitbucket')).location.searchParams.has('scope')).toBe(false);
    return 'is not passed on';
  });

  attack('V5 secrets in the log', async () => {
    const seen: string[] = [];
    for (const id of ids) {
      const { parameters, cookie, code, state } = await hop.begin(id, `/auth/${id}/authorize`);
      const reply = await hop.finish(id, parameters, cookie);
      const token = await hop.refreshToken(id);
      await hop.ask(renewing[id], `refresh_token=${token}`, { method: 'POST', headers: { origin: site } });
      await hop.finish(id, parameters, cookie);
      hop.hosts[id].fault = 'array';
      const failing = await hop.begin(id);
      await hop.finish(id, failing.parameters, failing.cookie);
      seen.push(
        code,
        state,
        cookie.slice(-43),
        token,
        tokenIn(reply) ?? '',
        hop.hosts[id].app.clientSecret,
        failing.code,
      );
    }
    const logged = JSON.stringify(hop.log);
    for (const secret of seen) {
      expect(secret.length).toBeGreaterThan(10);
      expect(logged).not.toContain(secret);
    }
    expect(logged).not.toMatch(/token_from_a_fault|https?:|\?/);
    return `none of ${seen.length} in ${hop.log.length} lines`;
  });

  attack('V6 bodies, queries and cookies of a megabyte', async () => {
    const large = 'x'.repeat(1_000_000);
    const origin = { origin: site, 'content-type': 'application/x-www-form-urlencoded' };
    for (const path of Object.values(renewing)) {
      const reply = await hop.ask(path, '', { method: 'POST', headers: origin, body: `refresh_token=${large}` });
      expect(JSON.parse(reply.body)).toMatchObject({ error: 'REQUEST_TOO_LARGE' });
    }
    expect((await hop.ask('/auth/github', `x=${large.slice(0, 200_000)}`)).status).toBe(414);
    expect((await hop.ask('/auth/github', '', { headers: { cookie: large.slice(0, 200_000) } })).status).toBe(302);
    expect(
      (await hop.ask('/auth/github', '', { headers: { cookie: large } }).catch(() => ({ status: 431 }))).status,
    ).toBe(431);
    expect(hop.spent()).toBe(0);
    return 'refused: 414 or 431, and no Git host hears of it';
  });

  attack('V6 a body that never ends', async () => {
    const began = Date.now();
    const answers = await Promise.all(
      Object.values(renewing).map((path) => {
        const socket = connect(hop.port, '127.0.0.1');
        socket.write(
          `POST ${path} HTTP/1.1\r\nHost: x\r\nOrigin: ${site}\r\nContent-Length: 100\r\nConnection: close\r\n\r\nx`,
        );
        return text(socket);
      }),
    );
    for (const answer of answers) expect(answer).toContain('BAD_REQUEST');
    expect(Date.now() - began).toBeLessThan(10_000);
    return 'refused: BAD_REQUEST, after eight seconds';
  });

  attack('V6 what is no HTTP', async () => {
    for (const bytes of ['\0\0\0\0\r\n\r\n', 'GET /auth HTTP/9.9\r\n\r\n', 'GET\r\n\r\n', '{}'.repeat(1000)]) {
      const socket = connect(hop.port, '127.0.0.1');
      socket.end(bytes);
      await text(socket).catch(() => '');
    }
    expect((await hop.ask('/auth')).status).toBe(200);
    return 'the server stays up';
  });

  attack('V8 another page’s script reads an answer', async () => {
    for (const path of ['/auth', '/auth/github', '/auth/github/callback', '/nothing', '/auth/refresh']) {
      const { headers } = await hop.ask(path, '', { headers: { origin: 'https://evil.example' } });
      for (const name of Object.keys(headers)) expect(name).not.toMatch(/^access-control-/);
    }
    const { headers } = await hop.ask('/auth/refresh', '', { method: 'OPTIONS', headers: { origin: site } });
    expect(headers).not.toHaveProperty('access-control-allow-credentials');
    return 'no CORS but at the renewal, for listed origins, and never with cookies';
  });

  attack('V9 a host that answers a bomb, or eight megabytes', async () => {
    for (const fault of ['gzipBomb', 'huge'] as const) {
      hop.hosts.github.fault = fault;
      const { parameters, cookie } = await hop.begin('github');
      expectRefused(await hop.finish('github', parameters, cookie), 'HOST_MALFORMED', 1);
      hop.hosts.github.requests.length = 0;
    }
    const evil = await listen((_, response) => {
      response.setHeader('content-encoding', 'gzip, gzip, gzip');
      const once = gzipSync(Buffer.alloc(8 * 1024 * 1024));
      send(response, 200, 'application/json', gzipSync(gzipSync(once)));
    });
    hop.env['GITHUB_URL'] = evil.url;
    const { headers, cookies } = await hop.ask('/auth/github');
    const state = new URL(headers['location'] ?? '').searchParams.get('state') ?? '';
    const reply = await hop.finish('github', `code=x&state=${state}`, cookies[0]?.split(';', 1)[0]);
    await evil.close();
    return expectRefused(reply, 'HOST_MALFORMED');
  });

  attack('V6 a host that answers byte by byte, for ever', async () => {
    hop.hosts.github.fault = 'drip';
    const { parameters, cookie } = await hop.begin('github');
    const began = Date.now();
    const outcome = expectRefused(await hop.finish('github', parameters, cookie), 'HOST_TIMEOUT', 1);
    expect(Date.now() - began).toBeLessThan(10_000);
    return `${outcome}, after eight seconds`;
  });

  attack('V11 the owner’s page and the check of a callback, read by a stranger', async () => {
    hop.env['GITHUB_CLIENT_SECRET'] = '';
    for (const path of ['/auth', ...ids.map((id) => `/auth/${id}/callback`)]) {
      const { body } = await hop.ask(path);
      for (const id of ids)
        for (const hidden of [hop.hosts[id].app.clientSecret, site, 'deploy-preview'])
          expect(body).not.toContain(hidden);
    }
    expect(await checkSettings(hop.env, providers)).toHaveLength(1);
    hop.env['CMS_AUTH_PAGE'] = 'off';
    expect((await hop.ask('/auth')).status).toBe(404);
    return 'names of settings, no secret and no list of origins';
  });
});

describe('The renewal (V7)', () => {
  const renew = (id: Id, token: string, headers: Record<string, string>, extra: Record<string, string> = {}) =>
    hop.ask(renewing[id], '', {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ grant_type: 'refresh_token', refresh_token: token, ...extra }),
    });

  attack('from a page that is not listed, without an Origin, or from an opaque one', async () => {
    for (const id of ids) {
      const token = await hop.refreshToken(id);
      hop.hosts[id].requests.length = 0;
      for (const origin of [
        'https://evil.example',
        'null',
        '',
        `${site}.evil.example`,
        `${site}, ${site}`,
        `${site}/`,
        undefined,
      ]) {
        const reply = await renew(id, token, origin === undefined ? {} : { origin });
        expect(reply.status).toBe(403);
        expect(reply.headers).not.toHaveProperty('access-control-allow-origin');
      }
      expect(hop.spent()).toBe(0);
      expect((await renew(id, token, { origin: site })).status).toBe(200);
      hop.hosts[id].requests.length = 0;
    }
    return 'refused: 403, unread and unspent';
  });

  attack('with a stolen refresh token and a forged Origin, by a program', async () => {
    const reply = await renew('gitlab', await hop.refreshToken('gitlab'), { origin: site });
    expect(JSON.parse(reply.body)).toHaveProperty('access_token');
    return 'remains: it works; Origin stops browsers, nobody else';
  });

  attack('from an origin that only a pattern lists', async () => {
    for (const id of ids) {
      const token = await hop.refreshToken(id);
      hop.hosts[id].requests.length = 0;
      expect(JSON.parse((await renew(id, token, { origin: preview })).body)).toMatchObject({
        error: 'REFRESH_NOT_ALLOWED',
      });
    }
    expect(hop.spent()).toBe(0);
    return 'refused: REFRESH_NOT_ALLOWED';
  });

  attack('for a host that the owner has not named', async () => {
    const tokens = await Promise.all(ids.map((id) => hop.refreshToken(id)));
    hop.env['CMS_AUTH_REFRESH'] = '';
    ids.forEach((id) => (hop.hosts[id].requests.length = 0));
    for (const [i, id] of ids.entries())
      expect(JSON.parse((await renew(id, tokens[i] ?? '', { origin: site })).body)).toMatchObject({
        error: 'REFRESH_NOT_ALLOWED',
      });
    expect(hop.spent()).toBe(0);
    for (const id of ids) expect(await hop.refreshToken(id)).toBe('');
    return 'refused: REFRESH_NOT_ALLOWED, and none was handed out';
  });

  attack('of something else: a code, a password, the app’s own token', async () => {
    for (const id of ids)
      for (const grant of [
        'authorization_code',
        'password',
        'client_credentials',
        'refresh_token ',
        '',
        'urn:ietf:params:oauth:grant-type:device_code',
      ]) {
        const reply = await renew(
          id,
          'x',
          { origin: site },
          { grant_type: grant, code: 'x', username: 'x', password: 'x' },
        );
        expect(JSON.parse(reply.body)).toMatchObject({ error: 'BAD_REQUEST' });
      }
    expect(hop.spent()).toBe(0);
    return 'refused: BAD_REQUEST';
  });

  attack('with more parameters than a renewal has', async () => {
    const token = await hop.refreshToken('gitlab');
    const more = {
      client_id: 'evil',
      client_secret: 'evil',
      scope: 'evil',
      redirect_uri: 'https://evil.example',
      __proto__x: 'evil',
    };
    await renew('gitlab', token, { origin: site }, more);
    expect(JSON.stringify(hop.hosts.gitlab.requests.at(-1)?.parameters)).not.toContain('evil');
    return 'they are not passed on';
  });

  attack('with two refresh tokens, or for another host than the address says', async () => {
    const headers = { origin: site };
    for (const query of ['refresh_token=a&refresh_token=b', 'provider=gitlab&refresh_token=a'])
      expect((await hop.ask('/auth/refresh', query, { method: 'POST', headers })).status).toBe(400);
    expect(hop.spent()).toBe(0);
    return 'refused: 400';
  });
});
