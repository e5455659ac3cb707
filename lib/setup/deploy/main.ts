import { cp, mkdir, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { configuration } from '../../config/cms-config.ts';
import { readAddress } from '../../config/settings.ts';
import { factsOf } from '../../providers/facts.ts';
import { issuerFacts } from '../../providers/issuers.ts';
import { manifests } from '../../providers/manifests.ts';
import { runCommand, toWords } from '../command.ts';
import { registerByManifest } from '../manifest.ts';
import { registerManually } from '../manual.ts';
import { applyChange, changeFor, findCmsConfigs } from './cms-config.ts';
import { givenCredentials, withoutCredentials } from '../credentials.ts';
import { checkStage, help, readDeployOptions, type DeployOptions } from './options.ts';
import { progressFile, readProgress, writeProgress, type Progress } from './progress.ts';
import { areKept, ValuesKept } from '../save.ts';
import { withoutRegion } from '../stores/aws.ts';
import { targets } from '../targets.ts';
import { Cancelled } from '../terminal.ts';
import { saveSignIn, saveToken, tellCmsOfGateway } from './gateway.ts';
import { untilReady } from './verify.ts';
import type { Provider } from '../../providers/provider.ts';
import type { Io } from '../io.ts';
import type { Options } from '../options.ts';
import type { Deployment, Target } from '../targets/target.ts';

/** What a platform's tools read besides what is built. */
const platformFiles = [
  'netlify.toml',
  'serverless.yml',
  'serverless-gateway.yml',
  'firebase.json',
  'wrangler.jsonc',
  'wrangler-gateway.jsonc',
  'package.json',
];

/**
 * From nothing to a login that is ready: deploys, registers, sets, asks, and tells what to write into the CMS.
 *
 * @param source the folder of this project or package, with what the build made
 * @returns the exit code
 */
export async function deploy(
  parameters: readonly string[],
  providers: readonly Provider[],
  io: Io,
  source: string,
): Promise<number> {
  // A gateway never shares a folder with a login: the platforms' tools keep there what belongs to it, and its settings.
  const login = (await isProject(io.folder)) ? io.folder : path.join(io.folder, 'cms-login');
  const folder = parameters.includes('--gateway') ? path.join(io.folder, 'cms-gateway') : login;
  return runCommand<DeployOptions>(
    {
      help,
      async read(environment) {
        const options = await readDeployOptions(parameters, providers, environment, io.prompts);
        if (options) await checkBegin(options, { ...io, folder });
        return options;
      },
      run: (options) => run(options, providers, { ...io, folder }, source, io.folder),
    },
    io,
    folder,
  );
}

/** A clone of this project is deployed from where it is; in any other folder, a folder of its own is made. */
const isProject = async (folder: string): Promise<boolean> =>
  (
    await Promise.all(
      ['serverless.yml', 'dist', 'functions'].map((name) => stat(path.join(folder, name)).catch(() => {})),
    )
  ).every(Boolean);

interface Step {
  words: string;
  /** By the progress, as it is then. */
  isDone: () => boolean;
  run: () => Promise<void>;
}

/** @throws Error in words, which say what is done and what is not */
async function run(
  options: DeployOptions,
  providers: readonly Provider[],
  io: Io,
  source: string,
  checkout: string,
): Promise<void> {
  const target: Target = targets[options.target];
  const { gateway } = options;
  const service = gateway ? 'gateway' : 'login';
  const { progress, other } = await progressOf(options, io);
  if (other !== undefined) io.write(`${progressFile} is of another login (${other}). This begins a new one.`);
  const stage = progress.stage ?? 'live';
  const region = options.region ?? progress.region;
  if (region !== undefined) progress.region = region;
  if (options.project !== undefined) progress.project = options.project;
  const deployment: Deployment = {
    ...options,
    service,
    stage,
    region,
    isNew: progress.url === undefined,
    providers,
    folder: io.folder,
  };
  const isAgain = progress.deployed === true;
  const save = () => writeProgress(io.folder, progress);
  /** Values that do not get into their place are not asked for again: the next run has them, or their owner did it by hand. */
  const putting = async (what: 'registered' | 'known', put: () => Promise<void>) => {
    const byHand = progress.kept === what && !options.replace && !(await areKept(io.folder));
    try {
      if (byHand) io.write('.env.setup is gone, so its values are in their place.');
      else await put();
    } catch (error) {
      if (error instanceof ValuesKept) {
        progress.kept = what;
        await save();
      }
      throw error;
    }
    delete progress.kept;
    progress[what] = true;
    await save();
  };

  const steps: Step[] = [
    {
      words: `${target.firstStep}${options.target === 'server' ? '' : ` (${options.target === 'aws' ? stage : options.name})`}`,
      isDone: () => progress.url !== undefined && !isAgain,
      async run() {
        const own = await target.first(deployment, io);
        progress.url = options.url ?? own;
        if (options.url !== undefined && options.url !== own)
          io.write(`Point ${new URL(options.url).host} to it: add that domain at ${target.label}.`);
        await save();
      },
    },
    {
      words: gateway
        ? `get a key to the repository at ${options.provider.name}`
        : `register it at ${options.provider.name} and put the settings in`,
      isDone: () => progress.registered === true,
      async run() {
        const setup = setupOptions({ ...options, stage, region }, progress.url ?? '', target);
        const { byManifest, ...rest } = setup;
        // The app is registered even if nobody installs it in time.
        const whenSaved = async () => {
          progress.registered = true;
          await save();
        };
        await putting('registered', () =>
          byManifest
            ? registerByManifest({ ...rest, byManifest }, io, whenSaved)
            : gateway
              ? saveToken(setup, gateway, io)
              : registerManually(setup, io),
        );
      },
    },
    ...(gateway
      ? [
          {
            words: `let editors sign in at ${issuerFacts(gateway.issuer).name}`,
            isDone: () => progress.known === true,
            async run() {
              const setup = setupOptions({ ...options, stage, region }, progress.url ?? '', target);
              await putting('known', () => saveSignIn(setup, gateway, target, options.url, io));
            },
          },
        ]
      : []),
    ...(target.last
      ? [
          {
            words: target.lastStep ?? '',
            isDone: () => false,
            async run() {
              await target.last?.(deployment, io);
              progress.deployed = true;
              await save();
            },
          },
        ]
      : []),
    {
      words: target.startedByHand ? 'say how to start it' : `ask the ${service} whether it is ready`,
      isDone: () => false,
      async run() {
        const url = progress.url ?? '';
        if (target.startedByHand) return io.write(target.startedByHand(deployment));
        const page = gateway
          ? { ready: '/git', more: '/git' }
          : { ready: `/auth/${options.provider.id}/callback`, more: '/auth' };
        io.write(`Asking ${url}${page.more} whether it is ready ...`);
        const { isReady, words } = await untilReady(url, page, io);
        if (!isReady) throw new Error(`The ${service} is not ready yet. ${words}`);
        progress.deployed = true;
        await save();
        io.write(`The ${service} is ready.`);
      },
    },
    {
      words: 'tell the CMS',
      isDone: () => false,
      run: () =>
        gateway
          ? tellCmsOfGateway(options, gateway, progress.url ?? '', io)
          : tellCms(options, progress.url ?? '', io, checkout),
    },
  ];

  if (options.dryRun) {
    const list = steps.map(({ words, isDone }, i) => `${i + 1}. ${words}${isDone() ? ' (done)' : ''}`);
    return io.write(['Nothing is done yet. These are the steps:', '', ...list].join('\n'));
  }
  await mkdir(io.folder, { recursive: true });
  if (path.resolve(io.folder) !== path.resolve(source)) await copyProject(source, io.folder);
  if (io.folder !== checkout) await keepFromGit(io.folder);
  if (!isAgain && steps.some(({ isDone }) => isDone())) io.write('An earlier run got further: going on from there.');
  for (const [i, step] of steps.entries()) {
    if (step.isDone()) continue;
    io.write(`\n[${i + 1}/${steps.length}] ${upper(step.words)}`);
    try {
      if (io.stopped.aborted) throw new Cancelled('Stopped.');
      await step.run();
    } catch (error) {
      // Such as an app that is registered, and not installed yet.
      const next = step.isDone() ? i + 1 : i;
      const done = steps.slice(0, next).map(({ words }) => words);
      const left = steps.slice(next).map(({ words }) => words);
      throw new Error(
        [
          toWords(error),
          '',
          ...(done.length > 0 ? [`Done: ${done.join('; ')}.`] : []),
          `Not done: ${left.join('; ')}.`,
          'Run the same command again: it goes on from here.',
        ].join('\n'),
        { cause: error },
      );
    }
  }
}

const upper = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/**
 * Before anything is made: what an earlier run has made already needs less.
 *
 * @throws Error in words
 */
async function checkBegin(options: DeployOptions, io: Io): Promise<void> {
  const { target, provider, gateway, replace, region, dryRun } = options;
  const { progress } = await progressOf(options, io);
  if (target === 'aws') {
    checkStage(progress.stage ?? 'live');
    if (region === undefined && progress.region === undefined && !dryRun) throw new Error(withoutRegion);
  }
  const byHand = !gateway && !manifests[provider.id];
  if (!byHand || progress.registered || io.prompts || givenCredentials(provider, io.env)) return;
  if ((progress.kept === 'registered' && !replace) || (await areKept(io.folder))) return;
  throw new Error(withoutCredentials(provider));
}

/** Of an earlier run with the same answers; a new one otherwise. */
async function progressOf(
  { target, name, stage, region, project, provider, repository, site, url, gateway }: DeployOptions,
  io: Io,
): Promise<{ progress: Progress; other?: string }> {
  const fresh: Progress = {
    target,
    service: gateway ? 'gateway' : 'login',
    name,
    ...(target === 'aws' && { stage, ...(region !== undefined && { region }) }),
    ...(project !== undefined && { project }),
    provider: provider.id,
    repository: repository && `${repository.owner}/${repository.name}`,
    site,
  };
  const kept = await readProgress(io.folder);
  const isSame =
    kept !== undefined &&
    (['target', 'service', 'name', 'provider', 'repository', 'site'] as const).every(
      (key) => kept[key] === fresh[key],
    ) &&
    (kept.stage === undefined || kept.stage === stage) &&
    [
      [kept.region, region],
      [kept.project, project],
      [kept.url, url],
    ].every(([before, now]) => before === undefined || now === undefined || before === now);
  if (isSame) return { progress: kept };
  return { progress: fresh, ...(kept && { other: kept.name }) };
}

/** What the set-up does, as if somebody had typed it. */
function setupOptions(options: DeployOptions, url: string, target: Target): Options {
  const { provider, base, repository, site, stage, region, name, replace, port, open } = options;
  const flow = manifests[provider.id];
  return {
    provider,
    base,
    byManifest: flow &&
      repository && { flow, repository, organisation: undefined, gateway: options.gateway ? 'alone' : false },
    address: readAddress({ CMS_AUTH_URL: url }, undefined),
    site: site === new URL(url).origin ? undefined : site,
    to: target.place,
    stage,
    region,
    worker: name,
    replace,
    partOfDeploy: true,
    port,
    open,
  };
}

/** What the vendors' tools deploy, from the package into a folder of the owner's. */
async function copyProject(source: string, folder: string): Promise<void> {
  for (const name of ['dist', ...platformFiles])
    await cp(path.join(source, name), path.join(folder, name), { recursive: true, force: true }).catch(
      (error: NodeJS.ErrnoException) => {
        if (error.code !== 'ENOENT') throw error; // a file of a platform that this version does not have
      },
    );
}

/** A folder of its own may be in the checkout of a site, and secrets come into it: it has to stay out of the site's commits. */
async function keepFromGit(folder: string): Promise<void> {
  const words = '# Made by "npm run deploy". Settings and secrets are in here.\n*\n';
  await writeFile(path.join(folder, '.gitignore'), words, { flag: 'wx' }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
}

/** Changes the configuration in a checkout after a question, or says what to write. */
async function tellCms(options: DeployOptions, url: string, io: Io, checkout: string): Promise<void> {
  const { provider, base, repository } = options;
  const address = readAddress({ CMS_AUTH_URL: url }, undefined);
  const files =
    options.config === undefined ? await findCmsConfigs(checkout) : [path.resolve(checkout, options.config)];
  // One is the CMS's own; with several, only their owner knows which.
  const [file] = files.length === 1 ? files : [];
  if (file !== undefined && address.prefix === '') {
    try {
      const change = await changeFor(file, address.origin);
      if (!change) return io.write(`${file} names this login already.\n\nDone. Open your CMS and press Login.`);
      io.write(`In ${file}:\n\n${change.diff}\n`);
      if (options.yes || (await io.prompts?.confirm('Write this?'))) {
        await applyChange(change);
        return io.write('Written. Publish it, then open your CMS and press Login.');
      }
    } catch (error) {
      io.write(toWords(error));
    }
  }
  const config = configuration(provider, base, address, {
    cms: factsOf(provider).cms.sveltia ? 'sveltia' : 'decap',
    ...(repository && { repository: `${repository.owner}/${repository.name}` }),
  });
  const line = `  base_url: ${address.origin}`;
  io.write(
    [
      'Write this line into the configuration of your CMS (config.yml), below "backend:":',
      '',
      line,
      '',
      'The whole of it is then:',
      '',
      ...config.split('\n').map((text) => `  ${text}`),
      '',
      `Publish it, then open your CMS and press Login. If something is wrong, ${url}/auth says what.`,
    ].join('\n'),
  );
}
