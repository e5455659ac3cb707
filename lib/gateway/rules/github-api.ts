import { isBranch } from './branches.ts';
import { isPath } from './paths.ts';
import { HostRefused, StaleData, type ApiCall, type HostApi, type Session } from './api.ts';
import {
  hash,
  label,
  labelsOfDraft,
  merge,
  mergeableDraft,
  mostFiles,
  openPullRequest,
  sameName,
  writablePath,
} from './github.ts';
import { Failure } from '../../http/errors.ts';
import { gatewayErrors } from '../errors.ts';
import {
  isDraft,
  otherBranch,
  isSha,
  jsonBody,
  number,
  record,
  refuse,
  sha,
  text,
  type Call,
  type Json,
  type Rule,
} from './rule.ts';
import { page, size } from './values.ts';
import type { ArgumentRule, Field, Fields } from '../graphql/table.ts';
import type { Gateway } from '../settings.ts';

/**
 * GitHub's API as Sveltia, Decap and Netlify CMS use it with `backend: github`, beside what the rules of `github.ts` know.
 *
 * @see https://docs.github.com/graphql/reference
 */

// Arguments

const that =
  (test: (value: string, gateway: Gateway) => boolean, what: string): ArgumentRule =>
  (value, gateway) => {
    if (typeof value === 'string' && test(value, gateway)) return JSON.stringify(value);
    throw refuse(`it names ${what}`);
  };

/** Enums are written without quotes. */
const oneOf =
  (...words: readonly string[]): ArgumentRule =>
  (value) => {
    if (typeof value === 'string' && words.includes(value)) return value;
    throw refuse('it asks for something that the CMS never asks for');
  };

/** One, or a list of them. */
const listOf =
  (rule: ArgumentRule): ArgumentRule =>
  (value, gateway) => {
    const values: unknown[] = Array.isArray(value) ? value : [value];
    if (values.length > 100) throw refuse('it names more than the CMS ever does');
    return `[${values.map((one) => rule(one, gateway)).join(',')}]`;
  };

const order =
  (...fields: readonly string[]): ArgumentRule =>
  (value, gateway) => {
    const { field, direction } = record(value);
    return `{field:${oneOf(...fields)(field, gateway)},direction:${oneOf('ASC', 'DESC')(direction, gateway)}}`;
  };

const amount: ArgumentRule = (value) => {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= 100) return String(value);
  throw refuse('it asks for more than a hundred at a time');
};

/** Which half of the repository's name: written as the settings have it, since there is no other repository. */
const ours =
  (index: 0 | 1): ArgumentRule =>
  (value, { fullName }) => {
    const name = fullName.split('/')[index] ?? '';
    if (sameName(value, name)) return JSON.stringify(name);
    throw refuse('it names another repository than that of CMS_GATEWAY_REPO');
  };

const branch = that(isBranch, 'a branch as no branch can be called');
const objectId = that(isSha, 'no hash of Git’s');
const path = that(isPath, 'no file');
/** `main:content/posts/a.md`. Git knows many other expressions. */
const expression = that((value) => {
  const [revision = '', ...rest] = value.split(':');
  return isBranch(revision) && isPath(rest.join(':'));
}, 'no file of a branch');
const labelName = that((value) => value.length <= 100, 'no label');

// Queries

const value: Field = {};
const values = <Name extends string>(...names: readonly Name[]): Fields =>
  Object.fromEntries(names.map((name) => [name, value]));

const person: Fields = values('login', 'databaseId');
const gitActor: Field = { fields: { ...values('name', 'email', 'avatarUrl'), user: { fields: person } } };
const describedCommit: Fields = { ...values('oid', 'message', 'committedDate'), author: gitActor };
const changedFiles: Field = {
  arguments: { first: amount },
  required: ['first'],
  fields: { nodes: { fields: values('path', 'changeType') } },
};

const commit: Fields = {
  ...describedCommit,
  history: {
    arguments: { first: amount, path },
    required: ['first'],
    fields: { nodes: { fields: describedCommit } },
  },
  status: { fields: { contexts: { fields: values('context', 'state', 'targetUrl', 'description') } } },
  deployments: {
    arguments: { last: amount, orderBy: order('CREATED_AT') },
    required: ['last'],
    fields: {
      nodes: {
        fields: { environment: value, latestStatus: { fields: values('state', 'environmentUrl', 'description') } },
      },
    },
  },
  checkSuites: {
    arguments: { last: amount },
    required: ['last'],
    fields: {
      nodes: {
        fields: {
          checkRuns: {
            arguments: { last: amount },
            required: ['last'],
            fields: { nodes: { fields: values('name', 'status', 'conclusion', 'detailsUrl', 'summary') } },
          },
        },
      },
    },
  },
};

const blob: Fields = values('oid', 'byteSize', 'isBinary', 'isTruncated', 'text');
const ref: Fields = { name: value, target: { fields: { oid: value, '... on Commit': { fields: commit } } } };

const pullRequest: Fields = {
  ...values('id', 'number', 'title', 'url', 'state', 'isDraft', 'isCrossRepository', 'createdAt', 'updatedAt'),
  ...values('headRefName', 'headRefOid'),
  author: {
    fields: { ...values('login', 'avatarUrl'), '... on User': { fields: values('name', 'email', 'databaseId') } },
  },
  labels: { arguments: { first: amount }, required: ['first'], fields: { nodes: { fields: values('name') } } },
  files: changedFiles,
};

const query: Fields = {
  repository: {
    arguments: { owner: ours(0), name: ours(1) },
    required: ['owner', 'name'],
    fields: {
      id: value,
      defaultBranchRef: { fields: values('name') },
      ref: { arguments: { qualifiedName: branch }, required: ['qualifiedName'], fields: ref },
      object: {
        arguments: { oid: objectId, expression },
        oneOf: ['oid', 'expression'],
        fields: { '... on Blob': { fields: blob }, '... on Commit': { fields: commit } },
      },
      pullRequests: {
        arguments: {
          states: listOf(oneOf('OPEN', 'CLOSED', 'MERGED')),
          labels: listOf(labelName),
          headRefName: branch,
          first: amount,
          orderBy: order('CREATED_AT', 'UPDATED_AT'),
        },
        required: ['first'],
        fields: { totalCount: value, nodes: { fields: pullRequest } },
      },
    },
  },
};

// Rules

/** In the words of Sveltia CMS, too, which has drafts that GitHub knows as such. */
function openDraft(body: Json, call: Call): Json {
  const { body: description, draft } = body;
  return {
    ...openPullRequest(body, call),
    ...(description === 'Automatically generated by Sveltia CMS' && { body: description }),
    ...(typeof draft === 'boolean' && { draft }),
  };
}

const mergeTitled = (body: Json, call: Call): Json => ({
  ...merge(body, call),
  ...(body['commit_title'] !== undefined && { commit_title: text(body['commit_title'], 'commit_title', 1000) }),
});

/** To GitHub a pull request is an issue, too. The CMS looks for its labels, and gets no more of any issue. */
function onlyLabels(body: unknown): object {
  const { number: issue, labels } = record(body);
  const names = Array.isArray(labels) ? labels.map((one: unknown) => ({ name: record(one)['name'] })) : [];
  return { number: issue, labels: names };
}

const rules: Rule[] = [
  {
    name: 'blob',
    method: 'GET',
    path: '/git/blobs/{sha}',
    parameters: { sha },
    immutable: true,
    raw: 'application/vnd.github.raw',
  },
  {
    name: 'files of a pull request',
    method: 'GET',
    path: '/pulls/{number}/files',
    parameters: { number },
    query: { per_page: size, page },
  },
  { name: 'labels', method: 'GET', path: '/issues/{number}', parameters: { number }, answer: onlyLabels },
  {
    name: 'open pull request',
    method: 'POST',
    path: '/pulls',
    body: jsonBody('from a draft into the published branch; the words of the CMS', openDraft),
  },
  {
    name: 'merge',
    method: 'PUT',
    path: '/pulls/{number}/merge',
    parameters: { number },
    guard: mergeableDraft,
    body: jsonBody('the words and the ways of the CMS', mergeTitled),
  },
  {
    name: 'add label',
    method: 'POST',
    path: '/issues/{number}/labels',
    parameters: { number },
    guard: labelsOfDraft,
    body: jsonBody('a list of names', label),
  },
  {
    name: 'set labels',
    method: 'PATCH',
    path: '/issues/{number}',
    parameters: { number },
    guard: labelsOfDraft,
    body: jsonBody('a list of names', label),
  },
];

// Mutations

/** What a mutation takes is looked at where it is carried out. */
const input: Pick<Field, 'arguments' | 'required'> = { arguments: { input: () => '' }, required: ['input'] };

/** Of an input nothing is left out: what is not known here might decide what is meant. */
function only(given: unknown, ...names: readonly string[]): Json {
  const known = record(given);
  if (Object.keys(known).every((name) => names.includes(name))) return known;
  throw refuse('its input holds more than the CMS ever sends');
}

const list = (given: unknown): readonly unknown[] => {
  if (given === undefined || given === null) return [];
  if (Array.isArray(given)) return given;
  throw refuse('its input has no list where there has to be one');
};

const encoded = (name: string): string => encodeURIComponent(name);

/**
 * Blobs, a tree, a commit and a moved branch. GitHub would do all of it at once, in the name of the credential; so it is done
 * piece by piece by the rules, and seen by nobody before the last step, which is refused if the branch has moved meanwhile. Each file is a
 * call, so what can be refused is refused before the first of them.
 *
 * @see https://docs.github.com/graphql/reference/mutations#createcommitonbranch
 */
async function createCommit(given: Json, { rest, gateway, editor, email }: ApiCall): Promise<Json> {
  const {
    branch: target,
    expectedHeadOid,
    fileChanges,
    message,
  } = only(given, 'branch', 'expectedHeadOid', 'fileChanges', 'message');
  const { repositoryNameWithOwner, branchName } = only(target, 'repositoryNameWithOwner', 'branchName');
  if (!sameName(repositoryNameWithOwner, gateway.fullName))
    throw refuse('it names another repository than that of CMS_GATEWAY_REPO');
  const name = text(branchName, 'branchName').replace(/^refs\/heads\//, '');
  if (name !== gateway.branch && !isDraft(name)) throw otherBranch(name, gateway);
  if (!isSha(expectedHeadOid)) throw refuse('"expectedHeadOid" is no hash of Git’s');
  const { headline, body } = only(message, 'headline', 'body');
  const title = text(headline, 'headline');
  const words = body ? `${title}\n\n${text(body, 'body')}` : title;
  const { additions, deletions } = only(fileChanges, 'additions', 'deletions');
  const [additionList, deletionList] = [list(additions), list(deletions)];
  // More could not be published. A file that is moved is in both lists, and is one change.
  if (Math.max(additionList.length, deletionList.length) >= mostFiles)
    throw refuse(`it changes more than ${mostFiles - 1} files`);
  const added = additionList.map((one) => {
    const { path: file, contents } = only(one, 'path', 'contents');
    // As text, base64 has nothing in it that could end a string.
    if (typeof contents !== 'string' || !/^[A-Za-z0-9+/]*={0,2}$/.test(contents))
      throw refuse('a file is not in base64');
    return { path: writablePath(file, gateway), contents };
  });
  const deleted = deletionList.map((one) => writablePath(only(one, 'path')['path'], gateway));
  const files = [...added.map((one) => one.path), ...deleted];
  if (new Set(files).size < files.length) throw refuse('it writes a file twice');
  if (files.length === 0) throw refuse('it changes nothing');

  const found = record((await rest('GET', `/branches/${encoded(name)}`))['commit']);
  if (found['sha'] !== expectedHeadOid) throw new StaleData(stale);
  const base = record(record(found['commit'])['tree'])['sha'];
  const blobs = await inTurn(added, ({ contents }) =>
    rest('POST', '/git/blobs', { content: contents, encoding: 'base64' }),
  );
  // Without one, the file would be deleted below.
  const shas = new Map(added.map((one, index) => [one.path, hash(blobs[index]?.['sha'], 'sha')]));
  const tree = await rest('POST', '/git/trees', {
    base_tree: base,
    tree: files.map((file) => ({ path: file, mode: '100644', type: 'blob', sha: shas.get(file) ?? null })),
  });
  const made = await rest('POST', '/git/commits', {
    message: words,
    tree: tree['sha'],
    parents: [expectedHeadOid],
    author: { name: editor.name, email },
  });
  try {
    await rest('PATCH', `/git/refs/heads/${encoded(name)}`, { sha: made['sha'], force: false });
  } catch (error) {
    // It is no step forward any more: somebody else's was in between. A protected branch is refused with the same status, and to
    // load the CMS again would not help there.
    const isBehind =
      error instanceof HostRefused
        ? /fast.forward/i.test(error.message)
        : error instanceof Failure && error.code === gatewayErrors.BRANCH_MOVED.code;
    if (isBehind) throw new StaleData(stale);
    throw error;
  }
  return {
    commit: {
      oid: made['sha'],
      committedDate: record(made['committer'])['date'],
      file: ({ path: file }: { path: string }) => (shas.has(file) ? { oid: shas.get(file) } : undefined),
    },
  };
}

const stale = 'The branch has moved since this was begun. Reload the CMS, then save again.';

/** A few at a time: one after the other is slow, and all at once is what hosts take for an attack. */
async function inTurn<Item, Result>(items: readonly Item[], work: (item: Item) => Promise<Result>): Promise<Result[]> {
  const results: Result[] = [];
  for (let index = 0; index < items.length; index += 4)
    results.push(...(await Promise.all(items.slice(index, index + 4).map(work))));
  return results;
}

/** @see https://docs.github.com/graphql/reference/mutations#createref */
async function createRef(given: Json, { rest }: ApiCall): Promise<Json> {
  const { repositoryId, name, oid } = only(given, 'repositoryId', 'name', 'oid');
  // There is one repository, so nothing hangs on which number it has.
  text(repositoryId, 'repositoryId');
  await rest('POST', '/git/refs', { ref: text(name, 'name'), sha: oid });
  return { ref: { name: text(name, 'name').replace(/^refs\/heads\//, '') } };
}

/**
 * There is no way but GraphQL to make a pull request a draft or ready. It is named by a number of GitHub's own, so it is looked at
 * first: is it one of ours?
 *
 * @see https://docs.github.com/graphql/reference/mutations#convertpullrequesttodraft
 */
const switchDraft =
  (mutation: string) =>
  async (given: Json, { graphql, gateway }: ApiCall): Promise<Json> => {
    const { pullRequestId: id } = only(given, 'pullRequestId');
    if (typeof id !== 'string' || !/^[\w=+/-]{1,200}$/.test(id)) throw refuse('it names no pull request');
    const [owner = '', name = ''] = gateway.fullName.split('/');
    const { repository: own, node } = await graphql(
      `query{repository(owner:${JSON.stringify(owner)},name:${JSON.stringify(name)}){id}node(id:${JSON.stringify(id)}){... on PullRequest{headRefName baseRefName headRepository{id}baseRepository{id}}}}`,
    );
    const { headRefName, baseRefName, headRepository, baseRepository } = record(node);
    // Names change, numbers do not; a fork's branch may be called like ours.
    const { id: ownId } = record(own);
    const isOurs = [headRepository, baseRepository].every((one) => ownId !== undefined && record(one)['id'] === ownId);
    if (!isOurs || !isDraft(headRefName) || baseRefName !== gateway.branch)
      throw refuse('that pull request is none of the CMS');
    const done = await graphql(
      `mutation{${mutation}(input:{pullRequestId:${JSON.stringify(id)}}){pullRequest{isDraft}}}`,
    );
    return { pullRequest: { isDraft: record(record(done[mutation])['pullRequest'])['isDraft'] } };
  };

const draftSwitch = (mutation: string, name: string) => ({
  name,
  field: { ...input, fields: { pullRequest: { fields: values('isDraft') } } },
  run: switchDraft(mutation),
});

// What we know ourselves

/** Some number has to be there, and always the same one. */
function numberOf(sub: string): number {
  const { hash } = process.getBuiltinModule('node:crypto');
  return hash('sha256', sub, 'buffer').readUIntBE(0, 6);
}

const user = ({ editor, email }: Session): Json => ({
  login: email,
  id: numberOf(editor.sub),
  type: 'User',
  name: editor.name,
  email,
  avatar_url: editor.picture ?? '',
  html_url: '',
});

const repository = ({ gateway: { fullName, branch: defaultBranch, base } }: Session): Json => {
  const [owner = '', name = ''] = fullName.split('/');
  return {
    name,
    full_name: fullName,
    owner: { login: owner },
    private: true,
    fork: false,
    allow_forking: false,
    html_url: `${base}/${fullName}`,
    default_branch: defaultBranch,
    permissions: { admin: false, push: true, pull: true },
  };
};

/** Of this one repository, whatever its name is: the path has been compared with it already. */
const below = (rest: string): RegExp => new RegExp(`^/repos/[^/]+/[^/]+${rest}$`);

export const api: HostApi = {
  rules,
  answers: [
    { name: 'who am I', method: 'GET', path: /^\/user$/, answer: user },
    { name: 'repository', method: 'GET', path: below(''), answer: repository },
    {
      name: 'collaborator',
      method: 'GET',
      path: below('/collaborators/([^/]+)'),
      // The editor's own name alone: who else may in is nobody's business.
      answer: ({ email }, login) => (sameName(login, email) ? null : undefined),
    },
    {
      name: 'permission',
      method: 'GET',
      path: below('/collaborators/([^/]+)/permission'),
      answer: ({ email }, login) => (sameName(login, email) ? { permission: 'write' } : undefined),
    },
  ],
  query,
  mutations: {
    createCommitOnBranch: {
      name: 'new commit',
      field: {
        ...input,
        fields: {
          commit: {
            fields: {
              ...values('oid', 'committedDate'),
              file: { arguments: { path }, required: ['path'], fields: values('oid') },
            },
          },
        },
      },
      run: createCommit,
    },
    createRef: {
      name: 'new branch',
      field: { ...input, fields: { ref: { fields: values('name') } } },
      run: createRef,
    },
    convertPullRequestToDraft: draftSwitch('convertPullRequestToDraft', 'draft'),
    markPullRequestReadyForReview: draftSwitch('markPullRequestReadyForReview', 'ready'),
  },
};
