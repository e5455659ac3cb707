/** Names of branches: what Git takes, what may be asked for, and what a draft may be called. */

/** More than any file system takes for one name, and than hosts do for a branch. Characters. */
const longest = 255;

/**
 * What is wrong with a name as that of a branch.
 *
 * @returns the rest of a sentence, with the character or length that is wrong; undefined where Git takes it
 * @see https://git-scm.com/docs/git-check-ref-format
 */
export function wrongBranch(name: string): string | undefined {
  if (name === '') return 'it is empty';
  if (name.length > longest) return `it has ${name.length} characters, and at most ${longest} are taken`;
  if (/\p{Surrogate}/u.test(name)) return 'it holds half a character';
  const [character] = /[\p{Cc} ~^:?*[\\]/u.exec(name) ?? [];
  if (character === ' ') return 'it holds a blank';
  if (character !== undefined)
    return /\p{Cc}/u.test(character) ? 'it holds a control character' : `it holds "${character}"`;
  for (const pair of ['..', '@{', '//']) if (name.includes(pair)) return `it holds "${pair}"`;
  if (name === '@') return 'it is "@" alone';
  if (/^[-/]/.test(name)) return `it begins with "${name.charAt(0)}"`;
  if (/[./]$/.test(name)) return `it ends with "${name.slice(-1)}"`;
  for (const part of name.split('/')) {
    if (part.startsWith('.')) return 'a part of it begins with a dot';
    if (part.endsWith('.lock')) return 'a part of it ends with ".lock"';
  }
  return undefined;
}

/** Whether Git takes this for the name of a branch, and no host, shell or URL can take it for something else. */
export const isBranch = (name: string): boolean => wrongBranch(name) === undefined;

/**
 * Whether this may be asked for as a branch or a commit. A CMS asks for the draft of any entry, also of one whose file has a name that
 * no branch can have: the host says that there is none. It must only stay one part of the path that it is put into.
 */
export const isRevision = (name: string): boolean =>
  name !== '' && name.length <= 1024 && !/[\p{Cc}\p{Surrogate}\\]|\.\.|\/\/|^\/|\/$|(^|\/)\.(\/|$)/u.test(name);

/** A branch of the editorial workflow: `cms/posts/a-title`. */
export const isDraft = (name: unknown): name is string =>
  typeof name === 'string' && name.startsWith('cms/') && isBranch(name);

/**
 * Workflows put the name of a branch into a shell (`${{ github.head_ref }}`, `${{ github.ref_name }}`), and there these are commands or
 * lead to one. A CMS makes the names of new entries without them.
 */
const obeyedByShells = /[$`"();&|<>{}]/;

/**
 * What is wrong with a name as that of a draft which is begun here.
 *
 * @returns the rest of a sentence; undefined where nothing is
 */
export function wrongDraft(name: unknown): string | undefined {
  if (typeof name !== 'string' || !name.startsWith('cms/')) return 'only drafts are begun here';
  const wrong = wrongBranch(name);
  const renamed = 'Give the entry’s file another name, which the branch is called after';
  if (wrong !== undefined) return `Git takes no branch of that name: ${wrong}. ${renamed}`;
  const [character] = obeyedByShells.exec(name) ?? [];
  return character === undefined
    ? undefined
    : `no draft is begun under that name: it holds "${character}", which shells take for a command. ${renamed}`;
}
