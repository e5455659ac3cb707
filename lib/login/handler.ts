import { longestQuery, serve, type ServeOptions, type Context, type RouteModule } from '../handler/serve.ts';
import { cookieStoreFor, type CookieName } from '../oauth/cookies.ts';
import { oauthErrors } from '../oauth/errors.ts';
import { Failure, webErrors } from '../http/errors.ts';
import {
  commonHeaders,
  refuseUnlessNavigation,
  singleParameters,
  type Handler,
  type HttpReply,
  type HttpRequest,
} from '../http/http.ts';
import { isOrigin } from '../http/origins.ts';
import { plainErrorPage } from '../http/page.ts';
import type { Environment } from '../config/environment.ts';
import { readPage, urlSetting, type Address } from '../config/settings.ts';
import { openerOf } from '../oauth/popup-transaction.ts';
import { loginErrors } from './errors.ts';
import { begin, finish, proceed } from './login.ts';
import { failurePage } from '../handler/popup.ts';
import { refresh, refreshFailure } from './refresh.ts';
import type { Provider, RenewingProvider } from '../providers/provider.ts';

/** Of this route module's cookies. */
const cookieName: CookieName = { name: 'login', path: '/auth' };

/** What happened, and what it is called if it did not: for a person who watches the log. */
export const loginEvents = {
  begin: ['login begun', 'login not begun'],
  proceed: ['sent to the Git host', 'not sent to the Git host'],
  finish: ['logged in', 'not logged in'],
  refresh: ['renewal answered', 'session not renewed'],
  page: ['set-up page', 'set-up page not shown'],
  none: ['', 'none of our addresses'],
} as const;

/**
 * Makes a handler from a list of providers. Every function of the login, on every platform, is this with another list.
 *
 * Whatever happens becomes an answer in words and, wherever a CMS may be waiting, a message to it.
 */
export const createHandler = (providers: readonly Provider[], options?: ServeOptions): Handler =>
  serve(loginRoutes(providers), options);

const loginRoutes = (providers: readonly Provider[]): RouteModule<Route> => ({
  timeoutMs: 8_000, // functions are given 15 s
  route: (path, _request, parameters) => findRoute(path, parameters, providers),
  async answer(route, context) {
    refuseOddities(context.request, route);
    return follow(route, providers, context);
  },
  fail(route, failure, { address, settings, env }) {
    // A secret that was renewed at the host, perhaps.
    if (failure.code === oauthErrors.BAD_CLIENT_CREDENTIALS.code) settings.invalidate();
    const reply = isLogin(route)
      ? failurePage({
          provider: announced(route),
          error: failure,
          origin: route.openerOrigin,
          codes: codesAddress(env, address),
        })
      : route.event === 'refresh'
        ? refreshFailure(failure)
        : plainErrorPage(failure, codesAddress(env, address));
    if (failure.code === webErrors.METHOD_NOT_ALLOWED.code)
      reply.headers['allow'] = route.event === 'refresh' ? 'POST, OPTIONS' : 'GET, HEAD';
    return reply;
  },
});

/** Where the codes are explained: on the set-up page, if it is certain to be on. The parameter store is not asked for that. */
const codesAddress = (env: Environment, address: Address | undefined): string | undefined =>
  address && ['', 'on', undefined].includes(env['CMS_AUTH_PAGE']?.trim()) ? `${address.prefix}/auth` : undefined;

/**
 * Where a request leads. `name` is the provider as the request names it, `provider` what we know of it. `openerOrigin` is the opener's
 * origin as the address says it, proven or not: enough for fixed words about a failure. `null` if the address does not say.
 */
type Route =
  | {
      event: 'begin';
      openerOrigin: undefined;
      name: string;
      provider: Provider | undefined;
      wantsRefresh: boolean;
      fromPath: string | undefined;
    }
  | { event: 'proceed' | 'finish'; provider: Provider; openerOrigin: string | null }
  | { event: 'refresh'; provider: RenewingProvider }
  | { event: 'page'; provider?: Provider }
  | { event: 'none'; provider?: undefined };

type LoginRoute = Extract<Route, { event: 'begin' | 'proceed' | 'finish' }>;

/** Whether a CMS may be waiting for the outcome. */
const isLogin = (route: Route): route is LoginRoute => 'openerOrigin' in route;

/** The name that the CMS listens for: the query's if there is one, since the CMS wrote that one itself. */
const announced = (route: LoginRoute): string => (route.event === 'begin' ? route.name : route.provider.id);

function findRoute(path: string, parameters: URLSearchParams, providers: readonly Provider[]): Route {
  const own = path.replace(/\/$/, '');
  const renewing = providers.find((candidate): candidate is RenewingProvider => candidate.refresh?.path === own);
  if (renewing) return { event: 'refresh', provider: renewing };
  const [root, auth, id, verb, ...rest] = own.split('/');
  if (root !== '' || auth !== 'auth' || rest.length > 0) return { event: 'none' };

  const named = parameters.get('provider') ?? undefined;
  if (id === undefined && named === undefined) return { event: 'page' };
  const name = id ?? named ?? '';
  // A list, not an object: `__proto__` and `constructor` are names like any other here.
  const provider = providers.find((candidate) => candidate.id === name);
  if (!provider && named === undefined) return { event: 'none' };
  if (verb === undefined || verb === 'authorize')
    return {
      event: 'begin',
      name: named ?? name,
      provider,
      wantsRefresh: verb === 'authorize',
      fromPath: id,
      openerOrigin: undefined,
    };
  if (!provider) return { event: 'none' };
  if (verb === 'begin') {
    const origin = parameters.get('origin') ?? '';
    return { event: 'proceed', provider, openerOrigin: isOrigin(origin) ? origin : null };
  }
  if (verb !== 'callback') return { event: 'none' };
  if (parameters.size === 0) return { event: 'page', provider };
  return { event: 'finish', provider, openerOrigin: openerOf(parameters.get('state') ?? undefined) ?? null };
}

/** Refuses requests that no CMS makes, before anything is done. */
function refuseOddities(request: HttpRequest, route: Route): void {
  const { method, query } = request;
  if (route.event === 'none') return; // 404 comes before 405
  if (route.event === 'refresh') return; // its clients need CORS first: see refresh.ts
  if (method !== 'GET' && method !== 'HEAD') throw new Failure(webErrors.METHOD_NOT_ALLOWED);
  if (query.length > longestQuery) throw new Failure(webErrors.REQUEST_TOO_LARGE);
  if (isLogin(route)) refuseUnlessNavigation(request, '/auth');
}

async function follow(route: Route, providers: readonly Provider[], context: Context): Promise<HttpReply> {
  const { request, parameters, settings, address, now } = context;
  // HEAD is for link checkers and previews: it begins nothing and spends nothing.
  if (request.method === 'HEAD' && isLogin(route))
    return { status: 200, headers: { ...commonHeaders }, cookies: [], body: '' };
  const cookieStore = cookieStoreFor(request, address, cookieName, now);
  switch (route.event) {
    case 'page': {
      const { setupPage, callbackPage } = await import('./setup-page.ts'); // no login needs it
      if (route.provider) return callbackPage(route.provider, context);
      if (!readPage(await settings.read(['CMS_AUTH_PAGE']))) throw new Failure(webErrors.NOT_FOUND);
      return setupPage(await settings.read(providers.map(urlSetting)), providers, context);
    }
    case 'begin': {
      const { provider, fromPath, wantsRefresh } = route;
      const { provider: named, scope } = singleParameters(parameters, ['provider', 'scope']);
      if (fromPath !== undefined && named !== undefined && named !== fromPath)
        throw new Failure(loginErrors.PROVIDER_MISMATCH);
      if (!provider)
        throw new Failure(loginErrors.UNKNOWN_PROVIDER, { known: providers.map(({ id }) => id).join(', ') });
      return begin(provider, { requestedScope: scope, wantsRefresh }, { ...context, cookieStore });
    }
    case 'proceed':
      return proceed(route.provider, { ...context, cookieStore });
    case 'finish':
      return finish(route.provider, { ...context, cookieStore });
    case 'refresh':
      return refresh(route.provider, context);
    case 'none':
      throw new Failure(webErrors.NOT_FOUND);
  }
}
