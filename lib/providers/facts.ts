import { facts as bitbucket } from './bitbucket.ts';
import { facts as github } from './github.ts';
import { facts as gitlab } from './gitlab.ts';
import type { HostFacts, KnownHost, Provider } from './provider.ts';

/** By provider id. */
const all: Readonly<Record<string, HostFacts>> = { bitbucket, github, gitlab };

/** @throws TypeError for a host that is not on the list above */
export function factsOf({ id, name }: Pick<Provider, 'id' | 'name'>): HostFacts {
  const own = all[id];
  if (!own) throw new TypeError(`Nobody has written down the facts of ${name}.`);
  return own;
}

/** @throws TypeError as `factsOf` does */
export const withFacts = (provider: Provider): KnownHost => ({ ...provider, ...factsOf(provider) });
