import { shown } from '../finding.ts';
import { joined, lines, prefixOf, providers, readAddress, serverOf, textOf, type View } from '../view.ts';
import { isSafe } from '../web.ts';
import { gitHosts, goodBase, type Check } from './check.ts';

const isAtHop = ({ hop }: View, url: URL): boolean => hop === undefined || hop.origin === url.origin;

/** Where the login server is: `base_url` and `auth_endpoint`. */
export const serverChecks: readonly Check[] = [
  {
    id: 'base-url-missing',
    severity: 'broken',
    at: 'backend.base_url',
    look: (view) =>
      view.usesHop &&
      view.text('base_url') === undefined && {
        what:
          view.isSveltia && view.host === 'gitlab'
            ? 'base_url is not set, so the popup goes to gitlab.com without a client id'
            : 'base_url is not set, so the CMS logs in at api.netlify.com instead of your login server',
        why: 'That server knows sites on Netlify only. To the others it says "No Auth Provider Found".',
        write: goodBase(view),
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
          write: goodBase(view),
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
      const isHost = gitHosts.test(url.hostname) || (root && root.host === url.host && url.origin !== view.hop?.origin);
      return (
        isHost && {
          what: `base_url points at the Git host (${shown(url.host)}) instead of your login server`,
          why: 'The popup opens a page of the Git host that knows nothing of the CMS. The Git host’s address goes into api_root, if it is one of your own.',
          write: goodBase({ ...view, text: (key) => (key === 'base_url' ? undefined : view.text(key)) }),
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
          write: goodBase(view),
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
      return {
        severity: harmless ? 'note' : 'broken',
        about: ['backend.auth_endpoint'],
        what: `base_url has a path (${shown(path)}): it has to be ${shown(url.origin)} and nothing else`,
        why: harmless
          ? 'Sveltia CMS takes it. Decap and Netlify CMS would wait for ever.'
          : view.isSveltia
            ? `Sveltia CMS puts /${shown(view.text('auth_endpoint') ?? 'auth')} behind it, and there is nothing at that address.`
            : 'The CMS compares it as text with the origin of the popup, and an origin has no path: the popup stays open for ever. A path goes into auth_endpoint.',
        write: goodBase(view),
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
          write: goodBase(view),
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
          write: goodBase(view),
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
          write: goodBase(view),
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
        write: goodBase(view),
      },
  },
  {
    id: 'auth-endpoint',
    severity: 'broken',
    at: 'backend.auth_endpoint',
    look(view) {
      const { host = '', hop, provider } = view;
      const written = view.text('auth_endpoint')?.replace(/^\/+|\/+$/g, '');
      if (!view.usesHop || !written || !provider) return false;
      const server = serverOf(view);
      const good = lines(view, { auth_endpoint: server?.endpoint ?? 'auth' }, 'backend');
      const other = providers.find(({ id }) => id !== host && new RegExp(`(?:^|/)auth/${id}(?:/|$)`).test(written));
      const prefix = hop ? prefixOf(hop.pathname).slice(1) : '';
      const [what, why] = /^[a-z]+:\/\//i.test(written)
        ? ['auth_endpoint is a whole address', 'It is put behind base_url as it is, so it has to be a path.']
        : /[?#]/.test(written)
          ? [
              'auth_endpoint holds a "?" or "#"',
              'The CMS adds a query of its own behind it, and two of them break both.',
            ]
          : /(?:^|\/)callback$/.test(written)
            ? [
                'auth_endpoint is the callback address',
                'That is where the Git host sends the browser back to. A login begins at /auth.',
              ]
            : /(?:^|\/)auth\/auth(?:\/|$)/.test(written)
              ? [
                  'auth_endpoint says auth twice',
                  `The popup opens ${shown(joined(server?.origin ?? '', written))}, where nothing is.`,
                ]
              : other
                ? [
                    `auth_endpoint is for ${other.name}, but the backend is ${provider.name}`,
                    'The login server refuses that: one of the two must be wrong.',
                  ]
                : prefix !== '' && written !== prefix && !written.startsWith(`${prefix}/`)
                  ? [
                      `auth_endpoint lacks the path of the login server, ${shown(prefix)}`,
                      'base_url has no room for a path, so it has to stand here.',
                    ]
                  : [];
      if (what !== undefined && why !== undefined)
        return {
          what,
          why,
          write: other
            ? lines(view, { auth_endpoint: written.replace(`auth/${other.id}`, `auth/${host}`) }, 'backend')
            : good,
        };
      return (
        !new RegExp(`(?:^|/)auth(?:/${host}(?:/authorize)?)?$`).test(written) && {
          severity: 'risky',
          what: `auth_endpoint is ${shown(written)}, which is no address of this login server`,
          why: `A login begins at auth, auth/${host} or auth/${host}/authorize.`,
          write: lines(view, { auth_endpoint: 'auth' }, 'backend'),
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
          write: goodBase(view),
        }
      );
    },
  },
  {
    id: 'bitbucket-base-url',
    severity: 'broken',
    at: 'base_url',
    look(view) {
      if (view.host !== 'bitbucket' || !view.usesHop || view.isSveltia) return false;
      const server = serverOf(view);
      const top = textOf(view.config.get('base_url')?.value);
      const url = readAddress(top ?? '');
      const write = lines(view, { base_url: (server?.origin ?? 'https://auth.example.com') + (server?.prefix ?? '') });
      const why =
        'It stands there twice: under backend for the login, at the top level for renewing the session. Without the second one the CMS posts the editor’s refresh token to api.netlify.com, and saving fails after two hours.';
      if (top === undefined)
        return { what: 'base_url is missing at the top level, where Bitbucket sessions are renewed', why, write };
      if (!url || !/^https?:/i.test(top)) return { what: 'base_url at the top level is no address', why, write };
      if (server && url.origin !== server.origin)
        return { what: `The two base_url name different servers (top level: ${shown(url.origin)})`, why, write };
      return (
        /\/auth(?:\/.*)?$/.test(url.pathname) && {
          what: 'base_url at the top level ends with /auth',
          why: 'The CMS puts /auth/refresh behind it.',
          write,
        }
      );
    },
  },
];
