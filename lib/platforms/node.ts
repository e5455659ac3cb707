import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import type { Handler, HttpReply, HttpRequest } from '../http/http.ts';
import type { Platform } from '../http/platform.ts';

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
  response.writeHead(status, {
    ...headers,
    ...(cookies.length > 0 && { 'set-cookie': cookies }),
    // Google takes an answer without a length for a stream, and lets less of it through.
    ...(body !== '' && { 'content-length': Buffer.byteLength(body) }),
    // Node would read on behind the answer, to the end of whatever is being sent, to keep the connection.
    ...(!response.req.complete && { connection: 'close' }),
  });
  response.end(body);
}

/**
 * Listens, and closes in peace on Ctrl-C. What arrives is plain http, so nobody but this machine gets in unless its owner says so.
 *
 * @param host the address to listen at; this machine alone, under both of its names, if absent
 * @returns what closes it
 * @throws Error in words if the port is taken or not ours to take, or if this machine has no such address
 */
export async function listen(
  listener: RequestListener,
  { port, host: wanted }: { port: number; host?: string | undefined },
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
  for (const host of wanted === undefined ? ['127.0.0.1', '::1'] : [wanted]) {
    // Room for a query that is too long, so that it is we who say so, in words.
    const server = createServer({ maxHeaderSize: 256 * 1024, requestTimeout: 30_000 }, listener);
    try {
      await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, host, resolve));
      servers.push(server);
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      const absent = code === 'EADDRNOTAVAIL' || code === 'EAFNOSUPPORT' || code === 'EINVAL';
      if (absent && wanted === undefined && host === '::1') continue; // a machine without IPv6
      await close();
      if (absent) throw new Error('This machine has no address such as HOST names. ' + hostWords);
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

const hostWords =
  'Remove HOST, and only this machine gets in; or write 0.0.0.0 (or ::) to let in every machine that can reach it, as a container needs it.';

/**
 * @returns the address to listen at; undefined for this machine alone
 * @throws Error in words if `HOST` is no address. Names are none: some shells set `HOST` to the machine's own, which would open
 *   the server to its network.
 */
export function readHost(text: string | undefined): string | undefined {
  const host = text?.trim() || 'localhost';
  if (host === 'localhost') return undefined;
  if (process.getBuiltinModule('node:net').isIP(host)) return host;
  throw new Error(`HOST must be the address of this machine to listen at, without a port. ${hostWords}`);
}

/** Runs until Ctrl-C (or SIGTERM, as containers are stopped). */
export function closeOnSignal(close: () => Promise<void>): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => void close().then(() => process.exit(0)));
}
