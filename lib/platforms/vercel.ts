import { fetchHandler } from './fetch.ts';
import type { Handler } from '../http/http.ts';

/**
 * Vercel Functions, in the form of web-standard handlers.
 *
 * @see https://vercel.com/docs/functions/runtimes/node-js
 */
export const vercel = (handler: Handler) => ({
  fetch: fetchHandler(handler, (request) => {
    // The project's main domain, by Vercel's own word; also on a preview, whose own address no host sends anybody back to.
    // See https://vercel.com/docs/environment-variables/system-environment-variables
    const domain = process.env['VERCEL_PROJECT_PRODUCTION_URL'];
    return {
      url: domain ? `https://${domain}` : undefined,
      requestId: request.headers.get('x-vercel-id') ?? undefined,
      adviceOnMissing:
        'On Vercel, that is under Settings, Environment Variables (environment: Production). Then deploy again.',
    };
  }),
});
