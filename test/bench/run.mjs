// @ts-check
/**
 * The benchmark: all subjects in one run, in turn and paired. It writes `results/`, or with `--check` compares with what is
 * there. Absolute times mean nothing on another machine, nor on this one an hour later; so all are ratios.
 *
 *     npm run bench -- [--rounds 41] [--check]
 */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { cpus, tmpdir, totalmem } from 'node:os';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { measureCold } from './cold.mjs';
import { measureGitHubApi } from './github-api.mjs';
import { measureLarge } from './large.mjs';
import { byHand, byHandWhole, gatewaySettings, largest, makeGateway } from './gateway.mjs';
import { measureGrowth } from './growth.mjs';
import { comparison, report } from './report.mjs';
import { settings } from './settings.mjs';
import { quantile, ratio } from './statistics.mjs';
import { bundle, lambda, makeBareClients, makeFloors, makeSubjects, netlify } from './subjects.mjs';
import { measureWarm, startInstance } from './warm.mjs';

const { values: flags } = parseArgs({
  options: { rounds: { type: 'string', default: '41' }, check: { type: 'boolean', default: false } },
});
const rounds = Number(flags.rounds);
if (!Number.isInteger(rounds) || rounds < 3) throw new Error('--rounds wants a whole number from 3 on, such as 41.');

/** Rounds that a result needs to be kept; fewer are for a look. */
const fewest = 20;

/** A client that keeps no connection, as ours keeps none. */
const apart = 'node:http, a connection each';

/** @param {string} what */
const progress = (what) => (/** @type {number} */ done) =>
  void process.stderr.write(process.stderr.isTTY ? `\r${what} ${done} ` : done % 10 === 0 ? `${what} ${done}\n` : '');

const folder = await mkdtemp(path.join(tmpdir(), 'bench-'));
/** @type {(() => unknown)[]} */
const endings = [() => rm(folder, { recursive: true })];
try {
  const compare = flags.check && (await comparison()); // what it compares with is there, or this ends now
  const results = await measure();
  if (compare) compare(results);
  else await report(results, { keep: rounds >= fewest });
} finally {
  for (const end of endings.reverse()) await end();
}

/** @returns {Promise<import('./report.mjs').Results>} */
async function measure() {
  const subjects = await makeSubjects(folder);
  const floors = await makeFloors(folder);
  const bare = await makeBareClients(folder);
  const host = await startHostApart();
  const env = settings(host);
  const store = await startStore();
  const aws = {
    AWS_ENDPOINT_URL_SSM: store.url,
    AWS_REGION: store.region,
    AWS_ACCESS_KEY_ID: store.credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: store.credentials.secretAccessKey,
    AWS_SESSION_TOKEN: store.credentials.sessionToken,
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true', // a line for people, on Node 20
  };

  /** @type {import('./report.mjs').Results['can']} */
  const can = {};
  for (const subject of subjects) can[subject.name] = await tryOut(subject.module);

  /** @type {Map<string, import('./cold.mjs').Script>} */
  const scripts = new Map();
  for (const [name, file] of Object.entries(floors)) scripts.set(name, { file, env: async () => ({ ...env, ...aws }) });
  for (const { name, module, ask, begin, callback } of subjects) {
    const { logIn, end } = await startInstance(module, env);
    endings.push(end);
    scripts.set(`begin: ${name}`, { file: begin, env: async () => env });
    if (name === lambda || name === netlify) scripts.set(`first step: ${name}`, { file: ask, env: async () => env });
    const withLogin = async () => ({ ...env, LOGIN: JSON.stringify(await logIn()) });
    scripts.set(`callback: ${name}`, { file: callback, env: withLogin });
    const fromStore = async () => ({ ...(await withLogin()), ...aws, GITHUB_CLIENT_SECRET: 'ssm:/cms/github/secret' });
    if (name === lambda) scripts.set('callback, secret in the store', { file: callback, env: fromStore });
  }
  const gateway = await makeGateway(folder);
  const ofGateway = await gatewaySettings(host);
  for (const [name, file] of Object.entries(gateway.cold)) scripts.set(name, { file, env: async () => ofGateway });
  const cold = await measureCold(scripts, rounds, progress('cold, round'));
  const modules = new Map(subjects.map(({ name, module }) => [name, module]));
  modules.set('fetch', bare.fetch).set('node:http', bare.request).set(apart, bare.connect);
  const warm = await measureWarm(modules, env, rounds, progress('warm, round'));
  const warmGateway = await measureWarm(
    new Map(Object.entries(gateway.warm)),
    ofGateway,
    rounds,
    progress('gateway, round'),
  );
  const growth = await measureGrowth(subjects[0]?.module ?? '', bare.request, env, progress('thousand logins:'));
  if (process.stderr.isTTY) process.stderr.write('\r\n');

  /** @type {Record<string, import('./statistics.mjs').Ratio>} */
  const ratios = {};
  /** @param {string} what @param {string} of @param {string} to @param {'cpu' | 'wall' | 'peak'} measure */
  const coldRatio = (what, of, to, measure) => {
    ratios[what] = ratio(cold.get(of)?.[measure] ?? [], cold.get(to)?.[measure] ?? []);
  };
  for (const { name } of subjects) {
    for (const what of ['begin', 'callback']) {
      coldRatio(`cold ${what}: ${name} / empty script`, `${what}: ${name}`, 'empty', 'cpu');
      coldRatio(`cold ${what}, on the clock: ${name} / empty script`, `${what}: ${name}`, 'empty', 'wall');
      coldRatio(`cold ${what}, memory: ${name} / empty script`, `${what}: ${name}`, 'empty', 'peak');
    }
    for (const client of ['fetch', 'node:http', apart]) {
      const own = warm.get(name);
      const other = warm.get(client);
      if (!own || !other) throw new Error(name);
      ratios[`warm begin: ${name} / ${client}`] = ratio(own.begin.median, other.one.median);
      ratios[`warm callback: ${name} / ${client}`] = ratio(own.one.median, other.one.median);
      ratios[`warm callback, 99th percentile: ${name} / ${client}`] = ratio(own.one.late, other.one.late);
      ratios[`16 warm callbacks at once: ${name} / ${client}`] = ratio(own.sixteen.share, other.sixteen.share);
      ratios[`64 warm callbacks at once: ${name} / ${client}`] = ratio(own.sixtyFour.share, other.sixtyFour.share);
    }
  }
  const ownGateway = warmGateway.get('gateway');
  for (const name of [byHand, byHandWhole, 'pass-through']) {
    const other = warmGateway.get(name);
    if (!ownGateway || !other) throw new Error(name);
    ratios[`warm gateway / ${name}`] = ratio(ownGateway.one.median, other.one.median);
    ratios[`64 gateway calls at once / ${name}`] = ratio(ownGateway.sixtyFour.share, other.sixtyFour.share);
  }
  coldRatio('cold gateway, on the clock / one HS256 and one fetch', 'gateway', 'gateway floor', 'wall');
  for (const [what, of, to] of [
    ['cold gateway / one HS256 and one fetch', 'gateway', 'gateway floor'],
    ['random and two HMACs / empty script', 'random', 'empty'],
    ['one fetch / empty script', 'fetch', 'empty'],
    ['one node:http request / empty script', 'request', 'empty'],
    ['one GetParameters with the SDK as it comes / empty script', 'store', 'empty'],
    [`cold begin: ${lambda} / the same job by hand`, `begin: ${lambda}`, 'begin'],
    [`cold begin: ${lambda} / random and two HMACs`, `begin: ${lambda}`, 'random'],
    [`cold begin: ${lambda} / its first step alone`, `begin: ${lambda}`, `first step: ${lambda}`],
    [`cold begin: ${netlify} / its first step alone`, `begin: ${netlify}`, `first step: ${netlify}`],
    [`cold begin: ${netlify} / the same job by hand`, `begin: ${netlify}`, 'beginWeb'],
    [`cold begin: ${netlify} / random, two HMACs and a Response`, `begin: ${netlify}`, 'response'],
    [`cold callback: ${lambda} / one fetch`, `callback: ${lambda}`, 'fetch'],
    [`cold callback: ${lambda} / one node:http request`, `callback: ${lambda}`, 'request'],
    [`cold callback: ${netlify} / one fetch`, `callback: ${netlify}`, 'fetch'],
    [
      `cold callback, secret in the store: ${lambda} / one GetParameters with the SDK as it comes`,
      'callback, secret in the store',
      'store',
    ],
    [
      `cold callback, secret in the store: ${lambda} / the same and one fetch`,
      'callback, secret in the store',
      'storeAndFetch',
    ],
  ])
    coldRatio(what ?? '', of ?? '', to ?? '', 'cpu');

  for (const { kind, distance, ours, passed } of await measureGitHubApi(folder, rounds))
    ratios[`GitHub's API, ${kind}, host ${distance} ms away / pass-through`] = ratio(ours, passed);
  const largeFile = await measureLarge(folder);
  const peak = (/** @type {string} */ name) => quantile(cold.get(name)?.peak ?? [], 0.5);
  return {
    date: new Date().toISOString().slice(0, 10),
    node: process.version,
    machine: `${cpus().length} ${process.arch} cores, ${Math.round(totalmem() / 2 ** 30)} GiB, ${process.platform}`,
    rounds,
    versions: Object.fromEntries(subjects.flatMap(({ name, version }) => (version ? [[name, version]] : []))),
    ratios,
    sizes: Object.fromEntries(subjects.map(({ name, bytes, gzip }) => [name, { bytes, gzip }])),
    can,
    growth,
    beginPeakAboveEmpty: peak(`begin: ${lambda}`) - peak('empty'),
    warmBegin: quantile(warm.get(lambda)?.begin.median ?? [], 0.5),
    gatewayLargePeak: 1 + ((peak('gateway, large') - peak('gateway, large body unused')) * 2 ** 20) / largest,
    largeFile,
    warmFirstStep: quantile(warm.get(lambda)?.first.median ?? [], 0.5),
  };
}

/** In a process of its own, since it works while others are measured. @returns {Promise<string>} its address */
async function startHostApart() {
  const host = spawn(process.execPath, [fileURLToPath(new URL('host.mjs', import.meta.url))], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  endings.push(() => host.kill());
  const ended = once(host, 'exit').then(() => Promise.reject(new Error('The token endpoint has ended.')));
  ended.catch(() => {}); // when it is told to
  const [line] = await Promise.race([once(host.stdout, 'data'), ended]);
  return String(line).trim();
}

/** The tests' own. */
async function startStore() {
  const file = path.join(folder, 'store.mjs');
  await bundle(file, `export * from '../hosts/parameters.ts';`);
  /** @type {typeof import('../hosts/parameters.ts')} */
  const { startParameterStore } = await import(pathToFileURL(file).href);
  const store = await startParameterStore();
  endings.push(() => store.close());
  store.put('/cms/github/secret', 'secret');
  return store;
}

/** In a process of its own, too, whose last line it is. @param {string} module */
async function tryOut(module) {
  const script = fileURLToPath(new URL('try-out.mjs', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [script, module], { env: {}, timeout: 60_000 });
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
}
