import { createServer, request as send, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll } from 'vitest';
import { listen, node } from '../../lib/platforms/node.ts';
import type { Handler } from '../../lib/http.ts';
import { describeLogin, type Call } from './login.ts';
import { describeRefresh } from './refresh.ts';

let port = 0;
let close: () => Promise<void>;
let current: Handler;

beforeAll(async () => {
  // `listen` wants to be told a port, so one that is free is found first.
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  port = (probe.address() as AddressInfo).port;
  await new Promise((resolve) => probe.close(resolve));
  const handler: Handler = (request) => current(request);
  close = await listen(node(handler, { url: `http://localhost:${port}` }), { port, loopbackOnly: true });
});
afterAll(() => close());

const call: Call = async (handler, { method, path, query, headers, body = '' }) => {
  current = handler;
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
};

describeLogin('a Node server', call);
describeRefresh('a Node server', call);
