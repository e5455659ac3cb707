import { github as provider } from '../../providers/github.ts';
import { Failure } from '../../http/errors.ts';
import { gatewayErrors } from '../errors.ts';
import { isBranch, isDraft, isRevision } from './branches.ts';
import { isPath, isWritable } from './paths.ts';
import {
  anything,
  branch,
  draft,
  guard,
  isSha,
  jsonBody,
  number,
  oneOf,
  otherBranch,
  pathText,
  passthrough,
  record,
  records,
  refuse,
  sha,
  signedMessage,
  signerOf,
  text,
  type Call,
  type GatewayHost,
  type Json,
  type PathParameter,
} from './rule.ts';
import type { Gateway } from '../settings.ts';
import {
  checkFiles,
  checkStillThere,
  descriptions,
  folder,
  labels,
  mergeMessages,
  newDraft,
  page,
  revision,
  size,
  tooMany,
  withEditor,
} from './values.ts';

export const sameName = (a: unknown, b: string): boolean =>
  typeof a === 'string' && a.toLowerCase() === b.toLowerCase();

/** The draft's pull request: its branch is one of this very repository, and it goes into the branch that is published. */
export async function findDraft({ gateway, parameters, read }: Call): Promise<{ head: Json; labels: unknown }> {
  const { head, base, labels: there } = record(await read(`/pulls/${parameters['number']}`));
  const [from, to] = [record(head), record(base)];
  const [source, target] = [record(from['repo']), record(to['repo'])];
  // A fork's branch may be called like ours. Names change, numbers do not; a fork that is gone has neither.
  const same =
    sameName(source['full_name'], gateway.fullName) || (source['id'] !== undefined && source['id'] === target['id']);
  if (!same || !isDraft(from['ref']) || to['ref'] !== gateway.branch)
    throw refuse('that pull request is none of the CMS');
  return { head: from, labels: there };
}

const ourDraft = 'a draft of this repository, into the published branch';
const ourChanges = 'what it brings there are files that may be written, in commits of editors';

export const draftRequest = guard(ourDraft, async (call) => {
  await findDraft(call);
  return undefined;
});

/** How many files a comparison shows at most. @see https://docs.github.com/rest/commits/commits#compare-two-commits */
export const mostFiles = 300;

/**
 * Compares what is to be published with what is.
 *
 * @param head a commit
 * @param isMove whether the branch itself is moved there, so that nothing of it may be lost
 */
async function compare(call: Call, head: unknown, isMove: boolean): Promise<void> {
  const { gateway, read, find } = call;
  const {
    status,
    commits,
    files,
    total_commits: total,
    base_commit: base,
  } = record(await read(`/compare/${encodeURIComponent(gateway.branch)}...${hash(head, 'sha')}`));
  const isOnTop = status === 'ahead' || status === 'identical';
  if (isMove && !isOnTop) throw new Failure(gatewayErrors.BRANCH_MOVED);
  const [made, changed] = [records(commits), records(files)];
  if (!made || !changed || changed.length >= mostFiles || Number(total ?? 0) > made.length) throw tooMany();
  const changes = changed.map(({ filename: name = null, previous_filename: before, status }) => ({
    before: status === 'added' ? before : (before ?? name),
    after: status === 'removed' ? undefined : name,
  }));
  checkFiles(call, changes);
  // With nothing published since, each file has the name that it had.
  if (!isOnTop)
    await checkStillThere(call, changes, mostFiles, async (path) => {
      const ref = hash(record(base)['sha'], 'base_commit');
      const { type } = record(await find(`/contents/${pathText(path)}?ref=${ref}`)); // of a folder it is a list
      return type !== undefined;
    });
  checkCommits(call, made, isOnTop);
}

/** @param isOnTop whether nothing was published since the last of them begins */
function checkCommits({ gateway, isEditorAddress }: Call, commits: readonly Json[], isOnTop: boolean): void {
  for (const { commit, committer, parents } of commits) {
    const isMerge = (records(parents)?.length ?? 0) > 1;
    // With a merge in it, a draft can part from what is published at two commits. A comparison goes by one of them, and a merge by both.
    if (isMerge && !isOnTop)
      throw refuse(
        'it holds a merge, and something was published since. Bring it up to date at GitHub, and publish it then',
      );
    // GitHub merges under a name of its own, as when a draft is brought up to date there. What people write on its pages is under that
    // name, too: so only merges count.
    if (isMerge && record(committer)['login'] === 'web-flow') continue;
    const { committer: named, message } = record(commit);
    const email = (gateway.committer === 'app' ? signerOf(message) : undefined) ?? record(named)['email'];
    if (typeof email !== 'string' || !isEditorAddress(email))
      throw refuse('it holds a commit that was not made by an editor. Somebody has to merge it at the host');
  }
}

/** What has been looked at is what is merged. */
export const mergeableDraft = guard(`${ourDraft}; ${ourChanges}`, async (call, { sha: wanted }) => {
  const { head } = await findDraft(call);
  const merged = wanted ?? head['sha'];
  await compare(call, merged, false);
  return { sha: merged };
});

export const labelsOfDraft = guard(
  `${ourDraft}; of its labels only the state is changed`,
  async (call, { labels: wanted }) => {
    const { labels: there } = await findDraft(call);
    const names = (records(there) ?? []).flatMap(({ name }) => (typeof name === 'string' ? [name] : []));
    return { labels: labels(wanted as string[], names) };
  },
);

/** `main:content/posts`, or without a path. The CMSs encode only some of these. */
const tree: PathParameter = {
  what: 'a folder of a branch or a tree',
  slashes: 'encoded',
  check(name) {
    const [revision = '', ...path] = name.split(':');
    const folder = path.join(':').replace(/\/$/, '');
    return isBranch(revision) && (folder === '' || isPath(folder));
  },
};

/** `main...owner:cms/posts/title`, where the owner must be ours: with another, GitHub would look into somebody's fork. */
const comparison: PathParameter = {
  what: 'two branches or commits of this repository',
  slashes: 'encoded',
  check(name, { fullName }) {
    const owner = fullName.split('/')[0] ?? '';
    const [base = '', head = '', ...rest] = name.split('...');
    const isOurs = (side: string) => {
      const [before = '', after] = side.split(':', 2);
      const named = side.split(':').length === 2;
      return named ? sameName(before, owner) && isBranch(after ?? '') : isBranch(side);
    };
    return rest.length === 0 && isOurs(base) && isOurs(head);
  },
};

/** To us a slash is a part of the name; GitHub has answers of another kind behind some branches. */
const named: PathParameter = {
  what: 'a branch',
  slashes: 'encoded',
  check: (name) => isRevision(name) && !/\/(protection|rename)(\/|$)/.test(name),
};

const paging = { per_page: size, page };

/**
 * github.com, ghe.com and GitHub Enterprise Server.
 *
 * - The CMSs build commits by hand: blobs, a tree, a commit, and then a branch is moved to it.
 * - A tree without a base would delete all that is not in it.
 * - Commits have an author and a committer. The author is whoever wrote it, also where the CMS makes a commit anew on top of
 *   others; the committer is who does that now.
 *
 * @see https://docs.github.com/rest/git
 * @see https://docs.github.com/rest/pulls/pulls
 */
export const github: GatewayHost = {
  provider,
  fullName: /^[\w.-]+\/[\w.-]+$/,
  tokenPrefixes: ['ghp_', 'github_pat_', 'gho_', 'ghu_', 'ghs_', 'ghr_'],
  apps: true,
  repositoryPath: (fullName) => `/repos/${fullName}`,
  authorization: (credential) => ({ authorization: `Bearer ${credential}` }),
  links: {
    prefix: /^\/(repos\/[^/]+\/[^/]+|repositories\/\d+)(?=\/)/,
    // The client cuts off the origin and exactly two more parts.
    rewrite: (rest, origin) => `${origin}/x/y${rest}`,
  },
  repository: {
    fullName: ({ full_name: name }) => name,
    defaultBranch: ({ default_branch: branch }) => branch,
    branch: (name) => `/branches/${encodeURIComponent(name)}`,
    // What the account of a token may do; of a fine-grained token's own rights, GitHub says nothing.
    rights({ archived, permissions }, scopes) {
      if (archived === true) return 'archived';
      const lacks = scopes !== undefined && scopes !== '' && !/(^|[\s,])(public_)?repo([\s,]|$)/.test(scopes);
      if (lacks || record(permissions)['push'] === false) return 'read';
      return scopes === undefined || scopes === '' ? 'unknown' : 'write';
    },
    needed: 'Contents, read and write',
  },
  installation: {
    find: (fullName) => `/repos/${fullName}/installation`,
    token: (id) => `/app/installations/${id}/access_tokens`,
    // Not workflows: without it, GitHub itself refuses what would change them.
    permissions: { contents: 'write', pull_requests: 'write', statuses: 'read' },
  },
  // Sveltia CMS puts `/graphql` in the place of `/api/v3`; the other one is where an Enterprise server has it.
  api: { rest: '/api/v3', graphql: ['/graphql', '/api/graphql'] },
  expiry: { header: 'github-authentication-token-expiration' },
  rules: [
    { name: 'branch', method: 'GET', path: '/branches/{branch}', parameters: { branch: named } },
    {
      name: 'tree',
      method: 'GET',
      path: '/git/trees/{tree}',
      parameters: { tree },
      query: { recursive: oneOf('1', 'true') },
    },
    { name: 'blob', method: 'GET', path: '/git/blobs/{sha}', parameters: { sha }, immutable: true },
    {
      name: 'new blob',
      method: 'POST',
      path: '/git/blobs',
      body: passthrough('a file by itself is in no branch; trees say where it goes', 'application/json'),
    },
    {
      name: 'new tree',
      method: 'POST',
      path: '/git/trees',
      body: jsonBody('on a base tree; plain files that may be written', newTree),
    },
    {
      name: 'new commit',
      method: 'POST',
      path: '/git/commits',
      body: jsonBody('one parent; the editor is the committer', newCommit),
    },
    {
      name: 'new branch',
      method: 'POST',
      path: '/git/refs',
      body: jsonBody('a draft, or the backup of one', newBranch),
    },
    {
      name: 'move branch',
      method: 'PATCH',
      path: '/git/refs/heads/{branch}',
      parameters: { branch },
      body: jsonBody('the published branch or a draft; a hash; force for drafts only', moveBranch),
      guard: guard(`of the published branch: ${ourChanges}; nothing of it is lost`, async (call, { sha: head }) => {
        if (call.parameters['branch'] === call.gateway.branch) await compare(call, head, true);
        return undefined;
      }),
    },
    {
      name: 'delete draft',
      method: 'DELETE',
      path: '/git/refs/heads/{branch}',
      parameters: { branch: draft },
      names: 'a draft',
    },
    {
      name: 'commits',
      method: 'GET',
      path: '/commits',
      query: { path: folder, sha: revision, ...paging },
    },
    { name: 'statuses', method: 'GET', path: '/commits/{sha}/status', parameters: { sha }, query: paging },
    {
      name: 'compare',
      method: 'GET',
      path: '/compare/{comparison}',
      parameters: { comparison },
      query: paging,
    },
    {
      name: 'pull requests',
      method: 'GET',
      path: '/pulls',
      query: { head: anything, base: revision, state: oneOf('open', 'closed', 'all'), ...paging },
    },
    {
      name: 'commits of a pull request',
      method: 'GET',
      path: '/pulls/{number}/commits',
      parameters: { number },
      query: paging,
    },
    {
      name: 'open pull request',
      method: 'POST',
      path: '/pulls',
      body: jsonBody('from a draft into the published branch; the words of the CMS', openPullRequest),
    },
    {
      name: 'close pull request',
      method: 'PATCH',
      path: '/pulls/{number}',
      parameters: { number },
      guard: draftRequest,
      body: jsonBody('closed', closePullRequest),
    },
    {
      name: 'merge',
      method: 'PUT',
      path: '/pulls/{number}/merge',
      parameters: { number },
      guard: mergeableDraft,
      body: jsonBody('the words and the ways of the CMS', merge),
    },
    {
      name: 'label',
      method: 'PUT',
      path: '/issues/{number}/labels',
      parameters: { number },
      guard: labelsOfDraft,
      body: jsonBody('a list of names', label),
    },
  ],
};

const isOneOf = (words: readonly string[], value: unknown): boolean =>
  typeof value === 'string' && words.includes(value);

export function hash(value: unknown, name: string): string {
  if (isSha(value)) return value;
  throw refuse(`"${name}" is no hash of Git's`);
}

/** @throws Failure unless it is the path of a file that editors may write */
export function writablePath(path: unknown, { paths }: Gateway<GatewayHost>): string {
  if (typeof path === 'string' && isWritable(path, paths)) return path;
  throw refuse('it writes a file that is not for editors to write');
}

function newTree({ base_tree: base, tree: entries }: Json, { gateway }: Call): Json {
  if (!Array.isArray(entries)) throw refuse('"tree" is missing');
  return {
    base_tree: hash(base, 'base_tree'),
    tree: entries.map((entry: unknown) => {
      const { path, mode, type, sha: id } = record(entry);
      if (mode !== '100644' || type !== 'blob') throw refuse('only plain files are written here');
      return { path: writablePath(path, gateway), mode, type, sha: id === null ? null : hash(id, 'sha') };
    }),
  };
}

function newCommit({ message, tree: id, parents, author }: Json, call: Call): Json {
  const { editor, email, now, gateway } = call;
  // A commit without a parent would be the beginning of another history.
  if (!Array.isArray(parents) || parents.length !== 1) throw refuse('a commit has one parent here');
  const committer = { name: editor.name, email, date: new Date(now).toISOString() };
  const { name, email: address, date } = record(author);
  const commit = {
    message: signedMessage(text(message, 'message'), call),
    tree: hash(id, 'tree'),
    parents: parents.map((parent: unknown) => hash(parent, 'parents')),
  };
  // Without either, GitHub takes the account of the credential for both.
  if (gateway.committer === 'app') return commit;
  return {
    ...commit,
    author: {
      name: typeof name === 'string' && name.trim() !== '' ? name : committer.name,
      email: typeof address === 'string' && address.trim() !== '' ? address : committer.email,
      date: typeof date === 'string' && !Number.isNaN(Date.parse(date)) ? date : committer.date,
    },
    committer,
  };
}

function newBranch({ ref, sha: id }: Json): Json {
  const [, name] = /^refs\/heads\/(.+)$/s.exec(text(ref, 'ref')) ?? [];
  // `cms_1794000000000/posts/a` is how Decap CMS saves a draft's branch that was left over: judged as that draft itself.
  newDraft(name?.replace(/^cms_\d+\/(?=.)/, 'cms/'));
  return { ref: `refs/heads/${name}`, sha: hash(id, 'sha') };
}

function moveBranch({ sha: id, force }: Json, { parameters, gateway }: Call): Json {
  const { branch: name } = parameters;
  if (name !== gateway.branch && !isDraft(name)) throw otherBranch(name, gateway);
  if (force !== undefined && typeof force !== 'boolean') throw refuse('"force" is neither true nor false');
  if (force === true && !isDraft(name)) throw refuse('what is published is never overwritten');
  return { sha: hash(id, 'sha'), force: force === true };
}

export function openPullRequest({ title, body, head, base }: Json, { gateway }: Call): Json {
  const [before, after, ...rest] = text(head, 'head').split(':');
  const name = after ?? before;
  if (
    rest.length > 0 ||
    (after !== undefined && !sameName(before, gateway.fullName.split('/')[0] ?? '')) ||
    name === undefined
  )
    throw refuse('only drafts of this repository are proposed here');
  newDraft(name);
  if (base !== gateway.branch) throw refuse('drafts go into the branch of CMS_GATEWAY_BRANCH only');
  // A description can close issues and call people: so only the words that the CMSs write get through.
  return { title: text(title, 'title'), ...(isOneOf(descriptions, body) && { body }), head, base };
}

function closePullRequest({ state }: Json): Json {
  if (state !== 'closed') throw refuse('a pull request can only be closed here');
  return { state };
}

export function merge({ commit_message: message, sha: id, merge_method: method = 'merge' }: Json, call: Call): Json {
  if (method !== 'merge' && method !== 'squash') throw refuse('it merges in a way that the CMS never does');
  return {
    commit_message: withEditor(isOneOf(mergeMessages, message) ? String(message) : undefined, call),
    ...(id !== undefined && { sha: hash(id, 'sha') }),
    merge_method: method,
  };
}

export function label({ labels: names }: Json): Json {
  if (!Array.isArray(names) || names.length > 100) throw refuse('"labels" is missing');
  return { labels: names.map((name: unknown) => text(name, 'labels', 100)) };
}
