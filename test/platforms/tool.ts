/** Other people's programs: where they run, how they start, and that they end. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { cp, mkdtemp } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { inject } from 'vitest';

const tools = path.join(import.meta.dirname, 'node_modules');

export interface Tool {
  /** All that it has written so far, to both of its streams. */
  output(): string;
  stop(): Promise<void>;
}

/** What is run, where, and with which settings. */
export interface Command {
  /** Path of the program below `node_modules`, or a whole one. */
  script: string;
  /** Whether the machine runs it, and not Node. */
  native?: boolean;
  parameters: readonly string[];
  folder: string;
  env?: Readonly<Record<string, string>>;
}

/** Where this run has its copy of what is shipped. */
export const shipped = (name: string): string => path.join(inject('temporary'), 'shipped', name);

/** A folder of its own with some of what is shipped. */
export async function workspace(...names: string[]): Promise<string> {
  const folder = await mkdtemp(path.join(inject('temporary'), 'tool-'));
  for (const name of names) await cp(shipped(name), path.join(folder, name), { recursive: true });
  return folder;
}

/** Where a tool of `test/platforms/package.json` is. */
export function installed(name: string): string {
  const file = path.resolve(tools, name);
  if (!existsSync(file)) throw new Error(`${name} is not installed: node test/platforms/install.mjs`);
  return file;
}

/** Starts a server and waits until it answers at `url`. One that does not, for reasons of its own, gets a second chance. */
export const serve = (command: Command, url: string): Promise<Tool> =>
  serveOnce(command, url).catch((reason: unknown) => {
    console.warn(reason);
    return serveOnce(command, url);
  });

async function serveOnce(command: Command, url: string): Promise<Tool> {
  const { tool, ended } = start(command);
  const failed = (what: string) => new Error(`${command.script} ${what}:\n${tool.output()}`);
  const deadline = Date.now() + 60_000;
  let answered = false;
  try {
    while (!answered) {
      if (Date.now() > deadline) throw failed('did not answer in time');
      if (await Promise.race([ended, wait(100, false)])) throw failed('ended before it answered');
      // A tool that still loads may answer for itself, or hang.
      answered = await fetch(url, { signal: AbortSignal.timeout(5_000) }).then(
        ({ ok }) => ok,
        () => false,
      );
    }
  } catch (error) {
    await tool.stop();
    throw error;
  }
  return tool;
}

/** Runs a program to its end, which has to be a good one. */
export async function run(command: Command): Promise<string> {
  const { tool, ended } = start(command);
  await ended;
  const output = tool.output();
  if (!output.endsWith('\nEnded with 0.\n')) throw new Error(`${command.script} failed:\n${output}`);
  return output;
}

/** Starts a program that serves nobody by itself. */
export function start({ script, native = false, parameters, folder, env }: Command): {
  tool: Tool;
  ended: Promise<true>;
} {
  const child = spawn(
    process.execPath,
    [
      path.join(import.meta.dirname, 'guard.mjs'),
      ...(native ? [] : [process.execPath]),
      installed(script),
      ...parameters,
    ],
    {
      cwd: folder,
      detached: true,
      // Nothing of whoever runs the tests: neither credentials, nor settings of their own login server, nor a home to write into.
      env: {
        PATH: process.env['PATH'],
        HOME: folder,
        TMPDIR: inject('temporary'), // not the tool's own folder: the name of a socket may not be much longer
        CI: '1',
        NO_COLOR: '1',
        AWS_EC2_METADATA_DISABLED: 'true',
        ...env,
      },
    },
  );
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (output += text));
  const ended = once(child, 'close').then(() => true as const);
  const stop = async () => {
    child.stdin.end();
    await ended;
  };
  return { tool: { output: () => output, stop }, ended };
}
