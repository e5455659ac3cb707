import { Failure, table } from './errors.ts';
import { isOrigin, matchOrigin, type OriginList } from './origins.ts';
import { commonHeaders, type HttpReply, type HttpRequest } from './http.ts';

export const corsErrors = table({
  /** Not 403, which Decap CMS takes for a rate limit: it would hold everything else back for a minute. */
  SITE_NOT_LISTED: {
    status: 400,
    text: '{site} is not on the list of sites that may use this gateway. If it is your site, add its address to the setting CMS_AUTH_ORIGINS of the gateway, then deploy again.',
  },
});

/**
 * Lets a listed page read the answer, before any work is done for it. Without an `Origin` it is no page of another site, and the
 * token alone counts. Entries with a star are passed over: whoever opens a pull request may run script on a preview.
 *
 * @param headers of the reply, whatever it turns out to be
 * @throws Failure SITE_NOT_LISTED
 */
export function admitOrigin(request: HttpRequest, list: OriginList, headers: Record<string, string>): void {
  headers['vary'] = 'Origin, Authorization';
  const origin = request.headers['origin'];
  if (origin === undefined) return;
  if (matchOrigin(list, origin) !== 'exact')
    throw new Failure(corsErrors.SITE_NOT_LISTED, { site: isOrigin(origin) ? origin : 'This site' });
  headers['access-control-allow-origin'] = origin;
}

/** The answer to a preflight, which costs no token and no work, and which the browser keeps for as long as it may. */
export const preflight = ({ methods, headers }: { methods: string; headers: string }): HttpReply => ({
  status: 204,
  headers: {
    ...commonHeaders,
    'access-control-allow-methods': methods,
    'access-control-allow-headers': headers,
    'access-control-max-age': '7200', // the longest that Chromium takes
  },
  cookies: [],
  body: '',
});
