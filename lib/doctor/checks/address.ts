import { shown } from '../finding.ts';
import { isLogin, wordsOf } from '../probe-result.ts';
import { prefixOf, readAddress, textOf, trimSlashes } from '../server.ts';
import { isGitHost, renews, siteOrigin, type CheckContext } from '../context.ts';
import { usualServer } from '../../providers/login-servers.ts';
import { isNetworkError, isSafe, reachOf } from '../fetch.ts';
import { baseFix, endpointFix, example, type Check, type Problem } from './check.ts';

/** `auth_endpoint` as the CMSs read it. */
const endpointOf = ({ text }: Pick<CheckContext, 'text'>): string | undefined =>
  trimSlashes(text('auth_endpoint') ?? '') || undefined;

/** Something that no `auth_endpoint` may be. */
function endpointCheck({ is, what, why }: { is: (written: string) => boolean; what: string; why: string }): Check {
  return {
    id: 'auth-endpoint',
    severity: 'broken',
    at: 'backend.auth_endpoint',
    look(context) {
      const written = endpointOf(context);
      if (!context.usesLoginServer || written === undefined || !is(written)) return false;
      return {
        what,
        why,
        fix: { backend: endpointFix(context) },
      };
    },
  };
}

const isAtNamedServer = ({ namedServer }: CheckContext, url: URL): boolean =>
  namedServer === undefined || namedServer.origin === url.origin;

/** Nothing says where the login server is, so the CMS goes where it always goes. */
function usualProblem({ probe, namedServer, isSveltia }: CheckContext): Pick<Problem, 'what' | 'why' | 'severity'> {
  const { name = '', origin = '', advice = '' } = usualServer ?? {};
  const what = `base_url is not set, so the CMS logs in at ${name}’s login server (${new URL(origin).host})`;
  const token = isSveltia ? ' Editors who have a token of their own can enter that instead.' : '';
  if (namedServer) return { what: `${what} instead of yours`, why: 'It has to name the one that you set up.' };
  if (!probe || isNetworkError(probe.begin))
    return {
      severity: 'risky',
      what,
      why: `That is right for a site on ${name} alone: run the doctor on the address of the admin page. Elsewhere, write your own login server.${token}`,
    };
  const words = wordsOf(probe.begin);
  return {
    ...(isSveltia && { severity: 'risky' as const }),
    what: `${what}, and no login begins there`,
    why: `It answers ${probe.begin.status}${words === '' ? '' : ` and says “${words}”`}. ${advice} Or write your own login server.${token}`,
  };
}

/** What is reached from one computer or one network alone. */
const reaches: Readonly<Record<'loopback' | 'private', { what: string; why: string }>> = {
  loopback: {
    what: 'an address of this computer',
    why: 'On every other computer it leads to nothing, or to something else. Write the public address of the login server.',
  },
  private: {
    what: 'a private address',
    why: 'Nobody outside of that network gets there, and no authority gives out a certificate for it, which a page on https needs. Write the public address of the login server.',
  },
};

/** Where the login server is: `base_url` and `auth_endpoint`. */
export const addressChecks: readonly Check[] = [
  {
    id: 'base-url-missing',
    severity: 'broken',
    at: 'backend.base_url',
    look: (context) =>
      context.usesLoginServer &&
      context.text('base_url') === undefined &&
      // A login does begin where the CMS goes by itself.
      !(context.namedServer === undefined && isLogin(context.probe?.next)) && {
        ...(context.cmsFacts?.fallback === undefined
          ? {
              ...usualProblem(context),
              about: ['server', 'base_url'],
            }
          : {
              what: `base_url is not set, so the popup goes to ${new URL(context.cmsFacts.fallback).host} without a client id`,
              why: 'It has to go to your login server, which knows the client id.',
            }),
        fix: { backend: baseFix(context) },
      },
  },
  {
    id: 'base-url-reach',
    severity: 'broken',
    at: 'backend.base_url',
    look(context) {
      const url = readAddress(context.text('base_url') ?? '');
      const reach = url && reachOf(url);
      // What is no address at all is another finding.
      const isWhole = /^(?:https?:\/\/)?[^/:\s]+(?::\d+)?(?:\/|$)/i.test(context.text('base_url') ?? '');
      if (!context.usesLoginServer || !url || !reach || reach === 'public' || !isWhole) return false;
      const site = siteOrigin(context);
      const from = site === undefined ? undefined : reachOf(new URL(site));
      if (from === 'loopback' && reach === 'loopback') return false;
      const isElsewhere = from === 'public' || (from === undefined && reach === 'private');
      const { what, why } = reaches[reach];
      return {
        severity: isElsewhere ? 'broken' : from === undefined ? 'note' : 'risky',
        about: ['server'],
        what: `base_url is ${shown(url.host)}, ${what}${from === undefined || isElsewhere ? '' : ', as the page is'}`,
        why,
        fix: { backend: context.namedServer ? baseFix(context) : { base_url: example } },
      };
    },
  },
  {
    id: 'base-url-scheme',
    severity: 'broken',
    at: 'backend.base_url',
    look(context) {
      const written = context.text('base_url');
      if (!context.usesLoginServer || written === undefined) return false;
      const isComplete = /^https?:\/\/[^/]/i.test(written) && URL.canParse(written);
      return (
        !isComplete && {
          what: `base_url has no https:// in front, or is no address: ${shown(written)}`,
          why: 'The browser takes it for a path of your own site, and the popup shows a page of that, or nothing.',
          fix: { backend: baseFix(context) },
        }
      );
    },
  },
  {
    id: 'base-url-host',
    severity: 'broken',
    at: 'backend.base_url',
    look(context) {
      const url = readAddress(context.text('base_url') ?? '');
      const root = readAddress(context.text('api_root') ?? '');
      if (!context.usesLoginServer || !url) return false;
      // A gateway stands where the Git host's API is looked for.
      const isGateway = root?.pathname.includes('/git/api/') ?? false;
      const isHost =
        isGitHost(context.providers, url.hostname) ||
        (root &&
          root.host === url.host &&
          url.origin !== context.namedServer?.origin &&
          !context.atGateway &&
          !isGateway);
      return (
        isHost && {
          what: `base_url points at the Git host (${shown(url.host)}) instead of your login server`,
          why: 'The popup opens a page of the Git host that knows nothing of the CMS. The Git host’s address goes into api_root, if it is one of your own.',
          fix: { backend: context.namedServer ? baseFix(context) : { base_url: example } },
        }
      );
    },
  },
  {
    id: 'base-url-http',
    severity: 'broken',
    at: 'backend.base_url',
    look(context) {
      const url = readAddress(context.text('base_url') ?? '');
      return (
        context.usesLoginServer &&
        url !== undefined &&
        !isSafe(url) && {
          what: 'base_url begins with http:// instead of https://',
          why: 'A server that redirects to https is another origin than base_url, so the CMS waits forever; and one that does not sends the token in the clear.',
          fix: { backend: baseFix(context) },
        }
      );
    },
  },
  {
    id: 'base-url-path',
    severity: 'broken',
    at: 'backend.base_url',
    look(context) {
      const url = readAddress(context.text('base_url') ?? '');
      if (!context.usesLoginServer || !url || (!/[^/]/.test(url.pathname) && url.search + url.hash === ''))
        return false;
      const path = url.pathname + url.search + url.hash;
      const harmless =
        context.isSveltia && !/\/auth(?:\/|$)|\.netlify|[?#]/.test(path) && isAtNamedServer(context, url);
      const opened = `/${shown(context.text('auth_endpoint') ?? 'auth')}`;
      const why = harmless
        ? 'Sveltia CMS takes it. Decap and Netlify CMS would wait forever.'
        : 'The CMS compares it as text with the origin of the popup, and an origin has no path: the popup stays open forever. A path goes into auth_endpoint.';
      return {
        severity: harmless ? 'note' : 'broken',
        about: ['backend.auth_endpoint'],
        what: `base_url has a path (${shown(path)}): it has to be ${shown(url.origin)} and nothing else`,
        why:
          context.isSveltia && !harmless
            ? `Sveltia CMS puts ${opened} behind it, and there is nothing at that address.`
            : why,
        fix: { backend: baseFix(context) },
      };
    },
  },
  {
    id: 'base-url-spelling',
    severity: 'broken',
    at: 'backend.base_url',
    look(context) {
      const written = context.text('base_url')?.replace(/\/+$/, '');
      const url = readAddress(written ?? '');
      return (
        context.usesLoginServer &&
        url !== undefined &&
        written !== url.origin && {
          severity: context.isSveltia && !url.username ? 'note' : 'broken',
          what: `base_url is not spelt as browsers spell it: ${shown(url.origin)}`,
          why: 'The CMS compares it as text with what the browser reports: lower case, no :443, international names as xn--…, no user name. Otherwise the popup stays open forever.',
          fix: { backend: baseFix(context) },
        }
      );
    },
  },
  {
    id: 'base-url-spaces',
    severity: 'broken',
    at: 'backend.base_url',
    look(context) {
      const raw = context.backend.get('base_url')?.value;
      return (
        typeof raw === 'string' &&
        raw !== raw.trim() && {
          what: 'base_url has a space in front of it or behind it, inside the quotes',
          why: 'The CMS compares it as text with the origin of the popup.',
          fix: { backend: baseFix(context) },
        }
      );
    },
  },
  {
    id: 'base-url-hop',
    severity: 'broken',
    at: 'backend.base_url',
    look(context) {
      const url = readAddress(context.text('base_url') ?? '');
      return (
        context.usesLoginServer &&
        url !== undefined &&
        !isAtNamedServer(context, url) && {
          what: `base_url is ${shown(url.origin)}, but your login server is ${shown(context.namedServer?.origin)}`,
          why: 'The popup opens another server than the one that you set up.',
          fix: { backend: baseFix(context) },
        }
      );
    },
  },
  {
    id: 'base-url-slash',
    severity: 'risky',
    at: 'backend.base_url',
    look: (context) =>
      context.usesLoginServer &&
      context.text('base_url')?.endsWith('/') && {
        what: 'base_url has a final slash',
        why: 'It is compared as text with an origin, which has none. The CMSs of today cut it off before that; do not count on it.',
        fix: { backend: baseFix(context) },
      },
  },
  endpointCheck({
    is: (written) => /^[a-z]+:\/\//i.test(written),
    what: 'auth_endpoint is a whole address',
    why: 'It is put behind base_url as it is, so it has to be a path.',
  }),
  endpointCheck({
    is: (written) => /[?#]/.test(written),
    what: 'auth_endpoint holds a "?" or "#"',
    why: 'The CMS adds a query of its own behind it, and two of them break both.',
  }),
  endpointCheck({
    is: (written) => /(?:^|\/)callback$/.test(written),
    what: 'auth_endpoint is the callback address',
    why: 'That is where the Git host sends the browser back to. A login begins at /auth.',
  }),
  endpointCheck({
    is: (written) => /(?:^|\/)auth\/auth(?:\/|$)/.test(written),
    what: 'auth_endpoint says auth twice',
    why: 'The popup opens an address with both of them, where nothing is.',
  }),
  {
    id: 'auth-endpoint',
    severity: 'broken',
    at: 'backend.auth_endpoint',
    look(context) {
      const { host = '', provider, providers, usesLoginServer } = context;
      const written = endpointOf(context);
      const other = providers.find(({ id }) => id !== host && `/${written}/`.includes(`/auth/${id}/`));
      return (
        usesLoginServer &&
        provider &&
        written !== undefined &&
        other && {
          what: `auth_endpoint is for ${other.name}, but the backend is ${provider.name}`,
          why: 'The login server refuses that: one of the two must be wrong.',
          fix: { backend: { auth_endpoint: written.replace(`auth/${other.id}`, `auth/${host}`) } },
        }
      );
    },
  },
  {
    id: 'auth-endpoint',
    severity: 'broken',
    at: 'backend.auth_endpoint',
    look(context) {
      const prefix = context.namedServer ? prefixOf(context.namedServer.pathname).slice(1) : '';
      const written = endpointOf(context);
      return (
        context.usesLoginServer &&
        prefix !== '' &&
        written !== undefined &&
        !`${written}/`.startsWith(`${prefix}/`) && {
          what: `auth_endpoint lacks the path of the login server, ${shown(prefix)}`,
          why: 'base_url has no room for a path, so it has to stand here.',
          fix: { backend: endpointFix(context) },
        }
      );
    },
  },
  {
    id: 'auth-endpoint',
    severity: 'risky',
    at: 'backend.auth_endpoint',
    look(context) {
      const { usesLoginServer, provider, probe, host = '' } = context;
      const written = endpointOf(context);
      // What begins a login is an address of it.
      if (!usesLoginServer || !provider || written === undefined || (probe && isLogin(probe.next))) return false;
      const tail = `/${written}`;
      const isKnown = ['/auth', `/auth/${host}`, `/auth/${host}/authorize`].some((path) => tail.endsWith(path));
      return (
        !isKnown && {
          what: `auth_endpoint is ${shown(written)}, which is no address of this login server`,
          why: `A login begins at auth, auth/${host} or auth/${host}/authorize. Without the line, the CMS takes auth.`,
          fix: { backend: endpointFix(context, 'auth') },
        }
      );
    },
  },
  {
    id: 'auth-endpoint-prefix',
    severity: 'broken',
    at: 'backend.auth_endpoint',
    look(context) {
      const prefix = context.namedServer ? prefixOf(context.namedServer.pathname) : '';
      return (
        context.usesLoginServer &&
        prefix !== '' &&
        context.text('auth_endpoint') === undefined && {
          what: `auth_endpoint is not set, but the login server has a path: ${shown(prefix)}`,
          why: `The popup opens ${shown(context.namedServer?.origin)}/auth, where nothing is.`,
          fix: { backend: baseFix(context) },
        }
      );
    },
  },
  {
    id: 'renewal-base-url',
    severity: 'broken',
    at: 'base_url',
    look(context) {
      const { server, provider, usesLoginServer } = context;
      if (!usesLoginServer || !provider?.refresh?.login.always || !renews(context)) return false;
      const top = textOf(context.config.get('base_url')?.value);
      const url = readAddress(top ?? '');
      const fix = { top: { base_url: (server?.origin ?? example) + (server?.prefix ?? '') } };
      const why = `It stands there twice: under backend for the login, at the top level for renewing the session. Without the second one the CMS posts the editor’s refresh token to api.netlify.com, and saving fails after ${provider.tokenLife ?? 'a while'}.`;
      if (top === undefined)
        return { what: `base_url is missing at the top level, where ${provider.name} sessions are renewed`, why, fix };
      if (!url || !/^https?:/i.test(top)) return { what: 'base_url at the top level is no address', why, fix };
      if (server && url.origin !== server.origin)
        return { what: `The two base_url name different servers (top level: ${shown(url.origin)})`, why, fix };
      return (
        /\/auth(?:\/.*)?$/.test(url.pathname) && {
          what: 'base_url at the top level ends with /auth',
          why: `The CMS puts ${provider.refresh.path} behind it.`,
          fix,
        }
      );
    },
  },
];
