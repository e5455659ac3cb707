import { bitbucket } from './bitbucket.ts';
import { github } from './github.ts';
import { gitlab } from './gitlab.ts';
import type { CmsName } from './provider.ts';

/**
 * Facts about a Git host that the doctor alone needs, and so not part of the provider's own record, which every deployed
 * function holds. All of them may be absent: of a host without them, the doctor says only what follows from its record.
 */
export interface DiagnosisFacts {
  /** What its client secrets look like. */
  secret?: RegExp;
  /** What people take for the client id, by what it is called. */
  otherId?: { name: string; form: RegExp };
  /** CMSs that finish a login through a server and then drop the token. */
  dropsToken?: readonly CmsName[];
  /** A login in the page by PKCE, without a server. */
  pkce?: {
    /** What to register for it; `{page}` stands for the admin page's address. */
    register: string;
    /** The version of a CMS that brought it, where older ones are in use. */
    since: Readonly<Partial<Record<CmsName, readonly [number, number]>>>;
    /** The version that brought the renewal of its tokens. */
    renews: Readonly<Partial<Record<CmsName, readonly [number, number]>>>;
  };
  /** The version of a CMS that brought work in forks (`open_authoring`), where older ones ignore it and are in use. */
  forksSince?: Readonly<Partial<Record<CmsName, readonly [number, number]>>>;
  /** How long a token of the implicit login lives. */
  implicitLife?: string;
  /** What becomes of a configuration without `branch` in Decap CMS, where that is more than a wrong guess. */
  branchLookup?: string;
  /**
   * Below the API's root, what anybody may read of a public repository. `{repo}` and `{branch}` are put in, and `{id}` is the repository
   * with its slashes encoded; the answer has its whole name under `nameKey`.
   *
   * @see https://docs.github.com/en/rest/repos/repos#get-a-repository
   * @see https://docs.gitlab.com/api/projects/#retrieve-a-project
   */
  repository?: { path: string; branchPath: string; nameKey: string };
}

/**
 * By provider id.
 *
 * @see https://github.blog/changelog/2024-05-21-client-ids-for-github-apps-and-oauth-apps/
 * @see https://docs.gitlab.com/security/tokens/#token-prefixes
 */
export const diagnosisFacts: Readonly<Record<string, DiagnosisFacts>> = {
  [github.id]: {
    secret: /^[0-9a-f]{40}$/,
    otherId: { name: 'App ID', form: /^\d{1,9}$/ },
    forksSince: { sveltia: [0, 196] },
    repository: { path: '/repos/{repo}', branchPath: '/repos/{repo}/branches/{branch}', nameKey: 'full_name' },
  },
  [gitlab.id]: {
    secret: /^gloas-/,
    dropsToken: ['static'],
    pkce: {
      register:
        'Register {page} as its Redirect URI, exactly as it is, its final slash included. Switch Confidential off, and tick the scope api.',
      since: { netlify: [2, 10] },
      renews: { decap: [3, 14] },
    },
    repository: {
      path: '/projects/{id}',
      branchPath: '/projects/{id}/repository/branches/{branch}',
      nameKey: 'path_with_namespace',
    },
  },
  [bitbucket.id]: {
    implicitLife: 'one hour',
    branchLookup: 'The CMS then looks it up in a way that breaks when the token has expired.',
  },
};
