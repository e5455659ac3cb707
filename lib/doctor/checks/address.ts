import { shown } from '../finding.ts';
import { isLogin } from '../heard.ts';
import { prefixOf, readAddress, textOf, trimSlashes } from '../server.ts';
import { isGitHost, renews, type View } from '../view.ts';
import { isSafe } from '../web.ts';
import { baseFix, endpointFix, example, type Check } from './check.ts';

/** `auth_endpoint` as the CMSs read it. */
const endpointOf = ({ text }: Pick<View, 'text'>): string | undefined =>
  trimSlashes(text('auth_endpoint') ?? '') || undefined;

/** Something that no `auth_endpoint` may be. */
function endpointCheck({ is, what, why }: { is: (written: string) => boolean; what: string; why: string }): Check {
  return {
    id: 'auth-endpoint',
    severity: 'broken',
    at: 'backend.auth_endpoint',
    look(view) {
      const written = endpointOf(view);
      if (!view.usesHop || written === undefined || !is(written)) return false;
      return {
        what,
        why,
        fix: { backend: endpointFix(view) },
      };
    },
  };
}

const isAtHop = ({ hop }: View, url: URL): boolean => hop === undefined || hop.origin === url.origin;

/** Where the login server is: `base_url` and `auth_endpoint`. */
export const addressChecks: readonly Check[] = [
  {
    id: 'base-url-missing',
    severity: 'broken',
    at: 'backend.base_url',
    look: (view) =>
      view.usesHop &&
      view.text('base_url') === undefined && {
        ...(view.facts?.fallback === undefined
          ? {
              what: 'base_url is not set, so the CMS logs in at api.netlify.com instead of your login server',
              why: 'That server knows sites on Netlify only. To the others it says "No Auth Provider Found".',
            }
          : {
              what: `base_url is not set, so the popup goes to ${new URL(view.facts.fallback).host} without a client id`,
              why: 'It has to go to your login server, which knows the client id.',
            }),
        fix: { backend: baseFix(view) },
      },
  },
  {
    id: 'base-url-scheme',
    severity: 'broken',
    at: 'backend.base_url',
    look(view) {
      const written = view.text('base_url');
      if (!view.usesHop || written === undefined) return false;
      const isComplete = /^https?:\/\/[^/]/i.test(written) && URL.canParse(written);
      return (
        !isComplete && {
          what: `base_url has no https:// in front, or is no address: ${shown(written)}`,
          why: 'The browser takes it for a path of your own site, and the popup shows a page of that, or nothing.',
          fix: { backend: baseFix(view) },
        }
      );
    },
  },
  {
    id: 'base-url-host',
    severity: 'broken',
    at: 'backend.base_url',
    look(view) {
      const url = readAddress(view.text('base_url') ?? '');
      const root = readAddress(view.text('api_root') ?? '');
      if (!view.usesHop || !url) return false;
      const isHost =
        isGitHost(view.providers, url.hostname) || (root && root.host === url.host && url.origin !== view.hop?.origin);
      return (
        isHost && {
          what: `base_url points at the Git host (${shown(url.host)}) instead of your login server`,
          why: 'The popup opens a page of the Git host that knows nothing of the CMS. The Git host’s address goes into api_root, if it is one of your own.',
          fix: { backend: view.hop ? baseFix(view) : { base_url: example } },
        }
      );
    },
  },
  {
    id: 'base-url-http',
    severity: 'broken',
    at: 'backend.base_url',
    look(view) {
      const url = readAddress(view.text('base_url') ?? '');
      return (
        view.usesHop &&
        url !== undefined &&
        !isSafe(url) && {
          what: 'base_url begins with http:// instead of https://',
          why: 'A server that redirects to https is another origin than base_url, so the CMS waits for ever; and one that does not sends the token in the clear.',
          fix: { backend: baseFix(view) },
        }
      );
    },
  },
  {
    id: 'base-url-path',
    severity: 'broken',
    at: 'backend.base_url',
    look(view) {
      const url = readAddress(view.text('base_url') ?? '');
      if (!view.usesHop || !url || (!/[^/]/.test(url.pathname) && url.search + url.hash === '')) return false;
      const path = url.pathname + url.search + url.hash;
      const harmless = view.isSveltia && !/\/auth(?:\/|$)|\.netlify|[?#]/.test(path) && isAtHop(view, url);
      const opened = `/${shown(view.text('auth_endpoint') ?? 'auth')}`;
      const why = harmless
        ? 'Sveltia CMS takes it. Decap and Netlify CMS would wait for ever.'
        : 'The CMS compares it as text with the origin of the popup, and an origin has no path: the popup stays open for ever. A path goes into auth_endpoint.';
      return {
        severity: harmless ? 'note' : 'broken',
        about: ['backend.auth_endpoint'],
        what: `base_url has a path (${shown(path)}): it has to be ${shown(url.origin)} and nothing else`,
        why:
          view.isSveltia && !harmless
            ? `Sveltia CMS puts ${opened} behind it, and there is nothing at that address.`
            : why,
        fix: { backend: baseFix(view) },
      };
    },
  },
  {
    id: 'base-url-spelling',
    severity: 'broken',
    at: 'backend.base_url',
    look(view) {
      const written = view.text('base_url')?.replace(/\/+$/, '');
      const url = readAddress(written ?? '');
      return (
        view.usesHop &&
        url !== undefined &&
        written !== url.origin && {
          severity: view.isSveltia && !url.username ? 'note' : 'broken',
          what: `base_url is not spelt as browsers spell it: ${shown(url.origin)}`,
          why: 'The CMS compares it as text with what the browser reports: lower case, no :443, international names as xn--…, no user name. Otherwise the popup stays open for ever.',
          fix: { backend: baseFix(view) },
        }
      );
    },
  },
  {
    id: 'base-url-spaces',
    severity: 'broken',
    at: 'backend.base_url',
    look(view) {
      const raw = view.backend.get('base_url')?.value;
      return (
        typeof raw === 'string' &&
        raw !== raw.trim() && {
          what: 'base_url has a space in front of it or behind it, inside the quotes',
          why: 'The CMS compares it as text with the origin of the popup.',
          fix: { backend: baseFix(view) },
        }
      );
    },
  },
  {
    id: 'base-url-hop',
    severity: 'broken',
    at: 'backend.base_url',
    look(view) {
      const url = readAddress(view.text('base_url') ?? '');
      return (
        view.usesHop &&
        url !== undefined &&
        !isAtHop(view, url) && {
          what: `base_url is ${shown(url.origin)}, but your login server is ${shown(view.hop?.origin)}`,
          why: 'The popup opens another server than the one that you set up.',
          fix: { backend: baseFix(view) },
        }
      );
    },
  },
  {
    id: 'base-url-slash',
    severity: 'risky',
    at: 'backend.base_url',
    look: (view) =>
      view.usesHop &&
      view.text('base_url')?.endsWith('/') && {
        what: 'base_url has a final slash',
        why: 'It is compared as text with an origin, which has none. The CMSs of today cut it off before that; do not count on it.',
        fix: { backend: baseFix(view) },
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
    look(view) {
      const { host = '', provider, providers, usesHop } = view;
      const written = endpointOf(view);
      const other = providers.find(({ id }) => id !== host && `/${written}/`.includes(`/auth/${id}/`));
      return (
        usesHop &&
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
    look(view) {
      const prefix = view.hop ? prefixOf(view.hop.pathname).slice(1) : '';
      const written = endpointOf(view);
      return (
        view.usesHop &&
        prefix !== '' &&
        written !== undefined &&
        !`${written}/`.startsWith(`${prefix}/`) && {
          what: `auth_endpoint lacks the path of the login server, ${shown(prefix)}`,
          why: 'base_url has no room for a path, so it has to stand here.',
          fix: { backend: endpointFix(view) },
        }
      );
    },
  },
  {
    id: 'auth-endpoint',
    severity: 'risky',
    at: 'backend.auth_endpoint',
    look(view) {
      const { usesHop, provider, heard, host = '' } = view;
      const written = endpointOf(view);
      // What begins a login is an address of it.
      if (!usesHop || !provider || written === undefined || (heard && isLogin(heard.next))) return false;
      const tail = `/${written}`;
      const isKnown = ['/auth', `/auth/${host}`, `/auth/${host}/authorize`].some((path) => tail.endsWith(path));
      return (
        !isKnown && {
          what: `auth_endpoint is ${shown(written)}, which is no address of this login server`,
          why: `A login begins at auth, auth/${host} or auth/${host}/authorize. Without the line, the CMS takes auth.`,
          fix: { backend: endpointFix(view, 'auth') },
        }
      );
    },
  },
  {
    id: 'auth-endpoint-prefix',
    severity: 'broken',
    at: 'backend.auth_endpoint',
    look(view) {
      const prefix = view.hop ? prefixOf(view.hop.pathname) : '';
      return (
        view.usesHop &&
        prefix !== '' &&
        view.text('auth_endpoint') === undefined && {
          what: `auth_endpoint is not set, but the login server has a path: ${shown(prefix)}`,
          why: `The popup opens ${shown(view.hop?.origin)}/auth, where nothing is.`,
          fix: { backend: baseFix(view) },
        }
      );
    },
  },
  {
    id: 'renewal-base-url',
    severity: 'broken',
    at: 'base_url',
    look(view) {
      const { server, provider, usesHop } = view;
      if (!usesHop || !provider?.refresh?.login.always || !renews(view)) return false;
      const top = textOf(view.config.get('base_url')?.value);
      const url = readAddress(top ?? '');
      const fix = { top: { base_url: (server?.origin ?? example) + (server?.prefix ?? '') } };
      const why =
        'It stands there twice: under backend for the login, at the top level for renewing the session. Without the second one the CMS posts the editor’s refresh token to api.netlify.com, and saving fails after two hours.';
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
