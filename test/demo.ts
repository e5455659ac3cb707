import { createHandler } from '../lib/handler.ts';
import { closeOnSignal, listen, node, readPort } from '../lib/platforms/node.ts';
import { github } from '../lib/providers/github.ts';
import { cmsBundle } from './cms/bundles.ts';
import { cmsPages } from './cms/server.ts';
import { startGitHub } from './hosts/github.ts';
import { escapeHtml } from './hosts/page.ts';

/**
 * The whole thing without an account anywhere: the real hop, a real CMS page in two flavours, and a Git host that lives in
 * memory. The Git host is at 127.0.0.1 and the rest at localhost, so that the way back is cross-site, as in the field.
 */
export async function main(): Promise<void> {
  const port = readPort(process.env['PORT']);
  const origin = `http://localhost:${port}`;
  const host = await startGitHub({
    consent: 'ask',
    app: {
      name: 'Demo site',
      clientId: 'demo-client-id',
      clientSecret: 'demo-client-secret',
      redirectUris: [`${origin}/auth/github/callback`],
    },
  });
  const env = {
    CMS_AUTH_URL: origin,
    GITHUB_URL: host.url,
    GITHUB_CLIENT_ID: host.app.clientId,
    GITHUB_CLIENT_SECRET: host.app.clientSecret,
  };
  const hop = node(createHandler([github], { env }), origin);
  const config = {
    backend: {
      name: 'github',
      repo: host.repository.fullName,
      branch: 'main',
      base_url: origin,
      api_root: host.apiRoot,
      graphql_api_root: host.graphqlRoot,
    },
  };
  console.log('Looking for the published CMS bundles (fetched once, then kept in .cache).');
  for (const cms of ['decap', 'sveltia'] as const) await cmsBundle(cms);
  const pages = [
    cmsPages({ cms: 'decap', path: '/decap/', config }),
    cmsPages({ cms: 'sveltia', path: '/sveltia/', config }),
  ];

  const close = await listen(
    (request, response) => {
      void (async () => {
        if (request.url === '/') {
          response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(welcome(host.url));
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
    await host.close();
    throw error;
  });
  closeOnSignal(async () => {
    await Promise.all([close(), host.close()]);
    console.log('\nThe demo has ended. What was saved in it is gone.');
  });

  console.log(`
  ============================================================
      D E M O   -   not a real login, nothing is kept
  ============================================================

  No setting was found, so this is the demo: a Git host that lives in
  the memory of this program, for this machine alone.

      Open      ${origin}
      Git host  ${host.url}
      Stop      Ctrl-C

  For a real login, set GITHUB_CLIENT_ID (see README.md).
`);
}

const welcome = (host: string): string => `<!doctype html>
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
<p>This is a demo: the CMS pages are the published ones and the login is the real one, but the Git host behind it is a small
program on this machine. Press Login, allow access, edit a post, save it. It is all gone when the demo ends.</p>
<nav>
  <a href="/decap/"><strong>Decap CMS</strong>also what Netlify CMS became</a>
  <a href="/sveltia/"><strong>Sveltia CMS</strong>the same configuration</a>
</nav>
<p><a href="/auth">The login server's own page</a> · <a href="${escapeHtml(host)}">The demo Git host</a></p>
</html>
`;
