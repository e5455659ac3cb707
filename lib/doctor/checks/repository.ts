import { shown } from '../finding.ts';
import { lines, readAddress, textOf } from '../view.ts';
import { isSafe } from '../web.ts';
import { gitHosts, type Check } from './check.ts';

/** Where a host's API is: the public one, how addresses of it look, and what stands behind the address of one's own. */
interface HostRoot {
  root: string;
  form: RegExp;
  own: string;
  graphql: string;
}

const hostRoots: ReadonlyMap<string, HostRoot> = new Map(
  Object.entries({
    github: {
      root: 'https://api.github.com',
      form: /^https?:\/\/(?:api\.github\.com|api\.[^/.]+\.ghe\.com|[^/]+\/api\/v3)$/,
      own: '/api/v3',
      graphql: '/api/graphql',
    },
    gitlab: {
      root: 'https://gitlab.com/api/v4',
      form: /^https?:\/\/[^?#]+\/api\/v4$/,
      own: '/api/v4',
      graphql: '/api/graphql',
    },
    bitbucket: {
      root: 'https://api.bitbucket.org/2.0',
      form: /^(?:https:\/\/api\.bitbucket\.org|http:\/\/(?:127\.0\.0\.1|localhost)(?::\d+)?)\/2\.0$/,
      own: '/2.0',
      graphql: '/graphql',
    },
  }),
);

/** What the token is used for: repository, API, rights. */
export const repositoryChecks: readonly Check[] = [
  {
    id: 'repo',
    severity: 'broken',
    at: 'backend.repo',
    look(view) {
      const { provider, host } = view;
      if (!provider) return false;
      const repo = view.text('repo');
      const form =
        host === 'gitlab' ? 'group/project' : host === 'bitbucket' ? 'workspace/repository' : 'owner/repository';
      if (repo === undefined)
        return {
          what: 'repo is not set',
          why: 'The CMS does not know where the content is.',
          write: lines(view, { repo: form }, 'backend'),
        };
      const path = repo
        .replace(/^(?:[a-z]+:\/\/)?(?:[^/@]+@)?[^/:]+\.[a-z]+[/:]/i, '')
        .replace(/\.git\/?$/, '')
        .replace(/^\/+|\/+$/g, '');
      const raw = view.backend.get('repo')?.value;
      const isForm = (host === 'gitlab' ? /^[\w.-]+(?:\/[\w.-]+)+$/ : /^[\w.-]+\/[\w.-]+$/).test(path);
      if (isForm && path === raw) return false;
      return {
        what: isForm
          ? `repo is ${shown(repo)}: it has to be ${shown(path)} and nothing else`
          : `repo is ${shown(repo)}, which is not of the form ${form}`,
        why: 'The CMS puts it into the addresses of the API as it is, and says "Repo not found" after the login.',
        write: lines(view, { repo: isForm ? path : form }, 'backend'),
      };
    },
  },
  {
    id: 'branch',
    severity: 'risky',
    at: 'backend.branch',
    look(view) {
      const branch = view.text('branch');
      if (!view.provider) return false;
      if (branch?.startsWith('refs/'))
        return {
          severity: 'broken',
          what: 'branch is a full reference: only the name goes there',
          why: 'The CMS puts refs/heads/ in front of it by itself.',
          write: lines(view, { branch: branch.replace(/^refs\/(?:heads\/)?/, '') }, 'backend'),
        };
      return (
        branch === undefined &&
        !view.isSveltia && {
          what: 'branch is not set',
          why:
            view.host === 'bitbucket'
              ? 'The CMS then looks it up in a way that breaks when the token has expired.'
              : 'Netlify CMS and older versions of Decap CMS then take "master", and say that the branch is not there.',
          write: lines(view, { branch: 'main' }, 'backend'),
        }
      );
    },
  },
  {
    id: 'site-domain',
    severity: 'risky',
    at: 'backend.site_domain',
    look(view) {
      const domain = view.text('site_domain');
      if (!view.usesHop || domain === undefined) return false;
      const own = view.answer?.url.hostname;
      if (/[/:?#@\s]/.test(domain))
        return {
          what: `site_domain is more than a host name: ${shown(domain)}`,
          why: 'It is sent as the name of the site, without scheme, port and path. This login server decides nothing by it, others do.',
          write: lines(view, { site_domain: readAddress(domain)?.hostname ?? 'www.example.com' }, 'backend'),
        };
      return (
        own !== undefined &&
        domain !== own && {
          severity: 'note',
          what: `site_domain is ${shown(domain)}, but the page is on ${shown(own)}`,
          why: 'This login server decides nothing by it, others do. The line may be left out.',
        }
      );
    },
  },
  {
    id: 'api-root',
    severity: 'broken',
    at: 'backend.api_root',
    look(view) {
      const root = view.text('api_root');
      const facts = hostRoots.get(view.host ?? '');
      if (root === undefined || !facts || facts.form.test(root)) return false;
      const url = readAddress(root);
      const host = url && /^(?:www\.)?(?:github|gitlab|bitbucket)\.(?:com|org)$/.test(url.hostname) ? undefined : url;
      const path = host?.pathname.replace(/\/+$/, '').replace(/\/api(?:\/.*)?$/, '') ?? '';
      const good =
        host && view.host !== 'bitbucket' && !gitHosts.test(host.hostname)
          ? `${host.origin}${path}${facts.own}`
          : facts.root;
      const slash = facts.form.test(root.replace(/\/+$/, ''));
      return {
        severity: slash || (view.isSveltia && view.host === 'github') ? 'risky' : 'broken',
        about: ['backend.graphql_api_root'],
        what: slash
          ? 'api_root has a final slash'
          : `api_root is ${shown(root)}, which is not where the API of ${view.provider?.name} is`,
        why: 'The CMS puts its paths behind it as it is. Every call after the login fails, and the CMS says that it does not find the repository.',
        write: lines(view, { api_root: slash ? root.replace(/\/+$/, '') : good }, 'backend'),
      };
    },
  },
  {
    id: 'api-root-http',
    severity: 'broken',
    at: 'backend.api_root',
    look(view) {
      const url = readAddress(view.text('api_root') ?? '');
      return (
        view.provider !== undefined &&
        url !== undefined &&
        !isSafe(url) && {
          what: 'api_root begins with http:// instead of https://',
          why: 'A page on https may not call it, and the token would travel in the clear.',
          write: lines(view, { api_root: url.href.replace(/^http:/, 'https:') }, 'backend'),
        }
      );
    },
  },
  {
    id: 'graphql-api-root',
    severity: 'broken',
    at: 'backend.graphql_api_root',
    look(view) {
      const { host = '', isSveltia, provider } = view;
      const facts = hostRoots.get(host);
      if (!facts || !provider || host === 'bitbucket') return false;
      const root = view.text('api_root') ?? facts.root;
      const graphql = view.text('graphql_api_root');
      const usesGraphql = isSveltia || view.backend.get('use_graphql')?.value === true;
      const isOwn = root !== facts.root && root.endsWith(facts.own);
      const good = `${isOwn ? root.slice(0, -facts.own.length) : new URL(facts.root).origin}${isOwn || host === 'gitlab' ? facts.graphql : '/graphql'}`;
      const write = lines(view, { graphql_api_root: good }, 'backend');
      if (graphql === undefined)
        return (
          isOwn &&
          (isSveltia ? host === 'github' : host === 'gitlab' && usesGraphql) && {
            what: 'graphql_api_root is not set, although api_root is',
            why: isSveltia
              ? 'Sveltia CMS derives an address from api_root that an Enterprise Server does not have.'
              : 'With use_graphql the CMS would ask gitlab.com.',
            write,
          }
        );
      const [rest, own] = [readAddress(root), readAddress(graphql)];
      return (
        (rest?.host !== own?.host || (host === 'gitlab' && !graphql.endsWith('/graphql'))) && {
          severity: usesGraphql ? 'broken' : 'risky',
          what: `graphql_api_root and api_root do not belong together (${shown(own?.host ?? graphql)}, ${shown(rest?.host)})`,
          why: 'A token of one host is nothing to the other: the calls after the login fail.',
          write:
            view.text('api_root') === undefined && own
              ? lines(view, { api_root: own.origin + facts.own }, 'backend')
              : write,
        }
      );
    },
  },
  {
    id: 'open-authoring',
    severity: 'broken',
    at: 'backend.open_authoring',
    look(view) {
      if (view.backend.get('open_authoring')?.value !== true || !view.provider) return false;
      if (view.host !== 'github' || view.isSveltia)
        return {
          severity: 'risky',
          what: `open_authoring means nothing ${view.isSveltia ? 'to Sveltia CMS' : `with ${view.provider.name}`}`,
          why: 'Whoever has no write access to the repository cannot edit.',
        };
      return (
        textOf(view.config.get('publish_mode')?.value) !== 'editorial_workflow' && {
          what: 'open_authoring needs "publish_mode: editorial_workflow" at the top level',
          why: 'The CMS stops with an error before it shows its login.',
          write: lines(view, { publish_mode: 'editorial_workflow' }),
        }
      );
    },
  },
  {
    id: 'auth-scope',
    severity: 'broken',
    at: 'backend.auth_scope',
    look(view) {
      const scope = view.text('auth_scope');
      if (scope === undefined || !view.provider) return false;
      if (view.host !== 'github')
        return {
          severity: 'note',
          what: `auth_scope means nothing with ${view.provider.name}`,
          why: 'The CMS asks for a fixed scope there.',
        };
      return (
        !['repo', 'public_repo'].includes(scope) && {
          what: `auth_scope is ${shown(scope)}: it may be repo or public_repo`,
          why: 'The CMS checks its configuration and stops with an error.',
          write: lines(view, { auth_scope: 'repo' }, 'backend'),
        }
      );
    },
  },
];
