import { shown } from '../finding.ts';
import { lines, providers, readAddress, serverOf } from '../view.ts';
import { goodBase, isNear, type Check } from './check.ts';

/** Backends that log in without a server like ours. */
const otherBackends: ReadonlyMap<string, string> = new Map(
  Object.entries({
    gitea: 'in the page (PKCE)',
    forgejo: 'in the page (PKCE)',
    azure: 'at login.microsoftonline.com',
    'test-repo': 'nowhere: it is a demo',
    proxy: 'nowhere: a program on the same computer does the work',
    'git-gateway': 'through Netlify Identity',
  }),
);

/** Which Git host, by which kind of login, in which CMS. */
export const backendChecks: readonly Check[] = [
  {
    id: 'backend-name',
    severity: 'broken',
    at: 'backend.name',
    look(view) {
      const { host } = view;
      if (host === undefined)
        return {
          what: 'backend has no name, so the CMS does not know the Git host',
          why: 'It has to be github, gitlab or bitbucket.',
          write: lines(view, { name: 'github' }, 'backend'),
        };
      const known = [...providers.map(({ id }) => id as string), ...otherBackends.keys()];
      if (known.includes(host)) return false;
      const plain = (text: string) => text.toLowerCase().replace(/[^a-z]|\.com$|org$|cloud$|com$/g, '');
      const meant = known.find((name) => plain(name) === plain(host) || isNear(host, name));
      return {
        what: `backend.name is ${shown(host)}, which no CMS knows`,
        why: 'The CMS compares the name letter by letter, and stops with "Backend not found".',
        write: lines(view, { name: meant ?? 'github' }, 'backend'),
      };
    },
  },
  {
    id: 'backend-unsupported',
    severity: 'broken',
    at: 'backend.name',
    look: ({ isSveltia, host = '', cms, text }) =>
      isSveltia && ['bitbucket', 'git-gateway', 'azure', 'proxy'].includes(host)
        ? {
            what: `Sveltia CMS has no ${host} backend`,
            why:
              host === 'bitbucket'
                ? 'It stops with an error. Use Decap CMS for Bitbucket, or move the repository to GitHub or GitLab.'
                : 'It stops with an error. Use the Git host’s own backend, with a login server.',
            about: ['base_url', 'backend.base_url', 'backend.repo'],
            ...(host === 'git-gateway' && { write: 'name: github' }),
          }
        : cms?.name === 'static' && host === 'gitlab' && text('auth_type') !== 'pkce'
          ? {
              what: 'Static CMS cannot log in to GitLab through a login server',
              why: 'Its callback drops the token, so the editor stays on the login page. Use "auth_type: pkce", or Decap CMS.',
              write: 'auth_type: pkce',
            }
          : false,
  },
  {
    id: 'git-gateway',
    severity: 'broken',
    at: 'backend.name',
    look: (view) =>
      view.host === 'git-gateway' && {
        // Netlify marks its answers: there, this may be as it should be.
        severity: view.answer?.headers.has('x-nf-request-id')
          ? 'note'
          : view.text('gateway_url') || view.text('identity_url') || view.text('auth_type')
            ? 'risky'
            : 'broken',
        what: 'git-gateway works with Netlify Identity only, not with a login server',
        why: 'It logs in at /.netlify/identity of the site, which is there on Netlify alone, and ignores base_url. Name the Git host itself instead.',
        about: ['backend.base_url', 'backend.repo'],
        write: lines(
          view,
          {
            name: 'github',
            repo: 'owner/repository',
            branch: view.text('branch') ?? 'main',
            base_url: serverOf(view)?.origin ?? 'https://auth.example.com',
          },
          'backend',
        ),
      },
  },
  {
    id: 'no-server',
    severity: 'note',
    at: 'backend.name',
    look: ({ host = '' }) =>
      otherBackends.has(host) && {
        what: `The backend ${host} needs no login server`,
        why: `It logs in ${otherBackends.get(host)}, so there is nothing to check against one.`,
      },
  },
  {
    id: 'implicit',
    severity: 'broken',
    at: 'backend.auth_type',
    look(view) {
      if (view.text('auth_type') !== 'implicit' || !view.provider) return false;
      const rest = { about: ['backend.base_url', 'backend.app_id'], write: goodBase(view) };
      if (view.isSveltia)
        return {
          what: 'Sveltia CMS does not take "auth_type: implicit"',
          why: 'It stops with an error. Remove the line; the login server takes its place.',
          ...rest,
        };
      return view.host === 'gitlab'
        ? {
            what: 'GitLab has no implicit login any more: remove "auth_type: implicit"',
            why: 'It was removed in GitLab 15.0, so the login ends in an error there. The login server takes its place.',
            ...rest,
          }
        : view.host === 'bitbucket'
          ? {
              what: '"auth_type: implicit" ends each session in the middle of the work',
              why: 'Its tokens live one hour and cannot be renewed: what is being written then cannot be saved. Remove the line; the login server takes its place.',
              ...rest,
            }
          : {
              severity: 'risky',
              what: '"auth_type: implicit" means nothing with GitHub',
              why: 'The CMS ignores it here. Remove the line.',
            };
    },
  },
  {
    id: 'pkce',
    severity: 'broken',
    at: 'backend.auth_type',
    look(view) {
      const { text, host, isSveltia } = view;
      if (text('auth_type') !== 'pkce' || !view.provider) return false;
      if (host !== 'gitlab')
        return {
          severity: isSveltia ? 'broken' : 'risky',
          what: `"auth_type: pkce" does not work with ${view.provider.name}`,
          why: `${isSveltia ? 'Sveltia CMS stops with an error.' : `The CMS ignores it.`} Remove the line; the login server takes its place.`,
          write: goodBase(view),
        };
      const base = readAddress(text('base_url') ?? 'https://gitlab.com');
      const root = readAddress(text('api_root') ?? 'https://gitlab.com');
      if (base && (base.origin === view.hop?.origin || base.origin !== root?.origin))
        return {
          about: ['backend.base_url'],
          what: 'With "auth_type: pkce" the CMS takes base_url for GitLab itself, but it is another server',
          why: 'The page logs in at base_url/oauth/authorize, which a login server does not have. Choose one of the two: remove auth_type to use the login server, or base_url to do without one.',
          write: lines(view, { base_url: base.origin }, 'backend'),
        };
      return text('app_id') === undefined && view.backend.get('app_id') === undefined
        ? {
            what: '"auth_type: pkce" without app_id',
            why: 'GitLab does not know which application asks.',
            write: lines(view, { app_id: 'the-application-id' }, 'backend'),
          }
        : {
            severity: 'note',
            what: 'This configuration logs in without a login server (auth_type: pkce)',
            why: 'The page exchanges the code with GitLab itself, and renews the token, too. There is nothing to check against a server.',
          };
    },
  },
  {
    id: 'auth-type',
    severity: 'risky',
    at: 'backend.auth_type',
    look: ({ text, provider }) =>
      provider !== undefined &&
      !['pkce', 'implicit', undefined].includes(text('auth_type')) && {
        what: `auth_type is ${shown(text('auth_type'))}, which means nothing`,
        why: 'Only pkce and implicit do. For a login server, leave the line out.',
      },
  },
];
