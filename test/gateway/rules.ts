/** Plays a host's rules without a server: what a body, a query value or a look-up makes of what a CMS sends. */
import { bitbucket } from '../../lib/gateway/rules/bitbucket.ts';
import { gitlab } from '../../lib/gateway/rules/gitlab.ts';
import { github } from '../../lib/gateway/rules/github.ts';
import { refuse, type Call, type GatewayHost, type Json, type Rule } from '../../lib/gateway/rules/rule.ts';
import { readPaths } from '../../lib/gateway/rules/paths.ts';

const paths = readPaths('content/**, static/images/**');
if ('problem' in paths) throw new Error(paths.problem);

/** An editor's call, as far as rules look at it. */
export const call = (host: GatewayHost, { read, ...parameters }: { read?: unknown } & Record<string, unknown> = {}) =>
  ({
    gateway: { host, base: 'https://host.example', fullName: 'team/site', branch: 'main', paths },
    editor: { sub: '1', email: 'zoe@example.org', name: 'Zoë <Editor>', roles: [] },
    email: 'zoe@example.org',
    parameters,
    now: 0,
    read: async (path: string) => {
      const found = answer(read, path);
      if (found === undefined) throw refuse('what it is about is not there');
      return found;
    },
    find: async (path: string) => answer(read, path),
    exists: async (path: string) => answer(read, path) !== undefined,
    isEditorAddress: (email: string) => email.endsWith('@example.org'),
  }) as unknown as Call;

const answer = (read: unknown, path: string): unknown =>
  typeof read === 'function' ? (read as (path: string) => unknown)(path) : read;

export function ruleOf(host: GatewayHost, name: string, method?: string): Rule {
  const found = host.rules.find((rule) => rule.name === name && (method === undefined || rule.method === method));
  if (found === undefined) throw new Error(`${host.provider.name} has no rule ${name}.`);
  return found;
}

/** What a rule makes of a body that is JSON. */
export function sendJson(host: GatewayHost, name: string, body: unknown, type = 'application/json; charset=utf-8') {
  const bytes = Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
  const sent = ruleOf(host, name, 'POST').body?.judge({ bytes, type }, call(host)).write({});
  return { ...sent, body: JSON.parse(String(sent?.body)) as unknown };
}

export function ask(host: GatewayHost, name: string, key: string, value: string, method?: string) {
  return ruleOf(host, name, method).query?.[key]?.(value, call(host));
}

/**
 * Lets a rule look up what it wants to.
 *
 * @param read what the host answers, whatever it is asked; or by the beginning of the path
 */
export const lookUp = (host: GatewayHost, name: string, read: unknown, said: Json = {}, method?: string) =>
  ruleOf(host, name, method).guard?.look(call(host, { read, iid: '7', id: '7', number: '7' }), said);

/** A host that knows these paths and no others; the first that a path begins with counts. */
export const knows = (answers: Readonly<Record<string, unknown>>) => (path: string) =>
  Object.entries(answers).find(([beginning]) => path.startsWith(beginning))?.[1];

export { bitbucket, github, gitlab };
