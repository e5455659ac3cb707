import { parseArgs } from 'node:util';
import { baseUrl } from '../../config/settings.ts';
import { readAddress } from '../../config/settings.ts';
import { manifests } from '../../providers/manifests.ts';
import { fitting, readPort, readRepository, readSite, wrong, type Repository } from '../options.ts';
import { ask } from '../request.ts';
import { readCmsConfig } from './cms-config.ts';
import { targets, type TargetName } from '../targets.ts';
import type { Environment } from '../../config/environment.ts';
import type { Provider } from '../../providers/provider.ts';
import type { Prompts } from '../terminal.ts';

export const help = `Puts the login for your CMS online, registers it at your Git host, and says what to write into the CMS.

  npm run deploy
  npm run deploy -- --cms https://www.example.com/admin/ --repo OWNER/NAME --to netlify

  --cms <address>       the page of your CMS
  --repo <repository>   the repository of your site, as a browser shows it; OWNER/NAME is one at GitHub
  --to <platform>       ${Object.keys(targets).join(', ')}
  --name <name>         what the login is called there; otherwise after the repository
  --url <address>       an address of your own for it, such as https://auth.example.com
  --config <file>       the config.yml of your CMS in a checkout, to write the new line into
  --region <name>       aws: the region, such as eu-west-1; otherwise what the AWS tools use
  --project <id>        firebase: the project
  --replace             replace values that are there already
  --port <number>       of the page that opens in your browser; otherwise any free one
  --no-open             print its address, but open no browser
  --yes                 ask for no confirmation
  --dry-run             show each step, and do nothing
  --help

  In a terminal, what is missing is asked for. If a step fails, the same command goes on from there.
  Exit code: 0 done, 1 failed, 2 wrong usage.
`;

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
  url: string | undefined;
  config: string | undefined;
  region: string | undefined;
  project: string | undefined;
  replace: boolean;
  port: number;
  open: boolean;
  yes: boolean;
  dryRun: boolean;
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
  const { values } = parseArgs({
    args: [...parameters],
    options: {
      cms: { type: 'string' },
      repo: { type: 'string' },
      to: { type: 'string' },
      name: { type: 'string' },
      url: { type: 'string' },
      config: { type: 'string' },
      region: { type: 'string' },
      project: { type: 'string' },
      replace: { type: 'boolean', default: false },
      port: { type: 'string' },
      'no-open': { type: 'boolean', default: false },
      yes: { type: 'boolean', default: false },
      'dry-run': { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return undefined;
  const missing = [
    ...(values.cms === undefined ? ['--cms https://www.example.com/admin/'] : []),
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
  const known = values.repo === undefined ? await repositoryOf(cms) : undefined;
  const readRepo = (text: string) => readRepositoryOf(text, providers, env);
  const { provider, base, repository } = known
    ? readKnown(known, providers, env)
    : await ask(values.repo, 'Which repository holds your site?', 'https://github.com/owner/name', readRepo);

  const to =
    values.to ??
    (await prompts?.choose(
      'Where shall the login run?',
      Object.entries(targets).map(([value, { label, needs }]) => ({ value, label: `${label}: needs ${needs}` })),
    ));
  const target = Object.keys(targets).find((id): id is TargetName => id === to);
  if (!target) throw new Error(`--to takes ${Object.keys(targets).join(', ')}.`);
  if (target !== 'aws' && values.region !== undefined) throw new Error('--region goes with --to aws only.');
  if (target !== 'firebase' && values.project !== undefined) throw new Error('--project goes with --to firebase only.');

  const readUrl = (text: string) => {
    const { origin, prefix } = named('--url', () => readAddress({ CMS_AUTH_URL: text || 'nothing' }, undefined));
    return origin + prefix;
  };
  const readProject = (text: string) => fitting('--project', text, /^[a-z][a-z0-9-]{4,29}$/);
  return {
    target,
    provider,
    base,
    repository,
    site: new URL(cms).origin,
    name: fitting('--name', values.name ?? nameFor(repository, cms), /^[a-z0-9][a-z0-9-]{0,57}$/),
    url:
      values.url !== undefined || target === 'server'
        ? await ask(values.url, 'At which address will it be?', 'https://auth.example.com', readUrl)
        : undefined,
    config: values.config,
    region: values.region === undefined ? undefined : fitting('--region', values.region, /^[a-z]{2}(-[a-z]+)+-\d$/),
    project:
      target === 'firebase'
        ? await ask(values.project, 'Which Firebase project? (its id)', 'my-project', readProject)
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
async function repositoryOf(cms: string): Promise<{ backend: string; repository: string } | undefined> {
  const page = cms.replace(/[^/]*\.html?$/, '').replace(/\/?$/, '/');
  try {
    const { status, text } = await ask('The page of your CMS', new URL('config.yml', page).href);
    const facts = status === 200 ? readCmsConfig(text) : undefined;
    const { backend, repository } = facts ?? {};
    return backend !== undefined && repository !== undefined ? { backend, repository } : undefined;
  } catch {
    return undefined; // then it is asked for
  }
}

interface Found {
  provider: Provider;
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
  const base = baseUrl(env, provider);
  return { provider, base, repository: manifests[provider.id] && readRepository(repository, base) };
}

/** The host by the address, so nobody has to know what kind it is. */
function readRepositoryOf(text: string, providers: readonly Provider[], env: Environment): Found {
  const given = text.trim();
  const bases = providers.map((provider) => ({ provider, base: baseUrl(env, provider) }));
  const found = bases.find(({ base }) => given.startsWith(`${base}/`));
  if (!found && given.includes('://'))
    throw new Error(
      `--repo is at none of ${bases.map(({ base }) => base).join(', ')}. For an instance of your own, set ${providers.map(({ id }) => `${id.toUpperCase()}_URL`).join(' or ')} first.`,
    );
  const { provider, base } = found ?? bases.find(({ provider: one }) => manifests[one.id]) ?? {};
  if (!provider || base === undefined) throw new Error('--repo takes the address of your repository.');
  return { provider, base, repository: manifests[provider.id] && readRepository(given, base) };
}

/** Settings are refused by their own names; here it is an argument that was wrong. */
function named<T>(argument: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new Error((error as Error).message.replace(/^CMS_AUTH_\w+/, argument), { cause: error });
  }
}

/** A name that all platforms take. */
function nameFor(repository: Repository | undefined, cms: string): string {
  const from = repository?.name ?? new URL(cms).hostname;
  const name = from
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '');
  return `cms-login-${name}`.slice(0, 58).replace(/-+$/, '');
}
