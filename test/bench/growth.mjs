// @ts-check
/** Whether a warm instance grows or slows with the logins it has seen, beside a bare client that sees as many. */
import { quantile } from './statistics.mjs';
import { startInstance } from './warm.mjs';

const slices = 100;
const logins = 1000; // in each

/**
 * @param {string} subject a module
 * @param {string} bare another, whose slices tell what the machine itself does in the meantime
 * @param {NodeJS.ProcessEnv} env
 * @param {(done: number) => void} progress
 * @returns {Promise<{ logins: number; heap: number; time: number }>} the last quarter, in parts of the first
 */
export async function measureGrowth(subject, bare, env, progress) {
  const [own, other] = await Promise.all([subject, bare].map((file) => startInstance(file, env, ['--expose-gc'])));
  if (!own || !other) throw new Error();
  /** @type {import('./worker.mjs').Order} */
  const order = { what: 'callback', times: logins, atOnce: 16 };
  try {
    for (let i = 0; i < 3; i++) await Promise.all([own.ask(order), other.ask(order)]);
    /** @type {number[]} */
    const heaps = [];
    /** @type {number[]} */
    const times = [];
    for (let slice = 0; slice < slices; slice++) {
      const { total, heap } = await own.ask(order);
      heaps.push(heap);
      times.push(total / (await other.ask(order)).total);
      progress(slice + 1);
    }
    /** @param {number[]} values */
    const growth = (values) => quantile(values.slice(-slices / 4), 0.5) / quantile(values.slice(0, slices / 4), 0.5);
    return { logins: slices * logins, heap: growth(heaps), time: growth(times) };
  } finally {
    own.end();
    other.end();
  }
}
