// @ts-check
/**
 * Makes all that is deployed, in `dist/`, and prints what it weighs. What is tested on the platforms is this.
 */
import { copyFile, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { esbuildInline } from './inline.mjs';
import { writeLicenses } from './licenses.mjs';
import { platforms, sourceOf } from './targets.mjs';
import { cloudFormation } from './template.mjs';
import { writeTypes } from './types.mjs';

/** Those of the login; the gateway is apart from them, in a bundle of its own. */
const functions = (await readdir('functions'))
  .map((file) => path.basename(file, '.ts'))
  .filter((name) => name !== 'gateway');
await rm('dist', { recursive: true, force: true });

const common = /** @satisfies {import('esbuild').BuildOptions} */ ({
  bundle: true,
  platform: /** @type {const} */ ('node'),
  format: /** @type {const} */ ('esm'),
  target: 'node20',
  minify: true,
  legalComments: /** @type {const} */ ('none'),
  charset: /** @type {const} */ ('ascii'), // a single other character, and Node would hold all of it in two bytes each
  mainFields: ['module', 'main'], // the AWS SDK has both, and only of the first can unused parts be left out
  outExtension: { '.js': '.mjs' },
  plugins: [esbuildInline],
  metafile: /** @type {const} */ (true),
});

/** @param {string} contents the entry's source, as if it stood in the project's root */
const entry = (contents) => ({ contents, resolveDir: process.cwd(), loader: /** @type {const} */ ('ts') });

/** What some source of ours says, which is run for that. @param {string} source @returns {Promise<any>} */
async function evaluate(source) {
  const { outputFiles } = await build({ ...common, stdin: entry(source), write: false });
  return import(`data:text/javascript;base64,${Buffer.from(outputFiles[0]?.contents ?? '').toString('base64')}`);
}

/** The paths of a function, read from the function itself. @param {string} name @returns {Promise<string[]>} */
const pathsOf = async (name) => (await evaluate(`export { paths } from './functions/${name}.ts'`)).paths;

/**
 * The settings of the login and of the gateway.
 *
 * @typedef {import('../config/table.ts').Setting} Setting
 * @type {Record<'login' | 'gateway', { settings: Setting[], neededSecrets: (isSet: (name: string) => boolean) => Setting[] }>}
 */
const { login, gateway } = await evaluate(`
  import { providers } from './functions/auth.ts';
  import { hosts } from './functions/gateway.ts';
  import { neededSecrets, settingsOf } from './lib/config/table.ts';
  const of = (service, providers) => {
    const settings = settingsOf(service, providers);
    return { settings, neededSecrets: (isSet) => neededSecrets(settings, isSet, providers) };
  };
  export const login = of('login', providers);
  export const gateway = of('gateway', hosts.map(({ provider }) => provider));
`);

/** @type {{ loadEnvFile: (file: string) => void }} */
const { loadEnvFile } = await evaluate(`export { loadEnvFile } from './lib/config/env-file.ts';`);

/** @type {{ frontPage: string }} */
const { frontPage } = await evaluate(`export { frontPage } from './lib/setup/targets/front-page.ts';`);

/** What only some requests need. Each becomes a file beside the functions, so that the others do not even read it. */
const seldom = {
  failure: './lib/login/failure.ts',
  openid: './lib/oauth/token-request.ts',
  owner: './lib/login/setup-page.ts',
  refresh: './lib/login/refresh.ts',
  ssm: './lib/config/ssm.ts',
};

const { openid, ...others } = seldom;

/** Our `Headers` and `Response` in the place of Node's, where nothing but the OAuth library looks at any. */
const light = { inject: ['./lib/oauth/fetch-shim.ts'] };
const lightConnect = { inject: ['./lib/oauth/fetch-shim-connect.ts'] };

/** @param {Record<string, string>} seldom @param {string} [folder] below that of the function @returns {import('esbuild').Plugin} */
const leaveApart = (seldom, folder = '.') => ({
  name: 'apart',
  setup({ onResolve }) {
    const files = new Map(Object.entries(seldom).map(([name, file]) => [path.resolve(file), `${folder}/${name}.mjs`]));
    onResolve({ filter: /\.ts$/ }, ({ path: file, resolveDir, kind }) => {
      const target = files.get(path.resolve(resolveDir, file));
      return target !== undefined && kind === 'dynamic-import' ? { path: target, external: true } : undefined;
    });
  },
});
const apart = leaveApart(seldom);
/** What only some logins need, where no function has a store of secrets. */
const { ssm: _, ...ofLogin } = seldom;
/** Netlify takes every file of a folder for a function, and none of a folder below it. */
const below = './apart';
/** Of the gateway, whose other parts share what they remember: what only some CMSs ask for, and for some of that a library. */
const ofGateway = { api: './lib/gateway/api.ts', graphql: './lib/gateway/graphql/document.ts' };
const gatewayApart = leaveApart({ ssm: seldom.ssm, ...ofGateway });

/** What keeps the AWS SDK small. */
const ofAws = {
  '@aws-sdk/credential-provider-node': './lib/config/credentials.ts',
  // What only calls that stream load, and we make none. Were it here, esbuild would wrap most of the SDK in functions for
  // the sake of that one `import()`, and Node would parse all that twice. Were it external, nobody could bundle us again.
  '@smithy/core/event-streams': './lib/config/streams.ts',
};

/**
 * To `import` one of Node's own modules reads each of its exports, and some of them load what nobody asked for: on Node 24
 * `node:http` loads the whole fetch stack. To ask for the module does not.
 *
 * @type {import('esbuild').Plugin}
 */
const builtins = {
  name: 'builtins',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^node:/ }, ({ path: name }) => ({ path: name, namespace: 'builtin', sideEffects: false }));
    onLoad({ filter: /./, namespace: 'builtin' }, ({ path: name }) => ({
      contents: `module.exports = process.getBuiltinModule('${name}')`,
    }));
  },
};

/** Programs that no file holds, by their names. @param {Record<string, string>} sources @returns {import('esbuild').Plugin} */
const programs = (sources) => ({
  name: 'programs',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^\w+$/ }, ({ kind, path: name }) =>
      kind === 'entry-point' && name in sources ? { path: name, namespace: 'program' } : undefined,
    );
    onLoad({ filter: /./, namespace: 'program' }, ({ path: name }) => entry(sources[name] ?? ''));
  },
});

/** The commands, put together here: what they serve stands in functions/, and the demo among the tests. */
const commands = programs({
  start: `import { providers } from './functions/auth.ts'; import { hosts, routes } from './functions/gateway.ts';
    import { start } from './lib/cli/start.ts';
    await start({ providers, gateway: { hosts, routes } }, () => import('./test/demo/demo.ts'));`,
  ...Object.fromEntries(
    ['deploy', 'doctor', 'setup', 'cli'].map((name) => [
      name,
      // npm makes the last one a command.
      `${name === 'cli' ? '#!/usr/bin/env node\n' : ''}import { providers } from './functions/auth.ts'; import { ${name} } from './lib/cli/${name}.ts'; await ${name}(providers);`,
    ]),
  ),
});

/**
 * Netlify bundles a function again before it deploys it, with all that it imports by a relative path. What it finds by
 * `import.meta.url` it takes along as a file of its own.
 *
 * @type {import('esbuild').Plugin}
 */
const keptByNetlify = {
  name: 'kept by Netlify',
  setup({ initialOptions, onEnd }) {
    initialOptions.write = false;
    onEnd(async ({ outputFiles }) => {
      const [output] = outputFiles ?? [];
      if (output === undefined) return;
      const kept = output.text.replace(/import\("(\.\/apart\/\w+\.mjs)"\)/g, 'import(new URL("$1",import.meta.url))');
      if (/import\(["'`]\.\/apart/.test(kept)) throw new Error('Netlify would bundle a file that is to stay apart.');
      await mkdir(path.dirname(output.path), { recursive: true });
      await writeFile(output.path, kept);
    });
  },
};

/**
 * What is particular about some platforms' bundles. Lambda and Firebase hand over plain data, and never load Node's fetch; and on
 * Lambda a cold start reads only what it needs.
 *
 * @type {Record<string, { login: import('esbuild').BuildOptions, gateway: import('esbuild').BuildOptions }>}
 */
const particular = {
  netlify: { login: { plugins: [...common.plugins, leaveApart(ofLogin, below), keptByNetlify] }, gateway: {} },
  lambda: {
    login: { plugins: [...common.plugins, apart] },
    // In one piece: split, a class stood in another file than what it extends, and was loaded before it.
    gateway: { ...lightConnect, plugins: [...common.plugins, gatewayApart] },
  },
  firebase: {
    login: { ...light, plugins: [...common.plugins, leaveApart(ofLogin)] },
    gateway: { ...lightConnect, plugins: [...common.plugins, leaveApart(ofGateway)] },
  },
};

/** @param {string} platform @param {import('./targets.mjs').Target} target */
const makeFunctions = (platform, target) =>
  [
    ...(target.login === undefined ? [] : target.each ? functions : ['auth']),
    ...(target.gateway ? ['gateway'] : []),
  ].map(async (name) => {
    const kind = name === 'gateway' ? 'gateway' : 'login';
    return build({
      ...common,
      stdin: { ...entry(sourceOf(platform, name, target)), sourcefile: `${name}.ts` },
      outfile: `dist/${target[kind]}/${name}.mjs`,
      ...(target.paths && {
        footer: { js: `export const config = ${JSON.stringify({ path: await pathsOf(name) })};` },
      }),
      ...particular[platform]?.[kind],
    });
  });

const results = await Promise.all([
  ...Object.entries(platforms).flatMap(([platform, target]) => makeFunctions(platform, target)),
  build({
    ...common,
    entryPoints: { ssm: seldom.ssm },
    outdir: 'dist/lambda-gateway',
    alias: ofAws,
    plugins: [...common.plugins, builtins],
  }),
  ...['lambda-gateway', 'firebase'].map((folder) =>
    build({
      ...common,
      entryPoints: ofGateway,
      outdir: `dist/${folder}`,
      plugins: [...common.plugins, leaveApart(ofGateway)],
    }),
  ),
  build({
    ...common,
    entryPoints: { openid },
    outdir: 'dist/lambda',
    ...light,
  }),
  build({
    ...common,
    entryPoints: others,
    outdir: 'dist/lambda',
    alias: ofAws,
    plugins: [...common.plugins, apart, builtins],
  }),
  build({ ...common, entryPoints: ofLogin, outdir: 'dist/netlify/apart', plugins: [...common.plugins, apart] }),
  build({ ...common, entryPoints: ofLogin, outdir: 'dist/firebase', ...light, plugins: [...common.plugins, apart] }),
  // What an application imports.
  build({ ...common, entryPoints: ['lib/index.ts'], outfile: 'dist/index.mjs' }),
  build({
    ...common,
    entryPoints: { doctor: 'doctor', setup: 'setup', deploy: 'deploy', cli: 'cli', ...seldom },
    // Its build for Node is CommonJS, which asks for more than a bundle can give.
    alias: { yaml: './node_modules/yaml/browser/index.js' },
    outdir: 'dist/node',
    splitting: true,
    minify: false,
    plugins: [...common.plugins, apart, commands],
  }),
  // In one piece but for the demo and the AWS SDK, since it runs for long: what it reads later may have been replaced by then, and
  // where no file can be opened for the moment, Node 20 takes it for missing until the end.
  build({
    ...common,
    entryPoints: { start: 'start', demo: './test/demo/demo.ts' },
    alias: { yaml: './node_modules/yaml/browser/index.js' },
    outdir: 'dist/node',
    // The demo's provider, which only a clone has.
    external: ['oidc-provider'],
    minify: false,
    plugins: [...common.plugins, leaveApart({ ssm: seldom.ssm, demo: './test/demo/demo.ts' }), commands],
  }),
]);

// Node holds each character of a file in two bytes if one of them needs them, and reads it twice as slowly.
for (const file of results.flatMap(({ metafile }) => Object.keys(metafile?.outputs ?? {})))
  if (!file.startsWith('dist/node/') && /[^\0-\x7f]/.test(await readFile(file, 'latin1')))
    throw new Error(
      `${file} has characters beyond ASCII, which esbuild leaves as they are in patterns. Write them as \\u….`,
    );

await writeFirebase();
await mkdir('dist/cloudformation');
await writeFile(
  'dist/cloudformation/template.json',
  `${JSON.stringify(cloudFormation(login.settings), undefined, 2)}\n`,
);

await writeLicenses(
  results.flatMap(({ metafile }) => metafile ?? []),
  'dist',
);

await writeTypes('dist/types');

// Netlify and Firebase want a folder to publish; the login itself is in the functions.
await mkdir('dist/public', { recursive: true });
await writeFile('dist/public/robots.txt', 'User-agent: *\nDisallow: /\n');
await writeFile('dist/public/index.html', frontPage);

if (!process.argv.includes('--silent')) await printTable();

/**
 * The rest of what Firebase deploys. A secret that is declared but does not exist blocks the deploy, so only those are
 * whose host is set up, here and now. Its own `.env` gets the other settings; `dist/` is made anew each time.
 */
async function writeFirebase() {
  loadEnvFile('.env');
  const isSet = (/** @type {string} */ name) => Boolean(process.env[name]?.trim());
  const chosen = login.neededSecrets(isSet);
  /** @type {[string, Setting[]][]} Each function with the secrets that it gets. */
  const exported = process.argv.includes('--split')
    ? [['auth', []], ...chosen.map((secret) => /** @type {[string, Setting[]]} */ ([secret.host ?? '', [secret]]))]
    : [['auth', chosen]];
  const withGateway = isSet('CMS_GATEWAY_REPO');
  if (withGateway) exported.push(['gateway', gateway.neededSecrets(isSet)]);
  const lines = exported.flatMap(([name, secrets]) => [
    `import ${name} from './${name}.mjs';`,
    `export const ${name === 'gateway' ? 'cmsgateway' : `cmsauth${name === 'auth' ? '' : name}`} = onRequest(`,
    `  { secrets: [${secrets.map((secret) => `defineSecret('${secret.name}')`).join(', ')}], timeoutSeconds: ${name === 'gateway' ? 30 : 15}, invoker: 'public', cors: false },`,
    `  ${name},`,
    ');',
  ]);
  const imports = [
    "import { onRequest } from 'firebase-functions/https';",
    "import { defineSecret } from 'firebase-functions/params';",
  ];
  await writeFile('dist/firebase/index.mjs', [...imports, ...lines, ''].join('\n'));

  const open = [...login.settings, ...(withGateway ? gateway.settings : [])].filter((setting) => !setting.secret);
  const settings = [...new Set(open.map(({ name }) => name))].flatMap((name) => {
    const value = process.env[name]?.trim();
    return value ? `${name}=${JSON.stringify(value)}` : [];
  });
  await writeFile('dist/firebase/.env', `${settings.join('\n')}\n`);
  // With its lock file: what Google installs there is what was tried here.
  for (const file of ['package.json', 'package-lock.json'])
    await copyFile(`lib/build/firebase/${file}`, `dist/firebase/${file}`);
}

async function printTable() {
  for (const file of new Set(
    results
      .flatMap(({ metafile }) => Object.keys(metafile?.outputs ?? {}))
      .filter((name) => !name.startsWith('dist/node/')),
  )) {
    const bytes = await readFile(file);
    const kB = (/** @type {number} */ size) => `${(size / 1000).toFixed(1).padStart(7)} kB`;
    console.log(`${file.padEnd(26)} ${kB(bytes.length)} ${kB(gzipSync(bytes).length)} gzip`);
  }
}
