/**
 * Bitbucket's REST API as far as Decap and Netlify CMS use it: to list, read and save.
 *
 * @see https://developer.atlassian.com/cloud/bitbucket/rest/api-group-source/
 */
import type { BitbucketHost } from '../bitbucket.ts';
import { HttpError } from '../http.ts';
import { ancestry, commitOf } from '../merge.ts';
import type { Commit } from '../repository.ts';
import { type Answer, matchRoute, path, type Route } from '../routes.ts';
import { pullRequestRoutes } from './pull-requests.ts';
import { authorOf, type Call, ok, page, repo, requireScope, userJson } from './route.ts';

/** The handler for a request, or nothing if this host has never heard of such a path. */
export const findRoute = (method: string, at: string) => matchRoute(routes, method, at);

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
    const first = commitOf(repository, start);
    if (first === undefined) throw new HttpError(404, `Commit not found: ${start}`);
    const exclude = query.get('exclude');
    const known = exclude === null ? [] : ancestry(repository, commitOf(repository, exclude) ?? '');
    const commits =
      exclude === null
        ? repository.history(first, query.get('path') ?? undefined)
        : ancestry(repository, first)
            .filter((sha) => !known.includes(sha))
            .flatMap((sha) => ({ ...(repository.commit(sha) as Commit), sha }));
    return ok(page(commits, url, 30, (commit) => commitJson(bitbucket, commit, commit.sha)));
  }),

  ...pullRequestRoutes,

  // Content

  repo('GET /src/:commit', source),
  repo('GET /src/:commit/', source),
  repo('GET /src/:commit/*path', source),

  repo('POST /src', (call) => {
    const { bitbucket, files, form } = call;
    const { repository, url } = bitbucket;
    const text = (name: string) => form.getAll(name).find((value) => typeof value === 'string');
    const branch = text('branch') ?? repository.defaultBranch;
    const head = repository.branches.get(branch);
    const parent = text('parents') ?? head ?? repository.branches.get(repository.defaultBranch) ?? '';
    if (repository.commit(parent) === undefined) throw new HttpError(400, `parents: Commit not found: ${parent}`);
    const blocked = [...repository.branches.keys()].some(
      (other) => other.startsWith(`${branch}/`) || branch.startsWith(`${other}/`),
    );
    if (blocked) throw new HttpError(500, 'Something went wrong');
    if (head !== undefined && head !== parent) throw new HttpError(409, 'Something went wrong: the branch has moved.');

    const changes: Record<string, Buffer | null> = {};
    for (const name of form.getAll('files')) if (typeof name === 'string') changes[name.replace(/^\/+/, '')] = null;
    // A file is told from `message` and the like by having a file name.
    for (const [name, content] of Object.entries(files)) changes[name.replace(/^\/+/, '')] = content;
    if (Object.keys(changes).length === 0) throw new HttpError(400, 'No files were specified.');
    repository.branches.set(branch, parent);
    const message = text('message') ?? 'Edited online with Bitbucket';
    const sha = repository.save(branch, changes, message, authorOf(call, text('author')));
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
  // What is there, and not what is in it.
  if (sha !== undefined && query.get('format') === 'meta')
    return ok({
      type: content === undefined ? 'commit_directory' : 'commit_file',
      path: folder,
      commit: { type: 'commit', hash: commit },
      ...(content !== undefined && { size: content.length }),
    });
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
