import type { Provider } from '../providers/provider.ts';
import { runCommand } from './command.ts';
import type { Io } from './io.ts';
import { registerByManifest } from './manifest.ts';
import { registerManually } from './manual.ts';
import { help, readOptions, type Options } from './options.ts';

/** @returns the exit code */
export const main = (parameters: readonly string[], providers: readonly Provider[], io: Io): Promise<number> =>
  runCommand<Options>(
    {
      help,
      read: (environment) => readOptions(parameters, providers, environment, io.prompts, io.env),
      async run(options) {
        const { byManifest, ...rest } = options;
        await (byManifest ? registerByManifest({ ...rest, byManifest }, io) : registerManually(options, io));
      },
    },
    io,
    io.folder,
  );
