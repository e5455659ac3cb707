import { Failure, webErrors } from '../http/errors.ts';
import { settingErrors } from './errors.ts';
import type { Parameter, ParameterStore, Platform } from '../http/platform.ts';
import { isPointer, type Environment } from './environment.ts';
import { readTimeToLive } from './settings.ts';

/** The settings as one request sees them. */
export interface Settings {
  /**
   * Reads what the settings named point to, in one call to the store for all of them; without a pointer among them there
   * is none.
   *
   * @param alongWith settings that may be needed later: they are read too if the store has to be asked anyway
   * @returns the environment, with the values in place of their pointers
   * @throws Failure PARAMETER_MISSING, PARAMETER_EMPTY, PARAMETER_UNREADABLE, SETTING_INVALID
   */
  read(names: readonly string[], alongWith?: readonly string[]): Promise<Environment>;
  /** The host refused these values: they are not used again, but read anew for the next login. */
  invalidate(): void;
  /** For the owner: what went wrong although the login could go on. */
  warnings: string[];
}

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

  return {
    warnings,
    async read(settings, alongWith = []) {
      // Where there is no store, the pointer stays, and whoever reads it refuses it by name.
      if (openParameterStore && settings.some(isWanted)) {
        const targets = new Map<string, string>();
        for (const setting of [...settings, ...alongWith].filter(isWanted)) {
          const [, target] = pointer.exec(env[setting]?.trim() ?? '') ?? [];
          if (target === undefined) failed.set(setting, malformed(setting));
          else targets.set(setting, target);
        }
        if (targets.size > 0) {
          const limits = { timeToLive: readTimeToLive(env), deadline };
          store ??= await openParameterStore();
          const parameters = await store.read([...new Set(targets.values())], limits);
          for (const [setting, target] of targets) take(setting, target, parameters.get(target) ?? {});
        }
      }
      // Only what is needed now: whoever has not got so far is not told of what only comes later.
      for (const setting of settings) {
        const failure = failed.get(setting);
        if (failure) throw failure;
      }
      if (found.size === 0) return env;
      return { ...env, ...Object.fromEntries([...found].map(([setting, { value }]) => [setting, value])) };
    },
    invalidate: () => found.forEach(({ target, value }) => store?.invalidate(target, value)),
  };
}

const malformed = (setting: string): Failure => {
  const detail = 'write ssm: and the whole name of the parameter, which begins with a slash: ssm:/cms/github/secret.';
  return new Failure(settingErrors.SETTING_INVALID, { setting, detail });
};
