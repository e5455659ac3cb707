import { parseArgs } from 'node:util';
import { readAddress, urlSetting } from '../../config/settings.ts';
import { factsOf } from '../../providers/facts.ts';
import { manifests } from '../../providers/manifests.ts';
import { fitting, pathAt, readPort, readRepository, readSite, withoutEnd, wrong, type Repository } from '../options.ts';
import { refuseKept, type ArgumentTypes } from '../npm.ts';
import { ask } from '../request.ts';
import { isLoopback } from '../../http/origins.ts';
import { knownIssuers, plainIssuer } from '../../providers/issuers.ts';
import { readCmsConfig, type CmsFacts } from './cms-config.ts';
import { regionInUse } from '../stores/aws.ts';
import { targets, type TargetName } from '../targets.ts';
import type { Environment } from '../../config/environment.ts';
import type { Provider } from '../../providers/provider.ts';
import type { Prompts } from '../terminal.ts';
import type { Target } from '../targets/target.ts';

export const help = `Puts the login for your CMS online, registers it at your Git host, and says what to write into the CMS.

  npm run deploy
  npm run deploy -- --cms https://www.example.com/admin/ --repo OWNER/NAME --to netlify
  npm run deploy -- --gateway

  --cms <address>       the page of your CMS
  --repo <repository>   the repository of your site, as a browser shows it; OWNER/NAME is one at GitHub
  --to <platform>       ${Object.keys(targets).join(', ')}
  --name <name>         what the login is called there; otherwise after the repository, and on AWS "live"
  --url <address>       an address of your own for it, such as https://auth.example.com
  --config <file>       the config.yml of your CMS in a checkout, to write the new line into
  --gateway             the gateway, for editors without an account at the Git host, in place of the login
  --issuer <address>    gateway: where editors sign in, such as https://accounts.google.com
  --editors <list>      gateway: their e-mail addresses, with commas between
  --paths <list>        gateway: the folders and files that they may change, such as content/**,static/img/**
  --branch <name>       gateway: the branch that it publishes to (main)
  --region <name>       aws: the region, such as eu-west-1; otherwise what the AWS tools use
  --project <id>        firebase: the project, one without a website: its Hosting becomes the login's
  --replace             replace values that are there already
  --port <number>       of the page that opens in your browser; otherwise any free one
  --no-open             print its address, but open no browser
  --yes                 ask for no confirmation
  --dry-run             show each step, and do nothing
  --help

  In a terminal, what is missing is asked for. Secrets are asked for, or taken from the environment:
  GITLAB_CLIENT_ID and GITLAB_CLIENT_SECRET (or BITBUCKET_…), and for the gateway CMS_GATEWAY_CLIENT_ID,
  CMS_GATEWAY_CLIENT_SECRET, and CMS_GATEWAY_TOKEN where there is no app. If a step fails, the same command goes on from there.
  Exit code: 0 done, 1 failed, 2 wrong usage.
`;

const argumentTypes = {
  cms: { type: 'string' },
  repo: { type: 'string' },
  to: { type: 'string' },
  name: { type: 'string' },
  url: { type: 'string' },
  config: { type: 'string' },
  gateway: { type: 'boolean', default: false },
  issuer: { type: 'string' },
  editors: { type: 'string' },
  paths: { type: 'string' },
  branch: { type: 'string' },
  region: { type: 'string' },
  project: { type: 'string' },
  replace: { type: 'boolean', default: false },
  port: { type: 'string' },
  'no-open': { type: 'boolean', default: false },
  yes: { type: 'boolean', default: false },
  'dry-run': { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
} as const satisfies ArgumentTypes;

/** What is to be done, checked. Nothing in it is secret. */
export interface DeployOptions {
  target: TargetName;
  provider: Provider;
  /** Where the provider is, without a slash at the end. */
  base: string;
  /** Where the provider knows an app by its repository. */
  repository: Repository | undefined;
  /** Origin of the CMS page; nothing if nobody said where it is. */
  site: string | undefined;
  name: string;
  /** AWS: the name, if one was given. */
  stage: string;
  url: string | undefined;
  config: string | undefined;
  /** AWS: as given, or as the AWS SDK finds it. */
  region: string | undefined;
  project: string | undefined;
  replace: boolean;
  port: number;
  open: boolean;
  yes: boolean;
  dryRun: boolean;
  /** Absent for the login. */
  gateway: GatewayOptions | undefined;
}

/** What a gateway wants to know besides. */
export interface GatewayOptions {
  /** The repository's address, as a browser shows it. */
  repositoryUrl: string;
  issuer: string;
  editors: string;
  paths: string;
  branch: string | undefined;
}

/**
 * Reads the arguments, and asks for what is missing if there is somebody to ask.
 *
 * @param env the settings as they are now, for the addresses of the hosts
 * @returns nothing if help was asked for
 * @throws Error in words if it was called wrongly
 */
export async function readDeployOptions(
  parameters: readonly string[],
  providers: readonly Provider[],
  env: Environment,
  prompts: Prompts | undefined,
): Promise<DeployOptions | undefined> {
  refuseKept('deploy', argumentTypes, parameters, env);
  const { values, positionals } = parseArgs({ args: [...parameters], allowPositionals: true, options: argumentTypes });
  // Of some of our options npm makes its own short ones (`--cms` is `-c -m -s`), and only the value is left.
  if (positionals.length > 0)
    throw new Error(
      `What is "${positionals[0]}"? Each value has an option in front of it, and all of them come after --, such as: npm run deploy -- --cms https://www.example.com/admin/`,
    );
  if (values.help) return undefined;
  const missing = [
    ...(values.cms === undefined ? ['--cms https://www.example.com/admin/'] : []),
    ...(values.gateway && values.issuer === undefined ? ['--issuer https://accounts.google.com'] : []),
    ...(values.gateway && values.editors === undefined ? ['--editors ann@example.org,bob@example.org'] : []),
    ...(values.to === undefined ? [`--to (${Object.keys(targets).join(', ')})`] : []),
  ];
  if (missing.length > 0 && !prompts)
    throw new Error(`Something is missing: ${missing.join(', ')}. In a terminal you would be asked for it.`);

  const ask = async <T>(given: string | undefined, message: string, example: string, read: (text: string) => T) =>
    given === undefined && prompts ? read(await prompts.text(message, example, wrong(read))) : read(given ?? '');
  const cms = await ask(
    values.cms,
    'Where is your CMS? (the address of its page)',
    'https://www.example.com/admin/',
    readCmsPage,
  );
  const onlyGateway = (['issuer', 'editors', 'paths', 'branch'] as const).filter((name) => values[name] !== undefined);
  if (!values.gateway && onlyGateway.length > 0)
    throw new Error(`--${onlyGateway.join(' and --')} go with --gateway only.`);
  const facts = values.repo === undefined || values.gateway ? await readFacts(cms) : undefined;
  const known = values.repo === undefined ? repositoryIn(facts) : undefined;
  const readRepo = (text: string) => readRepositoryOf(text, providers, env);
  const { provider, base, repository, path } = known
    ? readKnown(known, providers, env)
    : await ask(values.repo, 'Which repository holds your site?', 'https://github.com/owner/name', readRepo);

  const to =
    values.to ??
    (await prompts?.choose(
      'Where should the login run?',
      Object.entries(targets).map(([value, { label, needs }]) => ({ value, label: `${label}: needs ${needs}` })),
    ));
  const target = Object.keys(targets).find((id): id is TargetName => id === to);
  if (!target) throw new Error(`--to takes ${Object.keys(targets).join(', ')}.`);
  if (target !== 'aws' && values.region !== undefined) throw new Error('--region goes with --to aws only.');
  const { withoutGateway } = targets[target] as Target;
  if (values.gateway && withoutGateway !== undefined) throw new Error(withoutGateway);
  if (target !== 'firebase' && values.project !== undefined) throw new Error('--project goes with --to firebase only.');

  const readUrl = (text: string) => {
    const { origin, prefix } = named('--url', () => readAddress({ CMS_AUTH_URL: text || 'nothing' }, undefined));
    return origin + prefix;
  };
  const site = new URL(cms).origin;
  const readProject = (text: string) => {
    const project = fitting('--project', text.trim(), /^[a-z][a-z0-9-]{4,29}$/);
    if ([`https://${project}.web.app`, `https://${project}.firebaseapp.com`].includes(site))
      throw new Error(
        `Your site is on the Hosting of the project ${project}. Deploying the login would replace it. Make another project for the login, or see docs/firebase.md ("Beside your site").`,
      );
    return project;
  };
  return {
    target,
    provider,
    base,
    repository,
    site,
    name: fitting(
      '--name',
      values.name ?? nameFor(repository, cms, values.gateway ? 'gateway' : 'login'),
      /^[a-z0-9][a-z0-9-]{0,57}$/,
    ),
    stage: target === 'aws' ? (values.name ?? 'live') : 'live',
    url:
      values.url !== undefined || target === 'server'
        ? await ask(values.url, 'At which address will it be?', 'https://auth.example.com', readUrl)
        : undefined,
    config: values.config,
    region: target === 'aws' ? await readRegion(values.region) : undefined,
    project:
      target === 'firebase'
        ? await ask(
            values.project,
            "Which Firebase project? (the id of one without a website: its Hosting becomes the login's)",
            'my-project',
            readProject,
          )
        : undefined,
    gateway: values.gateway
      ? {
          repositoryUrl: `${base}/${path}`,
          ...(await readGateway(values, facts, prompts, ask)),
        }
      : undefined,
    replace: values.replace,
    port: values.port === undefined ? 0 : readPort(values.port),
    open: !values['no-open'],
    yes: values.yes,
    dryRun: values['dry-run'],
  };
}

/** People copy what the address bar shows, and some leave its beginning out. */
function readCmsPage(text: string): string {
  const given = text.trim();
  const address = /^[a-z][a-z0-9+.-]*:\/\//i.test(given) ? given : `https://${given}`;
  const url = given !== '' && URL.canParse(address) ? new URL(address) : undefined;
  if (!url || !/^https?:$/.test(url.protocol) || url.username !== '' || !/[.]|^localhost$/.test(url.hostname))
    throw new Error('--cms takes the address of the page that your CMS is on, such as https://www.example.com/admin/');
  readSite(url.origin);
  return url.href.replace(/[?#].*$/, '');
}

/** What the configuration beside the CMS's page says, if it can be read from here. */
async function readFacts(cms: string): Promise<CmsFacts | undefined> {
  const page = cms.replace(/[^/]*\.html?$/, '').replace(/\/?$/, '/');
  try {
    const { status, text } = await ask('The page of your CMS', new URL('config.yml', page).href);
    return status === 200 ? readCmsConfig(text) : undefined;
  } catch {
    return undefined; // then it is asked for
  }
}

function repositoryIn({ backend, repository }: Partial<CmsFacts> = {}) {
  return backend !== undefined && repository !== undefined && backend !== 'git-gateway'
    ? { backend, repository }
    : undefined;
}

interface Found {
  provider: Provider;
  /** Below the base: `owner/name`, with groups in front at some hosts. */
  path: string;
  base: string;
  repository: Repository | undefined;
}

function readKnown(
  { backend, repository }: { backend: string; repository: string },
  providers: readonly Provider[],
  env: Environment,
): Found {
  const provider = providers.find(({ id }) => id === backend);
  if (!provider)
    throw new Error(
      `The configuration of your CMS names the backend "${backend}". This login is for ${providers.map(({ name }) => name).join(', ')}.`,
    );
  const base = urlSetting(provider).read(env);
  return { provider, base, ...readPath(provider, base, repository) };
}

/** The host by the address, so nobody has to know what kind it is. */
function readRepositoryOf(text: string, providers: readonly Provider[], env: Environment): Found {
  const given = text.trim();
  const bases = providers.map((provider) => ({ provider, base: urlSetting(provider).read(env) }));
  const found = bases.find(({ base }) => pathAt(given, base) !== undefined);
  // An owner's name has no dot, and a host's has.
  if (!found && /:\/\/|^[^/]*[@.][^/]*[/:]/.test(given))
    throw new Error(
      `--repo is at none of ${bases.map(({ base }) => base).join(', ')}. For an instance of your own, set ${providers.map(({ id }) => `${id.toUpperCase()}_URL`).join(' or ')} first.`,
    );
  const { provider, base } = found ?? bases.find(({ provider: one }) => manifests[one.id]) ?? {};
  if (!provider || base === undefined) throw new Error('--repo takes the address of your repository.');
  return { provider, base, ...readPath(provider, base, given) };
}

function readPath(provider: Provider, base: string, text: string): Pick<Found, 'path' | 'repository'> {
  const repository = manifests[provider.id] && readRepository(text, base);
  if (repository) return { repository, path: `${repository.owner}/${repository.name}` };
  const path = pathAt(text, base) ?? withoutEnd(text);
  const { form, groups } = factsOf(provider).repository;
  if (!/^[\w.-]+(\/[\w.-]+)+$/.test(path) || (!groups && path.split('/').length !== 2))
    throw new Error(`--repo takes the address of the repository, such as ${base}/${form}.`);
  return { repository: undefined, path };
}

type Ask = <T>(given: string | undefined, message: string, example: string, read: (text: string) => T) => Promise<T>;

async function readGateway(
  values: {
    issuer?: string | undefined;
    editors?: string | undefined;
    paths?: string | undefined;
    branch?: string | undefined;
  },
  facts: CmsFacts | undefined,
  prompts: Prompts | undefined,
  ask: Ask,
): Promise<Omit<GatewayOptions, 'repositoryUrl'>> {
  const chosen =
    values.issuer ??
    (await prompts?.choose('Where do your editors sign in?', [
      ...knownIssuers.flatMap(({ name, example }) =>
        example !== undefined && !example.includes('<') ? [{ value: example, label: name }] : [],
      ),
      { value: '', label: 'somewhere else: Microsoft, Okta, Auth0, Keycloak, …' },
    ]));
  const issuer = await ask(
    chosen === '' ? undefined : chosen,
    'What is its issuer? (the part before /.well-known/openid-configuration)',
    'https://login.microsoftonline.com/<tenant id>/v2.0',
    readIssuer,
  );
  const editors = await ask(
    values.editors,
    'Who may edit? (e-mail addresses, with commas between)',
    'ann@example.org, bob@example.org',
    readEditors,
  );
  const proposed = facts?.paths.join(',') ?? '';
  const paths = await ask(
    values.paths ?? (proposed === '' ? undefined : await agreed(proposed, prompts)),
    'Which folders and files may they change? (** is everything)',
    'content/**, static/img/**',
    (text) => fitting('--paths', text.replaceAll(/\s+/g, ''), /^[^\s,"';]+(,[^\s,"';]+)*$/),
  );
  return { issuer, editors, paths, branch: values.branch ?? facts?.branch };

  /** What the configuration of the CMS names, if its owner says so, or if there is nobody to ask. */
  async function agreed(list: string, somebody: Prompts | undefined): Promise<string | undefined> {
    if (!somebody) return list;
    const yes = await somebody.confirm(
      `Your CMS writes into these: ${list.replaceAll(',', ', ')}. May editors change these, and nothing else?`,
    );
    return yes ? list : undefined;
  }
}

function readIssuer(text: string): string {
  const issuer = plainIssuer(text.trim());
  const url = URL.canParse(issuer) ? new URL(issuer) : undefined;
  if (url && (url.protocol === 'https:' || isLoopback(url))) return issuer;
  throw new Error('--issuer takes the address that the provider calls its issuer, such as https://accounts.google.com');
}

function readEditors(text: string): string {
  const list = text
    .split(',')
    .map((one) => one.trim())
    .filter(Boolean);
  const strange = list.find((one) => one !== '*' && !/^[^\s"`;:<>()[\]\\@]*@[^\s"`;:<>()[\]\\@]+$/.test(one));
  if (list.length > 0 && strange === undefined) return list.join(',');
  throw new Error(
    '--editors takes e-mail addresses with commas between, such as ann@example.org,bob@example.org. @example.org is everybody there.',
  );
}

/** Settings are refused by their own names; here it is an argument that was wrong. */
function named<T>(argument: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new Error((error as Error).message.replace(/^CMS_AUTH_\w+/, argument), { cause: error });
  }
}

/** @returns the one that is given, or that of the AWS tools here; nothing if there is none */
async function readRegion(given: string | undefined): Promise<string | undefined> {
  const region = given ?? (await regionInUse());
  return region === undefined ? undefined : fitting('--region', region, /^[a-z]{2}(-[a-z]+)+-\d$/);
}

/** AWS makes longer names from it, such as that of the role: 64 characters with those of the service and the longest region. */
export function checkStage(stage: string): void {
  if (stage.length > 19) throw new Error('With --to aws, --name takes at most 19 characters.');
}

/** A name that all platforms take. */
function nameFor(repository: Repository | undefined, cms: string, what: 'login' | 'gateway'): string {
  const from = repository?.name ?? new URL(cms).hostname;
  const name = from
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '');
  return `cms-${what}-${name}`.slice(0, 58).replace(/-+$/, '');
}
