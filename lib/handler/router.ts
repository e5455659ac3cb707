import { Failure, webErrors } from '../http/errors.ts';
import { commonHeaders, refuseUnlessNavigation, type HttpReply, type HttpRequest } from '../http/http.ts';
import { pageSetting, type Address } from '../config/settings.ts';
import type { Settings } from '../config/request-settings.ts';
import type { Environment } from '../config/environment.ts';
import type { LogEntry } from '../http/log.ts';

/** What a handler knows of the request and of the server. */
export interface Context {
  request: HttpRequest;
  /** Of its query, cut at `longestQuery`. */
  parameters: URLSearchParams;
  settings: Settings;
  address: Address;
  /** Milliseconds since the epoch. */
  now: number;
  /** When the answer has to be ready, likewise; always by the machine's own clock, which the timers go by, too. */
  deadline: number;
  /** `Set-Cookie` values that go out with the reply, whatever it turns out to be. */
  cookies: string[];
  /** Headers that do, likewise. */
  headers: Record<string, string>;
  /** More for the log. */
  log: Partial<LogEntry>;
}

/** What a failure is told with: `address` is our own, unless that setting is what is wrong. */
export interface FailureContext {
  address: Address | undefined;
  settings: Settings;
  env: Environment;
}

/** What is at one address for one request. The router does what is the same everywhere; `handle` does the rest. */
export interface Route {
  /** Its name in the log. */
  event: string;
  provider?: { id: string } | undefined;
  /** The methods that it takes; with GET it takes HEAD. Absent: all of them. Any other one is refused with 405 and `Allow`. */
  methods?: readonly ('GET' | 'POST')[];
  /** CORS: whether the page that asks may, before anything is done for it, and before its method is looked at. */
  admit?: (context: Context) => void | Promise<void>;
  /** CORS: the reply to OPTIONS. */
  preflight?: HttpReply;
  /**
   * A step that a browser takes in a window of its own, and all of whose addresses are below this path. HEAD, which link checkers
   * and previews send, begins and spends nothing there.
   */
  navigation?: string;
  /** A page that the owner can switch off by `CMS_AUTH_PAGE`. */
  optional?: boolean;
  /** It is at no address of ours, and only says so better: an application with addresses of its own beside ours may have it. */
  stray?: boolean;
  /**
   * @param params of the path, by the endpoint's pattern
   * @throws Failure for whatever stands in the way
   */
  handle: (context: Context, params: Match['params']) => HttpReply | Promise<HttpReply>;
  /** A failure as those who ask here can read it. Absent: as a page, as the module has it. */
  fail?: (failure: Failure, context: FailureContext) => HttpReply | Promise<HttpReply>;
}

/** A part of the path as it was sent, by its name in the pattern; `*` is all that follows. */
export interface Match {
  params: Readonly<Record<string, string>>;
  parameters: URLSearchParams;
  request: HttpRequest;
}

/** An address of ours, or several of one form. */
export interface Endpoint {
  /** `:name` is one part of the path, and `/*` at the end is all below. One slash at the end of a path makes no difference. */
  path: string;
  /** The same, taken apart at the first request. */
  parts?: readonly string[];
  /** Does not throw. @returns undefined if nothing is there after all */
  route: (match: Match) => Route | undefined;
}

/** The addresses of one part of this program. */
export interface RouteModule {
  /** How long a request may take, reading secrets and asking others included. Milliseconds. */
  timeoutMs: number;
  /** The first that matches is it. */
  endpoints: readonly Endpoint[];
  /** Takes the body over, if there is one; it is read to its end before a reply goes out. Absent where no body is large. */
  openBody?: (request: HttpRequest) => { request: HttpRequest; drain: () => Promise<void> } | undefined;
  /** A failure as a page, for people. */
  fail: (failure: Failure, context: FailureContext) => HttpReply | Promise<HttpReply>;
}

/** A route with the module that it is of, and what its path says. */
interface Found {
  module: RouteModule;
  route: Route;
  params: Match['params'];
}

/** More than any CMS or Git host sends, less than any platform refuses. Characters. */
export const longestQuery = 16 * 1024;

/** Where a request leads that leads to none of our addresses. */
export const notFound: Route = {
  event: 'none',
  admit: () => Promise.reject(new Failure(webErrors.NOT_FOUND)), // 404 comes before 405
  handle: () => Promise.reject(new Failure(webErrors.NOT_FOUND)),
};

/**
 * Finds the address that a path is, in the first module that has it. What none of them has is the last one's to refuse.
 *
 * @param path without the prefix of our own address
 */
export function findRoute(
  modules: readonly RouteModule[],
  path: string,
  request: HttpRequest,
  parameters: URLSearchParams,
): Found {
  const given = path.split('/');
  for (const module of modules)
    for (const endpoint of module.endpoints) {
      const params = matchPath((endpoint.parts ??= endpoint.path.split('/')), given);
      const route = params && endpoint.route({ params, parameters, request });
      if (route) return { module, route, params };
    }
  return { module: modules.at(-1) as RouteModule, route: notFound, params: {} };
}

function matchPath(wanted: readonly string[], given: readonly string[]): Record<string, string> | undefined {
  const params: Record<string, string> = {};
  for (let i = 0; i < wanted.length; i++) {
    const [part = '', own] = [wanted[i], given[i]];
    if (own === undefined) return undefined;
    if (part === '*') {
      params['*'] = given.slice(i).join('/'); // not spread: see `fetchWith` of the gateway
      return params;
    }
    if (part.startsWith(':')) params[part.slice(1)] = own;
    else if (part !== own) return undefined;
  }
  return given.slice(wanted.length).join('/') === '' ? params : undefined;
}

/** Answers, once all has been refused that this address does not take. @throws Failure */
export async function dispatch({ route, params }: Found, context: Context): Promise<HttpReply> {
  const { request, settings } = context;
  const { method } = request;
  const admitted = route.admit?.(context);
  if (admitted) await admitted;
  if (method === 'OPTIONS' && route.preflight) return route.preflight;
  if (route.methods && !route.methods.includes((method === 'HEAD' ? 'GET' : method) as 'GET'))
    throw new Failure(webErrors.METHOD_NOT_ALLOWED);
  if (request.query.length > longestQuery) throw new Failure(webErrors.REQUEST_TOO_LARGE);
  if (route.navigation !== undefined) {
    refuseUnlessNavigation(request, route.navigation);
    if (method === 'HEAD') return { status: 200, headers: { ...commonHeaders }, cookies: [], body: '' };
  }
  if (route.optional) {
    const [hasPage] = await settings.read([pageSetting]);
    if (!hasPage) throw new Failure(webErrors.NOT_FOUND);
  }
  return await route.handle(context, params); // a promise that is returned as it is takes two turns more
}

/** A failure as a reply, with `Allow` where a method was refused (RFC 9110, 15.5.6). */
export async function failed({ module, route }: Found, failure: Failure, context: FailureContext): Promise<HttpReply> {
  const reply = await (route.fail ?? module.fail)(failure, context);
  if (failure.code === webErrors.METHOD_NOT_ALLOWED.code)
    reply.headers['allow'] = [
      ...(route.methods ?? []).flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : method)),
      ...(route.preflight ? ['OPTIONS'] : []),
    ].join(', ');
  return reply;
}
