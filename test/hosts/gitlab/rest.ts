/**
 * GitLab's REST API as far as Decap, Netlify CMS and Sveltia use it: to list, read and save.
 *
 * @see https://docs.gitlab.com/api/commits/
 */
import { createHash } from 'node:crypto';
import type { GitLabHost } from '../gitlab.ts';
import { HttpError } from '../http.ts';
import type { Commit, Repository } from '../repository.ts';
import { ancestry, changesBetween, mergeBase } from '../merge.ts';
import { list, matchRoute, path, type Route, text } from '../routes.ts';
import { mergeRequestRoutes } from './merge-requests.ts';
import { type Call, notFound, ok, paged, project, projectId, userJson } from './route.ts';

/** The handler for a request, or nothing if this host has never heard of such a path. */
export const findRoute = (method: string, at: string) => matchRoute(routes, method, at);

const routes: Array<[RegExp, Route<Call>]> = [
  [path('GET /user'), ({ gitlab }) => ok({ ...userJson(gitlab), email: `${gitlab.user.login}@example.com` })],
  // Of the token that asks: a person's, a project's or a group's alike.
  [
    path('GET /personal_access_tokens/self'),
    ({ gitlab, caller }) => {
      const token = gitlab.accessTokens.get(caller.token);
      if (token === undefined) throw new HttpError(404, '404 Not Found');
      const { name, scopes, ends } = token;
      return ok({ id: 1, name, revoked: false, user_id: 2, scopes, active: true, expires_at: ends ?? null });
    },
  ],
  [path('GET /avatar'), ({ gitlab }) => ok({ avatar_url: `${gitlab.url}/avatar.svg` })],

  project('GET ', ({ gitlab }) => ok(projectJson(gitlab))),
  project('GET /users', (call) => {
    const { collaborator, user } = call.gitlab;
    const found = collaborator && user.login.includes(call.query.get('search') ?? '');
    return paged(call, found ? [userJson(call.gitlab)] : []);
  }),

  project('GET /repository/branches/:branch', ({ gitlab, caller }, name = '') => {
    const { repository } = gitlab;
    const id = repository.branches.get(name);
    const commit = repository.commit(id ?? '');
    if (id === undefined || commit === undefined) throw notFound('Branch');
    return ok({
      name,
      default: name === repository.defaultBranch,
      protected: false,
      developers_can_push: false,
      developers_can_merge: false,
      can_push: caller.mayWrite,
      commit: commitJson(commit, id),
    });
  }),

  project('DELETE /repository/branches/:branch', ({ gitlab: { repository } }, name = '') => {
    if (!repository.branches.has(name)) throw notFound('Branch');
    if (name === repository.defaultBranch) throw new HttpError(405, 'Cannot remove HEAD branch');
    repository.branches.delete(name);
    return { status: 204 };
  }),

  project('GET /repository/tree', (call) => {
    const { query } = call;
    const { repository } = call.gitlab;
    const folder = (query.get('path') ?? '').replace(/^\/+|\/+$/g, '');
    const sha = repository.resolve(`${query.get('ref') ?? repository.defaultBranch}:${folder}`);
    if (sha === undefined || repository.blob(sha) !== undefined) throw notFound('Tree');
    const entries = repository.list(sha, query.get('recursive') === 'true', folder === '' ? '' : `${folder}/`);
    return paged(
      call,
      entries.map(({ sha: id, name, type, path: at }) => ({
        id,
        name,
        type,
        path: at,
        mode: type === 'tree' ? '040000' : '100644',
      })),
    );
  }),

  project('GET /repository/files/:file', (call, file = '') => {
    const { content, headers, meta } = readFile(call, file);
    return { status: 200, body: { ...meta, encoding: 'base64', content: content.toString('base64') }, headers };
  }),
  project('GET /repository/files/:file/raw', (call, file = '') => {
    const { content, headers } = readFile(call, file);
    return { status: 200, body: content, headers: { ...headers, 'Content-Type': 'text/plain; charset=utf-8' } };
  }),

  project('GET /repository/commits', (call) => {
    const { repository } = call.gitlab;
    const start = call.query.get('ref_name') ?? repository.defaultBranch;
    if (repository.resolve(start) === undefined) throw notFound('Commit');
    const commits = repository.history(start, call.query.get('path') ?? undefined);
    return paged(
      call,
      commits.map((commit) => commitJson(commit, commit.sha)),
    );
  }),
  project('GET /repository/commits/:sha/refs', (call, sha = '') => {
    const { repository } = call.gitlab;
    const names = [...repository.branches].flatMap(([name, head]) =>
      ancestry(repository, head).includes(sha) ? [name] : [],
    );
    return paged(
      call,
      names.map((name) => ({ type: 'branch', name })),
    );
  }),
  project('GET /repository/compare', ({ gitlab: { repository }, query }) => {
    const [from = '', to = ''] = ['from', 'to'].map((name) => query.get(name) ?? '');
    if ([from, to].some((name) => repository.resolve(name) === undefined)) throw notFound('Ref');
    // From where they part, as in a merge request.
    const base = mergeBase(repository, commitOf(repository, from), commitOf(repository, to)) ?? from;
    const diffs = diffsOf(repository, base, to);
    const known = ancestry(repository, commitOf(repository, from));
    const commits = ancestry(repository, commitOf(repository, to))
      .filter((id) => !known.includes(id))
      .flatMap((id) => {
        const commit = repository.commit(id);
        return commit ? [commitJson(commit, id)] : [];
      });
    return ok({ commits, diffs, compare_timeout: false, compare_same_ref: from === to });
  }),
  project('GET /repository/commits/:sha/statuses', (call, sha = '') => {
    const { statuses } = call.gitlab;
    return paged(
      call,
      statuses.filter((status) => status.sha === sha),
    );
  }),
  // Nothing is deployed here.
  project('GET /deployments', (call) => paged(call, [])),

  project('POST /repository/commits', ({ gitlab, caller, body }) => {
    const { repository, user, accessTokens } = gitlab;
    const program = accessTokens.get(caller.token);
    const who = program?.name ?? user.name;
    const address = program === undefined ? `${user.login}@example.com` : 'project_1_bot@noreply.example.com';
    const branch = text(body, 'branch');
    const start = typeof body['start_branch'] === 'string' ? body['start_branch'] : branch;
    const head = repository.branches.get(start);
    const taken = start !== branch && repository.branches.has(branch);
    if (head === undefined || taken || blocked(repository, branch)) {
      throw new HttpError(400, `Could not update ${branch}. Please refresh and try again.`);
    }
    const files = changes(repository, head, list(body, 'actions'));
    const optional = (name: string, otherwise: string) => (typeof body[name] === 'string' ? body[name] : otherwise);
    repository.branches.set(branch, head);
    const sha = repository.save(branch, files, text(body, 'commit_message'), {
      name: optional('author_name', who),
      email: optional('author_email', address),
      date: new Date().toISOString(),
    });
    const commit = repository.commit(sha);
    return { status: 201, body: commit && commitJson(commit, sha) };
  }),

  ...mergeRequestRoutes,
];

const diffsOf = (repository: Repository, from: string, to: string) =>
  changesBetween(repository, from, to).map(({ path: name, before, after }) => ({
    old_path: name,
    new_path: name,
    new_file: before === undefined,
    deleted_file: after === undefined,
    renamed_file: false,
    a_mode: before === undefined ? '0' : '100644',
    b_mode: after === undefined ? '0' : '100644',
    diff: [before, after].some((sha) => repository.blob(sha ?? '')?.includes(0))
      ? `Binary files a/${name} and b/${name} differ\n`
      : '',
  }));

const commitOf = ({ branches }: Repository, name: string) => branches.get(name) ?? name;

/** Git cannot have a branch `cms` beside `cms/posts/x`: one of them would be a folder. */
const blocked = ({ branches }: Repository, name: string) =>
  [...branches.keys()].some((other) => other.startsWith(`${name}/`) || name.startsWith(`${other}/`));

/**
 * What a list of actions does to the files. Unlike GitHub, GitLab tells creating from updating. A file that is created takes the place
 * of a folder of its name: `WithOverwriteDirectory` in Gitaly's `applyAction`.
 */
function changes(repository: GitLabHost['repository'], head: string, actions: Array<Record<string, unknown>>) {
  const files: Record<string, Buffer | null> = {};
  const current = (name: string) => {
    const pending = files[name];
    return pending === undefined
      ? repository.blob(repository.resolve(`${head}:${name}`) ?? '')
      : (pending ?? undefined);
  };
  const existing = (name: string) => {
    const content = current(name);
    if (content === undefined) throw new HttpError(400, "A file with this name doesn't exist");
    return content;
  };
  /** Where a new file ends up: in the place of the first folder of its own name that is not there yet (Gitaly's `TreeEntry.Add`). */
  const landing = (path: string) => {
    const parts = path.split('/');
    const at = parts.findIndex(
      (part, i) =>
        part === parts.at(-1) && repository.resolve(`${head}:${parts.slice(0, i + 1).join('/')}`) === undefined,
    );
    return at < 0 ? path : parts.slice(0, at + 1).join('/');
  };
  for (const entry of actions) {
    const name = text(entry, 'file_path').replace(/^\/+/, '');
    const content = () => Buffer.from(text(entry, 'content'), entry['encoding'] === 'base64' ? 'base64' : 'utf8');
    switch (entry['action']) {
      case 'create':
        if (current(name) !== undefined) throw new HttpError(400, 'A file with this name already exists');
        files[landing(name)] = content();
        break;
      case 'update':
        existing(name);
        files[name] = content();
        break;
      case 'move': {
        const from = text(entry, 'previous_path').replace(/^\/+/, '');
        const old = existing(from);
        files[from] = null;
        files[landing(name)] = typeof entry['content'] === 'string' ? content() : old;
        break;
      }
      case 'delete':
        // Whatever has this name, a folder with all that is in it as well: `deleteFile` in Gitaly's `applyAction`.
        if (repository.resolve(`${head}:${name}`) === undefined) existing(name);
        files[name] = null;
        break;
      default:
        throw new HttpError(400, 'actions[action] does not have a valid value');
    }
  }
  for (const name of Object.keys(files).filter((path) => files[path] && foldersOf(path).some(current)))
    smuggle(files, name, foldersOf(name).find(current) ?? '');
  return files;
}

const foldersOf = (path: string): string[] =>
  path.split('/').flatMap((_, i, all) => (i > 0 ? [all.slice(0, i).join('/')] : []));

/**
 * A file below a file: the upper one loses its hash, so Git takes the beginning of the next entry for it, and reads an entry in the rest of
 * that one's name (`Add` and `Write` in Gitaly's `internal/git/localrepo/tree.go`).
 */
function smuggle(files: Record<string, Buffer | null>, below: string, upper: string) {
  files[below] = null;
  const folder = upper.slice(0, upper.lastIndexOf('/') + 1);
  for (const [path, content] of Object.entries(files)) {
    const [, rest] =
      /^[^/]*?(?:1[02]|4)[0-7]{4} ([^/]+)$/.exec(path.startsWith(folder) ? path.slice(folder.length) : '/') ?? [];
    if (rest !== undefined) Object.assign(files, { [path]: null, [folder + rest]: content });
  }
}

function readFile({ gitlab: { repository }, query }: Call, file: string) {
  const ref = query.get('ref') ?? repository.defaultBranch;
  const commit = repository.branches.get(ref) ?? ref;
  if (repository.commit(commit) === undefined) throw notFound('Commit');
  const sha = repository.resolve(`${commit}:${file}`) ?? '';
  const content = repository.blob(sha);
  if (content === undefined) throw notFound('File');
  const last = repository.history(commit, file)[0]?.sha ?? commit;
  const meta = {
    file_name: file.slice(file.lastIndexOf('/') + 1),
    file_path: file,
    size: content.length,
    ref,
    blob_id: sha,
    commit_id: commit,
    last_commit_id: last,
    content_sha256: createHash('sha256').update(content).digest('hex'),
  };
  return { content, meta, headers: { 'X-Gitlab-Blob-Id': sha, 'X-Gitlab-Last-Commit-Id': last } };
}

// Shapes

function projectJson({ url, repository, private: isPrivate, collaborator, accessRole }: GitLabHost) {
  return {
    id: projectId,
    name: repository.name,
    path: repository.name,
    path_with_namespace: repository.fullName,
    default_branch: repository.defaultBranch,
    visibility: isPrivate ? 'private' : 'public',
    merge_method: 'merge',
    web_url: `${url}/${repository.fullName}`,
    shared_with_groups: [],
    // 30 is a developer, and the least that may push.
    permissions: { project_access: collaborator ? { access_level: accessRole } : null, group_access: null },
  };
}

function commitJson({ author, message, parents }: Commit, id: string) {
  const { date, email, name } = author;
  return {
    id,
    short_id: id.slice(0, 8),
    title: message.split('\n')[0],
    message,
    parent_ids: parents,
    author_name: name,
    author_email: email,
    authored_date: date,
    committer_name: name,
    committer_email: email,
    committed_date: date,
    created_at: date,
  };
}
