/** Two applications with two configurations in one process, asked in turns: neither gets anything of the other. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createGateway, createLogin, type App } from '../../lib/index.ts';
import { nextOf, tokenOf } from '../popup.ts';
import { startGitHub, type GitHubHost } from '../hosts/github.ts';

const addresses = ['https://one.example', 'https://two.example'];
let hosts: GitHubHost[];
let logins: App[];

beforeAll(async () => {
  hosts = await Promise.all([startGitHub(), startGitHub()]);
  logins = hosts.map((host, i) => {
    const address = addresses[i] ?? '';
    host.consent = 'always';
    host.app.clientId = `client-${i}`;
    host.app.redirectUris.push(`${address}/auth/github/callback`);
    return createLogin({
      settings: {
        CMS_AUTH_URL: address,
        CMS_AUTH_ORIGINS: `https://www.${i}.example`,
        GITHUB_URL: host.url,
        GITHUB_CLIENT_ID: host.app.clientId,
        GITHUB_CLIENT_SECRET: host.app.clientSecret,
      },
      log: () => {},
    });
  });
});
afterAll(() => Promise.all(hosts.map((host) => host.close())));

it('two logins that take their steps in turns end each at its own host, with a token for its own page', async () => {
  const runs = logins.map((app, i) => ({ app, i, cookie: '', url: '', token: '' }));
  const ask = (run: (typeof runs)[number], url: string) =>
    run.app.fetch(new Request(url, { headers: run.cookie === '' ? {} : { cookie: run.cookie } }));
  for (const run of runs) {
    const opened = await ask(run, `${addresses[run.i]}/auth?provider=github`);
    run.cookie = opened.headers.getSetCookie().at(-1)?.split(';', 1)[0] ?? '';
    run.url = nextOf({ body: await opened.text() }, `https://www.${run.i}.example`).url;
    expect(run.url).toContain(addresses[run.i]);
  }
  for (const run of runs) {
    run.url = (await ask(run, run.url)).headers.get('location') ?? '';
    expect(run.url).toContain(
      `${hosts[run.i]?.url}/login/oauth/authorize?response_type=code&client_id=client-${run.i}&`,
    );
  }
  for (const run of runs) run.url = (await fetch(run.url, { redirect: 'manual' })).headers.get('location') ?? '';
  for (const run of runs) run.token = tokenOf({ body: await (await ask(run, run.url)).text() }) ?? '';
  expect(new Set(runs.map(({ token }) => token)).size).toBe(2);
  for (const { token, i } of runs) {
    expect(token).not.toBe('');
    expect(hosts[i]?.requests.filter(({ path }) => path === '/login/oauth/access_token')).toHaveLength(1);
  }
});

// Sign-ins of an application's own have addresses that look like ours, and the gateway's popup is one of them.
it.each([
  ['/api/auth?provider=google', undefined],
  ['/api/auth/google?provider=google', undefined],
  ['/git/auth?provider=github', undefined],
  ['//auth?provider=github', undefined],
  ['/auth?provider=github', 200],
  ['/auth/unknown?provider=unknown', 400],
] as const)('a login leaves what is not its own to the application: %s', async (path, status) => {
  const reply = await logins[0]?.respond(new Request(addresses[0] + path));
  expect(reply?.status).toBe(status);
});

it('a login and a gateway beside each other answer each at its own addresses, whichever is asked first', async () => {
  const gateway = createGateway({ settings: { CMS_AUTH_URL: addresses[0] }, log: () => {} });
  for (const apps of [
    [...logins.slice(0, 1), gateway],
    [gateway, ...logins.slice(0, 1)],
  ]) {
    const answer = async (path: string) => {
      for (const app of apps) {
        const reply = await app.respond(new Request(addresses[0] + path));
        if (reply) return reply.text();
      }
      return undefined;
    };
    expect(await answer('/git/auth?provider=github')).toContain('CMS_GATEWAY_');
    expect(await answer('/auth?provider=github')).toContain('authorizing:github');
    expect(await answer('/elsewhere')).toBeUndefined();
  }
});

it('an application’s log is called with an entry and nothing else', async () => {
  const calls: unknown[][] = [];
  const app = createLogin({ settings: {}, log: (...all: unknown[]) => void calls.push(all) });
  await app.fetch(new Request('https://one.example/auth/nothing'));
  expect(calls).toEqual([[expect.objectContaining({ event: 'none' })]]);
});
