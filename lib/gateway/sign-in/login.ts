import { codeChallenge, type AuthorizationChecks } from '../../oauth/transaction.ts';
import { authorizationError } from '../../oauth/errors.ts';
import { openIssuer, type Claims, type IssuerClient, type OpenedIssuer } from '../../oauth/relying-party.ts';
import { encryptCode } from './code.ts';
import { cmsClientId, sessionKeys } from '../identity/access-token.ts';
import { identityErrors } from '../identity/errors.ts';
import { authorize } from '../identity/authorize.ts';
import { checkOpen, identify, isAllowed, lettingIn, type Editor } from '../identity/editors.ts';
import { saidBy } from '../../oauth/reasons.ts';
import { gatewaySettings, pagesSettings, type Gateway, type RepositoryHost } from '../settings.ts';
import { Failure, webErrors } from '../../http/errors.ts';
import { redirect, singleParameters, type HttpReply } from '../../http/http.ts';
import { issuerFacts } from '../../providers/issuers.ts';
import { beginSignIn, isTry, requestIn, recallSignIn, type AuthorizationRequest } from './transaction.ts';
import { redirectBack, type ResponseTarget } from './redirect.ts';
import { signInErrors } from './errors.ts';
import { endSignIn, wasRefused } from './reselect.ts';
import { TryOut } from './try.ts';
import type { CookieStore } from '../../http/cookie-store.ts';
import type { Context } from '../../handler/router.ts';
import type { Address } from '../../config/settings.ts';

/** What a sign-in finds around it. */
export interface SignInContext extends Context {
  cookieStore: CookieStore;
  hosts: readonly RepositoryHost[];
  /** Who is told how it ends: filled in as soon as it is known. */
  target: ResponseTarget;
}

/** Our part as a client of the provider, with what the owner has set. */
export interface ConfiguredClient {
  gateway: Gateway;
  client: IssuerClient;
  secret: string;
}

/** More than Decap CMS needs by far. It travels through the provider and back. Bytes, as JSON. */
const longestState = 1024;

/**
 * Sends the browser to the provider, for a CMS that asks as RFC 6749, 4.1.1 and RFC 7636, 4.3 say.
 *
 * @throws Failure for what is wrong with the request or the settings; `target` says who is to read it
 */
export async function begin(context: SignInContext): Promise<HttpReply> {
  const { parameters, settings, address, target, hosts } = context;
  const all = gatewaySettings(hosts, address);
  const [pages] = await settings.read([pagesSettings(address)], [all]);
  const asked = singleParameters(parameters, ['redirect_uri', 'state']);
  target.back = readRedirectTarget({ redirectUri: asked.redirect_uri, state: asked.state }, pages);

  const { client_id, response_type, code_challenge, code_challenge_method } = singleParameters(parameters, [
    'client_id',
    'response_type',
    'code_challenge',
    'code_challenge_method',
  ]);
  if (client_id !== cmsClientId) throw new Failure(signInErrors.WRONG_CLIENT);
  if (response_type !== 'code') throw new Failure(signInErrors.WRONG_RESPONSE_TYPE);
  // Without it the code would be good for whoever sees the address (RFC 9700, 2.1.1); "plain" would show the verifier in it.
  if (code_challenge_method !== 'S256' || !/^[\w-]{43}$/.test(code_challenge ?? ''))
    throw new Failure(signInErrors.NO_CHALLENGE);
  if (Buffer.byteLength(JSON.stringify(asked.state ?? '')) > longestState)
    throw new Failure(webErrors.BAD_REQUEST, { detail: '"state" is too long' });
  const [gateway] = await settings.read([all]);
  return toProvider(gateway, context, { ...target.back, challenge: code_challenge ?? '' });
}

/** The same for the owner, who wants to see whether it works: it ends on a page of ours, and no code is made. */
export async function beginTry(context: SignInContext): Promise<HttpReply> {
  context.target.tryOut = new TryOut(context.address);
  const [gateway] = await context.settings.read([gatewaySettings(context.hosts, context.address)]);
  return toProvider(gateway, context, undefined);
}

async function toProvider(
  gateway: Gateway,
  { address, deadline, cookieStore, now, cookies }: SignInContext,
  request: AuthorizationRequest | undefined,
): Promise<HttpReply> {
  const configured = configuredClient(gateway, address);
  const issuer = await openProvider(configured, deadline);
  const begun = beginSignIn(configured.client, request, { cookieStore, now });
  const location = authorizationUrl(issuer, begun.signIn, cookieStore);
  cookies.push(...begun.cookies);
  return redirect(location);
}

/**
 * Where an editor signs in.
 *
 * @param cookieStore says whether this browser was refused with another account before
 */
export function authorizationUrl(issuer: OpenedIssuer, checks: AuthorizationChecks, cookieStore: CookieStore): string {
  const prompt = issuerFacts(issuer.issuer).prompt ?? (wasRefused(cookieStore) ? issuer.promptToChoose : undefined);
  return issuer.authorizationAddress(checks, {
    scope: 'openid email profile',
    code_challenge: codeChallenge(checks.codeVerifier),
    code_challenge_method: 'S256',
    ...(prompt && { prompt }),
  });
}

/**
 * The provider, once it has told what it is.
 *
 * @throws Failure if it cannot be asked or used, or if anybody can get an account there and everybody would be let in
 */
export async function openProvider({ client, gateway }: ConfiguredClient, deadline: number): Promise<OpenedIssuer> {
  const issuer = await openIssuer(client, deadline);
  checkOpen(issuer.issuer, gateway.lists);
  return issuer;
}

/**
 * Takes the browser back from the provider, asks who it was, and sends it on to the CMS with a code, or with why not. All that
 * can be refused is refused here: Decap CMS shows no error of the token endpoint.
 *
 * The order is the point: nothing is believed before the attempt is recalled, and nothing is asked of the provider before
 * everything that the browser brought has been believed. A callback without an attempt of ours costs no request.
 *
 * @throws Failure with what went wrong; `target` says who is to read it
 */
export const finish = (context: SignInContext): Promise<HttpReply> => ending(context, () => signedIn(context));

/**
 * Ends the transactions of a callback, for a repeated `state` too: each works once, however this ends.
 *
 * @throws what `work` throws
 */
export async function ending(
  { parameters, cookieStore, now, cookies }: Pick<SignInContext, 'parameters' | 'cookieStore' | 'now' | 'cookies'>,
  work: () => Promise<HttpReply>,
): Promise<HttpReply> {
  const states = parameters.getAll('state').slice(0, 5);
  try {
    const reply = await work();
    cookies.push(...endSignIn(states, { cookieStore, now }));
    return reply;
  } catch (failure) {
    cookies.push(...endSignIn(states, { cookieStore, now, failure }));
    throw failure;
  }
}

async function signedIn(context: SignInContext): Promise<HttpReply> {
  const { parameters, settings, address, hosts, cookieStore, now, deadline, target } = context;
  const { state } = singleParameters(parameters, ['state']);
  const all = gatewaySettings(hosts, address);
  const [pages] = await settings.read([pagesSettings(address)], [all]);
  // Nothing of it has been proven yet. But whoever wrote it can name pages of the list only, and nothing but our own words gets there.
  const claimed = requestIn(state);
  if (claimed && pages.includes(claimed.redirectUri)) target.back = claimed;
  if (isTry(state)) target.tryOut = new TryOut(address);
  const answer = readAnswer(parameters);

  const [gateway] = await settings.read([all]);
  const { client, secret } = configuredClient(gateway, address);
  const home = `${address.origin}${address.prefix}/git`;
  const signIn = recallSignIn(client, state, { cookieStore, origin: home, now });
  // Anew: the list may have changed since.
  if (signIn.request && !gateway.pages.includes(signIn.request.redirectUri))
    throw new Failure(signInErrors.PAGE_NOT_LISTED);
  target.tryOut?.done(`${client.host} sent the browser back correctly.`);

  const editor = await authorizedEditor({ client, gateway, secret }, signIn, answer, deadline, () =>
    target.tryOut?.done(
      `${client.host} takes the client id and secret, and what it says about you has a valid signature.`,
    ),
  );
  if (!signIn.request) return (target.tryOut ?? new TryOut(address)).page(undefined, editor);
  const { redirectUri, challenge } = signIn.request;
  const keys = sessionKeys({ issuer: client.issuer, clientId: client.clientId, clientSecret: secret });
  return redirectBack(signIn.request, {
    code: await encryptCode(keys, { editor, challenge, redirectUri }, { address, now }),
  });
}

/** What a browser brings back from the provider (RFC 6749, 4.1.2; RFC 9207). */
export type ProviderAnswer = Record<'code' | 'error' | 'error_description' | 'iss', string | undefined>;

/** @throws Failure BAD_REQUEST if one of them comes twice */
export const readAnswer = (parameters: URLSearchParams): ProviderAnswer =>
  singleParameters(parameters, ['code', 'error', 'error_description', 'iss']);

/**
 * Asks the provider who it was that it sent back.
 *
 * @param checks of the transaction that was recalled
 * @param given what the browser brought
 * @param onClaims called as soon as the provider has said it
 * @throws Failure if it was nobody who may in, or nobody can tell
 */
export async function authorizedEditor(
  configured: ConfiguredClient,
  checks: AuthorizationChecks,
  { code, error, error_description, iss }: ProviderAnswer,
  deadline: number,
  onClaims: () => void = () => {},
): Promise<Editor> {
  const { client, gateway, secret } = configured;
  const issuer = await openProvider(configured, deadline);
  issuer.checkAnswer({ iss, error });
  if (error !== undefined)
    throw new Failure(
      authorizationError(error),
      { host: client.host, callback: client.redirectUri },
      { reason: `provider: ${saidBy(error, error_description)}` },
    );
  if (!code) throw new Failure(webErrors.BAD_REQUEST, { detail: '"code" is missing' });

  const { lists } = gateway;
  const who = (claims: Claims) => identify(claims, { issuer: issuer.issuer, rolesClaim: lists.rolesClaim });
  // Only what the lists can ask for is worth a further question.
  const suffice = (claims: Claims) => {
    const found = who(claims);
    const isKnown = found?.editor.email !== undefined && typeof claims['name'] === 'string';
    return isKnown && (lists.roles.length === 0 || found.editor.roles.length !== 0);
  };
  const { claims, failed } = await issuer.authorizationCodeGrant(secret, checks, { code, iss }, suffice);
  onClaims();

  const identity = who(claims);
  // What the ID token says may be enough to let somebody in, but is not enough to say that they may not.
  if (failed && !(identity && isAllowed(identity.editor, lists))) throw failed;
  if (!identity)
    throw new Failure(
      identityErrors.NO_EMAIL,
      { host: client.host },
      { reason: 'nobody: what it says names nobody ("sub"), or an anonymous user.' },
    );
  return withoutWeight(authorize(identity, lists, { host: client.host, issuer: issuer.issuer }), lists.roles);
}

/**
 * The page that gets the answer. It is compared as text with the list, whose entries are each written as a browser writes an
 * address, without `?` and `#` (RFC 9700, 4.1.3): to compare anything less than all of it is to give codes away.
 *
 * @throws Failure PAGE_NOT_LISTED
 */
function readRedirectTarget(
  { redirectUri, state }: { redirectUri: string | undefined; state: string | undefined },
  pages: readonly string[],
): Pick<AuthorizationRequest, 'redirectUri' | 'state'> {
  if (redirectUri === undefined || !pages.includes(redirectUri)) throw new Failure(signInErrors.PAGE_NOT_LISTED);
  return { redirectUri, state };
}

/** @throws Failure SIGN_IN_OFF */
export function configuredClient(gateway: Gateway, address: Address): ConfiguredClient {
  const { auth } = gateway;
  if (auth.kind !== 'oidc') throw new Failure(signInErrors.SIGN_IN_OFF);
  const { issuer, clientId, clientSecret: secret } = auth;
  const client = { issuer, clientId, redirectUri: callbackAddress(address), host: issuerFacts(issuer).name };
  return { gateway, client, secret };
}

/** What has to be registered at the provider. */
export const callbackAddress = ({ origin, prefix }: Address): string => `${origin}${prefix}/git/oauth2/callback`;

/**
 * The code goes through an address, and the token with every call: there is no room for two hundred groups, or a picture as
 * large as its own address. Only roles that let somebody in matter.
 */
function withoutWeight({ picture, ...editor }: Editor, roles: readonly string[]): Editor {
  return {
    ...editor,
    name: editor.name.slice(0, 200),
    ...(picture !== undefined && picture.length <= 1000 && { picture }),
    roles: lettingIn(editor.roles, roles),
  };
}
