import type { Handler, HttpReply, HttpRequest } from '../http/http.ts';
import type { Platform } from '../http/platform.ts';

/**
 * The shell for every host of web-standard fetch handlers: Cloudflare Workers, Deno, Bun, Vercel, Netlify, and the frameworks
 * that hand over a `Request` and want a `Response`.
 *
 * @param about what the host itself says: about our address, its limits, this request. Nothing of it may be taken from a header
 *   or from the request's own address, which whoever asks can choose; without an address from the host, `CMS_AUTH_URL` is needed.
 *   It is given whatever the host gives its handlers behind the request
 * @returns what always answers, and does not reject
 */
export const fetchHandler =
  <More extends unknown[]>(handler: Handler, about: (request: Request, ...more: More) => Platform = () => ({})) =>
  async (request: Request, ...more: More): Promise<Response> =>
    toReply(await handler(toRequest(request, about(request, ...more))));

/** A `Request` as plain data. Its body is read only if somebody asks for it. */
export function toRequest(request: Request, platform: Platform): HttpRequest {
  const { pathname, search } = new URL(request.url);
  return {
    method: request.method,
    path: pathname,
    query: search.slice(1),
    headers: Object.fromEntries(request.headers),
    body: () => request.body ?? [],
    platform,
  };
}

/** A reply as a `Response`, with a `Set-Cookie` for each cookie: two of them in one header would be broken. */
export function toReply({ status, headers, cookies, body }: HttpReply): Response {
  const reply = new Response(body === '' ? null : (body as BodyInit), { status, headers });
  for (const cookie of cookies) reply.headers.append('set-cookie', cookie);
  return reply;
}

/**
 * A server of fetch handlers that knows nothing of itself: Deno, Bun, and others that take a default export with a `fetch`. The
 * address comes from `CMS_AUTH_URL`.
 */
export const fetch = (handler: Handler) => ({
  fetch: fetchHandler(handler, () => ({
    adviceOnMissing:
      'Set it in the environment of this program, and start it again. CMS_AUTH_URL always has to be set.',
  })),
});
