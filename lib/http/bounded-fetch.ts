/** What the commands on the owner's machine ask others with. A deployed function has a client of its own: `oauth/request.ts`. */
export interface FetchedBytes {
  status: number;
  headers: Headers;
  bytes: Uint8Array;
  /** Whether there was more than was read. */
  cut: boolean;
}

/**
 * One request, in time and within bounds. Redirects are answers like others: what is sent is for this address alone.
 *
 * @param limits `timeoutMs` for the whole answer in milliseconds, `limit` in bytes as they are after unpacking
 * @throws what `fetch` throws; see `reasonOf`
 */
export async function boundedFetch(
  url: URL,
  request: Omit<RequestInit, 'redirect' | 'signal'>,
  { timeoutMs, limit }: { timeoutMs: number; limit: number },
): Promise<FetchedBytes> {
  const response = await fetch(url, { ...request, redirect: 'manual', signal: AbortSignal.timeout(timeoutMs) });
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    chunks.push(chunk);
    if ((size += chunk.length) > limit) break; // which also ends the connection
  }
  return { status: response.status, headers: response.headers, bytes: Buffer.concat(chunks), cut: size > limit };
}

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
    UND_ERR_HEADERS_OVERFLOW: 'its headers are too long',
  }),
);

/** Codes and names that begin alike. */
const families: ReadonlyMap<string, string> = new Map(
  Object.entries({
    ERR_SSL: 'it does not speak https',
    HTTPParserError: 'what it answers is not HTTP',
    Z_: 'its answer is packed in a way that cannot be unpacked',
  }),
);

/**
 * Why there is no answer, in words that end a sentence.
 *
 * @param error that `fetch` threw
 */
export function reasonOf(error: unknown, timeoutMs: number): string {
  if (error instanceof DOMException && error.name === 'TimeoutError')
    return `it does not answer within ${timeoutMs / 1000} seconds`;
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  const first: unknown = cause instanceof AggregateError ? cause.errors[0] : cause;
  const { code = '', name = '' } = first as { code?: string; name?: string };
  const family = [...families.keys()].find((start) => code.startsWith(start) || name.startsWith(start)) ?? '';
  return reasons.get(code) ?? families.get(family) ?? `the request failed${code && ` (${code})`}`;
}
