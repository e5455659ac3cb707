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
}

export type Value = string | number | boolean | null | Group | typeof list;

/** Stands for any list: no check looks into one. */
export const list = Symbol('list');

export type Format = 'yaml' | 'json' | 'toml';

export type Parsed = { config: Group } | { problem: Omit<Finding, 'severity'> };

/**
 * Reads a configuration as the CMSs do: Decap and Netlify CMS take YAML (which JSON is, too), Sveltia all three.
 *
 * @param name what the file is called in findings
 * @see https://decapcms.org/docs/configuration-options/
 * @see https://sveltiacms.app/en/docs/config-basics
 */
export function parseConfig(text: string, format: Format, name: string): Parsed {
  const problem = (id: string, what: string, why: string, line?: number, write?: string): Parsed => ({
    problem: {
      id,
      what,
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
  try {
    const config = read[format](text);
    if (config) return { config };
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
const advice: ReadonlyMap<string, { what: string; why: string; write?: string }> = new Map(
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

const read: Readonly<Record<Format, (text: string) => Group | undefined>> = {
  yaml(text) {
    const lines = new LineCounter();
    const document = parse(text, lines);
    const [error] = document.errors;
    if (error) throw new Unreadable(error.message, lines.linePos(error.pos[0]).line, error.code);
    return isMap(document.contents) ? new YamlGroups(document, lines).read(document.contents) : undefined;
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

  /** @throws Unreadable for a key that stands twice in a group */
  constructor(document: Document, lines: LineCounter) {
    this.#lines = lines;
    const anchors = new Map<string, Node>();
    visit(document, (_, node) => {
      if (isAlias(node)) {
        const target = anchors.get(node.source);
        if (target) this.#targets.set(node, target);
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
    throw new Unreadable(`there is no anchor "${node.source}"`, this.#lineOf(node));
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
      },
    ];
  });
  return new Map(entries.filter(([name]) => name.length <= longest));
}

const scalar = (value: unknown): string | number | boolean | null =>
  typeof value === 'number' || typeof value === 'boolean'
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
