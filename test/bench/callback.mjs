// @ts-check
/**
 * What a login costs a cold function when it comes back, as ratios in one run: the bundled Lambda handler, as a whole process,
 * with the secret in the environment and in AWS's Parameter Store, against the least that anybody's code could do: nothing,
 * one request with `fetch`, one `GetParameters` with the AWS SDK. All of them ask the same local servers.
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'esbuild';

const rounds = Number(process.argv[2] ?? 41);
const folder = mkdtempSync(path.join(tmpdir(), 'bench-'));
const handler = pathToFileURL(path.resolve('dist/lambda/auth.mjs')).href;
const run = promisify(execFile);

/** @param {string} name */
const script = (name) => path.join(folder, `${name}.mjs`);

/** As `lib/platforms/build.mjs` does. @param {string} name @param {import('esbuild').BuildOptions} input */
async function bundle(name, input) {
  await build({
    ...input,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    minify: true,
    legalComments: 'none',
    charset: 'utf8',
    mainFields: ['module', 'main'],
    outfile: script(name),
  });
}

/** The tests' own, which a bench cannot import as they are. @returns {Promise<typeof import('../hosts/github.ts') & typeof import('../hosts/parameters.ts')>} */
async function importHosts() {
  const contents = `export * from './test/hosts/github.ts'; export * from './test/hosts/parameters.ts';`;
  await bundle('hosts', { stdin: { contents, resolveDir: process.cwd() } });
  return import(pathToFileURL(script('hosts')).href);
}

/** @param {string} rawPath @param {string} rawQueryString @param {string[]} cookies */
const event = (rawPath, rawQueryString = '', cookies = []) => ({
  rawPath,
  rawQueryString,
  cookies,
  headers: { 'sec-fetch-dest': 'document' },
  requestContext: { domainName: 'auth.example.com', stage: '$default', requestId: 'bench', http: { method: 'GET' } },
});

/** A callback can be used once, so there is one for each run. @param {NodeJS.ProcessEnv} env @param {number} count */
async function begin(env, count) {
  writeFileSync(
    script('begin'),
    `import { handler } from ${JSON.stringify(handler)};
    for (let i = 0; i < ${count}; i++) {
      const { headers, cookies } = await handler(${JSON.stringify(event('/auth/github'))});
      process.stderr.write(JSON.stringify({ location: headers.location, cookie: cookies[0].split(';')[0] }) + '\\n');
    }`,
  );
  const { stderr } = await run(process.execPath, [script('begin')], { env });
  return Promise.all(
    stderr
      .trim()
      .split('\n')
      .map(async (line) => {
        const { location, cookie } = JSON.parse(line);
        const consent = await fetch(location, { redirect: 'manual' });
        const { search } = new URL(consent.headers.get('location') ?? '');
        return JSON.stringify(event('/auth/github/callback', search.slice(1), [cookie]));
      }),
  );
}

/**
 * From the outside, exit included, as the shell counts it: user and system time in seconds.
 *
 * @param {string} name @param {NodeJS.ProcessEnv} env
 */
async function cpuOf(name, env) {
  // What a script complains about goes past the shell's own words.
  const command = `TIMEFORMAT='%U %S'; { time "${process.execPath}" "${script(name)}" > /dev/null 2>&3; } 3>&2 2>&1`;
  const ours = { PATH: process.env['PATH'], AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' };
  const { stdout } = await run('bash', ['--norc', '-c', command], { env: { ...ours, ...env } });
  const [user, system] = stdout.trim().split(' ');
  return Number(user) + Number(system);
}

/** @param {number[]} values @param {number} part */
const quantile = (values, part) => [...values].sort((a, b) => a - b)[Math.floor((values.length - 1) * part)] ?? NaN;

/** @type {{ close(): Promise<void> }[]} */
const hosts = [];
try {
  const { startGitHub, startParameterStore } = await importHosts();
  const app = {
    name: 'Bench',
    clientId: 'id',
    clientSecret: 'secret',
    redirectUris: ['https://auth.example.com/auth/github/callback'],
  };
  const host = await startGitHub({ consent: 'always', app });
  hosts.push(host);
  const store = await startParameterStore();
  hosts.push(store);
  store.put('/cms/github/secret', app.clientSecret);

  const settings = { GITHUB_URL: host.url, GITHUB_CLIENT_ID: app.clientId };
  const aws = {
    AWS_ENDPOINT_URL_SSM: store.url,
    AWS_REGION: store.region,
    AWS_ACCESS_KEY_ID: store.credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: store.credentials.secretAccessKey,
    AWS_SESSION_TOKEN: store.credentials.sessionToken,
  };
  writeFileSync(script('empty'), '');
  const fetches = `const answer = await fetch('${host.url}/login/oauth/access_token', {
      method: 'POST',
      headers: { accept: 'application/json' },
      body: new URLSearchParams({ code: 'x' }),
    });
    if (!(await answer.json()).error) throw new Error();`;
  const reads = `import { GetParametersCommand, SSMClient } from '@aws-sdk/client-ssm';
    const client = new SSMClient({});
    const { Parameters } = await client.send(
      new GetParametersCommand({ Names: ['/cms/github/secret'], WithDecryption: true }),
    );
    if (Parameters[0].Value !== 'secret') throw new Error();`;
  for (const [name, contents] of Object.entries({ fetch: fetches, sdk: reads, both: `${reads}{${fetches}}` }))
    await bundle(name, { stdin: { contents, resolveDir: process.cwd() } });
  writeFileSync(
    script('callback'),
    `import { handler } from ${JSON.stringify(handler)};
    const { statusCode, body } = await handler(JSON.parse(process.env.EVENT));
    if (statusCode !== 200 || !body.includes('gho_')) throw new Error(body);`,
  );

  const events = await begin({ ...settings }, 2 * rounds);
  /** @type {Record<string, () => Promise<number>>} */
  const runs = {
    empty: () => cpuOf('empty', {}),
    fetch: () => cpuOf('fetch', {}),
    sdk: () => cpuOf('sdk', aws),
    both: () => cpuOf('both', aws),
    plain: () => cpuOf('callback', { ...settings, GITHUB_CLIENT_SECRET: 'secret', EVENT: events.pop() }),
    ssm: () =>
      cpuOf('callback', { ...settings, ...aws, GITHUB_CLIENT_SECRET: 'ssm:/cms/github/secret', EVENT: events.pop() }),
  };
  /** @type {Record<string, number[]>} */
  const cpu = Object.fromEntries(Object.keys(runs).map((name) => [name, []]));
  // In turn and paired: what disturbs one run of a round disturbs its neighbours.
  for (let round = 0; round < rounds; round++)
    for (const [name, once] of Object.entries(runs)) cpu[name]?.push(await once());
  if (store.requests.length !== 3 * rounds) throw new Error(`The store was asked ${store.requests.length} times`);

  console.log(`Cold callback, CPU of a whole process, Node ${process.version}, ${rounds} paired rounds`);
  for (const [what, a, against, b] of /** @type {const} */ ([
    ['one fetch', 'fetch', 'an empty script', 'empty'],
    ['one GetParameters with the SDK', 'sdk', 'an empty script', 'empty'],
    ['callback, secret in the environment', 'plain', 'an empty script', 'empty'],
    ['callback, secret in the environment', 'plain', 'one fetch', 'fetch'],
    ['callback, secret in the store', 'ssm', 'an empty script', 'empty'],
    ['callback, secret in the store', 'ssm', 'one GetParameters', 'sdk'],
    ['callback, secret in the store', 'ssm', 'one GetParameters and one fetch', 'both'],
    ['callback, secret in the store', 'ssm', 'in the environment', 'plain'],
  ])) {
    const ratios = (cpu[a] ?? []).map((value, i) => value / (cpu[b]?.[i] ?? NaN));
    const [low, middle, high] = [0.25, 0.5, 0.75].map((part) => quantile(ratios, part).toFixed(2));
    console.log(`  ${what.padEnd(35)} / ${against.padEnd(31)}  ${middle} x   (middle half ${low} to ${high})`);
  }
} finally {
  await Promise.all(hosts.map((one) => one.close()));
  rmSync(folder, { recursive: true });
}
