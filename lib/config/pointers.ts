import { Failure, webErrors } from '../http/errors.ts';
import { parameterErrors } from './errors.ts';
import { invalid, isPointer } from './environment.ts';
import { timeToLiveSetting } from './settings.ts';
import type { OpenPointers } from '../http/platform.ts';

/** Keeps values that settings only point to. */
export interface ParameterStore {
  /**
   * @param names of parameters, such as `/cms/github/secret`
   * @param limits how old a value may be, in milliseconds, and when to give up, in milliseconds since the epoch
   * @returns an entry for each name; it does not reject for what the store answers or fails to answer
   */
  read(
    names: readonly string[],
    limits: { timeToLive: number; deadline: number },
  ): Promise<ReadonlyMap<string, Parameter>>;
  /** Has a value read anew next time, or as soon as it is allowed again, unless that was done already. */
  invalidate(name: string, value: string): void;
}

/** A value, or what stood in the way of reading it; both where a value could not be renewed and the old one still serves. */
export interface Parameter {
  value?: string | undefined;
  problem?: { code: 'PARAMETER_MISSING' | 'PARAMETER_UNREADABLE'; fill: Readonly<Record<string, string>> } | undefined;
}

const pointer = /^ssm:((?:\/[\w.-]+)+(?::[\w.-]+)?)$/;

/** What settings point to in this store. In a file with the store, which only a server that has such settings loads. */
export const pointersTo =
  (store: ParameterStore): OpenPointers =>
  (env, deadline, warnings) => {
    const found = new Map<string, { target: string; value: string }>();
    const failed = new Map<string, Failure>();
    const isWanted = (setting: string): boolean =>
      isPointer(env[setting]) && !found.has(setting) && !failed.has(setting);

    function take(setting: string, target: string, { value, problem }: Parameter): void {
      const fill = { setting, pointer: `ssm:${target}`, ...problem?.fill };
      const failure = problem && new Failure(parameterErrors[problem.code], fill);
      if (value === undefined) failed.set(setting, failure ?? new Failure(webErrors.INTERNAL));
      else if (value.trim() === '') failed.set(setting, new Failure(parameterErrors.PARAMETER_EMPTY, fill));
      else {
        found.set(setting, { target, value });
        if (failure) warnings.push(`${failure.message} The value read before is still used.`);
      }
    }

    /** Leaves out what is no whole name, and refuses it by the name of its setting. */
    function targetsOf(settings: readonly string[]): Map<string, string> {
      const targets = new Map<string, string>();
      for (const setting of settings) {
        const [, target] = pointer.exec(env[setting]?.trim() ?? '') ?? [];
        if (target !== undefined) targets.set(setting, target);
        else failed.set(setting, invalid(setting, howToPoint));
      }
      return targets;
    }

    return {
      async read(settings, later) {
        const targets = targetsOf(settings.some(isWanted) ? [...settings, ...later].filter(isWanted) : []);
        if (targets.size > 0) {
          const limits = { timeToLive: timeToLiveSetting.read(env), deadline };
          const parameters = await store.read([...new Set(targets.values())], limits);
          for (const [setting, target] of targets) take(setting, target, parameters.get(target) ?? {});
        }
        // Only what is needed now: a failure of what comes later is told when it is needed.
        for (const setting of settings) {
          const failure = failed.get(setting);
          if (failure) throw failure;
        }
        return { ...env, ...Object.fromEntries([...found].map(([setting, { value }]) => [setting, value])) };
      },
      invalidate: () => found.forEach(({ target, value }) => store.invalidate(target, value)),
    };
  };

const howToPoint = 'write ssm: and the whole name of the parameter, which begins with a slash: ssm:/cms/github/secret.';
