/**
 * What `/git`, the CMS and the log say where the settings are right in themselves and the host has another mind: the repository
 * has moved, the branch is another one, there is no right to write, the host has reasons of its own, or another time.
 */
import { forOwner } from '../../lib/http/for-owner.ts';
import { generateKeyPairSync } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { json, openWorld, startHost, type Host, type Script } from '../contract/gateway/world.ts';
import { startGitHub, type GitHubHost } from '../hosts/github.ts';
import { startGitLab, type GitLabHost } from '../hosts/gitlab.ts';
import type { Reply } from '../contract/login.ts';

type World = ReturnType<typeof openWorld>;
const sha = 'a'.repeat(40);

/** Each test has a credential of its own: what was seen of one is kept for a minute. */
let count = 0;
const inProcess = (host: { url: string }, more: Record<string, string | undefined>): World =>
  openWorld(
    host as Host,
    async (handler, request) => {
      const reply = await handler({ ...request, platform: {}, body: () => [Buffer.from(request.body ?? '')] });
      return { ...reply, body: reply.body.toString() };
    },
    more,
  );

const message = ({ body }: Reply) => (JSON.parse(body) as { message?: string }).message ?? '';
const text = ({ body }: Reply) =>
  body
    .replace(/<style[^]*?<\/style>|<script[^]*?<\/script>/g, '')
    .replace(/<[^>]*>/g, ' ')
    .replace(/&#(\d+);/g, (_, code: string) => String.fromCharCode(Number(code)))
    .replace(/\s+/g, ' ');
const page = async (world: World) => text(await world.ask('/git', { headers: { origin: undefined } }));

describe('At GitHub', () => {
  let github: GitHubHost;
  let world: World;
  let token: string;
  beforeEach(async () => {
    github = await startGitHub();
    token = `ghp_of-the-gateway-${++count}`;
    github.accessTokens.set(token, { name: 'CMS', scopes: ['repo'] });
    world = inProcess(github, {
      CMS_GATEWAY_REPO: `${github.url}/${github.repository.fullName}`,
      CMS_GATEWAY_TOKEN: token,
    });
  });
  afterEach(() => github.close());

  it('all is green, and says what was seen', async () => {
    expect(await page(world)).toMatch(
      /nothing is missing.*the credential, the repository and the branch were found, and the right to write/,
    );
  });

  it('a token that says nothing of its rights is green for what was seen, and says what was not', async () => {
    const tokens = github.accessTokens.get(token);
    if (tokens) tokens.scopes = [];
    github.private = false;
    const words = await page(world);
    expect(words).toContain('the repository and the branch were found.');
    expect(words).toContain('Whether the token may write, GitHub does not say.');
  });

  it.each([
    ['renamed', 'demo/old-name'],
    ['given to somebody else', 'somebody/site'],
  ])(
    'a repository that was %s is named on the page, in the CMS, for reading and writing, and in the log',
    async (_, old) => {
      github.movedFrom = old;
      world.env['CMS_GATEWAY_REPO'] = `${github.url}/${old}`;
      const words = `The repository has moved to ${github.url}/demo/site. The owner has to set CMS_GATEWAY_REPO`;
      expect(await page(world)).toContain(forOwner(words));
      expect(await page(world)).toContain('The gateway is not ready');
      const read = await world.ask('/git/github/branches/main');
      const written = await world.ask('/git/github/git/blobs', {
        method: 'POST',
        body: '{"content":"","encoding":"base64"}',
      });
      for (const reply of [read, written]) {
        expect([reply.status, message(reply)]).toEqual([500, expect.stringContaining(words)]);
        expect(world.log.at(-1)).toMatchObject({ code: 'REPOSITORY_MOVED' });
      }
      // Set as it says, all is well.
      world.env['CMS_GATEWAY_REPO'] = `${github.url}/demo/site`;
      expect(await page(world)).toContain('nothing is missing');
    },
  );

  it('a branch that is not there is named on the page and in the CMS, with the one that is', async () => {
    world.env['CMS_GATEWAY_BRANCH'] = 'trunk';
    const words = /There is no branch "trunk" in the repository.*Its default branch is "main"\. The owner has to set/;
    expect(await page(world)).toMatch(
      /There is no branch "trunk" in the repository.*Its default branch is "main"\. Set/,
    );
    const reply = await world.ask('/git/github/branches/trunk');
    expect([reply.status, message(reply)]).toEqual([500, expect.stringMatching(words)]);
    // A draft that is not there is nothing to speak of.
    expect((await world.ask('/git/github/branches/cms%2Fposts%2Fa')).status).toBe(404);
  });

  it('a write to another branch names both, and both settings', async () => {
    const reply = await world.ask('/git/github/git/refs/heads/master', {
      method: 'PATCH',
      body: JSON.stringify({ sha, force: false }),
    });
    expect([reply.status, message(reply)]).toEqual([
      422,
      expect.stringMatching(/"master".*"main".*CMS_GATEWAY_BRANCH and "branch"/),
    ]);
    expect(world.log.at(-1)?.code).toBe('OTHER_BRANCH');
  });

  it('an account that may only read is no credential to publish by', async () => {
    github.private = false;
    github.collaborator = false;
    expect(await page(world)).toMatch(/read the repository, but not write to it.*Contents, read and write/);
  });

  it('a classic token without the scope is none, either', async () => {
    github.private = false;
    github.accessTokens.set(token, { name: 'CMS', scopes: ['read:user'] });
    expect(await page(world)).toContain('but not write to it');
  });

  describe('the app', () => {
    beforeEach(() => {
      const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
      github.installedApp = {
        id: String(1_000 + ++count),
        publicKey,
        installation: 4711,
        permissions: { contents: 'write', pull_requests: 'write', statuses: 'read' },
        lifetime: 3_600_000,
      };
      Object.assign(world.env, {
        CMS_GATEWAY_TOKEN: undefined,
        GITHUB_APP_ID: github.installedApp.id,
        GITHUB_APP_PRIVATE_KEY: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
      });
    });

    it.each([
      ['behind GitHub’s by 10 minutes', 600_000, /(599|600|601) seconds behind that of GitHub/],
      ['behind by two days', 2 * 86_400_000, /(172799|172800|172801) seconds behind/],
      ['ahead by 5 minutes', -300_000, /(299|300|301) seconds ahead of/],
    ])('works with a clock here that is %s, and the page says so', async (_, ahead, words) => {
      github.clockAhead = ahead;
      expect((await world.ask('/git/github/branches/main')).status).toBe(200);
      // One token, and not a new one each time.
      expect((await world.ask('/git/github/branches/main')).status).toBe(200);
      expect(github.installationTokens.size).toBe(1);
      const shown = await page(world);
      expect(shown).toContain('nothing is missing');
      expect(shown).toMatch(words);
    });

    it('says nothing of a clock that is right, or nearly', async () => {
      github.clockAhead = 20_000;
      expect(await page(world)).not.toContain('clock');
    });

    it('that is suspended says so in GitHub’s words', async () => {
      if (github.installedApp) github.installedApp.suspended = true;
      expect(await page(world)).toContain('GitHub says: “This installation has been suspended.”');
      const reply = await world.ask('/git/github/branches/main');
      expect([reply.status, message(reply)]).toEqual([500, expect.stringContaining('has been suspended')]);
      expect(world.log.at(-1)?.message).toContain('has been suspended');
    });
  });
});

describe('At GitLab', () => {
  let gitlab: GitLabHost;
  let world: World;
  beforeEach(async () => {
    gitlab = await startGitLab();
    const token = `glpat-of-the-gateway-${++count}`;
    gitlab.accessTokens.set(token, { name: 'CMS', scopes: ['api'] });
    world = inProcess(gitlab, {
      GITHUB_URL: undefined,
      GITLAB_URL: gitlab.url,
      CMS_GATEWAY_REPO: `${gitlab.url}/${gitlab.repository.fullName}`,
      CMS_GATEWAY_TOKEN: token,
    });
  });
  afterEach(() => gitlab.close());

  it('all is green', async () => {
    expect(await page(world)).toMatch(/nothing is missing.*and the right to write/);
  });

  it('a project that was moved into another group is named; writing is refused there by 405', async () => {
    gitlab.movedFrom = 'group/old/project';
    world.env['CMS_GATEWAY_REPO'] = `${gitlab.url}/group/old/project`;
    const words = `The repository has moved to ${gitlab.url}/${gitlab.repository.fullName}.`;
    expect(await page(world)).toContain(words);
    const body = { branch: 'main', commit_message: 'x', actions: [] };
    const change = { action: 'create', file_path: 'content/a.md', content: '' };
    const replies = [
      await world.ask('/git/gitlab/repository/branches/main'),
      await world.ask('/git/gitlab/repository/commits', {
        method: 'POST',
        body: JSON.stringify({ ...body, actions: [change] }),
      }),
    ];
    for (const reply of replies) expect([reply.status, message(reply)]).toEqual([500, expect.stringContaining(words)]);
  });

  it('the role is looked at', async () => {
    gitlab.collaborator = true;
    gitlab.accessRole = 20;
    expect(await page(world)).toMatch(/but not write to it.*the role Developer or Maintainer/);
  });

  it('a write to another branch names both', async () => {
    const actions = [{ action: 'create', file_path: 'content/a.md', content: '' }];
    const body = JSON.stringify({ branch: 'master', commit_message: 'x', actions });
    expect(message(await world.ask('/git/gitlab/repository/commits', { method: 'POST', body }))).toMatch(
      /"master".*"main"/,
    );
  });
});

describe('Whatever the host', () => {
  let host: Host;
  let world: World;
  beforeEach(async () => {
    host = await startHost();
    world = inProcess(host, { CMS_GATEWAY_TOKEN: `github_pat_${++count}_of-the-gateway` });
  });
  afterEach(() => host.close());
  const repository = (more: object = {}): Script =>
    json(200, { full_name: 'owner/name', default_branch: 'main', permissions: { push: true }, ...more });
  const at =
    (...scripts: [RegExp, Script][]): Script =>
    (asked, ...rest) => {
      const [, script] = scripts.find(([path]) => path.test(asked.url)) ?? [];
      (script ?? json(404, { message: 'Not Found' }))(asked, ...rest);
    };

  it.each([
    'Resource not accessible by personal access token',
    '`acme` forbids access via a personal access token (classic). Please use a GitHub App.',
    'Resource protected by organization SAML enforcement. You must grant your token access to this organization.',
    'Although you appear to have the correct authorization credentials, the `acme` organization has an IP allow list enabled.',
    'This installation has been suspended',
  ])('its own words for a 403 stand beside ours, on the page, in the CMS and in the log: %s', async (words) => {
    host.script = json(403, { message: words, documentation_url: 'https://docs.example' });
    expect(await page(world)).toMatch(/does not reach the repository.*GitHub says: “/);
    expect(await page(world)).toContain(words.replace(/\.$/, ''));
    const reply = await world.ask('/git/github/branches/main');
    expect([reply.status, message(reply)]).toEqual([403, expect.stringContaining(words)]);
    expect(message(reply)).toContain('The owner has to look at what its credential may do there.');
    expect(world.log.at(-1)).toMatchObject({ outcome: 'failed', code: 'UPSTREAM_FORBIDDEN' });
    expect(world.log.at(-1)?.message).toContain(words);
  });

  it('they stay what they are: short, one line, and without the credential', async () => {
    host.script = json(403, { message: `a\n\u0000b\u202e${'x'.repeat(5_000)}` });
    const reply = await world.ask('/git/github/branches/main');
    expect(message(reply)).toMatch(/GitHub says: “a b x{296}…”/);
    host.script = (asked, ...rest) => json(403, { message: String(asked.headers.authorization) })(asked, ...rest);
    expect(await page(world)).not.toContain('of-the-gateway');
    expect(message(await world.ask('/git/github/branches/main'))).not.toContain('of-the-gateway');
  });

  it('a repository that nobody can write to any more is said to be that', async () => {
    host.script = at([/name$/, repository({ archived: true })], [/branches/, json(200, { name: 'main' })]);
    expect(await page(world)).toContain('is archived at GitHub');
  });

  it('an empty repository has no branch yet', async () => {
    host.script = at([/name$/, repository()]);
    expect(await page(world)).toMatch(/no branch "main" in the repository of CMS_GATEWAY_REPO, which is empty/);
  });

  it('a branch that was renamed is another', async () => {
    host.script = at(
      [/name$/, repository({ default_branch: 'trunk' })],
      [
        /branches/,
        json(301, { message: 'Moved Permanently' }, { location: '/api/v3/repos/owner/name/branches/trunk' }),
      ],
    );
    expect(await page(world)).toContain('Its default branch is "trunk".');
    expect(message(await world.ask('/git/github/branches/main'))).toContain('Its default branch is "trunk".');
  });

  it.each([
    ['another server', 'https://evil.example/api/v3/repositories/1'],
    ['another part of the API', 'ROOT/user'],
    ['a part of a repository', 'ROOT/repositories/1/hooks'],
    ['a way out', 'ROOT/repositories/1/../../user'],
    ['something with a query', 'ROOT/repositories/1?access=x'],
    ['nowhere', 'http://[::'],
  ])('a repository that has moved to %s has moved, and the credential does not follow', async (_, location) => {
    host.script = (asked, ...rest) =>
      json(301, { message: 'Moved' }, { location: location.replace('ROOT', `${host.url}/api/v3`) })(asked, ...rest);
    expect(await page(world)).toContain('The repository has moved. Set CMS_GATEWAY_REPO');
    expect(new Set(host.asked.map(({ url }) => url))).toEqual(new Set(['/api/v3/repos/owner/name']));
  });

  it('one that has moved to a name that is none is not named', async () => {
    host.script = at(
      [/owner\/name/, json(301, {}, { location: `${host.url}/api/v3/repositories/1` })],
      [/repositories\/1/, json(200, { full_name: '<b>x</b>/y' })],
    );
    expect(await page(world)).toContain('The repository has moved. Set');
  });

  it('Bitbucket’s header of scopes counts, where there is one', async () => {
    Object.assign(world.env, {
      GITHUB_URL: undefined,
      BITBUCKET_URL: host.url,
      CMS_GATEWAY_TOKEN: `ATCTT-${++count}`,
      CMS_GATEWAY_REPO: `${host.url}/owner/name`,
    });
    const found = { full_name: 'owner/name', mainbranch: { name: 'main' } };
    const scopes = { 'x-oauth-scopes': 'repository' };
    host.script = at([/name$/, json(200, found, scopes)], [/branches/, json(200, { name: 'main' })]);
    expect(await page(world)).toMatch(/but not write to it.*Repositories: Read and Write/);
    world.env['CMS_GATEWAY_TOKEN'] = `ATCTT-${++count}`;
    host.script = at([/name$/, json(200, found)], [/branches/, json(200, { name: 'main' })]);
    expect(await page(world)).toContain('Whether the token may write, Bitbucket does not say.');
  });
});
