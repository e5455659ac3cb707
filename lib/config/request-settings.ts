import type { Platform, Pointers } from '../http/platform.ts';
import { isPointer, type Environment, type Reader } from './environment.ts';

/** The settings as one request sees them. */
export interface Settings {
  /** As the platform has them: some may only point to a store. */
  env: Environment;
  /**
   * Reads settings. What they point to is read first, in one call to the store for all of them; without a pointer among them
   * there is none.
   *
   * @param alongWith what may be needed later: it is fetched, too, if the store has to be asked anyway
   * @returns the values, in this order; nothing is waited for unless the store has to be asked
   * @throws Failure PARAMETER_MISSING, PARAMETER_EMPTY, PARAMETER_UNREADABLE, SETTING_INVALID for what is no whole name in a store, and what is wrong with the values; at once, where nothing
   *   is waited for
   */
  read<const Readers extends readonly Reader<unknown>[]>(
    readers: Readers,
    alongWith?: readonly Reader<unknown>[],
  ): Values<Readers> | Promise<Values<Readers>>;
  /** The host refused these values: they are not used again, but read anew for the next login. */
  invalidate(): void;
  /** For the owner: what went wrong although the login could go on. */
  warnings: readonly string[];
}

type Values<Readers> = {
  -readonly [Index in keyof Readers]: Readers[Index] extends Reader<infer Value> ? Value : never;
};

/** @param deadline when to give up, in milliseconds since the epoch */
export function openSettings(env: Environment, { loadPointers }: Platform, deadline: number): Settings {
  let pointers: Pointers | undefined;
  const warnings: string[] = [];
  const isPointed = ({ names }: Reader<unknown>): boolean => names.some((name) => isPointer(env[name]));
  return {
    env,
    read(readers, alongWith = []) {
      // Where there is no store, the pointer stays, and whoever reads it refuses it by name.
      if (!loadPointers || !readers.some(isPointed)) return valuesOf(readers, env);
      const load = async () => {
        const open = await loadPointers();
        pointers ??= open(env, deadline, warnings);
        return valuesOf(readers, await pointers.read(namesOf(readers), namesOf(alongWith)));
      };
      return load();
    },
    invalidate: () => pointers?.invalidate(),
    warnings,
  };
}

const namesOf = (readers: readonly Reader<unknown>[]): string[] => readers.flatMap(({ names }) => names);

const valuesOf = <Readers extends readonly Reader<unknown>[]>(readers: Readers, env: Environment): Values<Readers> =>
  readers.map((reader) => reader.read(env)) as Values<Readers>;
