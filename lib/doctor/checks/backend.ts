import { apiRoots } from '../../providers/provider.ts';
import { otherBackends } from '../../providers/others.ts';
import { shown } from '../finding.ts';
import { isFuzzyMatch } from '../fuzzy-match.ts';
import { cmsTitles, isOlder } from '../admin-page.ts';
import { readAddress, trimSlashes } from '../server.ts';
import { baseOf, type CheckContext } from '../context.ts';
import { anyOf, baseFix, type Check } from './check.ts';

const inPagePkce = ({ text, provider }: CheckContext): boolean =>
  text('auth_type') === 'pkce' && provider?.inPage.pkce !== undefined;

const withoutSlash = ({ origin, pathname }: URL): string => origin + pathname.replace(/\/+$/, '');

/** Which Git host, by which kind of login, in which CMS. */
export const backendChecks: readonly Check[] = [
  {
    id: 'backend-name',
    severity: 'broken',
    at: 'backend.name',
    look(context) {
      const { host, providers } = context;
      const ids = providers.map(({ id }) => id);
      if (host === undefined)
        return {
          what: 'backend has no name, so the CMS does not know the Git host',
          why: `It has to be ${anyOf(ids)}.`,
          fix: { backend: { name: ids[0] } },
        };
      const known = [...ids, ...otherBackends.keys()];
      if (known.includes(host) || context.given.ownBackends?.includes(host)) return false;
      if (host === 'local')
        return {
          about: ['backend.repo', 'backend.base_url'],
          what: 'backend.name is local, which no CMS knows: working on this computer is called local_backend',
          why: 'It stands at the top level, beside the backend of the site, and counts on localhost only.',
          fix: { top: { local_backend: true }, backend: { name: ids[0] } },
        };
      const plain = (text: string) => text.toLowerCase().replace(/[^a-z]|\.com$|org$|cloud$|com$/g, '');
      const meant = known.find((name) => plain(name) === plain(host) || isFuzzyMatch(host, name));
      // From a file alone nobody sees what the page registers.
      const mayBeOwn = meant === undefined && !context.isSveltia && context.answer === undefined;
      return {
        severity: mayBeOwn ? 'risky' : 'broken',
        what: `backend.name is ${shown(host)}, which no CMS knows${mayBeOwn ? ' by itself' : ''}`,
        why: mayBeOwn
          ? 'A script in the admin page may register one of that name (registerBackend). Otherwise the CMS stops with "Backend not found".'
          : 'The CMS compares the name letter by letter, and stops with "Backend not found".',
        ...(!mayBeOwn && { fix: { backend: { name: meant ?? ids[0] } } }),
      };
    },
  },
  {
    id: 'backend-unsupported',
    severity: 'broken',
    at: 'backend.name',
    look({ cms, who, host, provider, providers, diagnosis, usesLoginServer }) {
      if (!cms || !provider || !usesLoginServer || provider.cms[cms.name]) return false;
      const others = (Object.keys(provider.cms) as (keyof typeof cmsTitles)[]).map((name) => cmsTitles[name]);
      const about = ['base_url', 'backend.base_url', 'backend.repo'];
      if (diagnosis.dropsToken?.includes(cms.name))
        return {
          about,
          what: `${who} cannot log in to ${provider.name} through a login server`,
          why: `It drops the token, so the editor stays on the login page. Use ${anyOf([...(provider.inPage.pkce ? ['"auth_type: pkce"'] : []), ...others.slice(0, 1)])}.`,
          ...(provider.inPage.pkce && { fix: { backend: { auth_type: 'pkce' } } }),
        };
      const hosts = providers.filter((one) => one.cms[cms.name]).map(({ name }) => name);
      return {
        about,
        what: `${who} has no ${host} backend`,
        why: `It stops with an error. ${others[0] === undefined ? 'Move' : `Use ${others[0]} for ${provider.name}, or move`} the repository to ${anyOf(hosts)}.`,
      };
    },
  },
  {
    id: 'backend-unsupported',
    severity: 'broken',
    at: 'backend.name',
    look: ({ isSveltia, host = '', provider, providers }) =>
      isSveltia &&
      !provider &&
      otherBackends.get(host)?.sveltia === false && {
        about: ['base_url', 'backend.base_url', 'backend.repo'],
        what: `Sveltia CMS has no ${host} backend`,
        why: 'It stops with an error. Use the Git host’s own backend, with a login server.',
        ...(host === 'git-gateway' && { fix: { backend: { name: providers[0]?.id } } }),
      },
  },
  {
    id: 'no-server',
    severity: 'note',
    at: 'backend.name',
    look: ({ host = '', usesLoginServer, isLocal }) =>
      !usesLoginServer &&
      !isLocal &&
      host !== 'git-gateway' &&
      otherBackends.has(host) && {
        what: `The backend ${host} needs no login server`,
        why: `It logs in ${otherBackends.get(host)?.where}, so there is nothing to check against one.`,
      },
  },
  {
    id: 'implicit',
    severity: 'broken',
    at: 'backend.auth_type',
    look(context) {
      const { provider, isSveltia } = context;
      if (context.text('auth_type') !== 'implicit' || !provider) return false;
      const instead = 'Remove the line; the login server takes its place.';
      const rest = {
        about: ['backend.base_url', 'backend.app_id'],
        fix: { backend: { auth_type: undefined, ...baseFix(context) } },
      };
      if (isSveltia)
        return {
          what: 'Sveltia CMS does not take "auth_type: implicit"',
          why: `It stops with an error. ${instead}`,
          ...rest,
        };
      switch (provider.inPage.implicit) {
        case 'removed':
          return {
            what: `${provider.name} has no implicit login any more: remove "auth_type: implicit"`,
            why: 'The login ends in an error there. The login server takes its place.',
            ...rest,
          };
        case 'short':
          return {
            what: '"auth_type: implicit" ends each session in the middle of the work',
            why: `Its tokens live ${context.diagnosis.implicitLife ?? 'for a short time'} and cannot be renewed: what is being written then cannot be saved. ${instead}`,
            ...rest,
          };
        default:
          return {
            severity: 'risky',
            what: `"auth_type: implicit" means nothing with ${provider.name}`,
            why: 'The CMS ignores it here. Remove the line.',
          };
      }
    },
  },
  {
    id: 'pkce',
    severity: 'broken',
    at: 'backend.auth_type',
    look(context) {
      const { text, isSveltia, provider } = context;
      return (
        text('auth_type') === 'pkce' &&
        provider !== undefined &&
        !provider.inPage.pkce && {
          severity: isSveltia ? 'broken' : 'risky',
          what: `"auth_type: pkce" does not work with ${provider.name}`,
          why: `${isSveltia ? 'Sveltia CMS stops with an error.' : `The CMS ignores it.`} Remove the line; the login server takes its place.`,
          fix: { backend: { auth_type: undefined, ...baseFix(context) } },
        }
      );
    },
  },
  {
    id: 'pkce',
    severity: 'broken',
    at: 'backend.auth_type',
    look(context) {
      const { text, provider, namedServer } = context;
      const base = readAddress(text('base_url') ?? '');
      if (text('auth_type') !== 'pkce' || !provider?.inPage.pkce || !base) return false;
      const root = readAddress(baseOf(context) ?? text('api_root') ?? provider.url);
      if (base.origin === namedServer?.origin || base.origin === root?.origin) return false;
      const isEndpoint = `/${trimSlashes(text('auth_endpoint') ?? '')}` === provider.authorizePath;
      // What has such a name is a login server. Nothing is asked here, so a host by any other name is not certain, either.
      const isServer = /auth|login|cms/.test(base.hostname) && !isEndpoint;
      const isCertain = isEndpoint || base.href.toLowerCase().includes(provider.id);
      return (
        !isServer && {
          at: 'backend.api_root',
          about: ['backend.base_url', 'backend.auth_type'],
          what: `base_url is ${shown(base.host)}, but ${text('api_root') === undefined ? 'api_root is not set' : `api_root is at ${shown(root?.host)}`}`,
          why: `Editors would log in at the one, and the CMS would call ${shown(root?.host)}, where that token is worth nothing.${isCertain ? '' : ` If base_url is a login server, and not ${provider.name}, remove auth_type instead.`}`,
          fix: { backend: { api_root: apiRoots(provider, withoutSlash(base))?.api_root } },
        }
      );
    },
  },
  {
    id: 'pkce',
    severity: 'broken',
    at: 'backend.auth_type',
    look(context) {
      const { text, provider, namedServer } = context;
      if (text('auth_type') !== 'pkce' || !provider) return false;
      const base = readAddress(text('base_url') ?? provider.url);
      const root = readAddress(baseOf(context) ?? text('api_root') ?? provider.url);
      return (
        base !== undefined &&
        (base.origin === namedServer?.origin || base.origin !== root?.origin) && {
          about: ['backend.base_url'],
          what: `With "auth_type: pkce" the CMS takes base_url for ${provider.name} itself, but it is another server`,
          why: `The page logs in at base_url${provider.authorizePath}, which a login server does not have. Choose one of the two: remove auth_type to use the login server, or base_url to do without one.`,
          fix: { backend: { auth_type: undefined, base_url: base.origin } },
        }
      );
    },
  },
  {
    id: 'pkce',
    severity: 'broken',
    at: 'backend.auth_type',
    look: ({ text, provider, backend }) =>
      text('auth_type') === 'pkce' &&
      provider !== undefined &&
      text('app_id') === undefined &&
      backend.get('app_id') === undefined && {
        what: '"auth_type: pkce" without app_id',
        why: `${provider.name} does not know which application asks.`,
        fix: { backend: { app_id: 'the-application-id' } },
      },
  },
  {
    id: 'pkce',
    severity: 'note',
    at: 'backend.auth_type',
    look: (context) =>
      inPagePkce(context) && {
        what: 'This configuration logs in without a login server (auth_type: pkce)',
        why: `The page exchanges the code with ${context.provider?.name} itself. ${
          context.diagnosis.pkce?.register.replace(
            '{page}',
            shown(
              context.answer
                ? context.answer.url.origin + context.answer.url.pathname
                : 'the address of the admin page',
            ),
          ) ?? 'Register the address of the admin page there, exactly as it is.'
        }`,
      },
  },
  {
    id: 'pkce-version',
    severity: 'broken',
    at: 'page.version',
    look: (context) => {
      const since = context.cms && context.diagnosis.pkce?.since[context.cms.name];
      return (
        inPagePkce(context) &&
        context.cms !== undefined &&
        since !== undefined &&
        isOlder(context.cms, ...since) && {
          what: `${context.who} ${shown(context.cms.version)} knows no "auth_type: pkce" yet`,
          why: `It ignores the line, and asks a login server. Load version ${since.join('.')} or newer in the admin page.`,
        }
      );
    },
  },
  {
    id: 'pkce-version',
    severity: 'note',
    at: 'page.version',
    look: (context) => {
      const renews = context.cms && context.diagnosis.pkce?.renews[context.cms.name];
      return (
        inPagePkce(context) &&
        context.cms !== undefined &&
        renews !== undefined &&
        isOlder(context.cms, ...renews) && {
          what: `${context.who} ${shown(context.cms.version)} does not renew the token${context.provider?.tokenLife ? `, which ends after ${context.provider.tokenLife}` : ''}`,
          why: `What is being written then cannot be saved. Load version ${renews.join('.')} or newer in the admin page.`,
        }
      );
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
