/** Settings in the Parameter Store that cannot be used: each is refused in words, on every platform. */
import { describe, expect, it } from 'vitest';
import { providers } from '../../functions/auth.ts';
import { createHandler } from '../../lib/login/handler.ts';
import { firebase } from '../../lib/platforms/firebase.ts';
import { netlify } from '../../lib/platforms/netlify.ts';
import { node } from '../../lib/platforms/node.ts';
import { listen } from '../hosts/http.ts';
import { fromSource, type Instance, domain } from './secrets/instances.ts';
import type { LogEntry } from '../../lib/http/log.ts';
import type { Environment } from '../../lib/config/environment.ts';
import type { Reply } from './login.ts';
import {
  secret,
  aws,
  secretOnly,
  both,
  finish,
  tokenRequests,
  opener,
  about,
  action,
  teller,
  toReply,
  begin,
  beginElsewhere,
  expectFailure,
  store,
  outputs,
  closing,
  literal,
} from './secrets/world.ts';

describe('Settings that cannot be used', () => {
  const open = opener(fromSource);
  const tell = teller(open);

  it.each(['x', '-1', '1.5', '1e3', '0x10', '1234567', 'ssm:/cms/ttl'])(
    'are not read when they are to be kept for %j',
    async (seconds) => {
      const attempt = await beginElsewhere();
      const reply = await finish(await open({ ...both(), CMS_AUTH_SECRETS_TTL: seconds }), attempt);
      const message = expectFailure(reply, 'SETTING_INVALID', /^CMS_AUTH_SECRETS_TTL /);
      if (seconds.length > 1) expect(message).not.toContain(seconds);
      expect(store.requests).toEqual([]);
    },
  );

  it.each([
    'ssm:',
    'ssm:x',
    'ssm:/',
    'ssm:/a b',
    'ssm://x',
    'ssm:/x/',
    ' ssm:/x:',
    'ssm:/ä',
    'ssm:/x"><b>',
    'ssm:/x\n/y',
  ])('are pointers that are none: %j', async (pointer) => {
    const message = await tell('SETTING_INVALID', { ...literal(), GITHUB_CLIENT_SECRET: pointer });
    expect(message).toMatch(/^GITHUB_CLIENT_SECRET cannot be used: write ssm: and the whole name/);
    expect(store.requests).toEqual([]);
  });

  it.each<[string, Record<string, string | undefined>, string]>([
    [
      'no credentials',
      { AWS_ACCESS_KEY_ID: undefined, AWS_SECRET_ACCESS_KEY: undefined, AWS_SESSION_TOKEN: undefined },
      `there are no AWS credentials here; what is needed are some with ${action}`,
    ],
    ['a wrong key', { AWS_SECRET_ACCESS_KEY: 'marked-wrong' }, 'AWS does not accept the credentials'],
    ['an unknown key', { AWS_ACCESS_KEY_ID: 'ASIAMARKEDWRONG' }, 'AWS does not accept the credentials'],
    ['no session', { AWS_SESSION_TOKEN: undefined }, 'AWS does not accept the credentials'],
    ['another region', { AWS_REGION: 'eu-west-9' }, 'AWS does not accept the credentials'],
    ['no region', { AWS_REGION: undefined }, 'no region is set; set AWS_REGION'],
    ['no such region', { AWS_REGION: 'marked region' }, 'AWS_REGION is not the name of a region'],
  ])('are told from a lack of anything else: %s', async (_name, environment, words) => {
    const message = await tell('PARAMETER_UNREADABLE', secretOnly(), { ...aws(), ...environment });
    expect(message).toContain(`${about} could not be read: ${words}`);
  });

  it('say which right is lacking where only one version is meant: that to the parameter', async () => {
    store.denied.add(secret);
    const settings = { ...literal(), GITHUB_CLIENT_SECRET: `ssm:${secret}:1` };
    expect(await tell('PARAMETER_UNREADABLE', settings)).toContain(`the role of this function lacks ${action}.`);
  });

  it('say which right is lacking where a name looks like that of another', async () => {
    const name = '/cms/kms/secret';
    store.denied.add(name);
    const settings = { ...literal(), GITHUB_CLIENT_SECRET: `ssm:${name}` };
    expect(await tell('PARAMETER_UNREADABLE', settings)).toContain(
      `lacks ssm:GetParameters on arn:aws:ssm:eu-central-1:*:parameter${name}.`,
    );
  });

  it('are those of a parameter that holds another pointer', async () => {
    store.put(secret, 'ssm:/marked/elsewhere');
    expect(await tell('SETTING_INVALID')).toMatch(/^GITHUB_CLIENT_SECRET /);
  });

  /** As on platforms where nobody can read the store. */
  async function withoutStore(settings: Environment, through: 'netlify' | 'firebase' | 'node') {
    const log: LogEntry[] = [];
    const replies: Reply[] = [];
    const env = { CMS_AUTH_URL: `https://${domain}`, ...settings };
    const loginServer = createHandler(providers, { env, log: (entry) => log.push(entry) });
    const server = await listen((request, response) =>
      through === 'node'
        ? node(loginServer)(request, response)
        : firebase(loginServer)(Object.assign(request, { originalUrl: request.url ?? '' }), response),
    );
    closing.push(() => server.close());
    outputs.push(() => JSON.stringify([log, replies]));
    const ask: Instance['ask'] = async ({ path = '', query = '', headers = {} }) => {
      const address = `${path}${query && `?${query}`}`;
      const response =
        through === 'netlify'
          ? await netlify(loginServer)(new Request(`https://${domain}${address}`, { headers }))
          : await fetch(server.url + address, { headers, redirect: 'manual' });
      const reply = await toReply(response);
      replies.push(reply);
      return reply;
    };
    return { ask, log };
  }

  it.each(['netlify', 'firebase', 'node'] as const)(
    'are those of the Parameter Store where there is none: %s',
    async (through) => {
      for (const [settings, setting] of [
        [both(), 'GITHUB_CLIENT_ID'],
        [{ ...literal(), GITHUB_CLIENT_SECRET: 'marked-secret-1', GITHUB_SCOPE: 'ssm:/cms/scope' }, 'GITHUB_SCOPE'],
      ] as const) {
        const { ask, log } = await withoutStore(settings, through);
        const message = expectFailure(await ask({ path: '/auth/github' }), 'SETTING_INVALID');
        expect(message).toMatch(new RegExp(`^${setting} cannot be used: it points to the AWS Parameter Store`));
        expect(log.at(-1)).toMatchObject({ code: 'SETTING_INVALID', message });
      }
      const { ask } = await withoutStore(secretOnly(), through);
      const message = expectFailure(await finish({ ask }, await begin({ ask })), 'SETTING_INVALID');
      expect(message).toMatch(/^GITHUB_CLIENT_SECRET cannot be used: it points to the AWS Parameter Store/);
      expect(tokenRequests()).toBe(0);
      expect(store.requests).toEqual([]);
    },
  );
});
