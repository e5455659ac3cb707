import { isOrigin, matchOrigin, type OriginList } from '../../http/origins.ts';
import { Failure, webErrors } from '../../http/errors.ts';
import { popupErrors } from '../../handler/errors.ts';
import { greetingPage, successPage } from '../../handler/popup.ts';
import {
  beginLogin,
  bindLogin,
  recallLogin,
  recallPendingLogin,
  type RegisteredClient,
} from '../../oauth/popup-transaction.ts';
import { originsSetting, type Address } from '../../config/settings.ts';
import { redirect, singleParameters, type HttpReply } from '../../http/http.ts';
import { issueAccessToken, sessionKeys } from '../identity/access-token.ts';
import { gatewaySettings, type Gateway, type RepositoryHost } from '../settings.ts';
import { signInErrors } from './errors.ts';
import { authorizationUrl, authorizedEditor, configuredClient, ending, openProvider, readAnswer } from './login.ts';
import type { IssuerClient } from '../../oauth/relying-party.ts';
import type { CookieStore } from '../../http/cookie-store.ts';
import type { Context } from '../../handler/router.ts';

/**
 * The popup login of the CMSs, with our own sign-in where a Git host would ask the editor to agree: for CMSs that speak to the host
 * itself. The opener is judged first, and gets one message; what is in it is a session of ours.
 */
export interface PopupContext extends Context {
  cookieStore: CookieStore;
  hosts: readonly RepositoryHost[];
}

/** Asks who opened the popup. Everything that is set wrong is said now, and not after the editor has signed in. */
export async function openPopup({
  parameters,
  settings,
  address,
  hosts,
  cookieStore,
  now,
  cookies,
}: PopupContext): Promise<HttpReply> {
  const { provider: named } = singleParameters(parameters, ['provider']);
  const [gateway] = await settings.read([gatewaySettings(hosts, address)]);
  const { provider } = popupClient(gateway, address);
  if (named !== undefined && named !== provider.id)
    throw new Failure(signInErrors.WRONG_BACKEND, { host: provider.name, id: provider.id });
  const begun = beginLogin({ provider, scope: undefined }, { cookieStore, wantsRefresh: false, now });
  cookies.push(...begun.cookies);
  return greetingPage({
    provider: provider.id,
    // In full: whoever began at another address of this server finds out now that the cookie is not there.
    next: `${homeOf(address)}/auth/begin?provider=${provider.id}&proof=${begun.csrfToken}&origin=`,
    ownOrigin: address.origin,
  });
}

/**
 * Sends the browser to the provider, if the page that opened the popup is listed.
 *
 * @throws Failure UNSUPPORTED_DOMAIN, or with what is wrong about the proof
 */
export async function proceed({
  parameters,
  settings,
  address,
  hosts,
  cookieStore,
  now,
  deadline,
  cookies,
}: PopupContext): Promise<HttpReply> {
  const { proof, origin = '' } = singleParameters(parameters, ['proof', 'origin']);
  const [gateway, origins] = await settings.read([gatewaySettings(hosts, address), originsSetting(address)]);
  const configured = popupClient(gateway, address);
  const { client, provider } = configured;
  const pending = recallPendingLogin({ provider, scope: undefined }, proof, {
    cookieStore,
    origin: homeOf(address),
    now,
  });
  if (!isOrigin(origin)) throw new Failure(webErrors.BAD_REQUEST, { detail: '"origin" is missing or is none' });
  if (!isListed(origins, origin)) {
    cookies.push(...cookieStore.forget([pending.transaction.id]));
    throw new Failure(popupErrors.UNSUPPORTED_DOMAIN, { site: origin });
  }
  const issuer = await openProvider(configured, deadline);
  return redirect(authorizationUrl(issuer, bindLogin(pending, registered(client, provider), origin), cookieStore));
}

/**
 * Takes the browser back from the provider, and gives the page that opened the popup a session, if the editor is on the list. The
 * order is that of `login.ts`: nothing is believed before it has been recalled.
 *
 * @throws Failure with what went wrong
 */
export const finishPopup = (context: PopupContext): Promise<HttpReply> => ending(context, () => signedIn(context));

async function signedIn(context: PopupContext): Promise<HttpReply> {
  const { parameters, settings, address, hosts, cookieStore, now, deadline } = context;
  const { state } = singleParameters(parameters, ['state']);
  const answer = readAnswer(parameters);
  const [gateway, origins] = await settings.read([gatewaySettings(hosts, address), originsSetting(address)]);
  const configured = popupClient(gateway, address);
  const { client, secret, provider } = configured;
  const login = recallLogin(registered(client, provider), state, { cookieStore, origin: homeOf(address), now });
  const editor = await authorizedEditor(configured, login, answer, deadline);
  // Anew: the list may have changed since.
  if (!isListed(origins, login.opener)) throw new Failure(popupErrors.UNSUPPORTED_DOMAIN, { site: login.opener });
  const keys = sessionKeys({ issuer: client.issuer, clientId: client.clientId, clientSecret: secret });
  const token = await issueAccessToken(keys, editor, { seconds: gateway.session, address, now });
  return successPage({ provider: provider.id, result: { token }, origin: login.opener, ownOrigin: address.origin });
}

/** @throws Failure WRONG_BACKEND where the repository is at a host whose API is not spoken here, and as `configuredClient` does */
function popupClient(gateway: Gateway, address: Address) {
  const configured = configuredClient(gateway, address);
  const { provider, api } = configured.gateway.host;
  if (!api) throw new Failure(signInErrors.NO_POPUP, { host: provider.name });
  return { ...configured, provider, client: { ...configured.client, redirectUri: popupCallback(address) } };
}

const registered = ({ issuer, clientId, redirectUri }: IssuerClient, provider: { id: string }): RegisteredClient => ({
  provider,
  issuer,
  clientId,
  redirectUri,
});

/** Exact entries only: whoever can open a pull request may run script on a preview, and would write as whoever visits it. */
const isListed = (origins: OriginList, origin: string): boolean => matchOrigin(origins, origin) === 'exact';

const homeOf = ({ origin, prefix }: Address): string => `${origin}${prefix}/git`;

/** What has to be registered at the provider for it. */
export const popupCallback = (address: Address): string => `${homeOf(address)}/auth/callback`;
