import type { Environment } from '../config/environment.ts';
import { settingPrefix, type Provider } from '../providers/provider.ts';

/** What a host shows where a person has registered a login. */
export interface Credentials {
  id: string;
  secret: string;
}

/** What scripts set, which nobody can be asked: under the names that the deployed login has for it. */
export function givenCredentials(provider: Provider, env: Environment): Credentials | undefined {
  const id = env[`${settingPrefix(provider)}_CLIENT_ID`]?.trim();
  const secret = env[`${settingPrefix(provider)}_CLIENT_SECRET`]?.trim();
  return id && secret ? { id, secret } : undefined;
}

const names = (provider: Provider): string =>
  `${settingPrefix(provider)}_CLIENT_ID and ${settingPrefix(provider)}_CLIENT_SECRET`;

export const takenFrom = (provider: Provider): string => `Taken from ${names(provider)} in the environment.`;

export const withoutCredentials = (provider: Provider): string =>
  `${provider.name} needs a terminal: the id and the secret that it shows are asked for there. Or set ${names(provider)} in the environment.`;
