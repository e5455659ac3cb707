import type { Environment } from '../config/environment.ts';
import type { Clock } from './app.ts';
import type { Prompts } from './terminal.ts';

/** What the command has to do with outside of itself, so that tests can play it. */
export interface Io extends Clock {
  write(text: string): void;
  complain(text: string): void;
  /** Absent where there is nobody to ask. */
  prompts: Prompts | undefined;
  /** The environment, without what is in `.env`. */
  env: Environment;
  /** Where `.env` is. */
  folder: string;
  /** Somebody wants it to end: Ctrl-C, or a signal. */
  stopped: AbortSignal;
  /** Shows an address in the browser of this machine. */
  open(address: string): Promise<unknown>;
}
