import { otherBackends } from '../../providers/others.ts';
import { apiRoots, baseOfApi } from '../../providers/provider.ts';
import { shown } from '../finding.ts';
import { readAddress, textOf } from '../server.ts';
import { baseOf, isGitHost } from '../context.ts';
import { isSafe } from '../fetch.ts';
import { isOlder } from '../admin-page.ts';
import { anyOf, type Check } from './check.ts';

/** What the token is used for: repository, API, rights. */
export const repositoryChecks: readonly Check[] = [
  {
    id: 'repo',
    severity: 'broken',
    at: 'backend.repo',
    look(context) {
      const { provider } = context;
      if (!provider) return false;
      const repo = context.text('repo');
      const { form, groups } = provider.repository;
      if (repo === undefined)
        return {
          what: 'repo is not set',
          why: 'The CMS does not know where the content is.',
          fix: { backend: { repo: form } },
        };
      const path = repo
        .replace(/^(?:[a-z]+:\/\/)?(?:[^/@]+@)?[^/:]+\.[a-z]+[/:]/i, '')
        .replace(/\.git\/?$/, '')
        .replace(/^\/+|\/+$/g, '');
      const raw = context.backend.get('repo')?.value;
      const isForm = (groups ? /^[\w.-]+(?:\/[\w.-]+)+$/ : /^[\w.-]+\/[\w.-]+$/).test(path);
      if (isForm && path === raw) return false;
      return {
        what: isForm
          ? `repo is ${shown(repo)}: it has to be ${shown(path)} and nothing else`
          : `repo is ${shown(repo)}, which is not of the form ${form}`,
        why: 'The CMS puts it into the addresses of the API as it is, and says "Repo not found" after the login.',
        fix: { backend: { repo: isForm ? path : form } },
      };
    },
  },
  {
    id: 'repository-moved',
    severity: 'risky',
    at: 'backend.repo',
    look: ({ repository, provider }) =>
      repository?.movedTo !== undefined && {
        what: `The repository ${shown(repository.repo)} is called ${shown(repository.movedTo)} now`,
        why: `${provider?.name} still leads from the old name to the new one, but not for everything, and no longer once somebody takes the old name.`,
        fix: { backend: { repo: shown(repository.movedTo) } },
      },
  },
  {
    id: 'repository-archived',
    severity: 'broken',
    at: 'backend.repo',
    look: ({ repository, provider }) =>
      repository?.isArchived === true && {
        what: `The repository ${shown(repository.repo)} is archived`,
        why: `${provider?.name} lets nobody write to it, so nothing can be saved. Take it out of the archive in its settings.`,
      },
  },
  {
    id: 'repository-hidden',
    severity: 'note',
    at: 'backend.repo',
    look: ({ repository, provider }) =>
      repository?.state === 'hidden' && {
        what: `The repository ${shown(repository.repo)} is private, or does not exist`,
        why: `Without a login, ${provider?.name} answers the same in both cases. If it is public, its name is wrong.`,
      },
  },
  {
    id: 'branch-missing',
    severity: 'broken',
    at: 'backend.branch',
    look: ({ repository, provider }) =>
      repository?.lacksBranch === true && {
        what: `There is no branch ${shown(repository.branch)} in ${shown(repository.repo)}`,
        why: `${provider?.name} says so. The CMS finds no content there${repository.defaultBranch === undefined ? '' : `; the branch that is there by default is ${shown(repository.defaultBranch)}`}.`,
        ...(repository.defaultBranch !== undefined && {
          fix: { backend: { branch: shown(repository.defaultBranch) } },
        }),
      },
  },
  {
    id: 'branch',
    severity: 'risky',
    at: 'backend.branch',
    look(context) {
      const branch = context.text('branch');
      if (!context.provider) return false;
      if (branch?.startsWith('refs/'))
        return {
          severity: 'broken',
          what: 'branch is a full reference: only the name goes there',
          why: 'The CMS puts refs/heads/ in front of it by itself.',
          fix: { backend: { branch: branch.replace(/^refs\/(?:heads\/)?/, '') } },
        };
      return (
        branch === undefined &&
        !context.isSveltia && {
          what: 'branch is not set',
          why:
            context.diagnosis.branchLookup ??
            'Netlify CMS and older versions of Decap CMS then take "master", and say that the branch is not there.',
          fix: { backend: { branch: 'main' } },
        }
      );
    },
  },
  {
    id: 'site-domain',
    severity: 'risky',
    at: 'backend.site_domain',
    look(context) {
      const domain = context.text('site_domain');
      if (!context.usesLoginServer || domain === undefined) return false;
      const own = context.answer?.url.hostname;
      if (/[/:?#@\s]/.test(domain))
        return {
          what: `site_domain is more than a host name: ${shown(domain)}`,
          why: 'It is sent as the name of the site, without scheme, port and path. This login server decides nothing by it, others do.',
          fix: { backend: { site_domain: readAddress(domain)?.hostname ?? 'www.example.com' } },
        };
      return (
        own !== undefined &&
        // Another server may go by it, and is right to.
        context.probe?.ours === true &&
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
    look(context) {
      const { provider, cmsFacts } = context;
      const root = context.text('api_root');
      if (root === undefined || !provider || baseOfApi(provider, root) !== undefined) return false;
      const url = readAddress(root);
      const path = url?.pathname.replace(/\/+$/, '').replace(/\/api(?:\/.*)?$/, '') ?? '';
      const base = url && !isGitHost(context.providers, url.hostname) ? url.origin + path : provider.url;
      const trimmed = root.replace(/\/+$/, '');
      const slash = baseOfApi(provider, trimmed) !== undefined;
      return {
        // Some take only the host from it.
        severity: slash || cmsFacts?.graphqlRoot === 'always' ? 'risky' : 'broken',
        about: ['backend.graphql_api_root'],
        what: slash
          ? 'api_root has a final slash'
          : `api_root is ${shown(root)}, which is not where the API of ${provider.name} is`,
        why: 'The CMS puts its paths behind it as it is. Every call after the login fails, and the CMS says that it does not find the repository.',
        fix: { backend: { api_root: slash ? trimmed : apiRoots(provider, base)?.api_root } },
      };
    },
  },
  {
    id: 'api-root-http',
    severity: 'broken',
    at: 'backend.api_root',
    look(context) {
      const url = readAddress(context.text('api_root') ?? '');
      return (
        context.provider !== undefined &&
        url !== undefined &&
        !isSafe(url) && {
          what: 'api_root begins with http:// instead of https://',
          why: 'A page on https may not call it, and the token would travel in the clear.',
          fix: { backend: { api_root: url.href.replace(/^http:/, 'https:') } },
        }
      );
    },
  },
  {
    id: 'graphql-api-root',
    severity: 'broken',
    at: 'backend.graphql_api_root',
    look(context) {
      const { provider, cmsFacts, isSveltia } = context;
      const base = baseOf(context);
      if (!provider || base === undefined || base === provider.url || context.atGateway) return false;
      const right = apiRoots(provider, base)?.graphql_api_root;
      const usesGraphql = context.backend.get('use_graphql')?.value === true;
      const isNeeded = cmsFacts?.graphqlRoot === 'always' || (cmsFacts?.graphqlRoot === 'use_graphql' && usesGraphql);
      return (
        isNeeded &&
        right !== undefined &&
        context.text('graphql_api_root') === undefined && {
          what: 'graphql_api_root is not set, although api_root is',
          why: isSveltia
            ? 'Sveltia CMS derives an address from api_root that an Enterprise Server does not have.'
            : `With use_graphql the CMS would ask ${new URL(provider.url).host}.`,
          fix: { backend: { graphql_api_root: right } },
        }
      );
    },
  },
  {
    id: 'graphql-api-root',
    severity: 'broken',
    at: 'backend.graphql_api_root',
    look(context) {
      const { provider, isSveltia } = context;
      const graphql = context.text('graphql_api_root');
      const usual = provider && apiRoots(provider, provider.url);
      if (graphql === undefined || !provider || !usual?.graphql_api_root) return false;
      const [rest, own] = [readAddress(context.text('api_root') ?? usual.api_root), readAddress(graphql)];
      if (rest?.host === own?.host && graphql.endsWith('/graphql')) return false;
      const usesGraphql = isSveltia || context.backend.get('use_graphql')?.value === true;
      const belongs = apiRoots(provider, graphql.replace(/(?:\/api)?\/graphql\/?$/, ''))?.api_root;
      const right = apiRoots(provider, baseOf(context) ?? '')?.graphql_api_root;
      return {
        severity: usesGraphql ? 'broken' : 'risky',
        what: `graphql_api_root and api_root do not belong together (${shown(own?.host ?? graphql)}, ${shown(rest?.host)})`,
        why: 'A token of one host is nothing to the other: the calls after the login fail.',
        fix: {
          backend:
            context.text('api_root') === undefined && belongs !== undefined
              ? { api_root: belongs }
              : { graphql_api_root: right },
        },
      };
    },
  },
  {
    id: 'open-authoring',
    severity: 'broken',
    at: 'backend.open_authoring',
    look(context) {
      const { provider, cms, who, isSveltia, diagnosis } = context;
      if (context.backend.get('open_authoring')?.value !== true || !provider) return false;
      const since = cms && diagnosis.forksSince?.[cms.name];
      const isOld = cms !== undefined && since !== undefined && isOlder(cms, ...since);
      const lacksWorkflow = textOf(context.config.get('publish_mode')?.value) !== 'editorial_workflow';
      // Sveltia CMS checks its configuration before it looks at which host it is.
      if (isOld || (!provider.forks && !(isSveltia && lacksWorkflow)))
        return {
          severity: 'risky',
          what: `open_authoring means nothing ${isOld ? `to ${who} ${shown(cms?.version)}` : `with ${provider.name}`}`,
          why: `Whoever has no write access to the repository cannot edit.${isOld ? ` Load version ${since?.join('.')} or newer in the admin page.` : ''}`,
        };
      return (
        lacksWorkflow && {
          what: 'open_authoring needs "publish_mode: editorial_workflow" at the top level',
          why: 'The CMS stops with an error before it shows its login.',
          fix: { top: { publish_mode: 'editorial_workflow' } },
        }
      );
    },
  },
  {
    id: 'auth-scope',
    severity: 'broken',
    at: 'backend.auth_scope',
    look(context) {
      const { provider, providers, isSveltia, host = '' } = context;
      const scope = context.text('auth_scope');
      if (scope === undefined || !(provider || otherBackends.has(host))) return false;
      const allowed = provider?.authScopes;
      // What Decap CMS and its relatives take is the same for all hosts.
      const accepted = allowed ?? providers.flatMap(({ authScopes = [] }) => authScopes);
      if (accepted.includes(scope) || (!allowed && isSveltia))
        return (
          provider !== undefined &&
          !allowed && {
            severity: 'note',
            what: `auth_scope means nothing with ${provider.name}`,
            why: 'The CMS asks for a fixed scope there.',
          }
        );
      return {
        what: `auth_scope is ${shown(scope)}: it may be ${anyOf(accepted)}`,
        why: `The CMS checks its configuration and stops with an error.${allowed ? '' : ` With ${provider?.name ?? host} the line means nothing: delete it.`}`,
        fix: { backend: { auth_scope: allowed?.[0] } },
      };
    },
  },
];
