/**
 * Runtimes of fetch handlers in a process of their own, asked by the contract suites as the other platforms are. What is in there
 * is a platform's shell around handlers as a test writes them down.
 */
import { mkdtemp, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, inject } from 'vitest';
import { esbuildInline } from '../../lib/build/inline.mjs';
import { describeHosts } from '../contract/gateway/hosts.ts';
import { describeGateway } from '../contract/gateway/suite.ts';
import { specOf } from '../contract/handlers.ts';
import { askOver } from '../contract/http.ts';
import { describeLogin, type Call } from '../contract/login.ts';
import { describeRefresh } from '../contract/refresh.ts';
import { describeSignIn } from '../contract/sign-in.ts';
import { freePort } from '../hosts/port.ts';
import { logHeader, orderHeader, type Order } from './runtimes/worker.ts';
import { serve, shipped, workspace, type Command, type Tool } from './tool.ts';
import type { Start } from './suite.ts';
import type { Handler } from '../../lib/http/http.ts';
import type { LogEntry } from '../../lib/http/log.ts';

/** How a runtime serves a module whose default export has a `fetch`. */
export type Runtime = (module: string, port: number) => Command | Promise<Command>;

/** A folder with one module, made as the build makes them. @param source of it, as if it stood in the project's root */
export async function bundle(source: string): Promise<string> {
  const folder = await mkdtemp(path.join(inject('temporary'), 'runtime-'));
  await build({
    stdin: { contents: source, resolveDir: process.cwd(), loader: 'ts' },
    outfile: path.join(folder, 'worker.mjs'),
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    mainFields: ['module', 'main'],
    minify: true,
    logLevel: 'error',
    plugins: [esbuildInline],
  });
  return path.join(folder, 'worker.mjs');
}

/** Starts it and waits until it answers. */
export async function startRuntime(runtime: Runtime, module: string, own = '/'): Promise<Tool & { port: number }> {
  const port = await freePort();
  const tool = await serve(await runtime(module, port), `http://127.0.0.1:${port}${own}`);
  return { ...tool, port };
}

export interface Shell {
  shell: 'workers' | 'fetch';
  /** What it takes and lets out. */
  megabytes: number;
}

/** Starts a platform's shell there, for handlers as tests write them down. */
export async function openRuntime(
  runtime: Runtime,
  shell: Shell['shell'],
): Promise<{ call: Call; stop: () => Promise<void> }> {
  const orders = new WeakMap<Handler, number>();
  let last = 0;
  const module = await bundle(`
    import { ${shell}Limits } from './lib/platforms/limits.ts';
    import { ${shell} } from './lib/platforms/${shell}.ts';
    import { serveOrders } from './test/platforms/runtimes/worker.ts';
    export default serveOrders(${shell}, ${shell}Limits);
  `);
  const tool = await startRuntime(runtime, module);
  const orderOf = (handler: Handler): Order => {
    const { spec, options } = specOf(handler);
    if (!orders.has(handler)) orders.set(handler, ++last);
    return { id: orders.get(handler) ?? 0, spec, env: options.env ?? {}, now: options.now?.() };
  };
  return {
    stop: () => tool.stop(),
    /** What the runtime's own server refuses, since no browser sends it, is handed to the handler all the same: on other ways it comes through. */
    async call(handler, request) {
      const headers = { ...request.headers, [orderHeader]: encodeURIComponent(JSON.stringify(orderOf(handler))) };
      let reply = await askOver(tool.port, { ...request, headers });
      if (reply.headers[logHeader] === undefined) {
        const order: Order = { ...orderOf(handler), packed: true };
        const packed = { [orderHeader]: encodeURIComponent(JSON.stringify(order)), 'content-type': 'application/json' };
        const body = JSON.stringify(request);
        reply = await askOver(tool.port, { method: 'POST', path: '/', query: '', headers: packed, body });
      }
      const { [logHeader]: log = '[]', ...own } = reply.headers;
      for (const entry of JSON.parse(decodeURIComponent(log)) as LogEntry[]) specOf(handler).options.log?.(entry);
      return { ...reply, headers: own };
    },
  };
}

/** Runs every suite of the contract there. */
export function describeRuntime(name: string, runtime: Runtime, { shell, megabytes }: Shell): void {
  describe(name, () => {
    let opened: Awaited<ReturnType<typeof openRuntime>>;

    beforeAll(async () => void (opened = await openRuntime(runtime, shell)));
    afterAll(() => opened?.stop());

    const call: Call = (handler, request) => opened.call(handler, request);

    describeLogin(name, call, { knowsAddress: false });
    describeRefresh(name, call);
    describeHosts(name, call, { decodes: false });
    describeGateway(name, call, { megabytes, answers: megabytes });
    describeSignIn(name, call);
  });
}

const startBuilt =
  (runtime: Runtime, file: string, own: string): Start =>
  async (settings) => {
    const port = await freePort();
    const url = `http://localhost:${port}`;
    const command = await runtime(shipped(`dist/fetch/${file}`), port);
    const env = { CMS_AUTH_URL: url, ...command.env, ...settings };
    return { url, ...(await serve({ ...command, folder: await workspace(), env }, `http://127.0.0.1:${port}${own}`)) };
  };

/** The login as the build makes it for these. */
export const startOn = (runtime: Runtime): Start => startBuilt(runtime, 'auth.mjs', '/auth');
export const startGatewayOn = (runtime: Runtime): Start => startBuilt(runtime, 'gateway.mjs', '/git');

/** Cloudflare's own runtime, with a Worker's settings as its bindings. */
export const workerd =
  (bindings: Readonly<Record<string, string>> = {}): Runtime =>
  async (module, port) => {
    const folder = path.dirname(module);
    const text = (value: string) => JSON.stringify(value);
    const given = Object.entries(bindings).map(([name, value]) => `(name = ${text(name)}, text = ${text(value)})`);
    await writeFile(
      path.join(folder, 'config.capnp'),
      `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = .worker),
    (name = "internet", network = (allow = ["public", "private", "local"], tlsOptions = (trustBrowserCas = true))),
  ],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "main")],
);
const worker :Workerd.Worker = (
  modules = [(name = "worker.mjs", esModule = embed "worker.mjs")],
  compatibilityDate = "2026-04-01",
  compatibilityFlags = ["nodejs_compat"],
  bindings = [${given.join(', ')}],
);
`,
    );
    return { script: 'workerd/bin/workerd', native: true, parameters: ['serve', 'config.capnp'], folder };
  };

export const deno: Runtime = (module, port) => ({
  script: 'deno/deno',
  native: true,
  parameters: ['serve', '--host=127.0.0.1', `--port=${port}`, '--allow-net', '--allow-env', module],
  folder: path.dirname(module),
});

export const bun: Runtime = (module, port) => ({
  script: 'bun/bin/bun.exe',
  native: true,
  parameters: [module],
  folder: path.dirname(module),
  env: { PORT: String(port) },
});
