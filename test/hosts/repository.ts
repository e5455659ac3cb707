/**
 * A Git repository in memory, with real object ids: blobs, trees, commits and branches. CMSs address content by these
 * ids and cache by them, so an id that did not follow from the content would hide bugs or invent them.
 */
import { createHash } from 'node:crypto';

export interface Signature {
  name: string;
  email: string;
  /** ISO 8601 */
  date: string;
}

export interface Commit {
  tree: string;
  parents: string[];
  message: string;
  author: Signature;
  /** Where it is somebody else. */
  committer?: Signature;
}

export interface TreeEntry {
  name: string;
  type: 'blob' | 'tree';
  sha: string;
}

/** A file to write, by the id of its content, or to delete. */
export interface Change {
  path: string;
  sha: string | null;
}

type GitObject =
  { type: 'blob'; content: Buffer } | { type: 'tree'; entries: TreeEntry[] } | { type: 'commit'; commit: Commit };

/** Enough for any demo, and an end to a client that saves in a loop. */
const capacity = 256 * 1024 * 1024;

export class Repository {
  readonly owner: string;
  readonly name: string;
  readonly defaultBranch: string;
  /** Branch name to commit id. */
  readonly branches = new Map<string, string>();
  /** What the host says to whoever writes to the default branch without a pull request; nothing if they may. */
  protection: string | undefined;
  readonly #objects = new Map<string, GitObject>();
  #size = 0;

  constructor(fullName: string, defaultBranch: string, files: Record<string, string>) {
    const slash = fullName.lastIndexOf('/');
    this.owner = fullName.slice(0, slash); // at GitLab with the groups in it
    this.name = fullName.slice(slash + 1);
    this.defaultBranch = defaultBranch;
    this.save(defaultBranch, files, 'First commit', {
      name: 'Demo',
      email: 'demo@example.com',
      date: '2026-03-01T12:00:00.000Z',
    });
  }

  get fullName() {
    return `${this.owner}/${this.name}`;
  }

  // Objects

  writeBlob(content: Buffer) {
    return this.#write({ type: 'blob', content }, content);
  }

  /** A tree like `base`, with the changes made; paths may be deep. */
  writeTree(base: string | undefined, changes: Change[]): string {
    const entries = new Map((base === undefined ? [] : this.tree(base)).map((entry) => [entry.name, entry]));
    const inner = new Map<string, Change[]>();
    for (const { path, sha } of changes) {
      const slash = path.indexOf('/');
      if (slash >= 0) {
        const folder = path.slice(0, slash);
        inner.set(folder, [...(inner.get(folder) ?? []), { path: path.slice(slash + 1), sha }]);
      } else if (sha === null) {
        entries.delete(path);
      } else {
        const type = this.#objects.get(sha)?.type;
        if (type !== 'blob' && type !== 'tree') throw new Error(`There is no object ${sha} for ${path}.`);
        entries.set(path, { name: path, type, sha });
      }
    }
    for (const [folder, folderChanges] of inner) {
      const old = entries.get(folder);
      const sha = this.writeTree(old?.type === 'tree' ? old.sha : undefined, folderChanges);
      // Git knows no empty folders.
      if (this.tree(sha).length === 0) entries.delete(folder);
      else entries.set(folder, { name: folder, type: 'tree', sha });
    }
    const sorted = [...entries.values()].sort((a, b) => (sortKey(a) < sortKey(b) ? -1 : 1));
    const content = sorted.map(({ type, name, sha }) => [
      Buffer.from(`${type === 'tree' ? '40000' : '100644'} ${name}\0`),
      Buffer.from(sha, 'hex'),
    ]);
    return this.#write({ type: 'tree', entries: sorted }, Buffer.concat(content.flat()));
  }

  writeCommit(commit: Commit) {
    const { author, committer = author, message, parents, tree } = commit;
    const signature = ({ name, email, date }: Signature) =>
      `${name} <${email}> ${Math.floor(Date.parse(date) / 1000)} +0000`;
    const lines = [`tree ${tree}`, ...parents.map((parent) => `parent ${parent}`)];
    lines.push(`author ${signature(author)}`, `committer ${signature(committer)}`, '', message);
    return this.#write({ type: 'commit', commit }, Buffer.from(lines.join('\n')));
  }

  #write(object: GitObject, content: Buffer) {
    const sha = createHash('sha1').update(`${object.type} ${content.length}\0`).update(content).digest('hex');
    if (!this.#objects.has(sha)) {
      this.#size += content.length;
      if (this.#size > capacity) throw new Error('The demo repository is full.');
      this.#objects.set(sha, object);
    }
    return sha;
  }

  blob(sha: string) {
    const object = this.#objects.get(sha);
    return object?.type === 'blob' ? object.content : undefined;
  }

  commit(sha: string) {
    const object = this.#objects.get(sha);
    return object?.type === 'commit' ? object.commit : undefined;
  }

  tree(sha: string) {
    const object = this.#objects.get(sha);
    return object?.type === 'tree' ? object.entries : [];
  }

  // Looking things up

  /** `main`, a commit id or a tree id, each optionally followed by `:path`; gives the id of a tree or blob. */
  resolve(revision: string): string | undefined {
    const colon = revision.indexOf(':');
    const start = colon < 0 ? revision : revision.slice(0, colon);
    const path = colon < 0 ? '' : revision.slice(colon + 1);
    const id = this.branches.get(start) ?? start;
    const root = this.commit(id)?.tree ?? id;
    if (!this.#objects.has(root)) return undefined;
    return path
      .split('/')
      .filter(Boolean)
      .reduce<string | undefined>(
        (sha, name) => (sha === undefined ? sha : this.tree(sha).find((entry) => entry.name === name)?.sha),
        root,
      );
  }

  /** All entries of a tree with their paths, folders before what is in them, as `git ls-tree -r -t` lists them. */
  list(tree: string, deep: boolean, prefix = ''): Array<TreeEntry & { path: string }> {
    return this.tree(tree).flatMap((entry) => {
      const path = prefix + entry.name;
      const below = deep && entry.type === 'tree' ? this.list(entry.sha, true, `${path}/`) : [];
      return [{ ...entry, path }, ...below];
    });
  }

  /** Newest first; with a path, only the commits that changed it. */
  history(start: string, path?: string) {
    const commits: Array<Commit & { sha: string }> = [];
    let sha = this.branches.get(start) ?? start;
    for (let commit = this.commit(sha); commit !== undefined; commit = this.commit(sha)) {
      const parent = commit.parents[0] ?? '';
      const changed = path === undefined || this.resolve(`${sha}:${path}`) !== this.resolve(`${parent}:${path}`);
      if (changed) commits.push({ ...commit, sha });
      sha = parent;
    }
    return commits;
  }

  /** What a file says now. */
  read(path: string, branch = this.defaultBranch) {
    return this.blob(this.resolve(`${branch}:${path}`) ?? '')?.toString();
  }

  // Changing things

  /** Blobs, tree, commit and branch in one step; `null` deletes. */
  save(branch: string, files: Record<string, string | Buffer | null>, message: string, author: Signature) {
    const parent = this.branches.get(branch);
    const changes = Object.entries(files).map(([path, content]) => ({
      path,
      sha: content === null ? null : this.writeBlob(Buffer.from(content)),
    }));
    const tree = this.writeTree(parent === undefined ? undefined : this.commit(parent)?.tree, changes);
    const sha = this.writeCommit({ tree, parents: parent === undefined ? [] : [parent], message, author });
    this.branches.set(branch, sha);
    return sha;
  }
}

/** Git sorts a folder as if its name ended in a slash. */
function sortKey({ name, type }: TreeEntry) {
  return type === 'tree' ? `${name}/` : name;
}
