import {
  createServer,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { Duplex } from 'node:stream';
import type { ReadableStream as WebStream } from 'node:stream/web';
import { commonHeaders, isStream, type Handler, type HttpReply, type HttpRequest } from '../http/http.ts';
import type { Platform } from '../http/platform.ts';

/** A plain Node server: for trying things out, and for whoever runs servers. */
export function node(handler: Handler, given: Platform = {}): RequestListener {
  const platform = { ...given, streams: true };
  return (request, response) => void answer(handler, toRequest(request, platform), response);
}

/** Does not reject. */
export async function answer(handler: Handler, request: HttpRequest, response: ServerResponse): Promise<void> {
  try {
    send(await handler(request), response);
  } catch {
    response.destroy();
  }
}

/**
 * @param platform with `streams` for whoever answers with `send`
 * @param url path and query as they came, where a framework has shortened those of the request
 */
export function toRequest(request: IncomingMessage, platform: Platform, url = request.url ?? ''): HttpRequest {
  const end = url.indexOf('?');
  return {
    method: request.method ?? 'GET',
    path: end < 0 ? url : url.slice(0, end),
    query: end < 0 ? '' : url.slice(end + 1),
    // Node joins what comes more than once, or takes the first; only of `set-cookie` it makes a list, which nobody here reads.
    headers: request.headers as HttpRequest['headers'],
    body: () => request as AsyncIterable<Buffer>,
    // A client of HTTP/1.0, or of a version that Node does not know, could not tell a part of a stream from all of it.
    platform: platform.streams && request.httpVersion !== '1.1' ? { ...platform, streams: false } : platform,
  };
}

/** For replies that are there as a whole. */
export function toReply(reply: HttpReply, response: ServerResponse): void {
  const body = reply.body as string | Uint8Array;
  const headers = headersOf(reply, response);
  // Google takes an answer without a length for a stream, and lets less of it through.
  if (body !== '') headers['content-length'] = Buffer.byteLength(body);
  response.writeHead(reply.status, headers);
  response.end(body);
}

/** The reply's own, and more: they are nobody else's any more. */
function headersOf({ headers: own, cookies }: HttpReply, response: ServerResponse): OutgoingHttpHeaders {
  const headers: OutgoingHttpHeaders = own;
  if (cookies.length > 0) headers['set-cookie'] = cookies;
  // Node would read on behind the answer, to the end of whatever is being sent, to keep the connection.
  if (!response.req.complete) headers['connection'] = 'close';
  return headers;
}

/** For all replies. What breaks off ends without an end, and what nobody reads any more is let go of. */
export function send(reply: HttpReply, response: ServerResponse): void {
  if (!isStream(reply.body)) return toReply(reply, response);
  const { pipeline, Readable } = process.getBuiltinModule('node:stream');
  const stream = Readable.fromWeb(reply.body as WebStream);
  try {
    response.writeHead(reply.status, headersOf(reply, response));
    pipeline(stream, response, () => {});
  } catch (error) {
    stream.destroy(); // the client is gone, or somebody else has answered
    throw error;
  }
}

/**
 * Listens, and closes in peace on Ctrl-C. What arrives is plain http, so nobody but this machine gets in unless its owner says so.
 *
 * @param options.host the address to listen at; this machine alone, under both of its names, if absent
 * @param options.requestTimeoutMs how long a whole request may take to get here, when whatever reads it has given up long since
 * @returns what closes it
 * @throws Error in words if the port is taken or not ours to take, or if this machine has no such address
 */
export async function listen(
  listener: RequestListener,
  {
    port,
    host: wanted,
    requestTimeoutMs = headersTimeout,
  }: { port: number; host?: string | undefined; requestTimeoutMs?: number },
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
    const server = createServer({ maxHeaderSize, headersTimeout, requestTimeout: requestTimeoutMs }, listener);
    server.on('clientError', refuse);
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

/** Until the headers are here: nobody who sends them has more than a few kB to say. Milliseconds. */
const headersTimeout = 30_000;

/**
 * Room for a query that is too long, so that it is we who say so, in words that the CMS can read; but each connection can hold so
 * much for as long as `headersTimeout`. Bytes.
 */
const maxHeaderSize = 32 * 1024;

/** What is no request that anybody here could answer. Never 408, upon which browsers send it again, by themselves. */
function refuse({ code }: NodeJS.ErrnoException, socket: Duplex): void {
  const isFirst = 'bytesWritten' in socket && socket.bytesWritten === 0;
  if (code === 'ECONNRESET' || !socket.writable || !isFirst) return void socket.destroy();
  const [status, words] =
    code === 'HPE_HEADER_OVERFLOW'
      ? [
          '431 Request Header Fields Too Large',
          'The address or the headers of this request are too long. Start again from the CMS.',
        ]
      : code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? ['400 Bad Request', 'This request did not arrive in time. Send it again.']
        : ['400 Bad Request', 'This is no request of HTTP.'];
  const { length } = words;
  const headers = { ...commonHeaders, 'content-type': 'text/plain; charset=utf-8', 'content-length': length };
  const lines = Object.entries({ ...headers, connection: 'close' }).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(`HTTP/1.1 ${status}\r\n${lines.join('')}\r\n${words}`);
  // What is still on its way is read and dropped for a moment, or it would take the answer with it.
  setTimeout(() => socket.destroy(), 1_000).unref();
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

/** Runs until Ctrl-C (or SIGTERM, as containers are stopped). A slow reader of the log gets another second for its last lines. */
export function closeOnSignal(close: () => Promise<void>): void {
  const exit = () => process.exit(0);
  const finish = () => {
    setTimeout(exit, 1_000);
    process.stdout.write('', exit);
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => void close().then(() => setImmediate(finish))); // the lines of this turn are written first
}
