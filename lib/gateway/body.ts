import { Failure, webErrors } from '../http/errors.ts';
import { gatewayErrors } from './errors.ts';
import { bodyTimeoutMs, drainFactor, drainTimeoutMs, inTime, restTimeoutMs } from './timeouts.ts';
import { maxBytes } from './upstream.ts';
import type { HttpRequest } from '../http/http.ts';
import type { Context } from '../handler/router.ts';
import type { ReceivedBody } from './rules/rule.ts';

type Bytes = AsyncIterator<Uint8Array> | Iterator<Uint8Array>;

/** The body of a request, which is read once, by whoever needs it; what nobody needed is taken from the line before the answer. */
export interface IncomingBody {
  /** The same request, whose body this is: to leave off reading does not end the stream. */
  request: HttpRequest;
  /** Reads and drops what is left, as long as that is not too much. Does not reject. */
  drain(): Promise<void>;
}

/**
 * @param request as the platform hands it over
 * @returns undefined if it has no body
 */
export function openBody(request: HttpRequest): IncomingBody | undefined {
  const length = lengthOf(request);
  if (length === 0) return undefined;
  let stream: Bytes | undefined;
  let size = 0;
  let ended = false;
  const next = async (): Promise<IteratorResult<Uint8Array, undefined>> => {
    const body = request.body?.() ?? [];
    stream ??= Symbol.asyncIterator in body ? body[Symbol.asyncIterator]() : body[Symbol.iterator]();
    const { done, value } = await stream.next();
    if (done === true) ended = true;
    else size += value.length;
    return done === true ? { done, value: undefined } : { done: false, value };
  };
  return {
    request: { ...request, body: () => ({ [Symbol.asyncIterator]: () => ({ next }) }) },
    async drain() {
      const most = drainFactor * mostBytes(request);
      if (ended || (length ?? 0) - size > most) return stop();
      let timer;
      const left = (request.platform.deadline ?? Infinity) - Date.now();
      const late = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, Math.max(0, Math.min(drainTimeoutMs, left)));
      });
      const read = async () => {
        const before = size;
        while (!ended && size - before <= most) await next();
      };
      // Whoever has hung up is told nothing.
      await Promise.race([read().catch(() => {}), late]);
      clearTimeout(timer);
      await stop();
    },
  };

  /** For streams that would wait for somebody to read on. */
  async function stop() {
    if (!ended) void Promise.resolve(stream?.return?.()).catch(() => {});
    ended = true;
  }
}

/**
 * Reads it, for as long as a body of its size may be on its way.
 *
 * @param most bytes that a rule takes; as much as the platform does, if absent
 * @throws Failure BODY_TOO_LARGE, UPLOAD_TOO_SLOW, or BAD_REQUEST if it breaks off
 */
async function readIncoming(request: HttpRequest, most = Infinity): Promise<ReceivedBody> {
  const limit = Math.min(mostBytes(request), most);
  const length = lengthOf(request);
  const tooLarge = new Failure(gatewayErrors.BODY_TOO_LARGE, { limit: megabytes(limit) });
  // Before a byte of it is taken.
  if ((length ?? 0) > limit) throw tooLarge;
  const began = Date.now();
  const deadline = Math.min(request.platform.deadline ?? Infinity, began + bodyTimeoutMs(length ?? limit));
  const chunks: Uint8Array[] = [];
  let size = 0;
  const tooSlow = () =>
    new Failure(gatewayErrors.UPLOAD_TOO_SLOW, {
      part: length === undefined ? `${tenths(size)} MB` : `${tenths(size)} of ${tenths(length)} MB`,
      seconds: String(Math.round((Date.now() - began) / 1000)),
    });
  const read = async (): Promise<Buffer> => {
    for await (const chunk of request.body?.() ?? []) {
      if ((size += chunk.length) > limit) throw tooLarge;
      chunks.push(chunk);
    }
    // Most platforms hand it over in one piece, which may be large: it is not copied.
    const [only] = chunks;
    return chunks.length === 1 && Buffer.isBuffer(only) ? only : Buffer.concat(chunks);
  };
  try {
    return { bytes: await inTime(read(), deadline - Date.now(), tooSlow), type: request.headers['content-type'] ?? '' };
  } catch (error) {
    throw error instanceof Failure
      ? error
      : new Failure(webErrors.BAD_REQUEST, { detail: 'its body broke off' }, { cause: error });
  }
}

/**
 * The same, and what its way here took is not taken from what is still to be done.
 *
 * @param context whose deadline is moved
 */
export async function receiveBody(context: Context, most?: number): Promise<ReceivedBody> {
  const { request } = context;
  const body = await readIncoming(request, most);
  context.deadline = Math.min(request.platform.deadline ?? Infinity, Date.now() + restTimeoutMs(body.bytes.length));
  return body;
}

/** Undefined if it does not say so; of a request without a body, 0. */
function lengthOf({ headers, method }: HttpRequest): number | undefined {
  const length = headers['content-length'];
  if (length) return Number(length); // an empty one says nothing
  const isRead = method === 'GET' || method === 'HEAD' || method === 'OPTIONS';
  return isRead && headers['transfer-encoding'] === undefined ? 0 : undefined;
}

const mostBytes = ({ platform }: HttpRequest): number => platform.largestBody ?? maxBytes;

export const megabytes = (bytes: number): string => String(Math.floor(bytes / 1024 / 1024));

/** For what is less than whole. */
export const tenths = (bytes: number): string => (bytes / 1024 / 1024).toFixed(1);
