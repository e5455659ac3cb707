/** Pages that open the popup of a login, or get hold of it, and are not meant to have its token. In a real browser. */
import type { Browser, BrowserContext, Frame, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect } from 'vitest';
import { browserMissing, launch, startOpener } from '../e2e/browser.ts';
import { startWorld, type World } from '../e2e/world.ts';
import { nextOf } from '../popup.ts';
import { attack } from './attack.ts';
import { freePort } from '../hosts/port.ts';

/** What `startOpener`'s pages have, and what the attacks below add. */
type Opener = Window & { messages: unknown[]; mute?: boolean; popup: Window };

const login = '/auth?provider=github&site_id=localhost&scope=repo';

describe.skipIf(browserMissing)('A hostile page around the popup (P1 to P10)', () => {
  let browser: Browser;
  let context: BrowserContext;
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
    world.host.consent = 'always';
    world.host.requests.length = 0;
    world.log.length = 0;
    context = await browser.newContext();
  });
  afterEach(() => context.close());

  const visit = async (url: string): Promise<Page> => {
    const page = await context.newPage();
    await page.goto(url);
    return page;
  };
  const popupOf = (page: Page, act: () => Promise<unknown>) =>
    Promise.all([page.waitForEvent('popup'), act()]).then(([popup]) => popup);
  const open = (page: Page, { name = 'login', features = '' } = {}) =>
    popupOf(page, () =>
      page.evaluate(
        ([url, ...rest]) => void ((window as unknown as Opener).popup = window.open(url, ...rest) as Window),
        [world.loginServer + login, name, features] as const,
      ),
    );
  async function embed(page: Page, url: string, sandbox?: string): Promise<Frame> {
    const element = await page.evaluateHandle(
      ([src, flags]) => {
        const frame = document.createElement('iframe');
        if (flags !== undefined) frame.setAttribute('sandbox', flags);
        frame.src = src;
        document.body.append(frame);
        return new Promise<HTMLIFrameElement>((resolve) => (frame.onload = () => resolve(frame)));
      },
      [url, sandbox] as const,
    );
    const frame = await element.contentFrame();
    if (!frame) throw new Error('There is no such frame.');
    return frame;
  }
  const mute = (page: Page) => page.evaluate(() => void ((window as unknown as Opener).mute = true));
  const heard = async (page: Page) =>
    (await page.evaluate(() => (window as unknown as Opener).messages.map((data) => JSON.stringify(data)))).join('\n');
  const ended = (popup: Page, state: string) => popup.locator(`main[data-state=${state}]`).waitFor();
  /** For what must not happen: longer than a message takes. */
  const settle = (page: Page) => page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 300)));
  const tokens = (text: string) => (text.match(/gho_\w+/g) ?? []).length;

  async function expectRefused(page: Page, popup: Page): Promise<string> {
    await ended(popup, 'refused');
    await settle(popup);
    const text = await heard(page);
    expect(tokens(text)).toBe(0);
    expect(text).toContain('UNSUPPORTED_DOMAIN');
    expect(text.match(/authorization:/g)).toHaveLength(1);
    expect(await popup.content()).not.toContain('gho_');
    expect(world.host.requests).toEqual([]);
    return 'no token, nothing asked of the host; told once that it is not listed, in fixed words';
  }

  attack('does the handshake, with the site_id of a listed page', async () => {
    const page = await visit(stranger.url);
    return expectRefused(page, await open(page));
  });

  attack('shouts the echo before it is asked, and goes on', async () => {
    const page = await visit(stranger.url);
    await page.evaluate(() =>
      setInterval(() => (window as unknown as Opener).popup?.postMessage('authorizing:github', '*'), 1),
    );
    return expectRefused(page, await open(page));
  });

  attack('has a listed page in a frame, and opens the popup itself', async () => {
    const page = await visit(stranger.url);
    const inside = await embed(page, site.url);
    const popup = await open(page);
    // The listed page answers everybody who asks; only, nobody asks it.
    const outcome = await expectRefused(page, popup);
    expect(await inside.evaluate(() => (window as unknown as Opener).messages)).toEqual([]);
    return outcome;
  });

  attack('has a listed page in a frame, which opens the popup', async () => {
    const page = await visit(stranger.url);
    const inside = await embed(page, site.url);
    const popup = await popupOf(page, async () =>
      inside?.evaluate((url) => void window.open(url, 'login'), world.loginServer + login),
    );
    await ended(popup, 'done');
    expect(await heard(page)).toBe('');
    const listed = await inside.evaluate(() => (window as unknown as Opener).messages.join());
    expect(tokens(listed)).toBe(1);
    return 'the listed page has it, the page around it nothing';
  });

  attack('looks for a listed page’s popup by its name, from a second window', async () => {
    const page = await visit(stranger.url);
    const listed = await popupOf(page, () => page.evaluate((url) => void window.open(url, 'cms'), site.url));
    await listed.waitForLoadState();
    await mute(listed);
    const popup = await open(listed);
    await ended(popup, 'waiting');
    await page.evaluate(() => window.open('', 'login')?.postMessage('authorizing:github', '*'));
    await settle(popup);
    await ended(popup, 'waiting');
    expect(context.pages()).toHaveLength(4);
    return 'not found: the browser opens another of that name';
  });

  attack('has hold of a listed page’s popup, and speaks in the opener’s place', async () => {
    const page = await visit(site.url);
    await mute(page);
    const popup = await open(page);
    await ended(popup, 'waiting');
    // Of the opener's own origin, since the browser lets nobody else have it: even that is not the opener.
    const inside = await embed(page, site.url);
    await inside.evaluate(() => (parent as unknown as Opener).popup.postMessage('authorizing:github', '*'));
    await settle(popup);
    await ended(popup, 'waiting');
    expect((await heard(page)) + (await inside.evaluate(() => (window as unknown as Opener).messages.join()))).toBe(
      '"authorizing:github"',
    );
    return 'not heard';
  });

  attack('takes a listed page’s popup over and begins another login in it', async () => {
    const page = await visit(stranger.url);
    const listed = await popupOf(page, () => page.evaluate((url) => void window.open(url, 'cms'), site.url));
    await listed.waitForLoadState();
    const popup = await open(listed);
    await ended(popup, 'done');
    world.host.requests.length = 0;
    await page.evaluate(
      (url) => void ((window as unknown as Opener).popup = window.open(url, 'login') as Window),
      world.loginServer + login,
    );
    await settle(page);
    await settle(page);
    expect(tokens(await heard(page))).toBe(0);
    expect(world.host.requests).toEqual([]);
    return 'no token';
  });

  attack('takes the place of the opener while the popup waits', async () => {
    const page = await visit(site.url);
    await mute(page);
    const popup = await open(page);
    await ended(popup, 'waiting');
    await Promise.all([
      page.waitForURL(`${stranger.url}/`),
      page.evaluate((url) => void (location.href = url), stranger.url),
    ]);
    await page.evaluate(() => window.open('', 'login')?.postMessage('authorizing:github', '*'));
    return expectRefused(page, popup);
  });

  attack('takes the place of the opener between echo and answer', async () => {
    const page = await visit(site.url);
    await page.evaluate((url) => {
      addEventListener('message', () => location.replace(url));
    }, stranger.url);
    const popup = await open(page);
    await page.waitForURL(`${stranger.url}/`);
    // The echo has arrived, or is lost with the page that sent it.
    await settle(page);
    await settle(page);
    if (world.host.requests.length > 0) await ended(popup, 'done');
    await settle(page);
    expect(tokens(await heard(page))).toBe(0);
    return 'no token: the answer names its addressee, and the browser drops it';
  });

  attack('sends the popup elsewhere once the token is in it', async () => {
    const page = await visit(stranger.url);
    await mute(page);
    const popup = await open(page);
    await ended(popup, 'waiting');
    await Promise.all([
      popup.waitForURL(`${stranger.url}/loot`),
      page.evaluate((url) => void ((window as unknown as Opener).popup.location = url), `${stranger.url}/loot`),
    ]);
    const loot = await popup.evaluate(() =>
      JSON.stringify([document.referrer, window.name, document.cookie, { ...localStorage }, { ...sessionStorage }]),
    );
    expect(loot).toBe(`["${stranger.url}/","login","",{},{}]`); // its own address, which it knows
    await popup.goBack();
    expect(tokens((await popup.content()) + (await heard(page)))).toBe(0);
    return 'nothing is left there, and going back leads to no token';
  });

  attack('runs a script in the popup by its address', async () => {
    const page = await visit(stranger.url);
    await mute(page);
    const popup = await open(page);
    await ended(popup, 'waiting');
    const outcome = await page.evaluate(() => {
      const { popup } = window as unknown as Opener;
      try {
        popup.location = 'javascript:opener.postMessage(document.documentElement.outerHTML,"*")';
        return popup.document.title;
      } catch (error) {
        return (error as Error).name;
      }
    });
    await settle(popup);
    expect(outcome).toBe('SecurityError');
    expect(await heard(page)).toBe('"authorizing:github"');
    return 'the browser refuses';
  });

  attack('opens the popup without an opener', async () => {
    const page = await visit(stranger.url);
    const [popup] = await Promise.all([
      context.waitForEvent('page'),
      page.evaluate((url) => void window.open(url, '_blank', 'noopener'), world.loginServer + login),
    ]);
    await ended(popup, 'alone');
    expect(await popup.content()).not.toContain('gho_');
    expect(
      await popup.evaluate(() => JSON.stringify([{ ...localStorage }, document.cookie, location.href])),
    ).not.toContain('gho_');
    return 'nobody gets the token, by no other way either';
  });

  attack('begins the login in its own window', async () => {
    const page = await visit(stranger.url);
    await page.evaluate((url) => void window.open(url, '_self'), world.loginServer + login);
    await page.locator('main:not(.waiting)').waitFor();
    expect(await page.content()).not.toContain('gho_');
    expect(['alone', 'refused']).toContain(await page.locator('main').getAttribute('data-state'));
    return 'nobody gets the token';
  });

  attack('begins the login in its own window, on a login server that lists itself', async () => {
    world.env['CMS_AUTH_ORIGINS'] = `${site.url},${world.loginServer}`;
    const page = await visit(stranger.url);
    await page.evaluate((url) => void window.open(url, '_self'), world.loginServer + login);
    await page.locator('main:not(.waiting)').waitFor();
    world.env['CMS_AUTH_ORIGINS'] = site.url;
    expect(await page.content()).not.toContain('gho_');
    return `nobody gets the token (the page says: ${await page.locator('main').getAttribute('data-state')})`;
  });

  attack('opens it from a sandboxed frame with a listed page, whose origin is "null"', async () => {
    const page = await visit(stranger.url);
    const inside = await embed(page, site.url, 'allow-scripts allow-popups allow-popups-to-escape-sandbox');
    const popup = await popupOf(page, async () =>
      inside?.evaluate((url) => void window.open(url, 'login'), world.loginServer + login),
    );
    await ended(popup, 'waiting');
    await settle(popup);
    expect(await inside.evaluate(() => (window as unknown as Opener).messages)).toEqual(['authorizing:github']);
    return 'no answer: an opaque origin is nobody';
  });

  attack('opens it sandboxed itself', async () => {
    const page = await visit(stranger.url);
    const inside = await embed(page, stranger.url, 'allow-scripts allow-popups');
    const popup = await popupOf(page, async () =>
      inside?.evaluate((url) => void window.open(url, 'login'), world.loginServer + login),
    );
    await popup.waitForLoadState();
    await popup.locator('main').waitFor();
    await settle(popup);
    expect(tokens(await heard(page))).toBe(0);
    expect(await inside.evaluate(() => (window as unknown as Opener).messages.join())).not.toContain('gho_');
    return 'no token';
  });

  attack('answers with objects, lists and other texts instead of the echo', async () => {
    const page = await visit(site.url);
    await mute(page);
    const popup = await open(page);
    await ended(popup, 'waiting');
    await page.evaluate(() => {
      const echo = 'authorizing:github';
      const others = [{ toString: echo }, [echo], new String(echo), `${echo} `, echo.toUpperCase(), '', null, 1, true];
      for (const data of [...others, { data: echo }, 'authorizing:gitlab', 'authorizing:', new Map([[echo, echo]])])
        (window as unknown as Opener).popup.postMessage(data, '*');
    });
    await settle(popup);
    await ended(popup, 'waiting');
    expect(await heard(page)).toBe('"authorizing:github"');
    return 'not heard: the very text, or nothing';
  });

  attack('floods the popup with messages', async () => {
    const page = await visit(site.url);
    await page.evaluate(() => {
      addEventListener('message', ({ source }) => {
        for (let i = 0; i < 5000; i++) source?.postMessage(i % 2 ? 'authorizing:github' : { i }, { targetOrigin: '*' });
      });
    });
    const popup = await open(page);
    await ended(popup, 'done');
    await settle(popup);
    expect(tokens(await heard(page))).toBe(1);
    return 'one answer to ten thousand messages, to a listed page';
  });

  attack('gives the popup a name that is markup', async () => {
    const page = await visit(stranger.url);
    const popup = await open(page, { name: '<img src=x onerror="opener.postMessage(document.body.innerHTML)">' });
    return expectRefused(page, popup);
  });

  attack('learns whether its visitor is an editor here', async () => {
    const told = async () => {
      const page = await visit(stranger.url);
      const popup = await open(page);
      await ended(popup, 'refused');
      await settle(popup);
      return /"?errorCode\\?":\\?"(\w+)/.exec(await heard(page))?.[1];
    };
    // Whether or not the host would ask, nobody gets that far.
    for (const consent of ['always', 'ask'] as const) {
      world.host.consent = consent;
      expect(await told()).toBe('UNSUPPORTED_DOMAIN');
    }
    expect(world.host.requests).toEqual([]);
    return 'it does not: it is refused before the host is asked';
  });

  /** The next address that the popup would go on to, as its own page carries it. */
  const nextIn = (popup: Page) =>
    popup.evaluate(() => (JSON.parse(document.getElementById('opening')?.textContent ?? '') as { next: string }).next);

  attack('gets the popup to go on in the name of a listed page, as no script of another origin can', async () => {
    const page = await visit(stranger.url);
    await mute(page);
    const popup = await open(page);
    await ended(popup, 'waiting');
    const next = await nextIn(popup);
    await popup.goto(next + encodeURIComponent(site.url));
    await ended(popup, 'done');
    await settle(page);
    expect(await heard(page)).toBe('"authorizing:github"');
    return 'the token is sent to the listed page’s origin, and the browser drops it';
  });

  attack('sends the popup to the second step with a proof of its own browser’s', async () => {
    const page = await visit(stranger.url);
    await mute(page);
    const popup = await open(page);
    await ended(popup, 'waiting');
    const body = await (await fetch(world.loginServer + login)).text();
    await popup.close();
    for (const origin of [site.url, stranger.url]) {
      const { url } = nextOf({ body }, origin);
      const [other] = await Promise.all([
        page.waitForEvent('popup'),
        // Not by its name: a window that is just being closed still has it, and would be used again.
        page.evaluate((address) => void window.open(address), url),
      ]);
      await ended(other, 'failed');
      expect(await other.getByRole('status').innerText()).toContain('COOKIE_LOST');
      await settle(other);
      await other.close();
    }
    expect(world.host.requests).toEqual([]);
    const told = await heard(page);
    expect(told.match(/authorization:/g)).toHaveLength(1); // what was to go to the other page was dropped
    expect(tokens(told)).toBe(0);
    return 'refused: COOKIE_LOST, and nothing is asked of the host';
  });

  attack('has the popup speak for itself', async () => {
    const page = await visit(stranger.url);
    await mute(page);
    const popup = await open(page);
    await ended(popup, 'waiting');
    // What WebKit makes of a message of our own origin; here the opener is of another.
    await popup.evaluate(() => window.postMessage('authorizing:github', '*'));
    await settle(popup);
    await ended(popup, 'waiting');
    expect(world.host.requests).toEqual([]);
    return 'not heard: the window stands for an opener of its own origin alone';
  });

  attack('speaks for a popup whose opener has gone to another origin', async () => {
    world.env['CMS_AUTH_ORIGINS'] = `${site.url},${world.loginServer}`;
    const page = await visit(`${world.loginServer}/auth`);
    await page.evaluate(() => addEventListener('message', () => {}));
    const popup = await open(page);
    await ended(popup, 'waiting');
    await page.goto(stranger.url);
    await popup.evaluate(() => window.postMessage('authorizing:github', '*'));
    await settle(popup);
    await ended(popup, 'waiting');
    world.env['CMS_AUTH_ORIGINS'] = site.url;
    expect(world.host.requests).toEqual([]);
    return 'not heard: it is asked who the opener is now';
  });

  attack('begins, begins and begins again in one window', async () => {
    const page = await visit(stranger.url);
    const popup = await open(page);
    await ended(popup, 'refused');
    for (let i = 0; i < 20; i++)
      await page.evaluate((url) => void window.open(url, 'login'), `${world.loginServer + login}&x=${i}`);
    await settle(page);
    await ended(popup, 'refused');
    expect(tokens(await heard(page))).toBe(0);
    expect(world.host.requests).toEqual([]);
    return 'nothing is asked of the host';
  });
});
