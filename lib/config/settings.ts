import { parseOrigins, type OriginList } from '../http/origins.ts';
import { renewable, settingPrefix, type Provider } from '../providers/provider.ts';
import {
  invalid,
  list,
  optional,
  readUrl,
  remembering,
  required,
  withoutFinalSlash,
  type Environment,
} from './environment.ts';

/** Our own address as the browser sees it. */
export interface Address {
  /** `https://auth.example.com` */
  readonly origin: string;
  /** A path in front of all of ours, such as API Gateway's `/prod`, or empty. */
  readonly prefix: string;
  /** False on http, which only loopback may use. */
  readonly secure: boolean;
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

/**
 * @param platformUrl the address as the platform knows it, for when `CMS_AUTH_URL` is not set. Never taken from a
 *   request header: whoever sends `Host` or `X-Forwarded-Host` would choose where the host sends the code to.
 * @throws Failure SETTING_MISSING, SETTING_INVALID
 */
export const readAddress = (env: Environment, platformUrl: string | undefined): Address =>
  parseAddress(optional(env, 'CMS_AUTH_URL') ?? platformUrl);

/** An address of ours that somebody copied as a whole, such as the callback, also behind a stage. Another name, `/authors`, is none. */
const ourPath = /^\/(auth|git)\/|\/(auth|git)(\/[^/]+\/callback)?$/;

const parseAddress = remembering((text: string | undefined): Address => {
  const url = readUrl('CMS_AUTH_URL', text);
  const prefix = withoutFinalSlash(url.pathname);
  if (ourPath.test(prefix))
    throw invalid('CMS_AUTH_URL', 'leave /auth or /git, and what follows it, away; it is added by itself.');
  return { origin: url.origin, prefix, secure: url.protocol === 'https:' };
});

/**
 * @returns the origins that may receive a token: those listed, or our own alone
 * @throws Failure SETTING_INVALID
 */
export const readOrigins = (env: Environment, address: Address): OriginList =>
  parseSites(optional(env, 'CMS_AUTH_ORIGINS') ?? address.origin);

const parseSites = remembering((text: string): OriginList => {
  const parsed = parseOrigins(text);
  if ('problem' in parsed) throw invalid('CMS_AUTH_ORIGINS', `${parsed.problem}.`);
  return parsed.list;
});

/**
 * Whether the owner's page is on.
 *
 * @throws Failure SETTING_INVALID
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
 * @throws Failure SETTING_INVALID
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

/** @throws Failure SETTING_MISSING, SETTING_EMPTY, SETTING_INVALID */
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

/** @throws Failure SETTING_MISSING, SETTING_EMPTY, SETTING_INVALID */
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
 * @throws Failure SETTING_INVALID
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
 * @returns the providers whose refresh tokens the owner lets out, by their ids
 * @throws Failure SETTING_INVALID
 */
export function readRefresh(env: Environment): string[] {
  const ids = list(optional(env, 'CMS_AUTH_REFRESH') ?? '');
  if (ids.every((id) => renewable.includes(id))) return ids;
  throw invalid('CMS_AUTH_REFRESH', `it may name ${renewable.join(', ')} only, in lower case.`);
}

/**
 * How long a value that was read from a store may be used, in milliseconds.
 *
 * @throws Failure SETTING_INVALID
 */
export function readTimeToLive(env: Environment): number {
  const seconds = optional(env, 'CMS_AUTH_SECRETS_TTL') ?? '300';
  if (!/^\d{1,6}$/.test(seconds))
    throw invalid('CMS_AUTH_SECRETS_TTL', 'write a whole number of seconds, such as 300.');
  return Number(seconds) * 1000;
}
