/** Logins at GitLab and Bitbucket, and the renewal of sessions, on every platform: written once, as in `login.ts`. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { loginHandler } from './handlers.ts';
import { bitbucket } from '../../lib/providers/bitbucket.ts';
import { github } from '../../lib/providers/github.ts';
import { gitlab } from '../../lib/providers/gitlab.ts';
import { startBitbucket, type BitbucketHost } from '../hosts/bitbucket.ts';
import { startGitHub, type GitHubHost } from '../hosts/github.ts';
import { startGitLab, type GitLabHost } from '../hosts/gitlab.ts';
import { popupResultOf, nextOf } from '../popup.ts';
import type { Call, Reply } from './login.ts';

const loginServer = 'https://auth.example.com';
const site = 'https://www.example.com';
const pattern = 'https://deploy-preview-*--site.example.com';
const preview = 'https://deploy-preview-7--site.example.com';

type Name = 'github' | 'gitlab' | 'bitbucket';

/** What the clients send, as they send it: they encode nothing, and the browser only what cannot stand in an address. */
const asks: Record<
  string,
  {
    provider: Name;
    path: string;
    headers?: Record<string, string>;
    query?: (token: string) => string;
    body?: (token: string) => string;
  }
> = {
  'Netlify CMS and older Decap on Bitbucket, in the query': {
    provider: 'bitbucket',
    path: '/auth/refresh',
    query: (token) => `provider=bitbucket&site_id=www.example.com&refresh_token=${encodeURI(token)}`,
    headers: { 'content-type': 'text/plain;charset=UTF-8' },
  },
  'Decap 3.16 on Bitbucket, in a form': {
    provider: 'bitbucket',
    path: '/auth/refresh',
    query: () => 'provider=bitbucket&site_id=www.example.com',
    body: (token) => `refresh_token=${token}`,
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
  },
  'Sveltia on GitLab, in JSON': {
    provider: 'gitlab',
    path: '/auth/gitlab/token',
    body: (token) => JSON.stringify({ grant_type: 'refresh_token', client_id: '', refresh_token: token }),
    headers: { 'content-type': 'application/json' },
  },
  'Sveltia on an expiring GitHub App, in JSON': {
    provider: 'github',
    path: '/auth/github/access_token',
    body: (token) => JSON.stringify({ grant_type: 'refresh_token', client_id: '', refresh_token: token }),
    headers: { 'content-type': 'application/json' },
  },
};

export function describeRefresh(name: string, call: Call): void {
  describe(`Sessions on ${name}`, () => {
    let hosts: { github: GitHubHost; gitlab: GitLabHost; bitbucket: BitbucketHost };
    let env: Record<string, string>;
    let logged: string;

    beforeAll(async () => {
      const [gh, gl, bb] = await Promise.all([startGitHub(), startGitLab(), startBitbucket()]);
      hosts = { github: gh, gitlab: gl, bitbucket: bb };
      gh.expiring = true;
      for (const [id, host] of Object.entries(hosts)) {
        host.consent = 'always';
        host.app.redirectUris.push(`${loginServer}/auth/${id}/callback`);
      }
    });
    afterAll(() => Promise.all(Object.values(hosts).map((host) => host.close())));
    beforeEach(() => {
      logged = '';
      env = {
        CMS_AUTH_URL: loginServer,
        CMS_AUTH_ORIGINS: `${site},${pattern}`,
        CMS_AUTH_REFRESH: 'github,gitlab,bitbucket',
      };
      for (const [id, host] of Object.entries(hosts)) {
        host.requests.length = 0;
        host.fault = undefined;
        env[`${id.toUpperCase()}_URL`] = host.url;
        env[`${id.toUpperCase()}_CLIENT_ID`] = host.app.clientId;
        env[`${id.toUpperCase()}_CLIENT_SECRET`] = host.app.clientSecret;
      }
    });

    const send = (
      method: string,
      path: string,
      query = '',
      headers: Record<string, string> = {},
      body = '',
    ): Promise<Reply> =>
      call(loginHandler([github, gitlab, bitbucket], { env, log: (entry) => (logged += JSON.stringify(entry)) }), {
        method,
        path,
        query,
        headers,
        body,
      });
    const requests = (id: Name) =>
      hosts[id].requests.filter(({ method, path }) => method === 'POST' && /token/.test(path)).length;

    /** @returns the result that is posted to an opener of this origin */
    async function login(id: Name, path = `/auth/${id}`, query = `provider=${id}&scope=repo`, origin = site) {
      const opening = await send('GET', path, query);
      const cookie = opening.cookies.map((text) => text.split(';', 1)[0]).join('; ');
      const next = nextOf(opening, origin);
      const begun = await send('GET', next.path, next.query, { cookie });
      expect(begun.status).toBe(302);
      const consent = await fetch(begun.headers['location'] ?? '', { redirect: 'manual' });
      const callback = new URL(consent.headers.get('location') ?? '');
      const reply = await send('GET', callback.pathname, callback.search.slice(1), { cookie });
      expect(reply.status).toBe(200);
      const { message = '', origin: addressee } = popupResultOf(reply) ?? {};
      expect(addressee).toBe(origin);
      return {
        result: JSON.parse(message.slice(message.indexOf('{'))) as Record<string, string>,
        location: begun.headers['location'] ?? '',
      };
    }
    const refreshTokenOf = async (id: Name): Promise<string> => {
      const { result } = await login(id, `/auth/${id}/authorize`);
      return result['refreshToken'] ?? result['refresh_token'] ?? '';
    };

    it.each<Name>(['gitlab', 'bitbucket'])('logs in at %s', async (id) => {
      const { result, location } = await login(id);
      expect(result['token']).toBeTruthy();
      expect(result['provider']).toBe(id);
      // Decap asks Bitbucket for `repo`, which is no scope of Bitbucket's; GitLab knows `api` only.
      expect(new URL(location).searchParams.get('scope')).toBe(id === 'gitlab' ? 'api' : null);
      expect(new URL(location).searchParams.has('code_challenge')).toBe(id === 'gitlab');
    });

    it('logs in at a GitLab of one’s own, under a path', async () => {
      const own = await startGitLab({ path: '/gitlab', consent: 'always', app: hosts.gitlab.app });
      env['GITLAB_URL'] = own.url;
      const { result, location } = await login('gitlab').finally(() => own.close());
      expect(location).toContain(`${own.url}/oauth/authorize?`);
      expect(own.url).toMatch(/\/gitlab$/);
      expect(result['token']).toBeTruthy();
    });

    it('hands a refresh token to exact origins only, and only in the form that the clients can use', async () => {
      expect((await login('bitbucket')).result).toHaveProperty('refresh_token');
      expect((await login('gitlab')).result).not.toHaveProperty('refreshToken');
      const authorize = ['/auth/gitlab/authorize', 'provider=gitlab'] as const;
      expect((await login('gitlab', ...authorize)).result).toHaveProperty('refreshToken');
      expect(Object.keys((await login('gitlab', ...authorize, preview)).result)).toEqual(['token', 'provider']);
      expect(Object.keys((await login('bitbucket', '/auth/bitbucket', '', preview)).result)).toEqual([
        'token',
        'provider',
      ]);
    });

    it('hands out none for a provider that the owner did not name', async () => {
      env['CMS_AUTH_REFRESH'] = 'github';
      expect(Object.keys((await login('bitbucket')).result)).toEqual(['token', 'provider']);
      expect(Object.keys((await login('gitlab', '/auth/gitlab/authorize')).result)).toEqual(['token', 'provider']);
    });

    describe.each(Object.entries(asks))('as %s asks for it', (_, { provider, path, headers = {}, query, body }) => {
      const ask = (token: string, origin: string | undefined) =>
        send('POST', path, query?.(token), { ...headers, ...(origin !== undefined && { origin }) }, body?.(token));
      const renewed = provider === 'bitbucket' ? ['token', 'refresh_token'] : ['access_token', 'refresh_token'];

      it('renews a session, with CORS for that origin alone', async () => {
        const token = await refreshTokenOf(provider);
        const reply = await ask(token, site);
        expect(reply.status).toBe(200);
        expect(Object.keys(JSON.parse(reply.body) as object)).toEqual(renewed);
        expect(reply.body).not.toContain(token); // both hosts and App rotate
        expect(reply.headers).toMatchObject({
          'access-control-allow-origin': site,
          vary: 'Origin',
          'cache-control': 'private, no-store',
          'content-type': 'application/json; charset=utf-8',
        });
        expect(reply.headers).not.toHaveProperty('access-control-allow-credentials');
        expect(logged).not.toContain(token);
      });

      it.each([undefined, 'null', 'https://evil.example', `${site}.evil.example`, 'http://www.example.com'])(
        'answers 403 to the origin %s, and asks the host nothing',
        async (origin) => {
          const token = await refreshTokenOf(provider);
          const before = requests(provider);
          const reply = await ask(token, origin);
          expect(reply.status).toBe(403);
          expect(reply.headers).not.toHaveProperty('access-control-allow-origin');
          expect(reply.headers['vary']).toBe('Origin');
          expect(requests(provider)).toBe(before);
        },
      );

      it('renews nothing for an origin that only a pattern lists, and says so as JSON that the page can read', async () => {
        const token = await refreshTokenOf(provider);
        const before = requests(provider);
        const reply = await ask(token, preview);
        expect(JSON.parse(reply.body)).toMatchObject({ error: 'REFRESH_NOT_ALLOWED' });
        expect(reply.headers['access-control-allow-origin']).toBe(preview);
        expect(requests(provider)).toBe(before);
      });

      it('renews nothing for a provider that is not named', async () => {
        const token = await refreshTokenOf(provider);
        env['CMS_AUTH_REFRESH'] = '';
        const before = requests(provider);
        const reply = await ask(token, site);
        expect(JSON.parse(reply.body)).toMatchObject({ error: 'REFRESH_NOT_ALLOWED' });
        expect(reply.headers['access-control-allow-origin']).toBe(site);
        expect(requests(provider)).toBe(before);
      });

      it.each(['', 'a b', 'ä', 'x'.repeat(8193)])('refuses what is no refresh token: %.10s', async (token) => {
        const reply = await ask(token, site);
        expect(reply.status).toBeGreaterThanOrEqual(400);
        expect(JSON.parse(reply.body)).toHaveProperty('error');
        expect(reply.headers['access-control-allow-origin']).toBe(site);
        expect(requests(provider)).toBe(0);
      });

      it('passes a plus on as a plus, and says in JSON that the host refused', async () => {
        const reply = await ask('no+such+token', site);
        expect(JSON.parse(reply.body)).toMatchObject({ error: 'REFRESH_REJECTED' });
        expect(reply.headers['access-control-allow-origin']).toBe(site);
        expect(hosts[provider].requests.at(-1)?.parameters['refresh_token']).toBe('no+such+token');
      });

      it.each(['html502', 'reset', 'huge', 'truncated', 'redirect'] as const)(
        'answers JSON when the host answers %s, and asks once',
        async (fault) => {
          const token = await refreshTokenOf(provider);
          hosts[provider].fault = fault;
          const before = requests(provider);
          const reply = await ask(token, site);
          expect(reply.status).toBeGreaterThanOrEqual(500);
          expect(JSON.parse(reply.body)).toHaveProperty('error');
          expect(reply.headers['access-control-allow-origin']).toBe(site);
          expect(requests(provider)).toBe(before + 1);
        },
      );

      it('answers the preflight of a listed origin, and of no other', async () => {
        const preflight = { 'access-control-request-method': 'POST', 'access-control-request-headers': 'content-type' };
        const yes = await send('OPTIONS', path, '', { origin: site, ...preflight });
        expect(yes.status).toBe(204);
        expect(yes.headers).toMatchObject({
          'access-control-allow-origin': site,
          'access-control-allow-headers': 'content-type',
          'access-control-allow-methods': 'POST',
        });
        expect((await send('OPTIONS', path, '', { origin: 'https://evil.example', ...preflight })).status).toBe(403);
      });

      it('takes POST only', async () => {
        const reply = await send('GET', path, query?.('x'), { origin: site });
        expect(reply.status).toBe(405);
        expect(reply.headers['allow']).toBe('POST, OPTIONS');
      });
    });

    it('says in JSON, with CORS, that a query is too long', async () => {
      const query = `provider=bitbucket&refresh_token=${'x'.repeat(17_000)}`;
      const reply = await send('POST', '/auth/refresh', query, { origin: site });
      expect(JSON.parse(reply.body)).toMatchObject({ error: 'REQUEST_TOO_LARGE' });
      expect(reply.headers['access-control-allow-origin']).toBe(site);
      expect(requests('bitbucket')).toBe(0);
    });

    const inJson = (body: string, type = 'application/json') =>
      send('POST', '/auth/gitlab/token', '', { origin: site, 'content-type': type }, body);

    it('reads JSON of any charset', async () => {
      const body = JSON.stringify({ refresh_token: await refreshTokenOf('gitlab') });
      expect((await inJson(body, 'application/json; charset=utf-8')).status).toBe(200);
    });

    it.each(['null', '5', '"refresh_token=x"', '{"refresh_token":5}', '{"refresh_token":["x"]}', '{'])(
      'finds no refresh token in %s',
      async (body) => {
        expect((await inJson(body)).status).toBe(400);
        expect(requests('gitlab')).toBe(0);
      },
    );

    it('exchanges refresh tokens only', async () => {
      const body = JSON.stringify({ grant_type: 'client_credentials', refresh_token: 'x' });
      const reply = await send(
        'POST',
        '/auth/gitlab/token',
        '',
        { origin: site, 'content-type': 'application/json' },
        body,
      );
      expect(reply.status).toBe(400);
      expect(requests('gitlab')).toBe(0);
    });

    it('refuses another provider at the address of one', async () => {
      const reply = await send('POST', '/auth/refresh', 'provider=gitlab&refresh_token=x', { origin: site });
      expect(JSON.parse(reply.body)).toMatchObject({ error: 'PROVIDER_MISMATCH' });
    });

    it('refuses a body of a megabyte without asking the host', async () => {
      const body = `refresh_token=${'x'.repeat(1_000_000)}`;
      const reply = await send(
        'POST',
        '/auth/refresh',
        'provider=bitbucket',
        { origin: site, 'content-type': 'application/x-www-form-urlencoded' },
        body,
      );
      expect(reply.status).toBe(414);
      expect(requests('bitbucket')).toBe(0);
    });
  });
}
