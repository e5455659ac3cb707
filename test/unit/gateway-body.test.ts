/** How the gateway takes a body: as far as it may be needed, and what nobody needed before the answer. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { megabytes, openBody, receiveBody, tenths, type IncomingBody } from '../../lib/gateway/body.ts';
import { bodyTimeoutMs, drainFactor, drainTimeoutMs, restTimeoutMs } from '../../lib/gateway/timeouts.ts';
import type { Context } from '../../lib/handler/router.ts';
import type { HttpRequest } from '../../lib/http/http.ts';

const megabyte = 1024 * 1024;
const piece = Buffer.alloc(64 * 1024, 'a');

/** A body that tells how far it was read. */
function played({
  pieces = 1,
  own = piece,
  end = 'ends',
}: { pieces?: number; own?: Uint8Array; end?: 'ends' | 'hangs' | 'breaks' } = {}) {
  const seen = { taken: 0, returned: 0 };
  const body = () => ({
    [Symbol.asyncIterator]: () => ({
      async next() {
        if (seen.taken < pieces) {
          seen.taken++;
          return { done: false as const, value: own };
        }
        if (end === 'hangs') await new Promise(() => {});
        if (end === 'breaks') throw new Error('reset');
        return { done: true as const, value: undefined };
      },
      async return() {
        seen.returned++;
        return { done: true as const, value: undefined };
      },
    }),
  });
  return { body, seen };
}

const request = (more: Partial<HttpRequest> = {}): HttpRequest => ({
  method: 'POST',
  path: '/git/github/git/blobs',
  query: '',
  headers: {},
  platform: { largestBody: megabyte },
  ...more,
});
const receive = (own: HttpRequest, most?: number) => receiveBody({ request: own, deadline: 0 } as Context, most);

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe('What nobody needed of a body', () => {
  it('is read to its end before the answer', async () => {
    const { body, seen } = played({ pieces: 5 });
    await openBody(request({ body }))?.drain();
    expect(seen).toEqual({ taken: 5, returned: 0 });
  });

  it('is read no further than a few times what a body may weigh, and then hung up on', async () => {
    const { body, seen } = played({ pieces: 1_000 });
    await openBody(request({ body }))?.drain();
    expect(seen).toEqual({ taken: (drainFactor * megabyte) / piece.length + 1, returned: 1 });
  });

  it.each([
    [drainFactor * megabyte, 1],
    [drainFactor * megabyte + 1, 0],
  ])('is not read at all if it says that it is larger: %i bytes', async (length, taken) => {
    const { body, seen } = played();
    await openBody(request({ body, headers: { 'content-length': String(length) } }))?.drain();
    expect(seen.taken).toBe(taken);
  });

  it('is only what has not been read yet', async () => {
    const { body, seen } = played({ pieces: drainFactor * 16 + 10 });
    const length = String((drainFactor * 16 + 10) * piece.length);
    const incoming = openBody(request({ body, headers: { 'content-length': length } })) as IncomingBody;
    const iterator = (incoming.request.body as () => AsyncIterable<Uint8Array>)()[Symbol.asyncIterator]();
    for (let i = 0; i < 10; i++) await iterator.next();
    await incoming.drain();
    expect(seen).toEqual({ taken: drainFactor * 16 + 10, returned: 0 });
  });

  it.each([
    ['as long as the gateway gives it', undefined, drainTimeoutMs],
    ['as long as the platform has, if that is less', 5_000, 5_000],
    ['not at all, if there is no time left', -1_000, 0],
  ])('is waited for %s', async (_, left, expected) => {
    const { body, seen } = played({ end: 'hangs' });
    const platform = { largestBody: megabyte, ...(left !== undefined && { deadline: Date.now() + left }) };
    let isDone = false;
    void openBody(request({ body, platform }))
      ?.drain()
      .then(() => (isDone = true));
    await vi.advanceTimersByTimeAsync(Math.max(0, expected - 1));
    expect(isDone).toBe(expected === 0);
    await vi.advanceTimersByTimeAsync(1);
    expect([isDone, seen.returned, vi.getTimerCount()]).toEqual([true, 1, 0]);
  });

  it('is no matter any more if whoever sends it has hung up, or does not end in peace', async () => {
    const { body } = played({ end: 'breaks' });
    await expect(openBody(request({ body }))?.drain()).resolves.toBeUndefined();
    const stubborn = () => ({
      [Symbol.asyncIterator]: () => ({
        next: () => Promise.reject(new Error('reset')),
        return: () => Promise.reject(new Error('gone')),
      }),
    });
    await expect(openBody(request({ body: stubborn }))?.drain()).resolves.toBeUndefined();
    expect(vi.getTimerCount()).toBe(0);
  });

  it('is nothing where the platform hands over no body, or hands it over as a list', async () => {
    await openBody(request())?.drain();
    await openBody(request({ body: () => [piece, piece] }))?.drain();
  });

  it.each([
    ['GET', {}, 0],
    ['HEAD', {}, 0],
    ['OPTIONS', {}, 0],
    ['GET', { 'transfer-encoding': 'chunked' }, 1],
    ['GET', { 'content-length': '65536' }, 1],
    ['POST', {}, 1],
    ['POST', { 'content-length': '' }, 1],
    ['POST', { 'content-length': '0' }, 0],
    ['DELETE', {}, 1],
  ])('of %s with %j', async (method, headers, taken) => {
    const { body, seen } = played();
    await openBody(request({ method, headers, body }))?.drain();
    expect(seen.taken).toBe(taken);
  });
});

describe('A body that is needed', () => {
  it('is as it came, with its type, and not copied if it came in one piece', async () => {
    const { body } = played();
    const { bytes, type } = await receive(request({ body, headers: { 'content-type': 'text/plain' } }));
    expect(bytes).toBe(piece);
    expect(type).toBe('text/plain');
    expect((await receive(request({ body: () => [new Uint8Array([104, 105])] }))).bytes.toString()).toBe('hi');
    expect((await receive(request({ body: played({ pieces: 3 }).body }))).bytes).toHaveLength(3 * piece.length);
    expect(await receive(request())).toEqual({ bytes: Buffer.alloc(0), type: '' });
  });

  it.each([
    ['the platform’s bound', undefined, 16],
    ['the rule’s, if that is less', 4 * piece.length, 4],
    ['the platform’s, if the rule’s is more', 100 * megabyte, 16],
  ])('may weigh as much as %s', async (_, most, pieces) => {
    expect((await receive(request({ body: played({ pieces }).body }), most)).bytes).toHaveLength(pieces * piece.length);
    const { body, seen } = played({ pieces: 100 });
    await expect(receive(request({ body }), most)).rejects.toMatchObject({ code: 'BODY_TOO_LARGE' });
    expect(seen.taken).toBe(pieces + 1);
  });

  it('that says that it is larger is refused before a byte of it is taken', async () => {
    const { body, seen } = played();
    const ask = (length: number) => receive(request({ body, headers: { 'content-length': String(length) } }));
    await expect(ask(megabyte + 1)).rejects.toMatchObject({ code: 'BODY_TOO_LARGE', fill: { limit: '1' } });
    expect(seen.taken).toBe(0);
    await ask(megabyte);
  });

  it('that breaks off is told as that', async () => {
    const { body } = played({ end: 'breaks' });
    await expect(receive(request({ body }))).rejects.toMatchObject({ code: 'BAD_REQUEST' });
    expect(vi.getTimerCount()).toBe(0);
  });

  it.each([
    [
      'by its length',
      { 'content-length': String(megabyte / 2) },
      undefined,
      bodyTimeoutMs(megabyte / 2),
      '0.1 of 0.5 MB',
    ],
    ['by what it may weigh, if it does not say', {}, undefined, bodyTimeoutMs(megabyte), '0.1 MB'],
    ['as long as the platform has, if that is less', {}, 5_000, 5_000, '0.1 MB'],
  ])('may take its time: %s', async (_, headers, left, limit, part) => {
    const { body } = played({ end: 'hangs', pieces: 2 });
    const platform = { largestBody: megabyte, ...(left !== undefined && { deadline: Date.now() + left }) };
    const refused = receive(request({ body, headers, platform })).catch((error: unknown) => error);
    let isDone = false;
    void refused.then(() => (isDone = true));
    await vi.advanceTimersByTimeAsync(limit - 1);
    expect(isDone).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect(await refused).toMatchObject({
      code: 'UPLOAD_TOO_SLOW',
      fill: { part, seconds: String(Math.round(limit / 1000)) },
    });
  });

  it('leaves as much time for the rest as its size needs, and no more than the platform has', async () => {
    const context = { request: request({ body: () => [piece] }), deadline: 0 } as Context;
    await receiveBody(context);
    expect(context.deadline).toBe(Date.now() + restTimeoutMs(piece.length));
    const deadline = Date.now() + 5_000;
    const short = { request: request({ body: () => [piece], platform: { deadline } }), deadline: 0 } as Context;
    await receiveBody(short);
    expect(short.deadline).toBe(deadline);
  });

  it('is told in megabytes', () => {
    expect([megabytes(6 * megabyte), megabytes(1.9 * megabyte), tenths(1.25 * megabyte)]).toEqual(['6', '1', '1.3']);
  });
});
