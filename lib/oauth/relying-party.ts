import type { ClientAuth, Configuration, CustomFetch } from 'openid-client';
import { verdicts } from '../providers/issuers.ts';
import { Cache } from '../http/cache.ts';
import { Failure } from '../http/errors.ts';
import { isLoopback } from '../http/origins.ts';
import { clientAuthentication, type ClientAuthMethod } from './client-authentication.ts';
import { discover, isSafe, loadConnect, verifyJws, type IssuerMetadata } from './discovery.ts';
import { connectErrors, hostErrors } from './errors.ts';
import { transactionErrors } from './transaction-errors.ts';
import { plain, send, textOf } from './request.ts';
import { reasonOf, saidBy, type Reason } from './reasons.ts';
import { readObject, toFailure } from './response.ts';
import { nonceOf, type AuthorizationChecks } from './transaction.ts';

/** Us, as one OpenID provider knows us. */
export interface IssuerClient {
  /** As the owner writes it; a final slash may be missing. */
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

/** How an issuer wanted client id and secret the last time. */
const authMethods = new Cache<ClientAuthMethod>();

/** Seconds that the clocks of the provider and ours may differ. */
const clockTolerance = 30;

/** Who signed in, as the provider says. */
export interface SignedIn {
  /** Of the ID token, and of userinfo where that was asked and answered. */
  claims: Claims;
  /** Why userinfo could not be read, if it was asked. The ID token alone may be enough. */
  failed?: Failure;
}

/** An OpenID provider, once it has told what it is (OpenID Connect Discovery). */
export interface OpenedIssuer {
  /** As its metadata names it: by this it is judged, not by what the owner typed. */
  issuer: string;
  /** By which it lets somebody choose another account, if it can (OpenID Connect Core, 3.1.2.1; Prompt Create, 4.2). */
  promptToChoose: string | undefined;
  /** Where to send the browser (OpenID Connect Core, 3.1.2.1). */
  authorizationAddress(checks: AuthorizationChecks, parameters: Readonly<Record<string, string>>): string;
  /**
   * Mix-up (RFC 9207; RFC 9700, 4.4): an answer that names another issuer, or none where this one always names itself. An answer
   * that is an error may leave it out, as some do: it leads to nothing but words.
   *
   * @throws Failure ISSUER_MISMATCH
   */
  checkAnswer(answer: { iss?: string | undefined; error?: string | undefined }): void;
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
  ): Promise<SignedIn>;
}

/**
 * @param deadline when to give up, in milliseconds since the epoch; it holds for what is asked later, too
 * @throws Failure if the issuer cannot be reached, or is none
 */
export async function openIssuer(client: IssuerClient, deadline: number): Promise<OpenedIssuer> {
  const oauth = await loadConnect();
  const insecure = isLoopback(new URL(client.issuer));
  const fill = {
    host: client.host,
    setting: 'CMS_GATEWAY_ISSUER',
    prefix: 'CMS_GATEWAY',
    callback: client.redirectUri,
  };
  const metadata = await discover(client.issuer, deadline)
    .then((found) => withEndpoints(found, insecure))
    .catch((error: unknown) => {
      const failure = toFailure(oauth, error, { fill, rejected: hostErrors.CODE_REJECTED });
      // The answer could be read, and is of no use.
      if (failure.code !== hostErrors.HOST_MALFORMED.code) throw failure;
      throw new Failure(connectErrors.NO_ISSUER, fill, { cause: error, reason: `discovery: ${reasonOf(error).owner}` });
    });

  const configure = (authentication?: ClientAuth, onIdToken?: (token: unknown) => void): Configuration => {
    const configuration = new oauth.Configuration(metadata, client.clientId, undefined, authentication);
    configuration[oauth.customFetch] = carefulFetch(oauth, deadline, onIdToken);
    configuration.timeout = 0; // ours is the deadline that counts
    if (insecure) oauth.allowInsecureRequests(configuration);
    return configuration;
  };

  /** @throws Failure ID_TOKEN_REFUSED, or what the provider did instead of answering */
  function fail(
    error: unknown,
    about: { idToken?: unknown; now: number; checks: AuthorizationChecks; secrets: readonly string[] },
  ): never {
    const failure = toFailure(oauth, error, { fill, rejected: hostErrors.CODE_REJECTED });
    if (error instanceof oauth.ResponseBodyError) {
      failure.reason = `provider: ${saidBy(error.error, error.error_description, about.secrets)}`;
      throw failure;
    }
    if (failure.code !== hostErrors.HOST_MALFORMED.code) throw failure;
    const reason = reasonOf(error, {
      ...about,
      issuer: metadata.issuer,
      clientId: client.clientId,
      nonce: nonceOf(about.checks),
      clockTolerance,
    });
    throw refusedToken(reason, fill, error);
  }

  async function exchange(
    secret: string,
    checks: AuthorizationChecks,
    answer: { code: string; iss?: string | undefined },
    suffice: (claims: Claims) => boolean,
  ): Promise<SignedIn> {
    const callback = new URL(client.redirectUri);
    callback.searchParams.set('code', answer.code);
    callback.searchParams.set('state', checks.state);
    if (answer.iss !== undefined) callback.searchParams.set('iss', answer.iss);
    let idToken: unknown;
    const grant = async (authMethod: ClientAuthMethod) => {
      const authentication = clientAuthentication(oauth, authMethod, { clientId: client.clientId, secret });
      const configuration = configure(authentication, (token) => (idToken = token));
      const tokens = await oauth.authorizationCodeGrant(configuration, callback, {
        expectedState: checks.state,
        // By which the library also insists on an ID token.
        expectedNonce: nonceOf(checks),
        pkceCodeVerifier: checks.codeVerifier,
      });
      authMethods.set(clientKey(client), authMethod);
      return tokens;
    };

    const [first, second] = authMethodsOf(metadata, authMethods.get(clientKey(client)));
    const now = Date.now();
    try {
      // Providers offer several methods and then hold a client to the one that it was registered with, and they say no to the
      // other in many ways. A client that is not let in has spent no code (RFC 6749, 5.2 comes before 4.1.3). If neither is
      // taken, what was said to the first one is the reason.
      const tokens = await grant(first).catch((error: unknown) => {
        if (second === undefined || !mayBeAuthentication(oauth, error)) throw error;
        return grant(second).catch((again: unknown) => {
          throw again instanceof oauth.ResponseBodyError ? error : again;
        });
      });
      // The library is content with TLS where the ID token comes from the token endpoint. We want a signature by a key that the
      // issuer publishes: none at all, or one with the secret that both know, is refused, whatever the issuer offers.
      const claims: Claims = await verifyJws(
        tokens.id_token ?? '',
        metadata,
        { issuer: metadata.issuer, audience: client.clientId, requiredClaims: ['sub', 'exp'], clockTolerance },
        deadline,
      );
      if (suffice(claims) || metadata.userinfo_endpoint === undefined) return { claims };
      try {
        return { claims: withMore(claims, await userInfo(tokens.access_token, String(claims['sub']))) };
      } catch (error) {
        // Somebody else's: then it is not clear whom the rest is about, either.
        if (error instanceof Failure && error.code === connectErrors.ID_TOKEN_REFUSED.code) throw error;
        const failed = toFailure(oauth, error, { fill, rejected: hostErrors.CODE_REJECTED });
        failed.reason ??= `userinfo: ${reasonOf(error).owner}`;
        return { claims, failed };
      }
    } catch (error) {
      // What must not be repeated to anybody, should a provider do so.
      const secrets = [secret, answer.code, checks.codeVerifier, checks.state];
      return fail(error, { idToken, now, checks, secrets });
    }
  }

  /**
   * OpenID Connect Core, 5.3. What comes signed is checked by the same keys as an ID token.
   *
   * @throws Failure USERINFO_REFUSED, HOST_FAILED, and what `send` throws
   */
  async function userInfo(accessToken: string, sub: string): Promise<Claims> {
    const answer = await send(String(metadata.userinfo_endpoint), {
      method: 'GET',
      headers: { accept: 'application/json, application/jwt', authorization: `Bearer ${accessToken}`, ...plain },
      deadline,
    });
    const refuse = (status: number, reason: string) =>
      new Failure(hostErrors.HOST_FAILED, { ...fill, status: String(status) }, { reason: `userinfo: ${reason}` });
    if (answer.status === 429) throw new Failure(hostErrors.HOST_BUSY, fill, { reason: 'userinfo: 429' });
    if (answer.status !== 200) throw refuse(answer.status, `its userinfo endpoint answered ${answer.status}.`);
    const text = textOf(answer).trim();
    const isJwt = /^[\w-]+(\.[\w-]*){2,4}$/.test(text);
    const claims: Claims | undefined = isJwt
      ? await verifyJws(text, metadata, {}, deadline)
      : readObject(text, undefined);
    if (!claims) throw refuse(200, 'what its userinfo endpoint answered is no JSON.');
    // A token that was made for something else must not pass for this answer.
    const { iss = metadata.issuer, aud = client.clientId } = claims;
    const isOurs = iss === metadata.issuer && [aud].flat().includes(client.clientId);
    // Nor what is said about somebody else (5.3.2).
    if (claims['sub'] !== sub || (isJwt && !isOurs))
      throw refusedToken({ id: 'userinfo', ...otherUserInfo }, fill, undefined);
    return claims;
  }

  return {
    issuer: metadata.issuer,
    promptToChoose: ['select_account', 'login'].find((prompt) => promptsOf(metadata).includes(prompt)),
    authorizationAddress: (checks, parameters) =>
      oauth.buildAuthorizationUrl(configure(), {
        redirect_uri: client.redirectUri,
        state: checks.state,
        nonce: nonceOf(checks),
        ...parameters,
      }).href,
    checkAnswer({ iss, error }) {
      if (iss === metadata.issuer) return;
      if (iss !== undefined)
        throw new Failure(transactionErrors.ISSUER_MISMATCH, fill, {
          reason: `iss_other: the answer names ${JSON.stringify(iss.slice(0, 120))}, and the issuer is ${metadata.issuer}.`,
        });
      if (metadata.authorization_response_iss_parameter_supported && error === undefined)
        throw new Failure(transactionErrors.ISSUER_MISMATCH, fill, {
          reason:
            'iss_missing: its metadata announces "iss" in every answer (authorization_response_iss_parameter_supported), and this one has none. Something between the provider and here may have taken it out.',
        });
    },
    authorizationCodeGrant: exchange,
  };
}

/** Where nothing is said, the one that most know; whoever does not will say so, and is not asked again. */
function promptsOf({
  prompt_values_supported: said,
}: IssuerMetadata & { prompt_values_supported?: unknown }): string[] {
  return Array.isArray(said) ? said : ['select_account'];
}

const otherUserInfo = {
  owner: 'what its userinfo endpoint answered is about somebody else, or made for somebody else ("sub", "iss", "aud").',
  editor: 'Two of its answers are about different people.',
};

const refusedToken = (reason: Reason, fill: Readonly<Record<string, string>>, cause: unknown) =>
  new Failure(
    connectErrors.ID_TOKEN_REFUSED,
    { ...fill, why: reason.editor.replaceAll('{host}', fill['host'] ?? '') },
    { cause, reason: `${reason.id}: ${reason.owner}` },
  );

const clientKey = ({ issuer, clientId, redirectUri }: IssuerClient): string =>
  JSON.stringify([issuer, clientId, redirectUri]);

/**
 * Whether this may be said because of how the client says who it is: any refusal but that of the code itself, and nothing that says
 * that the provider is not well.
 */
function mayBeAuthentication(oauth: Connect, error: unknown): boolean {
  if (error instanceof oauth.ResponseBodyError) return error.status !== 429 && error.error !== 'invalid_grant';
  // A page, nothing, or an error of its own (5xx): then the cause is the answer itself.
  const { cause } = error as { cause?: unknown };
  return cause instanceof oauth.Response && [400, 401, 403].includes(cause.status);
}

/** Which methods of client authentication to try, and in which order (OpenID Connect Discovery, 3: Basic where nothing is said). */
function authMethodsOf(
  metadata: IssuerMetadata,
  last: ClientAuthMethod | undefined,
): [ClientAuthMethod, ClientAuthMethod?] {
  const said: unknown = metadata.token_endpoint_auth_methods_supported;
  const offered: unknown[] = Array.isArray(said) ? said : ['client_secret_basic', 'client_secret_post'];
  if (!offered.includes('client_secret_basic')) return ['client_secret_post'];
  if (!offered.includes('client_secret_post')) return ['client_secret_basic'];
  return last === 'client_secret_post'
    ? ['client_secret_post', 'client_secret_basic']
    : ['client_secret_basic', 'client_secret_post'];
}

/** @throws Error unless there are the addresses of a sign-in, which nobody on the way can read or change */
function withEndpoints(metadata: IssuerMetadata, insecure: boolean): IssuerMetadata {
  const { authorization_endpoint, token_endpoint, userinfo_endpoint } = metadata;
  for (const [name, address] of Object.entries({ authorization_endpoint, token_endpoint }))
    if (!isSafe(address, insecure)) throw new Error(`it names no ${name} that begins with https://.`);
  if (userinfo_endpoint !== undefined && !isSafe(userinfo_endpoint, insecure))
    throw new Error('its userinfo_endpoint does not begin with https://.');
  return metadata;
}

/** The claims win. But whether an address is verified is said of that very address and of no other. */
function withMore(claims: Claims, more: Claims): Claims {
  if (claims['email'] === undefined) return { ...more, ...withoutVerdict(claims) };
  return { ...(claims['email'] === more['email'] ? more : withoutVerdict(more)), ...claims };
}

const withoutVerdict = (claims: Claims): Claims =>
  Object.fromEntries(Object.entries(claims).filter(([name]) => !verdicts.includes(name)));

/**
 * A fetch that no answer can cost more than 64 KiB or last beyond the deadline, and that follows no redirect. Of the headers of
 * an answer nothing is passed on but that it is JSON: providers send `WWW-Authenticate` with errors, and the library would stop
 * reading there.
 */
function carefulFetch(oauth: Connect, deadline: number, onIdToken?: (token: unknown) => void): CustomFetch {
  return async (url, { method, headers, body }) => {
    const given = await send(url, {
      method,
      headers: { ...headers, ...plain },
      body: String(body), // always a form
      deadline,
    });
    const value = readObject(textOf(given), undefined);
    onIdToken?.(value?.['id_token']);
    // All of it that the library looks at.
    return new oauth.Response(value, given.status) as unknown as Response;
  };
}
