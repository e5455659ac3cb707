import { readFile, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { freePort } from '../hosts/port.ts';
import { buildClone } from './clone.ts';
import { startHosting } from './hosting.ts';
import { installed, serve, workspace } from './tool.ts';
import type { Platform, Start } from './suite.ts';

/** What the container of a deployed function runs, without Firebase's Hosting in front. */
export const startFramework: Start = async (settings) => {
  const folder = await workspace('dist/firebase');
  await symlink(path.dirname(installed('firebase-functions')), path.join(folder, 'node_modules'));
  const port = await freePort();
  const url = `http://localhost:${port}`;
  const script = '@google-cloud/functions-framework/build/src/main.js';
  const parameters = ['--source=dist/firebase', '--target=cmsauth', `--port=${port}`];
  const env = { CMS_AUTH_URL: url, ...settings };
  return { url, ...(await serve({ script, parameters, folder, env }, `${url}/auth`)) };
};

/** The functions and Hosting emulators, on a clone that was set up and built as the documentation says. */
export const startEmulators: Start = async (settings) => {
  const port = await freePort();
  const folder = await buildFirebase({ CMS_AUTH_URL: `http://localhost:${port}`, ...settings });
  return emulate(folder, port);
};

/** The same with a function for each provider, and Hosting told so. */
export const startSplit: Start = async (settings) => {
  const port = await freePort();
  const folder = await buildFirebase({ CMS_AUTH_URL: `http://localhost:${port}`, ...settings }, '--split');
  await addRewrites(folder, 'docs/firebase.md', '/auth/github');
  return emulate(folder, port);
};

/** The gateway, beside a login that is not set up. */
export const startEmulatedGateway: Start = async (settings) => {
  const port = await freePort();
  const folder = await buildFirebase({ CMS_AUTH_URL: `http://localhost:${port}`, ...settings });
  await addRewrites(folder, 'docs/gateway-platforms.md', '/git');
  return emulate(folder, port, '/git');
};

/** As the documentation has them. @param first of their paths */
async function addRewrites(folder: string, page: string, first: string): Promise<void> {
  const blocks = [...(await readFile(page, 'utf8')).matchAll(/```json\n([^`]+)```/g)].map(([, block = '']) => block);
  const own = blocks.find((block) => block.trim().startsWith(`{ "source": "${first}",`));
  const config = await readConfig(folder);
  config.hosting.rewrites.unshift(...(JSON.parse(`[${own}]`) as unknown[]));
  await writeFile(path.join(folder, 'firebase.json'), JSON.stringify(config));
}

type Settings = Readonly<Record<string, string>>;

/** @returns a clone whose functions can be run where they are */
export async function buildFirebase(settings: Settings, ...flags: string[]): Promise<string> {
  const isSecret = ([name]: [string, string]) => /_(CLIENT_SECRET|JWT_SECRET|TOKEN)$/.test(name);
  const all = Object.entries(settings);
  const folder = await buildClone(Object.fromEntries(all.filter((setting) => !isSecret(setting))), ...flags);
  const functions = path.join(folder, 'dist/firebase');
  // What the emulator has in place of the Secret Manager. Blank ones are left out: nobody can store a blank there.
  const secrets = all.filter((setting) => isSecret(setting) && setting[1] !== '').map((pair) => pair.join('='));
  if (secrets.length > 0) await writeFile(path.join(functions, '.secret.local'), secrets.join('\n'));
  await symlink(path.dirname(installed('firebase-functions')), path.join(functions, 'node_modules'));
  return folder;
}

interface Config {
  functions: { source: string; codebase?: string; predeploy?: unknown }[];
  hosting: { rewrites: unknown[] };
  emulators?: unknown;
}

export const readConfig = async (folder: string): Promise<Config> =>
  JSON.parse(await readFile(path.join(folder, 'firebase.json'), 'utf8')) as Config;

/**
 * Runs a project's functions behind its Hosting.
 *
 * @param folder of its firebase.json, where only ports get changed
 * @param port for the project's own address, on localhost
 * @param own path that answers as soon as it serves
 */
export async function emulate(folder: string, port: number, own = '/auth'): Promise<Platform> {
  const config = await readConfig(folder);
  const emulators = ['functions', 'hosting', 'hub', 'logging', 'eventarc', 'tasks'];
  const ports: Record<string, number> = {};
  for (const name of emulators) ports[name] = await freePort();
  config.emulators = {
    ...Object.fromEntries(emulators.map((name) => [name, { host: '127.0.0.1', port: ports[name] }])),
    ui: { enabled: false },
  };
  await writeFile(path.join(folder, 'firebase.json'), JSON.stringify(config));

  const url = `http://127.0.0.1:${ports['hosting']}`;
  const tool = await serve(
    {
      script: 'firebase-tools/lib/bin/firebase.js',
      parameters: ['emulators:start', '--only=functions,hosting', `--project=demo-login-${port}`],
      folder,
      env: {
        METADATA_SERVER_DETECTION: 'none',
        // Else it asks the functions what they are over a port that was free a moment ago, for ten seconds. Others start beside it.
        FIREBASE_FUNCTIONS_DISCOVERY_OUTPUT_PATH: 'true',
        FUNCTIONS_DISCOVERY_TIMEOUT: '60',
      },
    },
    `${url}${own}`,
  );
  const hosting = await startHosting(port, url);
  return {
    url: hosting.url,
    output: tool.output,
    stop: async () => void (await Promise.all([hosting.close(), tool.stop()])),
  };
}
