import { settingPrefix } from '../../providers/provider.ts';
import { computed, list, type Entry, type Group, type Value } from '../config.ts';
import { shown, withoutUser } from '../finding.ts';
import { isFuzzyMatch } from '../fuzzy-match.ts';
import { renews, contextOf, type CheckContext } from '../context.ts';
import { anyOf, applied, example, isSecretKey, setting, type Check, type Fix, type Problem } from './check.ts';

/** Keys that only count under `backend`; of those on the left a login depends. */
const backendKeys = {
  vital: ['name', 'repo', 'branch', 'base_url', 'auth_endpoint', 'auth_type', 'app_id', 'api_root', 'graphql_api_root'],
  other: [
    'site_domain',
    'auth_scope',
    'open_authoring',
    'always_fork',
    'squash_merges',
    'preview_context',
    'cms_label_prefix',
    'use_graphql',
    'commit_messages',
    'skip_ci',
    'automatic_deployments',
    'auth_methods',
    'include_credentials',
    'identity_url',
    'gateway_url',
    'large_media_url',
    'proxy_url',
    'tenant_id',
    'accept_roles',
    'status_endpoint',
  ],
};
const allBackendKeys = [...backendKeys.vital, ...backendKeys.other];

/** Keys that only count at the top level. */
const topKeys = [
  'backend',
  'publish_mode',
  'collections',
  'media_folder',
  'public_folder',
  'media_library',
  'site_url',
  'display_url',
  'logo_url',
  'show_preview_links',
  'local_backend',
  'locale',
  'i18n',
  'slug',
  'editor',
];

/** So many are looked at: nobody wrote more. */
const mostKeys = 1000;

/** Other words for keys, as people guess them. */
const guesses: ReadonlyMap<string, string> = new Map(
  Object.entries({
    repository: 'repo',
    auth_url: 'base_url',
    oauth_url: 'base_url',
    auth_base_url: 'base_url',
    server_url: 'base_url',
    url: 'base_url',
    endpoint: 'auth_endpoint',
    auth_path: 'auth_endpoint',
    scope: 'auth_scope',
    oauth_scope: 'auth_scope',
    provider: 'name',
    api_url: 'api_root',
    client_id: 'app_id',
    site_id: 'site_domain',
  }),
);

/** A client id under `backend`: a login in the page needs one, as `app_id`; a login server has its own. */
const isClientId = (key: string): boolean => key.toLowerCase() === 'client_id';

/** Whether an address brings a user, a password or a token along. An SSH address has a user, but no secret. */
const isInAddress = (value: Value): boolean =>
  typeof value === 'string' &&
  !/^\s*(?:ssh|mailto):/i.test(value) &&
  (withoutUser(value) !== value ||
    [...value.matchAll(/[?&#]([^\s=?&#]*)=[^\s&]/g)].some(([, name = '']) => isSecretKey(name)));

/** Something that nobody may publish. */
function secretCheck(secret: {
  is: (key: string, value: Value) => boolean;
  why: string;
  write?: (context: CheckContext) => Pick<Problem, 'write'>;
}): Check {
  return {
    id: 'secret',
    severity: 'broken',
    look(context) {
      const { config, backend } = context;
      const auth = config.get('auth')?.value;
      const found = [config, backend, auth instanceof Map ? auth : new Map<string, Entry>()].flatMap((group: Group) =>
        [...group].filter(([key, { value }]) => secret.is(key, value)).slice(0, 10),
      );
      const names = found.flatMap(([key]) => (isSecretKey(key) ? shown(key) : []));
      const inside = found.flatMap(([key]) => (isSecretKey(key) ? [] : shown(key)));
      if (inside.length > 0) names.push(`the user or secret in ${anyOf(inside)}`);
      return (
        found.length > 0 && {
          line: found[0]?.[1].line,
          what: `${names.join(', ')} ${names.length === 1 ? 'stands' : 'stand'} in the CMS configuration, which everybody can read`,
          why: `The file is published with the site. ${secret.why}`,
          ...secret.write?.(context),
        }
      );
    },
  };
}

/** What stands in the file at all, and where. */
export const keysChecks: readonly Check[] = [
  secretCheck({
    is: (key) => isSecretKey(key) && key.toLowerCase().endsWith('secret'),
    why: 'Whoever has the secret can act as your OAuth app. Remove the line, renew the secret at the Git host, and set the new one at the login server only.',
    write: (context) =>
      setting(context, `${context.provider ? settingPrefix(context.provider) : '<HOST>'}_CLIENT_SECRET=…`),
  }),
  secretCheck({
    is: (key, value) => (isSecretKey(key) && !key.toLowerCase().endsWith('secret')) || isInAddress(value),
    why: 'Whoever has it can do what its owner may. Remove it, and revoke it where it was made. Nothing takes its place: editors get a token of their own when they log in.',
  }),
  {
    id: 'wrong-level',
    severity: 'broken',
    look(context) {
      const { config, backend } = context;
      const misplaced = allBackendKeys.filter((key) => config.has(key) && !backend.has(key));
      const [first] = misplaced;
      if (first === undefined) return false;
      const vital = misplaced.some((key) => backendKeys.vital.includes(key));
      // As if everything stood where it belongs.
      const moved = Object.fromEntries(
        misplaced.map((key): [string, Value | undefined] => [key, config.get(key)?.value]),
      );
      const fix: Fix = { backend: moved };
      const twice =
        misplaced.includes('base_url') &&
        renews(contextOf({ ...context.given, config: applied(context, fix) }, context));
      return {
        severity: vital ? 'broken' : 'risky',
        at: first,
        about: misplaced.flatMap((key) => [key, `backend.${key}`]).concat(backend.size === 0 ? ['backend'] : []),
        what: `${misplaced.join(', ')} ${misplaced.length === 1 ? 'stands' : 'stand'} at the top level instead of under backend`,
        why: twice
          ? 'The CMS reads it there only for renewing the session. For the login it has to stand under backend, too, indented.'
          : 'The CMS does not read it there. It has to stand under backend, indented.',
        fix,
      };
    },
  },
  {
    id: 'near-miss',
    severity: 'broken',
    look(context) {
      for (const [group, prefix, known, wanted] of [
        [context.config, '', [...topKeys, ...allBackendKeys], ['backend', 'base_url', 'auth_endpoint', 'api_root']],
        [context.backend, 'backend.', [...allBackendKeys, ...topKeys], allBackendKeys],
      ] as const)
        for (const [key, { value }] of [...group].slice(0, mostKeys)) {
          if (known.includes(key) || (prefix === '' && key === 'site_id')) continue;
          const meant =
            wanted.find((name) => isFuzzyMatch(key, name)) ??
            (prefix === '' || (isClientId(key) && context.usesLoginServer)
              ? undefined
              : guesses.get(key.toLowerCase()));
          if (
            meant === undefined ||
            context.backend.has(meant) ||
            (meant === 'backend' && context.config.has('backend'))
          )
            continue;
          const isGroup = meant === 'backend';
          return {
            severity:
              isGroup || ['name', 'repo', 'base_url', 'auth_endpoint', 'api_root'].includes(meant) ? 'broken' : 'risky',
            at: prefix + key,
            about: isGroup ? ['backend'] : [`backend.${meant}`],
            what: `${shown(key)} is no key that the CMS knows: it is called ${meant}`,
            why: 'The CMS ignores unknown keys without a word, and goes on as if the line were not there.',
            ...(isGroup ? { write: 'backend:' } : { fix: { backend: { [meant]: value } } }),
          };
        }
      return false;
    },
  },
  {
    id: 'wrong-group',
    severity: 'broken',
    look(context) {
      const { config, backend } = context;
      // Of a sign-in at a gateway, which has a `base_url` of its own.
      const isAuth = (name: string) => name === 'auth' && context.host === 'git-gateway';
      const groups = [...[...config].filter(([name]) => name !== 'backend'), ...backend].filter(
        ([name]) => !isAuth(name),
      );
      for (const key of ['base_url', 'auth_endpoint', 'repo', 'api_root'])
        for (const [name, { value: group }] of groups) {
          const entry = group instanceof Map && !backend.has(key) ? group.get(key) : undefined;
          if (entry && !config.has(key))
            return {
              line: entry.line,
              about: [`backend.${key}`],
              what: `${key} stands under ${shown(name)} instead of directly under backend`,
              why: 'The CMS does not read it there. It belongs beside "name:" and "repo:", indented as they are.',
              fix: { backend: { [key]: entry.value } },
            };
        }
      return false;
    },
  },
  {
    id: 'client-id',
    severity: 'note',
    look: ({ backend, usesLoginServer }) =>
      usesLoginServer &&
      backend.has('client_id') && {
        at: 'backend.client_id',
        what: 'client_id means nothing here',
        why: 'The CMS does not read it: the login server has the client id. Delete the line.',
        fix: { backend: { client_id: undefined } },
      },
  },
  {
    id: 'backend-missing',
    severity: 'broken',
    at: 'backend',
    look: (context) =>
      (!context.config.has('backend') || context.backend.size === 0) && {
        what: context.config.has('backend')
          ? 'backend is empty or is no group of keys'
          : 'The CMS configuration has no backend',
        why: 'The CMS does not know where the content is. The keys below "backend:" are indented by two spaces.',
        fix: {
          backend: {
            name: context.providers[0]?.id,
            repo: context.providers[0]?.repository.form,
            branch: 'main',
            base_url: example,
          },
        },
      },
  },
  {
    id: 'top-key-below',
    severity: 'risky',
    look({ backend, config }) {
      const key = [...backend.keys()].find((name) => name !== 'backend' && topKeys.includes(name) && !config.has(name));
      return (
        key !== undefined && {
          at: `backend.${key}`,
          what: `${key} stands under backend instead of at the top level`,
          why: 'The CMS does not read it there. Move it to the left margin, with what belongs to it.',
        }
      );
    },
  },
  ...['name', 'repo', 'base_url', 'branch', 'auth_endpoint', 'api_root', 'graphql_api_root', 'site_domain'].map(
    (key): Check => ({
      id: 'not-text',
      severity: 'broken',
      at: `backend.${key}`,
      look({ backend }) {
        const value = backend.get(key)?.value;
        if (value === undefined || value === null || typeof value === 'string') return false;
        const kind = value === list ? 'a list' : typeof value === 'object' ? 'a group' : `a ${typeof value}`;
        const isScalar = typeof value === 'number' || typeof value === 'boolean';
        return {
          what: `${key} is ${kind}${isScalar ? ` (${value})` : ''} where the CMS expects a text`,
          why: 'The CMS stops with an error when it uses it. Write it on one line, in quotes if it looks like something else.',
          ...(isScalar && { fix: { backend: { [key]: String(value) } } }),
        };
      },
    }),
  ),
  {
    id: 'local-backend',
    severity: 'note',
    at: 'local_backend',
    look: ({ isLocal }) =>
      isLocal && {
        what: 'With local_backend the CMS logs in nowhere on this computer',
        why: 'It works with the files here, as long as its proxy server runs ("npx decap-server"). How editors log in is seen at the public address of the admin page.',
      },
  },
  {
    id: 'placeholder',
    severity: 'broken',
    look({ backend }) {
      const [key, entry] =
        [...backend].find(
          ([name, { value }]) =>
            typeof value === 'string' &&
            !isSecretKey(name) &&
            /\{\{.*\}\}|\$\{?[A-Z_]+\}?|<%|^<.*>$|%[A-Z_]+%/.test(value),
        ) ?? [];
      return (
        key !== undefined && {
          at: `backend.${key}`,
          what: `${key} still holds a placeholder: ${shown(entry?.value)}`,
          why: 'The CMS takes it as it stands; it fills in no variables. Let the build of the site fill it in, or write the value.',
        }
      );
    },
  },
];

/** Without these the CMS stops with an error, whatever the login does. */
export const requiredChecks: readonly Check[] = [
  {
    id: 'required',
    severity: 'broken',
    at: 'collections',
    look({ config, isSveltia }) {
      const other = isSveltia && config.has('singletons');
      const { value, isEmpty = false } = config.get('collections') ?? {};
      // Sveltia CMS starts without any.
      const isList = value === list && (!isEmpty || isSveltia);
      if (other || isList || value === computed) return false;
      const lack = value === undefined ? 'missing' : value === list ? 'empty' : 'no list';
      return {
        what: `collections is ${lack}`,
        why: 'The CMS checks its configuration and stops with an error, without a login. At least one collection says what can be edited.',
        write:
          'collections:\n  - name: pages\n    label: Pages\n    folder: content/pages\n    fields:\n      - { name: title, label: Title, widget: string }',
      };
    },
  },
  {
    id: 'required',
    severity: 'broken',
    at: 'media_folder',
    look: ({ config }) =>
      ['media_folder', 'media_library', 'media_libraries'].every((key) => !config.has(key)) && {
        what: 'media_folder is missing',
        why: 'The CMS checks its configuration and stops with an error, without a login. It is the folder for uploaded pictures.',
        fix: { top: { media_folder: 'static/uploads' } },
      },
  },
];
