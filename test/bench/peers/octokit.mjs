/** GitHub's own toolset. It shows the token as text and speaks to no CMS. */
import { Octokit } from '@octokit/core';
import { createAWSLambdaAPIGatewayV2Handler, OAuthApp } from '@octokit/oauth-app';

const { BENCH_CLIENT_ID, BENCH_CLIENT_SECRET, BENCH_HOST_URL, BENCH_SELF } = process.env;

export const handler = createAWSLambdaAPIGatewayV2Handler(
  new OAuthApp({
    clientType: 'oauth-app',
    clientId: BENCH_CLIENT_ID,
    clientSecret: BENCH_CLIENT_SECRET,
    defaultScopes: ['repo'],
    redirectUrl: `${BENCH_SELF}/api/github/oauth/callback`,
    // As for a GitHub Enterprise Server. Its own option `baseUrl` is taken and not used.
    Octokit: Octokit.defaults({ baseUrl: `${BENCH_HOST_URL}/api/v3` }),
  }),
);
