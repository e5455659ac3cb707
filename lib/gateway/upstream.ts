import { TooLarge, TooLate, Unreachable, type ClientResponse, type ClientRequest } from '../oauth/request.ts';
import { Failure } from '../http/errors.ts';
import { gatewayErrors } from './errors.ts';
import { textHolds } from './secret.ts';
import type { Gateway } from './settings.ts';
import type { GatewayHost, Json } from './rules/rule.ts';
import type { Agent, IncomingMessage, request } from 'node:http';

/** What one answer may weigh where the platform sets no bound: as much as the largest file that a body brings. Bytes. */
export const maxBytes = 32 * 1024 * 1024;

/**
 * How long a connection that nobody used may still be trusted with a write. A function sleeps between requests, and a
 * connection that died meanwhile would lose a write that must not be sent twice. Milliseconds.
 */
const fresh = 2_000;

/** What an answer may weigh unless the caller says otherwise. Bytes. */
const usualLimit = 64 * 1024;

interface Upstream {
  agent: Agent;
  /** When it last answered, in milliseconds since the epoch. */
  used: number;
  request: typeof request;
  /** As `request` takes them, which would make them of the URL anew for each call. */
  host: string;
  port: string;
}

/** One for each server, kept for as long as the instance lives: what one has answered says nothing about another's connections. */
const upstreams = new Map<string, Upstream>();

function upstreamOf(url: URL): Upstream {
  const server = `${url.protocol}//${url.host}`;
  const kept = upstreams.get(server);
  if (kept) return kept;
  const { protocol, hostname, port } = url;
  const { Agent, request } = process.getBuiltinModule(protocol === 'https:' ? 'node:https' : 'node:http');
  // Without the brackets of IPv6.
  const host = hostname.replace(/^\[|\]$/g, '');
  const made = { agent: new Agent({ keepAlive: true }), used: 0, request, host, port };
  upstreams.set(server, made);
  return made;
}

/** Of the answer, so many bytes had come by then. */
export class TooSlow extends TooLate {
  readonly received: number;
  constructor(received: number) {
    super();
    this.received = received;
  }
}

export interface UpstreamRequest extends Omit<ClientRequest, 'agent'> {
  /**
   * When to give up once so many bytes of the answer are here, for answers that may be large; at `deadline`, if absent. In
   * milliseconds since the epoch.
   */
  deadlineAt?: (received: number) => number;
  /** Bytes beyond which the rest of an answer with status 200 is left to the caller, for a caller who passes it on. */
  restFrom?: number;
}

/** An answer whose end may still be on its way. */
export interface UpstreamAnswer extends ClientResponse {
  /** What follows the bytes that are here. Whoever does not read it on has to `destroy` it. */
  rest?: IncomingMessage;
}

/**
 * Asks on a kept connection. A read whose kept connection turns out to be dead is sent once more on a new one; a write never is,
 * since nobody can tell whether the host got it.
 *
 * @throws TooLate, TooLarge, Unreachable, as `send` does
 */
export async function sendRequest(address: string | URL, question: UpstreamRequest): Promise<UpstreamAnswer> {
  const url = typeof address === 'string' ? new URL(address) : address;
  const kept = upstreamOf(url);
  const isRead = question.method === 'GET' || question.method === 'HEAD';
  const trusted = isRead || Date.now() - kept.used < fresh;
  try {
    const answer = await transfer(kept, url, question, trusted);
    kept.used = Date.now();
    return answer;
  } catch (error) {
    if (isRead && error instanceof Unreachable && error.keptConnection) return transfer(kept, url, question, false);
    throw error;
  }
}

/**
 * As `send` does it, and with more time for an answer that is on its way.
 *
 * @param isKept whether on a kept connection
 */
function transfer(
  { request, agent, host, port }: Upstream,
  { pathname, search }: URL,
  question: UpstreamRequest,
  isKept: boolean,
): Promise<UpstreamAnswer> {
  const {
    method,
    headers,
    body,
    deadline,
    limit = usualLimit,
    deadlineAt = () => deadline,
    restFrom = Infinity,
  } = question;
  const target = {
    host,
    port,
    path: pathname + search,
    method,
    headers,
    agent: isKept && agent,
    rejectUnauthorized: true, // see `send`
  };
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    let answered = false;
    // Before anything is sent: what the host has got by then may be done there.
    if (deadlineAt(0) <= Date.now()) return reject(new TooSlow(0));
    const sent = request(target, (response) => {
      const { statusCode: status = 0, headers } = response;
      const take = (chunk: Buffer) => {
        chunks.push(chunk);
        if ((size += chunk.length) > limit) return stop(new TooLarge());
        if (size <= restFrom || status !== 200) return;
        response.off('data', take).off('end', end).pause();
        answer({ rest: response });
      };
      const answer = (more: Pick<UpstreamAnswer, 'rest'>) => {
        clearTimeout(timer);
        answered = true;
        const parts = chunks.splice(0); // not held while the rest is on its way
        const [only] = parts;
        resolve({ status, headers, bytes: only && parts.length === 1 ? only : Buffer.concat(parts, size), ...more });
      };
      const end = () => answer({});
      response.on('data', take).on('error', fail).on('end', end);
    });
    const fail = (cause?: unknown) =>
      reject(
        cause instanceof TooLarge || cause instanceof TooLate
          ? cause
          : new Unreachable('', { cause, keptConnection: sent.reusedSocket }),
      );
    /** See `send`: an error that is given to `destroy` may end the process. */
    const stop = (cause: Error) => {
      fail(cause);
      sent.destroy();
    };
    // Looked at when it would be over, and not with each piece that comes.
    let timer: NodeJS.Timeout;
    const wait = () => {
      const left = deadlineAt(size) - Date.now();
      if (left > 0) timer = setTimeout(wait, left);
      else stop(new TooSlow(size));
    };
    wait();
    sent.on('error', fail).on('close', () => {
      clearTimeout(timer);
      if (!answered) fail();
    });
    sent.end(body);
  });
}

/** What went wrong between us and somebody, in words. @param host what people call it */
export function mapError(error: unknown, host: string): Failure {
  const row =
    error instanceof TooLate
      ? gatewayErrors.UPSTREAM_TIMEOUT
      : error instanceof TooLarge
        ? gatewayErrors.UPSTREAM_TOO_LARGE
        : error instanceof Unreachable
          ? gatewayErrors.UPSTREAM_UNREACHABLE
          : undefined;
  if (!row) throw error;
  return new Failure(row, { host }, { cause: error });
}

/** Seconds; what a host says when it says nothing, and the most that we repeat. */
const usualWait = 60;
const longestWait = 3_600;

/** What a host says that is asked too often, also with its "secondary" limits, which have 403 and may leave `remaining` above zero. */
export function rateLimited(answer: ClientResponse, host: string, now: number): Failure | undefined {
  const { status, headers } = answer;
  if (status !== 429 && status !== 403) return undefined;
  const isSpent = headers['x-ratelimit-remaining'] === '0';
  const saysSo = () => /rate limit|abuse detection/i.test(messageOf(jsonOf(answer)) ?? '');
  if (status === 403 && headers['retry-after'] === undefined && !isSpent && !saysSo()) return undefined;
  const given = Number(headers['retry-after'] ?? NaN);
  const reset = Number(headers['x-ratelimit-reset'] ?? NaN) - now / 1000;
  const seconds = given > 0 ? given : isSpent && reset > 0 ? reset : usualWait;
  return new Failure(gatewayErrors.UPSTREAM_BUSY, { host, seconds: String(Math.ceil(Math.min(seconds, longestWait))) });
}

/** Hosts say it in a text, in an object, or in a list by field. */
export function messageOf(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const { message, error, error_description: description } = value as Json;
  const inner = typeof error === 'object' && error !== null ? (error as Json)['message'] : error;
  for (const words of [message, inner, description]) if (typeof words === 'string' && words !== '') return words;
  const rest = message ?? error;
  return rest === undefined || rest === null ? undefined : JSON.stringify(rest);
}

/**
 * What a host says itself, as a quotation behind our own words: it may know what only its owner can tell.
 *
 * @param secrets that must not be in it
 * @returns with a blank in front; empty if it says nothing that could be shown
 */
export function quoteOf(answer: ClientResponse, host: string, secrets: readonly string[]): string {
  const text = (messageOf(jsonOf(answer)) ?? '').replace(/[\p{C}\s]+/gu, ' ').trim();
  if (text === '' || secrets.some((secret) => textHolds(text, secret))) return '';
  return ` ${host} says: “${text.length > 300 ? `${text.slice(0, 300)}…` : text}”`.replace(
    /([^.!?\u2026])\u201d$/u,
    '$1.”',
  );
}

/** The JSON of an answer; undefined if it is none. */
export function jsonOf({ headers, bytes }: ClientResponse): unknown {
  if (!isJson(headers['content-type']) || isEncoded(headers['content-encoding'])) return undefined;
  try {
    return JSON.parse(bytes.toString());
  } catch {
    return undefined;
  }
}

/** GitHub's `raw+json` is none: it is a file as it is, whatever is in it. */
export const isJson = (type: string | undefined): boolean =>
  /^(application|text)\/(?!vnd\.github\.(v3\.)?raw\+)([\w.-]+\+)?json\s*(;|$)/i.test(type ?? '');

/** We ask for nothing of the kind, so whoever does it all the same sends what no client expects. */
export const isEncoded = (encoding: string | undefined): boolean =>
  encoding !== undefined && !/^(identity)?$/i.test(encoding.trim());

/**
 * The last look before the credential goes out: it is the host's API, and this repository's part of it.
 *
 * @param path below the repository, encoded; empty for the repository itself
 */
export function upstreamUrl({ host, roots, fullName }: Gateway<GatewayHost>, path: string): URL {
  const prefix = `${roots.api_root}${host.repositoryPath(fullName)}`;
  const address = `${prefix}${path}`;
  const isBelow = path === '' || path.startsWith('/');
  const url = isBelow ? parse(address) : undefined;
  if (url?.href !== address || url.hash !== '') throw new Failure(gatewayErrors.NOT_ON_LIST);
  return url;
}

/** Reads it once: to ask whether it can be read takes as long as reading it. */
function parse(address: string): URL | undefined {
  try {
    return new URL(address);
  } catch {
    return undefined;
  }
}
