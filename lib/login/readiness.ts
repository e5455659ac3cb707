import { clientSettings, originsSetting, refreshSetting, scopeSetting, secretSetting } from '../config/settings.ts';
import { Failure } from '../http/errors.ts';
import type { Reader } from '../config/environment.ts';
import type { Provider } from '../providers/provider.ts';
import type { Context } from '../handler/router.ts';

/** What is wrong with the settings for one Git host, in the order in which an owner sets them. Nothing, where it is undefined. */
export interface Readiness {
  app?: Failure | undefined;
  secret?: Failure | undefined;
  sites?: Failure | undefined;
  renewal?: Failure | undefined;
}

/**
 * Looks at every setting that a login with this host needs.
 *
 * @returns what is wrong with each of them, if anything
 */
export async function checkReadiness(
  provider: Provider,
  { request, settings, address }: Pick<Context, 'request' | 'settings' | 'address'>,
): Promise<Readiness> {
  const app = [clientSettings(provider, address), scopeSetting(provider, undefined)];
  const secret = [secretSetting(provider)];
  const sites = [originsSetting(address)];
  const renewal = [refreshSetting];
  const all = [...app, ...secret, ...sites, ...renewal];
  const check = async (readers: readonly Reader<unknown>[]): Promise<Failure | undefined> => {
    try {
      await settings.read(readers, all); // one call to the store for all of them
      return undefined;
    } catch (error) {
      if (error instanceof Failure) return error.withAdvice(request.platform.adviceOnMissing);
      throw error;
    }
  };
  return {
    app: await check(app),
    secret: await check(secret),
    sites: await check(sites),
    renewal: await check(renewal),
  };
}

/** The first thing to mend. */
export const firstProblem = ({ app, secret, sites, renewal }: Readiness): Failure | undefined =>
  app ?? secret ?? sites ?? renewal;
