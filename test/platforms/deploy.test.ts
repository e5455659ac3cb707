/**
 * `npm run deploy` with the vendors' own tools, as far as they go offline: each talks to its vendor's API at an address of
 * ours, which is as strict as the vendor's. What the function then answers is played by the same handler with the settings
 * that arrived there.
 */
import { execFileSync } from 'node:child_process';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { providers } from '../../functions/auth.ts';
import { createHandler } from '../../lib/login/handler.ts';
import { node } from '../../lib/platforms/node.ts';
import { tools } from '../../lib/setup/tool.ts';
import { startAws, type AwsHost } from '../hosts/aws.ts';
import { startCloudflare, type CloudflareHost } from '../hosts/cloudflare.ts';
import type { GitHubHost } from '../hosts/github.ts';
import { listen, type Listening } from '../hosts/http.ts';
import { startNetlify, type NetlifyHost } from '../hosts/netlify.ts';
import { startParameterStore, type ParameterStoreHost } from '../hosts/parameters.ts';
import { endAll, pressButtons, start, startRegistrar } from '../setup/run.ts';
import { installed, workspace } from './tool.ts';
import { wrangler } from './wrangler.ts';

let folder: string;
let github: GitHubHost;
let netlify: NetlifyHost;
let cloudflare: CloudflareHost;
let aws: AwsHost;
let parameters: ParameterStoreHost;
let login: Listening;
/** What the deployed login has for its settings; nothing before it is deployed. */
let settings: () => Record<string, string | undefined> | undefined;

beforeEach(async () => {
  folder = await workspace('dist', 'functions', 'netlify.toml', 'serverless.yml', 'wrangler.jsonc', 'package.json');
  await mkdir(path.join(folder, 'bin'));
  // As the command leaves a folder that it makes in somebody's checkout: no tool may take that for files that it is to leave out.
  execFileSync('git', ['init', '--quiet'], { cwd: folder });
  await writeFile(path.join(folder, '.gitignore'), '*\n');
  // The registry is not what is tested: the same versions are here already.
  await writeFile(
    path.join(folder, 'bin', 'npx'),
    `#!${process.execPath}\n(${npx.toString()})(${JSON.stringify(bins())});`,
  );
  await chmod(path.join(folder, 'bin', 'npx'), 0o755);
  [github, netlify, cloudflare, aws, parameters] = await Promise.all([
    startRegistrar(),
    startNetlify(),
    startCloudflare(),
    startAws(),
    startParameterStore(),
  ]);
  login = await listen((request, response) => {
    const env = settings();
    if (!env) return void response.writeHead(404).end('Not Found');
    return node(createHandler(providers, { env, log: () => {} }))(request, response);
  });
});
afterEach(async () => {
  endAll();
  await Promise.all([github, netlify, cloudflare, aws, parameters, login].map((server) => server.close()));
});

const bins = () => ({
  [tools.netlify.package]: installed('netlify-cli/bin/run.js'),
  [tools.cloudflare.package]: installed(`${wrangler}/bin/wrangler.js`),
  [tools.aws.package]: installed('osls/bin/serverless.js'),
});

/** Runs in a process of its own. */
function npx(programs: Record<string, string>) {
  const { spawnSync } = process.getBuiltinModule('node:child_process');
  const [yes, name = '', ...parameters] = process.argv.slice(2);
  const program = programs[name];
  if (yes !== '--yes' || program === undefined) throw new Error(`npx is called for ${name}, which no test has`);
  const { status } = spawnSync(process.execPath, [program, ...parameters], { stdio: 'inherit' });
  process.exit(status ?? 1);
}

/** To the end, with an owner who presses the buttons. */
async function run(parameters: readonly string[], env: Record<string, string>) {
  const running = start(
    path.join(folder, 'dist/node/deploy.mjs'),
    ['--cms', 'https://www.example.com/admin/', '--repo', `${github.url}/acme/site`, '--no-open', ...parameters],
    { folder, env: { GITHUB_URL: github.url, CI: '1', ...env } },
  );
  const buttons = running.origin().then(async (origin) => {
    await fetch((await pressButtons(origin)).location);
    const app = github.registry.apps.at(-1);
    if (app) github.registry.install(app, 'acme/site');
  });
  const code = await running.ended;
  await buttons.catch(() => {});
  return { code, out: running.out(), err: running.err() };
}

function expectSilence({ out, err }: { out: string; err: string }, ...tokens: string[]) {
  const app = github.registry.apps[0];
  for (const secret of [app?.clientSecret ?? 'none', ...tokens]) expect(out + err).not.toContain(secret);
}

describe('npm run deploy', { timeout: 180_000 }, () => {
  it('with Netlify’s own tool: a new site, its variables, one deploy, and a login that is ready', async () => {
    netlify.site = undefined;
    netlify.addressOf = () => login.url;
    settings = () =>
      netlify.published.length === 0
        ? undefined
        : Object.fromEntries([...netlify.variables.values()].map(({ key, values }) => [key, values[0]?.value]));
    const ended = await run(['--to', 'netlify', '--name', 'your-login'], {
      NETLIFY_API_URL: netlify.url,
      NETLIFY_AUTH_TOKEN: netlify.token,
    });
    expect([ended.err, ended.code]).toEqual(['', 0]);
    expect(ended.out).toContain(`  base_url: ${login.url}\n`);
    const [published] = netlify.published;
    expect([...(published?.functions.keys() ?? [])].filter((name) => !name.includes('.')).toSorted()).toEqual([
      'auth',
      'bitbucket',
      'github',
      'gitlab',
    ]);
    expect(JSON.stringify(published?.routes)).toContain('"/auth/github/callback"');
    expectSilence(ended, netlify.token);
  });

  it('with Cloudflare’s own tool: a Worker, its secrets without another deploy, and a login that is ready', async () => {
    settings = () => {
      const secrets = cloudflare.secrets.get('your-login');
      return secrets && Object.fromEntries(secrets);
    };
    const ended = await run(['--to', 'cloudflare', '--name', 'your-login', '--url', login.url], {
      CLOUDFLARE_API_BASE_URL: cloudflare.url,
      CLOUDFLARE_API_TOKEN: cloudflare.token,
      WRANGLER_SEND_METRICS: 'false',
    });
    expect([ended.err, ended.code]).toEqual(['', 0]);
    const worker = cloudflare.workers.get('your-login');
    expect(worker?.metadata).toMatchObject({ compatibility_flags: expect.arrayContaining(['nodejs_compat']) });
    expect([...(worker?.modules.values() ?? [])].join('')).toContain('/auth');
    expect(cloudflare.secrets.get('your-login')?.get('GITHUB_CLIENT_SECRET')).toBe(
      github.registry.apps[0]?.clientSecret,
    );
    expect(cloudflare.requests.filter((request) => request.startsWith('PUT '))).toHaveLength(1);
    expectSilence(ended, cloudflare.token);
  });

  it('with osls: a stack, secrets in the Parameter Store, the rest with a second deploy, and a login that is ready', async () => {
    parameters.region = 'eu-west-1';
    settings = () => {
      const env = aws.environment();
      const value = (text: string) => (text.startsWith('ssm:') ? parameters.get(text.slice(4))?.value : text);
      return env?.['GITHUB_CLIENT_ID']
        ? Object.fromEntries(Object.entries(env).map(([name, text]) => [name, value(text)]))
        : undefined;
    };
    const ended = await run(['--to', 'aws', '--region', 'eu-west-1', '--url', login.url], {
      AWS_ENDPOINT_URL: aws.url,
      AWS_ENDPOINT_URL_SSM: parameters.url,
      AWS_ACCESS_KEY_ID: parameters.credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: parameters.credentials.secretAccessKey,
      AWS_SESSION_TOKEN: parameters.credentials.sessionToken,
    });
    // On the oldest Node, the SDK says when it will need a newer one.
    expect([ended.err.replace(/^[\s\S]*warning was created\)\s*/, ''), ended.code]).toEqual(['', 0]);
    expect(ended.out).toContain('Deployed: https://abc123.execute-api.eu-west-1.amazonaws.com');
    expect(aws.requests.filter((request) => request === 'ExecuteChangeSet')).toHaveLength(3);
    expect(aws.environment()).toMatchObject({
      GITHUB_CLIENT_ID: github.registry.apps[0]?.clientId,
      GITHUB_CLIENT_SECRET: 'ssm:/cms-auth/live/github',
      CMS_AUTH_ORIGINS: 'https://www.example.com',
    });
    expectSilence(ended, parameters.credentials.secretAccessKey);
  });

  it('runs the versions that are tested here', async () => {
    const { devDependencies } = JSON.parse(await readFile('test/platforms/package.json', 'utf8')) as {
      devDependencies: Record<string, string>;
    };
    for (const { package: wanted } of Object.values(tools)) {
      const [name = '', version] = wanted.split('@');
      const here =
        name === 'wrangler' ? devDependencies[wrangler]?.replace('npm:wrangler@', '') : devDependencies[name];
      expect([name, here]).toEqual([name, version]);
    }
  });
});
