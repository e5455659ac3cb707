/** Ways round the page that asks who opened the popup, tried with a plain HTTP client. */
import { afterAll, beforeAll, beforeEach, describe, expect } from 'vitest';
import { nextOf } from '../popup.ts';
import { attack } from './attack.ts';
import {
  codeOf,
  popupResultOf,
  preview,
  site,
  startLoginServer,
  tokenIn,
  type LoginServer,
  type Id,
} from './login-server.ts';

const ids: Id[] = ['github', 'gitlab', 'bitbucket'];
const evil = 'https://evil.example';

let loginServer: LoginServer;
beforeAll(async () => {
  loginServer = await startLoginServer();
});
afterAll(() => loginServer.close());
beforeEach(() => loginServer.reset());

/** The first step, in a browser of its own. */
async function begin(path: string, query = '') {
  const opening = await loginServer.ask(path, query);
  const cookie = opening.cookies.at(-1)?.split(';', 1)[0] ?? '';
  return { opening, cookie, go: nextOf(opening, site) };
}

describe('The second step (O1 to O11)', () => {
  attack('O1 for a page that is not listed', async () => {
    for (const id of ids)
      for (const origin of [evil, `${site}.evil.example`, 'http://www.example.com', 'https://x--site.example.com']) {
        const { reply, cookie } = await loginServer.start(`/auth/${id}/authorize`, '', { origin });
        expect(codeOf(reply)).toBe('UNSUPPORTED_DOMAIN');
        expect(popupResultOf(reply)).toMatchObject({ origin });
        expect(reply.body.replaceAll(origin, '')).not.toMatch(/www\.example|deploy-preview|127\.0\.0\.1/);
        expect(reply.cookies).toEqual([`${cookie.split('=')[0]}=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax; Secure`]);
      }
    expect(loginServer.asked()).toBe(0);
    return 'refused: UNSUPPORTED_DOMAIN, told to that origin alone; no host is asked, no list is shown, the login is over';
  });

  attack('O2 without the first one', async () => {
    const origin = encodeURIComponent(site);
    const time = Math.floor(Date.now() / 1000).toString(36);
    const cookie = `__Host-login-AAAAAAAAAAAA=${time}.${'A'.repeat(43)}`;
    const codes = new Set<string | undefined>();
    for (const id of ids)
      for (const proof of ['', 'proof=&', 'proof=x&', `proof=AAAAAAAAAAAA.${time}.0.${'A'.repeat(43)}&`])
        for (const held of ['', cookie]) {
          const headers: Record<string, string> = held === '' ? {} : { cookie: held };
          const reply = await loginServer.ask(`/auth/${id}/begin`, `${proof}origin=${origin}`, { headers });
          expect(reply.headers).not.toHaveProperty('location');
          codes.add(codeOf(reply));
        }
    expect([...codes].sort()).toEqual(['COOKIE_LOST', 'STATE_MISMATCH', 'STATE_MISSING']);
    expect(loginServer.asked()).toBe(0);
    return 'refused: STATE_MISSING, STATE_MISMATCH or COOKIE_LOST';
  });

  attack('O3 with the proof of another login', async () => {
    const [one, two] = [await begin('/auth/github'), await begin('/auth/github')];
    const [name, value] = [one.cookie.split('=')[0], two.cookie.split('=')[1]];
    for (const [cookie, code] of [
      [two.cookie, 'COOKIE_LOST'],
      [`${name}=${value}`, 'STATE_MISMATCH'],
      ['', 'COOKIE_LOST'],
    ] as const) {
      const headers: Record<string, string> = cookie === '' ? {} : { cookie };
      expect(codeOf(await loginServer.ask(one.go.path, one.go.query, { headers }))).toBe(code);
    }
    return 'refused: COOKIE_LOST or STATE_MISMATCH';
  });

  attack('O4 with a proof that was changed, or another host’s', async () => {
    const { go, cookie } = await begin('/auth/github');
    const parameters = new URLSearchParams(go.query);
    const proof = parameters.get('proof') ?? '';
    const [id, time, refresh, mac = ''] = proof.split('.');
    for (const other of [
      ...[0, 10, 20, 30, 41].map(
        (at) => `${id}.${time}.${refresh}.${mac.slice(0, at)}${mac[at] === 'x' ? 'y' : 'x'}${mac.slice(at + 1)}`,
      ),
      `${id}.${time}.1.${mac}`,
      `${id}.${(parseInt(time ?? '', 36) - 1).toString(36)}.0.${mac}`,
      `${proof}A`,
      proof.slice(0, -1),
    ]) {
      parameters.set('proof', other);
      expect(codeOf(await loginServer.ask(go.path, String(parameters), { headers: { cookie } }))).toBe(
        'STATE_MISMATCH',
      );
    }
    for (const id of ['gitlab', 'bitbucket'])
      expect(codeOf(await loginServer.ask(`/auth/${id}/begin`, go.query, { headers: { cookie } }))).toBe(
        'STATE_MISMATCH',
      );
    return 'refused: STATE_MISMATCH';
  });

  attack('O5 with a wider scope, or refresh, than was proven', async () => {
    const { go, cookie } = await begin('/auth', 'provider=github&scope=public_repo');
    for (const scope of ['repo', 'public_repo,user', 'admin:org', '', undefined]) {
      const parameters = new URLSearchParams(go.query);
      if (scope === undefined) parameters.delete('scope');
      else parameters.set('scope', scope);
      expect(codeOf(await loginServer.ask(go.path, String(parameters), { headers: { cookie } }))).toBe(
        'STATE_MISMATCH',
      );
    }
    expect(loginServer.asked()).toBe(0);
    return 'refused: STATE_MISMATCH';
  });

  attack('O6 eleven minutes later, with the cookie kept longer than it lives', async () => {
    const { go, cookie } = await begin('/auth/github');
    loginServer.ahead = 661_000;
    expect(codeOf(await loginServer.ask(go.path, go.query, { headers: { cookie } }))).toBe('ATTEMPT_EXPIRED');
    return 'refused: ATTEMPT_EXPIRED';
  });

  attack('O7 with something that is no origin', async () => {
    for (const origin of [
      '*',
      '/',
      'null',
      '',
      'about:blank',
      'javascript:alert(1)',
      `${site}/`,
      `${site} `,
      `${site}\0`,
      'https://[::1',
    ]) {
      const { reply } = await loginServer.start('/auth/github', '', { origin });
      expect(codeOf(reply)).toBe('BAD_REQUEST');
      expect(popupResultOf(reply)).toMatchObject({ origin: null });
    }
    expect(loginServer.asked()).toBe(0);
    return 'refused: BAD_REQUEST; no message is ever addressed to "*"';
  });

  attack('O8 with the origin of a listed page, by whoever holds the browser', async () => {
    const { parameters, cookie } = await loginServer.begin('github', '/auth/github/authorize', { origin: site });
    const reply = await loginServer.finish('github', parameters, cookie);
    expect(popupResultOf(reply)).toMatchObject({ origin: site });
    expect(tokenIn(reply)).toBeTruthy();
    return 'remains: it works; the token is posted to a page on that origin, or to nobody';
  });

  attack('O9 an opener that is swapped on the way', async () => {
    for (const other of [evil, preview]) {
      const { parameters, cookie, state } = await loginServer.begin('github', '/auth/github/authorize', {
        origin: site,
      });
      const parts = state.split('.');
      parts[3] = Buffer.from(other).toString('base64url');
      parameters.set('state', parts.join('.'));
      const spent = loginServer.spent();
      const reply = await loginServer.finish('github', parameters, cookie);
      loginServer.expectRefused(reply, 'STATE_MISMATCH', spent);
      // Fixed words may go to anybody.
      expect(popupResultOf(reply)).toMatchObject({ origin: other });
    }
    return 'refused: STATE_MISMATCH';
  });

  attack('O10 an owner who takes a page off the list while it is at the host', async () => {
    const { parameters, cookie } = await loginServer.begin('github', '/auth/github', { origin: preview });
    loginServer.env['CMS_AUTH_ORIGINS'] = site;
    return loginServer.expectRefused(await loginServer.finish('github', parameters, cookie), 'UNSUPPORTED_DOMAIN');
  });

  attack('O11 in a frame, by a script, ahead of time, or by HEAD and POST', async () => {
    const { go, cookie } = await begin('/auth/github');
    for (const headers of [
      ...['iframe', 'empty', 'image', 'object', ''].map((destination) => ({ 'sec-fetch-dest': destination })),
      { 'sec-fetch-dest': 'document', 'sec-purpose': 'prefetch;prerender' },
    ])
      expect(codeOf(await loginServer.ask(go.path, go.query, { headers: { cookie, ...headers } }))).toBe(
        'NAVIGATION_ONLY',
      );
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS'])
      expect((await loginServer.ask(go.path, go.query, { method, headers: { cookie } })).status).toBe(405);
    const head = await loginServer.ask(go.path, go.query, { method: 'HEAD', headers: { cookie } });
    expect(head).toMatchObject({ status: 200, body: '', cookies: [] });
    expect((await loginServer.ask(go.path, go.query, { headers: { cookie } })).headers['location']).toContain(
      loginServer.hosts.github.url,
    );
    return 'refused: NAVIGATION_ONLY or 405, and nothing is spent';
  });
});
