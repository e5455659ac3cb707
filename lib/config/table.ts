import { factsOf } from '../providers/facts.ts';
import { settingPrefix, type Provider } from '../providers/provider.ts';

/**
 * All settings, in one table: what the docs say about each, who gets it on each platform, which are secret. Whatever lists
 * settings is made from this, or compared with it by test/unit/table.test.ts. How a setting is read, and what can be wrong with
 * it, stands where its value is used: settings.ts for the login, ../gateway/settings.ts for the gateway. Only a name that is on
 * this table can be read there.
 *
 * Deployed functions do not load this file: it is for the build, the commands, the docs and the tests.
 */

/** What reads settings: a function, the server on a machine of one's own, or the deploy itself. */
export type Service = 'login' | 'gateway' | 'server' | 'deploy';

/** What a setting means, for its row in the docs: in Markdown, as the end of a sentence that begins with its name. */
interface Words {
  meaning: string;
  /** What happens without it, or its default. */
  ifNotSet: string;
}

export interface Row extends Words {
  /** Who reads it, and so has to get it from the platform. */
  usedBy: readonly Service[];
  /** The words for the gateway's page, where the login's would not fit. */
  gateway?: Words;
  /** In names with `{HOST}`: which Git hosts have one. All, if absent. */
  hosts?: (provider: Provider) => boolean;
  /** Present if nobody may see the value. */
  secret?: Secret;
  /** What a function is given by this name is called otherwise in there. */
  standsFor?: string;
}

export interface Secret {
  /** The last part of its name in AWS's Parameter Store. `{host}` is the host's id. */
  parameter: string;
  /** On platforms where each function names its secrets: it is needed if this is set and none of those is. */
  with?: string;
  without?: readonly string[];
}

/** In the order of the docs. `{HOST}` stands for the id of a Git host, in capitals: `GITHUB`. */
export const table = {
  '{HOST}_CLIENT_ID': {
    usedBy: ['login'],
    meaning: 'the client id of the app that you registered at this Git host',
    ifNotSet: 'this Git host is switched off',
  },
  '{HOST}_CLIENT_SECRET': {
    usedBy: ['login'],
    secret: { parameter: '{host}', with: '{HOST}_CLIENT_ID' },
    meaning: 'the client secret of this app',
    ifNotSet: 'nobody can log in at this Git host',
  },
  CMS_GATEWAY_REPO: {
    usedBy: ['gateway'],
    meaning: 'the address of the repository as a browser shows it',
    ifNotSet: 'there is no gateway',
  },
  CMS_GATEWAY_BRANCH: {
    usedBy: ['gateway'],
    meaning: 'the branch that it publishes to',
    ifNotSet: '`main`',
  },
  CMS_GATEWAY_PATHS: {
    usedBy: ['gateway'],
    meaning: 'the folders and files that editors may change, such as `content/**, static/img/**`',
    ifNotSet: 'nobody can write, and `/git` says so. `**` is everything, except what the host runs or obeys by itself',
  },
  '{HOST}_APP_ID': {
    usedBy: ['gateway'],
    hosts: (provider) => factsOf(provider).app !== undefined,
    meaning: 'the App ID of the app that the gateway writes with',
    ifNotSet: '`CMS_GATEWAY_TOKEN` is used',
  },
  '{HOST}_APP_PRIVATE_KEY': {
    usedBy: ['gateway'],
    hosts: (provider) => factsOf(provider).app !== undefined,
    secret: { parameter: '{host}-key', with: '{HOST}_APP_ID' },
    meaning: 'the private key of this app: the whole `.pem` file',
    ifNotSet: '`CMS_GATEWAY_TOKEN` is used',
  },
  CMS_GATEWAY_TOKEN: {
    usedBy: ['gateway'],
    secret: { parameter: 'gateway-token', without: ['{HOST}_APP_ID'] },
    meaning: 'a token of the host that may write to this repository',
    ifNotSet: 'the app is used',
  },
  CMS_GATEWAY_ISSUER: {
    usedBy: ['gateway'],
    meaning: 'the OpenID provider, such as `https://accounts.google.com`',
    ifNotSet: '`CMS_GATEWAY_IDENTITY` or `CMS_GATEWAY_JWT_SECRET` is used',
  },
  CMS_GATEWAY_CLIENT_ID: {
    usedBy: ['gateway'],
    meaning: 'the client id that you registered there',
    ifNotSet: '`CMS_GATEWAY_AUDIENCE` is used',
  },
  CMS_GATEWAY_CLIENT_SECRET: {
    usedBy: ['gateway'],
    secret: { parameter: 'gateway-client', with: 'CMS_GATEWAY_CLIENT_ID' },
    meaning: 'the client secret that goes with it. At least 32 characters',
    ifNotSet: '`CMS_GATEWAY_AUDIENCE` is used',
  },
  CMS_GATEWAY_AUDIENCE: {
    usedBy: ['gateway'],
    meaning:
      'instead of these two, if the provider gives the CMS its token itself: what the tokens are made for. It may also stand beside `CMS_GATEWAY_JWT_SECRET`',
    ifNotSet: 'the client id and secret are used',
  },
  CMS_GATEWAY_IDENTITY: {
    usedBy: ['gateway'],
    meaning:
      'the address of Netlify Identity or of another GoTrue, such as `https://www.example.com/.netlify/identity`',
    ifNotSet: '`CMS_GATEWAY_ISSUER` or `CMS_GATEWAY_JWT_SECRET` is used',
  },
  CMS_GATEWAY_JWT_SECRET: {
    usedBy: ['gateway'],
    secret: {
      parameter: 'gateway-jwt',
      without: ['CMS_GATEWAY_CLIENT_ID', 'CMS_GATEWAY_ISSUER', 'CMS_GATEWAY_IDENTITY'],
    },
    meaning: 'the secret that a GoTrue signs with. At least 32 characters',
    ifNotSet: '`CMS_GATEWAY_ISSUER` or `CMS_GATEWAY_IDENTITY` is used',
  },
  CMS_GATEWAY_EDITORS: {
    usedBy: ['gateway'],
    meaning:
      'who may edit: addresses, `@example.org` for a whole domain of your own, or `*` for everybody who can sign in, where not everybody can',
    ifNotSet: '`CMS_GATEWAY_ROLES` decides',
  },
  CMS_GATEWAY_ROLES: {
    usedBy: ['gateway'],
    meaning: 'roles: any one of them lets somebody in',
    ifNotSet: '`CMS_GATEWAY_EDITORS` decides',
  },
  CMS_GATEWAY_ROLES_CLAIM: {
    usedBy: ['gateway'],
    meaning:
      'where a token holds the roles: the name of a claim, or a path such as `realm_access.roles`; several with commas between',
    ifNotSet: '`app_metadata.roles`',
  },
  CMS_GATEWAY_PAGES: {
    usedBy: ['gateway'],
    meaning: 'the full address of the CMS page, if it is at neither of the usual ones',
    ifNotSet: '`/admin/` and `/admin/index.html` of each address in `CMS_AUTH_ORIGINS`',
  },
  CMS_GATEWAY_SESSION: {
    usedBy: ['gateway'],
    meaning: 'how many hours a sign-in lasts, from 1 to 24',
    ifNotSet: '`10`',
  },
  CMS_GATEWAY_COMMITTER: {
    usedBy: ['gateway'],
    meaning:
      'whose name a commit has: `editor`, or `app` for the account of the app or token, for services such as Vercel that build only for accounts that they know. The editor is then named in the last line of the message',
    ifNotSet: '`editor`',
  },
  CMS_AUTH_ORIGINS: {
    usedBy: ['login', 'gateway'],
    meaning: 'the sites whose CMS may log in: their origins, with commas between them',
    ifNotSet: "only pages on the login's own address may log in",
    gateway: {
      meaning: 'where your CMS page is, such as `https://www.example.com`',
      ifNotSet: "only pages on the gateway's own address may use it",
    },
  },
  CMS_AUTH_URL: {
    usedBy: ['login', 'gateway'],
    meaning: "the login's own address, as the browser sees it. It may have a path",
    ifNotSet:
      'Netlify, Vercel and AWS know it. The local server is at `http://localhost:PORT`. Anywhere else you have to set it',
    gateway: {
      meaning:
        "the gateway's own address, as the browser sees it. `serverless-gateway.yml` takes `CMS_GATEWAY_URL` instead",
      ifNotSet: 'Netlify, Vercel and AWS know it. Anywhere else you have to set it',
    },
  },
  CMS_GATEWAY_URL: {
    usedBy: ['deploy'],
    standsFor: 'CMS_AUTH_URL',
    meaning: "on AWS, the gateway's own address if it has a domain or is behind CloudFront",
    ifNotSet: 'the address that AWS gave it',
  },
  CMS_AUTH_REFRESH: {
    usedBy: ['login'],
    meaning:
      'the Git hosts whose sessions may be renewed, such as `bitbucket,gitlab`: [how long a session lasts](sessions.md)',
    ifNotSet: 'none is renewed',
  },
  '{HOST}_URL': {
    usedBy: ['login', 'gateway'],
    meaning: 'the address of your own Git host',
    ifNotSet: 'the public service',
  },
  '{HOST}_SCOPE': {
    usedBy: ['login'],
    hosts: (provider) => provider.scope !== undefined,
    meaning:
      'the permission to ask for if the CMS asks for none, or for one that is not allowed. It is also the most that is ever asked for',
    ifNotSet: 'what a CMS needs: `repo` at GitHub, `api` at GitLab',
  },
  CMS_AUTH_PAGE: {
    usedBy: ['login', 'gateway'],
    meaning: '`off` switches off the page at `/auth`',
    ifNotSet: 'on',
    gateway: { meaning: '`off` switches off the page at `/git`', ifNotSet: 'on' },
  },
  CMS_AUTH_SECRETS_TTL: {
    usedBy: ['login', 'gateway'],
    meaning: 'how many seconds a value from the Parameter Store is kept',
    ifNotSet: '`300`',
  },
  PORT: { usedBy: ['server'], meaning: 'the port that the local server listens at', ifNotSet: '`8888`' },
  HOST: {
    usedBy: ['server'],
    meaning: 'the address of the machine that the local server listens at',
    ifNotSet: '`127.0.0.1`: this machine alone',
  },
} as const satisfies Readonly<Record<string, Row>>;

/** What may stand in the place of `{HOST}` is up to the records of the Git hosts. */
export type SettingName = Filled<keyof typeof table>;
type Filled<Key> = Key extends `{HOST}_${infer Rest}` ? `${string}_${Rest}` : Key;

/** A setting by its own name. */
export interface Setting extends Row {
  name: string;
  /** Its row: the name with `{HOST}`, where a Git host has its own. */
  key: string;
  /** Id of the Git host that it is for, if it is for one. */
  host?: string;
}

/**
 * The table with the names of these Git hosts filled in.
 *
 * @param service only what this one reads; everything if absent
 * @param rows another table: for tests, which plant a setting that nobody passes on
 */
export function settingsOf(
  service: Service | undefined,
  providers: readonly Provider[],
  rows: Readonly<Record<string, Row>> = table,
): Setting[] {
  return Object.entries(rows)
    .filter(([, { usedBy }]) => service === undefined || usedBy.includes(service))
    .flatMap(([key, row]): Setting[] =>
      key.includes('{HOST}')
        ? providers.filter((provider) => row.hosts?.(provider) ?? true).map((provider) => fill(key, row, provider))
        : [{ ...row, name: key, key }],
    );
}

function fill(key: string, { secret, ...row }: Row, provider: Provider): Setting {
  const named = (text: string) => text.replace('{HOST}', settingPrefix(provider)).replace('{host}', provider.id);
  return {
    ...row,
    name: named(key),
    key,
    host: provider.id,
    ...(secret && {
      secret: {
        ...secret,
        parameter: named(secret.parameter),
        ...(secret.with !== undefined && { with: named(secret.with) }),
      },
    }),
  };
}

/**
 * The secrets that a function needs, with the settings that there are: for platforms on which it has to name them before it
 * gets them, and which refuse to deploy one that does not exist.
 *
 * @param settings of the function
 * @param isSet whether a setting has a value, by name
 * @param providers for names that are any host's
 */
export const neededSecrets = (
  settings: readonly Setting[],
  isSet: (name: string) => boolean,
  providers: readonly Provider[],
): Setting[] =>
  settings.filter(({ secret }) => {
    if (!secret) return false;
    const isAnySet = (key: string) => namesOf(key, providers).some(isSet);
    return (secret.with === undefined || isSet(secret.with)) && !(secret.without ?? []).some(isAnySet);
  });

const namesOf = (key: string, providers: readonly Provider[]): string[] =>
  key.includes('{HOST}') ? providers.map((provider) => key.replace('{HOST}', settingPrefix(provider))) : [key];

/**
 * Names in the environment that are not the owner's to set for us: platforms, tools and shells have them. Only these, and what
 * is on the table, is read.
 */
export const othersVariables = {
  URL: 'Netlify: the address of the site',
  VERCEL_PROJECT_PRODUCTION_URL: 'Vercel: the domain of the project',
  AWS_ACCESS_KEY_ID: 'AWS: the key of the function’s role',
  NODE_ENV: 'everybody: production, where there is no demo and each line of the log is JSON',
  NODE_TLS_REJECT_UNAUTHORIZED: 'Node: 0 switches off the check of certificates, which the gateway refuses',
  NO_COLOR: 'terminals: no colours',
  CHROMIUM_PATH: 'tools that open a browser: where it is',
  ProgramFiles: 'Windows: where programs are',
  'ProgramFiles(x86)': 'Windows: where older programs are',
  LocalAppData: 'Windows: where a user’s own programs are',
  INIT_CWD: 'npm: where the command was given',
  NETLIFY_API_URL: 'Netlify’s own tool: another address of its API, for tests',
  NETLIFY_AUTH_TOKEN: 'Netlify’s own tool: who its owner is',
  NETLIFY_SITE_ID: 'Netlify’s own tool: which site',
} as const;
