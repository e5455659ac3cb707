import { request as send, type IncomingHttpHeaders } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { listen, type Listening } from '../hosts/http.ts';

/**
 * What Firebase's own Hosting does and its emulator does not: of all cookies it lets `__session` alone through to a
 * function. It also takes `Set-Cookie` from answers that a cache may keep; the emulator does that as well, and this does
 * not rely on it.
 *
 * @param target the emulator's address
 * @see https://firebase.google.com/docs/hosting/manage-cache#using_cookies
 */
export const startHosting = (port: number, target: string): Promise<Listening> =>
  listen(
    async (request, response) => {
      const { cookie, ...headers } = request.headers;
      const session = (cookie ?? '').split(/; ?/).filter((pair) => pair.startsWith('__session='));
      const answer = await new Promise<{ status: number; headers: IncomingHttpHeaders; body: NodeJS.ReadableStream }>(
        (resolve, reject) => {
          const forwarded = send(target + (request.url ?? ''), {
            method: request.method ?? '',
            headers: { ...headers, ...(session.length > 0 && { cookie: session.join('; ') }) },
          });
          forwarded.on('error', reject);
          forwarded.on('response', (body) =>
            resolve({ status: body.statusCode ?? 0, headers: { ...body.headers }, body }),
          );
          request.pipe(forwarded);
        },
      );
      if (!/\bprivate\b/.test(answer.headers['cache-control'] ?? '')) delete answer.headers['set-cookie'];
      response.writeHead(answer.status, answer.headers);
      await pipeline(answer.body, response);
    },
    { port, host: 'localhost' },
  );
