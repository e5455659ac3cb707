import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { json, openWorld, startHost, type Host, type Script } from '../contract/gateway/world.ts';
import { lambdaLimits, withLimits } from '../../lib/platforms/limits.ts';
import { lambda, type LambdaEvent, type LambdaResult } from '../../lib/platforms/lambda.ts';
import { createHandler } from '../../lib/login/handler.ts';
import { github } from '../../lib/providers/github.ts';
import type { HttpRequest } from '../../lib/http/http.ts';

const own = 'abcde12345.execute-api.eu-central-1.amazonaws.com';
/** As AWS documents it: the path begins with the stage, whatever domain was asked, unless it is `$default`. */
const event = (domainName: string, stage: string, path: string): LambdaEvent => ({
  rawPath: stage === '$default' ? path : `/${stage}${path}`,
  rawQueryString: 'provider=github',
  headers: { host: domainName },
  requestContext: { domainName, stage, requestId: 'request-1', http: { method: 'GET' } },
});

/** What the handler gets of an event. */
async function seen(given: LambdaEvent): Promise<HttpRequest> {
  let request: HttpRequest | undefined;
  await lambda(async (asked) => {
    request = asked;
    return { status: 200, headers: {}, cookies: [], body: '' };
  })(given);
  if (!request) throw new Error('The handler was not called.');
  return request;
}

describe('The stage of an HTTP API', () => {
  it.each([
    ['$default', '/auth', '/auth'],
    ['prod', '/auth', '/auth'],
    ['prod', '/auth/github/callback', '/auth/github/callback'],
    ['auth', '/auth/github', '/auth/github'],
    ['prod', '/production/auth', '/production/auth'],
    ['$default', '/prod/auth', '/prod/auth'],
  ])('%s is no part of the path: %s', async (stage, path, expected) => {
    expect((await seen(event(own, stage, path))).path).toBe(expected);
  });

  it('is left alone where somebody in front has taken it away', async () => {
    const given = event(own, 'prod', '/auth');
    expect((await seen({ ...given, rawPath: '/auth' })).path).toBe('/auth');
    expect((await seen({ ...given, rawPath: '/production/auth' })).path).toBe('/production/auth');
  });

  it.each([
    ['under a domain of one’s own', 'auth.example.com', 'https://auth.example.com', ''],
    ['at AWS’s own address', own, undefined, `https://${own}/prod`],
    ['below a path', 'example.com', 'https://example.com/login', 'https://example.com/login'],
  ])('does not stand in the way of a login %s', async (_, domain, CMS_AUTH_URL, expected) => {
    const env = { CMS_AUTH_URL, CMS_AUTH_ORIGINS: 'https://www.example.com', GITHUB_CLIENT_ID: 'id' };
    const handler = lambda(createHandler([github], { env, log: () => {} }));
    const callback = `${expected || 'https://auth.example.com'}/auth/github/callback`;
    const ready = await handler({ ...event(domain, 'prod', '/auth/github/callback'), rawQueryString: '' });
    expect([ready.statusCode, ready.body]).toEqual([200, expect.stringContaining('GITHUB_CLIENT_SECRET is not set')]);
    const page = await handler({ ...event(domain, 'prod', '/auth'), rawQueryString: '' });
    expect([page.statusCode, page.body]).toEqual([200, expect.stringContaining(callback)]);
  });
});

describe('An answer of the gateway', () => {
  /** As Lambda's own message has it: what a function returns, in JSON, may have so many bytes. */
  const most = 6_291_556;
  const headers = { etag: '"'.repeat(12_000) };
  const file =
    (size: number): Script =>
    (_, response) =>
      void response.writeHead(200, { 'content-type': 'application/octet-stream', ...headers }).end(Buffer.alloc(size));
  let host: Host;

  beforeAll(async () => void (host = await startHost()));
  afterAll(() => host.close());

  /** @param growth what becomes of one of its bytes on the way out */
  it.each<[string, growth: number, path: string, (size: number) => Script]>([
    ['a text', 1, 'tree?ref=main', (size) => json(200, ['x'.repeat(size)], headers)],
    ['a text full of quotes', 2, 'tree?ref=main', (size) => json(200, ['"'.repeat(size / 2)], headers)],
    ['a file', 4 / 3, 'files/a.png/raw?ref=main', file],
  ])('with %s leaves if Lambda lets it out, and says otherwise how much that is', async (_, growth, path, script) => {
    let result: LambdaResult | undefined;
    const { ask } = openWorld(
      host,
      async (handler, { path: rawPath, query, headers: sent }) => {
        result = await lambda(withLimits(lambdaLimits, handler))({
          ...event(own, '$default', rawPath),
          rawQueryString: query,
          headers: sent,
        });
        return { ...result, status: result.statusCode };
      },
      {
        CMS_GATEWAY_REPO: `${host.url}/group/project`,
        CMS_GATEWAY_PATHS: '**',
        GITLAB_URL: host.url,
        GITHUB_URL: undefined,
        CMS_GATEWAY_TOKEN: 'glpat-x',
      },
    );
    const read = async (size: number) => {
      host.script = script(size);
      const { status, body } = await ask(`/git/gitlab/repository/${path}`);
      return { status, body, bytes: Buffer.byteLength(JSON.stringify(result)) };
    };
    // What is left is for status and headers.
    const largest = Math.floor((most - 65 * 1024) / growth);
    const { status, bytes } = await read(largest);
    expect(status).toBe(200);
    expect(bytes).toBeGreaterThan(most - 65 * 1024);
    expect(bytes).toBeLessThanOrEqual(most);
    // As it comes from the host it still is less than that.
    const refused = await read(largest * 1.01);
    expect(refused.status).toBe(502);
    expect(JSON.parse(refused.body)).toMatchObject({
      code: 'ANSWER_TOO_LARGE',
      message: expect.stringContaining('6 MB'),
    });
  });
});
