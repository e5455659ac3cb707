import { fetchHandler } from './fetch.ts';
import type { Handler } from '../http/http.ts';

/** Of what Cloudflare gives a Worker behind each request, what we use. */
export interface WorkersContext {
  waitUntil(promise: Promise<unknown>): void;
}

/**
 * Cloudflare Workers, with `nodejs_compat`: their settings are the environment there.
 *
 * A Worker is not told its own address. That of a request is no proof of one: a route with a star takes whatever host name is
 * sent. So `CMS_AUTH_URL` is always needed.
 *
 * @see https://developers.cloudflare.com/workers/runtime-apis/nodejs/
 */
export const workers = (handler: Handler) => {
  const shell = fetchHandler(handler, (request) => ({
    // Cloudflare's name for it, which it sets itself.
    requestId: request.headers.get('cf-ray') ?? undefined,
    adviceOnMissing:
      'On Cloudflare, "npx wrangler secret put" and its name sets it for the Worker, at once. CMS_AUTH_URL always has to be set.',
    print: (line) => console.log(line),
  }));
  return {
    fetch(request: Request, _bindings?: unknown, context?: WorkersContext): Promise<Response> {
      const reply = shell(request);
      // Cloudflare stops a request where it stands when the one who asked is gone. Others may wait for the same answer of a host, which
      // is not asked for again while somebody waits for it: they would wait in vain.
      // https://developers.cloudflare.com/workers/runtime-apis/context/#waituntil
      context?.waitUntil(reply);
      return reply;
    },
  };
};
