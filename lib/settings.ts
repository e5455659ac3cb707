import { LoginError } from './errors.ts';
import { isLoopback, parseOrigins, type OriginList } from './origins.ts';
import { settingPrefix, type Provider } from './providers/provider.ts';

/**
 * The settings, read from the environment at every request: one mechanism on every platform, and a changed value counts
 * at once where the platform allows it. Whatever is wrong is refused by its name, never with its value.
 */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Our own address as the browser sees it. */
export interface Address {
  /** `https://auth.example.com` */
  origin: string;
  /** A path in front of all of ours, such as API Gateway's `/prod`, or empty. */
  prefix: string;
  /** False on http, which only loopback may use. */
  secure: boolean;
}

/** One OAuth app at one Git host: what a login is bound to from its first step to its last. */
export interface Client {
  provider: Provider;
  /** Issuer identifier of the authorization server (RFC 9207). */
  issuer: string;
  authorizationEndpoint: string;
  tokenEndpoint: string;
  clientId: string;
  /** Where the host sends the browser back to; registered there, and the same in both steps (RFC 6749, 4.1.3). */
  redirectUri: string;
}

/** A value without the spaces and newlines that copying leaves around it; blank counts as not set. */
function optional(env: Environment, name: string): string | undefined {
  const value = env[name]?.trim() || undefined;
  // Where a later version would look a value up in a store, this one must not take the pointer for the value.
  if (value?.startsWith('ssm:'))
    throw invalid(
      name,
      'it points to the AWS Parameter Store ("ssm:"), which cannot be read here; set the value itself.',
    );
  return value;
}

function required(env: Environment, name: string): string {
  const value = optional(env, name);
  if (value !== undefined) return value;
  throw new LoginError(env[name] === undefined ? 'SETTING_MISSING' : 'SETTING_EMPTY', { setting: name });
}

const invalid = (setting: string, detail: string) => new LoginError('SETTING_INVALID', { setting, detail });

/**
 * @param platformUrl the address as the platform knows it, for when `CMS_AUTH_URL` is not set. Never taken from a
 *   request header: whoever sends `Host` or `X-Forwarded-Host` would choose where the host sends the code to.
 * @throws LoginError SETTING_MISSING, SETTING_INVALID
 */
export function readAddress(env: Environment, platformUrl: string | undefined): Address {
  const url = readUrl('CMS_AUTH_URL', optional(env, 'CMS_AUTH_URL') ?? platformUrl);
  const prefix = withoutFinalSlash(url.pathname);
  if (prefix.endsWith('/auth')) throw invalid('CMS_AUTH_URL', 'leave the final /auth away; it is added by itself.');
  return { origin: url.origin, prefix, secure: url.protocol === 'https:' };
}

/**
 * @returns the origins that may receive a token: those listed, or our own alone
 * @throws LoginError SETTING_INVALID
 */
export function readOrigins(env: Environment, address: Address): OriginList {
  const parsed = parseOrigins(optional(env, 'CMS_AUTH_ORIGINS') ?? address.origin);
  if ('problem' in parsed) throw invalid('CMS_AUTH_ORIGINS', `${parsed.problem}.`);
  return parsed.list;
}

/**
 * Whether the owner's page is on.
 *
 * @throws LoginError SETTING_INVALID
 */
export function readPage(env: Environment): boolean {
  const value = optional(env, 'CMS_AUTH_PAGE') ?? 'on';
  if (value !== 'on' && value !== 'off') throw invalid('CMS_AUTH_PAGE', 'write off, or remove it.');
  return value === 'on';
}

/** Whether the provider is switched on, that is: has a client id. */
export const isConfigured = (env: Environment, provider: Provider): boolean =>
  Boolean(env[`${settingPrefix(provider)}_CLIENT_ID`]?.trim());

/** @throws LoginError SETTING_MISSING, SETTING_EMPTY, SETTING_INVALID */
export function readClient(env: Environment, provider: Provider, address: Address): Client {
  const prefix = settingPrefix(provider);
  const url = optional(env, `${prefix}_URL`);
  const base = url === undefined ? provider.url : withoutFinalSlash(readUrl(`${prefix}_URL`, url).href);
  return {
    provider,
    issuer: base + provider.issuerPath,
    authorizationEndpoint: base + provider.authorizePath,
    tokenEndpoint: base + provider.tokenPath,
    clientId: required(env, `${prefix}_CLIENT_ID`),
    redirectUri: callbackAddress(address, provider),
  };
}

/** @throws LoginError SETTING_MISSING, SETTING_EMPTY */
export const readSecret = (env: Environment, provider: Provider): string =>
  required(env, `${settingPrefix(provider)}_CLIENT_SECRET`);

export const callbackAddress = (address: Address, provider: Provider): string =>
  `${address.origin}${address.prefix}/auth/${provider.id}/callback`;

/**
 * The scope to ask the host for. The CMS's wish comes from whoever opened the popup, and a token with more rights than
 * needed would stay approved for later logins without a question: so only what is allowed is passed on, and anything
 * else becomes the default.
 *
 * @param wish as the CMS sent it: separated by spaces or commas
 * @returns undefined where no scope is to be sent
 * @throws LoginError SETTING_INVALID
 */
export function readScope(env: Environment, provider: Provider, wish: string | undefined): string | undefined {
  if (!provider.scope) return undefined;
  const { allowed, default: least } = provider.scope;
  const name = `${settingPrefix(provider)}_SCOPE`;
  const setting = optional(env, name);
  if (setting !== undefined && list(setting).length === 0)
    throw invalid(name, 'it names no scope; remove it, or name one.');
  const most = setting === undefined ? Object.keys(allowed) : list(setting);
  const within = (scope: string): boolean =>
    most.includes(scope) ||
    (Object.hasOwn(allowed, scope) && (allowed[scope] ?? []).some((wider) => most.includes(wider)));
  const wished = list(wish ?? '');
  if (wished.length > 0 && wished.every(within)) return wished.join(' ');
  return setting === undefined ? least : most.join(' ');
}

/**
 * Whether the owner lets refresh tokens of this provider out.
 *
 * @throws LoginError SETTING_INVALID
 */
export const readRefresh = (env: Environment, provider: Provider): boolean =>
  list(optional(env, 'CMS_AUTH_REFRESH') ?? '').includes(provider.id);

/** What is listed with spaces or commas between. */
const list = (text: string): string[] => [...new Set(text.split(/[\s,]+/).filter(Boolean))];

function readUrl(name: string, value: string | undefined): URL {
  if (value === undefined) throw new LoginError('SETTING_MISSING', { setting: name });
  const url = URL.canParse(value) ? new URL(value) : undefined;
  if (!url || (url.protocol !== 'https:' && url.protocol !== 'http:'))
    throw invalid(name, 'write a complete address that begins with https://, such as https://www.example.com.');
  if (url.protocol === 'http:' && !isLoopback(url))
    throw invalid(name, 'it must begin with https:// (http:// is for localhost, 127.0.0.1 and [::1] only).');
  if (url.username || url.password || withoutFinalSlash(url.pathname).includes('//') || /[?#@\\\s]/.test(value))
    throw invalid(name, 'write it without user name, spaces, "?", "#", "\\" and double slashes.');
  return url;
}

const withoutFinalSlash = (text: string): string => text.replace(/\/+$/, '');

/**
 * What is wrong with the settings as a whole, for a server that wants to know before the first login.
 *
 * @returns a sentence each; empty when all is well
 */
export function checkSettings(env: Environment, providers: readonly Provider[], platformUrl?: string): string[] {
  const problems = new Set<string>();
  const attempt = (read: () => void) => {
    try {
      read();
    } catch (error) {
      if (!(error instanceof LoginError)) throw error;
      problems.add(error.message);
    }
  };
  attempt(() => {
    const address = readAddress(env, platformUrl);
    attempt(() => readOrigins(env, address));
    attempt(() => readPage(env));
    attempt(() => {
      const unknown = list(optional(env, 'CMS_AUTH_REFRESH') ?? '').some((id) => !providers.some((p) => p.id === id));
      if (unknown) throw invalid('CMS_AUTH_REFRESH', `it may name ${providers.map(({ id }) => id).join(', ')} only.`);
    });
    for (const provider of providers.filter((p) => isConfigured(env, p))) {
      attempt(() => readClient(env, provider, address));
      attempt(() => readScope(env, provider, undefined));
      attempt(() => readSecret(env, provider));
    }
  });
  return [...problems];
}
