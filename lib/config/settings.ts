import { parseOrigins, type OriginList } from '../http/origins.ts';
import { renewable, settingPrefix, type Provider } from '../providers/provider.ts';
import {
  invalid,
  list,
  optional,
  reader,
  readUrl,
  required,
  setting,
  withoutFinalSlash,
  type Environment,
  type Reader,
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

/** An address of ours that somebody copied as a whole, such as the callback, also behind a stage. Another name, `/authors`, is none. */
const ourPath = /^\/(auth|git)\/|\/(auth|git)(\/[^/]+\/callback)?$/;

/**
 * @param platformUrl the address as the platform knows it, for when `CMS_AUTH_URL` is not set. Never taken from a
 *   request header: whoever sends `Host` or `X-Forwarded-Host` would choose where the host sends the code to.
 * @throws Failure SETTING_MISSING, SETTING_INVALID
 */
export function readAddress(env: Environment, platformUrl: string | undefined): Address {
  const name = 'CMS_AUTH_URL';
  const url = readUrl(name, optional(env, name) ?? platformUrl);
  const prefix = withoutFinalSlash(url.pathname);
  if (prefix !== '' && ourPath.test(prefix))
    throw invalid(name, 'leave out /auth or /git and everything after it; that part is added automatically.');
  return { origin: url.origin, prefix, secure: url.protocol === 'https:' };
}

/** The origins that may receive a token: those listed, or our own alone. */
export const originsSetting = ({ origin }: Pick<Address, 'origin'>): Reader<OriginList> =>
  setting('CMS_AUTH_ORIGINS', (text = origin, refuse) => {
    const parsed = parseOrigins(text);
    if ('problem' in parsed) throw refuse(`${parsed.problem}.`);
    return parsed.list;
  });

/** Whether the owner's page is on. */
export const pageSetting: Reader<boolean> = /* @__PURE__ */ setting('CMS_AUTH_PAGE', (text = 'on', refuse) => {
  if (text !== 'on' && text !== 'off') throw refuse('write off, or remove it.');
  return text === 'on';
});

/** Whether the provider is switched on, that is: has a client id. */
export const isConfigured = (env: Environment, provider: Provider): boolean =>
  Boolean(env[`${settingPrefix(provider)}_CLIENT_ID`]?.trim());

/** Where the host is, without a slash at the end. */
export const urlSetting = (provider: Provider): Reader<string> => {
  const name = `${settingPrefix(provider)}_URL` as const;
  return setting(name, (text) => (text === undefined ? provider.url : withoutFinalSlash(readUrl(name, text).href)));
};

/** The app at the host. */
export function clientSettings(provider: Provider, address: Address): Reader<Client> {
  const url = urlSetting(provider);
  const id = `${settingPrefix(provider)}_CLIENT_ID` as const;
  return {
    name: id,
    names: [id, ...url.names],
    read(env) {
      const base = url.read(env);
      return {
        provider,
        issuer: base + provider.issuerPath,
        authorizationEndpoint: base + provider.authorizePath,
        tokenEndpoint: base + provider.tokenPath,
        clientId: registered('client id', id, required(env, id), provider),
        redirectUri: callbackAddress(address, provider),
      };
    },
  };
}

/** The client secret of that app. */
export const secretSetting = (provider: Provider): Reader<string> => {
  const name = `${settingPrefix(provider)}_CLIENT_SECRET` as const;
  return reader([name], (texts) => registered('client secret', name, texts.required(name), provider));
};

/**
 * A client id or secret as the host gave it out.
 *
 * @throws Failure SETTING_INVALID if it cannot be one: cut badly, or something else that the host shows on the same page
 */
function registered(what: 'client id' | 'client secret', name: string, value: string, provider: Provider): string {
  if (/[^\x21-\x7e]|["'`;,]/.test(value))
    throw invalid(name, `it has a space, ";" or another character that no ${what} has. Copy it again.`);
  const [other] =
    Object.entries(provider.looks ?? {}).find(([other, look]) => other !== what && look.test(value)) ?? [];
  if (other !== undefined) throw invalid(name, `it looks like the ${other}. Copy the ${what}.`);
  return value;
}

export const callbackAddress = (address: Address, provider: Provider): string =>
  `${address.origin}${address.prefix}/auth/${provider.id}/callback`;

/**
 * The scope to ask the host for. The CMS's request comes from whoever opened the popup, and a token with more rights than
 * needed would stay approved for later logins without a question: so only what is allowed is passed on, and anything
 * else becomes the default.
 *
 * @param requested as the CMS sent it: separated by spaces or commas
 * @returns undefined where no scope is to be sent
 */
export function scopeSetting(provider: Provider, requested: string | undefined): Reader<string | undefined> {
  const name = `${settingPrefix(provider)}_SCOPE` as const;
  if (!provider.scope) return { name, names: [], read: () => undefined };
  const { allowed, default: least } = provider.scope;
  return setting(name, (text, refuse) => {
    if (text !== undefined && list(text).length === 0) throw refuse('it names no scope; remove it, or name one.');
    const most = text === undefined ? Object.keys(allowed) : list(text);
    const within = (scope: string): boolean =>
      most.includes(scope) ||
      (Object.hasOwn(allowed, scope) && (allowed[scope] ?? []).some((wider) => most.includes(wider)));
    const wanted = list(requested ?? '');
    if (wanted.length > 0 && wanted.every(within)) return wanted.join(' ');
    return text === undefined ? least : most.join(' ');
  });
}

/** The providers whose refresh tokens the owner lets out, by their ids. */
export const refreshSetting: Reader<string[]> = /* @__PURE__ */ setting('CMS_AUTH_REFRESH', (text = '', refuse) => {
  const ids = list(text);
  if (ids.every((id) => renewable.includes(id))) return ids;
  throw refuse(`it may name ${renewable.join(', ')} only, in lower case.`);
});

/** How long a value that was read from a store may be used, in milliseconds. */
export const timeToLiveSetting: Reader<number> = /* @__PURE__ */ setting(
  'CMS_AUTH_SECRETS_TTL',
  (text = '300', refuse) => {
    if (!/^\d{1,6}$/.test(text)) throw refuse('write a whole number of seconds, such as 300.');
    return Number(text) * 1000;
  },
);

/** All that the login reads and that is no Git host's, besides our own address: for the check of all of them. */
export const commonSettings = (address: Address): Reader<unknown>[] => [
  originsSetting(address),
  pageSetting,
  timeToLiveSetting,
  refreshSetting,
];

/** All that it reads of one Git host. */
export const hostSettings = (provider: Provider, address: Address): Reader<unknown>[] => [
  clientSettings(provider, address),
  scopeSetting(provider, undefined),
  secretSetting(provider),
];
