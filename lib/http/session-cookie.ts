import { clockSkew, lifetime, parseCookies, setCookie } from './cookies.ts';
import type { Entry, OpenCookieStore } from './cookie-store.ts';

/**
 * All transactions in the cookie `__session`, the only one that Firebase Hosting lets through. What that costs: of two tabs that
 * begin (or end) in the same instant, one may lose its key; only the newest three fit; and, without the prefix, whoever has
 * a sibling sub-domain can plant one.
 *
 * A site may have a `__session` of its own. It is left alone: ours has another path, and what is not in our form is not read.
 *
 * @param header `Cookie` as it came
 * @param now seconds since the epoch
 */
export const sessionCookie: OpenCookieStore = (header, { secure, prefix }, cookieName, now) => {
  const pattern = new RegExp(`^${cookieName.name}(~[\\w-]{12}\\.[0-9a-z]{1,9}\\.[\\w-]{43}){1,3}$`);
  const values = parseCookies(header).filter(({ name, value }) => name === '__session' && pattern.test(value));
  const came = [...new Set(values.map(({ value }) => value))].map((value) =>
    value
      .split('~')
      .slice(1)
      .map((entry) => entry.split('.'))
      .map(([id = '', time = '', key = '']) => ({ id, time: parseInt(time, 36), key }))
      .filter((entry) => now - entry.time <= lifetime + clockSkew && entry.time - now <= clockSkew),
  );
  const entries = came.flat();
  // A browser holds one cookie of ours. Where two came, somebody planted the other, and its entries must not be copied into ours. One
  // whose time lies in the future is planted for sure. Where neither's does, they cannot be told apart, so neither is copied.
  const begun = came.filter((cookie) => came.length === 1 || cookie.every(({ time }) => time <= now));
  // A time in the future comes from another instance's clock at best, so these entries are dropped first.
  const age = ({ time }: Entry) => (time > now ? lifetime : now - time);
  const running = begun.length === 1 ? (begun[0] ?? []).toSorted((a, b) => age(a) - age(b)) : [];

  const set = (kept: Entry[]) => {
    const value = [cookieName.name, ...kept.map(({ id, time, key }) => `${id}.${time.toString(36)}.${key}`)].join('~');
    return [
      setCookie('__session', kept.length > 0 ? value : '', {
        maxAge: kept.length > 0 ? lifetime : 0,
        path: prefix + cookieName.path,
        secure,
      }),
    ];
  };

  return {
    keep: (entry) => set([entry, ...running].slice(0, 3)),
    keysOf: (id) => entries.flatMap((entry) => (entry.id === id ? entry.key : [])),
    forget(ids, kept) {
      const left = running.filter(({ id }) => !ids.includes(id));
      if (kept) return set([kept, ...left].slice(0, 3));
      return entries.some(({ id }) => ids.includes(id)) ? set(left) : [];
    },
  };
};
