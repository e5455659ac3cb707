/** What Git does with two lines of commits: where they part, what changed, and how one is put on the other. */
import type { Change, Commit, Repository, Signature } from './repository.ts';

export interface FileChange {
  path: string;
  /** Ids of the contents; undefined where there was or is no such file. */
  before: string | undefined;
  after: string | undefined;
}

/** Path to blob id; undefined if there is no such revision. */
export function filesOf(repository: Repository, revision: string): Map<string, string> | undefined {
  const sha = repository.resolve(revision);
  if (sha === undefined) return undefined;
  const blobs = repository.list(sha, true).filter(({ type }) => type === 'blob');
  return new Map(blobs.map(({ path, sha: id }) => [path, id]));
}

export function changesBetween(repository: Repository, from: string, to: string): FileChange[] {
  const [before, after] = [from, to].map((revision) => filesOf(repository, revision) ?? new Map<string, string>());
  const paths = [...new Set([...(before?.keys() ?? []), ...(after?.keys() ?? [])])].sort();
  return paths
    .map((path) => ({ path, before: before?.get(path), after: after?.get(path) }))
    .filter((change) => change.before !== change.after);
}

/** A commit and all it stands on, the nearest first. */
export function ancestry(repository: Repository, start: string): string[] {
  const seen = new Set<string>();
  for (let next = [start]; next.length > 0;) {
    const found = next.filter((sha) => !seen.has(sha) && repository.commit(sha) !== undefined);
    for (const sha of found) seen.add(sha);
    next = found.flatMap((sha) => repository.commit(sha)?.parents ?? []);
  }
  return [...seen];
}

/** A commit by the name of a branch or by a hash, whole or shortened. */
export function commitOf(repository: Repository, name: string): string | undefined {
  const branch = repository.branches.get(name);
  if (branch !== undefined || repository.commit(name) !== undefined) return branch ?? name;
  if (!/^[0-9a-f]{7,}$/.test(name)) return undefined;
  const all = [...repository.branches.values()].flatMap((head) => ancestry(repository, head));
  return all.find((sha) => sha.startsWith(name));
}

export function mergeBase(repository: Repository, one: string, other: string): string | undefined {
  const known = new Set(ancestry(repository, one));
  return ancestry(repository, other).find((sha) => known.has(sha));
}

/** A commit put on another one, with its author; undefined where the two disagree about a file. */
function replay(repository: Repository, commit: Commit, onto: string, parents: string[]): string | undefined {
  const base = commit.parents[0] ?? '';
  const changes: Change[] = [];
  const [then, there] = [base, onto].map((revision) => filesOf(repository, revision) ?? new Map<string, string>());
  for (const { path, before, after } of changesBetween(repository, base, commit.tree)) {
    const now = there?.get(path);
    if (now === after) continue;
    // Git follows a file that has another name on the other side (https://git-scm.com/docs/merge-strategies, "ort"); here only one that is
    // the same otherwise.
    const renamed = [...(there ?? [])].find(
      ([name, id]) => now === undefined && id === before && !then?.has(name),
    )?.[0];
    if (renamed !== undefined && after !== undefined) changes.push({ path: renamed, sha: after });
    else if (now !== before) return undefined;
    else changes.push({ path, sha: after ?? null });
  }
  const tree = repository.writeTree(repository.commit(onto)?.tree, changes);
  return repository.writeCommit({ ...commit, tree, parents });
}

/** The commits of `source` on top of `target`; undefined if they conflict. */
export function rebase(repository: Repository, source: string, target: string): string | undefined {
  const base = mergeBase(repository, source, target);
  const own = ancestry(repository, source).slice(0, Math.max(ancestry(repository, source).indexOf(base ?? ''), 0));
  let head: string | undefined = target;
  for (const sha of own.reverse()) {
    const commit = repository.commit(sha);
    if (commit !== undefined && head !== undefined) head = replay(repository, commit, head, [head]);
  }
  return head;
}

/** A commit that holds both; undefined if they conflict. A squashed one forgets where it came from. */
export function merge(
  repository: Repository,
  { source, target, squash }: { source: string; target: string; squash: boolean },
  { message, author }: { message: string; author: Signature },
): string | undefined {
  const base = mergeBase(repository, source, target);
  const tree = repository.commit(source)?.tree;
  if (base === undefined || tree === undefined) return undefined;
  const parents = squash ? [target] : [target, source];
  return replay(repository, { tree, parents: [base], message, author }, target, parents);
}

/** As `git diff` writes it. Files are rewritten as a whole, in one hunk. */
export function unifiedDiff(repository: Repository, changes: FileChange[]): string {
  return changes
    .map(({ path, before, after }) => {
      const [old, fresh] = [before, after].map((sha) => (sha === undefined ? undefined : repository.blob(sha)));
      const head = [`diff --git a/${path} b/${path}`];
      if (before === undefined) head.push('new file mode 100644');
      if (after === undefined) head.push('deleted file mode 100644');
      head.push(
        `index ${(before ?? nothing).slice(0, 7)}..${(after ?? nothing).slice(0, 7)}${old && fresh ? ' 100644' : ''}`,
      );
      const [from, to] = [old ? `a/${path}` : '/dev/null', fresh ? `b/${path}` : '/dev/null'];
      if (old?.includes(0) || fresh?.includes(0))
        return [...head, `Binary files ${from} and ${to} differ`, ''].join('\n');
      const [gone, come] = [lines(old), lines(fresh)];
      if (gone.length + come.length === 0) return [...head, ''].join('\n');
      const range = (count: number) => (count === 0 ? '0,0' : `1,${count}`);
      const body = [
        `--- ${from}`,
        `+++ ${to}`,
        `@@ -${range(gone.length)} +${range(come.length)} @@`,
        ...signed('-', gone, old),
        ...signed('+', come, fresh),
      ];
      return [...head, ...body, ''].join('\n');
    })
    .join('');
}

const nothing = '0'.repeat(40);

const lines = (content: Buffer | undefined): string[] =>
  content === undefined || content.length === 0 ? [] : content.toString().replace(/\n$/, '').split('\n');

const signed = (sign: string, all: string[], content: Buffer | undefined) => [
  ...all.map((line) => sign + line),
  ...(all.length > 0 && !content?.toString().endsWith('\n') ? ['\\ No newline at end of file'] : []),
];
