import { spawn } from 'node:child_process';
import { Cancelled } from './terminal.ts';

/** A vendor's own command-line tool. `npx` brings it, so nobody has to install it first. */
export interface Tool {
  /** Its package, at the version that the tests ran. */
  package: string;
  /** What people call it, in sentences. */
  name: string;
}

/** The newest of some tools needs a newer Node than the oldest that this runs on. */
const isNewNode = Number(process.versions.node.split('.')[0]) >= 22;

/** With the versions that `test/platforms` runs: a newer one may call its options something else. */
export const tools = {
  netlify: { package: 'netlify-cli@26.2.0', name: "Netlify's tool" },
  cloudflare: { package: isNewNode ? 'wrangler@4.164.0' : 'wrangler@4.86.0', name: "Cloudflare's tool" },
  aws: { package: 'osls@4.3.1', name: 'osls' },
  firebase: { package: 'firebase-tools@15.34.2', name: "Firebase's tool" },
} as const satisfies Readonly<Record<string, Tool>>;

/** As somebody types it. */
export const commandLine = (tool: Tool, parameters: readonly string[]): string =>
  ['npx', tool.package, ...parameters].join(' ');

export interface ToolRun {
  /** Where it runs. */
  folder: string;
  /** Ctrl-C ends the tool as well, and nothing may come after it. */
  stopped: AbortSignal;
  /** What it gets on standard input; secrets go in here alone, since any program on the machine can read arguments. */
  input?: string;
  /** More for its environment; nothing for what it is not to have of ours. */
  env?: Readonly<Record<string, string | undefined>>;
  /** It may ask the person at the terminal, such as for a login in the browser. */
  interactive?: boolean;
  /** Milliseconds; it may have to be downloaded first. */
  timeoutMs?: number;
}

export interface ToolResult {
  code: number | null;
  /** What it printed, the end of it. Nothing if it was interactive. */
  output: string;
}

/** Characters of what a tool printed that are kept. */
const longestOutput = 256 * 1024;

/**
 * Runs a vendor's tool to its end.
 *
 * @throws Error in words if it cannot be started or does not end in time; Cancelled if somebody wants it to end
 */
export function runTool(
  tool: Tool,
  parameters: readonly string[],
  { folder, stopped, input = '', env = {}, interactive = false, timeoutMs = 10 * 60_000 }: ToolRun,
): Promise<ToolResult> {
  return new Promise((resolve, reject) => {
    if (stopped.aborted) return reject(new Cancelled('Stopped.'));
    const child = spawn('npx', ['--yes', tool.package, ...parameters], {
      cwd: folder,
      env: { ...process.env, ...env },
      // On Windows npx is a script, which only a shell can run. Whatever is in the parameters was checked letter by letter.
      shell: process.platform === 'win32',
      stdio: interactive ? 'inherit' : 'pipe',
    });
    // At a terminal it hears of Ctrl-C itself; a signal to us alone is passed on.
    const end = () => void child.kill();
    stopped.addEventListener('abort', end);
    let late = false;
    // Not `timeout`: where there is no such program, Node 20 would wait for that long.
    const timer = setTimeout(() => {
      late = true;
      child.kill();
    }, timeoutMs);
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => (output = (output + text).slice(-longestOutput)));
    child.once('error', (error) => {
      clearTimeout(timer);
      stopped.removeEventListener('abort', end);
      reject(new Error(`${tool.name} could not be started: ${error.message}. It needs npx, which comes with Node.`));
    });
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      stopped.removeEventListener('abort', end);
      // The tool may be gone before we hear of the same Ctrl-C; 130 is what npx makes of it.
      if (stopped.aborted || signal === 'SIGINT' || code === 130) reject(new Cancelled('Stopped.'));
      else if (late) reject(new Error(`${tool.name} did not end within ${timeoutMs / 60_000} minutes.`));
      else resolve({ code, output });
    });
    child.stdin?.on('error', () => {}); // a tool that ends early says why itself
    child.stdin?.end(input);
  });
}

/** The last lines that a tool printed, without colours: enough to see why it failed. */
export const lastLines = (output: string, count = 15): string =>
  output
    // eslint-disable-next-line no-control-regex
    .replace(/\u001b\[[0-9;?]*[A-Za-z]/g, '')
    .split(/[\r\n]+/)
    .filter((line) => line.trim() !== '')
    .slice(-count)
    .join('\n');
