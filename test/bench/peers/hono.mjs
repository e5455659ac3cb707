/** What the owner of a site might write with Hono, for AWS Lambda: it brings routes and cookies, but no OAuth. */
import { randomUUID } from 'node:crypto';
import { Hono } from 'hono';
import { handle } from 'hono/aws-lambda';
import { deleteCookie, getCookie, setCookie } from 'hono/cookie';
import { page } from './page.mjs';

const { BENCH_CLIENT_ID, BENCH_CLIENT_SECRET, BENCH_HOST_URL, BENCH_SELF } = process.env;

const redirect_uri = `${BENCH_SELF}/callback`;

const app = new Hono();

app.get('/auth', (c) => {
  const state = randomUUID();
  setCookie(c, 'state', state, { path: '/', maxAge: 600, httpOnly: true, secure: true, sameSite: 'Lax' });
  const query = new URLSearchParams({ client_id: BENCH_CLIENT_ID, redirect_uri, scope: 'repo', state });
  return c.redirect(`${BENCH_HOST_URL}/login/oauth/authorize?${query}`);
});

app.get('/callback', async (c) => {
  const state = c.req.query('state');
  if (!state || state !== getCookie(c, 'state')) return c.text('Please log in again.', 403);
  deleteCookie(c, 'state');
  const response = await fetch(`${BENCH_HOST_URL}/login/oauth/access_token`, {
    method: 'POST',
    headers: { accept: 'application/json', 'content-type': 'application/json' },
    body: JSON.stringify({
      client_id: BENCH_CLIENT_ID,
      client_secret: BENCH_CLIENT_SECRET,
      code: c.req.query('code'),
      redirect_uri,
    }),
  });
  const { access_token, error } = await response.json();
  if (error) console.error(error);
  return c.html(page(access_token));
});

export const handler = handle(app);
