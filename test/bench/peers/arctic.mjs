/**
 * What the owner of a site might write with arctic, for AWS Lambda. With its client for any OAuth server, which takes
 * the addresses of a GitHub of one's own and knows PKCE; the one for github.com does neither.
 */
import { CodeChallengeMethod, generateCodeVerifier, generateState, OAuth2Client } from 'arctic';
import { page } from './page.mjs';

const { BENCH_CLIENT_ID, BENCH_CLIENT_SECRET, BENCH_HOST_URL, BENCH_SELF } = process.env;

const client = new OAuth2Client(BENCH_CLIENT_ID, BENCH_CLIENT_SECRET, `${BENCH_SELF}/callback`);
const authorizationEndpoint = `${BENCH_HOST_URL}/login/oauth/authorize`;
const tokenEndpoint = `${BENCH_HOST_URL}/login/oauth/access_token`;

const attributes = 'Path=/; Max-Age=600; HttpOnly; Secure; SameSite=Lax';

export async function handler({ rawPath, rawQueryString, cookies = [] }) {
  if (rawPath === '/auth') return begin();
  if (rawPath === '/callback') return finish(new URLSearchParams(rawQueryString), parse(cookies));
  return { statusCode: 404, body: 'Not found' };
}

function begin() {
  const state = generateState();
  const verifier = generateCodeVerifier();
  const { S256 } = CodeChallengeMethod;
  const url = client.createAuthorizationURLWithPKCE(authorizationEndpoint, state, S256, verifier, ['repo']);
  return {
    statusCode: 302,
    headers: { location: url.href },
    cookies: [`state=${state}; ${attributes}`, `verifier=${verifier}; ${attributes}`],
  };
}

async function finish(query, { state, verifier }) {
  if (!state || state !== query.get('state')) return { statusCode: 403, body: 'Please log in again.' };
  let token;
  try {
    const tokens = await client.validateAuthorizationCode(tokenEndpoint, query.get('code'), verifier);
    token = tokens.accessToken();
  } catch (error) {
    console.error(error.message);
  }
  return { statusCode: 200, headers: { 'content-type': 'text/html; charset=utf-8' }, body: page(token) };
}

const parse = (cookies) => Object.fromEntries(cookies.map((cookie) => cookie.split('=')));
