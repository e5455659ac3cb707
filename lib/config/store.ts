import { Failure, webErrors } from '../http/errors.ts';
import { settingErrors } from './errors.ts';
import type { Parameter, ParameterStore, Platform } from '../http/platform.ts';
import { isPointer, type Environment, type Reader } from './environment.ts';
import { timeToLiveSetting } from './settings.ts';

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
   * @throws Failure PARAMETER_MISSING, PARAMETER_EMPTY, PARAMETER_UNREADABLE, and what is wrong with the values; at once, where nothing
   *   is waited for
   */
  read<const Readers extends readonly Reader<unknown>[]>(
    readers: Readers,
    alongWith?: readonly Reader<unknown>[],
  ): Values<Readers> | Promise<Values<Readers>>;
  /** The host refused these values: they are not used again, but read anew for the next login. */
  invalidate(): void;
  /** For the owner: what went wrong although the login could go on. */
  warnings: string[];
}

type Values<Readers> = {
  -readonly [Index in keyof Readers]: Readers[Index] extends Reader<infer Value> ? Value : never;
};

const pointer = /^ssm:((?:\/[\w.-]+)+(?::[\w.-]+)?)$/;

/** @param deadline when to give up, in milliseconds since the epoch */
export function openSettings(env: Environment, { openParameterStore }: Platform, deadline: number): Settings {
  const warnings: string[] = [];
  const found = new Map<string, { target: string; value: string }>();
  const failed = new Map<string, Failure>();
  const isWanted = (setting: string): boolean => isPointer(env[setting]) && !found.has(setting) && !failed.has(setting);
  let store: ParameterStore | undefined;

  function take(setting: string, target: string, { value, problem }: Parameter): void {
    const fill = { setting, pointer: `ssm:${target}`, ...problem?.fill };
    const failure = problem && new Failure(settingErrors[problem.code], fill);
    if (value === undefined) failed.set(setting, failure ?? new Failure(webErrors.INTERNAL));
    else if (value.trim() === '') failed.set(setting, new Failure(settingErrors.PARAMETER_EMPTY, fill));
    else {
      found.set(setting, { target, value });
      if (failure) warnings.push(`${failure.message} The value read before is still used.`);
    }
  }

  /** Reads the store for all of these that point to it. @throws Failure for the first of `settings` that could not be read */
  async function load(open: NonNullable<typeof openParameterStore>, settings: string[], later: string[]) {
    if (settings.some(isWanted)) {
      const targets = new Map<string, string>();
      for (const setting of [...settings, ...later].filter(isWanted)) {
        const [, target] = pointer.exec(env[setting]?.trim() ?? '') ?? [];
        if (target === undefined) failed.set(setting, malformed(setting));
        else targets.set(setting, target);
      }
      if (targets.size > 0) {
        const limits = { timeToLive: timeToLiveSetting.read(env), deadline };
        store ??= await open();
        const parameters = await store.read([...new Set(targets.values())], limits);
        for (const [setting, target] of targets) take(setting, target, parameters.get(target) ?? {});
      }
    }
    // Only what is needed now: a failure of what comes later is told when it is needed.
    for (const setting of settings) {
      const failure = failed.get(setting);
      if (failure) throw failure;
    }
  }

  function valuesOf<Readers extends readonly Reader<unknown>[]>(readers: Readers): Values<Readers> {
    // Node asks the system for each variable of its own environment, so that is not copied for nothing.
    const filled: Environment =
      found.size === 0
        ? env
        : { ...env, ...Object.fromEntries([...found].map(([setting, { value }]) => [setting, value])) };
    return readers.map((reader) => reader.read(filled)) as Values<Readers>;
  }

  return {
    warnings,
    env,
    read(readers, alongWith = []) {
      // Where there is no store, the pointer stays, and whoever reads it refuses it by name.
      return openParameterStore && readers.some(({ names }) => names.some((name) => isPointer(env[name])))
        ? load(openParameterStore, namesOf(readers), namesOf(alongWith)).then(() => valuesOf(readers))
        : valuesOf(readers);
    },
    invalidate: () => found.forEach(({ target, value }) => store?.invalidate(target, value)),
  };
}

const namesOf = (readers: readonly Reader<unknown>[]): string[] => readers.flatMap(({ names }) => names);

const malformed = (setting: string): Failure => {
  const detail = 'write ssm: and the whole name of the parameter, which begins with a slash: ssm:/cms/github/secret.';
  return new Failure(settingErrors.SETTING_INVALID, { setting, detail });
};
