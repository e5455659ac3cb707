/**
 * GitLab's GraphQL schema as far as Sveltia CMS asks for it, and Decap with `use_graphql`: a repository, its files and
 * their last commits. Saving goes by REST.
 *
 * @see https://docs.gitlab.com/api/graphql/reference/
 */
import type { GitLabHost } from '../gitlab.ts';
import type { Caller } from './api.ts';

/** The most nodes of one answer. */
const most = 100;

export function schema(gitlab: GitLabHost, caller: Caller) {
  const { repository, user } = gitlab;

  const commitNode = (ref: string, path?: string) => {
    const commit = repository.history(ref, path)[0];
    if (commit === undefined) return null;
    const { author, message, sha } = commit;
    const ours = author.name === user.name;
    return {
      __typename: 'Commit',
      id: `gid://gitlab/Commit/${sha}`,
      sha,
      message,
      authorName: author.name,
      authorEmail: author.email,
      authoredDate: author.date,
      author: ours ? { __typename: 'UserCore', id: 1, name: user.name, username: user.login, publicEmail: '' } : null,
    };
  };

  const tree = ({ ref = repository.defaultBranch, path = '', recursive = false }) => {
    // There is always a tree; what it is of shows in what is missing from it.
    const sha = repository.resolve(`${ref}:${path}`);
    const entries = sha === undefined ? [] : repository.list(sha, recursive, path === '' ? '' : `${path}/`);
    const blobs = entries.filter(({ type }) => type === 'blob');
    return {
      __typename: 'Tree',
      lastCommit: commitNode(ref, path === '' ? undefined : path),
      blobs: ({ after, first = most }: { after?: string; first?: number }) => {
        const start = Number(after) || 0;
        const end = Math.min(start + Math.min(first, most), blobs.length);
        return {
          __typename: 'BlobConnection',
          nodes: blobs.slice(start, end).map((entry) => ({
            __typename: 'TreeEntry',
            id: `gid://gitlab/Gitlab::Graphql::Representation::TreeEntry/${entry.sha}`,
            ...entry,
          })),
          pageInfo: { __typename: 'PageInfo', endCursor: String(end), hasNextPage: end < blobs.length },
        };
      },
    };
  };

  const blob = (ref: string, path: string) => {
    const sha = repository.resolve(`${ref}:${path}`);
    const content = repository.blob(sha ?? '');
    if (sha === undefined || content === undefined) return [];
    const text = content.toString();
    return [
      {
        __typename: 'RepositoryBlob',
        id: `gid://gitlab/Gitlab::Git::Blob/${sha}`,
        oid: sha,
        path,
        name: path.slice(path.lastIndexOf('/') + 1),
        size: String(content.length),
        rawBlob: text,
        // Nothing for what is not text.
        rawTextBlob: content.includes(0) ? null : text,
      },
    ];
  };

  return {
    query: {
      __typename: 'Query',
      project: ({ fullPath }: { fullPath: string }) => {
        if (!caller.mayRead || fullPath.toLowerCase() !== repository.fullName.toLowerCase()) return null;
        return {
          __typename: 'Project',
          id: 'gid://gitlab/Project/1',
          repository: {
            __typename: 'Repository',
            rootRef: repository.defaultBranch,
            tree,
            blobs: ({ ref = repository.defaultBranch, paths }: { ref?: string; paths: string[] }) => ({
              __typename: 'RepositoryBlobConnection',
              nodes: paths.slice(0, most).flatMap((path) => blob(ref, path)),
            }),
          },
        };
      },
    },
    mutation: { __typename: 'Mutation' },
  };
}
