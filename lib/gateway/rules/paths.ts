/** Names as Git takes them, and which files the gateway may write. */

/** What may be written. */
export interface WritablePaths {
  /** Sources of anchored regular expressions; undefined for all. */
  allowed: readonly string[] | undefined;
}

/**
 * Whether Git takes this for the name of a branch, and no host, shell or URL can take it for something else.
 *
 * @see https://git-scm.com/docs/git-check-ref-format
 */
export function isBranch(name: string): boolean {
  if (name === '' || name === '@' || name.length > 255 || /[\p{Cc} ~^:?*[\\]|\.\.|@\{|\/\/|\.$|^-|^\/|\/$/u.test(name))
    return false;
  return name.split('/').every((part) => !part.startsWith('.') && !part.endsWith('.lock'));
}

/** Whether this is a path inside a repository: relative, and naming one file in one way. */
export function isPath(path: string): boolean {
  if (path === '' || path.length > 4096 || /[\p{Cc}\\]/u.test(path)) return false;
  return path.split('/').every((part) => part !== '' && part !== '.' && part !== '..');
}

/**
 * What hosts run or obey by themselves, in any folder and any case: never writable, whatever is set. Some file systems take
 * `.GITHUB`, `.github.` and a name with invisible characters for the same, so these count as well.
 */
const machinery = /(^|\/)(\.git[^/]*|bitbucket-pipelines\.ya?ml)[. ]*(\/|$)/i;
const invisible = /\p{Default_Ignorable_Code_Point}/gu;

/** Whether the owner lets editors write this file. */
export const isWritable = (path: string, { allowed }: WritablePaths): boolean =>
  isPath(path) &&
  !machinery.test(path.normalize('NFKC').replace(invisible, '')) &&
  (allowed === undefined || allowed.some((source) => new RegExp(source, 'u').test(path)));

/**
 * @param value patterns with commas between: `*` stands for a part of a name, `**` for any folders
 * @returns or in `problem`, what is wrong, without its value
 */
export function readPaths(value: string | undefined): WritablePaths | { problem: string } {
  const entries = (value ?? '')
    .split(',')
    .map((entry) => entry.trim())
    .filter(Boolean);
  if (entries.length === 0) return { allowed: undefined };
  const allowed: string[] = [];
  for (const [index, entry] of entries.entries()) {
    if (!isPath(entry) || entry.split('/').some((part) => part.includes('**') && part !== '**'))
      return {
        problem: `entry ${index + 1} is no pattern. Write paths from the root of the repository with commas between, such as content/**, static/img/**`,
      };
    const source = entry
      .split('/')
      .map((part) =>
        part
          .replace(/[.+?^${}()|[\]\\]/g, '\\$&')
          .replace(/^\*\*$/, '\0')
          .replaceAll('*', '[^/]*'),
      )
      .join('/')
      .replace(/^\0\/(?!$)/, '(?:.+/)?')
      .replaceAll('/\0/', '/(?:.+/)?')
      .replace(/\0$/, '.+');
    allowed.push(`^${source}$`);
  }
  return { allowed };
}
