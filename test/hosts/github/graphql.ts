/**
 * GitHub's GraphQL schema as far as Sveltia CMS asks for it: a repository, its history, its blobs, and the one mutation
 * that saves.
 *
 * @see https://docs.github.com/en/graphql/reference/mutations#createcommitonbranch
 */
import type { GitHubHost } from '../github.ts';
import { GraphQLError } from '../graphql.ts';
import type { Caller } from './api.ts';

interface CommitInput {
  branch: { repositoryNameWithOwner: string; branchName: string };
  expectedHeadOid: string;
  fileChanges: { additions?: Array<{ path: string; contents: string }>; deletions?: Array<{ path: string }> };
  message: { headline: string; body?: string };
}

/** Beyond this, `Blob.text` is cut off. */
const longestText = 512 * 1024;

export function schema(github: GitHubHost, caller: Caller) {
  const { repository, user } = github;

  const find = (fullName: string) => {
    if (caller.mayRead && fullName.toLowerCase() === repository.fullName.toLowerCase()) return;
    throw new GraphQLError(`Could not resolve to a Repository with the name '${fullName}'.`, 'NOT_FOUND');
  };

  const blobNode = (sha: string | undefined) => {
    const content = sha === undefined ? undefined : repository.blob(sha);
    if (content === undefined) return null;
    const isTruncated = content.length > longestText;
    const text = content.subarray(0, longestText).toString();
    return { __typename: 'Blob', oid: sha, byteSize: content.length, text, isTruncated };
  };

  const commitNode = (sha: string): object => {
    const commit = repository.commit(sha);
    return {
      __typename: 'Commit',
      oid: sha,
      message: commit?.message,
      committedDate: commit?.author.date,
      author: {
        __typename: 'GitActor',
        name: commit?.author.name,
        email: commit?.author.email,
        avatarUrl: `${github.url}/avatar.svg`,
        user: commit?.author.name === user.name ? { __typename: 'User', databaseId: 1, login: user.login } : null,
      },
      file: ({ path }: { path: string }) => blobNode(repository.resolve(`${sha}:${path}`)),
      history: ({ first, path }: { first: number; path?: string }) => ({
        __typename: 'CommitHistoryConnection',
        nodes: repository
          .history(sha, path)
          .slice(0, first)
          .map((found) => commitNode(found.sha)),
      }),
    };
  };

  const refNode = (branch: string) => {
    const sha = repository.branches.get(branch.replace(/^refs\/heads\//, ''));
    return sha === undefined ? null : { __typename: 'Ref', name: branch, target: commitNode(sha) };
  };

  return {
    query: {
      __typename: 'Query',
      repository: ({ owner, name }: { owner: string; name: string }) => {
        find(`${owner}/${name}`);
        return {
          __typename: 'Repository',
          defaultBranchRef: refNode(repository.defaultBranch),
          ref: ({ qualifiedName }: { qualifiedName: string }) => refNode(qualifiedName),
          object: ({ oid, expression }: { oid?: string; expression?: string }) =>
            blobNode(oid ?? repository.resolve(expression ?? '')),
        };
      },
    },
    mutation: {
      __typename: 'Mutation',
      createCommitOnBranch: ({ input }: { input: CommitInput }) => {
        const { branch, expectedHeadOid, fileChanges, message } = input;
        find(branch.repositoryNameWithOwner);
        if (!caller.mayWrite) {
          throw new GraphQLError('Resource not accessible by this token', 'FORBIDDEN');
        }
        if (repository.branches.get(branch.branchName) !== expectedHeadOid) {
          const description = `Expected branch to point to "${expectedHeadOid}" but it did not. Pull and try again.`;
          throw new GraphQLError(description, 'STALE_DATA');
        }
        const files: Record<string, Buffer | null> = {};
        for (const { path } of fileChanges.deletions ?? []) files[path] = null;
        for (const { path, contents } of fileChanges.additions ?? []) files[path] = Buffer.from(contents, 'base64');
        const author = {
          name: user.name,
          email: `${user.login}@users.noreply.example.com`,
          date: new Date().toISOString(),
        };
        const sha = repository.save(branch.branchName, files, message.headline, author);
        return { __typename: 'CreateCommitOnBranchPayload', commit: commitNode(sha) };
      },
    },
  };
}
