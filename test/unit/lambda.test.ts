import { describe, expect, it } from 'vitest';
import { lambda, type LambdaEvent } from '../../lib/platforms/lambda.ts';
import { createHandler } from '../../lib/hop/handler.ts';
import { github } from '../../lib/providers/github.ts';
import type { HttpRequest } from '../../lib/web/http.ts';

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
