import {
  clientSettings,
  handOverSettings,
  readClient,
  readOrigins,
  readRefresh,
  readScope,
  readSecret,
  scopeSetting,
  secretSetting,
} from '../config/settings.ts';
import { Failure } from '../http/errors.ts';
import type { Environment } from '../config/environment.ts';
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
  const app = [...clientSettings(provider), scopeSetting(provider)];
  const secret = [secretSetting(provider)];
  const all = [...app, ...secret, ...handOverSettings];
  const check = async (names: readonly string[], read: (env: Environment) => unknown): Promise<Failure | undefined> => {
    try {
      read(await settings.read(names, all)); // one call to the store for all of them
      return undefined;
    } catch (error) {
      if (error instanceof Failure) return error.withAdvice(request.platform.adviceOnMissing);
      throw error;
    }
  };
  return {
    app: await check(app, (env) => {
      readClient(env, provider, address);
      readScope(env, provider, undefined);
    }),
    secret: await check(secret, (env) => readSecret(env, provider)),
    sites: await check(['CMS_AUTH_ORIGINS'], (env) => readOrigins(env, address)),
    renewal: await check(['CMS_AUTH_REFRESH'], readRefresh),
  };
}

/** The first thing to mend. */
export const firstProblem = ({ app, secret, sites, renewal }: Readiness): Failure | undefined =>
  app ?? secret ?? sites ?? renewal;
