/** The renewal of sessions, tried with a plain HTTP client. The letters are those of the checklist that SECURITY.md follows. */
import { afterAll, beforeAll, beforeEach, describe, expect } from 'vitest';
import { attack } from './attack.ts';
import { preview, site, startLoginServer, type LoginServer, type Id } from './login-server.ts';

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

describe('The renewal (V7)', () => {
  const renew = (id: Id, token: string, headers: Record<string, string>, extra: Record<string, string> = {}) =>
    loginServer.ask(renewing[id], '', {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ grant_type: 'refresh_token', refresh_token: token, ...extra }),
    });

  attack('from a page that is not listed, without an Origin, or from an opaque one', async () => {
    for (const id of ids) {
      const token = await loginServer.refreshToken(id);
      loginServer.hosts[id].requests.length = 0;
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
      expect(loginServer.spent()).toBe(0);
      expect((await renew(id, token, { origin: site })).status).toBe(200);
      loginServer.hosts[id].requests.length = 0;
    }
    return 'refused: 403, unread and unspent';
  });

  attack('with a stolen refresh token and a forged Origin, by a program', async () => {
    const reply = await renew('gitlab', await loginServer.refreshToken('gitlab'), { origin: site });
    expect(JSON.parse(reply.body)).toHaveProperty('access_token');
    return 'remains: it works; Origin stops browsers, nobody else';
  });

  attack('from an origin that only a pattern lists', async () => {
    for (const id of ids) {
      const token = await loginServer.refreshToken(id);
      loginServer.hosts[id].requests.length = 0;
      expect(JSON.parse((await renew(id, token, { origin: preview })).body)).toMatchObject({
        error: 'REFRESH_NOT_ALLOWED',
      });
    }
    expect(loginServer.spent()).toBe(0);
    return 'refused: REFRESH_NOT_ALLOWED';
  });

  attack('for a host that the owner has not named', async () => {
    const tokens = await Promise.all(ids.map((id) => loginServer.refreshToken(id)));
    loginServer.env['CMS_AUTH_REFRESH'] = '';
    ids.forEach((id) => (loginServer.hosts[id].requests.length = 0));
    for (const [i, id] of ids.entries())
      expect(JSON.parse((await renew(id, tokens[i] ?? '', { origin: site })).body)).toMatchObject({
        error: 'REFRESH_NOT_ALLOWED',
      });
    expect(loginServer.spent()).toBe(0);
    for (const id of ids) expect(await loginServer.refreshToken(id)).toBe('');
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
    expect(loginServer.spent()).toBe(0);
    return 'refused: BAD_REQUEST';
  });

  attack('with more parameters than a renewal has', async () => {
    const token = await loginServer.refreshToken('gitlab');
    const more = {
      client_id: 'evil',
      client_secret: 'evil',
      scope: 'evil',
      redirect_uri: 'https://evil.example',
      __proto__x: 'evil',
    };
    await renew('gitlab', token, { origin: site }, more);
    expect(JSON.stringify(loginServer.hosts.gitlab.requests.at(-1)?.parameters)).not.toContain('evil');
    return 'they are not passed on';
  });

  attack('with two refresh tokens, or for another host than the address says', async () => {
    const headers = { origin: site };
    for (const query of ['refresh_token=a&refresh_token=b', 'provider=gitlab&refresh_token=a'])
      expect((await loginServer.ask('/auth/refresh', query, { method: 'POST', headers })).status).toBe(400);
    expect(loginServer.spent()).toBe(0);
    return 'refused: 400';
  });
});
