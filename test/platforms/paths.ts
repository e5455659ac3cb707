import { readdir } from 'node:fs/promises';
import path from 'node:path';

const folder = path.join(import.meta.dirname, '../../functions');

/** Of our functions, what each of them answers where it is not alone. */
export async function functionPaths(): Promise<Record<string, string[]>> {
  const names = (await readdir(folder)).map((file) => path.basename(file, '.ts'));
  const modules = names.map((name) => import(`../../functions/${name}.ts`) as Promise<{ paths: string[] }>);
  return Object.fromEntries((await Promise.all(modules)).map(({ paths }, i) => [names[i], paths]));
}
