import { cookieStoreFor } from '../../http/cookies.ts';
import type { CookieName, CookieStore } from '../../http/cookie-store.ts';
import { hostErrors } from '../../oauth/errors.ts';
import { preflight } from '../../http/cors.ts';
import { isOrigin } from '../../http/origins.ts';
import { plainErrorPage } from '../../http/page.ts';
import { failurePage } from '../../handler/popup.ts';
import { openerOf } from '../../oauth/popup-transaction.ts';
import { admitListed } from '../origins.ts';
import { tokenFailure } from './response.ts';
import { refuse, type ResponseTarget } from './redirect.ts';
import type { Context, FailureContext, Match, Route, RouteModule } from '../../handler/router.ts';
import type { Failure } from '../../http/errors.ts';
import type { HttpReply } from '../../http/http.ts';
import type { RepositoryHost } from '../settings.ts';

/** What happened, and what it is called if it did not: for a person who watches the log. */
export const signInEvents = {
  popup: ['popup opened', 'popup not opened'],
  'sign-in': ['sign-in begun', 'sign-in not begun'],
  'signed-in': ['signed in', 'not signed in'],
  token: ['session begun', 'session not begun'],
  none: ['', 'none of our addresses'],
} as const;

/** Of this route module's cookies. */
const cookieName: CookieName = { name: 'signin', path: '/git' };

/**
 * We as an authorization server for the CMS (RFC 6749, RFC 9700), and as a client towards the OpenID provider: whoever signs in
 * there and is on the list gets a session from us, and nothing of the provider's reaches the browser.
 *
 * @param hosts the Git hosts that the gateway's settings may name
 */
export const signIn = (hosts: readonly RepositoryHost[]): RouteModule => ({
  timeoutMs: 8_000, // functions are given 15 s
  endpoints: [
    {
      path: '/git/oauth2/authorize',
      route({ parameters }) {
        const isTry = parameters.size === 1 && parameters.has('try');
        return {
          ...step('sign-in', async (context) => {
            const { begin, beginTry } = await loadLogin();
            return isTry ? beginTry({ ...context, hosts }) : begin({ ...context, hosts });
          }),
          optional: isTry,
        };
      },
    },
    {
      path: '/git/oauth2/callback',
      route: () => step('signed-in', async (context) => (await loadLogin()).finish({ ...context, hosts })),
    },
    {
      path: '/git/auth',
      route: (match) =>
        popupStep('popup', nameIn(match, hosts), undefined, async (context) =>
          (await loadPopup()).openPopup({ ...context, hosts }),
        ),
    },
    {
      path: '/git/auth/begin',
      route(match) {
        const origin = match.parameters.get('origin') ?? '';
        return popupStep('sign-in', nameIn(match, hosts), isOrigin(origin) ? origin : null, async (context) =>
          (await loadPopup()).proceed({ ...context, hosts }),
        );
      },
    },
    {
      path: '/git/auth/callback',
      route(match) {
        const opener = openerOf(match.parameters.get('state') ?? undefined) ?? null;
        return popupStep('signed-in', nameIn(match, hosts), opener, async (context) =>
          (await loadPopup()).finishPopup({ ...context, hosts }),
        );
      },
    },
    {
      path: '/git/oauth2/token',
      route: () => ({
        event: 'token',
        methods: ['POST'],
        admit: admitListed(hosts),
        preflight: preflight({ methods: 'POST', headers: 'content-type' }),
        handle: async (context) => (await import('./token.ts')).token(context, hosts),
        fail: tokenFailure,
      }),
    },
  ],
  fail: (failure) => plainErrorPage(failure),
});

/** Loaded at a sign-in and not before: an editor signs in once, and the gateway is called a thousand times. */
const loadLogin = () => import('./login.ts');

const loadPopup = () => import('./popup.ts');

type WithCookies = Context & { cookieStore: CookieStore };

const withCookies = (context: Context): WithCookies => ({
  cookieStore: cookieStoreFor(context.request, context.address, cookieName, context.now),
  ...context,
});

/** The name that the CMS listens for: what it asked for, and else the host whose API it speaks. */
const nameIn = ({ parameters }: Match, hosts: readonly RepositoryHost[]): string =>
  parameters.get('provider') ?? hosts.find(({ api }) => api)?.provider.id ?? '';

/**
 * A step of the popup login: whatever goes wrong is told to the CMS, too.
 *
 * @param name that the CMS listens for
 * @param openerOrigin as the request says it, proven or not: enough for fixed words about a failure. `null` if it does not say;
 *   undefined if nobody has answered yet.
 */
const popupStep = (
  event: string,
  name: string,
  openerOrigin: string | null | undefined,
  handle: (context: WithCookies) => Promise<HttpReply>,
): Route => ({
  event,
  methods: ['GET'],
  navigation: '/git',
  handle: (context) => handle(withCookies(context)),
  fail(failure, context) {
    invalidateSecret(failure, context);
    return failurePage({ provider: name, error: failure, origin: openerOrigin });
  },
});

/** The secret may have been renewed at the provider: it is read anew for the next sign-in. */
function invalidateSecret({ code }: Failure, { settings }: FailureContext): void {
  if (code === hostErrors.BAD_CLIENT_CREDENTIALS.code) settings.invalidate();
}

/** A step that the browser takes. Whoever is to read how it ends is known once the request has been read. */
function step(event: string, handle: (context: WithCookies & { target: ResponseTarget }) => Promise<HttpReply>): Route {
  const target: ResponseTarget = {};
  return {
    event,
    methods: ['GET'],
    navigation: '/git',
    handle: (context) => handle({ ...withCookies(context), target }),
    fail(failure, context) {
      invalidateSecret(failure, context);
      return failedStep(target, failure);
    },
  };
}

function failedStep({ back, tryOut }: ResponseTarget, failure: Failure): HttpReply {
  if (back) return refuse(back, failure);
  return tryOut ? tryOut.page(failure) : plainErrorPage(failure);
}
