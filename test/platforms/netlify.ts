import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { freePort } from '../hosts/port.ts';
import { run, serve, workspace } from './tool.ts';
import type { Platform, Start } from './suite.ts';

const script = 'netlify-cli/bin/run.js';

/** @param more settings, or other ones */
export const startNetlify =
  (command: 'dev' | 'serve', more: Readonly<Record<string, string>> = {}): Start =>
  async (settings) =>
    serveNetlify(await site(), command, { ...settings, ...more });

/**
 * @param folder of any site
 * @param own path that answers as soon as it serves
 */
export async function serveNetlify(
  folder: string,
  command: 'dev' | 'serve',
  settings: Readonly<Record<string, string>>,
  own = '/auth',
): Promise<Platform> {
  const [port, staticPort, functionsPort] = [await freePort(), await freePort(), await freePort()];
  const url = `http://localhost:${port}`;
  // The hidden one keeps it from fetching Deno at the first request, although there are no edge functions here.
  const flags = ['--offline', '--internal-disable-edge-functions', ...(command === 'dev' ? ['--no-open'] : [])];
  const parameters = [
    command,
    ...flags,
    ...Object.entries({ port, 'functions-port': functionsPort, staticServerPort: staticPort }).flatMap(
      ([name, value]) => [`--${name}`, String(value)],
    ),
  ];
  const env = { CMS_AUTH_URL: url, ...settings, BROWSER: 'none' };
  return { url, ...(await serve({ script, parameters, folder, env }, `${url}${own}`)) };
}

export interface NetlifyBuild {
  /** Where the packages are. */
  folder: string;
  functions: { name: string; path: string; routes?: Record<string, unknown>[] }[];
}

/**
 * @param folder of any site; our own if it is left out
 * @param functions where the site has its functions, if not where its file says
 */
export async function buildNetlify(folder?: string, functions?: string): Promise<NetlifyBuild> {
  const base = folder ?? (await site());
  if (functions !== undefined) await takeFunctions(base, functions);
  await run({ script, parameters: ['build', '--offline'], folder: base });
  const built = path.join(base, '.netlify/functions');
  const manifest = await readFile(path.join(built, 'manifest.json'), 'utf8');
  return { folder: built, functions: (JSON.parse(manifest) as Pick<NetlifyBuild, 'functions'>).functions };
}

async function site(): Promise<string> {
  const folder = await workspace('netlify.toml', 'dist');
  // The command in netlify.toml has been run already, and what it made is what counts.
  const done = { private: true, type: 'module', scripts: { build: 'node --version' } };
  await writeFile(path.join(folder, 'package.json'), JSON.stringify(done));
  return folder;
}

/** The gateway, as the site of its own that it is. */
export const startNetlifyGateway: Start = async (settings) => {
  const folder = await site();
  await takeFunctions(folder, 'dist/netlify-gateway');
  return serveNetlify(folder, 'serve', settings, '/git');
};

async function takeFunctions(folder: string, functions: string): Promise<void> {
  const file = path.join(folder, 'netlify.toml');
  await writeFile(file, (await readFile(file, 'utf8')).replace('"dist/netlify"', JSON.stringify(functions)));
}
