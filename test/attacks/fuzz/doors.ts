/** Every way in: the plain handler, and each platform's adapter as its platform calls it. */
import { createServer, METHODS } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { firebase } from '../../../lib/platforms/firebase.ts';
import { lambda } from '../../../lib/platforms/lambda.ts';
import { netlify } from '../../../lib/platforms/netlify.ts';
import { node } from '../../../lib/platforms/node.ts';
import { askOver, closed } from '../../contract/http.ts';
import type { Handler } from '../../../lib/http/http.ts';
import type { Platform } from '../../../lib/http/platform.ts';
import type { Reply } from '../../contract/login.ts';

export const doors = ['plain', 'lambda', 'netlify', 'node', 'firebase'] as const;
export type Door = (typeof doors)[number];

export interface Asked {
  method: string;
  path: string;
  query: string;
  headers: Record<string, string>;
  body: string;
  /** Whether the body breaks off, as it does when somebody closes the page. */
  cut?: boolean;
}

export async function openDoors() {
  let current: Handler;
  let platform: Platform = {};
  const options = { maxHeaderSize: 256 * 1024 };
  const plainServer = createServer(options, (request, response) =>
    node((asked) => current(asked), platform)(request, response),
  );
  // Hosting in front lets one cookie through, and body parsers have read the body.
  const parsed = createServer(options, (request, response) => {
    void buffer(request).then((rawBody) => {
      const cookies = (request.headers.cookie ?? '').split(/; ?/).filter((pair) => pair.startsWith('__session='));
      request.headers.cookie = cookies.join('; ');
      return firebase(current)(Object.assign(request, { originalUrl: request.url ?? '', rawBody }), response);
    });
  });
  for (const server of [plainServer, parsed])
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const port = (server: typeof parsed) => (server.address() as AddressInfo).port;

  const ways: Record<Door, (handler: Handler, asked: Asked) => Promise<Reply>> = {
    plain: async (handler, { body, cut, ...asked }) =>
      (await handler({ ...asked, body: () => (cut ? broken() : [Buffer.from(body)]), platform })) as Reply,
    async lambda(handler, { method, path, query, headers: { cookie, ...headers }, body }) {
      const { statusCode, ...reply } = await lambda(handler)({
        rawPath: path,
        rawQueryString: query,
        headers,
        ...(body && { body: Buffer.from(body).toString('base64'), isBase64Encoded: true }),
        ...(cookie !== undefined && { cookies: cookie.split(/; ?/) }),
        requestContext: { domainName: 'auth.example.com', stage: '$default', requestId: 'r', http: { method } },
      });
      return { status: statusCode, ...reply };
    },
    async netlify(handler, { method, path, query, headers, body }) {
      const url = `https://preview--site.example.com${path}${query && `?${query}`}`;
      const sent = body && method !== 'GET' && method !== 'HEAD' ? { body } : {};
      const response = await netlify(handler)(new Request(url, { method, headers, ...sent }));
      return {
        status: response.status,
        headers: Object.fromEntries([...response.headers].filter(([name]) => name !== 'set-cookie')),
        cookies: response.headers.getSetCookie(),
        body: await response.text(),
      };
    },
    node(handler, asked) {
      current = handler;
      return askOver(port(plainServer), asked);
    },
    firebase(handler, asked) {
      current = handler;
      return askOver(port(parsed), asked);
    },
  };

  return {
    /** Of the plain server, for what is no HTTP at all. */
    port: port(plainServer),
    answerWith: (handler: Handler): void => void (current = handler),
    async ask(door: Door, handler: Handler, asked: Asked, given: Platform): Promise<Reply> {
      platform = given;
      return ways[door](handler, door === 'plain' || door === 'lambda' ? asked : wire(asked, door));
    },
    async close() {
      // Some may wait for ever, where a test failed.
      const all = [plainServer, parsed].map((server) => closed(server));
      for (const server of [plainServer, parsed]) server.closeAllConnections();
      await Promise.all(all);
    },
  };
}

/** What HTTP, and the client that sends it here, can carry of it; events and the handler itself get it as it is. */
function wire({ method, path, query, headers, body }: Asked, door: Door): Asked {
  const known =
    METHODS.includes(method) && !(door === 'netlify' ? /^(CONNECT|TRACE|TRACK)$/ : /^CONNECT$/).test(method);
  const encoded = (text: string, pattern: RegExp) =>
    text.replace(pattern, (c) => Buffer.from(c).toString('hex').replace(/../g, '%$&'));
  return {
    method: known ? method : 'PUT',
    path: encoded(path.startsWith('/') ? path : `/${path}`, /[^\x21-\x7e]|[#?]/gu).replace(/^\/\/+/, '/'),
    query: encoded(query, /[^\x21-\x7e]|#/gu),
    headers: Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [name, value.replace(/[^\x20-\x7e\x80-\xff]/g, '?').trim()]),
    ),
    // Without a length, which the client sends with these only, a body would be the next request.
    body: /^(POST|PUT|PATCH)$/.test(known ? method : 'PUT') ? body : '',
  };
}

async function* broken(): AsyncGenerator<Uint8Array> {
  yield Buffer.from('refresh');
  throw new Error('aborted');
}
