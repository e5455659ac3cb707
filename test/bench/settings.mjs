// @ts-check
/** The site that may get the token. */
export const origin = 'https://www.example.com';

const self = 'https://auth.example.com';
const client = { id: 'id', secret: 'secret' };

/**
 * What the others read and what we read, to the same effect; whatever runs gets all of it.
 *
 * @param {string} host its address
 */
export const settings = (host) => ({
  BENCH_HOST_URL: host,
  BENCH_CLIENT_ID: client.id,
  BENCH_CLIENT_SECRET: client.secret,
  BENCH_ORIGIN: origin,
  BENCH_SELF: self,
  GITHUB_URL: host,
  GITHUB_CLIENT_ID: client.id,
  GITHUB_CLIENT_SECRET: client.secret,
  CMS_AUTH_ORIGINS: origin,
  CMS_AUTH_URL: self,
});
