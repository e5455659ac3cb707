import { SignJWT } from 'jose';
import { Cache, LoadingCache } from '../http/cache.ts';
import { Failure } from '../http/errors.ts';
import { gatewayErrors } from './errors.ts';
import { inTime } from './timeouts.ts';
import { sendRequest, rateLimited, mapError, jsonOf, quoteOf } from './upstream.ts';
import type { ClientResponse } from '../oauth/request.ts';
import type { Gateway } from './settings.ts';
import type { GatewayHost, Json } from './rules/rule.ts';

/** Before its end a token is renewed, so that it does not end on its way. Milliseconds. */
const margin = 5 * 60_000;

/** A host's own answer to a question of ours may take this long. Milliseconds. */
const timeoutMs = 8_000;

interface Installation {
  id?: string;
  /** How far the host's clock is ahead of ours, once it has shown that it matters. Milliseconds. */
  ahead: number;
}

/** By what makes one differ from another. In memory only: another instance asks for a token of its own. */
const installations = new Cache<Installation>();
const tokens = new LoadingCache<string>();

/** What the host lets us in by: sent to its API, and to nobody else ever. */
export interface Credential {
  token: string;
  /** The host has refused it. @returns whether another one can be had */
  invalidate(): boolean;
}

/**
 * @throws Failure if there is none to be had
 */
export async function openCredential(gateway: Gateway<GatewayHost>, deadline: number): Promise<Credential> {
  const { credential, base, fullName, host } = gateway;
  if (credential.kind === 'token') return { token: credential.token, invalidate: () => false };
  const { hash } = process.getBuiltinModule('node:crypto');
  const key = hash('sha256', JSON.stringify([base, fullName, credential.id, credential.privateKey]), 'base64url');
  let installation = installations.get(key);
  if (!installation) {
    installation = { ahead: 0 };
    installations.set(key, installation);
  }
  // Shared by all who wait for it, so it has a deadline of its own, and each of them has theirs besides.
  const token = await inTime(
    tokens.get(key, () => makeToken(gateway, credential, installation, Date.now() + timeoutMs)),
    deadline - Date.now(),
    () => new Failure(gatewayErrors.UPSTREAM_TIMEOUT, { host: host.provider.name }),
  );
  return {
    token,
    invalidate() {
      tokens.invalidate(key, token);
      return true;
    },
  };
}

/**
 * A token for this one repository, with the least rights, good for an hour.
 *
 * @see https://docs.github.com/apps/creating-github-apps/authenticating-with-a-github-app/generating-an-installation-access-token-for-a-github-app
 */
async function makeToken(
  { host, roots, fullName }: Gateway<GatewayHost>,
  { id, privateKey }: { id: string; privateKey: string },
  installation: Installation,
  deadline: number,
): Promise<{ value: string; until: number }> {
  const name = host.provider.name;
  const paths = host.installation;
  if (!paths) throw new TypeError('This host has no apps.');
  const { createPrivateKey } = process.getBuiltinModule('node:crypto');
  const sign = () => {
    const now = Math.floor((Date.now() + installation.ahead) / 1000);
    return new SignJWT({})
      .setProtectedHeader({ alg: 'RS256' })
      .setIssuer(id)
      .setIssuedAt(now - 60) // their clock may be behind ours
      .setExpirationTime(now + 540)
      .sign(createPrivateKey(privateKey));
  };
  let jwt = await sign();

  async function put(method: string, path: string, body?: object): Promise<Json> {
    const answer = await sendRequest(`${roots.api_root}${path}`, {
      method,
      headers: {
        ...requestHeaders,
        authorization: `Bearer ${jwt}`,
        ...(body && { 'content-type': 'application/json' }),
      },
      body: body && JSON.stringify(body),
      deadline,
    }).catch((error: unknown) => {
      throw mapError(error, name);
    });
    const value = jsonOf(answer);
    const limit = rateLimited(answer, name, Date.now());
    if (limit) throw limit;
    if (answer.status === 401) {
      // By a clock that is off, the JWT is over, or not good yet. Theirs counts, so it is made anew by theirs, once.
      const ahead = aheadOf(answer);
      if (Math.abs(ahead - installation.ahead) < mostSkew) throw new Failure(gatewayErrors.UPSTREAM_CREDENTIAL);
      installation.ahead = ahead;
      jwt = await sign();
      return put(method, path, body);
    }
    // Not installed there, suspended, or without a right that we ask for.
    if (answer.status === 404 || answer.status === 403 || answer.status === 422)
      throw new Failure(gatewayErrors.APP_NOT_INSTALLED, { host: name, words: quoteOf(answer, name, [jwt]) });
    if (answer.status < 200 || answer.status > 299 || typeof value !== 'object' || value === null)
      throw new Failure(gatewayErrors.UPSTREAM_FAILED, { host: name });
    return value as Json;
  }

  try {
    // An app may be installed by several owners: it has to be the installation of this repository.
    installation.id ??= idOf(await put('GET', paths.find(fullName)), name);
    const { token, expires_at, repositories } = await put('POST', paths.token(installation.id), {
      repositories: [fullName.split('/').at(-1)],
      permissions: paths.permissions,
    });
    const others = Array.isArray(repositories) && repositories.length !== 1;
    if (typeof token !== 'string' || !/^[\x21-\x7e]+$/.test(token) || others)
      throw new Failure(gatewayErrors.UPSTREAM_FAILED, { host: name });
    const end = Date.parse(String(expires_at)) - installation.ahead;
    return { value: token, until: Math.max((Number.isNaN(end) ? 0 : end) - margin, Date.now() + 1_000) };
  } catch (error) {
    delete installation.id; // it may have been installed anew
    throw error;
  }
}

function idOf({ id }: Json, host: string): string {
  if (typeof id === 'number' && Number.isSafeInteger(id)) return String(id);
  throw new Failure(gatewayErrors.UPSTREAM_FAILED, { host });
}

/** What clocks may differ by, before anything goes wrong by it. Milliseconds. */
const mostSkew = 30_000;

/** How far the host's clock is ahead of ours: RFC 9110, 6.6.1. Milliseconds; 0 if it does not say. */
function aheadOf({ headers }: ClientResponse): number {
  const ahead = Date.parse(headers.date ?? '') - Date.now();
  return Number.isNaN(ahead) || Math.abs(ahead) < mostSkew ? 0 : ahead;
}

/** For the owner, since sessions and the tokens of others are judged by our clock, too. */
export function clockWarning(answer: ClientResponse, host: string): string | undefined {
  const ahead = aheadOf(answer);
  if (ahead === 0) return undefined;
  const [seconds, side] = [Math.round(Math.abs(ahead) / 1000), ahead > 0 ? 'behind' : 'ahead of'];
  return `The clock of this server is ${seconds} seconds ${side} that of ${host}. Set it right: sign-ins are judged by it.`;
}

/** On every question of ours. */
export const requestHeaders = { accept: 'application/json', 'user-agent': 'cms-auth-functions' } as const;
