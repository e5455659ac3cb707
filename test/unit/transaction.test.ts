import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { openerOf, recallLogin, recallPendingLogin, type LoginRequest } from '../../lib/oauth/popup-transaction.ts';
import { codeChallenge, sameText } from '../../lib/oauth/transaction.ts';
import { ownCookies } from '../../lib/http/cookies.ts';
import { github } from '../../lib/providers/github.ts';
import { client, failing, http, https, cookieName, login, now, opener, recall, loginRequest } from './login.ts';

describe('Each login', () => {
  it('has an id, a key and a verifier of its own, also in the same instant', () => {
    const logins = Array.from({ length: 50 }, () => login());
    for (const part of ['id', 'key', 'mac', 'name'] as const)
      expect(new Set(logins.map((one) => one[part])).size).toBe(50);
    expect(new Set(logins.map(({ transaction }) => codeChallenge(transaction.codeVerifier))).size).toBe(50);
  });

  it('has a verifier as RFC 7636 wants it, which neither state nor cookie shows', () => {
    const { transaction, cookie } = login();
    expect(transaction.codeVerifier).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(transaction.state + cookie).not.toContain(transaction.codeVerifier);
  });

  it('keeps its key out of the state', () => {
    const { transaction, key } = login();
    expect(key).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(transaction.state).not.toContain(key);
  });

  it('sets exactly this cookie on https', () => {
    const { cookies, id, time, key } = login();
    expect(cookies).toEqual([`__Host-login-${id}=${time}.${key}; Path=/; Max-Age=600; HttpOnly; SameSite=Lax; Secure`]);
    expect(id).toMatch(/^[A-Za-z0-9_-]{12}$/);
    expect(parseInt(time, 36)).toBe(now / 1000);
  });

  it('sets exactly this cookie on http loopback', () => {
    const { cookies, id, time, key } = login({ address: http });
    expect(cookies).toEqual([`login-${id}=${time}.${key}; Path=/; Max-Age=600; HttpOnly; SameSite=Lax`]);
  });

  it('never takes a key that arrived in the request', () => {
    const planted = login();
    const next = login({ cookieHeader: planted.cookie });
    expect(next.key).not.toBe(planted.key);
    expect(next.id).not.toBe(planted.id);
    expect(next.cookies.join()).not.toContain(planted.key);
    expect(() => recall(next.transaction.state, `${next.name}=${planted.value}`)).toThrow(failing('STATE_MISMATCH'));
  });

  it("challenges with S256 as in the RFC's own example (RFC 7636, appendix B)", () => {
    expect(codeChallenge('dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk')).toBe(
      'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
    );
  });
});

describe('A transaction is recalled', () => {
  it.each([true, false])('with its verifier and whether it wants refresh: %s', (wantsRefresh) => {
    const { transaction, cookie } = login({ wantsRefresh });
    expect(transaction.wantsRefresh).toBe(wantsRefresh);
    expect(recall(transaction.state, cookie)).toEqual(transaction);
  });

  it('on http loopback', () => {
    const { transaction, cookie } = login({ address: http });
    expect(
      recallLogin(client, transaction.state, {
        cookieStore: ownCookies(cookie, http, cookieName),
        origin: http.origin,
        now,
      }),
    ).toEqual(transaction);
  });

  it('among those of other tabs and other cookies, in any order', () => {
    const [one, two, three] = [login(), login(), login()];
    const header = ['a=b', three.cookie, 'nonsense', one.cookie, '', two.cookie].join('; ');
    for (const { transaction } of [one, two, three]) expect(recall(transaction.state, header)).toEqual(transaction);
  });

  it.each([0, 1, 600, 659, 660, -1, -59, -60])('%i s later', (seconds) => {
    const { transaction, cookie } = login();
    expect(recall(transaction.state, cookie, now + seconds * 1000)).toEqual(transaction);
  });

  it.each([661, 3600, 1e9, -61, -3600])('but not %i s later', (seconds) => {
    const { transaction, cookie } = login();
    expect(() => recall(transaction.state, cookie, now + seconds * 1000)).toThrow(failing('ATTEMPT_EXPIRED'));
    // The cookie is gone by then; "lost" would be the wrong thing to tell.
    expect(() => recall(transaction.state, '', now + seconds * 1000)).toThrow(failing('ATTEMPT_EXPIRED'));
  });

  it('with a planted cookie of the same name before or after it', () => {
    const { transaction, cookie, name } = login();
    for (const planted of [login().value, `0.${'A'.repeat(43)}`, 'nonsense', '', `zzzzzzzzz.${'_'.repeat(43)}`]) {
      expect(recall(transaction.state, `${name}=${planted}; ${cookie}`)).toEqual(transaction);
      expect(recall(transaction.state, `${cookie}; ${name}=${planted}`)).toEqual(transaction);
    }
  });
});

describe('A transaction is not recalled', () => {
  it.each([
    ['provider', { provider: { ...github, id: 'gitlab' } }],
    ['issuer', { issuer: 'https://git.example.com/login/oauth' }],
    ['client id', { clientId: 'id2' }],
    ['redirect URI', { redirectUri: 'https://auth.example.com/prod/auth/github/callback' }],
  ])('for another %s', (_, binding) => {
    const { transaction, cookie } = login();
    expect(() => recall(transaction.state, cookie, now, binding)).toThrow(failing('STATE_MISMATCH'));
  });

  it('with the other answer to whether refresh is wanted', () => {
    const { cookie, id, time, origin, mac } = login();
    expect(() => recall(`${id}.${time}.1.${origin}.${mac}`, cookie)).toThrow(failing('STATE_MISMATCH'));
  });

  it.each([
    'https://evil.example',
    'https://www.example.com:8443',
    'https://www.example.co',
    'http://www.example.com',
    '*',
    '',
  ])('for another opener: %j', (other) => {
    const { cookie, id, time, refresh, mac } = login();
    const named = Buffer.from(other).toString('base64url');
    expect(() => recall(`${id}.${time}.${refresh}.${named}.${mac}`, cookie)).toThrow(failing('STATE_MISMATCH'));
  });

  it('for the same opener in another spelling of base64url', () => {
    const { cookie, id, time, refresh, mac } = login();
    // 23 characters leave four bits over.
    const named = Buffer.from(opener)
      .toString('base64url')
      .replace(/.$/, (c) => String.fromCharCode(c.charCodeAt(0) + 1));
    expect(Buffer.from(named, 'base64url').toString()).toBe(opener);
    expect(() => recall(`${id}.${time}.${refresh}.${named}.${mac}`, cookie)).toThrow(failing('STATE_MISMATCH'));
  });

  it.each([1, -1, 59])('with a time that is %i s off, also if the cookie says the same', (seconds) => {
    const { id, refresh, origin, mac, name, key } = login();
    const time = (now / 1000 + seconds).toString(36);
    expect(() => recall(`${id}.${time}.${refresh}.${origin}.${mac}`, `${name}=${time}.${key}`)).toThrow(
      failing('STATE_MISMATCH'),
    );
  });

  it('with the same time in another spelling', () => {
    const { transaction, cookie, time } = login();
    expect(() => recall(transaction.state.replace(time, `0${time}`), cookie)).toThrow(failing('STATE_MISMATCH'));
  });

  it('with any one bit of its mac turned', () => {
    const { cookie, id, time, refresh, origin, mac } = login();
    for (let bit = 0; bit < 256; bit++) {
      const bytes = Buffer.from(mac, 'base64url');
      bytes[bit >> 3]! ^= 1 << (bit & 7);
      const turned = bytes.toString('base64url');
      expect(() => recall(`${id}.${time}.${refresh}.${origin}.${turned}`, cookie)).toThrow(failing('STATE_MISMATCH'));
    }
  });

  it('with any one bit of its key turned', () => {
    const { transaction, name, time, key } = login();
    for (let bit = 0; bit < 256; bit++) {
      const bytes = Buffer.from(key, 'base64url');
      bytes[bit >> 3]! ^= 1 << (bit & 7);
      const cookie = `${name}=${time}.${bytes.toString('base64url')}`;
      expect(() => recall(transaction.state, cookie)).toThrow(failing('STATE_MISMATCH'));
    }
  });

  it('with a mac in another spelling of the same bytes', () => {
    const { cookie, id, time, refresh, origin, mac } = login();
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    const last = mac.slice(0, -1) + alphabet[alphabet.indexOf(mac.at(-1) ?? '') ^ 1];
    expect(Buffer.from(last, 'base64url')).toEqual(Buffer.from(mac, 'base64url'));
    expect(() => recall(`${id}.${time}.${refresh}.${origin}.${last}`, cookie)).toThrow(failing('STATE_MISMATCH'));
  });

  it('under the id of another transaction with its cookie', () => {
    const [one, two] = [login(), login()];
    const state = one.transaction.state.replace(one.id, two.id);
    expect(() => recall(state, `${one.cookie}; ${two.cookie}`)).toThrow(failing('STATE_MISMATCH'));
    expect(() => recall(one.transaction.state, `${one.name}=${two.value}`)).toThrow(failing('STATE_MISMATCH'));
  });

  it('without its cookie', () => {
    const { transaction, name, value } = login();
    for (const header of [
      '',
      'a=b',
      login().cookie,
      name,
      `${name}=`,
      `${name}=nonsense`,
      `${name}=${value}x`,
      `${name}=x${value.slice(1)}.`,
      `${name}="${value}"`,
      `${name}==${value}`,
      `${name}=${value.replace('.', '')}`,
      `${name.toLowerCase()}=${value}`,
      `login-${transaction.state.split('.')[0]}=${value}`,
      `x${name}=${value}`,
      `${name}=${value}, a=b`,
    ])
      expect(() => recall(transaction.state, header)).toThrow(failing('COOKIE_LOST'));
  });

  it.each([undefined, ''])('without a state: %j', (state) => {
    expect(() => recall(state, login().cookie)).toThrow(failing('STATE_MISSING'));
  });

  it('by a state of another shape', () => {
    const { transaction, cookie, id, time, refresh, origin, mac } = login();
    for (const state of [
      'nonsense',
      '...',
      id,
      `${id}.${time}.${refresh}`,
      `${id}.${time}.${refresh}.`,
      `${transaction.state} `,
      `${transaction.state}\n`,
      ` ${transaction.state}`,
      `${transaction.state}.`,
      `${transaction.state}=`,
      `${id}.${time}.2.${origin}.${mac}`,
      `${id}.${time}.${refresh}.${mac}`,
      `${id}.${time}.${refresh}..${mac}`,
      `${id}.${time}.${refresh}.${origin}.${origin}.${mac}`,
      `${id}.${time}..${origin}.${mac}`,
      `${id}.-${time}.${refresh}.${origin}.${mac}`,
      `${id}.${time.toUpperCase()}Z.${refresh}.${origin}.${mac}`,
      `${id}.zzzzzzzzzz.${refresh}.${origin}.${mac}`,
      `x${transaction.state}`,
      `__proto__.${time}.${refresh}.${origin}.${mac}`,
      '<script>',
    ])
      expect(() => recall(state, cookie)).toThrow(failing('STATE_MISMATCH'));
  });

  it('whatever is in state and cookies, without any other error than ours', () => {
    const { cookie, name, transaction } = login();
    const codes = /^(STATE_MISSING|STATE_MISMATCH|ATTEMPT_EXPIRED|COOKIE_LOST)$/;
    const anything = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string().map((s) => `${name}=${s}`),
      fc.constant(cookie),
    );
    fc.assert(
      fc.property(fc.oneof(anything, fc.constant(transaction.state)), anything, (state, header) => {
        if (state === transaction.state && header === cookie) return;
        let code = '';
        try {
          recall(state, header);
        } catch (error) {
          code = (error as { code: string }).code;
        }
        expect(code).toMatch(codes);
      }),
    );
  });
});

describe('A CSRF token', () => {
  const prove = (csrfToken: string | undefined, cookieHeader: string, at = now, other: Partial<LoginRequest> = {}) =>
    recallPendingLogin({ ...loginRequest, ...other }, csrfToken, {
      cookieStore: ownCookies(cookieHeader, https, cookieName),
      origin: https.origin,
      now: at,
    });

  it.each([true, false])('brings back whether refresh is wanted: %s', (wantsRefresh) => {
    const { csrfToken, cookie } = login({ wantsRefresh });
    expect(prove(csrfToken, cookie)).toMatchObject({ wantsRefresh });
  });

  it('shows neither key nor verifier', () => {
    const { csrfToken, key, transaction } = login();
    for (const hidden of [key, transaction.codeVerifier]) expect(csrfToken).not.toContain(hidden);
  });

  it.each([
    ['provider', { provider: { ...github, id: 'gitlab' } }],
    ['scope', { scope: 'repo user' }],
    ['scope, which is none', { scope: undefined }],
    ['scope, which is empty', { scope: '' }],
  ])('is not one for another %s', (_, other) => {
    const { csrfToken, cookie } = login();
    expect(() => prove(csrfToken, cookie, now, other)).toThrow(failing('STATE_MISMATCH'));
  });

  it('is none with any of its parts changed', () => {
    const { csrfToken, cookie, id, time } = login();
    const mac = csrfToken.split('.')[3] ?? '';
    const later = (now / 1000 + 1).toString(36);
    for (const changed of [
      `${id}.${time}.1.${mac}`,
      `${id}.${later}.0.${mac}`,
      `${id}.0${time}.0.${mac}`,
      `${id}.${time}.0.${mac.replace(/.$/, (c) => (c === 'A' ? 'E' : 'A'))}`,
      `${id}.${time}.0.x.${mac}`,
      `${csrfToken}.`,
      `${csrfToken}\n`,
    ])
      expect(() => prove(changed, cookie)).toThrow(failing('STATE_MISMATCH'));
  });

  it('is none for another login, after ten minutes, or without its cookie', () => {
    const [one, two] = [login(), login()];
    expect(() => prove(one.csrfToken, two.cookie)).toThrow(failing('COOKIE_LOST'));
    expect(() => prove(one.csrfToken, `${one.name}=${two.value}`)).toThrow(failing('STATE_MISMATCH'));
    expect(() => prove(one.csrfToken, '')).toThrow(failing('COOKIE_LOST'));
    expect(() => prove(one.csrfToken, one.cookie, now + 661_000)).toThrow(failing('ATTEMPT_EXPIRED'));
    expect(() => prove(undefined, one.cookie)).toThrow(failing('STATE_MISSING'));
  });

  it('is no state, and a state is no CSRF token', () => {
    const { csrfToken, transaction, cookie } = login();
    expect(() => recall(csrfToken, cookie)).toThrow(failing('STATE_MISMATCH'));
    expect(() => prove(transaction.state, cookie)).toThrow(failing('STATE_MISMATCH'));
  });
});

describe('The opener that a state names', () => {
  it('is read whether or not the state is a good one', () => {
    const { transaction } = login();
    expect(openerOf(transaction.state)).toBe(opener);
    expect(openerOf(transaction.state.replace(/.{10}$/, 'AAAAAAAAAA'))).toBe(opener);
  });

  it.each([
    '*',
    '/',
    'null',
    '',
    'https://',
    'https://www.example.com/',
    'javascript:alert(1)',
    'file://',
    'ftp://a.b',
    'HTTPS://A.B',
    '\0',
  ])('is nobody where a message cannot be addressed to it: %j', (text) => {
    const state = `AAAAAAAAAAAA.1.0.${Buffer.from(text).toString('base64url')}.${'A'.repeat(43)}`;
    expect(openerOf(state)).toBeUndefined();
  });

  it('is nobody in what is no state at all', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => void expect(openerOf(text)).toBeUndefined()));
    expect(openerOf(undefined)).toBeUndefined();
  });
});

it('Texts of two lengths are not the same, and compared without an error', () => {
  expect(sameText('abc', 'abc')).toBe(true);
  for (const other of ['abd', 'ab', 'abcd', '']) expect(sameText('abc', other)).toBe(false);
});
