// @ts-check
/** What a large file costs the gateway on a server, and how long its client waits for the beginning. */
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, request } from 'node:http';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { gatewaySettings } from './gateway.mjs';
import { portOf, startServer } from './server.mjs';
import { origin } from './settings.mjs';
import { quantile } from './statistics.mjs';

/** As GitHub sends a picture of 18 MB: in base64. */
const size = 24 * 2 ** 20;
const piece = 256 * 1024;
const times = 9;
const small = '0'.repeat(40);

/**
 * @param {string} folder without a .env of anybody's
 * @returns {Promise<{ memory: number; firstByte: number }>} `memory`: by how much the server's peak rises, in parts of the file's size;
 *   `firstByte`: when it is at the client, in parts of the time until the last one is. NaN where the system does not tell the peak.
 */
export async function measureLarge(folder) {
  // The host takes a moment for each piece, as a line does.
  const host = createServer(async ({ url }, response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    if (url?.endsWith(small)) return void response.end('{"content":""}');
    response.write('{"content":"');
    for (let sent = 0; sent < size; sent += piece) {
      if (!response.write('A'.repeat(piece))) await once(response, 'drain');
      await sleep(1);
    }
    response.end('"}');
  }).listen(0, '127.0.0.1');
  await once(host, 'listening');
  const settings = await gatewaySettings(`http://127.0.0.1:${portOf(host)}`);
  const { port, pid, end } = await startServer(path.resolve('dist/node/start.mjs'), settings, folder);
  /** @param {string} sha @returns {Promise<number>} */
  const read = (sha) =>
    new Promise((resolve, reject) => {
      const began = performance.now();
      let first = 0;
      const headers = { origin, authorization: `Bearer ${settings['BENCH_SESSION']}` };
      request({ host: '127.0.0.1', port, path: `/git/github/git/blobs/${sha}`, headers }, (response) => {
        if (response.statusCode !== 200) reject(new Error(`status ${response.statusCode}`));
        response
          .on('data', () => (first ||= performance.now()))
          .on('error', reject)
          .on('end', () => resolve((first - began) / (performance.now() - began)));
      })
        .on('error', reject)
        .end();
    });
  const peak = async () =>
    Number(/^VmHWM:\s*(\d+) kB/m.exec(await readFile(`/proc/${pid}/status`, 'utf8').catch(() => ''))?.[1]) * 1024;
  try {
    await read(small);
    const before = await peak();
    /** @type {number[]} */
    const firsts = [];
    for (let i = 1; i <= times; i++) firsts.push(await read(String(i).padStart(40, 'a')));
    return { memory: ((await peak()) - before) / size, firstByte: quantile(firsts, 0.5) };
  } finally {
    end();
    host.closeAllConnections();
    host.close();
  }
}
