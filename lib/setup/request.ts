import { boundedFetch, reasonOf } from '../http/bounded-fetch.ts';

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
    const url = new URL(address);
    const request = {
      method,
      headers: {
        accept: 'application/json',
        'user-agent': 'cms-auth-functions',
        ...headers,
        ...(authorization !== undefined && { authorization }),
        ...(json !== undefined && { 'content-type': 'application/json' }),
      },
      body: json === undefined ? (form ?? null) : JSON.stringify(json),
    };
    const answer = await boundedFetch(url, request, { timeoutMs, limit });
    if (answer.cut) throw new Error('more than is read here', { cause: { code: 'TOO_LONG' } });
    const text = Buffer.from(answer.bytes).toString();
    const date = Date.parse(answer.headers.get('date') ?? '');
    return { status: answer.status, body: parse(text), text, time: Number.isNaN(date) ? undefined : date };
  } catch (error) {
    const { host } = new URL(address);
    throw new Error(`${who} (${host}) could not be reached: ${reasonOf(error, timeoutMs)}.`, { cause: error });
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A text in an answer, or nothing. */
export function textIn(body: unknown, name: string): string | undefined {
  const value = typeof body === 'object' && body !== null ? (body as Record<string, unknown>)[name] : undefined;
  return typeof value === 'string' ? value : undefined;
}
