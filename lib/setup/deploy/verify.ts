import { ask } from '../request.ts';
import type { Clock } from '../app.ts';

/** How long a new address and new settings may take to be there, and how often we look. Milliseconds. */
const timeoutMs = 3 * 60_000;
const every = 3_000;

export interface Readiness {
  isReady: boolean;
  /** What was seen last, in words. */
  words: string;
}

/**
 * Asks what is running whether it has all its settings.
 *
 * @param url of the login or gateway, without a slash at the end
 * @param page of it that says so, and the one that says more
 */
export async function untilReady(
  url: string,
  page: { ready: string; more: string },
  { now, wait }: Clock,
): Promise<Readiness> {
  const address = url + page.ready;
  const deadline = now() + timeoutMs;
  let words = '';
  for (;;) {
    try {
      const { status, text } = await ask('It', address);
      // What our page says of itself, so that nobody has to read its words.
      const code = / data-code="(\w+)"/.exec(text)?.[1];
      if (code === 'READY') return { isReady: true, words: '' };
      words =
        code === undefined
          ? `Something else answers at ${address} (status ${status}).`
          : `It says ${code}. Open ${url}${page.more}, which says what to do.`;
    } catch (error) {
      words = error instanceof Error ? error.message : String(error);
    }
    if (now() + every > deadline) return { isReady: false, words };
    await wait(every);
  }
}
