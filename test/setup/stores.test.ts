import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseEnv } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { GitHubHost } from '../hosts/github.ts';
import { startNetlify, type NetlifyHost } from '../hosts/netlify.ts';
import { tools } from '../../lib/setup/tool.ts';
import { startParameterStore, type ParameterStoreHost } from '../hosts/parameters.ts';
import { bundleCommand, endAll, pressButtons, program, start, startRegistrar, type Running } from './run.ts';

let command: Awaited<ReturnType<typeof bundleCommand>>;
let github: GitHubHost;
let folder: string;

beforeAll(async () => void (command = await bundleCommand()));
afterAll(() => command?.remove());
beforeEach(async () => {
  github = await startRegistrar();
  folder = await mkdtemp(path.join(tmpdir(), 'setup-'));
  await mkdir(path.join(folder, 'bin'));
});
afterEach(async () => {
  endAll();
  await github.close();
  await rm(folder, { recursive: true });
});

const run = (parameters: readonly string[], env: Record<string, string>) =>
  start(
    command.file,
    [
      'github',
      '--repo',
      'acme/site',
      '--url',
      'https://auth.example.com',
      '--site',
      'https://www.example.com',
      '--no-open',
      ...parameters,
    ],
    { folder, env: { GITHUB_URL: github.url, ...env } },
  );
const app = () => {
  const app = github.registry.apps.at(-1);
  if (!app) throw new Error('There is no app.');
  return app;
};
const file = (name: string) => readFile(path.join(folder, name), 'utf8');

/** Registers and, unless it goes wrong before, installs. */
async function toTheEnd(setup: Running): Promise<number | null> {
  await fetch((await pressButtons(await setup.origin())).location);
  github.registry.install(app(), 'acme/site');
  return setup.ended;
}

/** Nothing that was printed holds a secret of the app. */
function expectSilence(setup: Running) {
  for (const secret of [
    app().clientSecret,
    ...app()
      .pem.split('\n')
      .filter((line) => line.length > 20),
  ])
    expect(setup.out() + setup.err()).not.toContain(secret);
}

/** What was kept because it could not be put where it belongs. */
async function expectRefuge(setup: Running) {
  expect(parseEnv(await file('.env.setup'))).toMatchObject({
    GITHUB_CLIENT_ID: app().clientId,
    GITHUB_CLIENT_SECRET: app().clientSecret,
    CMS_AUTH_URL: 'https://auth.example.com',
  });
  expect((await stat(path.join(folder, '.env.setup'))).mode & 0o777).toBe(0o600);
  expect(setup.err()).toContain('.env.setup');
  expectSilence(setup);
}

describe('On AWS', () => {
  let store: ParameterStoreHost;
  beforeEach(async () => void (store = await startParameterStore()));
  afterEach(() => store.close());
  const on = (parameters: readonly string[] = [], env: Record<string, string> = {}) =>
    run(['--to', 'aws', ...parameters], {
      AWS_ENDPOINT_URL_SSM: store.url,
      AWS_ACCESS_KEY_ID: store.credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: store.credentials.secretAccessKey,
      AWS_SESSION_TOKEN: store.credentials.sessionToken,
      AWS_REGION: store.region,
      ...env,
    });

  it('secrets become SecureStrings, and the rest lines for the file .env', async () => {
    const setup = on(['--gateway']);
    expect(await toTheEnd(setup)).toBe(0);
    expect(store.get('/cms-auth/live/github')).toEqual({ type: 'SecureString', value: app().clientSecret, version: 1 });
    expect(store.get('/cms-auth/live/github-key')).toMatchObject({ type: 'SecureString', value: app().pem.trim() });
    expect([...setup.out().matchAll(/^([A-Z_]+=.*)$/gm)].map(([, line]) => line)).toEqual([
      `GITHUB_CLIENT_ID=${app().clientId}`,
      `GITHUB_URL=${github.url}`,
      'CMS_AUTH_URL=https://auth.example.com',
      'CMS_AUTH_ORIGINS=https://www.example.com',
      `GITHUB_APP_ID=${app().id}`,
      'GITHUB_APP_PRIVATE_KEY=ssm:/cms-auth/live/github-key',
      `CMS_GATEWAY_REPO=${github.url}/acme/site`,
    ]);
    expect(setup.out()).toContain(`  npx osls deploy --stage live --region ${store.region}\n`);
    expect(setup.out()).toContain(
      `  npx osls deploy --config serverless-gateway.yml --stage live --region ${store.region}\n`,
    );
    expect(setup.out()).toContain('set CMS_GATEWAY_URL to that');
    expect(setup.out()).toContain("/git at the gateway's own address shows");
    expectSilence(setup);
    expect(await readdir(folder)).toEqual(['bin']);
  });

  it('a stage and a region of one’s own, which the signature has to name', async () => {
    store.region = 'ap-southeast-2';
    const setup = on(['--stage', 'try-out', '--region', 'ap-southeast-2'], { AWS_REGION: 'eu-west-1' });
    expect(await toTheEnd(setup)).toBe(0);
    expect(store.get('/cms-auth/try-out/github')?.value).toBe(app().clientSecret);
    expect(setup.out()).toContain('npx osls deploy --stage try-out --region ap-southeast-2\n');
    expect(setup.out()).not.toContain('serverless-gateway.yml');
  });

  it('what is there is refused before, and replaced with --replace', async () => {
    store.put('/cms-auth/live/github', 'old', 'SecureString');
    const refused = on();
    expect(await refused.ended).toBe(1);
    expect(refused.err()).toContain('/cms-auth/live/github is there already');
    expect(refused.err()).toContain('--replace');
    expect(refused.err()).not.toContain('old');
    expect(github.requests).toEqual([]);
    expect(await toTheEnd(on(['--replace']))).toBe(0);
    expect(store.get('/cms-auth/live/github')).toMatchObject({ value: app().clientSecret, version: 2 });
  });

  it('no credentials, no region, no right: said before anything is registered', async () => {
    const nobody = on([], { AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: '', AWS_SESSION_TOKEN: '' });
    expect(await nobody.ended).toBe(1);
    expect(nobody.err()).toContain('There are no AWS credentials here');
    const nowhere = on([], { AWS_REGION: '' });
    expect(await nowhere.ended).toBe(1);
    expect(nowhere.err()).toContain('Which region?');
    store.denied.add('/cms-auth/live/github');
    const denied = on();
    expect(await denied.ended).toBe(1);
    expect(denied.err()).toContain('AccessDeniedException');
    expect(github.requests).toEqual([]);
  });

  it('a store that refuses in the end: the values are kept beside', async () => {
    const setup = on();
    const { location } = await pressButtons(await setup.origin());
    store.denied.add('/cms-auth/live/github');
    await fetch(location);
    expect(await setup.ended).toBe(1);
    expect(setup.err()).toContain('ssm:PutParameter');
    await expectRefuge(setup);
  });

  it('somebody was faster: nothing is overwritten', async () => {
    const setup = on();
    const { location } = await pressButtons(await setup.origin());
    store.put('/cms-auth/live/github', 'theirs', 'SecureString');
    await fetch(location);
    expect(await setup.ended).toBe(1);
    expect(store.get('/cms-auth/live/github')?.value).toBe('theirs');
    await expectRefuge(setup);
    expect(setup.err()).toContain('The same command does not put them there, since something else is there by now.');
    expect(setup.err()).not.toContain('The same command tries again');
    const again = on();
    expect(await again.ended).toBe(1);
    expect(again.err()).toContain('.env.setup holds the values of an earlier set-up');
    expect(store.get('/cms-auth/live/github')?.value).toBe('theirs');
  });
});

describe('On Netlify', () => {
  let netlify: NetlifyHost;
  beforeEach(async () => {
    netlify = await startNetlify();
    // As the tool leaves them behind.
    await mkdir(path.join(folder, '.netlify'));
    await writeFile(path.join(folder, '.netlify', 'state.json'), JSON.stringify({ siteId: 'site-1' }));
    await mkdir(path.join(folder, 'config', 'netlify'), { recursive: true });
    await writeFile(
      path.join(folder, 'config', 'netlify', 'config.json'),
      JSON.stringify({ userId: 'u1', users: { u1: { id: 'u1', auth: { token: netlify.token } } } }),
    );
  });
  afterEach(() => netlify.close());
  const on = (parameters: readonly string[] = [], env: Record<string, string> = {}) =>
    run(['--to', 'netlify', ...parameters], {
      NETLIFY_API_URL: netlify.url,
      XDG_CONFIG_HOME: path.join(folder, 'config'),
      ...env,
    });

  it('all become variables for production, the secret ones as secrets', async () => {
    const setup = on(['--gateway']);
    expect(await toTheEnd(setup)).toBe(0);
    expect(Object.fromEntries([...netlify.variables].map(([key, { values }]) => [key, values]))).toEqual(
      Object.fromEntries(
        Object.entries({
          GITHUB_CLIENT_ID: app().clientId,
          GITHUB_CLIENT_SECRET: app().clientSecret,
          GITHUB_URL: github.url,
          CMS_AUTH_URL: 'https://auth.example.com',
          CMS_AUTH_ORIGINS: 'https://www.example.com',
          GITHUB_APP_ID: String(app().id),
          GITHUB_APP_PRIVATE_KEY: app().pem.trim(),
          CMS_GATEWAY_REPO: `${github.url}/acme/site`,
        }).map(([key, value]) => [key, [{ context: 'production', value }]]),
      ),
    );
    const secret = [...netlify.variables.values()].filter(({ is_secret }) => is_secret).map(({ key }) => key);
    expect(secret).toEqual(['GITHUB_CLIENT_SECRET', 'GITHUB_APP_PRIVATE_KEY']);
    expectSilence(setup);
    expect(setup.out() + setup.err()).not.toContain(netlify.token);
    expect((await readdir(folder)).filter((name) => name.startsWith('.env'))).toEqual([]);
  });

  it('what is there for other contexts stays; what is there for production is refused first', async () => {
    const variable = (key: string, values: Record<string, string>) =>
      netlify.variables.set(key, {
        key,
        is_secret: false,
        scopes: ['functions'],
        values: Object.entries(values).map(([context, value]) => ({ context, value })),
      });
    variable('CMS_AUTH_URL', { all: 'https://auth.example.com' });
    variable('GITHUB_CLIENT_ID', { production: 'old', dev: 'for-trying' });
    variable('GITHUB_CLIENT_SECRET', { all: 'old' });
    variable('CMS_AUTH_ORIGINS', { all: 'https://old.example.com' });
    const refused = on(['--site', '']);
    expect(await refused.ended).toBe(1);
    expect(refused.err()).toContain('GITHUB_CLIENT_ID, GITHUB_CLIENT_SECRET are there already');
    expect(github.requests).toEqual([]);
    const setup = on(['--replace', '--site', '']);
    expect(await toTheEnd(setup)).toBe(0);
    expect(setup.out()).toContain('CMS_AUTH_ORIGINS is there already and stays.');
    expect(netlify.variables.get('CMS_AUTH_ORIGINS')?.values).toEqual([
      { context: 'all', value: 'https://old.example.com' },
    ]);
    expect(netlify.variables.get('GITHUB_CLIENT_ID')?.values).toEqual([
      { context: 'dev', value: 'for-trying' },
      { context: 'production', value: app().clientId },
    ]);
    expect(netlify.variables.get('GITHUB_CLIENT_SECRET')).toMatchObject({
      is_secret: true,
      values: [{ context: 'production', value: app().clientSecret }],
    });
  });

  it('a list of sites gets the new one, and one that has it is no matter', async () => {
    const list = (value: string, isSecret = false) =>
      netlify.variables.set('CMS_AUTH_ORIGINS', {
        key: 'CMS_AUTH_ORIGINS',
        is_secret: isSecret,
        scopes: ['functions'],
        values: [{ context: 'all', value }],
      });
    list('https://old.example.com');
    const whole = 'https://old.example.com,https://www.example.com';
    const setup = on();
    expect([await toTheEnd(setup), setup.err()]).toEqual([0, '']);
    expect(setup.out()).toContain(
      'CMS_AUTH_ORIGINS keeps the sites that are on it, and has https://www.example.com now.',
    );
    expect(netlify.variables.get('CMS_AUTH_ORIGINS')?.values).toContainEqual({ context: 'production', value: whole });
    netlify.variables.clear();
    list(whole);
    await on().origin();
    // Marked as a secret, it cannot be read.
    list('', true);
    const refused = on();
    expect(await refused.ended).toBe(1);
    expect(refused.err()).toContain('CMS_AUTH_ORIGINS is there already');
    expect(refused.err()).toContain('CMS_AUTH_ORIGINS becomes https://www.example.com alone.');
  });

  it('not logged in, not linked, a token of the past: said before anything is registered', async () => {
    const stranger = on([], { XDG_CONFIG_HOME: folder });
    expect(await stranger.ended).toBe(1);
    expect(stranger.err()).toContain('netlify-cli login');
    const given = on([], { XDG_CONFIG_HOME: folder, NETLIFY_AUTH_TOKEN: 'of-the-past' });
    expect(await given.ended).toBe(1);
    expect(given.err()).toContain('Netlify does not know the token');
    expect(given.err()).not.toContain('of-the-past');
    await rm(path.join(folder, '.netlify'), { recursive: true });
    const lost = on();
    expect(await lost.ended).toBe(1);
    expect(lost.err()).toContain('netlify-cli link');
    expect(github.requests).toEqual([]);
    await on([], { NETLIFY_SITE_ID: 'site-1' }).origin();
  });

  it('a refusal in the end: its words, and the values kept beside', async () => {
    netlify.refusal = 'Your plan allows no more variables';
    const setup = on();
    expect(await toTheEnd(setup)).toBe(1);
    expect(setup.err()).toContain('Your plan allows no more variables');
    await expectRefuge(setup);
  });
});

/** Keeps what it was called with, in the place of the vendor's tool. */
const recorder = (code = 0) => `const fs = require('fs');
  const input = fs.readFileSync(0, 'utf8');
  const call = { argv: process.argv.slice(2), input, parent: fs.readFileSync('/proc/' + process.ppid + '/cmdline', 'utf8') };
  fs.appendFileSync('calls', JSON.stringify(call) + '\\n');
  console.error(${code} ? 'Error: HTTP Error: 403, no permission for ' + input : 'ok');
  process.exit(${code});`;
const calls = async () =>
  (await file('calls'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { argv: string[]; input: string; parent: string });

describe('On Firebase', () => {
  const on = (parameters: readonly string[] = []) => run(['--to', 'firebase', ...parameters], {});

  it('secrets go through its tool by standard input, whole and without a newline; the rest into .env', async () => {
    await program(folder, 'npx', recorder());
    const setup = on(['--gateway']);
    expect(await toTheEnd(setup)).toBe(0);
    const made = await calls();
    expect(made.map(({ argv, input }) => [argv, input])).toEqual(
      Object.entries({ GITHUB_CLIENT_SECRET: app().clientSecret, GITHUB_APP_PRIVATE_KEY: app().pem.trim() }).map(
        ([name, value]) => [
          ['--yes', tools.firebase.package, 'functions:secrets:set', name, '--data-file', '-', '--non-interactive'],
          value,
        ],
      ),
    );
    for (const { parent } of made) expect(parent).not.toContain(app().clientSecret);
    expect(parseEnv(await file('.env'))).toEqual({
      GITHUB_CLIENT_ID: app().clientId,
      GITHUB_URL: github.url,
      CMS_AUTH_URL: 'https://auth.example.com',
      CMS_AUTH_ORIGINS: 'https://www.example.com',
      GITHUB_APP_ID: String(app().id),
      CMS_GATEWAY_REPO: `${github.url}/acme/site`,
    });
    expectSilence(setup);
  });

  it('a tool that fails: its words without the secret that it repeats, and the values kept beside', async () => {
    await program(folder, 'npx', recorder(2));
    const setup = on();
    expect(await toTheEnd(setup)).toBe(1);
    expect(setup.err()).toContain('HTTP Error: 403, no permission for (secret)');
    await expectRefuge(setup);
    expect(await readdir(folder)).not.toContain('.env');
  });
});

describe('On Cloudflare', () => {
  const on = (parameters: readonly string[] = []) =>
    run(['--to', 'cloudflare', '--worker', 'your-login', ...parameters], {});

  it('all values go through its tool by standard input, in one call', async () => {
    await program(folder, 'npx', recorder());
    const setup = on();
    expect(await toTheEnd(setup)).toBe(0);
    const made = await calls();
    expect(made.map(({ argv }) => argv)).toEqual([
      ['--yes', tools.cloudflare.package, 'secret', 'list', '--format', 'json', '--name', 'your-login'],
      ['--yes', tools.cloudflare.package, 'secret', 'bulk', '--name', 'your-login'],
    ]);
    expect(JSON.parse(made[1]?.input ?? '')).toEqual({
      GITHUB_CLIENT_ID: app().clientId,
      GITHUB_CLIENT_SECRET: app().clientSecret,
      GITHUB_URL: github.url,
      CMS_AUTH_URL: 'https://auth.example.com',
      CMS_AUTH_ORIGINS: 'https://www.example.com',
    });
    for (const { parent } of made) expect(parent).not.toContain(app().clientSecret);
    expectSilence(setup);
  });

  it('says that a list of sites, which nobody can read there, becomes another one', async () => {
    await program(folder, 'npx', `console.log('[{"name":"CMS_AUTH_ORIGINS","type":"secret_text"}]');`);
    const setup = on();
    expect(await setup.ended).toBe(1);
    expect(setup.err()).toContain('CMS_AUTH_ORIGINS becomes https://www.example.com alone.');
    const agreed = on(['--replace']);
    await agreed.origin();
    expect(agreed.out()).toContain('CMS_AUTH_ORIGINS becomes https://www.example.com alone.');
  });

  it('says what is there already, before anything is registered', async () => {
    await program(folder, 'npx', `console.log('[{"name":"GITHUB_CLIENT_SECRET","type":"secret_text"}]');`);
    const setup = on();
    expect(await setup.ended).toBe(1);
    expect(setup.err()).toContain('GITHUB_CLIENT_SECRET is there already');
    expect(github.requests).toEqual([]);
  });

  it('a tool that fails: its words without the secret that it repeats, and the values kept beside', async () => {
    await program(folder, 'npx', `if (process.argv.includes('list')) process.exit(0);\n${recorder(2)}`);
    const setup = on();
    expect(await toTheEnd(setup)).toBe(1);
    expect(setup.err()).toContain('HTTP Error: 403, no permission for');
    await expectRefuge(setup);
  });
});
