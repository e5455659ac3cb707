// @ts-check
/** What a whole process costs, from `node` to its end, as whoever pays for a cold function sees it. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Settings of the machine that a Node process cannot do without; nothing else of ours reaches what is measured. */
const inherited = { PATH: process.env['PATH'] };

/**
 * From the outside, exit included, as the shell counts it. One millisecond is the least that it knows.
 *
 * @param {string} script
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<{ cpu: number; wall: number }>} user and system time, and the time on the clock, in seconds
 */
export async function timeOf(script, env) {
  // What a script complains about goes past the shell's own words.
  const command = `TIMEFORMAT='%R %U %S'; { time "${process.execPath}" "${script}" > /dev/null 2>&3; } 3>&2 2>&1`;
  const { stdout } = await run('bash', ['--norc', '-c', command], { env: { ...inherited, ...env } });
  const [wall = NaN, user = NaN, system = NaN] = stdout.trim().split(' ').map(Number);
  return { cpu: user + system, wall };
}

/** Loaded before the script, so that all of them, the bare one too, carry it alike. */
const peak = fileURLToPath(new URL('peak.cjs', import.meta.url));

/**
 * @param {string} script
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<number>} the most memory that it held at once (resident), in MiB
 */
export async function peakOf(script, env) {
  // By way of a shell that forks: a process begins with the peak of the one that started it, and this one is large.
  const command = `"${process.execPath}" --require "${peak}" "${script}" 3>&1 > /dev/null; exit $?`;
  const { stdout } = await run('bash', ['--norc', '-c', command], { env: { ...inherited, ...env } });
  return Number(stdout) / 1024;
}
