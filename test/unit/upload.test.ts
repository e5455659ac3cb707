/** Large bodies on slow lines, on a server of one's own: who waits for whom, and what is said when nobody waits any longer. */
import { once } from 'node:events';
import { request as send, type ClientRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { openBody } from '../../lib/gateway/body.ts';
import { listen, node } from '../../lib/platforms/node.ts';
import {
  bodyTimeoutMs,
  drainFactor,
  drainTimeoutMs,
  hostTimeoutMs,
  requestTimeoutMs,
  restTimeoutMs,
} from '../../lib/gateway/timeouts.ts';
import { json, openWorld, sessionOf, site, startHost, type Host } from '../contract/gateway/world.ts';
import { freePort } from '../hosts/port.ts';
import type { Handler } from '../../lib/http/http.ts';

const megabyte = 1024 * 1024;
const blob = '/git/github/git/blobs';

describe('Deadlines know each other', () => {
  it.each([0, 1, 6, 13, 24, 32])('with %i MB: server, then request, then host', (megabytes) => {
    const bytes = megabytes * megabyte;
    expect(requestTimeoutMs).toBeGreaterThan(bodyTimeoutMs(bytes) + drainTimeoutMs);
    // A look at a draft, another one, a new token, and then the write itself.
    const looks = 3 * hostTimeoutMs(false, 0);
    expect(restTimeoutMs(bytes)).toBeGreaterThan(looks + hostTimeoutMs(true, bytes));
  });

  it('a picture of 13 MB may take an editor at 3 Mbit/s as long as it does, and a host at 1 MB/s one of 11 MB', () => {
    expect(bodyTimeoutMs(13e6)).toBeGreaterThan((13e6 / 375_000) * 1000);
    expect(hostTimeoutMs(true, 11e6)).toBeGreaterThan((11e6 / 1e6) * 1000);
  });

  it('what nobody needs is read no longer than the platform gives the whole request', async () => {
    async function* endless() {
      for (;;) {
        await sleep(10);
        yield new Uint8Array(1);
      }
    }
    const incoming = openBody({
      method: 'POST',
      path: blob,
      query: '',
      headers: {},
      body: endless,
      platform: { deadline: Date.now() + 100 },
    });
    vi.useFakeTimers({ toFake: ['setTimeout'], now: Date.now() });
    try {
      const drained = incoming?.drain();
      await vi.advanceTimersByTimeAsync(100);
      await drained;
    } finally {
      vi.useRealTimers();
    }
  });
});

describe('On a server of one’s own', () => {
  let host: Host;
  let port: number;
  let close: () => Promise<void>;
  let handler: Handler;
  let world: ReturnType<typeof openWorld>;
  let token: string;

  beforeAll(async () => {
    [host, port, token] = await Promise.all([startHost(), freePort(), sessionOf()]);
    close = await listen(
      node((request) => handler(request)),
      { port },
    );
  });
  afterAll(async () => {
    await close();
    await host.close();
  });
  beforeEach(() => {
    host.asked = [];
    host.script = json(201, { sha: 'a'.repeat(40) });
    world = openWorld(host, async (made) => {
      handler = made;
      return { status: 0, headers: {}, cookies: [], body: '' };
    });
  });
  afterEach(() => vi.useRealTimers());

  const headers = (more: Record<string, string | number> = {}) => ({
    origin: site,
    authorization: `Bearer ${token}`,
    'content-type': 'application/json',
    ...more,
  });
  const post = async (more: Record<string, string | number>): Promise<ClientRequest> => {
    await world.ask('/git/status'); // hands the handler over
    return send({ port, host: '127.0.0.1', path: blob, method: 'POST', headers: headers(more) });
  };
  const answerTo = async (sent: ClientRequest) => {
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    let text = '';
    for await (const chunk of response) text += String(chunk);
    return { status: response.statusCode, ...(JSON.parse(text) as { code?: string; message?: string }) };
  };
  /** Time passes at once, for what waits in here; sockets are as they are. */
  const stopTime = () => vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'], now: Date.now() });
  /** In steps, since what was waited for may have to be read from a socket meanwhile. */
  async function pass(milliseconds: number) {
    for (let left = milliseconds; left > 0; left -= 1_000) {
      vi.advanceTimersByTime(Math.min(left, 1_000));
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
  const settle = async () => {
    for (let i = 0; i < 50; i++) await new Promise((resolve) => setImmediate(resolve));
  };

  it('a body on its way is waited for as long as its length may take, and then saved', async () => {
    const text = JSON.stringify({ content: 'A'.repeat(13e6), encoding: 'base64' });
    const sent = await post({ 'content-length': text.length });
    stopTime();
    sent.write(text.slice(0, 1_000));
    await settle();
    await pass(46_000);
    sent.end(text.slice(1_000));
    expect(await answerTo(sent)).toMatchObject({ status: 201 });
    expect(host.asked.at(-1)?.body).toHaveLength(text.length);
  });

  it('one that is slower than that is refused with the numbers, and not by a 408, upon which browsers send it again', async () => {
    const sent = await post({ 'content-length': 13 * megabyte });
    stopTime();
    sent.write(Buffer.alloc(2 * megabyte, 97));
    await settle();
    const answer = answerTo(sent);
    await pass(bodyTimeoutMs(13 * megabyte) + 1_000);
    sent.end(Buffer.alloc(11 * megabyte, 97)); // what is left is read before the answer
    const { status, code, message } = await answer;
    expect([status, code]).toEqual([413, 'UPLOAD_TOO_SLOW']);
    expect(message).toMatch(/^Only 2\.0 of 13\.0 MB arrived within 238 seconds/);
    expect(world.log.at(-1)).toMatchObject({ code: 'UPLOAD_TOO_SLOW', outcome: 'failed' });
    expect(host.asked).toEqual([]);
  });

  /** A host that answers when it is told to. */
  function slowHost() {
    let answer: (write: (response: ServerResponse) => void) => void = () => {};
    const asked = new Promise<void>((arrived) => {
      host.script = (_asked, response) => {
        answer = (how) => how(response);
        arrived();
      };
    });
    return { asked, answer: (how: (response: ServerResponse) => void) => answer(how) };
  }
  const send11 = async () => {
    const text = JSON.stringify({ content: 'A'.repeat(11e6), encoding: 'base64' });
    const sent = await post({ 'content-length': text.length });
    stopTime();
    sent.end(text);
    return sent;
  };

  it('the host is given time by the size of what it is sent', async () => {
    const slow = slowHost();
    const sent = await send11();
    const answer = answerTo(sent);
    await slow.asked;
    await pass(40_000);
    slow.answer((response) => response.writeHead(201, { 'content-type': 'application/json' }).end('{"sha":"x"}'));
    expect(await answer).toMatchObject({ status: 201 });
  });

  it('and if that is not enough, it is said how much and how long, and nobody is told to try again', async () => {
    const slow = slowHost();
    const answer = answerTo(await send11());
    await slow.asked;
    await pass(hostTimeoutMs(true, 11e6) + 2_000);
    const { status, code, message } = await answer;
    expect([status, code]).toEqual([504, 'UPSTREAM_TOO_SLOW']);
    expect(message).toMatch(/^GitHub did not take 10\.5 MB within 5[45] seconds/);
    expect(message).not.toMatch(/try again/i);
  });

  const read = async () => {
    await world.ask('/git/status');
    const sent = send({ port, host: '127.0.0.1', path: `${blob}/${'a'.repeat(40)}`, headers: headers() });
    stopTime();
    sent.end();
    return sent;
  };

  it('an answer that is on its way is waited for, too', async () => {
    const slow = slowHost();
    const answer = answerTo(await read());
    await slow.asked;
    slow.answer((response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.write(`{"content":"${'A'.repeat(4 * megabyte)}`);
    });
    await settle();
    await pass(20_000); // 4 MB are good for 16 s more than the 8 that nothing gets
    slow.answer((response) => response.end('"}'));
    expect(await answer).toMatchObject({ status: 200 });
  });

  it('but not for ever: one that never begins', async () => {
    const slow = slowHost();
    const answer = answerTo(await read());
    await slow.asked;
    await pass(9_000);
    expect(await answer).toMatchObject({
      code: 'UPSTREAM_TIMEOUT',
      message: expect.stringMatching(/did not answer in time/),
    });
  });

  it('but not for ever: one that stops, which can no longer be said in words, breaks off', async () => {
    const slow = slowHost();
    const answer = answerTo(await read());
    await slow.asked;
    slow.answer((response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.write(`{"content":"${'A'.repeat(4 * megabyte)}`);
    });
    await settle();
    await Promise.all([expect(answer).rejects.toThrow('aborted'), pass(30_000)]);
    await vi.waitFor(() => expect(world.log.at(-1)?.code).toBe('UPSTREAM_TOO_SLOW'));
    expect(world.log.at(-1)?.message).toMatch(/sent only 4\.0 MB within 2[45] seconds/);
  });

  /** As Firefox and WebKit do: nothing of an answer is looked at before all is sent. @returns undefined if the line was cut */
  async function sendFirst(head: Record<string, string>, bytes: number): Promise<string | undefined> {
    await world.ask('/git/status');
    const socket = connect({ port, host: '127.0.0.1' }).pause();
    try {
      await once(socket, 'connect');
      const lines = Object.entries(head).map(([name, value]) => `${name}: ${value}\r\n`);
      socket.write(`POST ${blob} HTTP/1.1\r\nhost: localhost\r\n${lines.join('')}\r\n`);
      const piece = Buffer.alloc(256 * 1024, 97);
      for (let left = bytes; left > 0; left -= piece.length)
        if (!socket.write(left < piece.length ? piece.subarray(0, left) : piece)) await once(socket, 'drain');
      await sleep(100); // a reset would be here by now
      let text = '';
      socket.on('data', (chunk) => (text += chunk)).resume();
      while (!text.includes('}')) await once(socket, 'data');
      return text;
    } catch {
      return undefined;
    } finally {
      socket.on('error', () => {}).destroy();
    }
  }

  it.each([
    ['whose session has ended', { origin: site, authorization: 'Bearer x' }, 20 * megabyte, 401],
    ['who sends more than fits', {}, 40 * megabyte, 413],
    ['who sends three times what fits', {}, 90 * megabyte, 413],
    ['of a page that is not listed', { origin: 'https://evil.example' }, 8 * megabyte, 400],
  ])('an editor %s reads the refusal, though the body was still on its way', async (_, more, bytes, status) => {
    const head = { ...headers({ 'content-length': String(bytes) }), ...more } as Record<string, string>;
    expect(await sendFirst(head, bytes)).toMatch(new RegExp(`^HTTP/1.1 ${status} [^]*"message":"`));
  });

  it.each([
    ['without an end', { 'transfer-encoding': 'chunked' }],
    ['with an end that is too far away', { 'content-length': String(1024 * megabyte) }],
  ])('somebody who sends %s is hung up on', async (_, more) => {
    await world.ask('/git/status');
    const socket = connect({ port, host: '127.0.0.1' });
    socket.on('error', () => {}).resume();
    const lines = Object.entries({ ...headers(), ...more }).map(([name, value]) => `${name}: ${value}\r\n`);
    socket.write(`POST ${blob} HTTP/1.1\r\nhost: localhost\r\n${lines.join('')}\r\n`);
    const piece = Buffer.alloc(megabyte, 97);
    const chunk = Buffer.concat([Buffer.from('100000\r\n'), piece, Buffer.from('\r\n')]);
    const most = (drainFactor + 2) * 32 * megabyte;
    while (!socket.destroyed && socket.bytesWritten < most)
      if (!socket.write('transfer-encoding' in more ? chunk : piece)) await sleep(2);
    expect(socket.destroyed).toBe(true);
    expect(socket.bytesWritten).toBeLessThan(most);
  });
});
