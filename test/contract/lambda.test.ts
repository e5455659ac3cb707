import { lambdaLimits, withLimits } from '../../lib/platforms/limits.ts';
import { lambda } from '../../lib/platforms/lambda.ts';
import { describeHosts } from './gateway/hosts.ts';
import { describeGitHubApi } from './gateway/github-api.ts';
import { describeGateway } from './gateway/suite.ts';
import { describeLogin, type Call } from './login.ts';
import { describeRefresh } from './refresh.ts';
import { describePopup } from './popup.ts';
import { describeSignIn } from './sign-in.ts';

const call: Call = async (handler, { method, path, query, headers: { cookie, ...headers }, body = '' }) => {
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

describeLogin('AWS Lambda', call);
describeRefresh('AWS Lambda', call);
describeHosts('AWS Lambda', (handler, request) => call(withLimits(lambdaLimits, handler), request), { decodes: true });
describeGateway('AWS Lambda', (handler, request) => call(withLimits(lambdaLimits, handler), request), {
  megabytes: 6,
  answers: 6,
});
describeSignIn('AWS Lambda', call);

describeGitHubApi('AWS Lambda', (handler, request) => call(withLimits(lambdaLimits, handler), request));

describePopup('AWS Lambda', call);
