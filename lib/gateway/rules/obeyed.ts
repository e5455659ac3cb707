/**
 * What hosts, and the services that they set off, run or obey by themselves when it is in a repository: never writable, whatever is
 * set, in any folder and any case.
 *
 * `names` are whole names of a file or a folder, in lower case; a star stands for anything.
 */
export const obeyed: readonly { names: readonly string[]; why: string }[] = [
  {
    names: ['.git*', 'git~1'],
    why: 'Git itself (.gitattributes, .gitmodules, a .git within), and what GitHub, GitLab, Gitea and Gitpod run: .github, .gitlab-ci.yml, .gitlab, .gitea, .gitpod.yml',
  },
  {
    names: ['bitbucket-pipelines.yml', 'bitbucket-pipelines.yaml'],
    why: 'Bitbucket runs it with the secrets of the repository',
  },
  { names: ['.bitbucket'], why: 'Bitbucket: CODEOWNERS, and who has to review' },
  { names: ['.forgejo', '.woodpecker*'], why: 'Forgejo and Codeberg run it' },
  { names: ['codeowners'], why: 'who has to review: at the root, in docs/ and in the folder of the host' },
  { names: ['.devcontainer*'], why: 'GitHub Codespaces and editors run its commands when the repository is opened' },
  { names: ['.devfile.*', 'devfile.yaml', 'devfile.yml'], why: 'GitLab Workspaces run its commands' },
  { names: ['.lfsconfig'], why: 'Git LFS sends files, and what it logs in with, to the server that it names' },
  {
    names: [
      '.circleci',
      '.travis.yml',
      '.buildkite',
      '.drone.yml',
      'azure-pipelines.yml',
      'jenkinsfile',
      '.cirrus.*',
      'appveyor.yml',
      '.appveyor.yml',
      '.semaphore',
      '.tekton',
      '.teamcity',
      'bitrise.yml',
      'codefresh.yml',
      'buildspec.yml',
      'cloudbuild.yaml',
      'cloudbuild.yml',
      'cloudbuild.json',
      '.build.yml',
      '.builds',
    ],
    why: 'services that build at each push run it with their secrets',
  },
  {
    names: ['.mergify', '.mergify.yml', 'renovate.json', 'renovate.json5', '.renovaterc*'],
    why: 'services that merge pull requests, or open them, do what it says',
  },
];

/** Exceptions: they say nothing to anybody. An empty folder is kept by one, and a CMS that moves a folder moves it along. */
export const harmless: readonly string[] = ['.gitkeep'];

const whole = new Set<string>();
const beginnings: string[] = [];
for (const { names } of obeyed)
  for (const name of names) {
    if (name.endsWith('*')) beginnings.push(name.slice(0, -1));
    else whole.add(name);
  }

const invisible = /\p{Default_Ignorable_Code_Point}/gu;

/**
 * Whether a path has a part that somebody obeys. Some file systems take `.GITHUB`, `.github.`, a name with invisible characters and
 * one with a stream behind a colon for the same, so these count as well.
 */
export function isObeyed(path: string): boolean {
  const parts = path.split('/');
  return parts.some((part, index) => {
    if (index === parts.length - 1 && harmless.includes(part)) return false;
    const name = part.normalize('NFKC').replace(invisible, '').toLowerCase();
    // What normalizing makes of one character can be several, a slash among them.
    return name.split('/').some((piece) => {
      const [bare = ''] = piece.replace(/[. ]+$/, '').split(':');
      return whole.has(bare) || beginnings.some((beginning) => bare.startsWith(beginning));
    });
  });
}
