/** The gateway as it is deployed, on each platform. */
import { symlink } from 'node:fs/promises';
import path from 'node:path';
import { buildClone } from './clone.ts';
import { startEmulatedGateway } from './firebase.ts';
import { startPackage } from './lambda.ts';
import { startNetlifyGateway } from './netlify.ts';
import { packageLambda, startOfflineGateway, withHttpApi } from './osls.ts';
import { freePort } from '../hosts/port.ts';
import { bun, deno, startGatewayOn } from './runtimes.ts';
import { startVercelGateway } from './vercel.ts';
import { installed, serve } from './tool.ts';
import { isNewest, startWranglerGateway } from './wrangler.ts';
import type { Start } from './suite.ts';

/** The container of a deployed function, without Hosting in front; the build has declared the function. */
export const startFramework: Start = async (settings) => {
  const folder = await buildClone({ CMS_GATEWAY_REPO: settings['CMS_GATEWAY_REPO'] ?? '' });
  await symlink(path.dirname(installed('firebase-functions')), path.join(folder, 'dist/firebase/node_modules'));
  const port = await freePort();
  const url = `http://localhost:${port}`;
  const script = '@google-cloud/functions-framework/build/src/main.js';
  const parameters = ['--source=dist/firebase', '--target=cmsgateway', `--port=${port}`];
  return {
    url,
    ...(await serve({ script, parameters, folder, env: { CMS_AUTH_URL: url, ...settings } }, `${url}/git`)),
  };
};

const file = 'serverless-gateway.yml';

const startUrl: Start = async (settings) =>
  startPackage(await packageLambda({}, undefined, file), { front: { routes: ['$default'] }, settings });

const startApi: Start = async (settings) => startPackage(await packageLambda({}, withHttpApi, file), { settings });

/**
 * Each with its vendor's own tool, or AWS's own runtime client, and what stands in front of a function there; and the megabytes that an
 * answer may have.
 */
export const gateways: [name: string, start: Start, answers: number][] = [
  ['the Netlify CLI', startNetlifyGateway, 20],
  ['osls offline', startOfflineGateway, 6],
  ['Lambda behind a Function URL', startUrl, 6],
  ['Lambda behind an HTTP API', startApi, 6],
  ['the Firebase emulators', startEmulatedGateway, 32],
  ['Vercel', startVercelGateway, 4],
  ['Deno', startGatewayOn(deno), 32],
  ['Bun', startGatewayOn(bun), 32],
];
if (isNewest) gateways.push(['wrangler dev', startWranglerGateway, 16]);
