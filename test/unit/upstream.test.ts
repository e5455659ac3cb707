/** How the gateway asks a Git host, and how it understands what that answers. */
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { send as sendOnce, TooLarge, TooLate, Unreachable, type ClientResponse } from '../../lib/oauth/request.ts';
import {
  isEncoded,
  isJson,
  jsonOf,
  mapError,
  messageOf,
  quoteOf,
  rateLimited,
  sendRequest,
  TooSlow,
  upstreamUrl,
} from '../../lib/gateway/upstream.ts';
import { github } from '../../lib/gateway/rules/github.ts';
import type { Gateway } from '../../lib/gateway/settings.ts';
import type { GatewayHost } from '../../lib/gateway/rules/rule.ts';

const answer = (
  status: number,
  headers: Record<string, string> = {},
  body: unknown = {},
  type = 'application/json',
): ClientResponse => ({
  status,
  headers: { 'content-type': type, ...headers },
  bytes: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
});

describe('A host that is asked too often', () => {
  const now = 1_800_000_000_000;
  const at = (seconds: number) => String(now / 1000 + seconds);
  const spent = { 'x-ratelimit-remaining': '0' };

  // RFC 9110, 10.2.3, and https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api
  it.each<[string, ClientResponse, string | undefined]>([
    ['429 alone', answer(429), '60'],
    ['429 that says when', answer(429, { 'retry-after': '17' }), '17'],
    ['403 that says when', answer(403, { 'retry-after': '17' }), '17'],
    ['403 that says at once', answer(403, { 'retry-after': '0' }), '60'],
    ['429 with a date', answer(429, { 'retry-after': 'Wed, 21 Oct 2026 07:28:00 GMT' }), '60'],
    ['403 with nothing left', answer(403, { ...spent, 'x-ratelimit-reset': at(90) }), '90'],
    ['403 with nothing left for a part of a second', answer(403, { ...spent, 'x-ratelimit-reset': at(1.2) }), '2'],
    ['403 with nothing left until now', answer(403, { ...spent, 'x-ratelimit-reset': at(0) }), '60'],
    ['403 with nothing left, and no end', answer(403, spent), '60'],
    ['429 with some left', answer(429, { 'x-ratelimit-remaining': '7', 'x-ratelimit-reset': at(90) }), '60'],
    ['429 for half a day', answer(429, { 'retry-after': '43200' }), '3600'],
    ['429 until tomorrow', answer(429, { ...spent, 'x-ratelimit-reset': at(86_400) }), '3600'],
    ['what comes first', answer(403, { ...spent, 'x-ratelimit-reset': at(90), 'retry-after': '5' }), '5'],
    ['a secondary limit', answer(403, {}, { message: 'You have exceeded a secondary rate limit.' }), '60'],
    ['an older one', answer(403, {}, { message: 'You have triggered an abuse detection mechanism.' }), '60'],
    [
      '403 with some left',
      answer(403, { 'x-ratelimit-remaining': '7' }, { message: 'Must have admin rights' }),
      undefined,
    ],
    ['403 alone', answer(403), undefined],
    ['200 with nothing left', answer(200, spent), undefined],
    ['503 that says when', answer(503, { 'retry-after': '17' }), undefined],
  ])('%s', (_, said, seconds) => {
    const failure = rateLimited(said, 'GitHub', now);
    expect(failure && [failure.code, failure.fill]).toEqual(
      seconds === undefined ? undefined : ['UPSTREAM_BUSY', { host: 'GitHub', seconds }],
    );
  });
});

describe('What a host says', () => {
  it.each<[unknown, string | undefined]>([
    [{ message: 'Not Found', error: 'other' }, 'Not Found'],
    [{ message: '', error: 'invalid_token' }, 'invalid_token'],
    [{ error: { message: 'There is no such branch' } }, 'There is no such branch'],
    [{ error: { detail: 'x' }, error_description: 'It has expired' }, 'It has expired'],
    [{ message: { name: ['is too long'] } }, '{"name":["is too long"]}'],
    [{ message: null, error: { a: 1 } }, '{"a":1}'],
    [{ message: null, error: null }, undefined],
    [{}, undefined],
    [['message'], undefined],
    ['message', undefined],
    [null, undefined],
    [undefined, undefined],
  ])('in %j is %j', (value, words) => expect(messageOf(value)).toBe(words));

  it.each([
    ['Not Found', ' GitHub says: “Not Found.”'],
    ['No!', ' GitHub says: “No!”'],
    ['Who?', ' GitHub says: “Who?”'],
    ['  Not\n\u0007 Found.  ', ' GitHub says: “Not Found.”'],
    ['a'.repeat(300), ` GitHub says: “${'a'.repeat(300)}.”`],
    ['a'.repeat(301), ` GitHub says: “${'a'.repeat(300)}…”`],
    ['\u200b \n', ''],
    ['It is “closed” here', ' GitHub says: “It is “closed” here.”'],
    ['it is github_pat_1', ''],
    ['it is %67ithub_pat_1', ''],
  ])('%j is quoted as %j', (message, quoted) =>
    expect(quoteOf(answer(403, {}, { message }), 'GitHub', ['other', 'github_pat_1'])).toBe(quoted),
  );

  it('is nothing to quote where it says nothing', () =>
    expect(quoteOf(answer(403, {}, 'x', 'text/html'), 'X', [])).toBe(''));

  it.each([
    ['application/json', true],
    ['application/json; charset=utf-8', true],
    ['application/json ;charset=utf-8', true],
    ['Application/JSON', true],
    ['application/vnd.github+json', true],
    ['application/vnd.github.v3+json; charset=utf-8', true],
    ['application/vnd.github.raw+json', false],
    ['application/vnd.github.raw+json; charset=utf-8', false],
    ['application/vnd.github.v3.raw+json; charset=utf-8', false],
    ['application/vnd.github.v3.raw; charset=utf-8', false],
    ['application/vnd.github.raw; charset=utf-8', false],
    ['text/json', true],
    ['application/jsonp', false],
    ['application/x-json', false],
    ['xapplication/json', false],
    ['image/json', false],
    ['text/html', false],
    ['', false],
    [undefined, false],
  ])('is JSON by its type %j: %j', (type, is) => expect(isJson(type)).toBe(is));

  it.each([
    [undefined, false],
    ['', false],
    ['identity', false],
    [' Identity ', false],
    ['gzip', true],
    ['identity, gzip', true],
    ['x-identity', true],
  ])('is packed by its encoding %j: %j', (encoding, is) => expect(isEncoded(encoding)).toBe(is));

  it('is read if it is JSON, and not packed', () => {
    expect(jsonOf(answer(200, {}, { a: 1 }))).toEqual({ a: 1 });
    expect(jsonOf(answer(200, {}, '{"a":'))).toBeUndefined();
    expect(jsonOf(answer(200, { 'content-encoding': 'gzip' }, { a: 1 }))).toBeUndefined();
    expect(jsonOf(answer(200, {}, { a: 1 }, 'text/html'))).toBeUndefined();
  });

  it('or does not say is told in words', () => {
    const code = (error: Error) => mapError(error, 'GitHub').code;
    expect(code(new TooLate())).toBe('UPSTREAM_TIMEOUT');
    expect(code(new TooSlow(1))).toBe('UPSTREAM_TIMEOUT');
    expect(code(new TooLarge())).toBe('UPSTREAM_TOO_LARGE');
    expect(code(new Unreachable('', { keptConnection: false }))).toBe('UPSTREAM_UNREACHABLE');
    const ours = new TypeError('a mistake of ours');
    expect(() => mapError(ours, 'GitHub')).toThrow(ours);
  });
});

describe('The address that the credential goes to', () => {
  const gateway = {
    host: github,
    roots: { api_root: 'https://api.github.com' },
    fullName: 'owner/name',
  } as unknown as Gateway<GatewayHost>;

  it.each(['', '/pulls', '/contents/a%2Fb?ref=main', '/git/trees/main:content'])(
    'is below the repository: %j',
    (path) => expect(upstreamUrl(gateway, path).href).toBe(`https://api.github.com/repos/owner/name${path}`),
  );

  // Whatever would be read as another address than it is written as.
  it.each([
    'x',
    '2/pulls',
    '.evil.example/',
    '@evil.example/',
    '/../other',
    '/%2e%2e/other',
    '/a/../../b',
    '/pulls#x',
    '/a b',
    '/a\\b',
    '/ä',
    '/a\n',
  ])('is none for %j', (path) =>
    expect(() => upstreamUrl(gateway, path)).toThrow(expect.objectContaining({ code: 'NOT_ON_LIST' })),
  );

  it('is none if the host’s own is not one', () =>
    expect(() => upstreamUrl({ ...gateway, roots: { api_root: 'nonsense' } }, '/pulls')).toThrow(
      expect.objectContaining({ code: 'NOT_ON_LIST' }),
    ));
});

describe('A question to a host', () => {
  let server: Server;
  let url: string;
  let script: RequestListener;
  let asked: string[];
  let sockets: Set<Socket>;
  beforeEach(async () => {
    asked = [];
    sockets = new Set();
    script = (_, response) => void response.end('ok');
    server = createServer((request, response) => {
      asked.push(request.method ?? '');
      request.resume();
      script(request, response);
    });
    server.on('connection', (socket) => void sockets.add(socket));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/v3/x`;
  });
  afterEach(async () => {
    vi.useRealTimers();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const send = (method = 'GET', more: Partial<Parameters<typeof sendRequest>[1]> = {}) =>
    sendRequest(url, { method, headers: {}, deadline: Date.now() + 5_000, ...more });
  const error = (promise: Promise<unknown>) =>
    promise.then(
      () => undefined,
      (reason: unknown) => reason,
    );

  it('is asked on a connection that is kept', async () => {
    for (let i = 0; i < 3; i++) expect((await send()).bytes.toString()).toBe('ok');
    await send('POST', { body: 'x' });
    expect([asked.length, sockets.size]).toEqual([4, 1]);
  });

  // Node's two clients refuse each other's addresses, and that would be an error of ours.
  it.each(['GET', 'POST'])('to an address with https goes out by TLS alone: %s', async (method) => {
    const secure = url.replace('http:', 'https:');
    for (const address of [secure, new URL(secure)])
      expect(await error(sendRequest(address, { method, headers: {}, deadline: Date.now() + 5_000 }))).toBeInstanceOf(
        Unreachable,
      );
    expect(asked).toEqual([]);
  });

  it('that writes does not go out on a connection that nobody used for two seconds', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    await send();
    vi.setSystemTime(Date.now() + 1_999);
    await send('POST');
    expect(sockets.size).toBe(1);
    vi.setSystemTime(Date.now() + 2_000);
    await send('PUT');
    expect(sockets.size).toBe(2);
    vi.setSystemTime(Date.now() + 10_000);
    await send('HEAD');
    expect(sockets.size).toBe(2);
  });

  it.each([
    ['GET', 3],
    ['HEAD', 3],
    ['POST', 2],
    ['DELETE', 2],
  ])('that finds its connection dead is asked again if it only reads: %s', async (method, times) => {
    await send();
    let isFirst = true;
    script = (request, response) => {
      if (!isFirst) return void response.end('again');
      isFirst = false;
      request.socket.destroy();
    };
    const reason = await error(send(method));
    expect(asked).toHaveLength(times);
    if (times === 3) expect(reason).toBeUndefined();
    else expect(reason).toBeInstanceOf(Unreachable);
  });

  it('on a new connection is not asked again', async () => {
    script = (request) => void request.socket.destroy();
    expect(await error(send())).toBeInstanceOf(Unreachable);
    expect(asked).toHaveLength(1);
  });

  // Also where the answer ends with the piece that is too much: Node has let go of the socket by then.
  it.each([
    ['the gateway', sendRequest, 64 * 1024, undefined],
    ['the gateway', sendRequest, 1_000, 1_000],
    ['the login', sendOnce, 64 * 1024, undefined],
    ['the login', sendOnce, 1_000, 1_000],
  ])('of %s may be answered with so much, and no more', async (_, ask, size, limit) => {
    const question = {
      method: 'GET',
      headers: {},
      deadline: Date.now() + 5_000,
      ...(limit !== undefined && { limit }),
    } as const;
    for (const isWhole of [true, false]) {
      const say = (length: number) => {
        script = (_, response) => {
          if (isWhole) return void response.end('a'.repeat(length));
          response.write('a'.repeat(length - 1));
          setTimeout(() => response.end('a'), 50);
        };
      };
      say(size);
      expect((await ask(url, question)).bytes).toHaveLength(size);
      say(size + 1);
      expect(await error(ask(url, question))).toBeInstanceOf(TooLarge);
      say(size);
      expect((await ask(url, question)).bytes).toHaveLength(size);
    }
  });

  it('that would come too late is not sent', async () => {
    expect(await error(send('POST', { deadline: Date.now() }))).toBeInstanceOf(TooSlow);
    await sleep(50);
    expect(asked).toEqual([]);
  });

  it('is given up with what had come by then', async () => {
    script = (_, response) => void response.write('abc');
    expect(await error(send('GET', { deadline: Date.now() + 200 }))).toMatchObject({ received: 3 });
  });

  it('is waited for as long as its answer is on its way', async () => {
    script = async (_, response) => {
      for (let i = 0; i < 6; i++) {
        response.write('a');
        await sleep(100);
      }
      response.end();
    };
    const began = Date.now();
    const { bytes } = await send('GET', { deadlineAt: (received) => began + 400 + received * 200 });
    expect(bytes.toString()).toBe('aaaaaa');
  });

  it('whose answer breaks off is told as that', async () => {
    script = (request, response) => {
      response.writeHead(200, { 'content-length': '10' });
      response.write('abc', () => request.socket.destroy());
    };
    expect(await error(send())).toBeInstanceOf(Unreachable);
  });
});
