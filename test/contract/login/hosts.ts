/** One whole login, and a renewal, with every host that has a record: played from the record, on every platform. */
import { describe, expect, it } from 'vitest';
import { providers } from '../../../functions/auth.ts';
import { loginHandler } from '../handlers.ts';
import { settingPrefix, type Provider } from '../../../lib/providers/provider.ts';
import { startFromRecord } from '../../hosts/record.ts';
import { popupResultOf, nextOf } from '../../popup.ts';
import { loginServer, site } from './world.ts';
import type { LogEntry } from '../../../lib/http/log.ts';
import type { Call, Reply } from '../login.ts';

/**
 * Logs in, and renews the session if the record says that a CMS can.
 *
 * @returns what the host refused, in its words; nothing if all went well
 */
export async function loginByRecord(
  provider: Provider,
  call: Call,
  {
    path = `/auth/${provider.id}/authorize`,
    host: played = provider,
  }: { path?: string; /** The host as it really is, where the record is to be wrong. */ host?: Provider } = {},
): Promise<{
  refusals: readonly string[];
  result: Record<string, string>;
  renewed: Record<string, string> | undefined;
}> {
  const host = await startFromRecord(played, `${loginServer}/auth/${provider.id}/callback`);
  const log: LogEntry[] = [];
  const prefix = settingPrefix(provider);
  const handler = loginHandler([provider], {
    env: {
      CMS_AUTH_URL: loginServer,
      CMS_AUTH_ORIGINS: site,
      [`${prefix}_URL`]: host.url,
      [`${prefix}_CLIENT_ID`]: host.app.clientId,
      [`${prefix}_CLIENT_SECRET`]: host.app.clientSecret,
      ...(provider.refresh && { CMS_AUTH_REFRESH: provider.id }),
    },
    log: (entry) => log.push(entry),
  });
  const send = (request: Partial<Parameters<Call>[1]>): Promise<Reply> =>
    call(handler, { method: 'GET', path: '/', query: '', headers: {}, ...request });
  try {
    const opening = await send({ path, query: `provider=${provider.id}` });
    const [cookie = ''] = (opening.cookies.at(-1) ?? '').split(';', 1);
    if (opening.status !== 200) return { refusals: [opening.body], result: {}, renewed: undefined };
    const next = nextOf(opening, site);
    const begun = await send({ path: next.path, query: next.query, headers: { cookie } });
    const consent = await fetch(begun.headers['location'] ?? '', { redirect: 'manual' });
    const back = consent.headers.get('location');
    if (back === null) return { refusals: host.refusals, result: {}, renewed: undefined };
    const { pathname, search } = new URL(back);
    const reply = await send({ path: pathname, query: search.slice(1), headers: { cookie } });
    const { message = '{}', origin } = popupResultOf(reply) ?? {};
    if (reply.status !== 200) return { refusals: [...host.refusals, message], result: {}, renewed: undefined };
    expect(origin).toBe(site);
    expect(message.startsWith(`authorization:${provider.id}:success:{`)).toBe(true);
    const result = JSON.parse(message.slice(message.indexOf('{'))) as Record<string, string>;
    expect(host.grants.holder(result['token'] ?? '')).toMatchObject({ user: 'editor' });
    expect(host.granted?.scopes).toEqual(provider.scope ? [provider.scope.default] : []);
    const { refresh } = provider;
    const refreshToken = result[refresh?.login.refreshToken ?? ''];
    if (!refresh || refreshToken === undefined) return { refusals: host.refusals, result, renewed: undefined };
    const renewal = await send({
      method: 'POST',
      path: refresh.path,
      headers: { origin: site, 'content-type': 'application/x-www-form-urlencoded' },
      body: `refresh_token=${refreshToken}`,
    });
    return { refusals: host.refusals, result, renewed: JSON.parse(renewal.body) as Record<string, string> };
  } finally {
    await host.close();
  }
}

export function everyHost(call: Call): void {
  describe.each(providers.map((provider): [string, Provider] => [provider.id, provider]))('with %s', (id, provider) => {
    it('goes by its record from the beginning to a renewed session', async () => {
      const { refusals, result, renewed } = await loginByRecord(provider, call);
      expect(refusals).toEqual([]);
      expect(result).toMatchObject({ token: expect.stringMatching(/^access-/), provider: id });
      const { refresh } = provider;
      expect(Object.keys(result).toSorted()).toEqual(
        ['provider', 'token', ...(refresh ? [refresh.login.refreshToken] : [])].toSorted(),
      );
      if (!refresh) return;
      expect(renewed).toEqual({
        [refresh.answer.accessToken]: expect.stringMatching(/^access-/),
        [refresh.answer.refreshToken]: expect.stringMatching(/^refresh-/),
      });
      expect(renewed?.[refresh.answer.accessToken]).not.toBe(result['token']);
    });

    it('gives a refresh token to those logins only that can use it', async () => {
      const { refusals, result } = await loginByRecord(provider, call, { path: `/auth/${id}` });
      expect(refusals).toEqual([]);
      expect('refreshToken' in result || 'refresh_token' in result).toBe(provider.refresh?.login.always ?? false);
    });
  });
}
