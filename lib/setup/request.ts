/** Milliseconds for one request to somebody else's server, answer included. */
const timeoutMs = 10_000;

/** Bytes of an answer that are read. */
const limit = 1024 * 1024;

export interface Answer {
  status: number;
  /** What the answer says, if it is JSON. */
  body: unknown;
  text: string;
  /** What the server's clock says, in milliseconds since the epoch, if it says something. */
  time: number | undefined;
}

export interface Question {
  method?: 'GET' | 'POST' | 'PUT' | 'PATCH';
  /** For the `Authorization` header: with its kind, such as `Bearer …`. */
  authorization?: string;
  headers?: Readonly<Record<string, string>>;
  json?: unknown;
  form?: URLSearchParams;
}

/**
 * One request, in time and within bounds. Redirects are not followed: what is sent here is for this address alone.
 *
 * @param who whom is asked, in words
 * @throws Error in words if there is no answer
 */
export async function ask(who: string, address: string, question: Question = {}): Promise<Answer> {
  const { method = 'GET', authorization, headers, json, form } = question;
  try {
    const response = await fetch(address, {
      method,
      headers: {
        accept: 'application/json',
        'user-agent': 'cms-auth-functions',
        ...headers,
        ...(authorization !== undefined && { authorization }),
        ...(json !== undefined && { 'content-type': 'application/json' }),
      },
      body: json === undefined ? (form ?? null) : JSON.stringify(json),
      redirect: 'manual',
      signal: AbortSignal.timeout(timeoutMs),
    });
    const chunks: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of response.body ?? []) {
      if ((size += chunk.length) > limit) throw new Error('Too long an answer');
      chunks.push(chunk);
    }
    const text = Buffer.concat(chunks).toString();
    const date = Date.parse(response.headers.get('date') ?? '');
    return {
      status: response.status,
      body: parse(text),
      text,
      time: Number.isNaN(date) ? undefined : date,
    };
  } catch (error) {
    const late = error instanceof DOMException && error.name === 'TimeoutError';
    const { host } = new URL(address);
    throw new Error(
      late
        ? `${who} (${host}) did not answer within ${timeoutMs / 1000} seconds.`
        : `${who} (${host}) could not be reached. ${reason(error)}`.trim(),
      { cause: error },
    );
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The system's own word for it, such as ENOTFOUND. */
function reason(error: unknown): string {
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  const first: unknown = cause instanceof AggregateError ? cause.errors[0] : cause;
  const { code, message } = (first ?? {}) as { code?: unknown; message?: unknown };
  return typeof code === 'string' ? `(${code})` : typeof message === 'string' ? `(${message})` : '';
}

/** A text in an answer, or nothing. */
export function textIn(body: unknown, name: string): string | undefined {
  const value = typeof body === 'object' && body !== null ? (body as Record<string, unknown>)[name] : undefined;
  return typeof value === 'string' ? value : undefined;
}
