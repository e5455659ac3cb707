import { existsSync } from 'node:fs';
import { providers } from '../../functions/auth.ts';
import { settingPrefix } from '../providers/provider.ts';

/**
 * `npm start`: the hop with the owner's settings, or the demo if there are none at all. A server that lost its environment
 * must not become the demo, so in production there is none; and wherever it runs, it listens on loopback alone.
 */
try {
  if (existsSync('.env')) process.loadEnvFile('.env');
  const names = providers.flatMap((provider) =>
    ['CLIENT_ID', 'CLIENT_SECRET', 'URL', 'SCOPE'].map((name) => `${settingPrefix(provider)}_${name}`),
  );
  const settings = Object.keys(process.env).filter((name) => names.includes(name) || name.startsWith('CMS_AUTH_'));
  const { main } =
    settings.length > 0 || process.env['NODE_ENV'] === 'production'
      ? await import('./server.ts')
      : await import('../../test/demo/demo.ts');
  await main();
} catch (error) {
  console.error(`\n${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
}
