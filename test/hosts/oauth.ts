/**
 * The authorization server's memory, shared by all fake hosts: which codes and tokens exist, and what they stand for.
 * How a host words its requests, answers and refusals is the host's own page.
 */
import { createHash, randomBytes } from 'node:crypto';

export interface OAuthApp {
  name: string;
  clientId: string;
  clientSecret: string;
  /** At least one; may be filled in later, when the login server's port is known. */
  redirectUris: string[];
  /** GitHub suspends apps that misbehave. */
  suspended?: boolean;
  /** What it was registered for, where that is fixed beforehand. */
  scopes?: string[];
}

/** What a user has agreed to. */
export interface Grant {
  clientId: string;
  user: string;
  scopes: string[];
  redirectUri: string;
  challenge: string | undefined;
}

export interface TokenStyle {
  accessPrefix: string;
  /** Without one there is no refresh token, and access tokens live for ever. */
  refreshPrefix?: string;
  /** Seconds. */
  lifetime?: number;
  /** Makes the part after the prefix, where its form matters. */
  generate?: () => string;
}

interface Issued {
  grant: Grant;
  expires: number;
  /** The other token of the pair: it dies when this one is refreshed. */
  partner?: string;
  /** Set on a refresh token that was refreshed and still works for a while. */
  used?: boolean;
}

const codeLifetime = 10 * 60;

export class Grants {
  /** All scopes that the user has agreed to so far, over all logins. */
  readonly approved = new Set<string>();
  readonly #codes = new Map<string, Issued>();
  readonly #access = new Map<string, Issued>();
  readonly #refresh = new Map<string, Issued>();

  issueCode(grant: Grant) {
    const code = randomBytes(10).toString('hex');
    keep(this.#codes, code, { grant, expires: inSeconds(codeLifetime) });
    return code;
  }

  /** A code is spent by the first attempt to use it, whether that attempt is otherwise right or wrong. */
  redeemCode(code: string) {
    const issued = this.#codes.get(code);
    this.#codes.delete(code);
    return live(issued);
  }

  issueTokens(grant: Grant, { accessPrefix, refreshPrefix, lifetime, generate = randomToken }: TokenStyle) {
    const accessToken = accessPrefix + generate();
    const refreshToken = refreshPrefix === undefined ? undefined : refreshPrefix + generate();
    const access: Issued = { grant, expires: lifetime === undefined ? Infinity : inSeconds(lifetime) };
    keep(this.#access, accessToken, access);
    if (refreshToken !== undefined) {
      access.partner = refreshToken;
      keep(this.#refresh, refreshToken, { grant, expires: Infinity, partner: accessToken });
    }
    return { accessToken, refreshToken };
  }

  /**
   * Spends a refresh token: it and the access token that came with it are dead from now on. With a `grace` in seconds it
   * lives on for so long, and the access token to its natural end.
   */
  redeemRefreshToken(token: string, clientId: string, grace?: number) {
    const issued = this.#refresh.get(token);
    if (issued?.grant.clientId !== clientId) return undefined;
    const grant = live(issued);
    if (grace === undefined) {
      this.#refresh.delete(token);
      if (issued.partner !== undefined) this.#access.delete(issued.partner);
    } else if (!issued.used) {
      issued.used = true;
      issued.expires = Math.min(issued.expires, inSeconds(grace));
    }
    return grant;
  }

  /** Whom an access token stands for, if it is still good. */
  holder(accessToken: string) {
    return live(this.#access.get(accessToken));
  }

  /** Whether there is such a token, only too old. */
  isExpired(accessToken: string) {
    return this.#access.has(accessToken) && this.holder(accessToken) === undefined;
  }

  /** As if their time had passed; refresh tokens stay good. */
  expireAccessTokens() {
    for (const issued of this.#access.values()) issued.expires = 0;
  }

  expireRefreshTokens() {
    for (const issued of this.#refresh.values()) issued.expires = 0;
  }

  /** As if the grace period of those that were used already had passed. */
  expireUsedRefreshTokens() {
    for (const issued of this.#refresh.values()) if (issued.used) issued.expires = 0;
  }

  expireCodes() {
    for (const issued of this.#codes.values()) issued.expires = 0;
  }
}

/** RFC 7636, 4.6 */
export function challengeMatches(challenge: string | undefined, verifier: string | null) {
  if (challenge === undefined) return true;
  return verifier !== null && createHash('sha256').update(verifier).digest('base64url') === challenge;
}

/** RFC 6749, 3.1: parameters must not be included more than once. Returns the first that is. */
export function repeated(parameters: URLSearchParams) {
  return [...parameters.keys()].find((name) => parameters.getAll(name).length > 1);
}

/** GitHub separates by comma or space, GitLab by space. */
export function splitScopes(text: string) {
  return [...new Set(text.split(/[\s,]+/).filter(Boolean))];
}

/** Forgets the oldest when there are too many: a demo may run for weeks. */
function keep(map: Map<string, Issued>, key: string, issued: Issued) {
  map.set(key, issued);
  const [oldest] = map.keys();
  if (map.size > 1000 && oldest !== undefined) map.delete(oldest);
}

function inSeconds(seconds: number) {
  return Date.now() + seconds * 1000;
}

function live(issued: Issued | undefined) {
  return issued !== undefined && issued.expires > Date.now() ? issued.grant : undefined;
}

function randomToken() {
  return randomBytes(18).toString('hex');
}
