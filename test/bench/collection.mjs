// @ts-check
/**
 * What an editor feels: Decap CMS, as published, opens a collection of 500 posts in Chromium, directly at a GitHub that is 20 ms
 * away, and through the gateway in front of the same one. All in one run, in turn and paired. It writes `results/collection.md`.
 *
 *     npm run bench:collection -- [--rounds 7] [--many 3] [--profile folder]
 */
import { execFile, fork, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { SignJWT } from 'jose';
import { chromium } from 'playwright-core';
import { report } from './collection-report.mjs';
import { gatewaySettings } from './gateway.mjs';
import { visitByMany } from './many.mjs';
import { quantile } from './statistics.mjs';
import { bundle } from './subjects.mjs';

/**
 * @typedef {import('./many.mjs').Asked} Asked
 *
 * @typedef {import('./collection-report.mjs').Visit} Visit
 * @typedef {import('./collection-report.mjs').Crowd} Crowd
 *
 * @typedef {object} Way
 * @property {string} name
 * @property {readonly import('./collection-report.mjs').Kind[]} kinds of visits
 * @property {() => Promise<Opened>} open for one round
 *
 * @typedef {object} Opened
 * @property {string} root of the API
 * @property {(editor: number) => Promise<string>} token as a sign-in gives it
 * @property {() => unknown} end
 */

const { values: flags } = parseArgs({
  options: {
    rounds: { type: 'string', default: '7' },
    many: { type: 'string', default: '3' },
    profile: { type: 'string' },
  },
});
const [rounds, manyRounds] = [Number(flags.rounds), Number(flags.many)];

const crowds = [8, 64];

/** Rounds that a result needs to be kept; fewer are for a look. */
const fewest = 3;

const posts = 500;
/** How far the host is away, in milliseconds. */
const delay = 20;
const credential = 'github_pat_bench';
const tokenOfEditor = 'gho_bench';

const executablePath = [process.env['CHROMIUM_PATH'] ?? '', '/usr/bin/chromium', '/usr/bin/google-chrome'].find(
  (file) => existsSync(file),
);
if (executablePath === undefined) throw new Error('Install Chromium, or set CHROMIUM_PATH to one.');

/** With an order that the owner wants, Decap reads all posts to open the list. Without one it reads 20, and more by scrolling. */
const sorted = 'create: true\n    sortable_fields: [title, { field: date, default_sort: desc }]\n';

const folder = await mkdtemp(path.join(tmpdir(), 'collection-'));
/** What was measured. */
const versions = { decap: '', chromium: '' };
/** @type {(() => unknown)[]} */
const endings = [() => rm(folder, { recursive: true })];
try {
  await measure();
} finally {
  for (const end of endings.reverse()) await end();
}

async function measure() {
  const { stdout } = await promisify(execFile)(executablePath ?? '', ['--version']);
  versions.chromium = /[\d.]+/.exec(stdout)?.[0] ?? '';
  const host = await startHost();
  const site = await startSite();
  const near = { name: 'gateway', open: () => startGateway(host, site.url, 0) };
  /** @type {Way[]} */
  const ways = [
    {
      name: 'direct',
      kinds: ['first', 'second', 'later'],
      open: async () => ({ root: `${host.url}/api/v3`, token: async () => tokenOfEditor, end() {} }),
    },
    { ...near, kinds: ['first', 'second', 'later', 'other'] },
    { name: 'far gateway', kinds: ['first', 'second'], open: () => startGateway(host, site.url, delay) },
  ];
  /** @type {Map<string, Visit[]>} */
  const visits = new Map(ways.flatMap((way) => way.kinds.map((kind) => [`${way.name}: ${kind}`, []])));
  for (let round = 0; round < rounds; round++) {
    for (const way of ways) {
      const opened = await way.open();
      const session = await opened.token(0);
      const browser = await mkdtemp(path.join(folder, 'browser-'));
      const another = await mkdtemp(path.join(folder, 'browser-'));
      for (const kind of way.kinds) {
        const token = kind === 'second' || kind === 'first' ? session : await opened.token(kind === 'other' ? 1 : 0);
        const profile = kind === 'other' ? another : browser;
        visits.get(`${way.name}: ${kind}`)?.push(await visit(opened.root, site, host, profile, token));
      }
      await opened.end();
    }
    process.stderr.write(`one editor, round ${round + 1}\n`);
  }
  /** @type {Map<string, Crowd[]>} */
  const many = new Map();
  for (const editors of crowds)
    for (let round = 0; round < manyRounds; round++) {
      for (const way of ways.slice(0, 2)) {
        const { root, token, end } = await way.open();
        for (const kind of /** @type {const} */ (['first', 'second', 'later'])) {
          const asked = visits.get(`${way.name}: ${kind}`)?.[0]?.sent ?? [];
          const tokens = await Promise.all(Array.from({ length: editors }, (_, editor) => token(editor)));
          await host.counts();
          const times = await visitByMany({ root, origin: site.url, asked, tokens });
          const key = `${editors} ${way.name}: ${kind}`;
          const crowd = { time: quantile(times, 0.5), atHost: (await host.counts()).calls / editors };
          many.set(key, [...(many.get(key) ?? []), crowd]);
        }
        await end();
      }
      process.stderr.write(`${editors} editors, round ${round + 1}\n`);
    }
  const text = report({ visits, many, rounds, manyRounds, crowds, posts, delay, ...versions });
  console.log(text);
  if (rounds >= fewest) await writeFile(path.join(import.meta.dirname, 'results/collection.md'), text);
}

/** @typedef {Awaited<ReturnType<typeof startHost>>} Host */

async function startHost() {
  const file = await bundle(path.join(folder, 'host.mjs'), `import './collection-host.mjs';`);
  const child = fork(file);
  endings.push(() => child.kill());
  const ended = once(child, 'exit').then(() => Promise.reject(new Error('The Git host has ended.')));
  ended.catch(() => {}); // when it is told to
  /** @param {import('node:child_process').Serializable} order */
  const ask = async (order) => {
    const answer = once(child, 'message');
    child.send(order);
    return (await Promise.race([answer, ended]))[0];
  };
  const files = Object.fromEntries(
    Array.from({ length: posts }, (_, i) => [
      `content/posts/post-${i}.md`,
      `---\ntitle: Post ${i}\ndate: ${new Date(Date.UTC(2025, 0, 1 + i)).toISOString()}\n---\n${'Some text of a post. '.repeat(80)}\n`,
    ]),
  );
  return {
    url: /** @type {string} */ (await ask({ files, tokens: [credential, tokenOfEditor], delay })),
    /** @param {string} to @param {number} delay @returns {Promise<string>} */
    relay: (to, delay) => ask({ relay: to, delay }),
    /** @returns {Promise<import('./collection-host.mjs').Counts>} since it was last asked */
    counts: () => ask('counts'),
  };
}

async function startSite() {
  const code = `export * from '../cms/server.ts'; export * from '../cms/page.ts'; export * from '../cms/bundles.ts';`;
  const file = await bundle(path.join(folder, 'site.mjs'), code);
  /** @type {typeof import('../cms/server.ts') & typeof import('../cms/page.ts') & typeof import('../cms/bundles.ts')} */
  const { startCmsSite, configYml, cmsBundle } = await import(pathToFileURL(file).href);
  /** @type {import('../cms/page.ts').CmsConfig} */
  const config = { backend: {} };
  const site = await startCmsSite({
    cms: 'decap',
    config,
    async besides({ url }, response) {
      if (url !== '/config.yml') return false;
      response.setHeader('Content-Type', 'text/yaml').setHeader('Cache-Control', 'no-store');
      response.end(configYml(config).replace('create: true\n', sorted));
      return true;
    },
  });
  endings.push(() => site.close());
  versions.decap = (await cmsBundle('decap')).version;
  return { ...site, config };
}

/**
 * As `npm start` has it, in a process of its own that has not seen a post yet.
 *
 * @param {Host} host @param {string} site its origin @param {number} away from the browser, in milliseconds
 * @returns {Promise<Opened>}
 */
async function startGateway(host, site, away) {
  const port = await freePort();
  const url = away > 0 ? await host.relay(`http://127.0.0.1:${port}`, away) : `http://127.0.0.1:${port}`;
  const settings = await gatewaySettings(host.url);
  const { BENCH_SECRET: secret } = settings;
  const profiling = flags.profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${path.resolve(flags.profile)}`];
  const child = spawn(process.execPath, [...profiling, path.resolve('dist/node/start.mjs')], {
    cwd: folder, // without a .env of anybody's
    env: {
      ...process.env,
      ...settings,
      NODE_ENV: 'production',
      PORT: String(port),
      CMS_AUTH_URL: url,
      CMS_AUTH_ORIGINS: site,
      CMS_GATEWAY_EDITORS: '@example.org',
    },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const ended = once(child, 'exit');
  const end = async () => void (child.exitCode ?? (child.kill() && (await ended)));
  endings.push(end);
  const isUp = () =>
    fetch(`${url}/git/status`).then(
      ({ ok }) => ok,
      () => false,
    );
  for (let i = 0; !(await isUp()); i++) {
    if (i > 100) throw new Error('The gateway does not start.');
    await wait(100);
  }
  /** @param {number} editor */
  const token = (editor) =>
    new SignJWT({ sub: String(editor), email: `editor-${editor}@example.org`, jti: randomUUID() })
      .setProtectedHeader({ alg: 'HS256' })
      .setExpirationTime('1d')
      .sign(new TextEncoder().encode(secret));
  const root = `${url}/git/api/v3`;
  // Until it is compiled: a server runs for long.
  const warm = { path: '/repos/owner/name/branches/main', preflight: false };
  await visitByMany({ root, origin: site, asked: Array.from({ length: 1000 }, () => warm), tokens: [await token(0)] });
  return { root, token, end };
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  server.close();
  return port;
}

/**
 * A browser is opened, and the list of posts in it.
 *
 * @param {string} root of the API @param {Awaited<ReturnType<typeof startSite>>} site @param {Host} host
 * @param {string} profile the browser's folder, with all that it keeps
 * @param {string} token that the CMS has from its sign-in
 * @returns {Promise<Visit>}
 */
async function visit(root, site, host, profile, token) {
  site.config.backend = { name: 'github', repo: 'owner/name', branch: 'main', api_root: root };
  const context = await chromium.launchPersistentContext(profile, {
    ...(executablePath !== undefined && { executablePath }),
    args: ['--disable-background-networking', '--disable-component-update', '--disable-sync', '--no-first-run'],
  });
  try {
    const user = { backendName: 'github', token, login: 'ann', name: 'Ann' };
    await context.addInitScript((text) => localStorage.setItem('decap-cms-user', text), JSON.stringify(user));
    const page = await context.newPage();
    const network = await context.newCDPSession(page);
    await network.send('Network.enable');
    /** @type {Map<string, Asked>} */
    const sent = new Map();
    const done = { calls: 0, preflights: 0, kept: 0, asked: 0, read: 0, answered: 0 };
    await host.counts();
    const began = performance.now();
    const now = () => performance.now() - began;
    network.on('Network.requestWillBeSent', ({ requestId, request }) => {
      if (!request.url.startsWith(root)) return;
      const preflight = request.method === 'OPTIONS';
      done[preflight ? 'preflights' : 'calls']++;
      const { Accept: accept } = request.headers;
      sent.set(requestId, { path: request.url.slice(root.length), preflight, ...(accept !== undefined && { accept }) });
      done.asked ||= now();
      if (request.url.includes('/git/blobs/')) done.read ||= now();
    });
    network.on('Network.requestServedFromCache', ({ requestId }) => void (sent.delete(requestId) && done.kept++));
    network.on('Network.responseReceived', ({ requestId, response }) => {
      if (response.fromDiskCache && sent.delete(requestId)) done.kept++;
    });
    network.on('Network.loadingFinished', ({ requestId }) => {
      if (sent.has(requestId)) done.answered = now();
    });
    await page.goto(`${site.url}/`);
    await page.waitForFunction(
      (wanted) => document.querySelectorAll('main a[href*="#/collections/posts/entries/"]').length === wanted,
      posts,
      { timeout: 120_000 },
    );
    const shown = now();
    if (done.asked === 0 || sent.size === 0) throw new Error('The CMS has asked for nothing.');
    return { ...done, shown, atHost: (await host.counts()).calls, sent: [...sent.values()] };
  } finally {
    await context.close();
  }
}
