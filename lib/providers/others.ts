/** The CMSs' backends for which nobody needs a login server such as this one. */
export interface OtherBackend {
  /** Where editors log in instead. */
  where: string;
  /** Whether Sveltia CMS has it, too. */
  sveltia: boolean;
  /** Whether nobody logs in at all. */
  isOpen?: true;
}

const pkce = 'in the page (PKCE)';

/** By the backend's `name`. @see https://decapcms.org/docs/backends-overview/ */
export const otherBackends: ReadonlyMap<string, OtherBackend> = new Map(
  Object.entries({
    gitea: { where: pkce, sveltia: true },
    forgejo: { where: pkce, sveltia: false },
    azure: { where: 'at login.microsoftonline.com', sveltia: false },
    'test-repo': { where: 'nowhere: it is a demo', sveltia: true, isOpen: true },
    'aws-cognito-github-proxy': { where: 'at Amazon Cognito', sveltia: false },
    proxy: { where: 'nowhere: a program on the same computer does the work', sveltia: false, isOpen: true },
    'git-gateway': { where: 'through Netlify Identity', sveltia: false },
  }),
);
