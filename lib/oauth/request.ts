import type { Agent, IncomingHttpHeaders } from 'node:http';

/** What one answer may weigh unless the caller says otherwise; those of token endpoints have a few kB. */
const usualLimit = 64 * 1024;

export interface ClientRequest {
  method: string;
  headers: Readonly<Record<string, string>>;
  body?: string | Uint8Array | undefined;
  /** When to give up, the answer's body included, in milliseconds since the epoch. */
  deadline: number;
  /** Bytes that the answer may weigh. */
  limit?: number;
  /** Keeps connections. Without one each request has a connection of its own. */
  agent?: Agent;
}

export interface ClientResponse {
  status: number;
  headers: IncomingHttpHeaders;
  /** As it was sent: packed, if it was packed. */
  bytes: Buffer;
}

/**
 * One careful request. Without an `agent` it goes on a connection of its own: one that was kept while the instance slept may be
 * dead, and a code works only once.
 *
 * Not with Node's `fetch`. What claims to be packed it unpacks, and there an answer can be lost beyond the reach of any signal
 * (Node 20 and 22), or one that is packed six times over can end the whole process (all of them). Here nothing is unpacked, and
 * no redirect is followed.
 *
 * @throws TooLate if the deadline passes, TooLarge if the answer outgrows its limit, Unreachable if the connection fails
 */
export function send(
  url: string,
  { method, headers, body, deadline, limit = usualLimit, agent }: ClientRequest,
): Promise<ClientResponse> {
  const { request } = url.startsWith('https:')
    ? process.getBuiltinModule('node:https')
    : process.getBuiltinModule('node:http');
  return new Promise((resolve, reject) => {
    // Past the deadline, do not send: an authorization code works only once.
    if (deadline <= Date.now()) return reject(new TooLate());
    let answered = false;
    // Whatever NODE_TLS_REJECT_UNAUTHORIZED says: these carry codes, secrets and credentials.
    const sent = request(url, { method, headers, agent: agent ?? false, rejectUnauthorized: true }, (response) => {
      const chunks: Buffer[] = [];
      let size = 0;
      response.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        if ((size += chunk.length) > limit) stop(new TooLarge());
      });
      response.on('error', fail).on('end', () => {
        answered = true;
        resolve({ status: response.statusCode ?? 0, headers: response.headers, bytes: Buffer.concat(chunks) });
      });
    });
    const fail = (cause?: unknown) =>
      reject(
        cause instanceof TooLarge || cause instanceof TooLate
          ? cause
          : new Unreachable('', { cause, keptConnection: sent.reusedSocket }),
      );
    // Told here, and not by `destroy`: where the answer ends with the same piece, Node has taken its listeners off the socket by then,
    // and an error that nobody hears ends the process.
    const stop = (cause: Error) => {
      fail(cause);
      sent.destroy();
    };
    const timer = setTimeout(() => stop(new TooLate()), deadline - Date.now());
    sent.on('error', fail).on('close', () => {
      clearTimeout(timer);
      if (!answered) fail();
    });
    sent.end(body);
  });
}

/** For those whose answers `textOf` reads. */
export const plain = { 'accept-encoding': 'identity' } as const;

/**
 * The text of an answer. One layer of gzip is taken off, for proxies that pack whatever they are asked.
 *
 * @throws TooLarge if the unpacked text outgrows the limit, or if it is not gzip at all
 */
export function textOf({ headers, bytes }: ClientResponse, limit = usualLimit): string {
  if (headers['content-encoding']?.toLowerCase() !== 'gzip') return new TextDecoder().decode(bytes);
  try {
    return new TextDecoder().decode(
      process.getBuiltinModule('node:zlib').gunzipSync(bytes, { maxOutputLength: limit }),
    );
  } catch {
    throw new TooLarge();
  }
}

export class Unreachable extends Error {
  /** Whether a kept connection turned out to be dead. */
  readonly keptConnection: boolean;
  constructor(message: string, { keptConnection, ...options }: ErrorOptions & { keptConnection: boolean }) {
    super(message, options);
    this.keptConnection = keptConnection;
  }
}

export class TooLarge extends Error {}

export class TooLate extends Error {}
