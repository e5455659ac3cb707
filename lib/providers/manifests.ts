import { github } from './github.ts';

/**
 * Where an app can be registered by posting a manifest in place of filling in a form. These are facts for the set-up command
 * alone, and so not part of the provider's own record, which every deployed function holds.
 */
export interface ManifestFlow {
  /** `{state}` is put in; the field of the form that is posted there is called `manifest`. */
  path: string;
  organisationPath: string;
  /** Below the API's address. `{code}`, `{owner}` and `{repository}` are put in. */
  conversionPath: string;
  ownerPath: string;
  installationPath: string;
  /** Below the base URL, for the app's owner: a person, an organisation. `{slug}` and `{owner}` are put in. */
  settingsPath: string;
  organisationSettingsPath: string;
  /** Below the app's own page. */
  installPath: string;
  /** Characters that a name may have. */
  longestName: number;
  permissions: Readonly<Record<string, 'read' | 'write'>>;
  /** The same in words, for people. */
  rights: readonly string[];
  /** What to know about how long a token lives, by CMS. */
  expiry: readonly string[];
}

/**
 * @see https://docs.github.com/apps/sharing-github-apps/registering-a-github-app-from-a-manifest
 * @see https://docs.github.com/rest/apps/apps#create-a-github-app-from-a-manifest
 * @see https://docs.github.com/rest/apps/apps#get-a-repository-installation-for-the-authenticated-app
 */
const githubApp: ManifestFlow = {
  path: '/settings/apps/new?state={state}',
  organisationPath: '/organizations/{owner}/settings/apps/new?state={state}',
  conversionPath: '/app-manifests/{code}/conversions',
  ownerPath: '/users/{owner}',
  installationPath: '/repos/{owner}/{repository}/installation',
  settingsPath: '/settings/apps/{slug}',
  organisationSettingsPath: '/organizations/{owner}/settings/apps/{slug}',
  installPath: '/installations/new',
  longestName: 34,
  // Not `workflows`: an editor must not be able to change what the repository's CI runs.
  permissions: { metadata: 'read', contents: 'write', pull_requests: 'write', statuses: 'read' },
  rights: [
    'read and write the files of the repository',
    'read and write its pull requests, for the editorial workflow',
    'read commit statuses, for links to previews',
  ],
  expiry: [
    'Decap CMS and Netlify CMS: opt out. They cannot renew the token when its eight hours are over.',
    'Sveltia CMS: leave it on, and set CMS_AUTH_REFRESH to github.',
  ],
};

/** By provider id. */
export const manifests: Readonly<Record<string, ManifestFlow>> = { [github.id]: githubApp };
