/** The server itself, tried with a plain HTTP client. The letters are those of the checklist that SECURITY.md follows. */
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect } from 'vitest';
import { checkSettings } from '../../lib/config/check.ts';
import { providers } from '../../functions/auth.ts';
import { listen, send } from '../hosts/http.ts';
import { attack } from './attack.ts';
import { address, codeOf, site, startLoginServer, tokenIn, type LoginServer, type Id } from './login-server.ts';

const ids: Id[] = ['github', 'gitlab', 'bitbucket'];
const renewing: Record<Id, string> = {
  github: '/auth/github/access_token',
  gitlab: '/auth/gitlab/token',
  bitbucket: '/auth/refresh',
};

let loginServer: LoginServer;
beforeAll(async () => {
  loginServer = await startLoginServer();
});
afterAll(() => loginServer.close());
beforeEach(() => loginServer.reset());
const expectRefused = (...given: Parameters<LoginServer['expectRefused']>) => loginServer.expectRefused(...given);

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
      const { location, setCookies } = await loginServer.begin('github', '/auth/github', { headers });
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
      expect((await loginServer.ask(path)).status).toBe(404);
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
      loginServer.env['GITHUB_URL'] = url;
      expect(codeOf(await loginServer.ask('/auth/github', `GITHUB_URL=${url}`))).toBe('SETTING_INVALID');
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
    loginServer.env['GITHUB_URL'] = redirecting.url;
    const { state, cookie } = await loginServer.start('/auth/github');
    const reply = await loginServer.finish('github', `code=x&state=${state}`, cookie);
    await Promise.all([elsewhere.close(), redirecting.close()]);
    expect(caught).toBe('');
    return expectRefused(reply, 'HOST_FAILED');
  });

  attack('V3 an open redirect', async () => {
    for (const name of ['redirect', 'redirect_uri', 'return_to', 'next', 'url', 'callback', 'base_url', 'site_id']) {
      const { opening, reply } = await loginServer.start('/auth/github', `${name}=https://evil.example/`);
      expect(opening.body + reply.headers['location']).not.toContain('evil');
      expect(
        (await loginServer.ask('/auth/github/callback', `${name}=https://evil.example/`)).headers,
      ).not.toHaveProperty('location');
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
        const reply = await loginServer.ask(path, query);
        expect([400, 404]).toContain(reply.status);
        expect(reply.cookies).toEqual([]);
      }
    }
    return 'refused: 400 or 404';
  });

  attack('V3 parameters given twice, in two places, or in another spelling', async () => {
    for (const query of ['provider=github&provider=gitlab', 'provider=github&scope=repo&scope=user'])
      expect(codeOf(await loginServer.ask('/auth', query))).toBe('BAD_REQUEST');
    expect(codeOf(await loginServer.ask('/auth/github', 'provider=gitlab'))).toBe('PROVIDER_MISMATCH');
    const { parameters, cookie } = await loginServer.begin('github');
    for (const name of ['code', 'state', 'iss', 'error']) {
      const twice = `${parameters}&${name}=1&${name}=2`;
      expectRefused(await loginServer.finish('github', twice, cookie), 'BAD_REQUEST');
    }
    for (const query of [`code[]=x&${parameters}`, `${parameters}&redirect_uri=https://evil.example&client_id=evil`])
      await loginServer.finish('github', query, cookie);
    for (const { parameters: sent } of loginServer.hosts.github.requests)
      expect(JSON.stringify(sent)).not.toContain('evil');
    return 'refused: BAD_REQUEST or PROVIDER_MISMATCH; what we do not know goes nowhere';
  });

  attack('V3 line ends in a query, to forge a header', async () => {
    const forged = '%0d%0aSet-Cookie:%20evil=1%0d%0a%0d%0a';
    const { parameters, cookie } = await loginServer.begin('github');
    for (const reply of [
      await loginServer.ask('/auth', `provider=github&scope=${forged}&site_id=${forged}`),
      await loginServer.ask('/auth', `provider=${forged}`),
      await loginServer.finish('github', `${parameters}&state=AAAAAAAAAAAA${forged}`, cookie),
      await loginServer.finish('github', `code=${forged}&state=${forged}`),
    ]) {
      expect(`${Object.entries(reply.headers)} ${reply.cookies}`).not.toMatch(/evil|[\r\n]/);
    }
    return 'forges nothing';
  });

  attack('V4 a wider scope than the owner allows', async () => {
    for (const wish of ['admin:org', 'repo+delete_repo', 'repo,admin:org', '__proto__', 'repo%0aadmin:org', 'REPO']) {
      const { reply } = await loginServer.start('/auth', `provider=github&scope=${wish}`);
      expect(new URL(reply.headers['location'] ?? '').searchParams.getAll('scope')).toEqual(['repo']);
    }
    expect((await loginServer.begin('bitbucket')).location.searchParams.has('scope')).toBe(false);
    return 'is not passed on';
  });

  attack('V5 secrets in the log', async () => {
    const seen: string[] = [];
    for (const id of ids) {
      const { parameters, cookie, code, state } = await loginServer.begin(id, `/auth/${id}/authorize`);
      const reply = await loginServer.finish(id, parameters, cookie);
      const token = await loginServer.refreshToken(id);
      await loginServer.ask(renewing[id], `refresh_token=${token}`, { method: 'POST', headers: { origin: site } });
      await loginServer.finish(id, parameters, cookie);
      loginServer.hosts[id].fault = 'array';
      const failing = await loginServer.begin(id);
      await loginServer.finish(id, failing.parameters, failing.cookie);
      seen.push(
        code,
        state,
        cookie.slice(-43),
        token,
        tokenIn(reply) ?? '',
        loginServer.hosts[id].app.clientSecret,
        failing.code,
      );
    }
    const logged = JSON.stringify(loginServer.log);
    for (const secret of seen) {
      expect(secret.length).toBeGreaterThan(10);
      expect(logged).not.toContain(secret);
    }
    expect(logged).not.toMatch(/token_from_a_fault|https?:|\?/);
    return `none of ${seen.length} in ${loginServer.log.length} lines`;
  });

  attack('V6 bodies, queries and cookies of a megabyte', async () => {
    const large = 'x'.repeat(1_000_000);
    const origin = { origin: site, 'content-type': 'application/x-www-form-urlencoded' };
    for (const path of Object.values(renewing)) {
      const reply = await loginServer.ask(path, '', {
        method: 'POST',
        headers: origin,
        body: `refresh_token=${large}`,
      });
      expect(JSON.parse(reply.body)).toMatchObject({ error: 'REQUEST_TOO_LARGE' });
    }
    const status = async (query: string, cookie = '') =>
      (await loginServer.ask('/auth/github', query, { headers: { cookie } }).catch(() => ({ status: 431 }))).status;
    expect(await status(`x=${large.slice(0, 24_000)}`)).toBe(414);
    expect(await status('', large.slice(0, 24_000))).toBe(200);
    expect((await loginServer.ask('/auth/github/begin', `proof=${large.slice(0, 24_000)}`)).status).toBe(414);
    expect(await status(`x=${large.slice(0, 200_000)}`)).toBe(431);
    expect(await status('', large)).toBe(431);
    expect(loginServer.spent()).toBe(0);
    return 'refused: 414 or 431, and no Git host hears of it';
  });

  attack('V6 a body that never ends', async () => {
    const began = Date.now();
    const answers = await Promise.all(
      Object.values(renewing).map((path) => {
        const socket = connect(loginServer.port, '127.0.0.1');
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
      const socket = connect(loginServer.port, '127.0.0.1');
      socket.end(bytes);
      await text(socket).catch(() => '');
    }
    expect((await loginServer.ask('/auth')).status).toBe(200);
    return 'the server stays up';
  });

  attack('V8 another page’s script reads an answer', async () => {
    for (const path of [
      '/auth',
      '/auth/github',
      '/auth/github/begin',
      '/auth/github/callback',
      '/nothing',
      '/auth/refresh',
    ]) {
      const { headers } = await loginServer.ask(path, '', { headers: { origin: 'https://evil.example' } });
      for (const name of Object.keys(headers)) expect(name).not.toMatch(/^access-control-/);
    }
    const { headers } = await loginServer.ask('/auth/refresh', '', { method: 'OPTIONS', headers: { origin: site } });
    expect(headers).not.toHaveProperty('access-control-allow-credentials');
    return 'no CORS but at the renewal, for listed origins, and never with cookies';
  });

  attack('V9 a host that answers a bomb, or eight megabytes', async () => {
    for (const fault of ['gzipBomb', 'huge'] as const) {
      loginServer.hosts.github.fault = fault;
      const { parameters, cookie } = await loginServer.begin('github');
      expectRefused(await loginServer.finish('github', parameters, cookie), 'HOST_MALFORMED', 1);
      loginServer.hosts.github.requests.length = 0;
    }
    const evil = await listen((_, response) => {
      response.setHeader('content-encoding', 'gzip, gzip, gzip');
      const once = gzipSync(Buffer.alloc(8 * 1024 * 1024));
      send(response, 200, 'application/json', gzipSync(gzipSync(once)));
    });
    loginServer.env['GITHUB_URL'] = evil.url;
    const { state, cookie } = await loginServer.start('/auth/github');
    const reply = await loginServer.finish('github', `code=x&state=${state}`, cookie);
    await evil.close();
    return expectRefused(reply, 'HOST_MALFORMED');
  });

  attack('V6 a host that answers byte by byte, for ever', async () => {
    loginServer.hosts.github.fault = 'drip';
    const { parameters, cookie } = await loginServer.begin('github');
    const began = Date.now();
    const outcome = expectRefused(await loginServer.finish('github', parameters, cookie), 'HOST_TIMEOUT', 1);
    expect(Date.now() - began).toBeLessThan(10_000);
    return `${outcome}, after eight seconds`;
  });

  attack('V11 the owner’s page and the check of a callback, read by a stranger', async () => {
    loginServer.env['GITHUB_CLIENT_SECRET'] = '';
    for (const path of ['/auth', ...ids.map((id) => `/auth/${id}/callback`)]) {
      const { body } = await loginServer.ask(path);
      for (const id of ids)
        for (const hidden of [loginServer.hosts[id].app.clientSecret, site, 'deploy-preview'])
          expect(body).not.toContain(hidden);
    }
    expect(await checkSettings(loginServer.env, providers)).toHaveLength(1);
    loginServer.env['CMS_AUTH_PAGE'] = 'off';
    expect((await loginServer.ask('/auth')).status).toBe(404);
    return 'names of settings, no secret and no list of origins';
  });
});
