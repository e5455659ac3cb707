/** What is particular about GitLab and Bitbucket behind the gateway, on every platform. The rest is in `suite.ts`. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { json, openWorld, startHost, withoutFiles, type Host, type Script } from './world.ts';
import type { Call, Reply } from '../login.ts';

const sha = 'a'.repeat(40);
const other = 'b'.repeat(40);

type Pair = [asked: string, passedOn: string];

const same = (...paths: string[]): Pair[] => paths.map((path) => [path, path]);

interface Subject {
  id: 'gitlab' | 'bitbucket';
  repository: string;
  /** What stands in front of each path at the host. */
  root: string;
  credential: [header: string, value: string];
  reads: Pair[];
  /** Names that a platform which decodes paths may have mutilated: there they get 404, never another file. */
  odd: Pair[];
  hostile: [method: string, path: string][];
  /** What a merge or pull request of the CMS looks like, and all that is done to one. */
  request: object;
  foreign: object[];
  acts: [method: string, path: string, body: string | undefined][];
}

const comment = JSON.stringify({ content: { raw: 'decap-cms/draft' } });

const subjects: Subject[] = [
  {
    id: 'gitlab',
    repository: 'group/sub/project',
    root: '/api/v4/projects/group%2Fsub%2Fproject',
    credential: ['private-token', 'glpat-of-the-gateway'],
    reads: [
      ['/repository/branches/cms%2Fposts%2Fa', '/repository/branches/cms%2Fposts%2Fa'],
      ['/repository/branches/cms/posts/a', '/repository/branches/cms%2Fposts%2Fa'],
      [
        '/repository/files/content%2Fposts%2Fa.md/raw?ref=main',
        '/repository/files/content%2Fposts%2Fa.md/raw?ref=main',
      ],
      ['/repository/files/content/posts/a.md/raw?ref=main', '/repository/files/content%2Fposts%2Fa.md/raw?ref=main'],
      ['/repository/files/static%2Fraw/raw?ref=main&lfs=true', '/repository/files/static%2Fraw/raw?ref=main&lfs=true'],
      ['/repository/files/.lfsconfig/raw?ref=main', '/repository/files/.lfsconfig/raw?ref=main'],
      [
        '/repository/files/content%2F%C3%BC%20b.md/raw?ref=main',
        '/repository/files/content%2F%C3%BC%20b.md/raw?ref=main',
      ],
      [
        '/repository/tree?id=group%2Fsub%2Fproject&page=2&pagination=legacy&path=content%2Fposts&per_page=20&recursive=false&ref=main',
        '/repository/tree?path=content%2Fposts&ref=main&recursive=false&per_page=20&page=2',
      ],
      [
        `/repository/commits?path=content%2Fa.md&ref_name=main&private_token=x&sudo=root`,
        '/repository/commits?path=content%2Fa.md&ref_name=main',
      ],
      ...same(
        `/repository/commits/${sha}/refs?type=branch`,
        `/repository/commits/${sha}/statuses?ref=cms%2Fposts%2Fa`,
        `/repository/compare?from=main&to=${sha}`,
        '/merge_requests?state=opened&labels=Any&target_branch=main&source_branch=cms%2Fposts%2Fa&per_page=100',
        '/merge_requests/7?include_rebase_in_progress=true',
      ),
    ],
    odd: [
      ['/repository/files/content%2F100%25.md/raw?ref=main', '/repository/files/content%2F100%25.md/raw?ref=main'],
      ['/repository/files/content%2Fa%3Fb.md/raw?ref=main', '/repository/files/content%2Fa%3Fb.md/raw?ref=main'],
    ],
    hostile: [
      ['GET', ''],
      ['GET', '/'],
      ['GET', '/variables'],
      ['GET', '/access_tokens'],
      ['POST', '/access_tokens'],
      ['GET', '/../other/repository/tree'],
      ['GET', '/%2e%2e/other/repository/tree'],
      ['GET', '/repository/branches/..%2f..%2f..%2f..%2fuser'],
      ['GET', '/repository/files/..%2f..%2fx/raw'],
      ['GET', '/repository/files/%252e%252e%252fx/raw'],
      ['GET', '/repository/files/a%5Cb/raw'],
      ['GET', '/repository/files/content%2F%2Fa/raw'],
      ['GET', '/repository/files/content%2Fa.md/blame'],
      ['GET', '/repository/files/content%2Fa.md'],
      ['GET', '/repository/archive'],
      ['GET', '/repository/commits/main/refs'],
      ['GET', `/repository/commits/${sha}/diff`],
      ['POST', `/repository/commits/${sha}/statuses`],
      ['POST', `/repository/commits/${sha}/cherry_pick`],
      ['POST', '/repository/branches'],
      ['DELETE', '/repository/branches/main'],
      ['DELETE', '/repository/branches/feature'],
      ['DELETE', '/repository/branches/cms%2F..%2Fmain'],
      ['DELETE', '/repository/merged_branches'],
      ['PUT', '/repository/files/content%2Fa.md'],
      ['POST', '/repository/files/content%2Fa.md'],
      ['GET', '/merge_requests/0'],
      ['GET', '/merge_requests/7/notes'],
      ['POST', '/merge_requests/7/notes'],
      ['DELETE', '/merge_requests/7'],
      ['POST', '/merge_requests/7/approve'],
      ['GET', '/issues'],
      ['POST', '/trigger/pipeline'],
      ['POST', '/pipeline?ref=main'],
      ['PUT', ''],
      ['DELETE', ''],
    ],
    request: {
      source_branch: 'cms/posts/a',
      target_branch: 'main',
      source_project_id: 3,
      diff_refs: { start_sha: sha },
      target_project_id: 3,
      sha,
      labels: ['decap-cms/draft'],
    },
    foreign: [
      { source_branch: 'cms/posts/a', target_branch: 'main', source_project_id: 4, target_project_id: 3 },
      { source_branch: 'feature', target_branch: 'main', source_project_id: 3, target_project_id: 3 },
      { source_branch: 'cms/posts/a', target_branch: 'production', source_project_id: 3, target_project_id: 3 },
    ],
    acts: [
      ['PUT', '/merge_requests/7?labels=decap-cms%2Fdraft', undefined],
      ['PUT', '/merge_requests/7?state_event=close', undefined],
      ['PUT', '/merge_requests/7/rebase?skip_ci=true', undefined],
      ['PUT', '/merge_requests/7/merge?squash=false&should_remove_source_branch=true', undefined],
    ],
  },
  {
    id: 'bitbucket',
    repository: 'team/repo',
    root: '/2.0/repositories/team/repo',
    credential: ['authorization', 'Bearer ATCTT-of-the-gateway'],
    reads: [
      ['/refs/branches/cms/posts/a', '/refs/branches/cms/posts/a'],
      ['/refs/branches/cms%2Fposts%2Fa', '/refs/branches/cms/posts/a'],
      [`/src/${sha}/content/posts/a.md`, `/src/${sha}/content/posts/a.md`],
      [`/src/${sha}/content%2Fposts%2Fa.md`, `/src/${sha}/content/posts/a.md`],
      [`/src/${sha}/content/%C3%BC%20b.md?access_token=x`, `/src/${sha}/content/%C3%BC%20b.md`],
      ...same(
        `/src/${sha}/content/posts?max_depth=1&pagelen=100`,
        `/src/${sha}/content/posts?pagelen=20&page=2`,
        `/src/${sha}/?max_depth=1&pagelen=20`,
        '/commits?path=content%2Fa.md&include=main',
        '/commits?include=cms%2Fposts%2Fa&pagelen=100',
        '/diff/cms/posts/a..main?binary=false',
        `/diff/${sha}..${other}?binary=false`,
        '/pullrequests/7/comments?pagelen=100',
        '/pullrequests/7/statuses?pagelen=100',
      ),
      [
        `/pullrequests?pagelen=50&q=${encodeURIComponent('source.repository.full_name = "" AND state = "OPEN" AND destination.branch.name = "main" AND comment_count > 0 AND source.branch.name ~ "cms/"')}`,
        `/pullrequests?q=${encodeURIComponent('source.repository.full_name = "team/repo" AND state = "OPEN" AND destination.branch.name = "main" AND comment_count > 0 AND source.branch.name ~ "cms/"')}&pagelen=50`,
      ],
    ],
    odd: [[`/src/${sha}/content%2F100%25.md`, `/src/${sha}/content/100%25.md`]],
    hostile: [
      ['GET', ''],
      ['GET', '/'],
      ['GET', '/hooks'],
      ['GET', '/pipelines_config/variables/'],
      ['GET', '/../other/src/main/x'],
      ['GET', `/src/${sha}/../../../other`],
      ['GET', `/src/${sha}/%2e%2e/x`],
      ['GET', `/src/${sha}/..%2f..%2fx`],
      ['GET', `/src/${sha}/%252e%252e%252fx`],
      ['GET', `/src/${sha}/a%5Cb`],
      ['GET', `/src/${sha}//a`],
      ['GET', '/src'],
      ['GET', `/src/${sha}`],
      ['GET', `/downloads`],
      ['GET', `/diff/${sha}`],
      ['GET', `/diff/main..`],
      ['GET', `/commit/${sha}`],
      ['POST', `/commit/${sha}/statuses/build`],
      ['POST', `/src/${sha}/content/a.md`],
      ['PUT', '/src'],
      ['POST', '/refs/branches'],
      ['DELETE', '/refs/branches/main'],
      ['DELETE', '/refs/branches/cms'],
      ['DELETE', '/refs/tags/v1'],
      ['GET', '/pullrequests/7'],
      ['PUT', '/pullrequests/7'],
      ['POST', '/pullrequests/7/approve'],
      ['DELETE', '/pullrequests/7/comments/1'],
      ['PUT', '/pullrequests/7/comments/1'],
      ['GET', '/pullrequests/7/diff'],
      ['POST', '/pullrequests/7e0/merge'],
      ['POST', '/forks'],
      ['POST', '/pipelines/'],
      ['PUT', ''],
      ['DELETE', ''],
    ],
    // With hashes that Bitbucket shortens.
    request: {
      source: {
        branch: { name: 'cms/posts/a' },
        commit: { hash: 'abcdef123456' },
        repository: { full_name: 'team/repo' },
      },
      destination: {
        branch: { name: 'main' },
        commit: { hash: 'fedcba654321' },
        repository: { full_name: 'team/repo' },
      },
    },
    foreign: [
      {
        source: { branch: { name: 'cms/posts/a' }, repository: { full_name: 'evil/repo' } },
        destination: { branch: { name: 'main' }, repository: { full_name: 'team/repo' } },
      },
      {
        source: { branch: { name: 'feature' }, repository: { full_name: 'team/repo' } },
        destination: { branch: { name: 'main' }, repository: { full_name: 'team/repo' } },
      },
      {
        source: { branch: { name: 'cms/posts/a' }, repository: { full_name: 'team/repo' } },
        destination: { branch: { name: 'production' }, repository: { full_name: 'team/repo' } },
      },
    ],
    acts: [
      ['POST', '/pullrequests/7/comments', comment],
      ['POST', '/pullrequests/7/merge', JSON.stringify({ merge_strategy: 'squash' })],
      ['POST', '/pullrequests/7/decline', undefined],
    ],
  },
];

export function describeHosts(name: string, call: Call, { decodes }: { decodes: boolean }): void {
  describe.each(subjects)(`$id behind the gateway on ${name}`, (subject) => {
    const { id, root, credential, request, acts } = subject;
    let host: Host;
    let world: ReturnType<typeof openWorld>;

    beforeAll(async () => {
      host = await startHost();
    });
    afterAll(() => host.close());
    beforeEach(() => {
      host.asked = [];
      host.script = json(200, { ok: true });
      world = openWorld(host, call, {
        GITHUB_URL: undefined,
        [`${id.toUpperCase()}_URL`]: host.url,
        CMS_GATEWAY_REPO: `${host.url}/${subject.repository}`,
        CMS_GATEWAY_TOKEN: credential[1].replace('Bearer ', ''),
      });
    });
    const ask: ReturnType<typeof openWorld>['ask'] = (path, ...more) => world.ask(`/git/${id}${path}`, ...more);
    /** Without the question when the credential ends, which is nobody's in particular. */
    const asked = () => host.asked.filter(({ url }) => !url.endsWith('/personal_access_tokens/self'));
    const lines = () => asked().map(({ method, url }) => `${method} ${url}`);
    const words = ({ body }: Reply) => (JSON.parse(body) as { message: string }).message;
    /** A form as browsers write it. */
    const form = (...parts: string[]) => {
      const body = `${parts.map((part) => `--b\r\nContent-Disposition: form-data; ${part}\r\n`).join('')}--b--\r\n`;
      return { method: 'POST', body, headers: { 'content-type': 'multipart/form-data; boundary=b' } };
    };

    it('is the host that the client is told of', async () => {
      const { body } = await world.ask('/git/settings');
      expect(JSON.parse(body)).toMatchObject({ github_enabled: false, [`${id}_enabled`]: true });
    });

    it.each(subject.reads)('GET %s is passed on', async (path, passedOn) => {
      const [target = '', query] = path.split('?');
      // What an HTTP API makes of it, where it has anything to decode but slashes.
      const seen = decodes && !/%2f/i.test(target) ? decodeURIComponent(target) : target;
      const reply = await ask(query === undefined ? seen : `${seen}?${query}`);
      expect(reply).toMatchObject({ status: 200, body: '{"ok":true}' });
      expect(lines()).toEqual([`GET ${root}${passedOn}`]);
      expect(asked()[0]?.headers[credential[0]]).toBe(credential[1]);
      // The editor's token goes nowhere.
      if (credential[0] !== 'authorization') expect(asked()[0]?.headers).not.toHaveProperty('authorization');
    });

    it.each(subject.odd)('GET %s is that file or none', async (path, passedOn) => {
      const [target = '', query] = path.split('?');
      // What an HTTP API makes of it.
      const seen = decodes ? decodeURIComponent(target) : target;
      const [cut = ''] = seen.split('?');
      const reply = await ask(decodes ? `${cut}${query === undefined ? '' : `?${query}`}` : path);
      if (reply.status === 200) expect(lines()).toEqual([`GET ${root}${passedOn}`]);
      else expect([reply.status, lines()]).toEqual([404, []]);
    });

    it.each(subject.hostile)('%s %s is refused', async (method, path) => {
      const reply = await ask(path, { method, ...(method.startsWith('P') && { body: '{}' }) });
      expect(reply.status).toBe(404);
      expect(lines()).toEqual([]);
    });

    const changes =
      id === 'gitlab'
        ? { commits: [], diffs: [{ old_path: 'content/a.md', new_path: 'content/a.md' }], compare_timeout: false }
        : { values: [{ old: null, new: { path: 'content/a.md', type: 'commit_file' } }] };
    const lookedUp =
      (found: unknown = changes): Script =>
      ({ method, url }, ...rest) => {
        const isDiff = /\/(compare|diffstat)[/?]/.test(url);
        json(200, method !== 'GET' ? { ok: true } : isDiff ? found : request)({ method, url } as never, ...rest);
      };

    it.each(acts)('%s %s is looked up, then done', async (method, path, body) => {
      host.script = lookedUp();
      const reply = await ask(path, { method, ...(body !== undefined && { body }) });
      expect(reply.status).toBe(200);
      const number = /^\/\w+\/7/.exec(path)?.[0] ?? '';
      const merges = path.includes('/merge?') || path.endsWith('/merge');
      const looks =
        id === 'gitlab'
          ? [
              `GET ${root}/repository/compare?from=main&to=${sha}`,
              `HEAD ${root}/repository/files/content%2Fa.md?ref=main`,
              `HEAD ${root}/repository/files/content%2Fa.md?ref=${sha}`,
            ]
          : [`GET ${root}/diffstat/abcdef123456..fedcba654321?merge=true&pagelen=500`];
      const [look, ...rest] = lines();
      expect(look).toBe(
        `GET ${root}${number}${merges && id === 'gitlab' ? '?include_diverged_commits_count=true' : ''}`,
      );
      const act = rest.pop() ?? '';
      expect(rest).toEqual(merges ? looks : []);
      expect(decodeURIComponent(act)).toContain(decodeURIComponent(`${method} ${root}${path}`));
      const said = decodeURIComponent(act) + String(asked().at(-1)?.body);
      if (merges) expect(said).toContain('Merged-by: Zoë Editor <zoe@example.org>');
      else expect(String(asked().at(-1)?.body)).toBe(body ?? '');
      if (merges && id === 'gitlab') expect(act).toContain(`&sha=${sha}&`);
    });

    it('is not merged with what is not for editors to write, or with more than the host shows', async () => {
      const [method, path, body] = acts.find(([, each]) => /\/merge(\?|$)/.test(each)) ?? ['', '', undefined];
      const foreign =
        id === 'gitlab'
          ? [
              { ...changes, diffs: [{ old_path: '.gitlab-ci.yml', new_path: 'content/a.yml' }] },
              { ...changes, diffs: [{ old_path: 'content/a', new_path: 'content/a', a_mode: '0', b_mode: '120000' }] },
              { ...changes, compare_timeout: true },
              {},
            ]
          : [
              { values: [{ old: { path: 'bitbucket-pipelines.yml' }, new: null }] },
              { values: [{ old: null, new: { path: 'content/a', attributes: ['link'] } }] },
              { values: [{ old: null, new: null }] },
              { ...changes, next: 'https://api.example/2' },
              {},
            ];
      for (const found of foreign) {
        host.script = lookedUp(found);
        expect((await ask(path, { method, ...(body !== undefined && { body }) })).status).toBe(422);
      }
      expect(asked().every(({ method: how }) => how === 'GET')).toBe(true);
    });

    it('is not done to what is none of the CMS', async () => {
      for (const found of subject.foreign) {
        host.script = json(200, found);
        for (const [method, path, body] of acts) {
          const reply = await ask(path, { method, ...(body !== undefined && { body }) });
          expect(reply.status).toBe(422);
          expect(words(reply)).toContain('none of the CMS');
        }
      }
      expect(asked().every(({ method }) => method === 'GET')).toBe(true);
    });

    it('is not done where the look-up fails', async () => {
      host.script = json(404, { message: '404 Not found', error: { message: 'Not found' } });
      for (const [method, path, body] of acts)
        expect((await ask(path, { method, ...(body !== undefined && { body }) })).status).toBeGreaterThanOrEqual(400);
      expect(asked().every(({ method }) => method === 'GET')).toBe(true);
    });

    it('gives the host’s own reason where the look-up is refused', async () => {
      host.script = json(403, { message: 'No scope', error: { message: 'No scope' } });
      for (const [method, path, body] of acts) {
        const reply = await ask(path, { method, ...(body !== undefined && { body }) });
        expect([reply.status, words(reply)]).toEqual([403, expect.stringContaining('says: “No scope.”')]);
      }
      expect(asked().every(({ method }) => method === 'GET')).toBe(true);
    });

    it('every error has a message', async () => {
      const own =
        id === 'gitlab' ? { message: '404 Tree Not Found' } : { type: 'error', error: { message: 'No such file' } };
      host.script = json(404, own);
      const [[path] = ['']] = subject.reads;
      const reply = await ask(path);
      expect(reply.status).toBe(404);
      expect(words(reply)).toMatch(/404 Tree Not Found|No such file/);
      host.script = json(429, own, { 'retry-after': '7' });
      const busy = await ask(path);
      expect([busy.status, busy.headers['retry-after'], typeof words(busy)]).toEqual([429, '7', 'string']);
      host.script = json(401, own);
      const refused = await ask(path);
      expect([refused.status, words(refused)]).toEqual([401, 'Bad credentials']);
    });

    if (id === 'gitlab') {
      it('HEAD brings what the client looks for', async () => {
        host.script = (_, response) => void response.writeHead(200, { 'x-gitlab-blob-id': sha, 'x-total': '3' }).end();
        const reply = await ask('/repository/files/content%2Fposts%2Fa.md?ref=main', { method: 'HEAD' });
        expect(reply).toMatchObject({ status: 200, body: '' });
        expect(reply.headers).toMatchObject({ 'x-gitlab-blob-id': sha, 'x-total': '3' });
        expect(lines()).toEqual([`HEAD ${root}/repository/files/content%2Fposts%2Fa.md?ref=main`]);
        host.script = (_, response) => void response.writeHead(404).end();
        expect((await ask('/repository/files/a.md?ref=main', { method: 'HEAD' })).status).toBe(404);
      });

      it('points to its next page from the root, and to nowhere else', async () => {
        const next = `${host.url}${root}/repository/tree?id=group%2Fsub%2Fproject&page=2&path=a+b`;
        const link = `<${next}>; rel="next", <https://evil.example/x>; rel="last"`;
        host.script = json(200, [], { link, 'x-total': '40', 'x-page': '1', 'set-cookie': 'a=b' });
        const { headers } = await ask('/repository/tree');
        expect(headers['link']).toBe('</repository/tree?id=group%2Fsub%2Fproject&page=2&path=a+b>; rel="next"');
        expect(headers).toMatchObject({ 'x-total': '40', 'x-page': '1' });
        expect(headers).not.toHaveProperty('set-cookie');
      });

      it('takes a merge request by the query, and no body', async () => {
        const query =
          'source_branch=cms%2Fposts%2Fa&target_branch=main&title=A&description=Automatically%20generated%20by%20Decap%20CMS&labels=decap-cms%2Fdraft&remove_source_branch=true&squash=false';
        await ask(`/merge_requests?${query}`, { method: 'POST', body: '{"target_branch":"production"}' });
        expect(lines()).toEqual([`POST ${root}/merge_requests?${query}`]);
        expect(asked()[0]?.body.length).toBe(0);
        for (const bad of [
          query.replace('=main', '=production'),
          query.replace('cms%2F', 'feature%2F'),
          `${query}&target_branch=main`,
          query.replace('target_branch=main&', ''),
          query.replace('Automatically', '%2Fmerge'),
        ])
          expect((await ask(`/merge_requests?${bad}`, { method: 'POST' })).status).toBeGreaterThanOrEqual(400);
        expect(lines()).toHaveLength(1);
      });

      it('takes a commit whose author is the editor', async () => {
        const commit = {
          branch: 'main',
          commit_message: 'Update a',
          actions: [{ action: 'update', file_path: 'content/a.md', content: 'eA==', encoding: 'base64' }],
        };
        const forged = { ...commit, force: true, author_name: 'Boss', author_email: 'boss@example.org' };
        host.script = withoutFiles();
        await ask('/repository/commits', { method: 'POST', body: JSON.stringify(forged) });
        expect(lines()).toEqual([
          `GET ${root}/repository/tree?path=content%2Fa.md&ref=main&per_page=1`,
          `HEAD ${root}/repository/files/content?ref=main`,
          `POST ${root}/repository/commits`,
        ]);
        expect(JSON.parse(String(asked()[2]?.body))).toEqual({
          ...commit,
          author_name: 'Zoë Editor',
          author_email: 'zoe@example.org',
        });
      });

      it('says what a refused merge is about, and blames no credential for it', async () => {
        host.script = (asked, ...rest) =>
          (asked.method !== 'PUT' ? lookedUp() : json(401, { message: '401 Unauthorized' }))(asked, ...rest);
        const reply = await ask('/merge_requests/7/merge', { method: 'PUT' });
        expect(reply.status).toBe(422);
        expect(reply.body).toContain('protected');
        expect(world.log[0]?.warning).toBeUndefined();
        host.script = json(401, { message: '401 Unauthorized' });
        expect((await ask('/repository/tree')).status).toBe(401);
        expect(world.log[1]?.warning).toContain('credential');
      });

      it('tells the owner that the credential ends soon', async () => {
        const soon = new Date(Date.now() + 20 * 86_400_000).toISOString().slice(0, 10);
        host.script = (given, ...rest) =>
          json(200, given.url.endsWith('/self') ? { expires_at: soon } : { ok: true })(given, ...rest);
        // One that nothing is known about yet.
        world.env['CMS_GATEWAY_TOKEN'] = `glpat-soon-${name.replaceAll(' ', '-')}`;
        await ask('/repository/tree');
        expect(world.log[0]?.warning).toContain(`ends on ${soon}`);
        await world.ask('/git/settings');
        expect(world.log[1]?.warning).toContain(`ends on ${soon}`);
        const page = await world.ask('/git', { headers: { origin: undefined } });
        expect(page.body).toContain(`ends on ${soon}`);
        // Asked once for all of these.
        expect(host.asked.filter(({ url }) => url === '/api/v4/personal_access_tokens/self')).toHaveLength(1);
      });

      it.each([
        ['refuses to say', json(403, { error: 'insufficient_scope' })],
        ['says that it never does', json(200, { expires_at: null })],
        ['says something else', json(200, { expires_at: 7 })],
        ['says nothing of the kind', json(200, '[]')],
        ['hangs up', (_, response) => void response.destroy()],
        ['names a day that is far away', json(200, { expires_at: '2999-01-01' })],
        ['names a day that is no day', json(200, { expires_at: 'tomorrow' })],
      ] as [string, Script][])('serves as ever where the host %s about its end', async (how, script) => {
        host.script = (given, ...rest) =>
          (given.url.endsWith('/self') ? script : json(200, { ok: true }))(given, ...rest);
        world.env['CMS_GATEWAY_TOKEN'] = `glpat-${how.replaceAll(' ', '-')}-${name.replaceAll(' ', '-')}`;
        expect((await ask('/repository/tree')).status).toBe(200);
        expect((await world.ask('/git/settings')).status).toBe(200);
        for (const entry of world.log) expect(entry).not.toHaveProperty('warning');
      });
    }

    if (id === 'bitbucket') {
      const file = 'name="content/a.md"; filename="a.md"\r\nContent-Type: text/markdown\r\n\r\ntext';
      const branch = 'name="branch"\r\n\r\nmain';

      it('takes a commit as a form, with the editor put in', async () => {
        host.script = withoutFiles((_, response) => void response.writeHead(201).end());
        expect((await ask('/src', form(file, branch))).status).toBe(201);
        expect(lines().toSorted()).toEqual([
          `GET ${root}/refs/branches/main`,
          `GET ${root}/src/${sha}/content/a.md?format=meta`,
          `GET ${root}/src/${sha}/content?format=meta`,
          `POST ${root}/src`,
        ]);
        const { headers, body } = asked().at(-1) ?? { headers: {}, body: Buffer.of() };
        // Written anew: only names and contents are the client's.
        const [, boundary = ''] =
          /^multipart\/form-data; boundary=(form-[\w-]+)$/.exec(headers['content-type'] ?? '') ?? [];
        const part = (name: string, value: string) =>
          `--${boundary}\r\nContent-Disposition: form-data; ${name}\r\n\r\n${value}\r\n`;
        const octets = 'name="content/a.md"; filename="file"\r\nContent-Type: application/octet-stream';
        expect(body.toString()).toBe(
          `${part('name="author"', 'Zoë Editor <zoe@example.org>')}${part('name="branch"', 'main')}${part(octets, 'text')}--${boundary}--\r\n`,
        );
      });

      it.each([
        ['another branch', form(file, 'name="branch"\r\n\r\nproduction')],
        ['no branch', form(file)],
        ['a branch in the query only', { ...form(file), path: '?branch=main' }],
        ['another author', form(file, branch, 'name="author"\r\n\r\nBoss <boss@example.org>')],
        ['a file that is not for editors', form('name=".github/x"; filename="x"\r\n\r\nx', branch)],
        ['a deleted one', form('name="files"\r\n\r\nbitbucket-pipelines.yml', branch)],
        ['a way out', form('name="content/../x"; filename="x"\r\n\r\nx', branch)],
        ['an attribute', form('name="content/x"; filename="x"; x-attributes="executable"\r\n\r\nx', branch)],
        ['something in front', { ...form(file, branch), body: `x\r\n${form(file, branch).body}` }],
        ['something behind', { ...form(file, branch), body: `${form(file, branch).body}x` }],
        [
          'a branch behind a blank',
          form(file, 'name="branch "; filename=""\r\nContent-Type: a/b\r\n\r\nproduction', branch),
        ],
        ['another type', { ...form(file, branch), headers: { 'content-type': 'application/x-www-form-urlencoded' } }],
      ])('takes no form with %s', async (_, { path = '', ...given }: ReturnType<typeof form> & { path?: string }) => {
        const reply = await ask(`/src${path}`, given);
        expect(reply.status).toBe(422);
        expect(words(reply)).not.toBe('');
        expect(lines()).toEqual([]);
      });

      const next = () => `${host.url}${root}/src/${sha}/content?pagelen=20&page=2`;

      it('points to its next page from the root, in lists', async () => {
        host.script = json(200, { values: [], pagelen: 20, next: next(), previous: 'https://evil.example/x' });
        const { body } = await ask(`/src/${sha}/content?pagelen=20&max_depth=1`);
        expect(JSON.parse(body)).toEqual({ values: [], pagelen: 20, next: `/src/${sha}/content?pagelen=20&page=2` });
      });

      it('leaves files as they are, byte for byte', async () => {
        const text = `{ "values": [],\n  "next":   "${next()}" }`;
        host.script = (_, response) => void response.writeHead(200, { 'content-type': 'application/json' }).end(text);
        expect((await ask(`/src/${sha}/content/data.json`)).body).toBe(text);
        host.script = (_, response) => void response.writeHead(200, { 'content-type': 'text/html' }).end('<b>x</b>');
        const reply = await ask(`/src/${sha}/content/page.html`);
        expect(reply.body).toBe('<b>x</b>');
        expect(reply.headers['content-security-policy']).toBe("default-src 'none'; sandbox");
      });

      it('follows no redirect', async () => {
        const away: Script = (_, response) => void response.writeHead(302, { location: 'https://evil.example/' }).end();
        host.script = away;
        const reply = await ask('/commits?include=main');
        expect([reply.status, reply.headers['location']]).toEqual([500, undefined]);
        expect(words(reply)).toContain('CMS_GATEWAY_REPO');
      });
    }
  });
}
