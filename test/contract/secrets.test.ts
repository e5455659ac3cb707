/**
 * Settings that point to AWS's Parameter Store, read by the real SDK from a store that behaves like the real one and as badly.
 * Each test has a store, a Git host and cold instances of its own; whatever they show of themselves is searched for secrets.
 */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { providers } from '../../functions/auth.ts';
import { createHandler } from '../../lib/hop/handler.ts';
import { firebase } from '../../lib/platforms/firebase.ts';
import { netlify } from '../../lib/platforms/netlify.ts';
import { node } from '../../lib/platforms/node.ts';
import { openParameterStore } from '../../lib/settings/ssm.ts';
import { startGitHub, type GitHubHost } from '../hosts/github.ts';
import { listen } from '../hosts/http.ts';
import { startParameterStore, type ParameterFault, type ParameterStoreHost } from '../hosts/parameters.ts';
import { asDeployed, domain, end, fromSource, start, type Instance, type Way } from './secrets/instances.ts';
import type { errors } from '../errors.ts';
import type { LogEntry } from '../../lib/web/log.ts';
import { codeOf, handOverOf, nextOf } from '../popup.ts';
import type { Environment } from '../../lib/settings/environment.ts';
import type { Reply, Request } from './login.ts';

const site = 'https://www.example.com';
const callback = '/auth/github/callback';
const tokenRequest = 'POST /login/oauth/access_token';
const id = '/cms/github/id';
const secret = '/cms/github/secret';

/** What nobody may see: every secret value here, and AWS's. */
const marked = /marked|4242424242/i;
const account = '424242424242';
const credentials = {
  accessKeyId: 'ASIAMARKEDMARKED1234',
  secretAccessKey: 'marked/aws+secret/access+key',
  sessionToken: 'marked//session+token==',
};

let store: ParameterStoreHost;
let host: GitHubHost;
let outputs: (() => string)[];
let closing: (() => Promise<void>)[];

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() });
  store = await startParameterStore({ account, credentials });
  host = await startGitHub({
    consent: 'always',
    app: {
      name: 'CMS',
      clientId: 'the-client-id',
      clientSecret: 'marked-secret-1',
      redirectUris: [`https://${domain}${callback}`],
    },
  });
  store.put(id, host.app.clientId, 'String');
  store.put(secret, host.app.clientSecret);
  outputs = [];
  closing = [() => store.close(), () => host.close()];
});
afterEach(async () => {
  const seen = outputs.map((output) => output()).join('\n');
  await Promise.all(closing.map((close) => close()));
  vi.unstubAllEnvs();
  vi.useRealTimers();
  expect(seen).not.toMatch(marked);
  for (const value of ['marked-secret-1', 'marked-secret-2', credentials.secretAccessKey])
    expect(seen).not.toContain(btoa(value).slice(0, -4));
  // Whatever is asked of the store is asked in the one way that works.
  expect(store.requests.every(({ decrypted }) => decrypted)).toBe(true);
});

const aws = (): Record<string, string | undefined> => ({
  AWS_ENDPOINT_URL_SSM: store.url,
  AWS_REGION: store.region,
  AWS_ACCESS_KEY_ID: credentials.accessKeyId,
  AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
  AWS_SESSION_TOKEN: credentials.sessionToken,
  AWS_EC2_METADATA_DISABLED: 'true',
  // Nobody's own settings.
  AWS_PROFILE: undefined,
  AWS_CONFIG_FILE: '/nowhere/config',
  AWS_SHARED_CREDENTIALS_FILE: '/nowhere/credentials',
});

const literal = (): Environment => ({
  GITHUB_URL: host.url,
  GITHUB_CLIENT_ID: host.app.clientId,
  CMS_AUTH_ORIGINS: site,
});
const secretOnly = (): Environment => ({ ...literal(), GITHUB_CLIENT_SECRET: `ssm:${secret}` });
const both = (): Environment => ({ ...secretOnly(), GITHUB_CLIENT_ID: `ssm:${id}` });

interface Attempt {
  query: string;
  cookie: string;
}

/** Begins a login and asks the host for its consent. */
async function begin(instance: Pick<Instance, 'ask'>, path = '/auth/github'): Promise<Attempt> {
  const opening = await instance.ask({ path });
  const [cookie = ''] = (opening.cookies.at(-1) ?? '').split(';', 1);
  const begun = await instance.ask({ ...nextOf(opening, site), headers: { cookie } });
  expect(begun.status).toBe(302);
  const consent = await fetch(begun.headers['location'] ?? '', { redirect: 'manual' });
  return {
    query: new URL(consent.headers.get('location') ?? '').search.slice(1),
    cookie,
  };
}

const finish = (instance: Pick<Instance, 'ask'>, { query, cookie }: Attempt) =>
  instance.ask({ path: callback, query, headers: { cookie } });

const login = async (instance: Pick<Instance, 'ask'>) => finish(instance, await begin(instance));

/** Another instance begins, as happens: the one that is asked next is cold. */
async function beginElsewhere(): Promise<Attempt> {
  return begin(await fromSource.open(literal(), {}));
}

const tokenOf = ({ body }: Reply) => /gh[ou]_\w+/.exec(body)?.[0];
const tokenRequests = () => host.requests.filter(({ method, path: at }) => `${method} ${at}` === tokenRequest).length;

function expectToken(reply: Reply) {
  expect(codeOf(reply)).toBeUndefined();
  expect(host.grants.holder(tokenOf(reply) ?? '')).toBeDefined();
}

function expectFailure(reply: Reply, code: keyof typeof errors, ...words: (string | RegExp)[]) {
  expect(codeOf(reply)).toBe(code);
  const { message } = JSON.parse(/\{.*/.exec(handOverOf(reply)?.message ?? '')?.[0] ?? '{}') as { message: string };
  for (const word of words) expect(message).toMatch(word);
  return message;
}

type Open = (settings?: Environment, environment?: Environment) => Promise<Instance>;

/** Also sees to it that nothing is left of an instance, and that nothing that it showed is overlooked. */
const opener =
  (way: Way): Open =>
  async (settings = both(), environment = aws()) => {
    const instance = await way.open(settings, environment);
    outputs.push(() => instance.output());
    closing.push(() => instance.close());
    return {
      ...instance,
      advance(time) {
        // Whose clock is not this process's takes the store's along.
        if (way !== fromSource) store.ahead += time;
        instance.advance(time);
      },
    };
  };

const about = `GITHUB_CLIENT_SECRET points to ssm:${secret}, which`;
const resource = `arn:aws:ssm:eu-central-1:*:parameter${secret}`;
const action = `ssm:GetParameters on ${resource}`;

/** What the owner gets to read: in the window, in the log, and where one looks whether all is ready. */
const teller =
  (open: Open) =>
  async (code: keyof typeof errors, settings = secretOnly(), environment: Environment = aws()) => {
    const attempt = await beginElsewhere();
    const instance = await open(settings, environment);
    const message = expectFailure(await finish(instance, attempt), code);
    expect(instance.log.at(-1)).toMatchObject({ outcome: 'failed', code, message });
    const { status, body } = await instance.ask({ path: callback });
    expect(status).toBe(200);
    expect(body).toContain('GitHub is not ready');
    expect(body.replaceAll('&#34;', '"')).toContain(message);
    expect(tokenRequests()).toBe(0);
    return message;
  };

const toReply = async (response: Response): Promise<Reply> => ({
  status: response.status,
  headers: Object.fromEntries(response.headers),
  cookies: response.headers.getSetCookie(),
  body: await response.text(),
});

async function freePort(): Promise<number> {
  const probe = await listen(() => {});
  await probe.close();
  return Number(new URL(probe.url).port);
}

const deployed = asDeployed();
beforeAll(() => deployed.setUp());
afterAll(() => deployed.tearDown());

describe.each([
  ['from the source', fromSource],
  ['as it is deployed', deployed],
])('Settings in the Parameter Store, on Lambda, %s', (_, way) => {
  const open = opener(way);

  describe('what is asked of the store', () => {
    it('is one call for 50 cold callbacks at once, with everything that they need', async () => {
      store.put('/cms/origins', `${site}\n`, 'String');
      store.put('/cms/refresh', 'bitbucket', 'String');
      const attempts = await Promise.all(Array.from({ length: 50 }, beginElsewhere));
      const instance = await open({
        ...both(),
        CMS_AUTH_ORIGINS: 'ssm:/cms/origins',
        CMS_AUTH_REFRESH: 'ssm:/cms/refresh',
      });
      const replies = await Promise.all(attempts.map((attempt) => finish(instance, attempt)));
      replies.forEach(expectToken);
      expect(new Set(replies.map(tokenOf)).size).toBe(50);
      expect(replies[0]?.body).toContain(site);
      expect(store.requests.map(({ names }) => names.toSorted())).toEqual([
        ['/cms/origins', '/cms/refresh', id, secret].sort(),
      ]);
    });

    it('names a parameter once to which two settings point', async () => {
      store.put('/cms/both', 'the-client-id', 'String');
      host.app.clientSecret = 'the-client-id';
      const attempt = await beginElsewhere();
      const settings = { ...both(), GITHUB_CLIENT_ID: 'ssm:/cms/both', GITHUB_CLIENT_SECRET: 'ssm:/cms/both' };
      expectToken(await finish(await open(settings), attempt));
      expect(store.requests.map(({ names }) => names)).toEqual([['/cms/both']]);
    });

    it('is nothing to begin a login whose id is in the environment', async () => {
      const instance = await open(secretOnly());
      await begin(instance);
      await instance.ask({ path: '/auth' });
      expect(store.requests).toEqual([]);
    });

    it('is the id alone to begin a login whose id is there', async () => {
      store.delete(secret);
      await begin(await open());
      expect(store.requests.map(({ names }) => names)).toEqual([[id]]);
    });

    it('is nothing for a callback without an attempt', async () => {
      const instance = await open(secretOnly());
      const { query, cookie } = await begin(instance);
      const strangers: Partial<Request>[] = [
        { query: 'code=x' },
        { query: 'code=x&state=x', headers: { cookie } },
        { query }, // without its cookie
        { query: query.replace(/state=[^&]{12}/, 'state=AAAAAAAAAAAA'), headers: { cookie } },
        { query: `${query}&code=x`, headers: { cookie } },
        { query: 'error=access_denied' },
        { query: query.replace('code=', 'error='), headers: { cookie } },
      ];
      for (const request of strangers) expect(codeOf(await instance.ask({ path: callback, ...request }))).toBeTruthy();
      await instance.ask({ path: callback, query, method: 'HEAD' });
      expect(store.requests).toEqual([]);
    });

    it('is for a callback without an attempt what it takes to see that, and no word of the rest', async () => {
      const attempt = await beginElsewhere();
      store.delete(secret);
      const settings = { ...both(), CMS_AUTH_ORIGINS: 'ssm:/cms/none', CMS_AUTH_REFRESH: 'ssm:none' };
      const instance = await open(settings);
      expectFailure(await instance.ask({ path: callback, query: 'code=x' }), 'STATE_MISSING');
      expectFailure(await finish(instance, attempt), 'PARAMETER_MISSING', /^GITHUB_CLIENT_SECRET /);
      expect(store.requests.length).toBeLessThanOrEqual(2);
    });

    describe('for a session that is renewed', () => {
      const settings = () => ({
        ...both(),
        CMS_AUTH_ORIGINS: 'ssm:/cms/origins',
        CMS_AUTH_REFRESH: 'ssm:/cms/refresh',
      });
      const renew = (instance: Instance, token: string, origin = site) =>
        instance.ask({
          method: 'POST',
          path: '/auth/github/access_token',
          headers: { origin, 'content-type': 'application/json' },
          body: JSON.stringify({ grant_type: 'refresh_token', refresh_token: token }),
        });

      beforeEach(() => {
        host.expiring = true;
        store.put('/cms/origins', site, 'String');
        store.put('/cms/refresh', 'github', 'String');
      });

      it('is everything, in one call', async () => {
        const attempt = await begin(await fromSource.open(literal(), {}), '/auth/github/authorize');
        const reply = await finish(await open(settings()), attempt);
        const token = /ghr_\w+/.exec(reply.body)?.[0] ?? '';
        store.requests.length = 0;
        const renewed = await renew(await open(settings()), token);
        expect(JSON.parse(renewed.body)).toHaveProperty('access_token');
        expect(store.requests.map(({ names }) => names.toSorted())).toEqual([
          ['/cms/origins', '/cms/refresh', id, secret].sort(),
        ]);
      });

      it.each(['/cms/refresh', secret])('tells the page that %s is missing, and no other page', async (name) => {
        store.delete(name);
        const instance = await open(settings());
        const reply = await renew(instance, 'ghr_none');
        expect(JSON.parse(reply.body)).toMatchObject({ error: 'PARAMETER_MISSING' });
        expect(reply.headers['access-control-allow-origin']).toBe(site);
        const other = await renew(instance, 'ghr_none', 'https://evil.example');
        expect(JSON.parse(other.body)).toMatchObject({ error: 'ORIGIN_NOT_LISTED' });
        expect(tokenRequests()).toBe(0);
      });
    });
  });

  describe('a value', () => {
    it('may end with what copying left behind', async () => {
      store.put(id, ` ${host.app.clientId}\r\n`);
      store.put(secret, `${host.app.clientSecret}\n`);
      expectToken(await login(await open()));
    });

    it('may be one of its versions', async () => {
      store.put(secret, 'marked-secret-2');
      const settings = { ...both(), GITHUB_CLIENT_SECRET: `ssm:${secret}:1` };
      expectToken(await login(await open(settings)));
      store.delete(id);
      const missing = { ...both(), GITHUB_CLIENT_SECRET: `ssm:${secret}:3`, GITHUB_CLIENT_ID: 'the-client-id' };
      const message = expectFailure(await login(await open(missing)), 'PARAMETER_MISSING');
      expect(message).toContain(`ssm:${secret}:3`);
    });

    it('is kept for five minutes', async () => {
      const instance = await open(secretOnly());
      expectToken(await login(instance));
      instance.advance(299_999);
      expectToken(await login(instance));
      expect(store.requests).toHaveLength(1);
      instance.advance(1);
      expectToken(await login(instance));
      expect(store.requests).toHaveLength(2);
    });

    it.each([
      [' 1\n', 1000],
      ['0', 0],
    ])('is kept for %j seconds if the owner says so', async (seconds, time) => {
      const instance = await open({ ...both(), CMS_AUTH_SECRETS_TTL: seconds });
      const attempt = await beginElsewhere();
      expectToken(await finish(instance, attempt));
      if (time > 0) expectToken(await finish(instance, await beginElsewhere()));
      expect(store.requests).toHaveLength(1);
      instance.advance(time);
      expectToken(await finish(instance, await beginElsewhere()));
      expect(store.requests).toHaveLength(2);
    });
  });

  describe('a store that fails', () => {
    const failing = (entry: LogEntry | undefined) => expect(entry).toMatchObject({ code: 'PARAMETER_UNREADABLE' });

    it('once does not fail the login', async () => {
      const instance = await open({ ...secretOnly(), CMS_AUTH_SECRETS_TTL: '0' });
      for (const fault of ['throttle', 'error', 'html503', 'reset'] as const) {
        store.requests.length = 0;
        store.upcoming.push(fault);
        expectToken(await login(instance));
        expect(store.requests, fault).toHaveLength(2);
        expect(instance.log.at(-1)).not.toHaveProperty('warning');
      }
    });

    it('is asked again after two seconds, and not before', async () => {
      store.fault = 'throttle';
      const instance = await open(secretOnly());
      expectFailure(await login(instance), 'PARAMETER_UNREADABLE');
      expect(store.requests).toHaveLength(2); // the one, and the SDK's repetition
      store.fault = undefined;
      for (const time of [0, 1_999]) {
        instance.advance(time);
        expectFailure(await login(instance), 'PARAMETER_UNREADABLE');
        failing(instance.log.at(-1));
      }
      expect(store.requests).toHaveLength(2);
      expect(tokenRequests()).toBe(0);
      instance.advance(1);
      expectToken(await login(instance));
      expect(store.requests).toHaveLength(3);
    });

    it('is not hammered by many at once', async () => {
      store.fault = 'error';
      const instance = await open(secretOnly());
      const attempts = await Promise.all(Array.from({ length: 20 }, beginElsewhere));
      for (const reply of await Promise.all(attempts.map((attempt) => finish(instance, attempt))))
        expectFailure(reply, 'PARAMETER_UNREADABLE');
      expect(store.requests).toHaveLength(2);
    });

    it('leaves what was read before in use, and says so in the log', async () => {
      const instance = await open(secretOnly());
      expectToken(await login(instance));
      expect(instance.log.at(-1)).not.toHaveProperty('warning');
      store.fault = 'throttle';
      instance.advance(300_000);
      expectToken(await login(instance));
      expect(instance.log.at(-1)?.outcome).toBe('ok');
      expect(instance.log.at(-1)?.warning).toMatch(
        /^GITHUB_CLIENT_SECRET points to ssm:\/cms\/github\/secret, which could not be read: .+ still used\.$/,
      );
      expectToken(await login(instance));
      expect(store.requests).toHaveLength(3);
      store.fault = undefined;
      store.put(secret, (host.app.clientSecret = 'marked-secret-2'));
      instance.advance(2_000);
      expectToken(await login(instance));
      expect(instance.log.at(-1)).not.toHaveProperty('warning');
    });

    it('by being down does so likewise, and is found again', async () => {
      const instance = await open(secretOnly());
      expectToken(await login(instance));
      await store.stop();
      instance.advance(300_000);
      expectToken(await login(instance));
      expect(instance.log.at(-1)?.warning).toContain('AWS could not be reached');
      await store.start();
      instance.advance(2_000);
      expectToken(await login(instance));
      expect(instance.log.at(-1)).not.toHaveProperty('warning');
    });

    it('by a parameter that is gone stops what was read before, until it is back', async () => {
      const instance = await open(secretOnly());
      expectToken(await login(instance));
      store.delete(secret);
      instance.advance(300_000);
      expectFailure(await login(instance), 'PARAMETER_MISSING');
      store.fault = 'throttle';
      instance.advance(2_000);
      expectFailure(await login(instance), 'PARAMETER_UNREADABLE');
      store.fault = undefined;
      store.put(secret, host.app.clientSecret);
      instance.advance(2_000);
      expectToken(await login(instance));
    });

    it('by a blank parameter is asked again as soon', async () => {
      store.put(secret, ' \n');
      const instance = await open(secretOnly());
      expectFailure(await login(instance), 'PARAMETER_EMPTY');
      store.put(secret, host.app.clientSecret);
      instance.advance(2_000);
      expectToken(await login(instance));
    });
  });

  describe('a secret that was renewed', () => {
    const renew = (value = 'marked-secret-2') => {
      host.app.clientSecret = value;
      store.put(secret, value);
    };

    it('costs one login, without the code being sent twice', async () => {
      const instance = await open();
      expectToken(await login(instance));
      renew();
      const before = tokenRequests();
      expectFailure(await login(instance), 'BAD_CLIENT_CREDENTIALS');
      for (let i = 0; i < 3; i++) expectToken(await login(instance));
      expect(tokenRequests()).toBe(before + 4);
    });

    it('fails what is under way, and nothing after it', async () => {
      const instance = await open(secretOnly());
      expectToken(await login(instance));
      const attempts = await Promise.all(Array.from({ length: 10 }, () => begin(instance)));
      const late = await begin(instance);
      renew();
      host.delay = 50;
      for (const reply of await Promise.all(attempts.map((attempt) => finish(instance, attempt))))
        expectFailure(reply, 'BAD_CLIENT_CREDENTIALS');
      expectToken(await finish(instance, late));
      expect(store.requests).toHaveLength(2);
    });

    it('is found as soon as it is in the store, too', async () => {
      const instance = await open(secretOnly());
      expectToken(await login(instance));
      host.app.clientSecret = 'marked-secret-2';
      for (let i = 0; i < 2; i++) expectFailure(await login(instance), 'BAD_CLIENT_CREDENTIALS');
      renew();
      expectToken(await login(instance));
    });

    it('is found for a session that is renewed, too', async () => {
      host.expiring = true;
      const instance = await open({ ...secretOnly(), CMS_AUTH_REFRESH: 'github' });
      expectToken(await login(instance));
      renew();
      const ask = () =>
        instance.ask({
          method: 'POST',
          path: '/auth/github/access_token',
          headers: { origin: site, 'content-type': 'application/json' },
          body: JSON.stringify({ refresh_token: 'ghr_none' }),
        });
      expect(JSON.parse((await ask()).body)).toMatchObject({ error: 'BAD_CLIENT_CREDENTIALS' });
      expect(JSON.parse((await ask()).body)).toMatchObject({ error: 'REFRESH_REJECTED' });
    });
  });

  describe('tells its owner', () => {
    const tell = teller(open);

    it('what does not exist, and where', async () => {
      store.delete(secret);
      expect(await tell('PARAMETER_MISSING')).toContain(`${about} does not exist in eu-central-1.`);
    });

    it('what is blank', async () => {
      store.put(secret, ' ');
      expect(await tell('PARAMETER_EMPTY')).toContain(`${about} is empty.`);
    });

    it('what cannot be read, in as many ways', async () => {
      const ways: [ParameterFault, string][] = [
        ['expired', `AWS does not accept the credentials; what is needed are some with ${action}.`],
        ['ciphertext', `the role of this function lacks kms:Decrypt on the key that encrypts ${resource}.`],
        ['keyDisabled', 'the key that encrypts it cannot be used any more.'],
        ['silent', `the role of this function lacks ${action}.`],
        ['number', `the role of this function lacks ${action}.`],
        ['throttle', 'AWS refuses more reads for the moment.'],
        ['error', 'AWS answered with an error (500).'],
        ['html', 'AWS answered with an error (200).'],
        ['html503', 'AWS answered with an error (503).'],
        ['null', 'AWS left it out of its answer.'],
        ['leftOut', 'AWS left it out of its answer.'],
        ['numbers', 'AWS left it out of its answer.'],
        ['nothings', 'AWS answered with an error (no answer).'],
        ['reset', 'AWS could not be reached.'],
      ];
      const instance = await open(secretOnly());
      for (const [fault, words] of ways) {
        store.fault = fault;
        const message = expectFailure(await login(instance), 'PARAMETER_UNREADABLE');
        expect(message, fault).toContain(`${about} could not be read: ${words}`);
        instance.advance(2_000);
      }
      store.fault = undefined;
      expectToken(await login(instance)); // whatever it was, it is over
    });

    it('that the store is down', async () => {
      await store.stop();
      const message = await tell('PARAMETER_UNREADABLE');
      expect(message).toContain(`${about} could not be read: AWS could not be reached.`);
    });

    it('which right on which parameter is lacking', async () => {
      store.denied.add(secret);
      expect(await tell('PARAMETER_UNREADABLE')).toContain(`the role of this function lacks ${action}.`);
      expect(await tell('PARAMETER_UNREADABLE', both())).toContain(`the role of this function lacks ${action}.`);
    });

    it('that the key may not be used', async () => {
      store.undecryptable.add(secret);
      expect(await tell('PARAMETER_UNREADABLE')).toContain('the role of this function lacks kms:Decrypt on the key');
    });

    it('that all is well', async () => {
      const { body } = await (await open()).ask({ path: callback });
      expect(body).toContain('GitHub is ready');
      expect(store.requests).toHaveLength(1);
    });
  });
});

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
    const hop = createHandler(providers, { env, log: (entry) => log.push(entry) });
    const server = await listen((request, response) =>
      through === 'node'
        ? node(hop)(request, response)
        : firebase(hop)(Object.assign(request, { originalUrl: request.url ?? '' }), response),
    );
    closing.push(() => server.close());
    outputs.push(() => JSON.stringify([log, replies]));
    const ask: Instance['ask'] = async ({ path = '', query = '', headers = {} }) => {
      const address = `${path}${query && `?${query}`}`;
      const response =
        through === 'netlify'
          ? await netlify(hop)(new Request(`https://${domain}${address}`, { headers }))
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

describe('The Parameter Store', () => {
  const limits = { timeToLive: 300_000, deadline: Infinity };
  const names = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => `/many/${from + i}`);

  beforeEach(() => {
    for (const [name, value] of Object.entries(aws())) vi.stubEnv(name, value);
    for (const name of names(0, 30)) store.put(name, `marked${name}`);
  });

  it('is read in calls of ten names, of which each succeeds or fails for itself', async () => {
    store.delete('/many/3');
    store.denied.add('/many/13');
    const found = await openParameterStore().read(names(0, 23), limits);
    expect(store.requests.map((request) => request.names.length).sort()).toEqual([10, 10, 3]);
    for (const name of names(0, 23)) {
      const number = Number(name.slice(6));
      const { value, problem } = found.get(name) ?? {};
      if (number === 3) expect(problem).toEqual({ code: 'PARAMETER_MISSING', fill: { region: store.region } });
      else if (number >= 10 && number < 20) expect(problem?.fill['detail']).toMatch(/:parameter\/many\/13$/);
      else expect(value).toBe(`marked${name}`);
    }
  });

  it('is asked by many at once for nothing twice', async () => {
    const parameters = openParameterStore();
    const spans = [names(0, 8), names(4, 12), names(0, 12), names(11, 14), ['/many/2', '/many/2']];
    const found = await Promise.all(spans.map((span) => parameters.read(span, limits)));
    found.forEach((one, i) => spans[i]?.forEach((name) => expect(one.get(name)?.value).toBe(`marked${name}`)));
    const asked = store.requests.map((request) => request.names).sort(([a = ''], [b = '']) => (a < b ? -1 : 1));
    expect(asked).toEqual([names(0, 8), names(12, 14), names(8, 12)]);
  });

  it('is waited for no longer than there is time', async () => {
    store.fault = 'hang';
    const found = await openParameterStore().read(['/many/1'], { ...limits, deadline: Date.now() + 50 });
    expect(found.get('/many/1')?.problem?.fill['detail']).toBe('AWS did not answer in time');
  });

  it('may be slow', async () => {
    store.delay = 100;
    const found = await openParameterStore().read(['/many/1'], limits);
    expect(found.get('/many/1')?.value).toBe('marked/many/1');
  });

  it('has a value read anew that is distrusted, and no newer one', async () => {
    const parameters = openParameterStore();
    const read = async () => (await parameters.read(['/many/1'], limits)).get('/many/1')?.value;
    await read();
    store.put('/many/1', 'marked-new');
    parameters.distrust('/many/1', 'marked/many/1');
    expect(await read()).toBe('marked-new');
    parameters.distrust('/many/1', 'marked/many/1');
    expect(await read()).toBe('marked-new');
    expect(store.requests).toHaveLength(2);
  });
});

describe('What is deployed', () => {
  const open = opener(deployed);
  const text = async (file: string) => readFile(join(deployed.folder, 'dist', file), 'utf8');
  const functions = async () => (await readdir('functions')).map((file) => file.replace(/ts$/, 'mjs')).sort();
  // Of the SDK's: the service it asks for and the signature it makes.
  const sdk = /AmazonSSM|aws4_request/;

  it('on Lambda has the AWS SDK in a file of its own', async () => {
    expect(await text('lambda/ssm.mjs')).toMatch(sdk);
    for (const name of await functions()) {
      const source = await text(`lambda/${name}`);
      expect(source).not.toMatch(sdk);
      expect(source).toContain('./ssm.mjs');
    }
  });

  it('on Netlify and Firebase has neither', async () => {
    expect((await readdir(join(deployed.folder, 'dist/netlify'))).sort()).toEqual(await functions());
    for (const folder of ['netlify', 'firebase'])
      for (const name of await readdir(join(deployed.folder, 'dist', folder)))
        expect(await text(`${folder}/${name}`)).not.toMatch(/AmazonSSM|aws4_request|ssm\.mjs/);
  });

  it('begins a login without the SDK and without the OAuth library, and ends it without Node’s fetch', async () => {
    const bare = join(deployed.folder, 'bare');
    await mkdir(join(bare, 'dist/lambda'), { recursive: true });
    for (const file of ['clock.mjs', 'runtime.mjs', 'package.json', 'dist/lambda/auth.mjs'])
      await cp(join(deployed.folder, file), join(bare, file));
    const instance = await deployed.open(secretOnly(), aws(), bare);
    outputs.push(() => instance.output());
    closing.push(() => instance.close());
    const attempt = await begin(instance);
    const stack = /undici|internal.deps.*fetch/;
    const loads = ({ loaded }: { loaded: string[] }) => loaded.some((name) => stack.test(name));
    expect(loads(instance)).toBe(false);
    expect(store.requests).toEqual([]);
    // Which proves something, because what comes back needs them.
    expectFailure(await finish(instance, attempt), 'INTERNAL');
    const whole = await deployed.open(secretOnly(), aws());
    outputs.push(() => whole.output());
    closing.push(() => whole.close());
    expectToken(await login(whole));
    expect(loads(whole)).toBe(false);
    // It would be noticed.
    const touching = await promisify(execFile)(process.execPath, [
      '-p',
      'new Response(); process.moduleLoadList.join()',
    ]);
    expect(touching.stdout).toMatch(stack);
  });

  it('finds out by itself that there are no credentials', async () => {
    const none = { AWS_ACCESS_KEY_ID: undefined, AWS_SECRET_ACCESS_KEY: undefined, AWS_SESSION_TOKEN: undefined };
    const reply = await login(await open(secretOnly(), { ...aws(), ...none }));
    expectFailure(reply, 'PARAMETER_UNREADABLE', /there are no AWS credentials here/);
    expect(store.requests).toEqual([]);
  });

  it('can be bundled once more, since nothing in it has to be found elsewhere', async () => {
    const { errors: found } = await build({
      entryPoints: [join(deployed.folder, 'dist/lambda/auth.mjs')],
      bundle: true,
      platform: 'node',
      format: 'esm',
      write: false,
      outdir: 'out',
    });
    expect(found).toEqual([]);
  });

  it('asks for credentials where a function gets an address instead of them', async () => {
    const { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, sessionToken: Token } = credentials;
    const Expiration = new Date(Date.now() + 3_600_000).toISOString();
    const keeper = await listen(({ headers }, response) => {
      response.writeHead(headers.authorization === 'marked-authorization' ? 200 : 403);
      response.end(JSON.stringify({ AccessKeyId, SecretAccessKey, Token, Expiration }));
    });
    closing.push(() => keeper.close());
    const instead = {
      AWS_ACCESS_KEY_ID: undefined,
      AWS_SECRET_ACCESS_KEY: undefined,
      AWS_SESSION_TOKEN: undefined,
      AWS_CONTAINER_CREDENTIALS_FULL_URI: `${keeper.url}/`,
      AWS_CONTAINER_AUTHORIZATION_TOKEN: 'marked-authorization',
    };
    expectToken(await login(await open(secretOnly(), { ...aws(), ...instead })));
  });

  it('has no code that looks for credentials anywhere else', async () => {
    const elsewhere = /child_process|sso_start_url|AssumeRoleWithWebIdentity|security-credentials/;
    expect(elsewhere.exec(await text('lambda/ssm.mjs'))?.[0]).toBeUndefined();
  });

  it('waits four seconds at the most for the store: with an old value the login succeeds, without one it ends in words', async () => {
    const [warm, cold] = [await open(secretOnly()), await open(secretOnly())];
    expectToken(await login(warm));
    warm.advance(300_000);
    store.fault = 'hang';
    const began = performance.now();
    const [served, refused] = await Promise.all([login(warm), login(cold)]);
    expect(performance.now() - began).toBeLessThan(8_000);
    expectToken(served);
    expect(warm.log.at(-1)?.warning).toContain('AWS did not answer in time');
    expectFailure(refused, 'PARAMETER_UNREADABLE', /AWS did not answer in time/);
  });
});

describe('Settings in the Parameter Store, on a server of one’s own', () => {
  /** Runs until it listens or gives up. */
  async function serve(settings: Environment, environment: Environment = aws()) {
    const port = await freePort();
    host.app.redirectUris.push(`http://localhost:${port}${callback}`);
    const { child, written } = start('dist/node/start.mjs', {
      folder: deployed.folder,
      env: { ...environment, ...settings, PORT: String(port) },
      args: ['--import', pathToFileURL(join(deployed.folder, 'clock.mjs')).href],
    });
    const replies: unknown[] = [];
    outputs.push(() => JSON.stringify([replies, written]));
    closing.push(() => end(child));
    let closed = false;
    const ended = once(child, 'close').then(() => (closed = true));
    while (!written.stdout.includes('listens') && !closed)
      await Promise.race([ended, once(child.stdout ?? child, 'data')]);
    const ask: Instance['ask'] = async ({ path: at, query, headers = {} }) => {
      const address = `http://localhost:${port}${at}${query ? `?${query}` : ''}`;
      const response = await fetch(address, { headers, redirect: 'manual' });
      const reply = await toReply(response);
      replies.push(reply);
      return reply;
    };
    const advance = (time: number) => {
      store.ahead += time;
      child.send({ advance: time });
    };
    return { ask, advance, written, child };
  }

  it('are found with the credentials of a profile, kept, and read anew when they were renewed', async () => {
    const folder = join(deployed.folder, '.aws');
    await mkdir(folder, { recursive: true });
    await writeFile(
      join(folder, 'credentials'),
      `[the-profile]\naws_access_key_id=${credentials.accessKeyId}\naws_secret_access_key=${credentials.secretAccessKey}\naws_session_token=${credentials.sessionToken}\n`,
    );
    await writeFile(join(folder, 'config'), `[profile the-profile]\nregion=${store.region}\n`);
    const server = await serve(both(), { AWS_ENDPOINT_URL_SSM: store.url, AWS_PROFILE: 'the-profile' });
    const calls = store.requests.length;
    expectToken(await login(server));
    expectToken(await login(server));
    expect(store.requests).toHaveLength(calls);
    store.put(secret, (host.app.clientSecret = 'marked-secret-2'));
    expectFailure(await login(server), 'BAD_CLIENT_CREDENTIALS');
    expectToken(await login(server));
  });

  it('are looked at before it starts', async () => {
    store.delete(secret);
    store.put(id, ' ');
    const { child, written } = await serve({ ...both(), CMS_AUTH_PAGE: 'ssm:page', CMS_AUTH_SECRETS_TTL: 'soon' });
    expect(child.exitCode).toBe(1);
    expect(written.stderr).toContain('CMS_AUTH_PAGE cannot be used: write ssm:');
    expect(written.stderr).toContain('CMS_AUTH_SECRETS_TTL cannot be used');
  });

  it('name what is missing and what is empty', async () => {
    store.delete(secret);
    store.put(id, ' ');
    const { child, written } = await serve(both());
    expect(child.exitCode).toBe(1);
    expect(written.stderr).toContain(`GITHUB_CLIENT_ID points to ssm:${id}, which is empty.`);
    expect(written.stderr).toContain(`${about} does not exist in eu-central-1.`);
  });

  it('may be out of reach for the moment', async () => {
    await store.stop();
    const server = await serve(secretOnly());
    expectFailure(await login(server), 'PARAMETER_UNREADABLE');
    expect(server.written.stdout).toContain(`For the moment, logins fail: ${about} could not be read: AWS could not`);
    await store.start();
    server.advance(2_000);
    expectToken(await login(server));
  });
});
