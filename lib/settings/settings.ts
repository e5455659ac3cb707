import { LoginError } from '../web/errors.ts';
import { isLoopback, parseOrigins, type OriginList } from '../web/origins.ts';
import { settingPrefix, type Provider } from '../providers/provider.ts';
import { openSettings } from './store.ts';
import type { Platform } from '../web/http.ts';

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
  // What is read from a store has been put in its place before (settings/store.ts). A pointer must never pass for a value.
  if (isPointer(value))
    throw invalid(
      name,
      'it points to the AWS Parameter Store ("ssm:"), which only AWS Lambda and the local server can read, and not for every setting. Set the value itself.',
    );
  return value;
}

/** Whether a value only says where the value is. */
export const isPointer = (value: string | undefined): boolean => /^\s*ssm:/i.test(value ?? '');

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

export const urlSetting = (provider: Provider): string => `${settingPrefix(provider)}_URL`;

/**
 * Where the host is, without a slash at the end.
 *
 * @throws LoginError SETTING_INVALID
 */
export function baseUrl(env: Environment, provider: Provider): string {
  const name = urlSetting(provider);
  const url = optional(env, name);
  return url === undefined ? provider.url : withoutFinalSlash(readUrl(name, url).href);
}

/** The settings that `readClient` reads. */
export const clientSettings = (provider: Provider): string[] => [
  `${settingPrefix(provider)}_CLIENT_ID`,
  urlSetting(provider),
];

/** @throws LoginError SETTING_MISSING, SETTING_EMPTY, SETTING_INVALID */
export function readClient(env: Environment, provider: Provider, address: Address): Client {
  const base = baseUrl(env, provider);
  return {
    provider,
    issuer: base + provider.issuerPath,
    authorizationEndpoint: base + provider.authorizePath,
    tokenEndpoint: base + provider.tokenPath,
    clientId: required(env, `${settingPrefix(provider)}_CLIENT_ID`),
    redirectUri: callbackAddress(address, provider),
  };
}

export const secretSetting = (provider: Provider): string => `${settingPrefix(provider)}_CLIENT_SECRET`;

/** @throws LoginError SETTING_MISSING, SETTING_EMPTY, SETTING_INVALID */
export const readSecret = (env: Environment, provider: Provider): string => required(env, secretSetting(provider));

export const callbackAddress = (address: Address, provider: Provider): string =>
  `${address.origin}${address.prefix}/auth/${provider.id}/callback`;

export const scopeSetting = (provider: Provider): string => `${settingPrefix(provider)}_SCOPE`;

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
  const name = scopeSetting(provider);
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

/** The settings that say who may be handed what. */
export const handOverSettings = ['CMS_AUTH_ORIGINS', 'CMS_AUTH_REFRESH'];

/**
 * Whether the owner lets refresh tokens of this provider out.
 *
 * @throws LoginError SETTING_INVALID
 */
export const readRefresh = (env: Environment, provider: Provider): boolean =>
  list(optional(env, 'CMS_AUTH_REFRESH') ?? '').includes(provider.id);

/**
 * How long a value that was read from a store may be used, in milliseconds.
 *
 * @throws LoginError SETTING_INVALID
 */
export function readTimeToLive(env: Environment): number {
  const seconds = optional(env, 'CMS_AUTH_SECRETS_TTL') ?? '300';
  if (!/^\d{1,6}$/.test(seconds))
    throw invalid('CMS_AUTH_SECRETS_TTL', 'write a whole number of seconds, such as 300.');
  return Number(seconds) * 1000;
}

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
 * @returns empty when all is well
 */
export async function checkSettings(
  env: Environment,
  providers: readonly Provider[],
  platform: Platform = {},
): Promise<LoginError[]> {
  const problems = new Map<string, LoginError>();
  const attempt = async (check: () => void | Promise<void>) => {
    try {
      await check();
    } catch (error) {
      if (!(error instanceof LoginError)) throw error;
      problems.set(error.message, error);
    }
  };
  const settings = openSettings(env, platform, Date.now() + 8_000);
  await attempt(async () => {
    const address = readAddress(env, platform.url);
    await attempt(async () => void readOrigins(await settings.read(['CMS_AUTH_ORIGINS']), address));
    await attempt(async () => void readPage(await settings.read(['CMS_AUTH_PAGE'])));
    await attempt(() => void readTimeToLive(env));
    await attempt(async () => {
      const named = list(optional(await settings.read(['CMS_AUTH_REFRESH']), 'CMS_AUTH_REFRESH') ?? '');
      if (named.some((id) => !providers.some((provider) => provider.id === id)))
        throw invalid('CMS_AUTH_REFRESH', `it may name ${providers.map(({ id }) => id).join(', ')} only.`);
    });
    for (const provider of providers.filter((p) => isConfigured(env, p))) {
      const names = [...clientSettings(provider), scopeSetting(provider)];
      await attempt(async () => void readClient(await settings.read(names), provider, address));
      await attempt(async () => void readScope(await settings.read(names), provider, undefined));
      await attempt(async () => void readSecret(await settings.read([secretSetting(provider)]), provider));
    }
  });
  return [...problems.values()];
}
