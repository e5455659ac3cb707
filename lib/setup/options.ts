import { parseArgs } from 'node:util';
import { manifests, type ManifestFlow } from '../providers/manifests.ts';
import type { Provider } from '../providers/provider.ts';
import type { Environment } from '../config/environment.ts';
import { readAddress, urlSetting, type Address } from '../config/settings.ts';
import { parseOrigins } from '../http/origins.ts';
import { givenCredentials, withoutCredentials } from './credentials.ts';
import { refuseKept, type ArgumentTypes } from './npm.ts';
import type { Prompts } from './terminal.ts';

export const help = `Registers an app at the Git host and puts its values where the login server reads them.

  npm run setup -- github --repo OWNER/NAME --url https://auth.example.com [options]
  npm run setup -- gitlab --url https://auth.example.com [options]

  --repo <owner/name>   the repository of your site (GitHub only)
  --url <address>       where the login server is, or will be
  --site <origin>       where the CMS page is, such as https://www.example.com; otherwise the same as --url,
                        or what CMS_AUTH_ORIGINS already lists
  --org <name>          GitHub: the organisation that owns the repository; otherwise GitHub is asked
  --gateway             GitHub: keep the app's private key, for editors without an account at GitHub
  --to <place>          env (the file .env, the default), netlify, cloudflare, aws or firebase
  --worker <name>       cloudflare: the Worker, if it is not the one that wrangler.jsonc names
  --stage <name>        aws: the stage that you deploy (live)
  --region <name>       aws: the region, such as eu-west-1; otherwise what the AWS tools use
  --replace             replace values that are there already
  --port <number>       of the page that opens in your browser; otherwise any free one
  --no-open             print its address, but open no browser
  --help

  In a terminal, what is missing is asked for. GITHUB_URL and GITLAB_URL name an instance of your own.
  Exit code: 0 done, 1 failed, 2 wrong usage.
`;

/** Where values can go, in words. */
export const places = {
  env: 'the file .env here',
  netlify: "a Netlify site's variables",
  cloudflare: "a Cloudflare Worker's secrets",
  aws: 'AWS (Parameter Store)',
  firebase: 'Firebase (Secret Manager)',
} as const;
export type Place = keyof typeof places;
const placeNames = Object.keys(places) as Place[];

export interface Repository {
  owner: string;
  name: string;
}

const argumentTypes = {
  repo: { type: 'string' },
  url: { type: 'string' },
  site: { type: 'string' },
  org: { type: 'string' },
  gateway: { type: 'boolean', default: false },
  to: { type: 'string' },
  stage: { type: 'string' },
  region: { type: 'string' },
  worker: { type: 'string' },
  replace: { type: 'boolean', default: false },
  port: { type: 'string' },
  'no-open': { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
} as const satisfies ArgumentTypes;

/** What is to be done, checked. */
export interface Options {
  provider: Provider;
  /** Where the provider is, without a slash at the end. */
  base: string;
  /** Only where the provider can register an app by a manifest; then there is a repository, too. */
  byManifest:
    | { flow: ManifestFlow; repository: Repository; organisation: string | undefined; gateway: boolean | 'alone' }
    | undefined;
  address: Address;
  /** Origin of the CMS page; otherwise it is on the login server's own. */
  site: string | undefined;
  to: Place;
  stage: string;
  region: string | undefined;
  /** Cloudflare: the Worker's name; otherwise as its configuration has it. */
  worker: string | undefined;
  replace: boolean;
  /** The deploy command does the rest: nobody is told to. */
  partOfDeploy: boolean;
  port: number;
  open: boolean;
}

/**
 * Reads the arguments, and asks for what is missing if there is somebody to ask.
 *
 * @param env the settings as they are now, for the addresses of the hosts
 * @param shell the environment alone, without what is in `.env`: what was registered earlier is not meant for now
 * @returns nothing if help was asked for
 * @throws Error in words if it was called wrongly
 */
export async function readOptions(
  parameters: readonly string[],
  providers: readonly Provider[],
  env: Environment,
  prompts: Prompts | undefined,
  shell: Environment = env,
): Promise<Options | undefined> {
  refuseKept('setup', argumentTypes, parameters, env);
  const { values, positionals } = parseArgs({
    args: [...parameters],
    allowPositionals: true,
    options: argumentTypes,
  });
  if (values.help) return undefined;
  const [id, ...more] = positionals;
  if (more.length > 0) throw new Error(`One Git host at a time, please: what is "${more[0]}"?`);
  const known = providers.map((provider) => provider.id);
  if (id !== undefined && !known.includes(id))
    throw new Error(`There is no Git host "${id}" here: ${known.join(', ')}.`);

  const isManifest = (provider: string): boolean => manifests[provider] !== undefined;
  const isComplete = id !== undefined && values.url !== undefined && (!isManifest(id) || values.repo !== undefined);
  if (!isComplete && !prompts) {
    const missing = [
      ...(id === undefined ? [`the Git host (${known.join(', ')})`] : []),
      ...(values.repo === undefined && (id === undefined || isManifest(id))
        ? [`--repo OWNER/NAME${id === undefined ? ' (GitHub only)' : ''}`]
        : []),
      ...(values.url === undefined ? ['--url https://auth.example.com'] : []),
    ];
    throw new Error(`Something is missing: ${missing.join(', ')}. In a terminal you would be asked for it.`);
  }

  const asked = isComplete ? undefined : prompts;
  const chosen =
    id ??
    (await asked?.choose(
      'Where is the repository of your site?',
      providers.map((provider) => ({ value: provider.id, label: provider.name })),
    ));
  const provider = providers.find((one) => one.id === chosen);
  if (!provider) throw new Error('Which Git host?');
  const base = urlSetting(provider).read(env);
  const flow = manifests[provider.id];
  if (!flow && (values.repo !== undefined || values.org !== undefined || values.gateway))
    throw new Error(`--repo, --org and --gateway do not go with ${provider.name}.`);

  if (!flow && !prompts && !givenCredentials(provider, shell)) throw new Error(withoutCredentials(provider));

  const ask = async <T>(given: string | undefined, message: string, example: string, read: (text: string) => T) =>
    given === undefined && asked ? read(await asked.text(message, example, wrong(read))) : read(given ?? '');
  const readRepo = (text: string) => readRepository(text, base);
  const repository = flow && (await ask(values.repo, 'Which repository?', 'owner/name', readRepo));
  const address = await ask(
    values.url,
    'At which address is the login server, or will it be?',
    'https://auth.example.com',
    (text) => named('--url', () => readAddress({ CMS_AUTH_URL: text || 'nothing' }, undefined)),
  );
  const site = await ask(
    values.site ?? (asked ? undefined : ''),
    'On which origin is the CMS page? (Enter: on the same)',
    'https://www.example.com',
    readSite,
  );
  const to = await readPlace(values.to, asked);
  if (to !== 'aws' && (values.stage !== undefined || values.region !== undefined))
    throw new Error('--stage and --region go with --to aws only.');
  if (to !== 'cloudflare' && values.worker !== undefined) throw new Error('--worker goes with --to cloudflare only.');
  const { org } = values;
  if (org !== undefined && repository && org.toLowerCase() !== repository.owner.toLowerCase())
    throw new Error(
      `--org ${org} does not own ${repository.owner}/${repository.name}. The app is private, so it has to belong to ${repository.owner}: leave out --org, or name that.`,
    );
  return {
    provider,
    base,
    byManifest: flow &&
      repository && { flow, repository, organisation: org && repository.owner, gateway: values.gateway },
    address,
    site,
    to,
    stage: fitting('--stage', values.stage ?? 'live', /^[\w.-]{1,64}$/),
    region: values.region === undefined ? undefined : fitting('--region', values.region, /^[a-z]{2}(-[a-z]+)+-\d$/),
    worker: values.worker === undefined ? undefined : fitting('--worker', values.worker, /^[a-z0-9][a-z0-9-]{0,62}$/),
    replace: values.replace,
    partOfDeploy: false,
    port: values.port === undefined ? 0 : readPort(values.port),
    open: !values['no-open'],
  };
}

/** What a question says about an answer that cannot be used. Whoever answers has seen no option. */
export const wrong =
  (read: (text: string) => unknown) =>
  (text: string): string | undefined => {
    try {
      read(text);
      return undefined;
    } catch (error) {
      const words = (error instanceof Error ? error.message : String(error))
        .replace(/^--[\w-]+ takes the address/, 'paste the address')
        .replace(/^--[\w-]+ takes /, 'write ')
        .replace(/^--[\w-]+ is /, 'it is ')
        .replace(/^--[\w-]+ cannot be used:? /, '');
      return words.charAt(0).toUpperCase() + words.slice(1);
    }
  };

/** Settings are refused by their own names; here it is an argument that was wrong. */
function named<T>(argument: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new Error(
      (error as Error).message.replace(
        /^CMS_AUTH_\w+ (cannot be used|is set but empty)[.:]?/,
        `${argument} cannot be used:`,
      ),
      {
        cause: error,
      },
    );
  }
}

/**
 * What people copy of a repository's address: as a browser shows it, with or without its beginning, or as Git takes it.
 *
 * @param base where the host is
 * @returns the path below the host; nothing if it is an address somewhere else, or none
 */
export function pathAt(text: string, base: string): string | undefined {
  const { host, hostname, pathname } = new URL(base);
  const prefix = pathname.replace(/\/$/, '');
  const beginnings = [
    `${base}/`,
    `${host}${prefix}/`,
    `git@${hostname}:`,
    `ssh://git@${hostname}/`,
    `ssh://git@${hostname}${prefix}/`,
  ];
  const given = text.trim();
  const beginning = beginnings.find((one) => given.startsWith(one));
  return beginning === undefined ? undefined : withoutEnd(given.slice(beginning.length));
}

export const withoutEnd = (path: string): string => path.replace(/\/$/, '').replace(/\.git$/, '');

/** @param base where the host is: people copy the repository's address */
export function readRepository(text: string, base: string): Repository {
  const [, owner, name] =
    /^([A-Za-z0-9][\w-]{0,99})\/([\w.-]{1,100})$/.exec(pathAt(text, base) ?? withoutEnd(text.trim())) ?? [];
  if (owner === undefined || name === undefined || /^\.+$/.test(name))
    throw new Error(`--repo takes the address of the repository, such as ${base}/acme/website.`);
  return { owner, name };
}

export function readSite(text: string): string | undefined {
  const origin = text.trim();
  if (origin === '') return undefined;
  const parsed = parseOrigins(origin);
  if ('problem' in parsed) throw new Error(`--site cannot be used: it ${parsed.problem.replace(/^entry 1 /, '')}.`);
  const [exact, ...others] = parsed.list.exact;
  if (exact === undefined || others.length > 0)
    throw new Error('--site takes one origin, without a star. You can add others to CMS_AUTH_ORIGINS later.');
  return exact;
}

async function readPlace(given: string | undefined, prompts: Prompts | undefined): Promise<Place> {
  const choices = placeNames.map((value) => ({ value, label: places[value] }));
  const place = given ?? (await prompts?.choose('Where do the values go?', choices)) ?? 'env';
  const found = placeNames.find((name) => name === place);
  if (!found) throw new Error(`--to takes ${placeNames.join(', ')}.`);
  return found;
}

export function fitting(argument: string, text: string, form: RegExp): string {
  if (form.test(text)) return text;
  throw new Error(`${argument} cannot be used: "${text}" is no such name.`);
}

export function readPort(text: string): number {
  const port = Number(text);
  // Of port 80 browsers leave out the number, and the page answers to its whole name alone.
  if (Number.isInteger(port) && port > 1023 && port < 65536) return port;
  throw new Error('--port takes a number from 1024 to 65535.');
}
