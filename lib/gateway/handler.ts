import { gatewaySettings, type Gateway } from './settings.ts';
import { commitAddress, type Editor } from './identity/editors.ts';
import { preflight } from '../http/cors.ts';
import { lazy } from '../http/cache.ts';
import { Failure } from '../http/errors.ts';
import { json, type HttpReply, type TextReply } from '../http/http.ts';
import { plainErrorPage } from '../http/page.ts';
import { authenticate } from './identity/authenticate.ts';
import { gatewayErrors } from './errors.ts';
import { fetchExpiry, expiryWarning } from './expiry.ts';
import { openBody } from './body.ts';
import { restTimeoutMs } from './timeouts.ts';
import { admitListed } from './origins.ts';
import { exposed, proxy, proxyGraphQL } from './proxy.ts';
import type { Context, Endpoint, Route, RouteModule } from '../handler/router.ts';
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

/**
 * The gateway: editors who have no account at the Git host write to one repository there, by a credential that never leaves
 * this function.
 *
 * @param hosts that a repository can be at
 */
export function gateway(hosts: readonly GatewayHost[]): RouteModule {
  const admit = admitListed(hosts);
  /** For the CMS: its page has to be listed, and it reads JSON, and the headers that its libraries look for. */
  const common: Common = {
    admit(context) {
      if (context.request.method !== 'OPTIONS') context.headers['access-control-expose-headers'] = exposed;
      return admit(context);
    },
    fail: problem,
  };
  // Made once: browsers ask so before nearly every call.
  const preflightRoute: Route = {
    ...common,
    event: 'preflight',
    preflight: preflightReply,
    handle: () => preflightReply,
  };
  const endpoints: Endpoint[] = [
    {
      path: '/git',
      route: ({ request }) => (request.method === 'OPTIONS' ? preflightRoute : pageRoute(hosts)),
    },
    {
      path: '/git/*',
      route: ({ request }) => (request.method === 'OPTIONS' ? preflightRoute : undefined),
    },
    {
      path: '/git/settings',
      route: () => ({
        ...common,
        event: 'settings',
        methods: ['GET'],
        handle: (context) => settings(context, hosts),
      }),
    },
    {
      path: '/git/status',
      route: () => ({
        ...common,
        event: 'status',
        methods: ['GET'],
        handle: async (context) => status(await isReady(context, hosts)),
      }),
    },
    ...hosts.flatMap((host) => hostEndpoints(host, hosts, common)),
  ];
  return {
    // Without the time that a body takes to get here, which is given besides.
    timeoutMs: restTimeoutMs(0),
    openBody,
    endpoints: [
      // With a slash at the end of `gateway_url`, the CMSs write two.
      ...endpoints,
      ...endpoints.map((own) => ({ ...own, path: own.path.replace(/^\/git/, '/git/') })),
      {
        path: '/git/*',
        route: () => ({
          ...common,
          event: 'none',
          handle: () => Promise.reject(new Failure(gatewayErrors.NO_SUCH_ADDRESS)),
        }),
      },
    ],
    fail: (failure) => plainErrorPage(failure),
  };
}

const preflightReply = preflight({
  methods: 'GET, HEAD, POST, PUT, PATCH, DELETE',
  // The last three come from libraries of GoTrue's.
  headers: 'authorization, content-type, accept, if-none-match, x-jwt-aud, x-use-cookie, x-nf-client',
});

const pageRoute = (hosts: readonly GatewayHost[]): Route => ({
  event: 'gateway page',
  methods: ['GET'],
  optional: true,
  // No editor needs its file.
  handle: async (context) => (await import('./setup-page.ts')).gatewayPage(hosts, context),
});

/** What all that the CMS asks for has in common. */
type Common = Pick<Route, 'admit' | 'fail'>;

/** The addresses of one Git host: those below its name, and those at which clients look for the host's own API. */
function hostEndpoints({ provider, api }: GatewayHost, hosts: readonly GatewayHost[], common: Common): Endpoint[] {
  const below = (path: string, handle: (path: string, opened: Opened) => Promise<HttpReply>): Endpoint => {
    const routeOf = (event: 'read' | 'write'): Route => ({
      ...common,
      event,
      provider,
      async handle(context, params) {
        const opened = await open(context, hosts);
        // Also of what is refused: whoever tries the fence from within has a name.
        if (event === 'write') context.log.editor = commitAddress(opened.editor, context.address.origin);
        return await handle(`/${params['*']}`, ofHost(provider, opened));
      },
    });
    const [read, write] = [routeOf('read'), routeOf('write')];
    return {
      path: `${path}/*`,
      route: ({ request: { method } }) => (method === 'GET' || method === 'HEAD' ? read : write),
    };
  };
  const graphql = (path: string): Endpoint => ({
    path,
    route: () => ({
      ...common,
      event: 'read', // what GraphQL is asked to do stands in the body: until that has been read, it is a question
      provider,
      methods: ['POST'],
      preflight: preflightReply,
      handle: async (context) => {
        const opened = ofHost(provider, await open(context, hosts));
        return (await loadApi()).answerGraphQL({ upstream, ...opened });
      },
    }),
  });
  return [
    below(`/git/${provider.id}`, (path, { gateway: read, editor, context }) => proxy(path, read, editor, context)),
    ...(api?.graphql ?? []).map((path) => graphql(`/git${path}`)),
    ...(api ? [api.rest] : []).map((root) =>
      below(`/git${root}`, async (path, opened) => (await loadApi()).answerRest(path, { upstream, ...opened })),
    ),
  ];
}

/** Not every CMS speaks it, and those that do not pay nothing for it: it is a file of its own, which gets handed what it shares. */
const loadApi = lazy(() => import('./api.ts'));
const upstream = { proxy, proxyGraphQL };

/** The gateway as it is set up, and who asks. */
interface Opened {
  gateway: Gateway<GatewayHost>;
  editor: Editor;
  context: Context;
}

async function open(context: Context, hosts: readonly GatewayHost[]): Promise<Opened> {
  const { request, settings: store, address, now, deadline } = context;
  const [read] = await store.read([gatewaySettings(hosts, address)]);
  const editor = await authenticate(request.headers['authorization'], read, { address, now, deadline });
  return { gateway: read, editor, context };
}

/** @throws Failure NOT_ON_LIST if the address names another Git host than the repository's */
function ofHost(provider: { id: string }, opened: Opened): Opened {
  if (provider.id !== opened.gateway.host.provider.id) throw new Failure(gatewayErrors.NOT_ON_LIST);
  return opened;
}

/** Where a session begins. There the owner is told in good time that the credential ends. */
async function settings(context: Context, hosts: readonly GatewayHost[]): Promise<HttpReply> {
  const { gateway: read } = await open(context, hosts);
  const { credential, host } = read;
  const end = credential.kind === 'token' ? await fetchExpiry(read, credential.token) : undefined;
  const warning = end === undefined ? undefined : expiryWarning(end, host.provider.name, context.now);
  if (warning !== undefined) context.log.warning = warning;
  return clientSettings(read, hosts);
}

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
    await settings.read([gatewaySettings(hosts, address)]);
    return true;
  } catch (error) {
    if (error instanceof Failure) return false;
    throw error;
  }
}

/** The client reads `message`, and cannot do without. */
function problem({ status: code, code: name, message, fill }: Failure): TextReply {
  const reply = json(code, { code: name, message });
  if (name === gatewayErrors.UPSTREAM_BUSY.code) reply.headers['retry-after'] = fill['seconds'] ?? '';
  return reply;
}
