/** A login server that others run, for whoever their sites belong to. */
export interface LoginServer {
  origin: string;
  /** Whose it is. */
  name: string;
  /** Whether the CMSs go there where `base_url` is not set. */
  isUsual: boolean;
  /** What to do there, where no login begins. */
  advice: string;
}

/** @see https://docs.netlify.com/manage/security/secure-access-to-sites/oauth-provider-tokens/ */
export const loginServers: readonly LoginServer[] = [
  {
    origin: 'https://api.netlify.com',
    name: 'Netlify',
    isUsual: true,
    advice:
      'It knows sites on Netlify, by their domain there: it has to be a site of yours, with the Git host under “OAuth” in its settings, and site_domain has to name it where the page is served elsewhere.',
  },
];

/** Where a CMS goes if nothing else is written. */
export const usualServer: LoginServer | undefined = loginServers.find(({ isUsual }) => isUsual);
