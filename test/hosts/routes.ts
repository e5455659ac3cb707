/** How the REST APIs of the fake hosts find their handlers, and read what was sent. */
import { HttpError } from './http.ts';

export interface Answer {
  status: number;
  body?: unknown;
  headers?: Record<string, string>;
}

/** What was captured from the path comes decoded. */
export type Route<Call> = (call: Call, ...captured: string[]) => Answer;

/** A pattern such as `GET /users/:id`: `:name` is one segment of the path, `*name` the rest of it. */
export function path(pattern: string) {
  return new RegExp(`^${pattern.replace(/:\w+/g, '([^/]+)').replace(/\*\w+/g, '(.+)')}$`);
}

/** The first that fits. */
export function matchRoute<Call>(
  routes: Array<[RegExp, Route<Call>]>,
  method: string,
  pathname: string,
): ((call: Call) => Answer) | undefined {
  for (const [pattern, route] of routes) {
    const captured = pattern.exec(`${method} ${pathname}`)?.slice(1);
    if (captured !== undefined) return (call) => route(call, ...captured.map(decode));
  }
  return undefined;
}

function decode(segment: string) {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw new HttpError(400, 'Malformed path');
  }
}

export function text(body: Record<string, unknown>, name: string) {
  const value = body[name];
  if (typeof value !== 'string') throw new HttpError(422, `Invalid request. "${name}" wasn't supplied.`);
  return value;
}

export function list(body: Record<string, unknown>, name: string) {
  const value = body[name];
  if (!Array.isArray(value)) throw new HttpError(422, `Invalid request. "${name}" wasn't supplied.`);
  return value.filter((item): item is Record<string, unknown> => typeof item === 'object' && item !== null);
}
