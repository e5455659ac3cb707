import type { Gateway } from '../settings.ts';
import type { PathParameter, Rule } from './rule.ts';

/** What a request's path turned out to be. */
export type Match =
  | { rule: Rule; parameters: Readonly<Record<string, string>>; path: string }
  /** A platform has decoded a name in such a way that nobody can say any more what it was. */
  | 'mangled';

/**
 * Finds the rule that a path belongs to, on the path as it came, still encoded.
 *
 * @param path below the host, such as `/git/trees/main:content`
 * @param isDecoded whether the platform hands paths over decoded
 * @returns undefined if there is none
 */
export function findRule(
  rules: readonly Rule[],
  { method, path, query, isDecoded }: { method: string; path: string; query: URLSearchParams; isDecoded: boolean },
  gateway: Gateway,
): Match | undefined {
  if (isHostile(path)) return undefined;
  let isMangled = false;
  for (const rule of rules) {
    if (rule.method !== method || (rule.match && !rule.match.some((key) => query.has(key)))) continue;
    const compiled = compile(rule);
    const given = compiled.pattern.exec(path);
    if (!given) continue;
    const parameters: Record<string, string> = {};
    let fits = true;
    for (const [i, [name, parameter]] of compiled.names.entries()) {
      const text = readName(given[i + 1] ?? '', parameter, isDecoded);
      if (text === undefined) isMangled = true;
      if (text === undefined || !parameter.check(text, gateway)) fits = false;
      else parameters[name] = text;
    }
    if (fits) return { rule, parameters, path: write(compiled, parameters) };
  }
  return isMangled ? 'mangled' : undefined;
}

/**
 * Whether a path is of the kind that means one thing to us and another to whoever reads it next: it holds a backslash, a control
 * character, an empty part, or a part that leads upwards, as it stands or after one or two rounds of decoding.
 */
export function isHostile(path: string): boolean {
  let text = path;
  for (let round = 0; round < 3; round++) {
    if (/[\\\p{Cc}]|\/\/|(^|\/)\.{1,2}(\/|$)/u.test(text)) return true;
    if (!text.includes('%')) return false;
    // One by one, since whoever decodes carelessly would not mind a bad sequence elsewhere.
    text = text.replace(/%([0-7][0-9a-f])/gi, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));
  }
  return false;
}

interface Compiled {
  pattern: RegExp;
  names: [string, PathParameter][];
  /** What stands before the first name, and behind each. */
  between: string[];
}

const known = new WeakMap<Rule, Compiled>();

function compile(rule: Rule): Compiled {
  const kept = known.get(rule);
  if (kept) return kept;
  const names: Compiled['names'] = [];
  const source = rule.path.replace(/[.*+?^$()|[\]\\]/g, '\\$&').replace(/\{(\w+)\}/g, (_, name: string) => {
    const parameter = rule.parameters?.[name];
    if (!parameter) throw new TypeError(`The rule "${rule.name}" has no parameter "${name}".`);
    names.push([name, parameter]);
    return parameter.slashes === false ? '([^/]+)' : '(.+)';
  });
  const result = { pattern: new RegExp(`^${source}$`), names, between: rule.path.split(/\{\w+\}/) };
  known.set(rule, result);
  return result;
}

/** Encoded anew; colons stay, as the CMSs write them. */
function write({ names, between }: Compiled, parameters: Readonly<Record<string, string>>): string {
  let path = between[0] ?? '';
  for (const [i, [name, { slashes }]] of names.entries()) {
    const encoded = encodeURIComponent(parameters[name] ?? '').replaceAll('%3A', ':');
    path += (slashes === 'kept' ? encoded.replaceAll('%2F', '/') : encoded) + (between[i + 1] ?? '');
  }
  return path;
}

/**
 * What was meant, decoded. Encoded once or not at all, since platforms differ. Where a platform decodes, what looks encoded can be
 * a part of the name, and where that cannot be told, nothing is guessed: it might be another file.
 *
 * @returns undefined where it cannot be told
 */
function readName(text: string, { slashes }: PathParameter, isDecoded: boolean): string | undefined {
  if (!text.includes('%')) return text;
  // Whoever writes %2F and no slash beside it has encoded the whole name, and nothing has decoded it.
  const isEncoded = /%2f/i.test(text) && !text.includes('/');
  if (isDecoded && !isEncoded) return /%[0-9a-f]{2}/i.test(text) ? undefined : text;
  let name = text;
  try {
    name = decodeURIComponent(text);
  } catch {
    // nobody encodes like this, so it has been decoded
  }
  return slashes === false && name.includes('/') ? '' : name;
}
