import { isLoopback } from '../web/origins.ts';

export interface Answer {
  url: URL;
  status: number;
  headers: Headers;
  body: string;
  /** Whether there was more than was read. */
  cut: boolean;
}

/** Why there is no answer, in words that end a sentence: "… cannot be reached: there is no such host name". */
export interface Silence {
  silence: string;
}

export interface Question {
  method?: string;
  headers?: Record<string, string>;
  /** Milliseconds, for the whole answer. */
  patience: number;
  /** Bytes of the body. */
  limit?: number;
}

export const isSilence = (result: Answer | Silence): result is Silence => 'silence' in result;

/**
 * One request, without cookies or credentials. Redirects are answers like others: where one leads is what is asked about.
 */
export async function ask(url: URL, { patience, limit = 64 * 1024, ...request }: Question): Promise<Answer | Silence> {
  try {
    const response = await fetch(url, { ...request, redirect: 'manual', signal: AbortSignal.timeout(patience) });
    const chunks: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of response.body ?? []) {
      chunks.push(chunk);
      if ((size += chunk.length) > limit) break; // which also ends the connection
    }
    const body = decode(Buffer.concat(chunks));
    return { url, status: response.status, headers: response.headers, body, cut: size > limit };
  } catch (error) {
    return { silence: reason(error, patience) };
  }
}

/** As browsers decode it: UTF-8, without the mark that some editors put in front. */
export const decode = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

/** Where an answer redirects to, if it does. */
export function target({ url, status, headers }: Answer): URL | undefined {
  const location = headers.get('location') ?? '';
  return status >= 300 && status < 400 && location !== '' && URL.canParse(location, url)
    ? new URL(location, url)
    : undefined;
}

/** What an address may be that a browser is sent to with secrets. */
export const isSafe = (url: URL): boolean => url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url));

const reasons: ReadonlyMap<string, string> = new Map(
  Object.entries({
    ENOTFOUND: 'there is no such host name',
    EAI_AGAIN: 'its host name could not be looked up (is this computer online?)',
    ECONNREFUSED: 'nothing answers there',
    ECONNRESET: 'it closes the connection',
    UND_ERR_SOCKET: 'it closes the connection',
    EHOSTUNREACH: 'there is no way to it from here',
    ENETUNREACH: 'there is no way to it from here',
    UND_ERR_CONNECT_TIMEOUT: 'it does not answer',
    CERT_HAS_EXPIRED: 'its certificate has expired',
    DEPTH_ZERO_SELF_SIGNED_CERT: 'browsers do not trust its certificate (self-signed)',
    SELF_SIGNED_CERT_IN_CHAIN: 'browsers do not trust its certificate (self-signed)',
    UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate comes without the intermediate ones',
    ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another host name',
  }),
);

function reason(error: unknown, patience: number): string {
  if (error instanceof DOMException && error.name === 'TimeoutError')
    return `it does not answer within ${patience / 1000} seconds`;
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  const first: unknown = cause instanceof AggregateError ? cause.errors[0] : cause;
  const { code = '', message = '' } = first as { code?: string; message?: string };
  if (code.startsWith('ERR_SSL')) return 'it does not speak https';
  return reasons.get(code) ?? (code || message || 'the request failed');
}
