import { confirm, isCancel, password, select, text } from '@clack/prompts';

/** Somebody at a terminal, who can be asked. */
export interface Prompts {
  /** @param wrong says what is wrong with an answer, if something is */
  text(message: string, example: string, wrong: (answer: string) => string | undefined): Promise<string>;
  /** As `text`, but what is typed is not shown. */
  secret(message: string, wrong: (answer: string) => string | undefined): Promise<string>;
  choose<T extends string>(message: string, choices: readonly { value: T; label: string }[]): Promise<T>;
  confirm(message: string): Promise<boolean>;
}

/** Ctrl-C, or Escape at a question. */
export class Cancelled extends Error {
  override readonly name = 'Cancelled';
}

/** @throws Cancelled */
function answered<T>(answer: T): Exclude<T, symbol> {
  if (isCancel(answer)) throw new Cancelled('Cancelled.');
  return answer as Exclude<T, symbol>;
}

export const terminal: Prompts = {
  text: async (message, placeholder, wrong) =>
    answered(await text({ message, placeholder, defaultValue: '', validate: (answer = '') => wrong(answer) })),
  secret: async (message, wrong) => answered(await password({ message, validate: (answer = '') => wrong(answer) })),
  async choose<T extends string>(message: string, choices: readonly { value: T; label: string }[]) {
    return answered(await select<string>({ message, options: [...choices] })) as T;
  },
  confirm: async (message) => answered(await confirm({ message, initialValue: false })),
};
