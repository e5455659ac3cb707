import { Failure } from '../http/errors.ts';
import { commonSettings, hostSettings, isConfigured, readAddress } from './settings.ts';
import { openSettings } from './request-settings.ts';
import type { Environment } from './environment.ts';
import type { Provider } from '../providers/provider.ts';
import type { Platform } from '../http/platform.ts';

/**
 * What is wrong with the settings as a whole, for a server that wants to know before the first login.
 *
 * @returns empty when all is well
 */
export async function checkSettings(
  env: Environment,
  providers: readonly Provider[],
  platform: Platform = {},
): Promise<Failure[]> {
  const problems = new Map<string, Failure>();
  const attempt = async (check: () => void | Promise<void>) => {
    try {
      await check();
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      problems.set(error.message, error);
    }
  };
  const settings = openSettings(env, platform, Date.now() + 8_000);
  await attempt(async () => {
    const address = readAddress(env, platform.url);
    const all = [
      ...commonSettings(address),
      ...providers
        .filter((provider) => isConfigured(env, provider))
        .flatMap((provider) => hostSettings(provider, address)),
    ];
    for (const reader of all) await attempt(async () => void (await settings.read([reader])));
  });
  return [...problems.values()];
}
