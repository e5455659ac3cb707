import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll } from 'vitest';
import { firebaseLimits, withLimits } from '../../lib/platforms/limits.ts';
import { firebase } from '../../lib/platforms/firebase.ts';
import type { Handler } from '../../lib/http/http.ts';
import { askOver, closed } from './http.ts';
import { describeHosts } from './gateway/hosts.ts';
import { describeGitHubApi } from './gateway/github-api.ts';
import { describeGateway } from './gateway/suite.ts';
import { describeLogin, sessionCookieOnly, type Call } from './login.ts';
import { describeRefresh } from './refresh.ts';
import { describePopup } from './popup.ts';
import { describeSignIn, oneSession } from './sign-in.ts';

let server: Server;
let current: Handler;

/** What stands in front of a function there: Hosting, which lets one cookie through, and body parsers, which read the body. */
beforeAll(async () => {
  server = createServer({ maxHeaderSize: 256 * 1024 }, (request, response) => {
    void buffer(request).then((rawBody) => {
      const cookies = (request.headers.cookie ?? '').split(/; ?/).filter((pair) => pair.startsWith('__session='));
      if (cookies.length > 0) request.headers.cookie = cookies.join('; ');
      else delete request.headers.cookie;
      return firebase(current)(Object.assign(request, { originalUrl: request.url ?? '', rawBody }), response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterAll(() => closed(server));

const call: Call = (handler, request) => {
  current = handler;
  return askOver((server.address() as AddressInfo).port, request);
};

describeLogin('Firebase', call, { cookies: sessionCookieOnly, knowsAddress: false });
describeRefresh('Firebase', call);
describeHosts('Firebase', call, { decodes: false });
describeGateway('Firebase', (handler, request) => call(withLimits(firebaseLimits, handler), request), {
  megabytes: 32,
  answers: 32,
});
describeSignIn('Firebase', call, oneSession);

describeGitHubApi('Firebase', (handler, request) => call(withLimits(firebaseLimits, handler), request));

describePopup('Firebase', call);
