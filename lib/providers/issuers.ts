/**
 * What is known about OpenID providers: facts only. Any other provider works as well; there is just less to say about it.
 */
export interface IssuerFacts {
  /** What people call it. */
  name: string;
  /** How its issuer is written, for `CMS_GATEWAY_ISSUER`. */
  example?: string;
  /** Where a client is registered. `$1` and so on are parts of the issuer. */
  console?: string;
  /** What to choose there, in the console's own words. */
  advice?: string;
  /** More to say when somebody is sent there. */
  parameters?: Readonly<Record<string, string>>;
}

/** Whoever has several accounts, or was refused with one, has to be able to choose. */
const choose = { parameters: { prompt: 'select_account' } };

/** In the order in which they are shown. */
export const knownIssuers: readonly (IssuerFacts & { issuer: RegExp })[] = [
  {
    // https://developers.google.com/identity/openid-connect/openid-connect#authenticationuriparameters
    issuer: /^https:\/\/accounts\.google\.com$/,
    name: 'Google',
    example: 'https://accounts.google.com',
    console: 'https://console.cloud.google.com/auth/clients',
    advice: 'Create client, Application type: Web application; the address goes under Authorized redirect URIs.',
    ...choose,
  },
  {
    // https://learn.microsoft.com/entra/identity-platform/v2-protocols-oidc#send-the-sign-in-request
    issuer: /^https:\/\/login\.microsoftonline\.(?:com|us)\/[\w.-]+\/v2\.0$/i,
    name: 'Microsoft',
    example: 'https://login.microsoftonline.com/<tenant id>/v2.0',
    console: 'https://entra.microsoft.com/#view/Microsoft_AAD_RegisteredApps/ApplicationsListBlade',
    advice:
      'New registration, Accounts in this organizational directory only; the address goes under Redirect URI, Web. Then Certificates & secrets, New client secret; and Token configuration, Add optional claim, ID: email and xms_edov.',
    ...choose,
  },
  {
    // https://docs.gitlab.com/integration/openid_connect_provider/
    issuer: /^https:\/\/gitlab\.com$/,
    name: 'GitLab',
    example: 'https://gitlab.com',
    console: 'https://gitlab.com/-/user_settings/applications',
    advice: 'Add new application, Confidential, with the scopes openid, profile and email.',
  },
  {
    // https://auth0.com/docs/get-started/applications/application-settings
    issuer: /^https:\/\/[\w.-]+\.auth0\.com$/,
    name: 'Auth0',
    example: 'https://<tenant>.auth0.com',
    console: 'https://manage.auth0.com/#/applications',
    advice: 'Create Application, Regular Web Applications; the address goes under Settings, Allowed Callback URLs.',
  },
  {
    // https://developer.okta.com/docs/guides/sign-into-web-app-redirect/
    issuer: /^https:\/\/([\w-]+)\.(okta\.com|okta-emea\.com|oktapreview\.com)(?:\/oauth2\/[\w-]+)?$/,
    name: 'Okta',
    example: 'https://<name>.okta.com',
    console: 'https://$1-admin.$2/admin/apps/active',
    advice:
      'Create App Integration, OIDC, Web Application; the address goes under Sign-in redirect URIs. Assign it to those who are to edit.',
  },
  {
    // https://www.keycloak.org/docs/latest/server_admin/#_oidc_clients
    issuer: /^(https?:\/\/[^?#]+)\/realms\/([^/?#]+)$/,
    name: 'Keycloak',
    example: 'https://<host>/realms/<realm>',
    console: '$1/admin/$2/console/#/$2/clients',
    advice: 'Create client, OpenID Connect, Client authentication on; the address goes under Valid redirect URIs.',
  },
];

/** In one spelling: `HTTPS://Accounts.google.com:443/` is Google, too, and so it is for the discovery. */
export const plainIssuer = (issuer: string): string =>
  (URL.canParse(issuer) ? new URL(issuer).href : issuer).replace(/\/$/, '');

/** @param issuer as the settings have it */
export function issuerFacts(issuer: string): IssuerFacts {
  const plain = plainIssuer(issuer);
  const facts = knownIssuers.find((candidate) => candidate.issuer.test(plain));
  if (!facts) return { name: URL.canParse(issuer) ? new URL(issuer).host : 'The provider' };
  const { issuer: pattern, console, ...rest } = facts;
  return { ...rest, ...(console !== undefined && { console: plain.replace(pattern, console) }) };
}

/** What is particular about one that issues tokens. */
interface Issuer {
  issuer: RegExp;
  /** Anybody in the world can have an account there, so "whoever it vouches for" would be everybody. */
  open?: true;
  /** Somebody may hold a private account under a work address: the address's domain counts only if this claim says so, too. */
  domainClaim?: string;
  /** Stands for `email_verified` where that one is absent. */
  verifiedClaim?: string;
}

/**
 * @see https://developers.google.com/identity/openid-connect/openid-connect#an-id-tokens-payload
 * @see https://learn.microsoft.com/entra/identity-platform/optional-claims-reference
 */
const issuers: readonly Issuer[] = [
  { issuer: /^https:\/\/accounts\.google\.com$/, open: true, domainClaim: 'hd' },
  {
    issuer:
      /^https:\/\/(login\.microsoftonline\.com|login\.microsoft\.com|sts\.windows\.net)\/(common|organizations|consumers|9188040d-6c67-4c5b-b112-36a304b66dad)(\/v2\.0)?$/i,
    open: true,
  },
  // One tenant. It sends no `email_verified`; the optional claim says that the tenant owns the address's domain.
  {
    issuer:
      /^https:\/\/(login\.microsoftonline\.(com|us)|login\.microsoft\.com|sts\.windows\.net)\/[\w.-]+(\/v2\.0)?$/i,
    verifiedClaim: 'xms_edov',
  },
  {
    issuer:
      /^https:\/\/(gitlab\.com|appleid\.apple\.com|account\.apple\.com|(www|limited)\.facebook\.com|www\.linkedin\.com(\/oauth)?|slack\.com|api\.login\.yahoo\.com|login\.yahoo\.com|id\.twitch\.tv\/oauth2|discord\.com|access\.line\.me|www\.paypal\.com|(www\.)?paypalobjects\.com|accounts\.spotify\.com|login\.salesforce\.com|orcid\.org|oauth\.telegram\.org|auth\.atlassian\.com|id\.atlassian\.com|token\.actions\.githubusercontent\.com|github\.com(\/login\/oauth)?|bitbucket\.org|codeberg\.org|huggingface\.co)$/,
    open: true,
  },
];

/** The claims that say of an address whether it is verified. */
export const verdicts: readonly string[] = [
  'email_verified',
  ...issuers.flatMap(({ verifiedClaim }) => verifiedClaim ?? []),
];

/** What is known about an issuer; of most there is nothing to know. */
export const issuerOf = (issuer: string): Omit<Issuer, 'issuer'> =>
  issuers.find((known) => known.issuer.test(plainIssuer(issuer))) ?? {};

/** Whether the whole world has, or can get, an account at this issuer. */
export const isOpenIssuer = (issuer: string): boolean => issuerOf(issuer).open === true;
