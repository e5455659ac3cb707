// @ts-check
/**
 * The platforms, one row each: what the build makes for it, and where owners read about it. A test walks these rows
 * (test/unit/platforms.test.ts) and names what a new one lacks.
 *
 * @typedef {object} Target
 * @property {string} label as people call it, in the README too
 * @property {string} docs its page below docs/
 * @property {string} [login] folder below dist/ for the login; absent where nothing is made for it alone
 * @property {string} [gateway] the same for the gateway: where all of a folder is deployed, another one, since each has secrets of its own
 * @property {string} [tool] file in test/platforms/ that starts it under its vendor's own tool
 * @property {boolean} [each] whether each Git host has a function of its own besides `auth`, which serves them all
 * @property {string} [exported] the export that the platform looks for, if not the default
 * @property {boolean} [paths] whether the paths of a function stand in its file, as a literal that is read without running it
 */

/** By the names of the shells in lib/platforms/. @satisfies {Record<string, Target>} */
export const platforms = {
  // One file each: Netlify takes every file in this folder for a function. It reads `config` without running the file,
  // so it must be literal; and it holds no methods, since then it would be Netlify that answers the others, not our 405.
  // All functions of a site see one environment: the gateway's secrets get a site of their own.
  netlify: {
    label: 'Netlify',
    docs: 'netlify',
    tool: 'netlify',
    login: 'netlify',
    gateway: 'netlify-gateway',
    each: true,
    paths: true,
  },
  workers: { label: 'Cloudflare Workers', docs: 'cloudflare', tool: 'wrangler', login: 'workers', gateway: 'workers' },
  vercel: { label: 'Vercel', docs: 'vercel', tool: 'vercel', login: 'vercel', gateway: 'vercel' },
  lambda: {
    label: 'AWS Lambda',
    docs: 'aws',
    tool: 'lambda',
    login: 'lambda',
    gateway: 'lambda-gateway',
    each: true,
    exported: 'handler',
  },
  firebase: {
    label: 'Firebase',
    docs: 'firebase',
    tool: 'firebase',
    login: 'firebase',
    gateway: 'firebase',
    each: true,
  },
  fetch: { label: 'Deno and Bun', docs: 'deno-bun', tool: 'runtimes', login: 'fetch', gateway: 'fetch' },
  // Made with the commands, in dist/node.
  node: { label: 'Your own server', docs: 'server' },
};

/**
 * The program of one function on one platform.
 *
 * @param {string} platform
 * @param {string} name of the function in functions/
 * @param {Target} target
 */
export function sourceOf(platform, name, { exported }) {
  const isGateway = name === 'gateway';
  const handler = isGateway ? `withLimits(${platform}Limits, served)` : 'served';
  return [
    `import { handler as served } from './functions/${name}.ts';`,
    `import { ${platform} } from './lib/platforms/${platform}.ts';`,
    // A login takes no files, so it does not carry these.
    ...(isGateway ? [`import { ${platform}Limits, withLimits } from './lib/platforms/limits.ts';`] : []),
    exported === undefined
      ? `export default ${platform}(${handler});`
      : `export const ${exported} = ${platform}(${handler});`,
  ].join('\n');
}
