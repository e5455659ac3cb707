import { afterEach, describe, expect, it, vi } from 'vitest';
import { createHandler } from '../../lib/login/handler.ts';
import { vercel } from '../../lib/platforms/vercel.ts';
import { workers } from '../../lib/platforms/workers.ts';
import { github } from '../../lib/providers/github.ts';

const env = { GITHUB_CLIENT_ID: 'id' };
const ask = (url = 'https://evil.example/auth') => new Request(url, { headers: { 'cf-ray': '8f1-FRA' } });

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

describe('On Cloudflare Workers', () => {
  it('a request is worked on to its end, also when the one who asked has gone', async () => {
    vi.spyOn(console, 'log').mockImplementation(() => {});
    const waitedFor: Promise<unknown>[] = [];
    const context = { waitUntil: (promise: Promise<unknown>) => void waitedFor.push(promise) };
    const reply = await workers(createHandler([github], { env })).fetch(ask(), {}, context);
    expect(await Promise.all(waitedFor)).toEqual([reply]);
  });

  it('the log goes to the console, which is what Cloudflare collects, in one line of JSON', async () => {
    const log = vi.spyOn(console, 'log').mockImplementation(() => {});
    await workers(createHandler([github], { env })).fetch(ask());
    expect(log).toHaveBeenCalledTimes(1);
    expect(JSON.parse(String(log.mock.calls[0]?.[0]))).toMatchObject({ event: 'page', request: '8f1-FRA' });
  });

  it('our own address is never the request’s, and what is missing is said in words', async () => {
    vi.spyOn(console, 'log').mockImplementation(() => {});
    const reply = await workers(createHandler([github], { env })).fetch(
      ask('https://evil.example/auth?provider=github'),
    );
    const page = await reply.text();
    expect(reply.status).toBe(500);
    expect(page).toContain('CMS_AUTH_URL is not set');
    expect(page).toContain('wrangler secret put');
    expect(page).not.toContain('evil.example');
  });
});

describe('On Vercel', () => {
  it('our own address is the project’s main domain, by Vercel’s own word, also on a preview', async () => {
    vi.stubEnv('VERCEL_PROJECT_PRODUCTION_URL', 'site.example.com');
    const reply = await vercel(createHandler([github], { env, log: () => {} })).fetch(ask());
    const page = await reply.text();
    expect(page).toContain('https://site.example.com/auth/github/callback');
    expect(page).not.toContain('evil.example');
  });
});
