import { createSecretKey, randomBytes } from 'node:crypto';
import { exportJWK, generateKeyPair, SignJWT, UnsecuredJWT, type JWTPayload } from 'jose';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { checksOf, nonceOf } from '../../lib/oauth/transaction.ts';
import { openIssuer, type Claims } from '../../lib/oauth/relying-party.ts';
import { listen, readParameters, sendJson, type Listening } from '../hosts/http.ts';

const key = randomBytes(32).toString('base64url');
const checks = checksOf({ id: 'aaaaaaaaaaaa', time: '0', key }, 'the-state');
const secret = 'the-secret-of-the-client: 100 % + more';
const redirectUri = 'https://auth.example.com/git/oauth2/callback';
const all = () => true;
const failing = (code: string) => expect.objectContaining({ code });

let keys: Awaited<ReturnType<typeof generateKeyPair>>;
let others: typeof keys;
beforeAll(async () => {
  keys = await generateKeyPair('RS256', { extractable: true });
  others = await generateKeyPair('RS256', { extractable: true });
});

const opened: Listening[] = [];
afterEach(async () => void (await Promise.all(opened.splice(0).map((one) => one.close()))));

interface Fake {
  metadata?: Record<string, unknown>;
  /** Behind the origin, as the issuer writes it itself. */
  path?: string;
  claims?: Record<string, unknown>;
  idToken?: (claims: JWTPayload) => Promise<string> | string | undefined;
  userinfo?: Record<string, unknown>;
  /** What the client has to prove itself by. */
  authentication?: 'basic' | 'post';
}

/** An issuer that says what it is told to say, right or wrong. */
async function startIssuer({ metadata = {}, path = '', claims = {}, idToken, userinfo, authentication }: Fake = {}) {
  const asked: string[] = [];
  const listening = await listen(async (request, response) => {
    const [name = ''] = (request.url ?? '').split('?');
    asked.push(`${request.method} ${name}`);
    const issuer = listening.url + path;
    switch (name) {
      case `${path.replace(/\/$/, '')}/.well-known/openid-configuration`:
        return sendJson(response, 200, {
          issuer,
          authorization_endpoint: `${listening.url}/authorize?tenant=1`,
          token_endpoint: `${listening.url}/token`,
          jwks_uri: `${listening.url}/keys`,
          ...(userinfo && { userinfo_endpoint: `${listening.url}/userinfo` }),
          ...metadata,
        });
      case '/keys':
        return sendJson(response, 200, { keys: [{ ...(await exportJWK(keys.publicKey)), kid: 'one' }] });
      case '/userinfo':
        expect(request.headers.authorization).toBe('Bearer the-access-token');
        return sendJson(response, 200, userinfo);
      case '/token': {
        const form = await readParameters(request);
        expect(form.get('code_verifier')).toBe(checks.codeVerifier);
        expect(form.get('redirect_uri')).toBe(redirectUri);
        const sent = request.headers.authorization === undefined ? 'post' : 'basic';
        if (sent === 'post') expect(form.get('client_secret')).toBe(secret);
        if (authentication !== undefined && authentication !== sent)
          return sendJson(response, 401, { error: 'invalid_client' });
        const now = Math.floor(Date.now() / 1000);
        const payload = {
          iss: issuer,
          aud: 'client',
          sub: 'ann',
          iat: now,
          exp: now + 300,
          nonce: nonceOf(checks),
          ...claims,
        };
        const sign = idToken ?? ((given: JWTPayload) => jwt(given));
        return sendJson(response, 200, {
          access_token: 'the-access-token',
          token_type: 'Bearer',
          id_token: await sign(payload),
        });
      }
      default:
        return sendJson(response, 404, { error: 'not_found' });
    }
  });
  opened.push(listening);
  const client = { issuer: listening.url + path.replace(/\/$/, ''), clientId: 'client', redirectUri, host: 'Fake' };
  const open = () => openIssuer(client, Date.now() + 8_000);
  const grant = async (suffice: (claims: Claims) => boolean = all) => (await signIn(suffice)).claims;
  const signIn = async (suffice: (claims: Claims) => boolean = () => false) =>
    (await open()).authorizationCodeGrant(secret, checks, { code: 'the-code' }, suffice);
  return { client, open, grant, signIn, asked };
}

const jwt = (claims: JWTPayload, { pair = keys, kid = 'one' } = {}) =>
  new SignJWT(claims).setProtectedHeader({ alg: 'RS256', kid }).sign(pair.privateKey);

describe('An ID token', () => {
  it('is believed if all of it is right', async () => {
    const { grant, asked } = await startIssuer({ claims: { email: 'ann@example.com' } });
    expect(await grant()).toMatchObject({ sub: 'ann', email: 'ann@example.com' });
    expect(asked).toEqual(['GET /.well-known/openid-configuration', 'POST /token', 'GET /keys']);
  });

  const now = Math.floor(Date.now() / 1000);
  it.each<[string, Record<string, unknown>]>([
    ['of another sign-in', { nonce: 'another' }],
    ['without a nonce', { nonce: undefined }],
    ['for another client', { aud: 'other' }],
    ['for two clients, the other being in charge', { aud: ['client', 'other'], azp: 'other' }],
    ['of another issuer', { iss: 'https://evil.example' }],
    ['that is over', { exp: now - 60 }],
    ['without an end', { exp: undefined }],
    ['that is not yet good', { nbf: now + 3600 }],
    ['of nobody', { sub: undefined }],
  ])('is not: %s', async (_, claims) => {
    const { grant } = await startIssuer({ claims });
    await expect(grant()).rejects.toThrow(failing('ID_TOKEN_REFUSED'));
  });

  it.each<[string, NonNullable<Fake['idToken']>]>([
    ['that is missing', () => undefined],
    ['that is none', () => 'nonsense'],
    ['with another key', (claims) => jwt(claims, { pair: others })],
    ['with a key that is not published', (claims) => jwt(claims, { pair: others, kid: 'two' })],
    ['without a signature', (claims) => new UnsecuredJWT(claims).encode()],
    [
      'signed with the secret that client and provider share',
      (claims) => new SignJWT(claims).setProtectedHeader({ alg: 'HS256' }).sign(createSecretKey(Buffer.from(secret))),
    ],
    [
      'that was changed on its way',
      async (claims) => {
        const [head, , tail] = (await jwt(claims)).split('.');
        return [head, Buffer.from(JSON.stringify({ ...claims, sub: 'eve' })).toString('base64url'), tail].join('.');
      },
    ],
  ])('is not: %s', async (_, idToken) => {
    // Even if the provider offers worse.
    const metadata = { id_token_signing_alg_values_supported: ['RS256', 'HS256', 'none'] };
    const { grant } = await startIssuer({ idToken, metadata });
    await expect(grant()).rejects.toThrow(failing('ID_TOKEN_REFUSED'));
  });

  it('may be half a minute off', async () => {
    const { grant } = await startIssuer({ claims: { exp: now - 5 } });
    expect(await grant()).toMatchObject({ sub: 'ann' });
  });
});

describe('What the ID token lacks', () => {
  it('is asked of userinfo, which overrides nothing', async () => {
    const { grant } = await startIssuer({
      claims: { name: 'Ann' },
      userinfo: { sub: 'ann', name: 'Other', email: 'ann@example.com', email_verified: true },
    });
    expect(await grant(() => false)).toMatchObject({ name: 'Ann', email: 'ann@example.com', email_verified: true });
  });

  it('is not asked of it without need', async () => {
    const { grant, asked } = await startIssuer({ userinfo: { sub: 'ann' } });
    await grant();
    expect(asked).not.toContain('GET /userinfo');
  });

  it('is not believed of somebody else', async () => {
    const { grant } = await startIssuer({ userinfo: { sub: 'eve', email: 'eve@example.com', email_verified: true } });
    await expect(grant(() => false)).rejects.toThrow(failing('ID_TOKEN_REFUSED'));
  });

  it('says of no other address that it is verified', async () => {
    const { grant } = await startIssuer({
      claims: { email: 'boss@example.com' },
      userinfo: { sub: 'ann', email: 'ann@example.com', email_verified: true },
    });
    const claims = await grant(() => false);
    expect(claims['email']).toBe('boss@example.com');
    expect(claims).not.toHaveProperty('email_verified');
  });

  it.each([{ email_verified: true }, { xms_edov: true }])(
    'says of no other address, if it names none, that it is verified (%j)',
    async (verdict) => {
      const named = { sub: 'ann', email: 'ann@example.com' };
      const { grant } = await startIssuer({ claims: verdict, userinfo: named });
      expect(await grant(() => false)).toMatchObject(named);
      for (const name of Object.keys(verdict)) expect(await grant(() => false)).not.toHaveProperty(name);
      const { grant: again } = await startIssuer({ claims: verdict, userinfo: { ...named, email_verified: false } });
      expect(await again(() => false)).toMatchObject({ ...named, email_verified: false });
    },
  );
});

describe('A provider', () => {
  it.each(['basic', 'post'] as const)('that takes the secret by %s only gets it so, and is remembered', async (way) => {
    const { grant, asked } = await startIssuer({
      authentication: way,
      metadata: { token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post'] },
    });
    for (let i = 0; i < 3; i++) expect(await grant()).toMatchObject({ sub: 'ann' });
    const tries = asked.filter((line) => line === 'POST /token').length;
    expect(tries).toBe(way === 'basic' ? 3 : 4);
  });

  it('that offers one way only is not asked another', async () => {
    const { grant, asked } = await startIssuer({
      authentication: 'post',
      metadata: { token_endpoint_auth_methods_supported: ['client_secret_basic'] },
    });
    await expect(grant()).rejects.toThrow(failing('BAD_CLIENT_CREDENTIALS'));
    expect(asked.filter((line) => line === 'POST /token')).toHaveLength(1);
  });

  it('that writes itself with a slash at the end is found without it', async () => {
    const { grant, asked, client } = await startIssuer({ path: '/o/site/' });
    expect(client.issuer).toMatch(/\/site$/);
    expect(await grant()).toMatchObject({ sub: 'ann' });
    expect(asked.filter((line) => line.includes('well-known'))).toHaveLength(1);
  });

  it('is asked once by many at a time, and its keys once for many sign-ins', async () => {
    const { open, grant, asked } = await startIssuer();
    await Promise.all(Array.from({ length: 20 }, () => open()));
    await Promise.all(Array.from({ length: 5 }, () => grant()));
    expect(asked.filter((line) => line.startsWith('GET'))).toEqual([
      'GET /.well-known/openid-configuration',
      'GET /keys',
    ]);
  });

  it('keeps what is in its own address', async () => {
    const address = new URL((await (await startIssuer()).open()).authorizationAddress(checks, { scope: 'openid' }));
    expect(Object.fromEntries(address.searchParams)).toEqual({
      tenant: '1',
      client_id: 'client',
      response_type: 'code',
      redirect_uri: redirectUri,
      state: 'the-state',
      nonce: nonceOf(checks),
      scope: 'openid',
    });
  });

  it.each([
    ['no address to sign in at', { authorization_endpoint: undefined }],
    ['no address for codes', { token_endpoint: undefined }],
    ['no keys', { jwks_uri: undefined }],
    ['an address that is none', { authorization_endpoint: 'javascript:alert(1)' }],
    ['an address that anybody on the way can read', { token_endpoint: 'http://provider.example/token' }],
    ['another name', { issuer: 'https://evil.example' }],
  ])('with %s cannot be used', async (_, metadata) => {
    const { open } = await startIssuer({ metadata });
    await expect(open()).rejects.toThrow(failing('NO_ISSUER'));
  });

  it('that takes too long is given up at the deadline', async () => {
    const silent = await listen(() => {});
    opened.push(silent);
    const client = { issuer: silent.url, clientId: 'client', redirectUri, host: 'Fake' };
    const start = Date.now();
    await expect(openIssuer(client, start + 300)).rejects.toThrow(failing('HOST_TIMEOUT'));
    expect(Date.now() - start).toBeLessThan(2_000);
  });

  it('that names itself must do so, and rightly', async () => {
    const iss = { authorization_response_iss_parameter_supported: true };
    const { open, client } = await startIssuer({ metadata: iss });
    const issuer = await open();
    expect(() => issuer.checkAnswer({ iss: client.issuer })).not.toThrow();
    expect(() => issuer.checkAnswer({ iss: undefined })).toThrow(failing('ISSUER_MISMATCH'));
    expect(() => issuer.checkAnswer({ iss: 'https://evil.example' })).toThrow(failing('ISSUER_MISMATCH'));
    const plain = await (await startIssuer()).open();
    expect(() => plain.checkAnswer({ iss: undefined })).not.toThrow();
    expect(() => plain.checkAnswer({ iss: 'https://evil.example' })).toThrow(failing('ISSUER_MISMATCH'));
  });
});
