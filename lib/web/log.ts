/** One line per request, and nothing in it that a login is made of: no code, state, token, cookie or query. */
export interface LogEntry {
  event: 'begin' | 'finish' | 'refresh' | 'page' | 'none';
  provider?: string;
  outcome: 'ok' | 'failed';
  /** What went wrong: one of `errors.ts`. */
  code?: string;
  /** The same in words, as the editor got to read them. */
  message?: string;
  /** For the owner: what went wrong although the request could be answered. */
  warning?: string;
  /** Milliseconds. */
  duration: number;
  /** The platform's name for the request. */
  request?: string;
}

/**
 * Writes a line of JSON to standard output, which every platform collects. Not with `console.log`: to set up Node's
 * console and the stream behind it is the largest single thing that a cold function would do to begin a login.
 */
export function writeLog(entry: LogEntry): void {
  const line = JSON.stringify(entry);
  try {
    process.getBuiltinModule('node:fs').writeSync(1, `${line}\n`);
  } catch {
    console.log(line); // a pipe that is full for the moment: Node's stream waits for it
  }
}

/** What happened, and what it is called if it did not. */
const events: Readonly<Record<LogEntry['event'], readonly [string, string]>> = {
  begin: ['login begun', 'login not begun'],
  finish: ['logged in', 'not logged in'],
  refresh: ['renewal answered', 'session not renewed'],
  page: ['set-up page', 'set-up page not shown'],
  none: ['', 'none of our addresses'],
};

/** The same for a person who watches. */
export function printLine({ event, provider, outcome, code, message, warning, duration }: LogEntry): void {
  const time = new Date().toTimeString().slice(0, 8);
  const [done, failed] = events[event];
  const what = outcome === 'ok' ? done : event === 'none' ? failed : `${failed}: ${code}. ${message}`;
  const more = warning === undefined ? '' : ` WARNING: ${warning}`;
  console.log(`  ${time}  ${provider === undefined ? '' : `${provider}: `}${what}${more}  (${duration} ms)`);
}
