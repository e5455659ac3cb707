import { access, constants } from 'node:fs/promises';
import path from 'node:path';
import { parseEnv } from 'node:util';
import { isAnother, joined, ofAdded, ofSites, sites, type Store } from '../values.ts';
import { readIfThere, replaceFile, setValues } from './file.ts';

/** The file `.env`, which the local server and the build read. */
export function envFile(folder: string): Store {
  const file = path.join(folder, '.env');
  return {
    place: 'the file .env',
    async taken(entries) {
      // Here and not after the registration, which cannot be taken back.
      await access(folder, constants.W_OK).catch(() => {
        throw new Error(`Nothing can be written into the folder ${folder}.`);
      });
      const text = await readIfThere(file);
      setValues(
        text,
        entries.map(({ name, value = 'later' }) => ({ name, value })),
        file,
      );
      const kept = parseEnv(text);
      const isOther = (name: string, value: string | undefined) => {
        const old = kept[name]?.trim();
        return Boolean(old) && isAnother(name, old ?? '', value);
      };
      return entries.filter(({ name, value }) => isOther(name, value)).map(({ name }) => name);
    },
    async write(values) {
      const text = await readIfThere(file);
      const kept = parseEnv(text);
      const changed = values.map(({ name, value }) => ({ name, value: joined({ name, value }, kept[name]) }));
      await replaceFile(file, setValues(text, changed, file));
      return [
        `Written to ${file}, which only you may read: ${values.map(({ name }) => name).join(', ')}.`,
        ...ofAdded(values, kept[sites]),
        ...ofSites(values, (name) => Boolean(kept[name]?.trim())),
      ];
    },
    otherwise: 'Move the lines of .env.setup into .env.',
  };
}
