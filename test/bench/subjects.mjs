// @ts-check
/**
 * Who runs: ourselves as we are deployed, the others, and the least that the job needs. Each becomes a module for a warm
 * instance and two scripts for cold ones, which all reach the handler through the same driver and load nothing else.
 */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { build } from 'esbuild';
import { bundling, weigh } from './bundling.mjs';
import { buildPeers } from './peers/index.mjs';

/**
 * @typedef {object} Subject
 * @property {string} name
 * @property {string} [version]
 * @property {'lambda' | 'web' | 'node'} kind of `drivers.mjs`
 * @property {string} artefact an ES module, as it is deployed
 * @property {string} [exported] what of it is the handler
 * @property {string} [beginPath]
 * @property {string} [callbackPath]
 * @property {number} bytes all that is deployed of it
 * @property {number} gzip
 *
 * @typedef {Subject & { module: string; ask: string; begin: string; callback: string }} ReadySubject files to run
 */

/** The names under which our own two stand in every table. */
export const lambda = 'this, on Lambda';
export const netlify = 'this, on Netlify';

/** @param {string} outfile @param {string} contents @param {string[]} [external] */
export async function bundle(outfile, contents, external = []) {
  const stdin = { contents, resolveDir: import.meta.dirname };
  await build({ ...bundling, stdin, external, outfile });
  return outfile;
}

/**
 * @param {string} folder for what is made
 * @returns {Promise<ReadySubject[]>} ourselves first
 */
export async function makeSubjects(folder) {
  const callbackPath = '/auth/github/callback';
  /** @type {Subject[]} */
  const subjects = [
    // With the files beside it, but for the AWS SDK, which only `ssm:` settings need.
    {
      name: lambda,
      kind: 'lambda',
      callbackPath,
      ...(await ours('lambda/auth.mjs', 'lambda')),
    },
    {
      name: netlify,
      kind: 'web',
      exported: 'default',
      callbackPath,
      ...(await ours('netlify/auth.mjs', 'netlify/apart')),
    },
    ...(await buildPeers(path.join(folder, 'peers'))),
  ];
  return Promise.all(subjects.map((subject, i) => makeReady(subject, path.join(folder, `subject${i}`))));
}

/** @param {string} entry @param {string} apart the folder of the files beside it */
async function ours(entry, apart) {
  const seldom = ['failure', 'openid', 'owner', 'refresh'].map((name) => `${apart}/${name}.mjs`);
  const files = [entry, ...seldom].map((file) => path.resolve('dist', file));
  return { artefact: path.resolve('dist', entry), ...(await weigh(files)) };
}

/** @param {Subject} subject @param {string} prefix of the files @returns {Promise<ReadySubject>} */
async function makeReady(subject, prefix) {
  const { kind, artefact, exported = 'handler', beginPath, callbackPath } = subject;
  const driven = `import { ${exported} as handler } from ${JSON.stringify(artefact)};
    import { ${kind} } from './drivers.mjs';
    const driver = ${kind}(handler, ${JSON.stringify({ beginPath, callbackPath })});`;
  /** @param {string} name @param {string} code */
  const make = (name, code) => bundle(`${prefix}.${name}.mjs`, driven + code, [artefact]);
  return {
    ...subject,
    module: await make(
      'module',
      `export const begin = (opener) => driver.begin(opener), first = () => driver.ask();
      export const { callback, refresh } = driver;
      export async function finish({ query, cookie }) {
        const { body } = await callback(query, cookie);
        if (!body.includes('gho_')) throw new Error(body);
      }`,
    ),
    ask: await make('ask', `if (!(await driver.ask()).cookie) throw new Error('no login');`),
    begin: await make('begin', `if (!(await driver.begin()).location) throw new Error('no login');`),
    callback: await make(
      'callback',
      `const { query, cookie } = JSON.parse(process.env.LOGIN);
      const { body } = await driver.callback(query, cookie);
      if (!body.includes('gho_')) throw new Error(body);`,
    ),
  };
}

const body = `'client_id=id&client_secret=secret&code=code'`;
const address = '`${process.env.BENCH_HOST_URL}/login/oauth/access_token`';
const random = `import { createHmac, randomBytes } from 'node:crypto';
  const key = randomBytes(32);
  const mac = createHmac('sha256', key).update('state').digest('base64url');
  const verifier = createHmac('sha256', key).update('pkce' + mac).digest('base64url');`;
const fetching = `async () => {
    const answer = await fetch(${address}, {
      method: 'POST',
      headers: { accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded' },
      body: ${body},
    });
    return (await answer.json()).access_token;
  }`;
/** @param {string} [agent] Node's own, which keeps connections, unless told otherwise */
const requesting = (agent = 'undefined') => `() => new Promise((resolve, reject) => {
    const headers = { accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded' };
    request(${address}, { method: 'POST', headers, agent: ${agent} }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (chunk) => (text += chunk));
      answer.on('end', () => resolve(JSON.parse(text).access_token));
    }).on('error', reject).end(${body});
  })`;
const reading = `import { GetParametersCommand, SSMClient } from '@aws-sdk/client-ssm';
  const command = new GetParametersCommand({ Names: ['/cms/github/secret'], WithDecryption: true });
  const { Parameters } = await new SSMClient({}).send(command);
  if (Parameters[0].Value !== 'secret') throw new Error();`;
const http = `import { request } from 'node:http';`;

/**
 * The same job as a beginning of ours, written down as short as it goes: a page that asks who opened it, then the opener judged and
 * the way to the host, bound to the browser and with PKCE. No settings are read and no words are kept for what could be wrong.
 */
const beginning = `import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
  const key = randomBytes(32);
  const sign = (about, text) => createHmac('sha256', key).update(about + text).digest('base64url');
  const listed = 'https://www.example.com';
  function first() {
    const attempt = randomBytes(32).toString('base64url');
    const state = attempt + '.' + sign('state', attempt);
    const next = 'https://auth.example.com/auth/github/begin?state=' + state + '&opener=';
    const body = '<!doctype html><meta charset="utf-8"><title>Login</title><script>const { next } = ' + JSON.stringify({ next }) +
      "; addEventListener('message', ({ origin }) => location.replace(next + encodeURIComponent(origin))); opener.postMessage('authorizing:github', '*');</script>";
    return { statusCode: 200, headers: { 'content-type': 'text/html; charset=utf-8' }, cookies: ['__Host-login=' + attempt + '; Path=/; Secure; HttpOnly; SameSite=Lax'], body };
  }
  function second(query, cookie) {
    const parameters = new URLSearchParams(query);
    const [attempt, mac] = parameters.get('state').split('.');
    const own = sign('state', attempt);
    if (mac.length !== own.length || !timingSafeEqual(Buffer.from(mac), Buffer.from(own)) || cookie !== '__Host-login=' + attempt) throw new Error();
    if (parameters.get('opener') !== listed) throw new Error();
    const challenge = createHash('sha256').update(sign('pkce', attempt)).digest('base64url');
    const target = new URL('https://github.com/login/oauth/authorize');
    for (const [name, value] of Object.entries({ client_id: 'id', redirect_uri: 'https://auth.example.com/auth/github/callback', scope: 'repo', state: parameters.get('state'), code_challenge: challenge, code_challenge_method: 'S256' }))
      target.searchParams.set(name, value);
    return { statusCode: 302, headers: { location: target.href }, cookies: [], body: '' };
  }`;

/** Called as ours is, by the same drivers. @satisfies {Record<string, [kind: 'lambda' | 'web', handler: string]>} */
const beginnings = {
  begin: /** @type {const} */ ([
    'lambda',
    `export const handler = async ({ rawPath, rawQueryString, cookies = [] }) =>
      rawPath === '/auth' ? first() : second(rawQueryString, cookies[0]);`,
  ]),
  beginWeb: /** @type {const} */ ([
    'web',
    `export function handler(request) {
      const { pathname, search } = new URL(request.url);
      const { statusCode, headers, cookies, body } = pathname === '/auth' ? first() : second(search, request.headers.get('cookie'));
      const answer = new Response(body || null, { status: statusCode, headers });
      for (const cookie of cookies) answer.headers.append('set-cookie', cookie);
      return answer;
    }`,
  ]),
};

/** The least that anybody's code could do. */
const floors = {
  empty: '',
  random,
  response: `${random} new Response(verifier);`,
  fetch: `if (!(await (${fetching})())) throw new Error();`,
  request: `${http} if (!(await (${requesting()})())) throw new Error();`,
  store: reading,
  storeAndFetch: `${reading} if (!(await (${fetching})())) throw new Error();`,
};

/** @typedef {keyof typeof floors | keyof typeof beginnings} Floor */

/** @param {string} folder @returns {Promise<Record<Floor, string>>} scripts for cold runs */
export async function makeFloors(folder) {
  const made = Object.entries(floors).map(async ([name, code]) => [
    name,
    await bundle(path.join(folder, `floor.${name}.mjs`), code),
  ]);
  const begun = Object.entries(beginnings).map(async ([name, [kind, handler]]) => {
    const prefix = path.join(folder, `floor.${name}`);
    const artefact = await bundle(`${prefix}.handler.mjs`, beginning + handler);
    return [name, (await makeReady({ name, kind, artefact, bytes: 0, gzip: 0 }, prefix)).begin];
  });
  return Object.fromEntries(await Promise.all([...made, ...begun]));
}

/** @param {string} folder @returns {Promise<{ fetch: string; request: string; connect: string }>} modules for warm instances */
export async function makeBareClients(folder) {
  /** @param {string} name @param {string} code */
  const make = async (name, code) => {
    const file = path.join(folder, `bare.${name}.mjs`);
    await writeFile(
      file,
      `${code}
      export const begin = async () => ({ location: 'https://host.example/?state=none', cookie: '' });
      export const first = begin;
      export async function finish() { if (!String(await ask()).includes('gho_')) throw new Error(); }`,
    );
    return file;
  };
  return {
    fetch: await make('fetch', `const ask = ${fetching};`),
    request: await make('request', `${http} const ask = ${requesting()};`),
    connect: await make('connect', `${http} const ask = ${requesting('false')};`),
  };
}
