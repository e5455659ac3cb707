import { afterAll, beforeAll } from 'vitest';
import { listen, node } from '../../lib/platforms/node.ts';
import type { Handler } from '../../lib/http/http.ts';
import { askOver } from './http.ts';
import { describeHosts } from './gateway/hosts.ts';
import { describeGitHubApi } from './gateway/github-api.ts';
import { describeGateway } from './gateway/suite.ts';
import { describeLogin, type Call } from './login.ts';
import { describeRefresh } from './refresh.ts';
import { describePopup } from './popup.ts';
import { describeSignIn } from './sign-in.ts';
import { freePort } from '../hosts/port.ts';

let port = 0;
let close: () => Promise<void>;
let current: Handler;

beforeAll(async () => {
  port = await freePort();
  const handler: Handler = (request) => current(request);
  close = await listen(node(handler, { url: `http://localhost:${port}` }), { port });
});
afterAll(() => close());

const call: Call = (handler, request) => {
  current = handler;
  return askOver(port, request);
};

describeLogin('a Node server', call);
describeRefresh('a Node server', call);
describeHosts('a Node server', call, { decodes: false });
describeGateway('a Node server', call, { megabytes: 32, answers: 32, streams: true });
describeSignIn('a Node server', call);

describeGitHubApi('a Node server', call);

describePopup('a Node server', call);
