import { providers } from '../../functions/auth.ts';
import { routes } from '../../functions/gateway.ts';
import { gatewayEvents } from '../../lib/gateway/handler.ts';
import { createHandler, loginEvents } from '../../lib/login/handler.ts';
import { serve } from '../../lib/handler/serve.ts';
import { signInEvents } from '../../lib/gateway/sign-in/handler.ts';
import { printLine } from '../../lib/http/log.ts';
import { closeOnSignal, listen, node, readPort } from '../../lib/platforms/node.ts';
import ownerStyle from '../../lib/http/owner.css?inline';
import style from '../../lib/http/page.css?inline';
import { cmsBundle } from '../cms/bundles.ts';
import { cmsPages } from '../cms/server.ts';
import { startBitbucket } from '../hosts/bitbucket.ts';
import { startGitHub, type GitHubHost } from '../hosts/github.ts';
import { startGitLab } from '../hosts/gitlab.ts';
import { startIdentity } from '../hosts/identity.ts';
import { home } from './home.ts';

/** What an editor's session does at each host, as far as one can see it here. */
const demos = [
  { cms: 'decap', id: 'github', text: 'For editors with a GitHub account. Decap CMS is also what Netlify CMS became.' },
  { cms: 'decap', id: 'gitlab', text: 'For editors with an account at GitLab, or at a GitLab of your own.' },
  {
    cms: 'decap',
    id: 'bitbucket',
    text: 'For editors with a Bitbucket account. Their session is renewed while they write.',
  },
  { cms: 'sveltia', id: 'github', text: 'Another CMS, the same login. Here the session is renewed, too.' },
  { cms: 'sveltia', id: 'gitlab', text: 'The session outlasts the two hours that GitLab gives.' },
] as const;

const names = {
  decap: 'Decap CMS',
  sveltia: 'Sveltia CMS',
  github: 'GitHub',
  gitlab: 'GitLab',
  bitbucket: 'Bitbucket',
};

/** Where the CMS is whose editors have no account at a Git host. */
const signInPath = '/decap-sign-in/';
const popupPath = '/sveltia-sign-in/';

/**
 * The whole thing without an account anywhere: the real login server, a real CMS page in two flavours, and three Git hosts that live in
 * memory. The Git hosts are at 127.0.0.1 and the rest at localhost, so that the way back is cross-site, as in the field.
 */
export async function main(): Promise<void> {
  const port = readPort(process.env['PORT']);
  const origin = `http://localhost:${port}`;
  console.log('Looking for the published CMS bundles (fetched once, then kept in .cache).');
  for (const cms of ['decap', 'sveltia'] as const) await cmsBundle(cms);

  const hosts = { github: await startGitHub(), gitlab: await startGitLab(), bitbucket: await startBitbucket() };
  const identity = await startIdentity({
    redirectUris: [`${origin}/git/oauth2/callback`, `${origin}/git/auth/callback`],
  });
  const closeHosts = () => Promise.all([identity, ...Object.values(hosts)].map((host) => host.close()));
  hosts.github.expiring = true; // as a GitHub App's are, so that all three can renew
  const env: Record<string, string> = { CMS_AUTH_URL: origin, CMS_AUTH_REFRESH: 'github,gitlab,bitbucket' };
  for (const [id, host] of Object.entries(hosts)) {
    host.app.name = 'Demo site';
    host.app.redirectUris.push(`${origin}/auth/${id}/callback`);
    env[`${id.toUpperCase()}_URL`] = host.url;
    env[`${id.toUpperCase()}_CLIENT_ID`] = host.app.clientId;
    env[`${id.toUpperCase()}_CLIENT_SECRET`] = host.app.clientSecret;
  }
  const loginServer = node(createHandler(providers, { env, log: printLine(loginEvents) }), { url: origin });
  // With settings of its own: the login must not see what the gateway may do.
  const gateway = node(
    serve(routes, {
      env: {
        CMS_AUTH_URL: origin,
        GITHUB_URL: hosts.github.url,
        CMS_GATEWAY_REPO: `${hosts.github.url}/${hosts.github.repository.fullName}`,
        CMS_GATEWAY_PATHS: 'content/**, static/images/**',
        CMS_GATEWAY_TOKEN: credentialAt(hosts.github),
        CMS_GATEWAY_PAGES: origin + signInPath,
        CMS_GATEWAY_ISSUER: identity.issuer,
        CMS_GATEWAY_CLIENT_ID: identity.clientId,
        CMS_GATEWAY_CLIENT_SECRET: identity.clientSecret,
        CMS_GATEWAY_EDITORS: 'ann@example.com, @example.org',
      },
      log: printLine({ ...gatewayEvents, ...signInEvents }),
    }),
    { url: origin },
  );
  const welcome = home(
    [
      ...demos.map(({ cms, id, text }) => ({
        path: `/${cms}-${id}/`,
        cms: names[cms],
        way: `with ${names[id]}`,
        text,
      })),
      {
        path: signInPath,
        cms: names.decap,
        way: 'without a Git account',
        text: 'For editors with an account at Google, Microsoft or the like. Be Ann or Bob, who are on the list, or Eve, who is not.',
      },
      {
        path: popupPath,
        cms: names.sveltia,
        way: 'without a Git account',
        text: 'The same for the other CMS: it speaks to GitHub, and the gateway is GitHub to it.',
      },
    ],
    [style.text, ownerStyle.text],
  );
  const pages = demos.map(({ cms, id }) => {
    const host = hosts[id];
    return cmsPages({
      cms,
      path: `/${cms}-${id}/`,
      config: {
        // Decap renews a Bitbucket session at this one; Sveltia would warn of it.
        ...(id === 'bitbucket' && { top: { base_url: origin } }),
        backend: {
          name: id,
          repo: host.repository.fullName,
          branch: 'main',
          base_url: origin,
          api_root: host.apiRoot,
          ...('graphqlRoot' in host && { graphql_api_root: host.graphqlRoot }),
          ...(cms === 'sveltia' && { auth_endpoint: `auth/${id}/authorize` }),
        },
      },
    });
  });

  pages.push(
    cmsPages({
      cms: 'decap',
      path: signInPath,
      config: {
        backend: {
          name: 'git-gateway',
          auth_type: 'pkce',
          branch: 'main',
          gateway_url: `${origin}/git`,
          status_endpoint: `${origin}/git/status`,
        },
        auth: { base_url: `${origin}/git`, app_id: 'cms', full_name_claim: 'name' },
      },
    }),
    cmsPages({
      cms: 'sveltia',
      path: popupPath,
      config: {
        backend: {
          name: 'github',
          repo: hosts.github.repository.fullName,
          branch: 'main',
          base_url: origin,
          auth_endpoint: 'git/auth',
          api_root: `${origin}/git/api/v3`,
        },
      },
    }),
  );

  const close = await listen(
    (request, response) => {
      void (async () => {
        if (request.url === '/') {
          response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(welcome);
          return;
        }
        for (const page of pages) if (await page(request, response)) return;
        (/^\/git(\/|\?|$)/.test(request.url ?? '') ? gateway : loginServer)(request, response);
      })().catch((error: unknown) => {
        console.error(error);
        response.destroy();
      });
    },
    { port },
  ).catch(async (error: unknown) => {
    await closeHosts();
    throw error;
  });
  closeOnSignal(async () => {
    await Promise.all([close(), closeHosts()]);
    console.log('\nThe demo has ended. What was saved in it is gone.');
  });

  console.log(`
  ============================================================
      D E M O   -   not a real login, nothing is kept
  ============================================================

  No setting was found, so this is the demo: three Git hosts and an
  OpenID provider that live in the memory of this program, for this
  machine alone.

      Open      ${origin}
      GitHub    ${hosts.github.url}
      GitLab    ${hosts.gitlab.url}
      Bitbucket ${hosts.bitbucket.url}
      Provider  ${identity.issuer}
      Stop      Ctrl-C

  For a real login: npm run deploy
`);
}

/** A token as the owner would make it for the gateway. */
function credentialAt(host: GitHubHost): string {
  const grant = { clientId: '', user: host.user.login, scopes: ['repo'], redirectUri: '', challenge: undefined };
  return host.grants.issueTokens(grant, { accessPrefix: 'github_pat_' }).accessToken;
}
