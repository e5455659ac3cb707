import type { Context } from '@netlify/functions';
import type { Handler, HttpReply, HttpRequest } from '../http/http.ts';

/** Netlify Functions; and, since it speaks `Request` and `Response`, any other host of web-standard fetch handlers. */
export const netlify =
  (handler: Handler) =>
  async (request: Request, context?: Context): Promise<Response> =>
    toReply(await handler(toRequest(request, context)));

function toRequest(request: Request, context?: Context): HttpRequest {
  const url = new URL(request.url);
  return {
    method: request.method,
    path: url.pathname,
    query: url.search.slice(1),
    headers: Object.fromEntries(request.headers),
    body: () => request.body ?? [],
    platform: {
      // The site's main address. The request's own may be a deploy preview's, where no host sends anybody back to.
      url: context?.site?.url ?? process.env['URL'],
      requestId: context?.requestId,
      adviceOnMissing: 'Netlify hands it over with the next deploy, and only if it has the Functions scope.',
    },
  };
}

function toReply({ status, headers, cookies, body }: HttpReply): Response {
  const reply = new Response(body === '' ? null : (body as BodyInit), { status, headers });
  for (const cookie of cookies) reply.headers.append('set-cookie', cookie);
  return reply;
}
