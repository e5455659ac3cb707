import { loadEnvFile } from '../config/env-file.ts';
import { settingsOf } from '../config/table.ts';
import { main, type Served } from './server.ts';

/**
 * `npm start`: the server with the owner's settings, or the demo if there are none at all. A server that lost its environment
 * must not become the demo, so in production there is none; and wherever it runs, it listens on loopback alone.
 *
 * @param demo is loaded only if it is wanted; the package that npm installs has none
 */
export async function start(served: Served, demo: () => Promise<{ main: () => Promise<void> }>): Promise<void> {
  try {
    loadEnvFile('.env');
    const known = settingsOf('login', served.providers).map(({ name }) => name);
    // Also what is only meant to be a setting: its owner learns that from the server, not from the demo.
    const isSetting = (name: string) => known.includes(name) || /^CMS_(AUTH|GATEWAY)_/.test(name);
    const isSetUp = Object.keys(process.env).some(isSetting) || process.env['NODE_ENV'] === 'production';
    const own = { main: () => main(served) };
    const { main: run } = isSetUp
      ? own
      : await demo().catch((error: NodeJS.ErrnoException) => {
          if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error;
          return own; // it says that nothing is set up
        });
    await run();
  } catch (error) {
    console.error(`\n${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(1);
  }
}
