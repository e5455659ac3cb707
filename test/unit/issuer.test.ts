import { createSecretKey, randomBytes } from 'node:crypto';
import http from 'node:http';
import https from 'node:https';
import { errors, exportJWK, generateKeyPair, SignJWT, UnsecuredJWT, type JWTPayload } from 'jose';
import { afterEach, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { checksOf, nonceOf } from '../../lib/oauth/transaction.ts';
import { discover, isSafe, verifyJws } from '../../lib/oauth/discovery.ts';
import { reasonOf, saidBy } from '../../lib/oauth/reasons.ts';
import { TooLate, Unreachable } from '../../lib/oauth/request.ts';
import { openIssuer, type Claims } from '../../lib/oauth/relying-party.ts';
import type { Failure } from '../../lib/http/errors.ts';
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
  /** What it answers, or the JWT that it is in, or the status of its refusal. */
  userinfo?: Record<string, unknown> | (() => Promise<string>) | number;
  /** What the client has to prove itself by. */
  authentication?: 'basic' | 'post';
  /** How it says no to the other. */
  no?: { status: number; body: object | string };
  /** What the token endpoint answers instead; without a status nothing, since the connection ends. */
  refusal?: { status?: number; body?: object };
  /** Whether its keys have names. */
  named?: boolean;
}

/** Client id and secret, each of which is encoded as in a form (RFC 6749, 2.3.1). */
const readBasic = (header = '') =>
  Buffer.from(header.replace('Basic ', ''), 'base64')
    .toString()
    .split(':')
    .map((part) => decodeURIComponent(part.replaceAll('+', ' ')));

/** An issuer that says what it is told to say, right or wrong. */
async function startIssuer({
  metadata = {},
  path = '',
  claims = {},
  idToken,
  userinfo,
  authentication,
  no = { status: 401, body: { error: 'invalid_client' } },
  refusal,
  named = true,
}: Fake = {}) {
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
        return sendJson(response, 200, {
          keys: [
            ...(named ? [] : [await exportJWK(others.publicKey)]),
            { ...(await exportJWK(keys.publicKey)), ...(named && { kid: 'one' }) },
          ],
        });
      case '/userinfo':
        expect(request.headers.authorization).toBe('Bearer the-access-token');
        if (typeof userinfo === 'number') return void response.writeHead(userinfo).end('<p>no</p>');
        if (typeof userinfo === 'function')
          return void response.writeHead(200, { 'content-type': 'application/jwt' }).end(await userinfo());
        return sendJson(response, 200, userinfo);
      case '/token': {
        const form = await readParameters(request);
        expect(form.get('code_verifier')).toBe(checks.codeVerifier);
        expect(form.get('redirect_uri')).toBe(redirectUri);
        const sent = request.headers.authorization === undefined ? 'post' : 'basic';
        if (sent === 'post') expect(form.get('client_secret')).toBe(secret);
        else expect(readBasic(request.headers.authorization)).toEqual(['client', secret]);
        if (authentication !== undefined && authentication !== sent)
          return typeof no.body === 'string'
            ? void response.writeHead(no.status, { 'content-type': 'text/html' }).end(no.body)
            : sendJson(response, no.status, no.body);
        if (refusal?.status) return sendJson(response, refusal.status, refusal.body ?? {});
        if (refusal) return void response.destroy();
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

describe('An ID token that is not believed', () => {
  const now = Math.floor(Date.now() / 1000);
  it.each<[string, Fake, RegExp]>([
    ['has no nonce', { claims: { nonce: undefined } }, /^nonce_missing: /],
    ['has another nonce', { claims: { nonce: 'x' } }, /^nonce_other: /],
    ['is for another client', { claims: { aud: 'account' } }, /^audience: .*"account".*"client"/],
    [
      'is for two, and says not who is in charge',
      { claims: { aud: ['client', 'api'] } },
      /^authorized_party: .*missing/,
    ],
    ['is from elsewhere', { claims: { iss: 'https://evil.example' } }, /^issuer_other: .*evil\.example/],
    ['has ended', { claims: { exp: now - 90, iat: now - 390 } }, /^clock: .*ended 9\d s ago/],
    ['is from a clock that is ahead', { claims: { nbf: now + 75 } }, /^clock: .*7\d s/],
    ['has no subject', { claims: { sub: undefined } }, /^claim_missing: .*"sub"/],
    ['has no end', { claims: { exp: undefined } }, /^claim_missing: .*"exp"/],
    ['is missing', { idToken: () => undefined }, /^id_token_missing: .*openid/],
    ['is none', { idToken: () => 'nonsense' }, /^id_token_malformed: /],
    ['is a number', { idToken: () => 5 as unknown as string }, /^id_token_malformed: /],
    ['is encrypted', { idToken: () => 'a.b.c.d.e' }, /^id_token_encrypted: /],
    ['is by another key', { idToken: (claims) => jwt(claims, { pair: others }) }, /^signature: .*"one"/],
    ['is by a key that is not published', { idToken: (claims) => jwt(claims, { kid: 'two' }) }, /^signature: .*"two"/],
    ['is not signed', { idToken: (claims) => new UnsecuredJWT(claims).encode() }, /^algorithm: .*"none"/],
    [
      'is signed by the shared secret',
      {
        idToken: (claims) =>
          new SignJWT(claims).setProtectedHeader({ alg: 'HS256' }).sign(createSecretKey(Buffer.from(secret))),
      },
      /^algorithm: .*"HS256"/,
    ],
    ['is more than can be read', { claims: { groups: 'x'.repeat(70_000) } }, /^too_large: /],
  ])('because it %s: the reason is kept', async (_, fake, reason) => {
    const { grant } = await startIssuer(fake);
    const error = (await grant().catch((thrown: unknown) => thrown)) as Failure;
    expect(error).toMatchObject({ code: 'ID_TOKEN_REFUSED', reason: expect.stringMatching(reason) });
    // For the editor without a word of the trade.
    expect(error.message).not.toMatch(/nonce|audience|\baud\b|JWT|jwks|token|claim|\{|undefined/i);
    expect(error.message).not.toMatch(/verified\.\s+Start/);
    // And nowhere what nobody may see.
    const shown = error.message + error.reason;
    for (const hidden of [secret, 'the-code', 'the-access-token', checks.codeVerifier, nonceOf(checks)])
      expect(shown).not.toContain(hidden);
  });

  it('is told the editor with the name of the provider, where that helps', async () => {
    const { grant } = await startIssuer({ claims: { nbf: now + 75 } });
    await expect(grant()).rejects.toThrow('The clocks of Fake and of this server differ');
  });

  it('is good by a key without a name, of several', async () => {
    const { grant } = await startIssuer({ named: false, idToken: (claims) => jwt(claims, { kid: 'whatever' }) });
    expect(await grant()).toMatchObject({ sub: 'ann' });
    const { grant: unnamed } = await startIssuer({
      named: false,
      idToken: (claims) => new SignJWT(claims).setProtectedHeader({ alg: 'RS256' }).sign(keys.privateKey),
    });
    expect(await unnamed()).toMatchObject({ sub: 'ann' });
  });
});

describe('What a provider says against a sign-in', () => {
  it('is kept for the owner, cleaned', async () => {
    const { grant } = await startIssuer({
      refusal: {
        status: 400,
        body: {
          error: 'invalid_request',
          error_description: `Registered as a single-page app.\r\n\u202eTrace ID: 1  code=the-code secret=${secret} ${'x'.repeat(400)}`,
        },
      },
    });
    const error = (await grant().catch((thrown: unknown) => thrown)) as Failure;
    expect(error.code).toBe('HOST_REFUSED');
    expect(error.reason).toMatch(
      /^provider: invalid_request: Registered as a single-page app\. Trace ID: 1 code=… secret=…/,
    );
    expect(error.reason?.length).toBeLessThan(260);
    expect(error.reason).not.toContain(secret);
  });

  it.each([
    [`token ${'a'.repeat(16)}.${'b'.repeat(16)}.${'c'.repeat(20)} refused`, 'token … refused'],
    [`token ${'a_-'.repeat(6)}.${'b_-'.repeat(6)}. refused`, 'token … refused'],
    [`token ${'a~+/-'.repeat(8)}== refused`, 'token … refused'],
    [`name ${'a'.repeat(39)} unknown`, `name ${'a'.repeat(39)} unknown`],
    [`at ${'a'.repeat(15)}.${'b'.repeat(16)}.c`, `at ${'a'.repeat(15)}.${'b'.repeat(16)}.c`],
    [`at ${'a'.repeat(16)}.${'b'.repeat(15)}.c`, `at ${'a'.repeat(16)}.${'b'.repeat(15)}.c`],
    [`${'. '.repeat(30)}end`, `${'. '.repeat(30)}end`],
    ['no login.example.net.', 'no login.example.net.'],
    ['a hidden word', 'a … word'],
    ['\n  no\t', 'no'],
    [' ', 'it gave no reason.'],
    [undefined, 'it gave no reason.'],
  ])('says nothing that looks like a token: %s', (description, shown) => {
    expect(saidBy(undefined, description, ['', 'hidden'])).toBe(shown);
  });
});

describe('A reason', () => {
  const expected = {
    idToken: 'a.b.c',
    issuer: 'https://id.example',
    clientId: 'client',
    nonce: 'n',
    now: 1_780_000_000_500,
    clockTolerance: 30,
  };
  const second = 1_780_000_000;
  const encode = (claims: object) =>
    new UnsecuredJWT({
      iss: 'https://id.example',
      aud: 'client',
      sub: 'ann',
      nonce: 'n',
      iat: second,
      exp: second,
      ...claims,
    }).encode();

  it.each([
    [{ azp: 'other' }, 'algorithm'], // of no meaning where one client is named
    [{ aud: ['client', 'other'], azp: 'client' }, 'algorithm'],
    [{ aud: ['client', 'other'], azp: 'other' }, 'authorized_party'],
    [{ nbf: second + 30 }, 'algorithm'],
    [{ nbf: second + 31 }, 'clock'],
    [{ exp: second - 29 }, 'algorithm'],
    [{ exp: second - 30 }, 'clock'],
  ])('of an ID token with %j is %s', (claims, id) => {
    expect(reasonOf(new Error('no'), { ...expected, idToken: encode(claims) }).id).toBe(id);
  });

  it('is the signature only where that is what was not good', async () => {
    const idToken = await jwt({
      iss: 'https://id.example',
      aud: 'client',
      sub: 'ann',
      nonce: 'n',
      iat: second,
      exp: second,
    });
    const reasonFor = (error: Error) => reasonOf(error, { ...expected, idToken }).id;
    expect(reasonFor(new errors.JWSSignatureVerificationFailed())).toBe('signature');
    expect(reasonFor(new errors.JWKSNoMatchingKey())).toBe('signature');
    expect(reasonFor(new Error('no'))).toBe('malformed');
  });

  it.each([undefined, null])('is that there is no ID token: %s', (idToken) => {
    expect(reasonOf(new Error('no'), { ...expected, idToken }).id).toBe('id_token_missing');
  });

  it('is that the keys cannot be had', () => {
    for (const cause of [new TooLate(), new Unreachable('', { keptConnection: false })])
      expect(reasonOf(new Error('no', { cause }), expected).id).toBe('keys_unreachable');
  });

  it.each([
    ['ERR_JWT_INVALID', ' (ERR_JWT_INVALID)'],
    ['A'.repeat(61), ''],
    ['eyJhbGciOiJub25lIn0', ''],
    ['code=ERR_X', ''],
    ['ERR_X: the-code', ''],
    [5, ''],
  ])('names the kind of an error, and no words of it: %s', (code, shown) => {
    expect(reasonOf(Object.assign(new Error('no'), { code })).owner).toBe(
      `it sent an answer that is not as it should be${shown}.`,
    );
  });
});

describe('An address of an issuer', () => {
  it.each([
    ['https://provider.example/x', false, true],
    ['https://provider.example/x', true, true],
    ['http://localhost:1/x', true, true],
    ['http://localhost:1/x', false, false],
    ['http://provider.example/x', true, false],
    ['ftp://localhost/x', true, false],
    ['nowhere', true, false],
    [undefined, true, false],
    [5, true, false],
    [['https://provider.example/x'], true, false],
  ])('%s is safe if the issuer is on loopback (%s): %s', (at, insecure, safe) => {
    expect(isSafe(at, insecure)).toBe(safe);
  });
});

describe('Keys of an issuer', () => {
  /** An issuer's keys, which change. */
  async function publish(kid?: string) {
    const published = { status: 200, list: [{ ...(await exportJWK(keys.publicKey)), ...(kid && { kid }) }], asked: 0 };
    const listening = await listen(
      async (_, response) => (published.asked++, sendJson(response, published.status, { keys: published.list })),
    );
    opened.push(listening);
    const issuer = { issuer: listening.url, jwks_uri: `${listening.url}/keys` };
    const verify = (token: string) => verifyJws(token, issuer, {}, Date.now() + 8_000);
    return { published, verify };
  }
  const unnamed = (claims: JWTPayload, pair: typeof keys) =>
    new SignJWT(claims).setProtectedHeader({ alg: 'RS256' }).sign(pair.privateKey);

  it('are asked for anew because of one that is not there, but not for each such token', async () => {
    const { published, verify } = await publish('one');
    await verify(await jwt({}));
    published.list.push({ ...(await exportJWK(others.publicKey)), kid: 'two' });
    await verify(await jwt({}, { pair: others, kid: 'two' }));
    expect(published.asked).toBe(2);
    for (const kid of ['three', 'four']) await expect(verify(await jwt({}, { kid }))).rejects.toThrow();
    expect(published.asked).toBe(2);
  });

  it('are asked for anew where the only one has no name and another is in its place', async () => {
    const { published, verify } = await publish();
    await verify(await unnamed({}, keys));
    published.list = [await exportJWK(others.publicKey)];
    expect(await verify(await unnamed({ sub: 'ann' }, others))).toMatchObject({ sub: 'ann' });
    expect(published.asked).toBe(2);
  });

  it('are not asked for anew for a token that is bad in another way', async () => {
    const { published, verify } = await publish('one');
    await expect(verify(await jwt({ exp: 1 }))).rejects.toThrow();
    await expect(verify(await jwt({}, { pair: others }))).rejects.toThrow();
    expect(published.asked).toBe(1);
  });

  it('are all tried where the token names none, and a token that has ended is told so', async () => {
    const { published, verify } = await publish();
    published.list.push(await exportJWK(others.publicKey));
    expect(await verify(await unnamed({ sub: 'ann' }, others))).toMatchObject({ sub: 'ann' });
    await expect(verify(await unnamed({ exp: 1 }, keys))).rejects.toThrow(errors.JWTExpired);
    expect(published.asked).toBe(1);
  });

  it('count only in an answer that is well', async () => {
    const { published, verify } = await publish('one');
    published.status = 500;
    await expect(verify(await jwt({}))).rejects.toThrow('no keys');
    Object.assign(published, { status: 200, list: 'none' });
    await expect(verify(await jwt({}))).rejects.toThrow('no keys');
  });

  it('are good for an hour if they cannot be had anew, and no longer', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    onTestFinished(() => void vi.useRealTimers());
    const { published, verify } = await publish('one');
    await verify(await jwt({}));
    published.status = 500;
    vi.setSystemTime(Date.now() + 59 * 60_000);
    await verify(await jwt({}));
    expect(published.asked).toBe(2);
    vi.setSystemTime(Date.now() + 2 * 60_000);
    await expect(verify(await jwt({}))).rejects.toThrow('no keys');
  });
});

describe('What the ID token lacks', () => {
  const asked = { sub: 'ann', email: 'ann@example.com', email_verified: true };
  const signed =
    (claims: object, pair = keys) =>
    () =>
      jwt(claims as JWTPayload, { pair });

  it('may come signed, by the same keys', async () => {
    const { signIn, client } = await startIssuer({ userinfo: signed(asked) });
    expect(await signIn()).toEqual({ claims: expect.objectContaining({ email: 'ann@example.com' }) });
    expect(client.clientId).toBe('client');
  });

  it('is not believed where it is signed by another key', async () => {
    const { signIn } = await startIssuer({ userinfo: () => jwt(asked as JWTPayload, { pair: others }) });
    const { claims, failed } = await signIn();
    expect(claims).not.toHaveProperty('email');
    expect(failed?.reason).toMatch(/^userinfo: /);
  });

  it.each([
    ['for somebody else', { ...asked, aud: 'other' }],
    ['by somebody else', { ...asked, iss: 'https://evil.example' }],
    ['about somebody else', { ...asked, sub: 'eve' }],
  ])('ends the sign-in where it is signed %s', async (_, claims) => {
    const { grant } = await startIssuer({ userinfo: signed(claims) });
    await expect(grant(() => false)).rejects.toThrow(failing('ID_TOKEN_REFUSED'));
  });

  it.each([
    [403, 'HOST_FAILED'],
    [405, 'HOST_FAILED'],
    [500, 'HOST_FAILED'],
    [429, 'HOST_BUSY'],
  ])('is done without where that answers %i, and says so', async (userinfo, code) => {
    const { signIn } = await startIssuer({ claims: { email: 'ann@example.com', email_verified: true }, userinfo });
    const { claims, failed } = await signIn();
    expect(claims).toMatchObject({ sub: 'ann', email: 'ann@example.com' });
    expect(failed).toMatchObject({ code, reason: expect.stringContaining(String(userinfo)) });
  });

  it.each(['null', '[]', '5', '"x"', '', 'no session at id.example.net', 'id.example.net: no session', '<p>'])(
    'is done without where that answers what is no JSON object, and says so: %s',
    async (text) => {
      const { signIn } = await startIssuer({ userinfo: async () => text });
      const { claims, failed } = await signIn();
      expect(claims).toMatchObject({ sub: 'ann' });
      expect(failed).toMatchObject({ code: 'HOST_FAILED', reason: expect.stringContaining('is no JSON') });
    },
  );

  it('is done without where there is nobody to ask', async () => {
    const { signIn } = await startIssuer();
    expect(await signIn()).toEqual({ claims: expect.objectContaining({ sub: 'ann' }) });
  });

  it('may come signed with a line’s end behind it', async () => {
    const { grant } = await startIssuer({ userinfo: async () => `${await jwt(asked)}\r\n` });
    expect(await grant(() => false)).toMatchObject(asked);
  });

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

  it('may be that an address is verified, if it is the same', async () => {
    const { grant } = await startIssuer({ claims: { email: asked.email }, userinfo: asked });
    expect(await grant(() => false)).toMatchObject(asked);
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

  it.each<[string, NonNullable<Fake['no']>]>([
    ['400 invalid_client', { status: 400, body: { error: 'invalid_client' } }],
    [
      '400 invalid_request',
      { status: 400, body: { error: 'invalid_request', error_description: 'client_secret is missing' } },
    ],
    ['400 unauthorized_client', { status: 400, body: { error: 'unauthorized_client' } }],
    ['401 and a page', { status: 401, body: '<h1>Unauthorized</h1>' }],
    ['403 and nothing to read', { status: 403, body: '' }],
    ['403 access_denied', { status: 403, body: { error: 'access_denied' } }],
  ])('that says no to one method by %s is asked by the other', async (_, no) => {
    for (const authentication of ['basic', 'post'] as const) {
      const { grant } = await startIssuer({ authentication, no });
      expect(await grant()).toMatchObject({ sub: 'ann' });
    }
  });

  it.each<[string, NonNullable<Fake['refusal']>, number]>([
    ['the code is not good', { status: 400, body: { error: 'invalid_grant' } }, 1],
    ['it is busy', { status: 429, body: { error: 'slow_down' } }, 1],
    ['it is not well', { status: 500, body: { error: 'server_error' } }, 1],
    ['the client may not', { status: 400, body: { error: 'unauthorized_client', error_description: 'first' } }, 2],
    ['nothing, so that the code may be spent', {}, 1],
  ])('that says that %s is asked once or by both methods', async (_, refusal, times) => {
    const { grant, asked } = await startIssuer({ refusal });
    await expect(grant()).rejects.toThrow();
    expect(asked.filter((line) => line === 'POST /token')).toHaveLength(times);
  });

  it.each(['basic', 'post'] as const)('that offers one way only is not asked another: %s', async (way) => {
    const { grant, asked } = await startIssuer({
      authentication: way === 'basic' ? 'post' : 'basic',
      metadata: { token_endpoint_auth_methods_supported: [`client_secret_${way}`] },
    });
    await expect(grant()).rejects.toThrow(failing('BAD_CLIENT_CREDENTIALS'));
    expect(asked.filter((line) => line === 'POST /token')).toHaveLength(1);
  });

  it('that says in no list which ways it takes is asked by both', async () => {
    for (const said of [null, 5, 'client_secret_basic']) {
      const { grant } = await startIssuer({
        authentication: 'post',
        metadata: { token_endpoint_auth_methods_supported: said },
      });
      expect(await grant()).toMatchObject({ sub: 'ann' });
    }
  });

  it.each(['/.well-known/openid-configuration', '/.well-known/openid-configuration/', '/'])(
    'is found by its address with %s behind it, too, and called what it calls itself',
    async (suffix) => {
      const { client, asked } = await startIssuer({ path: '/realms/site' });
      const opened = await openIssuer({ ...client, issuer: client.issuer + suffix }, Date.now() + 8_000).catch(
        ({ code }: Failure) => code,
      );
      if (suffix === '/') return expect(opened).toBe('NO_ISSUER'); // it is another name
      expect(opened).toMatchObject({ issuer: client.issuer });
      expect(asked).toHaveLength(1);
    },
  );

  it('says how it calls itself, if that is not what is set', async () => {
    const { open } = await startIssuer({ metadata: { issuer: 'https://id.example.net/x' } });
    const error = (await open().catch((thrown: unknown) => thrown)) as Failure;
    expect(error.reason).toMatch(/^discovery: .*"https:\/\/id\.example\.net\/x"/);
  });

  it('says so in a line that has an end', async () => {
    const { open } = await startIssuer({ metadata: { issuer: `https://id.example.net/${'x'.repeat(1000)}` } });
    const error = (await open().catch((thrown: unknown) => thrown)) as Failure;
    expect(error.reason?.length).toBeLessThan(250);
  });

  it('that the owner names by an alias is called what it calls itself', async () => {
    // One of Microsoft’s tenants, by its domain instead of its id.
    const root = 'https://login.microsoftonline.us';
    const issuer = `${root}/72f988bf-86f1-41af-91ab-2d7cd011db47/v2.0`;
    const asked: string[] = [];
    const host = await listen((request, response) => {
      asked.push(request.url ?? '');
      return sendJson(response, 200, { issuer, jwks_uri: `${root}/keys` });
    });
    opened.push(host);
    const request = vi
      .spyOn(https, 'request')
      .mockImplementation(((url: string, options: object, callback: () => void) =>
        http.request(`${host.url}${new URL(url).pathname}`, options, callback)) as typeof https.request);
    onTestFinished(() => request.mockRestore());
    for (const slash of ['', '/'])
      expect(await discover(`${root}/contoso.us/v2.0${slash}`, Date.now() + 8_000)).toMatchObject({ issuer });
    await expect(discover('https://id.example.net/contoso', Date.now() + 8_000)).rejects.toThrow(issuer);
    expect(asked).toEqual([
      '/contoso.us/v2.0/.well-known/openid-configuration',
      '/contoso.us/v2.0/.well-known/openid-configuration',
      '/contoso/.well-known/openid-configuration',
    ]);
  });

  it('that is everybody’s, with a tenant to be filled in, cannot be used', async () => {
    const { open } = await startIssuer({ path: '/%7Btenantid%7D/v2.0' });
    await expect(open()).rejects.toThrow(failing('NO_ISSUER'));
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
    ['keys that anybody on the way can change', { jwks_uri: 'http://provider.example/keys' }],
    ['an address for more claims that anybody can read', { userinfo_endpoint: 'http://provider.example/userinfo' }],
    ['an address that is none', { authorization_endpoint: 'javascript:alert(1)' }],
    ['an address that anybody on the way can read', { token_endpoint: 'http://provider.example/token' }],
    ['another name', { issuer: 'https://evil.example' }],
    ['a name that is no address', { issuer: 'the issuer' }],
    ['a number as its name', { issuer: 5 }],
    ['keys at a list of addresses', { jwks_uri: ['https://provider.example/keys'] }],
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
    // An answer that says no may leave its name out: then the editor reads that it said no. But no other name is taken.
    expect(() => issuer.checkAnswer({ error: 'access_denied' })).not.toThrow();
    expect(() => issuer.checkAnswer({ error: 'access_denied', iss: 'https://evil.example' })).toThrow(
      failing('ISSUER_MISMATCH'),
    );
    expect(() => plain.checkAnswer({ iss: 'https://evil.example' })).toThrow(failing('ISSUER_MISMATCH'));
  });
});
