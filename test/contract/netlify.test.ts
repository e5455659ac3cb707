import { netlifyLimits, withLimits } from '../../lib/platforms/limits.ts';
import type { Context } from '@netlify/functions';
import { netlify } from '../../lib/platforms/netlify.ts';
import { describeHosts } from './gateway/hosts.ts';
import { describeGitHubApi } from './gateway/github-api.ts';
import { describeGateway } from './gateway/suite.ts';
import { describeLogin, type Call } from './login.ts';
import { describeRefresh } from './refresh.ts';
import { describePopup } from './popup.ts';
import { describeSignIn } from './sign-in.ts';

/** The parts of Netlify's context that the adapter reads. */
const context = { site: { url: 'https://site.example.com' }, requestId: 'request-1' } as Context;

const call: Call = async (handler, { method, path, query, headers, body = '' }) => {
  // A deploy preview's address, as Netlify passes it on: the site's main one is in the context.
  const url = `https://deploy-preview-1--site.example.com${path}${query && `?${query}`}`;
  const response = await netlify(handler)(new Request(url, { method, headers, ...(body && { body }) }), context);
  return {
    status: response.status,
    headers: Object.fromEntries([...response.headers].filter(([name]) => name !== 'set-cookie')),
    cookies: response.headers.getSetCookie(),
    body: await response.text(),
  };
};

describeLogin('Netlify', call);
describeRefresh('Netlify', call);
describeHosts('Netlify', (handler, request) => call(withLimits(netlifyLimits, handler), request), { decodes: false });
describeGateway('Netlify', (handler, request) => call(withLimits(netlifyLimits, handler), request), {
  megabytes: 6,
  answers: 20,
});
describeSignIn('Netlify', call);

describeGitHubApi('Netlify', (handler, request) => call(withLimits(netlifyLimits, handler), request));

describePopup('Netlify', call);
