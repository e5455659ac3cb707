import { spawn } from 'node:child_process';
import { isSecret, type Store, type Value } from '../values.ts';
import { envFile } from './env.ts';

/** Milliseconds for the tool, which may have to be downloaded first. */
const timeoutMs = 5 * 60_000;

/**
 * Secrets go into Google's Secret Manager by Firebase's own tool, which is logged in; the rest into `.env`, which the build
 * reads. A secret there has versions: a new one takes nothing away.
 *
 * @see https://firebase.google.com/docs/functions/config-env#secret-manager
 */
export function firebaseSecrets(folder: string): Store {
  const file = envFile(folder);
  return {
    place: "Firebase's secrets and the file .env",
    taken: (entries) => file.taken(entries.filter((entry) => !isSecret(entry))),
    async write(values, replace) {
      const secrets = values.filter(isSecret);
      for (const secret of secrets) await setSecret(secret, folder);
      const notes = await file.write(
        values.filter((value) => !isSecret(value)),
        replace,
      );
      return [
        `Kept as secrets of your Firebase project: ${secrets.map(({ name }) => name).join(', ')}.`,
        ...notes,
        'Deploy again: npx firebase-tools deploy --only functions:cms-auth,hosting',
      ];
    },
    otherwise:
      'Move the lines of .env.setup that are not secret into .env. For each secret, run "npx firebase-tools functions:secrets:set" with its name, and paste the value when asked.',
  };
}

/** The value goes in by standard input: an argument could be seen by every program on the machine, and a file would stay if we were stopped. */
async function setSecret({ name, value }: Value, folder: string): Promise<void> {
  const call = ['functions:secrets:set', name, '--data-file', '-', '--non-interactive'];
  const ended =
    (await run('firebase', call, value, folder)) ??
    (await run('npx', ['--yes', 'firebase-tools', ...call], value, folder));
  if (ended === undefined) throw new Error('Neither "firebase" nor "npx" could be started.');
  if (ended.code !== 0) throw new Error(`Firebase's tool did not take ${name}. It said:\n${ended.output.trim()}`);
}

/** @returns nothing if there is no such program */
function run(
  program: string,
  parameters: readonly string[],
  input: string,
  folder: string,
): Promise<{ code: number | null; output: string } | undefined> {
  return new Promise((resolve, reject) => {
    // On Windows these programs are scripts, which only a shell can run. Nothing in the parameters is anybody's input.
    const windows = process.platform === 'win32';
    const child = spawn(program, parameters, { cwd: folder, shell: windows });
    // Not `timeout`: where there is no such program, Node 20 would wait for that long.
    const late = setTimeout(() => child.kill(), timeoutMs);
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => (output = (output + text).slice(-4_000)));
    child.once('error', (error: NodeJS.ErrnoException) => {
      clearTimeout(late);
      if (error.code === 'ENOENT') resolve(undefined);
      else reject(error);
    });
    child.once('close', (code) => {
      clearTimeout(late);
      resolve({ code, output });
    });
    child.stdin.on('error', () => {}); // a tool that ends early says why itself
    child.stdin.end(input);
  });
}
