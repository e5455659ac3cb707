import { maxBytes } from './upstream.ts';

/**
 * How long the gateway waits, and for whom. A file grows these times: what is enough for a text cuts a picture off on a slow line.
 * Each is longer than what has to happen within it: a server's own (`platforms/node.ts`) than the way of the largest body, and what
 * is left after a body has come than what the host is given for it.
 */

/** The slowest line that anything still comes over. Bytes a second: half a megabit from an editor, two between servers. */
const slowest = { editor: 64 * 1024, host: 256 * 1024 };

const onTheWay = (bytes: number, pace: number): number => Math.ceil((bytes / pace) * 1000);

/** Milliseconds for a body of so many bytes to get here. */
export const bodyTimeoutMs = (bytes: number): number => 30_000 + onTheWay(bytes, slowest.editor);

/** Milliseconds for the rest, once a body of so many bytes is here: looking up, asking the host, and answering. */
export const restTimeoutMs = (bytes: number): number => 60_000 + onTheWay(bytes, slowest.host);

/**
 * Milliseconds that the host is given, as long as there is so much time at all.
 *
 * @param bytes of the body that it is sent, or of the answer as far as it has come
 */
export const hostTimeoutMs = (isWrite: boolean, bytes: number): number =>
  (isWrite ? 12_000 : 8_000) + onTheWay(bytes, slowest.host);

/**
 * How long, and how far, what is left of a body is read before a refusal goes out. A connection that is closed while bytes are
 * on their way is reset, and takes the answer with it: Firefox and WebKit then show an error of the network in the place of ours.
 * Somebody who sends without an end is hung up on all the same.
 */
export const drainTimeoutMs = 60_000;
export const drainFactor = 4;

/** Milliseconds that somebody who was sent a piece of a large answer has for the next one to be asked for. */
export const idleTimeoutMs = 60_000;

/**
 * What a promise gives, if it does so in time.
 *
 * @param limitMs milliseconds
 * @throws what `late` makes, if it does not
 */
export async function inTime<Value>(promise: Promise<Value>, limitMs: number, late: () => Error): Promise<Value> {
  let timer;
  const over = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(late()), Math.max(0, limitMs));
  });
  try {
    return await Promise.race([promise, over]);
  } finally {
    clearTimeout(timer);
  }
}

/** Milliseconds that a server of one's own gives a whole request to get here: the largest body, and what is drained of another. */
export const requestTimeoutMs = bodyTimeoutMs(maxBytes) + drainTimeoutMs + 30_000;
