import { rm } from 'node:fs/promises';
import path from 'node:path';
import { parseEnv } from 'node:util';
import { netlifyVariables } from './stores/netlify.ts';
import { workerSecrets } from './stores/cloudflare.ts';
import { parameterStore } from './stores/aws.ts';
import { firebaseSecrets } from './stores/firebase.ts';
import { envFile } from './stores/env.ts';
import { readIfThere, replaceFile, setValues } from './stores/file.ts';
import type { Options } from './options.ts';
import { entry, sites, Taken, withoutSecrets, type Entry, type Store, type Value } from './values.ts';
import type { Environment } from '../config/environment.ts';
import type { Io } from './io.ts';

/** Where values are kept that could not be put where they belong. */
const fallbackFile = '.env.setup';

export const openStore = (options: Options, { env, folder, stopped }: Io): Store =>
  ({
    env: () => envFile(folder),
    netlify: () => netlifyVariables(env, folder, options.partOfDeploy ? 'folder' : 'upwards'),
    cloudflare: () => workerSecrets(folder, options.worker, stopped),
    aws: () => parameterStore(options, options.partOfDeploy ? envFile(folder) : undefined),
    firebase: () => firebaseSecrets(folder, stopped),
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
  const site = entries.find(({ name }) => name === sites)?.value;
  const alone = taken.includes(sites) ? ` ${sites} becomes ${site} alone.` : '';
  if (options.replace && alone !== '') io.write(alone.trim());
  if (taken.length === 0 || options.replace) return options.replace;
  const found = `${taken.join(', ')} ${taken.length > 1 ? 'are' : 'is'} there already${
    left === '' ? ` (${store.place})` : `: ${fallbackFile} holds the values of an earlier set-up`
  }.${alone}`;
  if (!io.prompts) throw new Error(`${found} Nothing was registered. To replace what is there, add --replace`);
  if (await io.prompts.confirm(`${found} Replace?`)) return true;
  throw new Error('Nothing was registered or changed.');
}

/** Values that could not be put where they belong are in `.env.setup`: nothing has to be registered anew. */
export class ValuesKept extends Error {
  override readonly name = 'ValuesKept';
}

/** @param repository what the values are for, where they are for one alone: none of them says it */
const headingOf = ({ place, otherwise }: Store, repository: string | undefined): string =>
  `# What "npm run setup" could not put into ${place}. Delete this file when it is there.\n${repository === undefined ? '' : `# For ${repository}\n`}# ${otherwise}\n`;

/** Whether there are values that an earlier run could not put where they belong. */
export const areKept = async (folder: string): Promise<boolean> =>
  (await readIfThere(path.join(folder, fallbackFile))) !== '';

/**
 * What an earlier run with the same answers has kept.
 *
 * @param entries all that belongs together, with the values that are known
 * @param repository as it was kept for
 * @returns nothing if there is nothing of this run's own
 */
export async function ownKept(
  store: Store,
  entries: readonly Entry[],
  folder: string,
  repository?: string,
): Promise<{ text: string; kept: Record<string, string | undefined> } | undefined> {
  const text = await readIfThere(path.join(folder, fallbackFile));
  const kept: Record<string, string | undefined> = parseEnv(text);
  // Another app's, another repository's or another place's would be lost, or end up in the wrong one.
  const isOwn =
    text.startsWith(headingOf(store, repository)) &&
    Object.keys(kept).length === entries.length &&
    entries.every(({ name, value }) => Boolean(kept[name]) && (value === undefined || value === kept[name]));
  if (!isOwn) return undefined;
  return { text, kept };
}

/**
 * Puts what an earlier run with the same answers has kept where it belongs.
 *
 * @param entries all that belongs together, with the values that are known
 * @param repository as it was kept for
 * @param given what counts in the place of a kept value
 * @returns lines for the owner to read; nothing if there is nothing of this run's own
 * @throws Error in words, which hold no secret
 */
export async function putKept(
  store: Store,
  entries: readonly Entry[],
  io: Io,
  repository?: string,
  given: Environment = {},
): Promise<string[] | undefined> {
  const file = path.join(io.folder, fallbackFile);
  const own = await ownKept(store, entries, io.folder, repository);
  if (!own) return undefined;
  const { text, kept } = own;
  io.write(`${file} has the values of an earlier run. They go into ${store.place} now; nothing is registered anew.`);
  const values = entries.map((entry): Value => ({ ...entry, value: given[entry.name] || kept[entry.name] || '' }));
  try {
    // Some may have arrived before it failed.
    const notes = await store.write(values, true);
    await rm(file);
    return [...notes, ...(/^# (Then install .*)$/m.exec(text)?.slice(1) ?? [])];
  } catch (error) {
    const words = withoutSecrets(error instanceof Error ? error.message : String(error), values);
    throw new ValuesKept(`The values could not be put into ${store.place}. ${words}\n\n${adviceOf(file, store)}`, {
      cause: error,
    });
  }
}

/** @param isTaken whether something else is where they belong: an answer of before does not hold for that */
const adviceOf = (file: string, { otherwise }: Store, isTaken = false): string =>
  `The values are in ${file}, which only you may read. ${
    isTaken
      ? 'The same command does not put them there, since something else is there by now. If that may go, do it by hand:'
      : 'The same command tries again, and registers nothing anew. Or do it by hand:'
  } ${otherwise} Then delete .env.setup.`;

/**
 * Puts the values where they belong; where that fails, into a file beside, since the host shows a secret once only.
 *
 * @param lost what to do if even that fails
 * @param repository what they are for, where they are for one alone
 * @param install where the app has to be installed afterwards, if it has to
 * @returns lines for the owner to read
 * @throws Error in words, which hold no secret; ValuesKept if they are in the file
 */
export async function saveValues(
  store: Store,
  entries: readonly Entry[],
  replace: boolean,
  io: Io,
  lost: string,
  repository?: string,
  install?: string,
): Promise<string[]> {
  const values = entries.filter((entry): entry is Value => entry.value !== undefined);
  const file = path.join(io.folder, fallbackFile);
  let notes: string[];
  try {
    notes = await store.write(values, replace);
  } catch (error) {
    const words = withoutSecrets(error instanceof Error ? error.message : String(error), values);
    // What somebody else has put there in the meantime is not replaced by the next run either.
    const isTaken = error instanceof Taken;
    const mind = isTaken ? '# Something else was put there in the meantime.\n' : '';
    const next = install === undefined ? '' : `# Then install the app: ${install}\n`;
    const failed = `The values could not be put into ${store.place}. ${words}\n\n`;
    try {
      await replaceFile(file, setValues(mind + headingOf(store, repository) + next, values));
    } catch {
      throw new Error(`${failed}They could not be kept in ${file} either. ${lost}`, { cause: error });
    }
    const advice = adviceOf(file, store, isTaken) + (install === undefined ? '' : ` Then install the app:\n${install}`);
    throw new ValuesKept(failed + advice, { cause: error });
  }
  if (!replace) return notes;
  // What was replaced is of no use to anybody but a thief.
  return rm(file, { force: true }).then(
    () => notes,
    () => [...notes, `${file} could not be deleted, and holds secrets of an earlier set-up. Delete it.`],
  );
}
