import { serve, type ServeOptions } from '../handler/serve.ts';
import type { Context, Endpoint, FailureContext, Route, RouteModule } from '../handler/router.ts';
import { cookieStoreFor } from '../http/cookies.ts';
import type { CookieName } from '../http/cookie-store.ts';
import type { hostErrors } from '../oauth/errors.ts';
import { Failure } from '../http/errors.ts';
import { isOrigin } from '../http/origins.ts';
import { openerOf } from '../oauth/popup-transaction.ts';
import { loginErrors } from './errors.ts';
import { begin, finish, proceed } from './login.ts';
import { commonHeaders, singleParameters, type Handler, type HttpReply } from '../http/http.ts';
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
 * Whatever happens becomes an answer in words and, wherever a CMS may be waiting, a message to it; in plain words alone if the file of the
 * pages for failures cannot be read.
 */
export const createHandler = (providers: readonly Provider[], options?: ServeOptions): Handler =>
  serve([loginRoutes(providers)], options);

/** The addresses of a login server. */
export function loginRoutes(providers: readonly Provider[]): RouteModule {
  // A list, not an object: `__proto__` and `constructor` are names like any other here.
  const known = (id: string | undefined) => providers.find((candidate) => candidate.id === id);
  return {
    timeoutMs: 8_000, // functions are given 15 s
    endpoints: [
      ...providers
        .filter((provider): provider is RenewingProvider => provider.refresh !== undefined)
        .map((provider): Endpoint => ({ path: provider.refresh.path, route: () => refreshRoute(provider) })),
      {
        path: '/auth',
        route: ({ parameters }) =>
          parameters.has('provider') ? beginRoute(providers, parameters) : setupPageRoute(providers),
      },
      {
        path: '/auth/:provider',
        route: ({ params: { provider: id }, parameters }) =>
          // `auth` is what the CMS itself puts there: see below.
          known(id) || (parameters.has('provider') && id !== 'auth')
            ? beginRoute(providers, parameters, id)
            : undefined,
      },
      {
        path: '/auth/:provider/authorize',
        route: ({ params: { provider: id }, parameters }) =>
          known(id) || parameters.has('provider') ? beginRoute(providers, parameters, id, true) : undefined,
      },
      {
        path: '/auth/:provider/begin',
        route({ params, parameters }) {
          const provider = known(params['provider']);
          const origin = parameters.get('origin') ?? '';
          return (
            provider && {
              event: 'proceed',
              provider,
              ...step(provider.id, isOrigin(origin) ? origin : null),
              handle: (context) => proceed(provider, withCookies(context)),
            }
          );
        },
      },
      {
        path: '/auth/:provider/callback',
        route({ params, parameters }) {
          const provider = known(params['provider']);
          if (!provider) return undefined;
          if (parameters.size === 0)
            return {
              event: 'page',
              provider,
              methods: ['GET'],
              // No login needs the pages' file.
              handle: async (context) => (await import('./setup-page.ts')).callbackPage(provider, context),
            };
          return {
            event: 'finish',
            provider,
            ...step(provider.id, openerOf(parameters.get('state') ?? undefined) ?? null),
            handle: (context) => finish(provider, withCookies(context)),
          };
        },
      },
      {
        // Only for its words: whoever wrote `https://auth.example.com/auth` as base_url would see an empty window.
        path: '/*',
        route: ({ params: { '*': rest = '' }, parameters }) => misplaced(rest, parameters),
      },
    ],
    // No login that goes well needs it.
    fail: async (failure, context) => (await import('./failure.ts')).failedPage(failure, context),
  };
}

const setupPageRoute = (providers: readonly Provider[]): Route => ({
  event: 'page',
  methods: ['GET'],
  optional: true,
  async handle(context) {
    const { setupPage } = await import('./setup-page.ts');
    return setupPage(providers, context);
  },
});

/** The login's own address behind something that the CMS's `base_url` has too much. */
function misplaced(rest: string, parameters: URLSearchParams): Route | undefined {
  const name = parameters.get('provider');
  const [, before] = /^(.{0,99}\/|)auth(?:\/[\w-]{1,31}(?:\/authorize)?)?\/?$/.exec(rest) ?? [];
  if (name === null || !before) return undefined;
  return {
    event: 'begin',
    stray: true,
    ...step(name, undefined),
    handle({ address }) {
      const path = /^[\w./-]*$/.test(before) ? `/${before}` : '/…';
      throw new Failure(loginErrors.BASE_URL_HAS_PATH, { path, base: address.origin });
    },
  };
}

/**
 * @param id the provider as the path names it
 * @param wantsRefresh whether it is an address whose clients can use a refresh token
 */
function beginRoute(
  providers: readonly Provider[],
  parameters: URLSearchParams,
  id?: string,
  wantsRefresh = false,
): Route {
  // The name that the CMS listens for is the query's, if there is one: the CMS wrote that one itself.
  const name = parameters.get('provider') ?? id ?? '';
  const provider = providers.find((candidate) => candidate.id === (id ?? name));
  return {
    event: 'begin',
    provider,
    ...step(name, undefined),
    handle(context) {
      const { provider: named, scope } = singleParameters(parameters, ['provider', 'scope']);
      if (id !== undefined && named !== undefined && named !== id) throw new Failure(loginErrors.PROVIDER_MISMATCH);
      if (!provider)
        throw new Failure(loginErrors.UNKNOWN_PROVIDER, { known: providers.map((each) => each.id).join(', ') });
      return begin(provider, { requestedScope: scope, wantsRefresh }, withCookies(context));
    },
  };
}

const refreshPreflight: HttpReply = {
  status: 204,
  headers: { ...commonHeaders, 'access-control-allow-methods': 'POST', 'access-control-allow-headers': 'content-type' },
  cookies: [],
  body: '',
};

function refreshRoute(provider: RenewingProvider): Route {
  return {
    event: 'refresh',
    provider,
    methods: ['POST'],
    // No login needs it.
    admit: async (context) => (await import('./refresh.ts')).admitRefresh(provider, context),
    preflight: refreshPreflight,
    handle: async (context) => (await import('./refresh.ts')).refresh(provider, context),
    async fail(failure, context) {
      invalidateSecret(failure, context);
      return (await import('./refresh.ts')).failedRefresh(failure);
    },
  };
}

/**
 * What the steps of a login have in common: whatever goes wrong is told to the CMS, too.
 *
 * @param name of the provider that the CMS listens for
 * @param openerOrigin as the request says it, proven or not: enough for fixed words about a failure. `null` if it does not say;
 *   undefined if nobody has answered yet.
 */
const step = (
  name: string,
  openerOrigin: string | null | undefined,
): Pick<Route, 'methods' | 'navigation' | 'fail'> => ({
  methods: ['GET'],
  navigation: '/auth',
  async fail(failure, context) {
    invalidateSecret(failure, context);
    const { failedStep } = await import('./failure.ts');
    return failedStep(failure, { provider: name, origin: openerOrigin }, context);
  },
});

const withCookies = (context: Context) => ({
  cookieStore: cookieStoreFor(context.request, context.address, cookieName, context.now),
  ...context,
});

/** The secret may have been renewed at the host: it is read anew for the next login. */
function invalidateSecret({ code }: Failure, { settings }: FailureContext): void {
  if (code === ('BAD_CLIENT_CREDENTIALS' satisfies keyof typeof hostErrors)) settings.invalidate();
}
