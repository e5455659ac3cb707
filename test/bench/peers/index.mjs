// @ts-check
/**
 * Others that do what we do, and what an owner might write by hand: which there are, and how they are bundled. When one is
 * loaded, it reads `BENCH_HOST_URL`, `BENCH_CLIENT_ID`, `BENCH_CLIENT_SECRET`, `BENCH_ORIGIN` (the site that may get the
 * token) and `BENCH_SELF` (its own address). Needs `npm ci --prefix test/bench`.
 */
import { cp, readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { bundling, weigh } from '../bundling.mjs';

/**
 * @typedef {object} Peer
 * @property {string} name
 * @property {string} package what it is, or is built on
 * @property {string} file
 * @property {'lambda' | 'web' | 'node'} kind of `drivers.mjs`
 * @property {string} [beginPath]
 * @property {string} [callbackPath]
 * @property {import('esbuild').BuildOptions} [esbuild] beyond what all have
 * @property {string} [assets] a folder of its package that it reads at run time
 *
 * @typedef {Peer & { version: string, artefact: string, bytes: number, gzip: number }} BuiltPeer
 */

const packages = fileURLToPath(new URL('../node_modules', import.meta.url));

/** What a CommonJS package asks for and an ES module does not have. */
const commonJs = {
  banner: {
    js: `import { createRequire } from 'node:module';
const require = createRequire(import.meta.url), __dirname = import.meta.dirname;`,
  },
};

/** What Astro's bundler does; and, for the bench only, its host in place of the github.com in the package's code. */
const astro = /** @satisfies {import('esbuild').Plugin} */ ({
  name: 'astro',
  setup({ onLoad, onResolve }) {
    onResolve({ filter: /^astro:env\/server$/ }, ({ path: name }) => ({ path: name, namespace: 'astro' }));
    onLoad({ filter: /.*/, namespace: 'astro' }, () => ({
      contents: `export const OAUTH_GITHUB_CLIENT_ID = process.env.BENCH_CLIENT_ID;
        export const OAUTH_GITHUB_CLIENT_SECRET = process.env.BENCH_CLIENT_SECRET;
        export const OAUTH_GITHUB_REPO_ID = '';`,
    }));
    onLoad({ filter: /astro-decap-cms-oauth.src.oauth.\w+\.ts$/ }, async ({ path: file }) => ({
      contents: (await readFile(file, 'utf8')).replaceAll(
        /(["`])https:\/\/github\.com/g,
        'process.env.BENCH_HOST_URL + $1',
      ),
      loader: 'ts',
    }));
  },
});

/** @type {readonly Peer[]} */
export const peers = [
  {
    name: 'netlify-cms-oauth-provider-node',
    package: 'netlify-cms-oauth-provider-node',
    file: 'netlify-cms-oauth-provider-node.mjs',
    kind: 'node',
    esbuild: commonJs,
    assets: 'lib/handlers/templates',
  },
  {
    name: 'astro-decap-cms-oauth',
    package: 'astro-decap-cms-oauth',
    file: 'astro-decap-cms-oauth.mjs',
    kind: 'web',
    beginPath: '/oauth',
    callbackPath: '/oauth/callback',
    esbuild: { plugins: [astro] },
  },
  {
    name: '@octokit/oauth-app',
    package: '@octokit/oauth-app',
    file: 'octokit.mjs',
    kind: 'lambda',
    beginPath: '/api/github/oauth/login',
    callbackPath: '/api/github/oauth/callback',
  },
  {
    name: 'by hand on simple-oauth2',
    package: 'simple-oauth2',
    file: 'simple-oauth2.mjs',
    kind: 'lambda',
    esbuild: commonJs,
  },
  { name: 'by hand on arctic', package: 'arctic', file: 'arctic.mjs', kind: 'lambda' },
  { name: 'by hand on Hono', package: 'hono', file: 'hono.mjs', kind: 'lambda' },
];

/**
 * Bundles each into a folder of its own, as `lib/build/build.mjs` does ours.
 *
 * @param {string} outdir
 * @returns {Promise<BuiltPeer[]>}
 */
export const buildPeers = (outdir) =>
  Promise.all(
    peers.map(async (peer) => {
      const folder = path.resolve(outdir, path.basename(peer.file, '.mjs'));
      const artefact = path.join(folder, 'handler.mjs');
      await build({
        ...bundling,
        entryPoints: [fileURLToPath(new URL(peer.file, import.meta.url))],
        outfile: artefact,
        ...peer.esbuild,
      });
      if (peer.assets !== undefined)
        await cp(path.join(packages, peer.package, peer.assets), path.join(folder, path.basename(peer.assets)), {
          recursive: true,
        });
      return { ...peer, version: await versionOf(peer), artefact, ...(await weigh(await filesIn(folder))) };
    }),
  );

/** As it is installed. @param {Peer} peer @returns {Promise<string>} */
const versionOf = async (peer) =>
  JSON.parse(await readFile(path.join(packages, peer.package, 'package.json'), 'utf8')).version;

/** All that has to be deployed. @param {string} folder */
async function filesIn(folder) {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((file) => path.join(file.parentPath, file.name));
}
