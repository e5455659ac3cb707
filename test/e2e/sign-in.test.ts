import type { IncomingMessage, ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { routes } from '../../functions/gateway.ts';
import { firebase, type FirebaseRequest } from '../../lib/platforms/firebase.ts';
import { node } from '../../lib/platforms/node.ts';
import { serve } from '../../lib/handler/serve.ts';
import { drivers } from '../cms/drive.ts';
import { listen, type Listening } from '../hosts/http.ts';
import type { IdentityHost } from '../hosts/identity.ts';
import { browserMissing, launch } from './browser.ts';
import { editAndPublish, login, startSignIn, type SignInWorld } from './sign-in.ts';
import type { Handler } from '../../lib/http/http.ts';
import type { LogEntry } from '../../lib/http/log.ts';

type Serve = (request: IncomingMessage, response: ServerResponse) => void | Promise<void>;

/** With its Hosting in front, which lets one cookie through. */
const onFirebase =
  (answer: (request: FirebaseRequest, response: ServerResponse) => Promise<void>): Serve =>
  async (request, response) => {
    const rawBody = await buffer(request);
    const cookies = (request.headers.cookie ?? '').split(/; ?/).filter((pair) => pair.startsWith('__session='));
    if (cookies.length > 0) request.headers.cookie = cookies.join('; ');
    else delete request.headers.cookie;
    await answer(Object.assign(request, { originalUrl: request.url ?? '', rawBody }), response);
  };

/** With cookies of their own, and with one for all; what is deployed is tried under the vendors' tools, in `test/platforms`. */
const shells: Record<string, (handler: Handler) => Serve> = {
  'a Node server': (handler) => node(handler),
  Firebase: (handler) => onFirebase(firebase(handler)),
};

describe.skipIf(browserMissing).each(Object.keys(shells))('Decap CMS with the gateway’s sign-in on %s', (name) => {
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;
  let world: SignInWorld;
  let identity: IdentityHost;
  let site: Listening;
  let gateway: Listening;
  const env: Record<string, string> = {};
  const log: LogEntry[] = [];
  const driver = drivers.decap;

  beforeAll(async () => {
    [browser, world, gateway] = await Promise.all([
      launch(),
      startSignIn(),
      listen((shells[name] as (handler: Handler) => Serve)(serve(routes, { env, log: (entry) => log.push(entry) })), {
        host: 'localhost',
      }),
    ]);
    ({ identity, site } = world);
    world.introduce(gateway.url);
  });
  afterAll(async () => {
    await browser?.close();
    await Promise.all([gateway?.close(), world?.close()]);
  });
  beforeEach(async () => {
    Object.assign(env, { CMS_AUTH_URL: gateway.url, ...world.settings });
    identity.faults = {};
    log.length = 0;
    context = await browser.newContext();
    page = await context.newPage();
    await page.goto(`${site.url}/admin/`);
  });
  afterEach(() => context.close());

  /** Where Decap says what went wrong, and where an editor can try again. */
  const message = async () => {
    const text = await driver.loginMessage(page);
    expect(await page.getByRole('button', { name: 'Login' }).isEnabled()).toBe(true);
    return text;
  };

  it('lets an editor in, who edits and publishes', () => editAndPublish(page, world, gateway.url));

  it('lets nobody stay who is taken off the list, and ends every session with a new client secret', async () => {
    for (const [setting, value, code] of [
      ['CMS_GATEWAY_EDITORS', 'bob@example.org', 'NOT_AN_EDITOR'],
      ['CMS_GATEWAY_CLIENT_SECRET', 'x'.repeat(40), 'BAD_TOKEN'],
    ] as const) {
      const before = env[setting] ?? '';
      await page.goto(`${site.url}/admin/`);
      await login(page, 'Ann Example');
      await driver.loggedIn(page);
      env[setting] = value;
      log.length = 0;
      await page.reload();
      await page.getByRole('button', { name: /Login|Logging in/ }).waitFor();
      await expect.poll(() => log.map((entry) => entry.code), { timeout: 20_000 }).toContain(code);
      expect(log.filter(({ event, outcome }) => event !== 'status' && outcome === 'ok')).toEqual([]);
      env[setting] = before;
      await page.evaluate(() => localStorage.clear());
    }
  });

  it('tells who is not on the list, with the address, and lets them try again', async () => {
    await login(page, 'Eve Elsewhere');
    expect(await message()).toContain('access_denied: eve@example.net is not on the list of editors');
    await login(page, 'Bob Example');
    await driver.loggedIn(page);
  });

  it('tells that the editor said no', async () => {
    await login(page, 'Nobody');
    expect(await message()).toContain('Access was refused');
  });

  it('tells that the provider is down', async () => {
    identity.faults.token = 'reset';
    await login(page, 'Ann Example');
    expect(await message()).toContain('could not be reached');
  });

  it('tells that a setting is missing', async () => {
    env['CMS_GATEWAY_CLIENT_SECRET'] = '';
    await page.getByRole('button', { name: 'Login' }).click();
    expect(await message()).toContain('CMS_GATEWAY_CLIENT_SECRET');
  });

  it('says on its own page that it knows no safe address, and goes nowhere', async () => {
    env['CMS_GATEWAY_PAGES'] = `${site.url}/elsewhere/`;
    await page.getByRole('button', { name: 'Login' }).click();
    await page.getByText('PAGE_NOT_LISTED').waitFor();
    expect(new URL(page.url()).origin).toBe(gateway.url);
    delete env['CMS_GATEWAY_PAGES'];
  });

  it('lets two tabs sign in at once', async () => {
    const other = await context.newPage();
    await other.goto(`${site.url}/admin/`);
    for (const tab of [page, other]) await tab.getByRole('button', { name: 'Login' }).click();
    for (const tab of [other, page]) await tab.getByRole('button', { name: 'Bob Example' }).click();
    for (const tab of [page, other]) await driver.loggedIn(tab);
  });

  it('can be tried by the owner, from the page at /git', async () => {
    await page.goto(`${gateway.url}/git`);
    await page.getByRole('link', { name: 'Try a sign-in' }).click();
    await page.getByRole('button', { name: 'Ann Example' }).click();
    await page.getByRole('heading', { name: 'The sign-in works' }).waitFor();
    expect(await page.locator('li').allInnerTexts()).toHaveLength(3);
    await page.getByRole('link', { name: 'Back' }).click();
    await page.getByRole('link', { name: 'Try a sign-in' }).click();
    await page.getByRole('button', { name: 'Eve Elsewhere' }).click();
    await page.getByText('EMAIL_NOT_LISTED').waitFor();
  });
});
