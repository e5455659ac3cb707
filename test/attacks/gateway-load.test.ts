/** Many calls at once through the gateway, to a host that fails one in twenty, while the gateway is stopped, killed and started again. */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { Agent, request as send, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout } from 'node:timers/promises';
import { build } from 'esbuild';
import { SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, vi } from 'vitest';
import { esbuildInline } from '../../lib/build/inline.mjs';
import { faults } from '../hosts/faults.ts';
import { listen, sendJson, type Listening } from '../hosts/http.ts';
import { freePort } from '../hosts/port.ts';
import { attack } from './attack.ts';

vi.setConfig({ testTimeout: 900_000 });

const calls = Number(process.env['GATEWAY_CALLS'] ?? 10_000);
const atATime = 64;
const credential = 'github_pat_the-credential-of-the-gateway';
const secret = 'a-secret-of-more-than-thirty-two-characters';
const folder = mkdtempSync(path.join(tmpdir(), 'gateway-load-'));
const program = path.join(folder, 'gateway.mjs');

/** What a host fails with, and what the CMS is told. `done`: a write was carried out, and nobody learns of it. */
const ways: Record<string, { put: (response: ServerResponse) => unknown; code: string; done?: boolean }> = {
  html502: { put: faults.html502, code: 'UPSTREAM_FAILED' },
  html200: { put: faults.html200, code: 'UPSTREAM_FAILED' },
  limited: { put: faults.limited, code: 'UPSTREAM_BUSY' },
  truncated: { put: faults.truncated, code: 'UPSTREAM_UNREACHABLE' },
  reset: { put: faults.reset, code: 'UPSTREAM_UNREACHABLE' },
  'reset when it is done': { put: faults.reset, code: 'UPSTREAM_UNREACHABLE', done: true },
  redirect: { put: faults.redirect, code: 'UPSTREAM_FAILED' },
  'no http': { put: (response) => response.socket?.end('It works!\r\n\r\n'), code: 'UPSTREAM_UNREACHABLE' },
};
const names = Object.keys(ways);
const wayOf = (id: number) => (id % 20 === 19 ? ways[names[Math.floor(id / 20) % names.length] ?? ''] : undefined);
/** A fifth of all, and a fifth of those that the host fails in each way. */
const isWrite = (id: number) => (id + Math.floor(id / 20)) % 5 === 0;
/** What a call is about, and no other one. */
const shaOf = (id: number) => id.toString(16).padStart(40, '0');

let host: Listening;
/** How often each write was carried out. */
const written = new Map<number, number>();
const asked = new Map<number, number>();

beforeAll(async () => {
  await build({
    entryPoints: [path.join(import.meta.dirname, 'load/gateway.ts')],
    outfile: program,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    plugins: [esbuildInline],
  });
  host = await listen(async (request, response) => {
    const body = await text(request);
    const { content = '' } = body === '' ? {} : (JSON.parse(body) as { content?: string });
    const sha = request.method === 'POST' ? Buffer.from(content, 'base64').toString() : request.url?.split('/').at(-1);
    const id = Number.parseInt(sha ?? '', 16);
    asked.set(id, (asked.get(id) ?? 0) + 1);
    if (request.headers.authorization !== `Bearer ${credential}`)
      return sendJson(response, 401, { message: 'Bad credentials' });
    const way = wayOf(id);
    if (request.method === 'POST' && (way === undefined || way.done)) written.set(id, (written.get(id) ?? 0) + 1);
    if (way) return void way.put(response);
    // Out of order, as a host answers.
    await setTimeout(id % 7);
    sendJson(response, request.method === 'POST' ? 201 : 200, { sha, url: `${host.url}/${sha}`, size: 1 });
  });
});
afterAll(async () => {
  await host.close();
  rmSync(folder, { recursive: true, force: true });
});

describe(`${calls.toLocaleString('en')} calls, ${atATime} at a time, of which the host fails one in twenty`, () => {
  attack('while the gateway is stopped twice and killed twice', async () => {
    const port = await freePort();
    const env = {
      PATH: process.env['PATH'],
      PORT: String(port),
      GITHUB_URL: host.url,
      CMS_AUTH_ORIGINS: 'https://www.example.com',
      CMS_GATEWAY_REPO: `${host.url}/owner/name`,
      CMS_GATEWAY_PATHS: '**',
      CMS_GATEWAY_TOKEN: credential,
      CMS_GATEWAY_JWT_SECRET: secret,
      CMS_GATEWAY_EDITORS: 'ann@example.com',
    };
    const start = async (): Promise<ChildProcess> => {
      const child = fork(program, { env, execArgv: ['--expose-gc'], stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
      await once(child, 'message');
      return child;
    };
    const heapOf = async (child: ChildProcess): Promise<number> => {
      child.send('heap');
      const [bytes] = (await once(child, 'message')) as [number];
      return bytes;
    };
    const session = await new SignJWT({ sub: 'ann', email: 'ann@example.com' })
      .setProtectedHeader({ alg: 'HS256' })
      .setExpirationTime('1h')
      .sign(new TextEncoder().encode(secret));
    const agent = new Agent({ keepAlive: true, maxSockets: atATime });
    const call = (id: number) =>
      new Promise<{ status: number; body: string }>((resolve, reject) => {
        const content = Buffer.from(shaOf(id)).toString('base64');
        const body = isWrite(id) ? JSON.stringify({ content, encoding: 'base64' }) : undefined;
        send(
          {
            host: '127.0.0.1',
            port,
            agent,
            method: body === undefined ? 'GET' : 'POST',
            path: `/git/github/git/blobs${body === undefined ? `/${shaOf(id)}` : ''}`,
            headers: {
              origin: 'https://www.example.com',
              authorization: `Bearer ${session}`,
              ...(body !== undefined && { 'content-type': 'application/json', 'content-length': body.length }),
            },
          },
          (response) =>
            void text(response).then((answer) => resolve({ status: response.statusCode ?? 0, body: answer }), reject),
        )
          .on('error', reject)
          .end(body);
      });

    let gateway = await start();
    const wrong: string[] = [];
    const ended = { answered: 0, failed: 0, cut: 0 };
    let next = 0;
    const one = async (id: number) => {
      for (;;)
        try {
          const { status, body } = await call(id);
          const way = wayOf(id);
          const { sha, code } = JSON.parse(body) as { sha?: string; code?: string };
          const isRight = way ? code === way.code : sha === shaOf(id) && status === (isWrite(id) ? 201 : 200);
          if (!isRight || body.includes(credential)) wrong.push(`${id}: ${status} ${body}`);
          ended[way ? 'failed' : 'answered']++;
          return;
        } catch (error) {
          // Nobody listened, so nothing was sent; and a read may be sent again, as browsers do.
          if ((error as NodeJS.ErrnoException).code === 'ECONNREFUSED' || !isWrite(id)) await setTimeout(20);
          else return void ended.cut++;
        }
    };
    const restarts = (['SIGTERM', 'SIGKILL', 'SIGTERM', 'SIGKILL'] as const).map((signal, index) => ({
      at: Math.floor((calls * (index + 1)) / 10),
      signal,
    }));
    const heaps: number[] = [];
    const restart = async (signal: 'SIGTERM' | 'SIGKILL') => {
      const gone = once(gateway, 'exit');
      gateway.kill(signal);
      // A connection that is kept would keep the old one from ending.
      if (signal === 'SIGTERM')
        for (const sockets of Object.values(agent.freeSockets)) sockets?.forEach((socket) => socket.destroy());
      await gone;
      gateway = await start();
    };
    let restarting = Promise.resolve();
    const work = async () => {
      while (next < calls) {
        const id = next++;
        const due = restarts.find(({ at }) => at === id);
        if (due) restarting = restarting.then(() => restart(due.signal));
        if (id === Math.floor(calls * 0.55) || id === calls - 1) {
          await restarting;
          heaps.push(await heapOf(gateway));
        }
        await one(id);
      }
    };
    try {
      await Promise.all(Array.from({ length: atATime }, work));
    } finally {
      agent.destroy();
      gateway.kill();
    }

    expect(wrong.slice(0, 5)).toEqual([]);
    expect(ended.answered + ended.failed + ended.cut).toBe(calls);
    // Only a write that was under way when the gateway was killed ends without an answer.
    expect(ended.cut).toBeLessThanOrEqual(2 * atATime);
    expect([...written].filter(([, times]) => times > 1)).toEqual([]);
    expect([...asked].filter(([id, times]) => isWrite(id) && times > 1)).toEqual([]);
    // Whatever was answered as written was.
    const ids = Array.from({ length: calls }, (_, id) => id).filter((id) => isWrite(id) && !wayOf(id));
    expect(ids.filter((id) => !written.has(id)).length).toBeLessThanOrEqual(ended.cut);
    const [early = 0, late = 0] = heaps;
    // Two moments, with other calls on their way in each; of 100,000 calls it is 1.0.
    expect(late / early).toBeLessThan(2);
    return `${ended.answered} answered, ${ended.failed} failed in words, ${ended.cut} cut off; heap ${(late / early).toFixed(2)} x`;
  });
});
