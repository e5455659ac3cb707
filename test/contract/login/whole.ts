/** A login that goes well. */
import { describe, expect, it } from 'vitest';
import { popupResultOf, popupGreetingOf } from '../../popup.ts';
import { listen, sendJson } from '../../hosts/http.ts';
import { callbackPath, loginServer, preview, secret, site, tokenRequest, type LoginWorld } from './world.ts';

export function wholeLogin(world: LoginWorld): void {
  const { asked, expectForgotten, log, look, open } = world;

  describe('from its beginning to its end', () => {
    it.each([
      ['/auth', 'provider=github&site_id=www.example.com&scope=repo'],
      ['/auth/', 'provider=github&site_id=www.example.com&scope=repo,user'],
      ['/auth/github', ''],
      ['/auth/github/', 'provider=github'],
      ['/auth/github/authorize', 'provider=github&scope=repo'],
      ['/auth/github/authorize/', ''],
    ])('hands the token to the page that asked: %s?%s', async (path, query) => {
      const { ask, consent, jar } = open();
      const { back, parameters, id } = await consent(path, query);
      expect(back.origin + back.pathname).toBe(loginServer + callbackPath);
      expect([...jar.keys()]).toEqual([look.name(id)]);

      const reply = await ask(callbackPath, parameters.toString());
      expect(reply.status).toBe(200);
      expectForgotten(reply, id);
      expect(jar.size).toBe(0);
      expect(asked()).toEqual(['GET /login/oauth/authorize', tokenRequest]);

      const popupResult = popupResultOf(reply);
      // One message, and one address.
      expect(popupResult).toEqual({
        greeting: 'authorizing:github',
        message: expect.stringMatching(/^authorization:github:success:\{.+\}$/),
        origin: site,
      });
      const [, json = ''] = /^authorization:github:success:(.+)$/.exec(popupResult?.message ?? '') ?? [];
      const { token, ...rest } = JSON.parse(json) as { token: string };
      expect(rest).toEqual({ provider: 'github' });
      expect(world.host.grants.holder(token)).toMatchObject({ user: world.host.user.login });
      // Nowhere but in this message.
      expect(reply.body.split(token)).toHaveLength(2);
      expect(JSON.stringify([reply.headers, reply.cookies])).not.toContain(token);
      expect(reply.body).not.toContain('netlify');
      expect(log.map(({ event, outcome }) => [event, outcome])).toEqual([
        ['begin', 'ok'],
        ['proceed', 'ok'],
        ['finish', 'ok'],
      ]);
    });

    it('asks the host for exactly what it has to', async () => {
      const { begun, opening, id } = await open().consent();
      const location = new URL(begun.headers['location'] ?? '');
      expect(location.origin + location.pathname).toBe(`${world.host.url}/login/oauth/authorize`);
      expect(Object.fromEntries(location.searchParams)).toEqual({
        response_type: 'code',
        client_id: 'the-client-id',
        redirect_uri: loginServer + callbackPath,
        scope: 'repo',
        state: expect.stringMatching(/^[\w-]{12}\.[0-9a-z]+\.0\.[\w-]+\.[\w-]{43}$/),
        code_challenge: expect.stringMatching(/^[\w-]{43}$/),
        code_challenge_method: 'S256',
      });
      expect(begun.cookies).toEqual([]);
      expect(opening.cookies).toEqual([expect.stringMatching(look.begun(id))]);
    });

    it('begins with a page that asks who opened it, and goes on where the answer is taken', async () => {
      for (const [path, query] of [
        ['/auth', 'provider=github'],
        ['/auth/github/authorize', ''],
      ] as const) {
        const reply = await open().ask(path, query);
        expect(reply.status).toBe(200);
        expect(reply.body).toContain('data-state="waiting"');
        expect(popupGreetingOf(reply)?.greeting).toBe('authorizing:github');
        expect(popupGreetingOf(reply)?.next).toMatch(
          /^https:\/\/auth\.example\.com\/auth\/github\/begin\?.*[?&]origin=$/,
        );
        expect(popupResultOf(reply)).toBeUndefined();
        for (const hidden of [site, 'netlify', secret, world.host.app.clientId])
          expect(reply.body).not.toContain(hidden);
      }
      expect(asked()).toEqual([]);
    });

    it('hands it to a page that a pattern lists', async () => {
      const { ask, consent } = open();
      const { parameters } = await consent('/auth', 'provider=github', { origin: preview });
      const reply = await ask(callbackPath, parameters.toString());
      expect(popupResultOf(reply)).toMatchObject({ origin: preview });
      expect(reply.body).toContain('gho_');
      expect(reply.body).not.toContain(site);
    });

    it('works in many tabs at once, in any order', async () => {
      const { ask, consent } = open();
      const tabs = [];
      for (let i = 0; i < look.room; i++) tabs.push(await consent());
      for (const { parameters } of tabs.reverse())
        expect((await ask(callbackPath, parameters.toString())).status).toBe(200);
    });

    it('works with an old host that sends no issuer', async () => {
      world.host.iss = 'none';
      const { ask, consent } = open();
      const { parameters } = await consent();
      expect(parameters.has('iss')).toBe(false);
      expect((await ask(callbackPath, parameters.toString())).status).toBe(200);
    });

    it('keeps the refresh token of an app whose tokens expire to itself', async () => {
      world.host.expiring = true;
      const { ask, consent } = open();
      const { parameters } = await consent();
      const reply = await ask(callbackPath, parameters.toString());
      expect(popupResultOf(reply)?.message).toContain('ghu_');
      expect(reply.body).not.toContain('ghr_');
    });

    it('works below a path, whether or not what is in front of us takes it away', async () => {
      const { ask, consent } = open({ CMS_AUTH_URL: `${loginServer}/prod` });
      for (const prefix of ['/prod', '']) {
        const { back, parameters } = await consent(`${prefix}/auth`);
        expect(back.origin + back.pathname).toBe(`${loginServer}/prod${callbackPath}`);
        expect((await ask(prefix + callbackPath, parameters.toString())).status).toBe(200);
      }
      for (const path of ['/prod', '/prod/', '/production/authx', '/prod/prod/auth/github/begin'])
        expect((await ask(path, 'provider=github')).status).toBe(404);
    });

    it('survives a token that would end the script', async () => {
      const token = `gho_</script><!--<script>&"'`;
      const server = await listen((_, response) =>
        sendJson(response, 200, { access_token: token, token_type: 'bearer' }),
      );
      const { ask, begin } = open({ GITHUB_URL: server.url });
      const { reply: begun } = await begin('/auth/github', '');
      const state = new URL(begun.headers['location'] ?? '').searchParams.get('state') ?? '';
      const reply = await ask(callbackPath, new URLSearchParams({ code: 'x', state }).toString());
      await server.close();
      const [, json = ''] = /^authorization:github:success:(.+)$/.exec(popupResultOf(reply)?.message ?? '') ?? [];
      expect(JSON.parse(json)).toEqual({ token, provider: 'github' });
      expect(reply.body.match(/<script/g)).toHaveLength(2);
      expect(reply.body.match(/<\/script/g)).toHaveLength(2);
    });
  });
}
