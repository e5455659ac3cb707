// @ts-check
/**
 * What the gateway costs beside the least that its job needs: a session token verified, and one request passed on. Measured
 * like the login, in the same run.
 */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { SignJWT } from 'jose';
import { origin } from './settings.mjs';
import { bundle } from './subjects.mjs';

const secret = 'a-secret-that-is-long-enough-for-hs256';

/** What a picture of 4.4 MB becomes in JSON: the largest that Lambda lets through. */
export const largest = 5.8e6;

/** @param {string} host its address @returns {Promise<Record<string, string>>} */
export const gatewaySettings = async (host) => ({
  BENCH_HOST_URL: host,
  BENCH_SECRET: secret,
  BENCH_SESSION: await new SignJWT({ sub: '1', email: 'ann@example.org', user_metadata: { full_name: 'Ann' } })
    .setProtectedHeader({ alg: 'HS256' })
    .setExpirationTime('1d')
    .sign(new TextEncoder().encode(secret)),
  GITHUB_URL: host,
  CMS_AUTH_URL: 'https://gateway.example.com',
  CMS_AUTH_ORIGINS: origin,
  CMS_GATEWAY_REPO: `${host}/owner/name`,
  CMS_GATEWAY_TOKEN: 'github_pat_bench',
  CMS_GATEWAY_JWT_SECRET: secret,
  CMS_GATEWAY_EDITORS: 'ann@example.org',
});

/** One call as the CMS makes it, as an event of payload format 2.0. */
const driven = `const event = ({ method = 'GET', path = '/git/github/branches/main', body }) => ({
    version: '2.0', routeKey: '$default', rawPath: path, rawQueryString: '', isBase64Encoded: false,
    headers: {
      host: 'gateway.example.com', origin: '${origin}', authorization: 'Bearer ' + process.env.BENCH_SESSION,
      accept: 'application/json', ...(body && { 'content-type': 'application/json' }),
    },
    requestContext: { domainName: 'gateway.example.com', stage: '$default', requestId: 'bench', http: { method, path } },
    ...(body && { body }),
  });
  async function call(how = {}) {
    const { statusCode, body } = await handler(event(how), {});
    if (statusCode !== (how.body ? 201 : 200) || !body.includes('sha')) throw new Error(statusCode + body);
  }`;

const verifying = `import { jwtVerify } from 'jose';
  const key = new TextEncoder().encode(process.env.BENCH_SECRET);
  const verify = () => jwtVerify(process.env.BENCH_SESSION, key, { algorithms: ['HS256'] });`;
const address = '`${process.env.BENCH_HOST_URL}/api/v3/repos/owner/name/branches/main`';
const headers = `{ accept: 'application/json', authorization: 'Bearer github_pat_bench' }`;

/** The least that anybody's code could do. It looks neither at who asks nor at what is asked for. */
const floor = `${verifying}
  await verify();
  if (!(await (await fetch(${address}, { headers: ${headers} })).text()).includes('sha')) throw new Error();`;
const fetching = `async () => (await fetch(${address}, { headers: ${headers} })).text()`;
const requesting = `() => new Promise((resolve, reject) => {
    request(${address}, { headers: ${headers}, agent }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (chunk) => (text += chunk)).on('end', () => resolve(text));
    }).on('error', reject).end();
  })`;

/**
 * @param {string} folder for what is made
 * @returns files to run: `cold` are scripts by name, `warm` are modules by name
 */
export async function makeGateway(folder) {
  const artefact = path.resolve('dist/lambda-gateway/gateway.mjs');
  const ours = `import { handler } from ${JSON.stringify(artefact)}; ${driven}`;
  const large = `{ method: 'POST', path: '/git/github/git/blobs', body: JSON.stringify({ content: 'A'.repeat(${largest}), encoding: 'base64' }) }`;
  /** @param {string} name @param {string} code @param {string[]} [external] */
  const script = (name, code, external) => bundle(path.join(folder, `gateway.${name}.mjs`), code, external);
  /** The shape that `worker.mjs` knows: here there is nothing to begin. @param {string} name @param {string} code */
  const module = async (name, code) => {
    const file = path.join(folder, `gateway.${name}.module.mjs`);
    const shape = `export const begin = async () => ({ location: 'https://host.example/?state=none', cookie: '' });
      export const first = begin, finish = call;`;
    await writeFile(file, code + shape);
    return file;
  };
  const bare = (/** @type {string} */ ask) =>
    `const ask = ${ask}; async function call() { if (!(await ask()).includes('sha')) throw new Error(); }`;
  const kept = `import { Agent, request } from 'node:http'; const agent = new Agent({ keepAlive: true });`;
  return {
    cold: {
      gateway: await script('cold', `${ours} await call();`, [artefact]),
      'gateway, large': await script('large', `${ours} await call(${large});`, [artefact]),
      'gateway floor': await script('floor', floor),
    },
    warm: {
      gateway: await module('own', ours),
      'gateway: fetch': await module('fetch', bare(fetching)),
      'gateway: node:http': await module('request', kept + bare(requesting)),
    },
  };
}
