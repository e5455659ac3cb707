import { isSecret, type Store, type Value } from '../values.ts';
import { lastLines, runTool, tools } from '../tool.ts';
import { envFile } from './env.ts';

/**
 * Secrets go into Google's Secret Manager by Firebase's own tool, which is logged in; the rest into `.env`, which the build
 * reads. A secret there has versions: a new one takes nothing away.
 *
 * @see https://firebase.google.com/docs/functions/config-env#secret-manager
 */
export function firebaseSecrets(folder: string, stopped: AbortSignal): Store {
  const file = envFile(folder);
  return {
    place: "Firebase's secrets and the file .env",
    taken: (entries) => file.taken(entries.filter((entry) => !isSecret(entry))),
    async write(values, replace) {
      const secrets = values.filter(isSecret);
      for (const secret of secrets) await setSecret(secret, folder, stopped);
      const notes = await file.write(
        values.filter((value) => !isSecret(value)),
        replace,
      );
      return [`Kept as secrets of your Firebase project: ${secrets.map(({ name }) => name).join(', ')}.`, ...notes];
    },
    deployAgain: 'Deploy again: npx firebase-tools deploy --only functions:cms-auth,hosting',
    otherwise:
      'Move the lines of .env.setup that are not secret into .env. For each secret, run "npx firebase-tools functions:secrets:set" with its name, and paste the value when asked.',
  };
}

/** The value goes in by standard input: an argument could be seen by every program on the machine, and a file would stay if we were stopped. */
async function setSecret({ name, value }: Value, folder: string, stopped: AbortSignal): Promise<void> {
  const parameters = ['functions:secrets:set', name, '--data-file', '-', '--non-interactive'];
  const { code, output } = await runTool(tools.firebase, parameters, { folder, stopped, input: value });
  if (code !== 0) throw new Error(`Firebase's tool did not take ${name}. It said:\n${lastLines(output)}`);
}
