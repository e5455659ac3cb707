import type { CookieHome, CookieName, CookieStore } from './cookie-store.ts';
import type { HttpRequest } from './http.ts';

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
  address: CookieHome,
  cookieName: CookieName,
  now: number,
): CookieStore {
  const cookie = headers['cookie'] ?? '';
  return (platform.openCookieStore ?? ownCookies)(cookie, address, cookieName, Math.floor(now / 1000));
}

/**
 * A cookie of its own for each transaction, so that two tabs that begin in the same instant cannot overwrite each other's.
 *
 * @param header `Cookie` as it came
 */
export function ownCookies(header: string, { secure }: CookieHome, cookieName: CookieName): CookieStore {
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

const idPattern = /^[\w-]{12}$/;

/** `Lax`, because the host's redirect back to us comes from another site, where `Strict` cookies stay away. */
export const setCookie = (
  name: string,
  value: string,
  { maxAge, path, secure }: { maxAge: number; path: string; secure: boolean },
): string => `${name}=${value}; Path=${path}; Max-Age=${maxAge}; HttpOnly; SameSite=Lax${secure ? '; Secure' : ''}`;

export const parseCookies = (header: string): { name: string; value: string }[] =>
  header.split(';').flatMap((pair) => {
    const equals = pair.indexOf('=');
    // Not `trim`, which takes Unicode's spaces, too: to the browser "\u2000__Host-…" has no prefix, so sub-domains may set it.
    return equals < 0 ? [] : [{ name: pair.slice(0, equals).replace(/^ +/, ''), value: pair.slice(equals + 1) }];
  });
