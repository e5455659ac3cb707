import type { HostFacts, Provider } from './provider.ts';

/**
 * Bitbucket Cloud.
 *
 * - Rights are ticked at the OAuth consumer. Decap asks for `repo` here, which is not a scope of Bitbucket's at all.
 * - No PKCE: what protects the code is the attempt's cookie alone. Somebody who has stolen a code and has begun a login of
 *   his own could still hand it in.
 * - HTTP Basic; whether it is decoded is not documented, so it is sent as it is.
 * - No issuer of its own; the base URL stands for one.
 * - Tokens live two hours and weigh about 3 kB; refresh tokens rotate, and die after three months without use.
 *
 * @see https://developer.atlassian.com/cloud/bitbucket/oauth-2/
 */
export const bitbucket = {
  id: 'bitbucket',
  name: 'Bitbucket',
  url: 'https://bitbucket.org',
  authorizePath: '/site/oauth2/authorize',
  tokenPath: '/site/oauth2/access_token',
  issuerPath: '',
  clientAuthentication: 'client_secret_basic',
  pkce: false,
  // Decap and Netlify CMS: always this path, at the root of the top-level `base_url`.
  refresh: {
    by: ['decap', 'netlify', 'static'],
    path: '/auth/refresh',
    answer: { accessToken: 'token', refreshToken: 'refresh_token' },
    login: { refreshToken: 'refresh_token', always: true },
  },
} as const satisfies Provider;

/** What no login needs. */
export const facts = {
  session: 'Editors stay logged in for two hours. Decap CMS and Netlify CMS can renew the session.',
  tokenLife: 'two hours',
  repository: { form: 'workspace/repository', groups: false },
  api: [
    { base: 'https://bitbucket.org', api_root: 'https://api.bitbucket.org/2.0' },
    { base: '*', api_root: '*/2.0' },
  ],
  cms: {
    decap: { scopes: ['repo'] },
    netlify: { scopes: ['repo'] },
    static: { scopes: ['repo'] },
  },
  inPage: { implicit: 'short' },
  registrations: [
    {
      what: 'OAuth consumer',
      // The form is in each workspace, so it is at no one address.
      path: '/',
      steps: [
        'Open your workspace, Settings, OAuth consumers, and press Add consumer. Give it a name, and the address below as its Callback URL.',
        'Tick This is a private consumer.',
        'Permissions: Account, Read; Repositories, Write; Pull requests, Write, for the editorial workflow only.',
        'Save, open the consumer, and copy the Key (the client id) and the Secret.',
      ],
    },
  ],
} as const satisfies HostFacts;
