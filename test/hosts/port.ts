import { once } from 'node:events';
import { createServer } from 'node:net';

/** A thousand ports for each worker of a test run, below those that a system gives to whoever asks for any (Linux: from 32768). */
const first = 20_000 + (Number(process.env['VITEST_POOL_ID'] ?? 0) % 12) * 1_000;
let next = Math.floor(Math.random() * 1_000);

/**
 * A free port for a server that has to know its own before it listens. A tool may take half a minute until it does: one that the
 * system gives away meanwhile would be gone, and so would one that another worker has picked.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = first + (next++ % 1_000);
    const probe = createServer().listen(port);
    const isFree = await once(probe, 'listening').then(
      () => true,
      () => false,
    );
    if (!isFree) continue;
    await once(probe.close(), 'close');
    return port;
  }
}
