/**
 * What a call makes has the same hidden class each time. If not, V8 looks up anew whatever is read of it, which once took a third of a
 * call's time: on Node 20, `{ ...first, more }` is of a new class each time that it is evaluated.
 *
 * @see https://v8.dev/docs/hidden-classes
 */
import type { RequestOptions } from 'node:http';
import { setFlagsFromString } from 'node:v8';
import { expect, it, vi } from 'vitest';
import { findRoute } from '../../lib/handler/router.ts';
import { lambda } from '../../lib/platforms/lambda.ts';
import { toRequest } from '../../lib/platforms/node.ts';
import { makeHandler } from '../contract/handlers.ts';
import { json, nextToken, openWorld, useHost } from '../contract/gateway/world.ts';
import type { HttpReply, HttpRequest } from '../../lib/http/http.ts';
import type { Call } from '../contract/login.ts';
import type { IncomingMessage } from 'node:http';

setFlagsFromString('--allow-natives-syntax');
const haveSameClass = new Function('one', 'other', 'return %HaveSameMap(one, other)') as typeof Object.is;

/** @param lists of what was made by one call after another */
function expectSameClass(...lists: (object | undefined)[][]) {
  for (const made of lists)
    expect(haveSameClass(made.at(-1) ?? {}, made.at(-2) ?? {}), Object.keys(made.at(-1) ?? {}).join(', ')).toBe(true);
}

const host = useHost();
const loginEnv = {
  CMS_AUTH_URL: 'https://auth.example.com',
  CMS_AUTH_ORIGINS: 'https://www.example.com',
  GITHUB_CLIENT_ID: 'id',
  GITHUB_CLIENT_SECRET: 'secret',
};
/** The gateway remembers the first one that it gets. */
const request = vi.spyOn(process.getBuiltinModule('node:http'), 'request');
const times = 20;

it.each([
  ['GET', '/git/github/branches/main', undefined],
  ['GET', '/git/github/git/blobs/{sha}', undefined],
  ['GET', '/git/api/v3/repos/owner/name/branches/main', undefined],
  ['POST', '/git/github/git/blobs', JSON.stringify({ content: 'aGk=', encoding: 'base64' })],
  ['OPTIONS', '/git/github/branches/main', undefined],
])('A call has the hidden classes of the one before: %s %s', async (method, path, body) => {
  request.mockClear();
  const replies: HttpReply[] = [];
  const call: Call = async (handler, asked) => {
    const reply = await handler({ ...asked, platform: {}, body: () => [Buffer.from(asked.body ?? '')] });
    replies.push(reply);
    return { ...reply, body: '' };
  };
  host.script = json(200, { sha: 'a'.repeat(40) }, { etag: '"1"' });
  const { ask } = openWorld(host, call, { CMS_GATEWAY_TOKEN: nextToken() });
  for (let i = 0; i < times; i++) {
    const sha = String(i).padStart(40, '0');
    await ask(path.replace('{sha}', sha), { method, ...(body !== undefined && { body }) });
  }
  const asked = request.mock.calls.map(([options]) => options as RequestOptions);
  expect(asked).toHaveLength(method === 'OPTIONS' ? 0 : times);
  expect(replies).toHaveLength(times);
  expectSameClass(
    asked,
    asked.map(({ headers }) => headers),
    replies,
    replies.map(({ headers }) => headers),
  );
});

it('So has a login on Lambda', async () => {
  const asked: HttpRequest[] = [];
  const replies: HttpReply[] = [];
  const own = makeHandler({ kind: 'login', providers: ['github'] }, { env: loginEnv, log: () => {} });
  const call = lambda(async (request) => {
    const reply = await own(request);
    asked.push(request);
    replies.push(reply);
    return reply;
  });
  const requestContext = { domainName: 'auth.example.com', stage: '$default', requestId: '1' };
  for (let i = 0; i < times; i++)
    await call({
      rawPath: '/auth',
      rawQueryString: 'provider=github',
      headers: { host: 'auth.example.com' },
      cookies: ['a=1', 'b=2'],
      requestContext: { ...requestContext, http: { method: 'GET' } },
    });
  expect(replies.map(({ status }) => status)).toEqual(Array(times).fill(200));
  expectSameClass(
    asked.map(({ headers }) => headers),
    asked.map(({ platform }) => platform),
    replies.map(({ headers }) => headers),
  );
});

it('So has what an address says', () => {
  const route = { event: 'read', handle: () => Promise.reject(new Error()) };
  const module = { timeoutMs: 1, endpoints: [{ path: '/git/:host/*', route: () => route }], fail: route.handle };
  const asked = { method: 'GET' } as HttpRequest;
  const found = Array.from({ length: times }, (_, i) =>
    findRoute([module], `/git/github/branches/${i}`, asked, new URLSearchParams()),
  );
  expect(found.at(-1)?.params).toEqual({ host: 'github', '*': `branches/${times - 1}` });
  expectSameClass(found.map(({ params }) => params));
});

it('A platform that says the same of each request is the same object for each', () => {
  const platform = { streams: true };
  const request = { url: '/git', httpVersion: '1.1', headers: {} } as IncomingMessage;
  expect(toRequest(request, platform).platform).toBe(platform);
});
