import { setTimeout as wait } from 'node:timers/promises';
import open from 'open';
import type { Provider } from '../providers/provider.ts';
import { main } from '../setup/main.ts';
import { Cancelled, terminal } from '../setup/terminal.ts';

/** `npm run setup`: on the owner's machine, never in a deployed function. */
export async function setup(providers: readonly Provider[]): Promise<void> {
  const stopped = new AbortController();
  process.on('SIGINT', () => stopped.abort());
  process.on('SIGTERM', () => stopped.abort());
  process.exitCode = await main(process.argv.slice(2), providers, {
    write: (text) => process.stdout.write(`${text}\n`),
    complain: (text) => process.stderr.write(`${text}\n`),
    prompts: process.stdin.isTTY && process.stdout.isTTY ? terminal : undefined,
    env: process.env,
    folder: process.cwd(),
    open,
    now: Date.now,
    wait: (milliseconds) =>
      wait(milliseconds, undefined, { signal: stopped.signal }).catch(() => {
        throw new Cancelled('Stopped. Nothing was written.');
      }),
  });
}
