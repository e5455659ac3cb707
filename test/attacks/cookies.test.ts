/** Cookies planted from next door: another port of this machine, another sub-domain. In a real browser. */
import type { RequestListener } from 'node:http';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect } from 'vitest';
import { createHandler } from '../../lib/login/handler.ts';
import { sessionCookie } from '../../lib/http/session-cookie.ts';
import { node } from '../../lib/platforms/node.ts';
import { github } from '../../lib/providers/github.ts';
import { browserMissing, launch, startOpener } from '../e2e/browser.ts';
import { startWorld, type World } from '../e2e/world.ts';
import { startGitHub, type GitHubHost } from '../hosts/github.ts';
import { listen } from '../hosts/http.ts';
import { mint } from '../popup.ts';
import { attack } from './attack.ts';
import { listenTls } from './tls.ts';
import { freePort } from '../hosts/port.ts';

type Opener = Window & { messages: string[] };

const openIn = async (page: Page, address: string) => {
  const [popup] = await Promise.all([
    page.waitForEvent('popup'),
    page.evaluate((url) => void window.open(url, 'login'), address),
  ]);
  await popup.locator('main:not([data-state=waiting])').waitFor();
  return popup;
};
const heard = (page: Page) => page.evaluate(() => (window as unknown as Opener).messages.join('\n'));
const stateOf = (popup: Page) => popup.locator('main').getAttribute('data-state');

describe.skipIf(browserMissing)('A cookie planted from another port of localhost, on plain http', () => {
  let browser: Browser;
  let context: BrowserContext;
  let world: World;
  let site: { url: string; close(): Promise<void> };
  let neighbour: { url: string; close(): Promise<void> };
  let planted: string[];

  beforeAll(async () => {
    const port = await freePort();
    [browser, world, site, neighbour] = await Promise.all([
      launch(),
      startWorld(port),
      startOpener(),
      listen((_, response) => void response.writeHead(200, { 'set-cookie': planted }).end(), { host: 'localhost' }),
    ]);
    world.env['CMS_AUTH_ORIGINS'] = site.url;
  });
  afterAll(async () => {
    await browser?.close();
    await Promise.all([site?.close(), neighbour?.close(), world?.close()]);
  });
  beforeEach(async () => {
    context = await browser.newContext();
  });
  afterEach(() => context.close());
  const visit = async (url: string): Promise<Page> => {
    const page = await context.newPage();
    await page.goto(url);
    return page;
  };

  attack('to have the victim finish the attacker’s login', async () => {
    const { callback, cookie } = await mint(`${world.loginServer}/auth/github`, site.url);
    planted = [`${cookie}; Path=/`];
    await visit(neighbour.url);
    const popup = await openIn(await visit(site.url), callback);
    expect(await stateOf(popup)).toBe('done');
    return 'remains: it works, with the attacker’s account; only where the login server itself runs on plain http, on this machine';
  });

  attack('to get the victim’s token', async () => {
    const { cookie } = await mint(`${world.loginServer}/auth/github`, site.url);
    planted = [`${cookie}; Path=/`, `${cookie}; Path=/auth`, `${cookie}; Path=/auth/github`];
    await visit(neighbour.url);
    const page = await visit(neighbour.url);
    await page.evaluate(() => {
      const own = window as unknown as Opener;
      own.messages = [];
      addEventListener('message', ({ data, source, origin }) => {
        own.messages.push(data as string);
        if (String(data).startsWith('authorizing')) source?.postMessage(data, { targetOrigin: origin });
      });
    });
    const popup = await openIn(page, `${world.loginServer}/auth/github`);
    expect(await stateOf(popup)).toBe('refused');
    expect(await heard(page)).not.toContain('gho_');
    return 'no token: it is not listed';
  });

  attack('over the victim’s own', async () => {
    const page = await visit(site.url);
    context.on('response', (response) => {
      const [cookie = ''] = (response.headers()['set-cookie'] ?? '').split('=');
      if (cookie.startsWith('login-')) planted = [`${cookie}=1.${'A'.repeat(43)}; Path=/auth/github`];
    });
    world.host.consent = 'ask';
    const [popup] = await Promise.all([
      page.waitForEvent('popup'),
      page.evaluate((url) => void window.open(url, 'login'), `${world.loginServer}/auth/github`),
    ]);
    await popup.getByRole('button', { name: 'Allow' }).waitFor();
    world.host.consent = 'always';
    await visit(neighbour.url);
    await popup.getByRole('button', { name: 'Allow' }).click();
    await popup.locator('main[data-state=done]').waitFor();
    expect(planted[0]).toContain('login-');
    return 'ignored: the victim’s login works';
  });
});

describe.skipIf(browserMissing).each([
  ['A cookie planted from a sibling sub-domain', false],
  ['A cookie planted from a sibling sub-domain, behind Firebase Hosting', true],
])('%s', (_, sessionCookieOnly) => {
  const domain = 'site.localhost';
  let browser: Browser;
  let context: BrowserContext;
  let host: GitHubHost;
  let server: Awaited<ReturnType<typeof listenTls>>;
  let loginServer: string;
  let site: string;
  let evil: string;
  let planted: string[];
  let seen: string;
  /** Asked without a browser. */
  let plain: Awaited<ReturnType<typeof listen>>;

  /** What all three pages of this site are: the login server, the CMS, and somebody else's blog. */
  const page = `<!doctype html><script>
    window.messages = [];
    addEventListener('message', ({ data, source, origin }) => {
      messages.push(data);
      if (/^authorizing:/.test(data)) source.postMessage(data, origin);
    });</script>`;

  beforeAll(async () => {
    host = await startGitHub({ consent: 'always' });
    const env: Record<string, string> = {
      GITHUB_URL: host.url,
      GITHUB_CLIENT_ID: host.app.clientId,
      GITHUB_CLIENT_SECRET: host.app.clientSecret,
    };
    const listener = node(
      createHandler([github], { env, log: () => {} }),
      sessionCookieOnly ? { openCookieStore: sessionCookie } : {},
    );
    const answer: RequestListener = (request, response) => {
      // Platforms that hand headers over as JSON decode them as what browsers send: UTF-8.
      const cookie = Buffer.from(request.headers.cookie ?? '', 'latin1').toString();
      if (request.headers.host?.startsWith('auth.') ?? true) {
        seen = cookie;
        request.headers.cookie = cookie;
        return void listener(request, response);
      }
      response.setHeader('content-type', 'text/html; charset=utf-8');
      if (request.headers.host?.startsWith('evil.')) response.setHeader('set-cookie', planted);
      response.end(page);
    };
    server = await listenTls(answer);
    plain = await listen((request, response) => listener(request, response) as void);
    [loginServer, site, evil] = ['auth', 'www', 'evil'].map((name) => `https://${name}.${domain}:${server.port}`) as [
      string,
      string,
      string,
    ];
    env['CMS_AUTH_URL'] = loginServer;
    env['CMS_AUTH_ORIGINS'] = site;
    host.app.redirectUris = [`${loginServer}/auth/github/callback`];
    browser = await launch();
  });
  afterAll(async () => {
    await browser?.close();
    await Promise.all([server?.close(), plain?.close(), host?.close()]);
  });
  beforeEach(async () => {
    context = await browser.newContext({ ignoreHTTPSErrors: true });
    planted = [];
    seen = '';
  });
  afterEach(() => context.close());
  const visit = async (url: string): Promise<Page> => {
    const tab = await context.newPage();
    await tab.goto(url);
    return tab;
  };

  attack('to have the victim finish the attacker’s login', async () => {
    const { callback, cookie } = await mint(`${plain.url}/auth/github`, site);
    planted = [
      `${cookie}; Path=/; Secure`,
      `${cookie}; Domain=${domain}; Path=/; Secure`,
      `${cookie}; Domain=${domain}; Path=/auth; Secure`,
      `=${cookie}; Domain=${domain}; Path=/; Secure`,
      `${cookie.replace('__Host', '__host')}; Domain=${domain}; Path=/; Secure`,
    ];
    const blog = await visit(evil);
    await blog.evaluate(
      ([text, parent]) => void (document.cookie = `${text}; Domain=${parent}; Path=/; Secure`),
      [cookie, domain],
    );
    const tab = await visit(site);
    const popup = await openIn(tab, callback);
    if (!sessionCookieOnly) {
      expect(await popup.getByRole('status').innerText()).toContain('COOKIE_LOST');
      return 'refused: COOKIE_LOST; browsers keep __Host- for the host itself';
    }
    expect(await stateOf(popup)).toBe('done');
    return 'remains: it works, with the attacker’s account; __session cannot have the prefix';
  });

  if (!sessionCookieOnly)
    attack('to the same end, with a space before __Host- that only Unicode calls one', async () => {
      const { callback, cookie } = await mint(`${plain.url}/auth/github`, site);
      planted = [`\u00a0${cookie}; Domain=${domain}; Path=/; Secure`];
      const blog = await visit(evil);
      await blog.evaluate(
        ([text, parent]) => {
          for (const space of ['\u2000', '\u00a0', '\ufeff', '\u3000'])
            document.cookie = `${space}${text}; Domain=${parent}; Path=/; Secure`;
        },
        [cookie, domain],
      );
      const popup = await openIn(await visit(site), callback);
      expect(seen).toContain(cookie); // the browser does send them
      expect(await popup.getByRole('status').innerText()).toContain('COOKIE_LOST');
      return 'refused: COOKIE_LOST; such a space is part of the name';
    });

  attack('to get the victim’s token', async () => {
    const { cookie } = await mint(`${plain.url}/auth/github`, site);
    planted = [`${cookie}; Domain=${domain}; Path=/; Secure`, `${cookie}; Domain=${domain}; Path=/auth; Secure`];
    const blog = await visit(evil);
    const popup = await openIn(blog, `${loginServer}/auth/github`);
    expect(await stateOf(popup)).toBe('refused');
    expect(await heard(blog)).not.toContain('gho_');
    return 'no token: the key is never used for a new login, and the page is not listed';
  });

  attack('to break the victim’s own login', async () => {
    const { cookie } = await mint(`${plain.url}/auth/github`, site);
    planted = [`${cookie}; Domain=${domain}; Path=/; Secure`, `__session=junk; Domain=${domain}; Path=/auth; Secure`];
    await visit(evil);
    const tab = await visit(site);
    const popup = await openIn(tab, `${loginServer}/auth/github`);
    expect(await stateOf(popup)).toBe('done');
    expect(await heard(tab)).toContain('gho_');
    return 'the login works';
  });
});
