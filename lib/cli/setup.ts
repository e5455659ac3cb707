import { setTimeout as wait } from 'node:timers/promises';
import open from 'open';
import type { Provider } from '../providers/provider.ts';
import { main } from '../setup/main.ts';
import { Cancelled, terminal } from '../setup/terminal.ts';
import type { Io } from '../setup/io.ts';

/** What the commands of the set-up have to do with outside of themselves, for real. */
export function commandIo(): Io {
  const stopped = new AbortController();
  process.on('SIGINT', () => stopped.abort());
  process.on('SIGTERM', () => stopped.abort());
  return {
    write: (text) => process.stdout.write(`${text}\n`),
    complain: (text) => process.stderr.write(`${text}\n`),
    prompts: process.stdin.isTTY && process.stdout.isTTY ? terminal : undefined,
    env: process.env,
    folder: process.cwd(),
    stopped: stopped.signal,
    open,
    now: Date.now,
    wait: (milliseconds) =>
      wait(milliseconds, undefined, { signal: stopped.signal }).catch(() => {
        throw new Cancelled('Stopped.');
      }),
  };
}

/** `npm run setup`: on the owner's machine, never in a deployed function. */
export async function setup(providers: readonly Provider[]): Promise<void> {
  process.exitCode = await main(process.argv.slice(2), providers, commandIo());
}
