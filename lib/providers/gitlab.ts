import type { HostFacts, Provider } from './provider.ts';

/**
 * gitlab.com and self-managed GitLab, also under a path.
 *
 * - Never decodes HTTP Basic, and its secrets (`gloas-…`) hold what the encoding changes: so the body it is.
 * - Sends `WWW-Authenticate` with every error of the token endpoint, with 400 too.
 * - Tokens live two hours; a refresh token works once, and using it ends the old access token.
 * - `api` is the only scope that the CMSs' calls work with; the application must have been registered with it.
 *
 * @see https://docs.gitlab.com/api/oauth2/
 * @see https://docs.gitlab.com/integration/oauth_provider/
 */
export const gitlab = {
  id: 'gitlab',
  name: 'GitLab',
  url: 'https://gitlab.com',
  authorizePath: '/oauth/authorize',
  tokenPath: '/oauth/token',
  issuerPath: '',
  scope: { default: 'api', allowed: { api: [] } },
  looks: { 'client secret': /^gloas-/ },
  clientAuthentication: 'client_secret_post',
  pkce: true,
  // Sveltia CMS replaces /authorize by /token.
  refresh: {
    by: ['sveltia'],
    path: '/auth/gitlab/token',
    answer: { accessToken: 'access_token', refreshToken: 'refresh_token' },
    login: { refreshToken: 'refreshToken', always: false },
  },
} as const satisfies Provider;

/** What no login needs. */
export const facts = {
  session: 'Editors stay logged in for two hours. Sveltia CMS can renew the session.',
  tokenLife: 'two hours',
  repository: { form: 'group/project', groups: true },
  api: [{ base: '*', api_root: '*/api/v4', graphql_api_root: '*/api/graphql' }],
  // Static CMS drops the token of a login server (core/backends/gitlab/AuthenticationPage.tsx).
  cms: {
    decap: { scopes: ['api'], graphqlRoot: 'use_graphql' },
    netlify: { scopes: ['api'], graphqlRoot: 'use_graphql' },
    sveltia: { scopes: ['api'], fallback: 'https://gitlab.com' },
  },
  // The implicit login was removed in GitLab 15.0.
  inPage: { pkce: 'works', implicit: 'removed' },
  registrations: [
    {
      what: 'application',
      path: '/-/user_settings/applications',
      steps: [
        'Press Add new application. Give it a name, and the address below as its Redirect URI.',
        'Leave Confidential on. Tick the scope api, and no other.',
        'Save, then copy the Application ID and the Secret. The secret is shown once.',
      ],
    },
  ],
} as const satisfies HostFacts;
