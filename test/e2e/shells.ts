/** The platforms' adapters behind a plain server, for browsers: each gets its requests in the form that its platform gives them. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import type { FirebaseRequest } from '../../lib/platforms/firebase.ts';
import type { LambdaEvent, LambdaResult } from '../../lib/platforms/lambda.ts';
import type { Handler } from '../../lib/web/http.ts';

type Serve = (request: IncomingMessage, response: ServerResponse) => void | Promise<void>;
export type Shell = (handler: Handler) => Serve;

export const onNetlify =
  (answer: (request: Request) => Promise<Response>): Serve =>
  async (request, response) => {
    const body = await buffer(request);
    const reply = await answer(
      new Request(`http://${request.headers.host}${request.url}`, {
        method: request.method ?? 'GET',
        headers: Object.entries(request.headers).map(([name, value]): [string, string] => [name, String(value)]),
        ...(body.length > 0 && { body: new Uint8Array(body) }),
      }),
    );
    for (const [name, value] of reply.headers) if (name !== 'set-cookie') response.setHeader(name, value);
    response.setHeader('set-cookie', reply.headers.getSetCookie());
    response.writeHead(reply.status).end(Buffer.from(await reply.arrayBuffer()));
  };

/** As a Function URL does it, which leaves paths as they are; text stays text, all else is in base64. */
export const onLambda =
  (answer: (event: LambdaEvent) => Promise<LambdaResult>): Serve =>
  async (request, response) => {
    const bytes = await buffer(request);
    const { cookie, ...headers } = request.headers;
    const [rawPath = '', rawQueryString = ''] = (request.url ?? '').split('?');
    const isText = /json|text/.test(headers['content-type'] ?? '');
    const result = await answer({
      rawPath,
      rawQueryString,
      headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)])),
      ...(cookie !== undefined && { cookies: cookie.split('; ') }),
      ...(bytes.length > 0 && { body: bytes.toString(isText ? 'utf8' : 'base64'), isBase64Encoded: !isText }),
      requestContext: {
        domainName: 'abc.lambda-url.eu-central-1.on.aws',
        stage: '$default',
        http: { method: request.method ?? 'GET' },
      },
    });
    response.writeHead(result.statusCode, { ...result.headers, 'set-cookie': result.cookies });
    response.end(Buffer.from(result.body, result.isBase64Encoded ? 'base64' : 'utf8'));
  };

/** With its Hosting in front, which lets one cookie through. */
export const onFirebase =
  (answer: (request: FirebaseRequest, response: ServerResponse) => Promise<void>): Serve =>
  async (request, response) => {
    const rawBody = await buffer(request);
    const cookies = (request.headers.cookie ?? '').split(/; ?/).filter((pair) => pair.startsWith('__session='));
    if (cookies.length > 0) request.headers.cookie = cookies.join('; ');
    else delete request.headers.cookie;
    await answer(Object.assign(request, { originalUrl: request.url ?? '', rawBody }), response);
  };
