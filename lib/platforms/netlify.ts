import type { Context } from '@netlify/functions';
import { fetchHandler } from './fetch.ts';
import type { Handler } from '../http/http.ts';

/** Netlify Functions. */
export const netlify = (handler: Handler) =>
  fetchHandler(handler, (_, context?: Context) => ({
    // The site's main address. The request's own may be a deploy preview's, where no host sends anybody back to.
    url: context?.site?.url ?? process.env['URL'],
    requestId: context?.requestId,
    adviceOnMissing: 'Netlify hands it over with the next deploy, and only if it has the Functions scope.',
  }));
