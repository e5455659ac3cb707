import { describe, expect, it } from 'vitest';
import { beginLogin, bindLogin, recallLogin, recallPendingLogin } from '../../lib/oauth/popup-transaction.ts';
import { forgetTransactions } from '../../lib/oauth/transaction.ts';
import { ownCookies } from '../../lib/http/cookies.ts';
import { sessionCookie } from '../../lib/http/session-cookie.ts';
import { begin, client, failing, http, https, cookieName, login, now, opener, pair, loginRequest } from './login.ts';

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
  it('clears exactly the cookie of the transaction, with the attributes that it was set with', () => {
    const { transaction, name } = login();
    expect(forgetTransactions([transaction.state, `${transaction.state}x`], ownCookies('', https, cookieName))).toEqual(
      [`${name}=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax; Secure`],
    );
    expect(forgetTransactions([transaction.state], ownCookies('', http, cookieName))).toEqual([
      `${name.replace('__Host-', '')}=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax`,
    ]);
  });

  it('also forgets transactions whose state is wrong behind the id', () => {
    expect(forgetTransactions(['AAAAAAAAAAAA.nonsense'], ownCookies('', https, cookieName))).toHaveLength(1);
  });

  it.each(['', '.', 'short', 'AAAAAAAAAAAAA', 'AAAAAAAAAAA;', 'AAAAAAAAAAA\n', 'AAAAAAAAAAAA\r\nX: y', 'a=b; Path=/x'])(
    'sets nothing for a state without a well-formed id: %j',
    (state) => {
      expect(forgetTransactions([state], ownCookies('', https, cookieName))).toEqual([]);
    },
  );
});

describe('Where only __session comes through', () => {
  const seconds = now / 1000;
  const prefixed = { ...https, prefix: '/prod' };
  const start = (header = '', at = seconds, address = https) => {
    const cookieStore = sessionCookie(header, address, cookieName, at);
    const { csrfToken, cookies } = beginLogin(loginRequest, { cookieStore, wantsRefresh: false, now: at * 1000 });
    const kept = sessionCookie(pair(cookies[0]), address, cookieName, at);
    const opening = recallPendingLogin(loginRequest, csrfToken, {
      cookieStore: kept,
      origin: address.origin,
      now: at * 1000,
    });
    const transaction = bindLogin(opening, client, opener);
    return { transaction, id: transaction.state.slice(0, 12), cookies, header: pair(cookies[0]) };
  };
  const finish = (state: string, header: string, at = seconds) =>
    recallLogin(client, state, {
      cookieStore: sessionCookie(header, https, cookieName, at),
      origin: https.origin,
      now: at * 1000,
    });
  const forget = (state: string, header: string) =>
    forgetTransactions([state], sessionCookie(header, https, cookieName, seconds));

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
    for (const { transaction } of [one, two, three])
      expect(finish(transaction.state, three.header)).toEqual(transaction);
    const four = start(three.header, seconds + 3);
    expect(() => finish(one.transaction.state, four.header)).toThrow(failing('COOKIE_LOST'));
    for (const { transaction } of [two, three, four])
      expect(finish(transaction.state, four.header)).toEqual(transaction);
  });

  it('forgets one and keeps the others, and the cookie goes with the last', () => {
    const one = start();
    const two = start(one.header);
    const [left, ...more] = forget(one.transaction.state, two.header);
    expect(more).toEqual([]);
    expect(() => finish(one.transaction.state, pair(left))).toThrow(failing('COOKIE_LOST'));
    expect(finish(two.transaction.state, pair(left))).toEqual(two.transaction);
    expect(forget(two.transaction.state, pair(left))).toEqual([
      '__session=; Path=/auth; Max-Age=0; HttpOnly; SameSite=Lax; Secure',
    ]);
    expect(forget(one.transaction.state, pair(left))).toEqual([]);
  });

  it('has its name and its path from the routes, so that two modules on one host leave each other alone', () => {
    const signin = { name: 'signin', path: '/git' };
    const storeOf = (header: string, own = signin) => sessionCookie(header, prefixed, own, seconds);
    const { csrfToken, cookies } = beginLogin(loginRequest, { cookieStore: storeOf(''), wantsRefresh: false, now });
    expect(cookies).toEqual([expect.stringMatching(/^__session=signin~[^;]+; Path=\/prod\/git; Max-Age=600;/)]);
    const header = pair(cookies[0]);
    expect(storeOf(header).keysOf(csrfToken.slice(0, 12))).toHaveLength(1);
    expect(storeOf(header, cookieName).keysOf(csrfToken.slice(0, 12))).toEqual([]);
    expect(forgetTransactions([csrfToken], storeOf(header, cookieName))).toEqual([]);
    const own = beginLogin(loginRequest, { cookieStore: ownCookies('', https, signin), wantsRefresh: false, now });
    expect(own.cookies[0]).toMatch(/^__Host-signin-[\w-]{12}=/);
    expect(ownCookies(pair(own.cookies[0]), https, cookieName).keysOf(own.csrfToken.slice(0, 12))).toEqual([]);
  });

  it("neither reads nor touches the site's own, before or after ours", () => {
    const { transaction, header } = start();
    for (const own of ['abc', 'login', 'login~', 'eyJhbGciOi.eyJzdWIi.c2ln', `${header.slice(10)}~x`, '']) {
      const site = `__session=${own}`;
      expect(start(site).header).toMatch(/^__session=login~[^~]+$/);
      expect(finish(transaction.state, `${site}; ${header}`)).toEqual(transaction);
      expect(finish(transaction.state, `${header}; ${site}`)).toEqual(transaction);
      expect(forget(transaction.state, site)).toEqual([]);
    }
  });

  it('never takes a key that arrived in the request', () => {
    const planted = start();
    const next = start(planted.header);
    expect(next.id).not.toBe(planted.id);
    const key = planted.header.slice(-43);
    const forged = next.header.replace(/[\w-]{43}/, key);
    expect(() => finish(next.transaction.state, forged)).toThrow(failing('STATE_MISMATCH'));
  });

  it('drops what is too old or from the future, so that it cannot crowd out a login', () => {
    const late = [start('', seconds + 700), start('', seconds + 800), start('', seconds - 700)];
    const entries = late.map(({ header }) => header.slice('__session=login~'.length));
    const mine = start(`__session=login~${entries.join('~')}`);
    expect(mine.header.split('~')).toHaveLength(2);
  });

  it('tells an expired transaction from a lost one', () => {
    const { transaction, header } = start();
    expect(() => finish(transaction.state, header, seconds + 661)).toThrow(failing('ATTEMPT_EXPIRED'));
    expect(() => finish(transaction.state, '__session=theirs')).toThrow(failing('COOKIE_LOST'));
  });
});
