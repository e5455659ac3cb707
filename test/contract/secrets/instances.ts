/** Two ways to have an instance of the login server on Lambda: from the source in this process, and what is deployed in one of its own. */
import { execFile, fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { vi } from 'vitest';
import { providers } from '../../../functions/auth.ts';
import { createHandler } from '../../../lib/login/handler.ts';
import { lambda, type LambdaEvent, type LambdaResult } from '../../../lib/platforms/lambda.ts';
import type { LogEntry } from '../../../lib/http/log.ts';
import type { Environment } from '../../../lib/config/environment.ts';
import type { Reply, Request } from '../login.ts';

export interface Instance {
  ask(request: Partial<Request>): Promise<Reply>;
  /** One entry for each request that was answered. */
  log: LogEntry[];
  /** Milliseconds. */
  advance(time: number): void;
  /** All that others get to see of it: replies, log lines, and whatever else it wrote. */
  output(): string;
  close(): Promise<void>;
}

export interface Way {
  /** @param aws what the AWS SDK finds in its environment */
  open(settings: Environment, aws: Environment): Promise<Instance>;
  /** Before the first and after the last test. */
  setUp(): Promise<void>;
  tearDown(): Promise<void>;
}

export const domain = 'auth.example.com';

/** What AWS makes of a request. */
const toEvent = ({ method = 'GET', path: rawPath = '/', query = '', headers = {}, body }: Partial<Request>) => {
  const { cookie, ...others } = headers;
  return {
    rawPath,
    rawQueryString: query,
    headers: { host: domain, ...others },
    ...(cookie !== undefined && { cookies: cookie.split('; ') }),
    ...(body !== undefined && { body }),
    requestContext: { domainName: domain, stage: '$default', requestId: 'request-1', http: { method } },
  } satisfies LambdaEvent;
};

const toReply = ({ statusCode, ...reply }: LambdaResult): Reply => ({ status: statusCode, ...reply });

export const fromSource: Way = {
  setUp: async () => {},
  tearDown: async () => {},
  async open(env, aws) {
    for (const [name, value] of Object.entries(aws)) vi.stubEnv(name, value);
    const log: LogEntry[] = [];
    const seen: unknown[] = [log];
    const invoke = lambda(createHandler(providers, { env, log: (entry) => log.push(entry) }));
    return {
      log,
      async ask(request) {
        const reply = toReply(await invoke(toEvent(request)));
        seen.push(reply);
        return reply;
      },
      advance: (time) => void vi.setSystemTime(Date.now() + time),
      output: () => JSON.stringify(seen),
      close: async () => {},
    };
  },
};

/** In a folder of its own, since `dist` may be built anew, or not be there, while tests run. */
export async function buildApart(): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'cms-auth-'));
  for (const part of [
    'package.json',
    'package-lock.json',
    'tsconfig.json',
    'functions',
    'lib',
    'test/demo',
    'test/cms',
    'test/hosts',
  ])
    await cp(part, path.join(folder, part), { recursive: true });
  await symlink(path.resolve('node_modules'), path.join(folder, 'node_modules'), 'junction');
  await promisify(execFile)(process.execPath, ['lib/build/build.mjs', '--silent'], { cwd: folder });
  return folder;
}

/** Its clock stands still, and can be put forward. */
const clock = `const start = Date.now();
let ahead = 0;
Date.now = () => start + ahead;
process.on('message', ({ advance }) => { ahead += advance ?? 0; });
process.channel.unref();`;

/** What AWS's runtime does: one import, then one call of the handler for each event. */
const runtime = `import './clock.mjs';
process.channel.ref();
const ready = import('./dist/lambda/auth.mjs');
process.on('message', async ({ id, event }) => {
  if (id === undefined) return;
  const { handler } = await ready;
  process.send({ id, result: await handler(event), loaded: process.moduleLoadList });
});`;

/** A Node process with these variables and no others, whose clock can be put forward. */
export function start(
  script: string,
  { folder, env, args = [] }: { folder: string; env: Environment; args?: string[] },
) {
  const child = fork(path.join(folder, script), {
    cwd: folder,
    // The home folder is for the SDK: nobody's own credentials are to be found.
    env: { HOME: folder, USERPROFILE: folder, ...env },
    execArgv: args,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  const written = { stdout: '', stderr: '' };
  child.stdout?.on('data', (chunk) => (written.stdout += String(chunk)));
  child.stderr?.on('data', (chunk) => (written.stderr += String(chunk)));
  const closed = once(child, 'close');
  let over = false;
  void closed.then(() => (over = true));
  /** Until it has said these words, or ended. */
  const said = async (words: string) => {
    while (!written.stdout.includes(words) && !over) await Promise.race([closed, once(child.stdout ?? child, 'data')]);
  };
  return { child, written, said };
}

export async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'exit');
}

export interface Deployed extends Way {
  readonly folder: string;
  open(settings: Environment, aws: Environment, folder?: string): Promise<Instance & { loaded: string[] }>;
}

export function asDeployed(): Deployed {
  let built = '';
  return {
    get folder() {
      return built;
    },
    async setUp() {
      built = await buildApart();
      await writeFile(path.join(built, 'clock.mjs'), clock);
      await writeFile(path.join(built, 'runtime.mjs'), runtime);
    },
    tearDown: () => rm(built, { recursive: true, force: true }),
    async open(settings, aws, folder = built) {
      const { child, written } = start('runtime.mjs', { folder, env: { ...aws, ...settings } });
      const replies: Reply[] = [];
      const waiting = new Map<number, { resolve: (reply: Reply) => void; reject: (error: Error) => void }>();
      const instance = {
        log: [] as LogEntry[],
        loaded: [] as string[],
        ask: (request: Partial<Request>) =>
          new Promise<Reply>((resolve, reject) => {
            const id = replies.length + waiting.size;
            waiting.set(id, { resolve, reject });
            child.send({ id, event: toEvent(request) });
          }),
        advance: (time: number) => void child.send({ advance: time }),
        output: () => JSON.stringify([replies, written]),
        close: () => end(child),
      };
      /** A reply counts when its log line is here, too: they come by different ways. */
      const settled: (() => void)[] = [];
      const settle = () => {
        const lines = written.stdout.split('\n').slice(instance.log.length, -1);
        instance.log.push(...lines.map((line) => JSON.parse(line) as LogEntry));
        for (const resolve of settled.splice(0, instance.log.length - replies.length)) resolve();
      };
      child.stdout?.on('data', settle);
      child.on('message', ({ id, result, loaded }: { id: number; result: LambdaResult; loaded: string[] }) => {
        settled.push(() => {
          const reply = toReply(result);
          replies.push(reply);
          waiting.get(id)?.resolve(reply);
          waiting.delete(id);
        });
        instance.loaded = loaded;
        settle();
      });
      child.on('exit', () => {
        for (const { reject } of waiting.values()) reject(new Error(`The function died.\n${written.stderr}`));
      });
      return instance;
    },
  };
}
