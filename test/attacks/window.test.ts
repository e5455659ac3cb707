/** Frames, prefetching, history, and the answers of other logins. In a real browser. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect } from 'vitest';
import { createHandler } from '../../lib/login/handler.ts';
import { node } from '../../lib/platforms/node.ts';
import { github } from '../../lib/providers/github.ts';
import { closed } from '../contract/http.ts';
import { browserMissing, launch, startOpener } from '../e2e/browser.ts';
import { startWorld, tokenRequests, type World } from '../e2e/world.ts';
import { listen } from '../hosts/http.ts';
import { mint } from '../popup.ts';
import { attack } from './attack.ts';
import { freePort } from '../hosts/port.ts';

type Opener = Window & { messages: string[] };

const login = '/auth?provider=github&site_id=localhost&scope=repo';

describe.skipIf(browserMissing)('The browser’s other ways to load a page', () => {
  let browser: Browser;
  let context: BrowserContext;
  let world: World;
  let site: { url: string; close(): Promise<void> };
  let evil: Server;
  let evilUrl: string;
  /** What the hostile server serves. */
  let html: string;

  beforeAll(async () => {
    evil = createServer((_, response) => response.setHeader('content-type', 'text/html; charset=utf-8').end(html));
    const port = await freePort();
    [browser, world, site] = await Promise.all([launch(), startWorld(port), startOpener()]);
    await new Promise<void>((resolve) => evil.listen(0, '127.0.0.1', resolve));
    // Of the login server's own site, to have its cookies along: a stranger's page gets less.
    evilUrl = `http://localhost:${(evil.address() as AddressInfo).port}`;
    world.env['CMS_AUTH_ORIGINS'] = site.url;
  });
  afterAll(async () => {
    await browser?.close();
    evil?.closeAllConnections();
    await Promise.all([evil && closed(evil), site?.close(), world?.close()]);
  });
  beforeEach(async () => {
    Object.values(world.hosts).forEach((host) => (host.consent = 'always'));
    world.log.length = 0;
    context = await browser.newContext();
  });
  afterEach(() => context.close());

  const visit = async (url: string): Promise<Page> => {
    const page = await context.newPage();
    await page.goto(url);
    return page;
  };
  const open = async (page: Page, path = login) =>
    (
      await Promise.all([
        page.waitForEvent('popup'),
        page.evaluate((url) => void window.open(url, 'login'), world.loginServer + path),
      ])
    )[0];
  const ended = (popup: Page, state: string) => popup.locator(`main[data-state=${state}]`).waitFor();
  const settle = (page: Page) => page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 500)));
  const heard = (page: Page) => page.evaluate(() => (window as unknown as Opener).messages.join('\n'));
  const logged = () => world.log.map(({ event, outcome, code }) => `${event} ${code ?? outcome}`);

  /** Begins in this browser, and stops where the host would send it back. */
  async function stopBefore(id: 'github' | 'gitlab' | 'bitbucket' = 'github'): Promise<string> {
    const host = world.hosts[id];
    host.consent = 'ask';
    const opener = await visit(site.url);
    const page = await open(opener, `/auth/${id}`);
    await page.getByRole('button', { name: 'Allow', exact: true }).waitFor();
    host.consent = 'always';
    const answer = await fetch(page.url(), { redirect: 'manual' });
    await page.close();
    await opener.close();
    const callback = answer.headers.get('location') ?? '';
    expect(callback).toContain(`/auth/${id}/callback?`);
    return callback;
  }

  /** Made with another browser, as an attacker makes it to have it opened elsewhere. */
  const minted = async (): Promise<string> => (await mint(world.loginServer + login, site.url)).callback;

  attack('S12, H6 an iframe, object, embed, image, script or fetch of the beginning', async () => {
    const url = world.loginServer + login;
    html = `<iframe src="${url}"></iframe><object data="${url}"></object><embed src="${url}"><img src="${url}">
      <script src="${url}"></script><link rel="stylesheet" href="${url}">
      <script>fetch("${url}", { mode: 'no-cors', credentials: 'include' }).catch(() => {})</script>`;
    const page = await visit(evilUrl);
    await settle(page);
    expect(logged().length).toBeGreaterThan(4);
    expect(new Set(logged())).toEqual(new Set(['begin NAVIGATION_ONLY']));
    expect(await context.cookies()).toEqual([]);
    return `refused ${logged().length} times: NAVIGATION_ONLY`;
  });

  attack('S12, H6 an iframe and a fetch of a callback whose cookie is there', async () => {
    const callback = await stopBefore();
    const before = tokenRequests(world);
    world.log.length = 0;
    html = `<iframe src="${callback}"></iframe><script>window.messages = []; onmessage = (event) => messages.push(event.data);
      fetch("${callback}", { mode: 'no-cors', credentials: 'include' }).catch(() => {})</script>`;
    const page = await visit(evilUrl);
    await settle(page);
    expect(new Set(logged())).toEqual(new Set(['finish NAVIGATION_ONLY']));
    expect(await heard(page)).toBe('');
    expect(tokenRequests(world)).toBe(before);
    expect(await context.cookies()).toHaveLength(1);
    return 'refused: NAVIGATION_ONLY, and neither code nor cookie is spent';
  });

  attack('S12 prefetch and prerender of the beginning', async () => {
    const url = world.loginServer + login;
    const rules = JSON.stringify({
      prefetch: [{ source: 'list', urls: [url], eagerness: 'immediate' }],
      prerender: [{ source: 'list', urls: [url], eagerness: 'immediate' }],
    });
    html = `<link rel="prefetch" href="${url}"><link rel="prerender" href="${url}"><script type="speculationrules">${rules}</script>`;
    await settle(await visit(evilUrl));
    expect(logged().filter((line) => line !== 'begin NAVIGATION_ONLY')).toEqual([]);
    expect(await context.cookies()).toEqual([]);
    return `${logged().length} requests, refused: NAVIGATION_ONLY`;
  });

  attack('S12 prefetch and prerender of a callback whose cookie is there', async () => {
    const callback = await stopBefore();
    const before = tokenRequests(world);
    world.log.length = 0;
    const rules = JSON.stringify({
      prefetch: [{ source: 'list', urls: [callback], eagerness: 'immediate' }],
      prerender: [{ source: 'list', urls: [callback], eagerness: 'immediate' }],
    });
    html = `<link rel="prefetch" href="${callback}"><script type="speculationrules">${rules}</script>`;
    await settle(await visit(evilUrl));
    expect(logged().filter((line) => line !== 'finish NAVIGATION_ONLY')).toEqual([]);
    expect(tokenRequests(world)).toBe(before);
    expect(await context.cookies()).toHaveLength(1);
    return 'refused: NAVIGATION_ONLY, and neither code nor cookie is spent';
  });

  attack('S7 an attacker’s callback, opened in another profile (login CSRF)', async () => {
    const callback = await minted();
    const before = tokenRequests(world);
    const page = await visit(site.url);
    const [popup] = await Promise.all([
      page.waitForEvent('popup'),
      page.evaluate((url) => void window.open(url, 'login'), callback),
    ]);
    await ended(popup, 'failed');
    await settle(popup);
    expect(await heard(page)).toContain('COOKIE_LOST');
    expect(tokenRequests(world)).toBe(before);
    return 'refused: COOKIE_LOST, and no code is spent';
  });

  attack('S7 the same while the victim’s own login is under way', async () => {
    const own = await stopBefore();
    const other = await visit(await minted());
    expect(await other.getByRole('status').innerText()).toContain('COOKIE_LOST');
    const page = await visit(site.url);
    const [popup] = await Promise.all([
      page.waitForEvent('popup'),
      page.evaluate((url) => void window.open(url, 'login'), own),
    ]);
    await ended(popup, 'done');
    return 'refused: COOKIE_LOST; the victim’s own login still works';
  });

  attack('S11 a form that another site posts to the callback', async () => {
    const callback = new URL(await stopBefore());
    const before = tokenRequests(world);
    world.log.length = 0;
    const fields = [...callback.searchParams].map(([name, value]) => `<input name="${name}" value="${value}">`);
    for (const action of [callback.href, callback.origin + callback.pathname]) {
      html = `<form method="post" action="${action}">${fields.join('')}</form>`;
      const page = await visit(evilUrl);
      await page.evaluate(() => document.forms[0]?.submit());
      await page.waitForURL(action);
    }
    expect(logged()).toEqual(['finish METHOD_NOT_ALLOWED', 'page METHOD_NOT_ALLOWED']);
    expect(tokenRequests(world)).toBe(before);
    return 'refused: 405';
  });

  attack('S8 mix-up: a browser that began at one host is sent to another’s callback', async () => {
    const spent = () =>
      Object.values(world.hosts).flatMap(({ requests }) => requests.filter(({ parameters }) => 'code' in parameters))
        .length;
    const before = spent();
    for (const [from, to] of [
      ['gitlab', 'github'],
      ['github', 'bitbucket'],
      ['bitbucket', 'gitlab'],
    ] as const) {
      const callback = (await stopBefore(from)).replace(`/auth/${from}/`, `/auth/${to}/`);
      const page = await visit(callback);
      expect(await page.getByRole('status').innerText()).toContain('STATE_MISMATCH');
    }
    expect(spent()).toBe(before);
    return 'refused: STATE_MISMATCH, and no code goes to the wrong host';
  });

  attack('S6 the callback replayed in the browser that has ended it', async () => {
    const callback = await stopBefore();
    await visit(callback);
    const before = tokenRequests(world);
    const page = await visit(callback);
    expect(await page.getByRole('status').innerText()).toContain('COOKIE_LOST');
    expect(tokenRequests(world)).toBe(before);
    return 'refused: COOKIE_LOST';
  });

  attack('S6, H10 reload of the page that held the token', async () => {
    const page = await visit(site.url);
    const popup = await open(page);
    await ended(popup, 'done');
    expect(popup.url()).toBe(`${world.loginServer}/auth/github/callback`);
    const before = tokenRequests(world);
    await popup.reload();
    expect(await popup.content()).not.toContain('gho_');
    expect(tokenRequests(world)).toBe(before);
    expect((await heard(page)).match(/success/g)).toHaveLength(1);
    return 'no token: code and state are not in the address any more';
  });

  attack('S6, H4 the back button, to the host’s question and on again', async () => {
    world.host.consent = 'ask';
    const page = await visit(site.url);
    const popup = await open(page);
    await popup.getByRole('button', { name: 'Allow' }).click();
    await ended(popup, 'done');
    const before = tokenRequests(world);
    await popup.goBack();
    await popup.getByRole('button', { name: 'Allow' }).click();
    await ended(popup, 'failed');
    expect(await popup.getByRole('status').innerText()).toContain('COOKIE_LOST');
    await popup.goBack();
    await popup.goForward();
    expect(await popup.content()).not.toContain('gho_');
    expect(tokenRequests(world)).toBe(before);
    expect((await heard(page)).match(/success/g)).toHaveLength(1);
    return 'refused: COOKIE_LOST; no page with a token is kept';
  });

  attack('H1 a script that got into the page after all', async () => {
    const popup = await open(await visit(site.url));
    await ended(popup, 'done');
    const ran = await popup.evaluate(() => {
      const script = document.createElement('script');
      script.textContent = 'window.ran = true';
      document.body.append(script);
      document.body.insertAdjacentHTML('beforeend', '<img src="x" onerror="window.ran = true">');
      return new Promise((resolve) => setTimeout(() => resolve((window as unknown as { ran?: boolean }).ran), 200));
    });
    expect(ran).toBeUndefined();
    return 'does not run: its hash is not named';
  });

  attack(
    'H4 a service worker of the site’s own that keeps all it sees, where site and login server are one origin',
    async () => {
      const worker = `oninstall = () => skipWaiting(); onactivate = (event) => event.waitUntil(clients.claim());
      onfetch = (event) => event.respondWith((async () => {
        const [cache, response] = await Promise.all([caches.open('all'), fetch(event.request)]);
        await cache.put(event.request, response.clone()).catch(() => {});
        return response;
      })());`;
      const codes: (string | undefined)[] = [];
      const handler = node(createHandler([github], { env: world.env, log: ({ code }) => codes.push(code) }));
      const own = await listen(
        (request, response) => {
          if (request.url?.startsWith('/auth')) return void handler(request, response);
          response.setHeader('content-type', request.url === '/sw.js' ? 'text/javascript' : 'text/html');
          response.end(request.url === '/sw.js' ? worker : '');
        },
        { host: 'localhost' },
      );
      const page = await visit(own.url);
      await page.evaluate(async () => {
        const controlled = new Promise((resolve) => (navigator.serviceWorker.oncontrollerchange = resolve));
        await navigator.serviceWorker.register('/sw.js');
        await controlled;
      });
      const popup = await visit(`${own.url}/auth/github`);
      await ended(popup, 'failed');
      await own.close();
      expect(codes).toEqual(['NAVIGATION_ONLY']);
      return 'refused: NAVIGATION_ONLY; it has to leave /auth alone for logins to work';
    },
  );
});
