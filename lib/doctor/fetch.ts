import { boundedFetch, reasonOf } from '../http/bounded-fetch.ts';
import { isLoopback } from '../http/origins.ts';

export interface HttpResponse {
  url: URL;
  status: number;
  headers: Headers;
  body: string;
  /** Whether there was more than was read. */
  cut: boolean;
}

/** Why there is no answer, in words that end a sentence: "… cannot be reached: there is no such host name". */
export interface NetworkError {
  networkError: string;
}

export interface HttpRequest {
  method?: string;
  headers?: Record<string, string>;
  /** Bytes of the body, as they are after unpacking. */
  limit?: number;
}

export type Ask = (url: URL, question?: HttpRequest) => Promise<HttpResponse | NetworkError>;

export const isNetworkError = (result: HttpResponse | NetworkError | undefined): result is NetworkError =>
  result !== undefined && 'networkError' in result;

/** So much time for all requests together, in those for a single one. */
const rounds = 6;

/**
 * Asks as `fetch` does, without credentials. Redirects are answers like others: where one leads is what is asked about.
 *
 * @param timeoutMs milliseconds for one whole answer
 */
export function asker(timeoutMs: number): Ask {
  const end = Date.now() + rounds * timeoutMs;
  return async (url, { limit = 64 * 1024, ...request } = {}) => {
    // `fetch` would read `data:` and others, too.
    if (!isWeb(url)) return { networkError: 'it is not on the web' };
    const left = end - Date.now();
    if (left <= 0) return { networkError: `there was no time left after ${(rounds * timeoutMs) / 1000} seconds` };
    try {
      const ms = Math.min(timeoutMs, left);
      const { bytes, ...response } = await boundedFetch(url, request, { timeoutMs: ms, limit });
      return { url, ...response, body: decode(bytes) };
    } catch (error) {
      return { networkError: reasonOf(error, timeoutMs) };
    }
  };
}

/** As browsers decode it: UTF-8, without the mark that some editors put in front. */
export const decode = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

/** Where an answer redirects to, if it does. */
export function target({ url, status, headers }: HttpResponse): URL | undefined {
  const location = headers.get('location') ?? '';
  return status >= 300 && status < 400 && location !== '' ? parseUrl(location, url) : undefined;
}

/** @returns undefined for what is no address of the web */
export function parseUrl(text: string, base?: URL): URL | undefined {
  const url = URL.canParse(text, base) ? new URL(text, base) : undefined;
  return url && isWeb(url) ? url : undefined;
}

const isWeb = (url: URL): boolean => ['https:', 'http:'].includes(url.protocol) && url.hostname !== '';

/** What an address may be that a browser is sent to with secrets. */
export const isSafe = (url: URL): boolean => url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url));

/** From where a host can be reached: from this computer alone, from a network of somebody's own, or from everywhere. */
export function reachOf(url: URL): 'loopback' | 'private' | 'public' {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  if (isLoopback(url) || /(?:^|\.)localhost$|^127\.|^0\.0\.0\.0$|^::1?$/.test(host)) return 'loopback';
  const isPrivate =
    /^(?:10|192\.168|169\.254|172\.(?:1[6-9]|2\d|3[01])|100\.(?:6[4-9]|[7-9]\d|1[01]\d|12[0-7]))\.[\d.]+$/.test(host) ||
    (host.includes(':') && /^(?:f[cd][0-9a-f]{2}|fe[89ab][0-9a-f]):|^::ffff:/.test(host)) ||
    /\.(?:local|lan|internal|intranet|corp|home|home\.arpa)$/.test(host) ||
    !/[.:]/.test(host); // a name without a dot
  return isPrivate ? 'private' : 'public';
}
