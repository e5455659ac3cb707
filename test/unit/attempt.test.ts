import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { beginLogin, recallLogin } from '../../lib/hop/attempt.ts';
import { codeChallenge, forgetAttempts } from '../../lib/oauth/attempt.ts';
import { ownCookies, sessionCookie } from '../../lib/oauth/cookies.ts';
import { github } from '../../lib/providers/github.ts';
import type { Address, Client } from '../../lib/settings/settings.ts';

const now = Date.UTC(2026, 5, 1);
const https: Address = { origin: 'https://auth.example.com', prefix: '', secure: true };
const label = { name: 'login', path: '/auth' };
const http: Address = { origin: 'http://localhost:8888', prefix: '', secure: false };
const client: Client = {
  provider: github,
  issuer: 'https://github.com/login/oauth',
  authorizationEndpoint: 'https://github.com/login/oauth/authorize',
  tokenEndpoint: 'https://github.com/login/oauth/access_token',
  clientId: 'id',
  redirectUri: 'https://auth.example.com/auth/github/callback',
};

interface Begin {
  address?: Address;
  cookieHeader?: string;
  wantsRefresh?: boolean;
  now?: number;
}
const begin = ({ address = https, cookieHeader = '', ...options }: Begin = {}) =>
  beginLogin(client, { jar: ownCookies(cookieHeader, address, label), wantsRefresh: false, now, ...options });

/** The `name=value` that a browser would send back for a `Set-Cookie`. */
const pair = (setCookie: string | undefined): string => setCookie?.split(';', 1)[0] ?? '';

function login(options: Begin = {}) {
  const { attempt, cookies } = begin(options);
  const cookie = pair(cookies.at(-1));
  const [name = '', value = ''] = cookie.split('=');
  const [id = '', time = '', refresh = '', mac = ''] = attempt.state.split('.');
  return { attempt, cookies, cookie, name, value, id, time, refresh, mac, key: value.split('.')[1] ?? '' };
}

const recall = (state: string | undefined, cookieHeader: string, at = now, terms: Partial<Client> = {}) =>
  recallLogin({ ...client, ...terms }, state, {
    jar: ownCookies(cookieHeader, https, label),
    origin: https.origin,
    now: at,
  });

const failing = (code: string) => expect.objectContaining({ code });

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
      recallLogin(client, attempt.state, { jar: ownCookies(cookie, http, label), origin: http.origin, now }),
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
    const { cookie, id, time, mac } = login();
    expect(() => recall(`${id}.${time}.1.${mac}`, cookie)).toThrow(failing('STATE_MISMATCH'));
  });

  it.each([1, -1, 59])('with a time that is %i s off, also if the cookie says the same', (seconds) => {
    const { id, refresh, mac, name, key } = login();
    const time = (now / 1000 + seconds).toString(36);
    expect(() => recall(`${id}.${time}.${refresh}.${mac}`, `${name}=${time}.${key}`)).toThrow(
      failing('STATE_MISMATCH'),
    );
  });

  it('with the same time in another spelling', () => {
    const { attempt, cookie, time } = login();
    expect(() => recall(attempt.state.replace(time, `0${time}`), cookie)).toThrow(failing('STATE_MISMATCH'));
  });

  it('with any one bit of its mac turned', () => {
    const { cookie, id, time, refresh, mac } = login();
    for (let bit = 0; bit < 256; bit++) {
      const bytes = Buffer.from(mac, 'base64url');
      bytes[bit >> 3]! ^= 1 << (bit & 7);
      const turned = bytes.toString('base64url');
      expect(() => recall(`${id}.${time}.${refresh}.${turned}`, cookie)).toThrow(failing('STATE_MISMATCH'));
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
    const { cookie, id, time, refresh, mac } = login();
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    const last = mac.slice(0, -1) + alphabet[alphabet.indexOf(mac.at(-1) ?? '') ^ 1];
    expect(Buffer.from(last, 'base64url')).toEqual(Buffer.from(mac, 'base64url'));
    expect(() => recall(`${id}.${time}.${refresh}.${last}`, cookie)).toThrow(failing('STATE_MISMATCH'));
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
    const { attempt, cookie, id, time, refresh, mac } = login();
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
      `${id}.${time}.2.${mac}`,
      `${id}.${time}..${mac}`,
      `${id}.-${time}.${refresh}.${mac}`,
      `${id}.${time.toUpperCase()}Z.${refresh}.${mac}`,
      `${id}.zzzzzzzzzz.${refresh}.${mac}`,
      `x${attempt.state}`,
      `__proto__.${time}.${refresh}.${mac}`,
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

describe('Cookies of logins that were given up', () => {
  const earlier = (count: number, address = https) =>
    Array.from({ length: count }, (_, i) => login({ address, now: now - (count - i) * 1000 }));
  const header = (logins: { cookie: string }[]) => logins.map(({ cookie }) => cookie).join('; ');
  const names = (cookies: string[]) => cookies.map((cookie) => cookie.split('=', 1)[0]);

  it('are left alone up to five', () => {
    expect(begin({ cookieHeader: header(earlier(5)) }).cookies).toHaveLength(1);
  });

  it.each([https, http])('are cleared beyond five, the oldest ($origin)', (address) => {
    const logins = earlier(7, address);
    const shuffled = [3, 0, 6, 2, 5, 1, 4].map((i) => logins[i]!);
    const { cookies } = begin({ address, cookieHeader: header(shuffled) });
    const tail = `=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax${address.secure ? '; Secure' : ''}`;
    expect(cookies.slice(0, -1).sort()).toEqual([`${logins[0]!.name}${tail}`, `${logins[1]!.name}${tail}`].sort());
  });

  it('go first if they are malformed', () => {
    const malformed = '__Host-login-AAAAAAAAAAAA=nonsense';
    const { cookies } = begin({ cookieHeader: `${malformed}; ${header(earlier(5))}` });
    expect(names(cookies.slice(0, -1))).toEqual(['__Host-login-AAAAAAAAAAAA']);
  });

  it("are cleared only if they are ours by name, never somebody else's", () => {
    const others = ['session=1', 'login-AAAAAAAAAAAA=x', '__Host-login-short=x', '__Host-login-AAAAAAAAAAAAA=x'];
    const { cookies } = begin({ cookieHeader: `${others.join('; ')}; ${header(earlier(6))}` });
    expect(cookies).toHaveLength(2);
  });

  it('are cleared once each, also if there are two of one name', () => {
    const logins = earlier(8);
    const { cookies } = begin({ cookieHeader: `${header(logins)}; ${header(logins)}` });
    expect(new Set(names(cookies)).size).toBe(cookies.length);
  });

  it('are not cleared because a planted cookie of their name looks old', () => {
    const logins = earlier(3);
    const planted = logins.map(({ name }) => `${name}=0.${'A'.repeat(43)}`).join('; ');
    expect(begin({ cookieHeader: `${header(logins)}; ${planted}` }).cookies).toHaveLength(1);
  });

  it('cannot make the answer as large as the request', () => {
    const { cookies } = begin({ cookieHeader: header(earlier(200)) });
    expect(cookies.length).toBeLessThan(25);
  });
});

describe('Forgetting', () => {
  it('clears exactly the cookie of the attempt, with the attributes that it was set with', () => {
    const { attempt, name } = login();
    expect(forgetAttempts([attempt.state, `${attempt.state}x`], ownCookies('', https, label))).toEqual([
      `${name}=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax; Secure`,
    ]);
    expect(forgetAttempts([attempt.state], ownCookies('', http, label))).toEqual([
      `${name.replace('__Host-', '')}=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax`,
    ]);
  });

  it('also forgets attempts whose state is wrong behind the id', () => {
    expect(forgetAttempts(['AAAAAAAAAAAA.nonsense'], ownCookies('', https, label))).toHaveLength(1);
  });

  it.each(['', '.', 'short', 'AAAAAAAAAAAAA', 'AAAAAAAAAAA;', 'AAAAAAAAAAA\n', 'AAAAAAAAAAAA\r\nX: y', 'a=b; Path=/x'])(
    'sets nothing for a state without a well-formed id: %j',
    (state) => {
      expect(forgetAttempts([state], ownCookies('', https, label))).toEqual([]);
    },
  );
});

describe('Where only __session comes through', () => {
  const seconds = now / 1000;
  const prefixed = { ...https, prefix: '/prod' };
  const start = (header = '', at = seconds, address = https) => {
    const jar = sessionCookie(header, address, label, at);
    const { attempt, cookies } = beginLogin(client, { jar, wantsRefresh: false, now: at * 1000 });
    return { attempt, id: attempt.state.slice(0, 12), cookies, header: pair(cookies[0]) };
  };
  const finish = (state: string, header: string, at = seconds) =>
    recallLogin(client, state, {
      jar: sessionCookie(header, https, label, at),
      origin: https.origin,
      now: at * 1000,
    });
  const forget = (state: string, header: string) =>
    forgetAttempts([state], sessionCookie(header, https, label, seconds));

  it('sets exactly this cookie', () => {
    const { cookies, id } = start('', seconds, prefixed);
    const time = seconds.toString(36);
    expect(cookies).toHaveLength(1);
    expect(cookies[0]).toMatch(
      new RegExp(
        `^__session=login~${id}\\.${time}\\.[\\w-]{43}; Path=/prod/auth; Max-Age=600; HttpOnly; SameSite=Lax; Secure$`,
      ),
    );
    expect(start('', seconds, http).cookies[0]).toMatch(/; Path=\/auth; Max-Age=600; HttpOnly; SameSite=Lax$/);
  });

  it('logs in three tabs at a time, and a fourth instead of the oldest', () => {
    const one = start();
    const two = start(one.header, seconds + 1);
    const three = start(two.header, seconds + 2);
    for (const { attempt } of [one, two, three]) expect(finish(attempt.state, three.header)).toEqual(attempt);
    const four = start(three.header, seconds + 3);
    expect(() => finish(one.attempt.state, four.header)).toThrow(failing('COOKIE_LOST'));
    for (const { attempt } of [two, three, four]) expect(finish(attempt.state, four.header)).toEqual(attempt);
  });

  it('forgets one and keeps the others, and the cookie goes with the last', () => {
    const one = start();
    const two = start(one.header);
    const [left, ...more] = forget(one.attempt.state, two.header);
    expect(more).toEqual([]);
    expect(() => finish(one.attempt.state, pair(left))).toThrow(failing('COOKIE_LOST'));
    expect(finish(two.attempt.state, pair(left))).toEqual(two.attempt);
    expect(forget(two.attempt.state, pair(left))).toEqual([
      '__session=; Path=/auth; Max-Age=0; HttpOnly; SameSite=Lax; Secure',
    ]);
    expect(forget(one.attempt.state, pair(left))).toEqual([]);
  });

  it('has its name and its path from the wing, so that two wings on one host leave each other alone', () => {
    const signin = { name: 'signin', path: '/git' };
    const jarOf = (header: string, own = signin) => sessionCookie(header, prefixed, own, seconds);
    const { attempt, cookies } = beginLogin(client, { jar: jarOf(''), wantsRefresh: false, now });
    expect(cookies).toEqual([expect.stringMatching(/^__session=signin~[^;]+; Path=\/prod\/git; Max-Age=600;/)]);
    const header = pair(cookies[0]);
    expect(jarOf(header).keysOf(attempt.state.slice(0, 12))).toHaveLength(1);
    expect(jarOf(header, label).keysOf(attempt.state.slice(0, 12))).toEqual([]);
    expect(forgetAttempts([attempt.state], jarOf(header, label))).toEqual([]);
    const own = beginLogin(client, { jar: ownCookies('', https, signin), wantsRefresh: false, now });
    expect(own.cookies[0]).toMatch(/^__Host-signin-[\w-]{12}=/);
    expect(ownCookies(pair(own.cookies[0]), https, label).keysOf(own.attempt.state.slice(0, 12))).toEqual([]);
  });

  it("neither reads nor touches the site's own, before or after ours", () => {
    const { attempt, header } = start();
    for (const own of ['abc', 'login', 'login~', 'eyJhbGciOi.eyJzdWIi.c2ln', `${header.slice(10)}~x`, '']) {
      const site = `__session=${own}`;
      expect(start(site).header).toMatch(/^__session=login~[^~]+$/);
      expect(finish(attempt.state, `${site}; ${header}`)).toEqual(attempt);
      expect(finish(attempt.state, `${header}; ${site}`)).toEqual(attempt);
      expect(forget(attempt.state, site)).toEqual([]);
    }
  });

  it('never takes a key that arrived in the request', () => {
    const planted = start();
    const next = start(planted.header);
    expect(next.id).not.toBe(planted.id);
    const key = planted.header.slice(-43);
    const forged = next.header.replace(/[\w-]{43}/, key);
    expect(() => finish(next.attempt.state, forged)).toThrow(failing('STATE_MISMATCH'));
  });

  it('drops what is too old or from the future, so that it cannot crowd out a login', () => {
    const late = [start('', seconds + 700), start('', seconds + 800), start('', seconds - 700)];
    const entries = late.map(({ header }) => header.slice('__session=login~'.length));
    const mine = start(`__session=login~${entries.join('~')}`);
    expect(mine.header.split('~')).toHaveLength(2);
  });

  it('tells an expired attempt from a lost one', () => {
    const { attempt, header } = start();
    expect(() => finish(attempt.state, header, seconds + 661)).toThrow(failing('ATTEMPT_EXPIRED'));
    expect(() => finish(attempt.state, '__session=theirs')).toThrow(failing('COOKIE_LOST'));
  });
});
