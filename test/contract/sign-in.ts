/** What the sign-in has to do on every platform, written once. A platform's own file only says how to call its adapter. */
import { createHash, randomBytes } from 'node:crypto';
import { decodeJwt, decodeProtectedHeader } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { errors, type ErrorCode } from '../errors.ts';
import { verifyAccessToken, sessionKeys } from '../../lib/gateway/identity/access-token.ts';
import { gatewaySettings } from '../../lib/gateway/settings.ts';
import { isAllowed } from '../../lib/gateway/identity/editors.ts';
import { signInHandler, signInHosts } from './handlers.ts';
import { people, startIdentity, type IdentityHost, type Person } from '../hosts/identity.ts';
import { visit } from '../hosts/visitor.ts';
import type { Environment } from '../../lib/config/environment.ts';
import type { LogEntry } from '../../lib/http/log.ts';
import type { Call, Reply, Request } from './login.ts';

const gateway = 'https://auth.example.com';
const site = 'https://www.example.com';
const page = `${site}/admin/`;
const authorizePath = '/git/oauth2/authorize';
const callbackPath = '/git/oauth2/callback';
const tokenPath = '/git/oauth2/token';
/** As Decap writes it. */
const cmsState = JSON.stringify({ auth_type: 'pkce', nonce: '5f0c54b6-3b9e-4d1b-a8b6-8a6c2f4f7a10' });

const challengeOf = (verifier: string) => createHash('sha256').update(verifier).digest('base64url');

/** How Decap makes one: 128 characters of letters, digits, `-` and `.`. */
const newVerifier = () => randomBytes(96).toString('base64url').replaceAll('_', '.');

interface Cookies {
  begun: RegExp;
  room: number;
}

const cookiesOfTheirOwn: Cookies = {
  begun: /^__Host-signin-[\w-]{12}=[0-9a-z]+\.[\w-]{43}; Path=\/; Max-Age=600; HttpOnly; SameSite=Lax; Secure$/,
  room: 5,
};

export const oneSession: Cookies = {
  begun:
    /^__session=signin(~[\w-]{12}\.[0-9a-z]+\.[\w-]{43}){1,3}; Path=\/git; Max-Age=600; HttpOnly; SameSite=Lax; Secure$/,
  room: 3,
};

export function describeSignIn(name: string, call: Call, cookiesLook = cookiesOfTheirOwn): void {
  describe(`The sign-in on ${name}`, () => {
    let identity: IdentityHost;
    let log: LogEntry[];

    beforeAll(async () => {
      identity = await startIdentity({ redirectUris: [gateway + callbackPath, `${gateway}/prod${callbackPath}`] });
    });
    afterAll(() => identity.close());
    beforeEach(() => {
      log = [];
      identity.faults = {};
      identity.people = { ...people };
      identity.requests.length = 0;
    });

    /** The gateway, and one browser with its cookies in front of it. */
    function open(settings: Environment = {}, now: () => number = Date.now) {
      const env: Record<string, string | undefined> = {
        CMS_AUTH_URL: gateway,
        CMS_AUTH_ORIGINS: `${site}, https://deploy-preview-*--site.netlify.app`,
        CMS_GATEWAY_REPO: 'https://github.com/demo/site',
        CMS_GATEWAY_PATHS: 'content/**',
        CMS_GATEWAY_TOKEN: 'github_pat_credential_of_the_gateway',
        CMS_GATEWAY_ISSUER: identity.issuer,
        CMS_GATEWAY_CLIENT_ID: identity.clientId,
        CMS_GATEWAY_CLIENT_SECRET: identity.clientSecret,
        CMS_GATEWAY_EDITORS: 'ann@example.com,@example.org',
        ...settings,
      };
      const handler = signInHandler({ env, log: (entry) => log.push(entry), now });
      const jar = new Map<string, string>();

      async function ask(path: string, query = '', { method = 'GET', headers = {}, body }: Partial<Request> = {}) {
        const cookie = [...jar].map(([key, value]) => `${key}=${value}`).join('; ');
        const reply = await call(handler, {
          method,
          path,
          query,
          headers: { ...(cookie !== '' && { cookie }), ...headers },
          ...(body !== undefined && { body }),
        });
        expectOurs(reply);
        for (const text of reply.cookies) {
          const [pair = '', ...attributes] = text.split('; ');
          const equals = pair.indexOf('=');
          if (attributes.includes('Max-Age=0')) jar.delete(pair.slice(0, equals));
          else jar.set(pair.slice(0, equals), pair.slice(equals + 1));
        }
        return reply;
      }

      const verifier = newVerifier();
      const order = (changes: Record<string, string | undefined> = {}) => {
        const all = {
          client_id: 'cms',
          redirect_uri: page,
          response_type: 'code',
          scope: 'openid email',
          state: cmsState,
          code_challenge_method: 'S256',
          code_challenge: challengeOf(verifier),
          ...changes,
        };
        const query = new URLSearchParams();
        for (const [key, value] of Object.entries(all)) if (value !== undefined) query.set(key, value);
        return query.toString();
      };

      /** Begins, says who it is at the provider, and brings the provider's answer as a query. */
      async function signInAs(who: string, changes: Record<string, string | undefined> = {}, prefix = '') {
        const begun = await ask(prefix + authorizePath, order(changes));
        expect(begun.status).toBe(302);
        const back = await visit(begun.headers['location'] ?? '', who);
        expect(back.origin + back.pathname).toMatch(new RegExp(`^${gateway}(/prod)?${callbackPath}$`));
        return { begun, back, query: back.search.slice(1) };
      }

      /** To the code of ours, or to the error that the CMS reads. */
      async function comeBack(who: string, changes: Record<string, string | undefined> = {}) {
        const { query } = await signInAs(who, changes);
        return readBack(await ask(callbackPath, query));
      }

      const redeem = (changes: Record<string, string | undefined>, { json = false, headers = {} } = {}) => {
        const all = {
          client_id: 'cms',
          grant_type: 'authorization_code',
          redirect_uri: page,
          code_verifier: verifier,
          ...changes,
        };
        const entries = Object.entries(all).filter((pair): pair is [string, string] => pair[1] !== undefined);
        return ask(tokenPath, '', {
          method: 'POST',
          headers: {
            origin: site,
            'content-type': json ? 'application/json' : 'application/x-www-form-urlencoded',
            ...headers,
          },
          body: json ? JSON.stringify(Object.fromEntries(entries)) : new URLSearchParams(entries).toString(),
        });
      };

      return { ask, order, signInAs, comeBack, redeem, jar, env };
    }

    /** What the CMS reads off its address. */
    function readBack(reply: Reply) {
      expect(reply.status).toBe(302);
      const url = new URL(reply.headers['location'] ?? '');
      expect(url.origin + url.pathname).toBe(page);
      expect(url.hash).toBe('');
      return Object.fromEntries(url.searchParams);
    }

    function expectRefused(reply: Reply, code: ErrorCode, error: string, state: string | undefined = cmsState) {
      const { error_description, ...rest } = readBack(reply);
      expect(rest).toEqual({ error, ...(state !== undefined && { state }) });
      expect(error_description).toMatch(/^[\x20-\x21\x23-\x5b\x5d-\x7e]{20,}$/);
      expect(log.at(-1)).toMatchObject({ outcome: 'failed', code });
      return error_description ?? '';
    }

    /** There is no safe address, so a page of ours says it. */
    function expectOwnPage(reply: Reply, code: ErrorCode) {
      expect(reply.headers['location']).toBeUndefined();
      expect(reply.status).toBe(errors[code].status);
      expect(reply.headers['content-type']).toBe('text/html; charset=utf-8');
      expect(reply.body).toContain(`Code: ${code}`);
      expect(reply.body).not.toContain('This was a try');
      expect(log.at(-1)).toMatchObject({ outcome: 'failed', code });
    }

    function expectTokenError(reply: Reply, code: ErrorCode, error: string) {
      expect(reply.status).toBe(errors[code].status);
      expect(reply.headers['content-type']).toBe('application/json; charset=utf-8');
      const body = JSON.parse(reply.body) as Record<string, string>;
      expect(Object.keys(body).sort()).toEqual(['error', 'error_description', 'message']);
      expect(body['error']).toBe(error);
      expect(body['message']?.length).toBeGreaterThan(20);
      expect(log.at(-1)).toMatchObject({ outcome: 'failed', code });
    }

    describe('from its beginning to its end', () => {
      it('gives the CMS a session of the editor, and nothing of the provider’s', async () => {
        const { ask, signInAs, redeem, jar, env } = open();
        const { begun, query } = await signInAs('ann');
        expect(begun.cookies).toEqual([expect.stringMatching(cookiesLook.begun)]);
        const came = await ask(callbackPath, query);
        expect(jar.size).toBe(0);
        const { code = '', ...rest } = readBack(came);
        expect(rest).toEqual({ state: cmsState });
        expect(decodeProtectedHeader(code)).toMatchObject({ alg: 'dir', enc: 'A256GCM' });

        const reply = await redeem({ code });
        expect(reply.status).toBe(200);
        expect(reply.headers['access-control-allow-origin']).toBe(site);
        expect(reply.headers['access-control-allow-credentials']).toBeUndefined();
        const { access_token, ...more } = JSON.parse(reply.body) as { access_token: string };
        expect(more).toEqual({ token_type: 'Bearer', expires_in: 36_000 });
        const claims = decodeJwt(access_token);
        // RFC 9068, 2.2
        for (const name of ['iss', 'exp', 'aud', 'sub', 'client_id', 'iat', 'jti']) expect(claims).toHaveProperty(name);
        expect(decodeProtectedHeader(access_token)['alg']).toBe('HS256');
        expect(claims).toMatchObject({ sub: 'ann', email: 'ann@example.com', name: 'Ann Example' });
        expect((claims.exp ?? 0) - (claims.iat ?? 0)).toBe(36_000);
        const read = gatewaySettings(signInHosts, { origin: gateway }).read(env);
        const keys = sessionKeys(read.auth as Extract<typeof read.auth, { kind: 'oidc' }>);
        const around = { address: { origin: gateway, prefix: '', secure: true }, now: Date.now() };
        expect(await verifyAccessToken(keys, access_token, around)).toMatchObject({
          sub: 'ann',
          email: 'ann@example.com',
        });
        // A code is no session.
        expect(await verifyAccessToken(keys, code, around)).toBeUndefined();

        // What the provider handed out went no further: none of it is in what the browser or the log got.
        const seen = JSON.stringify([begun, came, reply, log]);
        expect(seen).not.toContain(identity.clientSecret);
        expect(seen).not.toContain('credential_of_the_gateway');
        expect(log.map(({ event, outcome }) => [event, outcome])).toEqual([
          ['sign-in', 'ok'],
          ['signed-in', 'ok'],
          ['token', 'ok'],
        ]);
        expect(JSON.stringify(log)).not.toMatch(/@|eyJ/);
      });

      it('asks the provider for exactly what it has to', async () => {
        const { begun } = await open().signInAs('ann');
        const location = new URL(begun.headers['location'] ?? '');
        expect(location.origin).toBe(identity.issuer);
        const { state, nonce, code_challenge, ...rest } = Object.fromEntries(location.searchParams);
        expect(rest).toEqual({
          response_type: 'code',
          client_id: 'gateway',
          redirect_uri: gateway + callbackPath,
          scope: 'openid email profile',
          code_challenge_method: 'S256',
        });
        expect(code_challenge).toMatch(/^[\w-]{43}$/);
        expect(nonce).toMatch(/^[\w-]{43}$/);
        expect(state).toMatch(/^[\w-]{12}\.[0-9a-z]+\.[\w-]+\.[\w-]{43}$/);
      });

      it.each([
        ['bob', 'bob@example.org'],
        ['ann', 'ann@example.com'],
      ])('lets %s in, by domain or by address', async (who, email) => {
        const { comeBack, redeem } = open();
        const { code } = await comeBack(who);
        expect(
          decodeJwt((JSON.parse((await redeem({ code })).body) as { access_token: string }).access_token),
        ).toMatchObject({ email });
      });

      it('gives a session that can be carried: with a name and a picture, but not of any length', async () => {
        const claimsFor = async (person: Partial<Person>) => {
          identity.people['ann'] = { name: 'Ann', email: 'ann@example.com', ...person };
          const { comeBack, redeem } = open();
          const { code } = await comeBack('ann');
          return decodeJwt((JSON.parse((await redeem({ code })).body) as { access_token: string }).access_token);
        };
        const picture = `https://img.example/${'x'.repeat(980)}`;
        expect(await claimsFor({ picture })).toMatchObject({ picture });
        const heavy = await claimsFor({ name: 'n'.repeat(201), picture: `${picture}x` });
        expect(heavy).toMatchObject({ name: 'n'.repeat(200) });
        expect(heavy).not.toHaveProperty('picture');
        expect(await claimsFor({})).not.toHaveProperty('picture');
      });

      it('asks the provider once more only for what the ID token leaves open', async () => {
        const other = await startIdentity({ redirectUris: [gateway + callbackPath], claimsInIdToken: true });
        const asks = async (person: Record<string, unknown>, settings: Environment = {}) => {
          other.people['ann'] = { name: 'Ann', email: 'ann@example.com', ...person } as Person;
          other.requests.length = 0;
          const { comeBack } = open({ CMS_GATEWAY_ISSUER: other.issuer, ...settings });
          const { code, error } = await comeBack('ann');
          return [code === undefined ? error : 'ok', other.requests.includes('GET /me')];
        };
        const byRole = { CMS_GATEWAY_ROLES: 'editor', CMS_GATEWAY_ROLES_CLAIM: 'roles' };
        expect(await asks({})).toEqual(['ok', false]);
        expect(await asks({ roles: ['editor'] }, byRole)).toEqual(['ok', false]);
        expect(await asks({}, byRole)).toEqual(['ok', true]);
        expect(await asks({ name: undefined })).toEqual(['ok', true]);
        expect(await asks({ email: undefined, roles: ['editor'] }, byRole)).toEqual(['ok', true]);
        // It may let somebody in by itself, and then that question may fail; it may not keep anybody out.
        other.faults.userinfo = 'html502';
        expect(await asks({ name: undefined })).toEqual(['ok', true]);
        expect(await asks({ name: undefined, email: 'eve@example.net' })).toEqual(['temporarily_unavailable', true]);
        await other.close();
      });

      it('takes the code as JSON, too, and the session’s length from the settings', async () => {
        const { comeBack, redeem } = open({ CMS_GATEWAY_SESSION: '2' });
        const { code } = await comeBack('ann');
        const reply = await redeem({ code }, { json: true });
        expect(JSON.parse(reply.body)).toMatchObject({ expires_in: 7200 });
        for (const type of ['application/json; charset=utf-8', 'application/json ;charset=utf-8', 'Application/JSON'])
          expect((await redeem({ code }, { json: true, headers: { 'content-type': type } })).status).toBe(200);
        for (const type of ['text/plain', 'application/jsonx', 'x-application/json'])
          expectTokenError(
            await redeem({ code }, { json: true, headers: { 'content-type': type } }),
            'WRONG_CLIENT',
            'invalid_client',
          );
      });

      it('works for the other page of the CMS, and without a state', async () => {
        const { ask, signInAs, redeem } = open();
        const { query } = await signInAs('ann', { redirect_uri: `${page}index.html`, state: undefined });
        const url = new URL((await ask(callbackPath, query)).headers['location'] ?? '');
        expect(url.origin + url.pathname).toBe(`${page}index.html`);
        expect([...url.searchParams.keys()]).toEqual(['code']);
        const code = url.searchParams.get('code') ?? '';
        expectTokenError(await redeem({ code }), 'CODE_SPENT', 'invalid_grant');
        expect((await redeem({ code, redirect_uri: `${page}index.html` })).status).toBe(200);
      });

      it.each(['{"nonce":"ä ö +%2B&=#?\\"\\\\"}', 'x'.repeat(1000), ' ', '\u2028<script>', '🦆'])(
        'brings the state back as it was: %j',
        async (state) => {
          expect((await open().comeBack('ann', { state }))['state']).toBe(state);
        },
      );

      it('works in many tabs at once, in any order', async () => {
        const { ask, signInAs } = open();
        const tabs = [];
        for (let i = 0; i < cookiesLook.room; i++) tabs.push(await signInAs('ann', { state: `tab ${i}` }));
        for (const [i, { query }] of [...tabs.entries()].reverse())
          expect(readBack(await ask(callbackPath, query))).toMatchObject({
            code: expect.any(String),
            state: `tab ${i}`,
          });
      });

      it('works below a path, whether or not what is in front of us takes it away', async () => {
        const { ask, signInAs } = open({ CMS_AUTH_URL: `${gateway}/prod` });
        for (const prefix of ['/prod', '']) {
          const { back, query } = await signInAs('ann', {}, prefix);
          expect(back.pathname).toBe(`/prod${callbackPath}`);
          expect(readBack(await ask(prefix + callbackPath, query))).toHaveProperty('code');
        }
      });
    });

    describe('refuses what a CMS does not ask', () => {
      it.each([
        ['another client', { client_id: 'other' }, 'WRONG_CLIENT', 'unauthorized_client'],
        ['no client', { client_id: undefined }, 'WRONG_CLIENT', 'unauthorized_client'],
        ['a token at once', { response_type: 'token' }, 'WRONG_RESPONSE_TYPE', 'unsupported_response_type'],
        ['no type', { response_type: undefined }, 'WRONG_RESPONSE_TYPE', 'unsupported_response_type'],
        ['no challenge', { code_challenge: undefined }, 'NO_CHALLENGE', 'invalid_request'],
        ['no method', { code_challenge_method: undefined }, 'NO_CHALLENGE', 'invalid_request'],
        ['a plain challenge', { code_challenge_method: 'plain' }, 'NO_CHALLENGE', 'invalid_request'],
        ['a short challenge', { code_challenge: 'x'.repeat(42) }, 'NO_CHALLENGE', 'invalid_request'],
        ['a long challenge', { code_challenge: 'x'.repeat(44) }, 'NO_CHALLENGE', 'invalid_request'],
        ['a challenge with padding', { code_challenge: `${'x'.repeat(42)}=` }, 'NO_CHALLENGE', 'invalid_request'],
      ] as const)('%s', async (_, changes, code, error) => {
        const { ask, order } = open();
        const reply = await ask(authorizePath, order(changes));
        expectRefused(reply, code, error);
        expect(reply.cookies).toEqual([]);
        expect(identity.requests).toEqual([]);
      });

      it('a state that is too long', async () => {
        const { ask, order } = open();
        const state = 'x'.repeat(1100);
        expectRefused(await ask(authorizePath, order({ state })), 'BAD_REQUEST', 'invalid_request', state);
      });

      it('a parameter that comes twice', async () => {
        const { ask, order } = open();
        for (const name of ['client_id', 'response_type', 'code_challenge', 'code_challenge_method'])
          expectRefused(await ask(authorizePath, `${order()}&${name}=x`), 'BAD_REQUEST', 'invalid_request');
        // Which of the two would be the right one, nobody can tell.
        for (const name of ['redirect_uri', 'state'])
          expectOwnPage(await ask(authorizePath, `${order()}&${name}=x`), 'BAD_REQUEST');
      });

      it.each([
        'https://www.example.com/admin',
        'https://www.example.com/admin//',
        'https://www.example.com/admin/?',
        'https://www.example.com/admin/#',
        'https://www.example.com/admin/?next=//evil.example',
        'https://www.example.com/admin/index.html?x=1',
        'https://www.example.com/admin/../admin/',
        'https://www.example.com/./admin/',
        'https://www.example.com/%61dmin/',
        'https://www.example.com/admin%2f',
        'https://www.example.com/Admin/',
        'https://www.example.com/',
        'https://www.example.com',
        'HTTPS://www.example.com/admin/',
        'https://WWW.example.com/admin/',
        'https://www.example.com:443/admin/',
        'https://www.example.com./admin/',
        'https://user@www.example.com/admin/',
        'https://www.example.com\\@evil.example/admin/',
        'https://www.example.com.evil.example/admin/',
        'https://evil.example/https://www.example.com/admin/',
        'https://ẃww.example.com/admin/',
        'https://www.example.com\t/admin/',
        ' https://www.example.com/admin/',
        'https://www.example.com/admin/ ',
        'https:/www.example.com/admin/',
        '//www.example.com/admin/',
        '/admin/',
        'http://www.example.com/admin/',
        'https://deploy-preview-1--site.netlify.app/admin/',
        'https://auth.example.com/admin/',
        'javascript:alert(1)',
        '',
        undefined,
      ])('the redirect address %j', async (redirect_uri) => {
        const { ask, order } = open();
        const reply = await ask(authorizePath, order({ redirect_uri }));
        expectOwnPage(reply, 'PAGE_NOT_LISTED');
        expect(reply.cookies).toEqual([]);
        expect(reply.body).not.toContain('evil');
        expect(identity.requests).toEqual([]);
      });

      it('pages of the list of old, once the owner has made another', async () => {
        const { ask, order, signInAs, env } = open();
        const { query } = await signInAs('ann');
        env['CMS_GATEWAY_PAGES'] = `${site}/cms/edit.html`;
        expectOwnPage(await ask(authorizePath, order()), 'PAGE_NOT_LISTED');
        expectOwnPage(await ask(callbackPath, query), 'PAGE_NOT_LISTED');
        const reply = await ask(authorizePath, order({ redirect_uri: `${site}/cms/edit.html` }));
        expect(new URL(reply.headers['location'] ?? '').origin).toBe(identity.issuer);
      });

      it.each([
        ['a frame', { 'sec-fetch-dest': 'iframe' }],
        ['a script', { 'sec-fetch-dest': 'empty' }],
        ['a prefetch', { 'sec-fetch-dest': 'document', 'sec-purpose': 'prefetch;prerender' }],
      ])('%s', async (_, headers) => {
        const { ask, order } = open();
        expectOwnPage(await ask(authorizePath, order(), { headers }), 'NAVIGATION_ONLY');
        expectOwnPage(await ask(callbackPath, 'code=x&state=y', { headers }), 'NAVIGATION_ONLY');
      });

      it('other methods; and HEAD begins nothing', async () => {
        const { ask, order, jar } = open();
        for (const path of [authorizePath, callbackPath]) {
          const reply = await ask(path, order(), { method: 'POST' });
          expectOwnPage(reply, 'METHOD_NOT_ALLOWED');
          expect(reply.headers['allow']).toBe('GET, HEAD');
        }
        expect((await ask(authorizePath, order(), { method: 'HEAD' })).status).toBe(200);
        expect(jar.size).toBe(0);
      });

      it('CORS where the browser is to go by itself (RFC 9700, 2.6)', async () => {
        const { ask, order } = open();
        const { headers } = await ask(authorizePath, order(), { headers: { origin: site } });
        expect(Object.keys(headers).filter((header) => header.startsWith('access-control-'))).toEqual([]);
      });
    });

    describe('tells the CMS', () => {
      it.each([
        ['who is not on the list, with the address', 'eve', 'EMAIL_NOT_LISTED', /^eve@example\.net is not on the list/],
        ['that somebody said no', '', 'ACCESS_DENIED', /refused/],
      ] as const)('%s', async (_, who, code, words) => {
        const { ask, signInAs } = open();
        const { query } = await signInAs(who);
        expect(expectRefused(await ask(callbackPath, query), code, 'access_denied')).toMatch(words);
      });

      it.each([
        ['is not verified', { email_verified: false }, 'EMAIL_NOT_VERIFIED'],
        ['is said to be verified in the wrong way', { email_verified: 'true' }, 'EMAIL_UNVOUCHED'],
        ['is not said to be verified', { email_verified: undefined }, 'EMAIL_UNVOUCHED'],
        ['is missing', { email: undefined }, 'NO_EMAIL'],
        ['is two', { email: 'eve@example.net,ann@example.com' }, 'NO_EMAIL'],
        ['is none', { email: 'x\u001b[31m\nlogged in', email_verified: false }, 'NO_EMAIL'],
        ['is below the domain of the list', { email: 'eve@sub.example.org' }, 'EMAIL_NOT_LISTED'],
        ['ends like the domain of the list', { email: 'eve@notexample.org' }, 'EMAIL_NOT_LISTED'],
      ] as const)('that the address %s', async (_, claims, code) => {
        identity.people['ann'] = { ...people['ann'], name: 'Ann', ...claims } as Person;
        const { ask, signInAs } = open();
        const { query } = await signInAs('ann');
        expectRefused(await ask(callbackPath, query), code, 'access_denied');
      });

      it.each([
        ['token', 'reset', 'HOST_UNREACHABLE', 'temporarily_unavailable'],
        ['token', 'json500', 'HOST_FAILED', 'temporarily_unavailable'],
        ['token', 'limited', 'HOST_BUSY', 'temporarily_unavailable'],
        ['token', 'html200', 'ID_TOKEN_REFUSED', 'server_error'],
        ['token', 'huge', 'ID_TOKEN_REFUSED', 'server_error'],
        ['token', 'redirect', 'HOST_FAILED', 'temporarily_unavailable'],
        ['userinfo', 'reset', 'HOST_UNREACHABLE', 'temporarily_unavailable'],
        ['userinfo', 'html502', 'HOST_FAILED', 'temporarily_unavailable'],
      ] as const)('that the provider’s %s endpoint has failed: %s', async (endpoint, fault, code, error) => {
        const { ask, signInAs } = open();
        const { query } = await signInAs('ann');
        identity.faults[endpoint] = fault;
        expectRefused(await ask(callbackPath, query), code, error);
        expect(identity.requests).not.toContain('POST /fault/redirected');
      });

      it('that the provider is down from the start, and asks it again only two seconds later', async () => {
        const other = await startIdentity({ redirectUris: [gateway + callbackPath] });
        other.faults.discovery = 'json500';
        const { ask, order } = open({ CMS_GATEWAY_ISSUER: other.issuer });
        for (let i = 0; i < 5; i++)
          expectRefused(await ask(authorizePath, order()), 'HOST_FAILED', 'temporarily_unavailable');
        expect(other.requests).toHaveLength(1);
        other.faults = {};
        await new Promise((resolve) => setTimeout(resolve, 2_100));
        expect((await ask(authorizePath, order())).headers['location']).toContain(`${other.issuer}/`);
        await other.close();
      });

      it('that there is no such provider', async () => {
        const { ask, order } = open({ CMS_GATEWAY_ISSUER: `${identity.issuer}/other` });
        expectRefused(await ask(authorizePath, order()), 'HOST_FAILED', 'temporarily_unavailable');
      });

      it('that the provider calls itself otherwise', async () => {
        const { ask, order } = open({ CMS_GATEWAY_ISSUER: identity.issuer.replace('127.0.0.1', 'localhost') });
        expectRefused(await ask(authorizePath, order()), 'NO_ISSUER', 'server_error');
      });

      it.each([
        ['CMS_GATEWAY_ISSUER', undefined],
        ['CMS_GATEWAY_CLIENT_ID', undefined],
        ['CMS_GATEWAY_CLIENT_SECRET', undefined],
        ['CMS_GATEWAY_CLIENT_SECRET', 'short'],
        ['CMS_GATEWAY_EDITORS', undefined],
        ['CMS_GATEWAY_TOKEN', undefined],
        ['CMS_GATEWAY_REPO', undefined],
        ['CMS_GATEWAY_SESSION', '100'],
        ['CMS_GATEWAY_IDENTITY', 'https://identity.example.com'],
      ])('that %s is %s', async (setting, value) => {
        const { ask, order } = open({ [setting]: value });
        const { error, error_description, state } = readBack(await ask(authorizePath, order()));
        expect([error, state]).toEqual(['server_error', cmsState]);
        expect(error_description).toContain('CMS_GATEWAY_');
        expect(identity.requests).toEqual([]);
      });

      it('that editors do not sign in here', async () => {
        const { ask, order } = open({
          CMS_GATEWAY_CLIENT_ID: undefined,
          CMS_GATEWAY_CLIENT_SECRET: undefined,
          CMS_GATEWAY_AUDIENCE: 'cms',
        });
        expectRefused(await ask(authorizePath, order()), 'SIGN_IN_OFF', 'server_error');
      });

      it('that the secret is wrong, by the names of the settings', async () => {
        const { ask, signInAs } = open({ CMS_GATEWAY_CLIENT_SECRET: 'x'.repeat(40) });
        const { query } = await signInAs('ann');
        const words = expectRefused(await ask(callbackPath, query), 'BAD_CLIENT_CREDENTIALS', 'server_error');
        expect(words).toContain('CMS_GATEWAY_CLIENT_ID and CMS_GATEWAY_CLIENT_SECRET');
      });
    });

    describe('after a refusal of the account', () => {
      const promptOf = (reply: Reply) => new URL(reply.headers['location'] ?? '').searchParams.get('prompt');

      it('lets the editor choose another one, until one is let in', async () => {
        const { ask, order, comeBack } = open();
        expect(promptOf(await ask(authorizePath, order()))).toBeNull();
        expect(await comeBack('eve')).toMatchObject({ error: 'access_denied' });
        expect(promptOf(await ask(authorizePath, order()))).toBe('select_account');
        expect(await comeBack('ann')).toHaveProperty('code');
        expect(promptOf(await ask(authorizePath, order()))).toBeNull();
      });

      it('goes on as before where the provider cannot let anybody choose', async () => {
        const other = await startIdentity({ redirectUris: [gateway + callbackPath], prompts: false });
        const { ask, order, comeBack } = open({ CMS_GATEWAY_ISSUER: other.issuer });
        expect(await comeBack('eve')).toMatchObject({ error: 'access_denied' });
        expect(await comeBack('ann')).toHaveProperty('error');
        expect(log.at(-1)?.reason).toMatch(/^provider: invalid_request/);
        expect(await comeBack('ann')).toHaveProperty('code');
        expect(promptOf(await ask(authorizePath, order()))).toBeNull();
        await other.close();
      });

      it('is no sign-in of its own: nobody begins one by that cookie', async () => {
        const { ask, comeBack, jar } = open();
        await comeBack('eve');
        const kept = [...jar].join();
        expect(kept).toContain('choose-again');
        const carried = Buffer.from(JSON.stringify([page, 'x'.repeat(43), 'x'])).toString('base64url');
        const state = `choose-again.${Math.floor(Date.now() / 1000).toString(36)}.${carried}.${'m'.repeat(43)}`;
        const reply = await ask(callbackPath, new URLSearchParams({ code: 'x', state }).toString());
        expectRefused(reply, 'STATE_MISMATCH', 'invalid_request', 'x');
      });
    });

    describe('ends only where it began', () => {
      const untouched = () => expect(identity.requests).not.toContain('POST /token');

      it('not in another browser', async () => {
        const { query } = await open().signInAs('ann');
        expectRefused(await open().ask(callbackPath, query), 'COOKIE_LOST', 'invalid_request');
        untouched();
      });

      it('not in a browser with a sign-in of its own', async () => {
        const attacker = await open().signInAs('bob');
        const victim = open();
        await victim.signInAs('ann');
        expectRefused(await victim.ask(callbackPath, attacker.query), 'COOKIE_LOST', 'invalid_request');
        untouched();
      });

      it('not twice', async () => {
        const { ask, signInAs } = open();
        const { query } = await signInAs('ann');
        expect(readBack(await ask(callbackPath, query))).toHaveProperty('code');
        expectRefused(await ask(callbackPath, query), 'COOKIE_LOST', 'invalid_request');
      });

      it('not twice even with the cookie of before', async () => {
        const { ask, signInAs, jar } = open();
        const { query } = await signInAs('ann');
        const kept = [...jar];
        await ask(callbackPath, query);
        for (const [key, value] of kept) jar.set(key, value);
        expectRefused(await ask(callbackPath, query), 'CODE_REJECTED', 'invalid_request');
      });

      it('not later than ten minutes', async () => {
        let time = Date.now();
        const { ask, signInAs } = open({}, () => time);
        const { query } = await signInAs('ann');
        time += 11.1 * 60_000;
        expectRefused(await ask(callbackPath, query), 'ATTEMPT_EXPIRED', 'invalid_request');
        untouched();
      });

      it.each([
        ['another issuer', (query: URLSearchParams) => query.set('iss', 'https://evil.example')],
        ['no issuer', (query: URLSearchParams) => query.delete('iss')],
      ])('not mixed up: %s', async (_, change) => {
        const { ask, signInAs } = open();
        const { back } = await signInAs('ann');
        change(back.searchParams);
        expectRefused(await ask(callbackPath, back.search.slice(1)), 'ISSUER_MISMATCH', 'invalid_request');
        untouched();
      });

      it('not without a code', async () => {
        const { ask, signInAs } = open();
        const { back } = await signInAs('ann');
        back.searchParams.delete('code');
        expectRefused(await ask(callbackPath, back.search.slice(1)), 'BAD_REQUEST', 'invalid_request');
        untouched();
      });

      it('not for an anonymous user, whatever address they have', async () => {
        identity.people['ann'] = { name: 'Ann', email: 'ann@example.com', roles: [], is_anonymous: true };
        const { ask, signInAs } = open();
        const { query } = await signInAs('ann');
        expectRefused(await ask(callbackPath, query), 'NO_EMAIL', 'access_denied');
      });

      it('not with another state', async () => {
        const { ask, signInAs } = open();
        const { back } = await signInAs('ann');
        const [id = '', time = '', carried = '', mac = ''] = (back.searchParams.get('state') ?? '').split('.');
        const other = Buffer.from(JSON.stringify([page, 'x'.repeat(43), 'other'])).toString('base64url');
        back.searchParams.set('state', [id, time, other, mac].join('.'));
        expectRefused(await ask(callbackPath, back.search.slice(1)), 'STATE_MISMATCH', 'invalid_request', 'other');
        untouched();
        expect(carried).not.toBe(other);
      });

      it('and never sends anybody to a page that is not listed, whatever the state says', async () => {
        const { ask } = open();
        for (const address of ['https://evil.example/', `${page}?`, 'javascript:alert(1)', `${site}/`]) {
          const carried = Buffer.from(JSON.stringify([address, 'x'.repeat(43), 'x'])).toString('base64url');
          const state = `${'a'.repeat(12)}.${Math.floor(Date.now() / 1000).toString(36)}.${carried}.${'m'.repeat(43)}`;
          expectOwnPage(await ask(callbackPath, new URLSearchParams({ code: 'x', state }).toString()), 'COOKIE_LOST');
        }
        expectOwnPage(await ask(callbackPath), 'STATE_MISSING');
        expectOwnPage(await ask(callbackPath, 'code=x&state=nonsense'), 'STATE_MISMATCH');
        expectOwnPage(await ask(callbackPath, 'code=x&state=a&state=b'), 'BAD_REQUEST');
      });

      it('and nothing by a state that holds half a character: that ends on our own page, too, with a line in the log', async () => {
        const { ask } = open();
        for (const half of ['\\ud800', '\\udc00x', 'x\\ud83d']) {
          const carried = Buffer.from(`["${page}","${'x'.repeat(43)}","${half}"]`).toString('base64url');
          const state = `${'a'.repeat(12)}.${Math.floor(Date.now() / 1000).toString(36)}.${carried}.${'m'.repeat(43)}`;
          expectOwnPage(await ask(callbackPath, new URLSearchParams({ code: 'x', state }).toString()), 'COOKIE_LOST');
          expect(log.at(-1)?.code).toBe('COOKIE_LOST');
        }
      });

      it('not with another client or issuer than it began with', async () => {
        const { ask, signInAs, env } = open();
        const { query } = await signInAs('ann');
        env['CMS_GATEWAY_CLIENT_ID'] = 'another';
        expectRefused(await ask(callbackPath, query), 'STATE_MISMATCH', 'invalid_request');
        untouched();
      });
    });

    describe('gives a token for a code', () => {
      it('only to who has the verifier', async () => {
        const { comeBack, redeem } = open();
        const { code } = await comeBack('ann');
        expectTokenError(await redeem({ code, code_verifier: newVerifier() }), 'CODE_SPENT', 'invalid_grant');
        for (const code_verifier of [undefined, '', 'short', 'x'.repeat(129), `${'x'.repeat(42)}/`])
          expectTokenError(await redeem({ code, code_verifier }), 'BAD_REQUEST', 'invalid_request');
      });

      it('only for the page that it was made for', async () => {
        const { comeBack, redeem } = open();
        const { code } = await comeBack('ann');
        for (const redirect_uri of [`${page}index.html`, `${page}?`, 'https://evil.example/'])
          expectTokenError(await redeem({ code, redirect_uri }), 'CODE_SPENT', 'invalid_grant');
        expectTokenError(await redeem({ code, redirect_uri: undefined }), 'BAD_REQUEST', 'invalid_request');
      });

      it('only within a minute', async () => {
        let time = Date.now();
        const { comeBack, redeem } = open({}, () => time);
        const { code } = await comeBack('ann');
        time += 58_000;
        expect((await redeem({ code })).status).toBe(200);
        time += 3_000;
        expectTokenError(await redeem({ code }), 'CODE_SPENT', 'invalid_grant');
      });

      it('only to the CMS, and only for a code', async () => {
        const { comeBack, redeem } = open();
        const { code } = await comeBack('ann');
        for (const client_id of ['other', undefined])
          expectTokenError(await redeem({ code, client_id }), 'WRONG_CLIENT', 'invalid_client');
        for (const grant_type of ['refresh_token', 'password', 'client_credentials', undefined])
          expectTokenError(await redeem({ code, grant_type }), 'WRONG_GRANT', 'unsupported_grant_type');
        for (const wrong of [undefined, ''])
          expectTokenError(await redeem({ code: wrong }), 'BAD_REQUEST', 'invalid_request');
        for (const wrong of ['x', `${code}x`, code?.replace(/^./, 'x'), 'a.b.c.d.e', 'é'])
          expectTokenError(await redeem({ code: wrong }), 'CODE_SPENT', 'invalid_grant');
      });

      it('only as long as the editor is on the list, and the secret is the one of before', async () => {
        const { comeBack, redeem, env } = open();
        const { code } = await comeBack('ann');
        env['CMS_GATEWAY_EDITORS'] = 'bob@example.org';
        expectTokenError(await redeem({ code }), 'CODE_SPENT', 'invalid_grant');
        env['CMS_GATEWAY_EDITORS'] = 'ann@example.com';
        env['CMS_GATEWAY_CLIENT_SECRET'] = 'y'.repeat(40);
        expectTokenError(await redeem({ code }), 'CODE_SPENT', 'invalid_grant');
        env['CMS_GATEWAY_CLIENT_SECRET'] = identity.clientSecret;
        expect((await redeem({ code })).status).toBe(200);
      });

      it('nothing from the query, nothing twice, nothing large', async () => {
        const { ask, comeBack, redeem } = open();
        const { code = '' } = await comeBack('ann');
        const headers = { origin: site, 'content-type': 'application/x-www-form-urlencoded' };
        const form = new URLSearchParams({ client_id: 'cms', grant_type: 'authorization_code', code }).toString();
        expectTokenError(await ask(tokenPath, form, { method: 'POST', headers }), 'WRONG_CLIENT', 'invalid_client');
        const twice = `${form}&code=x`;
        expectTokenError(
          await ask(tokenPath, '', { method: 'POST', headers, body: twice }),
          'BAD_REQUEST',
          'invalid_request',
        );
        expectTokenError(await redeem({ code: 'x'.repeat(20_000) }), 'REQUEST_TOO_LARGE', 'invalid_request');
        for (const body of ['[]', 'null', '{', '"x"', '{"client_id":{}}', '{"client_id":["cms"]}'])
          expectTokenError(
            await ask(tokenPath, '', {
              method: 'POST',
              headers: { ...headers, 'content-type': 'application/json' },
              body,
            }),
            'WRONG_CLIENT',
            'invalid_client',
          );
      });

      it('to pages on the list only', async () => {
        const { ask, comeBack, redeem } = open();
        const { code } = await comeBack('ann');
        for (const origin of [
          'https://evil.example',
          'null',
          'https://deploy-preview-1--site.netlify.app',
          `${site}/`,
        ]) {
          const reply = await redeem({ code }, { headers: { origin } });
          expectTokenError(reply, 'SITE_NOT_LISTED', 'invalid_request');
          expect(reply.headers['access-control-allow-origin']).toBeUndefined();
          const asked = await ask(tokenPath, '', { method: 'OPTIONS', headers: { origin } });
          expect(asked.headers['access-control-allow-origin']).toBeUndefined();
        }
        const preflight = await ask(tokenPath, '', {
          method: 'OPTIONS',
          headers: { origin: site, 'access-control-request-method': 'POST' },
        });
        expect(preflight.status).toBe(204);
        expect(preflight.headers).toMatchObject({
          'access-control-allow-origin': site,
          'access-control-allow-methods': 'POST',
          'access-control-allow-headers': 'content-type',
        });
      });

      it('to POST only', async () => {
        const { ask } = open();
        for (const method of ['GET', 'PUT', 'DELETE']) {
          const reply = await ask(tokenPath, '', { method, headers: { origin: site } });
          expectTokenError(reply, 'METHOD_NOT_ALLOWED', 'invalid_request');
          expect(reply.headers['allow']).toBe('POST, OPTIONS');
        }
      });

      it('that ends with a new secret, and whose editor is out with the list', async () => {
        const { comeBack, redeem, env } = open();
        const { code } = await comeBack('ann');
        const { access_token } = JSON.parse((await redeem({ code })).body) as { access_token: string };
        const address = { origin: gateway, prefix: '', secure: true };
        const look = async () => {
          const { auth, lists } = gatewaySettings(signInHosts, address).read(env);
          const keys = sessionKeys(auth as Extract<typeof auth, { kind: 'oidc' }>);
          const editor = await verifyAccessToken(keys, access_token, { address, now: Date.now() });
          return editor && isAllowed(editor, lists);
        };
        expect(await look()).toBe(true);
        env['CMS_GATEWAY_EDITORS'] = '@example.org';
        expect(await look()).toBe(false);
        env['CMS_GATEWAY_CLIENT_SECRET'] = 'z'.repeat(40);
        expect(await look()).toBeUndefined();
      });
    });

    describe('can be tried by the owner', () => {
      it.each([
        ['ann', 200, 'The sign-in works', 'ann@example.com, and the list lets you in'],
        ['eve', 400, 'The sign-in does not work', 'eve@example.net is not on the list of editors'],
        ['', 400, 'The sign-in does not work', 'refused'],
      ])('as %j', async (who, status, title, words) => {
        const { ask, jar } = open();
        const begun = await ask(authorizePath, 'try=1');
        const back = await visit(begun.headers['location'] ?? '', who);
        const reply = await ask(callbackPath, back.search.slice(1));
        expect(reply.status).toBe(status);
        expect(reply.body).toContain(title);
        expect(reply.body).toContain(words);
        expect(reply.headers['location']).toBeUndefined();
        expect(reply.body).not.toMatch(/eyJ/);
        // That eve was refused is all that is left.
        expect(jar.size).toBe(who === 'eve' ? 1 : 0);
      });

      it.each([
        ['the provider’s own words', '', /For the owner: provider: access_denied: The visitor said no\./],
        ['the claim that was looked at', 'eve', /For the owner: roles: looked at .*app_metadata\.roles.* \(not there/],
      ])('and shows %s, which is in the log, too', async (_, who, words) => {
        const { ask } = open({ CMS_GATEWAY_ROLES: 'editor' });
        const begun = await ask(authorizePath, 'try=1');
        const back = await visit(begun.headers['location'] ?? '', who);
        const { body } = await ask(callbackPath, back.search.slice(1));
        expect(body).toMatch(words);
        expect(log.at(-1)?.reason).toMatch(/^(provider|roles): /);
      });

      it('step by step, with the way that lets them in', async () => {
        identity.people['kim'] = { name: 'Kim', roles: ['editor'] };
        const roles = { CMS_GATEWAY_ROLES: 'editor', CMS_GATEWAY_ROLES_CLAIM: 'roles' };
        const tryAs = async (who: string) => {
          const { ask } = open(roles);
          const begun = await ask(authorizePath, 'try');
          const back = await visit(begun.headers['location'] ?? '', who);
          return (await ask(callbackPath, back.search.slice(1))).body;
        };
        const kim = await tryAs('kim');
        expect(kim.match(/<li>/g)).toHaveLength(3);
        expect(kim).toContain('You are Kim, and the list lets you in, also by the role editor.');
        expect(await tryAs('ann')).toContain('You are Ann Example, ann@example.com, and the list lets you in.');
        const eve = await tryAs('eve');
        expect(eve.match(/<li>/g)).toHaveLength(3);
        expect(eve).toContain('Code: EMAIL_NOT_LISTED');
      });

      it('and not by a CMS: whatever it asks for besides is no try', async () => {
        const { ask, order } = open();
        const begun = await ask(authorizePath, order({ try: '1' }));
        expect(begun.headers['location']).toContain(`${identity.issuer}/`);
        const back = await visit(begun.headers['location'] ?? '', 'ann');
        expect(readBack(await ask(callbackPath, back.search.slice(1)))).toHaveProperty('code');
        expectOwnPage(await ask(authorizePath, 'client_id=cms'), 'PAGE_NOT_LISTED');
      });

      it('and says what stands in its way', async () => {
        const reply = await open({ CMS_GATEWAY_CLIENT_SECRET: undefined }).ask(authorizePath, 'try=1');
        expect(reply.status).toBe(500);
        expect(reply.body).toContain('CMS_GATEWAY_CLIENT_SECRET');
      });

      it('unless the owner’s pages are off', async () => {
        expectOwnPage(await open({ CMS_AUTH_PAGE: 'off' }).ask(authorizePath, 'try=1'), 'NOT_FOUND');
      });
    });

    it('knows three addresses, and no others', async () => {
      for (const path of [
        '/git',
        '/git/oauth2',
        '/git/oauth2/Token',
        '/git/oauth2/token/x',
        '/oauth2/token',
        '/git//oauth2/token',
      ])
        expectOwnPage(await open().ask(path), 'NOT_FOUND');
    });
  });
}

/** The headers that every answer of ours has. */
function expectOurs({ headers }: Reply) {
  expect(headers).toMatchObject({
    'cache-control': 'private, no-store',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
  });
}
