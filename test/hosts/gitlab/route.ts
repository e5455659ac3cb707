/** What GitLab's REST routes have in common. */
import type { GitLabHost } from '../gitlab.ts';
import { HttpError } from '../http.ts';
import { type Answer, path, type Route } from '../routes.ts';
import type { Caller } from './api.ts';

export interface Call {
  gitlab: GitLabHost;
  caller: Caller;
  url: URL;
  query: URLSearchParams;
  body: Record<string, unknown>;
}

export const projectId = 1;
const userId = 1;

export const ok = (body: unknown): Answer => ({ status: 200, body });
export const notFound = (what: string) => new HttpError(404, `404 ${what} Not Found`);

/** A route below a project, which is named by its number or by its whole path with the slash encoded. */
export function project(pattern: string, route: Route<Call>): [RegExp, Route<Call>] {
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

/** The page is in the body, where it stands among the others in the headers. */
export function paged({ query, url }: Call, items: unknown[]): Answer {
  const size = Math.min(Math.max(Number(query.get('per_page')) || 20, 1), 100);
  const number = Math.max(Number(query.get('page')) || 1, 1);
  const count = Math.max(Math.ceil(items.length / size), 1);
  const link = (page: number, relation: string) => {
    const other = new URL(url);
    // The real one adds what it has found in the path, and sorts.
    other.searchParams.set('id', decodeURIComponent(/\/projects\/([^/]+)/.exec(url.pathname)?.[1] ?? ''));
    other.searchParams.set('page', String(page));
    other.searchParams.set('per_page', String(size));
    other.searchParams.sort();
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

export function userJson({ url, user }: GitLabHost) {
  return {
    id: userId,
    username: user.login,
    name: user.name,
    state: 'active',
    avatar_url: `${url}/avatar.svg`,
    web_url: `${url}/${user.login}`,
  };
}
