import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { isMap, isScalar, LineCounter, parseDocument, type Pair, type YAMLMap } from 'yaml';
import { replaceFile } from '../stores/file.ts';

/** Characters of a configuration that are read: the largest that are known have less than one megabyte. */
const longest = 4 * 1024 * 1024;

/** Folders that hold no pages of the site's own. */
const passedOver = new Set(['node_modules', '.git', 'vendor', '.cache', 'cms-login']);

/** How deep below the folder a configuration is looked for: `themes/x/static/admin/config.yml` is no deeper. */
const deepest = 5;

/** What the CMS's configuration says that a deploy wants to know. */
export interface CmsFacts {
  /** The backend's name: `github`. */
  backend: string | undefined;
  /** As it is written there. */
  repository: string | undefined;
  baseUrl: string | undefined;
  branch: string | undefined;
  /** The folders and files that it writes to, as patterns. */
  paths: string[];
}

/**
 * @param text of a `config.yml`
 * @returns nothing if it is no configuration of a CMS
 */
export function readCmsConfig(text: string): CmsFacts | undefined {
  if (text.length > longest) return undefined;
  const document = parseDocument(text);
  const backend = document.errors.length === 0 && isMap(document.contents) ? document.get('backend') : undefined;
  if (!isMap(backend)) return undefined;
  const textAt = (name: string) => {
    const value = backend.get(name);
    return typeof value === 'string' && value.trim() !== '' ? value.trim() : undefined;
  };
  return {
    backend: textAt('name'),
    repository: textAt('repo'),
    baseUrl: textAt('base_url'),
    branch: textAt('branch'),
    paths: pathsIn(document.toJS()),
  };
}

/** A CMS writes entries into the folders and files of its collections, and uploads into its media folder. */
function pathsIn(config: unknown): string[] {
  const record = (value: unknown): Record<string, unknown> =>
    typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);
  // What holds a comma, a blank or a star of its own could not be told from a list of patterns.
  const plain = (value: unknown): string[] => {
    const path = typeof value === 'string' ? value.replace(/^\.?\/+|\/+$/g, '') : '';
    return path !== '' && !/[\s,*{}"'\\]|(^|\/)\.\.?(\/|$)/.test(path) ? [path] : [];
  };
  const { collections, media_folder: media } = record(config);
  const found = list(collections).flatMap((collection) => {
    const { folder, files } = record(collection);
    return [
      ...plain(folder).map((path) => `${path}/**`),
      ...list(files).flatMap((file) => plain(record(file)['file'])),
    ];
  });
  return [...new Set([...found, ...plain(media).map((path) => `${path}/**`)])];
}

/**
 * The configurations of a CMS in a checkout.
 *
 * @returns paths, the least deep first
 */
export async function findCmsConfigs(folder: string): Promise<string[]> {
  const found: string[] = [];
  let level = [folder];
  for (let depth = 0; depth <= deepest && level.length > 0; depth++) {
    const below: string[] = [];
    for (const at of level)
      for (const entry of await readdir(at, { withFileTypes: true }).catch(() => [])) {
        const file = path.join(at, entry.name);
        if (entry.isDirectory() && !passedOver.has(entry.name)) below.push(file);
        else if (entry.isFile() && /^config\.ya?ml$/.test(entry.name)) {
          const text = await readFile(file, 'utf8').catch(() => '');
          if (readCmsConfig(text)) found.push(file);
        }
      }
    level = below.slice(0, 2_000);
  }
  return found;
}

export interface Change {
  file: string;
  before: string;
  after: string;
  /** The lines that differ, as people know it from Git. */
  diff: string;
}

/**
 * The change that has a CMS log in at this address. Comments and all other lines stay as they are.
 *
 * @param text of the configuration
 * @returns nothing if it cannot be changed for sure
 */
export function withBaseUrl(text: string, baseUrl: string): string | undefined {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, keepSourceTokens: true });
  const backend = isMap(document.contents) ? (document.get('backend', true) as unknown) : undefined;
  // What stands in braces or in an anchor is left to its owner.
  if (document.errors.length > 0 || !isMap(backend) || backend.flow || backend.items.length === 0) return undefined;
  const changed = insertOrReplace(text, backend as YAMLMap, baseUrl);
  // Read once more: it must say what was meant, and nothing else may have changed.
  const expected = document.toJS() as { backend: Record<string, unknown> };
  expected.backend['base_url'] = baseUrl;
  const again = parseDocument(changed);
  const isRight =
    again.errors.length === 0 && JSON.stringify(sorted(again.toJS())) === JSON.stringify(sorted(expected));
  return isRight ? changed : undefined;
}

function insertOrReplace(text: string, backend: YAMLMap, baseUrl: string): string {
  const pairs = backend.items as Pair<unknown, unknown>[];
  const old = pairs.find(({ key }) => isScalar(key) && key.value === 'base_url')?.value;
  if (isScalar(old) && old.range) return text.slice(0, old.range[0]) + baseUrl + text.slice(old.range[1]);
  const last = pairs.at(-1);
  const first = pairs[0]?.key;
  const start = isScalar(first) ? (first.range?.[0] ?? 0) : 0;
  const indent = /[^\n]*$/.exec(text.slice(0, start))?.[0] ?? '';
  const value = last?.value as { range?: [number, number, number] } | null | undefined;
  const key = last?.key as { range?: [number, number, number] };
  const end = value?.range?.[1] ?? key.range?.[1] ?? text.length;
  // Behind the line that the last value ends on, comment included.
  const lineEnd = text.indexOf('\n', Math.max(end - 1, 0));
  const at = lineEnd === -1 ? text.length : lineEnd;
  const newline = text.includes('\r\n') ? '\r\n' : '\n';
  const before = text.slice(0, at).replace(/\r$/, '');
  return `${before}${newline}${indent}base_url: ${baseUrl}${text.slice(before.length)}`;
}

/** With the keys of each map in one order. */
const sorted = (value: unknown): unknown =>
  Array.isArray(value)
    ? value.map(sorted)
    : typeof value === 'object' && value !== null
      ? Object.fromEntries(
          Object.entries(value)
            .toSorted(([a], [b]) => (a < b ? -1 : 1))
            .map(([name, item]) => [name, sorted(item)]),
        )
      : value;

/**
 * @param file a `config.yml` in a checkout
 * @returns nothing if there is nothing to change
 * @throws Error in words if it cannot be changed for sure
 */
export async function changeFor(file: string, baseUrl: string): Promise<Change | undefined> {
  const before = await readFile(file, 'utf8');
  if (readCmsConfig(before)?.baseUrl === baseUrl) return undefined;
  const after = withBaseUrl(before, baseUrl);
  if (after === undefined) throw new Error(`${file} is written in a way that only you can change.`);
  return { file, before, after, diff: diffOf(before, after) };
}

/** @throws Error if the file was changed in the meantime */
export async function applyChange({ file, before, after }: Change): Promise<void> {
  if ((await readFile(file, 'utf8')) !== before) throw new Error(`${file} was changed just now. Nothing was written.`);
  await replaceFile(file, after, (await stat(file)).mode & 0o777);
}

/** One place differs, so this is enough of a diff: the lines that go, those that come, and two on either side. */
function diffOf(before: string, after: string): string {
  const [a, b] = [before.split(/\r?\n/), after.split(/\r?\n/)];
  let start = 0;
  while (start < Math.min(a.length, b.length) && a[start] === b[start]) start++;
  let end = 0;
  while (end < Math.min(a.length, b.length) - start && a.at(-1 - end) === b.at(-1 - end)) end++;
  const lines = (mark: string, from: readonly string[]) => from.map((line) => `  ${mark} ${line}`);
  return [
    ...lines(' ', a.slice(Math.max(0, start - 2), start)),
    ...lines('-', a.slice(start, a.length - end)),
    ...lines('+', b.slice(start, b.length - end)),
    ...lines(' ', a.slice(a.length - end, a.length - end + 2)),
  ].join('\n');
}
