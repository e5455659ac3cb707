import { providers } from '../../functions/auth.ts';
import { createHandler, hopEvents } from '../../lib/hop/handler.ts';
import { printLine } from '../../lib/web/log.ts';
import { closeOnSignal, listen, node, readPort } from '../../lib/platforms/node.ts';
import { cmsBundle } from '../cms/bundles.ts';
import { cmsPages } from '../cms/server.ts';
import { startBitbucket } from '../hosts/bitbucket.ts';
import { startGitHub } from '../hosts/github.ts';
import { startGitLab } from '../hosts/gitlab.ts';

const demos = [
  { cms: 'decap', id: 'github', text: 'Decap CMS with GitHub' },
  { cms: 'decap', id: 'gitlab', text: 'Decap CMS with GitLab' },
  { cms: 'decap', id: 'bitbucket', text: 'Decap CMS with Bitbucket' },
  { cms: 'sveltia', id: 'github', text: 'Sveltia CMS with GitHub' },
  { cms: 'sveltia', id: 'gitlab', text: 'Sveltia CMS with GitLab' },
] as const;

/**
 * The whole thing without an account anywhere: the real hop, a real CMS page in two flavours, and three Git hosts that live in
 * memory. The Git hosts are at 127.0.0.1 and the rest at localhost, so that the way back is cross-site, as in the field.
 */
export async function main(): Promise<void> {
  const port = readPort(process.env['PORT']);
  const origin = `http://localhost:${port}`;
  console.log('Looking for the published CMS bundles (fetched once, then kept in .cache).');
  for (const cms of ['decap', 'sveltia'] as const) await cmsBundle(cms);

  const hosts = { github: await startGitHub(), gitlab: await startGitLab(), bitbucket: await startBitbucket() };
  const closeHosts = () => Promise.all(Object.values(hosts).map((host) => host.close()));
  hosts.github.expiring = true; // as a GitHub App's are, so that all three can renew
  const env: Record<string, string> = { CMS_AUTH_URL: origin, CMS_AUTH_REFRESH: 'github,gitlab,bitbucket' };
  for (const [id, host] of Object.entries(hosts)) {
    host.app.name = 'Demo site';
    host.app.redirectUris.push(`${origin}/auth/${id}/callback`);
    env[`${id.toUpperCase()}_URL`] = host.url;
    env[`${id.toUpperCase()}_CLIENT_ID`] = host.app.clientId;
    env[`${id.toUpperCase()}_CLIENT_SECRET`] = host.app.clientSecret;
  }
  const hop = node(createHandler(providers, { env, log: printLine(hopEvents) }), { url: origin });
  const pages = demos.map(({ cms, id }) => {
    const host = hosts[id];
    return cmsPages({
      cms,
      path: `/${cms}-${id}/`,
      config: {
        top: { base_url: origin },
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

  const close = await listen(
    (request, response) => {
      void (async () => {
        if (request.url === '/') {
          response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(welcome);
          return;
        }
        for (const page of pages) if (await page(request, response)) return;
        hop(request, response);
      })().catch((error: unknown) => {
        console.error(error);
        response.destroy();
      });
    },
    { port, loopbackOnly: true },
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

  No setting was found, so this is the demo: three Git hosts that live
  in the memory of this program, for this machine alone.

      Open      ${origin}
      GitHub    ${hosts.github.url}
      GitLab    ${hosts.gitlab.url}
      Bitbucket ${hosts.bitbucket.url}
      Stop      Ctrl-C

  For a real login, set GITHUB_CLIENT_ID (see README.md).
`);
}

const welcome = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Demo: login for a Git-based CMS</title>
<style>
  :root { color-scheme: light dark; font: 1.05rem/1.6 system-ui, sans-serif; }
  body { max-width: 40rem; margin: 0 auto; padding: 2rem 1.25rem; }
  nav { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fit, minmax(14rem, 1fr)); margin: 1.5rem 0; }
  nav a { display: block; padding: 1.2rem; border: 1px solid color-mix(in srgb, currentColor 30%, transparent); border-radius: .8rem; color: inherit; text-decoration: none; }
  nav a:hover, nav a:focus-visible { border-color: currentColor; }
  nav strong { display: block; font-size: 1.2rem; }
</style>
<h1>Log in to a real CMS</h1>
<p>This is a demo: the CMS pages are the published ones and the login is the real one, but the Git hosts behind it are small
programs on this machine. Press Login, allow access, edit a post, save it. It is all gone when the demo ends.</p>
<nav>
${demos.map(({ cms, id, text }) => `  <a href="/${cms}-${id}/"><strong>${text}</strong>${cms === 'decap' ? 'also what Netlify CMS became' : 'the same configuration'}</a>`).join('\n')}
</nav>
<p><a href="/auth">The login server's own page</a></p>
</html>
`;
