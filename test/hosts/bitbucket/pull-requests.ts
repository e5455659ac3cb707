/**
 * Bitbucket's pull requests, which the CMSs call editorial workflow. It has no labels: the newest comment stands in.
 *
 * @see https://developer.atlassian.com/cloud/bitbucket/rest/api-group-pullrequests/
 */
import type { BitbucketHost } from '../bitbucket.ts';
import { HttpError } from '../http.ts';
import { ancestry, changesBetween, commitOf, merge, mergeBase, unifiedDiff } from '../merge.ts';
import type { Repository } from '../repository.ts';
import type { Route } from '../routes.ts';
import { authorOf, type Call, ok, page, repo, userJson } from './route.ts';

export interface PullRequest {
  id: number;
  title: string;
  description: string;
  source: string;
  /** `owner/name` of where the branch is; another one is a fork. */
  sourceRepository: string;
  destination: string;
  state: 'OPEN' | 'MERGED' | 'DECLINED';
  comments: string[];
  created: string;
  updated: string;
  closeSource: boolean;
}

export const pullRequestRoutes: Array<[RegExp, Route<Call>]> = [
  repo('GET /pullrequests', ({ bitbucket, query, url }) => {
    const all = bitbucket.pullRequests.toReversed().map((request) => json(bitbucket, request));
    const state = query.get('state');
    // Without either only open ones are shown.
    const wanted = filter(query.get('q') ?? `state = "${state ?? 'OPEN'}"`);
    return ok(page(all.filter(wanted), url, 10, (request) => request));
  }),

  repo('POST /pullrequests', ({ bitbucket, body }) => {
    const { repository } = bitbucket;
    const source = branchName(body['source']);
    const destination = branchName(body['destination']) ?? repository.defaultBranch;
    const title = body['title'];
    if (typeof title !== 'string' || title === '') throw new HttpError(400, 'title: This field is required.');
    const named = Object.entries({ source, destination });
    const missing = named.find(([, name]) => name === undefined || !repository.branches.has(name))?.[0];
    if (source === undefined || missing !== undefined) {
      throw new HttpError(400, `${missing ?? 'source'}.branch.name: branch not found`);
    }
    const ahead = ancestry(repository, repository.branches.get(destination) ?? '');
    if (ahead.includes(repository.branches.get(source) ?? '')) {
      throw new HttpError(400, 'There are no changes to be pulled');
    }
    const now = new Date().toISOString();
    // A second one for the same two branches is the first one, with new words.
    const same = bitbucket.pullRequests.find(
      (known) => known.state === 'OPEN' && known.source === source && known.destination === destination,
    );
    const request: PullRequest = same ?? {
      id: bitbucket.pullRequests.length + 1,
      title,
      description: '',
      source,
      sourceRepository: repository.fullName,
      destination,
      state: 'OPEN',
      comments: [],
      created: now,
      updated: now,
      closeSource: false,
    };
    request.title = title;
    request.description = String(body['description'] ?? '');
    request.closeSource = body['close_source_branch'] === true;
    if (same === undefined) bitbucket.pullRequests.push(request);
    return { status: 201, body: json(bitbucket, request) };
  }),

  repo('GET /pullrequests/:id', ({ bitbucket }, id) => ok(json(bitbucket, find(bitbucket, id)))),

  repo('GET /pullrequests/:id/comments', ({ bitbucket, url }, id) => {
    const { comments } = find(bitbucket, id);
    return ok(page([...comments.entries()], url, 10, (comment) => commentJson(bitbucket, ...comment)));
  }),
  repo('POST /pullrequests/:id/comments', ({ bitbucket, body }, id) => {
    const request = find(bitbucket, id);
    const { raw } = (body['content'] ?? {}) as { raw?: unknown };
    if (typeof raw !== 'string' || raw === '') throw new HttpError(400, 'content.raw: This field is required.');
    request.comments.push(raw);
    request.updated = new Date().toISOString();
    return { status: 201, body: commentJson(bitbucket, request.comments.length - 1, raw) };
  }),

  repo('GET /pullrequests/:id/statuses', ({ bitbucket, url }, id) => {
    const head = bitbucket.repository.branches.get(find(bitbucket, id).source);
    const own = bitbucket.statuses.filter(({ sha }) => sha === head);
    return ok(page(own, url, 10, ({ key, state, url: target }) => ({ type: 'build', key, state, url: target })));
  }),

  repo('POST /pullrequests/:id/merge', (call, id) => {
    const { bitbucket, body } = call;
    const { repository } = bitbucket;
    const request = find(bitbucket, id);
    const strategy = body['merge_strategy'] ?? 'merge_commit';
    if (strategy !== 'merge_commit' && strategy !== 'squash') {
      throw new HttpError(400, `merge_strategy: ${String(strategy)} is not allowed`);
    }
    const source = repository.branches.get(request.source);
    const target = repository.branches.get(request.destination);
    if (request.state !== 'OPEN' || source === undefined || target === undefined) {
      throw new HttpError(400, 'This pull request is already closed.');
    }
    const standard = `Merged in ${request.source} (pull request #${request.id})`;
    const message = typeof body['message'] === 'string' ? body['message'] : standard;
    const squash = strategy === 'squash';
    const merged = merge(repository, { source, target, squash }, { message, author: authorOf(call, undefined) });
    if (merged === undefined) {
      throw new HttpError(409, 'There are merge conflicts that have to be resolved before this can be merged.');
    }
    repository.branches.set(request.destination, merged);
    request.state = 'MERGED';
    request.updated = new Date().toISOString();
    if (body['close_source_branch'] === true) repository.branches.delete(request.source);
    return ok(json(bitbucket, request));
  }),

  repo('POST /pullrequests/:id/decline', ({ bitbucket }, id) => {
    const request = find(bitbucket, id);
    if (request.state !== 'OPEN') throw new HttpError(400, 'This pull request is already closed.');
    request.state = 'DECLINED';
    request.updated = new Date().toISOString();
    return ok(json(bitbucket, request));
  }),

  // By default, what a merge of the two would change: the parameter `merge` in Bitbucket's reference.
  repo('GET /diffstat/*spec', (call, spec = '') => {
    const { repository } = call.bitbucket;
    const [source, destination] = ends(repository, spec);
    const parted = mergeBase(repository, source, destination);
    if (parted === undefined) throw new HttpError(404, `Commit not found: ${spec}`);
    const merged =
      call.query.get('merge') === 'false'
        ? undefined
        : merge(
            repository,
            { source, target: destination, squash: false },
            { message: 'x', author: authorOf(call, undefined) },
          );
    const [base, end] = merged === undefined ? [parted, source] : [destination, merged];
    const file = (path: string, id: string | undefined) =>
      id === undefined ? null : { type: 'commit_file', path, escaped_path: path, attributes: [] };
    return ok(
      page(changesBetween(repository, base, end), call.url, 500, ({ path, before, after }) => ({
        type: 'diffstat',
        status: before === undefined ? 'added' : after === undefined ? 'removed' : 'modified',
        old: file(path, before),
        new: file(path, after),
      })),
    );
  }),
  repo('GET /merge-base/*spec', ({ bitbucket: { repository } }, spec = '') => {
    const base = mergeBase(repository, ...ends(repository, spec));
    if (base === undefined) throw new HttpError(404, `Commit not found: ${spec}`);
    return ok({ type: 'commit', hash: base });
  }),

  // The opposite of Git's order: what the first has that the second has not, seen from where they part.
  repo('GET /diff/*spec', ({ bitbucket: { repository } }, spec = '') => {
    const [source, destination] = spec.split('..').map((name) => repository.branches.get(name) ?? name);
    const base = mergeBase(repository, source ?? '', destination ?? '');
    if (base === undefined || source === undefined) throw new HttpError(404, `Commit not found: ${spec}`);
    const diff = unifiedDiff(repository, changesBetween(repository, base, source));
    return { status: 200, body: Buffer.from(diff), headers: { 'Content-Type': 'text/plain; charset=utf-8' } };
  }),
];

/** Both ends of `one..other`, by branch or by hash, which may be shortened. */
function ends(repository: Repository, spec: string): [string, string] {
  const [one, other] = spec.split('..').map((name) => commitOf(repository, name));
  if (one === undefined || other === undefined) throw new HttpError(404, `Commit not found: ${spec}`);
  return [one, other];
}

/**
 * Bitbucket's query language, as far as it is used: terms joined by AND.
 *
 * @see https://developer.atlassian.com/cloud/bitbucket/rest/intro/#filtering
 */
function filter(query: string): (item: object) => boolean {
  const terms = query.split(/\s+AND\s+/).map((term) => {
    const [, field = '', operator, text, number] = /^([a-z_.]+)\s*(=|!=|~|>)\s*(?:"([^"]*)"|(\d+))$/.exec(term) ?? [];
    if (operator === undefined) throw new HttpError(400, `Invalid query: ${term}`);
    return { field, operator, text: text ?? number ?? '' };
  });
  return (item) =>
    terms.every(({ field, operator, text }) => {
      const value = field
        .split('.')
        .reduce<unknown>((inner, name) => (inner as Record<string, unknown> | undefined)?.[name], item);
      if (value === undefined) throw new HttpError(400, `Invalid query: there is no field ${field}`);
      if (operator === '>') return Number(value) > Number(text);
      if (operator === '~') return String(value).toLowerCase().includes(text.toLowerCase());
      return (String(value) === text) === (operator === '=');
    });
}

function find({ pullRequests }: BitbucketHost, id = '') {
  const found = pullRequests.find((request) => String(request.id) === id);
  if (found === undefined) throw new HttpError(404, `PullRequest ${id} not found`);
  return found;
}

function branchName(value: unknown): string | undefined {
  const name = (value as { branch?: { name?: unknown } } | undefined)?.branch?.name;
  return typeof name === 'string' ? name : undefined;
}

function json(bitbucket: BitbucketHost, request: PullRequest) {
  const { repository, url } = bitbucket;
  const end = (name: string, fullName: string) => ({
    branch: { name },
    // Short, unlike elsewhere.
    commit: { type: 'commit', hash: (repository.branches.get(name) ?? '').slice(0, 12) },
    repository: { type: 'repository', full_name: fullName, name: fullName.split('/').at(-1) },
  });
  return {
    type: 'pullrequest',
    id: request.id,
    title: request.title,
    description: request.description,
    summary: { raw: request.description },
    state: request.state,
    comment_count: request.comments.length,
    author: userJson(bitbucket),
    source: end(request.source, request.sourceRepository),
    destination: end(request.destination, repository.fullName),
    close_source_branch: request.closeSource,
    created_on: request.created,
    updated_on: request.updated,
    links: { html: { href: `${url}/${repository.fullName}/pull-requests/${request.id}` } },
  };
}

const commentJson = (bitbucket: BitbucketHost, id: number, raw: string) => ({
  type: 'pullrequest_comment',
  id: id + 1,
  content: { type: 'rendered', raw, markup: 'markdown', html: `<p>${raw}</p>` },
  user: userJson(bitbucket),
  deleted: false,
});
