import { execFile } from 'node:child_process';
import { createPublicKey } from 'node:crypto';
import { chmod, cp, mkdir, mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseEnv, promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { providers } from '../../functions/auth.ts';
import { createHandler } from '../../lib/login/handler.ts';
import { routes } from '../../functions/gateway.ts';
import { serve } from '../../lib/handler/serve.ts';
import { node } from '../../lib/platforms/node.ts';
import { deploy } from '../../lib/setup/deploy/main.ts';
import { frontPage } from '../../lib/setup/targets/front-page.ts';
import { findCmsConfigs, readCmsConfig, withBaseUrl } from '../../lib/setup/deploy/cms-config.ts';
import type { GitHubHost } from '../hosts/github.ts';
import { startGitLab } from '../hosts/gitlab.ts';
import { listen, type Listening } from '../hosts/http.ts';
import { startParameterStore, type ParameterStoreHost } from '../hosts/parameters.ts';
import { startNetlify, type NetlifyHost } from '../hosts/netlify.ts';
import { playedIo, type Answers } from './io.ts';
import { pressButtons, startRegistrar } from './run.ts';

const execute = promisify(execFile);

let folder: string;
let source: string;
let github: GitHubHost;
let netlify: NetlifyHost;
let login: Listening;
/** The settings of the login that answers. */
let settings: () => Promise<Record<string, string | undefined>>;
/** What Netlify hands to the functions of its one site. */
const variables = (): Record<string, string | undefined> =>
  Object.fromEntries([...netlify.variables.values()].map(({ key, values }) => [key, values[0]?.value]));

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'deploy-'));
  source = path.join(folder, 'package');
  for (const name of ['dist/netlify', 'dist/node', 'dist/public', 'bin'])
    await mkdir(path.join(source, name), { recursive: true });
  await cp('netlify.toml', path.join(source, 'netlify.toml'));
  await writeFile(path.join(source, 'dist/node/start.mjs'), '// the server');
  github = await startRegistrar();
  netlify = await startNetlify();
  netlify.site = undefined;
  settings = async () => variables();
  login = await listen(async (request, response) =>
    node(createHandler(providers, { env: await settings(), log: () => {} }))(request, response),
  );
  netlify.addressOf = () => login.url;
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await Promise.all([github.close(), netlify.close(), login.close()]);
  await rm(folder, { recursive: true });
});

/** What stands in the place of `npx`: Netlify's own tool runs in `test/platforms`. */
async function npx(script: string): Promise<void> {
  const file = path.join(source, 'bin', 'npx');
  await writeFile(file, `#!${process.execPath}\n${script}`);
  await chmod(file, 0o755);
  vi.stubEnv('PATH', `${path.dirname(file)}:${process.env['PATH']}`);
}
const recorder = `require('fs').appendFileSync('calls', process.argv.slice(2).join(' ') + '\\n');`;
const work = () => path.join(folder, 'cms-login');
const calls = async () => (await readFile(path.join(work(), 'calls'), 'utf8')).trim().split('\n');

const usual = ['--cms', 'https://www.example.com/admin/', '--to', 'netlify', '--no-open', '--name', 'your-login'];

/** Runs the command, and plays the owner at the browser and at GitHub. */
async function run(
  parameters: readonly string[],
  answers?: Answers,
  {
    installs = true,
    env = {},
    stopped,
  }: {
    installs?: boolean;
    env?: Record<string, string>;
    stopped?: (text: string) => Promise<unknown> | undefined;
  } = {},
) {
  const { io, said, stop } = playedIo(
    folder,
    { GITHUB_URL: github.url, NETLIFY_API_URL: netlify.url, NETLIFY_AUTH_TOKEN: netlify.token, ...env },
    answers,
  );
  const { write } = io;
  io.write = (text) => {
    write(text);
    void stopped?.(text)?.then(stop);
    const [page] = /http:\/\/127\.0\.0\.1:\d+(?=\/\n)/.exec(text) ?? [];
    if (page === undefined) return;
    void pressButtons(page).then(async ({ location }) => {
      await fetch(location);
      const app = github.registry.apps.at(-1);
      if (!installs || !app) return;
      github.registry.install(app, 'acme/site');
      github.installedApp = {
        id: String(app.id),
        publicKey: createPublicKey(app.pem),
        installation: 1,
        permissions: { metadata: 'read', contents: 'write', pull_requests: 'write', statuses: 'read' },
        lifetime: 3_600_000,
      };
    });
  };
  const code = await deploy(parameters, providers, io, source);
  return { code, ...said };
}

describe('From nothing to a login', () => {
  it('makes the site, registers, sets, deploys once, asks whether it is ready, and says what to write', async () => {
    await npx(recorder);
    const { code, out, err } = await run([...usual, '--repo', `${github.url}/acme/site`]);
    expect([err, code]).toEqual(['', 0]);
    expect(netlify.site).toMatchObject({ name: 'your-login' });
    const app = github.registry.apps[0];
    expect(variables()).toEqual({
      GITHUB_CLIENT_ID: app?.clientId,
      GITHUB_CLIENT_SECRET: app?.clientSecret,
      GITHUB_URL: github.url,
      CMS_AUTH_URL: login.url,
      CMS_AUTH_ORIGINS: 'https://www.example.com',
    });
    expect(await calls()).toEqual([expect.stringMatching(/^--yes netlify-cli@[\d.]+ deploy --prod --no-build /)]);
    expect(out).toContain('The login is ready.');
    expect(out).toContain(`  base_url: ${login.url}\n`);
    for (const secret of [app?.clientSecret, netlify.token]) {
      expect(out + err).not.toContain(secret);
      expect(await readFile(path.join(work(), '.cms-auth-deploy.json'), 'utf8')).not.toContain(secret);
    }
    // A whole login begins there: it would lead to the host.
    expect((await fetch(`${login.url}/auth?provider=github`)).status).toBe(200);
  });

  it.each(['login', 'gateway'])(
    'makes a site of its own for a %s in a folder whose own site is at Netlify',
    async (service) => {
      await npx(recorder);
      netlify.site = { id: 'site-1', name: 'the-website', url: 'https://www.example.com' };
      await mkdir(path.join(folder, '.netlify'));
      await writeFile(path.join(folder, '.netlify', 'state.json'), JSON.stringify({ siteId: 'site-1' }));
      const gateway = [
        '--gateway',
        '--issuer',
        'https://accounts.google.com',
        '--editors',
        '@example.org',
        '--paths',
        '**',
      ];
      const extra = service === 'gateway' ? gateway : [];
      const { out } = await run([...usual, ...extra, '--repo', `${github.url}/acme/site`]);
      expect(out).toContain('Made the Netlify site');
      expect(netlify.requests.slice(0, 2)).toEqual(['POST /api/v1/sites', expect.stringMatching(/^GET .*\/site-1$/)]);
      const own = path.join(folder, `cms-${service}`, '.netlify', 'state.json');
      expect(JSON.parse(await readFile(own, 'utf8'))).toHaveProperty('siteId');
    },
  );

  it.each([true, false])(
    'whose link to its site an earlier version kept further up: it says so, and makes no other (deployed: %s)',
    async (deployed) => {
      await npx(recorder);
      const parameters = [...usual, '--repo', `${github.url}/acme/site`];
      expect((await run(parameters)).code).toBe(0);
      const file = path.join(work(), '.cms-auth-deploy.json');
      const { deployed: _, ...begun } = JSON.parse(await readFile(file, 'utf8')) as Record<string, unknown>;
      if (!deployed) await writeFile(file, JSON.stringify(begun));
      await rename(path.join(work(), '.netlify'), path.join(folder, '.netlify'));
      const { code, err } = await run(parameters);
      expect(code).toBe(1);
      expect(err).toContain(`${work()} is linked to no Netlify site, though a login was begun there.`);
      expect(err).toContain('run "npx netlify-cli link" in that folder');
      expect(err).toContain('delete .cms-auth-deploy.json');
      expect(netlify.requests.filter((request) => request === 'POST /api/v1/sites')).toHaveLength(1);
      expect(await calls()).toHaveLength(1);
    },
  );

  it.each(['https://www.example.com', 'https://the-website.netlify.app'])(
    'is not deployed over the website that the environment names: %s',
    async (site) => {
      await npx(recorder);
      netlify.site = { id: 'site-1', name: 'the-website', url: 'https://www.example.com' };
      const { code, err } = await run(
        [...usual.with(1, `${site}/admin/`), '--repo', `${github.url}/acme/site`],
        undefined,
        { env: { NETLIFY_SITE_ID: 'site-1' } },
      );
      expect(code).toBe(1);
      expect(err).toContain('The Netlify site the-website is your website: deploying the login would replace it.');
      expect(err).toContain('NETLIFY_SITE_ID');
      await expect(calls()).rejects.toThrow('ENOENT');
      expect(github.requests).toEqual([]);
    },
  );

  it('keeps the folder that it makes, with the secrets in it, out of the commits of a site', async () => {
    const git = (...parameters: string[]) => execute('git', parameters, { cwd: folder });
    await git('init', '--quiet');
    const url = 'https://auth.example.com';
    const { code, err } = await run([...usual.with(3, 'server'), '--url', url, '--repo', `${github.url}/acme/site`]);
    expect([err, code]).toEqual(['', 0]);
    const secret = github.registry.apps[0]?.clientSecret ?? 'none';
    expect(await readFile(path.join(work(), '.env'), 'utf8')).toContain(secret);
    await git('add', '--all');
    expect((await git('ls-files')).stdout).not.toContain('cms-login');
  });

  it('asks for everything in a terminal, in words that a webmaster can answer', async () => {
    await npx(recorder);
    const { code, err, asked } = await run(['--no-open', '--name', 'your-login'], {
      'Where is your CMS?': 'https://www.example.com/admin/',
      'Which repository holds your site?': `${github.url}/acme/site`,
      'Where should the login run?': 'netlify',
    });
    expect([err, code]).toEqual(['', 0]);
    expect(asked).toHaveLength(3);
  });

  it.each([
    ['as a browser shows it', (url: URL) => `${url.origin}/acme/site/`],
    ['without its beginning', (url: URL) => `${url.host}/acme/site`],
    ['as Git takes it', (url: URL) => `git@${url.hostname}:acme/site.git`],
    ['as Git takes it, with its beginning', (url: URL) => `ssh://git@${url.hostname}/acme/site.git`],
    ['by its name', () => 'acme/site'],
  ])('takes the repository %s, and speaks of no option where it asks', async (_, form) => {
    const { code, err } = await run(['--to', 'netlify', '--dry-run'], {
      'Where is your CMS?': ['somewhere', 'https://www.example.com/admin/'],
      'Which repository holds your site?': ['x', 'https://git.example.org/a/b', form(new URL(github.url))],
    });
    expect(code).toBe(0);
    expect(err).toMatch(
      /^Paste the address of the page that your CMS is on, such as .*\nPaste the address of the repository, such as .*\nIt is at none of .*\n$/,
    );
  });

  it('finds the repository in the configuration beside the page of the CMS', async () => {
    await npx(recorder);
    const pages = await listen(
      (request, response) =>
        void (request.url === '/admin/config.yml'
          ? response.end('backend:\n  name: github\n  repo: acme/site\nmedia_folder: img\n')
          : response.writeHead(404).end()),
    );
    const cms = `${pages.url.replace('127.0.0.1', 'localhost')}/admin/`;
    const { code, err } = await run(['--cms', cms, '--to', 'netlify', '--no-open', '--name', 'your-login']);
    await pages.close();
    expect([err, code]).toEqual(['', 0]);
    expect(variables()['CMS_AUTH_ORIGINS']).toBe(new URL(cms).origin);
  });

  it('shows each step and does nothing with --dry-run', async () => {
    const { code, out } = await run([...usual, '--repo', `${github.url}/acme/site`, '--dry-run']);
    expect(code).toBe(0);
    expect(out.match(/^\d\. /gm)).toHaveLength(5);
    expect([netlify.requests, github.requests]).toEqual([[], []]);
    await expect(stat(work())).rejects.toThrow('ENOENT');
  });

  it('does nothing where npm kept the option for itself that says so', async () => {
    await npx(recorder);
    const parameters = [...usual, '--repo', `${github.url}/acme/site`];
    const { code, err } = await run(parameters, undefined, { env: { npm_config_dry_run: 'true' } });
    expect(code).toBe(2);
    expect(err).toMatch(
      /^npm kept --dry-run for itself\. Write -- in front of the options: npm run deploy -- --dry-run\n/,
    );
    expect([netlify.requests, github.requests]).toEqual([[], []]);
  });
});

describe('What fails', () => {
  const repo = () => ['--repo', `${github.url}/acme/site`];

  it('says what is done and what is not, and goes on from there: nothing is registered twice', async () => {
    await npx(`${recorder} console.error('Error: quota exceeded'); process.exit(1);`);
    const first = await run([...usual, ...repo()]);
    expect(first.code).toBe(1);
    expect(first.err).toContain('quota exceeded');
    expect(first.err).toMatch(
      /Done: make a Netlify site \(your-login\); register it at GitHub and put the settings in\./,
    );
    expect(first.err).toMatch(/Not done: deploy it there; ask the login/);
    await npx(recorder);
    const second = await run([...usual, ...repo()]);
    expect([second.err, second.code]).toEqual(['', 0]);
    expect(second.out).toContain('going on from there');
    expect(github.registry.apps).toHaveLength(1);
    expect(netlify.requests.filter((request) => request === 'POST /api/v1/sites')).toHaveLength(1);
  });

  it('an app that nobody installs: its values stay, and the next run goes on behind it', async () => {
    await npx(recorder);
    const first = await run([...usual, ...repo()], undefined, { installs: false });
    expect(first.code).toBe(1);
    expect(first.err).toContain('was not installed on acme/site within 10 minutes');
    expect(first.err).toMatch(
      /\nDone: make a Netlify site \(your-login\); register it .* in\.\nNot done: deploy it there; ask/,
    );
    expect((await run([...usual, ...repo()])).code).toBe(0);
    expect(github.registry.apps).toHaveLength(1);
  });

  /** Takes the values, or not, and never answers whether it did. */
  const worker = (works: boolean) => `${recorder}
    const [, , command, sub] = process.argv.slice(2);
    if (command === 'deploy') console.log('https://your-login.acme.workers.dev');
    if (sub === 'list') console.log(JSON.stringify(require('fs').existsSync('kept') ? [{ name: 'GITHUB_CLIENT_ID' }] : []));
    if (sub === 'bulk') {
      require('fs').writeFileSync('kept', require('fs').readFileSync(0));
      process.exit(${works ? 0 : 1});
    }`;
  const kept = () => path.join(work(), 'kept');
  const onCloudflare = () => {
    settings = async () => JSON.parse(await readFile(kept(), 'utf8').catch(() => '{}')) as Record<string, string>;
    return run([...usual.with(3, 'cloudflare'), ...repo(), '--url', login.url]);
  };

  it('values that do not get into their place: the same command tries again, and goes on', async () => {
    await npx(worker(false));
    const first = await onCloudflare();
    expect(first.code).toBe(1);
    expect(first.err).toContain('Run the same command again: it goes on from here.');
    expect((await onCloudflare()).err).toContain('The values could not be put into');
    await writeFile(kept(), '{}');
    await npx(worker(true));
    const third = await onCloudflare();
    expect([third.err, third.code]).toEqual(['', 0]);
    expect(await settings()).toHaveProperty('GITHUB_CLIENT_SECRET', github.registry.apps[0]?.clientSecret);
    expect(github.registry.apps).toHaveLength(1);
    await expect(stat(path.join(work(), '.env.setup'))).rejects.toThrow('ENOENT');
  });

  it('values that their owner puts in their place by hand: the same command goes on behind that', async () => {
    await npx(worker(false));
    expect((await onCloudflare()).code).toBe(1);
    await rm(path.join(work(), '.env.setup'));
    const second = await onCloudflare();
    expect([second.err, second.code]).toEqual(['', 0]);
    expect(github.registry.apps).toHaveLength(1);
  });

  it('GitLab with nobody to ask: refused before anything is made, or done with what is in the environment', async () => {
    await npx(recorder);
    const gitlab = await startGitLab();
    const { clientId, clientSecret } = gitlab.app;
    const parameters = [...usual, '--repo', `${gitlab.url}/acme/site`];
    const env = { GITLAB_URL: gitlab.url };
    const refused = await run(parameters, undefined, { env });
    expect(refused.code).toBe(2);
    expect(refused.err).toContain('Or set GITLAB_CLIENT_ID and GITLAB_CLIENT_SECRET in the environment.');
    expect(netlify.requests).toEqual([]);
    const given = { ...env, GITLAB_CLIENT_ID: clientId, GITLAB_CLIENT_SECRET: clientSecret };
    const { code, err, out } = await run(parameters, undefined, { env: given });
    await gitlab.close();
    expect([err, code]).toEqual(['', 0]);
    expect(variables()).toMatchObject({ GITLAB_CLIENT_ID: clientId, GITLAB_CLIENT_SECRET: clientSecret });
    expect(out).not.toContain(clientSecret);
  });

  it('GitLab with nobody to ask: what is registered is deployed again, and what is kept goes on, without its secret', async () => {
    await npx(recorder);
    const gitlab = await startGitLab();
    const { clientId, clientSecret } = gitlab.app;
    const parameters = [...usual, '--repo', `${gitlab.url}/acme/site`];
    const env = { GITLAB_URL: gitlab.url };
    netlify.refusal = 'Your plan allows no more variables';
    const given = { ...env, GITLAB_CLIENT_ID: clientId, GITLAB_CLIENT_SECRET: clientSecret };
    expect((await run(parameters, undefined, { env: given })).err).toContain('Your plan allows no more variables');
    netlify.refusal = undefined;
    for (const _ of ['what is kept', 'what is registered']) {
      const { code, err } = await run(parameters, undefined, { env });
      expect([err, code]).toEqual(['', 0]);
    }
    await gitlab.close();
    expect(variables()).toMatchObject({ GITLAB_CLIENT_ID: clientId, GITLAB_CLIENT_SECRET: clientSecret });
    expect(await calls()).toHaveLength(2);
  });

  it('GitLab: what is in the environment now counts, and not what an earlier run kept', async () => {
    await npx(recorder);
    const gitlab = await startGitLab();
    const parameters = [...usual, '--repo', `${gitlab.url}/acme/site`];
    const given = () => {
      const { clientId, clientSecret } = gitlab.app;
      return { GITLAB_URL: gitlab.url, GITLAB_CLIENT_ID: clientId, GITLAB_CLIENT_SECRET: clientSecret };
    };
    netlify.refusal = 'Your plan allows no more variables';
    expect((await run(parameters, undefined, { env: given() })).code).toBe(1);
    netlify.refusal = undefined;
    gitlab.app.clientSecret = 'the-secret-that-was-renewed';
    const { code, err } = await run(parameters, undefined, { env: given() });
    await gitlab.close();
    expect([err, code]).toEqual(['', 0]);
    expect(variables()).toHaveProperty('GITLAB_CLIENT_SECRET', 'the-secret-that-was-renewed');
    await expect(stat(path.join(work(), '.env.setup'))).rejects.toThrow('ENOENT');
  });

  it('is stopped while a tool runs: the tool ends, nothing comes after it, and it says what is done', async () => {
    await npx(`${recorder} setTimeout(() => {}, 60_000);`);
    const running = () => expect.poll(() => calls().catch(() => [])).toHaveLength(1);
    const stopped = (text: string) => (/\] Deploy it there/.test(text) ? running() : undefined);
    const { code, err } = await run([...usual, ...repo()], undefined, { stopped });
    expect([code, await calls()]).toEqual([1, [expect.stringContaining('deploy')]]);
    expect(err).toMatch(
      /^\nStopped\.\n\nDone: make a Netlify site \(your-login\); register it .* in\.\nNot done: deploy it there; ask/,
    );
    expect(err).toContain('Run the same command again: it goes on from here.');
    expect(err).not.toContain('Nothing was written');
  });

  it('is stopped before a step: that is not begun', async () => {
    await npx(recorder);
    const stopped = (text: string) => (text.startsWith('Made the Netlify site') ? Promise.resolve() : undefined);
    const { code, err, out } = await run([...usual, ...repo()], undefined, { stopped });
    expect(code).toBe(1);
    expect(err).toMatch(/Stopped\.\n\nDone: make a Netlify site \(your-login\)\.\nNot done: register it/);
    expect(out).not.toContain('Open this page');
    expect(github.requests).toEqual([]);
  });

  it('a name that somebody else has', async () => {
    netlify.taken.add('your-login');
    const { code, err } = await run([...usual, ...repo()]);
    expect(code).toBe(1);
    expect(err).toContain('Netlify has a site called "your-login" already. Choose another name with --name.');
    expect(github.requests).toEqual([]);
  });

  it('a login that does not become ready: what it says, within three minutes', async () => {
    await npx(recorder);
    netlify.addressOf = () => login.url.replace('127.0.0.1', 'localhost');
    await login.close();
    login = await listen((_, response) => void response.end('<main data-code="SETTING_MISSING">'));
    netlify.addressOf = () => login.url;
    const { code, err } = await run([...usual, ...repo()]);
    expect(code).toBe(1);
    expect(err).toContain(`The login is not ready yet. It says SETTING_MISSING. Open ${login.url}/auth`);
  });

  it.each([
    [['--to', 'netlify'], /missing: --cms/],
    [['--cms', 'https://www.example.com/admin/'], /missing: --to \(netlify, cloudflare, aws, firebase, server\)/],
    [['--cms', 'nowhere', '--to', 'netlify'], /--cms takes the address of the page/],
    [['--cms', 'https://a:b@www.example.com/', '--to', 'netlify'], /--cms takes the address of the page/],
    [[...usual, '--repo', 'https://git.example.org/a/b'], /--repo is at none of .* set GITHUB_URL or/],
    [[...usual, '--repo', 'x'], /--repo takes the address of the repository, such as http/],
    [[...usual, '--repo', 'git@git.example.org:a/b.git'], /--repo is at none of/],
    [[...usual, '--repo', 'git.example.org/a/b'], /--repo is at none of/],
    [['--cms', 'www.example.com', '--to', 'heroku', '--repo', 'a/b'], /--to takes netlify, cloudflare/],
    [['--cms', 'www.example.com', '--to', 'server', '--repo', 'a/b'], /--url/],
    [['--cms', 'www.example.com', '--to', 'aws', '--repo', 'a/b', '--region', 'eu; rm -rf'], /--region cannot be used/],
    [['--cms', 'www.example.com', '--to', 'aws', '--repo', 'a/b', '--name', '$(id)'], /--name cannot be used/],
    [
      ['--cms', 'www.example.com', '--to', 'aws', '--repo', 'a/b', '--name', 'the-login-of-the-shop'],
      /at most 19 characters/,
    ],
    [['--cms', 'www.example.com', '--to', 'firebase', '--repo', 'a/b'], /--project cannot be used/],
    [['--nonsense'], /nonsense/],
    [['https://www.example.com/admin/'], /What is "https:.*npm run deploy -- --cms/],
  ])('wrong usage: %j', async (parameters, says) => {
    const { code, err } = await run(parameters);
    expect(code).toBe(2);
    expect(err).toMatch(says);
    expect([netlify.requests, github.requests]).toEqual([[], []]);
  });
});

describe('AWS', () => {
  let parameters: ParameterStoreHost;
  const answers = `${recorder} console.log('  ANY - https://abc123.execute-api.eu-central-1.amazonaws.com/auth');`;
  const on = (...more: string[]) =>
    run(
      [
        ['--cms', 'https://www.example.com/admin/', '--repo', `${github.url}/acme/site`, '--to', 'aws'],
        [
          '--no-open',
          '--url',
          login.url,
          ...(more.includes('--region') ? [] : ['--region', parameters.region]),
          ...more,
        ],
      ].flat(),
    );
  /** Without an option that says where. */
  const somewhere = () =>
    run(
      [
        ['--cms', 'https://www.example.com/admin/', '--repo', `${github.url}/acme/site`, '--to', 'aws'],
        ['--no-open', '--url', login.url],
      ].flat(),
    );
  beforeEach(async () => {
    parameters = await startParameterStore();
    const { accessKeyId, secretAccessKey, sessionToken } = parameters.credentials;
    for (const [name, value] of Object.entries({
      AWS_ENDPOINT_URL_SSM: parameters.url,
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
      AWS_SESSION_TOKEN: sessionToken,
      AWS_EC2_METADATA_DISABLED: 'true',
    }))
      vi.stubEnv(name, value);
    settings = async () => ({
      ...parseEnv(await readFile(path.join(work(), '.env'), 'utf8')),
      GITHUB_CLIENT_SECRET: 'x',
    });
  });
  afterEach(() => parameters.close());

  it.each(['github', 'gitlab'])(
    'has a login already, as its parameters say (%s): it is not deployed over',
    async (host) => {
      await npx(answers);
      parameters.put(`/cms-auth/live/${host}`, 'theirs');
      const refused = await on();
      expect(refused.code).toBe(1);
      expect(refused.err).toContain(`AWS has a login called "live" already: /cms-auth/live/${host} is there.`);
      await expect(calls()).rejects.toThrow('ENOENT');
      expect(github.requests).toEqual([]);
      const other = await on('--name', 'shop');
      expect([other.err, other.code]).toEqual(['', 0]);
      expect(await calls()).toEqual(Array(2).fill(expect.stringMatching(/deploy --stage shop --region eu-central-1$/)));
      expect(parameters.get('/cms-auth/shop/github')?.value).toBe(github.registry.apps[0]?.clientSecret);
      expect(parameters.get(`/cms-auth/live/${host}`)?.value).toBe('theirs');
    },
  );

  it('without credentials: said before anything is deployed', async () => {
    await npx(answers);
    for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN']) vi.stubEnv(name, undefined);
    vi.stubEnv('HOME', folder);
    const { code, err } = await on();
    expect(code).toBe(1);
    expect(err).toContain('There are no AWS credentials here');
    await expect(calls()).rejects.toThrow('ENOENT');
  });

  it('without a region in words: osls gets the one that the SDK has, and another one is another login', async () => {
    await npx(answers);
    const profile = path.join(folder, 'aws-config');
    vi.stubEnv('AWS_CONFIG_FILE', profile);
    vi.stubEnv('AWS_REGION', undefined);
    const nowhere = await somewhere();
    expect([nowhere.code, nowhere.err]).toEqual([2, expect.stringMatching(/^Which region\? Add --region/)]);
    await expect(stat(work())).rejects.toThrow('ENOENT');
    vi.stubEnv('AWS_CONFIG_FILE', `${profile}-2`);
    await writeFile(`${profile}-2`, `[default]\nregion = ${parameters.region}\n`);
    const { code, err } = await somewhere();
    expect([err, code]).toEqual(['', 0]);
    expect(await calls()).toEqual(Array(2).fill(expect.stringMatching(/deploy --stage live --region eu-central-1$/)));
    const elsewhere = await on('--region', 'eu-west-1', '--dry-run');
    expect(elsewhere.out).not.toContain('(done)');
    const progress = await readFile(path.join(work(), '.cms-auth-deploy.json'), 'utf8');
    expect(JSON.parse(progress)).toHaveProperty('region', 'eu-central-1');
    expect(elsewhere.out).toContain('.cms-auth-deploy.json is of another login');
  });

  it('osls gets no secret of the shell, which would be in clear text in the function; a pointer to one it gets', async () => {
    await npx(`${answers} require('fs').writeFileSync('environment', JSON.stringify(process.env));`);
    for (const name of ['GITHUB_CLIENT_SECRET', 'GITLAB_CLIENT_SECRET', 'CMS_GATEWAY_CLIENT_SECRET'])
      vi.stubEnv(name, 'a-secret-of-the-shell');
    vi.stubEnv('CMS_GATEWAY_TOKEN', 'ssm:/cms/token');
    const { code, err } = await on();
    expect([err, code]).toEqual(['', 0]);
    const environment = await readFile(path.join(work(), 'environment'), 'utf8');
    expect(environment).not.toContain('a-secret-of-the-shell');
    expect(JSON.parse(environment)).toMatchObject({
      CMS_GATEWAY_TOKEN: 'ssm:/cms/token',
      AWS_ACCESS_KEY_ID: parameters.credentials.accessKeyId,
    });
  });

  it.each(['your-login', 'the-login-of-the-shop'])(
    'has what an earlier version deployed as %s: it stays where it is',
    async (name) => {
      await npx(answers);
      expect((await on('--name', 'your-login', '--replace')).code).toBe(0);
      const file = path.join(work(), '.cms-auth-deploy.json');
      const { stage, region: _, ...old } = JSON.parse(await readFile(file, 'utf8')) as Record<string, unknown>;
      expect(stage).toBe('your-login');
      await writeFile(file, JSON.stringify({ ...old, name }));
      const { code, err } = await on('--name', name);
      expect([err, code]).toEqual(['', 0]);
      expect((await calls()).slice(2)).toEqual(Array(2).fill(expect.stringContaining('deploy --stage live ')));
    },
  );
});

describe('A Firebase project', () => {
  const project = 'your-project';
  const on = (...more: string[]) =>
    run(
      [
        ['--cms', 'https://www.example.com/admin/', '--repo', `${github.url}/acme/site`, '--to', 'firebase'],
        ['--no-open', '--project', project, '--url', login.url, ...more],
      ].flat(),
    );
  /** What answers at the address of the project's Hosting; all other requests go where they go. */
  const hosting = (answer: () => Response) => {
    const { fetch } = globalThis;
    vi.stubGlobal('fetch', (url: URL | string, init?: RequestInit) =>
      /^https:[/]{2}[a-z-]+[.]web[.]app[/]$/.test(String(url)) ? Promise.resolve(answer()) : fetch(url, init),
    );
  };
  const fromFile = async () => ({
    ...parseEnv(await readFile(path.join(work(), '.env'), 'utf8')),
    GITHUB_CLIENT_SECRET: 'x',
  });
  afterEach(() => vi.unstubAllGlobals());

  it.each([
    ['a page', () => new Response('<title>Our website</title>')],
    ['a redirect', () => new Response(null, { status: 302, headers: { location: '/en/' } })],
  ])('whose Hosting has a website is left alone: %s', async (_, answer) => {
    await npx(recorder);
    hosting(answer);
    const { code, err } = await on();
    expect(code).toBe(1);
    expect(err).toContain('your-project.web.app already has a site. Deploying would replace it. Make another project');
    await expect(calls()).rejects.toThrow('ENOENT');
    expect(github.requests).toEqual([]);
  });

  it.each([
    ['nothing yet', () => new Response('Site Not Found', { status: 404 })],
    ['a login of ours', () => new Response(frontPage)],
  ])('whose Hosting has %s is deployed to', async (_, answer) => {
    await npx(recorder);
    hosting(answer);
    settings = fromFile;
    const { code, err } = await on();
    expect([err, code]).toEqual(['', 0]);
    expect((await calls()).at(-1)).toContain('deploy --only functions:cms-auth,hosting --project your-project');
  });

  it('has a login that an earlier run deployed: it is updated, whatever is published at / by now', async () => {
    await npx(recorder);
    let published = new Response('Site Not Found', { status: 404 });
    hosting(() => published.clone());
    settings = fromFile;
    expect((await on()).code).toBe(0);
    published = new Response('<title>What another version publishes</title>');
    const { code, err } = await on();
    expect([err, code]).toEqual(['', 0]);
    expect((await calls()).filter((call) => call.includes(' deploy '))).toHaveLength(2);
  });

  it('is another one than that of an earlier run: its website is left alone as well', async () => {
    await npx(recorder);
    hosting(() => new Response('Site Not Found', { status: 404 }));
    settings = fromFile;
    expect((await on()).code).toBe(0);
    const before = await calls();
    hosting(() => new Response('<title>Our website</title>'));
    const { code, err, out } = await on('--project', 'other-project');
    expect(code).toBe(1);
    expect(out).toContain('.cms-auth-deploy.json is of another login');
    expect(err).toContain('other-project.web.app already has a site.');
    expect(await calls()).toEqual(before);
  });

  it('gets from the build the very page that a login of ours is known by', async () => {
    const build = await readFile('lib/build/build.mjs', 'utf8');
    expect(build).toContain("await writeFile('dist/public/index.html', frontPage);");
  });

  it.each(['web.app', 'firebaseapp.com'])('that the website itself is on is refused: %s', async (domain) => {
    await npx(recorder);
    const { code, err } = await on('--cms', `https://${project}.${domain}/admin/`);
    expect(code).toBe(2);
    expect(err).toContain(
      'Your site is on the Hosting of the project your-project. Deploying the login would replace it.',
    );
  });
});

describe('The gateway', () => {
  const parameters = () =>
    [
      ['--gateway', '--cms', 'https://www.example.com/admin/', '--repo', `${github.url}/acme/site`, '--to', 'netlify'],
      ['--issuer', 'https://accounts.google.com', '--editors', 'ann@example.org, bob@example.org'],
      ['--no-open', '--name', 'your-gateway'],
    ].flat();
  const secret = 'GOCSPX-0123456789-0123456789-0123456789';
  const client = { 'Client id': '123.apps.googleusercontent.com', 'Client secret': secret };

  beforeEach(async () => {
    await mkdir(path.join(source, 'dist/netlify-gateway'), { recursive: true });
    await login.close();
    login = await listen((request, response) =>
      node(serve(routes, { env: variables(), log: () => {} }))(request, response),
    );
    netlify.addressOf = () => login.url;
  });
  const there = () => path.join(folder, 'cms-gateway');

  it('makes a site of its own, with a key to one repository, who may edit what, and a page that says it is ready', async () => {
    await npx(recorder);
    const { code, err, out } = await run([...parameters(), '--paths', 'content/**,static/img/**'], client);
    expect([err, code]).toEqual(['', 0]);
    const app = github.registry.apps[0];
    expect(variables()).toEqual({
      GITHUB_APP_ID: String(app?.id),
      GITHUB_APP_PRIVATE_KEY: app?.pem.trim(),
      CMS_GATEWAY_REPO: `${github.url}/acme/site`,
      CMS_GATEWAY_ISSUER: 'https://accounts.google.com',
      CMS_GATEWAY_CLIENT_ID: client['Client id'],
      CMS_GATEWAY_CLIENT_SECRET: secret,
      CMS_GATEWAY_EDITORS: 'ann@example.org,bob@example.org',
      CMS_GATEWAY_PATHS: 'content/**,static/img/**',
      CMS_AUTH_URL: login.url,
      CMS_AUTH_ORIGINS: 'https://www.example.com',
      GITHUB_URL: github.url,
    });
    const made = await readFile(path.join(there(), 'calls'), 'utf8');
    expect(made).toContain('--functions dist/netlify-gateway');
    expect(out).toContain(`${login.url}/git/oauth2/callback`);
    expect(out).toContain(`  api_root: ${login.url}/git/api/v3`);
    expect(out).toContain('The gateway is ready.');
    // What people see at the host, and nothing about logins that there are none of.
    expect(app?.name).toBe('CMS gateway for site');
    expect(out).not.toContain('CMS_AUTH_REFRESH');
    expect(out + err).not.toContain(secret);
    // Nothing of the login's is there to be read.
    expect(Object.keys(variables())).not.toContain('GITHUB_CLIENT_SECRET');
  });

  it('proposes the folders that the CMS writes to', async () => {
    await npx(recorder);
    const pages = await listen(
      (request, response) =>
        void (request.url === '/admin/config.yml'
          ? response.end(
              'backend: {name: github, repo: acme/site, branch: main}\nmedia_folder: /static/img/\ncollections:\n  - {name: a, folder: content/posts}\n  - name: b\n    files:\n      - {name: c, file: data/about.json}\n      - {name: d, file: "../secrets"}\n      - {name: e, file: "a, b"}\n',
            )
          : response.writeHead(404).end()),
    );
    const cms = `${pages.url.replace('127.0.0.1', 'localhost')}/admin/`;
    const { code, asked, err } = await run(
      [
        '--gateway',
        '--cms',
        cms,
        '--to',
        'netlify',
        '--no-open',
        '--name',
        'g',
        '--issuer',
        'https://accounts.google.com',
        '--editors',
        '@example.org',
      ],
      { ...client, 'Your CMS writes into these: content/posts/**, data/about.json, static/img/**.': true },
    );
    await pages.close();
    expect([err, code]).toEqual(['', 0]);
    expect(asked).toHaveLength(3);
    expect(variables()).toMatchObject({
      CMS_GATEWAY_PATHS: 'content/posts/**,data/about.json,static/img/**',
      CMS_GATEWAY_BRANCH: 'main',
    });
  });

  it('asks for a client once, also where its values do not get into their place at first', async () => {
    await npx(recorder);
    const all = [...parameters(), '--paths', '**'];
    expect((await run(all)).err).toContain('CMS_GATEWAY_CLIENT_ID is missing');
    netlify.refusal = 'Your plan allows no more variables';
    const refused = await run(all, client);
    expect(refused.err).toContain('Your plan allows no more variables');
    netlify.refusal = undefined;
    const second = await run(all);
    expect([second.err, second.code]).toEqual(['', 0]);
    expect(variables()).toHaveProperty('CMS_GATEWAY_CLIENT_SECRET', secret);
    await expect(stat(path.join(there(), '.env.setup'))).rejects.toThrow('ENOENT');
  });

  it('takes a secret from the environment in the place of the one that an earlier run kept', async () => {
    await npx(recorder);
    const all = [...parameters(), '--paths', '**'];
    expect((await run(all)).err).toContain('CMS_GATEWAY_CLIENT_ID is missing');
    netlify.refusal = 'Your plan allows no more variables';
    expect((await run(all, client)).code).toBe(1);
    netlify.refusal = undefined;
    const env = { CMS_GATEWAY_CLIENT_SECRET: secret.replaceAll('0', '9') };
    const second = await run(all, undefined, { env });
    expect([second.err, second.code]).toEqual(['', 0]);
    expect(variables()).toMatchObject({ CMS_GATEWAY_CLIENT_ID: client['Client id'], ...env });
  });

  it('goes on behind the key when the client was not at hand: one app, however often it is run', async () => {
    await npx(recorder);
    const first = await run([...parameters(), '--paths', '**']);
    expect(first.code).toBe(1);
    expect(first.err).toContain('CMS_GATEWAY_CLIENT_ID is missing');
    expect(first.err).toContain('Done: make a Netlify site (your-gateway); get a key to the repository at GitHub.');
    const second = await run([...parameters(), '--paths', '**'], client);
    expect([second.err, second.code]).toEqual(['', 0]);
    expect(github.registry.apps).toHaveLength(1);
  });

  it.each([
    [['--gateway', '--cms', 'www.example.com', '--to', 'netlify'], /missing: --issuer .*--editors/],
    [
      ['--cms', 'www.example.com', '--to', 'netlify', '--repo', 'a/b', '--editors', 'a@b.c'],
      /--editors go with --gateway only/,
    ],
    [
      [
        '--gateway',
        '--cms',
        'www.example.com',
        '--to',
        'firebase',
        '--repo',
        'a/b',
        '--issuer',
        'x',
        '--editors',
        'a@b.c',
      ],
      /docs\/gateway-platforms\.md/,
    ],
    [
      [
        '--gateway',
        '--cms',
        'www.example.com',
        '--to',
        'netlify',
        '--repo',
        'a/b',
        '--issuer',
        'google',
        '--editors',
        'a@b.c',
      ],
      /--issuer takes/,
    ],
    [
      [
        '--gateway',
        '--cms',
        'www.example.com',
        '--to',
        'netlify',
        '--repo',
        'a/b',
        '--issuer',
        'https://x.y',
        '--editors',
        'ann',
      ],
      /--editors takes/,
    ],
    [
      [
        '--gateway',
        '--cms',
        'www.example.com',
        '--to',
        'netlify',
        '--repo',
        'a/b',
        '--issuer',
        'https://x.y',
        '--editors',
        'a@b.c',
      ],
      /--paths cannot be used/,
    ],
  ])('wrong usage: %j', async (wrong, says) => {
    const { code, err } = await run(wrong);
    expect([code, err]).toEqual([2, expect.stringMatching(says)]);
  });
});

describe('A server of one’s own', () => {
  it('gets its .env, and says how to start it', async () => {
    const { code, err, out } = await run([
      '--cms',
      'www.example.com/admin',
      '--repo',
      `${github.url}/acme/site`,
      '--to',
      'server',
      '--url',
      'https://auth.example.com',
      '--no-open',
    ]);
    expect([err, code]).toEqual(['', 0]);
    expect(parseEnv(await readFile(path.join(work(), '.env'), 'utf8'))).toMatchObject({
      CMS_AUTH_URL: 'https://auth.example.com',
      CMS_AUTH_ORIGINS: 'https://www.example.com',
    });
    expect(out.split(`\n  cd ${work()} && node dist/node/start.mjs\n`)).toHaveLength(2);
    expect(out).not.toContain('npm start');
  });

  it('gets a gateway that starts where its settings are, on a port beside the login', async () => {
    const { code, err, out } = await run(
      [
        ['--gateway', '--cms', 'www.example.com/admin', '--repo', `${github.url}/acme/site`, '--to', 'server'],
        ['--url', 'https://auth.example.com', '--issuer', 'https://accounts.google.com', '--editors', '@example.org'],
        ['--paths', '**', '--no-open'],
      ].flat(),
      { 'Client id': '123.apps.googleusercontent.com', 'Client secret': 'GOCSPX-0123456789' },
    );
    expect([err, code]).toEqual(['', 0]);
    const there = path.join(folder, 'cms-gateway');
    expect(out.split(`\n  cd ${there} && node dist/node/start.mjs\n`)).toHaveLength(2);
    expect(out).toContain('add PORT=8889 to the .env in that folder');
    // What the command needs is in the folder, and in what npm publishes.
    expect(await readFile(path.join(there, 'dist/node/start.mjs'), 'utf8')).toBe('// the server');
    const { files } = JSON.parse(await readFile('package.json', 'utf8')) as { files: string[] };
    expect(files).toContain('dist/node');
    expect(files).not.toContain('!dist/node/start.mjs');
  });
});

describe('The configuration in a checkout', () => {
  const url = 'https://auth.example.com';

  it.each([
    [
      'a new line below the others',
      'backend:\n  name: github\n  repo: a/b # ours\n\nmedia_folder: img\n',
      'backend:\n  name: github\n  repo: a/b # ours\n  base_url: https://auth.example.com\n\nmedia_folder: img\n',
    ],
    [
      'an old address',
      "backend:\n    base_url: 'https://old.example.com' # was Netlify\n    name: github\n",
      'backend:\n    base_url: https://auth.example.com # was Netlify\n    name: github\n',
    ],
    [
      'at the end of the file',
      'media_folder: img\nbackend:\n  name: github',
      'media_folder: img\nbackend:\n  name: github\n  base_url: https://auth.example.com',
    ],
    [
      'Windows line ends',
      'backend:\r\n  name: github\r\nmedia_folder: img\r\n',
      'backend:\r\n  name: github\r\n  base_url: https://auth.example.com\r\nmedia_folder: img\r\n',
    ],
    [
      'a nested last value',
      'backend:\n  name: github\n  commit_messages:\n    create: New {{slug}}\nslug:\n  encoding: ascii\n',
      'backend:\n  name: github\n  commit_messages:\n    create: New {{slug}}\n  base_url: https://auth.example.com\nslug:\n  encoding: ascii\n',
    ],
    [
      'a folded last value',
      'backend:\n  name: github\n  repo: >-\n    a/b\nmedia_folder: img\n',
      'backend:\n  name: github\n  repo: >-\n    a/b\n  base_url: https://auth.example.com\nmedia_folder: img\n',
    ],
    [
      'a comment behind',
      'backend:\n  name: github\n  # branch: main\nmedia_folder: img\n',
      'backend:\n  name: github\n  base_url: https://auth.example.com\n  # branch: main\nmedia_folder: img\n',
    ],
  ])('gets the line: %s', (_, before, after) => expect(withBaseUrl(before, url)).toBe(after));

  it.each([
    ['braces', 'backend: { name: github }\n'],
    ['another anchor’s', 'x: &b\n  name: github\nbackend: *b\n'],
    ['a mistake', 'backend:\n name: github\n  repo: x\n'],
    ['a template', '---\nlayout: null\n---\nbackend:\n  name: github\n'],
    ['no backend', 'media_folder: img\n'],
    ['nothing', ''],
  ])('is left alone: %s', (_, before) => expect(withBaseUrl(before, url)).toBeUndefined());

  it('is found where sites keep it, and nowhere else', async () => {
    const write = async (name: string, text: string) => {
      await mkdir(path.join(folder, path.dirname(name)), { recursive: true });
      await writeFile(path.join(folder, name), text);
    };
    await write('static/admin/config.yml', 'backend:\n  name: github\n');
    await write('node_modules/x/config.yml', 'backend:\n  name: github\n');
    await write('_config.yml', 'backend:\n  name: github\n');
    await write('config.yml', 'title: A site\n');
    expect(await findCmsConfigs(folder)).toEqual([path.join(folder, 'static/admin/config.yml')]);
  });

  it('is changed after a question that shows the difference, with its mode kept, and not without', async () => {
    await npx(recorder);
    const file = path.join(folder, 'config.yml');
    const before = 'backend:\n  name: github\n  repo: acme/site\nmedia_folder: img\n';
    await writeFile(file, before, { mode: 0o644 });
    const parameters = [...usual, '--repo', `${github.url}/acme/site`];
    const silent = await run(parameters);
    expect([silent.err, await readFile(file, 'utf8')]).toEqual(['', before]);
    const agreed = await run(parameters, { 'Write this?': true });
    expect(agreed.out).toContain(`+   base_url: ${login.url}`);
    expect(readCmsConfig(await readFile(file, 'utf8'))?.baseUrl).toBe(login.url);
    expect((await stat(file)).mode & 0o777).toBe(0o644);
    expect((await run(parameters)).out).toContain('names this login already');
  });
});
