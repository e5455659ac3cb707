/**
 * A provider is a page of facts about a Git host; it holds no code. What a host does differently from the others is
 * either a field here or a tolerance of the core for all of them, never a branch on its name.
 *
 * This is what a login needs. Every deployed function reads it at each start, so what else is known is in `HostFacts`.
 */
export interface Provider {
  /** URL segment (`/auth/github`), name in the CMS's messages, and in capitals the prefix of the settings. */
  id: string;
  /** What people call it. */
  name: string;
  /** Base URL of the public service; `<ID>_URL` replaces it for a self-hosted one. */
  url: string;
  /** Paths below the base URL. */
  authorizePath: string;
  tokenPath: string;
  /** The issuer identifier (RFC 9207) is the base URL with this behind it. It must be right: see `exchange.ts`. */
  issuerPath: string;
  /** Absent where the rights are the registered app's own and cannot be asked for: no scope is sent then. */
  scope?: {
    /** The least that the CMSs work with. */
    default: string;
    /** What a CMS may ask for, each with the wider scopes that include it. */
    allowed: Readonly<Record<string, readonly string[]>>;
  };
  /**
   * How values on the app's page look, where none of the others can look so: to notice one that was taken for another. A key is
   * what people call it.
   */
  looks?: Readonly<Partial<Record<'client id' | 'client secret' | 'App ID', RegExp>>>;
  /** How the host wants client id and secret (RFC 6749, 2.3.1): in the body, or as HTTP Basic without percent-encoding. */
  clientAuthentication: 'client_secret_post' | 'client_secret_basic';
  /** Whether the host takes PKCE with S256 (RFC 7636). */
  pkce: boolean;
  /** How those CMSs renew tokens that know how to, at this host; absent where no CMS does. */
  refresh?: {
    /** Which CMSs. */
    by: readonly CmsName[];
    /** Where they ask: fixed in their code. */
    path: string;
    /** What they call the two tokens in the answer. */
    answer: { accessToken: string; refreshToken: string };
    /** What they call the refresh token at the login, and whether every login gets it or only one begun at `/authorize`. */
    login: { refreshToken: string; always: boolean };
  };
}

/**
 * What owners, the set-up, the gateway and the doctor know of a Git host besides. No login needs it, so it is a record of its own:
 * `factsOf` in facts.ts has it.
 */
export interface HostFacts {
  /** The host's newer kind of app, whose rights no scope can change, if it has one: what its owner calls it. */
  app?: string;
  /** How long a token lives, and who can renew it. */
  session: string;
  /** How long a token lives, where that is shorter than a day's work: `two hours`. */
  tokenLife?: string;
  /** What the CMS's `repo` looks like, and whether groups may stand within groups. */
  repository: { form: string; groups: boolean };
  /**
   * Where the API is. The first row counts whose `base` fits the host's base URL; a star stands for the same text in the
   * whole row. The other names are keys of the CMS's `backend`.
   */
  api: readonly ApiRow[];
  /** The CMSs that can log in here through a login server. */
  cms: Readonly<Partial<Record<CmsName, CmsFacts>>>;
  /** What the CMSs take as `auth_scope`; absent where what they ask for is fixed. */
  authScopes?: readonly string[];
  /** Logins of the CMS's page itself, without a server, by its `auth_type`: what becomes of them; absent if the CMSs have none. */
  inPage: { pkce?: 'works'; implicit?: 'removed' | 'short' };
  /** What the CMSs ask for where editors without write access work in forks (`open_authoring`); absent where they cannot. */
  forks?: { scope: string };
  /** The right of such an app that links to deploy previews need besides. */
  previews?: string;
  /** What can stand behind the login there, each with the form to register it at. What is best for most comes first. */
  registrations: readonly [Registration, ...Registration[]];
}

/** A host with all that is known of it. */
export type KnownHost = Provider & HostFacts;

/** What a CMS may put at the end of a gateway's address, to say which host is behind it. */
export const gatewayNames: readonly string[] = ['github', 'gitlab', 'bitbucket'];

/** The hosts with such a record, for functions that serve another one alone: a setting may name any of them. */
export const renewable: readonly string[] = ['github', 'gitlab', 'bitbucket'];

/** A form at the host, and what its owner has to know to fill it in. */
export interface Registration {
  /** What is registered there: "GitHub App". */
  what: string;
  /** How it differs from the others, if there are others. */
  advice?: string;
  /** Path of the form, below the base URL. */
  path: string;
  /** The same for an organisation; `{owner}` stands for its name. */
  organisationPath?: string;
  /** What the form takes from its query. `{name}`, `{homepage}` and `{callback}` stand for ours. */
  prefill?: Readonly<Record<string, string>>;
  /** What is left to do by hand, in its order and in the form's own words. */
  steps: readonly string[];
}

/** "a GitHub App", "an OAuth App" */
export const articled = (what: string): string => `${/^[AEIO]/i.test(what) ? 'an' : 'a'} ${what}`;

/** What a form can be filled in with, and whose app it will be. */
export interface RegistrationFill {
  name: string;
  homepage: string;
  callback: string;
  /** An organisation, or whatever is to stand in its place. */
  organisation?: string | undefined;
}

/**
 * @param base the host's base URL, without a slash at the end
 * @returns the address of the form, with everything filled in that an address can fill in
 */
export function registrationAddress(base: string, form: Registration, { organisation, ...fill }: RegistrationFill) {
  const path =
    organisation !== undefined && form.organisationPath !== undefined
      ? form.organisationPath.replace('{owner}', encodeURIComponent(organisation))
      : form.path;
  const url = new URL(base + path);
  for (const [name, value] of Object.entries(form.prefill ?? {}))
    url.searchParams.set(
      name,
      value.replace(/\{(name|homepage|callback)\}/g, (_, key: keyof typeof fill) => fill[key]),
    );
  return url.href;
}

/** A host whose tokens some CMS can renew. */
export type RenewingProvider = Provider & Required<Pick<Provider, 'refresh'>>;

/** The CMSs that log in through a server such as this one. */
export type CmsName = 'decap' | 'netlify' | 'sveltia' | 'static';

export interface CmsFacts {
  /** The scopes that the CMS asks for; `auth_scope` takes the place of the first. */
  scopes: readonly string[];
  /** Where it goes if `base_url` is not set, if that is not Netlify's login server. */
  fallback?: string;
  /**
   * When an instance of one's own needs `graphql_api_root` beside `api_root`: `always` where the CMS makes a wrong address of
   * the other's host, `use_graphql` where that setting makes it ask the public host.
   */
  graphqlRoot?: 'always' | 'use_graphql';
}

export interface ApiRow extends ApiRoots {
  base: string;
}

/** Keys of the CMS's `backend`. */
export interface ApiRoots {
  api_root: string;
  graphql_api_root?: string;
}

/** @param base the host's base URL, without a slash at the end */
export function apiRoots({ api }: Pick<HostFacts, 'api'>, base: string): ApiRoots | undefined {
  for (const { base: pattern, ...roots } of api) {
    const star = starOf(pattern, base);
    if (star !== undefined) return mapValues(roots, (root) => root.replaceAll('*', () => star));
  }
  return undefined;
}

/** @returns the base URL of the host whose API is there; undefined if no API of this kind of host has such an address */
export function baseOfApi(facts: Pick<HostFacts, 'api'>, apiRoot: string): string | undefined {
  for (const { base: pattern, api_root } of facts.api) {
    const star = starOf(api_root, apiRoot);
    const base = star === undefined ? undefined : pattern.replace('*', () => star);
    // An earlier row may say something else about this host.
    if (base !== undefined && apiRoots(facts, base)?.api_root === apiRoot) return base;
  }
  return undefined;
}

/** What the star of the pattern stands for: anything without a query; within a host name, one part of it. */
function starOf(pattern: string, text: string): string | undefined {
  const [before = '', after] = pattern.split('*');
  if (after === undefined) return text === pattern ? '' : undefined;
  if (text.length <= before.length + after.length || !text.startsWith(before) || !text.endsWith(after))
    return undefined;
  const star = text.slice(before.length, text.length - after.length);
  return (before === '' ? /^https?:\/\/[^?#]*[^?#/]$/ : /^[^./?#]+$/).test(star) ? star : undefined;
}

const mapValues = (roots: ApiRoots, change: (root: string) => string): ApiRoots => ({
  api_root: change(roots.api_root),
  ...(roots.graphql_api_root !== undefined && { graphql_api_root: change(roots.graphql_api_root) }),
});

/**
 * The addresses that a function of this provider's own answers, on platforms that route by path.
 */
export const pathsOf = ({ id, refresh }: Pick<Provider, 'id' | 'refresh'>): string[] => [
  ...['', '/begin', '/authorize', '/callback'].map((step) => `/auth/${id}${step}`),
  ...(refresh ? [refresh.path] : []),
];

export const settingPrefix = (provider: Provider): string => provider.id.toUpperCase().replaceAll('-', '_');
