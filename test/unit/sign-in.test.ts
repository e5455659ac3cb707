import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { signInHandler } from '../contract/handlers.ts';
import { startIdentity, type IdentityHost } from '../hosts/identity.ts';
import { visit } from '../hosts/visitor.ts';
import { pointersTo } from '../../lib/config/pointers.ts';
import type { HttpRequest } from '../../lib/http/http.ts';

const gateway = 'https://auth.example.com';

/** A Parameter Store that is asked again only for what has been taken for old. */
function openStore(value: string) {
  const store = { value, kept: undefined as string | undefined, forgotten: 0 };
  return Object.assign(store, {
    read: (names: readonly string[]) =>
      Promise.resolve(new Map(names.map((name) => [name, { value: (store.kept ??= store.value) }]))),
    invalidate() {
      store.forgotten++;
      store.kept = undefined;
    },
  });
}

describe('A client secret in the Parameter Store', () => {
  let identity: IdentityHost;
  beforeAll(async () => {
    identity = await startIdentity({
      redirectUris: [`${gateway}/git/oauth2/callback`, `${gateway}/git/auth/callback`],
    });
  });
  afterAll(() => identity.close());

  function open(store: ReturnType<typeof openStore>) {
    const codes: (string | undefined)[] = [];
    const handler = signInHandler({
      env: {
        CMS_AUTH_URL: gateway,
        CMS_AUTH_ORIGINS: 'https://www.example.com',
        CMS_GATEWAY_REPO: 'https://github.com/demo/site',
        CMS_GATEWAY_PATHS: 'content/**',
        CMS_GATEWAY_TOKEN: 'github_pat_credential_of_the_gateway',
        CMS_GATEWAY_ISSUER: identity.issuer,
        CMS_GATEWAY_CLIENT_ID: identity.clientId,
        CMS_GATEWAY_CLIENT_SECRET: 'ssm:/cms/secret',
        CMS_GATEWAY_EDITORS: 'ann@example.com',
      },
      log: ({ code }) => codes.push(code),
    });
    const jar = new Map<string, string>();
    const ask = async (path: string, query: string) => {
      const reply = await handler({
        method: 'GET',
        path,
        query,
        headers: { cookie: [...jar].map((pair) => pair.join('=')).join('; ') },
        body: () => [],
        platform: { loadPointers: () => Promise.resolve(pointersTo(store)) },
      } as unknown as HttpRequest);
      for (const text of reply.cookies) {
        const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(text) ?? [];
        jar.set(name, value);
      }
      return reply;
    };
    return async (who: string) => {
      const begun = await ask('/git/oauth2/authorize', 'try');
      const back = await visit(String(begun.headers['location']), who);
      await ask('/git/oauth2/callback', back.search.slice(1));
      return codes.at(-1);
    };
  }

  it('is read anew once the provider refuses it: it may have been renewed there', async () => {
    const store = openStore('the-secret-of-before-which-is-over-now');
    const signIn = open(store);
    expect(await signIn('ann')).toBe('BAD_CLIENT_CREDENTIALS');
    store.value = identity.clientSecret;
    expect(await signIn('ann')).toBeUndefined();
    expect(store.forgotten).toBe(1);
  });

  it('stays for whatever else goes wrong', async () => {
    const store = openStore(identity.clientSecret);
    const signIn = open(store);
    expect(await signIn('eve')).toBe('EMAIL_NOT_LISTED');
    expect(await signIn('')).toBe('ACCESS_DENIED');
    expect(store.forgotten).toBe(0);
  });
});
