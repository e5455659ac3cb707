import type { HttpRequest } from './http.ts';

/**
 * Where the browser keeps the keys of its transactions. There are two ways, since there is a platform that lets a single cookie
 * through; what a key is and does, neither of them knows.
 */
export interface CookieStore {
  /** @returns `Set-Cookie` values that add an entry, and that drop the oldest ones beyond what there is room for */
  keep(entry: Entry): string[];
  /** @returns the keys that came with this id: more than one if somebody planted another, and then any may be the right one */
  keysOf(id: string): string[];
  /**
   * @param kept an entry to add at the same time
   * @returns `Set-Cookie` values that end these entries, never two of one name
   */
  forget(ids: readonly string[], kept?: Entry): string[];
}

export interface Entry {
  /** 12 characters of base64url. */
  id: string;
  /** Seconds since the epoch. */
  time: number;
  /** 32 bytes in base64url. */
  key: string;
}

/** What a route module calls its cookies: two route modules on one host must never take each other's. */
export interface CookieName {
  /** In front of the id, as in `__Host-login-<id>`, and at the start of a `__session`. */
  name: string;
  /** All addresses of the route module are at this path or below it. */
  path: string;
}

/** What cookies have to know of our own address. */
interface Home {
  /** Whether it is at https. */
  secure: boolean;
  /** What stands in front of our paths; empty for nothing. */
  prefix: string;
}

/** Seconds that a browser keeps a cookie. The codes of GitHub and GitLab live as long. */
export const lifetime = 600;

/** Also between the clocks of two instances of us. Seconds. */
export const clockSkew = 60;

/**
 * The cookie store that the platform has room for.
 *
 * @param now milliseconds since the epoch
 */
export function cookieStoreFor(
  { headers, platform }: HttpRequest,
  address: Home,
  cookieName: CookieName,
  now: number,
): CookieStore {
  const cookie = headers['cookie'] ?? '';
  return platform.sessionCookieOnly
    ? sessionCookie(cookie, address, cookieName, Math.floor(now / 1000))
    : ownCookies(cookie, address, cookieName);
}

/**
 * A cookie of its own for each transaction, so that two tabs that begin in the same instant cannot overwrite each other's.
 *
 * @param header `Cookie` as it came
 */
export function ownCookies(header: string, { secure }: Home, cookieName: CookieName): CookieStore {
  // The prefix keeps cookies of sub-domains out; on http loopback it goes, because Safari drops it (and `Secure`) there.
  const prefix = `${secure ? '__Host-' : ''}${cookieName.name}-`;
  const set = (id: string, value: string, maxAge: number) =>
    setCookie(prefix + id, value, { maxAge, path: '/', secure });
  const cookies = parseCookies(header).flatMap(({ name, value }) => {
    const id = name.startsWith(prefix) ? name.slice(prefix.length) : '';
    const [, time, key] = /^([0-9a-z]{1,9})\.([\w-]{43})$/.exec(value) ?? [];
    return idPattern.test(id) ? [{ id, time: parseInt(time ?? '0', 36), key }] : [];
  });

  return {
    // Logins that were given up leave their cookies behind; without a limit they would outgrow what platforms accept.
    keep({ id, time, key }) {
      // By id, since a planted copy of a live login's cookie must neither count nor make it look older than it is.
      const newest = new Map<string, number>();
      for (const cookie of cookies) newest.set(cookie.id, Math.max(cookie.time, newest.get(cookie.id) ?? 0));
      const tooMany = [...newest]
        .sort(([, a], [, b]) => b - a)
        .slice(5)
        .slice(0, 20); // so that planted cookies cannot make our answer as large as the request
      return [...tooMany.map(([old]) => set(old, '', 0)), set(id, `${time.toString(36)}.${key}`, lifetime)];
    },
    // A page on another port of localhost can add a cookie of the same name, and which of the two comes first is up to the
    // browser.
    keysOf: (id) => cookies.flatMap((cookie) => (cookie.id === id ? (cookie.key ?? []) : [])),
    forget: (ids, kept) => [
      ...[...new Set(ids)].filter((id) => idPattern.test(id) && id !== kept?.id).map((id) => set(id, '', 0)),
      ...(kept ? [set(kept.id, `${kept.time.toString(36)}.${kept.key}`, lifetime)] : []),
    ],
  };
}

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
export function sessionCookie(
  header: string,
  { secure, prefix }: Home,
  cookieName: CookieName,
  now: number,
): CookieStore {
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
}

const idPattern = /^[\w-]{12}$/;

/** `Lax`, because the host's redirect back to us comes from another site, where `Strict` cookies stay away. */
const setCookie = (
  name: string,
  value: string,
  { maxAge, path, secure }: { maxAge: number; path: string; secure: boolean },
): string => `${name}=${value}; Path=${path}; Max-Age=${maxAge}; HttpOnly; SameSite=Lax${secure ? '; Secure' : ''}`;

const parseCookies = (header: string): { name: string; value: string }[] =>
  header.split(';').flatMap((pair) => {
    const equals = pair.indexOf('=');
    // Not `trim`, which takes Unicode's spaces, too: to the browser "\u2000__Host-…" has no prefix, so sub-domains may set it.
    return equals < 0 ? [] : [{ name: pair.slice(0, equals).replace(/^ +/, ''), value: pair.slice(equals + 1) }];
  });
