/**
 * An OpenID provider: the real thing (oidc-provider from npm) with people in it, and a page on which a visitor says which of
 * them to be. It serves the tests and the demo.
 */
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Context } from 'oidc-provider';
import { faults, type Fault } from './faults.ts';
import { fromOurPage, sendPage } from './host.ts';
import { listen, readParameters, requestUrl, type ListenOptions } from './http.ts';
import { errorPage, escapeHtml, page } from './page.ts';

/** It warns that it is set up for trying things out only, and on Node 20 that it was made for a newer one. Both are meant so. */
function silence(): () => void {
  const { warn } = console;
  console.warn = () => {};
  return () => void (console.warn = warn);
}

const speak = silence();
const { default: Provider, interactionPolicy } = await import('oidc-provider');
speak();

export interface Person {
  name: string;
  /** Any other claims; `email_verified` is true unless it says something else. */
  email?: string;
  [claim: string]: unknown;
}

export interface IdentityOptions extends ListenOptions {
  /** By their `sub`. */
  people?: Record<string, Person>;
  clientId?: string;
  clientSecret?: string;
  /** How the client proves who it is: the provider takes nothing else from it, whatever it offers to others. */
  authentication?: 'client_secret_basic' | 'client_secret_post';
  redirectUris: string[];
  /** A client without a secret, such as a CMS's own page. It gets JWTs that are good for this audience. */
  publicClient?: { id: string; redirectUris: string[]; audience: string };
  /** Whether the ID token holds all claims, or `sub` alone, as it should where there is a userinfo endpoint. */
  claimsInIdToken?: boolean;
  /** Whether it knows `prompt=select_account`. */
  prompts?: boolean;
}

export const people: Record<string, Person> = {
  ann: { name: 'Ann Example', email: 'ann@example.com' },
  bob: { name: 'Bob Example', email: 'bob@example.org' },
  eve: { name: 'Eve Elsewhere', email: 'eve@example.net' },
};

/** The endpoints of oidc-provider, as paths. */
export const identityPaths = {
  discovery: '/.well-known/openid-configuration',
  keys: '/jwks',
  token: '/token',
  userinfo: '/me',
} as const;

export type IdentityHost = Awaited<ReturnType<typeof startIdentity>>;

export async function startIdentity({
  clientId = 'gateway',
  clientSecret = 'the-secret-of-the-client-at-the-provider',
  authentication = 'client_secret_basic',
  redirectUris,
  publicClient,
  claimsInIdToken = false,
  prompts = true,
  ...options
}: IdentityOptions) {
  // Its issuer is where it listens, which is known only then.
  let answer: (request: IncomingMessage, response: ServerResponse) => unknown = (_, response) => response.destroy();
  const listening = await listen((request, response) => void answer(request, response), options);
  const identity = {
    issuer: listening.url,
    clientId,
    clientSecret,
    people: { ...(options.people ?? people) },
    /** What each endpoint does instead of answering. */
    faults: {} as Partial<Record<keyof typeof identityPaths, Fault>>,
    /** `GET /jwks` and so on, in the order in which they came. */
    requests: [] as string[],
    /** Lets the client have one more redirect address: one that knows its own only once it runs. */
    register(redirectUri: string) {
      redirectUris.push(redirectUri);
      provider = start();
    },
    close: listening.close,
  };
  const configuration = {
    clients: [
      {
        client_id: clientId,
        client_secret: clientSecret,
        redirect_uris: redirectUris,
        token_endpoint_auth_method: authentication,
      },
      ...(publicClient
        ? [
            {
              client_id: publicClient.id,
              redirect_uris: publicClient.redirectUris,
              token_endpoint_auth_method: 'none' as const,
            },
          ]
        : []),
    ],
    clientBasedCORS: () => publicClient !== undefined,
    ...(publicClient && { extraTokenClaims: claimsOf(identity) }),
    claims: {
      openid: ['sub', 'roles', 'hd', 'xms_edov', 'is_anonymous'],
      email: ['email', 'email_verified'],
      profile: ['name', 'picture'],
    },
    conformIdTokenClaims: !claimsInIdToken,
    findAccount: (_: Context, id: string) =>
      identity.people[id] && {
        accountId: id,
        claims: () => ({ sub: id, email_verified: true, ...identity.people[id] }),
      },
    cookies: { keys: [randomBytes(16).toString('hex')] },
    jwks: {
      keys: [
        {
          ...generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' }),
          kid: 'one',
          use: 'sig',
        },
      ],
    },
    pkce: { required: () => true },
    features: {
      devInteractions: { enabled: false },
      ...(publicClient && { resourceIndicators: jwtsFor(publicClient.id, publicClient.audience) }),
    },
    interactions: { url: (_: Context, { uid }: { uid: string }) => `/as/${uid}`, policy: asked(prompts) },
    loadExistingGrant,
    ttl: { Interaction: 600, Session: 3600, Grant: 3600, IdToken: 600, AccessToken: 600, AuthorizationCode: 60 },
    renderError: (ctx: { type: string; body: string }, { error, error_description }: Record<string, string>) => {
      ctx.type = 'html';
      ctx.body = errorPage('This does not work', `${error}: ${error_description}`);
    },
  };
  function start() {
    const speak = silence();
    try {
      return new Provider(identity.issuer, configuration);
    } finally {
      speak();
    }
  }
  let provider = start();
  answer = async (request, response) => {
    const { pathname } = requestUrl(request, identity.issuer);
    identity.requests.push(`${request.method} ${pathname}`);
    for (const [name, fault] of Object.entries(identity.faults))
      if (fault && pathname === identityPaths[name as keyof typeof identityPaths]) return void faults[fault](response);
    if (pathname.startsWith('/as/')) return choose(provider, identity.people, request, response);
    provider.callback()(request, response);
  };
  return identity;
}

/** To that client, and to nobody else, an access token is a JWT that says who it is for (RFC 9068). */
const jwtsFor = (clientId: string, audience: string) => ({
  enabled: true,
  defaultResource: (_: Context, client: { clientId: string }) =>
    client.clientId === clientId ? `urn:${audience}` : undefined,
  useGrantedResource: () => true,
  getResourceServerInfo: () => ({
    scope: 'openid email profile',
    audience,
    accessTokenFormat: 'jwt',
    accessTokenTTL: 600,
    jwt: { sign: { alg: 'RS256' } },
  }),
});

const claimsOf =
  ({ people: known }: { people: Record<string, Person> }) =>
  (_: Context, { accountId = '' }: { accountId?: string }) => ({ email_verified: true, ...known[accountId] });

/** Everybody is asked who they are, each time: that is what one wants of a demo. */
function asked(prompts: boolean) {
  const policy = interactionPolicy.base();
  // As Google, Microsoft, Keycloak and Okta know it (OpenID Connect Core, 3.1.2.1); others refuse it: see `prompts`.
  if (prompts) policy.add(new interactionPolicy.Prompt({ name: 'select_account', requestable: true }), 0);
  policy
    .get('login')
    .checks.add(new interactionPolicy.Check('asked', 'Who is it?', (ctx) => ctx.oidc.result?.login === undefined));
  return policy;
}

/** One grant per session, whatever the number of sign-ins: with two, the provider takes back what the first one led to. */
async function loadExistingGrant({ oidc: { client, session, provider, resourceServers } }: Context) {
  const clientId = client?.clientId ?? '';
  const id = session?.grantIdFor(clientId);
  if (id !== undefined) return provider.Grant.find(id);
  const grant = new provider.Grant({ clientId, accountId: session?.accountId ?? '' });
  grant.addOIDCScope('openid email profile');
  for (const resource of Object.keys(resourceServers ?? {})) grant.addResourceScope(resource, 'openid email profile');
  await grant.save();
  return grant;
}

async function choose(
  provider: InstanceType<typeof Provider>,
  known: Record<string, Person>,
  request: IncomingMessage,
  response: ServerResponse,
) {
  try {
    await provider.interactionDetails(request, response);
  } catch {
    return sendPage(
      response,
      400,
      errorPage('Too late', 'This sign-in has ended. Go back to the CMS, and begin again.'),
    );
  }
  if (request.method !== 'POST' || !fromOurPage(request)) return sendPage(response, 200, peoplePage(known));
  const who = (await readParameters(request)).get('who') ?? '';
  return provider.interactionFinished(
    request,
    response,
    known[who]
      ? { login: { accountId: who }, select_account: {} }
      : { error: 'access_denied', error_description: 'The visitor said no.' },
  );
}

function peoplePage(known: Record<string, Person>) {
  const buttons = Object.entries(known).map(
    ([id, { name = id, email = '' }]) =>
      `<button style="flex-basis:100%" name="who" value="${escapeHtml(id)}">${escapeHtml(name)}<br><span class="quiet">${escapeHtml(email)}</span></button>`,
  );
  return page(
    'Who are you?',
    `<p class="quiet">This page plays the provider that everybody has an account at: Google, Microsoft, your own.</p>
<form method="post">${buttons.join('\n')}</form>
<form method="post"><button name="who" value="">Nobody: cancel</button></form>`,
    'Demo OpenID provider',
  );
}
