import { parse as parseToml, TomlError } from 'smol-toml';
import {
  isAlias,
  isCollection,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  visit,
  type Alias,
  type Document,
  type Node,
  type YAMLMap,
} from 'yaml';
import { shown, type Finding } from './finding.ts';

/** A group of keys in one of three formats, each with the line that it stands on. */
export type Group = ReadonlyMap<string, Entry>;

export interface Entry {
  value: Value;
  line?: number | undefined;
  /** The texts of a list. */
  items?: readonly string[];
  /** Whether it is a list, and nothing is in it. */
  isEmpty?: boolean;
  /** Where the line is, if not in the configuration's own file. */
  file?: string;
}

export type Value = string | number | boolean | null | Group | typeof list | typeof computed;

/** Stands for any list: no check looks into one. */
export const list = Symbol('list');

/** Stands for a value that only comes to be when the site is built or the page's scripts run. */
export const computed = Symbol('computed');

/** The key under which a group says that it has more keys, which only come to be then. No configuration has such a key. */
export const rest = '\0rest';

/** Whether the value at this place (`backend.base_url`, `collections`) only comes to be then, or may. */
export function isComputed(config: Group, place: string): boolean {
  let group: Group = config;
  for (const key of place.split('.')) {
    const value = group.get(key)?.value;
    if (value === computed || (value === undefined && group.has(rest))) return true;
    if (!(value instanceof Map)) return false;
    group = value;
  }
  return false;
}

/** What a script hands over goes before what stands in the file, group by group, as the CMSs merge the two. */
export function merged(below: Group, above: Group): Group {
  const entries = new Map(below);
  for (const [key, entry] of above) {
    const value = entries.get(key)?.value;
    entries.set(
      key,
      value instanceof Map && entry.value instanceof Map ? { ...entry, value: merged(value, entry.value) } : entry,
    );
  }
  return entries;
}

export type Format = 'yaml' | 'json' | 'toml';

export type Parsed = { config: Group; isTemplate?: boolean } | { problem: Omit<Finding, 'severity'> };

/**
 * Reads a configuration as the CMSs do: Decap and Netlify CMS take YAML (which JSON is, too), Sveltia all three.
 *
 * @param name what the file is called in findings
 * @param options.isSource whether the build of the site may still fill something in
 * @see https://decapcms.org/docs/configuration-options/
 * @see https://sveltiacms.app/en/docs/config-basics
 */
export function parseConfig(
  text: string,
  format: Format,
  name: string,
  { isSource = false }: { isSource?: boolean } = {},
): Parsed {
  const problem = (id: string, what: string, why: string, line?: number, write?: string): Parsed => ({
    problem: {
      id,
      what: what.replaceAll(filling, '…'),
      why,
      where: line === undefined ? name : `${name}:${line}`,
      ...(write !== undefined && { write }),
    },
  });
  if (text.trim() === '')
    return problem('config-empty', 'The CMS configuration is empty', 'The CMS finds no backend in it.');
  if (text.includes('\0'))
    return problem(
      'config-encoding',
      'The CMS configuration is not a UTF-8 text',
      'Browsers read it as UTF-8. An editor that saves "Unicode" often means UTF-16.',
      undefined,
      'Save the file with the encoding UTF-8.',
    );
  if (/^\s*<(!doctype|html|head|\?xml|!--)/i.test(text))
    return problem(
      'config-html',
      'There is a web page where the CMS configuration should be',
      'Hosts that answer every unknown address with the start page do that when the file is missing, or is not published with the site.',
      undefined,
      'Publish config.yml beside the admin page, as a static file.',
    );
  const built = isSource ? filledIn(text, format) : text;
  const isTemplate = built !== text;
  try {
    const config = read[format](built, { isTemplate });
    if (config) return { config, isTemplate };
    const what = 'The CMS configuration holds no keys';
    return problem('config-empty', what, 'The CMS expects "backend:" and "collections:" at the left margin.', 1);
  } catch (error) {
    // The parsers call themselves for each group in a group.
    if (error instanceof RangeError)
      return problem(
        'config-syntax',
        'The CMS configuration holds groups within groups without end',
        'Nothing can read it. Is it the right file?',
      );
    if (!(error instanceof Unreadable)) throw error;
    const mistake = format === 'yaml' ? mistakeIn(built, error.line ?? 1, text) : undefined;
    if (mistake) return problem('config-syntax', mistake.what, mistake.why, mistake.line, mistake.write);
    const { what, why, write } = advice.get(error.code) ?? {};
    return problem(
      'config-syntax',
      what ?? `The CMS configuration is not valid ${format.toUpperCase()}: ${shown(error.message)}`,
      why ?? 'The CMS stops with an error before it shows its login.',
      error.line,
      write,
    );
  }
}

class Unreadable extends Error {
  readonly line: number | undefined;
  readonly code: string;
  constructor(message: string, line: number | undefined, code = '') {
    super(message);
    this.line = line;
    this.code = code;
  }
}

/** What people stumble over in YAML, by the parser's code. */
const advice: ReadonlyMap<string, { what?: string; why: string; write?: string }> = new Map(
  Object.entries({
    TAB_AS_INDENT: {
      what: 'The CMS configuration is indented with a tab',
      why: 'YAML allows spaces only. The CMS stops with an error before it shows its login.',
      write: '  name: …        (two spaces in front, no tab)',
    },
    DUPLICATE_KEY: {
      what: 'A key stands twice in the same group of the CMS configuration',
      why: 'The CMS refuses the whole file: which of the two should count? Remove one.',
    },
    NO_ANCHOR: {
      why: 'YAML takes *name for what stands further up behind &name. The CMS stops with an error before it shows its login. If the star is meant as it stands, write quotation marks around the value.',
    },
    MULTIPLE_DOCS: {
      what: 'The CMS configuration has a line "---" in the middle',
      why: 'That begins a second document, and the CMS refuses files with more than one. Remove the line.',
    },
    MISSING_CHAR: {
      what: 'Something is missing on a line of the CMS configuration: the space after a colon, or a closing quote',
      why: 'The CMS stops with an error before it shows its login.',
      write: '  base_url: https://auth.example.com        (a space after the colon)',
    },
    BLOCK_AS_IMPLICIT_KEY: {
      what: 'The CMS configuration is indented unevenly',
      why: 'All keys of one group begin in the same column. The CMS stops with an error before it shows its login.',
    },
  }),
);

/** Stands where a build fills something in. */
const filling = '__filled_in__';

/** What a build fills in. */
const placeholder = /\{\{[^\n]{0,500}?\}\}|\{%[^\n]{0,500}?%\}|<%[^\n]{0,500}?%>/g;

/**
 * Keys whose values the CMSs fill in themselves, when an entry is listed or saved: templates of entries, and the messages of commits.
 *
 * @see https://decapcms.org/docs/collection-folder/#slug-template
 * @see https://decapcms.org/docs/widgets/#relation
 * @see https://decapcms.org/docs/commit-messages/
 */
const ownKeys =
  /(?:^|[{,])[ \t]*(?:- +)*["']?(?:slug|summary|(?:preview_)?path|(?:media|public)_folder|default|value_field|(?:display|search)_fields|create|update|delete|(?:upload|delete)Media|openAuthoring)["']?[ \t]*[:=]/;

/** What they fill in there: `{{slug}}`, `{{fields.title | upper}}`. What begins otherwise, or with a word of a generator's, is a build's. */
const ownPlaceholder =
  /^\{\{[ \t]*(?!(?:config|data|env|metadata|page|params|process|site)\.)[\w-]+(?:\.[\w-]+)*[ \t]*(?:\|[^{}]*)?\}\}$/;

/**
 * A template as far as it can be read: what Jekyll and Eleventy want between two lines "---" at the top is taken out, and what
 * Liquid, Nunjucks, Go and EJS fill in becomes a word. Lines keep their numbers.
 */
function filledIn(text: string, format: Format): string {
  const blank = (part: string) => part.replace(/[^\n]+/g, '');
  const matter =
    format === 'yaml' ? /^---[ \t]*\r?\n(?:[^\n]*\n){0,50}?---[ \t]*\r?\n(?=[^]*\S)/.exec(text)?.[0] : undefined;
  const isMatter = matter !== undefined && !/^(?:backend|collections)\s*:/m.test(matter);
  return (isMatter ? blank(matter) + text.slice(matter.length) : text)
    .replace(
      /^[ \t]*(?:\{%[^\n]{0,500}?%\}|<%[^=\n][^\n]{0,500}?%>|\{\{-?\s*(?:if|else|end|range|with|define|block|\/\*)\b[^\n]{0,500}?\}\})[ \t]*$/gm,
      '',
    )
    .split('\n')
    .map(filledRow())
    .join('\n');
}

/** One row after the other, each as the build leaves it. */
function filledRow(): (row: string) => string {
  // How far the row of such a key is indented. The rows below that are indented further go on with its value.
  let own = Infinity;
  return (row) => {
    const width = /^[ \t]*(?:- +)*/.exec(row)?.[0].length ?? 0;
    const from = width > own ? 0 : (ownKeys.exec(row.slice(0, longest))?.index ?? Infinity);
    if (width <= own && row.trim() !== '') own = from === 0 ? width : Infinity;
    return row.replace(placeholder, (tag, at: number) => (at > from && ownPlaceholder.test(tag) ? tag : filling));
  };
}

/** The row of a template as its author wrote it, repaired or not. */
function asWritten(row: string, original: string): string {
  const tags = original.match(placeholder)?.filter((tag) => !row.includes(tag)) ?? [];
  return row.replaceAll(filling, () => tags.shift() ?? '…');
}

interface Mistake {
  line: number;
  what: string;
  why: string;
  write?: string;
}

/** Where looking for one is worth it. */
const longestTyped = 200_000;

/**
 * What somebody did who wrote this by hand, found by putting it right: a repair counts if the parser then gets further.
 *
 * @param at the line at which the parser stopped, which is often a later one
 * @param written the same before anything was filled in
 */
function mistakeIn(text: string, at: number, written: string): Mistake | undefined {
  if (text.length > longestTyped) return undefined;
  const originals = written.split('\n');
  const rows = text.split('\n');
  const stops = 'The CMS stops with an error before it shows its login.';
  const stop = (changed: string): number => {
    const lines = new LineCounter();
    const [error] = parse(changed, lines).errors;
    return error ? lines.linePos(error.pos[0]).line : Infinity;
  };
  // What the parser does not mind is no slip of the pen.
  if (stop(text) === Infinity) return undefined;
  const helps = (line: number, row: string) => stop(rows.with(line - 1, row).join('\n')) > at;
  const proposed = (row: string, line: number) =>
    asWritten(row, originals[line - 1] ?? '').replace(
      /^(\s*(?:- )?["']?\w*(?:secret|token|password|key)\w*["']?\s*:).*/i,
      '$1 …',
    );
  const first = rows.findIndex((row) => /^\s*[^\s#]/.test(row) && !/^(?:---|%)/.test(row));
  const margin = /^ +/.exec(rows[first] ?? '')?.[0];
  if (
    margin !== undefined &&
    rows.some((row, index) => index > first && /^[^\s#]/.test(row)) &&
    stop([...rows.slice(0, first), (rows[first] ?? '').slice(margin.length), ...rows.slice(first + 1)].join('\n')) > at
  )
    return {
      line: first + 1,
      what: `The first line of the CMS configuration begins with ${margin.length === 1 ? 'a blank' : `${margin.length} blanks`}, the others do not`,
      why: `All keys at the top begin at the left margin. ${stops}`,
      write: proposed((rows[first] ?? '').trim(), first + 1),
    };
  const near = [at, at - 1, at - 2, at - 3, at + 1].filter((line) => line >= 1 && line <= rows.length);
  const repairs = near.flatMap((line) => typed(rows[line - 1] ?? '').map((repair) => ({ line, ...repair })));
  const open = rows.findIndex((row) => row.length < longest && /:[ \t]+(["'])(?:(?!\1).)*$/.test(row)) + 1;
  for (const row of open > 0 ? [rows[open - 1]?.trimEnd() ?? ''] : [])
    repairs.push({
      line: open,
      row: row + (/:[ \t]+(["'])/.exec(row)?.[1] ?? ''),
      what: 'A quotation mark is not closed in the CMS configuration',
    });
  const describe = ({ line, row, what }: (typeof repairs)[number]): Mistake => ({
    line,
    what,
    why: stops,
    write: proposed(row.trim(), line),
  });
  const repair = repairs.find(({ line, row }) => helps(line, row));
  if (repair) return describe(repair);
  // Whoever forgets one thing forgets it on the next line, too.
  const all = new Map(repairs.toReversed().map((one) => [one.line, one]));
  if (all.size > 1 && stop(rows.map((row, index) => all.get(index + 1)?.row ?? row).join('\n')) > at)
    return describe([...all.values()].toSorted((a, b) => a.line - b.line)[0] as (typeof repairs)[number]);
  // A line that stands alone with its indentation is the odd one.
  const widthOf = (row = '') => /^ */.exec(row)?.[0].length ?? 0;
  const peers = (line: number) =>
    rows.filter((row) => row.trim() !== '' && widthOf(row) === widthOf(rows[line - 1])).length;
  for (const line of near.toSorted((a, b) => peers(a) - peers(b) || b - a)) {
    const row = (rows[line - 1] ?? '').slice(0, longest);
    const isItem = /^ *- ?/.test(row);
    for (const other of [rows[line - 2], rows[line], rows[line - 3]]) {
      const wanted = widthOf(other);
      if (row.trim() === '' || (other ?? '').trim() === '' || wanted === widthOf(row)) continue;
      if (helps(line, ' '.repeat(wanted) + row.trimStart()))
        return {
          line,
          what: `A ${isItem ? 'list item in' : 'line of'} the CMS configuration is indented unevenly`,
          why: `All ${isItem ? 'items of one list' : 'keys of one group'} begin in the same column. ${stops}`,
          write: `${'·'.repeat(wanted)}${proposed(row.trimStart(), line)}        (a dot stands for a blank)`,
        };
    }
  }
  return undefined;
}

/** How a line may have been meant that lacks something: each way with what lacks. */
function typed(text: string): { row: string; what: string }[] {
  const row = text.replace(/\r$/, '').slice(0, longest);
  const found: { row: string; what: string }[] = [];
  const [, head = '', value = ''] = /^(\s*(?:- +)*["']?[\w.-]+["']?:)[ \t]+(.*?)[ \t]*$/.exec(row) ?? [];
  if (/:(?:[ \t]|$)/.test(value) && !/^["'|>&*]/.test(value))
    found.push({
      row: `${head} ${/["\\]/.test(value) ? `'${value.replaceAll("'", "''")}'` : `"${value}"`}`,
      what: 'A value in the CMS configuration has a colon in it, and no quotation marks around it',
    });
  if (value.startsWith('{{'))
    found.push({
      row: `${head} "${value.replace(/["\\]/g, '\\$&')}"`,
      what: 'A value in the CMS configuration begins with a brace, and has no quotation marks around it',
    });
  const spaced = row.replace(/^(\s*(?:- +)*[A-Za-z_][\w-]*):(?=[^\s:/])/, '$1: ');
  if (spaced !== row) found.push({ row: spaced, what: 'There is no blank after a colon in the CMS configuration' });
  const colon = row.replace(/^(\s*(?:- +)*[A-Za-z_]\w*)[ \t]*=?[ \t]+(?=\S)/, '$1: ');
  if (colon !== row && !row.includes(': '))
    found.push({ row: colon, what: 'There is no colon after a key in the CMS configuration' });
  return found;
}

const read: Readonly<Record<Format, (text: string, more: { isTemplate: boolean }) => Group | undefined>> = {
  yaml(text, { isTemplate }) {
    const lines = new LineCounter();
    const document = parse(text, lines);
    const [error] = document.errors;
    if (error) throw new Unreadable(error.message, lines.linePos(error.pos[0]).line, error.code);
    const groups = new YamlGroups(document, lines, { isTemplate });
    return isMap(document.contents) ? groups.read(document.contents) : undefined;
  },
  json(text) {
    // Read twice: once as strictly as Sveltia does, once for the lines.
    const lines = new LineCounter();
    const document = parse(text, lines);
    try {
      JSON.parse(text);
    } catch (error) {
      const position = document.errors[0]?.pos[0];
      // Behind the comma it quotes what stands there, which may be a secret.
      const [message = ''] = (error as Error).message.split(/, (?:"|\.\.\.)/);
      throw new Unreadable(message, position === undefined ? undefined : lines.linePos(position).line);
    }
    return isMap(document.contents) ? new YamlGroups(document, lines).read(document.contents) : undefined;
  },
  toml(text) {
    try {
      return plainGroup(parseToml(text), tomlLines(text));
    } catch (error) {
      if (error instanceof TomlError) throw new Unreadable(error.message.split('\n')[0] ?? '', error.line);
      throw error;
    }
  },
};

/** The library compares every key with all others of its group; `YamlGroups` finds the same in one go. */
const parse = (text: string, lineCounter: LineCounter) =>
  parseDocument(text, { merge: true, uniqueKeys: false, prettyErrors: false, lineCounter });

/** No key or value that a login depends on is longer, and no pattern has to work on more. */
const longest = 4096;

/** Follows aliases no further than into `backend`, and nothing far; and it reads no more entries than any file holds that is meant. */
class YamlGroups {
  readonly #lines: LineCounter;
  /** Merges of merges can name a few lines a million times. */
  #left = 200_000;
  /** What each alias stands for: the last anchor of its name before it. */
  readonly #targets = new Map<Alias, Node>();

  /** @throws Unreadable for a key that stands twice in a group, and for an alias without an anchor, which a template may get later */
  constructor(document: Document, lines: LineCounter, { isTemplate = false } = {}) {
    this.#lines = lines;
    const anchors = new Map<string, Node>();
    visit(document, (_, node) => {
      if (isAlias(node)) {
        const target = anchors.get(node.source);
        if (target) this.#targets.set(node, target);
        else if (!isTemplate) throw this.#withoutAnchor(node);
      } else if ((isScalar(node) || isCollection(node)) && node.anchor !== undefined) anchors.set(node.anchor, node);
      if (isMap(node)) this.#checkKeys(node);
    });
  }

  #checkKeys({ items }: YAMLMap): void {
    const seen = new Set<unknown>();
    for (const { key } of items) {
      if (!isScalar(key) || typeof key.value === 'symbol') continue;
      if (seen.has(key.value)) throw new Unreadable('Map keys must be unique', this.#lineOf(key), 'DUPLICATE_KEY');
      seen.add(key.value);
    }
  }

  #lineOf(node: { range?: readonly [number, number, number] | null | undefined }): number {
    return this.#lines.linePos(node.range?.[0] ?? 0).line;
  }

  #resolve(node: unknown): unknown {
    if (!isAlias(node)) return node;
    const target = this.#targets.get(node);
    if (target) return target;
    throw this.#withoutAnchor(node);
  }

  #withoutAnchor(node: Alias): Unreadable {
    return new Unreadable(`there is no anchor "${node.source}" in front of it`, this.#lineOf(node), 'NO_ANCHOR');
  }

  read(map: YAMLMap, depth = 0): Group {
    const entries = new Map<string, Entry>();
    const merged: unknown[] = [];
    for (const { key, value } of map.items) {
      this.#count(key);
      if (!isScalar(key)) continue;
      const name = typeof key.value === 'symbol' ? key.value.description : String(key.value);
      const node = this.#resolve(value);
      if (name === '<<') merged.push(...(isSeq(node) ? node.items : [node]));
      else if (name !== undefined && name.length <= longest)
        entries.set(name, {
          value: isMap(node)
            ? depth < 3 && (node === value || (depth === 0 && name === 'backend'))
              ? this.read(node, depth + 1)
              : new Map<string, Entry>()
            : isSeq(node)
              ? list
              : scalar(isScalar(node) ? node.value : null),
          line: this.#lineOf(key),
          ...(isSeq(node) && {
            isEmpty: node.items.length === 0,
            items: textsOf(node.items.map((item) => (isScalar(item) ? item.value : undefined))),
          }),
        });
    }
    // What is written out goes before what is merged in.
    for (const node of merged.slice(0, 100).map((one) => this.#resolve(one)))
      if (isMap(node) && depth < 3)
        for (const [name, entry] of this.read(node, depth + 1)) {
          this.#count(node);
          if (!entries.has(name)) entries.set(name, entry);
        }
    return entries;
  }

  #count(node: unknown): void {
    if (this.#left-- > 0) return;
    throw new Unreadable(
      'its merges (<<) name too much',
      isScalar(node) || isMap(node) ? this.#lineOf(node) : undefined,
    );
  }
}

/** What a parser has read, or a program holds, without lines. */
export const groupOf = (object: object): Group => plainGroup(object, new Map());

function plainGroup(object: object, lines: ReadonlyMap<string, number>, path = '', depth = 0): Group {
  if (depth > 3) return new Map();
  const entries = Object.entries(object).map(([name, value]: [string, unknown]): [string, Entry] => {
    const isGroup = typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);
    const own = path + name;
    return [
      name,
      {
        value: Array.isArray(value) ? list : isGroup ? plainGroup(value, lines, `${own}.`, depth + 1) : scalar(value),
        line: lines.get(own) ?? lines.get(path.slice(0, -1)),
        ...(Array.isArray(value) && { items: textsOf(value), isEmpty: value.length === 0 }),
      },
    ];
  });
  return new Map(entries.filter(([name]) => name.length <= longest));
}

/** No list that a login depends on has more. */
const textsOf = (items: readonly unknown[]): string[] =>
  items.slice(0, 20).filter((item): item is string => typeof item === 'string' && item.length < longest);

const scalar = (value: unknown): string | number | boolean | null | typeof computed =>
  typeof value === 'string' && value.includes(filling)
    ? computed
    : typeof value === 'number' || typeof value === 'boolean'
      ? value
      : value === null || value === undefined
        ? null
        : String(value).slice(0, longest);

/** Where keys stand in a TOML file. Its parser does not say, and this need not be right about strange spellings. */
function tomlLines(text: string): Map<string, number> {
  const lines = new Map<string, number>();
  let table = '';
  for (const [index, line] of text.split('\n').entries()) {
    const [, header] = /^\s*\[\s*([\w.-]+)\s*\]/.exec(line) ?? [];
    const [, key] = /^\s*["']?([\w-]+(?:\.[\w-]+)*)["']?\s*=/.exec(line) ?? [];
    if (header !== undefined) table = `${header}.`;
    const name = header ?? (key === undefined ? undefined : table + key);
    if (name !== undefined && !lines.has(name)) lines.set(name, index + 1);
  }
  return lines;
}
