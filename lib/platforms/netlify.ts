import { fetchHandler } from './fetch.ts';
import type { Handler } from '../http/http.ts';

/** The parts that we read of what Netlify hands over besides the request. */
export interface NetlifyContext {
  site?: { url?: string };
  requestId?: string;
}

/** Netlify Functions. */
export const netlify = (handler: Handler) =>
  fetchHandler(handler, (_, context?: NetlifyContext) => ({
    // The site's main address. The request's own may be a deploy preview's, where no host sends anybody back to.
    url: context?.site?.url ?? process.env['URL'],
    requestId: context?.requestId,
    adviceOnMissing:
      'On Netlify, that is under Project configuration, Environment variables (scope: Functions). Then deploy again.',
  }));
