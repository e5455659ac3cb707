import type { Provider } from './provider.ts';

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
  app: 'GitHub App',
  clientAuthentication: 'body',
  pkce: true,
  registration: {
    path: '/settings/applications/new',
    prefill: {
      name: 'oauth_application[name]',
      homepage: 'oauth_application[url]',
      callback: 'oauth_application[callback_url]',
    },
    advice: 'Then generate a client secret. A GitHub App works as well, and can be kept to one repository.',
  },
  session: "Until it is revoked; eight hours if the app's tokens expire. Sveltia CMS can renew those.",
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
    sveltia: { scopes: ['repo', 'user'] },
  },
  authScopes: ['repo', 'public_repo'],
  inPage: {},
  forks: true,
  previews: 'Commit statuses: Read-only',
  // Sveltia CMS replaces /authorize by /access_token.
  refresh: {
    by: ['sveltia'],
    path: '/auth/github/access_token',
    answer: { accessToken: 'access_token', refreshToken: 'refresh_token' },
    login: { refreshToken: 'refreshToken', always: false },
  },
} as const satisfies Provider;
