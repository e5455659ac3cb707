/** Logins as they begin, for the tests of what they are made of. */
import { expect } from 'vitest';
import { beginLogin, bindLogin, recallLogin, recallPendingLogin } from '../../lib/oauth/popup-transaction.ts';
import { ownCookies } from '../../lib/http/cookies.ts';
import { github } from '../../lib/providers/github.ts';
import type { Address, Client } from '../../lib/config/settings.ts';

export const now = Date.UTC(2026, 5, 1);
export const https: Address = { origin: 'https://auth.example.com', prefix: '', secure: true };
export const cookieName = { name: 'login', path: '/auth' };
export const http: Address = { origin: 'http://localhost:8888', prefix: '', secure: false };
export const client: Client = {
  provider: github,
  issuer: 'https://github.com/login/oauth',
  authorizationEndpoint: 'https://github.com/login/oauth/authorize',
  tokenEndpoint: 'https://github.com/login/oauth/access_token',
  clientId: 'id',
  redirectUri: 'https://auth.example.com/auth/github/callback',
};

export const opener = 'https://www.example.com';
export const loginRequest = { provider: github, scope: 'repo' };

interface Begin {
  address?: Address;
  cookieHeader?: string;
  wantsRefresh?: boolean;
  now?: number;
}

/** The first two steps of a login, in one. */
export function begin({ address = https, cookieHeader = '', wantsRefresh = false, now: at = now }: Begin = {}) {
  const { csrfToken, cookies } = beginLogin(loginRequest, {
    cookieStore: ownCookies(cookieHeader, address, cookieName),
    wantsRefresh,
    now: at,
  });
  const cookieStore = ownCookies(pair(cookies.at(-1)), address, cookieName);
  const opening = recallPendingLogin(loginRequest, csrfToken, { cookieStore, origin: address.origin, now: at });
  return { csrfToken, opening, transaction: bindLogin(opening, client, opener), cookies };
}

/** The `name=value` that a browser would send back for a `Set-Cookie`. */
export const pair = (setCookie: string | undefined): string => setCookie?.split(';', 1)[0] ?? '';

export function login(options: Begin = {}) {
  const { csrfToken, transaction, cookies } = begin(options);
  const cookie = pair(cookies.at(-1));
  const [name = '', value = ''] = cookie.split('=');
  const [id = '', time = '', refresh = '', origin = '', mac = ''] = transaction.state.split('.');
  const key = value.split('.')[1] ?? '';
  return { csrfToken, transaction, cookies, cookie, name, value, id, time, refresh, origin, mac, key };
}

export const recall = (state: string | undefined, cookieHeader: string, at = now, binding: Partial<Client> = {}) =>
  recallLogin({ ...client, ...binding }, state, {
    cookieStore: ownCookies(cookieHeader, https, cookieName),
    origin: https.origin,
    now: at,
  });

export const failing = (code: string) => expect.objectContaining({ code });
