import { vi } from 'vitest';
import { vercelLimits, withLimits } from '../../lib/platforms/limits.ts';
import { vercel } from '../../lib/platforms/vercel.ts';
import { describeHosts } from './gateway/hosts.ts';
import { describeGateway } from './gateway/suite.ts';
import { describeLogin, type Call } from './login.ts';
import { describeRefresh } from './refresh.ts';
import { describeSignIn } from './sign-in.ts';

/** The project's main domain, by Vercel's own word; the address of the request is a preview's. */
vi.stubEnv('VERCEL_PROJECT_PRODUCTION_URL', 'site.example.com');

const call: Call = async (handler, { method, path, query, headers, body = '' }) => {
  const url = `https://preview.example.com${path}${query && `?${query}`}`;
  const response = await vercel(handler).fetch(new Request(url, { method, headers, ...(body && { body }) }));
  return {
    status: response.status,
    headers: Object.fromEntries([...response.headers].filter(([name]) => name !== 'set-cookie')),
    cookies: response.headers.getSetCookie(),
    body: await response.text(),
  };
};

describeLogin('Vercel', call);
describeRefresh('Vercel', call);
describeHosts('Vercel', (handler, request) => call(withLimits(vercelLimits, handler), request), { decodes: false });
describeGateway('Vercel', (handler, request) => call(withLimits(vercelLimits, handler), request), {
  megabytes: 4,
  answers: 4,
});
describeSignIn('Vercel', call);
