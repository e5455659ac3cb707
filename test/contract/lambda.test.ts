import { lambdaBounds, within } from '../../lib/platforms/bounds.ts';
import { lambda } from '../../lib/platforms/lambda.ts';
import { describeGateway } from './gateway/suite.ts';
import { describeLogin, type Call } from './login.ts';
import { describeRefresh } from './refresh.ts';
import { describeSignIn } from './sign-in.ts';

const call: Call = async (handler, { method, path, query, headers: { cookie, ...headers }, body = '' }) => {
  const { statusCode, ...reply } = await lambda(handler)({
    rawPath: path,
    rawQueryString: query,
    headers: { host: 'api.example.com', ...headers },
    // As AWS does it: JSON stays as it is, forms arrive in base64.
    ...(body && (headers['content-type']?.includes('json') ? { body } : { body: btoa(body), isBase64Encoded: true })),
    // Absent, not empty, where there are none.
    ...(cookie !== undefined && { cookies: cookie.split(/; ?/) }),
    requestContext: { domainName: 'api.example.com', stage: '$default', requestId: 'request-1', http: { method } },
  });
  return { status: statusCode, ...reply };
};

describeLogin('AWS Lambda', call);
describeRefresh('AWS Lambda', call);
describeGateway('AWS Lambda', (handler, request) => call(within(lambdaBounds, handler), request), { megabytes: 6 });
describeSignIn('AWS Lambda', call);
