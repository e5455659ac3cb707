/**
 * With its handlers for any server, which are made once. Those for Vercel are made anew in every request, and cost more.
 */
import oauth from 'netlify-cms-oauth-provider-node';

const { BENCH_CLIENT_ID, BENCH_CLIENT_SECRET, BENCH_HOST_URL, BENCH_ORIGIN, BENCH_SELF } = process.env;

const { begin, complete } = oauth.createHandlers({
  origin: BENCH_ORIGIN,
  completeUrl: `${BENCH_SELF}/callback`,
  oauthClientID: BENCH_CLIENT_ID,
  oauthClientSecret: BENCH_CLIENT_SECRET,
  oauthTokenHost: BENCH_HOST_URL,
  oauthScopes: 'repo',
});

/** As in the package's example of a server. */
export async function handler(req, res) {
  const { pathname, searchParams } = new URL(req.url, BENCH_SELF);
  if (pathname === '/auth') {
    res.writeHead(302, { location: await begin() });
    res.end();
  } else if (pathname === '/callback') {
    const content = await complete(searchParams.get('code'));
    res.writeHead(200, { 'content-type': 'text/html; charset=utf-8' });
    res.end(content);
  } else {
    res.writeHead(404);
    res.end('Not found');
  }
}
