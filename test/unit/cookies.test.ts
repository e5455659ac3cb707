import { describe, expect, it } from 'vitest';
import { cookieStoreFor, ownCookies } from '../../lib/http/cookies.ts';
import { sessionCookie } from '../../lib/http/session-cookie.ts';
import type { Entry } from '../../lib/http/cookie-store.ts';

const address = { origin: 'https://auth.example.com', prefix: '', secure: true };
const cookieName = { name: 'login', path: '/auth' };
const now = 1_780_000_000;

const entry = (name: string, time: number): Entry => ({ id: name.repeat(12), time, key: name.repeat(43) });
const cookie = (...entries: Entry[]) =>
  `__session=${['login', ...entries.map(({ id, time, key }) => `${id}.${time.toString(36)}.${key}`)].join('~')}`;
const cookieStore = (...cookies: string[]) => sessionCookie(cookies.join('; '), address, cookieName, now);
/** The names of the entries in what a cookie store sets. */
const names = ([set = '']: string[]) => [...set.matchAll(/~(\w)\1{11}\./g)].map(([, name]) => name).join('');

const running = entry('r', now - 120);
const other = entry('o', now - 60);
const fresh = entry('n', now);

describe('A __session that somebody planted beside ours', () => {
  const planted = cookie(entry('x', now - 1), entry('y', now - 2), entry('z', now - 3));
  const fromTheFuture = cookie(entry('x', now + 60), entry('y', now + 30), entry('z', now + 1));

  it.each([
    ['before', planted, cookie(running)],
    ['behind', cookie(running), planted],
  ])('is not copied into ours when a login begins: %s it', (_, ...cookies) => {
    expect(names(cookieStore(...cookies).keep(fresh))).toBe('n');
  });

  it('is not copied into ours when a login ends', () => {
    expect(cookieStore(planted, cookie(running, other)).forget([running.id])).toEqual([
      '__session=; Path=/auth; Max-Age=0; HttpOnly; SameSite=Lax; Secure',
    ]);
    expect(names(cookieStore(fromTheFuture, cookie(running, other)).forget([running.id]))).toBe('o');
  });

  it.each([
    ['before', fromTheFuture, cookie(running, other)],
    ['behind', cookie(running, other), fromTheFuture],
  ])('does not push out a running login by entries from the future: %s it', (_, ...cookies) => {
    expect(names(cookieStore(...cookies).keep(fresh))).toBe('nor');
  });

  it('counts as planted if one of its entries is from the future', () => {
    const mixed = cookie(entry('x', now - 1), entry('y', now + 1));
    expect(names(cookieStore(mixed, cookie(running)).keep(fresh))).toBe('nr');
    expect(names(cookieStore(fromTheFuture, cookie(entry('s', now))).keep(fresh))).toBe('ns');
  });

  it('does not keep the login from being found', () => {
    expect(cookieStore(planted, cookie(running)).keysOf(running.id)).toEqual([running.key]);
    const same = { ...running, key: 'x'.repeat(43) };
    expect(cookieStore(cookie(same), cookie(running)).keysOf(running.id)).toEqual([same.key, running.key]);
  });

  it('is no other one if it is the very same', () => {
    expect(names(cookieStore(cookie(running), cookie(running)).keep(fresh))).toBe('nr');
  });
});

describe('A __session of ours', () => {
  it('loses entries from the future first, then the oldest', () => {
    const future = entry('f', now + 30);
    expect(names(cookieStore(cookie(future, running, other)).keep(fresh))).toBe('nor');
    expect(names(cookieStore(cookie(entry('q', now - 180), running, other)).keep(fresh))).toBe('nor');
  });

  it('counts what begins in this second as the newest', () => {
    expect(names(cookieStore(cookie(entry('s', now), running, other)).keep(fresh))).toBe('nso');
  });

  it('has its entries for as long as the browser keeps it and clocks may differ, and no second longer', () => {
    for (const [time, lives] of [
      [now - 660, true],
      [now - 661, false],
      [now + 60, true],
      [now + 61, false],
    ] as const)
      expect(cookieStore(cookie(entry('e', time))).keysOf('e'.repeat(12))).toHaveLength(lives ? 1 : 0);
  });

  it('holds three, also where one is added while others end', () => {
    expect(names(cookieStore(cookie(entry('q', now - 180), running, other)).forget([], fresh))).toBe('nor');
    expect(names(cookieStore(cookie(running, other)).forget([running.id], fresh))).toBe('no');
  });

  it('is told by its name, and read in the seconds of its clock', () => {
    expect(cookieStore(cookie(running).replace('__session', '__sessions')).keysOf(running.id)).toEqual([]);
    const request = (header: string) => ({
      method: 'GET',
      path: '/auth',
      query: '',
      headers: { cookie: header },
      platform: { openCookieStore: sessionCookie },
    });
    const store = cookieStoreFor(request(cookie(running)), address, cookieName, now * 1000 + 999);
    expect(store.keysOf(running.id)).toEqual([running.key]);
  });

  it('keeps one that another instance began, whose clock is ahead', () => {
    expect(names(cookieStore(cookie(entry('f', now + 30))).keep(fresh))).toBe('nf');
  });
});

describe('A cookie of its own for each login', () => {
  const own = ({ id, time, key }: Entry) => `__Host-login-${id}=${time.toString(36)}.${key}`;
  const store = (header: string) => ownCookies(header, address, cookieName);

  it('is found behind any number of spaces, and not with a space inside, where a browser sees no prefix', () => {
    expect(store(`a=b;   ${own(running)}`).keysOf(running.id)).toEqual([running.key]);
    for (const planted of [`_ ${own(running).slice(1)}`, `\u2000${own(running)}`])
      expect(store(planted).keysOf(running.id)).toEqual([]);
  });

  it('is none without a value', () => {
    const five = Array.from('abcde', (name) => own(entry(name, now)));
    expect(store([...five, `__Host-login-${running.id}x`].join('; ')).keep(fresh)).toHaveLength(1);
  });

  it('is set once if it ends and begins in one answer', () => {
    expect(store(own(running)).forget([running.id], running)).toEqual([expect.stringContaining('Max-Age=600')]);
  });
});
