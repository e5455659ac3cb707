import { identityErrors } from '../identity/errors.ts';
import type { CookieStore, Entry } from '../../http/cookie-store.ts';
import type { Failure } from '../../http/errors.ts';

/**
 * Whoever was refused with one account is asked which one it should be at the next sign-in: the provider would take the same one
 * again, and "sign in with another account" could not be done. That a browser was refused stands in its cookie for ten minutes, as an
 * entry of a fixed name; its key is random, as every other is, so that nobody can make a transaction of that name.
 */
const id = 'choose-again';

export const wasRefused = (cookieStore: CookieStore): boolean => cookieStore.keysOf(id).length > 0;

/**
 * The `Set-Cookie` values at the end of a sign-in.
 *
 * @param states that the browser brought: each works once, however this ends
 * @param failure what it was refused with
 */
export function endSignIn(
  states: readonly string[],
  { cookieStore, now, failure }: { cookieStore: CookieStore; now: number; failure?: unknown },
): string[] {
  const ids = [...states.map((state) => state.split('.', 1)[0] ?? ''), id];
  const isOfAccount = Object.hasOwn(identityErrors, (failure as Failure | undefined)?.code ?? '');
  return cookieStore.forget(ids, isOfAccount ? newEntry(now) : undefined);
}

const newEntry = (now: number): Entry => ({
  id,
  time: Math.floor(now / 1000),
  key: process.getBuiltinModule('node:crypto').randomBytes(32).toString('base64url'),
});
