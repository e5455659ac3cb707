import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { freePort } from '../hosts/port.ts';
import { startGateway, type Front } from './gateway.ts';
import { ofType, packageLambda, type LambdaPackage } from './osls.ts';
import { startRuntime } from './runtime.ts';
import { start, workspace } from './tool.ts';
import type { Platform, Start } from './suite.ts';

let packaged: Promise<LambdaPackage> | undefined;

type Variables = Readonly<Record<string, string>>;

/**
 * The packaged function under AWS's own runtime client. Handler, timeout, settings and routes are those of the package's
 * template, as far as the test does not say otherwise.
 *
 * @param more settings, or other ones
 * @param aws what AWS itself adds to the environment
 */
export const startLambda =
  (front: Partial<Front> = {}, more: Variables = {}, aws: Variables = {}): Start =>
  async (settings) =>
    startPackage(await (packaged ??= packageLambda()), { front, settings: { ...settings, ...more }, aws });

interface Circumstances {
  /** Which of several functions. */
  handler?: string;
  front?: Partial<Front>;
  settings?: Variables;
  aws?: Variables;
}

/** @param shipped of any service */
export async function startPackage(
  shipped: LambdaPackage,
  { handler, front = {}, settings = {}, aws = {} }: Circumstances,
): Promise<Platform> {
  const functions = ofType(shipped, 'AWS::Lambda::Function');
  const { Handler, Timeout, Environment } = functions.find(
    (each) => handler === undefined || each['Handler'] === handler,
  ) as {
    Handler: string;
    Timeout: number;
    Environment?: { Variables: Variables };
  };
  const folder = await workspace();
  for (const [name, data] of shipped.files) {
    await mkdir(path.join(folder, path.dirname(name)), { recursive: true });
    await writeFile(path.join(folder, name), data);
  }

  const templateRoutes = ofType(shipped, 'AWS::ApiGatewayV2::Route').map(({ RouteKey }) => String(RouteKey));
  const { stage = '$default', mapped = false, base64 = 'binary', routes = templateRoutes } = front;
  const port = await freePort();
  const url = `http://localhost:${port}${stage === '$default' || mapped ? '' : `/${stage}`}`;
  const given: Variables = { CMS_AUTH_URL: url, ...settings };
  const runtime = await startRuntime(Timeout);
  const { tool, ended } = start({
    script: 'aws-lambda-ric/bin/index.mjs',
    parameters: [Handler],
    folder,
    env: {
      // What the template does not name would not arrive.
      ...Object.fromEntries(
        Object.entries(Environment?.Variables ?? {}).map(([name, text]) => [name, given[name] ?? text]),
      ),
      ...aws,
      AWS_LAMBDA_RUNTIME_API: runtime.address,
      AWS_LAMBDA_FUNCTION_NAME: path.parse(Handler).name,
      AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '1024',
      AWS_REGION: 'eu-central-1',
      LAMBDA_TASK_ROOT: folder,
      _HANDLER: Handler,
    },
  });
  // A client that is missing, or was compiled for something else, would otherwise be noticed by its silence alone.
  const died = ended.then(() => Promise.reject(new Error(`The runtime client ended:\n${tool.output()}`)));
  died.catch(() => {});
  const gateway = await startGateway(port, { stage, mapped, base64, routes }, (event) =>
    Promise.race([runtime.invoke(event), died]),
  );
  return {
    url,
    output: tool.output,
    stop: async () => void (await Promise.all([gateway.close(), tool.stop(), runtime.close()])),
  };
}
