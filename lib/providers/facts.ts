import { registrations as bitbucket } from './bitbucket.ts';
import { registrations as github } from './github.ts';
import { registrations as gitlab } from './gitlab.ts';
import type { Provider, Registrations } from './provider.ts';

/** By provider id. They are for owners, and so not part of the record that every deployed function holds. */
const all: Readonly<Record<string, Registrations>> = { bitbucket, github, gitlab };

/** @throws TypeError for a host that is not on the list above */
export function registrationsOf({ id, name }: Pick<Provider, 'id' | 'name'>): Registrations {
  const own = all[id];
  if (!own) throw new TypeError(`Nobody has written down where to register an app at ${name}.`);
  return own;
}
