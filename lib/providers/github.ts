import type { HostFacts, Provider } from './provider.ts';

/**
 * github.com, ghe.com and GitHub Enterprise Server; OAuth Apps and GitHub Apps alike.
 *
 * - Answers errors of the token endpoint with status 200, and form-encoded unless JSON is asked for.
 * - Sends `iss` in the callback since August 2026: `<base>/login/oauth`. Older Enterprise Servers do not.
 * - Takes PKCE (S256 only) since July 2025; the client secret stays mandatory. Older Enterprise Servers ignore it.
 * - A request without `scope` would return every scope that the user has approved before, so one is always sent.
 *
 * @see https://docs.github.com/apps/oauth-apps/building-oauth-apps/authorizing-oauth-apps
 * @see https://docs.github.com/apps/oauth-apps/building-oauth-apps/scopes-for-oauth-apps
 * @see https://docs.github.com/apps/sharing-github-apps/registering-a-github-app-using-url-parameters
 */
export const github = {
  id: 'github',
  name: 'GitHub',
  url: 'https://github.com',
  authorizePath: '/login/oauth/authorize',
  tokenPath: '/login/oauth/access_token',
  issuerPath: '/login/oauth',
  scope: {
    default: 'repo',
    allowed: {
      repo: [],
      public_repo: ['repo'],
      user: [],
      'read:user': ['user'],
      'user:email': ['user'],
    },
  },
  // Old client ids are 20 hexadecimal digits.
  looks: { 'client id': /^(Iv|Ov)\d/, 'client secret': /^[0-9a-f]{40}$/, 'App ID': /^\d{1,10}$/ },
  clientAuthentication: 'client_secret_post',
  pkce: true,
  // Sveltia CMS replaces /authorize by /access_token.
  refresh: {
    by: ['sveltia'],
    path: '/auth/github/access_token',
    answer: { accessToken: 'access_token', refreshToken: 'refresh_token' },
    login: { refreshToken: 'refreshToken', always: false },
  },
} as const satisfies Provider;

/** What no login needs. */
export const facts = {
  app: 'GitHub App',
  session:
    'Editors stay logged in until the app is revoked, or for eight hours if its tokens expire. Sveltia CMS can renew those.',
  repository: { form: 'owner/repository', groups: false },
  api: [
    {
      base: 'https://github.com',
      api_root: 'https://api.github.com',
      graphql_api_root: 'https://api.github.com/graphql',
    },
    {
      base: 'https://*.ghe.com',
      api_root: 'https://api.*.ghe.com',
      graphql_api_root: 'https://api.*.ghe.com/graphql',
    },
    { base: '*', api_root: '*/api/v3', graphql_api_root: '*/api/graphql' },
  ],
  cms: {
    decap: { scopes: ['repo'] },
    netlify: { scopes: ['repo'] },
    static: { scopes: ['repo'] },
    sveltia: { scopes: ['repo', 'user'], graphqlRoot: 'always' },
  },
  authScopes: ['repo', 'public_repo'],
  inPage: {},
  forks: { scope: 'public_repo' },
  previews: 'Commit statuses: Read-only',
  registrations: [
    {
      what: 'GitHub App',
      advice: 'It reaches only the repository that you install it on.',
      path: '/settings/apps/new',
      organisationPath: '/organizations/{owner}/settings/apps/new',
      // No address can switch off expiring tokens, make a secret or install the app: see the steps.
      prefill: {
        name: '{name}',
        url: '{homepage}',
        'callback_urls[]': '{callback}',
        public: 'false',
        webhook_active: 'false',
        request_oauth_on_install: 'false',
        contents: 'write',
        pull_requests: 'write',
        statuses: 'read',
      },
      steps: [
        'The form is filled in. Press Create GitHub App. If the name is taken, choose another one: names are unique on GitHub.',
        'On the next page, press Generate a new client secret. Copy it, and the Client ID (not the App ID).',
        'Press Install App, then choose Only select repositories and the one repository of your site. Without this, every login ends in "not found".',
        'For Decap CMS and Netlify CMS: open Optional features and opt out of user-to-server token expiration, since they cannot renew the token after its eight hours. For Sveltia CMS: leave it on, and set CMS_AUTH_REFRESH to github.',
      ],
    },
    {
      what: 'OAuth App',
      advice: 'It reaches every repository of each editor.',
      path: '/settings/applications/new',
      organisationPath: '/organizations/{owner}/settings/applications/new',
      prefill: {
        'oauth_application[name]': '{name}',
        'oauth_application[url]': '{homepage}',
        'oauth_application[callback_url]': '{callback}',
      },
      steps: ['Press Register application.', 'Press Generate a new client secret. Copy it, and the Client ID.'],
    },
  ],
} as const satisfies HostFacts;
