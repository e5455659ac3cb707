import { lambdaLimits, withLimits } from '../../lib/platforms/limits.ts';
import { lambda } from '../../lib/platforms/lambda.ts';
import type { Call } from './login.ts';

export const call: Call = async (handler, { method, path, query, headers: { cookie, ...headers }, body = '' }) => {
  const { statusCode, isBase64Encoded, ...reply } = await lambda(handler)({
    rawPath: path,
    rawQueryString: query,
    headers: { host: 'api.example.com', ...headers },
    // As AWS does it: JSON stays as it is, forms arrive in base64.
    ...(body && (headers['content-type']?.includes('json') ? { body } : { body: btoa(body), isBase64Encoded: true })),
    // Absent, not empty, where there are none.
    ...(cookie !== undefined && { cookies: cookie.split(/; ?/) }),
    requestContext: { domainName: 'api.example.com', stage: '$default', requestId: 'request-1', http: { method } },
  });
  return {
    ...reply,
    status: statusCode,
    body: isBase64Encoded ? Buffer.from(reply.body, 'base64').toString() : reply.body,
  };
};

/** As AWS calls a function that takes whole files. */
export const callGateway: Call = (handler, request) => call(withLimits(lambdaLimits, handler), request);
