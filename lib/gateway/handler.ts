import { longestQuery, type Context, type RouteModule } from '../handler/serve.ts';
import { readGateway, gatewaySettings, type Gateway } from './settings.ts';
import { commitAddress } from './identity/editors.ts';
import { readOrigins, readPage } from '../config/settings.ts';
import { admitOrigin, preflight } from '../http/cors.ts';
import { Failure, webErrors } from '../http/errors.ts';
import { lazy } from '../http/cache.ts';
import { commonHeaders, type HttpReply, type HttpRequest, type TextReply } from '../http/http.ts';
import { plainErrorPage } from '../http/page.ts';
import { authenticate } from './identity/authenticate.ts';
import { gatewayErrors } from './errors.ts';
import { fetchExpiry, expiryWarning } from './expiry.ts';
import { openBody } from './body.ts';
import { restTimeoutMs } from './timeouts.ts';
import { exposed, proxy } from './proxy.ts';
import { apis } from './rules/apis.ts';
import type { GatewayHost } from './rules/rule.ts';

/** What happened, and what it is called if it did not: for a person who watches the log. */
export const gatewayEvents = {
  read: ['read', 'not read'],
  write: ['written', 'not written'],
  settings: ['editor let in', 'editor not let in'],
  status: ['status', 'status not told'],
  preflight: ['preflight', 'preflight refused'],
  'gateway page': ['gateway page', 'gateway page not shown'],
  none: ['', 'none of our addresses'],
} as const;

type Route =
  | { event: 'read' | 'write'; provider: { id: string }; path: string; api?: 'rest' | 'graphql' }
  | { event: 'settings' | 'status' | 'preflight' | 'gateway page'; provider?: undefined }
  | { event: 'none'; provider?: undefined; isOurs: boolean };

/**
 * The gateway: editors who have no account at the Git host write to one repository there, by a credential that never leaves
 * this function.
 *
 * @param hosts that a repository can be at
 */
export const gateway = (hosts: readonly GatewayHost[]): RouteModule<Route> => ({
  // Without the time that a body takes to get here, which is given besides.
  timeoutMs: restTimeoutMs(0),
  route: (path, request) => findRoute(path, request, hosts),
  async answer(route, context) {
    if (route.event === 'none' && !route.isOurs) throw new Failure(webErrors.NOT_FOUND);
    const { request, drain } = openBody(context.request);
    try {
      if (route.event === 'gateway page') return await ownersPage(context, hosts);
      return await dispatch(route, { ...context, request }, hosts);
    } finally {
      await drain();
    }
  },
  fail(route, failure) {
    const isForPeople = route.event === 'gateway page' || (route.event === 'none' && !route.isOurs);
    const reply = isForPeople ? plainErrorPage(failure) : problem(failure);
    if (failure.code === webErrors.METHOD_NOT_ALLOWED.code)
      reply.headers['allow'] = 'api' in route ? 'POST, OPTIONS' : 'GET, HEAD';
    return reply;
  },
});

function findRoute(path: string, { method }: HttpRequest, hosts: readonly GatewayHost[]): Route {
  // With a slash at the end of `gateway_url`, the CMSs write two.
  const [, below] = /^\/git(?:\/?(\/.*))?$/s.exec(path) ?? [];
  if (path !== '/git' && below === undefined) return { event: 'none', isOurs: false };
  if (method === 'OPTIONS') return { event: 'preflight' };
  if (below === undefined || below === '/') return { event: 'gateway page' };
  if (below === '/settings' || below === '/settings/') return { event: 'settings' };
  if (below === '/status' || below === '/status/') return { event: 'status' };
  const event = method === 'GET' || method === 'HEAD' ? 'read' : 'write';
  for (const { provider, api } of hosts) {
    const to = { event, provider: { id: provider.id } } as const;
    if (below.startsWith(`/${provider.id}/`)) return { ...to, path: below.slice(provider.id.length + 1) };
    // What GraphQL is asked to do stands in the body. Until that has been read, it is a question.
    if (api?.graphql.includes(below)) return { ...to, event: 'read', path: '', api: 'graphql' as const };
    if (api && below.startsWith(`${api.rest}/`))
      return { ...to, path: below.slice(api.rest.length), api: 'rest' as const };
  }
  return { event: 'none', isOurs: true };
}

async function dispatch(route: Route, context: Context, hosts: readonly GatewayHost[]): Promise<HttpReply> {
  const { request, settings, address, headers, now, deadline, log } = context;
  // Before any work.
  admitOrigin(
    request,
    readOrigins(await settings.read(['CMS_AUTH_ORIGINS'], gatewaySettings(hosts)), address),
    headers,
  );
  if (route.event === 'preflight')
    return preflight({
      methods: 'GET, HEAD, POST, PUT, PATCH, DELETE',
      // The last three come from libraries of GoTrue's.
      headers: 'authorization, content-type, accept, if-none-match, x-jwt-aud, x-use-cookie, x-nf-client',
    });
  headers['access-control-expose-headers'] = exposed;
  if (route.event === 'none') throw new Failure(gatewayErrors.NO_SUCH_ADDRESS);
  if (request.query.length > longestQuery) throw new Failure(webErrors.REQUEST_TOO_LARGE);
  const isRead = request.method === 'GET' || request.method === 'HEAD';
  if ((route.event === 'settings' || route.event === 'status') && !isRead)
    throw new Failure(webErrors.METHOD_NOT_ALLOWED);
  if (route.event === 'status') return status(await isReady(context, hosts));

  const read = readGateway(await settings.read(gatewaySettings(hosts)), address, hosts);
  const editor = await authenticate(request.headers['authorization'], read, { address, now, deadline });
  if (!route.provider) {
    // Where a session begins, the owner is told in good time.
    const { credential, host } = read;
    const end = credential.kind === 'token' ? await fetchExpiry(read, credential.token) : undefined;
    const warning = end === undefined ? undefined : expiryWarning(end, host.provider.name, now);
    if (warning !== undefined) log.warning = warning;
    return clientSettings(read, hosts);
  }
  // Also of what is refused: whoever tries the fence from within has a name.
  if (route.event === 'write') log.editor = commitAddress(editor, address.origin);
  if (route.provider.id !== read.host.provider.id) throw new Failure(gatewayErrors.NOT_ON_LIST);
  const load = route.api && apis[read.host.provider.id];
  if (!load) return proxy(route.path, read, editor, context);
  const { answerRest, answerGraphQL } = await loadApi();
  const { api } = await load();
  const given = { gateway: read, editor, context, api };
  return route.api === 'rest' ? answerRest(route.path, given) : answerGraphQL(given);
}

/** Not every CMS speaks it, and those that do not pay nothing for it. */
const loadApi = lazy(() => import('./api.ts'));

/** What the client asks first. No roles: it would compare them with one claim of the token, and we have judged already. */
const clientSettings = ({ host }: Gateway, hosts: readonly GatewayHost[]): TextReply =>
  json(200, {
    ...Object.fromEntries(hosts.map(({ provider }) => [`${provider.id}_enabled`, provider.id === host.provider.id])),
    roles: [],
  });

/** As a status page of Netlify's answers, which is where the client would ask otherwise. */
const status = (isWell: boolean): TextReply =>
  json(200, { components: [{ name: 'Git Gateway', status: isWell ? 'operational' : 'major_outage' }] });

async function isReady({ settings, address }: Context, hosts: readonly GatewayHost[]): Promise<boolean> {
  try {
    readGateway(await settings.read(gatewaySettings(hosts)), address, hosts);
    return true;
  } catch (error) {
    if (error instanceof Failure) return false;
    throw error;
  }
}

async function ownersPage(context: Context, hosts: readonly GatewayHost[]): Promise<HttpReply> {
  const { request, settings } = context;
  if (request.method !== 'GET' && request.method !== 'HEAD') throw new Failure(webErrors.METHOD_NOT_ALLOWED);
  if (!readPage(await settings.read(['CMS_AUTH_PAGE']))) throw new Failure(webErrors.NOT_FOUND);
  const { gatewayPage } = await import('./setup-page.ts'); // no editor needs it
  return gatewayPage(hosts, context);
}

const json = (code: number, value: object): TextReply => ({
  status: code,
  headers: { ...commonHeaders, 'content-type': 'application/json; charset=utf-8' },
  cookies: [],
  body: JSON.stringify(value),
});

/** The client reads `message`, and cannot do without. */
function problem({ status: code, code: name, message, fill }: Failure): TextReply {
  const reply = json(code, { code: name, message });
  if (name === gatewayErrors.UPSTREAM_BUSY.code) reply.headers['retry-after'] = fill['seconds'] ?? '';
  return reply;
}
