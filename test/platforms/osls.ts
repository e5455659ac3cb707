import { appendFile, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { freePort } from '../hosts/port.ts';
import { readZip } from './zip.ts';
import { installed, run, serve, workspace } from './tool.ts';
import type { Platform, Start } from './suite.ts';

const script = 'osls/bin/serverless.js';

/** `osls offline`; its plugin is no part of the file that is shipped. */
export const startOffline: Start = (settings) => offline('serverless.yml', '/auth', settings);

/** The gateway's service in the same way: with the HTTP API of its comment, since the plugin knows no Function URL. */
export const startOfflineGateway: Start = (settings) => offline('serverless-gateway.yml', '/git', settings);

async function offline(file: string, own: string, settings: Readonly<Record<string, string>>): Promise<Platform> {
  const folder = await workspace(file, 'dist');
  const config = path.join(folder, file);
  await writeFile(config, withHttpApi(await readFile(config, 'utf8')));
  await appendFile(config, '\nplugins: [serverless-offline]\n');
  await symlink(path.dirname(installed('serverless-offline')), path.join(folder, 'node_modules'));
  const [port, lambdaPort] = [String(await freePort()), String(await freePort())];
  const url = `http://localhost:${port}`;
  const parameters = ['offline', 'start', '--config', file, '--httpPort', port, '--lambdaPort', lambdaPort];
  const env = { CMS_AUTH_URL: url, CMS_GATEWAY_URL: url, ...settings };
  return { url, ...(await serve({ script, parameters, folder, env }, `${url}${own}`)) };
}

/** The gateway's service with the HTTP API of its comment. */
export const withHttpApi = (yaml: string): string =>
  yaml.replace(/# (events:)\n( +)# ( +- .*)\n +# ( +- .*)\n +url: true\n/, '$1\n$2$3\n$2$4\n');

export interface Resource {
  Type: string;
  Properties: Record<string, unknown>;
}

export interface LambdaPackage {
  /** Of the CloudFormation template, by their names. */
  resources: Record<string, Resource>;
  /** What is in the zip, by path. */
  files: Map<string, Buffer>;
}

/**
 * What `osls deploy` would send to AWS of our own service.
 *
 * @param env of the shell that deploys
 * @param edit what the owner changes in the file
 * @param file the service
 */
export async function packageLambda(
  env: Readonly<Record<string, string>> = {},
  edit: (yaml: string) => string = (yaml) => yaml,
  file = 'serverless.yml',
): Promise<LambdaPackage> {
  const folder = await workspace(file, 'dist');
  const config = path.join(folder, file);
  await writeFile(config, edit(await readFile(config, 'utf8')));
  return packageService(folder, env, ['--config', file]);
}

/** @param folder of any service */
export async function packageService(
  folder: string,
  env: Readonly<Record<string, string>> = {},
  more: readonly string[] = [],
): Promise<LambdaPackage> {
  await run({ script, parameters: ['package', ...more], folder, env });
  const out = path.join(folder, '.serverless');
  const zips = (await readdir(out)).filter((name) => name.endsWith('.zip'));
  if (zips.length !== 1) throw new Error(`One zip was expected: ${zips.join(', ')}`);
  const template = await readFile(path.join(out, 'cloudformation-template-update-stack.json'), 'utf8');
  return {
    resources: (JSON.parse(template) as { Resources: Record<string, Resource> }).Resources,
    files: readZip(await readFile(path.join(out, zips[0] ?? ''))),
  };
}

/** Properties of all resources of a type. */
export const ofType = ({ resources }: LambdaPackage, type: string): Resource['Properties'][] =>
  Object.values(resources).flatMap(({ Type, Properties }) => (Type === type ? [Properties] : []));
