/**
 * Its two routes, at the paths that it gives them, with as much of Astro around them as they use. Astro itself is left
 * out, in its favour: whoever uses it has that anyway.
 */
import { GET as finish } from 'astro-decap-cms-oauth/src/oauth/callback.ts';
import { GET as begin } from 'astro-decap-cms-oauth/src/oauth/index.ts';

const redirect = (location, status = 302) => new Response(null, { status, headers: { location } });

export async function handler(request) {
  const url = new URL(request.url);
  if (url.pathname === '/oauth') return begin({ request, url, redirect });
  if (url.pathname === '/oauth/callback') return finish({ request, url, redirect });
  return new Response('Not found', { status: 404 });
}
