/**
 * GitHub's pull requests, labels, comparisons and commit statuses, which the CMSs call editorial workflow.
 *
 * @see https://docs.github.com/en/rest/pulls/pulls
 */
import type { GitHubHost } from '../github.ts';
import { HttpError } from '../http.ts';
import { nodeIdOf } from './graphql.ts';
import { ancestry, changesBetween, merge, mergeBase, unifiedDiff } from '../merge.ts';
import { type Route, text } from '../routes.ts';
import { type Call, commitJson, created, notFound, ok, repo } from './route.ts';

export interface PullRequest {
  number: number;
  title: string;
  body: string;
  head: string;
  base: string;
  /** Whose repository the branch is in; another owner's is a fork. */
  owner: string;
  labels: string[];
  state: 'open' | 'closed';
  draft: boolean;
  merged: boolean;
  updated: string;
}

export const pullRequestRoutes: Array<[RegExp, Route<Call>]> = [
  repo('GET /pulls', ({ github, query }) => {
    const state = query.get('state') ?? 'open';
    const head = query.get('head');
    const base = query.get('base');
    const found = github.pullRequests.filter(
      (request) =>
        (state === 'all' || request.state === state) &&
        (base === null || request.base === base) &&
        (head === null || head === `${request.owner}:${request.head}`),
    );
    const size = Number(query.get('per_page') ?? 30);
    const page = Number(query.get('page') ?? 1);
    // As GitHub does: by the number of the repository, with the next page behind it.
    const next = new URLSearchParams(query);
    next.set('page', String(page + 1));
    const link = `<${github.apiRoot}/repositories/1/pulls?${next}>; rel="next"`;
    return {
      ...ok(
        found
          .toReversed()
          .slice((page - 1) * size, page * size)
          .map((request) => json(github, request)),
      ),
      ...(found.length > page * size && { headers: { Link: link } }),
    };
  }),

  repo('POST /pulls', ({ github, body }) => {
    const { repository } = github;
    const [title, base] = [text(body, 'title'), text(body, 'base')];
    const [owner = '', head = ''] = text(body, 'head').includes(':')
      ? text(body, 'head').split(':')
      : [repository.owner, text(body, 'head')];
    const isThere = repository.branches.has(head) && repository.branches.has(base) && owner === repository.owner;
    if (!isThere) throw new HttpError(422, 'Validation Failed');
    if (repository.branches.get(head) === repository.branches.get(base))
      throw new HttpError(422, `Validation Failed: No commits between ${base} and ${head}`);
    if (github.pullRequests.some((other) => other.state === 'open' && other.head === head && other.base === base))
      throw new HttpError(422, `A pull request already exists for ${owner}:${head}.`);
    if (body['draft'] !== undefined && typeof body['draft'] !== 'boolean')
      throw new HttpError(422, 'Invalid request. For ‘properties/draft’ it is not a boolean.');
    const request: PullRequest = {
      number: github.pullRequests.length + 1,
      title,
      body: typeof body['body'] === 'string' ? body['body'] : '',
      head,
      base,
      owner,
      labels: [],
      state: 'open',
      draft: body['draft'] === true,
      merged: false,
      updated: new Date().toISOString(),
    };
    github.pullRequests.push(request);
    return created(json(github, request));
  }),

  repo('GET /pulls/:number', ({ github }, number) => ok(json(github, find(github, number)))),

  repo('PATCH /pulls/:number', ({ github, body }, number) => {
    const request = find(github, number);
    const { state, title, base } = body;
    if (state === 'open' || state === 'closed') request.state = state;
    if (typeof title === 'string') request.title = title;
    if (typeof base === 'string') request.base = base;
    request.updated = new Date().toISOString();
    return ok(json(github, request));
  }),

  repo('GET /pulls/:number/commits', ({ github }, number) => {
    const { repository } = github;
    const request = find(github, number);
    const [head, base] = [request.head, request.base].map((name) => repository.branches.get(name) ?? '');
    return ok(commitsBetween(github, base ?? '', head ?? ''));
  }),

  repo('PUT /pulls/:number/merge', ({ github, body }, number) => {
    const { repository, user } = github;
    const request = find(github, number);
    const [source, target] = [request.head, request.base].map((name) => repository.branches.get(name));
    if (request.state !== 'open' || source === undefined || target === undefined)
      throw new HttpError(405, 'Pull Request is not mergeable');
    if ((body['sha'] ?? source) !== source)
      throw new HttpError(409, 'Head branch was modified. Review and try the merge again.');
    const author = { name: user.name, email: `${user.login}@example.com`, date: new Date().toISOString() };
    if (request.draft) throw new HttpError(405, 'Pull Request is still a draft');
    const title =
      typeof body['commit_title'] === 'string'
        ? body['commit_title']
        : `Merge pull request #${request.number} from ${request.owner}/${request.head}`;
    const message = typeof body['commit_message'] === 'string' ? `${title}\n\n${body['commit_message']}` : title;
    const squash = body['merge_method'] === 'squash';
    const merged = merge(repository, { source, target, squash }, { message, author });
    if (merged === undefined) throw new HttpError(405, 'Pull Request is not mergeable');
    repository.branches.set(request.base, merged);
    request.state = 'closed';
    request.merged = true;
    return ok({ sha: merged, merged: true, message: 'Pull Request successfully merged' });
  }),

  repo('PUT /issues/:number/labels', ({ github, body }, number) => {
    const request = find(github, number);
    if (!Array.isArray(body['labels'])) throw new HttpError(422, 'Validation Failed');
    request.labels = body['labels'].map(String);
    request.updated = new Date().toISOString();
    return ok(request.labels.map((name) => ({ name })));
  }),

  repo('POST /issues/:number/labels', ({ github, body }, number) => {
    const request = find(github, number);
    if (!Array.isArray(body['labels'])) throw new HttpError(422, 'Validation Failed');
    request.labels = [...new Set([...request.labels, ...body['labels'].map(String)])];
    request.updated = new Date().toISOString();
    return ok(request.labels.map((name) => ({ name })));
  }),

  // To GitHub, every pull request is an issue, too.
  repo('GET /issues/:number', ({ github }, number) => ok(issueJson(find(github, number)))),

  repo('PATCH /issues/:number', ({ github, body }, number) => {
    const request = find(github, number);
    const { labels, state, title } = body;
    if (Array.isArray(labels)) request.labels = labels.map(String);
    if (state === 'open' || state === 'closed') request.state = state;
    if (typeof title === 'string') request.title = title;
    request.updated = new Date().toISOString();
    return ok(issueJson(request));
  }),

  repo('GET /pulls/:number/files', ({ github }, number) => {
    const { repository } = github;
    const request = find(github, number);
    const [head = '', base = ''] = [request.head, request.base].map((name) => repository.branches.get(name));
    const start = mergeBase(repository, base, head) ?? base;
    return ok(
      changesBetween(repository, start, head).map(({ path, before, after }) => ({
        filename: path,
        sha: after ?? before,
        status: before === undefined ? 'added' : after === undefined ? 'removed' : 'modified',
      })),
    );
  }),

  repo('GET /commits/:sha/status', ({ github }, sha = '') => {
    if (github.repository.commit(sha) === undefined) throw new HttpError(422, `No commit found for SHA: ${sha}`);
    const statuses = github.statuses.get(sha) ?? [];
    return ok({ state: statuses.some(({ state }) => state !== 'success') ? 'pending' : 'success', sha, statuses });
  }),

  repo('GET /compare/*basehead', ({ github }, basehead = '') => {
    const { repository } = github;
    const [from, to] = basehead.split('...').map((side) => {
      const name = side.startsWith(`${repository.owner}:`) ? side.slice(repository.owner.length + 1) : side;
      const sha = repository.branches.get(name) ?? name;
      if (repository.commit(sha) === undefined) throw notFound();
      return sha;
    });
    if (from === undefined || to === undefined) throw notFound();
    const base = mergeBase(repository, from, to);
    if (base === undefined) throw new HttpError(404, `No common ancestor between ${from} and ${to}.`);
    const files = changesBetween(repository, base, to).map((change) => {
      const diff = unifiedDiff(repository, [change]);
      const [, patch] = /(@@[\s\S]*)/.exec(diff) ?? [];
      const status = change.before === undefined ? 'added' : change.after === undefined ? 'removed' : 'modified';
      return {
        filename: change.path,
        sha: change.after ?? change.before,
        status,
        ...(patch !== undefined && { patch }),
      };
    });
    const start = repository.commit(from);
    const ahead = commitsBetween(github, from, to);
    return ok({
      base_commit: start && { sha: from, commit: commitJson(start, from), parents: parentsOf(start.parents) },
      merge_base_commit: { sha: base },
      status: from === to ? 'identical' : base === from ? 'ahead' : base === to ? 'behind' : 'diverged',
      ahead_by: ahead.length,
      behind_by: commitsBetween(github, to, from).length,
      total_commits: ahead.length,
      // The first page of each, as GitHub has it.
      commits: ahead.slice(0, 250),
      files: files.slice(0, 300),
    });
  }),
];

const parentsOf = (parents: string[]) => parents.map((sha) => ({ sha }));

/** What `head` has and `base` has not, the oldest first. */
function commitsBetween({ repository }: GitHubHost, base: string, head: string) {
  const known = new Set(ancestry(repository, base));
  return ancestry(repository, head)
    .filter((sha) => !known.has(sha))
    .reverse()
    .flatMap((sha) => {
      const commit = repository.commit(sha);
      return commit ? [{ sha, commit: commitJson(commit, sha), parents: parentsOf(commit.parents) }] : [];
    });
}

const issueJson = ({ number, title, state, labels }: PullRequest) => ({
  number,
  title,
  state,
  labels: labels.map((name) => ({ name })),
  pull_request: {},
});

function find({ pullRequests }: GitHubHost, number = '') {
  const found = pullRequests.find((request) => String(request.number) === number);
  if (found === undefined) throw notFound();
  return found;
}

function json({ repository, user, url }: GitHubHost, request: PullRequest) {
  const fork = request.owner !== repository.owner;
  const side = (name: string, owner: string) => ({
    label: `${owner}:${name}`,
    ref: name,
    sha: repository.branches.get(name) ?? '0'.repeat(40),
    repo: {
      id: owner === repository.owner ? 1 : 2,
      full_name: `${owner}/${repository.name}`,
      fork: owner !== repository.owner,
    },
  });
  return {
    number: request.number,
    node_id: nodeIdOf(request),
    draft: request.draft,
    state: request.state,
    title: request.title,
    body: request.body,
    html_url: `${url}/${repository.fullName}/pull/${request.number}`,
    user: { login: fork ? request.owner : user.login },
    labels: request.labels.map((name) => ({ name })),
    head: side(request.head, request.owner),
    base: side(request.base, repository.owner),
    merged: request.merged,
    merged_at: request.merged ? request.updated : null,
    created_at: request.updated,
    updated_at: request.updated,
  };
}
