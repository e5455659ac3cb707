/**
 * Settings that point to AWS's Parameter Store, read by the real SDK from a store that behaves like the real one and as badly.
 * Each test has a store, a Git host and cold instances of its own; whatever they show of themselves is searched for secrets.
 */
import { afterAll, afterEach, beforeAll, beforeEach, expect, vi } from 'vitest';
import { startGitHub, type GitHubHost } from '../../hosts/github.ts';
import { startParameterStore, type ParameterStoreHost } from '../../hosts/parameters.ts';
import { asDeployed, domain, fromSource, type Instance, type Way } from './instances.ts';
import type { errors } from '../../errors.ts';
import { codeOf, popupResultOf, nextOf } from '../../popup.ts';
import { forOwner } from '../../../lib/http/for-owner.ts';
import type { Environment } from '../../../lib/config/environment.ts';
import type { Reply } from '../login.ts';

export const site = 'https://www.example.com';
export const callback = '/auth/github/callback';
const tokenRequest = 'POST /login/oauth/access_token';
export const id = '/cms/github/id';
export const secret = '/cms/github/secret';

/** What nobody may see: every secret value here, and AWS's. */
const marked = /marked|4242424242/i;
const account = '424242424242';
export const credentials = {
  accessKeyId: 'ASIAMARKEDMARKED1234',
  secretAccessKey: 'marked/aws+secret/access+key',
  sessionToken: 'marked//session+token==',
};

export let store: ParameterStoreHost;
export let host: GitHubHost;
export let outputs: (() => string)[];
export let closing: (() => Promise<void>)[];

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

export const aws = (): Record<string, string | undefined> => ({
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

export const literal = (): Environment => ({
  GITHUB_URL: host.url,
  GITHUB_CLIENT_ID: host.app.clientId,
  CMS_AUTH_ORIGINS: site,
});
export const secretOnly = (): Environment => ({ ...literal(), GITHUB_CLIENT_SECRET: `ssm:${secret}` });
export const both = (): Environment => ({ ...secretOnly(), GITHUB_CLIENT_ID: `ssm:${id}` });

export interface Attempt {
  query: string;
  cookie: string;
}

/** Begins a login and asks the host for its consent. */
export async function begin(instance: Pick<Instance, 'ask'>, path = '/auth/github'): Promise<Attempt> {
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

export const finish = (instance: Pick<Instance, 'ask'>, { query, cookie }: Attempt) =>
  instance.ask({ path: callback, query, headers: { cookie } });

export const login = async (instance: Pick<Instance, 'ask'>) => finish(instance, await begin(instance));

/** Another instance begins, as happens: the one that is asked next is cold. */
export async function beginElsewhere(): Promise<Attempt> {
  return begin(await fromSource.open(literal(), {}));
}

export const tokenOf = ({ body }: Reply) => /gh[ou]_\w+/.exec(body)?.[0];
export const tokenRequests = () =>
  host.requests.filter(({ method, path: at }) => `${method} ${at}` === tokenRequest).length;

export function expectToken(reply: Reply) {
  expect(codeOf(reply)).toBeUndefined();
  expect(host.grants.holder(tokenOf(reply) ?? '')).toBeDefined();
}

export function expectFailure(reply: Reply, code: keyof typeof errors, ...words: (string | RegExp)[]) {
  expect(codeOf(reply)).toBe(code);
  const { message } = JSON.parse(/\{.*/.exec(popupResultOf(reply)?.message ?? '')?.[0] ?? '{}') as { message: string };
  for (const word of words) expect(message).toMatch(word);
  return message;
}

export type Open = (settings?: Environment, environment?: Environment) => Promise<Instance>;

/** Also sees to it that nothing is left of an instance, and that nothing that it showed is overlooked. */
export const opener =
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

export const about = `GITHUB_CLIENT_SECRET points to ssm:${secret}, which`;
export const resource = `arn:aws:ssm:eu-central-1:*:parameter${secret}`;
export const action = `ssm:GetParameters on ${resource}`;

/** What the owner gets to read: in the window, in the log, and where one looks whether all is ready. */
export const teller =
  (open: Open) =>
  async (code: keyof typeof errors, settings = secretOnly(), environment: Environment = aws()) => {
    const attempt = await beginElsewhere();
    const instance = await open(settings, environment);
    const message = expectFailure(await finish(instance, attempt), code);
    expect(instance.log.at(-1)).toMatchObject({ outcome: 'failed', code, message });
    const { status, body } = await instance.ask({ path: callback });
    expect(status).toBe(200);
    expect(body).toContain('GitHub is not ready');
    expect(body.replaceAll('&#34;', '"')).toContain(forOwner(message));
    expect(tokenRequests()).toBe(0);
    return message;
  };

export const toReply = async (response: Response): Promise<Reply> => ({
  status: response.status,
  headers: Object.fromEntries(response.headers),
  cookies: response.headers.getSetCookie(),
  body: await response.text(),
});

export const deployed = asDeployed();

/** For files that use it: to build takes a while. */
export function buildOnce(): void {
  beforeAll(() => deployed.setUp(), 60_000);
  afterAll(() => deployed.tearDown());
}
