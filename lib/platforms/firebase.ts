import { sessionCookie } from '../http/session-cookie.ts';
import { toReply, toRequest } from './node.ts';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Handler } from '../http/http.ts';

/** What Firebase makes of a request: Express's, and the body, which has been read by then. */
export type FirebaseRequest = IncomingMessage & { originalUrl: string; rawBody?: Buffer };

const platform = {
  // Firebase Hosting, in front of the function, passes this cookie on and no other.
  openCookieStore: sessionCookie,
  adviceOnMissing:
    'Then deploy again. On Firebase, CMS_AUTH_URL always has to be set, and a secret arrives only for hosts whose client id was set when it was built.',
};

/** Cloud Functions for Firebase (2nd generation), to be given to `onRequest`. */
export const firebase =
  (handler: Handler) =>
  async (request: FirebaseRequest, response: ServerResponse): Promise<void> => {
    const body = () => (request.rawBody ? [request.rawBody] : []);
    toReply(await handler({ ...toRequest(request, platform, request.originalUrl), body }), response);
  };
