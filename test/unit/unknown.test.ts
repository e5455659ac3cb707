/** A name that is written wrongly has no other sign than that nothing happens: so it is told, with what was meant. */
import { describe, expect, it } from 'vitest';
import { providers } from '../../functions/auth.ts';
import { hosts } from '../../functions/gateway.ts';
import { settingsOf, table } from '../../lib/config/table.ts';
import { unknownSettings } from '../../lib/config/unknown.ts';
import { gateway } from '../../lib/gateway/handler.ts';
import { serve } from '../../lib/handler/serve.ts';
import { createHandler } from '../../lib/login/handler.ts';

const known = settingsOf(undefined, providers).map(({ name }) => name);

describe('A setting that does not exist is told', () => {
  it.each([
    ['CMS_AUTH_ORIGIN', 'CMS_AUTH_ORIGINS'],
    ['CMS_AUTH_ORIGNIS', 'CMS_AUTH_ORIGINS'],
    ['CMS_ORIGINS', 'CMS_AUTH_ORIGINS'],
    ['CMS_GATEWAY_ORIGINS', 'CMS_AUTH_ORIGINS'],
    ['CMS_AUTH_REPO', 'CMS_GATEWAY_REPO'],
    ['CMS_AUTH_URLS', 'CMS_AUTH_URL'],
    ['CMS_GATEWAY_EDITOR', 'CMS_GATEWAY_EDITORS'],
    ['CMS_GATEWAY_PRIVATE', undefined],
    ['CMS_AUTH_SECRETS', 'CMS_AUTH_SECRETS_TTL'],
    ['CMS_SOMETHING', undefined],
  ])('%s, with what was meant: %s', (name, meant) => {
    const [found, ...others] = unknownSettings({ [name]: 'v4lue', CMS_AUTH_URL: 'x', PATH: 'x' }, known);
    expect(others).toEqual([]);
    expect(found?.name).toBe(name);
    expect(found?.message).toContain(meant === undefined ? 'the table of settings' : `Did you mean ${meant}?`);
    expect(found?.message).not.toContain('v4lue');
  });

  it('but not one that is blank, as deploys leave it', () => {
    expect(unknownSettings({ CMS_AUTH_ORIGIN: ' ' }, known)).toEqual([]);
  });
});

describe('The pages', () => {
  const open = async (path: string, env: Record<string, string>) => {
    const all = { CMS_AUTH_URL: 'https://auth.example.com', ...env };
    const options = { env: all, log: () => {} };
    const handler = path === '/git' ? serve([gateway(hosts)], options) : createHandler(providers, options);
    return String((await handler({ method: 'GET', path, query: '', headers: {}, platform: {} })).body);
  };

  it.each(['/auth', '/git'])('%s tells it', async (path) => {
    const text = await open(path, { CMS_AUTH_ORIGIN: 'v4lue' });
    expect(text).toContain('Did you mean CMS_AUTH_ORIGINS?');
    expect(text).not.toContain('v4lue');
    expect(await open(path, { CMS_OF_ANOTHER_PROGRAM: 'x' })).not.toContain('CMS_OF_ANOTHER_PROGRAM');
  });

  it.each(known)('say nothing about %s', async (name) => {
    for (const path of ['/auth', '/git']) expect(await open(path, { [name]: 'x' })).not.toContain('misspelt');
  });

  it('know each name of the table', () => {
    expect(Object.keys(table).length).toBeGreaterThan(20);
  });
});
