import { settingsOf, type table } from '../config/table.ts';
import type { Provider } from '../providers/provider.ts';

/** A setting that is to be written somewhere. */
export interface Entry {
  name: string;
  /** Absent while nobody knows it yet. */
  value?: string | undefined;
  /** Only of secrets: the last part of the name that a parameter store keeps it under, such as `github`. */
  parameter?: string | undefined;
  /** Whether what is deployed looks for its parameter only if the setting points there. */
  byPointer?: boolean;
}

/**
 * @param key of its row in the table of settings
 * @param value absent while nobody knows it yet
 */
export function entry(provider: Provider, key: keyof typeof table, value: string | undefined): Entry {
  const [setting] = settingsOf(undefined, [provider]).filter((one) => one.key === key);
  if (!setting) throw new Error(`${provider.name} has no setting ${key}.`);
  const { name, secret, usedBy } = setting;
  // The login's function is told where its parameters are; the gateway's only if its owner says so.
  const byPointer = secret && !usedBy.includes('login');
  return { name, value, ...(secret && { parameter: secret.parameter }), ...(byPointer && { byPointer }) };
}

export type Value = Entry & { value: string };

export const isSecret = ({ parameter }: Entry): boolean => parameter !== undefined;

export const sites = 'CMS_AUTH_ORIGINS';

/** Says that the list of sites stays, where there is one already and no site was named. */
export const ofSites = (values: readonly Value[], isThere: (name: string) => boolean): string[] =>
  isThere(sites) && !values.some(({ name }) => name === sites)
    ? [`${sites} is there already and stays. If it does not list the origin of your CMS page, add that.`]
    : [];

const sitesIn = (list: string | undefined): string[] => (list ?? '').split(',').flatMap((one) => one.trim() || []);

/** Says which site is on the list now. @param kept what was on it, as far as that can be read */
export function ofAdded(values: readonly Value[], kept: string | undefined): string[] {
  const list = sitesIn(kept);
  const site = values.find(({ name }) => name === sites)?.value;
  return site !== undefined && list.length > 0 && !list.includes(site)
    ? [`${sites} keeps the sites that are on it, and has ${site} now.`]
    : [];
}

/** A list of sites that can be read loses nothing: it gets one more. */
export const isAnother = (name: string, kept: string, value: string | undefined): boolean =>
  kept !== value && name !== sites;

/** What is to be written where something is there: a list of sites gets one more, and everything else is replaced. */
export function joined({ name, value }: Pick<Value, 'name' | 'value'>, kept: string | undefined): string {
  const list = sitesIn(kept);
  if (name !== sites || list.length === 0) return value;
  return list.includes(value) ? list.join(',') : [...list, value].join(',');
}

/** What was to be written is there already, though it was not before. */
export class Taken extends Error {
  override readonly name = 'Taken';
}

/** Where the values go. */
export interface Store {
  /** In words: "the file .env". */
  place: string;
  /** Whether a gateway is deployed there as a service of its own, with another address than the login. */
  gatewayApart?: boolean;
  /**
   * Looks before anything is registered.
   *
   * @returns the names under which something else is kept already; a list of sites only if it cannot be read, and so not be added to
   * @throws Error in words if the values could not be written there
   */
  taken(entries: readonly Entry[]): Promise<string[]>;
  /**
   * @param replace whether what `taken` named may be replaced
   * @returns lines for the owner to read
   * @throws Error in words, which never hold a value
   */
  write(values: readonly Value[], replace: boolean): Promise<string[]>;
  /** What is left to do with `.env.setup`, in words, where writing failed. */
  otherwise: string;
  /** What makes the login use them, where they do not reach it by themselves. */
  deployAgain?: string;
}

/** What somebody else's program or service said, without any of our secrets in it. */
export function withoutSecrets(text: string, values: readonly Value[]): string {
  let clean = text;
  for (const { value, ...entry } of values) {
    if (!isSecret(entry)) continue;
    // Line by line, too: a program may repeat a key in pieces.
    for (const piece of [value, ...value.split('\n')].filter((part) => part.length > 7))
      clean = clean.replaceAll(piece, '(secret)');
  }
  return clean;
}
