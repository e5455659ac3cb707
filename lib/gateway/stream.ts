import { TooLarge, Unreachable } from '../oauth/request.ts';
import { hostTimeoutMs, inTime } from './timeouts.ts';
import { partHolds, reachOf } from './secret.ts';
import { TooSlow } from './upstream.ts';
import type { IncomingMessage } from 'node:http';
import type { Failure } from '../http/errors.ts';

interface Bounds {
  secret: string;
  isText: boolean;
  limit: number;
}

/** How a large answer leaves: piece by piece. */
export interface PassedOn {
  body: ReadableStream<Uint8Array>;
  /** That it was passed on as a whole, or nobody wanted the rest. @throws Failure, if it broke off */
  ended: Promise<void>;
}

/**
 * Passes a large answer on while it is still coming, so that it is never in memory as a whole. It ends with an error where it breaks
 * off: a client must not take a part for the file.
 *
 * @param secret which must not leave: no byte goes out before it is certain that it is not the beginning of it
 * @param isText as in `partHolds`
 * @param limit bytes of the whole answer
 * @param toFailure given Held, TooLarge, TooSlow, or Unreachable
 */
export function passOn(
  first: Buffer,
  rest: IncomingMessage,
  bounds: Bounds & { toFailure: (cause: unknown) => Failure },
): PassedOn {
  let [end, fail]: [() => void, (cause: unknown) => void] = [() => {}, () => {}];
  const ended = new Promise<void>((resolve, reject) => ([end, fail] = [resolve, reject])).catch((cause: unknown) => {
    throw bounds.toFailure(cause);
  });
  ended.catch(() => {}); // it may break off before anybody waits for it
  const pieces = searched(first, rest, bounds);
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const { done, value } = await pieces.next();
          if (!done) return controller.enqueue(value);
          controller.close();
          end();
        } catch (error) {
          rest.destroy();
          controller.error(error);
          fail(error);
        }
      },
      cancel() {
        rest.destroy();
        end();
      },
    },
    { highWaterMark: 0 },
  );
  return { body, ended };
}

/** The secret was in what came. */
export class Held extends Error {}

/** Bytes that are looked at in one go, at least: to look at each few by themselves would take more time than to pass them on. */
const leastPiece = 64 * 1024;

/** @throws Held, TooLarge, TooSlow, Unreachable if the connection breaks off */
async function* searched(
  first: Buffer,
  rest: IncomingMessage,
  { secret, isText, limit }: Bounds,
): AsyncGenerator<Buffer, undefined> {
  const reach = reachOf(secret, isText);
  const pieces = (rest as AsyncIterable<Buffer>)[Symbol.asyncIterator]();
  const nextPiece = () =>
    pieces.next().catch((cause: unknown) => {
      throw new Unreachable('', { cause, keptConnection: false });
    });
  let size = first.length;
  /** Milliseconds. Only for the host: how fast the client reads is the client's own affair. */
  let waited = 0;
  let window = first;
  for (let done = false; !done;) {
    const parts = [window];
    let length = window.length;
    while (!done && length < Math.max(2 * reach, leastPiece)) {
      const began = Date.now();
      const next = await inTime(nextPiece(), hostTimeoutMs(false, size) - waited, () => new TooSlow(size));
      waited += Date.now() - began;
      if (next.done === true) done = true;
      else {
        parts.push(next.value);
        length += next.value.length;
        if ((size += next.value.length) > limit) throw new TooLarge();
      }
    }
    window = Buffer.concat(parts, length);
    if (partHolds(window, secret, isText)) throw new Held();
    const cut = done ? length : length - reach;
    if (cut > 0) yield window.subarray(0, cut);
    window = window.subarray(cut);
  }
}
