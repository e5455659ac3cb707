import { describe, expect, it } from 'vitest';
import { fetchHandler } from '../../lib/platforms/fetch.ts';
import type { HttpReply, HttpRequest } from '../../lib/http/http.ts';

const nothing: HttpReply = { status: 204, headers: {}, cookies: [], body: '' };

/** What a handler is given for this request. */
async function given(request: Request): Promise<HttpRequest> {
  let got: HttpRequest | undefined;
  await fetchHandler(async (asked) => ((got = asked), nothing))(request);
  if (!got) throw new Error('The handler was not called.');
  return got;
}

describe('A host of fetch handlers', () => {
  it('hands over path and query as they came', async () => {
    const { path, query } = await given(new Request('https://auth.example.com/git/github/a%2Fb%20c?x=1+2&y=%2F&z'));
    expect({ path, query }).toEqual({ path: '/git/github/a%2Fb%20c', query: 'x=1+2&y=%2F&z' });
  });

  it('is asked for a body only where one is read', async () => {
    let pulled = 0;
    const stream = new ReadableStream(
      { pull: (to) => (pulled++, to.enqueue(new Uint8Array([1, 2, 3])), to.close()) },
      { highWaterMark: 0 },
    );
    const request = new Request('https://auth.example.com/', {
      method: 'POST',
      body: stream,
      duplex: 'half',
    } as RequestInit);
    const { body } = await given(request);
    expect(pulled).toBe(0);
    const bytes: number[] = [];
    for await (const chunk of body?.() ?? []) bytes.push(...chunk);
    expect(bytes).toEqual([1, 2, 3]);
  });

  it('tells us of itself, and of each request; headers and the request’s address say nothing about our own', async () => {
    const seen: unknown[] = [];
    const shell = fetchHandler(
      async ({ platform }) => (seen.push(platform), nothing),
      (_, more: { id: string }) => ({ url: 'https://auth.example.com', requestId: more.id }),
    );
    const headers = { host: 'evil.example', 'x-forwarded-host': 'evil.example', 'x-request-id': 'theirs' };
    await shell(new Request('https://evil.example/auth', { headers }), { id: 'ours' });
    await fetchHandler(async ({ platform }) => (seen.push(platform), nothing))(new Request('https://evil.example/'));
    expect(seen).toEqual([{ url: 'https://auth.example.com', requestId: 'ours' }, {}]);
  });

  it('sends each cookie in a header of its own', async () => {
    const cookies = ['a=1; Path=/; Expires=Wed, 21 Oct 2026 07:28:00 GMT', 'b=2; Path=/'];
    const reply = await fetchHandler(async () => ({ ...nothing, cookies }))(new Request('https://auth.example.com/'));
    expect(reply.headers.getSetCookie()).toEqual(cookies);
  });

  it.each([
    [204, ''],
    [304, ''],
    [200, 'text'],
    [200, new Uint8Array([0, 255])],
  ] as const)('answers %s with %j', async (status, body) => {
    const reply = await fetchHandler(async () => ({ ...nothing, status, body }))(
      new Request('https://auth.example.com/'),
    );
    expect(reply.status).toBe(status);
    expect(Buffer.from(await reply.arrayBuffer())).toEqual(Buffer.from(body));
  });
});
