import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';

/** What a Git host, or whatever answers in its place, puts on the wire. */
export interface Answer {
  status: number;
  headers: [name: string, value: string][];
  body: string;
  /** Packed as gzip, said to be, or neither. */
  gzip: 'yes' | 'lie' | 'no';
  /**
   * How its end is told: `short` announces more than comes, `close` announces nothing, `stuck` never ends, `silent`
   * never begins, `noise` is no HTTP.
   */
  end: 'length' | 'chunked' | 'close' | 'short' | 'reset' | 'stuck' | 'silent' | 'noise';
}

/** A token endpoint that answers any request with the bytes that it is told to. */
export async function startRawHost() {
  const sockets = new Set<Socket>();
  const server = createServer((request, response) => {
    response.on('error', () => {});
    void text(request).then((body) => {
      host.asked.push(`${request.method} ${request.url}\n${request.headers.authorization ?? ''}\n${body}`);
      put(request.socket, host.answer);
    });
  });
  server.on('connection', (socket: Socket) => {
    sockets.add(socket.on('error', () => {}).once('close', () => sockets.delete(socket)));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const host = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    answer: { status: 200, headers: [], body: '', gzip: 'no', end: 'length' } as Answer,
    /** The token requests: method and path, credentials, body. */
    asked: [] as string[],
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
  return host;
}

export type RawHost = Awaited<ReturnType<typeof startRawHost>>;

function put(socket: Socket, { status, headers, body, gzip, end }: Answer): void {
  if (end === 'silent') return;
  if (end === 'reset') return void socket.resetAndDestroy();
  if (end === 'noise') return void socket.end(body);
  const bytes = gzip === 'yes' ? gzipSync(body) : Buffer.from(body);
  const lines = [`HTTP/1.1 ${String(status).padStart(3, '0')} As it is`, 'Connection: close'];
  for (const [name, value] of headers) lines.push(`${name}: ${value}`);
  if (gzip !== 'no') lines.push('Content-Encoding: gzip');
  if (end === 'chunked') lines.push('Transfer-Encoding: chunked');
  if (end === 'length' || end === 'short') lines.push(`Content-Length: ${bytes.length + (end === 'short' ? 9 : 0)}`);
  const head = Buffer.from(`${lines.join('\r\n')}\r\n\r\n`);
  const chunk = bytes.length > 0 ? [`${bytes.length.toString(16)}\r\n`, bytes, '\r\n'] : [];
  const parts = end === 'chunked' ? [...chunk, '0\r\n\r\n'] : [bytes];
  const wire = Buffer.concat([head, ...parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : part))]);
  if (end === 'stuck') socket.write(wire);
  else socket.end(wire);
}
