import { ownCookies, sessionCookie } from '../oauth/cookies.ts';
import { LoginError } from '../web/errors.ts';
import { commonHeaders, singleParameters, type Handler, type HttpReply, type HttpRequest } from '../web/http.ts';
import { writeLog, type LogEntry } from '../web/log.ts';
import { begin, finish, readiness, type Surroundings } from './login.ts';
import { plainErrorPage } from '../web/page.ts';
import { failurePage } from './popup.ts';
import { refresh, refreshFailure } from './refresh.ts';
import { openSettings } from '../settings/store.ts';
import { readAddress, readPage, urlSetting, type Environment } from '../settings/settings.ts';
import type { Provider } from '../providers/provider.ts';

/** Covers reading secrets and the exchange together; functions are given 15 s. */
const patience = 8_000; // milliseconds

/** More than any CMS or Git host sends, less than any platform refuses. */
const longestQuery = 16 * 1024;

export interface HandlerOptions {
  env?: Environment;
  log?: (entry: LogEntry) => void;
  /** Milliseconds since the epoch. */
  now?: () => number;
}

/**
 * Makes a handler from a list of providers. Every function, on every platform, is this with another list.
 *
 * Whatever happens becomes an answer in words and, wherever a CMS may be waiting, a message to it.
 */
export function createHandler(providers: readonly Provider[], options: HandlerOptions = {}): Handler {
  const { env = process.env, log = writeLog, now = Date.now } = options;

  return async (request) => {
    const start = now();
    const deadline = Date.now() + patience;
    const { platform } = request;
    const settings = openSettings(env, platform, deadline);
    const cookies: string[] = [];
    const headers: Record<string, string> = {};
    const parameters = new URLSearchParams(request.query.slice(0, longestQuery));
    // Without a prefix at first: if our own address cannot be read, then that has to be told to the CMS, too.
    let route = findRoute(request.path, parameters, providers, '');
    let origin: string | undefined;
    let reply: HttpReply;
    let failure: LoginError | undefined;
    try {
      const address = readAddress(env, platform.url);
      origin = address.origin;
      route = findRoute(request.path, parameters, providers, address.prefix);
      refuseOddities(request, route);
      const cookie = request.headers['cookie'] ?? '';
      const jar = platform.sessionCookieOnly
        ? sessionCookie(cookie, address, Math.floor(start / 1000))
        : ownCookies(cookie, address);
      const surroundings = {
        request,
        parameters,
        settings,
        address,
        jar,
        now: start,
        deadline,
        cookies,
        headers,
      };
      reply = await follow(route, providers, surroundings);
    } catch (error) {
      failure = (error instanceof LoginError ? error : new LoginError('INTERNAL', {}, { cause: error })).withAdvice(
        platform.adviceOnMissing,
      );
      // A secret that was renewed at the host, perhaps.
      if (failure.code === 'BAD_CLIENT_CREDENTIALS') settings.distrust();
      reply = isLogin(route)
        ? failurePage({ provider: announced(route), error: failure, hop: origin })
        : route.event === 'refresh'
          ? refreshFailure(failure)
          : plainErrorPage(failure);
      if (failure.code === 'METHOD_NOT_ALLOWED')
        reply.headers['allow'] = route.event === 'refresh' ? 'POST, OPTIONS' : 'GET, HEAD';
    }
    const provider = 'provider' in route ? route.provider?.id : undefined;
    log({
      event: route.event,
      ...(provider !== undefined && { provider }),
      outcome: failure ? 'failed' : 'ok',
      ...(failure && { code: failure.code, message: failure.message }),
      ...(settings.warnings.length > 0 && { warning: settings.warnings.join(' ') }),
      duration: Math.round(now() - start),
      ...(platform.requestId !== undefined && { request: platform.requestId }),
    });
    return {
      ...reply,
      headers: { ...reply.headers, ...headers },
      cookies,
      body: request.method === 'HEAD' ? '' : reply.body,
    };
  };
}

/** Where a request leads. `name` is the provider as the request names it, `provider` what we know of it. */
type Route =
  | {
      event: 'begin';
      name: string;
      provider: Provider | undefined;
      wantsRefresh: boolean;
      fromPath: string | undefined;
    }
  | { event: 'finish'; provider: Provider }
  | { event: 'refresh'; provider: Provider }
  | { event: 'page'; provider?: Provider }
  | { event: 'none' };

type LoginRoute = Extract<Route, { event: 'begin' | 'finish' }>;

/** Whether a CMS may be waiting for the outcome. */
const isLogin = (route: Route): route is LoginRoute => route.event === 'begin' || route.event === 'finish';

/** The name that the CMS listens for: the query's if there is one, since the CMS wrote that one itself. */
const announced = (route: LoginRoute): string => (route.event === 'begin' ? route.name : route.provider.id);

function findRoute(path: string, parameters: URLSearchParams, providers: readonly Provider[], prefix: string): Route {
  // API Gateway leaves its stage in the path, some proxies take a prefix away: both are right.
  const own = prefix !== '' && path.startsWith(`${prefix}/`) ? path.slice(prefix.length) : path;
  const renewing = providers.find(({ refresh }) => refresh.path === own.replace(/\/$/, ''));
  if (renewing) return { event: 'refresh', provider: renewing };
  const [root, auth, id, verb, ...rest] = own.replace(/\/$/, '').split('/');
  if (root !== '' || auth !== 'auth' || rest.length > 0) return { event: 'none' };

  const named = parameters.get('provider') ?? undefined;
  if (id === undefined && named === undefined) return { event: 'page' };
  const name = id ?? named ?? '';
  // A list, not an object: `__proto__` and `constructor` are names like any other here.
  const provider = providers.find((candidate) => candidate.id === name);
  if (!provider && named === undefined) return { event: 'none' };
  if (verb === undefined || verb === 'authorize')
    return { event: 'begin', name: named ?? name, provider, wantsRefresh: verb === 'authorize', fromPath: id };
  if (verb !== 'callback' || !provider) return { event: 'none' };
  return parameters.size === 0 ? { event: 'page', provider } : { event: 'finish', provider };
}

/** What no login of a CMS looks like, refused before anything is done. */
function refuseOddities({ method, query, headers }: HttpRequest, route: Route): void {
  if (route.event === 'none') return; // 404 comes before 405
  if (route.event === 'refresh') return; // its clients need CORS first: see refresh.ts
  if (method !== 'GET' && method !== 'HEAD') throw new LoginError('METHOD_NOT_ALLOWED');
  if (query.length > longestQuery) throw new LoginError('REQUEST_TOO_LARGE');
  // A login in a frame or ahead of time is somebody else's idea, not the editor's. Old browsers send neither header.
  const destination = headers['sec-fetch-dest'] ?? 'document';
  if (isLogin(route) && (destination !== 'document' || headers['sec-purpose']?.includes('prefetch')))
    throw new LoginError('NAVIGATION_ONLY');
}

async function follow(route: Route, providers: readonly Provider[], surroundings: Surroundings): Promise<HttpReply> {
  const { request, parameters, settings, address } = surroundings;
  // HEAD is for link checkers and previews: it begins nothing and spends nothing.
  if (request.method === 'HEAD' && isLogin(route))
    return { status: 200, headers: { ...commonHeaders }, cookies: [], body: '' };
  switch (route.event) {
    case 'page': {
      if (route.provider) return readiness(route.provider, surroundings);
      if (!readPage(await settings.read(['CMS_AUTH_PAGE']))) throw new LoginError('NOT_FOUND');
      const { ownerPage } = await import('./owner.ts'); // no login needs it
      return ownerPage(await settings.read(providers.map(urlSetting)), providers, address);
    }
    case 'begin': {
      const { provider, fromPath, wantsRefresh } = route;
      const { provider: named, scope } = singleParameters(parameters, ['provider', 'scope']);
      if (fromPath !== undefined && named !== undefined && named !== fromPath)
        throw new LoginError('PROVIDER_MISMATCH');
      if (!provider) throw new LoginError('UNKNOWN_PROVIDER', { known: providers.map(({ id }) => id).join(', ') });
      return begin(provider, { wish: scope, wantsRefresh }, surroundings);
    }
    case 'finish':
      return finish(route.provider, surroundings);
    case 'refresh':
      return refresh(route.provider, surroundings);
    case 'none':
      throw new LoginError('NOT_FOUND');
  }
}
