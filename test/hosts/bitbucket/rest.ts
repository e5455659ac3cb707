/**
 * Bitbucket's REST API as far as Decap and Netlify CMS use it to list, read and save.
 *
 * @see https://developer.atlassian.com/cloud/bitbucket/rest/api-group-source/
 */
import type { BitbucketHost } from '../bitbucket.ts';
import { HttpError } from '../http.ts';
import type { Commit, Signature } from '../repository.ts';
import { type Answer, matchRoute, path, type Route } from '../routes.ts';
import type { Caller } from './api.ts';

interface Call {
  bitbucket: BitbucketHost;
  caller: Caller;
  query: URLSearchParams;
  url: URL;
  form: FormData;
  /** The files in the form. */
  files: Record<string, Buffer>;
}

/** The handler for a request, or nothing if this host has never heard of such a path. */
export const findRoute = (method: string, at: string) => matchRoute(routes, method, at);

const ok = (body: unknown): Answer => ({ status: 200, body });

/** A route below a repository. */
function repo(pattern: string, route: Route<Call>): [RegExp, Route<Call>] {
  const [method = '', rest = ''] = pattern.split(' ');
  const guarded: Route<Call> = (call, owner = '', name = '', ...captured) => {
    const { bitbucket, caller } = call;
    const known = `${owner}/${name}`.toLowerCase() === bitbucket.repository.fullName.toLowerCase();
    if (!known || (bitbucket.private && !bitbucket.collaborator)) {
      throw new HttpError(404, `You may not have access to this repository or it no longer exists in this workspace.`);
    }
    requireScope(caller, method === 'GET' ? 'repository' : 'repository:write');
    if (method !== 'GET' && !bitbucket.collaborator) {
      throw new HttpError(403, 'Your credentials lack one or more required privileges.');
    }
    return route(call, ...captured);
  };
  return [path(`${method} /repositories/:owner/:repo${rest}`), guarded];
}

function requireScope(caller: Caller, scope: string) {
  if (!caller.has(scope)) throw new HttpError(403, 'Your credentials lack one or more required privilege scopes.');
}

const routes: Array<[RegExp, Route<Call>]> = [
  [
    path('GET /user'),
    ({ bitbucket, caller }) => {
      requireScope(caller, 'account');
      return ok(userJson(bitbucket));
    },
  ],

  repo('GET ', ({ bitbucket: { repository, url, private: isPrivate } }) =>
    ok({
      type: 'repository',
      uuid: '{00000000-0000-0000-0000-000000000001}',
      name: repository.name,
      full_name: repository.fullName,
      slug: repository.name,
      scm: 'git',
      is_private: isPrivate,
      mainbranch: { type: 'branch', name: repository.defaultBranch },
      links: { html: { href: `${url}/${repository.fullName}` } },
    }),
  ),

  repo('GET /refs/branches/*branch', ({ bitbucket }, name = '') => {
    const hash = bitbucket.repository.branches.get(name);
    const commit = bitbucket.repository.commit(hash ?? '');
    if (hash === undefined || commit === undefined) throw new HttpError(404, `Branch ${name} not found.`);
    return ok({ type: 'branch', name, target: commitJson(bitbucket, commit, hash) });
  }),
  repo('DELETE /refs/branches/*branch', ({ bitbucket: { repository } }, name = '') => {
    if (name === repository.defaultBranch) throw new HttpError(400, 'The main branch cannot be deleted.');
    if (!repository.branches.delete(name)) throw new HttpError(404, `Branch ${name} not found.`);
    return { status: 204 };
  }),

  repo('GET /commits', ({ bitbucket, query, url }) => {
    const { repository } = bitbucket;
    const start = query.get('include') ?? repository.defaultBranch;
    if (repository.resolve(start) === undefined) throw new HttpError(404, `Commit not found: ${start}`);
    const commits = repository.history(start, query.get('path') ?? undefined);
    return ok(page(commits, url, 30, (commit) => commitJson(bitbucket, commit, commit.sha)));
  }),

  // No editorial workflow here: no pull request is ever open.
  repo('GET /pullrequests', ({ url }) => ok(page([], url, 10, (never) => never))),

  // Content

  repo('GET /src/:commit', source),
  repo('GET /src/:commit/', source),
  repo('GET /src/:commit/*path', source),

  repo('POST /src', ({ bitbucket, files, form }) => {
    const { repository, url } = bitbucket;
    const text = (name: string) => form.getAll(name).find((value) => typeof value === 'string');
    const branch = text('branch') ?? repository.defaultBranch;
    const head = repository.branches.get(branch);
    const parent = text('parents') ?? head ?? repository.branches.get(repository.defaultBranch) ?? '';
    if (repository.commit(parent) === undefined) throw new HttpError(400, `parents: Commit not found: ${parent}`);
    if (head !== undefined && head !== parent) throw new HttpError(409, 'Something went wrong: the branch has moved.');

    const changes: Record<string, Buffer | null> = {};
    for (const name of form.getAll('files')) if (typeof name === 'string') changes[name.replace(/^\/+/, '')] = null;
    // A file is told from `message` and the like by having a file name.
    for (const [name, content] of Object.entries(files)) changes[name.replace(/^\/+/, '')] = content;
    if (Object.keys(changes).length === 0) throw new HttpError(400, 'No files were specified.');
    repository.branches.set(branch, parent);
    const message = text('message') ?? 'Edited online with Bitbucket';
    const sha = repository.save(branch, changes, message, signature(bitbucket, text('author')));
    return { status: 201, headers: { Location: `${url}/2.0/repositories/${repository.fullName}/commit/${sha}` } };
  }),
];

/** A folder is listed in pages, a file comes as it is. */
function source({ bitbucket: { repository }, query, url }: Call, revision = '', at = ''): Answer {
  const commit = repository.branches.get(revision) ?? revision;
  if (repository.commit(commit) === undefined) throw new HttpError(404, `Commit not found: ${revision}`);
  const folder = at.replace(/\/+$/, '');
  const sha = repository.resolve(`${commit}:${folder}`);
  const content = repository.blob(sha ?? '');
  if (content !== undefined && sha !== undefined) {
    const type = at.endsWith('.svg') ? 'image/svg+xml' : 'text/plain; charset=utf-8';
    return { status: 200, body: content, headers: { 'Content-Type': type, ETag: `"${sha}"` } };
  }
  if (sha === undefined) throw new HttpError(404, `No such file or directory: ${at}`);
  const depth = Number(query.get('max_depth') ?? 1);
  const entries = repository
    .list(sha, depth > 1, folder === '' ? '' : `${folder}/`)
    .filter((entry) => entry.path.slice(folder.length).split('/').filter(Boolean).length <= depth);
  return ok(
    page(entries, url, 10, ({ path: entryPath, type, sha: id }) => ({
      type: type === 'tree' ? 'commit_directory' : 'commit_file',
      path: entryPath,
      // No id of the content anywhere: the commit that was asked for stands in.
      commit: { type: 'commit', hash: commit },
      ...(type === 'blob' && { size: repository.blob(id)?.length }),
    })),
  );
}

// Shapes

function page<Item>(items: Item[], url: URL, usual: number, json: (item: Item) => unknown) {
  const pagelen = Math.min(Math.max(Number(url.searchParams.get('pagelen') ?? usual), 1), 100);
  const number = Number(url.searchParams.get('page') ?? 1);
  const link = (to: number) => {
    const other = new URL(url);
    other.searchParams.set('page', String(to));
    return other.href;
  };
  return {
    values: items.slice((number - 1) * pagelen, number * pagelen).map(json),
    pagelen,
    page: number,
    ...(number * pagelen < items.length && { next: link(number + 1) }),
    ...(number > 1 && { previous: link(number - 1) }),
  };
}

function userJson({ url, user }: BitbucketHost) {
  return {
    type: 'user',
    uuid: '{00000000-0000-0000-0000-000000000002}',
    account_id: '1:demo',
    username: user.login,
    nickname: user.login,
    display_name: user.name,
    links: { avatar: { href: `${url}/avatar.svg` }, html: { href: `${url}/${user.login}` } },
  };
}

function commitJson(bitbucket: BitbucketHost, { message, author, parents }: Commit, hash: string) {
  const ours = author.name === bitbucket.user.name;
  return {
    type: 'commit',
    hash,
    date: author.date,
    message,
    author: {
      type: 'author',
      raw: `${author.name} <${author.email}>`,
      ...(ours && { user: userJson(bitbucket) }),
    },
    parents: parents.map((parent) => ({ type: 'commit', hash: parent })),
  };
}

/** `Name <address>` */
function signature({ user }: BitbucketHost, sent: string | undefined): Signature {
  const [, name = user.name, email = `${user.login}@users.noreply.example.com`] =
    /^(.*?) <(.*)>$/.exec(sent ?? '') ?? [];
  return { name, email, date: new Date().toISOString() };
}
