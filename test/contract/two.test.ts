/** Two applications with two configurations in one process, asked in turns: neither gets anything of the other. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createLogin, type App } from '../../lib/index.ts';
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
