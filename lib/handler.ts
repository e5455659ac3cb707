import { LoginError } from './errors.ts';
import { commonHeaders, singleParameters, type Handler, type HttpReply, type HttpRequest } from './http.ts';
import { begin, finish, type Surroundings } from './login.ts';
import { ownerPage, plainErrorPage } from './owner.ts';
import { failurePage } from './popup.ts';
import { readAddress, type Environment } from './settings.ts';
import type { Provider } from './providers/provider.ts';

/** Covers reading secrets and the exchange together; functions are given 15 s. */
const patience = 8_000; // milliseconds

/** More than any CMS or Git host sends, less than any platform refuses. */
const longestQuery = 8 * 1024;

/** One line per request, and nothing in it that a login is made of: no code, state, token, cookie or query. */
export interface LogEntry {
  event: Route['event'];
  provider?: string;
  outcome: 'ok' | 'failed';
  /** What went wrong: one of `errors.ts`. */
  code?: string;
  /** Milliseconds. */
  duration: number;
  request?: string;
}

export interface HandlerOptions {
  env?: Environment;
  log?: (entry: LogEntry) => void;
  /** Milliseconds since the epoch. */
  now?: () => number;
}

/**
 * Makes a handler from a list of providers. Every function, on every platform, is this with another list.
 *
 * The handler never rejects: whatever happens becomes an answer, in words, and wherever a CMS may be waiting, a message to it.
 */
export function createHandler(providers: readonly Provider[], options: HandlerOptions = {}): Handler {
  const { env = process.env, log = (entry) => console.log(JSON.stringify(entry)), now = Date.now } = options;

  return async (request) => {
    const start = now();
    const cookies: string[] = [];
    let route: Route = { event: 'other' };
    let address;
    let reply: HttpReply;
    let code: string | undefined;
    try {
      // Before the address is known, the path may still have its prefix; a bad setting is then announced all the same.
      route = findRoute(request, providers, '');
      address = readAddress(env, request.platformUrl);
      route = findRoute(request, providers, address.prefix);
      const surroundings = { request, env, address, now: start, deadline: start + patience, cookies };
      reply = await follow(route, providers, surroundings);
    } catch (error) {
      const known = error instanceof LoginError ? error : new LoginError('INTERNAL', {}, { cause: error });
      code = known.code;
      reply = isLogin(route)
        ? failurePage({ provider: announced(route), error: known, hop: address?.origin })
        : plainErrorPage(known);
      if (code === 'METHOD_NOT_ALLOWED') reply.headers['allow'] = 'GET, HEAD';
    }
    const provider = 'provider' in route ? route.provider?.id : undefined;
    log({
      event: route.event,
      ...(provider !== undefined && { provider }),
      outcome: code === undefined ? 'ok' : 'failed',
      ...(code !== undefined && { code }),
      duration: now() - start,
      ...(request.id !== undefined && { request: request.id }),
    });
    return { ...reply, cookies, body: request.method === 'HEAD' ? '' : reply.body };
  };
}

type Route =
  | { event: 'begin'; name: string; provider: Provider | undefined; fromPath: boolean; wantsRefresh: boolean }
  | { event: 'finish'; provider: Provider }
  | { event: 'page' }
  | { event: 'other' };

/** Whether a CMS may be waiting for the outcome. */
const isLogin = (route: Route) => route.event === 'begin' || route.event === 'finish';

/** The name that the CMS listens for: the query's if there is one, since that is what the CMS wrote. */
const announced = (route: Route): string | undefined =>
  route.event === 'begin' ? route.name : route.event === 'finish' ? route.provider.id : undefined;

function findRoute({ path, query }: HttpRequest, providers: readonly Provider[], prefix: string): Route {
  // API Gateway leaves its stage in the path, some proxies take the prefix away: both are right.
  const own = prefix !== '' && path.startsWith(`${prefix}/`) ? path.slice(prefix.length) : path;
  const [, segment] = /^\/auth(?:\/(.*?))?\/?$/s.exec(own) ?? [undefined, undefined];
  if (segment === undefined && !/^\/auth\/?$/.test(own)) return { event: 'other' };
  const named = query.length <= longestQuery ? new URLSearchParams(query).getAll('provider').at(0) : undefined;

  const [id, verb, ...rest] = (segment ?? '').split('/');
  const find = (name: string | undefined) => providers.find((provider) => provider.id === name);
  if (!id) return named === undefined ? { event: 'page' } : { event: 'begin', name: named, provider: find(named), fromPath: false, wantsRefresh: false };
  const provider = find(id);
  if (!provider || rest.length > 0) return { event: 'other' };
  if (verb === undefined || verb === 'authorize')
    return { event: 'begin', name: named ?? id, provider, fromPath: true, wantsRefresh: verb === 'authorize' };
  if (verb === 'callback') return { event: 'finish', provider };
  return { event: 'other' };
}

async function follow(route: Route, providers: readonly Provider[], surroundings: Surroundings): Promise<HttpReply> {
  const { request, env, address } = surroundings;
  if (route.event === 'other') throw new LoginError('NOT_FOUND');
  if (request.method !== 'GET' && request.method !== 'HEAD')
    throw new LoginError('METHOD_NOT_ALLOWED', { method: request.method });
  return Promise.reject();
}
