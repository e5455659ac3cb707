/** A large answer of the host goes on to the client while it is still coming, and no byte of it before it has been looked at. */
import { createServer, request as ask, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { PassThrough, Readable } from 'node:stream';
import { buffer, text as readText } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { hostTimeoutMs, idleTimeoutMs } from '../../lib/gateway/timeouts.ts';
import { bytesHold } from '../../lib/gateway/secret.ts';
import { Held, passOn } from '../../lib/gateway/stream.ts';
import { TooSlow } from '../../lib/gateway/upstream.ts';
import { TooLarge, Unreachable } from '../../lib/oauth/request.ts';
import { Failure, webErrors } from '../../lib/http/errors.ts';
import { deferred } from '../../lib/http/deferred.ts';
import { node } from '../../lib/platforms/node.ts';
import { openWorld, startHost, upstreamToken, type Host, type Script } from '../contract/gateway/world.ts';
import type { Call, Reply } from '../contract/login.ts';

const megabyte = 1024 * 1024;
const sha = 'a'.repeat(40);
const blob = `/git/github/git/blobs/${sha}`;
const rawBlob = `/git/api/v3/repos/owner/name/git/blobs/${sha}`;
const rawType = 'application/vnd.github.raw';

/** As GitHub answers with a file: in base64, with a line end written as `\n` after each 60 characters. */
const blobOf = (size: number) =>
  `{"sha":"${sha}","content":"${`${'Zm9v'.repeat(15)}\\n`.repeat(Math.ceil(size / 62))}","encoding":"base64"}`;

describe('A large answer, on its way through a server', () => {
  let host: Host;
  let server: Server;
  let reply: IncomingMessage;
  let asked: { headers: Record<string, string> };
  let answered = false;
  beforeAll(async () => {
    host = await startHost();
  });
  afterAll(() => host.close());
  beforeEach(() => {
    host.asked = [];
  });
  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });

  /** Through the shell of Node, to a client that reads only what a test reads. */
  const call: Call = async (handler, { path, query, method, headers }) => {
    if (!server?.listening) {
      server = createServer((request, response) => {
        response.on('close', () => server.emit('left'));
        if (answered) response.writeHead(503).end();
        node(handler)(request, response);
      }).listen(0, '127.0.0.1');
      await new Promise((resolve) => server.once('listening', resolve));
    }
    asked = { headers: defined(headers) };
    const { port } = server.address() as AddressInfo;
    const { promise, resolve, reject } = deferred<IncomingMessage>();
    ask({ port, host: '127.0.0.1', path: `${path}?${query}`, method, headers: defined(headers) }, resolve)
      .on('error', reject)
      .end();
    reply = await promise;
    const { statusCode: status = 0, headers: own } = reply;
    return { status, headers: own as Record<string, string>, cookies: [], body: '', raw: reply };
  };
  let count = 0;
  const open = () => openWorld(host, call, { CMS_GATEWAY_TOKEN: `${upstreamToken}${++count}` });
  const logged = async (log: readonly { outcome: string }[]) => vi.waitFor(() => expect(log).toHaveLength(1));

  it('arrives byte for byte, and begins before its end has left the host', async () => {
    const world = open();
    const text = blobOf(4 * megabyte);
    const { promise: begun, resolve: begin } = deferred<void>();
    host.script = async (_, response) => {
      response.writeHead(200, { 'content-type': 'application/json' }).write(text.slice(0, 2 * megabyte));
      await begun;
      response.end(text.slice(2 * megabyte));
    };
    const { status, headers } = await world.ask(blob);
    expect([status, headers['content-type']]).toEqual([200, 'application/json; charset=utf-8']);
    await new Promise((resolve) => reply.once('readable', resolve));
    expect(world.log).toEqual([]);
    begin();
    expect((await buffer(reply)).toString()).toBe(text);
    await logged(world.log);
    expect(world.log).toMatchObject([{ event: 'read', route: 'blob', status: 200, outcome: 'ok' }]);
  });

  it('arrives byte for byte where it is the file itself', async () => {
    const bytes = Buffer.from(Array.from({ length: 3 * megabyte }, (_, i) => (i * 7) % 256));
    host.script = (_, response) => void response.writeHead(200, { 'content-type': rawType }).end(bytes);
    const { headers } = await open().ask(rawBlob, { headers: { accept: rawType } });
    expect(headers['content-type']).toBe(rawType);
    expect((await buffer(reply)).equals(bytes)).toBe(true);
  });

  it('is not kept, so that the next one who wants it gets all of it, too', async () => {
    const world = open();
    const text = blobOf(megabyte);
    host.script = (_, response) => void response.writeHead(200, { 'content-type': 'application/json' }).end(text);
    for (const times of [1, 2]) {
      await world.ask(blob);
      expect((await buffer(reply)).toString()).toBe(text);
      expect(host.asked).toHaveLength(times);
    }
  });

  it('waits for a client who does not read, in the host’s memory and not in ours', async () => {
    const whole = 24 * megabyte;
    let sent = 0;
    host.script = (_, response) => {
      response.writeHead(200, { 'content-type': 'application/octet-stream' });
      Readable.from(
        (function* () {
          for (; sent < whole; sent += megabyte) yield Buffer.alloc(megabyte);
        })(),
      ).pipe(response);
    };
    const world = open();
    await world.ask(rawBlob, { headers: { accept: rawType } });
    await vi.waitFor(() => expect(sent).toBeGreaterThan(megabyte));
    // What the buffers of two connections on this machine take is up to the system.
    let before = -1;
    while (before !== sent) {
      before = sent;
      await sleep(100);
    }
    expect(sent).toBeLessThan(whole);
    expect(world.log).toEqual([]);
    expect((await buffer(reply)).length).toBe(whole);
  });

  it.each<[how: string, code: string, script: Script]>([
    [
      'if the host hangs up',
      'UPSTREAM_UNREACHABLE',
      (_, response) =>
        void response
          .writeHead(200, { 'content-type': 'application/json', 'content-length': 4 * megabyte })
          .write(blobOf(2 * megabyte), () => setTimeout(() => response.destroy(), 50)),
    ],
    [
      'if it has to be in memory, and is more than fits',
      'ANSWER_TOO_LARGE',
      (_, response) =>
        void response
          .writeHead(200, { 'content-type': 'application/json' })
          .end(`{"content":"%${'A'.repeat(33 * megabyte)}"}`.replace('%', `${'A'.repeat(megabyte)}%`)),
    ],
    [
      'if the credential is in it',
      'UPSTREAM_FAILED',
      ({ headers }, response) => {
        const [, token = ''] = String(headers.authorization).split(' ');
        response
          .writeHead(200, { 'content-type': 'application/json' })
          .write(blobOf(2 * megabyte) + token.slice(0, -1));
        setTimeout(() => response.end(token.slice(-1) + blobOf(megabyte)), 50);
      },
    ],
  ])('breaks off %s', async (_, code, script) => {
    host.script = script;
    const world = open();
    const { status } = await world.ask(blob);
    expect(status).toBe(200);
    const seen: Buffer[] = [];
    const read = async () => {
      for await (const piece of reply) seen.push(piece as Buffer);
    };
    await expect(read()).rejects.toThrow('aborted');
    await logged(world.log);
    expect(world.log).toMatchObject([{ outcome: 'failed', code, status: 200 }]);
    expect(Buffer.concat(seen).toString()).not.toContain(upstreamToken.slice(0, 6));
  });

  it.each<[how: string, headers: Record<string, string>, start: string, given?: string]>([
    ['a page', { 'content-type': 'text/html' }, '<html>'],
    ['packed', { 'content-type': 'application/json', 'content-encoding': 'gzip' }, '{'],
    ['a page that is called JSON', { 'content-type': 'application/json' }, '<html>'],
    ['one with the credential at its beginning', { 'content-type': 'application/json' }, `{"token":"${upstreamToken}`],
    ['one with the credential in a header', { 'content-type': 'application/json', etag: `"${upstreamToken}0"` }, '{'],
  ])('is refused before it begins if it is %s, and the host need not go on', async (_, headers, start) => {
    const { promise: closed, resolve: close } = deferred<void>();
    host.script = (_asked, response) => {
      response.on('close', close).writeHead(200, headers);
      response.write(start.replace(upstreamToken, `${upstreamToken}${count}`) + ' '.repeat(megabyte));
    };
    const world = open();
    if (headers['etag']) headers['etag'] = `"${upstreamToken}${count}"`;
    expect((await world.ask(blob)).status).toBe(502);
    await closed;
    expect(world.log).toMatchObject([{ outcome: 'failed', code: 'UPSTREAM_FAILED' }]);
  });

  it('is let go of, with a line in the log, for a client who has left before it began', async () => {
    const { promise: closed, resolve: close } = deferred<void>();
    const { promise: asked, resolve: hear } = deferred<ServerResponse>();
    host.script = (_, response) => hear(response.on('close', close));
    const world = open();
    const asking = world.ask(blob).catch(() => {});
    const response = await asked;
    const left = new Promise((resolve) => server.once('left', resolve));
    server.closeAllConnections();
    await Promise.all([asking, left]);
    response.writeHead(200, { 'content-type': 'application/json' }).write(blobOf(2 * megabyte));
    await closed;
    await logged(world.log);
  });

  it('is let go of, with a line in the log, if somebody else has answered', async () => {
    const { promise: closed, resolve: close } = deferred<void>();
    host.script = (_, response) => {
      response.on('close', close).writeHead(200, { 'content-type': 'application/json' });
      response.write(blobOf(2 * megabyte));
    };
    const world = open();
    answered = true;
    expect((await world.ask(blob)).status).toBe(503);
    answered = false;
    await closed;
    await logged(world.log);
  });

  // RFC 1945, 7.2.2: there, all that comes before the connection is closed is the file.
  it('is there as a whole before it leaves for a client of HTTP/1.0, to whom a part would be all', async () => {
    host.script = (_, response) =>
      void response
        .writeHead(200, { 'content-type': 'application/json', 'content-length': 4 * megabyte })
        .write(blobOf(2 * megabyte), () => setTimeout(() => response.destroy(), 50));
    const world = open();
    await world.ask(blob); // for its headers
    reply.on('error', () => {});
    const { port } = server.address() as AddressInfo;
    const socket = connect(port, '127.0.0.1');
    const lines = Object.entries(asked.headers).map(([name, value]) => `${name}: ${value}\r\n`);
    socket.write(`GET ${blob} HTTP/1.0\r\n${lines.join('')}\r\n`);
    expect(await readText(socket)).toMatch(/^HTTP\/1\.1 502 .*"code":"UPSTREAM_UNREACHABLE"/s);
  });

  it('is each caller’s own, on connections that are kept and break off', async () => {
    const world = open();
    const names = ['a', 'b', 'c', 'd', 'e', 'f'];
    let count = 0;
    host.script = ({ url }, response) => {
      const own = url.slice(-1);
      response.writeHead(200, { 'content-type': rawType });
      if (count++ % 5 > 0) return void response.end(Buffer.alloc(700 * 1024 + count * 1_000, own));
      response.write(Buffer.alloc(650 * 1024, own), () => setTimeout(() => response.destroy(), 5));
    };
    const read = async (name: string, times: number): Promise<void> => {
      if (times === 0) return;
      const { raw: own } = (await world.ask(`${rawBlob.slice(0, -1)}${name}`, {
        headers: { accept: rawType },
      })) as Reply & { raw: IncomingMessage };
      let size = 0;
      try {
        for await (const piece of own as AsyncIterable<Buffer>) {
          expect(piece.every((byte) => byte === name.charCodeAt(0))).toBe(true);
          if ((size += piece.length) > 300 * 1024 && times % 4 === 0) own.destroy();
        }
      } catch {
        // It broke off, or was left.
      }
      return read(name, times - 1);
    };
    await Promise.all(names.map((name) => read(name, 8)));
    await vi.waitFor(() => expect(world.log).toHaveLength(names.length * 8));
  });

  it('may be larger than what may be in memory, if it need not be there', async () => {
    const size = 40 * megabyte;
    host.script = (_, response) => void response.writeHead(200, { 'content-type': rawType }).end(Buffer.alloc(size));
    expect((await open().ask(rawBlob, { headers: { accept: rawType } })).status).toBe(200);
    expect((await buffer(reply)).length).toBe(size);
  });

  it('is not fetched to its end for a client who has left', async () => {
    const { promise: closed, resolve: close } = deferred<void>();
    host.script = (_, response) => {
      response.on('close', close).writeHead(200, { 'content-type': 'application/json' });
      response.write(blobOf(2 * megabyte));
    };
    const world = open();
    await world.ask(blob);
    reply.destroy();
    await closed;
    await logged(world.log);
    expect(world.log).toMatchObject([{ outcome: 'ok', status: 200 }]);
  });
});

describe('What is passed on', () => {
  const token = 'github_pat_0123456789';
  const bounds = {
    secret: token,
    isText: true,
    limit: 32 * megabyte,
    toFailure: (cause: unknown) => Object.assign(new Failure(webErrors.INTERNAL), { cause }),
  };
  const played = (pieces: readonly Buffer[]) => Readable.from(pieces, { objectMode: false }) as IncomingMessage;
  const pass = (first: Buffer, pieces: readonly Buffer[], more: Partial<typeof bounds> = {}) =>
    passOn(first, played(pieces), { ...bounds, ...more });
  /** Reads all there is, and says what it was and how it ended. */
  async function readAll({ body, ended }: ReturnType<typeof passOn>) {
    const seen: Uint8Array[] = [];
    let broke = false;
    try {
      for await (const piece of body as unknown as AsyncIterable<Uint8Array>) seen.push(piece);
    } catch {
      broke = true;
    }
    return { seen: Buffer.concat(seen), broke, end: await ended.catch(({ cause }: Failure) => cause) };
  }

  const hex = (character: string) => character.charCodeAt(0).toString(16).padStart(2, '0');
  const escaped = (text: string) => [...text].map((character) => `\\u00${hex(character)}`).join('');
  const percent = (text: string) => [...text].map((character) => `%${hex(character)}`).join('');
  /** Ways of writing it, each of which a reader of the answer would undo. */
  const written: [string, Buffer, isText?: boolean][] = [
    ['as it is', Buffer.from(token)],
    ['as it is, in a file', Buffer.from(token), false],
    ['in UTF-16', Buffer.from(token, 'utf16le'), false],
    ['in UTF-16 the other way round', Buffer.from(token, 'utf16le').swap16(), false],
    ['in escapes', Buffer.from(escaped(token))],
    ['in percent', Buffer.from(percent(token))],
    ['in percent within escapes', Buffer.from(escaped(percent(token)))],
    ['in escapes of escapes', Buffer.from(escaped(escaped(token)))],
    ['in escapes of escapes of escapes', Buffer.from(escaped(escaped(escaped(token))))],
    ['in all there is, three times over', Buffer.from(escaped(percent(escaped(percent(escaped(percent(token)))))))],
  ];

  describe.each(written)('with the credential written %s', (_, secret, isText = true) => {
    // Wherever the connection cuts it.
    it.each([0, 1, 2, 7, Math.floor(secret.length / 2), secret.length - 1, secret.length])(
      'breaks off before any of it is out, with %i bytes of it in the first piece',
      async (cut) => {
        const before = Buffer.alloc(600 * 1024, 'x');
        const all = Buffer.concat([before, secret, Buffer.alloc(300 * 1024, 'y')]);
        expect(bytesHold(all, token, isText)).toBe(true);
        const at = before.length + cut;
        for (const begun of [at, 300 * 1024]) {
          const pieces = [all.subarray(begun, at), all.subarray(at)].filter(({ length }) => length > 0);
          const { seen, broke, end } = await readAll(pass(all.subarray(0, begun), pieces, { isText }));
          expect([broke, end]).toEqual([true, expect.any(Held)]);
          expect(seen.equals(before.subarray(0, seen.length))).toBe(true);
        }
      },
    );
  });

  // Which of them belong together, only the beginning of the row can tell, and the row may be written itself.
  describe.each(['\\', '\\u005c', '%5c', '\\u00255c', '%255c', '\\u005cu005c'])('behind a long row of %s', (one) => {
    it.each([0, 1, 2, 3])('with the credential in escapes, breaks off, %i before a cut', async (more) => {
      for (const odd of [0, 1, 2, 3, 4, 5, 6, 7]) {
        const own = Buffer.from(one.repeat(20_000 + odd) + `u0067${token.slice(1)}`);
        const cut = 600 * 1024;
        const all = Buffer.concat([Buffer.alloc(cut + 40 - more - own.length, 'x'), own, Buffer.alloc(cut, 'y')]);
        const pieces = [all.subarray(cut, cut + 100 * 1024), all.subarray(cut + 100 * 1024)];
        const { seen, end } = await readAll(pass(all.subarray(0, cut), pieces));
        expect(end instanceof Held).toBe(bytesHold(all, token, true));
        if (end) expect(seen.includes('u0067')).toBe(false);
      }
    });
  });

  it('is the same, wherever it is cut', async () => {
    let seed = 1;
    const random = (below: number) => (seed = (seed * 48_271) % 2_147_483_647) % below;
    const all = Buffer.from(Array.from({ length: 2 * megabyte }, () => random(256)));
    for (let round = 0; round < 20; round++) {
      const isText = round % 2 === 0;
      let at = 1 + random(megabyte);
      const first = all.subarray(0, at);
      const pieces: Buffer[] = [];
      while (at < all.length) pieces.push(all.subarray(at, (at += 1 + random(200 * 1024))));
      const { seen, broke, end } = await readAll(pass(first, pieces, { isText }));
      expect([broke, end, seen.equals(all)]).toEqual([false, undefined, true]);
    }
  });

  it('may weigh as much as the limit and no more, where it has to be in memory', async () => {
    for (const [text, size, end] of [
      ['%', megabyte, undefined],
      ['%', megabyte + 1, expect.any(TooLarge)],
      ['x', megabyte + 1, undefined],
    ] as const)
      expect(
        await readAll(pass(Buffer.alloc(megabyte, text), [Buffer.alloc(size)], { limit: 2 * megabyte })),
      ).toMatchObject({ end });
  });

  it('has ended badly if the connection broke off before anybody read', async () => {
    const rest = new PassThrough();
    rest.on('error', () => {});
    const passed = passOn(Buffer.alloc(megabyte), rest as unknown as IncomingMessage, bounds);
    rest.destroy(new Error('aborted'));
    await new Promise((resolve) => rest.once('close', resolve));
    expect(await readAll(passed)).toMatchObject({ broke: true, end: expect.any(Unreachable) });
  });

  describe('in time', () => {
    beforeEach(() => void vi.useFakeTimers());
    afterEach(() => void vi.useRealTimers());

    it('breaks off when the host falls silent for longer than it is given', async () => {
      const rest = new PassThrough();
      const first = Buffer.alloc(megabyte);
      const all = readAll(passOn(first, rest as unknown as IncomingMessage, bounds));
      const most = hostTimeoutMs(false, first.length);
      await vi.advanceTimersByTimeAsync(most - 1);
      expect(rest.destroyed).toBe(false);
      await vi.advanceTimersByTimeAsync(1);
      expect(await all).toMatchObject({ broke: true, end: { received: first.length } });
      expect((await all).end).toBeInstanceOf(TooSlow);
      expect(rest.destroyed).toBe(true);
    });

    it('gives the host the more time the more has come, and adds up how long it was waited for', async () => {
      const rest = new PassThrough({ highWaterMark: 8 * megabyte });
      const all = readAll(passOn(Buffer.alloc(megabyte), rest as unknown as IncomingMessage, bounds));
      await vi.advanceTimersByTimeAsync(11_000);
      rest.write(Buffer.alloc(megabyte)); // eight seconds, and four for each megabyte
      await vi.advanceTimersByTimeAsync(4_900);
      expect(rest.destroyed).toBe(false);
      await vi.advanceTimersByTimeAsync(101);
      expect((await all).end).toBeInstanceOf(TooSlow);
    });

    it('lets go of the host if nobody reads on for a minute', async () => {
      for (const reads of [0, 1]) {
        const rest = new PassThrough();
        const { body, ended } = passOn(Buffer.alloc(megabyte), rest as unknown as IncomingMessage, bounds);
        if (reads > 0) await body.getReader().read();
        await vi.advanceTimersByTimeAsync(idleTimeoutMs - 1);
        expect(rest.destroyed).toBe(false);
        await vi.advanceTimersByTimeAsync(1);
        expect(rest.destroyed).toBe(true);
        await ended;
      }
    });

    it('waits for a client who is slow', async () => {
      const rest = new PassThrough({ highWaterMark: 8 * megabyte });
      rest.end(Buffer.alloc(4 * megabyte));
      const { body, ended } = passOn(Buffer.alloc(megabyte), rest as unknown as IncomingMessage, bounds);
      const reader = body.getReader();
      let size = 0;
      for (;;) {
        const { done, value } = await reader.read();
        if (done) break;
        size += value.length;
        await vi.advanceTimersByTimeAsync(idleTimeoutMs - 1);
      }
      expect([size, await ended]).toEqual([5 * megabyte, undefined]);
    });
  });
});

const defined = (headers: Readonly<Record<string, string | undefined>>): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).filter((entry): entry is [string, string] => entry[1] !== undefined));
