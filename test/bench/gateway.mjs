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
  CMS_GATEWAY_PATHS: '**',
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

/** A server that passes every request on, and every answer back, on connections that it keeps. */
const passThrough = `import { Agent, createServer, request } from 'node:http';
  const agent = new Agent({ keepAlive: true });
  const root = process.env.BENCH_HOST_URL + '/api/v3/repos/owner/name';
  createServer(({ method, url }, response) => {
    request(root + url.replace('/git/github', ''), { method, headers: ${headers}, agent }, (answer) => {
      response.writeHead(answer.statusCode, answer.headers);
      answer.pipe(response);
    }).end();
  }).listen(Number(process.env.PORT), '127.0.0.1');`;

/** Of what is measured warm. */
export const byHand = 'the same job by hand';
export const byHandWhole = 'the same job by hand, with limits, headers and log';

/** What our answers say besides. */
const more = `...{
    'access-control-expose-headers': 'content-type, link, etag, retry-after, x-total, x-total-pages, x-page, x-per-page, x-next-page, x-prev-page, x-ratelimit-limit, x-ratelimit-remaining, x-ratelimit-reset, x-ratelimit-used, x-ratelimit-resource',
    'x-content-type-options': 'nosniff',
    'content-security-policy': "default-src 'none'; sandbox",
    'referrer-policy': 'no-referrer',
    'cache-control': 'private, no-cache',
    'strict-transport-security': 'max-age=31536000',
  }`;
const line = `writeSync(1, JSON.stringify({ event: 'read', provider: 'github', outcome: 'ok', route: 'branch', status: answer.statusCode, duration: Date.now() - began }) + '\\n');`;

/**
 * What a gateway has to do, written down as short as it goes: the session verified, its editor looked up, the page's origin judged,
 * one request passed on over a kept connection, its answer checked and searched for the credential. There are no rules and no words.
 *
 * @param {boolean} isWhole with what a server in production does besides: limits of time and size, headers, and a line of log
 */
const sameJob = (isWhole) => `import { Agent, createServer, request } from 'node:http';
  import { writeSync } from 'node:fs';
  import { createHmac, timingSafeEqual } from 'node:crypto';
  const agent = new Agent({ keepAlive: true });
  const root = process.env.BENCH_HOST_URL + '/api/v3/repos/owner/name';
  const [secret, listed] = [process.env.BENCH_SECRET, process.env.CMS_AUTH_ORIGINS];
  const refuse = (response, status) => response.writeHead(status).end();
  createServer(({ method, url, headers: asked }, response) => {
    const began = Date.now();
    if (asked.origin !== listed) return refuse(response, 400);
    const [, head = '', claims = '', mac = ''] = /^Bearer ([\\w-]+)\\.([\\w-]+)\\.([\\w-]+)$/.exec(asked.authorization ?? '') ?? [];
    const own = createHmac('sha256', secret).update(head + '.' + claims).digest();
    const given = Buffer.from(mac, 'base64url');
    if (given.length !== own.length || !timingSafeEqual(given, own)) return refuse(response, 401);
    const { alg } = JSON.parse(Buffer.from(head, 'base64url'));
    const { exp, email } = JSON.parse(Buffer.from(claims, 'base64url'));
    if (alg !== 'HS256' || exp * 1000 < began) return refuse(response, 401);
    if (email !== 'ann@example.org') return refuse(response, 403);
    ${isWhole ? `const timer = setTimeout(() => sent.destroy(), 8_000);` : ''}
    const sent = request(root + url.replace('/git/github', ''), { method, headers: ${headers}, agent }, (answer) => {
      const chunks = [];
      let size = 0;
      answer.on('data', (chunk) => {
        chunks.push(chunk);
        if ((size += chunk.length) > 32e6) sent.destroy();
      });
      answer.on('end', () => {
        ${isWhole ? `clearTimeout(timer);` : ''}
        const body = Buffer.concat(chunks);
        const type = answer.headers['content-type'] ?? '';
        if (!type.startsWith('application/json') || body.includes('github_pat_bench')) return refuse(response, 502);
        response.writeHead(answer.statusCode, { 'content-type': type, 'content-length': body.length, 'access-control-allow-origin': listed, vary: 'Origin', ${isWhole ? more : ''} }).end(body);
        ${isWhole ? line : ''}
      });
    });
    sent.on('error', () => refuse(response, 502)).end();
  }).listen(Number(process.env.PORT), '127.0.0.1');`;

/** A client of either, in the shape that `worker.mjs` knows: here there is nothing to begin. @param {string} server a script */
const client = (server) => `import { spawn } from 'node:child_process';
  import { once } from 'node:events';
  import { Agent, createServer, request } from 'node:http';
  const free = createServer().listen(0, '127.0.0.1');
  await once(free, 'listening');
  const { port } = free.address();
  free.close();
  // In a folder without a .env of anybody's.
  const child = spawn(process.execPath, [${JSON.stringify(server)}], { cwd: import.meta.dirname, env: { ...process.env, NODE_ENV: 'production', PORT: String(port) }, stdio: 'ignore' });
  process.on('exit', () => child.kill());
  process.on('SIGTERM', () => process.exit());
  const agent = new Agent({ keepAlive: true });
  const headers = { accept: 'application/json', origin: '${origin}', authorization: 'Bearer ' + process.env.BENCH_SESSION };
  const finish = () => new Promise((resolve, reject) => {
    request({ host: '127.0.0.1', port, path: '/git/github/branches/main', headers, agent }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (chunk) => (text += chunk));
      answer.on('end', () => (answer.statusCode === 200 && text.includes('sha') ? resolve() : reject(new Error(text))));
    }).on('error', reject).end();
  });
  for (let i = 0; ; i++)
    try {
      await finish();
      break;
    } catch (error) {
      if (error.code !== 'ECONNREFUSED' || i > 100) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  const begin = async () => ({ location: 'https://host.example/?state=none', cookie: '' });
  const first = begin;
  export { begin, first, finish };`;

/**
 * @param {string} folder for what is made
 * @returns files to run: `cold` are scripts by name, `warm` are modules by name
 */
export async function makeGateway(folder) {
  const artefact = path.resolve('dist/lambda-gateway/gateway.mjs');
  const ours = `import { handler } from ${JSON.stringify(artefact)}; ${driven}`;
  const large = `const large = { method: 'POST', path: '/git/github/git/blobs', body: JSON.stringify({ content: 'A'.repeat(${largest}), encoding: 'base64' }) };
    /x$/.test(large.body); // in one piece, as a parser hands it over`;
  /** @param {string} name @param {string} code @param {string[]} [external] */
  const script = (name, code, external) => bundle(path.join(folder, `gateway.${name}.mjs`), code, external);
  /** @param {string} name @param {string} server */
  const module = async (name, server) => {
    const file = path.join(folder, `gateway.${name}.module.mjs`);
    await writeFile(file, client(server));
    return file;
  };
  return {
    cold: {
      gateway: await script('cold', `${ours} await call();`, [artefact]),
      'gateway floor': await script('floor', floor),
      // What the platform hands over is there in both.
      'gateway, large': await script('large', `${ours} ${large} await call(); await call(large);`, [artefact]),
      'gateway, large body unused': await script('unused', `${ours} ${large} await call(); event(large);`, [artefact]),
    },
    warm: {
      gateway: await module('own', path.resolve('dist/node/start.mjs')),
      [byHand]: await module('hand', await script('hand', sameJob(false))),
      [byHandWhole]: await module('whole', await script('whole', sameJob(true))),
      'pass-through': await module('bare', await script('pass', passThrough)),
    },
  };
}
