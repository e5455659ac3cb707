/** What every fake host needs from node:http: a port of its own, bounded bodies, and no request that can bring it down. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export type Listener = (request: IncomingMessage, response: ServerResponse) => void | Promise<void>;

export interface Listening {
  /** Origin, without a slash at the end. */
  url: string;
  /** Frees the port at once: open connections are cut, not waited for. */
  close(): Promise<void>;
}

export interface ListenOptions {
  /** Default: any free port. */
  port?: number;
  /** The name in the URL; `localhost` and `127.0.0.1` are different origins, and CMSs treat them differently. */
  host?: 'localhost' | '127.0.0.1';
}

/** A refusal with an HTTP status, for everything that is the client's fault. */
export class HttpError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export async function listen(listener: Listener, { port = 0, host = '127.0.0.1' }: ListenOptions = {}) {
  const server = createServer((request, response) => {
    // Without a listener, a connection that breaks in the middle of an answer would end the process.
    response.on('error', () => {});
    Promise.resolve()
      .then(() => listener(request, response))
      .catch((error: unknown) => fail(response, error));
  });
  server.on('clientError', (_error, socket) => socket.destroy());

  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    // Always the IPv4 loopback address: nobody else on the network is to reach a demo with known secrets.
    server.listen(port, '127.0.0.1', () => resolve());
  });

  const listening: Listening = {
    url: `http://${host}:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return listening;
}

function fail(response: ServerResponse, error: unknown) {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const status = error instanceof HttpError ? error.status : 500;
  send(response, status, 'text/plain; charset=utf-8', error instanceof Error ? error.message : 'Unknown error');
}

export function send(response: ServerResponse, status: number, type: string, body: string | Buffer) {
  response.writeHead(status, { 'Content-Type': type }).end(body);
}

export function sendJson(response: ServerResponse, status: number, value: unknown) {
  send(response, status, 'application/json; charset=utf-8', JSON.stringify(value));
}

export function sendRedirect(response: ServerResponse, target: string, parameters: Record<string, string> = {}) {
  const url = new URL(target);
  for (const [name, value] of Object.entries(parameters)) url.searchParams.append(name, value);
  response.writeHead(302, { Location: url.href }).end();
}

/** The URL as the client meant it; `//` and other garbage in the request line is a 400, not a crash. */
export function requestUrl(request: IncomingMessage, base: string) {
  try {
    return new URL(base + (request.url ?? '/'));
  } catch {
    throw new HttpError(400, 'This is not a URL.');
  }
}

export async function readBody(request: IncomingMessage, limit: number) {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > limit) throw new HttpError(413, 'Too large.');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** A form or JSON body as parameters; the query string is left out on purpose, since token endpoints do not read it. */
export async function readParameters(request: IncomingMessage) {
  const text = (await readBody(request, 64 * 1024)).toString();
  if (!/\bjson\b/.test(request.headers['content-type'] ?? '')) return new URLSearchParams(text);
  const value = parseJson(text);
  return new URLSearchParams(Object.entries(value).map(([name, item]) => [name, String(item)]));
}

export function parseJson(text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new HttpError(400, 'Problems parsing JSON');
  }
  if (typeof value !== 'object' || value === null) throw new HttpError(400, 'Body should be a JSON object');
  return value as Record<string, unknown>;
}
