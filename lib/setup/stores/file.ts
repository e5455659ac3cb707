import { open, readFile, realpath, rename, rm, stat } from 'node:fs/promises';
import { parseEnv } from 'node:util';
import { decodeText } from '../../config/env-file.ts';
import type { Value } from '../values.ts';

/**
 * @returns the text of a file, or nothing where there is none
 * @throws Error in words if there is something that cannot be read
 */
export async function readIfThere(file: string): Promise<string> {
  try {
    if (!(await stat(file)).isFile()) throw new Error(`${file} is not a file.`);
    return decodeText(await readFile(file), file);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return '';
    if (code === 'EACCES' || code === 'EPERM') throw new Error(`${file} may not be read by you.`, { cause: error });
    throw error;
  }
}

/**
 * Writes beside the file and renames, so that there is the old file or the new one and never half of it. Only its owner may
 * read it, unless a mode is given. A link stays a link.
 */
export async function replaceFile(file: string, text: string, mode = 0o600): Promise<void> {
  const target = await realpath(file).catch(() => file);
  const beside = `${target}.${process.pid}.new`;
  try {
    // `wx`: not through a link or into a file that somebody else put there.
    const handle = await open(beside, 'wx', mode);
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(beside, target);
  } catch (error) {
    await rm(beside, { force: true });
    throw error;
  }
}

/** Where in a text a setting is given a value: from its line's beginning to behind its last character. */
interface Assignment {
  name: string;
  start: number;
  end: number;
}

/** As Node's own reader sees it: a quoted value may go over several lines, and what looks like a setting in there is none. */
function assignments(text: string): Assignment[] {
  const found: Assignment[] = [];
  const line = /[^\n]*(?:\n|$)/y;
  for (let start = 0; start < text.length; start = line.lastIndex) {
    line.lastIndex = start;
    const [whole = ''] = line.exec(text) ?? [];
    const [head, name, quote] = /^[ \t]*(?:export[ \t]+)?([\w.-]+)[ \t]*=[ \t]*(["'`]?)/.exec(whole) ?? [];
    if (head === undefined || name === undefined) continue;
    const closing = quote ? text.indexOf(quote, start + head.length) : -1;
    if (closing >= start + whole.length) {
      line.lastIndex = closing;
      line.exec(text);
    }
    found.push({ name, start, end: line.lastIndex });
  }
  return found;
}

/**
 * Sets values in the text of an `.env` file. All other lines stay as they are.
 *
 * @param file what it is called
 * @throws Error in words if Node would then read something else than what was meant
 */
export function setValues(text: string, values: readonly Pick<Value, 'name' | 'value'>[], file = 'It'): string {
  const lineEnd = /\r?\n/.exec(text)?.[0] ?? '\n';
  let result = text;
  for (const { name, value } of values) {
    const line = `${name}=${quoted(value)}`;
    // Of several, the last one counts.
    const last = assignments(result).findLast((assignment) => assignment.name === name);
    if (last) {
      const [ending = ''] = /\r?\n$/.exec(result.slice(last.start, last.end)) ?? [];
      result = result.slice(0, last.start) + line + ending + result.slice(last.end);
    } else result += `${result === '' || result.endsWith('\n') ? '' : lineEnd}${line}${lineEnd}`;
  }
  const expected = { ...parseEnv(text), ...Object.fromEntries(values.map(({ name, value }) => [name, value])) };
  const got = parseEnv(result);
  if (Object.keys({ ...expected, ...got }).some((name) => expected[name] !== got[name]))
    throw new Error(
      `${file} has a line that cannot be understood: perhaps one without "=", or a quotation mark that is never closed.`,
    );
  return result;
}

/** Line ends become `\n`, which Node, dotenv and Firebase all undo between double quotes. None of them undoes `\"`. */
function quoted(value: string): string {
  if (/^[\w.:/@%+,~-]*$/.test(value)) return value;
  const quote = ['"', "'", '`'].find((mark) => !value.includes(mark)) ?? '';
  return quote + (quote === '"' ? value.replaceAll('\n', '\\n') : value) + quote;
}
