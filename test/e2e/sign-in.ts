/** Who has a part in an editor's sign-in, besides the gateway itself: a Git host, a provider with people in it, a page with Decap CMS. */
import type { Page } from 'playwright-core';
import { expect } from 'vitest';
import { drivers } from '../cms/drive.ts';
import type { CmsConfig } from '../cms/page.ts';
import { startCmsSite } from '../cms/server.ts';
import { startGitHub } from '../hosts/github.ts';
import { startIdentity } from '../hosts/identity.ts';

const driver = drivers.decap;

export type SignInWorld = Awaited<ReturnType<typeof startSignIn>>;

export async function startSignIn() {
  const config: CmsConfig = { backend: {} };
  const [host, identity, site] = await Promise.all([
    startGitHub(),
    startIdentity({ redirectUris: [] }),
    startCmsSite({ cms: 'decap', path: '/admin/', config }),
  ]);
  const grant = { clientId: '', user: host.user.login, scopes: ['repo'], redirectUri: '', challenge: undefined };
  const credential = host.grants.issueTokens(grant, { accessPrefix: 'github_pat_' }).accessToken;
  return {
    host,
    identity,
    site,
    credential,
    /** The gateway's, but for its own address. */
    settings: {
      CMS_AUTH_ORIGINS: site.url,
      CMS_GATEWAY_REPO: `${host.url}/${host.repository.fullName}`,
      CMS_GATEWAY_PATHS: 'content/**, static/images/**',
      CMS_GATEWAY_TOKEN: credential,
      CMS_GATEWAY_ISSUER: identity.issuer,
      CMS_GATEWAY_CLIENT_ID: identity.clientId,
      CMS_GATEWAY_CLIENT_SECRET: identity.clientSecret,
      CMS_GATEWAY_EDITORS: 'ann@example.com,@example.org',
      GITHUB_URL: host.url,
    },
    /** What an owner does with the gateway's address: it is registered at the provider, and the CMS is told. */
    introduce(url: string) {
      identity.register(`${url}/git/oauth2/callback`);
      config.backend = {
        name: 'git-gateway',
        auth_type: 'pkce',
        branch: 'main',
        gateway_url: `${url}/git`,
        status_endpoint: `${url}/git/status`,
      };
      config.auth = { base_url: `${url}/git`, app_id: 'cms', full_name_claim: 'name' };
    },
    close: async () => void (await Promise.all([site.close(), identity.close(), host.close()])),
  };
}

/** From the CMS's page. */
export async function login(page: Page, who: string): Promise<void> {
  await page.getByRole('button', { name: 'Login' }).click();
  await page.getByRole('button', { name: who }).click();
}

/**
 * Ann signs in, changes a post and publishes it; and her browser is looked through for what it should not have.
 *
 * @param url of the gateway
 */
export async function editAndPublish(page: Page, { host, identity, site, credential }: SignInWorld, url: string) {
  const title = `Written by Ann at ${url}`;
  await page.goto(`${site.url}/admin/`);
  await login(page, 'Ann Example');
  await driver.loggedIn(page);
  expect(new URL(page.url()).search).toBe('');
  await driver.editAndSave(page, title);
  const posts = ['content/posts/first-post.md', 'content/posts/second-post.md'];
  expect(posts.map((file) => host.repository.read(file)).join()).toContain(title);
  const [newest] = host.repository.history('main');
  expect(newest?.committer).toMatchObject({ name: 'Ann Example', email: 'ann@example.com' });
  await page.reload();
  await driver.loggedIn(page);
  expect(await driver.entries(page)).toContain(title);
  expect(host.unexpected).toEqual([]);

  // The browser holds the editor's session, and nothing of the provider's or the host's.
  expect(await page.context().cookies(`${url}/git/oauth2/callback`)).toEqual([]);
  const kept = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }]));
  expect(kept).toContain('eyJ');
  for (const secret of [credential, identity.clientSecret]) expect(kept).not.toContain(secret);
}
