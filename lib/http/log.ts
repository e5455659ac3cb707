/** One line per request, and nothing in it that a login is made of: no code, state, token, cookie or query. */
export interface LogEntry {
  /** Each route module has its own. */
  event: string;
  provider?: string;
  outcome: 'ok' | 'failed';
  /** What went wrong: one of a route module's `errors.ts`. */
  code?: string;
  /** The same in words, as the editor got to read them. */
  message?: string;
  /** Which of several causes it was, for the owner: one of a fixed list, a colon, and what was there. */
  reason?: string;
  /** Of the gateway: what the CMS did, what the host answered, and, if it was a write, who did it. */
  route?: string;
  status?: number;
  editor?: string;
  /** For the owner: what went wrong although the request could be answered. */
  warning?: string;
  /** Milliseconds. */
  duration: number;
  /** The platform's name for the request. */
  request?: string;
}

let fs: typeof import('node:fs') | undefined;

/**
 * Writes a line of JSON to standard output, which nearly every platform collects. Not with `console.log`: to set up Node's
 * console and the stream behind it is the largest single thing that a cold function would do to begin a login.
 *
 * @param print takes the line in its place (`Platform`)
 */
export function writeLog(entry: LogEntry, print?: (line: string) => void): void {
  const line = JSON.stringify(entry);
  if (print) return print(line);
  try {
    (fs ??= process.getBuiltinModule('node:fs')).writeSync(1, `${line}\n`);
  } catch {
    console.log(line); // a pipe that is full for the moment: Node's stream waits for it
  }
}

/** What each event is called, and what if it failed. */
export type EventWords = Readonly<Record<string, readonly [done: string, failed: string]>>;

/** The same for a person who watches. */
export const printLine =
  (words: EventWords) =>
  ({ event, provider, outcome, code, message, reason, warning, route, status, editor, duration }: LogEntry): void => {
    const time = new Date().toTimeString().slice(0, 8);
    const [done, failed] = words[event] ?? [event, event];
    const what =
      outcome === 'ok' ? done : `${failed}: ${code}. ${message}${reason === undefined ? '' : ` (${reason})`}`;
    // As far as the request got: what it was, what the host said, and who wrote.
    const details = [route, status, editor].filter((detail) => detail !== undefined).join(', ');
    const more = warning === undefined ? '' : ` WARNING: ${warning}`;
    console.log(
      `  ${time}  ${provider === undefined ? '' : `${provider}: `}${what}${details && ` [${details}]`}${more}  (${duration} ms)`,
    );
  };
