import { describe, expect, it } from 'vitest';
import { sessionCookie, type Entry } from '../../lib/oauth/cookies.ts';

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

  it('keeps one that another instance began, whose clock is ahead', () => {
    expect(names(cookieStore(cookie(entry('f', now + 30))).keep(fresh))).toBe('nf');
  });
});
