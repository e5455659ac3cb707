import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { HttpError, listen, readBody, type Listening } from '../hosts/http.ts';

export interface Front {
  /** As the template names them, `ANY /auth/{proxy+}`; with `$default` alone it is a Function URL. */
  routes: readonly string[];
  /** Any stage but `$default` is the first part of every path that the function sees. */
  stage: string;
  /** With a domain of one's own, a mapping puts the stage there: who asks does not see it. */
  mapped?: boolean;
  /** Which bodies arrive in base64: all but text, as AWS documents it, or none at all. */
  base64: 'binary' | 'never';
}

/** What AWS says its own address is; our own is behind `CMS_AUTH_URL`. */
export const domainName = 'abcde12345.execute-api.eu-central-1.amazonaws.com';
const functionUrl = 'abcde12345.lambda-url.eu-central-1.on.aws';

/** Lambda's limit for an event. */
const largest = 6 * 1024 * 1024;

/**
 * What stands in front of a function on AWS: turns HTTP into events of payload format 2.0, and results back.
 *
 * @see https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
 * @see https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html
 */
export const startGateway = (
  port: number,
  front: Front,
  invoke: (event: unknown) => Promise<unknown>,
): Promise<Listening> =>
  listen(
    async (request, response) => {
      let [path = '', ...query] = (request.url ?? '').split('?');
      const isUrl = isFunctionUrl(front);
      // An HTTP API decodes the path, and cuts it off at what is a question mark by then. A Function URL leaves it as it is.
      if (!isUrl) path = decode(path);
      const root = front.stage === '$default' ? '' : `/${front.stage}`;
      if (front.mapped) path = root + path;
      const method = request.method ?? '';
      const route = path.startsWith(`${root}/`) && findRoute(front.routes, method, path.slice(root.length));
      if (!route) return sendMessage(response, 404, 'Not Found');
      const body = await readBody(request, largest);
      const event = makeEvent(request, { path, query: query.join('?'), method, route, body, front });
      try {
        sendResult(response, await invoke(event));
      } catch (error) {
        console.error(error); // its cause is for the log alone, on AWS as well
        sendMessage(response, isUrl ? 502 : 500, 'Internal Server Error');
      }
    },
    { port, host: 'localhost' },
  );

const isFunctionUrl = ({ routes }: Front) => routes.length === 1 && routes[0] === '$default';

function decode(path: string): string {
  try {
    return decodeURIComponent(path).split('?')[0] ?? '';
  } catch {
    throw new HttpError(400, 'Bad Request');
  }
}

function findRoute(routes: readonly string[], method: string, path: string): string | undefined {
  return routes.find((route) => {
    if (route === '$default') return true;
    const [verb, pattern = ''] = route.split(' ');
    const expression = pattern.replace(/\{\w+\+\}/g, '.+').replace(/\{\w+\}/g, '[^/]+');
    return (verb === 'ANY' || verb === method) && new RegExp(`^${expression}$`).test(path);
  });
}

interface Received {
  path: string;
  query: string;
  method: string;
  route: string;
  body: Buffer;
  front: Front;
}

function makeEvent(request: IncomingMessage, { path, query, method, route, body, front }: Received) {
  const { cookie, ...headers } = request.headers;
  const type = headers['content-type'] ?? '';
  const domain = isFunctionUrl(front) ? functionUrl : domainName;
  const binary = front.base64 === 'binary' && !/^(text\/|application\/(json|javascript|xml)\b)/.test(type);
  return {
    version: '2.0',
    routeKey: route,
    rawPath: path,
    rawQueryString: query,
    ...(cookie !== undefined && { cookies: cookie.split(/; ?/) }),
    headers: {
      ...Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)])),
      host: domain,
      'x-forwarded-proto': 'https',
      'x-forwarded-port': '443',
    },
    requestContext: {
      accountId: '123456789012',
      apiId: 'abcde12345',
      domainName: domain,
      domainPrefix: 'abcde12345',
      http: { method, path, protocol: 'HTTP/1.1', sourceIp: '127.0.0.1', userAgent: headers['user-agent'] ?? '' },
      requestId: randomUUID(),
      routeKey: route,
      stage: front.stage,
      timeEpoch: Date.now(),
    },
    ...(body.length > 0 && { body: body.toString(binary ? 'base64' : 'utf8') }),
    isBase64Encoded: body.length > 0 && binary,
  };
}

interface Result {
  statusCode?: number;
  headers?: Record<string, string>;
  cookies?: string[];
  body?: string;
  isBase64Encoded?: boolean;
}

/** Without a status, all of the result is taken for the body, as AWS does it. */
function sendResult(response: ServerResponse, result: unknown) {
  const { statusCode, headers, cookies, body = '', isBase64Encoded } = result as Result;
  if (statusCode === undefined)
    return response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(result));
  response.writeHead(statusCode, { ...headers, ...(cookies && { 'set-cookie': cookies }) });
  response.end(isBase64Encoded ? Buffer.from(body, 'base64') : body);
}

const sendMessage = (response: ServerResponse, status: number, message: string) =>
  void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify({ message }));
