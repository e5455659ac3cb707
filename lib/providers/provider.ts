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
  /** What can stand behind the login, each with the form to register it at. What is best for most comes first. */
  registration: readonly [Registration, ...Registration[]];
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

export const settingPrefix = (provider: Provider): string => provider.id.toUpperCase().replaceAll('-', '_');
