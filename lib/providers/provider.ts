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
  /** Where the CMSs find an instance of one's own: keys of their `backend`, each with its path below the base URL. */
  api?: Readonly<Record<string, string>>;
  /** Sveltia CMS supports fewer hosts than the others. */
  sveltia: boolean;
  /** How those CMSs renew tokens that know how to, at this host. */
  refresh: {
    /** Where they ask: fixed in their code. */
    path: string;
    /** What they call the two tokens in the answer. */
    answer: { accessToken: string; refreshToken: string };
    /** What they call the refresh token at the login, and whether every login gets it or only one begun at `/authorize`. */
    login: { refreshToken: string; always: boolean };
  };
}

export const settingPrefix = (provider: Provider): string => provider.id.toUpperCase().replaceAll('-', '_');
