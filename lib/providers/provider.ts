/**
 * A provider is a page of facts about a Git host; it holds no code. What a host does differently from the others is
 * either a field here or a tolerance of the core for all of them, never a branch on its name.
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
  /** The host's newer kind of app, whose rights no scope can change, if it has one: what its owner calls it. */
  app?: string;
  /** How the host wants client id and secret (RFC 6749, 2.3.1): in the body, or as HTTP Basic without percent-encoding. */
  clientAuthentication: 'body' | 'rawBasic';
  /** Whether the host takes PKCE with S256 (RFC 7636). */
  pkce: boolean;
  /** What its owner has to know to register an app there. */
  registration: {
    /** Path of the form, and the fields that it takes from its query. */
    path: string;
    prefill?: { name: string; homepage: string; callback: string };
    /** Where the form is not at one address, how to get there; and what else has to be filled in, in the form's own words. */
    advice: string;
  };
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
  /** Whether editors without write access can work in forks (`open_authoring`). */
  forks: boolean;
  /** The right of such an app that links to deploy previews need besides. */
  previews?: string;
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

/** A host whose tokens some CMS can renew. */
export type RenewingProvider = Provider & Required<Pick<Provider, 'refresh'>>;

/** The CMSs that log in through a server such as this one. */
export type CmsName = 'decap' | 'netlify' | 'sveltia' | 'static';

export interface CmsFacts {
  /** The scopes that the CMS asks for; `auth_scope` takes the place of the first. */
  scopes: readonly string[];
  /** Where it goes if `base_url` is not set, if that is not Netlify's login server. */
  fallback?: string;
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
export function apiRoots({ api }: Pick<Provider, 'api'>, base: string): ApiRoots | undefined {
  for (const { base: pattern, ...roots } of api) {
    const star = starOf(pattern, base);
    if (star !== undefined) return mapValues(roots, (root) => root.replaceAll('*', () => star));
  }
  return undefined;
}

/** @returns the base URL of the host whose API is there; undefined if no API of this kind of host has such an address */
export function baseOfApi(provider: Pick<Provider, 'api'>, apiRoot: string): string | undefined {
  for (const { base: pattern, api_root } of provider.api) {
    const star = starOf(api_root, apiRoot);
    const base = star === undefined ? undefined : pattern.replace('*', () => star);
    // An earlier row may say something else about this host.
    if (base !== undefined && apiRoots(provider, base)?.api_root === apiRoot) return base;
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
