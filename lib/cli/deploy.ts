import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { deploy as main } from '../setup/deploy/main.ts';
import { commandIo } from './setup.ts';
import type { Provider } from '../providers/provider.ts';

/** `npm run deploy`: on the owner's machine, never in a deployed function. */
export async function deploy(providers: readonly Provider[]): Promise<void> {
  // This file is in dist/node of the project or package.
  const source = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
  process.exitCode = await main(process.argv.slice(2), providers, commandIo(), source);
}
