import { commonSettings } from './settings.ts';
import type { Environment } from './environment.ts';

/** The login's settings that are no Git host's, by name. */
export const loginNames: readonly string[] = [
  'CMS_AUTH_URL',
  ...commonSettings({ origin: '', prefix: '', secure: true }).map(({ name }) => name),
];

/**
 * What is set and looks like a setting of ours, but is none: a typing mistake has no other sign.
 *
 * @param known names that are right
 * @param prefix of the names to look at: in a function that the whole world can ask, only those that are certainly meant for it
 * @returns sentences for the owner, with the names and without any value
 */
export function unknownSettings(env: Environment, known: readonly string[], prefix: RegExp = /^CMS_/): Unknown[] {
  return Object.keys(env)
    .filter((name) => prefix.test(name) && env[name]?.trim() && !known.includes(name))
    .map((name) => {
      const near = nearest(name, known);
      const more = near === undefined ? 'Look its name up in the table of settings.' : `Did you mean ${near}?`;
      return { name, message: `${name} is set, but there is no such setting. ${more}` };
    });
}

export interface Unknown {
  name: string;
  message: string;
}

/** What only says whose setting it is: people leave it out, or take the other one. */
const withoutService = (name: string): string => name.replace(/^CMS_(AUTH_|GATEWAY_)?/, '');

const nearest = (name: string, known: readonly string[]): string | undefined =>
  known.find((candidate) => isNear(name, candidate)) ??
  known.find((candidate) => isNear(withoutService(name), withoutService(candidate))) ??
  known.find((candidate) => candidate.startsWith(`${name}_`) || name.startsWith(`${candidate}_`));

/** One slip: the same in front of it and behind it, and at most two letters between that are not. */
function isNear(a: string, b: string): boolean {
  const shorter = Math.min(a.length, b.length);
  let front = 0;
  while (front < shorter && a[front] === b[front]) front += 1;
  let back = 0;
  while (back < shorter - front && a.at(-1 - back) === b.at(-1 - back)) back += 1;
  return front + back > 2 && Math.max(a.length, b.length) - front - back <= 2;
}
