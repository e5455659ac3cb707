/** Paths of files: which are ones, and which of them the gateway may write. */
import { isObeyed } from './obeyed.ts';

/** What may be written. */
export interface WritablePaths {
  /** Patterns, as the owner wrote them; see `readPaths`. */
  allowed: readonly string[];
}

/** Whether this is a path inside a repository: relative, and naming one file in one way. */
export function isPath(path: string): boolean {
  if (path === '' || path.length > 4096 || /[\p{Cc}\p{Surrogate}\\]/u.test(path)) return false;
  return path.split('/').every((part) => part !== '' && part !== '.' && part !== '..');
}

/** More than any file system takes for one name, in bytes; and far more than a CMS makes for a path, in characters. */
const longest = { part: 255, path: 1024 };

/** Whether a file may be called like this anew. What is there already can have other names, and can be read. */
const isNewPath = (path: string): boolean =>
  isPath(path) &&
  path.length <= longest.path &&
  path.split('/').every((part) => {
    // Blanks at an end are taken off by some of those who read a name, and then it is another one.
    const isPadded = /^[\s\p{White_Space}]|[\s\p{White_Space}]$/u.test(part);
    return !isPadded && Buffer.byteLength(part) <= longest.part;
  });

/** Whether the owner lets editors write this file. */
export const isWritable = (path: string, { allowed }: WritablePaths): boolean =>
  isNewPath(path) && !isObeyed(path) && allowed.some((pattern) => matches(pattern, path));

/**
 * @param value patterns with commas between: `*` stands for a part of a name, `**` for any folders; `**` alone is everything
 * @returns or in `problem`, what is wrong, without its value
 */
export function readPaths(value: string | undefined): WritablePaths | { problem: string } {
  const allowed = (value ?? '')
    .split(',')
    .map((entry) => entry.trim())
    .filter(Boolean);
  if (allowed.length === 0)
    return {
      problem:
        'it names nothing. Write what editors may change: the folders of your CMS configuration (folder, media_folder), with commas between, such as content/**, static/img/**. For everything, write **',
    };
  for (const [index, entry] of allowed.entries())
    if (
      !isPath(entry) ||
      entry.length > longest.path ||
      entry.split('/').some((part) => part.includes('**') && part !== '**')
    )
      return {
        problem: `entry ${index + 1} is no pattern. Write paths from the root of the repository with commas between, such as content/**, static/img/**`,
      };
  return { allowed };
}

/**
 * Matches without ever going back, so that the time grows with the length of what is compared and not with the ways to divide it:
 * between two stars, the first place that fits is as good as any other.
 */
function matches(pattern: string, path: string): boolean {
  const parts = path.split('/');
  const groups = split(pattern.split('/'), '**');
  const isSame = (group: readonly string[], at: number) =>
    group.every((part, index) => matchesPart(part, parts[at + index] ?? ''));
  const [first = []] = groups;
  if (groups.length === 1) return parts.length === first.length && isSame(first, 0);
  const last = groups.at(-1) ?? [];
  // At the end, `**` is for files, and there has to be one.
  const end = parts.length - Math.max(last.length, 1);
  if (!isSame(first, 0) || first.length > end || !isSame(last, end)) return false;
  let at = first.length;
  for (const group of groups.slice(1, -1)) {
    while (at + group.length <= end && !isSame(group, at)) at += 1;
    if (at + group.length > end) return false;
    at += group.length;
  }
  return true;
}

/** The same for one part of a path, in which `*` stands for any characters or none. */
function matchesPart(pattern: string, part: string): boolean {
  const pieces = pattern.split('*');
  const [first = ''] = pieces;
  if (pieces.length === 1) return part === first;
  const last = pieces.at(-1) ?? '';
  const end = part.length - last.length;
  if (!part.startsWith(first) || end < first.length || !part.endsWith(last)) return false;
  let at = first.length;
  for (const piece of pieces.slice(1, -1)) {
    const found = part.indexOf(piece, at);
    if (found < 0 || found + piece.length > end) return false;
    at = found + piece.length;
  }
  return true;
}

function split(parts: readonly string[], separator: string): string[][] {
  const groups: string[][] = [[]];
  for (const part of parts) {
    if (part === separator) groups.push([]);
    else groups.at(-1)?.push(part);
  }
  return groups;
}
