/** Runs the set-up command as the program that it is, and plays the owner at the browser. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { build } from 'esbuild';
import { esbuildInline } from '../../lib/build/inline.mjs';
import type { GitHubHost } from '../hosts/github.ts';
import { startGitHub } from '../hosts/github.ts';

/** Bundles the command as the build does. */
export async function bundleCommand(): Promise<{ file: string; remove(): Promise<void> }> {
  const outdir = await mkdtemp(path.join(tmpdir(), 'setup-command-'));
  await build({
    stdin: {
      contents: `import { providers } from './functions/auth.ts';
        import { setup } from './lib/cli/setup.ts';
        await setup(providers);`,
      resolveDir: process.cwd(),
      sourcefile: 'setup.ts',
      loader: 'ts',
    },
    entryNames: 'setup',
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    mainFields: ['module', 'main'],
    outExtension: { '.js': '.mjs' },
    splitting: true,
    outdir,
    plugins: [esbuildInline],
    logLevel: 'error',
  });
  return { file: path.join(outdir, 'setup.mjs'), remove: () => rm(outdir, { recursive: true }) };
}

/** A GitHub whose one user owns `acme/site` by an organisation, and `octo/site` himself. */
export async function startRegistrar(): Promise<GitHubHost> {
  const github = await startGitHub({ user: { login: 'octo', name: 'Octo' }, repository: { fullName: 'acme/site' } });
  github.registry.organisations.add('acme');
  return github;
}

export interface Running {
  pid: number;
  out(): string;
  err(): string;
  /** Where the page is, as printed. */
  origin(): Promise<string>;
  /** Waits until something is printed. */
  says(text: string | RegExp): Promise<void>;
  /** The exit code. */
  ended: Promise<number | null>;
  interrupt(): void;
}

const started = new Set<Running>();

/** Ends what a test that failed has left. */
export function endAll(): void {
  for (const running of started) running.interrupt();
  started.clear();
}

export function start(
  file: string,
  parameters: readonly string[],
  { folder, env = {} }: { folder: string; env?: Record<string, string> },
): Running {
  const child = spawn(process.execPath, [file, ...parameters], {
    cwd: folder,
    // Nothing of whoever runs the tests.
    env: {
      PATH: `${path.join(folder, 'bin')}:${path.dirname(process.execPath)}:/usr/bin:/bin`,
      HOME: folder,
      AWS_EC2_METADATA_DISABLED: 'true',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [out, err] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
  const ended = once(child, 'close').then(([code]) => code as number | null);
  const says = async (text: string | RegExp): Promise<void> => {
    const isThere = () => (typeof text === 'string' ? `${out}${err}`.includes(text) : text.test(`${out}${err}`));
    while (!isThere()) {
      const over = await Promise.race([ended.then(() => true), new Promise((resolve) => setTimeout(resolve, 20))]);
      if (over === true && !isThere()) throw new Error(`It ended without saying ${String(text)}:\n${out}\n${err}`);
    }
  };
  const running: Running = {
    pid: child.pid ?? 0,
    out: () => out,
    err: () => err,
    says,
    async origin() {
      const address = /http:\/\/127\.0\.0\.1:\d+(?=\/\n)/;
      await says(address);
      return address.exec(out)?.[0] ?? '';
    },
    ended,
    interrupt: () => void child.kill('SIGINT'),
  };
  started.add(running);
  return running;
}

/** A program on the PATH of `start`. */
export async function program(folder: string, name: string, script: string): Promise<void> {
  const file = path.join(folder, 'bin', name);
  await writeFile(file, `#!${process.execPath}\n${script}`);
  await chmod(file, 0o755);
}

const unescape = (text: string): string =>
  text.replace(/&#(\d+);/g, (_, code: string) => String.fromCharCode(Number(code))).replace(/&amp;/g, '&');

/** The first form of a page that posts, as a browser would send it. */
export function formOf(page: string, address: string): { action: string; fields: URLSearchParams } {
  const [, action = '', inner = ''] = /<form method="post" action="([^"]*)">([^]*?)<\/form>/.exec(page) ?? [];
  const fields = new URLSearchParams();
  for (const [input] of inner.matchAll(/<input [^>]*>/g)) {
    const attribute = (name: string) => unescape(new RegExp(` ${name}="([^"]*)"`).exec(input)?.[1] ?? '');
    fields.append(attribute('name'), attribute('value'));
  }
  return { action: new URL(unescape(action), address).href, fields };
}

/** Presses the button, and the one at GitHub. @returns where GitHub then sends the browser */
export async function pressButtons(origin: string, { query = '', name }: { query?: string; name?: string } = {}) {
  const welcome = await fetch(`${origin}/${query}`);
  const first = formOf(await welcome.text(), origin);
  const asked = await fetch(first.action, { method: 'POST', body: first.fields });
  const text = await asked.text();
  if (asked.status !== 200) throw new Error(`GitHub refuses it: ${text}`);
  const second = formOf(text, first.action);
  if (name !== undefined) second.fields.set('name', name);
  const made = await fetch(second.action, { method: 'POST', body: second.fields, redirect: 'manual' });
  const location = made.headers.get('location');
  if (location === null) throw new Error(`GitHub makes no app: ${await made.text()}`);
  return {
    location,
    manifest: JSON.parse(first.fields.get('manifest') ?? '') as Record<string, unknown>,
    action: first.action,
  };
}
