import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, request, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseEnv } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { GitHubHost } from '../hosts/github.ts';
import { bundleCommand, endAll, formOf, pressButtons, program, start, startRegistrar } from './run.ts';

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

const usual = ['github', '--repo', 'acme/site', '--url', 'https://auth.example.com', '--no-open'];
const site = ['--site', 'https://www.example.com'];
const run = (parameters: readonly string[] = usual, env: Record<string, string> = {}) =>
  start(command.file, parameters, { folder, env: { GITHUB_URL: github.url, ...env } });
const file = (name: string) => readFile(path.join(folder, name), 'utf8');
const settings = async (name = '.env') => parseEnv(await file(name));
const modeOf = async (name: string) => (await stat(path.join(folder, name))).mode & 0o777;
const app = () => {
  const [first] = github.registry.apps;
  if (!first) throw new Error('There is no app.');
  return first;
};
const install = (repository = 'acme/site') => github.registry.install(app(), repository);
/** All that was printed and shown must be without these. */
const secrets = () => [
  app().clientSecret,
  ...app()
    .pem.split('\n')
    .filter((line) => line.length > 20),
];

describe('From the command to an app that is installed', () => {
  it('asks for nothing, and leaves a whole .env that only its owner may read', async () => {
    const setup = run([...usual, ...site]);
    const origin = await setup.origin();
    const { location, manifest, action } = await pressButtons(origin);
    expect(new URL(action).pathname).toBe('/organizations/acme/settings/apps/new');
    expect(manifest).toEqual({
      name: 'CMS login for site',
      url: 'https://www.example.com',
      redirect_url: `${origin}/created`,
      callback_urls: ['https://auth.example.com/auth/github/callback', 'http://localhost:8888/auth/github/callback'],
      setup_url: 'https://auth.example.com/auth',
      setup_on_update: false,
      public: false,
      request_oauth_on_install: false,
      default_permissions: { metadata: 'read', contents: 'write', pull_requests: 'write', statuses: 'read' },
    });
    const created = await fetch(location);
    const page = await created.text();
    expect(created.status).toBe(200);
    expect(page).toContain(`href="${github.url}/github-apps/cms-login-for-site/installations/new"`);
    await setup.says('Waiting for step 1');
    expect(await settings()).toEqual({
      GITHUB_CLIENT_ID: app().clientId,
      GITHUB_CLIENT_SECRET: app().clientSecret,
      GITHUB_URL: github.url,
      CMS_AUTH_URL: 'https://auth.example.com',
      CMS_AUTH_ORIGINS: 'https://www.example.com',
    });
    expect(setup.out()).not.toContain('CMS_AUTH_ORIGINS is there');
    expect(await modeOf('.env')).toBe(0o600);
    install();
    expect(await setup.ended).toBe(0);
    expect(setup.out()).toContain(`${github.url}/github-apps/cms-login-for-site/installations/new`);
    expect(setup.out()).toContain('base_url: https://auth.example.com');
    expect(setup.out()).toContain('Decap CMS and Netlify CMS: opt out.');
    expect(setup.err()).toBe('');
    for (const secret of secrets()) expect(`${setup.out()}${page}`).not.toContain(secret);
    // Neither the key nor anything half written.
    expect((await readdir(folder)).sort()).toEqual(['.env', 'bin']);
  });

  it('registers for a person at the other address, in a path of an own address', async () => {
    const setup = run(['github', '--repo', 'octo/site', '--url', 'https://abc.example.com/prod', '--no-open']);
    const { location, manifest, action } = await pressButtons(await setup.origin());
    expect(new URL(action).pathname).toBe('/settings/apps/new');
    expect(manifest).toMatchObject({
      url: 'https://abc.example.com/prod',
      setup_url: 'https://abc.example.com/prod/auth',
    });
    await fetch(location);
    install('octo/site');
    expect(await setup.ended).toBe(0);
    expect(setup.out()).toContain('auth_endpoint: prod/auth');
    expect(await settings()).not.toHaveProperty('CMS_AUTH_ORIGINS');
  });

  it('keeps the key for the gateway, as Node reads it back', async () => {
    const setup = run([...usual, '--gateway', '--org', 'ACME']);
    await fetch((await pressButtons(await setup.origin())).location);
    install();
    expect(await setup.ended).toBe(0);
    expect(await settings()).toMatchObject({
      GITHUB_APP_ID: String(app().id),
      GITHUB_APP_PRIVATE_KEY: app().pem.trim(),
      CMS_GATEWAY_REPO: `${github.url}/acme/site`,
    });
  });

  it('shows in the browser that there is a page, with nothing in the arguments but its address', async () => {
    await program(folder, 'xdg-open', `require('fs').writeFileSync('opened', process.argv.slice(2).join(' '))`);
    const setup = run(usual.filter((word) => word !== '--no-open'));
    const origin = await setup.origin();
    await expect.poll(() => file('opened').catch(() => '')).toBe(`${origin}/`);
  });

  it('minds a browser that cannot be opened as little as a name that is long', async () => {
    const name = 'a-repository-with-a-very-long-name-indeed';
    const setup = run(['github', '--repo', `acme/${name}`, '--url', 'https://auth.example.com'], { PATH: folder });
    const { location, manifest } = await pressButtons(await setup.origin());
    expect(manifest['name']).toBe('CMS login for a-repository-with-a');
    await fetch(location);
    install(`acme/${name}`);
    expect(await setup.ended).toBe(0);
  });

  it('goes on with another name, where the first is taken', async () => {
    const first = run();
    await fetch((await pressButtons(await first.origin())).location);
    install();
    expect(await first.ended).toBe(0);
    const setup = run([...usual, '--replace']);
    const origin = await setup.origin();
    await expect(pressButtons(origin)).rejects.toThrow('already taken');
    await fetch((await pressButtons(origin, { query: '?name=Another%20name' })).location);
    const second = github.registry.apps[1];
    expect(second?.name).toBe('Another name');
    if (second) github.registry.install(second, 'acme/site');
    expect(await setup.ended).toBe(0);
    expect(await settings()).toMatchObject({ GITHUB_CLIENT_ID: second?.clientId });
  });

  it('takes no app that is somebody else’s', async () => {
    const setup = run(['github', '--repo', 'acme/site', '--url', 'https://auth.example.com', '--no-open']);
    const origin = await setup.origin();
    const welcome = formOf(await (await fetch(origin)).text(), origin);
    const action = welcome.action.replace('/organizations/acme', '');
    const second = formOf(await (await fetch(action, { method: 'POST', body: welcome.fields })).text(), action);
    const made = await fetch(second.action, { method: 'POST', body: second.fields, redirect: 'manual' });
    await fetch(made.headers.get('location') ?? '');
    expect(await setup.ended).toBe(1);
    expect(setup.err()).toContain(
      'The app belongs to octo, and so cannot be installed on repositories of acme. Nothing was written.',
    );
    expect(await readdir(folder)).toEqual(['bin']);
  });

  it('warns where it is installed on everything', async () => {
    const setup = run(['github', '--repo', 'acme/site', '--url', 'https://auth.example.com', '--no-open']);
    await fetch((await pressButtons(await setup.origin())).location);
    await setup.says('Waiting for step 1');
    install('all');
    expect(await setup.ended).toBe(0);
    expect(setup.out()).toContain('it is installed on all repositories of acme');
  });
});

describe('The page', () => {
  it('hands in one code once, however often it is loaded', async () => {
    const setup = run();
    const { location } = await pressButtons(await setup.origin());
    const answers = await Promise.all([
      fetch(location),
      fetch(location),
      fetch(location.replace(/code=\w+/, 'code=other')),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    const again = await fetch(location);
    expect(await again.text()).toContain('/installations/new');
    expect(github.registry.conversions).toBe(1);
    // The page that comes after is the same at the address without the code.
    expect(await (await fetch(new URL('/', location))).text()).toContain('/installations/new');
    install();
    expect(await setup.ended).toBe(0);
  });

  it('takes nothing that did not begin here, spends nothing for it, and goes on', async () => {
    const setup = run();
    const origin = await setup.origin();
    const { location } = await pressButtons(origin);
    const { searchParams } = new URL(location);
    const [code, state] = [searchParams.get('code') ?? '', searchParams.get('state') ?? ''];
    const wrong = [
      '/created',
      `/created?code=${code}`,
      `/created?code=${code}&state=`,
      `/created?code=${code}&state=${state.slice(0, -1)}`,
      `/created?code=${code}&state=${state}x`,
      `/created?code=${code}&state=${state}&state=${state}`,
      `/created?state=${state}`,
      `/created?code=&state=${state}`,
      `/created?code=${code}&code=x&state=${state}`,
      `/created?code=../x&state=${state}`,
      '/other',
      '/created/',
      '//created',
      `/?name=${'x'.repeat(35)}`,
    ];
    for (const address of wrong) {
      const answer = await fetch(origin + address);
      expect([answer.status >= 400 && answer.status < 500, address]).toEqual([true, address]);
    }
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS'])
      expect((await fetch(location, { method })).status).toBe(405);
    const head = await fetch(location, { method: 'HEAD' });
    expect([head.status, await head.text()]).toEqual([200, '']);
    const ahead = [{ 'sec-purpose': 'prefetch' }, { purpose: 'prefetch' }, { 'sec-fetch-dest': 'image' }];
    for (const headers of ahead) expect((await raw(location, headers)).status).toBe(403);
    expect(github.registry.conversions).toBe(0);
    await fetch(location);
    install();
    expect(await setup.ended).toBe(0);
    expect(github.registry.conversions).toBe(1);
  });

  it('answers to its own name alone, on this machine alone', async () => {
    const origin = await run().origin();
    const { port } = new URL(origin);
    for (const host of [
      'localhost',
      `localhost:${port}`,
      'evil.example',
      '127.0.0.1',
      `127.0.0.1:${port}.evil.example`,
    ])
      expect((await raw(origin, { host })).status).toBeGreaterThanOrEqual(400);
    expect((await raw(origin, { host: `127.0.0.1:${port}` })).status).toBe(200);
    await expect(fetch(`http://[::1]:${port}/`)).rejects.toThrow();
  });

  it('is kept by nobody, framed by nobody, and posts to GitHub alone', async () => {
    const origin = await run().origin();
    const { headers } = await fetch(origin);
    expect(headers.get('cache-control')).toContain('no-store');
    expect(headers.get('referrer-policy')).toBe('no-referrer');
    const policy = headers.get('content-security-policy') ?? '';
    expect(policy).toContain(`frame-ancestors 'none'`);
    expect(policy).toContain(`form-action ${github.url} 'self'`);
    expect(policy).not.toContain('unsafe');
  });
});

describe('What goes wrong', () => {
  const beginning = async (parameters?: readonly string[], env?: Record<string, string>) => {
    const setup = run(parameters, env);
    const page = await fetch((await pressButtons(await setup.origin())).location);
    return { setup, page: await page.text() };
  };

  it('a code that was spent: words, 1, and nothing written', async () => {
    const setup = run();
    const { location } = await pressButtons(await setup.origin());
    github.registry.codes.clear();
    const page = await fetch(location);
    expect(page.status).toBe(500);
    expect(await page.text()).toContain('does not take the code of this registration');
    expect(await setup.ended).toBe(1);
    expect(setup.err()).toContain('it was used already, or is older than an hour');
    expect(await readdir(folder)).toEqual(['bin']);
  });

  it.each(['down', 'html', 'partial'] as const)('GitHub is %s', async (fault) => {
    github.registry.fault = fault;
    const { setup } = await beginning();
    expect(await setup.ended).toBe(1);
    expect(setup.err()).toMatch(/answered with 503|answered with 200|something that is no app/);
    expect(await readdir(folder)).toEqual(['bin']);
  });

  it('GitHub hangs: it ends within its ten seconds', async () => {
    github.registry.fault = 'hang';
    const before = Date.now();
    const { setup } = await beginning();
    expect(await setup.ended).toBe(1);
    expect(setup.err()).toContain('does not answer within 10 seconds');
    expect(Date.now() - before).toBeLessThan(20_000);
  });

  it('GitHub is not there, or does not know the owner, or says nothing about owners', async () => {
    const away = run(usual, { GITHUB_URL: 'http://127.0.0.1:9' });
    expect(await away.ended).toBe(1);
    expect(away.err()).toMatch(/could not be reached/);
    const unknown = run(['github', '--repo', 'nobody/site', '--url', 'https://auth.example.com', '--no-open']);
    expect(await unknown.ended).toBe(1);
    expect(unknown.err()).toContain('There is no "nobody"');
    github.registry.privateMode = true;
    const silent = run();
    expect(await silent.ended).toBe(1);
    expect(silent.err()).toContain('it answered with 401. If it is one, add --org acme. If not, try again later');
    const told = run([...usual, '--org', 'acme']);
    expect((await pressButtons(await told.origin())).action).toContain('/organizations/acme/');
  });

  it('the port is taken', async () => {
    const other: Server = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    const setup = run([...usual, '--port', String(port)]);
    expect(await setup.ended).toBe(1);
    expect(setup.err()).toContain(`Port ${port} is taken by another program`);
    other.close();
  });

  it('it is stopped: before and after the registration', async () => {
    const before = run();
    await before.origin();
    before.interrupt();
    expect(await before.ended).toBe(1);
    expect(before.err()).toContain('Nothing was written');
    expect(await readdir(folder)).toEqual(['bin']);
    const { setup } = await beginning();
    await setup.says('Waiting for step 1');
    setup.interrupt();
    expect(await setup.ended).toBe(1);
    expect(setup.err()).toContain('/installations/new');
    expect(await settings()).toHaveProperty('GITHUB_CLIENT_ID', app().clientId);
  });

  it('the values cannot be written: they are kept beside', async () => {
    const setup = run();
    const { location } = await pressButtons(await setup.origin());
    await mkdir(path.join(folder, '.env'));
    const page = await (await fetch(location)).text();
    expect(await setup.ended).toBe(1);
    expect(page).toContain('The values could not be put into the file .env');
    expect(await settings('.env.setup')).toMatchObject({ GITHUB_CLIENT_SECRET: app().clientSecret });
    expect(await modeOf('.env.setup')).toBe(0o600);
    expect(setup.err()).toContain('Move the lines of .env.setup into .env.');
    expect(setup.err()).toContain('/github-apps/cms-login-for-site/installations/new');
    expect(await file('.env.setup')).toContain(`install the app: ${github.url}/github-apps/cms-login-for-site/inst`);
    for (const secret of secrets()) expect(`${setup.out()}${setup.err()}${page}`).not.toContain(secret);
    await rm(path.join(folder, '.env'), { recursive: true });
    // Those of another login or repository are not touched.
    const { url } = github;
    for (const [repository, login] of [
      ['acme/site', 'https://other.example.com'],
      [`${url}/acme/shop`, 'https://auth.example.com'],
    ]) {
      const other = run(['github', '--repo', repository ?? '', '--url', login ?? '', '--no-open']);
      expect(await other.ended).toBe(1);
      expect(other.err()).toContain('.env.setup holds the values of an earlier set-up');
    }
    const again = run();
    expect([await again.ended, again.err()]).toEqual([0, '']);
    expect(again.out()).toContain('nothing is registered anew');
    expect(again.out()).toContain('/github-apps/cms-login-for-site/installations/new');
    expect(await settings()).toMatchObject({ GITHUB_CLIENT_SECRET: app().clientSecret });
    expect((await readdir(folder)).sort()).toEqual(['.env', 'bin']);
    expect(github.registry.apps).toHaveLength(1);
    for (const secret of secrets()) expect(again.out()).not.toContain(secret);
  });
});

describe('What is there already', () => {
  const old =
    '# mine\nOTHER="a\nGITHUB_CLIENT_ID=not-this"\nexport GITHUB_CLIENT_ID=old # kept\n\nCMS_AUTH_URL=https://auth.example.com\nLAST=1';

  it('is refused before anything is registered', async () => {
    await writeFile(path.join(folder, '.env'), old);
    const setup = run();
    expect(await setup.ended).toBe(1);
    expect(setup.err()).toContain('GITHUB_CLIENT_ID is there already');
    expect(setup.err()).toContain('--replace');
    expect(setup.out()).toBe('');
    expect(github.requests).toEqual([]);
    expect(await file('.env')).toBe(old);
  });

  it('is replaced with --replace, and the rest stays as it is', async () => {
    await writeFile(path.join(folder, '.env'), old, { mode: 0o644 });
    const setup = run([...usual, '--replace']);
    await fetch((await pressButtons(await setup.origin())).location);
    install();
    expect(await setup.ended).toBe(0);
    expect(await file('.env')).toBe(
      `${old.replace('export GITHUB_CLIENT_ID=old # kept', `GITHUB_CLIENT_ID=${app().clientId}`)}\nGITHUB_CLIENT_SECRET=${app().clientSecret}\nGITHUB_URL=${github.url}\n`,
    );
    expect(await modeOf('.env')).toBe(0o600);
  });

  it('stays, and is named, where it is a list of sites and no site was given', async () => {
    await writeFile(path.join(folder, '.env'), 'CMS_AUTH_ORIGINS=https://old.example.com\n');
    const setup = run();
    await fetch((await pressButtons(await setup.origin())).location);
    install();
    expect(await setup.ended).toBe(0);
    expect(await settings()).toHaveProperty('CMS_AUTH_ORIGINS', 'https://old.example.com');
    expect(setup.out()).toContain('CMS_AUTH_ORIGINS is there already and stays.');
  });

  it('is kept where it is a list of sites, with the new one behind the others', async () => {
    const list = 'https://old.example.com, https://*--site.netlify.app';
    await writeFile(path.join(folder, '.env'), `CMS_AUTH_ORIGINS="${list}"\n`);
    const setup = run([...usual, ...site]);
    await fetch((await pressButtons(await setup.origin())).location);
    install();
    expect([await setup.ended, setup.err()]).toEqual([0, '']);
    expect(setup.out()).toContain(
      'CMS_AUTH_ORIGINS keeps the sites that are on it, and has https://www.example.com now.',
    );
    const whole = `${list.replace(', ', ',')},https://www.example.com`;
    expect(await settings()).toHaveProperty('CMS_AUTH_ORIGINS', whole);
    await writeFile(path.join(folder, '.env'), `CMS_AUTH_ORIGINS=${whole}\n`);
    const again = run([...usual, ...site, '--replace']);
    await fetch((await pressButtons(await again.origin(), { query: '?name=Another' })).location);
    await again.says('Waiting for step 1');
    expect(await settings()).toHaveProperty('CMS_AUTH_ORIGINS', whole);
  });

  it('is no matter where it is blank, or the same', async () => {
    await writeFile(
      path.join(folder, '.env'),
      'GITHUB_CLIENT_ID=\nGITHUB_CLIENT_SECRET=" "\nCMS_AUTH_URL=https://auth.example.com\n',
    );
    await run().origin();
  });
});

describe('Called wrongly', () => {
  it('it says so, and how', async () => {
    for (const parameters of [
      [],
      ['github', '--repo', 'acme/site'],
      [...usual, '--port', '0'],
      ['gitlab', '--url', 'https://a.example'],
    ]) {
      const setup = run(parameters);
      expect([parameters, await setup.ended]).toEqual([parameters, 2]);
      expect(setup.err()).toContain('npm run setup -- github');
      expect(setup.out()).toBe('');
    }
    expect(github.requests).toEqual([]);
  });

  it('helps', async () => {
    const setup = run(['--help']);
    expect(await setup.ended).toBe(0);
    expect(setup.out()).toContain('--repo <owner/name>');
  });
});

/** With headers that `fetch` does not let anybody set. */
async function raw(address: string, headers: Record<string, string>): Promise<{ status: number }> {
  const asked = request(address, { headers: { ...headers, connection: 'close' } }).end();
  const [response] = (await once(asked, 'response')) as [{ statusCode: number; resume(): void }];
  response.resume();
  return { status: response.statusCode };
}
