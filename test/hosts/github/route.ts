/** What the routes of GitHub's REST API have in common. */
import type { GitHubHost } from '../github.ts';
import { HttpError } from '../http.ts';
import type { Commit } from '../repository.ts';
import { type Answer, path, type Route } from '../routes.ts';
import type { Caller } from './api.ts';

export interface Call {
  github: GitHubHost;
  caller: Caller;
  query: URLSearchParams;
  accept: string;
  body: Record<string, unknown>;
}

export const ok = (body: unknown): Answer => ({ status: 200, body });
export const created = (body: unknown): Answer => ({ status: 201, body });
export const notFound = () => new HttpError(404, 'Not Found');

/** A route below a repository. What one may not read does not exist, and what one may not write looks the same. */
export function repo(pattern: string, route: Route<Call>): [RegExp, Route<Call>] {
  const [method = '', rest = ''] = pattern.split(' ');
  const guarded: Route<Call> = (call, owner = '', name = '', ...captured) => {
    const { caller, github } = call;
    const known = `${owner}/${name}`.toLowerCase() === github.repository.fullName.toLowerCase();
    if (!known || !caller.mayRead || (method !== 'GET' && !caller.mayWrite)) throw notFound();
    return route(call, ...captured);
  };
  return [path(`${method} /repos/:owner/:repo${rest}`), guarded];
}

export function commitJson({ tree, parents, message, author, committer = author }: Commit, sha: string) {
  return { sha, message, author, committer, tree: { sha: tree }, parents: parents.map((id) => ({ sha: id })) };
}
