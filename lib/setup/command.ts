import path from 'node:path';
import { parseEnv } from 'node:util';
import type { Environment } from '../config/environment.ts';
import type { Io } from './io.ts';
import { readIfThere } from './stores/file.ts';
import { Cancelled } from './terminal.ts';

/** A command of the set-up: what it takes, and what it does. */
export interface Command<Options> {
  help: string;
  /** @returns undefined if the help is wanted */
  read(environment: Environment): Promise<Options | undefined>;
  run(options: Options): Promise<void>;
}

/**
 * Reads the options, does the work, and says in words what went wrong.
 *
 * @param folder its `.env` counts, too: an instance of one's own is named where the login server reads it
 * @returns the exit code: 2 for options that make no sense
 */
export async function runCommand<Options>(
  { help, read, run }: Command<Options>,
  io: Io,
  folder: string,
): Promise<number> {
  try {
    const file = parseEnv(await readIfThere(path.join(folder, '.env')));
    let options: Options | undefined;
    try {
      options = await read({ ...file, ...io.env });
    } catch (error) {
      if (error instanceof Cancelled) throw error;
      io.complain(`${toWords(error)}\n\n${help}`);
      return 2;
    }
    if (options === undefined) io.write(help);
    else await run(options);
    return 0;
  } catch (error) {
    io.complain(`\n${toWords(error)}\n`);
    return 1;
  }
}

export const toWords = (error: unknown): string => (error instanceof Error ? error.message : String(error));
