/**
 * What is known about OpenID providers: facts only. Any other provider works as well; there is just less to say about it.
 */
export interface IssuerFacts {
  /** What people call it. */
  name: string;
  /** How its issuer is written, for `CMS_GATEWAY_ISSUER`; shown on the page at `/git`. */
  example?: string;
  /** Where a client is registered. `$1` and so on are parts of the issuer. */
  console?: string;
  /** What to choose there, in the console's own words. */
  advice?: string;
  /** It asks which of several accounts it should be, instead of taking the one that was used last. Others need not know how to. */
  prompt?: 'select_account';
  /**
   * Who can get an account there. `open`: the whole world, so "whoever it vouches for" would be everybody. `possible`: it depends on a
   * setting there, which nobody can see from outside.
   */
  signUp?: 'open' | 'possible';
  /** Somebody may hold a private account under a work address: the address's domain counts only if this claim says so, too. */
  domainClaim?: string;
  /** Stands for `email_verified` where that one is absent. */
  verifiedClaim?: string;
  /** The same issuer also answers at addresses of another name, such as that of a tenant in the place of its id. */
  hasAliases?: true;
}

interface Issuer extends IssuerFacts {
  /** The issuer as its metadata names it, without a slash at the end. */
  issuer: RegExp;
}

/** Microsoft's clouds: the world's, that of the government of the USA, and that of China. @see https://learn.microsoft.com/entra/identity-platform/authentication-national-cloud */
const microsoft = {
  hosts:
    'login\\.microsoftonline\\.(?:com|us)|login\\.microsoft\\.com|login\\.partner\\.microsoftonline\\.cn|login\\.chinacloudapi\\.cn',
  /** Of tokens of version 1, in which a tenant is named by its id only. */
  old: 'sts\\.windows\\.net|sts\\.chinacloudapi\\.cn',
  advice:
    'New registration, Accounts in this organizational directory only; the address goes under Redirect URI, Web. Then Certificates & secrets, New client secret; and Token configuration, Add optional claim, ID: email and xms_edov.',
};

/** The first one that fits counts. Those with an example come in the order in which they are shown. */
const issuers: readonly Issuer[] = [
  {
    // https://developers.google.com/identity/openid-connect/openid-connect#an-id-tokens-payload
    issuer: /^https:\/\/accounts\.google\.com$/,
    name: 'Google',
    example: 'https://accounts.google.com',
    console: 'https://console.cloud.google.com/auth/clients',
    advice: 'Create client, Application type: Web application; the address goes under Authorized redirect URIs.',
    prompt: 'select_account', // ./openid-connect#authenticationuriparameters
    signUp: 'open',
    domainClaim: 'hd',
  },
  {
    // Everybody's account. The metadata of `common` and `organizations` names no tenant but `{tenantid}`; the id is that of private accounts.
    issuer: new RegExp(
      `^https:\\/\\/(?:${microsoft.hosts}|${microsoft.old})\\/(?:common|organizations|consumers|(?:\\{|%7B)tenantid(?:\\}|%7D)|9188040d-6c67-4c5b-b112-36a304b66dad)(?:\\/v2\\.0)?$`,
      'i',
    ),
    name: 'Microsoft',
    signUp: 'open',
  },
  {
    // One tenant. It sends no `email_verified`; the optional claim says that the tenant owns the address's domain.
    // https://learn.microsoft.com/entra/identity-platform/optional-claims-reference
    issuer: new RegExp(`^https:\\/\\/(?:${microsoft.hosts}|${microsoft.old})\\/[\\w.-]+(?:\\/v2\\.0)?$`, 'i'),
    name: 'Microsoft',
    example: 'https://login.microsoftonline.com/<tenant id>/v2.0',
    console: 'https://entra.microsoft.com/#view/Microsoft_AAD_RegisteredApps/ApplicationsListBlade',
    advice: microsoft.advice,
    prompt: 'select_account', // https://learn.microsoft.com/entra/identity-platform/v2-protocols-oidc#send-the-sign-in-request
    verifiedClaim: 'xms_edov',
    hasAliases: true,
  },
  {
    // External ID, for customers. The claim also says yes to whoever signed in by a one-time passcode, with Google or with Microsoft.
    // https://learn.microsoft.com/entra/external-id/customers/overview-customers-ciam
    issuer: /^https:\/\/[\w-]+\.ciamlogin\.com\/[\w.-]+\/v2\.0$/i,
    name: 'Microsoft',
    console: 'https://entra.microsoft.com/#view/Microsoft_AAD_RegisteredApps/ApplicationsListBlade',
    advice: microsoft.advice,
    signUp: 'possible',
    verifiedClaim: 'xms_edov',
    hasAliases: true,
  },
  {
    // https://docs.gitlab.com/integration/openid_connect_provider/
    issuer: /^https:\/\/gitlab\.com$/,
    name: 'GitLab',
    example: 'https://gitlab.com',
    console: 'https://gitlab.com/-/user_settings/applications',
    advice: 'Add new application, Confidential, with the scopes openid, profile and email.',
    signUp: 'open',
  },
  {
    // https://auth0.com/docs/get-started/applications/application-settings
    issuer: /^https:\/\/[\w.-]+\.auth0\.com$/,
    name: 'Auth0',
    example: 'https://<tenant>.auth0.com',
    console: 'https://manage.auth0.com/#/applications',
    advice: 'Create Application, Regular Web Applications; the address goes under Settings, Allowed Callback URLs.',
    signUp: 'possible',
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
  {
    // https://docs.aws.amazon.com/cognito/latest/developerguide/signing-up-users-in-your-app.html
    issuer: /^https:\/\/cognito-idp\.[\w-]+\.amazonaws\.com(?:\.cn)?\/[\w-]+$/,
    name: 'Amazon Cognito',
    signUp: 'possible',
  },
  {
    // https://firebase.google.com/docs/auth/admin/verify-id-tokens
    issuer: /^https:\/\/securetoken\.google\.com\/[\w-]+$/,
    name: 'Firebase',
    signUp: 'possible',
  },
  {
    // https://supabase.com/docs/guides/auth/signing-keys
    issuer: /^https:\/\/[\w-]+\.supabase\.(?:co|in)\/auth\/v1$/,
    name: 'Supabase',
    signUp: 'possible',
  },
  {
    // Azure AD B2C; Clerk; Zitadel's cloud; Kinde; Logto; Descope; Stytch: customers sign up by themselves unless their owner closes it.
    issuer:
      /^https:\/\/(?:[\w-]+\.b2clogin\.com\/.+|[\w.-]+\.clerk\.accounts\.dev|clerk\.[\w.-]+|[\w.-]+\.zitadel\.cloud|[\w-]+\.kinde\.com|[\w-]+\.logto\.app\/oidc|api\.descope\.com\/.+|api\.stytch\.com\/.+)$/i,
    name: '',
    signUp: 'possible',
  },
  {
    issuer:
      /^https:\/\/(?:(?:appleid|account)\.apple\.com|(?:www|limited)\.facebook\.com|www\.linkedin\.com(?:\/oauth)?|slack\.com|(?:api\.)?login\.yahoo\.com|id\.twitch\.tv\/oauth2|discord\.com|access\.line\.me|www\.paypal\.com|(?:www\.)?paypalobjects\.com|accounts\.spotify\.com|login\.salesforce\.com|orcid\.org|oauth\.telegram\.org|(?:auth|id)\.atlassian\.com|token\.actions\.githubusercontent\.com|github\.com(?:\/login\/oauth)?|bitbucket\.org|codeberg\.org|huggingface\.co)$/,
    name: '',
    signUp: 'open',
  },
];

/** Those that the page at `/git` names. */
export const knownIssuers = issuers.filter(({ example }) => example !== undefined);

/** Where the metadata of an issuer is (OpenID Connect Discovery, 4; RFC 8414, 3). Owners paste this address, too. */
const metadataPath = /\/\.well-known\/(?:openid-configuration|oauth-authorization-server)\/?$/;

/** As it is written otherwise: some issuers have a slash at the end, and it is a part of their name. */
export const withoutMetadataPath = (issuer: string): string => issuer.replace(metadataPath, '');

/**
 * An issuer in one spelling: as a browser writes an address, without the path of its metadata and without a slash at the end.
 * `HTTPS://Accounts.google.com:443/.well-known/openid-configuration` is Google, and so it is for the discovery.
 */
export const plainIssuer = (issuer: string): string =>
  withoutMetadataPath(URL.canParse(issuer) ? new URL(issuer).href : issuer).replace(/\/$/, '');

/**
 * What is known about an issuer; of most there is nothing to know.
 *
 * @param issuer as its metadata names it. What the settings have will do for names and hints, but decides nothing.
 */
export function issuerFacts(issuer: string): IssuerFacts {
  const plain = plainIssuer(issuer);
  const { issuer: pattern, console, name, ...rest } = find(issuer) ?? noFacts;
  return {
    ...rest,
    name: name || (URL.canParse(plain) ? new URL(plain).host : 'The provider'),
    ...(console !== undefined && { console: plain.replace(pattern, console) }),
  };
}

const noFacts: Issuer = { issuer: /^/, name: '' };

/** Whether two names can be those of one issuer, of which one is an alias. */
export function isAlias(issuer: string, other: string): boolean {
  const known = find(issuer);
  return known?.hasAliases === true && find(other) === known;
}

const find = (issuer: string): Issuer | undefined => issuers.find((one) => one.issuer.test(plainIssuer(issuer)));

/** The claims that say of an address whether it is verified. */
export const verdicts: readonly string[] = [
  ...new Set(['email_verified', ...issuers.flatMap(({ verifiedClaim }) => verifiedClaim ?? [])]),
];
