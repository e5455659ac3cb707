// @ts-check
/**
 * The tests' own GitHub with a long collection in it, as far away as is said: every piece of an answer comes so much later. It is a
 * process of its own, since it works while others are measured. `collection.mjs` starts it and talks to it by messages.
 */
import { subscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { startGitHub } from '../hosts/github.ts';

/**
 * @typedef {object} Order
 * @property {Record<string, string>} files of the repository
 * @property {string[]} tokens that may read it
 * @property {number} delay milliseconds
 *
 * @typedef {object} RelayOrder
 * @property {string} relay an address, to be had a little farther away
 * @property {number} delay milliseconds
 *
 * @typedef {object} Counts
 * @property {number} calls
 * @property {number} preflights
 */

const counts = { calls: 0, preflights: 0 };
subscribe('http.server.request.start', (message) => {
  const { request } = /** @type {{ request: import('node:http').IncomingMessage }} */ (message);
  counts[request.method === 'OPTIONS' ? 'preflights' : 'calls']++;
});

/** @param {string} to an address @param {number} delay of what comes back @returns {Promise<string>} where it is to be had */
async function relay(to, delay) {
  const { hostname, port } = new URL(to);
  const server = createServer({ noDelay: true }, (near) => {
    const far = connect({ host: hostname, port: Number(port), noDelay: true });
    near.pipe(far);
    far.on('data', (chunk) => void wait(delay).then(() => near.write(chunk)));
    far.on('close', () => void wait(delay).then(() => near.destroy()));
    near.on('close', () => far.destroy());
    for (const end of [near, far]) end.on('error', () => {});
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${/** @type {import('node:net').AddressInfo} */ (server.address()).port}`;
}

process.on('message', async (/** @type {Order | RelayOrder | 'counts'} */ order) => {
  if (order === 'counts') {
    process.send?.({ ...counts });
    return void Object.assign(counts, { calls: 0, preflights: 0 });
  }
  if ('relay' in order) return void process.send?.(await relay(order.relay, order.delay));
  const { files, tokens, delay } = order;
  const github = await startGitHub({ repository: { fullName: 'owner/name', files } });
  for (const token of tokens) github.accessTokens.set(token, { name: 'bench', scopes: ['repo'] });
  process.send?.(await relay(github.url, delay));
});
process.on('disconnect', () => process.exit());
