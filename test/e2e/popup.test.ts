import { createRequire } from 'node:module';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { browserMissing, launch, startOpener } from './browser.ts';
import { mint } from '../popup.ts';
import { startWorld, tokenRequests, type World } from './world.ts';
import { freePort } from '../hosts/port.ts';

type OpenerWindow = Window & {
  messages: string[];
  mute?: boolean;
  echoes: number;
  popup: Window;
  begin(url: string, name?: string): void;
};

describe.skipIf(browserMissing)('the popup', () => {
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;
  let world: World;
  let site: { url: string; close(): Promise<void> };
  let stranger: { url: string; close(): Promise<void> };

  beforeAll(async () => {
    const port = await freePort();
    [browser, world, site, stranger] = await Promise.all([launch(), startWorld(port), startOpener(), startOpener()]);
    world.env['CMS_AUTH_ORIGINS'] = site.url;
  });
  afterAll(async () => {
    await browser?.close();
    await Promise.all([site?.close(), stranger?.close(), world?.close()]);
  });
  beforeEach(async () => {
    world.hold = 0;
    world.log.length = 0;
    world.host.requests.length = 0;
    world.host.headers = {};
    world.host.consent = 'always';
    context = await browser.newContext();
    page = await context.newPage();
    await page.goto(site.url);
  });
  afterEach(() => context.close());

  const begin = async (opener: Page, path = '/auth?provider=github&site_id=x&scope=repo'): Promise<Page> => {
    const popup = opener.waitForEvent('popup');
    await opener.evaluate(([url]) => (window as unknown as OpenerWindow).begin(url ?? ''), [world.loginServer + path]);
    return popup;
  };
  /** For what must not happen: longer than a message takes. */
  const settle = (popup: Page) => popup.evaluate(() => new Promise((resolve) => setTimeout(resolve, 300)));
  const messages = (opener: Page) => opener.evaluate(() => (window as unknown as OpenerWindow).messages);
  const ended = (popup: Page, state: string) => popup.locator(`main[data-state=${state}]`).waitFor();

  it('hands the token to a listed page, once, and says so', async () => {
    const popup = await begin(page);
    await ended(popup, 'done');
    const [greeting, result, ...more] = await messages(page);
    expect(greeting).toBe('authorizing:github');
    expect(result).toMatch(/^authorization:github:success:\{"token":"gho_\w+","provider":"github"\}$/);
    expect(more).toEqual([]);
    expect(new URL(popup.url()).search).toBe(''); // neither code nor state stay in the address bar
    expect(await popup.content()).not.toContain('gho_');
    expect(await popup.title()).toBe('Signed in');
  });

  it('answers once, however often it is asked', async () => {
    await page.evaluate(() => void ((window as unknown as OpenerWindow).echoes = 3));
    const popup = await begin(page);
    await ended(popup, 'done');
    await page.evaluate(() => (window as unknown as OpenerWindow).popup.postMessage('authorizing:github', '*'));
    await settle(popup);
    expect((await messages(page)).filter((text) => text.includes('success'))).toHaveLength(1);
  });

  it('gives a page that is not listed fixed words only, and names it to the person', async () => {
    const evil = await context.newPage();
    await evil.goto(stranger.url);
    const popup = await begin(evil);
    await ended(popup, 'refused');
    const [, result, ...more] = await messages(evil);
    expect(result).toContain('authorization:github:error:');
    expect(result).toContain('"errorCode":"UNSUPPORTED_DOMAIN"');
    expect(more).toEqual([]);
    expect(JSON.stringify(await messages(evil))).not.toContain('gho_');
    expect(world.host.requests).toEqual([]);
    expect(world.log.map(({ event, outcome }) => `${event} ${outcome}`)).toEqual(['begin ok', 'proceed failed']);
    expect(await popup.getByRole('status').innerText()).toContain(stranger.url);
  });

  it('refuses a callback that is opened in another browser', async () => {
    const { callback } = await mint(`${world.loginServer}/auth?provider=github`, site.url);
    expect(callback).toMatch(/\/auth\/github\/callback\?code=/);

    const before = tokenRequests(world);
    const victim = await browser.newContext();
    const other = await victim.newPage();
    await other.goto(callback);
    expect(await other.getByRole('status').innerText()).toContain('COOKIE_LOST');
    await victim.close();
    expect(tokenRequests(world)).toBe(before);
  });

  it('refuses a callback that is replayed in the same browser', async () => {
    let callback = '';
    context.on('request', (request) => {
      if (request.url().includes('/callback?')) callback = request.url();
    });
    await ended(await begin(page), 'done');
    const before = tokenRequests(world);
    const again = await context.newPage();
    await again.goto(callback);
    expect(await again.getByRole('status').innerText()).toContain('COOKIE_LOST');
    expect(tokenRequests(world)).toBe(before);
    // Opened by hand it says one thing, and leads to what that means.
    expect(await again.getByRole('heading').count()).toBe(1);
    await again.getByRole('link', { name: 'What the code means' }).click();
    const meaning = again.locator('dt:target + dd');
    await meaning.waitFor({ state: 'visible' });
    expect(await meaning.innerText()).toContain('did not bring back the cookie');
  });

  it('says what is wrong when there is no opener, and gives the token to nobody', async () => {
    const alone = await context.newPage();
    await alone.goto(`${world.loginServer}/auth?provider=github`);
    await ended(alone, 'alone');
    expect(await alone.getByRole('status').innerText()).toContain('Cross-Origin-Opener-Policy');
    expect(await alone.content()).not.toContain('gho_');
  });

  it('says what is wrong when the Git host cuts the popup off', async () => {
    world.host.headers = { 'Cross-Origin-Opener-Policy': 'same-origin' };
    const popup = await begin(page);
    await ended(popup, 'alone');
  });

  it('says what is wrong when the opener does not answer for ten seconds', async () => {
    await page.evaluate(() => void ((window as unknown as OpenerWindow).mute = true));
    const popup = await begin(page);
    await ended(popup, 'waiting');
    await ended(popup, 'silent');
    expect(await popup.getByRole('status').innerText()).toContain(world.loginServer);
    expect(await messages(page)).toEqual(['authorizing:github']);
  });

  it('ignores an echo that does not come from the opener', async () => {
    await page.evaluate(() => void ((window as unknown as OpenerWindow).mute = true));
    const popup = await begin(page);
    await ended(popup, 'waiting');
    await popup.evaluate(() => window.postMessage('authorizing:github', '*'));
    await settle(popup);
    await ended(popup, 'waiting');
    expect(await messages(page)).toEqual(['authorizing:github']);
  });

  it('takes the window itself for an opener of its own origin, as WebKit has it', async () => {
    world.env['CMS_AUTH_ORIGINS'] = `${site.url},${world.loginServer}`;
    const own = await context.newPage();
    await own.goto(`${world.loginServer}/auth`);
    const opened = own.waitForEvent('popup');
    await own.evaluate((url) => void window.open(url, 'login'), `${world.loginServer}/auth?provider=github`);
    const popup = await opened;
    await ended(popup, 'waiting');
    await popup.evaluate(() => window.postMessage('authorizing:github', '*'));
    await ended(popup, 'done');
    world.env['CMS_AUTH_ORIGINS'] = site.url;
  });

  /** As Decap, Netlify CMS and Static CMS: one greeting is answered, and no other. */
  const answerOnce = (opener: Page) =>
    opener.evaluate(() => {
      addEventListener('message', () => ((window as unknown as OpenerWindow).mute = true), { once: true });
    });
  /** As a page sends itself elsewhere: what is typed into the address bar may cut the opener off. */
  const go = (popup: Page, url: string) => popup.evaluate((address) => void (location.href = address), url);
  const outcomes = async (opener: Page) => (await messages(opener)).filter((text) => text.startsWith('authorization:'));

  it('tells an opener that answers once what went wrong later, without asking again', async () => {
    world.host.consent = 'ask';
    for (const [spoil, code] of [
      [async (popup: Page) => popup.getByRole('button', { name: 'Deny' }).click(), 'ACCESS_DENIED'],
      [
        async (popup: Page) => {
          await context.clearCookies();
          await popup.getByRole('button', { name: 'Allow' }).click();
        },
        'COOKIE_LOST',
      ],
      [
        async (popup: Page) => {
          world.env['CMS_AUTH_ORIGINS'] = 'https://www.example.com';
          await popup.getByRole('button', { name: 'Allow' }).click();
        },
        'UNSUPPORTED_DOMAIN',
      ],
      // Nothing comes back of what was sent along: only the window remembers who asked.
      [(popup: Page) => go(popup, `${world.loginServer}/auth/github/callback?error=oops`), 'STATE_MISSING'],
      [(popup: Page) => go(popup, `${world.loginServer}/auth/github/begin?x`), 'STATE_MISSING'],
    ] as const) {
      const opener = await context.newPage();
      await opener.goto(site.url);
      await answerOnce(opener);
      const popup = await begin(opener);
      await popup.getByRole('button', { name: 'Allow' }).waitFor();
      await spoil(popup);
      await ended(popup, code === 'UNSUPPORTED_DOMAIN' ? 'refused' : 'failed');
      await settle(popup);
      expect(await outcomes(opener)).toEqual([expect.stringContaining(`"errorCode":"${code}"`)]);
      expect(new URL(popup.url()).search).toBe('');
      world.env['CMS_AUTH_ORIGINS'] = site.url;
    }
  }, 120_000);

  it('tells what is wrong with the settings once the opener has answered', async () => {
    const id = world.env['GITHUB_CLIENT_ID'] ?? '';
    delete world.env['GITHUB_CLIENT_ID'];
    await answerOnce(page);
    const popup = await begin(page);
    await ended(popup, 'failed');
    await settle(popup);
    world.env['GITHUB_CLIENT_ID'] = id;
    expect(await messages(page)).toEqual([
      'authorizing:github',
      expect.stringContaining('"errorCode":"SETTING_MISSING"'),
    ]);
    expect(world.host.requests).toEqual([]);
  });

  it('waits for an opener that is busy', async () => {
    await answerOnce(page);
    const opened = page.waitForEvent('popup');
    await page.evaluate((url) => {
      (window as unknown as OpenerWindow).begin(url);
      for (const end = Date.now() + 3_000; Date.now() < end;);
    }, `${world.loginServer}/auth?provider=github`);
    await ended(await opened, 'done');
    expect(await outcomes(page)).toEqual([expect.stringContaining(':success:')]);
  });

  it('asks no further when the opener’s origin is opaque, and says so', async () => {
    const frame = await page.evaluateHandle((url) => {
      const element = document.createElement('iframe');
      element.setAttribute('sandbox', 'allow-scripts allow-popups allow-popups-to-escape-sandbox');
      element.src = url;
      document.body.append(element);
      return new Promise<HTMLIFrameElement>((resolve) => (element.onload = () => resolve(element)));
    }, site.url);
    const inside = await frame.contentFrame();
    const opened = page.waitForEvent('popup');
    await inside?.evaluate((url) => void window.open(url), `${world.loginServer}/auth?provider=github`);
    const popup = await opened;
    await ended(popup, 'silent');
    expect(await popup.getByRole('status').innerText()).toContain('sandboxed');
    expect(world.host.requests).toEqual([]);
  });

  it('says in words that it needs a script', async () => {
    const plain = await browser.newContext({ javaScriptEnabled: false });
    const tab = await plain.newPage();
    await tab.goto(`${world.loginServer}/auth?provider=github`);
    expect(await tab.getByRole('status').innerText()).toContain('This step needs JavaScript');
    await plain.close();
    expect(world.host.requests).toEqual([]);
  });

  it('cannot be framed', async () => {
    const framed = await page.evaluate(async (url) => {
      const frame = document.createElement('iframe');
      frame.src = url;
      document.body.append(frame);
      await new Promise((resolve) => frame.addEventListener('load', resolve));
      await new Promise((resolve) => setTimeout(resolve, 500));
      return (window as unknown as OpenerWindow).messages;
    }, `${world.loginServer}/auth?provider=github`);
    expect(framed).toEqual([]);
  });

  it('is accessible in every state, light and dark, and so are the other pages', async () => {
    const axe = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
    for (const colorScheme of ['light', 'dark'] as const) {
      const open = await browser.newContext({ bypassCSP: true, colorScheme });
      const check = async (where: string, seen: Page) => {
        await seen.addScriptTag({ path: axe });
        const { violations } = await seen.evaluate(() =>
          (window as unknown as { axe: typeof import('axe-core') }).axe.run(),
        );
        expect(violations.map(({ id, nodes }) => `${where}: ${id} ${nodes[0]?.html}`)).toEqual([]);
      };
      for (const [url, state] of [
        [site.url, 'done'],
        [stranger.url, 'refused'],
      ] as const) {
        const tab = await open.newPage();
        await tab.goto(url);
        const popup = await begin(tab);
        await ended(popup, state);
        await check(state, popup);
      }
      for (const path of [
        '/auth',
        '/auth/github/callback',
        '/auth?provider=nobody',
        '/auth?provider=github',
        '/nowhere',
      ]) {
        const tab = await open.newPage();
        await tab.goto(world.loginServer + path);
        await check(path, tab);
      }
      await open.close();
    }
  }, 180_000);

  it('lets two tabs that begin in the same instant without a cookie both log in, 20 times', async () => {
    world.hold = 300;
    let loggedIn = 0;
    for (let round = 0; round < 20; round++) {
      const fresh = await browser.newContext();
      const tabs = await Promise.all([fresh.newPage(), fresh.newPage()]);
      await Promise.all(tabs.map((tab) => tab.goto(site.url)));
      const paths = [
        '/auth?provider=github&site_id=a&scope=repo',
        '/auth/github?provider=github&site_id=b&scope=repo,user',
      ];
      const popups = await Promise.all(tabs.map((tab, i) => begin(tab, paths[i])));
      await Promise.all(popups.map((popup) => ended(popup, 'done')));
      for (const tab of tabs) if ((await messages(tab)).some((text) => text.includes(':success:'))) loggedIn++;
      await fresh.close();
    }
    expect(loggedIn).toBe(40);
  }, 300_000);
});
