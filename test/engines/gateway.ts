/** Sveltia CMS behind the gateway, whose editor has no account at GitHub, in one engine: the popup login, an edit, a picture. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { routes } from '../../functions/gateway.ts';
import { serve } from '../../lib/handler/serve.ts';
import { listen, node } from '../../lib/platforms/node.ts';
import { startCmsSite } from '../cms/server.ts';
import { startGitHub, type GitHubHost } from '../hosts/github.ts';
import { startIdentity } from '../hosts/identity.ts';
import { freePort } from '../hosts/port.ts';
import { missing, timeoutMs, type Browser, type Engine, type Tab } from './engine.ts';

const token = 'github_pat_the-credential-of-the-gateway';
const picture = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';

const named = (role: string, name: string) =>
  `//*[@role='${role}'][contains(., '${name}') or contains(@aria-label, '${name}')]`;

/** As if somebody typed: the CMS listens for the event. */
const type = (element: string, text: string) => `(() => {
  const field = document.evaluate(${JSON.stringify(element)}, document, null, 9, null).singleNodeValue;
  field.focus();
  field.value = ${JSON.stringify(text)};
  field.dispatchEvent(new Event('input', { bubbles: true }));
  return 1;
})()`;

/** As if somebody chose a file. */
const choose = (name: string) => `(async () => {
  for (let tries = 0; tries < 100 && !document.querySelector('input[type=file]'); tries++) await new Promise((go) => setTimeout(go, 100));
  const bytes = Uint8Array.from(atob('${picture}'), (letter) => letter.charCodeAt(0));
  const chosen = new DataTransfer();
  chosen.items.add(new File([bytes], '${name}', { type: 'image/png' }));
  const input = document.querySelector('input[type=file]');
  input.files = chosen.files;
  input.dispatchEvent(new Event('change', { bubbles: true }));
  return 1;
})()`;

export function gatewayLogins(name: string, engine: Engine): void {
  describe.skipIf(missing(name, engine))(`${name} with Sveltia CMS behind the gateway`, () => {
    let browser: Browser;
    let github: GitHubHost;
    let page: string;
    const toClose: (() => Promise<unknown>)[] = [];

    beforeAll(async () => {
      browser = await engine.launch();
      const port = await freePort();
      const own = `http://localhost:${port}`;
      const env: Record<string, string> = {};
      toClose.push(await listen(node(serve(routes, { env, log: () => {} })), { port, host: 'localhost' }));
      github = await startGitHub();
      github.accessTokens.set(token, { name: 'CMS', scopes: ['repo'] });
      const identity = await startIdentity({ redirectUris: [`${own}/git/auth/callback`] });
      const backend = {
        name: 'github',
        repo: github.repository.fullName,
        branch: 'main',
        base_url: own,
        auth_endpoint: 'git/auth',
        api_root: `${own}/git/api/v3`,
      };
      const site = await startCmsSite({ cms: 'sveltia', config: { backend } });
      toClose.push(...[github, identity, site].map((one) => () => one.close()));
      Object.assign(env, {
        CMS_AUTH_URL: own,
        CMS_AUTH_ORIGINS: site.url,
        GITHUB_URL: github.url,
        CMS_GATEWAY_REPO: `${github.url}/${github.repository.fullName}`,
        CMS_GATEWAY_TOKEN: token,
        CMS_GATEWAY_ISSUER: identity.issuer,
        CMS_GATEWAY_CLIENT_ID: identity.clientId,
        CMS_GATEWAY_CLIENT_SECRET: identity.clientSecret,
        CMS_GATEWAY_EDITORS: 'ann@example.com',
        CMS_GATEWAY_PATHS: 'content/**, static/images/**',
      });
      page = `${site.url}/`;
    });
    afterAll(async () => {
      await browser?.close();
      await Promise.all(toClose.map((close) => close()));
    });

    it('logs in, edits and uploads', async () => {
      const visitor = await browser.visitor();
      const editor: Tab = await visitor.open(page);
      const popup = await editor.popup("//button[contains(., 'Sign In with')]");
      await popup.click("//button[contains(., 'Ann Example')]");
      await popup.closed();
      await editor.text("//*[@role='row']");
      await editor.click("//*[@role='row'][1]//*[contains(@class, 'title')]");
      await editor.text("//*[@role='button'][contains(., 'Save')]");
      const title =
        "//input[@aria-label='Title' or contains(@aria-labelledby, 'title')] | //*[contains(@class, 'field')]//input[@type='text']";
      await editor.count(title);
      await editor.run(type(`(${title})[1]`, 'Edited by Ann'));
      await editor.click("//*[@role='button'][contains(., 'Save')]");
      await editor.text("//*[@role='row'][contains(., 'Edited by Ann')]");
      const saved = () => github.repository.history('main')[0];
      expect(saved()).toMatchObject({ author: { email: 'ann@example.com' }, committer: { email: 'ann@example.com' } });
      await editor.click(named('radio', 'Assets'));
      await editor.click(named('button', 'Upload New Assets'));
      await editor.run(choose('pixel.png'));
      await editor.click("//*[@role='alertdialog']//*[@role='button'][contains(., 'Upload')]");
      await expect
        .poll(
          () =>
            github.repository.blob(github.repository.resolve('main:static/images/pixel.png') ?? '')?.toString('base64'),
          { timeout: timeoutMs },
        )
        .toBe(picture);
      expect(await editor.run('JSON.stringify({ ...localStorage })')).not.toContain(token);
      await visitor.leave();
    });
  });
}
