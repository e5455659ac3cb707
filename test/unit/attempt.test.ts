import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { openerOf, recallLogin, recallOpening, type Wish } from '../../lib/oauth/popup-transaction.ts';
import { codeChallenge } from '../../lib/oauth/transaction.ts';
import { ownCookies } from '../../lib/oauth/cookies.ts';
import { github } from '../../lib/providers/github.ts';
import { client, failing, http, https, label, login, now, opener, recall, wish } from './login.ts';

describe('Each login', () => {
  it('has an id, a key and a verifier of its own, also in the same instant', () => {
    const logins = Array.from({ length: 50 }, () => login());
    for (const part of ['id', 'key', 'mac', 'name'] as const)
      expect(new Set(logins.map((one) => one[part])).size).toBe(50);
    expect(new Set(logins.map(({ attempt }) => codeChallenge(attempt.codeVerifier))).size).toBe(50);
  });

  it('has a verifier as RFC 7636 wants it, which neither state nor cookie shows', () => {
    const { attempt, cookie } = login();
    expect(attempt.codeVerifier).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(attempt.state + cookie).not.toContain(attempt.codeVerifier);
  });

  it('keeps its key out of the state', () => {
    const { attempt, key } = login();
    expect(key).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(attempt.state).not.toContain(key);
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
    expect(() => recall(next.attempt.state, `${next.name}=${planted.value}`)).toThrow(failing('STATE_MISMATCH'));
  });

  it("challenges with S256 as in the RFC's own example (RFC 7636, appendix B)", () => {
    expect(codeChallenge('dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk')).toBe(
      'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
    );
  });
});

describe('An attempt is recalled', () => {
  it.each([true, false])('with its verifier and whether it wants refresh: %s', (wantsRefresh) => {
    const { attempt, cookie } = login({ wantsRefresh });
    expect(attempt.wantsRefresh).toBe(wantsRefresh);
    expect(recall(attempt.state, cookie)).toEqual(attempt);
  });

  it('on http loopback', () => {
    const { attempt, cookie } = login({ address: http });
    expect(
      recallLogin(client, attempt.state, { cookieStore: ownCookies(cookie, http, label), origin: http.origin, now }),
    ).toEqual(attempt);
  });

  it('among those of other tabs and other cookies, in any order', () => {
    const [one, two, three] = [login(), login(), login()];
    const header = ['a=b', three.cookie, 'nonsense', one.cookie, '', two.cookie].join('; ');
    for (const { attempt } of [one, two, three]) expect(recall(attempt.state, header)).toEqual(attempt);
  });

  it.each([0, 1, 600, 659, 660, -1, -59, -60])('%i s later', (seconds) => {
    const { attempt, cookie } = login();
    expect(recall(attempt.state, cookie, now + seconds * 1000)).toEqual(attempt);
  });

  it.each([661, 3600, 1e9, -61, -3600])('but not %i s later', (seconds) => {
    const { attempt, cookie } = login();
    expect(() => recall(attempt.state, cookie, now + seconds * 1000)).toThrow(failing('ATTEMPT_EXPIRED'));
    // The cookie is gone by then; "lost" would be the wrong thing to tell.
    expect(() => recall(attempt.state, '', now + seconds * 1000)).toThrow(failing('ATTEMPT_EXPIRED'));
  });

  it('with a planted cookie of the same name before or after it', () => {
    const { attempt, cookie, name } = login();
    for (const planted of [login().value, `0.${'A'.repeat(43)}`, 'nonsense', '', `zzzzzzzzz.${'_'.repeat(43)}`]) {
      expect(recall(attempt.state, `${name}=${planted}; ${cookie}`)).toEqual(attempt);
      expect(recall(attempt.state, `${cookie}; ${name}=${planted}`)).toEqual(attempt);
    }
  });
});

describe('An attempt is not recalled', () => {
  it.each([
    ['provider', { provider: { ...github, id: 'gitlab' } }],
    ['issuer', { issuer: 'https://git.example.com/login/oauth' }],
    ['client id', { clientId: 'id2' }],
    ['redirect URI', { redirectUri: 'https://auth.example.com/prod/auth/github/callback' }],
  ])('for another %s', (_, terms) => {
    const { attempt, cookie } = login();
    expect(() => recall(attempt.state, cookie, now, terms)).toThrow(failing('STATE_MISMATCH'));
  });

  it('with the wish for refresh turned', () => {
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
    const { attempt, cookie, time } = login();
    expect(() => recall(attempt.state.replace(time, `0${time}`), cookie)).toThrow(failing('STATE_MISMATCH'));
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
    const { attempt, name, time, key } = login();
    for (let bit = 0; bit < 256; bit++) {
      const bytes = Buffer.from(key, 'base64url');
      bytes[bit >> 3]! ^= 1 << (bit & 7);
      const cookie = `${name}=${time}.${bytes.toString('base64url')}`;
      expect(() => recall(attempt.state, cookie)).toThrow(failing('STATE_MISMATCH'));
    }
  });

  it('with a mac in another spelling of the same bytes', () => {
    const { cookie, id, time, refresh, origin, mac } = login();
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    const last = mac.slice(0, -1) + alphabet[alphabet.indexOf(mac.at(-1) ?? '') ^ 1];
    expect(Buffer.from(last, 'base64url')).toEqual(Buffer.from(mac, 'base64url'));
    expect(() => recall(`${id}.${time}.${refresh}.${origin}.${last}`, cookie)).toThrow(failing('STATE_MISMATCH'));
  });

  it('under the id of another attempt with its cookie', () => {
    const [one, two] = [login(), login()];
    const state = one.attempt.state.replace(one.id, two.id);
    expect(() => recall(state, `${one.cookie}; ${two.cookie}`)).toThrow(failing('STATE_MISMATCH'));
    expect(() => recall(one.attempt.state, `${one.name}=${two.value}`)).toThrow(failing('STATE_MISMATCH'));
  });

  it('without its cookie', () => {
    const { attempt, name, value } = login();
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
      `login-${attempt.state.split('.')[0]}=${value}`,
      `x${name}=${value}`,
      `${name}=${value}, a=b`,
    ])
      expect(() => recall(attempt.state, header)).toThrow(failing('COOKIE_LOST'));
  });

  it.each([undefined, ''])('without a state: %j', (state) => {
    expect(() => recall(state, login().cookie)).toThrow(failing('STATE_MISSING'));
  });

  it('by a state of another shape', () => {
    const { attempt, cookie, id, time, refresh, origin, mac } = login();
    for (const state of [
      'nonsense',
      '...',
      id,
      `${id}.${time}.${refresh}`,
      `${id}.${time}.${refresh}.`,
      `${attempt.state} `,
      `${attempt.state}\n`,
      ` ${attempt.state}`,
      `${attempt.state}.`,
      `${attempt.state}=`,
      `${id}.${time}.2.${origin}.${mac}`,
      `${id}.${time}.${refresh}.${mac}`,
      `${id}.${time}.${refresh}..${mac}`,
      `${id}.${time}.${refresh}.${origin}.${origin}.${mac}`,
      `${id}.${time}..${origin}.${mac}`,
      `${id}.-${time}.${refresh}.${origin}.${mac}`,
      `${id}.${time.toUpperCase()}Z.${refresh}.${origin}.${mac}`,
      `${id}.zzzzzzzzzz.${refresh}.${origin}.${mac}`,
      `x${attempt.state}`,
      `__proto__.${time}.${refresh}.${origin}.${mac}`,
      '<script>',
    ])
      expect(() => recall(state, cookie)).toThrow(failing('STATE_MISMATCH'));
  });

  it('whatever is in state and cookies, without any other error than ours', () => {
    const { cookie, name, attempt } = login();
    const codes = /^(STATE_MISSING|STATE_MISMATCH|ATTEMPT_EXPIRED|COOKIE_LOST)$/;
    const anything = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string().map((s) => `${name}=${s}`),
      fc.constant(cookie),
    );
    fc.assert(
      fc.property(fc.oneof(anything, fc.constant(attempt.state)), anything, (state, header) => {
        if (state === attempt.state && header === cookie) return;
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

describe('A proof', () => {
  const prove = (proof: string | undefined, cookieHeader: string, at = now, other: Partial<Wish> = {}) =>
    recallOpening({ ...wish, ...other }, proof, {
      cookieStore: ownCookies(cookieHeader, https, label),
      origin: https.origin,
      now: at,
    });

  it.each([true, false])('brings back whether refresh is wanted: %s', (wantsRefresh) => {
    const { proof, cookie } = login({ wantsRefresh });
    expect(prove(proof, cookie)).toMatchObject({ wantsRefresh });
  });

  it('shows neither key nor verifier', () => {
    const { proof, key, attempt } = login();
    for (const hidden of [key, attempt.codeVerifier]) expect(proof).not.toContain(hidden);
  });

  it.each([
    ['provider', { provider: { ...github, id: 'gitlab' } }],
    ['scope', { scope: 'repo user' }],
    ['scope, which is none', { scope: undefined }],
    ['scope, which is empty', { scope: '' }],
  ])('is not one for another %s', (_, other) => {
    const { proof, cookie } = login();
    expect(() => prove(proof, cookie, now, other)).toThrow(failing('STATE_MISMATCH'));
  });

  it('is none with any of its parts changed', () => {
    const { proof, cookie, id, time } = login();
    const mac = proof.split('.')[3] ?? '';
    const later = (now / 1000 + 1).toString(36);
    for (const changed of [
      `${id}.${time}.1.${mac}`,
      `${id}.${later}.0.${mac}`,
      `${id}.0${time}.0.${mac}`,
      `${id}.${time}.0.${mac.replace(/.$/, (c) => (c === 'A' ? 'E' : 'A'))}`,
      `${id}.${time}.0.x.${mac}`,
      `${proof}.`,
      `${proof}\n`,
    ])
      expect(() => prove(changed, cookie)).toThrow(failing('STATE_MISMATCH'));
  });

  it('is none for another login, after ten minutes, or without its cookie', () => {
    const [one, two] = [login(), login()];
    expect(() => prove(one.proof, two.cookie)).toThrow(failing('COOKIE_LOST'));
    expect(() => prove(one.proof, `${one.name}=${two.value}`)).toThrow(failing('STATE_MISMATCH'));
    expect(() => prove(one.proof, '')).toThrow(failing('COOKIE_LOST'));
    expect(() => prove(one.proof, one.cookie, now + 661_000)).toThrow(failing('ATTEMPT_EXPIRED'));
    expect(() => prove(undefined, one.cookie)).toThrow(failing('STATE_MISSING'));
  });

  it('is no state, and a state is no proof', () => {
    const { proof, attempt, cookie } = login();
    expect(() => recall(proof, cookie)).toThrow(failing('STATE_MISMATCH'));
    expect(() => prove(attempt.state, cookie)).toThrow(failing('STATE_MISMATCH'));
  });
});

describe('The opener that a state names', () => {
  it('is read whether or not the state is a good one', () => {
    const { attempt } = login();
    expect(openerOf(attempt.state)).toBe(opener);
    expect(openerOf(attempt.state.replace(/.{10}$/, 'AAAAAAAAAA'))).toBe(opener);
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
