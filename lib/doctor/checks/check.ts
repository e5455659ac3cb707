import type { Value } from '../config.ts';
import type { Severity } from '../finding.ts';
import { isLogin } from '../probe-result.ts';
import { isGitHost, lines, type CheckContext } from '../context.ts';

/** One thing that can be wrong with a set-up. Each is a question to the context and nothing else. */
export interface Check {
  id: string;
  /** How bad it is, unless the answer says otherwise. */
  severity: Severity;
  /**
   * What it is about, and what later checks need not look at again: a key of the configuration (`backend.` in front of those
   * below it), `page`, or something of the login server's (`server`, `server.host`).
   */
  at?: string;
  look: (context: CheckContext) => Problem | false | undefined;
}

export interface Problem {
  what: string;
  why: string;
  /** What to write elsewhere than into the configuration. */
  write?: string;
  /** What to change in the configuration. It is tried before it is told. */
  fix?: Fix;
  severity?: Severity;
  at?: string;
  /** The line, where `at` does not lead to it. */
  line?: number | undefined;
  /** Where, if it is not in the file. */
  where?: string;
  /** Further keys that are dealt with. */
  about?: string[];
}

/** New values for keys; `undefined` deletes a line. */
export interface Fix {
  top?: Settings | undefined;
  backend?: Settings | undefined;
}

export type Settings = Readonly<Record<string, Value | undefined>>;

/** Where nothing says what a login server is called. */
export const example = 'https://auth.example.com';

/** The configuration as it would be then. */
export function applied({ config, backend }: CheckContext, fix: Fix): CheckContext['config'] {
  const change = (group: CheckContext['config'], settings: Settings = {}) => {
    const changed = new Map(group);
    for (const [key, value] of Object.entries(settings))
      if (value === undefined) changed.delete(key);
      else changed.set(key, { value });
    return changed;
  };
  return change(config, { ...fix.top, backend: change(backend, fix.backend) });
}

/** What to paste; undefined where there is only something to delete. */
export function written(context: CheckContext, { top, backend }: Fix): string | undefined {
  const given = (settings: Settings = {}) =>
    Object.entries(settings).filter((pair): pair is [string, Value] => pair[1] !== undefined);
  const parts = [
    lines(context, Object.fromEntries(given(top))),
    given(backend).length > 0 && lines(context, Object.fromEntries(given(backend)), 'backend'),
  ];
  return parts.filter(Boolean).join(context.format === 'json' ? ',\n' : '\n') || undefined;
}

/** The keys to delete, of those that are there. */
export function removed({ config, backend }: CheckContext, fix: Fix): string[] {
  const gone = (settings: Settings = {}, group: CheckContext['config']) =>
    Object.keys(settings).filter((key) => settings[key] === undefined && group.has(key));
  return [...gone(fix.top, config), ...gone(fix.backend, backend).map((key) => `backend.${key}`)];
}

/** Where a login begins. `auth` is what every CMS takes by itself, so there the line can go. */
export const endpointFix = (context: CheckContext, endpoint = context.server?.endpoint): Settings => ({
  auth_endpoint: endpoint === undefined || endpoint === 'auth' ? undefined : endpoint,
});

/** What a `base_url` should be in this configuration, and `auth_endpoint` with it where the server has a path. */
export function baseFix({ server, providers, namedServer, text, config }: CheckContext): Settings {
  // What a CMS takes by itself is nothing to write.
  const isWritten = namedServer !== undefined || text('base_url') !== undefined || config.has('base_url');
  if (!server || !isWritten || isGitHost(providers, new URL(server.origin).hostname)) return { base_url: example };
  return { base_url: server.origin, ...(server.prefix !== '' && { auth_endpoint: server.endpoint }) };
}

/** Whether a login begins at a server of another product, which has settings of its own. */
export const isOthers = ({ probe }: CheckContext): boolean => probe !== undefined && !probe.ours && isLogin(probe.next);

/** What to write into the settings of the login server, if they may be ours. */
export const setting = (context: CheckContext, line: string, more = ''): Pick<Problem, 'write'> =>
  isOthers(context) ? {} : { write: `${line}        (in the settings of the login server${more})` };

/** "a, b or c" */
export const anyOf = (names: readonly string[]): string =>
  names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} or ${names.at(-1)}`;

/** Whether a key of this name holds what nobody but the login server may know. */
export const isSecretKey = (key: string): boolean =>
  /(?:^|_)(?:secret|password|private_key)$|^(?:access_)?token$/.test(key.toLowerCase());
