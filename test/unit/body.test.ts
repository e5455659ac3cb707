/** How far a request's body is read, on every platform: no further than its limit, no longer than the deadline. */
import { Agent, request as send, type IncomingMessage } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { createHandler } from '../../lib/login/handler.ts';
import { firebase, type FirebaseRequest } from '../../lib/platforms/firebase.ts';
import { lambda } from '../../lib/platforms/lambda.ts';
import { netlify } from '../../lib/platforms/netlify.ts';
import { node } from '../../lib/platforms/node.ts';
import { bitbucket } from '../../lib/providers/bitbucket.ts';
import { listen, type Listening } from '../hosts/http.ts';

const origin = 'https://www.example.com';
const headers = { origin, 'content-type': 'application/x-www-form-urlencoded' };
const env = {
  CMS_AUTH_URL: 'https://auth.example.com',
  CMS_AUTH_ORIGINS: origin,
  CMS_AUTH_REFRESH: 'bitbucket',
  BITBUCKET_CLIENT_ID: 'id',
  BITBUCKET_CLIENT_SECRET: 'secret',
  BITBUCKET_URL: 'http://127.0.0.1:9',
};
const handler = createHandler([bitbucket], { env, log: () => {} });

/** Bytes; 150 MB is what once was read before the refusal. */
const huge = 150_000_000;
const piece = 64 * 1024;

describe('On Netlify, a body', () => {
  /** Counts what is taken from it. */
  function stream(pull: (enqueue: () => void) => void | Promise<void>, size = piece) {
    const taken = { bytes: 0, cancelled: false };
    const body = new ReadableStream<Uint8Array>({
      async pull(controller) {
        await pull(() => {
          controller.enqueue(new Uint8Array(size).fill(97));
          taken.bytes += size;
        });
        if (taken.bytes >= huge) controller.close();
      },
      cancel() {
        taken.cancelled = true;
      },
    });
    return { body, taken };
  }
  const post = (body: ReadableStream, path = '/auth/refresh', more = {}) =>
    netlify(handler)(
      new Request(`https://auth.example.com${path}`, {
        method: 'POST',
        headers: { ...headers, ...more },
        body,
        duplex: 'half',
      } as RequestInit),
    );

  it('of 150 MB is refused after its first pieces, and not read on behind the answer', async () => {
    const { body, taken } = stream((enqueue) => enqueue());
    const reply = await post(body);
    expect([reply.status, await reply.json()]).toEqual([414, expect.objectContaining({ error: 'REQUEST_TOO_LARGE' })]);
    await sleep(50);
    expect(taken.cancelled).toBe(true);
    expect(taken.bytes).toBeLessThanOrEqual(4 * piece);
  });

  it.each([
    ['that nobody asked for', '/auth', {}],
    ['from a page that is not listed', '/auth/refresh', { origin: 'https://evil.example' }],
  ])('%s is not read at all', async (_, path, more) => {
    const { body, taken } = stream((enqueue) => enqueue());
    expect((await post(body, path, more)).status).toBeGreaterThanOrEqual(400);
    await sleep(50);
    expect(taken.bytes).toBeLessThanOrEqual(2 * piece);
  });

  it('that never comes is waited for until the deadline', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });
    try {
      let next = () => {};
      const { body, taken } = stream((enqueue) => new Promise((resolve) => (next = () => resolve(enqueue()))), 10);
      const answer = post(body);
      const state = () => Promise.race([answer, Promise.resolve('waits')]);
      await vi.advanceTimersByTimeAsync(7_900);
      expect(await state()).toBe('waits');
      await vi.advanceTimersByTimeAsync(200);
      const reply = await answer;
      expect([reply.status, await reply.json()]).toEqual([400, expect.objectContaining({ error: 'BAD_REQUEST' })]);
      // The read that was under way ends with the next piece.
      next();
      await vi.waitFor(() => expect(taken.cancelled).toBe(true));
      expect(taken.bytes).toBe(10);
    } finally {
      vi.useRealTimers();
    }
  });
});

describe('On a Node server, a body', () => {
  let server: Listening;
  let read: number;
  let closed: boolean;
  const listener = node(handler);

  beforeAll(async () => {
    server = await listen((request, response) => {
      const { socket } = request;
      const watch = setInterval(() => (read = socket.bytesRead), 5);
      socket.once('close', () => {
        clearInterval(watch);
        read = socket.bytesRead;
        closed = true;
      });
      return listener(request, response) as void;
    });
  });
  afterAll(() => server.close());
  beforeEach(() => {
    read = 0;
    closed = false;
  });

  /** Sends as fast as it is taken. */
  async function post(path: string, more: Record<string, string> = {}) {
    const agent = new Agent({ keepAlive: true });
    const outgoing = send(server.url + path, { method: 'POST', headers: { ...headers, ...more }, agent });
    const answer = new Promise<IncomingMessage>((resolve, reject) =>
      outgoing.once('response', resolve).on('error', reject),
    );
    let sent = 0;
    const go = () => {
      while (sent < huge && !outgoing.destroyed) {
        sent += piece;
        if (!outgoing.write(Buffer.alloc(piece, 97))) return void outgoing.once('drain', go);
      }
      outgoing.end();
    };
    go();
    const { statusCode } = await answer;
    await vi.waitFor(() => expect(closed).toBe(true), 5_000);
    agent.destroy();
    return statusCode;
  }

  it('of 150 MB is refused after its first pieces, and not read on behind the answer', async () => {
    expect(await post('/auth/refresh')).toBe(414);
    expect(read).toBeLessThan(2_000_000);
  });

  it.each([
    ['that nobody asked for', '/auth', {}],
    ['from a page that is not listed', '/auth/refresh', { origin: 'https://evil.example' }],
  ])('%s is not read on behind the answer', async (_, path, more) => {
    expect(await post(path, more)).toBeGreaterThanOrEqual(400);
    expect(read).toBeLessThan(2_000_000);
  });
});

describe('Where the platform has read a body before us, one that is too large', () => {
  const tooLarge = Buffer.alloc(65 * 1024, 97);

  it('is refused on Lambda', async () => {
    const { statusCode, body } = await lambda(handler)({
      rawPath: '/auth/refresh',
      headers,
      body: tooLarge.toString('base64'),
      isBase64Encoded: true,
      requestContext: { domainName: 'auth.example.com', stage: '$default', http: { method: 'POST' } },
    });
    expect([statusCode, body]).toEqual([414, expect.stringContaining('REQUEST_TOO_LARGE')]);
  });

  it('is refused on Firebase', async () => {
    const server = await listen((request, response) => {
      const given = { originalUrl: request.url ?? '', rawBody: tooLarge };
      return firebase(handler)(Object.assign(request, given) as FirebaseRequest, response);
    });
    const reply = await fetch(`${server.url}/auth/refresh`, { method: 'POST', headers });
    expect([reply.status, await reply.json()]).toEqual([414, expect.objectContaining({ error: 'REQUEST_TOO_LARGE' })]);
    await server.close();
  });
});
