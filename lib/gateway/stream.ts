import { TooLarge, Unreachable } from '../oauth/request.ts';
import { deferred } from '../http/deferred.ts';
import { hostTimeoutMs, idleTimeoutMs, inTime } from './timeouts.ts';
import { searchFor } from './secret.ts';
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
 * Passes a large answer on while it is still coming, so that it is not in memory as a whole, unless it is a text with escapes. It ends
 * with an error where it breaks off: a client must not take a part for the file.
 *
 * @param secret which must not leave: no byte goes out before it is certain that it is not the beginning of it
 * @param isText as in `bytesHold`
 * @param limit bytes that may be in memory at a time; what does not have to be may be as large as it likes
 * @param toFailure given Held, TooLarge, TooSlow, or Unreachable
 */
export function passOn(
  first: Buffer,
  rest: IncomingMessage,
  bounds: Bounds & { toFailure: (cause: unknown) => Failure },
): PassedOn {
  const { promise, resolve: end, reject: fail } = deferred<void>();
  const ended = promise.catch((cause: unknown) => {
    throw bounds.toFailure(cause);
  });
  ended.catch(() => {}); // it may break off before anybody waits for it
  const pieces = searched(first, rest, bounds);
  let timer: NodeJS.Timeout;
  /** Also for a client who never reads, or a program that forgets the answer: the host's connection is not held for them. */
  const waitForReader = (controller: ReadableStreamDefaultController) => {
    timer = setTimeout(() => {
      rest.destroy();
      controller.error(new Error('Nobody reads it.'));
      end();
    }, idleTimeoutMs);
  };
  const body = new ReadableStream<Uint8Array>(
    {
      start: waitForReader,
      async pull(controller) {
        clearTimeout(timer);
        try {
          const { done, value } = await pieces.next();
          if (!done) {
            controller.enqueue(value);
            return waitForReader(controller);
          }
          controller.close();
          end();
        } catch (error) {
          rest.destroy();
          controller.error(error);
          fail(error);
        }
      },
      cancel() {
        clearTimeout(timer);
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

/**
 * What leaves has no escapes, so that the secret's beginning is in the last few bytes if anywhere. Where there are some, it may be
 * anywhere, and the rest waits for the end. Files come in base64, which has none, or as they are, and then nobody takes escapes apart.
 *
 * @throws Held, TooLarge, TooSlow, Unreachable if the connection breaks off
 */
async function* searched(
  first: Buffer,
  rest: IncomingMessage,
  { secret, isText, limit }: Bounds,
): AsyncGenerator<Buffer, undefined> {
  const pieces = (rest as AsyncIterable<Buffer>)[Symbol.asyncIterator]();
  const nextPiece = () =>
    pieces.next().catch((cause: unknown) => {
      throw new Unreachable('', { cause, keptConnection: false });
    });
  const search = searchFor(secret, isText);
  /** Looked at, and waiting for the end. */
  const held: Buffer[] = [];
  let heldSize = 0;
  /** What a look begins with, and how much of that was looked at before. */
  let start = first;
  let known = 0;
  let size = first.length;
  /** Milliseconds. Only for the host: how fast the client reads is the client's own affair. */
  let waited = 0;
  for (let done = false; !done;) {
    const parts = [start];
    let length = start.length;
    while (!done && length < leastPiece) {
      const began = Date.now();
      const next = await inTime(nextPiece(), hostTimeoutMs(false, size) - waited, () => new TooSlow(size));
      waited += Date.now() - began;
      if (next.done === true) done = true;
      else {
        parts.push(next.value);
        length += next.value.length;
        size += next.value.length;
        if (heldSize + length > limit) throw new TooLarge();
      }
    }
    const block = Buffer.concat(parts, length);
    if (search.finds(block.subarray(known), done)) throw new Held();
    const cut = done || search.hasEscapes ? length : length - search.reach;
    held.push(block.subarray(0, cut));
    heldSize += cut;
    start = block.subarray(cut);
    known = start.length;
    if (search.hasEscapes && !done) continue;
    for (let part = held.shift(); part; part = held.shift())
      for (let at = 0; at < part.length; at += leastPiece) yield part.subarray(at, at + leastPiece);
    heldSize = 0;
  }
}
