import type { Environment } from '../config/environment.ts';
import type { Provider } from '../providers/provider.ts';
import { entry } from './values.ts';

/** What a host shows where a person has registered a login. */
export interface Credentials {
  id: string;
  secret: string;
}

/** The settings' own names, as the deployed login has them. */
const namesOf = (provider: Provider) =>
  (['{HOST}_CLIENT_ID', '{HOST}_CLIENT_SECRET'] as const).map((key) => entry(provider, key, undefined).name);

/** What scripts set, which nobody can be asked. */
export function givenCredentials(provider: Provider, env: Environment): Credentials | undefined {
  const [id, secret] = namesOf(provider).map((name) => env[name]?.trim());
  return id && secret ? { id, secret } : undefined;
}

export const withoutCredentials = (provider: Provider): string =>
  `${provider.name} needs a terminal: the id and the secret that it shows are asked for there. Or set ${namesOf(provider).join(' and ')} in the environment.`;
