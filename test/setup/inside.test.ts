import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseEnv } from 'node:util';
import { build } from 'esbuild';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { providers } from '../../functions/auth.ts';
import { esbuildInline } from '../../lib/build/inline.mjs';
import { main } from '../../lib/setup/main.ts';
import { setValues } from '../../lib/setup/stores/file.ts';
import { saveValues } from '../../lib/setup/save.ts';
import { withoutSecrets, type Store } from '../../lib/setup/values.ts';
import { github as record } from '../../lib/providers/github.ts';
import { registrationAddress } from '../../lib/providers/provider.ts';
import { factsOf } from '../../lib/providers/facts.ts';
import { startBitbucket } from '../hosts/bitbucket.ts';
import type { GitHubHost } from '../hosts/github.ts';
import { startGitLab } from '../hosts/gitlab.ts';
import { playedIo, type Answers } from './io.ts';
import { pressButtons, startRegistrar } from './run.ts';

let folder: string;
let github: GitHubHost;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'setup-'));
  github = await startRegistrar();
});
afterEach(async () => {
  await github.close();
  await rm(folder, { recursive: true });
});

const worldOf = (env: Record<string, string>, answers?: Answers) => playedIo(folder, env, answers);

const usual = ['github', '--repo', 'acme/site', '--url', 'https://auth.example.com'];
const settings = async () => parseEnv(await readFile(path.join(folder, '.env'), 'utf8'));

describe('Time', () => {
  it('ends a registration that nobody comes back from after ten minutes', async () => {
    const { io, said } = worldOf({ GITHUB_URL: github.url });
    const begun = io.now();
    expect(await main(usual, providers, io)).toBe(1);
    expect(said.err).toContain('Nobody came back from the registration within 10 minutes');
    expect(Math.round((io.now() - begun) / 60_000)).toBe(10);
    expect(said.opened).toEqual([expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\/$/)]);
  });

  it('ends the wait for the installation after ten minutes, and the values stay', async () => {
    const { io, said } = worldOf({ GITHUB_URL: github.url });
    io.open = async (address) => void pressButtons(new URL(address).origin).then(({ location }) => fetch(location));
    expect(await main(usual, providers, io)).toBe(1);
    expect(said.err).toContain('was not installed on acme/site within 10 minutes. The values are in their place');
    expect(said.err).toContain(
      'is acme/site the exact name of your repository? If not, correct it in the configuration',
    );
    expect(said.out).toContain('for acme/site. Check the name.');
    expect(said.err).toContain('/github-apps/cms-login-for-site/installations/new');
    expect(await settings()).toHaveProperty('GITHUB_CLIENT_ID', github.registry.apps[0]?.clientId);
  });

  it('takes a state for ten minutes, and a page loaded anew has a new one', async () => {
    const { io, said } = worldOf({ GITHUB_URL: github.url });
    let paused = true;
    const { wait } = io;
    io.wait = async (milliseconds) => wait(paused ? 0 : milliseconds);
    io.open = async (address) => {
      const { origin } = new URL(address);
      void (async () => {
        const { location } = await pressButtons(origin);
        await wait(6 * 60_000);
        const second = await pressButtons(origin, { query: '?name=Second' });
        await wait(5 * 60_000);
        const late = await fetch(location);
        said.out += `first ${late.status}\n`;
        const app = github.registry.apps[1];
        if (app) github.registry.install(app, 'acme/site');
        await fetch(second.location);
        paused = false;
      })();
    };
    expect([await main(usual, providers, io), said.err]).toEqual([0, '']);
    expect(said.out).toContain('first 400');
    expect(await settings()).toHaveProperty('GITHUB_CLIENT_ID', github.registry.apps[1]?.clientId);
  });

  it('signs by the host’s clock, however wrong the one here is', async () => {
    github.registry.ahead = -30 * 60_000;
    const { io } = worldOf({ GITHUB_URL: github.url });
    io.open = async (address) =>
      void pressButtons(new URL(address).origin).then(async ({ location }) => {
        const [app] = github.registry.apps;
        if (app) github.registry.install(app, 'acme/site');
        await fetch(location);
      });
    expect(await main(usual, providers, io)).toBe(0);
  });
});

describe('Called wrongly', () => {
  it.each([
    [[], /Something is missing: the Git host \(github, gitlab, bitbucket\), --repo OWNER\/NAME \(GitHub only\), --url/],
    [['github'], /Something is missing: --repo OWNER\/NAME, --url/],
    [['github', '--repo', 'acme/site'], /Something is missing: --url/],
    [['gitlab', '--url', 'https://auth.example.com'], /GitLab needs a terminal/],
    [['gitea'], /There is no Git host "gitea"/],
    [['github', 'gitlab'], /One Git host at a time/],
    [[...usual, '--repo', 'site'], /--repo takes the address of the repository/],
    [[...usual, '--repo', 'acme/..'], /--repo takes the address of the repository/],
    [[...usual, '--repo', 'acme/site/more'], /--repo takes the address of the repository/],
    [[...usual, '--url', 'auth.example.com'], /^--url cannot be used: write a complete address/],
    [[...usual, '--url', 'http://auth.example.com'], /^--url cannot be used: it must begin with https/],
    [[...usual, '--url', ''], /^--url/],
    [
      [...usual, '--url', 'https://auth.example.com/auth/github/callback'],
      /^--url cannot be used: leave out \/auth or \/git and everything after it/,
    ],
    [[...usual, '--site', 'https://www.example.com/admin/'], /^--site cannot be used: it has a path/],
    [[...usual, '--site', 'https://a.example,https://b.example'], /^--site takes one origin/],
    [[...usual, '--org', 'other'], /--org other does not own acme\/site/],
    [[...usual, '--to', 'heroku'], /--to takes env, netlify, cloudflare, aws, firebase/],
    [[...usual, '--stage', 'live'], /--stage and --region go with --to aws/],
    [[...usual, '--to', 'aws', '--stage', 'a/b'], /--stage cannot be used/],
    [[...usual, '--to', 'aws', '--region', 'here'], /--region cannot be used/],
    [[...usual, '--port', '0'], /--port takes a number/],
    [[...usual, '--port', '80'], /--port takes a number from 1024 to 65535/],
    [[...usual, '--verbose'], /--verbose/],
    [['gitlab', '--url', 'https://a.example', '--gateway'], /do not go with GitLab/],
  ])('%j', async (parameters, says) => {
    const { io, said } = worldOf({ GITHUB_URL: github.url });
    expect(await main(parameters, providers, io)).toBe(2);
    expect(said.err.split('\n', 1)[0]).toMatch(says);
    expect(said.err).toContain('npm run setup -- github');
    expect(github.requests).toEqual([]);
  });
});

describe('Options that npm kept for itself, since nobody wrote -- in front of them', () => {
  /** As npm 11 leaves them in the environment: `true` without a value, nothing for `--no-…`. */
  it.each<[string[], Record<string, string>, string]>([
    [['github', 'acme/site'], { npm_config_repo: 'true' }, 'npm kept --repo for itself.* npm run setup -- --repo …'],
    [usual, { npm_config_to: 'aws', npm_config_replace: 'true' }, 'npm kept --to, --replace .*-- --to … --replace'],
    [usual, { npm_config_open: '' }, 'npm kept --no-open for itself'],
  ])('are refused: %j %j', async (parameters, env, says) => {
    const { io, said } = worldOf({ GITHUB_URL: github.url, ...env });
    expect(await main(parameters, providers, io)).toBe(2);
    expect(said.err.split('\n', 1)[0]).toMatch(new RegExp(`^${says}`));
    expect(github.requests).toEqual([]);
  });

  it('are no matter where they are npm’s own, or given here as well', async () => {
    const npms = { npm_config_yes: 'true', npm_config_registry: 'https://r.example', npm_config_dry_run: '' };
    const { io, said } = worldOf({ GITHUB_URL: github.url, npm_config_repo: 'x/y', npm_config_url: '', ...npms });
    expect(await main(usual, providers, io)).toBe(1);
    expect(said.err).toContain('Nobody came back from the registration');
  });
});

describe('A file .env that cannot be used', () => {
  const file = () => path.join(folder, '.env');

  it.each<[string, () => Promise<unknown>, RegExp]>([
    ['is a folder', () => mkdir(file()), /\.env is not a file\.\n/],
    ['is not UTF-8', () => writeFile(file(), 'OTHER=M\xfcller\n', 'latin1'), /\.env is not written in UTF-8\. Save/],
  ])('that %s: words, 1, and nothing registered', async (_, make, words) => {
    await make();
    const before = await readFile(file()).catch(() => undefined);
    const { io, said } = worldOf({ GITHUB_URL: github.url });
    expect(await main(usual, providers, io)).toBe(1);
    expect(said.err).toMatch(words);
    expect(said.err).not.toContain('npm run setup');
    expect(github.requests).toEqual([]);
    expect(await readFile(file()).catch(() => undefined)).toEqual(before);
  });
});

describe('Questions', () => {
  it('ask for what is missing, one by one, and again where an answer cannot be used', async () => {
    const { io, said } = worldOf(
      { GITHUB_URL: github.url },
      {
        'Where is the repository': 'github',
        'Which repository': ['site', `${github.url}/acme/site.git`],
        'At which address': ['auth.example.com', 'https://auth.example.com/'],
        'On which origin': ['https://www.example.com/admin/', ''],
        'Where do the values go': 'env',
      },
    );
    io.open = async (address) =>
      void pressButtons(new URL(address).origin).then(async ({ location }) => {
        const [app] = github.registry.apps;
        if (app) github.registry.install(app, 'acme/site');
        await fetch(location);
      });
    expect(await main([], providers, io)).toBe(0);
    expect(said.asked.length).toBe(8);
    expect(said.err).toMatch(
      /^Paste the address of the repository, such as http[^ ]*\/acme\/website\.\nWrite a complete address[^]*\nIt has a path/,
    );
    expect(said.err).not.toContain('--');
    expect(await settings()).not.toHaveProperty('CMS_AUTH_ORIGINS');
  });

  it('ask before anything is replaced, and take a no', async () => {
    await writeFile(path.join(folder, '.env'), 'GITHUB_CLIENT_SECRET=old\n');
    const { io, said } = worldOf({ GITHUB_URL: github.url }, { 'GITHUB_CLIENT_SECRET is there already': false });
    expect(await main(usual, providers, io)).toBe(1);
    expect(said.err).toContain('Nothing was registered or changed');
    expect(github.requests).toEqual([]);
  });
});

describe('Where a person fills in the form', () => {
  it('GitLab: the form is opened, and id and secret are tried before they are kept', async () => {
    const gitlab = await startGitLab();
    const { clientId, clientSecret } = gitlab.app;
    const { io, said } = worldOf(
      { GITLAB_URL: gitlab.url },
      { 'Client id': [' ', clientId, `${clientId} `], 'Client secret': [clientId, 'not-the-secret', clientSecret] },
    );
    const call = ['gitlab', '--url', 'https://auth.example.com', '--site', 'https://www.example.com'];
    expect(await main(call, providers, io)).toBe(0);
    expect(said.opened).toEqual([`${gitlab.url}/-/user_settings/applications`]);
    expect(said.out).toContain('https://auth.example.com/auth/gitlab/callback');
    expect(said.err).toContain('This is the client id. The secret is the other one.');
    expect(said.err).toContain('GitLab does not accept this id and secret');
    expect(said.out).not.toContain(clientSecret);
    expect(await settings()).toEqual({
      GITLAB_CLIENT_ID: clientId,
      GITLAB_CLIENT_SECRET: clientSecret,
      GITLAB_URL: gitlab.url,
      CMS_AUTH_URL: 'https://auth.example.com',
      CMS_AUTH_ORIGINS: 'https://www.example.com',
    });
    await gitlab.close();
  });

  it('takes both from the environment, where scripts set them, and tries them as well', async () => {
    const gitlab = await startGitLab();
    const { clientId, clientSecret } = gitlab.app;
    const call = ['gitlab', '--url', 'https://auth.example.com'];
    const env = { GITLAB_URL: gitlab.url, GITLAB_CLIENT_ID: clientId };
    const wrong = worldOf({ ...env, GITLAB_CLIENT_SECRET: 'not-the-secret' });
    expect(await main(call, providers, wrong.io)).toBe(1);
    expect(wrong.said.err).toContain('GitLab does not accept this id and secret');
    const { io, said } = worldOf({ ...env, GITLAB_CLIENT_SECRET: clientSecret });
    expect([await main(call, providers, io), said.err]).toEqual([0, '']);
    expect(said.out).toContain('Taken from GITLAB_CLIENT_ID and GITLAB_CLIENT_SECRET in the environment.');
    expect(said.out).toContain('https://auth.example.com/auth/gitlab/callback');
    expect(said.out).not.toContain(`${gitlab.url}/-/user_settings/applications`);
    expect(said.out).not.toContain(clientSecret);
    expect(await settings()).toMatchObject({ GITLAB_CLIENT_ID: clientId, GITLAB_CLIENT_SECRET: clientSecret });
    await gitlab.close();
  });

  it('leaves no secrets of an earlier run behind where its owner replaces them', async () => {
    const gitlab = await startGitLab();
    const { clientId, clientSecret } = gitlab.app;
    await writeFile(path.join(folder, '.env.setup'), 'GITLAB_CLIENT_SECRET=an-old-secret\n');
    const env = { GITLAB_URL: gitlab.url, GITLAB_CLIENT_ID: clientId, GITLAB_CLIENT_SECRET: clientSecret };
    const { io, said } = worldOf(env, { '.env.setup is there already': true });
    expect([await main(['gitlab', '--url', 'https://auth.example.com'], providers, io), said.err]).toEqual([0, '']);
    expect(await settings()).toHaveProperty('GITLAB_CLIENT_SECRET', clientSecret);
    await expect(readFile(path.join(folder, '.env.setup'))).rejects.toThrow('ENOENT');
    await gitlab.close();
  });

  it('Bitbucket: likewise, with HTTP Basic', async () => {
    const bitbucket = await startBitbucket();
    const { clientId, clientSecret } = bitbucket.app;
    const { io, said } = worldOf(
      { BITBUCKET_URL: bitbucket.url },
      { 'Client id': [clientId, clientId], 'Client secret': ['not-the-secret', clientSecret] },
    );
    expect(await main(['bitbucket', '--url', 'https://auth.example.com', '--no-open'], providers, io)).toBe(0);
    expect(said.err).toContain('Bitbucket does not accept this id and secret');
    expect(said.opened).toEqual([]);
    expect(await settings()).toHaveProperty('BITBUCKET_CLIENT_SECRET', clientSecret);
    await bitbucket.close();
  });

  it('a host that is not there cannot be asked, but the values may be kept all the same', async () => {
    const { io, said } = worldOf(
      { GITLAB_URL: 'http://127.0.0.1:9' },
      { 'Client id': 'some-client-id', 'Client secret': 'some-secret', 'Go on': true },
    );
    expect(await main(['gitlab', '--url', 'https://auth.example.com'], providers, io)).toBe(0);
    expect(said.err).toContain('They could not be tried.');
    expect(await settings()).toHaveProperty('GITLAB_CLIENT_ID', 'some-client-id');
  });
});

describe('The form that an address fills in', () => {
  const [form, ...others] = factsOf(record).registrations;
  const fill = {
    name: 'CMS & login',
    homepage: 'https://www.example.com',
    callback: 'https://a.example/auth/github/callback?x=1&y',
  };

  it.each([undefined, 'acme'])('is one that GitHub understands, for %s', async (organisation) => {
    if (!form) throw new Error('There is no form.');
    const address = registrationAddress(github.url, form, { ...fill, organisation });
    const answer = await fetch(address);
    const page = await answer.text();
    expect([answer.status, page.match(/<li>.*<\/li>/g)]).toEqual([200, null]);
    expect(page).toContain(`belong to <strong>${organisation ?? 'octo'}</strong>`);
    for (const [name, value] of Object.entries({
      name: 'CMS &#38; login',
      url: fill.homepage,
      'callback_urls[]': 'https://a.example/auth/github/callback?x=1&#38;y',
      public: 'false',
      webhook_active: 'false',
      request_oauth_on_install: 'false',
      contents: 'write',
      pull_requests: 'write',
      statuses: 'read',
    }))
      expect(page).toContain(`name="${name}" value="${value}"`);
  });

  it('comes before the OAuth app’s, which is filled in, too', () => {
    const [second] = others;
    if (!second) throw new Error('There is no second form.');
    const url = new URL(registrationAddress('https://github.com', second, fill));
    expect(url.pathname).toBe('/settings/applications/new');
    expect(url.searchParams.get('oauth_application[callback_url]')).toBe(fill.callback);
  });
});

describe('Values in the text of an .env file', () => {
  it('are read back as they were meant, with all that was there, whatever that was', () => {
    const name = fc.stringMatching(/^[A-Z][A-Z0-9_]{0,8}$/);
    const line = fc.oneof(
      fc.tuple(name, fc.stringMatching(/^[ -~]{0,12}$/)).map(([key, text]) => `${key}=${text}`),
      fc.stringMatching(/^#[ -~]{0,12}$/),
      fc.constantFrom('', 'export A="x', 'y"', "B='", 'NAME=1', ' NAME = 2 # three', 'NAME="four', '"', '`'),
    );
    fc.assert(
      fc.property(
        fc.array(line, { maxLength: 8 }),
        fc.constantFrom('\n', '\r\n'),
        fc.boolean(),
        fc.constantFrom('line 1\nline 2 = #+/', 'sec"ret#123', `s"ec'ret#123`),
        (lines, end, closed, value) => {
          const text = lines.join(end) + (closed ? end : '');
          let result: string;
          try {
            result = setValues(text, [{ name: 'NAME', value }]);
          } catch (error) {
            // What cannot be changed safely is left alone.
            expect((error as Error).message).toContain('cannot be understood');
            return;
          }
          expect(parseEnv(result)).toEqual({ ...parseEnv(text), NAME: value });
        },
      ),
      { numRuns: 3_000 },
    );
  });

  it.each([
    ['', 'A=1\n'],
    ['# mine\nB=2', '# mine\nB=2\nA=1\n'],
    ['B=2\r\n', 'B=2\r\nA=1\r\n'],
    ['A=0\nB=2\n', 'A=1\nB=2\n'],
    ['A=0\r\nB=2\r\n', 'A=1\r\nB=2\r\n'],
    ['  export A = "x\ny" # z\nB=2\n', 'A=1\nB=2\n'],
    ['B="\nA=0\n"\n', 'B="\nA=0\n"\nA=1\n'],
    ['#A=0\nAA=2\n', '#A=0\nAA=2\nA=1\n'],
    ['A=0\nB=2\nA=3\n', 'A=0\nB=2\nA=1\n'],
    ['\ufeffB=2\n', '\ufeffB=2\nA=1\n'],
  ])('%j becomes %j', (before, after) => {
    expect(setValues(before, [{ name: 'A', value: '1' }])).toBe(after);
  });
});

it('A value that no file can hold is not lost without a word of what to do', async () => {
  const { io } = worldOf({});
  const store: Store = {
    place: 'a store',
    taken: async () => [],
    write: async () => Promise.reject(new Error('It is full of sec"r\'et`#1.')),
    otherwise: 'Do it by hand.',
  };
  const entries = [{ name: 'SECRET', value: 'sec"r\'et`#1', parameter: 'secret' }];
  await expect(saveValues(store, entries, false, io, 'Make a new one.')).rejects.toThrow(
    /^The values could not be put into a store\. It is full of \(secret\)\.\n\nThey could not be kept in .* either\. Make a new one\.$/,
  );
});

it('Words of others are cleaned of secrets, also of those that come in pieces', () => {
  const values = [
    { name: 'KEY', value: 'first line of it\nsecond line of it', parameter: 'key' },
    { name: 'ID', value: 'the-client-id' },
  ];
  expect(withoutSecrets('bad: second line of it for the-client-id', values)).toBe('bad: (secret) for the-client-id');
});

it('Nothing of it is in any bundle that is deployed', async () => {
  const { metafile } = await build({
    entryPoints: [
      'functions/auth.ts',
      'lib/login/setup-page.ts',
      'lib/login/callback-page.ts',
      'lib/config/ssm.ts',
      'lib/oauth/token-request.ts',
    ],
    bundle: true,
    splitting: true,
    platform: 'node',
    format: 'esm',
    mainFields: ['module', 'main'],
    outdir: 'nowhere',
    write: false,
    metafile: true,
    plugins: [esbuildInline],
  });
  const inputs = Object.keys(metafile.inputs);
  expect(inputs).toContain('lib/providers/github.ts');
  expect(inputs).toContain('lib/login/setup-page.ts');
  expect(inputs.filter((name) => /lib\/setup|manifests|clack|node_modules\/(open|env-paths)\//.test(name))).toEqual([]);
});
