import { createHmac, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { decodeJwt, exportJWK, exportSPKI, SignJWT, type JWK } from 'jose';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { isAlias, issuerFacts } from '../../lib/providers/issuers.ts';
import { authenticate } from '../../lib/gateway/identity/authenticate.ts';
import { authorize } from '../../lib/gateway/identity/authorize.ts';
import { sessionKeys, issueAccessToken, verifyAccessToken } from '../../lib/gateway/identity/access-token.ts';
import { json, startHost, type Host } from '../contract/gateway/world.ts';
import type { Gateway, AuthMethod } from '../../lib/gateway/settings.ts';
import {
  checkOpen,
  commitAddress,
  identify,
  isAddress,
  isEditorAddress,
  lettingIn,
  type Claims,
  type Editor,
  type EditorLists,
} from '../../lib/gateway/identity/editors.ts';

const address = { origin: 'https://gateway.example.com', prefix: '', secure: true };
const lists: EditorLists = {
  everyone: false,
  addresses: ['zoe@example.org'],
  domains: ['parish.example'],
  roles: ['editor'],
  rolesClaim: 'app_metadata.roles',
};
const secret = 'a-secret-of-more-than-thirty-two-characters';

const gateways = new Map<string, Gateway>();

/** As the settings give it: the same ones, the same gateway. */
function gatewayOf(auth: AuthMethod, more: Partial<EditorLists>): Gateway {
  const text = JSON.stringify([auth, more]);
  const gateway = gateways.get(text) ?? ({ auth, lists: { ...lists, ...more } } as Gateway);
  gateways.set(text, gateway);
  return gateway;
}

/** The editor's `sub`, or the code of what they are told. */
async function come(
  auth: AuthMethod,
  token: string,
  more: Partial<EditorLists> = {},
  now = Date.now(),
): Promise<string> {
  const gateway = gatewayOf(auth, more);
  return authenticate(`Bearer ${token}`, gateway, { address, now, deadline: Date.now() + 5_000 }).then(
    ({ sub }) => sub,
    ({ code }: { code: string }) => code,
  );
}

/** What whoever is refused reads, and the owner in the log. */
async function refusal(auth: AuthMethod, token: string, more: Partial<EditorLists> = {}, now = Date.now()) {
  const gateway = gatewayOf(auth, more);
  return authenticate(`Bearer ${token}`, gateway, { address, now, deadline: Date.now() + 5_000 }).then(
    () => ({ code: 'none', message: '', reason: '' }),
    ({ code, message, reason = '' }: { code: string; message: string; reason?: string }) => ({ code, message, reason }),
  );
}

const time = (seconds = 0) => Math.floor(Date.now() / 1000) + seconds;
const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
const person = { sub: 'zoe', email: 'zoe@example.org', email_verified: true, name: 'Zoë' };

let host: Host;
beforeEach(async () => {
  host = await startHost();
});
afterEach(async () => {
  vi.useRealTimers();
  await host.close();
});

describe('A JWT of an issuer', () => {
  // To make one takes long. So each test gets the same ones, in turn.
  const pairs: { publicKey: KeyObject; privateKey: KeyObject }[] = [];
  let taken = 0;
  const pair = () => (pairs[taken++] ??= generateKeyPairSync('rsa', { modulusLength: 2048 }));
  const first = pair();
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  let keys: JWK[];
  let auth: AuthMethod & { kind: 'jwt' };
  const jwk = async (key: KeyObject, more: object) => ({ ...(await exportJWK(key)), ...more });
  const count = (path: string) => host.asked.filter(({ url }) => url === path).length;

  beforeEach(async () => {
    taken = 1;
    keys = [await jwk(first.publicKey, { kid: '1' }), await jwk(ec.publicKey, { kid: 'ec' })];
    auth = { kind: 'jwt', issuer: host.url, audience: ['cms', 'other'] };
    host.script = (asked, ...rest) =>
      json(
        200,
        asked.url === '/keys'
          ? { keys }
          : {
              issuer: host.url,
              jwks_uri: `${host.url}/keys`,
              authorization_endpoint: `${host.url}/a`,
              token_endpoint: `${host.url}/t`,
            },
      )(asked, ...rest);
  });

  const sign = (
    claims: object = {},
    {
      alg = 'RS256',
      kid = '1',
      key = first.privateKey,
      ...header
    }: { alg?: string; kid?: string | undefined; key?: KeyObject; [more: string]: unknown } = {},
  ) =>
    new SignJWT({ iss: host.url, aud: 'cms', exp: time(600), ...person, ...claims })
      .setProtectedHeader({ alg, ...(kid !== undefined && { kid }), ...header })
      .sign(key);

  it('lets its editor in, by whichever key of the issuer’s', async () => {
    expect(await come(auth, await sign())).toBe('zoe');
    expect(await come(auth, await sign({}, { alg: 'PS256' }))).toBe('zoe');
    expect(await come(auth, await sign({}, { alg: 'ES256', kid: 'ec', key: ec.privateKey }))).toBe('zoe');
    expect(await come(auth, await sign({ aud: ['x', 'other'] }))).toBe('zoe');
    expect(await come(auth, await sign({ aud: undefined, client_id: 'cms' }))).toBe('zoe');
    expect(await come(auth, await sign({ exp: time(-20) }))).toBe('zoe');
    expect(count('/keys')).toBe(1);
  });

  it('that names no key is tried with all of them', async () => {
    keys.push(await jwk(pair().publicKey, { kid: '2' }));
    expect(await come(auth, await sign({}, { kid: undefined }))).toBe('zoe');
    const stranger = pair();
    expect(await come(auth, await sign({}, { kid: undefined, key: stranger.privateKey }))).toBe('BAD_TOKEN');
  });

  it.each([
    ['another issuer', { iss: 'https://evil.example' }, 'TOKEN_UNUSABLE'],
    ['no issuer', { iss: undefined }, 'TOKEN_UNUSABLE'],
    ['another audience', { aud: 'evil' }, 'TOKEN_UNUSABLE'],
    ['no audience', { aud: undefined }, 'TOKEN_UNUSABLE'],
    ['another audience beside a right client', { aud: 'evil', client_id: 'cms' }, 'TOKEN_UNUSABLE'],
    ['an audience that is no text', { aud: [['cms']] }, 'TOKEN_UNUSABLE'],
    ['no end', { exp: undefined }, 'TOKEN_UNUSABLE'],
    ['an end that is over', { exp: time(-60) }, 'BAD_TOKEN'],
    ['a beginning that is to come', { nbf: time(120) }, 'TOKEN_UNUSABLE'],
    ['an end that is a text', { exp: '9999999999' }, 'TOKEN_UNUSABLE'],
    ['no subject', { sub: undefined }, 'TOKEN_UNUSABLE'],
  ])('with %s lets nobody in', async (_, claims, code) => {
    const token = await sign(claims as object).catch(() => undefined);
    const made =
      token ?? `${part({ alg: 'RS256', kid: '1' })}.${part({ iss: host.url, aud: 'cms', ...person, ...claims })}.AA`;
    expect(await come(auth, made)).toBe(code);
  });

  it('without a signature, or by a key that only seems to be the issuer’s, lets nobody in', async () => {
    const claims = { iss: host.url, aud: 'cms', exp: time(600), ...person };
    const none = `${part({ alg: 'none' })}.${part(claims)}.`;
    const unsigned = `${part({ alg: 'RS256', kid: '1' })}.${part(claims)}.`;
    // The public key, taken for a shared secret.
    const pem = await exportSPKI(first.publicKey);
    const head = `${part({ alg: 'HS256', kid: '1' })}.${part(claims)}`;
    const confused = [pem, pem.trim(), JSON.stringify(keys[0])].map(
      (key) => `${head}.${createHmac('sha256', key).update(head).digest('base64url')}`,
    );
    const stranger = pair();
    const embedded = await sign({}, { key: stranger.privateKey, jwk: await exportJWK(stranger.publicKey) });
    const elsewhere = await sign({}, { key: stranger.privateKey, jku: 'https://evil.example/keys' });
    const whole = await sign();
    const changed = [whole.slice(0, -4), `${whole}AA`, whole.replace('.', '..'), `${whole}.${whole}`];
    const critical = await sign({}, { crit: ['x'], x: 1 }).catch(() => none);
    for (const token of [none, unsigned, ...confused, embedded, elsewhere, ...changed, critical])
      expect(await come(auth, token)).toBe('BAD_TOKEN');
  });

  it('of another way lets nobody in', async () => {
    const client = { issuer: host.url, clientId: 'cms', clientSecret: secret };
    const own = await issueAccessToken(
      sessionKeys(client),
      { sub: 'zoe', name: 'Zoë', roles: ['editor'] },
      { seconds: 60, address, now: Date.now() },
    );
    expect(await come(auth, own)).toBe('BAD_TOKEN');
    expect(await come({ kind: 'hs256', secret }, own)).toBe('BAD_TOKEN');
    expect(await come({ kind: 'hs256', secret }, await sign())).toBe('BAD_TOKEN');
    expect(await come({ kind: 'oidc', ...client }, await sign())).toBe('BAD_TOKEN');
    expect(await come({ kind: 'oidc', ...client }, own)).toBe('zoe');
    expect(await come({ kind: 'oidc', ...client, clientSecret: `${secret}!` }, own)).toBe('BAD_TOKEN');
  });

  it.each([
    ['an address that is not verified', { email_verified: false }, 'EMAIL_NOT_VERIFIED'],
    ['an address of which nothing is said', { email_verified: undefined }, 'EMAIL_UNVOUCHED'],
    ['an address that is verified in words', { email_verified: 'true' }, 'EMAIL_UNVOUCHED'],
    ['Microsoft’s claim, from somebody else', { email_verified: undefined, xms_edov: true }, 'EMAIL_UNVOUCHED'],
    ['another address', { email: 'mallory@example.org' }, 'NOT_AN_EDITOR'],
    ['an address in capitals', { email: 'ZOE@Example.org' }, 'zoe'],
    [
      'a letter that only looks like one in small',
      { email: 'zoe@example.org'.replace('z', '\u017f') },
      'NOT_AN_EDITOR',
    ],
    ['two addresses', { email: 'zoe@example.org,mallory@evil.example' }, 'NO_EMAIL'],
    ['a name in front', { email: '"zoe@example.org"@evil.example' }, 'NO_EMAIL'],
    ['a list of addresses', { email: ['zoe@example.org'] }, 'NO_EMAIL'],
    ['the domain', { email: 'anna@parish.example' }, 'zoe'],
    ['a domain below it', { email: 'anna@sub.parish.example' }, 'NOT_AN_EDITOR'],
    ['a domain that ends like it', { email: 'anna@evilparish.example' }, 'NOT_AN_EDITOR'],
    ['the role, and no address', { email: undefined, app_metadata: { roles: ['x', 'editor'] } }, 'zoe'],
    ['another role', { email: undefined, app_metadata: { roles: ['admin'] } }, 'ROLE_NOT_LISTED'],
  ])('with %s', async (_, claims, outcome) => {
    expect(await come(auth, await sign(claims))).toBe(outcome);
  });

  it('may have the roles elsewhere: by the literal name, else by a path', async () => {
    const at = async (rolesClaim: string, claims: object) =>
      come(auth, await sign({ email: undefined, ...claims }), { rolesClaim });
    expect(await at('realm_access.roles', { realm_access: { roles: ['editor'] } })).toBe('zoe');
    expect(await at('https://site.example/roles', { 'https://site.example/roles': 'editor' })).toBe('zoe');
    expect(await at('a.b', { 'a.b': ['editor'], a: { b: [] } })).toBe('zoe');
    expect(await at('a.b', { 'a.b': [], a: { b: ['editor'] } })).toBe('NO_EMAIL');
    expect(await at('__proto__.roles', {})).toBe('NO_EMAIL');
    expect(await at('constructor.name', { constructor: undefined })).toBe('NO_EMAIL');
  });

  it.each([
    ['an object of roles (Zitadel)', { roles: { editor: { '1': 'x.example' }, viewer: {} } }, 'roles', 'zoe'],
    ['an object that says no', { roles: { editor: false } }, 'roles', 'NO_EMAIL'],
    ['a path (Keycloak)', { groups: ['/x', '/editor'] }, 'groups', 'zoe'],
    ['a path to something else', { groups: ['/staff/editor', '/editor/x', '//editor'] }, 'groups', 'ROLE_NOT_LISTED'],
    [
      'the second of two claims',
      { groups: ['x'], realm_access: { roles: ['editor'] } },
      'groups, realm_access.roles',
      'zoe',
    ],
    ['a role in another claim', { other: ['editor'] }, 'groups, roles', 'NO_EMAIL'],
    ['a role as part of another', { groups: ['editors', 'co-editor'] }, 'groups', 'ROLE_NOT_LISTED'],
    ['the name of a member that every object has', { roles: {} }, 'roles.constructor', 'NO_EMAIL'],
  ])('may have them as %s', async (_, claims, rolesClaim, outcome) => {
    expect(await come(auth, await sign({ email: undefined, ...claims }), { rolesClaim })).toBe(outcome);
  });

  it.each([
    ['nothing', {}, /"groups" \(not there; there are realm_access, Groups\)/],
    ['others', { groups: ['a', 'b\u202e', 'c', 'd', 'e', 'f', 'g'] }, /"groups" \(a, b ?, c, d, e and 2 more\)/],
    ['an empty list', { groups: [] }, /"groups" \(empty\)/],
    ['a number', { groups: 7 }, /"groups" \(no role\)/],
    [
      'a pointer to too many',
      { _claim_names: { groups: 'src1' } },
      /"groups" \(left out, because there are too many\)/,
    ],
  ])('that lack the role say which claim was looked at, and that there was %s', async (_, claims, words) => {
    const only = { addresses: [], domains: [], rolesClaim: 'groups' };
    const given = { realm_access: {}, Groups: ['editor'], app_metadata: undefined, ...claims };
    const { code, message } = await refusal(auth, await sign(given), only);
    expect(code).toBe('ROLE_NOT_LISTED');
    expect(message).toMatch(words);
    expect(message).not.toMatch(/list of editors/);
  });

  it('of a listed address that nobody vouches for says so, to the editor and in the log', async () => {
    const denied = await refusal(auth, await sign({ email_verified: false }));
    expect(denied.message).toMatch(/zoe@example\.org\) is not verified/);
    const unsaid = await refusal(auth, await sign({ email_verified: undefined }));
    expect(unsaid.message).toMatch(/does not say whether .*zoe@example\.org.*email_verified/);
    expect(unsaid.message).not.toMatch(/put your address on the list/);
    expect(unsaid.reason).toContain('app_metadata.roles');
  });

  it.each([
    [
      'for somebody else',
      { aud: ['account', 'x'] },
      'TOKEN_UNUSABLE',
      /made for "account", "x", not for "cms" or "other"/,
    ],
    ['for nobody', { aud: undefined }, 'TOKEN_UNUSABLE', /nobody in particular/],
    ['by another issuer', { iss: 'https://evil.example' }, 'TOKEN_UNUSABLE', /another server/],
    ['by a clock that is ahead', { nbf: time(120) }, 'TOKEN_UNUSABLE', /clocks/],
    ['that has ended', { exp: time(-60) }, 'BAD_TOKEN', /session has ended/],
  ])('made %s is refused with that reason', async (_, claims, code, words) => {
    const found = await refusal(auth, await sign(claims));
    expect(found.code).toBe(code);
    expect(found.message).toMatch(words);
    expect(found.reason).toMatch(/^[a-z_]+: /);
  });

  it('is refused without a word about what a stranger wrote into it', async () => {
    const token = await sign({ aud: 'evil words' }, { key: pair().privateKey });
    const found = await refusal(auth, token);
    expect(found.code).toBe('BAD_TOKEN');
    expect(JSON.stringify(found)).not.toContain('evil words');
    expect((await refusal(auth, 'opaque-token')).reason).toMatch(/^not_a_jwt: /);
  });

  it('is tried with keys that have no name, or all the same one, and with new ones of that kind', async () => {
    const second = pair();
    keys = [await jwk(pair().publicKey, {}), await jwk(first.publicKey, {})];
    expect(await come(auth, await sign({}, { kid: 'unknown' }))).toBe('zoe');
    expect(await come(auth, await sign({}, { kid: undefined }))).toBe('zoe');
    expect(await come(auth, await sign({}, { kid: undefined, key: second.privateKey }))).toBe('BAD_TOKEN');
    expect(await come(auth, await sign({}, { kid: 'unknown', key: second.privateKey }))).toBe('BAD_TOKEN');
  });

  it('by a key without a name that has taken the place of another is good', async () => {
    const second = pair();
    keys = [await jwk(first.publicKey, {})];
    expect(await come(auth, await sign({}, { kid: undefined }))).toBe('zoe');
    keys = [await jwk(second.publicKey, {})];
    expect(await come(auth, await sign({ jti: '2' }, { kid: undefined, key: second.privateKey }))).toBe('zoe');
    expect(await come(auth, await sign({ jti: '3' }, { kid: undefined }))).toBe('BAD_TOKEN');
  });

  it('of an anonymous user is nobody’s, even where everybody may in', async () => {
    for (const claims of [
      { is_anonymous: true },
      { provider_id: 'anonymous' },
      { firebase: { sign_in_provider: 'anonymous' } },
    ])
      expect(await come(auth, await sign({ ...claims, app_metadata: { roles: ['editor'] } }), { everyone: true })).toBe(
        'TOKEN_UNUSABLE',
      );
  });

  it('by a new key makes us look once, and strangers’ keys no more than once in a while', async () => {
    expect(await come(auth, await sign())).toBe('zoe');
    const next = pair();
    keys = [await jwk(next.publicKey, { kid: 'next' })];
    expect(await come(auth, await sign({}, { kid: 'next', key: next.privateKey }))).toBe('zoe');
    for (const kid of ['a', 'b', 'c'])
      expect(await come(auth, await sign({}, { kid, key: pair().privateKey }))).toBe('BAD_TOKEN');
    expect(count('/keys')).toBe(2);
  });

  it('is refused with what is missing in it, or wrong, for the owner', async () => {
    const reason = async (claims: object) => (await refusal(auth, await sign(claims))).reason;
    expect(await reason({ exp: time(-60) })).toMatch(/^ended: .* ended 6[01] s ago/);
    expect(await reason({ exp: undefined })).toMatch(/^claim: "exp" is missing/);
    expect(await reason({ sub: undefined })).toMatch(/^claim: "sub" is missing/);
    expect(await reason({ nbf: 'soon' })).toMatch(/^claim: "nbf" is not what it should be/);
    expect(await reason({ nbf: time(120) })).toMatch(/^clock: /);
  });

  it('is looked at anew after a minute: its issuer may have taken the key back', async () => {
    const token = await sign({ exp: time(7200) });
    expect(await come(auth, token)).toBe('zoe');
    keys = [await jwk(ec.publicKey, { kid: 'ec' })];
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 11 * 60_000 });
    expect(await come(auth, token)).toBe('BAD_TOKEN');
  });

  it('whose issuer cannot be believed says why, in the log', async () => {
    const { script } = host;
    host.script = json(200, { issuer: 'https://evil.example', jwks_uri: `${host.url}/keys` });
    expect((await refusal(auth, await sign())).reason).toMatch(/^issuer: .*evil\.example/);
    host.script = script;
  });

  it('whose issuer is down says nothing of what it would be', async () => {
    host.script = json(500, {});
    expect(await refusal(auth, await sign())).toMatchObject({ code: 'IDENTITY_UNREACHABLE', reason: '' });
  });

  it('lets nobody in while the issuer cannot be asked, which is not repeated at once', async () => {
    const script = host.script;
    host.script = json(500, {});
    const token = await sign();
    expect(await come(auth, token)).toBe('IDENTITY_UNREACHABLE');
    const before = host.asked.length;
    expect(await come(auth, token)).toBe('IDENTITY_UNREACHABLE');
    expect(host.asked.length).toBe(before);
    host.script = script;
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 2_100 });
    expect(await come(auth, token)).toBe('zoe');
  });

  it.each([
    ['is another one', (issuer: string) => ({ issuer: 'https://evil.example', jwks_uri: `${issuer}/keys` })],
    [
      'has its keys where anybody can change them',
      (issuer: string) => ({ issuer, jwks_uri: 'http://evil.example/keys' }),
    ],
    ['has no keys', (issuer: string) => ({ issuer })],
  ])('of one that %s lets nobody in', async (_, metadata) => {
    host.script = (asked, ...rest) => json(200, asked.url === '/keys' ? { keys } : metadata(host.url))(asked, ...rest);
    expect(await come(auth, await sign())).toBe('IDENTITY_UNREACHABLE');
  });
});

describe('While an issuer is down', () => {
  it('whoever has a token of its comes in by the keys of before', async () => {
    const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const auth: AuthMethod = { kind: 'jwt', issuer: host.url, audience: ['cms'] };
    const keys = [{ ...(await exportJWK(pair.publicKey)), kid: '1' }];
    host.script = (asked, ...rest) =>
      json(200, asked.url === '/keys' ? { keys } : { issuer: host.url, jwks_uri: `${host.url}/keys` })(asked, ...rest);
    const sign = (sub: string) =>
      new SignJWT({ ...person, sub, iss: host.url, aud: 'cms', exp: time(7200) })
        .setProtectedHeader({ alg: 'ES256', kid: '1' })
        .sign(pair.privateKey);
    expect(await come(auth, await sign('zoe'))).toBe('zoe');
    host.script = json(503, {});
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 11 * 60_000 });
    expect(await come(auth, await sign('zoe-again'))).toBe('zoe-again');
    const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const forged = await new SignJWT({ ...person, iss: host.url, aud: 'cms', exp: time(7200) })
      .setProtectedHeader({ alg: 'ES256', kid: '1' })
      .sign(stranger.privateKey);
    expect(await come(auth, forged)).toBe('BAD_TOKEN');
    // For an hour after they were last there. Then a key that the issuer has taken back counts no more.
    vi.setSystemTime(Date.now() + 50 * 60_000);
    expect(await come(auth, await sign('zoe-late'))).toBe('IDENTITY_UNREACHABLE');
  });
});

describe('A token by a shared secret', () => {
  const auth: AuthMethod = { kind: 'hs256', secret };
  const sign = (claims: object, key = secret) =>
    new SignJWT({ sub: 'zoe', email: 'zoe@example.org', exp: time(3600), ...claims })
      .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
      .sign(new TextEncoder().encode(key));
  const supabase = {
    aud: 'authenticated',
    role: 'authenticated',
    is_anonymous: false,
    app_metadata: { provider: 'email', providers: ['email'] },
    user_metadata: { email: 'zoe@example.org', email_verified: true, phone_verified: false, sub: 'zoe' },
  };

  it.each([
    ['of a GoTrue', {}, 'zoe'],
    ['of Supabase', supabase, 'zoe'],
    ['that says yes', { email_verified: true }, 'zoe'],
    ['that says yes in words', { email_verified: 'true' }, 'zoe'],
    ['that says no', { email_verified: false }, 'EMAIL_NOT_VERIFIED'],
    ['that says no in words', { email_verified: 'false' }, 'EMAIL_NOT_VERIFIED'],
    ['that says no with nothing', { email_verified: null }, 'EMAIL_NOT_VERIFIED'],
    ['that says no with a number', { email_verified: 0 }, 'EMAIL_NOT_VERIFIED'],
    ['that says no as others write it', { emailVerified: false }, 'EMAIL_NOT_VERIFIED'],
    ['that says no in another word', { verified_email: false }, 'EMAIL_NOT_VERIFIED'],
    ['of Supabase that says no', { ...supabase, user_metadata: { email_verified: false } }, 'EMAIL_NOT_VERIFIED'],
    ['that says no in its metadata', { app_metadata: { email_verified: false } }, 'EMAIL_NOT_VERIFIED'],
    ['that was never confirmed', { confirmed_at: null }, 'EMAIL_NOT_VERIFIED'],
    ['of an anonymous user', { ...supabase, is_anonymous: true }, 'TOKEN_UNUSABLE'],
    ['of an anonymous user, in words', { ...supabase, is_anonymous: 'true' }, 'TOKEN_UNUSABLE'],
    ['that ends in a week', { exp: time(7 * 86_400) }, 'zoe'],
    ['that ends later', { exp: time(8 * 86_400) }, 'TOKEN_UNUSABLE'],
    ['that ends in the year 9999', { exp: 253_370_764_800 }, 'TOKEN_UNUSABLE'],
  ])('%s', async (_, claims, outcome) => {
    expect(await come(auth, await sign(claims))).toBe(outcome);
  });

  it('is good for a week and the difference of two clocks, and not for a second more', async () => {
    const now = Date.now();
    const ending = (seconds: number) => sign({ exp: Math.floor(now / 1000) + 7 * 86_400 + seconds });
    expect(await come(auth, await ending(30), {}, now)).toBe('zoe');
    expect(await come(auth, await ending(31), {}, now)).toBe('TOKEN_UNUSABLE');
  });

  // RFC 6750, 2.1; RFC 9110, 11.1: the scheme in any case, and one credential.
  it('comes in a header of one form', async () => {
    const token = await sign({});
    const outcome = (header: string | undefined, method: AuthMethod = auth) =>
      authenticate(header, gatewayOf(method, {}), { address, now: Date.now(), deadline: Date.now() + 5_000 }).then(
        ({ sub }) => sub,
        ({ code }: { code: string }) => code,
      );
    for (const header of ['Bearer T', 'bearer T', 'BEARER T', 'token T', 'Bearer   T', 'Bearer T '])
      expect(await outcome(header.replace('T', token))).toBe('zoe');
    for (const header of ['T', 'Basic T', 'xBearer T', 'Basic Bearer T', 'BearerT', 'Bearer T, Bearer T', 'Bearer T T'])
      expect(await outcome(header.replaceAll('T', token))).toBe('BAD_TOKEN');
    expect(await outcome(`Bearer ${'x'.repeat(16_385)}`)).toBe('BAD_TOKEN');
    expect(await outcome('')).toBe('BAD_TOKEN');
    expect(await outcome(undefined)).toBe('NO_TOKEN');
    // Nor is a service asked about what is no token.
    expect(await outcome('Basic eDp5', { kind: 'gotrue', address: host.url })).toBe('BAD_TOKEN');
    expect(host.asked).toEqual([]);
  });

  it('of somebody who is not on the list tells the owner which roles were looked at, if roles let in', async () => {
    const stranger = await sign({ email: 'eve@example.net', app_metadata: { roles: ['reader'] } });
    const withRoles = await refusal(auth, stranger);
    expect(withRoles.code).toBe('NOT_AN_EDITOR');
    expect(withRoles.reason).toBe('roles: looked at "app_metadata.roles" (reader).');
    expect(await refusal(auth, stranger, { roles: [] })).toMatchObject({ code: 'NOT_AN_EDITOR', reason: '' });
  });

  it.each([
    ['an address that is not verified', { email_verified: false }, lists.roles, 'EMAIL_NOT_VERIFIED'],
    ['no address', { email: undefined }, lists.roles, 'ROLE_NOT_LISTED'],
    ['no address, where no role lets in', { email: undefined }, [], 'NO_EMAIL'],
  ])('with a role that is not listed and %s is refused for the one that could help', async (_, more, roles, code) => {
    const token = await sign({ ...more, app_metadata: { roles: ['reader'] } });
    const found = await refusal(auth, token, { roles });
    expect(found.code).toBe(code);
    expect(found.reason).toBe(roles.length > 0 ? 'roles: looked at "app_metadata.roles" (reader).' : '');
  });

  it('is for whom the owner says, if the owner says so', async () => {
    const only: AuthMethod = { ...auth, audience: ['authenticated'] };
    expect(await come(only, await sign(supabase))).toBe('zoe');
    expect(await come(only, await sign({ ...supabase, aud: ['x', 'authenticated'] }))).toBe('zoe');
    for (const aud of ['anon', undefined, '', ['x'], [['authenticated']], 'authenticated '])
      expect(await come(only, await sign({ ...supabase, aud }))).toBe('TOKEN_UNUSABLE');
  });

  it('without a user is nobody’s: Supabase’s own keys are such tokens', async () => {
    for (const role of ['anon', 'service_role'])
      expect(
        await come(auth, await sign({ sub: undefined, email: undefined, iss: 'supabase', ref: 'x', role }), {
          roles: [role],
          rolesClaim: 'role',
        }),
      ).toBe('TOKEN_UNUSABLE');
  });

  it('of an unverified address may come by a role', async () => {
    expect(await come(auth, await sign({ email_verified: false, app_metadata: { roles: ['editor'] } }))).toBe('zoe');
  });
});

describe('A session of ours', () => {
  const client = { issuer: 'https://id.example.org', clientId: 'cms', clientSecret: secret };
  const keys = sessionKeys(client);
  const now = Date.now();
  const zoe = {
    sub: 'zoe',
    email: 'zoe@example.org',
    domain: 'example.org',
    name: 'Zoë',
    picture: 'https://img.example/z.png',
    roles: ['editor'],
  };
  const issue = (editor: Editor, seconds = 3600) => issueAccessToken(keys, editor, { seconds, address, now });

  it('says who the editor is, as they were known at the sign-in', async () => {
    expect(await verifyAccessToken(keys, await issue(zoe), { address, now })).toEqual(zoe);
  });

  // RFC 7519, 2: seconds.
  it('begins when it is made, and ends when it is over', async () => {
    const token = await issue(zoe);
    const begun = Math.floor(now / 1000);
    expect(decodeJwt(token)).toMatchObject({ iat: begun, exp: begun + 3600 });
    const at = (seconds: number) => verifyAccessToken(keys, token, { address, now: (begun + seconds) * 1000 });
    expect(await at(3600 + 29)).toEqual(zoe);
    expect(await at(3600 + 31)).toBeUndefined();
  });

  it('of somebody without a verified address vouches for none', async () => {
    const token = await issue({ sub: 'ann', name: 'Ann', roles: ['editor'] });
    // The CMS cannot do without one.
    expect(decodeJwt(token)).toMatchObject({
      email: expect.stringMatching(/^[0-9a-f]{16}@users\.noreply\.gateway\.example\.com$/),
      email_verified: false,
    });
    expect(await verifyAccessToken(keys, token, { address, now })).toEqual({
      sub: 'ann',
      name: 'Ann',
      roles: ['editor'],
    });
  });

  it('of somebody whose role is off the list is out, and says no more', async () => {
    const auth: AuthMethod = { kind: 'oidc', ...client };
    const token = await issue({ sub: 'ann', name: 'Ann', roles: ['editor'] });
    expect(await come(auth, token)).toBe('ann');
    const found = await refusal(auth, token, { roles: ['owner'] });
    expect(found.code).toBe('NOT_AN_EDITOR');
  });
});

describe('What is said about somebody', () => {
  const issuer = 'https://id.example.org';
  const who = (claims: Claims, rolesClaim = 'roles') => identify(claims, { issuer, rolesClaim });
  const ofGoTrue = (claims: Claims) => identify(claims, { issuer: undefined, rolesClaim: 'roles' });

  it('names nobody without a name that the issuer gives only once', () => {
    expect(who({ sub: ' ', id: '1', email: 'zoe@example.org' })).toBeUndefined();
    expect(ofGoTrue({ id: '1', email: 'zoe@example.org' })?.editor.sub).toBe('1');
    expect(ofGoTrue({ email: 'zoe@example.org' })?.editor.sub).toBe('zoe@example.org');
  });

  // RFC 5321, 4.5.3.1.3, without the brackets.
  it('has an address of 254 characters at most', () => {
    const address = `${'x'.repeat(242)}@example.org`;
    expect([address.length, isAddress(address), isAddress(`x${address}`)]).toEqual([254, true, false]);
  });

  it.each([
    ['nothing', {}, 'missing'],
    ['an address', { email: 'zoe@example.org' }, 'unsaid'],
    ['one that is none', { email: 'zoe', email_verified: true }, 'missing'],
  ])('tells %s from a no', (_, claims, state) => {
    expect(who({ sub: '1', ...claims })?.email.state).toBe(state);
    const microsoft = 'https://login.microsoftonline.com/72f988bf-86f1-41af-91ab-2d7cd011db47/v2.0';
    expect(identify({ sub: '1', ...claims }, { issuer: microsoft, rolesClaim: '' })?.email.state).toBe(state);
  });

  it('may have nothing where others have more', () => {
    const empty = {
      sub: '1',
      is_anonymous: null,
      app_metadata: null,
      user_metadata: null,
      roles: null,
      firebase: null,
    };
    expect(who(empty)?.editor).toEqual({ sub: '1', name: '1', roles: [] });
    expect(ofGoTrue(empty)?.editor).toEqual({ sub: '1', name: '1', roles: [] });
  });

  it.each([
    [{ name: '  Zoë <x> ' }, 'Zoë x'],
    [{ name: ' ', given_name: 'Zoë', family_name: 'Editor' }, 'Zoë Editor'],
    [{ given_name: 'Zoë' }, 'Zoë'],
    [{ family_name: 'Editor' }, 'Editor'],
    [{ preferred_username: 'zoe' }, 'zoe'],
    [{}, '1'],
  ])('in %j is the name %j', (claims, name) => {
    expect(who({ sub: '1', ...claims })?.editor.name).toBe(name);
  });

  it.each([
    [{ picture: 'https://img.example/1' }, 'https://img.example/1'],
    [{ user_metadata: { avatar_url: 'https://img.example/2' } }, 'https://img.example/2'],
    [{ picture: 'http://img.example/https://' }, undefined],
    [{ picture: 'javascript:alert(1)' }, undefined],
    [{}, undefined],
  ])('in %j is the picture %j', (claims, picture) => {
    expect(who({ sub: '1', ...claims })?.editor.picture).toBe(picture);
  });

  it.each([
    ['no roles', { roles: { editor: null, reader: false } }, []],
    ['a blank', { roles: ['', 'editor'] }, ['editor']],
    ['one twice', { roles: ['editor', 'editor'] }, ['editor']],
  ])('has %s', (_, claims, roles) => {
    expect(who({ sub: '1', ...claims })?.editor.roles).toEqual(roles);
  });

  it.each([
    ['five roles', { groups: ['a', 'b', 'c', 'd', 'e'] }, '"groups" (a, b, c, d, e)'],
    ['a long one', { groups: ['x'.repeat(61)] }, `"groups" (${'x'.repeat(60)})`],
    ['blanks in one', { groups: ['a\n\t b'] }, '"groups" (a b)'],
    ['an empty object', { groups: {} }, '"groups" (empty)'],
    ['a text', { groups: '' }, '"groups" (no role)'],
    ['Microsoft’s word for too many', { hasgroups: true }, '"groups" (left out, because there are too many)'],
    ['nothing but what is in every token', { iss: issuer, aud: 'cms' }, '"groups" (not there)'],
  ])('is shown with %s', (_, claims, found) => {
    expect(who({ sub: '1', ...claims }, 'groups, ')?.rolesFound).toBe(found);
  });

  it('is shown as not there where another claim is too large', () => {
    expect(who({ sub: '1', hasgroups: true }, 'roles')?.rolesFound).toBe('"roles" (not there; there are hasgroups)');
  });

  it('lets in by a role as a whole', () => {
    expect(lettingIn(['/editor', 'ed/itor', 'a/editor'], ['editor', '/owner'])).toEqual(['/editor']);
    expect(lettingIn(['owner'], ['/owner'])).toEqual(['owner']);
  });
});

/** What the gateway asks of every commit that is published: see SECURITY.md, promise 10. */
describe('An address in a commit', () => {
  const ours = 'https://gateway.example.com';
  const listed = (email: string, more: Partial<EditorLists> = {}) =>
    isEditorAddress(email, { ...lists, roles: [], ...more }, ours);
  const unnamed = commitAddress({ sub: '1', name: 'Ann', roles: [] }, ours);

  it.each(['zoe@example.org', 'ZOE@Example.org', 'anybody@parish.example', unnamed])('%s is an editor’s', (email) => {
    expect(listed(email)).toBe(true);
  });

  it.each([
    'eve@example.org',
    'zoe@example.org.evil.example',
    'x@sub.parish.example',
    unnamed.slice(1),
    `0${unnamed}`,
    unnamed.replace(/^./, 'g'),
    unnamed.replace('gateway', 'other'),
    unnamed.replace('users.noreply.', ''),
    'zoe',
    '',
  ])('%j is nobody’s here', (email) => {
    expect(listed(email)).toBe(false);
  });

  it.each([
    ['everybody may in', { everyone: true }],
    ['roles let in', { roles: ['editor'] }],
  ])('may be any where %s, but has to be one', (_, more) => {
    expect(listed('eve@example.net', more)).toBe(true);
    expect(listed('eve', more)).toBe(false);
    expect(listed('zoe@example.org>, <eve@example.net', more)).toBe(false);
  });
});

describe('An address that nobody vouches for', () => {
  it.each([
    ['another', 'https://id.example.org', '(email_verified)'],
    [
      'Microsoft',
      'https://login.microsoftonline.com/72f988bf-86f1-41af-91ab-2d7cd011db47/v2.0',
      '(email_verified or xms_edov)',
    ],
    ['a GoTrue', undefined, '(email_verified)'],
  ])('is refused with the claims that would do it: of %s', (_, issuer, words) => {
    const identity = {
      editor: { sub: '1', name: 'Zoë', roles: [] },
      email: { state: 'unsaid', address: 'zoe@example.org' },
      rolesFound: '',
    } as const;
    expect(() => authorize(identity, lists, { host: 'It', issuer })).toThrow(words);
  });
});

describe('What an issuer calls itself decides, not what the owner typed', () => {
  it.each([
    ['https://accounts.google.com/.well-known/openid-configuration', 'hd'],
    ['https://accounts.google.com:443/', 'hd'],
  ])('%s is Google', (issuer, domainClaim) => {
    expect(issuerFacts(issuer)).toMatchObject({ name: 'Google', signUp: 'open', domainClaim });
  });

  it.each([
    'https://login.microsoftonline.com/72f988bf-86f1-41af-91ab-2d7cd011db47/v2.0',
    'https://login.microsoftonline.com/72f988bf-86f1-41af-91ab-2d7cd011db47/v2.0/.well-known/openid-configuration',
    'https://sts.windows.net/72f988bf-86f1-41af-91ab-2d7cd011db47/',
    'https://login.microsoftonline.us/72f988bf-86f1-41af-91ab-2d7cd011db47/v2.0',
    'https://login.partner.microsoftonline.cn/72f988bf-86f1-41af-91ab-2d7cd011db47/v2.0',
    'https://sts.chinacloudapi.cn/72f988bf-86f1-41af-91ab-2d7cd011db47/',
    'https://72f988bf-86f1-41af-91ab-2d7cd011db47.ciamlogin.com/72f988bf-86f1-41af-91ab-2d7cd011db47/v2.0',
  ])('%s is a tenant of Microsoft’s', (issuer) => {
    expect(issuerFacts(issuer)).toMatchObject({ name: 'Microsoft', verifiedClaim: 'xms_edov' });
    expect(issuerFacts(issuer).signUp).not.toBe('open');
  });

  it.each([
    'https://login.microsoftonline.com/{tenantid}/v2.0',
    'https://sts.windows.net/{tenantid}/',
    'https://login.microsoftonline.com/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0',
  ])('%s is everybody’s', (issuer) => {
    expect(issuerFacts(issuer).signUp).toBe('open');
  });

  it.each([
    ['https://tenant.eu.auth0.com/', 'possible'],
    ['https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_abc', 'possible'],
    ['https://securetoken.google.com/my-project', 'possible'],
    ['https://abc.supabase.co/auth/v1', 'possible'],
    ['https://id.example.org/realms/site', undefined],
    ['https://accounts.google.com.evil.example', undefined],
  ])('at %s, signing up is %s', (issuer, signUp) => {
    expect(issuerFacts(issuer).signUp).toBe(signUp);
  });

  it('takes an alias for the same, of Microsoft’s tenants only', () => {
    const [name, id] = ['contoso', '72f988bf-86f1-41af-91ab-2d7cd011db47'];
    expect(isAlias(`https://${name}.ciamlogin.com/${id}/v2.0`, `https://${id}.ciamlogin.com/${id}/v2.0`)).toBe(true);
    expect(
      isAlias('https://login.microsoftonline.us/contoso.us/v2.0', `https://login.microsoftonline.us/${id}/v2.0`),
    ).toBe(true);
    expect(isAlias('https://accounts.google.com', 'https://accounts.google.com')).toBe(false);
    expect(isAlias('https://id.example.org', `https://login.microsoftonline.us/${id}/v2.0`)).toBe(false);
    expect(isAlias(`https://login.microsoftonline.us/${id}/v2.0`, 'https://evil.example/')).toBe(false);
    expect(isAlias(`https://login.microsoftonline.us/${id}/v2.0`, 'https://login.microsoftonline.us/common/v2.0')).toBe(
      false,
    );
  });

  it('and everybody is let in by no issuer that calls itself one of the world’s', () => {
    const everybody = { ...lists, everyone: true };
    expect(() => checkOpen('https://accounts.google.com', everybody)).toThrow('CMS_GATEWAY_EDITORS');
    expect(() => checkOpen('https://accounts.google.com', lists)).not.toThrow();
    expect(() => checkOpen('https://id.example.org', everybody)).not.toThrow();
    expect(() => checkOpen(undefined, everybody)).not.toThrow();
  });
});

describe('An editor who has just been let in', () => {
  const auth: AuthMethod = { kind: 'hs256', secret };
  const sign = (key = secret) =>
    new SignJWT({ ...person, exp: time(600), jti: String(Math.random()) })
      .setProtectedHeader({ alg: 'HS256' })
      .sign(new TextEncoder().encode(key));

  it('is out at once by another secret, another list and another rule for roles', async () => {
    const token = await sign();
    expect(await come(auth, token)).toBe('zoe');
    expect(await come({ kind: 'hs256', secret: `${secret}!` }, token)).toBe('BAD_TOKEN');
    expect(await come(auth, token, { addresses: [], domains: [], roles: [] })).toBe('ROLE_NOT_LISTED');
    const byRole = { addresses: [], roles: ['zoe'] };
    expect(await come(auth, token, byRole)).toBe('NOT_AN_EDITOR');
    expect(await come(auth, token, { ...byRole, rolesClaim: 'sub' })).toBe('zoe');
    expect(await come(auth, token)).toBe('zoe');
  });

  it('is out as soon as the session is over', async () => {
    const token = await sign();
    expect(await come(auth, token)).toBe('zoe');
    expect(await come(auth, token, {}, Date.now() + 599_000)).toBe('zoe');
    expect(await come(auth, token, {}, Date.now() + 631_000)).toBe('BAD_TOKEN');
  });

  it('needs a session that ends some day', async () => {
    const endless = await new SignJWT(person)
      .setProtectedHeader({ alg: 'HS256' })
      .sign(new TextEncoder().encode(secret));
    expect(await come(auth, endless)).toBe('TOKEN_UNUSABLE');
  });

  it('lets nobody in by a token that only resembles theirs', async () => {
    const token = await sign();
    expect(await come(auth, token)).toBe('zoe');
    const [head, claims, signature = ''] = token.split('.');
    const other = `${head}.${part({ ...person, sub: 'eve', exp: time(600) })}.${signature}`;
    for (const made of [other, `${head}.${claims}.`, `${token}A`, token.slice(0, -1)])
      expect(await come(auth, made)).toBe('BAD_TOKEN');
  });
});

describe('Google and Microsoft', () => {
  it.each([
    ['a domain with the claim', { email: 'a@parish.example', hd: 'parish.example', email_verified: true }, true],
    ['a domain without the claim', { email: 'a@parish.example', email_verified: true }, false],
    ['a domain with another claim', { email: 'a@parish.example', hd: 'evil.example', email_verified: true }, false],
    ['an address without the claim', { email: 'zoe@example.org', email_verified: true }, true],
  ])('Google: %s', async (_, claims, isIn) => {
    const { identify, isAllowed } = await import('../../lib/gateway/identity/editors.ts');
    const editor = identify({ sub: '1', ...claims }, { issuer: 'https://accounts.google.com', rolesClaim: 'roles' });
    expect(editor && isAllowed(editor.editor, lists)).toBe(isIn);
  });

  it.each([
    ['the claim', { xms_edov: true }, true],
    ['the claim as a number', { xms_edov: '1' }, true],
    ['the claim that says no', { xms_edov: false }, false],
    ['nothing', {}, false],
    ['the claim against the other one', { xms_edov: true, email_verified: false }, false],
  ])('one tenant of Microsoft: %s', async (_, claims, isIn) => {
    const { identify, isAllowed } = await import('../../lib/gateway/identity/editors.ts');
    const issuer = 'https://login.microsoftonline.com/72f988bf-86f1-41af-91ab-2d7cd011db47/v2.0';
    const editor = identify({ sub: '1', email: 'zoe@example.org', ...claims }, { issuer, rolesClaim: 'roles' });
    expect(editor && isAllowed(editor.editor, lists)).toBe(isIn);
  });
});

describe('A token of a GoTrue that is asked', () => {
  const user = {
    id: 'u1',
    email: 'zoe@example.org',
    confirmed_at: '2026-01-01T00:00:00Z',
    app_metadata: {},
    user_metadata: { full_name: 'Zoë' },
  };
  let answer: unknown;
  let services = 0;
  let settings: object;
  let auth: AuthMethod & { kind: 'gotrue' };
  const asked = () => host.asked.filter(({ url }) => url.endsWith('/user'));
  const token = (name: string, exp = time(600)) => `${part({ alg: 'HS256' })}.${part({ sub: name, exp })}.c2ln`;

  beforeEach(() => {
    answer = user;
    settings = { disable_signup: true, autoconfirm: false };
    // One of its own for each test: a port may come a second time, and what is known of a service is kept by its address.
    auth = { kind: 'gotrue', address: `${host.url}/${++services}` };
    host.script = (question, ...rest) =>
      question.url.endsWith('/settings')
        ? json(200, settings)(question, ...rest)
        : json(typeof answer === 'number' ? answer : 200, typeof answer === 'number' ? {} : answer)(question, ...rest);
  });

  it('lets its editor in, and is asked about once a minute', async () => {
    const one = token('1');
    expect(await Promise.all([come(auth, one), come(auth, one)])).toEqual(['u1', 'u1']);
    expect(await come(auth, one)).toBe('u1');
    expect(asked()).toHaveLength(1);
    expect(asked()[0]?.headers.authorization).toBe(`Bearer ${one}`);
    expect(await come(auth, token('2'))).toBe('u1');
    expect(asked()).toHaveLength(2);
    expect(host.asked.filter(({ url }) => url.endsWith('/settings'))).toHaveLength(1);
  });

  // RFC 7519, 4.1.4: on or after that time it must not be accepted.
  it('is over in the second that it names', async () => {
    const end = time(600);
    expect(await come(auth, token('1', end), {}, end * 1000)).toBe('BAD_TOKEN');
    expect(asked()).toHaveLength(0);
  });

  it.each([
    ['that does not say when it ends', `${part({ alg: 'HS256' })}.${part({ sub: '1' })}.c2ln`],
    ['that is no JWT', 'opaque'],
  ])('%s is asked about once a minute, too', async (_, one) => {
    vi.useFakeTimers({ toFake: ['Date'] });
    expect([await come(auth, one), await come(auth, one)]).toEqual(['u1', 'u1']);
    expect(asked()).toHaveLength(1);
    vi.setSystemTime(Date.now() + 61_000);
    // Nor does it stay good for ever while the service is silent.
    answer = 500;
    expect(await come(auth, one)).toBe('IDENTITY_UNREACHABLE');
    vi.setSystemTime(Date.now() + 61_000);
    answer = 401;
    expect(await come(auth, one)).toBe('BAD_TOKEN');
  });

  it.each(['"text"', '7', 'null'])('is believed by no answer like %s', async (text) => {
    answer = text;
    expect(await come(auth, token('1'))).toBe('IDENTITY_UNREACHABLE');
  });

  it('nobody new comes in while the service does not say who may sign up', async () => {
    const one = token('1', time(900));
    expect(await come(auth, one)).toBe('u1');
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 61_000 });
    const { script } = host;
    host.script = (question, ...rest) => (question.url.endsWith('/user') ? script : json(500, {}))(question, ...rest);
    expect(await come(auth, token('2'))).toBe('IDENTITY_UNREACHABLE');
    expect(await come(auth, one)).toBe('u1');
  });

  it('is asked about sixty times a minute for strangers, and for as many more as time has gone', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    answer = 401;
    for (let i = 0; i < 70; i++) await come(auth, token(`stranger ${i}`));
    expect(asked()).toHaveLength(60);
    vi.setSystemTime(Date.now() + 2_000);
    for (let i = 0; i < 5; i++) await come(auth, token(`later ${i}`));
    expect(asked()).toHaveLength(62);
  });

  it.each([
    ['names the user by its id', user, 'u1', 'u1'],
    ['names the user by its sub', { ...user, id: undefined, sub: 'u2' }, 'u2', 'u2'],
    ['names another than the service says', user, 'x', 'IDENTITY_UNREACHABLE'],
  ])('that %s has a share of its own where that is so, whatever strangers do', async (_, known, sub, outcome) => {
    vi.useFakeTimers({ toFake: ['Date'] });
    answer = known;
    await come(auth, token(sub, time(700)));
    answer = 401;
    for (let i = 0; i < 61; i++) await come(auth, token(`stranger ${i}`));
    answer = known;
    expect(await come(auth, token(sub, time(800)))).toBe(outcome);
  });

  it('does not stay good by what strangers do: it is asked about after a minute, whatever they have used up', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    const one = token('x', time(900));
    expect(await come(auth, one)).toBe('u1');
    vi.setSystemTime(Date.now() + 61_000);
    answer = 401;
    for (let i = 0; i < 61; i++) await come(auth, token(`stranger ${i}`));
    expect(await come(auth, one)).toBe('BAD_TOKEN');
  });

  it('is asked about once a minute by whichever settings', async () => {
    const one = token('1');
    expect(await come(auth, one)).toBe('u1');
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 50_000 });
    // Other settings make another gateway, which knows of no token yet.
    const more = { roles: ['editor', 'other'] };
    expect(await come(auth, one, more)).toBe('u1');
    expect(asked()).toHaveLength(1);
    vi.setSystemTime(Date.now() + 20_000);
    answer = 401;
    expect(await come(auth, one, more)).toBe('BAD_TOKEN');
  });

  it('is asked about no longer than it lasts, and not at all when it is over', async () => {
    expect(await come(auth, token('1', time(-1)))).toBe('BAD_TOKEN');
    expect(asked()).toHaveLength(0);
  });

  it('that it does not know blocks nobody else', async () => {
    answer = 401;
    expect(await come(auth, token('1'))).toBe('BAD_TOKEN');
    answer = user;
    expect(await come(auth, token('2'))).toBe('u1');
    expect(await come(auth, token('1'))).toBe('BAD_TOKEN');
  });

  it.each([400, 413, 431, 'more than is written about anybody'])(
    'that it answers with %s blocks nobody else',
    async (odd) => {
      answer = typeof odd === 'number' ? odd : { ...user, user_metadata: { about: 'x'.repeat(100_000) } };
      expect(await come(auth, token('1'))).toBe('BAD_TOKEN');
      answer = user;
      expect(await come(auth, token('2'))).toBe('u1');
    },
  );

  it.each([500, 429, 408, 302])(
    'lets nobody in while it answers %i, and leaves it in peace for a moment',
    async (status) => {
      answer = status;
      expect(await come(auth, token('1'))).toBe('IDENTITY_UNREACHABLE');
      answer = user;
      expect(await come(auth, token('1'))).toBe('IDENTITY_UNREACHABLE');
      expect(asked()).toHaveLength(1);
      vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 2_100 });
      expect(await come(auth, token('1'))).toBe('u1');
    },
  );

  it.each([500, 429, 'hang up'])('that was good stays good while it says %s, up to its own end', async (silence) => {
    const one = token('1', time(900));
    expect(await come(auth, one)).toBe('u1');
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 5 * 60_000 });
    const script = host.script;
    host.script =
      silence === 'hang up' ? (_, response) => void response.destroy() : json(Number(silence), { msg: 'not now' });
    expect(await come(auth, one)).toBe('u1');
    expect(await come(auth, token('2'))).toBe('IDENTITY_UNREACHABLE');
    vi.setSystemTime(Date.now() + 11 * 60_000);
    expect(await come(auth, one)).toBe('BAD_TOKEN');
    host.script = script;
  });

  it('that was good is out as soon as the service says so', async () => {
    const one = token('1', time(900));
    expect(await come(auth, one)).toBe('u1');
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 2 * 60_000 });
    answer = 401;
    expect(await come(auth, one)).toBe('BAD_TOKEN');
    answer = 500;
    expect(await come(auth, one)).toBe('BAD_TOKEN');
    // Nor is what it said before remembered when that refusal is forgotten.
    vi.setSystemTime(Date.now() + 2 * 60_000);
    expect(await come(auth, one)).toBe('IDENTITY_UNREACHABLE');
  });

  it('stays good though strangers send more than the service would take, and they cost no more than a budget', async () => {
    const one = token('u1', time(900));
    expect(await come(auth, one)).toBe('u1');
    answer = 401;
    const before = asked().length;
    const outcomes = new Map<string, number>();
    for (let i = 0; i < 300; i++) {
      const outcome = await come(auth, token(`stranger ${i}`));
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    }
    expect(asked().length - before).toBeLessThanOrEqual(61);
    expect(outcomes.get('IDENTITY_UNREACHABLE')).toBeGreaterThan(200);
    answer = user;
    expect(await come(auth, one)).toBe('u1');
    // The same editor's next token, and it is asked about.
    expect(await come(auth, token('u1', time(1_800)))).toBe('u1');
  });

  it('is left in peace as long as it asks for', async () => {
    host.script = (question, response, ...rest) => {
      if (question.url.endsWith('/settings')) return json(200, settings)(question, response, ...rest);
      response.setHeader('retry-after', '30');
      return json(429, {})(question, response, ...rest);
    };
    expect(await come(auth, token('1'))).toBe('IDENTITY_UNREACHABLE');
    const count = asked().length;
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 20_000 });
    expect(await come(auth, token('2'))).toBe('IDENTITY_UNREACHABLE');
    expect(asked()).toHaveLength(count);
    vi.setSystemTime(Date.now() + 11_000);
    expect(await come(auth, token('2'))).toBe('IDENTITY_UNREACHABLE');
    expect(asked()).toHaveLength(count + 1);
  });

  it('of somebody who has not confirmed the address lets nobody in', async () => {
    answer = { ...user, confirmed_at: null };
    expect(await come(auth, token('1'))).toBe('NOT_CONFIRMED');
    answer = { ...user, confirmed_at: '' };
    expect(await come(auth, token('2'))).toBe('NOT_CONFIRMED');
  });

  it('goes by roles as well', async () => {
    answer = { ...user, email: 'other@example.org', app_metadata: { roles: ['editor'] } };
    expect(await come(auth, token('1'))).toBe('u1');
    answer = { ...user, email: 'other@example.org' };
    expect(await come(auth, token('2'))).toBe('NOT_AN_EDITOR');
  });

  it.each([
    ['everybody is let in', { disable_signup: false, autoconfirm: false }, { everyone: true }],
    ['it is not said and everybody is let in', {}, { everyone: true }],
    ['addresses are not verified', { disable_signup: false, autoconfirm: true }, {}],
    ['addresses are not verified, as Supabase writes it', { disable_signup: false, mailer_autoconfirm: true }, {}],
    ['nothing is said about addresses', { disable_signup: false }, {}],
    ['only phone numbers are said to be verified', { disable_signup: false, phone_autoconfirm: false }, {}],
    ['it is said in words', { disable_signup: false, autoconfirm: 'false' }, {}],
    ['it is said with nothing', { disable_signup: false, mailer_autoconfirm: null }, {}],
    ['it is said both ways', { disable_signup: false, autoconfirm: false, mailer_autoconfirm: true }, {}],
    ['it is said both ways, the other way round', { autoconfirm: true, mailer_autoconfirm: false }, {}],
    ['that it is closed is said in words', { disable_signup: 'true' }, {}],
    ['that it is closed is said with a number', { disable_signup: 1 }, {}],
  ])('where anybody can sign up and %s lets nobody in', async (_, given, more) => {
    settings = given;
    expect(await come(auth, token('1'), more)).toBe('SIGN_UP_OPEN');
  });

  it.each([
    ['Netlify', { disable_signup: false, autoconfirm: false }],
    ['Supabase', { disable_signup: false, mailer_autoconfirm: false, phone_autoconfirm: true, saml_enabled: false }],
  ])('where anybody can sign up is good for those on the list, as %s says it', async (_, given) => {
    settings = given;
    expect(await come(auth, token('1'))).toBe('u1');
  });

  it.each([
    ['closed and silent about addresses', { disable_signup: true }],
    ['closed and without a look at addresses', { disable_signup: true, mailer_autoconfirm: true }],
  ])('%s is good for those on the list: only the owner makes accounts there', async (_, given) => {
    settings = given;
    expect(await come(auth, token('1'))).toBe('u1');
  });

  /** As `GET /user` of Supabase's has it: `confirmed_at` is the earlier one of the two. */
  const supabase = {
    ...user,
    aud: 'authenticated',
    role: 'authenticated',
    phone: '',
    email_confirmed_at: '2026-01-01T00:00:00Z',
    identities: [],
    is_anonymous: false,
  };
  it.each([
    ['whose address is confirmed', {}, 'u1'],
    ['whose phone alone is confirmed', { phone: '49123', email_confirmed_at: undefined }, 'NOT_CONFIRMED'],
    ['whose phone is confirmed and no address said', { phone: '49123', email_confirmed_at: null }, 'NOT_CONFIRMED'],
    ['with nothing confirmed', { confirmed_at: undefined, email_confirmed_at: undefined }, 'NOT_CONFIRMED'],
    ['that is anonymous', { is_anonymous: true }, 'NOT_CONFIRMED'],
    ['that is anonymous in words', { is_anonymous: 'true' }, 'NOT_CONFIRMED'],
  ])('of a user of Supabase’s %s', async (_, more, outcome) => {
    answer = { ...supabase, ...more };
    expect(await come(auth, token('1'))).toBe(outcome);
  });
});
