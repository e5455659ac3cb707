import path from 'node:path';
import { netlifyVariables } from './stores/netlify.ts';
import { workerSecrets } from './stores/cloudflare.ts';
import { parameterStore } from './stores/aws.ts';
import { firebaseSecrets } from './stores/firebase.ts';
import { envFile } from './stores/env.ts';
import { readIfThere, replaceFile, setValues } from './stores/file.ts';
import type { Options } from './options.ts';
import { entry, withoutSecrets, type Entry, type Store, type Value } from './values.ts';
import type { Io } from './io.ts';

/** Where values are kept that could not be put where they belong. */
const fallbackFile = '.env.setup';

export const openStore = (options: Options, { env, folder }: Io): Store =>
  ({
    env: () => envFile(folder),
    netlify: () => netlifyVariables(env, folder, options.partOfDeploy ? 'folder' : 'upwards'),
    cloudflare: () => workerSecrets(folder, options.worker),
    aws: () => parameterStore(options, options.partOfDeploy ? envFile(folder) : undefined),
    firebase: () => firebaseSecrets(folder),
  })[options.to]();

/** The settings of a login, whatever is known of them so far. */
export function loginEntries(options: Options, app: { id?: string; secret?: string } = {}): Entry[] {
  const { provider, base, address, site } = options;
  return [
    entry(provider, '{HOST}_CLIENT_ID', app.id),
    entry(provider, '{HOST}_CLIENT_SECRET', app.secret),
    ...(base === provider.url ? [] : [entry(provider, '{HOST}_URL', base)]),
    entry(provider, 'CMS_AUTH_URL', address.origin + address.prefix),
    ...(site === undefined ? [] : [entry(provider, 'CMS_AUTH_ORIGINS', site)]),
  ];
}

/**
 * Looks whether the values can be written, and asks whether those that are there may go: before anything is registered, since
 * that cannot be taken back.
 *
 * @returns whether what is there may be replaced
 * @throws Error in words if not
 */
export async function checkPlace(options: Options, store: Store, entries: readonly Entry[], io: Io): Promise<boolean> {
  const left = await readIfThere(path.join(io.folder, fallbackFile));
  const taken = [...(left === '' ? [] : [fallbackFile]), ...(await store.taken(entries))];
  if (taken.length === 0 || options.replace) return options.replace;
  const found = `${taken.join(', ')} ${taken.length > 1 ? 'are' : 'is'} there already${
    left === '' ? ` (${store.place})` : `: ${fallbackFile} holds the values of an earlier set-up`
  }.`;
  if (!io.prompts) throw new Error(`${found} Nothing was registered. To replace what is there, add --replace`);
  if (await io.prompts.confirm(`${found} Replace?`)) return true;
  throw new Error('Nothing was registered or changed.');
}

/**
 * Puts the values where they belong; where that fails, into a file beside, since the host shows a secret once only.
 *
 * @param lost what to do if even that fails
 * @returns lines for the owner to read
 * @throws Error in words, which hold no secret
 */
export async function saveValues(
  store: Store,
  entries: readonly Entry[],
  replace: boolean,
  io: Io,
  lost: string,
): Promise<string[]> {
  const values = entries.filter((entry): entry is Value => entry.value !== undefined);
  try {
    return await store.write(values, replace);
  } catch (error) {
    const words = withoutSecrets(error instanceof Error ? error.message : String(error), values);
    const file = path.join(io.folder, fallbackFile);
    const heading = `# What "npm run setup" could not put into ${store.place}. Delete this file when it is there.\n# ${store.otherwise}\n`;
    let advice = `The values are in ${file}, which only you may read. ${store.otherwise} Then delete .env.setup.`;
    try {
      await replaceFile(file, setValues(heading, values));
    } catch {
      advice = `They could not be kept in ${file} either. ${lost}`;
    }
    throw new Error(`The values could not be put into ${store.place}. ${words}\n\n${advice}`, { cause: error });
  }
}
