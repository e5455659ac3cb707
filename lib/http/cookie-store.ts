/**
 * Where the browser keeps the keys of its transactions. There are two ways, since there is a platform that lets a single cookie
 * through (`session-cookie.ts`); what a key is and does, neither of them knows.
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
export interface CookieHome {
  /** Whether it is at https. */
  secure: boolean;
  /** What stands in front of our paths; empty for nothing. */
  prefix: string;
}

/**
 * Opens what a request has brought.
 *
 * @param header `Cookie` as it came
 * @param now seconds since the epoch
 */
export type OpenCookieStore = (header: string, address: CookieHome, cookieName: CookieName, now: number) => CookieStore;
