import { bitbucket as provider } from '../../providers/bitbucket.ts';
import { isBranch, isDraft, isRevision } from './branches.ts';
import { isPath, isWritable } from './paths.ts';
import { lowerCase } from '../identity/editors.ts';
import { readMultipart, writeMultipart, type FormPart } from './multipart.ts';
import {
  guard,
  isSha,
  jsonBody,
  number,
  oneOf,
  pathText,
  queryValue,
  record,
  records,
  refuse,
  signedMessage,
  text,
  type Call,
  type GatewayHost,
  type Json,
  type PathParameter,
  type JudgedBody,
  type ReceivedBody,
  type Rule,
  type RuleBody,
} from './rule.ts';
import {
  checkFiles,
  checkNames,
  descriptions,
  folder,
  isFolder,
  kept,
  checkBranch,
  mergeMessages,
  namesOf,
  newDraft,
  page,
  revision,
  signature,
  size,
  status,
  tooMany,
  withEditor,
} from './values.ts';

/** The draft's pull request: its branch is one of this very repository, and it goes into the branch that is published. */
async function findDraft({ gateway, parameters, read }: Call): Promise<{ source: Json; destination: Json }> {
  const { source, destination } = record(await read(`/pullrequests/${parameters['id']}`));
  const [from, to] = [record(source), record(destination)];
  const isHere = (end: Json) =>
    lowerCase(String(record(end['repository'])['full_name'])) === lowerCase(gateway.fullName);
  const [draft, target] = [from, to].map((end) => record(end['branch'])['name']);
  if (!isDraft(draft) || target !== gateway.branch || !isHere(from) || !isHere(to))
    throw refuse('that pull request is none of the CMS');
  return { source: from, destination: to };
}

const ourDraft = 'a draft of this repository, into the published branch';

const draftRequest = guard(ourDraft, async (call) => {
  await findDraft(call);
  return undefined;
});

/** Bitbucket shortens the hashes of a pull request. */
const commitOf = (end: Json): string => {
  const found = record(end['commit'])['hash'];
  if (typeof found === 'string' && /^[0-9a-f]{7,64}$/.test(found)) return found;
  throw refuse('its branch has no commit');
};

/**
 * Compares what is to be published with what is, by the commits that the pull request names. Bitbucket's order is the opposite of
 * Git's: what the first has that the second has not.
 *
 * @see https://developer.atlassian.com/cloud/bitbucket/rest/api-group-commits/#api-repositories-workspace-repo-slug-diffstat-spec-get
 */
async function compare(call: Call, source: Json, destination: Json): Promise<void> {
  const { values: found, next } = record(
    // What the merge would change, and not what the draft did: Git may have followed a file to another name.
    await call.read(`/diffstat/${commitOf(source)}..${commitOf(destination)}?merge=true&pagelen=500`),
  );
  const changed = records(found);
  if (!changed || next !== undefined) throw tooMany();
  checkFiles(
    call,
    changed.map(({ old, new: fresh }) => ({
      before: nameOf(old),
      after: nameOf(fresh),
      isSpecial: isLink(record(fresh)) || (isProgram(record(fresh)) && !isProgram(record(old))),
    })),
  );
}

const nameOf = (side: unknown): unknown =>
  side === null || side === undefined ? undefined : (record(side)['path'] ?? null);
const has = (names: readonly string[], { attributes }: Json): boolean =>
  Array.isArray(attributes) && names.some((name) => attributes.includes(name));
const isLink = (file: Json): boolean => has(['link', 'subrepository'], file);
const isProgram = (file: Json): boolean => has(['executable'], file);

const branchPath = (name: string): string => `/refs/branches/${pathText(name)}`;
const tipOf = (branch: unknown): unknown => record(record(branch)['target'])['hash'];

/**
 * Where a commit goes on top of another one, that one is published or is the draft's own: or a draft could be begun on any commit in
 * the store, and be merged with all that this brings.
 */
async function parentsArePublished({ gateway, read, find }: Call, { branch, parents }: Json): Promise<void> {
  if (typeof parents !== 'string') return;
  const tip = tipOf(await read(branchPath(gateway.branch)));
  if (tip === parents) return;
  if (branch !== gateway.branch && tipOf(await find(branchPath(String(branch)))) === parents) return;
  const base = isSha(tip) ? await find(`/merge-base/${parents}..${tip}`) : undefined;
  if (record(base)['hash'] === parents) return;
  throw refuse('a draft begins at a commit of the branch of CMS_GATEWAY_BRANCH only');
}

/**
 * Nobody says what Bitbucket makes of a file that is named as a folder is, or that would be below a file. A draft is compared when it is
 * merged.
 *
 * @see https://developer.atlassian.com/cloud/bitbucket/rest/api-group-source/#api-repositories-workspace-repo-slug-src-commit-path-get
 */
async function namesFit({ gateway, read, find }: Call, { branch, parents, paths }: Json): Promise<void> {
  if (branch !== gateway.branch || !Array.isArray(paths)) return;
  const commit = isSha(parents) ? parents : tipOf(await read(branchPath(gateway.branch)));
  if (!isSha(commit)) throw refuse('the branch of CMS_GATEWAY_BRANCH has no commit');
  // 200 are a fifth of what it takes in an hour.
  await checkNames(namesOf(paths.map(String)), 200, async (path, kind) => {
    const there = await find(`/src/${commit}/${pathText(path)}?format=meta`);
    if (there === undefined) return false;
    const { type } = record(there);
    return kind === 'file' ? type !== 'commit_file' || isLink(record(there)) : type !== 'commit_directory';
  });
}

/** The CMS looks the commit up first; a branch without slashes would do as well. */
const commit: PathParameter = { what: 'a commit', slashes: false, check: isBranch };

const commitForm: RuleBody = {
  checks: 'branch, parents, author, each file',
  limit: undefined,
  judge: (received, call) => judgeForm(received, call),
};

/**
 * Bitbucket Cloud.
 *
 * - Files are written by a form, in which the path of a file is the name of a part.
 * - It has no labels for pull requests: the CMSs write the state of a draft into comments.
 * - The address of the next page is in the body.
 * - There is no committer to set: the author of a commit is all there is, so it is the editor.
 *
 * @see https://developer.atlassian.com/cloud/bitbucket/rest/api-group-source/
 * @see https://developer.atlassian.com/cloud/bitbucket/rest/api-group-pullrequests/
 * @see https://support.atlassian.com/bitbucket-cloud/docs/repository-access-token-permissions/
 */
export const bitbucket: GatewayHost = {
  provider,
  fullName: /^[\w.-]+\/[\w.-]+$/,
  tokenPrefixes: ['ATCTT', 'ATATT', 'ATBB'],
  apps: false,
  repositoryPath: (fullName) => `/repositories/${fullName}`,
  authorization: (credential) => ({ authorization: `Bearer ${credential}` }),
  repository: {
    fullName: ({ full_name: name }) => name,
    defaultBranch: ({ mainbranch: branch }) => record(branch)['name'],
    branch: branchPath,
    // Of a token's own rights, Bitbucket says something in a header at most.
    rights: (_, scopes) =>
      scopes === undefined || scopes === '' ? 'unknown' : /repository:(write|admin)/.test(scopes) ? 'write' : 'read',
    needed: 'Repositories: Read and Write',
  },
  // By name or by id, as Bitbucket likes.
  links: { prefix: /^\/repositories\/[^/]+\/[^/]+(?=\/)/, rewrite: (rest) => rest },
  rules: [
    {
      name: 'branch',
      method: 'GET',
      path: '/refs/branches/{branch}',
      parameters: { branch: kept('a branch', isRevision) },
    },
    {
      name: 'delete draft',
      method: 'DELETE',
      path: '/refs/branches/{branch}',
      parameters: { branch: kept('a draft', isDraft) },
      names: 'a draft',
    },
    ...['/src/{commit}/', '/src/{commit}/{path}'].map((path): Rule => ({
      name: 'list files',
      method: 'GET',
      path,
      match: ['pagelen', 'max_depth', 'page'],
      parameters: { commit, path: kept('a folder', isFolder) },
      query: { max_depth: size, pagelen: size, page },
      answer: pages,
    })),
    {
      name: 'read file',
      method: 'GET',
      path: '/src/{commit}/{path}',
      parameters: { commit, path: kept('a file', isPath) },
      file: true,
    },
    {
      name: 'commit',
      method: 'POST',
      path: '/src',
      body: commitForm,
      guard: guard(
        'where it names a parent: a commit of the published branch, or the tip of the draft; on the published branch: no file has the name of a folder, and none is below a file',
        async (call, said) => {
          await parentsArePublished(call, said);
          await namesFit(call, said);
          return undefined;
        },
      ),
    },
    {
      name: 'commits',
      method: 'GET',
      path: '/commits',
      query: { path: folder, include: revision, pagelen: size, page },
      answer: pages,
    },
    {
      name: 'compare',
      method: 'GET',
      path: '/diff/{from}..{to}',
      parameters: { from: kept('a branch', isBranch), to: kept('a branch', isBranch) },
      query: { binary: oneOf('false') },
      file: true,
    },
    {
      name: 'pull requests',
      method: 'GET',
      path: '/pullrequests',
      query: { q: queryValue('the search of the CMS for drafts here', search), pagelen: size, page },
      required: ['q'],
      answer: pages,
    },
    {
      name: 'open pull request',
      method: 'POST',
      path: '/pullrequests',
      body: jsonBody('from a draft into the published branch; the words of the CMS', pullRequest),
    },
    {
      name: 'comments',
      method: 'GET',
      path: '/pullrequests/{id}/comments',
      parameters: { id: number },
      query: { pagelen: size, page },
      answer: pages,
    },
    {
      name: 'comment',
      method: 'POST',
      path: '/pullrequests/{id}/comments',
      parameters: { id: number },
      body: jsonBody('the state of a draft', comment),
      guard: draftRequest,
    },
    {
      name: 'statuses',
      method: 'GET',
      path: '/pullrequests/{id}/statuses',
      parameters: { id: number },
      query: { pagelen: size, page },
      answer: pages,
    },
    {
      name: 'merge',
      method: 'POST',
      path: '/pullrequests/{id}/merge',
      parameters: { id: number },
      body: jsonBody('the words and the ways of the CMS', merge),
      guard: guard(`${ourDraft}; what it brings there are files that may be written`, async (call) => {
        const { source, destination } = await findDraft(call);
        await compare(call, source, destination);
        return undefined;
      }),
    },
    {
      name: 'decline',
      method: 'POST',
      path: '/pullrequests/{id}/decline',
      parameters: { id: number },
      guard: draftRequest,
    },
  ],
};

/** A list says where its next page is. A file is left as it is, also one that looks like a list. */
function pages(body: unknown, link: (url: string) => string | undefined): unknown {
  const { next, previous, ...list } = record(body);
  if (!Array.isArray(list['values'])) return body;
  const at = (name: string, url: unknown) => {
    const address = typeof url === 'string' ? link(url) : undefined;
    return address === undefined ? {} : { [name]: address };
  };
  return { ...list, ...at('next', next), ...at('previous', previous) };
}

/**
 * The one search of the CMSs, in Bitbucket's query language. Behind a gateway they do not know what the repository is called and
 * leave its name empty: it is filled in, or drafts of forks would come up, too.
 */
function search(query: string, { gateway: { fullName } }: Call): string {
  const [, repository, target, operator, source] =
    /^source\.repository\.full_name = "([^"]*)" AND state = "OPEN" AND destination\.branch\.name = "([^"\\]+)" AND comment_count > 0 AND source\.branch\.name (=|~) "(cms\/[^"\\]*)"$/.exec(
      query,
    ) ?? [];
  const known = repository === '' || repository === fullName;
  if (!known || !isBranch(target ?? '') || (source !== 'cms/' && !isRevision(source ?? '')))
    throw refuse('it searches for something that the CMS never looks for');
  return `source.repository.full_name = "${fullName}" AND state = "OPEN" AND destination.branch.name = "${target}" AND comment_count > 0 AND source.branch.name ${operator} "${source}"`;
}

function pullRequest(body: Json, { gateway }: Call): Json {
  const [source, target] = [body['source'], body['destination']].map((end) => record(record(end)['branch'])['name']);
  newDraft(source);
  if (target !== gateway.branch) throw refuse('drafts go into the branch of CMS_GATEWAY_BRANCH only');
  return {
    title: text(body['title'], 'title'),
    source: { branch: { name: source } },
    destination: { branch: { name: target } },
    ...chosen(body, 'description', descriptions),
    ...chosen(body, 'close_source_branch', [true, false]),
  };
}

function merge(body: Json, call: Call): Json {
  const { message } = chosen(body, 'message', mergeMessages);
  return {
    message: withEditor(message === undefined ? undefined : String(message), call),
    ...chosen(body, 'close_source_branch', [true, false]),
    ...chosen(body, 'merge_strategy', ['merge_commit', 'squash']),
  };
}

function comment(body: Json): Json {
  return { content: { raw: status(text(record(body['content'])['raw'], 'content')) } };
}

/** @throws Failure for a value that the CMSs never send */
function chosen(body: Json, name: string, choices: readonly unknown[]): Json {
  const value = body[name];
  if (value === undefined) return {};
  if (!choices.includes(value)) throw refuse(`"${name}" is something that the CMS never sends`);
  return { [name]: value };
}

// The form of a commit

/** What a part without a file name may be, and whether more than once. All else is a file to Bitbucket, whatever it looks like. */
const values: Readonly<Record<string, 'once' | 'often'>> = {
  branch: 'once',
  author: 'once',
  message: 'once',
  parents: 'once',
  files: 'often',
};

function judgeForm({ bytes, type }: ReceivedBody, call: Call): JudgedBody {
  const { gateway, editor, email } = call;
  const parts = readMultipart(type, bytes);
  if (parts === undefined) throw refuse('it is not a form as browsers send it');
  const files = parts.filter(({ filename }) => filename !== undefined);
  const given = new Map<string, string[]>();
  for (const part of parts.filter(({ filename }) => filename === undefined)) {
    const before = given.get(part.name) ?? [];
    const how = Object.hasOwn(values, part.name) ? values[part.name] : undefined;
    if (how === undefined || (how === 'once' && before.length > 0))
      throw refuse('it holds something that the CMS never sends, or the same twice');
    given.set(part.name, [...before, valueOf(part)]);
  }
  const one = (name: string) => given.get(name)?.[0];

  const branch = one('branch');
  checkBranch(branch, gateway);
  const parents = one('parents');
  if (parents !== undefined && !isSha(parents)) throw refuse('a commit has one parent, named by its whole hash');
  // A file of such a name at the root of the repository could be taken for the value, and the other way round.
  const paths = [...files.map(({ name }) => name), ...(given.get('files') ?? [])];
  if (paths.length === 0) throw refuse('it changes no file');
  if (files.some(({ name }) => isValue(name)) || !paths.every((path) => isWritable(path, gateway.paths)))
    throw refuse('this file is not for editors to write');

  const author = signature(editor.name, email);
  if (lowerCase(one('author') ?? author) !== lowerCase(author)) throw refuse('somebody else is named as the author');
  // The CMS always says something; without a message, nobody would be named in the name of the app.
  const message = one('message') ?? (gateway.committer === 'app' ? 'Saved in the CMS' : undefined);
  const said = Object.entries({
    author: gateway.committer === 'app' ? undefined : author,
    branch,
    parents,
    message: message === undefined ? undefined : signedMessage(message, call),
  });
  const fresh = [
    ...said.flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const])),
    ...(given.get('files') ?? []).map((path) => ['files', path] as const),
  ].map(([name, value]): FormPart => ({ name, filename: undefined, content: Buffer.from(value) }));
  return { values: { branch, parents, paths }, write: () => writeMultipart([...fresh, ...files]) };
}

/** What some parser could take for one of the values, or for a word about the form itself (`_charset_`, HTML 4.10.22.7). */
const isValue = (name: string): boolean =>
  /^(branch|author|message|parents|files|_charset_)$/i.test(name.normalize('NFKC').trim());

function valueOf({ content }: FormPart): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(content);
  } catch {
    throw refuse('it is not a form as browsers send it');
  }
}
