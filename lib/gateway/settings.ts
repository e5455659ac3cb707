import { Failure } from '../http/errors.ts';
import { issuerFacts, withoutMetadataPath } from '../providers/issuers.ts';
import { isPublicMail } from './identity/public-mail.ts';
import { everyoneRefused, isAddress, lowerCase, type EditorLists } from './identity/editors.ts';
import {
  invalid,
  optional,
  reader,
  readUrl,
  required,
  setting,
  withoutFinalSlash,
  type Environment,
  type Reader,
  type Texts,
  remembering,
} from '../config/environment.ts';
import type { SettingName } from '../config/table.ts';
import { settingErrors } from '../config/errors.ts';
import { originsSetting, readAddress, urlSetting, type Address } from '../config/settings.ts';
import { memoize } from '../http/cache.ts';
import { openSettings } from '../config/request-settings.ts';
import { factsOf } from '../providers/facts.ts';
import { apiRoots, settingPrefix, type ApiRoots, type Provider } from '../providers/provider.ts';
import { isBranch } from './rules/branches.ts';
import { readPaths, type WritablePaths } from './rules/paths.ts';
import type { Platform } from '../http/platform.ts';

/** What the settings have to know about a Git host that a repository behind the gateway can be at. */
export interface RepositoryHost {
  provider: Provider;
  /** What a repository is called there, such as `owner/name`. */
  fullName: RegExp;
  /** How its tokens begin: so that one of another host is noticed. */
  tokenPrefixes: readonly string[];
  /** Whether an app can be installed there: `<ID>_APP_ID` and `<ID>_APP_PRIVATE_KEY` in the place of a token. */
  apps: boolean;
  /** For hosts whose own API is spoken here, too (see `GatewayHost`): CMSs that speak it log in by a popup. */
  api?: object;
}

/** How editors are known. */
export type AuthMethod =
  /** We sign them in at an OpenID provider and issue the token. */
  | { kind: 'oidc'; issuer: string; clientId: string; clientSecret: string }
  /** The provider issues a JWT to the CMS, and its published keys verify it. */
  | { kind: 'jwt'; issuer: string; audience: readonly string[] }
  /** A GoTrue's JWT, by the secret that both know; made for one of these, if the owner says for whom. */
  | { kind: 'hs256'; secret: string; audience?: readonly string[] }
  /** Netlify Identity or another GoTrue is asked. */
  | { kind: 'gotrue'; address: string };

/** What the host lets the gateway in by. */
export type Credential = { kind: 'app'; id: string; privateKey: string } | { kind: 'token'; token: string };

/** The gateway's settings, checked as a whole. */
export interface Gateway<Host extends RepositoryHost = RepositoryHost> {
  host: Host;
  /** Base URL of the host, without a slash at the end. */
  base: string;
  /** `owner/name`, as the host's address has it. */
  fullName: string;
  /** Where its API is. */
  roots: ApiRoots;
  branch: string;
  paths: WritablePaths;
  auth: AuthMethod;
  lists: EditorLists;
  /** Where a sign-in of ours may send the browser back to. */
  pages: readonly string[];
  /** Seconds that a session of ours lasts. */
  session: number;
  /** Whose name a commit has: the editor's, or that of the app or token, where the editor is named in the message. */
  committer: 'editor' | 'app';
  credential: Credential;
}

/** What the settings have to know of our own address. */
type Origin = Pick<Address, 'origin'>;

/** Whether there is to be a gateway at all. */
export const hasGateway = (env: Environment): boolean => Boolean(env['CMS_GATEWAY_REPO']?.trim());

/** Of the app that the gateway is at a host. */
const appSettings = (provider: Provider) => ({
  id: `${settingPrefix(provider)}_APP_ID` as const,
  privateKey: `${settingPrefix(provider)}_APP_PRIVATE_KEY` as const,
});

/**
 * All that the gateway reads, as a whole. Any of it may point to a store.
 *
 * Fails for the first thing that is wrong, whatever it is needed for: a gateway whose settings contradict each other lets nobody in.
 */
export function gatewaySettings<Host extends RepositoryHost>(
  hosts: readonly Host[],
  { origin }: Origin,
): Reader<Gateway<Host>> {
  let readerAt = readers.get(hosts);
  if (!readerAt) {
    readerAt = memoize((origin) => makeReader(hosts, { origin }));
    readers.set(hosts, readerAt);
  }
  return readerAt(origin) as Reader<Gateway<Host>>;
}

/** Kept by all that decides them: to make one, and to read and judge all of it, takes longer than the rest of a call. */
const readers = new WeakMap<readonly RepositoryHost[], (origin: string) => Reader<Gateway>>();

function makeReader(hosts: readonly RepositoryHost[], own: Origin): Reader<Gateway> {
  const parts = partsOf(hosts, own);
  const kept = remembering<Gateway>({
    name: parts.repository.name,
    names: [...new Set(Object.values(parts).flatMap((part) => part.names))],
    read: (env) =>
      gather(env, parts, (failure) => {
        throw failure;
      }) as Gateway, // complete, since nothing was noted
  });
  return {
    ...kept,
    read(env) {
      refuseUncheckedTls();
      return kept.read(env);
    },
  };
}

/**
 * All that is wrong with the gateway's settings, for a server that wants to know before the first call.
 *
 * @returns empty when all is well
 */
export async function checkGateway(
  env: Environment,
  hosts: readonly RepositoryHost[],
  platform: Platform = {},
): Promise<Failure[]> {
  const problems = new Map<string, Failure>();
  const note = (failure: Failure) => void problems.set(failure.message, failure);
  const settings = openSettings(env, platform, Date.now() + 8_000);
  try {
    const parts = partsOf(hosts, readAddress(env, platform.url));
    const all = Object.values(parts);
    const unread: string[] = [];
    let found = env;
    // One by one, since the first that cannot be read would hide the others.
    for (const name of new Set(all.flatMap((part) => part.names)))
      try {
        const [value] = await settings.read([{ name, names: [name], read: (filled) => filled[name] }], all);
        found = { ...found, [name]: value };
      } catch (error) {
        if (!(error instanceof Failure)) throw error;
        note(error);
        unread.push(name);
        found = { ...found, [name]: 'x'.repeat(64) }; // it is set, and what else is wrong with it nobody can tell
      }
    gather(found, parts, (failure) => {
      if (failure.setting === undefined || !unread.includes(failure.setting)) note(failure);
    });
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    note(error);
  }
  return [...problems.values()];
}

/** Each part with the settings that it is made of. What depends on another part gets that besides. */
const partsOf = <Host extends RepositoryHost>(hosts: readonly Host[], own: Origin) => ({
  repository: repositorySettings(hosts),
  branch: branchSetting,
  paths: pathsSetting,
  auth: authSettings,
  lists: listSettings,
  pages: pagesSettings(own),
  session: sessionSetting,
  committer: committerSetting,
  credential: credentialSettings(hosts),
});

/** Reads all of it. What is wrong goes to `note`, and what depends on it is left out. */
function gather<Host extends RepositoryHost>(
  env: Environment,
  parts: ReturnType<typeof partsOf<Host>>,
  note: (failure: Failure) => void,
): Partial<Gateway<Host>> {
  const attempt = <T>(make: () => T): T | undefined => {
    try {
      return make();
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      note(error);
      return undefined;
    }
  };
  attempt(refuseUncheckedTls);
  const repository = attempt(() => parts.repository.read(env));
  const branch = attempt(() => parts.branch.read(env));
  const paths = attempt(() => parts.paths.read(env));
  const auth = attempt(() => parts.auth.read(env));
  const lists = attempt(() => parts.lists.read(env)(auth));
  const pages = attempt(() => parts.pages.read(env));
  const session = attempt(() => parts.session.read(env));
  const committer = attempt(() => parts.committer.read(env));
  const credential = repository && attempt(() => parts.credential.read(env)(repository.host));
  return {
    ...repository,
    ...(branch !== undefined && { branch }),
    ...(paths && { paths }),
    ...(auth && { auth }),
    ...(lists && { lists }),
    ...(pages && { pages }),
    ...(session !== undefined && { session }),
    ...(committer !== undefined && { committer }),
    ...(credential && { credential }),
  };
}

/**
 * With this, Node takes any certificate, and whoever stands between here and the host or the provider gets the credential, or says who
 * an editor is. Ours are checked all the same (see `send`), but nobody should believe that they are not.
 */
function refuseUncheckedTls(): void {
  if (process.env['NODE_TLS_REJECT_UNAUTHORIZED'] === '0')
    throw invalid(
      'NODE_TLS_REJECT_UNAUTHORIZED',
      'it switches off the check of certificates. Remove it. For a certificate of your own, set NODE_EXTRA_CA_CERTS to the file of the authority that issued it.',
    );
}

/** The repository, and the host that it is at. */
type Repository<Host extends RepositoryHost> = Pick<Gateway<Host>, 'host' | 'base' | 'fullName' | 'roots'>;

const repositorySettings = <Host extends RepositoryHost>(hosts: readonly Host[]): Reader<Repository<Host>> => {
  const name = 'CMS_GATEWAY_REPO';
  const bases = hosts.map((host) => ({ host, url: urlSetting(host.provider) }));
  return {
    name,
    names: [name, ...bases.flatMap(({ url }) => url.names)],
    read: (env) =>
      findRepository(
        name,
        required(env, name),
        bases.map(({ host, url }) => ({ host, base: url.read(env) })),
      ),
  };
};

function findRepository<Host extends RepositoryHost>(
  name: string,
  value: string,
  hosts: readonly { host: Host; base: string }[],
): Repository<Host> {
  if (!URL.canParse(value))
    throw invalid(
      name,
      'write the address of the repository as a browser shows it, such as https://github.com/owner/name.',
    );
  const url = withoutFinalSlash(readUrl(name, value).href).replace(/\.git$/, '');
  const found = hosts
    .filter(({ base }) => url === base || url.startsWith(`${base}/`))
    .sort((a, b) => b.base.length - a.base.length)[0];
  const roots = found && apiRoots(factsOf(found.host.provider), found.base);
  if (!roots) {
    const settings = hosts.map(({ host }) => urlSetting(host.provider).name).join(', ');
    throw invalid(name, `it is at none of the Git hosts that are known here. For a host of your own, set ${settings}.`);
  }
  const fullName = url.slice(found.base.length + 1);
  if (!found.host.fullName.test(fullName) || fullName.split('/').some((part) => part === '.' || part === '..'))
    throw invalid(
      name,
      `it is not the address of a repository at ${found.host.provider.name}. Open the repository in a browser and copy its address.`,
    );
  return { ...found, fullName, roots };
}

const branchSetting = setting('CMS_GATEWAY_BRANCH', (branch = 'main', refuse) => {
  if (!isBranch(branch) || /^cms(_\d+)?(\/|$)/.test(branch))
    throw refuse('write the name of a branch, such as main; what begins with cms/ is for drafts.');
  return branch;
});

const pathsSetting = setting('CMS_GATEWAY_PATHS', (text, refuse): WritablePaths => {
  const paths = readPaths(text);
  if (!('problem' in paths)) return paths;
  // Never implied: a value that got lost on its way would open the whole repository, and nothing would show it.
  if (text === undefined)
    throw incomplete('CMS_GATEWAY_PATHS', paths.problem.replace(/^it names nothing\./, 'is not set.'));
  throw refuse(paths.problem);
});

const authMethods = {
  CMS_GATEWAY_ISSUER: ['CMS_GATEWAY_CLIENT_ID', 'CMS_GATEWAY_CLIENT_SECRET', 'CMS_GATEWAY_AUDIENCE'],
  CMS_GATEWAY_JWT_SECRET: ['CMS_GATEWAY_AUDIENCE'],
  CMS_GATEWAY_IDENTITY: [],
} as const;

const authNames = [
  'CMS_GATEWAY_ISSUER',
  'CMS_GATEWAY_CLIENT_ID',
  'CMS_GATEWAY_CLIENT_SECRET',
  'CMS_GATEWAY_AUDIENCE',
  'CMS_GATEWAY_JWT_SECRET',
  'CMS_GATEWAY_IDENTITY',
] as const;

const authSettings = reader(authNames, readAuthMethod);

function readAuthMethod(texts: Texts<(typeof authNames)[number]>): AuthMethod {
  const names = Object.keys(authMethods) as (keyof typeof authMethods)[];
  const set = names.filter((name) => texts.optional(name) !== undefined);
  const [chosen, ...others] = set;
  if (chosen === undefined)
    throw incomplete(
      names[0] ?? '',
      `is not set, and neither is ${names.slice(1).join(' or ')}. Set one of them, so that the gateway can tell who is an editor.`,
    );
  if (others.length > 0)
    throw invalid(
      chosen,
      `${others.join(' and ')} is set, too. Editors are known in one way only: remove all but one.`,
    );
  const own: readonly string[] = authMethods[chosen];
  for (const [name, belonging] of Object.entries(authMethods))
    for (const other of belonging)
      if (!own.includes(other) && texts.optional(other) !== undefined)
        throw invalid(
          other,
          `it goes with ${name}, which is not set. Remove it, or set ${name} in place of ${chosen}.`,
        );

  const audience = readAudience(texts.optional('CMS_GATEWAY_AUDIENCE'));
  if (chosen === 'CMS_GATEWAY_JWT_SECRET')
    return { kind: 'hs256', secret: longSecret(texts, chosen), ...(audience && { audience }) };
  const url = withoutFinalSlash(readUrl(chosen, texts.optional(chosen)).href);
  if (chosen === 'CMS_GATEWAY_IDENTITY') return { kind: 'gotrue', address: url };

  const client = (['CMS_GATEWAY_CLIENT_ID', 'CMS_GATEWAY_CLIENT_SECRET'] as const).find(
    (name) => texts.optional(name) !== undefined,
  );
  if (audience !== undefined && client !== undefined)
    throw invalid(
      client,
      'CMS_GATEWAY_AUDIENCE is set, too. Either the gateway signs editors in (client id and secret), or the issuer gives the CMS a token (audience): remove one of the two.',
    );
  // A slash at the end stays: some issuers have one, and it is a part of their name. The path of the metadata goes: owners paste it.
  const issuer = withoutMetadataPath(texts.required(chosen));
  if (audience) return { kind: 'jwt', issuer, audience };
  if (client === undefined)
    throw incomplete(
      chosen,
      'needs CMS_GATEWAY_CLIENT_ID and CMS_GATEWAY_CLIENT_SECRET, so that the gateway can sign editors in, or CMS_GATEWAY_AUDIENCE, if the issuer gives the CMS a token itself.',
    );
  const clientId = texts.required('CMS_GATEWAY_CLIENT_ID');
  return { kind: 'oidc', issuer, clientId, clientSecret: longSecret(texts, 'CMS_GATEWAY_CLIENT_SECRET') };
}

/** @returns undefined if it is not set */
function readAudience(value: string | undefined): string[] | undefined {
  if (value === undefined) return undefined;
  const names = commaList(value);
  if (names.length === 0) throw invalid('CMS_GATEWAY_AUDIENCE', 'it names nobody. Write what the tokens are made for.');
  return names;
}

/** Every editor holds a token to guess the secret from, for as long as they like. */
function longSecret<Name extends SettingName>(texts: Texts<Name>, name: Name): string {
  const secret = texts.required(name);
  if (secret.length < 32)
    throw invalid(name, 'it has fewer than 32 characters, and could be guessed. Make a longer one, at random.');
  return secret;
}

const listNames = ['CMS_GATEWAY_EDITORS', 'CMS_GATEWAY_ROLES', 'CMS_GATEWAY_ROLES_CLAIM'] as const;

const listSettings = reader(listNames, (texts) => (auth: AuthMethod | undefined) => readLists(texts, auth));

/** @param auth undefined if it could not be read */
function readLists(texts: Texts<(typeof listNames)[number]>, auth: AuthMethod | undefined): EditorLists {
  const entries = commaList(texts.optional('CMS_GATEWAY_EDITORS'));
  const roles = commaList(texts.optional('CMS_GATEWAY_ROLES'));
  const rolesClaim = readRolesClaim(texts.optional('CMS_GATEWAY_ROLES_CLAIM'));
  if (entries.length === 0 && roles.length === 0)
    throw incomplete(
      'CMS_GATEWAY_EDITORS',
      'is not set, and neither is CMS_GATEWAY_ROLES, so nobody is let in. List the addresses of the editors, @example.org for all of a domain, or roles.',
    );
  const everyone = entries.includes('*');
  if (everyone && entries.length > 1)
    throw invalid('CMS_GATEWAY_EDITORS', '"*" lets everybody in, so nothing else may stand beside it.');
  if (everyone && (auth?.kind === 'oidc' || auth?.kind === 'jwt') && issuerFacts(auth.issuer).signUp === 'open')
    throw everyoneRefused();
  if (everyone && auth?.kind === 'hs256')
    throw invalid(
      'CMS_GATEWAY_EDITORS',
      '"*" does not go with CMS_GATEWAY_JWT_SECRET, which cannot tell who may sign up. List addresses, @example.org for all of a domain, or use CMS_GATEWAY_ROLES.',
    );
  const addresses: string[] = [];
  const domains: string[] = [];
  for (const [index, entry] of entries.entries()) {
    if (entry === '*') continue;
    const domain = entry.startsWith('@');
    if (!isAddress(domain ? `x${entry}` : entry) || entry.includes('*'))
      throw invalid(
        'CMS_GATEWAY_EDITORS',
        `entry ${index + 1} is no address. Write addresses and @example.org, with commas between.`,
      );
    if (domain && isPublicMail(lowerCase(entry.slice(1))))
      throw invalid(
        'CMS_GATEWAY_EDITORS',
        `entry ${index + 1} is the domain of a mail service where anybody can have an address, so it would let in everybody. List the addresses of the editors.`,
      );
    (domain ? domains : addresses).push(lowerCase(domain ? entry.slice(1) : entry));
  }
  return { everyone, addresses, domains, roles, rolesClaim };
}

/**
 * Profile claims (OpenID Connect Core, 5.1), which people change themselves at many providers, and what GoTrue and Auth0 call the part
 * of an account that its owner may write. Whoever may write a role into it would be an editor.
 */
const writtenByUsers =
  /^(?:name|given_name|family_name|middle_name|nickname|preferred_username|username|profile|picture|website|email|gender|birthdate|zoneinfo|locale|phone_number|address)$|(?:^|[./:])(?:raw_)?user_?meta_?data(?:$|[./:])/i;

function readRolesClaim(value = 'app_metadata.roles'): string {
  const name = 'CMS_GATEWAY_ROLES_CLAIM';
  const claims = commaList(value);
  if (claims.length === 0)
    throw invalid(name, 'it names no claim. Write one, such as app_metadata.roles, or remove it.');
  for (const [index, claim] of claims.entries())
    if (writtenByUsers.test(claim))
      throw invalid(
        name,
        `entry ${index + 1} is a claim that people write themselves, so anybody could give themselves a role. Name one that only the owner writes, such as app_metadata.roles or groups.`,
      );
  return value;
}

/** Exact addresses: whoever begins a sign-in may be an attacker, and any page that hands its query on would give the code away. */
export function pagesSettings(own: Origin): Reader<string[]> {
  const name = 'CMS_GATEWAY_PAGES';
  const origins = originsSetting(own);
  return {
    name,
    names: [name, ...origins.names],
    read: (env) => findPages(name, commaList(optional(env, name)), origins.read(env).exact),
  };
}

/** @param exact origins that are listed without a star */
function findPages(name: string, pages: string[], exact: readonly string[]): string[] {
  if (pages.length === 0) return exact.flatMap((origin) => [`${origin}/admin/`, `${origin}/admin/index.html`]);
  for (const [index, page] of pages.entries()) {
    if (!URL.canParse(page) || new URL(page).href !== page || /[?#*]/.test(page))
      throw invalid(
        name,
        `entry ${index + 1} is not the address of a page as a browser has it. Write it in full, without "?", "#" and "*", such as https://www.example.com/admin/`,
      );
    if (!exact.includes(new URL(page).origin))
      throw invalid(
        name,
        `entry ${index + 1} is a page of an origin that CMS_AUTH_ORIGINS does not list. List it there, too, without a star.`,
      );
  }
  return pages;
}

const sessionSetting = setting('CMS_GATEWAY_SESSION', (hours = '10', refuse) => {
  if (!/^\d{1,2}$/.test(hours) || Number(hours) < 1 || Number(hours) > 24)
    throw refuse('write a number of hours from 1 to 24.');
  return Number(hours) * 3600;
});

const committerSetting = setting('CMS_GATEWAY_COMMITTER', (committer = 'editor', refuse) => {
  if (committer !== 'editor' && committer !== 'app') throw refuse('write editor or app.');
  return committer;
});

const credentialSettings = (hosts: readonly RepositoryHost[]) =>
  reader(
    ['CMS_GATEWAY_TOKEN', ...hosts.flatMap(({ provider, apps }) => (apps ? Object.values(appSettings(provider)) : []))],
    (texts) => (host: RepositoryHost) => readCredential(texts, host, hosts),
  );

function readCredential(texts: Texts<SettingName>, host: RepositoryHost, hosts: readonly RepositoryHost[]): Credential {
  const token = texts.optional('CMS_GATEWAY_TOKEN');
  const { id, privateKey } = appSettings(host.provider);
  const hostName = host.provider.name;
  const isSet = (name: SettingName) => texts.optional(name) !== undefined;
  for (const { provider } of hosts.filter(({ apps, provider }) => apps && provider !== host.provider))
    for (const name of Object.values(appSettings(provider)))
      if (isSet(name))
        throw invalid(
          name,
          `CMS_GATEWAY_REPO is at ${hostName}, and this is for ${provider.name}. Remove it, and set CMS_GATEWAY_TOKEN.`,
        );
  if (host.apps && (isSet(id) || isSet(privateKey))) {
    if (token !== undefined)
      throw invalid('CMS_GATEWAY_TOKEN', `${id} is set, too. The gateway needs one of the two: remove the other.`);
    const number = texts.required(id);
    if (!/^[\w.-]+$/.test(number)) throw invalid(id, 'write the App ID from the page of the app, a number.');
    return { kind: 'app', id: number, privateKey: readPem(privateKey, texts.required(privateKey)) };
  }
  if (token === undefined)
    throw host.apps
      ? incomplete(
          'CMS_GATEWAY_TOKEN',
          `is not set, and neither is ${id}. The gateway needs one of the two to write to the repository.`,
        )
      : new Failure(settingErrors.SETTING_MISSING, { setting: 'CMS_GATEWAY_TOKEN' });
  if (!/^[\x21-\x7e]+$/.test(token))
    throw invalid('CMS_GATEWAY_TOKEN', 'it holds spaces or other characters that no token has.');
  const owner = hosts.find(({ tokenPrefixes }) => tokenPrefixes.some((prefix) => token.startsWith(prefix)));
  if (owner && owner.provider !== host.provider)
    throw invalid(
      'CMS_GATEWAY_TOKEN',
      `it is a token of ${owner.provider.name}, and CMS_GATEWAY_REPO is at ${hostName}.`,
    );
  return { kind: 'token', token };
}

/** PKCS#1 as GitHub hands it out, or PKCS#8; many places for settings take one line only, so `\n` may stand for an end of a line. */
function readPem(name: string, value: string): string {
  const pem = value.replaceAll('\\n', '\n').replaceAll('\r', '');
  try {
    const { createPrivateKey } = process.getBuiltinModule('node:crypto');
    if (createPrivateKey(pem).asymmetricKeyType !== 'rsa') throw new TypeError();
    return pem;
  } catch {
    throw invalid(
      name,
      'it is no private key. Paste the whole .pem file, with its first and last line (-----BEGIN … and -----END …).',
    );
  }
}

const incomplete = (setting: string, detail: string) =>
  new Failure(settingErrors.SETTING_INCOMPLETE, { setting, detail });

const commaList = (value: string | undefined): string[] => [
  ...new Set(
    (value ?? '')
      .split(',')
      .map((entry) => entry.trim())
      .filter(Boolean),
  ),
];
