/**
 * The ways in which a real Git host, or something between it and us, has failed before. Where it can be, the bad answer
 * holds a perfectly good token: a client that reads too much, too long or too trustingly would succeed, and the test
 * that expects it to give up would notice.
 */
import type { ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';
import { send } from './http.ts';

const token = '{"access_token":"token_from_a_fault","token_type":"bearer","scope":"repo"}';
const json = 'application/json; charset=utf-8';
const mebibyte = 1024 * 1024;

export const faults = {
  html200: (response: ServerResponse) => send(response, 200, 'text/html', '<!doctype html><h1>Please log in</h1>'),
  html502: (response: ServerResponse) => send(response, 502, 'text/html', '<!doctype html><h1>502 Bad Gateway</h1>'),
  json500: (response: ServerResponse) => send(response, 500, json, '{"message":"Server Error"}'),
  limited: (response: ServerResponse) => {
    response.setHeader('Retry-After', '60');
    send(response, 429, json, '{"message":"You have exceeded a secondary rate limit"}');
  },
  empty: (response: ServerResponse) => send(response, 200, json, ''),
  array: (response: ServerResponse) => send(response, 200, json, `[${token}]`),
  huge: (response: ServerResponse) => send(response, 200, json, token + ' '.repeat(8 * mebibyte)),
  /** 16 KiB on the wire, 16 MiB once unpacked. */
  gzipBomb: (response: ServerResponse) => {
    response.setHeader('Content-Encoding', 'gzip');
    send(response, 200, json, gzipSync(token + ' '.repeat(16 * mebibyte)));
  },
  /** Announces more than it sends, then hangs up. */
  truncated: (response: ServerResponse) => {
    response.writeHead(200, { 'Content-Type': json, 'Content-Length': token.length + 10 });
    response.write(token, () => response.destroy());
  },
  /** Every byte comes before an idle timeout would notice; only a deadline for the whole answer helps. */
  drip: (response: ServerResponse) => {
    response.writeHead(200, { 'Content-Type': json });
    response.write(token);
    const timer = setInterval(() => response.write(' '), 100);
    response.once('close', () => clearInterval(timer));
  },
  hang: () => {},
  reset: (response: ServerResponse) => response.socket?.resetAndDestroy(),
  /** A client that follows this would send the client secret to another place. */
  redirect: (response: ServerResponse) => {
    response.writeHead(307, { Location: '/fault/redirected' }).end();
  },
} satisfies Record<string, (response: ServerResponse) => unknown>;

export type Fault = keyof typeof faults;
