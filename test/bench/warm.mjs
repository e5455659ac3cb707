// @ts-check
/** Warm instances: one process for each subject, all of them alive, and told in turn to do a little. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { quantile } from './statistics.mjs';

/**
 * @typedef {import('./worker.mjs').Order} Order
 * @typedef {import('./worker.mjs').Done} Done
 *
 * @typedef {object} Instance
 * @property {(order: Order) => Promise<Done>} ask
 * @property {() => Promise<import('./worker.mjs').Login>} logIn for a callback elsewhere
 * @property {() => void} end
 */

/** @param {string} module @param {NodeJS.ProcessEnv} env @param {string[]} [flags] of Node @returns {Promise<Instance>} */
export async function startInstance(module, env, flags = []) {
  const worker = fork(fileURLToPath(new URL('worker.mjs', import.meta.url)), [module], {
    env,
    execArgv: flags,
    // Logs included: whoever writes one pays for it, but not for who reads it.
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const failed = once(worker, 'exit').then(([code]) => {
    throw new Error(`${module} ended with ${code}`);
  });
  failed.catch(() => {}); // when it is told to end
  await Promise.race([once(worker, 'message'), failed]);
  /** @param {Order | 'logIn'} order */
  const send = async (order) => {
    const answer = once(worker, 'message');
    worker.send(order);
    const [done] = await Promise.race([answer, failed]);
    return done;
  };
  return {
    ask: send,
    logIn: () => send('logIn'),
    end: () => void worker.kill(),
  };
}

/** What one round asks of each. A slice has to be short, so that a disturbance meets the neighbours, too. */
const orders = /** @satisfies {Record<string, Order>} */ ({
  first: { what: 'first', times: 3000, atOnce: 1 },
  begin: { what: 'begin', times: 3000, atOnce: 1 },
  one: { what: 'callback', times: 200, atOnce: 1 },
  sixteen: { what: 'callback', times: 320, atOnce: 16 },
  sixtyFour: { what: 'callback', times: 640, atOnce: 64 },
});

/**
 * @typedef {object} Samples microseconds, one value for each round
 * @property {number[]} median
 * @property {number[]} late the 99th percentile
 * @property {number[]} share the whole slice, divided by how many were done: the inverse of the throughput
 *
 * @typedef {Record<keyof typeof orders, Samples>} SamplesOfAll
 */

/**
 * @param {ReadonlyMap<string, string>} modules
 * @param {NodeJS.ProcessEnv} env
 * @param {number} rounds
 * @param {(done: number) => void} progress
 * @returns {Promise<Map<string, SamplesOfAll>>}
 */
export async function measureWarm(modules, env, rounds, progress) {
  /** @type {Map<string, Instance>} */
  const instances = new Map();
  /** @type {() => Samples} */
  const none = () => ({ median: [], late: [], share: [] });
  const samples = new Map(
    [...modules.keys()].map((name) => [
      name,
      { first: none(), begin: none(), one: none(), sixteen: none(), sixtyFour: none() },
    ]),
  );
  const names = /** @type {(keyof typeof orders)[]} */ (Object.keys(orders));
  try {
    for (const [name, module] of modules) instances.set(name, await startInstance(module, env));
    // Until it is compiled as well as it will be.
    for (const { ask } of instances.values()) {
      await ask({ what: 'begin', times: 5000, atOnce: 1 });
      await ask({ what: 'callback', times: 3000, atOnce: 16 });
    }
    for (let round = 0; round < rounds; round++) {
      for (const order of names)
        for (const [name, { ask }] of instances) {
          const { each, total } = await ask(orders[order]);
          const sample = samples.get(name)?.[order];
          sample?.median.push(quantile(each, 0.5));
          sample?.late.push(quantile(each, 0.99));
          sample?.share.push(total / each.length);
        }
      progress(round + 1);
    }
    return samples;
  } finally {
    for (const { end } of instances.values()) end();
  }
}
