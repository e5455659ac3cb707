import { cookieStoreFor } from '../../oauth/cookies.ts';
import { oauthErrors } from '../../oauth/errors.ts';
import { longestQuery, type Context, type RouteModule } from '../../handler/serve.ts';
import { readPage } from '../../config/settings.ts';
import { Failure, webErrors } from '../../http/errors.ts';
import { commonHeaders, refuseUnlessNavigation, type HttpReply, type HttpRequest } from '../../http/http.ts';
import { isOrigin } from '../../http/origins.ts';
import { plainErrorPage } from '../../http/page.ts';
import { failurePage } from '../../handler/popup.ts';
import { openerOf } from '../../oauth/popup-transaction.ts';
import { tokenFailure } from './response.ts';
import { refuse, type ResponseTarget } from './redirect.ts';
import type { RepositoryHost } from '../settings.ts';

/** What happened, and what it is called if it did not: for a person who watches the log. */
export const signInEvents = {
  popup: ['popup opened', 'popup not opened'],
  'sign-in': ['sign-in begun', 'sign-in not begun'],
  'signed-in': ['signed in', 'not signed in'],
  token: ['session begun', 'session not begun'],
  none: ['', 'none of our addresses'],
} as const;

/** Functions are given 15 s. Milliseconds. */
const timeoutMs = 8_000;

/** Of this route module's cookies. */
const cookieName = { name: 'signin', path: '/git' };

type Route =
  | { event: 'sign-in'; isTry: boolean; target: ResponseTarget }
  | { event: 'signed-in'; target: ResponseTarget }
  | PopupRoute
  | { event: 'token' }
  | { event: 'none' };

/**
 * Of the popup login. `heard` is the opener's origin as the address says it, proven or not: enough for fixed words about a failure;
 * `null` if the address does not say, undefined before anybody was heard. `name` is what the CMS listens for.
 */
interface PopupRoute {
  event: 'popup' | 'sign-in' | 'signed-in';
  step: 'open' | 'proceed' | 'finish';
  name: string;
  heard: string | null | undefined;
}

/**
 * We as an authorization server for the CMS (RFC 6749, RFC 9700), and as a client towards the OpenID provider: whoever signs in
 * there and is on the list gets a session from us, and nothing of the provider's reaches the browser.
 *
 * @param hosts the Git hosts that the gateway's settings may name
 */
export const signIn = (hosts: readonly RepositoryHost[]): RouteModule<Route> => ({
  timeoutMs,
  route: (path, _request, parameters) => findRoute(path, parameters, hosts),
  async answer(route, context) {
    refuseOddities(context.request, route);
    // Never longer than this, even where the gateway beside it is given more time: the editor sees an empty page meanwhile.
    const deadline = Math.min(context.deadline, Date.now() + timeoutMs);
    return follow(route, { ...context, deadline }, hosts);
  },
  fail(route, failure, { settings }) {
    // A secret that was renewed at the provider, perhaps.
    if (failure.code === oauthErrors.BAD_CLIENT_CREDENTIALS.code) settings.invalidate();
    const reply = answerOf(route, failure);
    if (failure.code === webErrors.METHOD_NOT_ALLOWED.code)
      reply.headers['allow'] = route.event === 'token' ? 'POST, OPTIONS' : 'GET, HEAD';
    return reply;
  },
});

function answerOf(route: Route, failure: Failure): HttpReply {
  if (route.event === 'token') return tokenFailure(failure);
  if (route.event === 'none') return plainErrorPage(failure);
  if ('step' in route) return failurePage({ provider: route.name, error: failure, origin: route.heard });
  const { back, tryOut } = route.target;
  if (back) return refuse(back, failure);
  return tryOut ? tryOut.page(failure) : plainErrorPage(failure);
}

function findRoute(path: string, parameters: URLSearchParams, hosts: readonly RepositoryHost[]): Route {
  // The name that the CMS listens for: what it asked for, and else the host whose API it speaks.
  const name = parameters.get('provider') ?? hosts.find(({ api }) => api)?.provider.id ?? '';
  switch (path.replace(/\/$/, '')) {
    case '/git/oauth2/authorize':
      return { event: 'sign-in', isTry: parameters.size === 1 && parameters.has('try'), target: {} };
    case '/git/oauth2/callback':
      return { event: 'signed-in', target: {} };
    case '/git/auth':
      return { event: 'popup', step: 'open', name, heard: undefined };
    case '/git/auth/begin': {
      const origin = parameters.get('origin') ?? '';
      return { event: 'sign-in', step: 'proceed', name, heard: isOrigin(origin) ? origin : null };
    }
    case '/git/auth/callback': {
      const opener = openerOf(parameters.get('state') ?? undefined);
      return { event: 'signed-in', step: 'finish', name, heard: opener ?? null };
    }
    case '/git/oauth2/token':
      return { event: 'token' };
    default:
      return { event: 'none' };
  }
}

/** What no sign-in of a CMS looks like, refused before anything is done. */
function refuseOddities(request: HttpRequest, route: Route): void {
  if (route.event === 'none' || route.event === 'token') return; // 404 comes before 405; the token endpoint needs CORS first
  if (request.method !== 'GET' && request.method !== 'HEAD') throw new Failure(webErrors.METHOD_NOT_ALLOWED);
  if (request.query.length > longestQuery) throw new Failure(webErrors.REQUEST_TOO_LARGE);
  refuseUnlessNavigation(request, '/git');
}

async function follow(route: Route, context: Context, hosts: readonly RepositoryHost[]): Promise<HttpReply> {
  const { request, address, settings, now } = context;
  if (route.event === 'none') throw new Failure(webErrors.NOT_FOUND);
  // Loaded here and not before: an editor signs in once, and the gateway is called a thousand times.
  if (route.event === 'token') return (await import('./token.ts')).token(context, hosts);
  // HEAD is for link checkers and previews: it begins nothing and spends nothing.
  if (request.method === 'HEAD') return { status: 200, headers: { ...commonHeaders }, cookies: [], body: '' };
  const cookieStore = cookieStoreFor(request, address, cookieName, now);
  if ('step' in route) {
    const { openPopup, proceed, finishPopup } = await import('./popup.ts');
    const steps = { open: openPopup, proceed, finish: finishPopup };
    return steps[route.step]({ ...context, hosts, cookieStore });
  }
  const { begin, beginTry, finish } = await import('./login.ts');
  const around = { ...context, hosts, cookieStore, target: route.target };
  if (route.event === 'signed-in') return finish(around);
  if (!route.isTry) return begin(around);
  if (!readPage(await settings.read(['CMS_AUTH_PAGE']))) throw new Failure(webErrors.NOT_FOUND);
  return beginTry(around);
}
