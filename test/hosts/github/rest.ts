/**
 * GitHub's REST API as far as Decap, Netlify CMS and Sveltia use it to list, read and save.
 *
 * @see https://docs.github.com/en/rest/git
 */
import type { GitHubHost } from '../github.ts';
import { HttpError } from '../http.ts';
import type { Signature, TreeEntry } from '../repository.ts';
import { list, matchRoute, path, type Route, text } from '../routes.ts';
import type { Caller } from './api.ts';
import { pullRequestRoutes } from './pull-requests.ts';
import { type Call, commitJson, created, notFound, ok, repo } from './route.ts';

/** The handler for a request, or nothing if this host has never heard of such a path. */
export const findRoute = (method: string, at: string) => matchRoute(routes, method, at);

const routes: Array<[RegExp, Route<Call>]> = [
  [path('GET /user'), ({ github }) => ok(userJson(github))],

  repo('GET ', ({ github, caller }) => ok(repositoryJson(github, caller))),

  repo('GET /collaborators/:user', ({ github }, user) => {
    if (!github.collaborator || user !== github.user.login) throw notFound();
    return { status: 204 };
  }),
  repo('GET /collaborators/:user/permission', ({ github }) =>
    ok({ permission: github.collaborator ? 'write' : 'read' }),
  ),

  repo('GET /branches/*branch', ({ github }, branch = '') => {
    const sha = github.repository.branches.get(branch);
    const commit = github.repository.commit(sha ?? '');
    if (sha === undefined || commit === undefined) throw new HttpError(404, 'Branch not found');
    return ok({
      name: branch,
      protected: false,
      commit: { sha, commit: commitJson(commit, sha) },
      _links: { self: `${github.apiRoot}/repos/${github.repository.fullName}/branches/${encodeURIComponent(branch)}` },
    });
  }),

  repo('GET /commits', ({ github: { repository }, query }) => {
    const start = query.get('sha') ?? repository.defaultBranch;
    const commits = repository
      .history(start, query.get('path') ?? undefined)
      .slice(0, Number(query.get('per_page') ?? 30));
    return ok(commits.map((commit) => ({ sha: commit.sha, commit: commitJson(commit, commit.sha) })));
  }),

  ...pullRequestRoutes,

  // The Git database

  repo('GET /git/trees/*revision', ({ github: { repository }, query }, revision = '') => {
    const sha = repository.resolve(revision);
    if (sha === undefined) throw notFound();
    const tree = repository.list(sha, query.has('recursive')).map((entry) => ({
      path: entry.path,
      mode: entry.type === 'tree' ? '040000' : '100644',
      type: entry.type,
      sha: entry.sha,
      ...(entry.type === 'blob' && { size: repository.blob(entry.sha)?.length }),
    }));
    return ok({ sha, tree, truncated: false });
  }),

  // A folder is a list, and a file has its content with it. https://docs.github.com/rest/repos/contents#get-repository-content
  repo('GET /contents/*path', ({ github: { repository }, query }, file = '') => {
    const revision = query.get('ref') ?? repository.defaultBranch;
    const sha = repository.resolve(`${repository.branches.get(revision) ?? revision}:${file}`);
    if (sha === undefined) throw notFound();
    const content = repository.blob(sha);
    if (content === undefined)
      return ok(
        repository.list(sha, false).map(({ path, sha: id, type }) => ({
          type: type === 'blob' ? 'file' : 'dir',
          path: `${file}/${path}`,
          sha: id,
        })),
      );
    return ok({
      type: 'file',
      path: file,
      sha,
      size: content.length,
      encoding: 'base64',
      content: content.toString('base64'),
    });
  }),
  repo('GET /git/blobs/:sha', ({ github: { repository }, accept }, sha = '') => {
    const content = repository.blob(sha);
    if (content === undefined) throw notFound();
    // The file itself, and what it is by GitHub's guess.
    if (/^application\/vnd\.github(\.v3)?\.raw$/.test(accept)) {
      const type = content.includes(0) ? 'application/octet-stream' : `${accept}; charset=utf-8`;
      return { status: 200, body: content, headers: { 'Content-Type': type } };
    }
    // As GitHub does: base64 in lines of 60.
    const lines = content.toString('base64').replace(/.{1,60}/g, '$&\n');
    return ok({ sha, size: content.length, encoding: 'base64', content: lines });
  }),

  repo('POST /git/blobs', ({ github: { repository }, body }) => {
    const encoding = body['encoding'] === 'base64' ? 'base64' : 'utf8';
    return created({ sha: repository.writeBlob(Buffer.from(text(body, 'content'), encoding)) });
  }),

  repo('POST /git/trees', ({ github: { repository }, body }) => {
    const changes = list(body, 'tree').map((entry) => {
      const sha = entry['sha'] === null ? null : text(entry, 'sha');
      if (sha !== null && repository.blob(sha) === undefined && repository.tree(sha).length === 0) {
        throw new HttpError(422, `tree.sha ${sha} is not a valid blob`);
      }
      return { path: text(entry, 'path'), sha };
    });
    const base = typeof body['base_tree'] === 'string' ? repository.resolve(body['base_tree']) : undefined;
    const sha = repository.writeTree(base, changes);
    return created({
      sha,
      tree: repository.tree(sha).map(({ name, type, sha: id }: TreeEntry) => ({ path: name, type, sha: id })),
    });
  }),

  repo('POST /git/commits', ({ github, body }) => {
    const { repository } = github;
    const parents = Array.isArray(body['parents']) ? body['parents'].map(String) : [];
    const tree = text(body, 'tree');
    if (repository.resolve(tree) !== tree) throw new HttpError(422, 'Tree SHA does not exist');
    if (parents.some((parent) => repository.commit(parent) === undefined)) {
      throw new HttpError(422, 'Parent SHA does not exist or is not a commit object');
    }
    const author = signature(github, body['author']);
    const committer = body['committer'] === undefined ? author : signature(github, body['committer']);
    const commit = { tree, parents, message: text(body, 'message'), author, committer };
    const sha = repository.writeCommit(commit);
    return created(commitJson(commit, sha));
  }),

  repo('POST /git/refs', ({ github: { repository }, body }) => {
    const [, branch] = /^refs\/heads\/(.+)$/.exec(text(body, 'ref')) ?? [];
    const sha = text(body, 'sha');
    if (branch === undefined) throw new HttpError(422, 'Reference name must start with refs/heads/');
    if (repository.commit(sha) === undefined) throw new HttpError(422, 'Object does not exist');
    if (repository.branches.has(branch)) throw new HttpError(422, 'Reference already exists');
    const conflict = [...repository.branches.keys()].some(
      (name) => name.startsWith(`${branch}/`) || branch.startsWith(`${name}/`),
    );
    if (conflict) throw new HttpError(422, 'Reference update failed');
    repository.branches.set(branch, sha);
    return created({ ref: `refs/heads/${branch}`, object: { type: 'commit', sha } });
  }),

  repo('DELETE /git/refs/heads/*branch', ({ github: { repository } }, branch = '') => {
    if (!repository.branches.delete(branch)) throw new HttpError(422, 'Reference does not exist');
    return { status: 204 };
  }),

  repo('PATCH /git/refs/heads/*branch', ({ github: { repository }, body }, branch = '') => {
    const old = repository.branches.get(branch);
    const sha = text(body, 'sha');
    if (old === undefined || repository.commit(sha) === undefined) throw new HttpError(422, 'Reference does not exist');
    const forward = repository.history(sha).some((commit) => commit.sha === old);
    if (!forward && body['force'] !== true) throw new HttpError(422, 'Update is not a fast forward');
    // https://github.com/googleapis/repo-automation-bots/issues/5551
    if (branch === repository.defaultBranch && repository.protection !== undefined)
      throw new HttpError(422, repository.protection);
    repository.branches.set(branch, sha);
    return ok({ ref: `refs/heads/${branch}`, object: { type: 'commit', sha } });
  }),
];

// Shapes

function userJson({ url, user }: GitHubHost) {
  return {
    login: user.login,
    id: 1,
    name: user.name,
    // Only the owner's profile has it, and most keep it private.
    email: null,
    avatar_url: `${url}/avatar.svg`,
    html_url: `${url}/${user.login}`,
    type: 'User',
  };
}

function repositoryJson({ url, repository, private: isPrivate, collaborator }: GitHubHost, { mayRead }: Caller) {
  return {
    id: 1,
    name: repository.name,
    full_name: repository.fullName,
    owner: { login: repository.owner },
    private: isPrivate,
    fork: false,
    html_url: `${url}/${repository.fullName}`,
    default_branch: repository.defaultBranch,
    // The user's rights, not the token's: a token with too few scopes is only noticed when it saves.
    permissions: { admin: false, push: collaborator, pull: mayRead },
  };
}

// Reading what was sent

function signature({ user }: GitHubHost, sent: unknown): Signature {
  const { name, email, date } = (typeof sent === 'object' && sent !== null ? sent : {}) as Partial<
    Record<string, unknown>
  >;
  return {
    name: typeof name === 'string' ? name : user.name,
    email: typeof email === 'string' ? email : `${user.login}@users.noreply.example.com`,
    date: typeof date === 'string' && !Number.isNaN(Date.parse(date)) ? date : new Date().toISOString(),
  };
}
