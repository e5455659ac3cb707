import { settingPrefix, type Provider } from '../providers/provider.ts';

/** Names of the settings that no Git host has a part in. */
export const ownSettings = [
  'CMS_AUTH_ORIGINS',
  'CMS_AUTH_URL',
  'CMS_AUTH_REFRESH',
  'CMS_AUTH_PAGE',
  'CMS_AUTH_SECRETS_TTL',
] as const;

/** The settings of a login server for these Git hosts, by name: those that anybody may see, and those that nobody may. */
export function settingNames(providers: readonly Provider[]): { open: string[]; secret: string[] } {
  const ofHosts = (suffixes: (provider: Provider) => string[]) =>
    providers.flatMap((provider) => suffixes(provider).map((suffix) => `${settingPrefix(provider)}_${suffix}`));
  return {
    open: [...ofHosts(({ scope }) => ['CLIENT_ID', 'URL', ...(scope ? ['SCOPE'] : [])]), ...ownSettings],
    secret: ofHosts(() => ['CLIENT_SECRET']),
  };
}
