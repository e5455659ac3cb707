/** Whatever else is asked of the server, and what it writes down. */
import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { codeOf, popupResultOf } from '../../popup.ts';
import { callbackPath, expectOurs, loginServer, nasty, secret, site, type LoginWorld } from './world.ts';

export function besides(world: LoginWorld): void {
  const { asked, call, log, open } = world;

  describe('beside it', () => {
    it.each([
      '/',
      '/nothing',
      '/authx',
      '/Auth',
      '/auth/github/x',
      '/auth/github/callback/x',
      '/auth/gitlab/callback',
      '/auth/gitlab/begin',
      '/auth/github/begin/x',
      '/auth/constructor/callback',
      '/auth/__proto__/callback',
      '/x/auth/github/begin',
      '/x/auth/github/callback',
      '/xauth',
      '/%61uth',
      '/auth%2fgithub',
      `/${'x'.repeat(100)}/auth`, // nor words that repeat all of that
    ])('there is nothing at %s', async (path) => {
      const reply = await open().ask(path, 'provider=github');
      expect(codeOf(reply)).toBe('NOT_FOUND');
      expect(reply.status).toBe(404);
      expect(reply.cookies).toEqual([]);
      expect(popupResultOf(reply)).toBeUndefined();
    });

    it.each([
      ['/auth/auth', '/auth/'],
      ['//auth', '//'],
      ['/auth/', undefined],
      ['/x/auth', '/x/'],
      ['/x/auth/github', '/x/'],
      ['/auth/github/callback/auth', '/auth/github/callback/'],
      ['/admin/<b>/auth/github/authorize', '/…'],
    ])('a base_url that has something behind the host name is told so: %s', async (path, behind) => {
      const reply = await open().ask(path, 'provider=github&site_id=www.example.com');
      if (behind === undefined) return expect(reply.status).toBe(200);
      world.expectFailure(reply, 'BASE_URL_HAS_PATH');
      expect(reply.body).toContain(`Write ${loginServer} there`);
      expect(reply.body).toContain(behind);
      expect(reply.cookies).toEqual([]);
      // Without a provider nobody waits for an answer.
      expect((await open().ask(path === '/auth/' ? '/x' : path)).status).toBe(404);
    });

    it("there is the owner's page, which tells nobody the list, the secret or the client id", async () => {
      const reply = await open().ask('/auth');
      expect(reply.status).toBe(200);
      expect(reply.body).toContain(loginServer + callbackPath);
      for (const hidden of [site, 'netlify', secret, world.host.app.clientId]) expect(reply.body).not.toContain(hidden);
      expect((await open({ CMS_AUTH_PAGE: 'off' }).ask('/auth')).status).toBe(404);
    });

    it('nothing that a request says is on a page as markup', async () => {
      const markup = '<script>alert(1)</script>';
      const names = ['provider', 'scope', 'site_id', 'code', 'state', 'iss', 'error', 'error_description', 'x<script>'];
      const encoded = new URLSearchParams(names.map((parameter) => [parameter, nasty])).toString();
      const raw = names.map((parameter) => `${parameter}="'>${markup}`).join('&');
      const headers = { referer: markup, origin: markup, 'user-agent': markup, host: 'x' };
      for (const path of ['/auth', '/auth/github', callbackPath, '/<script>', '/auth/<script>', `/auth/${markup}`])
        for (const query of ['', encoded, raw]) {
          const reply = await open().ask(path, query, { headers });
          expect(reply.body).not.toContain('alert(1)');
        }
      expect(asked()).toEqual([]);
    });

    it('the log holds nothing that a login is made of, and of every request one line', async () => {
      const { ask, consent } = open();
      const { parameters, cookie, code } = await consent('/auth', 'provider=github&scope=repo&site_id=the-site');
      const reply = await ask(callbackPath, parameters.toString());
      const token = /gh[ou]_\w+/.exec(reply.body)?.[0] ?? '';
      await ask(callbackPath, parameters.toString());
      await ask('/auth', 'provider=the-provider');
      await ask('/auth', 'provider=github', { headers: { referer: 'https://the-referer.example' } });
      await ask('/the-path');
      world.host.fault = 'array';
      const failed = await consent();
      await ask(callbackPath, failed.parameters.toString());

      expect(log).toHaveLength(10);
      const text = JSON.stringify(log);
      const key = /[\w-]{43}/.exec(cookie)?.[0] ?? '';
      const state = parameters.get('state') ?? '';
      for (const part of [
        token,
        code,
        failed.code,
        key,
        secret,
        world.host.app.clientId,
        ...state.split('.').slice(2),
        site,
      ]) {
        expect(part).not.toBe('');
        if (part.length > 1) expect(text).not.toContain(part);
      }
      for (const part of [state.split('.')[0] ?? '', 'the-', '__Host', 'token_from_a_fault', 'state=', world.host.url])
        expect(text).not.toContain(part);
      for (const entry of log) {
        const allowed = ['event', 'provider', 'outcome', 'code', 'message', 'duration', 'request'];
        expect(allowed).toEqual(expect.arrayContaining(Object.keys(entry)));
      }
    });
  });

  describe('whatever is sent', () => {
    // What HTTP itself lets through; the pieces make it likely that something is nearly right.
    const visible = fc.stringMatching(/^[!-"$->@-~]{0,12}$/);
    const pieces = (...text: string[]) => fc.oneof(visible, fc.constantFrom(...text));
    const joined = (part: fc.Arbitrary<string>, by: string) =>
      fc.array(part, { maxLength: 6 }).map((parts) => parts.join(by));
    const path = fc.oneof(
      fc.constantFrom('/auth', '/auth/github', '/auth/github/begin', callbackPath),
      joined(pieces('auth', 'github', 'callback', 'authorize', '..', '__proto__', '%00', '%'), '/').map(
        (text) => `/${text}`,
      ),
    );
    const query = joined(
      pieces(
        'provider=github',
        'provider',
        'state=AAAAAAAAAAAA.1.0.',
        'proof=AAAAAAAAAAAA.1.0.',
        'origin=https://x.example',
        'code=x',
        'error=x',
        'scope=%',
        '=',
        '&',
        '%ff',
        '+',
      ),
      '&',
    );
    const value = fc.oneof(
      joined(
        pieces('__Host-login-AAAAAAAAAAAA=1', '__session=login~AAAAAAAAAAAA.1.', '=', ';', 'document', 'prefetch'),
        '; ',
      ),
      fc.stringMatching(/^[\x20-\x7e\x80-\xff]{0,40}$/),
    );
    const headers = fc
      .dictionary(
        fc.constantFrom('cookie', 'sec-fetch-dest', 'sec-purpose', 'origin', 'referer', 'x-forwarded-host', 'x'),
        value,
      )
      .map((given) => Object.fromEntries(Object.entries(given).map(([header, text]) => [header, text.trim()])));
    const method = fc.constantFrom('GET', 'GET', 'GET', 'HEAD', 'POST', 'PUT', 'OPTIONS', 'DELETE');

    it('there is an answer of ours', async () => {
      const { handler } = open();
      await fc.assert(
        fc.asyncProperty(fc.record({ method, path, query, headers }), async (request) => {
          const before = log.length;
          const reply = await call(handler, request);
          expectOurs(reply);
          expect(log).toHaveLength(before + 1);
          expect(log.at(-1)?.code).not.toBe('INTERNAL');
          expect(reply.status).toBeLessThan(500);
        }),
        { numRuns: 300 },
      );
      expect(asked()).toEqual([]);
    });
  });
}
