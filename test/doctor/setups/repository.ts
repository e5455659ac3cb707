import { bitbucket, gitlab, backend, github, base, loginServer, type Setup } from './setup.ts';

/** Repository, API and rights. */
export const repository: Setup[] = [
  // repo, branch, site_domain
  {
    name: 'repo as an address',
    text: backend('name: github', 'repo: https://github.com/owner/name.git', 'branch: main', base),
    says: /repo is https:.*: it has to be owner\/name/,
    line: 3,
    write: 'repo: owner/name',
  },
  {
    name: 'repo as an SSH address',
    text: backend('name: gitlab', 'repo: git@gitlab.com:group/sub/project.git', 'branch: main', base),
    says: /it has to be group\/sub\/project/,
  },
  {
    name: 'repo without an owner',
    text: backend('name: github', 'repo: site', base),
    says: /repo is site, which is not of the form owner\/repository/,
  },
  {
    name: 'repo with a group too many',
    text: backend('name: github', 'repo: a/b/c', base),
    says: /repo is a\/b\/c, which is not of the form/,
  },
  { name: 'no repo', text: backend('name: github', 'branch: main', base), says: /repo is not set/ },
  {
    name: 'no branch',
    text: backend('name: github', 'repo: a/b', base),
    says: /branch is not set/,
    severity: 'risky',
    write: 'branch: main',
  },
  {
    name: 'branch as a reference',
    text: backend('name: github', 'repo: a/b', 'branch: refs/heads/main', base),
    says: /branch is a full reference/,
    write: 'branch: main',
  },
  {
    name: 'branch as a number',
    text: backend('name: github', 'repo: a/b', 'branch: 2024', base),
    says: /branch is a number \(2024\)/,
    write: 'branch: "2024"',
  },
  {
    name: 'site_domain with a scheme',
    text: backend(...github, base, 'site_domain: https://www.example.com/'),
    says: /site_domain is more than a host name/,
    severity: 'risky',
    write: 'site_domain: www.example.com',
  },
  // Hosts of one's own
  {
    name: 'api_root that is a web address',
    text: backend(...gitlab, base, 'api_root: https://git.invalid'),
    says: /api_root is https:\/\/git\.invalid, which is not where the API of GitLab is/,
    write: 'api_root: https://git.invalid/api/v4',
  },
  {
    name: 'api_root that is github.com',
    text: backend(...github, base, 'api_root: https://github.com'),
    says: /api_root is https:\/\/github\.com/,
    write: 'api_root: https://api.github.com',
  },
  {
    name: 'api_root of an Enterprise Server without /api/v3',
    text: backend(...github, base, 'api_root: https://git.invalid/api'),
    says: /api_root is .* not where the API of GitHub is/,
    write: 'api_root: https://git.invalid/api/v3',
  },
  {
    name: 'api_root on http',
    text: backend(...gitlab, base, 'api_root: http://git.invalid/api/v4'),
    says: /api_root begins with http:\/\//,
  },
  {
    name: 'Sveltia with an Enterprise Server without graphql_api_root',
    text: backend(...github, base, 'api_root: https://git.invalid/api/v3'),
    cms: 'sveltia',
    says: /graphql_api_root is not set, although api_root is/,
    write: 'graphql_api_root: https://git.invalid/api/graphql',
  },
  {
    name: 'graphql_api_root of another host',
    text: backend(...gitlab, base, 'graphql_api_root: https://git.invalid/api/graphql'),
    says: /graphql_api_root and api_root do not belong together/,
    severity: 'risky',
    write: 'api_root: https://git.invalid/api/v4',
  },
  // Sessions and rights
  {
    name: 'Bitbucket without the second base_url',
    text: backend(...bitbucket, base),
    says: /base_url is missing at the top level, where Bitbucket sessions are renewed/,
    write: base,
  },
  {
    name: 'Bitbucket with the top-level base_url alone',
    text: `base_url: ${loginServer}\n${backend(...bitbucket)}`,
    says: /base_url stands at the top level instead of under backend/,
    line: 1,
  },
  {
    name: 'Bitbucket with two different base_url',
    text: `base_url: https://old.invalid\n${backend(...bitbucket, base)}`,
    says: /The two base_url name different servers/,
    line: 1,
  },
  {
    name: 'open_authoring without the workflow',
    text: backend(...github, base, 'open_authoring: true'),
    says: /open_authoring needs "publish_mode: editorial_workflow"/,
    line: 6,
  },
  {
    name: 'a scope that no CMS takes',
    text: backend(...github, base, 'auth_scope: repo,user'),
    says: /auth_scope is repo,user: it may be repo or public_repo/,
  },
];
