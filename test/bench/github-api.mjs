// @ts-check
/**
 * What a call of Sveltia CMS costs through GitHub's API in front of the gateway, beside the same call through a server that passes on
 * whatever comes and looks at nothing: one of REST, and one of GraphQL that asks for the texts of many posts, as Sveltia asks for them.
 */
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { Agent, createServer, request } from 'node:http';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { gatewaySettings } from './gateway.mjs';
import { portOf, startServer } from './server.mjs';
import { origin } from './settings.mjs';

const posts = 250;
/** Of the host, in milliseconds: none, which shows what is ours, and about as far as GitHub is. */
const distances = [0, 20];
const timesEach = { rest: 40, graphql: 8 };

const document = `query { repository(owner: "owner", name: "name") { ${Array.from(
  { length: posts },
  (_, i) => `content_${i}: object(oid: "${String(i).padStart(40, 'a')}") { ... on Blob { text isTruncated } }`,
).join(' ')} } }`;
const calls = {
  rest: { method: 'GET', path: '/git/api/v3/repos/owner/name/branches/main', body: '' },
  graphql: { method: 'POST', path: '/git/graphql', body: JSON.stringify({ query: document }) },
};

const text = `---\ntitle: A post\n---\n${'Some words of it. '.repeat(100)}`;
const answers = {
  rest: '{"name":"main","sha":"9d4f6dc4e3c5a4ae1a0dd7d4f6dc4e3c5a4ae1a0"}',
  graphql: JSON.stringify({
    data: {
      repository: Object.fromEntries(
        Array.from({ length: posts }, (_, i) => [`content_${i}`, { text, isTruncated: false }]),
      ),
    },
  }),
};

const passThrough = `import { Agent, createServer, request } from 'node:http';
  const agent = new Agent({ keepAlive: true });
  createServer((asked, response) => {
    const headers = { ...asked.headers, authorization: 'Bearer github_pat_bench' };
    asked.pipe(request(process.env.BENCH_HOST_URL + asked.url.replace('/git', '/api').replace('/api/api', '/api'), { method: asked.method, headers, agent }, (answer) => {
      response.writeHead(answer.statusCode, answer.headers);
      answer.pipe(response);
    }));
  }).listen(Number(process.env.PORT), '127.0.0.1');`;

/**
 * @typedef {keyof typeof calls} Kind
 *
 * @typedef {object} Pairs milliseconds for one call, one value for each round
 * @property {Kind} kind
 * @property {number} distance of the host, in milliseconds
 * @property {number[]} ours
 * @property {number[]} passed
 */

/**
 * @param {string} folder without a .env of anybody's
 * @param {number} rounds
 * @returns {Promise<Pairs[]>}
 */
export async function measureGitHubApi(folder, rounds) {
  let distance = 0;
  const host = createServer(async (asked, response) => {
    for await (const _ of asked);
    if (distance > 0) await sleep(distance);
    const answer = answers[asked.method === 'GET' ? 'rest' : 'graphql'];
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': answer.length }).end(answer);
  }).listen(0, '127.0.0.1');
  await once(host, 'listening');
  const settings = await gatewaySettings(`http://127.0.0.1:${portOf(host)}`);
  const script = path.join(folder, 'pass-through.mjs');
  await writeFile(script, passThrough);
  const passing = await startServer(script, settings, folder);
  const gateway = await startServer(path.resolve('dist/node/start.mjs'), settings, folder);
  const agent = new Agent({ keepAlive: true });
  /** @param {number} port @param {Kind} kind @returns {Promise<void>} */
  const call = (port, kind) =>
    new Promise((resolve, reject) => {
      const { body, ...to } = calls[kind];
      const headers = {
        origin,
        authorization: `Bearer ${settings['BENCH_SESSION']}`,
        ...(body && { 'content-type': 'application/json', 'content-length': body.length }),
      };
      request({ host: '127.0.0.1', port, agent, headers, ...to }, (response) => {
        let size = 0;
        response
          .on('data', (piece) => (size += piece.length))
          .on('end', () => (size === answers[kind].length ? resolve() : reject(new Error(`${size} bytes`))));
      })
        .on('error', reject)
        .end(body);
    });
  /** @param {number} port @param {Kind} kind @returns {Promise<number>} */
  async function time(port, kind) {
    const began = performance.now();
    for (let i = 0; i < timesEach[kind]; i++) await call(port, kind);
    return (performance.now() - began) / timesEach[kind];
  }
  try {
    for (let i = 0; i < 100; i++)
      for (const kind of kinds) for (const { port } of [passing, gateway]) await call(port, kind);
    /** @type {Pairs[]} */
    const all = [];
    for (const kind of kinds)
      for (distance of distances) {
        /** @type {Pairs} */
        const pairs = { kind, distance, ours: [], passed: [] };
        for (let round = 0; round < rounds; round++) {
          pairs.passed.push(await time(passing.port, kind));
          pairs.ours.push(await time(gateway.port, kind));
        }
        all.push(pairs);
      }
    return all;
  } finally {
    passing.end();
    gateway.end();
    agent.destroy();
    host.closeAllConnections();
    host.close();
  }
}

const kinds = /** @type {const} */ (['rest', 'graphql']);
