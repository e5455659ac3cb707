import path from 'node:path';
import { parseEnv } from 'node:util';
import type { Provider } from '../providers/provider.ts';
import type { Environment } from '../config/environment.ts';
import { help, readOptions, type Options } from './options.ts';
import { registerManually } from './manual.ts';
import { registerByManifest } from './manifest.ts';
import { readIfThere } from './stores/file.ts';
import { Cancelled } from './terminal.ts';
import type { Io } from './io.ts';

/** @returns the exit code */
export async function main(parameters: readonly string[], providers: readonly Provider[], io: Io): Promise<number> {
  let file: Environment;
  try {
    // An instance of one's own is named where the login server reads it, too.
    file = parseEnv(await readIfThere(path.join(io.folder, '.env')));
  } catch (error) {
    return fail(io, error);
  }
  let options: Options | undefined;
  try {
    options = await readOptions(parameters, providers, { ...file, ...io.env }, io.prompts);
  } catch (error) {
    if (error instanceof Cancelled) return fail(io, error);
    io.complain(`${toWords(error)}\n\n${help}`);
    return 2;
  }
  if (options === undefined) {
    io.write(help);
    return 0;
  }
  try {
    const { byManifest, ...rest } = options;
    await (byManifest ? registerByManifest({ ...rest, byManifest }, io) : registerManually(options, io));
    return 0;
  } catch (error) {
    return fail(io, error);
  }
}

function fail(io: Io, error: unknown): number {
  io.complain(`\n${toWords(error)}\n`);
  return 1;
}

const toWords = (error: unknown): string => (error instanceof Error ? error.message : String(error));
