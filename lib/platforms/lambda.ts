import { awsPointers } from './aws.ts';
import { withoutPrefix, type Handler, type HttpReply, type HttpRequest } from '../http/http.ts';
import type { Platform } from '../http/platform.ts';

/**
 * The parts that we read of payload format 2.0, which HTTP APIs and Function URLs send.
 * @see https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
 */
export interface LambdaEvent {
  rawPath?: string;
  rawQueryString?: string;
  headers?: Record<string, string | undefined>;
  /** Cookies come here, and not among the headers. */
  cookies?: string[];
  /** Absent without one; some tools say `null`. */
  body?: string | null;
  isBase64Encoded?: boolean;
  requestContext: { domainName: string; stage: string; requestId?: string; http: { method: string } };
}

export interface LambdaResult {
  statusCode: number;
  headers: Record<string, string>;
  /** One `Set-Cookie` each: two of them in one header would be broken. */
  cookies: string[];
  body: string;
  isBase64Encoded?: boolean;
}

export function lambda(handler: Handler): (event: LambdaEvent) => Promise<LambdaResult> {
  const loadPointers = awsPointers();
  return async (event) => toReply(await handler(toRequest(event, loadPointers)));
}

function toRequest(event: LambdaEvent, loadPointers: Platform['loadPointers']): HttpRequest {
  if (!event.requestContext?.http)
    throw new Error('This function takes events of payload format 2.0: put it behind an HTTP API or a Function URL.');
  const { rawPath = '/', rawQueryString = '', headers, cookies, body, isBase64Encoded, requestContext } = event;
  const { domainName, stage, requestId, http } = requestContext;
  const root = stage === '$default' ? '' : `/${stage}`;
  return {
    method: http.method,
    // Any stage but $default is the first part of the path, under a domain of one's own as well, where no browser sees it.
    path: withoutPrefix(rawPath, root),
    query: rawQueryString,
    headers: Object.assign({}, headers, cookies && { cookie: cookies.join('; ') }),
    // Forms arrive in base64, JSON as it is.
    body: () => [Buffer.from(body ?? '', isBase64Encoded ? 'base64' : 'utf8')],
    platform: {
      // AWS's own word for where it received the request, not the `Host` header.
      url: `https://${domainName}${root}`,
      requestId,
      adviceOnMissing: 'Then deploy again.',
      loadPointers,
    },
  };
}

const toReply = ({ status, headers, cookies, body }: HttpReply): LambdaResult => ({
  statusCode: status,
  headers,
  cookies,
  ...(typeof body === 'string'
    ? { body }
    : { body: Buffer.from(body as Uint8Array).toString('base64'), isBase64Encoded: true }),
});
