import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import type { Handler, HttpReply, HttpRequest } from '../web/http.ts';
import type { Platform } from '../web/platform.ts';

/** A plain Node server: for trying things out, and for whoever runs servers. */
export const node =
  (handler: Handler, platform: Platform = {}): RequestListener =>
  (request, response) =>
    handler(toRequest(request, platform))
      .then((reply) => toReply(reply, response))
      .catch(() => response.destroy());

export function toRequest(request: IncomingMessage, platform: Platform): HttpRequest {
  const [path = '', ...query] = (request.url ?? '').split('?');
  const headers = Object.entries(request.headers).map(([name, value]) => [
    name,
    Array.isArray(value) ? value.join(', ') : value,
  ]);
  return {
    method: request.method ?? 'GET',
    path,
    query: query.join('?'),
    headers: Object.fromEntries(headers),
    body: () => request as AsyncIterable<Buffer>,
    platform,
  };
}

export function toReply({ status, headers, cookies, body }: HttpReply, response: ServerResponse): void {
  response.writeHead(status, { ...headers, ...(cookies.length > 0 && { 'set-cookie': cookies }) });
  response.end(body);
}

/**
 * Listens, and closes in peace on Ctrl-C.
 *
 * @param loopbackOnly binds to this machine alone, under both of its names
 * @returns what closes it
 * @throws Error in words if the port is taken or not ours to take
 */
export async function listen(
  listener: RequestListener,
  { port, loopbackOnly }: { port: number; loopbackOnly: boolean },
): Promise<() => Promise<void>> {
  const servers: Server[] = [];
  const close = async () => {
    // Logins that are under way may end: their codes are spent already.
    const closed = Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
    for (const server of servers) server.closeIdleConnections();
    setTimeout(() => servers.forEach((server) => server.closeAllConnections()), 9_000).unref();
    await closed;
  };
  // "localhost" is two addresses, and which one a browser tries first is up to it.
  for (const host of loopbackOnly ? ['127.0.0.1', '::1'] : [undefined]) {
    // Room for a query that is too long, so that it is we who say so, in words.
    const server = createServer({ maxHeaderSize: 256 * 1024, requestTimeout: 30_000 }, listener);
    try {
      await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, host, resolve));
      servers.push(server);
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      if (host === '::1' && (code === 'EADDRNOTAVAIL' || code === 'EAFNOSUPPORT')) continue; // a machine without IPv6
      await close();
      if (code === 'EADDRINUSE')
        throw new Error(
          `Port ${port} is taken by another program. Stop that one, or choose another port: PORT=9000 npm start`,
        );
      if (code === 'EACCES')
        throw new Error(`Port ${port} may not be used without special rights. Choose another one: PORT=9000 npm start`);
      throw error;
    }
  }
  return close;
}

/** @throws Error in words if `PORT` is no port */
export function readPort(text: string | undefined): number {
  const port = Number(text?.trim() || 8888);
  if (Number.isInteger(port) && port > 0 && port < 65536) return port;
  throw new Error('PORT must be a number from 1 to 65535.');
}

/** Runs until Ctrl-C (or SIGTERM, as containers are stopped). */
export function closeOnSignal(close: () => Promise<void>): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => void close().then(() => process.exit(0)));
}
