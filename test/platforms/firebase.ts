import { symlink } from 'node:fs/promises';
import path from 'node:path';
import { freePorts, installed, serve, workspace } from './tool.ts';
import type { Start } from './suite.ts';

/** What the container of a deployed function runs, without Firebase's Hosting in front. */
export const startFramework: Start = async (settings) => {
  const folder = await workspace('dist/firebase');
  await symlink(path.dirname(installed('firebase-functions')), path.join(folder, 'node_modules'));
  const [port] = await freePorts(1);
  const url = `http://localhost:${port}`;
  const script = '@google-cloud/functions-framework/build/src/main.js';
  const parameters = ['--source=dist/firebase', '--target=cmsauth', `--port=${port}`];
  const env = { CMS_AUTH_URL: url, ...settings };
  return { url, ...(await serve({ script, parameters, folder, env }, `${url}/auth`)) };
};
