import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { freePorts, run, serve, workspace } from './tool.ts';
import type { Start } from './suite.ts';

const script = 'netlify-cli/bin/run.js';

/** @param settings more of them, or other ones */
export const startNetlify =
  (command: 'dev' | 'serve', more: Readonly<Record<string, string>> = {}): Start =>
  async (settings) => {
    const folder = await site();
    const [port, staticPort, functionsPort] = await freePorts(3);
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
    const env = { CMS_AUTH_URL: url, ...settings, ...more, BROWSER: 'none' };
    return { url, ...(await serve({ script, parameters, folder, env }, `${url}/auth`)) };
  };

/** @returns where the packages are, and their manifest */
export async function buildNetlify(): Promise<string> {
  const folder = await site();
  await run({ script, parameters: ['build', '--offline'], folder });
  return path.join(folder, '.netlify/functions');
}

async function site(): Promise<string> {
  const folder = await workspace('netlify.toml', 'dist');
  // The command in netlify.toml has been run already, and what it made is what counts.
  const done = { private: true, type: 'module', scripts: { build: 'node --version' } };
  await writeFile(path.join(folder, 'package.json'), JSON.stringify(done));
  return folder;
}
