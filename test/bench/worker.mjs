// @ts-check
/**
 * One warm instance of one subject, in a process of its own: it does what it is told as often as it is told, and answers with
 * how long each one took.
 *
 * @typedef {object} Order
 * @property {'first' | 'begin' | 'callback'} what
 * @property {number} times
 * @property {number} atOnce
 *
 * @typedef {Awaited<ReturnType<typeof logIn>>} Login
 *
 * @typedef {object} Done
 * @property {number[]} each microseconds
 * @property {number} total microseconds
 * @property {number} heap MiB, after a collection where Node was started with one
 */
import { pathToFileURL } from 'node:url';
import { logIn } from './login.mjs';

/** @type {Pick<import('./drivers.mjs').Driver, 'begin'> & { first: import('./drivers.mjs').Driver['ask']; finish(login: Login): Promise<void> }} */
const { first, begin, finish } = await import(pathToFileURL(process.argv[2] ?? '').href);

process.on('message', async (/** @type {Order | 'logIn'} */ order) =>
  process.send?.(order === 'logIn' ? await logIn(begin) : await carryOut(order)),
);
process.send?.('ready');

/** @param {Order} order @returns {Promise<Done>} */
async function carryOut({ what, times, atOnce }) {
  /** @type {Login[]} */
  const logins = [];
  if (what === 'callback') for (let i = 0; i < times; i++) logins.push(await logIn(begin));
  /** @type {number[]} */
  const each = [];
  let left = times;
  const start = performance.now();
  const one = async () => {
    while (left-- > 0) {
      const login = logins.pop();
      const before = performance.now();
      if (login) await finish(login);
      else await (what === 'first' ? first() : begin());
      each.push((performance.now() - before) * 1000);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, one));
  const total = (performance.now() - start) * 1000;
  globalThis.gc?.();
  return { each, total, heap: process.memoryUsage().heapUsed / 2 ** 20 };
}
