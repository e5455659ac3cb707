/**
 * GitLab's REST API as far as Decap, Netlify CMS and Sveltia use it to list, read and save.
 *
 * @see https://docs.gitlab.com/api/commits/
 */
import { createHash } from 'node:crypto';
import type { GitLabHost } from '../gitlab.ts';
import { HttpError } from '../http.ts';
import type { Commit } from '../repository.ts';
import { type Answer, list, matchRoute, path, type Route, text } from '../routes.ts';
import type { Caller } from './api.ts';

interface Call {
  gitlab: GitLabHost;
  caller: Caller;
  url: URL;
  query: URLSearchParams;
  body: Record<string, unknown>;
}

/** The handler for a request, or nothing if this host has never heard of such a path. */
export const findRoute = (method: string, at: string) => matchRoute(routes, method, at);

const projectId = 1;
const userId = 1;

const ok = (body: unknown): Answer => ({ status: 200, body });
const notFound = (what: string) => new HttpError(404, `404 ${what} Not Found`);

/** A route below a project, which is named by its number or by its whole path with the slash encoded. */
function project(pattern: string, route: Route<Call>): [RegExp, Route<Call>] {
  const [method = '', rest = ''] = pattern.split(' ');
  const guarded: Route<Call> = (call, id = '', ...captured) => {
    const { caller, gitlab } = call;
    const known = id === String(projectId) || id.toLowerCase() === gitlab.repository.fullName.toLowerCase();
    if (!known || !caller.mayRead) throw notFound('Project');
    if (method !== 'GET' && !caller.mayWrite) throw new HttpError(403, '403 Forbidden');
    return route(call, ...captured);
  };
  return [path(`${method} /projects/:id${rest}`), guarded];
}

const routes: Array<[RegExp, Route<Call>]> = [
  [path('GET /user'), ({ gitlab }) => ok({ ...userJson(gitlab), email: `${gitlab.user.login}@example.com` })],
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
    const names = [...repository.branches.keys()].filter((name) =>
      repository.history(name).some((commit) => commit.sha === sha),
    );
    return paged(
      call,
      names.map((name) => ({ type: 'branch', name })),
    );
  }),
  project('GET /repository/compare', ({ gitlab: { repository }, query }) => {
    const [from, to] = ['from', 'to'].map((name) => filesOf(repository, query.get(name) ?? ''));
    if (from === undefined || to === undefined) throw notFound('Ref');
    const changed = [...new Set([...from.keys(), ...to.keys()])].filter((name) => from.get(name) !== to.get(name));
    const diffs = changed.map((name) => ({
      old_path: name,
      new_path: name,
      new_file: !from.has(name),
      deleted_file: !to.has(name),
      renamed_file: false,
      // The CMSs look only at whether it starts with "Binary".
      diff: '',
    }));
    return ok({ diffs, compare_timeout: false, compare_same_ref: changed.length === 0 });
  }),
  // Nothing is built or deployed here, and there is no editorial workflow: no merge request is ever open.
  project('GET /repository/commits/:sha/statuses', (call) => paged(call, [])),
  project('GET /deployments', (call) => paged(call, [])),
  project('GET /merge_requests', (call) => paged(call, [])),

  project('POST /repository/commits', ({ gitlab, body }) => {
    const { repository, user } = gitlab;
    const branch = text(body, 'branch');
    const start = typeof body['start_branch'] === 'string' ? body['start_branch'] : branch;
    const head = repository.branches.get(start);
    if (head === undefined || (start !== branch && repository.branches.has(branch))) {
      throw new HttpError(400, `Could not update ${branch}. Please refresh and try again.`);
    }
    const files = changes(repository, head, list(body, 'actions'));
    const optional = (name: string, otherwise: string) => (typeof body[name] === 'string' ? body[name] : otherwise);
    repository.branches.set(branch, head);
    const sha = repository.save(branch, files, text(body, 'commit_message'), {
      name: optional('author_name', user.name),
      email: optional('author_email', `${user.login}@example.com`),
      date: new Date().toISOString(),
    });
    const commit = repository.commit(sha);
    return { status: 201, body: commit && commitJson(commit, sha) };
  }),
];

/** What a list of actions does to the files. Unlike GitHub, GitLab tells creating from updating. */
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
  for (const entry of actions) {
    const name = text(entry, 'file_path').replace(/^\/+/, '');
    const content = () => Buffer.from(text(entry, 'content'), entry['encoding'] === 'base64' ? 'base64' : 'utf8');
    switch (entry['action']) {
      case 'create':
        if (current(name) !== undefined) throw new HttpError(400, 'A file with this name already exists');
        files[name] = content();
        break;
      case 'update':
        existing(name);
        files[name] = content();
        break;
      case 'move': {
        const from = text(entry, 'previous_path').replace(/^\/+/, '');
        const old = existing(from);
        files[from] = null;
        files[name] = typeof entry['content'] === 'string' ? content() : old;
        break;
      }
      case 'delete':
        existing(name);
        files[name] = null;
        break;
      default:
        throw new HttpError(400, 'actions[action] does not have a valid value');
    }
  }
  return files;
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

/** Path to blob id. */
function filesOf(repository: GitLabHost['repository'], revision: string) {
  const sha = repository.resolve(revision);
  if (sha === undefined) return undefined;
  const blobs = repository.list(sha, true).filter(({ type }) => type === 'blob');
  return new Map(blobs.map(({ path: name, sha: id }) => [name, id]));
}

// Shapes

/** The page is in the body, where it stands among the others in the headers. */
function paged({ query, url }: Call, items: unknown[]): Answer {
  const size = Math.min(Math.max(Number(query.get('per_page')) || 20, 1), 100);
  const number = Math.max(Number(query.get('page')) || 1, 1);
  const count = Math.max(Math.ceil(items.length / size), 1);
  const link = (page: number, relation: string) => {
    const other = new URL(url);
    other.searchParams.set('page', String(page));
    other.searchParams.set('per_page', String(size));
    return `<${other.href}>; rel="${relation}"`;
  };
  const links = [link(1, 'first'), link(count, 'last')];
  if (number < count) links.unshift(link(number + 1, 'next'));
  if (number > 1) links.unshift(link(number - 1, 'prev'));
  return {
    status: 200,
    body: items.slice((number - 1) * size, number * size),
    headers: {
      Link: links.join(', '),
      'X-Page': String(number),
      'X-Per-Page': String(size),
      'X-Total': String(items.length),
      'X-Total-Pages': String(count),
      'X-Next-Page': number < count ? String(number + 1) : '',
      'X-Prev-Page': number > 1 ? String(number - 1) : '',
    },
  };
}

function userJson({ url, user }: GitLabHost) {
  return {
    id: userId,
    username: user.login,
    name: user.name,
    state: 'active',
    avatar_url: `${url}/avatar.svg`,
    web_url: `${url}/${user.login}`,
  };
}

function projectJson({ url, repository, private: isPrivate, collaborator }: GitLabHost) {
  return {
    id: projectId,
    name: repository.name,
    path: repository.name,
    path_with_namespace: repository.fullName,
    default_branch: repository.defaultBranch,
    visibility: isPrivate ? 'private' : 'public',
    web_url: `${url}/${repository.fullName}`,
    shared_with_groups: [],
    // 30 is a developer, and the least that may push.
    permissions: { project_access: collaborator ? { access_level: 30 } : null, group_access: null },
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
