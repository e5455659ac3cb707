import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { freePort } from '../hosts/port.ts';
import { run, serve, workspace } from './tool.ts';
import type { Start } from './suite.ts';

/**
 * The newest needs Node 22.12. The last one for Node 20 deploys as well, but what stands in front of its `wrangler dev` hangs where a
 * Worker answers without reading a large body. So that runs on newer Nodes alone; Cloudflare's runtime, workerd, runs on all.
 */
export const isNewest = Number.parseInt(process.versions.node) >= 22;
export const wrangler = isNewest ? 'wrangler' : 'wrangler-node20';
const script = `${wrangler}/bin/wrangler.js`;

/** It asks Cloudflare whether there is a newer one of it, and for what it would tell a Worker about a request. */
const quiet = { WRANGLER_SEND_METRICS: 'false', CLOUDFLARE_CF_FETCH_ENABLED: 'false' };

/** `wrangler dev`: the Worker in Cloudflare's own runtime, with its settings where an owner keeps them for that. */
const dev =
  (config: string, own: string): Start =>
  async (settings) => {
    const folder = await workspace(config, 'dist');
    const [port, inspector] = [await freePort(), await freePort()];
    const url = `http://localhost:${port}`;
    const lines = Object.entries({ CMS_AUTH_URL: url, ...settings }).map(([name, value]) => `${name}="${value}"\n`);
    await writeFile(path.join(folder, '.dev.vars'), lines.join(''));
    const parameters = [
      'dev',
      '--config',
      config,
      '--ip',
      '127.0.0.1',
      '--port',
      `${port}`,
      '--inspector-port',
      `${inspector}`,
    ];
    return { url, ...(await serve({ script, parameters, folder, env: quiet }, `${url}${own}`)) };
  };

export const startWrangler: Start = dev('wrangler.jsonc', '/auth');
export const startWranglerGateway: Start = dev('wrangler-gateway.jsonc', '/git');

/** What `wrangler deploy` would send to Cloudflare. @returns its output, and the folder with the files */
export async function packageWorker(config: string): Promise<{ output: string; folder: string }> {
  const folder = await workspace(config, 'dist');
  const parameters = ['deploy', '--config', config, '--dry-run', '--outdir', 'out'];
  const output = await run({ script, parameters, folder, env: quiet });
  return { output, folder: path.join(folder, 'out') };
}
