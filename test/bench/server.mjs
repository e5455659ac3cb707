// @ts-check
/** Servers to measure, each a process of its own. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** @param {import('node:net').Server} server that listens */
export function portOf(server) {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('It does not listen.');
  return address.port;
}

/**
 * @param {string} script that listens at `PORT`
 * @param {NodeJS.ProcessEnv} env
 * @param {string} folder without a .env of anybody's
 * @returns once it listens
 */
export async function startServer(script, env, folder) {
  const free = createServer().listen(0, '127.0.0.1');
  await once(free, 'listening');
  const port = portOf(free);
  free.close();
  const child = spawn(process.execPath, [script], {
    cwd: folder,
    env: { ...env, NODE_ENV: 'production', PORT: String(port) },
    stdio: 'ignore',
  });
  for (let i = 0; ; i++) {
    const socket = connect(port, '127.0.0.1');
    try {
      await once(socket, 'connect');
      return { port, pid: child.pid, end: () => void child.kill() };
    } catch (error) {
      if (i > 100) throw error;
      await sleep(100);
    } finally {
      socket.destroy();
    }
  }
}
