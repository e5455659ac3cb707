import type { ClientAuth, Configuration, CustomFetch, ExportedJWKSCache, ServerMetadata } from 'openid-client';
import { verdicts } from '../providers/issuers.ts';
import { Failure } from '../http/errors.ts';
import { lazy } from '../http/cache.ts';
import { isLoopback } from '../http/origins.ts';
import { toFailure, readObject } from './response.ts';
import { clientAuthentication, type ClientAuthMethod } from './client-authentication.ts';
import { connectErrors, oauthErrors } from './errors.ts';
import { plain, send, textOf } from './request.ts';
import { nonceOf, type AuthorizationChecks } from './transaction.ts';

/** Us, as one OpenID provider knows us. */
export interface IssuerClient {
  /** As the provider writes it; a final slash may be missing. */
  issuer: string;
  clientId: string;
  /** Where it sends the browser back to; registered there. */
  redirectUri: string;
  /** What people call it. */
  host: string;
}

/** What an OpenID provider says about somebody (OpenID Connect Core, 5.1). */
export type Claims = Readonly<Record<string, unknown>>;

type Connect = typeof import('./connect.ts');

const loadConnect = lazy(() => import('./connect.ts'));

/** Milliseconds that we keep what an issuer publishes about itself. Its keys the library keeps for 5 minutes. */
const keptFor = 10 * 60_000;

/** Milliseconds for which a question is not repeated: longer if there was an answer. */
const pause = { answered: 30_000, failed: 2_000 };

interface Known {
  metadata: ServerMetadata;
  until: number;
  jwks?: ExportedJWKSCache | undefined;
  /** How it wanted client id and secret the last time. */
  authMethod?: ClientAuthMethod;
}

const known = new Map<string, Known>();

/** An OpenID provider, once it has told what it is (OpenID Connect Discovery). */
export interface OpenedIssuer {
  /** Where to send the browser (OpenID Connect Core, 3.1.2.1). */
  authorizationAddress(checks: AuthorizationChecks, parameters: Readonly<Record<string, string>>): string;
  /**
   * Mix-up (RFC 9207; RFC 9700, 4.4): an answer that names another issuer, or none where this one always names itself.
   *
   * @throws Failure ISSUER_MISMATCH
   */
  checkAnswer(iss: string | undefined): void;
  /**
   * Exchanges the code, and checks the ID token: signature, issuer, audience, time and nonce (OpenID Connect Core, 3.1.3.7).
   *
   * @param answer the parameters of the callback
   * @param suffice whether these claims are all; if not, the provider is asked for the rest (5.3)
   * @throws Failure with what the provider answered, in our words
   */
  authorizationCodeGrant(
    secret: string,
    checks: AuthorizationChecks,
    answer: { code: string; iss?: string | undefined },
    suffice: (claims: Claims) => boolean,
  ): Promise<Claims>;
}

/**
 * @param deadline when to give up, in milliseconds since the epoch; it holds for what is asked later, too
 * @throws Failure if the issuer cannot be reached, or is none
 */
export async function openIssuer(client: IssuerClient, deadline: number): Promise<OpenedIssuer> {
  const oauth = await loadConnect();
  const insecure = isLoopback(new URL(client.issuer));
  const ask = carefulFetch(oauth, deadline);
  const fill = {
    host: client.host,
    setting: 'CMS_GATEWAY_ISSUER',
    prefix: 'CMS_GATEWAY',
    callback: client.redirectUri,
  };

  async function inWords<Result>(row: 'discovery' | 'exchange', work: () => Promise<Result>): Promise<Result> {
    try {
      return await work();
    } catch (error) {
      const failure = toFailure(oauth, error, { fill, rejected: oauthErrors.CODE_REJECTED });
      // The answer could be read, but not believed.
      if (failure.code !== oauthErrors.HOST_MALFORMED.code) throw failure;
      throw new Failure(row === 'discovery' ? connectErrors.NO_ISSUER : connectErrors.ID_TOKEN_REFUSED, fill, {
        cause: error,
      });
    }
  }

  const found = await inWords('discovery', async () => {
    const kept = known.get(client.issuer);
    if (kept && kept.until > Date.now()) return kept;
    const discover = (issuer: string) =>
      oauth.discovery(new URL(issuer), client.clientId, undefined, undefined, {
        [oauth.customFetch]: ask,
        ...(insecure && { execute: [oauth.allowInsecureRequests] }),
      });
    // Some write themselves with a slash at the end. It is one document for both, and it is asked for once.
    const configuration = await discover(client.issuer).catch((error: unknown) => {
      if (client.issuer.endsWith('/') || !(error instanceof oauth.ClientError)) throw error;
      return discover(`${client.issuer}/`);
    });
    const metadata = trusted(configuration.serverMetadata(), insecure);
    if (!metadata) throw new Failure(connectErrors.NO_ISSUER, fill);
    const now = { ...kept, metadata, until: Date.now() + keptFor };
    known.set(client.issuer, now);
    return now;
  });
  const { metadata } = found;

  const configure = (authentication?: ClientAuth): Configuration => {
    const configuration = new oauth.Configuration(metadata, client.clientId, undefined, authentication);
    configuration[oauth.customFetch] = ask;
    configuration.timeout = 0; // ours is the deadline that counts
    if (insecure) oauth.allowInsecureRequests(configuration);
    // The library is content with TLS where the ID token comes from the token endpoint. With this it wants a signature by a key
    // that the issuer publishes: none at all, or one with the secret that both know, is refused, whatever the issuer offers.
    oauth.enableNonRepudiationChecks(configuration);
    if (found.jwks) oauth.setJwksCache(configuration, found.jwks);
    return configuration;
  };

  async function exchange(
    secret: string,
    checks: AuthorizationChecks,
    answer: { code: string; iss?: string | undefined },
    suffice: (claims: Claims) => boolean,
  ): Promise<Claims> {
    const callback = new URL(client.redirectUri);
    callback.searchParams.set('code', answer.code);
    callback.searchParams.set('state', checks.state);
    if (answer.iss !== undefined) callback.searchParams.set('iss', answer.iss);
    const grant = async (authMethod: ClientAuthMethod) => {
      const configuration = configure(clientAuthentication(oauth, authMethod, { clientId: client.clientId, secret }));
      const tokens = await oauth.authorizationCodeGrant(configuration, callback, {
        expectedState: checks.state,
        expectedNonce: nonceOf(checks),
        pkceCodeVerifier: checks.codeVerifier,
        idTokenExpected: true,
      });
      Object.assign(found, { authMethod, jwks: oauth.getJwksCache(configuration) });
      return { configuration, tokens };
    };

    const [first, second] = authMethodsOf(found);
    // Providers offer several ways and then hold a client to the one that it was registered with. A client that is not let in
    // has spent no code (RFC 6749, 5.2 comes before 4.1.3).
    const { configuration, tokens } = await grant(first).catch((error: unknown) => {
      const refused =
        error instanceof oauth.ResponseBodyError && (error.status === 401 || error.error === 'invalid_client');
      if (!refused || second === undefined) throw error;
      return grant(second);
    });
    const claims: Claims = { ...tokens.claims() };
    if (suffice(claims) || metadata.userinfo_endpoint === undefined) return claims;
    const more = await oauth.fetchUserInfo(configuration, tokens.access_token, String(claims['sub']));
    return withMore(claims, { ...more });
  }

  return {
    authorizationAddress: (checks, parameters) =>
      oauth.buildAuthorizationUrl(configure(), {
        redirect_uri: client.redirectUri,
        state: checks.state,
        nonce: nonceOf(checks),
        ...parameters,
      }).href,
    checkAnswer(iss) {
      if (iss === undefined ? metadata.authorization_response_iss_parameter_supported : iss !== metadata.issuer)
        throw new Failure(oauthErrors.ISSUER_MISMATCH, fill);
    },
    authorizationCodeGrant: (...given) => inWords('exchange', () => exchange(...given)),
  };
}

/** Which methods of client authentication to try, and in which order (OpenID Connect Discovery, 3: Basic where nothing is said). */
function authMethodsOf({ authMethod, metadata }: Known): [ClientAuthMethod, ClientAuthMethod?] {
  const offered = metadata.token_endpoint_auth_methods_supported ?? ['client_secret_basic', 'client_secret_post'];
  if (!offered.includes('client_secret_basic')) return ['client_secret_post'];
  if (!offered.includes('client_secret_post')) return ['client_secret_basic'];
  return authMethod === 'client_secret_post'
    ? ['client_secret_post', 'client_secret_basic']
    : ['client_secret_basic', 'client_secret_post'];
}

/**
 * Only with addresses that nobody on the way can read or change.
 *
 * @returns undefined if it cannot be used
 */
function trusted(metadata: ServerMetadata, insecure: boolean): ServerMetadata | undefined {
  const { authorization_endpoint, token_endpoint, jwks_uri, userinfo_endpoint } = metadata;
  const safe = (address: string | undefined): boolean => {
    const url = address !== undefined && URL.canParse(address) ? new URL(address) : undefined;
    return (
      url !== undefined && (url.protocol === 'https:' || (insecure && url.protocol === 'http:' && isLoopback(url)))
    );
  };
  if (![authorization_endpoint, token_endpoint, jwks_uri].every(safe)) return undefined;
  if (userinfo_endpoint !== undefined && !safe(userinfo_endpoint)) return undefined;
  return metadata;
}

/** The claims win. But whether an address is verified is said of that very address and of no other. */
function withMore(claims: Claims, more: Claims): Claims {
  if (claims['email'] === undefined) return { ...more, ...withoutVerdict(claims) };
  return { ...(claims['email'] === more['email'] ? more : withoutVerdict(more)), ...claims };
}

const withoutVerdict = (claims: Claims): Claims =>
  Object.fromEntries(Object.entries(claims).filter(([name]) => !verdicts.includes(name)));

/** What anybody may ask an issuer for: its metadata and keys. Many sign-ins at once ask once. */
const documents = new Map<string, { answer: Promise<Response>; until: number }>();

/**
 * A fetch that no answer can cost more than 64 KiB or last beyond the deadline, and that follows no redirect. Of the headers of
 * an answer nothing is passed on but that it is JSON: providers send `WWW-Authenticate` with errors, and the library would stop
 * reading there.
 */
function carefulFetch(oauth: Connect, deadline: number): CustomFetch {
  const ask: CustomFetch = async (url, { method, headers, body }) => {
    const given = await send(url, {
      method,
      headers: { ...headers, ...plain },
      body: body == null ? undefined : String(body),
      deadline,
    });
    const text = textOf(given);
    // All of it that the library looks at.
    return new oauth.Response(readObject(text, undefined), given.status) as unknown as Response;
  };
  return async (url, options) => {
    if (options.method !== 'GET' || 'authorization' in options.headers) return ask(url, options);
    const kept = documents.get(url);
    if (kept && kept.until > Date.now()) return kept.answer;
    const document = { answer: ask(url, options), until: Infinity };
    documents.set(url, document);
    const good = await document.answer.then(
      ({ status }) => status === 200,
      () => false,
    );
    document.until = Date.now() + (good ? pause.answered : pause.failed);
    return document.answer;
  };
}
