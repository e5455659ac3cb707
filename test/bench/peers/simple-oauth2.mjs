/** What the owner of a site might write with simple-oauth2, for AWS Lambda. */
import { randomBytes } from 'node:crypto';
import { AuthorizationCode } from 'simple-oauth2';
import { page } from './page.mjs';

const { BENCH_CLIENT_ID, BENCH_CLIENT_SECRET, BENCH_HOST_URL, BENCH_SELF } = process.env;

const github = new AuthorizationCode({
  client: { id: BENCH_CLIENT_ID, secret: BENCH_CLIENT_SECRET },
  auth: {
    tokenHost: BENCH_HOST_URL,
    tokenPath: '/login/oauth/access_token',
    authorizePath: '/login/oauth/authorize',
  },
});
const redirect_uri = `${BENCH_SELF}/callback`;

export async function handler({ rawPath, rawQueryString, cookies = [] }) {
  switch (rawPath) {
    case '/auth': {
      const state = randomBytes(16).toString('hex');
      return {
        statusCode: 302,
        headers: { location: github.authorizeURL({ redirect_uri, scope: 'repo', state }) },
        cookies: [`state=${state}; Path=/; Max-Age=600; HttpOnly; Secure; SameSite=Lax`],
      };
    }
    case '/callback': {
      const query = new URLSearchParams(rawQueryString);
      const state = query.get('state');
      if (!state || !cookies.includes(`state=${state}`)) return { statusCode: 403, body: 'Please log in again.' };
      return {
        statusCode: 200,
        headers: { 'content-type': 'text/html; charset=utf-8' },
        cookies: ['state=; Path=/; Max-Age=0'],
        body: page(await exchange(query.get('code'))),
      };
    }
    default:
      return { statusCode: 404, body: 'Not found' };
  }
}

async function exchange(code) {
  try {
    const { token } = await github.getToken({ code, redirect_uri });
    return token.access_token;
  } catch (error) {
    console.error(error.message);
    return undefined;
  }
}
