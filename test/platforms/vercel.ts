import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { freePort } from '../hosts/port.ts';
import { run, serve, workspace } from './tool.ts';
import type { Platform, Start } from './suite.ts';

const script = 'vercel/dist/index.js';

/**
 * What `vercel build` makes of the repository, which is all that is deployed then. It needs no account for that, only the settings of a
 * project, which it asks Vercel for otherwise.
 *
 * @param edit changes the folder before that
 * @returns the folder of what is deployed
 */
export async function buildVercel(edit: (folder: string) => Promise<void> = async () => {}): Promise<string> {
  const folder = await workspace('vercel.json', 'api', 'dist');
  await edit(folder);
  // The command in vercel.json has been run already, and what it made is what counts.
  const done = { private: true, type: 'module', scripts: { build: 'node --version' } };
  await writeFile(path.join(folder, 'package.json'), JSON.stringify(done));
  await mkdir(path.join(folder, '.vercel'));
  const project = { projectId: 'prj_none', orgId: 'team_none', settings: { nodeVersion: '24.x' } };
  await writeFile(path.join(folder, '.vercel/project.json'), JSON.stringify(project));
  const env = { VERCEL_TELEMETRY_DISABLED: '1' };
  await run({ script, parameters: ['build', '--prod', '--token', 'none'], folder, env });
  for (const name of ['api', 'dist']) await rm(path.join(folder, name), { recursive: true });
  return path.join(folder, '.vercel/output');
}

export const startVercel: Start = async (settings) => start(await buildVercel(), '/auth', settings);

/** The gateway, as a project of its own: the page says which file it has, and what leads there. */
export const startVercelGateway: Start = async (settings) => {
  const folder = await buildVercel(async (own) => {
    await rm(path.join(own, 'api/auth.mjs'));
    await writeFile(path.join(own, 'api/gateway.mjs'), "export { default } from '../dist/vercel/gateway.mjs';\n");
    const config = await readFile(path.join(own, 'vercel.json'), 'utf8');
    await writeFile(
      path.join(own, 'vercel.json'),
      config.replaceAll('auth', 'git').replaceAll('api/git', 'api/gateway'),
    );
  });
  return start(folder, '/git', settings);
};

async function start(folder: string, own: string, settings: Readonly<Record<string, string>>): Promise<Platform> {
  const port = await freePort();
  const url = `http://localhost:${port}`;
  const front = path.resolve('test/platforms/runtimes/vercel.mjs');
  const env = { CMS_AUTH_URL: url, ...settings };
  return { url, ...(await serve({ script: front, parameters: [folder, `${port}`], folder, env }, `${url}${own}`)) };
}
