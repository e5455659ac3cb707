import { rm } from 'node:fs/promises';
import path from 'node:path';
import { readIfThere, replaceFile } from '../stores/file.ts';

/** How far an earlier run got. Nothing in it is secret. */
export interface Progress {
  target: string;
  service: 'login' | 'gateway';
  name: string;
  /** AWS. Earlier versions wrote none: what they deployed is `live`, whatever its name was. */
  stage?: string;
  /** AWS: where. Earlier versions wrote none. */
  region?: string;
  /** Firebase: where. Earlier versions wrote none. */
  project?: string;
  provider: string;
  repository?: string | undefined;
  site?: string | undefined;
  /** The address of the login, once it is known. */
  url?: string;
  /** The app is registered, and its values are in their place. */
  registered?: true;
  /** A gateway: who signs in, and where, is in its place. */
  known?: true;
  /** Of which of the two the values are in `.env.setup`, or were until their owner put them in their place by hand. */
  kept?: 'registered' | 'known';
  /** It was deployed with its settings. */
  deployed?: true;
}

/** Beside the settings, in the folder that is deployed from. */
export const progressFile = '.cms-auth-deploy.json';

/** @returns nothing if there is no earlier run, or its file cannot be read */
export async function readProgress(folder: string): Promise<Progress | undefined> {
  try {
    const value: unknown = JSON.parse(await readIfThere(path.join(folder, progressFile)));
    return typeof value === 'object' && value !== null && 'target' in value ? (value as Progress) : undefined;
  } catch {
    return undefined;
  }
}

export const writeProgress = (folder: string, progress: Progress): Promise<void> =>
  replaceFile(path.join(folder, progressFile), `${JSON.stringify(progress, undefined, 2)}\n`);

export const forgetProgress = (folder: string): Promise<void> => rm(path.join(folder, progressFile), { force: true });
