import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TextReply } from '../http/http.ts';
import { html, page, type Html } from '../http/page.ts';

export interface Request {
  path: string;
  query: URLSearchParams;
  /** Somebody only wants to know whether there is something: nothing may come of it. */
  isHead: boolean;
}

/** A refusal, in words. */
export const plain = (status: number, title: string, text: Html): TextReply =>
  page(status, { title, body: html`<main class="failed"><h1>${title}</h1>${text}</main>` });

export interface PageServer {
  /** `http://127.0.0.1:4000` */
  origin: string;
  /** Lets answers that are under way go out first. */
  close(): Promise<void>;
}

/**
 * A page for this machine's own browser, on 127.0.0.1 alone.
 *
 * @param port 0 for any free one
 * @throws Error in words if the port cannot be had
 */
export async function servePage(port: number, answer: (request: Request) => Promise<TextReply>): Promise<PageServer> {
  let host = '';
  const server = createServer((request, response) => {
    response.on('error', () => {});
    void reply(request, host, answer)
      .catch(() => plain(500, 'This does not work', html`<p>Something went wrong.</p>`))
      .then((result) => send(request, response, result));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(new Error(toWords(error, port), { cause: error })));
    server.listen(port, '127.0.0.1', resolve);
  });
  host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    origin: `http://${host}`,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeIdleConnections();
      const late = setTimeout(() => server.closeAllConnections(), 2_000);
      await closed;
      clearTimeout(late);
    },
  };
}

async function reply(
  { method = '', url = '', headers }: IncomingMessage,
  host: string,
  answer: (request: Request) => Promise<TextReply>,
): Promise<TextReply> {
  // A name that somebody else's DNS points to this machine would make our page theirs.
  if (headers.host !== host) return plain(421, 'This is not the address', html`<p>The page is at http://${host}</p>`);
  if (method !== 'GET' && method !== 'HEAD') {
    const refusal = plain(405, 'This does not work', html`<p>This address takes no requests of this kind.</p>`);
    return { ...refusal, headers: { ...refusal.headers, allow: 'GET, HEAD' } };
  }
  // Only somebody who goes there may have something come of it: no image, no frame, no page loaded ahead of time.
  const isAhead = /prefetch|prerender/.test(`${headers['sec-purpose']} ${headers['purpose']}`);
  const destination = headers['sec-fetch-dest'] ?? 'document';
  const [path = '', ...query] = url.split('?');
  if (isAhead || (destination !== 'document' && !(destination === 'empty' && path === '/news')))
    return plain(403, 'This does not work', html`<p>This page only works in a window of its own.</p>`);
  return answer({ path, query: new URLSearchParams(query.join('?')), isHead: method === 'HEAD' });
}

function send({ method }: IncomingMessage, response: ServerResponse, { status, headers, body }: TextReply): void {
  // Without a connection that lives on, the command can end at once.
  response.writeHead(status, { ...headers, connection: 'close' });
  response.end(method === 'HEAD' ? undefined : body);
}

function toWords({ code, message }: NodeJS.ErrnoException, port: number): string {
  if (code === 'EADDRINUSE')
    return `Port ${port} is taken by another program. Leave out --port, or choose another one.`;
  if (code === 'EACCES') return `Port ${port} may not be used without special rights. Choose one above 1023.`;
  return `The page for your browser could not be opened: ${message}`;
}
