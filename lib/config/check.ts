import { Failure } from '../http/errors.ts';
import {
  clientSettings,
  isConfigured,
  readAddress,
  readClient,
  readOrigins,
  readPage,
  readRefresh,
  readScope,
  readSecret,
  readTimeToLive,
  scopeSetting,
  secretSetting,
} from './settings.ts';
import { openSettings } from './store.ts';
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
    await attempt(async () => void readOrigins(await settings.read(['CMS_AUTH_ORIGINS']), address));
    await attempt(async () => void readPage(await settings.read(['CMS_AUTH_PAGE'])));
    await attempt(() => void readTimeToLive(env));
    await attempt(async () => void readRefresh(await settings.read(['CMS_AUTH_REFRESH'])));
    for (const provider of providers.filter((p) => isConfigured(env, p))) {
      const names = [...clientSettings(provider), scopeSetting(provider)];
      await attempt(async () => void readClient(await settings.read(names), provider, address));
      await attempt(async () => void readScope(await settings.read(names), provider, undefined));
      await attempt(async () => void readSecret(await settings.read([secretSetting(provider)]), provider));
    }
  });
  return [...problems.values()];
}
