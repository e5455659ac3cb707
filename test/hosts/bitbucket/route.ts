/** What Bitbucket's REST routes have in common. */
import type { BitbucketHost } from '../bitbucket.ts';
import { HttpError } from '../http.ts';
import type { Signature } from '../repository.ts';
import { type Answer, path, type Route } from '../routes.ts';
import type { Caller } from './api.ts';

export interface Call {
  bitbucket: BitbucketHost;
  caller: Caller;
  query: URLSearchParams;
  url: URL;
  /** Of a body that is JSON. */
  body: Record<string, unknown>;
  form: FormData;
  /** The files in the form. */
  files: Record<string, Buffer>;
}

export const ok = (body: unknown): Answer => ({ status: 200, body });

/** A route below a repository. */
export function repo(pattern: string, route: Route<Call>): [RegExp, Route<Call>] {
  const [method = '', rest = ''] = pattern.split(' ');
  const guarded: Route<Call> = (call, owner = '', name = '', ...captured) => {
    const { bitbucket, caller } = call;
    const member = bitbucket.collaborator || bitbucket.accessTokens.has(caller.token);
    const known = `${owner}/${name}`.toLowerCase() === bitbucket.repository.fullName.toLowerCase();
    if (!known || (bitbucket.private && !member)) {
      throw new HttpError(404, `You may not have access to this repository or it no longer exists in this workspace.`);
    }
    const subject = rest.startsWith('/pullrequests') ? 'pullrequest' : 'repository';
    requireScope(caller, method === 'GET' ? subject : `${subject}:write`);
    if (method !== 'GET' && !member) {
      throw new HttpError(403, 'Your credentials lack one or more required privileges.');
    }
    return route(call, ...captured);
  };
  return [path(`${method} /repositories/:owner/:repo${rest}`), guarded];
}

export function requireScope(caller: Caller, scope: string) {
  if (!caller.has(scope)) throw new HttpError(403, 'Your credentials lack one or more required privilege scopes.');
}

export function page<Item>(items: Item[], url: URL, usual: number, json: (item: Item) => unknown) {
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

export function userJson({ url, user }: BitbucketHost) {
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

/** `Name <address>`, or whoever the token stands for. */
export function authorOf({ bitbucket: { accessTokens, user }, caller }: Call, sent: string | undefined): Signature {
  const program = accessTokens.get(caller.token)?.name;
  const [, name = program ?? user.name, email = `${program ?? user.login}@users.noreply.example.com`] =
    /^(.*?) <(.*)>$/.exec(sent ?? '') ?? [];
  return { name, email, date: new Date().toISOString() };
}
