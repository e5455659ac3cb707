import { lambda } from '../../lib/platforms/lambda.ts';
import { describeLogin } from './login.ts';

describeLogin('AWS Lambda', async (handler, { method, path, query, headers: { cookie, ...headers } }) => {
  const { statusCode, ...reply } = await lambda(handler)({
    rawPath: path,
    rawQueryString: query,
    headers: { host: 'api.example.com', ...headers },
    // Absent, not empty, where there are none.
    ...(cookie !== undefined && { cookies: cookie.split(/; ?/) }),
    requestContext: { domainName: 'api.example.com', stage: '$default', requestId: 'request-1', http: { method } },
  });
  return { status: statusCode, ...reply };
});
