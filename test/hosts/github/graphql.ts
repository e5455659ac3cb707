/**
 * GitHub's GraphQL, as far as Sveltia CMS asks for it, in GitHub's own schema: a document that GitHub would not take is not taken
 * here, and one that asks for something else than this host knows is remembered as unexpected.
 *
 * @see https://docs.github.com/en/graphql/reference
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildSchema, execute, GraphQLError, parse, validate, type GraphQLSchema } from 'graphql';
import type { GitHubHost } from '../github.ts';
import { changesBetween, mergeBase } from '../merge.ts';
import type { Commit, Signature } from '../repository.ts';
import type { Caller } from './api.ts';
import type { PullRequest } from './pull-requests.ts';

interface CommitInput {
  branch: { repositoryNameWithOwner: string; branchName: string };
  expectedHeadOid: string;
  fileChanges: { additions?: Array<{ path: string; contents: string }>; deletions?: Array<{ path: string }> };
  message: { headline: string; body?: string };
}

/** Beyond this, `Blob.text` is cut off. */
const longestText = 512 * 1024;

export const repositoryId = 'R_kgDODemo';
export const nodeIdOf = ({ number }: PullRequest) => `PR_kwDODemo${number}`;

let built: GraphQLSchema | undefined;

/** As GitHub publishes it. It takes a moment, so only for those who ask. */
function githubSchema(): GraphQLSchema {
  if (built) return built;
  const text = readFileSync(join('node_modules', '@octokit', 'graphql-schema', 'schema.graphql'), 'utf8');
  built = buildSchema(text, { assumeValid: true, assumeValidSDL: true, noLocation: true });
  return built;
}

/** GitHub's errors have a type beside the words. */
class TypedError extends Error {
  readonly type: string;
  constructor(message: string, type: string) {
    super(message);
    this.type = type;
  }
}

export interface GraphQLAnswer {
  body: object;
  /** Why this host cannot play GitHub here. */
  unexpected?: string;
}

export async function answerGraphQL(
  github: GitHubHost,
  caller: Caller,
  source: string,
  variables: Readonly<Record<string, unknown>>,
): Promise<GraphQLAnswer> {
  const schema = githubSchema();
  let document;
  try {
    document = parse(source);
  } catch (error) {
    return { body: { errors: [{ message: String(error) }] }, unexpected: `GraphQL: ${String(error)}` };
  }
  const problems = validate(schema, document);
  if (problems.length > 0) {
    const errors = problems.map(({ message, locations }) => ({ message, locations }));
    return { body: { errors }, unexpected: `GraphQL: ${errors.map(({ message }) => message).join(' ')}` };
  }
  const rootValue = root(github, caller);
  const missing = new Set<string>();
  const result = await execute({
    schema,
    document,
    rootValue,
    variableValues: variables,
    fieldResolver(found: Record<string, unknown>, given: unknown, _, { fieldName, parentType }) {
      if (fieldName === '__typename') return parentType.name;
      if (!(fieldName in found)) {
        missing.add(`${parentType.name}.${fieldName}`);
        return null;
      }
      const value = found[fieldName];
      return typeof value === 'function' ? (value as (given: unknown) => unknown)(given) : value;
    },
  });
  const errors = result.errors?.map((error: GraphQLError) => {
    const { originalError, message, path, locations } = error;
    return { ...(originalError instanceof TypedError && { type: originalError.type }), path, locations, message };
  });
  return {
    body: { data: result.data ?? null, ...(errors && { errors }) },
    ...(missing.size > 0 && { unexpected: `GraphQL: this host does not know ${[...missing].join(', ')}.` }),
  };
}

interface Paging {
  first?: number;
  last?: number;
}

/** A list, of which GitHub wants to be told how much. */
function connection(typename: string, all: readonly object[], { first, last }: Paging) {
  const size = first ?? last;
  if (size === undefined)
    throw new TypedError(
      `You must provide a \`first\` or \`last\` value to properly paginate the \`${typename}\` connection.`,
      'MISSING_PAGINATION_BOUNDARIES',
    );
  if (size > 100)
    throw new TypedError(
      `Requesting ${size} records on the \`${typename}\` connection exceeds the \`first\` limit of 100 records.`,
      'EXCESSIVE_PAGINATION',
    );
  return { totalCount: all.length, nodes: last === undefined ? all.slice(0, size) : all.slice(-size) };
}

function root(github: GitHubHost, caller: Caller) {
  const { repository, user } = github;

  const isOurs = (fullName: string) => caller.mayRead && fullName.toLowerCase() === repository.fullName.toLowerCase();
  const mayWrite = () => {
    if (!caller.mayWrite) throw new TypedError('Resource not accessible by this token', 'FORBIDDEN');
  };

  const blobNode = (sha: string) => {
    const content = repository.blob(sha);
    if (content === undefined) return null;
    const isBinary = content.includes(0);
    const isTruncated = content.length > longestText;
    const text = isBinary ? null : content.subarray(0, longestText).toString();
    return { __typename: 'Blob', id: `B_${sha}`, oid: sha, byteSize: content.length, text, isBinary, isTruncated };
  };

  const actor = ({ name, email, date }: Signature) => ({
    name,
    email,
    date,
    avatarUrl: `${github.url}/avatar.svg`,
    user: name === user.name ? { __typename: 'User', databaseId: 1, login: user.login } : null,
  });

  const commitNode = (sha: string): object | null => {
    const commit: Commit | undefined = repository.commit(sha);
    if (!commit) return null;
    const { author, committer = author, message } = commit;
    const statuses = github.statuses.get(sha) ?? [];
    return {
      __typename: 'Commit',
      oid: sha,
      message,
      committedDate: committer.date,
      author: actor(author),
      committer: actor(committer),
      file: ({ path }: { path: string }) => {
        const oid = repository.resolve(`${sha}:${path}`);
        return oid === undefined ? null : { oid, path, name: path.split('/').at(-1) };
      },
      history: ({ path, ...paging }: Paging & { path?: string }) =>
        connection(
          'history',
          repository.history(sha, path).flatMap((found) => commitNode(found.sha) ?? []),
          paging,
        ),
      status:
        statuses.length === 0
          ? null
          : {
              contexts: statuses.map(({ context, state, target_url: targetUrl }) => ({
                context,
                state: state.toUpperCase(),
                targetUrl,
                description: null,
              })),
            },
      deployments: (paging: Paging) => {
        if (caller.isApp) throw new TypedError('Resource not accessible by integration', 'FORBIDDEN');
        return connection('deployments', [], paging);
      },
      checkSuites: (paging: Paging) => {
        if (caller.isApp) throw new TypedError('Resource not accessible by integration', 'FORBIDDEN');
        return connection('checkSuites', [], paging);
      },
    };
  };

  const refNode = (name: string) => {
    const branch = name.replace(/^refs\/heads\//, '');
    const sha = repository.branches.get(branch);
    return sha === undefined ? null : { name: branch, prefix: 'refs/heads/', target: commitNode(sha) };
  };

  const pullRequestNode = (request: PullRequest) => {
    const head = repository.branches.get(request.head);
    const base = repository.branches.get(request.base);
    const isFork = request.owner !== repository.owner;
    const start = head && base && mergeBase(repository, base, head);
    const files = (head && start ? changesBetween(repository, start, head) : []).map(({ path, before, after }) => ({
      path,
      changeType: before === undefined ? 'ADDED' : after === undefined ? 'DELETED' : 'MODIFIED',
    }));
    return {
      __typename: 'PullRequest',
      id: nodeIdOf(request),
      number: request.number,
      title: request.title,
      url: `${github.url}/${repository.fullName}/pull/${request.number}`,
      state: request.merged ? 'MERGED' : request.state.toUpperCase(),
      isDraft: request.draft,
      isCrossRepository: isFork,
      createdAt: request.updated,
      updatedAt: request.updated,
      headRefName: request.head,
      headRefOid: head ?? '0'.repeat(40),
      baseRefName: request.base,
      headRepository: isFork ? { id: `R_of_${request.owner}` } : { id: repositoryId },
      baseRepository: { id: repositoryId },
      author: {
        __typename: 'User',
        login: user.login,
        name: user.name,
        email: '',
        databaseId: 1,
        avatarUrl: `${github.url}/avatar.svg`,
      },
      labels: (paging: Paging) =>
        connection(
          'labels',
          request.labels.map((name) => ({ name })),
          paging,
        ),
      files: (paging: Paging) => connection('files', files, paging),
    };
  };

  const repositoryNode = () => ({
    id: repositoryId,
    name: repository.name,
    nameWithOwner: repository.fullName,
    defaultBranchRef: refNode(repository.defaultBranch),
    ref: ({ qualifiedName }: { qualifiedName: string }) => refNode(qualifiedName),
    object: ({ oid, expression }: { oid?: string; expression?: string }) => {
      const id = oid ?? repository.branches.get(expression ?? '') ?? repository.resolve(expression ?? '') ?? '';
      return commitNode(id) ?? blobNode(id);
    },
    pullRequests: ({
      states,
      labels,
      headRefName,
      ...paging
    }: Paging & { states?: string[]; labels?: string[]; headRefName?: string }) => {
      const found = github.pullRequests
        .map((request) => ({ request, node: pullRequestNode(request) }))
        .filter(
          ({ request, node }) =>
            (states ?? [node.state]).includes(node.state) &&
            (headRefName === undefined || headRefName === request.head) &&
            (labels === undefined || request.labels.some((label) => labels.includes(label))),
        )
        .map(({ node }) => node);
      return connection('pullRequests', found.toReversed(), paging);
    },
  });

  const pullRequestOf = (id: string) => {
    const found = caller.mayRead ? github.pullRequests.find((request) => nodeIdOf(request) === id) : undefined;
    if (!found) throw new TypedError(`Could not resolve to a node with the global id of '${id}'`, 'NOT_FOUND');
    return found;
  };

  const setDraft =
    (draft: boolean) =>
    ({ input: { pullRequestId } }: { input: { pullRequestId: string } }) => {
      mayWrite();
      const request = pullRequestOf(pullRequestId);
      request.draft = draft;
      return { pullRequest: pullRequestNode(request) };
    };

  return {
    repository: ({ owner, name }: { owner: string; name: string }) => {
      if (!isOurs(`${owner}/${name}`))
        throw new TypedError(`Could not resolve to a Repository with the name '${owner}/${name}'.`, 'NOT_FOUND');
      return repositoryNode();
    },
    node: ({ id }: { id: string }) =>
      id === repositoryId ? { __typename: 'Repository', ...repositoryNode() } : pullRequestNode(pullRequestOf(id)),

    createCommitOnBranch: ({ input }: { input: CommitInput }) => {
      const { branch, expectedHeadOid, fileChanges, message } = input;
      if (!isOurs(branch.repositoryNameWithOwner))
        throw new TypedError('Could not resolve to a Repository with this name.', 'NOT_FOUND');
      mayWrite();
      if (repository.branches.get(branch.branchName) !== expectedHeadOid)
        throw new TypedError(
          `Expected branch to point to "${expectedHeadOid}" but it did not. Pull and try again.`,
          'STALE_DATA',
        );
      const files: Record<string, Buffer | null> = {};
      for (const { path } of fileChanges.deletions ?? []) files[path] = null;
      for (const { path, contents } of fileChanges.additions ?? []) files[path] = Buffer.from(contents, 'base64');
      const author = {
        name: user.name,
        email: `${user.login}@users.noreply.example.com`,
        date: new Date().toISOString(),
      };
      const sha = repository.save(branch.branchName, files, message.headline, author);
      return { commit: commitNode(sha) };
    },
    createRef: ({ input }: { input: { repositoryId: string; name: string; oid: string } }) => {
      mayWrite();
      const branch = input.name.replace(/^refs\/heads\//, '');
      if (input.repositoryId !== repositoryId || repository.commit(input.oid) === undefined)
        throw new TypedError('Could not resolve to a node with this global id.', 'NOT_FOUND');
      if (repository.branches.has(branch))
        throw new TypedError(`A ref named "${input.name}" already exists in the repository.`, 'UNPROCESSABLE');
      repository.branches.set(branch, input.oid);
      return { ref: refNode(branch) };
    },
    convertPullRequestToDraft: setDraft(true),
    markPullRequestReadyForReview: setDraft(false),
  };
}
