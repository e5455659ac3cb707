import type { IncomingMessage, ServerResponse } from 'node:http';

/** A function for Firebase, to be given to `onRequest` of firebase-functions. */
declare const handler: (
  request: IncomingMessage & { originalUrl: string; rawBody?: Buffer },
  response: ServerResponse,
) => Promise<void>;
export default handler;
