import type { Io } from '../../lib/setup/io.ts';
import { Cancelled, type Prompts } from '../../lib/setup/terminal.ts';

/** What somebody says to a question that begins so; a list for one that comes again. */
export type Answers = Record<string, string | boolean | string[]>;

/** An `Io` whose clock goes as fast as somebody waits, with answers to the questions that may come. */
export function playedIo(folder: string, env: Record<string, string>, answers: Answers = {}) {
  let time = Date.now();
  const stop = new AbortController();
  const said = { out: '', err: '', asked: [] as string[], opened: [] as string[] };
  const answer = (question: string): string | boolean => {
    said.asked.push(question);
    const found = Object.entries(answers).find(([start]) => question.startsWith(start))?.[1];
    const next = Array.isArray(found) ? found.shift() : found;
    if (next === undefined) throw new Error(`Nobody has an answer to: ${question}`);
    return next;
  };
  const checked = (question: string, wrong: (text: string) => string | undefined): string => {
    for (;;) {
      const text = String(answer(question));
      const problem = wrong(text);
      if (problem === undefined) return text;
      said.err += `${problem}\n`;
    }
  };
  const prompts: Prompts = {
    text: async (message, _, wrong) => checked(message, wrong),
    secret: async (message, wrong) => checked(message, wrong),
    choose: async <T extends string>(message: string) => answer(message) as T,
    confirm: async (message) => answer(message) as boolean,
  };
  const io: Io = {
    write: (text) => void (said.out += `${text}\n`),
    complain: (text) => void (said.err += `${text}\n`),
    prompts: Object.keys(answers).length > 0 ? prompts : undefined,
    env,
    folder,
    stopped: stop.signal,
    open: async (address) => void said.opened.push(address),
    now: () => time,
    wait: async (milliseconds) => {
      await new Promise((resolve) => setTimeout(resolve, 5));
      if (stop.signal.aborted) throw new Cancelled('Stopped.');
      time += milliseconds;
    },
  };
  return { io, said, stop: () => stop.abort() };
}
