import { apiRoots, settingPrefix, type KnownHost } from '../../providers/provider.ts';
import { shown } from '../finding.ts';
import { isLogin, isThisProduct, reported, unlisted } from '../probe-result.ts';
import { baseOf, renews, scopesOf, siteOrigin, type CheckContext } from '../context.ts';
import { isSafe, isNetworkError, parseUrl } from '../fetch.ts';
import { addressProblem } from './login.ts';
import { isOthers, setting, type Check, type Problem } from './check.ts';

/** A check of the address that the browser is sent to. */
const ofLogin =
  (look: (context: CheckContext, next: URL, provider: KnownHost) => Problem | false | undefined): Check['look'] =>
  (context) => {
    const { probe, provider } = context;
    // A gateway leads to where editors sign in, which is no Git host.
    return provider && !context.atGateway && probe?.next && isLogin(probe.next) && look(context, probe.next, provider);
  };

/** Where the login leads, what it asks for there, and where it ends. */
export const redirectChecks: readonly Check[] = [
  {
    id: 'hop-host',
    severity: 'broken',
    at: 'server.host',
    look: ofLogin(({ providers }, next, { id, name }) => {
      const other = providers.find(
        (provider) => provider.id !== id && next.href.startsWith(provider.url + provider.authorizePath),
      );
      return (
        other && {
          what: `The login server sends the editor to ${other.name}, but the backend is ${name}`,
          why: 'A token of one host is nothing to the other.',
          fix: { backend: { name: other.id } },
        }
      );
    }),
  },
  {
    id: 'hop-host',
    severity: 'broken',
    at: 'server.host',
    look: ofLogin((context, next, provider) => {
      // What is wrong with api_root itself is another finding.
      const base = baseOf(context);
      const expected = parseUrl(base ?? '');
      if (!expected || next.host === expected.host) return false;
      const isPublic = base === provider.url;
      const found = next.href.split(provider.authorizePath)[0] ?? next.origin;
      const root = apiRoots(provider, found)?.api_root;
      const name = `${settingPrefix(provider)}_URL`;
      return {
        what: `The login server sends the editor to ${shown(next.host)}, but the CMS works with ${shown(expected.host)}`,
        why: `A token of one host is nothing to the other. ${isPublic ? 'If the repository is on the first one, the CMS needs api_root.' : `The login server ${isOthers(context) ? 'has to work with the second one' : `needs ${name}`}.`}`,
        ...(isPublic
          ? root !== undefined && { fix: { backend: { api_root: root } } }
          : setting(context, `${name}=${shown(base)}`)),
      };
    }),
  },
  {
    id: 'hop-host',
    severity: 'risky',
    at: 'server.host',
    look: ofLogin(
      (_, next, { name, authorizePath }) =>
        !next.pathname.endsWith(authorizePath) && {
          what: `The login server sends the editor to ${shown(next.origin + next.pathname)}, which is not where ${name} asks for consent`,
          why: `It should end with ${authorizePath}.`,
        },
    ),
  },
  {
    id: 'hop-host-http',
    severity: 'broken',
    at: 'server.scheme',
    look: ofLogin(
      (context, next, provider) =>
        !isSafe(next) && {
          what: `The login server sends the editor to ${provider.name} without https`,
          why: 'What is asked there can be read and changed on the way.',
          ...setting(context, `${settingPrefix(provider)}_URL=${next.origin.replace(/^http:/, 'https:')}`),
        },
    ),
  },
  {
    id: 'hop-no-callback',
    severity: 'note',
    at: 'server.callback',
    look: ofLogin(
      (_, next, { name }) =>
        !next.searchParams.has('redirect_uri') && {
          what: `The login server sends no redirect_uri to ${name}`,
          why: 'The Git host then takes the registered one, if it allows that and there is a single one.',
        },
    ),
  },
  {
    id: 'hop-address',
    severity: 'broken',
    at: 'server.callback',
    look: ofLogin((context, next) => {
      const { probe } = context;
      const callback = next.searchParams.get('redirect_uri');
      if (callback === null || !probe) return false;
      const origin = parseUrl(callback)?.origin;
      return origin !== probe.server.origin && addressProblem(context, origin ?? callback);
    }),
  },
  {
    id: 'hop-callback',
    severity: 'risky',
    at: 'server.callback',
    look: ofLogin((context, next, { id, name }) => {
      const { probe } = context;
      const callback = next.searchParams.get('redirect_uri');
      if (callback === null || !probe) return false;
      const { origin, prefix } = probe.server;
      const expected = `${origin}${prefix}/auth/${id}/callback`;
      // Other paths are another server's own choice.
      if (callback === expected || !parseUrl(callback)?.pathname.endsWith(`/auth/${id}/callback`)) return false;
      return {
        what: `The login ends at ${shown(callback)}, not at ${shown(expected)}`,
        why: `The login server has another path than auth_endpoint says. Exactly that address has to be registered at ${name}.`,
        ...setting(context, `CMS_AUTH_URL=${origin}${prefix}`),
      };
    }),
  },
  {
    id: 'hop-scope',
    severity: 'risky',
    at: 'server.scope',
    look: ofLogin((context, next, provider) => {
      const [asked] = scopesOf(context);
      const { scope, app, name } = provider;
      if (asked === undefined || !scope) return false;
      const given = next.searchParams.get('scope');
      const enough = [
        asked,
        ...(Object.hasOwn(scope.allowed, asked) ? (scope.allowed[asked] ?? []) : []),
        scope.default,
      ];
      if (given?.split(/[\s,]+/).some((one) => enough.includes(one))) return false;
      return {
        severity: app === undefined || asked === scope.default ? 'risky' : 'note',
        what: `The login server asks ${name} for the scope ${shown(given ?? 'none')}, the CMS for ${shown(asked)}`,
        why:
          app === undefined
            ? `The calls of the CMS work with ${scope.default} only.`
            : `With a ${app} that is as it should be. With an OAuth App, less than ${shown(asked)} may not reach the repository.`,
        ...setting(context, `${settingPrefix(provider)}_SCOPE=${shown(asked)}`),
      };
    }),
  },
  {
    id: 'hop-no-state',
    severity: 'risky',
    at: 'server.state',
    look: ofLogin(
      (_, next) =>
        !next.searchParams.get('state') && {
          what: 'The login server sends no state',
          why: 'Anybody can make an editor finish a login that somebody else began (RFC 9700, 4.7).',
        },
    ),
  },
  {
    id: 'origin-not-listed',
    severity: 'broken',
    at: 'server.listed',
    look(context) {
      const { probe } = context;
      if (!probe || probe.site === undefined) return false;
      const { site, preflight, onward } = probe;
      const isListed = onward
        ? reported(onward)?.code !== unlisted
        : !preflight || !isOfServer(preflight) || preflight.headers.get('access-control-allow-origin') === site;
      return (
        !isListed && {
          what: `${shown(site)} is not on the login server’s list, so the CMS gets no token`,
          why: 'The popup says that this site is not listed.',
          ...setting(context, `CMS_AUTH_ORIGINS=${site}`, '; commas between several'),
        }
      );
    },
  },
  {
    id: 'hop-refresh',
    severity: 'broken',
    at: 'server.refresh',
    look: (context) =>
      context.probe?.preflight !== undefined &&
      !isOfServer(context.probe.preflight) &&
      renews(context) && {
        what: `${context.provider?.refresh?.path} does not answer as it should (${shown(howOf(context.probe.preflight))})`,
        why: `${context.provider?.name} sessions are renewed there. Is the function for it deployed, and routed to?`,
      },
  },
  {
    id: 'hop-refresh-off',
    severity: 'risky',
    at: 'server.refresh',
    look: (context) =>
      context.probe?.renewal !== undefined &&
      renews(context) &&
      errorOf(context.probe.renewal) === 'REFRESH_NOT_ALLOWED' && {
        what: `The login server does not renew ${context.provider?.name} sessions for this page`,
        why: `They end after ${context.provider?.tokenLife ?? 'some hours'}, and what is being written then cannot be saved. It renews for pages that are listed exactly, if the owner names the host.`,
        ...setting(context, `CMS_AUTH_REFRESH=${context.provider?.id}`),
      },
  },
];

type LoginProbe = NonNullable<CheckContext['probe']>;

/** Whether the address for renewing is answered by the login server. Pages that are not listed get 403. */
const isOfServer = (
  answer: NonNullable<LoginProbe['preflight']>,
): answer is Exclude<typeof answer, { networkError: string }> =>
  !isNetworkError(answer) && isThisProduct(answer) && [204, 403].includes(answer.status);

const howOf = (answer: NonNullable<LoginProbe['preflight']>): string =>
  isNetworkError(answer) ? answer.networkError : String(answer.status);

function errorOf(answer: NonNullable<LoginProbe['renewal']>): unknown {
  try {
    return isNetworkError(answer) ? undefined : (JSON.parse(answer.body) as { error?: unknown }).error;
  } catch {
    return undefined;
  }
}

/** What could not be found out, in words. */
export function gapsOf(context: CheckContext): string[] {
  const { probe, provider, usesLoginServer, server } = context;
  if (!provider || !usesLoginServer) return [];
  if (!probe) return server ? [] : ['The login server: nothing says where it is (--hop https://auth.example.com).'];
  const { consent, onward, preflight, site, next } = probe;
  const isBegun = isLogin(next) || onward !== undefined;
  return [
    isBegun &&
      probe.ours &&
      siteOrigin(context) === undefined &&
      'Whether the CMS page is listed in CMS_AUTH_ORIGINS: run the doctor on the address of the admin page.',
    isBegun &&
      !isLogin(next) &&
      reported(onward)?.code === unlisted &&
      `Where the login leads: the login server tells that to listed pages only.`,
    !onward &&
      preflight &&
      !isOfServer(preflight) &&
      !renews(context) &&
      `Whether ${shown(site)} is listed in CMS_AUTH_ORIGINS: ${provider.refresh?.path} does not answer as it should (${shown(howOf(preflight))}).`,
    consent &&
      isNetworkError(consent) &&
      `What ${provider.name} says to the login: it cannot be reached from here (${shown(consent.networkError)}).`,
  ].filter((text) => typeof text === 'string');
}
