// @ts-check
/** Cold starts: whole processes, in turn and paired, since what disturbs one of a round disturbs its neighbours. */
import { peakOf, timeOf } from './process.mjs';

/**
 * @typedef {object} Script
 * @property {string} file
 * @property {() => Promise<NodeJS.ProcessEnv>} env made anew for each run: a callback works only once
 *
 * @typedef {object} Samples one value for each round
 * @property {number[]} cpu seconds, user and system
 * @property {number[]} wall seconds
 * @property {number[]} peak MiB; of the first rounds only, since memory moves less than time does
 */

export const memoryRounds = 9;

/**
 * @param {ReadonlyMap<string, Script>} scripts
 * @param {number} rounds
 * @param {(done: number) => void} progress
 * @returns {Promise<Map<string, Samples>>}
 */
export async function measureCold(scripts, rounds, progress) {
  const samples = new Map(
    [...scripts.keys()].map((name) => [name, /** @type {Samples} */ ({ cpu: [], wall: [], peak: [] })]),
  );
  // The first finds the files on the disk; the others find them in memory.
  for (const { file, env } of scripts.values()) await timeOf(file, await env());
  for (let round = 0; round < rounds; round++) {
    for (const [name, { file, env }] of scripts) {
      const { cpu, wall } = await timeOf(file, await env());
      samples.get(name)?.cpu.push(cpu);
      samples.get(name)?.wall.push(wall);
      if (round < memoryRounds) samples.get(name)?.peak.push(await peakOf(file, await env()));
    }
    progress(round + 1);
  }
  return samples;
}
