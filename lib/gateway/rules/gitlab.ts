import { gitlab as provider } from '../../providers/gitlab.ts';
import { isWritable } from './paths.ts';
import { gatewayErrors } from '../errors.ts';
import {
  anything,
  branch,
  draft,
  guard,
  isDraft,
  isSha,
  jsonBody,
  number,
  oneOf,
  queryText,
  queryValue,
  record,
  records,
  refuse,
  sha,
  signedMessage,
  text,
  type Call,
  type GatewayHost,
  type Json,
} from './rule.ts';
import {
  checkFiles,
  checkNames,
  checkStillThere,
  descriptions,
  draftName,
  file,
  flag,
  folder,
  labels,
  anyDraft,
  checkBranch,
  mergeMessages,
  namesOf,
  page,
  published,
  revision,
  size,
  tooMany,
  withEditor,
  type Change,
} from './values.ts';

/** The draft's merge request: its branch is one of this very repository, and it goes into the branch that is published. */
async function findDraft({ gateway, parameters, read }: Call, query = ''): Promise<Json> {
  const request = record(await read(`/merge_requests/${parameters['iid']}${query}`));
  const [from, to] = [request['source_project_id'], request['target_project_id']];
  if (!isDraft(request['source_branch']) || request['target_branch'] !== gateway.branch || from !== to || !to)
    throw refuse('that merge request is none of the CMS');
  return request;
}

const ourDraft = 'a draft of this repository, into the published branch';

const draftRequest = guard(ourDraft, async (call) => {
  await findDraft(call);
  return undefined;
});

/**
 * GitLab deletes a folder that is named in the place of a file, and puts a file into the place of a folder (`applyAction` in Gitaly's
 * `internal/gitaly/service/operations`). A draft is compared when it is merged.
 */
const namesNoFolder = guard(
  'on the published branch: no file has the name of a folder, and none is below a file',
  async ({ gateway, find, exists }, { branch, actions }) => {
    if (branch !== gateway.branch) return undefined;
    const ref = queryText(gateway.branch);
    await checkNames(namesOf(pathsOf(actions)), mostNames, async (path, kind) => {
      if (kind === 'folder') return exists(filePath(path, ref));
      const list = await find(`/repository/tree?path=${queryText(path)}&ref=${ref}&per_page=1`);
      return list !== undefined && !(Array.isArray(list) && list.length === 0);
    });
    return undefined;
  },
);

const pathsOf = (actions: unknown): string[] =>
  (records(actions) ?? [])
    .flatMap(({ file_path: path, previous_path: from }) => [path, from])
    .filter((path) => typeof path === 'string');

/** Labels in a query are one text, with commas. */
const list = (value: unknown): string[] =>
  String(value ?? '')
    .split(',')
    .map((label) => label.trim())
    .filter(Boolean);

/**
 * Compares what a draft would publish with what is published. GitLab shows all of it at once, or says that it took too long.
 *
 * @returns the commit that has been looked at
 * @see https://docs.gitlab.com/api/repositories/#compare-branches-tags-or-commits
 */
async function compare(call: Call): Promise<string> {
  const { read, exists, gateway } = call;
  const {
    sha: head,
    diverged_commits_count: behind,
    diff_refs: refs,
  } = await findDraft(call, '?include_diverged_commits_count=true');
  if (!isSha(head)) throw refuse('its draft has no commit');
  const main = queryText(gateway.branch);
  const { diffs, commits, compare_timeout: isCut } = record(await read(`/repository/compare?from=${main}&to=${head}`));
  const [found, made] = [records(diffs), records(commits)];
  if (!found || !made || isCut === true) throw tooMany();
  const changes = found.map(changeOf);
  checkFiles(call, changes);
  // With nothing published since, what is compared is what is merged.
  if (behind === 0) return head;

  // With a merge in it, a draft can part from what is published at two commits. A comparison goes by one of them, and a merge by both.
  if (!made.every(({ parent_ids: parents }) => Array.isArray(parents) && parents.length === 1))
    throw refuse('it holds a merge, and something was published since. Somebody has to merge it at the host');
  // Where a project has no merge commits, GitLab can put each commit of the draft by itself on what is published.
  if (made.length > 1 && record(await read(''))['merge_method'] !== 'merge')
    throw refuse('something was published since it was saved. Save it again, and publish it then');
  // A squashed draft is put on what was published when it was last pushed (`Repository#squash`), and merged from there.
  const start = record(refs)['start_sha'];
  if (!isSha(start)) throw refuse('GitLab is not ready with the draft yet. Try again in a minute');
  await checkStillThere(
    call,
    changes,
    mostNames,
    async (path) => (await exists(filePath(path, main))) && exists(filePath(path, start)),
  );
  return head;
}

/** Half of what GitLab takes in a minute. */
const mostNames = 1_000;

const filePath = (path: string, ref: string): string => `/repository/files/${encodeURIComponent(path)}?ref=${ref}`;

const changeOf = (diff: Json): Change => ({
  before: diff['new_file'] === true ? undefined : (diff['old_path'] ?? null),
  after: diff['deleted_file'] === true ? undefined : (diff['new_path'] ?? null),
  isSpecial: isSpecial(diff),
});

/** A link that was one before may lead elsewhere now; a program that was one before is only another version. */
const isSpecial = ({ a_mode: old, b_mode: mode }: Json): boolean =>
  typeof mode === 'string' && !/^(100644|0+)$/.test(mode) && !(mode === '100755' && mode === old);

/**
 * gitlab.com and self-managed GitLab, also under a path and with groups within groups.
 *
 * - A project is named by its whole path, with its slashes encoded; so are branches and files.
 * - Merge requests are made and changed by the query, without a body.
 * - A merge request's description can hold commands to GitLab, a line such as `/merge` or `/assign`: so only the words that
 *   the CMSs write get through.
 * - There is no committer to set: the account of the token is it. So the author is the editor. When a draft is rebased, GitLab
 *   itself does it, and everybody stays the author of what they wrote.
 *
 * @see https://docs.gitlab.com/api/commits/#create-a-commit-with-multiple-files-and-actions
 * @see https://docs.gitlab.com/api/merge_requests/
 * @see https://docs.gitlab.com/user/project/quick_actions/
 */
export const gitlab: GatewayHost = {
  provider,
  fullName: /^[\w.-]+(\/[\w.-]+)+$/,
  tokenPrefixes: ['glpat-'],
  apps: false,
  repositoryPath: (fullName) => `/projects/${encodeURIComponent(fullName)}`,
  authorization: (credential) => ({ 'private-token': credential }),
  // GitLab names the project by its number or its path, as it likes.
  links: { prefix: /^\/projects\/[^/]+(?=\/)/, rewrite: (rest) => rest },
  repository: {
    fullName: ({ path_with_namespace: name }) => name,
    defaultBranch: ({ default_branch: branch }) => branch,
    branch: (name) => `/repository/branches/${encodeURIComponent(name)}`,
    rights({ archived, permissions }) {
      if (archived === true) return 'archived';
      const levels = Object.values((permissions ?? {}) as Json)
        .map((access) => ((access ?? {}) as Json)['access_level'])
        .filter((level) => typeof level === 'number');
      // Developer. Of rights that come from a group further up, nothing is said here.
      return levels.length === 0 ? 'unknown' : Math.max(...levels) >= 30 ? 'write' : 'read';
    },
    needed: 'the role Developer or Maintainer, and the scope api',
    // Reading is redirected. https://docs.gitlab.com/api/rest/#redirects
    movedStatus: 405,
  },
  expiry: { path: '/personal_access_tokens/self', field: 'expires_at' },
  rules: [
    {
      name: 'branch',
      method: 'GET',
      path: '/repository/branches/{branch}',
      parameters: { branch },
    },
    {
      name: 'delete draft',
      method: 'DELETE',
      path: '/repository/branches/{branch}',
      parameters: { branch: draft },
      names: 'a draft',
    },
    ...(['GET', 'HEAD'] as const).map((method) => ({
      name: 'list files',
      method,
      path: '/repository/tree',
      query: { path: folder, ref: revision, recursive: flag, per_page: size, page },
    })),
    {
      name: 'file',
      method: 'HEAD',
      path: '/repository/files/{file}',
      parameters: { file },
      query: { ref: revision },
    },
    {
      name: 'read file',
      method: 'GET',
      path: '/repository/files/{file}/raw',
      parameters: { file },
      query: { ref: revision, lfs: oneOf('true') },
      file: true,
    },
    {
      name: 'commits',
      method: 'GET',
      path: '/repository/commits',
      query: { path: folder, ref_name: revision, per_page: size, page },
    },
    {
      name: 'commit',
      method: 'POST',
      path: '/repository/commits',
      body: jsonBody('branch, where it begins, each action and file; the editor is the author', commit, {
        carriesFile: true,
      }),
      guard: namesNoFolder,
    },
    {
      name: 'branches of a commit',
      method: 'GET',
      path: '/repository/commits/{sha}/refs',
      parameters: { sha },
      query: { type: oneOf('branch'), per_page: size, page },
    },
    {
      name: 'statuses',
      method: 'GET',
      path: '/repository/commits/{sha}/statuses',
      parameters: { sha },
      query: { ref: revision, per_page: size, page },
    },
    { name: 'compare', method: 'GET', path: '/repository/compare', query: { from: revision, to: revision } },
    {
      name: 'merge requests',
      method: 'GET',
      path: '/merge_requests',
      query: {
        state: oneOf('opened'),
        labels: oneOf('Any'),
        target_branch: revision,
        source_branch: anyDraft,
        per_page: size,
        page,
      },
    },
    {
      name: 'open merge request',
      method: 'POST',
      path: '/merge_requests',
      query: {
        source_branch: draftName,
        target_branch: published,
        title: anything,
        description: oneOf(...descriptions),
        labels: queryValue('the state of a draft', (value) => labels(list(value), []).join(',')),
        remove_source_branch: flag,
        squash: flag,
      },
      required: ['source_branch', 'target_branch', 'title'],
      names: 'a draft and the published branch; the words of the CMS',
    },
    {
      name: 'merge request',
      method: 'GET',
      path: '/merge_requests/{iid}',
      parameters: { iid: number },
      query: { include_rebase_in_progress: flag },
    },
    {
      name: 'change merge request',
      method: 'PUT',
      path: '/merge_requests/{iid}',
      parameters: { iid: number },
      query: { labels: anything, state_event: oneOf('close') },
      guard: guard(`${ourDraft}; its labels: only the state is changed`, async (call, { labels: wanted }) => {
        const { labels: there } = await findDraft(call);
        const names = Array.isArray(there) ? there.filter((label) => typeof label === 'string') : [];
        return wanted === undefined ? undefined : { labels: labels(list(wanted), names).join(',') };
      }),
    },
    {
      name: 'rebase',
      method: 'PUT',
      path: '/merge_requests/{iid}/rebase',
      parameters: { iid: number },
      query: { skip_ci: flag },
      guard: draftRequest,
    },
    {
      name: 'merge',
      method: 'PUT',
      path: '/merge_requests/{iid}/merge',
      parameters: { iid: number },
      query: {
        merge_commit_message: oneOf(...mergeMessages),
        squash_commit_message: oneOf(...mergeMessages),
        squash: flag,
        should_remove_source_branch: flag,
      },
      // To whoever may not merge into a protected branch, though the token is good.
      unauthorized: gatewayErrors.MERGE_REFUSED,
      guard: guard(`${ourDraft}; what it brings there are files that may be written`, async (call, said) => {
        const head = await compare(call);
        const message = (name: string) => withEditor(said[name] === undefined ? undefined : String(said[name]), call);
        return {
          // What has been looked at is what is merged.
          sha: head,
          merge_commit_message: message('merge_commit_message'),
          squash_commit_message: message('squash_commit_message'),
        };
      }),
    },
  ],
};

/**
 * Whether a file is called like a folder that it is in. If that folder does not exist yet, GitLab puts the file into the place of the folder,
 * where editors may have nothing to write (`TreeEntry.Add` in Gitaly's `internal/git/localrepo`).
 */
const repeatsItself = (path: string): boolean => {
  const parts = path.split('/');
  return parts.indexOf(parts.at(-1) ?? '') < parts.length - 1;
};

/**
 * Whether Git could read an entry of a folder in a name: its mode, a blank, and a name. GitLab leaves out the hash of a file that another
 * one is put below. Then the next entry is read in its place, and what is left of that one as an entry of its own: a link, or a file that is
 * not for editors to write (`TreeEntry.Write` in Gitaly's `internal/git/localrepo`).
 */
const holdsEntry = (path: string): boolean => /(?:[1357][02]|4)[0-7]{4} /.test(path);

const actions = ['create', 'update', 'move', 'delete'];

function commit(body: Json, call: Call): Json {
  const { gateway, editor, email } = call;
  const { branch: name, actions: list, start_branch: start } = body;
  checkBranch(name, gateway);
  // A new draft begins at what is published; what is published begins nowhere.
  if (start !== undefined && (start !== gateway.branch || name === gateway.branch))
    throw refuse('a draft begins at the branch of CMS_GATEWAY_BRANCH only');
  if (!Array.isArray(list) || list.length === 0) throw refuse('it changes no file');
  const changes = list.map((entry: unknown) => action(entry, gateway.paths));
  namesOf(pathsOf(changes));
  return {
    branch: name,
    commit_message: signedMessage(text(body['commit_message'], 'commit_message'), call),
    ...(start !== undefined && { start_branch: start }),
    actions: changes,
    ...(gateway.committer !== 'app' && { author_name: editor.name, author_email: email }),
  };
}

function action(entry: unknown, paths: Parameters<typeof isWritable>[1]): object {
  if (typeof entry !== 'object' || entry === null) throw refuse('it changes no file');
  const { action: kind, file_path: path, previous_path: from, content, encoding } = entry as Json;
  if (typeof kind !== 'string' || !actions.includes(kind))
    throw refuse('it does something to a file that the CMS never does');
  for (const name of [path, ...(from === undefined ? [] : [from])]) {
    if (typeof name !== 'string' || !isWritable(name, paths) || repeatsItself(name))
      throw refuse('this file is not for editors to write');
    if (holdsEntry(name))
      throw refuse('the name of a file holds a number with a blank behind it that Git could misread');
  }
  if (encoding !== undefined && encoding !== 'base64' && encoding !== 'text')
    throw refuse('it has an unknown encoding');
  return {
    action: kind,
    file_path: path,
    ...(from !== undefined && { previous_path: from }),
    ...(content !== undefined && { content: text(content, 'content', Infinity) }),
    ...(encoding !== undefined && { encoding }),
  };
}
