/** Set-ups as owners write them: what is in the file, and what the first line of the answer has to say. */

/** An example's name, which is not asked: these are about the file. */
export const hop = 'https://auth.example.com';

export interface Setup {
  name: string;
  text: string;
  /** What the first line says. */
  says: RegExp;
  /** The line of the file that it names. */
  line?: number;
  cms?: 'decap' | 'netlify' | 'sveltia';
  /** Default: `config.yml` */
  file?: string;
  args?: string[];
  severity?: 'broken' | 'risky' | 'note';
  /** A line that the answer tells to write. */
  write?: string;
}

const backend = (...lines: string[]) => `backend:\n${lines.map((line) => `  ${line}\n`).join('')}`;
const github = ['name: github', 'repo: owner/repository', 'branch: main'];
const gitlab = ['name: gitlab', 'repo: group/sub/project', 'branch: main'];
const bitbucket = ['name: bitbucket', 'repo: workspace/repository', 'branch: main'];
const base = `base_url: ${hop}`;

export const broken: Setup[] = [
  // base_url
  {
    name: 'base_url with the path of a stage',
    text: backend(...github, `base_url: ${hop}/prod`),
    says: /base_url has a path \(\/prod\)/,
    line: 5,
    write: 'auth_endpoint: prod/auth',
  },
  {
    name: 'base_url with /auth',
    text: backend(...github, `base_url: ${hop}/auth`),
    says: /base_url has a path \(\/auth\)/,
    write: base,
  },
  {
    name: 'base_url with the path of a Netlify function',
    text: backend(...github, `base_url: ${hop}/.netlify/functions`),
    says: /base_url has a path/,
    write: base,
  },
  {
    name: 'base_url that is the callback address',
    text: backend(...github, `base_url: ${hop}/auth/github/callback`),
    says: /base_url has a path/,
    write: base,
  },
  {
    name: 'base_url with /auth, in Sveltia',
    text: backend(...github, `base_url: ${hop}/auth`),
    says: /base_url has a path/,
    cms: 'sveltia',
  },
  {
    name: 'base_url with a query',
    text: backend(...github, `base_url: ${hop}?provider=github`),
    says: /base_url has a path \(\/\?provider/,
  },
  {
    name: 'base_url with a final slash',
    text: backend(...github, `base_url: ${hop}/`),
    says: /base_url has a final slash/,
    severity: 'risky',
    write: base,
  },
  {
    name: 'base_url in capitals',
    text: backend(...github, 'base_url: https://Auth.Example.com'),
    says: /base_url is not spelt as browsers spell it/,
    write: base,
  },
  {
    name: 'base_url with the default port',
    text: backend(...github, 'base_url: https://auth.invalid:443'),
    says: /base_url is not spelt as browsers spell it: https:\/\/auth\.invalid/,
  },
  {
    name: 'base_url with an international name',
    text: backend(...github, 'base_url: https://bücher.invalid'),
    says: /base_url is not spelt .* https:\/\/xn--bcher-kva\.invalid/,
  },
  {
    name: 'base_url without a scheme',
    text: backend(...github, 'base_url: auth.invalid'),
    says: /base_url has no https:\/\/ in front/,
    write: 'base_url: https://auth.invalid',
  },
  {
    name: 'base_url with one slash too few',
    text: backend(...github, 'base_url: https:/auth.invalid'),
    says: /base_url has no https:\/\/ in front/,
  },
  {
    name: 'base_url on http',
    text: backend(...github, 'base_url: http://auth.invalid'),
    says: /base_url begins with http:\/\//,
    write: 'base_url: https://auth.invalid',
  },
  {
    name: 'base_url that is the Git host',
    text: backend(...github, 'base_url: https://github.com'),
    says: /base_url points at the Git host \(github\.com\)/,
  },
  {
    name: 'base_url that is the Git host of one’s own',
    text: backend(...gitlab, 'base_url: https://git.invalid', 'api_root: https://git.invalid/api/v4'),
    says: /base_url points at the Git host \(git\.invalid\)/,
  },
  {
    name: 'base_url of another server than the one that was set up',
    text: backend(...github, 'base_url: https://old.invalid'),
    args: ['--hop', hop],
    says: /base_url is https:\/\/old\.invalid, but your login server is https:\/\/auth\.example\.com/,
    write: base,
  },
  {
    name: 'base_url in quotes with a space',
    text: backend(...github, `base_url: "${hop} "`),
    says: /base_url has a space/,
  },
  {
    name: 'no base_url',
    text: backend(...github),
    says: /base_url is not set, so the CMS logs in at api\.netlify\.com/,
    line: 1,
  },
  {
    name: 'no base_url, Sveltia with GitLab',
    text: backend(...gitlab),
    cms: 'sveltia',
    says: /base_url is not set, so the popup goes to gitlab\.com/,
  },
  { name: 'base_url left empty', text: backend(...github, 'base_url:'), says: /base_url is not set/, line: 5 },
  {
    name: 'base_url that a build was to fill in',
    text: backend(...github, 'base_url: "${AUTH_URL}"'),
    says: /base_url still holds a placeholder/,
    line: 5,
  },
  // Keys
  {
    name: 'base_url at the top level',
    text: `${backend(...github)}base_url: ${hop}\n`,
    says: /base_url stands at the top level instead of under backend/,
    line: 5,
    write: base,
  },
  {
    name: 'base_url and auth_endpoint at the top level',
    text: `${backend(...github)}base_url: ${hop}\nauth_endpoint: auth\n`,
    says: /base_url, auth_endpoint stand at the top level/,
  },
  {
    name: 'backend not indented',
    text: `backend:\n${[...github, base].join('\n')}\n`,
    says: /name, repo, branch, base_url stand at the top level/,
    line: 2,
  },
  {
    name: 'site_domain at the top level',
    text: `${backend(...github, base)}site_domain: www.example.com\n`,
    says: /site_domain stands at the top level/,
    severity: 'risky',
  },
  {
    name: 'publish_mode under backend',
    text: backend(...github, base, 'publish_mode: editorial_workflow'),
    says: /publish_mode stands under backend/,
    severity: 'risky',
    line: 6,
  },
  {
    name: 'baseurl',
    text: backend(...github, `baseurl: ${hop}`),
    says: /baseurl is no key .* base_url/,
    line: 5,
    write: base,
  },
  { name: 'baseUrl', text: backend(...github, `baseUrl: ${hop}`), says: /baseUrl is no key .* base_url/ },
  { name: 'base-url', text: backend(...github, `base-url: ${hop}`), says: /base-url is no key .* base_url/ },
  { name: 'base_ulr', text: backend(...github, `base_ulr: ${hop}`), says: /base_ulr is no key .* base_url/ },
  { name: 'oauth_url', text: backend(...github, `oauth_url: ${hop}`), says: /oauth_url is no key .* base_url/ },
  {
    name: 'auth-endpoint',
    text: backend(...github, base, 'auth-endpoint: auth'),
    says: /auth-endpoint is no key .* auth_endpoint/,
    line: 6,
  },
  {
    name: 'baseurl at the top level',
    text: `${backend(...github)}baseurl: ${hop}\n`,
    says: /baseurl is no key .* base_url/,
  },
  { name: 'repository', text: backend('name: github', 'repository: a/b', base), says: /repository is no key .* repo/ },
  {
    name: 'Backend',
    text: backend(...github, base).replace('backend', 'Backend'),
    says: /Backend is no key .* backend/,
    line: 1,
  },
  { name: 'no backend', text: 'collections: []\n', says: /has no backend/ },
  { name: 'backend as a word', text: 'backend: github\n', says: /backend is empty or is no group/, line: 1 },
  { name: 'backend as a list', text: 'backend:\n  - name: github\n', says: /backend is empty or is no group/ },
  {
    name: 'the client secret',
    text: backend(...github, base, 'client_secret: abc'),
    says: /client_secret stands in the CMS configuration, which everybody can read/,
    line: 6,
  },
  {
    name: 'base_url in a group of its own',
    text: `${backend(...github)}  auth:\n    base_url: ${hop}\n`,
    says: /base_url stands under auth instead of directly under backend/,
    line: 6,
    write: base,
  },
  {
    name: 'base_url in another group',
    text: `${backend(...github)}site:\n  base_url: ${hop}\n`,
    says: /base_url stands under site instead of directly under backend/,
    line: 6,
  },
  // Backend
  {
    name: 'GitHub with capitals',
    text: backend('name: GitHub', 'repo: a/b', base),
    says: /backend\.name is GitHub/,
    line: 2,
    write: 'name: github',
  },
  {
    name: 'github.com as the name',
    text: backend('name: github.com', 'repo: a/b', base),
    says: /backend\.name is github\.com/,
    write: 'name: github',
  },
  { name: 'no name', text: backend('repo: a/b', base), says: /backend has no name/ },
  {
    name: 'Sveltia with Bitbucket',
    text: backend(...bitbucket, base),
    cms: 'sveltia',
    says: /Sveltia CMS has no bitbucket backend/,
  },
  {
    name: 'Sveltia with git-gateway',
    text: backend('name: git-gateway', 'branch: main'),
    cms: 'sveltia',
    says: /Sveltia CMS has no git-gateway backend/,
  },
  {
    name: 'git-gateway with a login server',
    text: backend('name: git-gateway', 'branch: main', base),
    says: /git-gateway works with Netlify Identity only/,
    line: 2,
  },
  {
    name: 'implicit at GitLab',
    text: backend(...gitlab, 'auth_type: implicit', 'app_id: abc'),
    says: /GitLab has no implicit login any more/,
    line: 5,
  },
  {
    name: 'implicit at Bitbucket',
    text: backend(...bitbucket, 'auth_type: implicit', 'app_id: abc'),
    says: /"auth_type: implicit" ends each session/,
  },
  {
    name: 'implicit in Sveltia',
    text: backend(...gitlab, 'auth_type: implicit', 'app_id: abc'),
    cms: 'sveltia',
    says: /Sveltia CMS does not take "auth_type: implicit"/,
  },
  {
    name: 'pkce with a login server',
    text: backend(...gitlab, 'auth_type: pkce', 'app_id: abc', base),
    says: /With "auth_type: pkce" the CMS takes base_url for GitLab itself/,
  },
  {
    name: 'pkce at GitHub in Sveltia',
    text: backend(...github, 'auth_type: pkce', base),
    cms: 'sveltia',
    says: /"auth_type: pkce" does not work with GitHub/,
  },
  { name: 'pkce without app_id', text: backend(...gitlab, 'auth_type: pkce'), says: /without app_id/ },
  // auth_endpoint
  {
    name: 'auth_endpoint as a whole address',
    text: backend(...github, base, `auth_endpoint: ${hop}/auth`),
    says: /auth_endpoint is a whole address/,
    line: 6,
  },
  {
    name: 'auth_endpoint with a query',
    text: backend(...github, base, 'auth_endpoint: "auth?x=1"'),
    says: /auth_endpoint holds a "\?"/,
  },
  {
    name: 'auth_endpoint that is the callback',
    text: backend(...github, base, 'auth_endpoint: /auth/github/callback'),
    says: /auth_endpoint is the callback address/,
    write: 'auth_endpoint: auth/github',
  },
  {
    name: 'auth_endpoint of another host',
    text: backend(...github, base, 'auth_endpoint: auth/gitlab/authorize'),
    says: /auth_endpoint is for GitLab, but the backend is GitHub/,
    write: 'auth_endpoint: auth/github/authorize',
  },
  {
    name: 'no auth_endpoint for a server with a path',
    text: backend(...github, base),
    args: ['--hop', `${hop}/prod`],
    says: /auth_endpoint is not set, but the login server has a path: \/prod/,
    write: 'auth_endpoint: prod/auth',
  },
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
    text: `base_url: ${hop}\n${backend(...bitbucket)}`,
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
  // The file itself
  { name: 'a tab', text: 'backend:\n\tname: github\n', says: /indented with a tab/, line: 2 },
  { name: 'a key twice', text: backend(...github, base, `base_url: ${hop}`), says: /A key stands twice/, line: 6 },
  {
    name: 'no space after the colon',
    text: backend(...github, 'base_url:https://auth.invalid'),
    says: /space after a colon/,
    line: 5,
  },
  { name: 'uneven indentation', text: 'backend:\n  name: github\n   repo: a/b\n', says: /indented unevenly/, line: 2 },
  {
    name: 'two documents',
    text: `${backend(...github, base)}---\ncollections: []\n`,
    says: /a line "---" in the middle/,
  },
  {
    name: 'an anchor that is not there',
    text: 'backend: *github\n',
    says: /not valid YAML: there is no anchor "github"/,
    line: 1,
  },
  { name: 'an empty file', text: '', says: /configuration is empty/ },
  { name: 'a file of comments', text: '# nothing\n', says: /holds no keys/ },
  { name: 'a file of another kind', text: 'hello', says: /holds no keys/ },
  {
    name: 'a web page',
    text: '<!doctype html><title>Home</title>',
    says: /There is a web page where the CMS configuration should be/,
  },
  { name: 'UTF-16', text: '\0b\0a\0c', says: /not a UTF-8 text/ },
  {
    name: 'JSON with a comma too many',
    text: '{"backend": {"name": "github",}}',
    file: 'config.json',
    cms: 'sveltia',
    says: /not valid JSON/,
  },
  {
    name: 'TOML with a key twice',
    text: 'a = 1\na = 2\n',
    file: 'config.toml',
    cms: 'sveltia',
    says: /not valid TOML/,
    line: 2,
  },
  {
    name: 'TOML in Decap',
    text: `[backend]\nname = "github"\nrepo = "a/b"\nbranch = "main"\nbase_url = "${hop}"\n`,
    file: 'config.toml',
    cms: 'decap',
    says: /Decap CMS does not read TOML/,
  },
  {
    name: 'a path in base_url, in TOML',
    text: `[backend]\nname = "github"\nrepo = "a/b"\nbase_url = "${hop}/auth"\n`,
    file: 'config.toml',
    cms: 'sveltia',
    says: /base_url has a path/,
    line: 4,
    write: `base_url = "${hop}"`,
  },
  {
    name: 'a path in base_url, in JSON',
    text: `{\n  "backend": {\n    "name": "github",\n    "repo": "a/b",\n    "base_url": "${hop}/auth"\n  }\n}\n`,
    file: 'config.json',
    cms: 'sveltia',
    says: /base_url has a path/,
    line: 5,
    write: `"base_url": "${hop}"`,
  },
];
