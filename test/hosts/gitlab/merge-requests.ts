/**
 * GitLab's merge requests, which the CMSs call editorial workflow: made and changed by the query, rebased in the background.
 *
 * @see https://docs.gitlab.com/api/merge_requests/
 */
import type { GitLabHost } from '../gitlab.ts';
import { HttpError } from '../http.ts';
import { ancestry, merge, mergeBase, rebase } from '../merge.ts';
import type { Route } from '../routes.ts';
import { type Call, notFound, ok, paged, project, projectId, userJson } from './route.ts';

export interface MergeRequest {
  iid: number;
  title: string;
  description: string;
  source: string;
  target: string;
  /** Another number is that of a fork. */
  sourceProject: number;
  /** What was published when its draft was last looked at (`start_commit_sha`): a squashed one is put on that. */
  start: string;
  labels: string[];
  state: 'opened' | 'closed' | 'merged';
  author: string;
  created: string;
  updated: string;
  removeSource: boolean;
  /** Somebody asked for it, and it has not happened yet. */
  rebasing: boolean;
  mergeError: string | null;
}

/** As long as a rebase takes. Milliseconds. */
const whileRebasing = 50;

export const mergeRequestRoutes: Array<[RegExp, Route<Call>]> = [
  project('GET /merge_requests', (call) => {
    const { gitlab, query } = call;
    const asked = (name: string) => query.get(name) ?? undefined;
    const state = asked('state') ?? 'all';
    const wanted = asked('labels');
    const found = gitlab.mergeRequests.filter(
      (request) =>
        (state === 'all' || request.state === state) &&
        request.source === (asked('source_branch') ?? request.source) &&
        request.target === (asked('target_branch') ?? request.target) &&
        (wanted === undefined ||
          (/^any$/i.test(wanted)
            ? request.labels.length > 0
            : wanted.split(',').every((label) => request.labels.includes(label)))),
    );
    return paged(
      call,
      found.toReversed().map((request) => json(gitlab, request)),
    );
  }),

  project('POST /merge_requests', ({ gitlab, caller, query, body }) => {
    const sent = parameter(query, body);
    const [source, target, title] = ['source_branch', 'target_branch', 'title'].map(sent);
    if (source === undefined || target === undefined || title === undefined) {
      throw new HttpError(400, 'source_branch, target_branch and title are required');
    }
    const other = gitlab.mergeRequests.find((request) => request.state === 'opened' && request.source === source);
    if (other !== undefined && other.target === target) {
      throw new HttpError(409, `Another open merge request already exists for this source branch: !${other.iid}`);
    }
    const now = new Date().toISOString();
    const request: MergeRequest = {
      iid: gitlab.mergeRequests.length + 1,
      title,
      description: sent('description') ?? '',
      source,
      target,
      sourceProject: projectId,
      start: gitlab.repository.branches.get(target) ?? '',
      labels: labels(sent('labels')),
      state: 'opened',
      author: gitlab.accessTokens.get(caller.token)?.name ?? gitlab.user.name,
      created: now,
      updated: now,
      removeSource: sent('remove_source_branch') === 'true',
      rebasing: false,
      mergeError: null,
    };
    gitlab.mergeRequests.push(request);
    return { status: 201, body: json(gitlab, request) };
  }),

  project('GET /merge_requests/:iid', ({ gitlab, query }, iid) =>
    ok({
      ...json(gitlab, find(gitlab, iid), query.get('include_rebase_in_progress') === 'true'),
      ...(query.get('include_diverged_commits_count') === 'true' && {
        diverged_commits_count: behindBy(gitlab, find(gitlab, iid)),
      }),
    }),
  ),

  project('PUT /merge_requests/:iid', ({ gitlab, query, body }, iid) => {
    const request = find(gitlab, iid);
    const sent = parameter(query, body);
    const event = sent('state_event');
    if (event !== undefined && event !== 'close' && event !== 'reopen') {
      throw new HttpError(400, 'state_event does not have a valid value');
    }
    if (event === 'close' && request.state === 'opened') request.state = 'closed';
    if (event === 'reopen' && request.state === 'closed') request.state = 'opened';
    request.labels = sent('labels') === undefined ? request.labels : labels(sent('labels'));
    request.title = sent('title') ?? request.title;
    request.description = sent('description') ?? request.description;
    request.target = sent('target_branch') ?? request.target;
    request.updated = new Date().toISOString();
    return ok(json(gitlab, request));
  }),

  project('PUT /merge_requests/:iid/rebase', ({ gitlab }, iid) => {
    const request = find(gitlab, iid);
    if (request.state !== 'opened') throw new HttpError(403, '403 Forbidden - Cannot rebase merge request');
    if (request.rebasing)
      throw new HttpError(
        409,
        'Failed to enqueue the rebase operation, possibly due to a long-lived transaction. Try again later.',
      );
    request.rebasing = true;
    request.mergeError = null;
    setTimeout(() => finishRebase(gitlab, request), whileRebasing);
    return { status: 202, body: { rebase_in_progress: true } };
  }),

  project('PUT /merge_requests/:iid/merge', ({ gitlab, query, body }, iid) => {
    const request = find(gitlab, iid);
    const { repository, user } = gitlab;
    const sent = parameter(query, body);
    const source = repository.branches.get(request.source);
    const target = repository.branches.get(request.target);
    if (request.state !== 'opened' || source === undefined || target === undefined) {
      throw new HttpError(405, '405 Method Not Allowed');
    }
    if ((sent('sha') ?? source) !== source) throw new HttpError(409, 'SHA does not match HEAD of source branch');
    const squash = sent('squash') === 'true';
    const standard = `Merge branch '${request.source}' into '${request.target}'`;
    const message = sent(squash ? 'squash_commit_message' : 'merge_commit_message') ?? standard;
    const author = { name: user.name, email: `${user.login}@example.com`, date: new Date().toISOString() };
    // `Repository#squash`, and Gitaly's `UserSquash`: a commit on top of the start, which is merged then.
    const tip = squash ? merge(repository, { source, target: request.start, squash }, { message, author }) : source;
    const merged = tip && merge(repository, { source: tip, target, squash: false }, { message, author });
    if (merged === undefined) throw new HttpError(422, 'Branch cannot be merged');
    repository.branches.set(request.target, merged);
    request.state = 'merged';
    request.updated = new Date().toISOString();
    if (sent('should_remove_source_branch') === 'true' || request.removeSource) {
      repository.branches.delete(request.source);
    }
    return ok(json(gitlab, request));
  }),
];

function finishRebase({ repository }: GitLabHost, request: MergeRequest) {
  const [source, target] = [request.source, request.target].map((name) => repository.branches.get(name) ?? '');
  request.rebasing = false;
  if (source === undefined || target === undefined || mergeBase(repository, source, target) === target) return;
  const head = rebase(repository, source, target);
  if (head === undefined) {
    request.mergeError = 'Rebase failed: Rebase locally, resolve all conflicts, then push the branch.';
    return;
  }
  repository.branches.set(request.source, head);
}

/** Grape, GitLab's framework, does not tell the query from the body. */
const parameter = (query: URLSearchParams, body: Record<string, unknown>) => (name: string) => {
  const value = body[name] ?? query.get(name);
  return value === null || value === undefined ? undefined : String(value);
};

const labels = (list: string | undefined) => (list ?? '').split(',').filter(Boolean);

function find({ mergeRequests }: GitLabHost, iid = '') {
  const found = mergeRequests.find((request) => String(request.iid) === iid);
  if (found === undefined) throw notFound('Merge Request');
  return found;
}

/** Commits of the target that the draft does not have. */
function behindBy({ repository }: GitLabHost, { source, target }: MergeRequest): number {
  const own = ancestry(repository, repository.branches.get(source) ?? '');
  return ancestry(repository, repository.branches.get(target) ?? '').filter((sha) => !own.includes(sha)).length;
}

function json(gitlab: GitLabHost, request: MergeRequest, withRebase = false) {
  const { repository, url } = gitlab;
  return {
    id: 1000 + request.iid,
    iid: request.iid,
    project_id: projectId,
    title: request.title,
    description: request.description,
    state: request.state,
    created_at: request.created,
    updated_at: request.updated,
    source_branch: request.source,
    target_branch: request.target,
    source_project_id: request.sourceProject,
    target_project_id: projectId,
    author: { ...userJson(gitlab), name: request.author },
    labels: request.labels,
    draft: false,
    merge_status: 'can_be_merged',
    sha: repository.branches.get(request.source) ?? null,
    diff_refs: { start_sha: request.start, head_sha: repository.branches.get(request.source) ?? null },
    merge_error: request.mergeError,
    force_remove_source_branch: request.removeSource,
    web_url: `${url}/${repository.fullName}/-/merge_requests/${request.iid}`,
    ...(withRebase && { rebase_in_progress: request.rebasing }),
  };
}
