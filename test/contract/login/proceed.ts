/** The second step: the page that opened the login is judged, before the host hears of it. */
import { describe, expect, it } from 'vitest';
import { codeOf, popupResultOf, nextOf } from '../../popup.ts';
import { nasty, preview, site, stranger, type LoginWorld } from './world.ts';
import type { ErrorCode } from '../../errors.ts';
import type { Reply } from '../login.ts';

const path = '/auth/github/begin';

export function proceeding(world: LoginWorld): void {
  const { asked, expectForgotten, open } = world;
  const expectFailure = (reply: Reply, code: ErrorCode, openerOrigin: string | null = site) => {
    world.expectFailure(reply, code, 'github', openerOrigin);
    expect(reply.headers['location']).toBeUndefined();
  };

  describe('when the opener was openerOrigin', () => {
    it.each([
      stranger,
      `${site}.evil.example`,
      'http://www.example.com',
      `${site}:8443`,
      'https://www.example.com.',
      'http://localhost:3000',
      'https://evil--other.netlify.app',
    ])('refuses a page that is not listed, and asks the host nothing: %s', async (origin) => {
      const { ask, begin, jar } = open();
      const { opening, next, reply } = await begin('/auth', 'provider=github', { origin });
      const [, id = ''] = /proof=([\w-]{12})\./.exec(next.query) ?? [];
      expectFailure(reply, 'UNSUPPORTED_DOMAIN', new URL(origin).origin === origin ? origin : null);
      expect(reply.body).toContain(`<code>${origin}</code>`);
      for (const listed of [site, 'netlify.app', world.host.url])
        expect(reply.body.replaceAll(origin, '')).not.toContain(listed);
      expectForgotten(reply, id);
      expect(jar.size).toBe(0);
      expect(opening.cookies).toHaveLength(1);
      // The attempt has ended: the very same page is not let in any more.
      const again = nextOf(opening, site);
      expectFailure(await ask(again.path, again.query), 'COOKIE_LOST');
      expect(asked()).toEqual([]);
    });

    it.each(['', 'null', '*', '/', 'https://', 'data:,x', `${site}/`, `${site}#`, 'HTTPS://WWW.EXAMPLE.COM', nasty])(
      'refuses what is no origin: %j',
      async (origin) => {
        const { reply } = await open().begin('/auth', 'provider=github', { origin });
        expectFailure(reply, 'BAD_REQUEST', null);
        expect(reply.body).not.toContain('alert(1)');
      },
    );

    it('refuses whoever skips the first step', async () => {
      const origin = encodeURIComponent(site);
      const proof = `AAAAAAAAAAAA.${Math.floor(Date.now() / 1000).toString(36)}.0.${'A'.repeat(43)}`;
      for (const [query, code, openerOrigin] of [
        ['', 'STATE_MISSING', null],
        [`origin=${origin}`, 'STATE_MISSING', site],
        [`proof=&origin=${origin}`, 'STATE_MISSING', site],
        [`proof=x&origin=${origin}`, 'STATE_MISMATCH', site],
        [`proof=__proto__&origin=${origin}`, 'STATE_MISMATCH', site],
        [`proof=${proof}&origin=${origin}`, 'COOKIE_LOST', site],
      ] as const) {
        const reply = await open().ask(path, query);
        expectFailure(reply, code, openerOrigin);
        const cookie = `__Host-login-AAAAAAAAAAAA=1.${'A'.repeat(43)}`;
        const planted = await open().ask(path, query, { headers: { cookie } });
        expect(codeOf(planted)).toMatch(/^(STATE_MISSING|STATE_MISMATCH|COOKIE_LOST)$/);
      }
      expect(asked()).toEqual([]);
    });

    it('refuses a forged proof, another login’s, and another wish than was proven', async () => {
      const { ask } = open();
      const { query } = nextOf(await ask('/auth', 'provider=github&scope=public_repo'), site);
      const own = new URLSearchParams(query);
      const proof = own.get('proof') ?? '';
      const other = new URLSearchParams(nextOf(await open().ask('/auth', 'provider=github'), site).query);
      const wider = new URLSearchParams(nextOf(await ask('/auth', 'provider=github&scope=repo'), site).query);
      const [id = '', time = '', , mac = ''] = proof.split('.');
      for (const [changed, code] of [
        [{ proof: proof.replace(/.$/, (c) => (c === 'A' ? 'B' : 'A')) }, 'STATE_MISMATCH'],
        [{ proof: [id, time, '1', mac].join('.') }, 'STATE_MISMATCH'],
        [{ proof: [id, (parseInt(time, 36) + 1).toString(36), '0', mac].join('.') }, 'STATE_MISMATCH'],
        [{ proof: [id, `0${time}`, '0', mac].join('.') }, 'STATE_MISMATCH'],
        [{ proof: `${proof}.` }, 'STATE_MISMATCH'],
        [{ proof: wider.get('proof') ?? '' }, 'STATE_MISMATCH'],
        [{ proof: other.get('proof') ?? '' }, 'COOKIE_LOST'],
        [{ scope: 'repo' }, 'STATE_MISMATCH'],
        [{ scope: 'admin:org' }, 'STATE_MISMATCH'],
        [{ scope: '' }, 'STATE_MISMATCH'],
      ] as const) {
        const changes = new URLSearchParams({ ...Object.fromEntries(own), ...changed });
        expectFailure(await ask(path, changes.toString()), code);
      }
      own.delete('scope');
      expectFailure(await ask(path, own.toString()), 'STATE_MISMATCH');
      expect(asked()).toEqual([]);
      // What was tried costs the login nothing.
      expect((await ask(path, query)).status).toBe(302);
    });

    it.each([
      [661, 'ATTEMPT_EXPIRED'],
      [-65, 'ATTEMPT_EXPIRED'],
    ] as const)('refuses a proof from %i s ago', async (seconds, code) => {
      const begun = await open({}, () => Date.now() - seconds * 1000).ask('/auth/github');
      const { query } = nextOf(begun, site);
      const [cookie = ''] = (begun.cookies.at(-1) ?? '').split(';', 1);
      expectFailure(await open().ask(path, query, { headers: { cookie } }), code);
    });

    it.each(['proof', 'origin', 'scope'])('refuses two of %s', async (twice) => {
      const { ask } = open();
      const { query } = nextOf(await ask('/auth/github'), site);
      const parameters = new URLSearchParams(query);
      parameters.append(twice, parameters.get(twice) ?? '');
      expectFailure(await ask(path, parameters.toString()), 'BAD_REQUEST');
      expect(asked()).toEqual([]);
    });

    it('asks again what the owner allows, since the key is the browser’s', async () => {
      const { ask, env } = open();
      const { query } = nextOf(await ask('/auth', 'provider=github&scope=repo'), site);
      env['GITHUB_SCOPE'] = 'public_repo';
      const { headers } = await ask(path, query);
      expect(new URL(headers['location'] ?? '').searchParams.get('scope')).toBe('public_repo');
    });

    it('reads the list anew', async () => {
      const { ask, env } = open();
      const { query } = nextOf(await ask('/auth/github'), site);
      env['CMS_AUTH_ORIGINS'] = 'https://other.example';
      expectFailure(await ask(path, query), 'UNSUPPORTED_DOMAIN');
      expect(asked()).toEqual([]);
    });

    it('begins nothing for HEAD, and spends nothing', async () => {
      const { ask } = open();
      for (const origin of [site, stranger]) {
        const { query } = nextOf(await ask('/auth/github'), origin);
        const head = await ask(path, query, { method: 'HEAD' });
        expect(head).toMatchObject({ status: 200, body: '', cookies: [] });
        expect(head.headers['location']).toBeUndefined();
        const reply = await ask(path, query);
        expect(reply.status).toBe(origin === site ? 302 : 400);
      }
    });

    it('lets a page in that a pattern lists', async () => {
      const { reply } = await open().begin('/auth/github/', '', { origin: preview });
      expect(reply.status).toBe(302);
      expect(popupResultOf(reply)).toBeUndefined();
    });
  });
}
