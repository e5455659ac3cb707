import { request as send, type IncomingMessage, type Server } from 'node:http';
import { text } from 'node:stream/consumers';
import type { Call } from './login.ts';

/** Asks over a real connection; `fetch` would not send all that is asked here. */
export async function askOver(port: number, { method, path, query, headers, body = '' }: Parameters<Call>[1]) {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const options = { host: '127.0.0.1', port, method, path: path + (query && `?${query}`), headers, agent: false };
    send(options, resolve).on('error', reject).end(body);
  });
  const { 'set-cookie': cookies = [], ...rest } = response.headers;
  return {
    status: response.statusCode ?? 0,
    headers: Object.fromEntries(Object.entries(rest).map(([name, value]) => [name, String(value)])),
    cookies,
    body: await text(response),
  };
}

export const closed = (server: Server): Promise<void> => new Promise((resolve) => server.close(() => resolve()));
