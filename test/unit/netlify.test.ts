import type { Context } from '@netlify/functions';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createHandler } from '../../lib/login/handler.ts';
import { netlify } from '../../lib/platforms/netlify.ts';
import { github } from '../../lib/providers/github.ts';

const handler = netlify(createHandler([github], { env: { GITHUB_CLIENT_ID: 'id' }, log: () => {} }));

/** Where the owner's page says that hosts send editors back to, when asked under an address that is not the site's. */
async function callback(context?: object): Promise<string | undefined> {
  const headers = { host: 'evil.example', 'x-forwarded-host': 'evil.example', origin: 'https://evil.example' };
  const reply = await handler(new Request('https://evil.example/auth', { headers }), context as Context);
  const page = await reply.text();
  expect(page).not.toContain('evil.example');
  return /https:\/\/[\w.-]+\/auth\/github\/callback/.exec(page)?.[0];
}

describe('On Netlify our own address is', () => {
  afterEach(() => void vi.unstubAllEnvs());

  it('the site’s, as Netlify says it', async () => {
    vi.stubEnv('URL', 'https://older.example.com');
    expect(await callback({ site: { url: 'https://site.example.com' } })).toBe(
      'https://site.example.com/auth/github/callback',
    );
  });

  it('the variable URL where the context has none', async () => {
    vi.stubEnv('URL', 'https://site.example.com');
    for (const context of [undefined, {}, { site: {} }])
      expect(await callback(context)).toBe('https://site.example.com/auth/github/callback');
  });

  it('never the request’s: without either, what is missing is said', async () => {
    vi.stubEnv('URL', undefined);
    const reply = await handler(new Request('https://evil.example/auth?provider=github'));
    expect([reply.status, await reply.text()]).toEqual([500, expect.stringContaining('CMS_AUTH_URL is not set')]);
    expect(await callback()).toBeUndefined();
  });
});
