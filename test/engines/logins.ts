/** Whole logins, as an editor does and sees them, in one engine. Each engine has a file of tests that calls this. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { CmsName } from '../cms/bundles.ts';
import { startOpener } from '../e2e/browser.ts';
import { tokenRequests } from '../e2e/world.ts';
import { missing, timeoutMs, type Browser, type Engine, type Tab, type Visitor } from './engine.ts';
import { cmsNames, startSites, type Place, type Sites } from './sites.ts';

const decap = {
  login: "//button[contains(., 'Login with')]",
  entry: "//main//a[contains(@href, '#/collections/posts/entries/')]",
  message: '//section[.//button]/p',
};
/** Where things are on each CMS's pages. */
const screens: Record<CmsName, typeof decap> = {
  decap,
  netlify: decap,
  sveltia: { login: "//button[contains(., 'Sign In with')]", entry: "//*[@role='row']", message: "//*[@role='alert']" },
};
const allow = "//button[.='Allow']";
const deny = "//button[.='Deny']";
const agree = async (popup: Tab) => {
  await popup.click(allow);
  await popup.closed();
};
const ended = (state: string) => `//main[@data-state='${state}']`;

const places: Place[] = ['the same origin', 'another origin', 'another site'];

export function logins(name: string, engine: Engine): void {
  const describeHere = describe.skipIf(missing(name, engine));

  describeHere.each(['http', 'https'] as const)(`${name} on %s`, (scheme) => {
    let sites: Sites;
    let browser: Browser;
    let visitor: Visitor;

    beforeAll(async () => void ([browser, sites] = await Promise.all([engine.launch(), startSites(scheme)])));
    afterAll(async () => {
      await browser?.close();
      await sites?.close();
    });
    beforeEach(async () => {
      sites.reset();
      visitor = await browser.visitor();
    });
    afterEach(async () => {
      await visitor.leave();
      expect(visitor.errors).toEqual([]);
      expect(sites.asked).not.toContain('/favicon.ico');
    });

    const begin = async (cms: CmsName, place: Place) => {
      const editor = await visitor.open(sites.page(cms, place));
      return { editor, popup: await editor.popup(screens[cms].login) };
    };
    const isIn = async (cms: CmsName, editor: Tab) => {
      await editor.text(screens[cms].entry);
      expect(await editor.count(screens[cms].entry)).toBe(2);
    };

    describe.each(cmsNames)('%s', (cms) => {
      const { login, message } = screens[cms];

      it('tells that the editor said no, then logs in', async () => {
        const { editor, popup } = await begin(cms, 'the same origin');
        await popup.click(deny);
        await popup.closed();
        await editor.text(`${message}[contains(., 'Access was refused at GitHub')]`);
        await agree(await editor.popup(login));
        await isIn(cms, editor);
      });

      it('gets nothing on another origin that is not listed, and logs in when it is', async () => {
        const listed = sites.world.env['CMS_AUTH_ORIGINS'] ?? '';
        sites.world.env['CMS_AUTH_ORIGINS'] = 'https://www.example.com';
        sites.world.host.consent = 'always';
        const editor = await visitor.open(sites.page(cms, 'another origin'));
        // Nobody waits for its popup, which may be closed again before a driver could say that it was there.
        await editor.click(login);
        // Sveltia has words of its own for this one.
        await editor.text(`${message}[contains(., 'not on the list') or contains(., 'domain')]`);
        expect(await editor.run('JSON.stringify({ ...localStorage })')).not.toContain('gho_');
        sites.world.env['CMS_AUTH_ORIGINS'] = listed;
        sites.world.host.consent = 'ask';
        await agree(await editor.popup(login));
        await isIn(cms, editor);
      });

      if (scheme === 'https')
        it('logs in from another site', async () => {
          const { editor, popup } = await begin(cms, 'another site');
          await agree(popup);
          await isIn(cms, editor);
        });
    });

    it('two editors log in at once', async () => {
      const first = await begin('decap', 'the same origin');
      const second = await begin('sveltia', 'another origin');
      await second.popup.click(allow);
      await first.popup.click(allow);
      await Promise.all([first.popup.closed(), second.popup.closed()]);
      await isIn('decap', first.editor);
      await isIn('sveltia', second.editor);
    });

    it("the owner's page tries a login", async () => {
      const owner = await visitor.open(`${sites.loginServer}/auth`);
      const popup = await owner.popup("//section[1]//button[.='Try a login']");
      await popup.click(allow);
      await owner.text("//section[1]//li[contains(., 'The login works')]");
      expect(await owner.run('document.documentElement.outerHTML')).not.toContain('gho_');
    });

    if (engine.hearsErrors)
      it('no page of ours leaves an error in the console', async () => {
        for (const path of ['/auth', '/auth/github/callback', '/auth?provider=nobody', '/auth/nowhere']) {
          const page = await visitor.open(sites.loginServer + path);
          await page.text('//h1');
          // Browsers ask for the icon when all else is done.
          await page.run('new Promise((resolve) => setTimeout(() => resolve(1), 500))');
        }
      });

    describe('without a CMS', () => {
      let opener: { url: string; close(): Promise<void> };
      beforeAll(async () => void (opener = await startOpener()));
      afterAll(() => opener?.close());
      beforeEach(() => {
        sites.world.env['CMS_AUTH_ORIGINS'] = opener.url;
        sites.world.host.consent = 'always';
      });
      const address = () => `${sites.loginServer}/auth?provider=github`;
      const fromPage = async (prepare = '') => {
        const page = await visitor.open(`${opener.url}/#${encodeURIComponent(address())}`);
        await page.run(prepare || '0');
        const popup = await page.popup('//button');
        return { popup, posted: () => page.run<string>('messages.join("\\n")') };
      };

      it('the window says that it is done', async () => {
        const { popup, posted } = await fromPage();
        expect(await popup.text(ended('done'))).toContain('You may close this window');
        expect((await posted()).match(/^authorization:github:success:/gm)).toHaveLength(1);
      });

      it('a callback that is loaded again spends nothing', async () => {
        const { popup } = await fromPage();
        await popup.text(ended('done'));
        const callback = sites.asked.find((url) => url.includes('/callback?code='));
        const before = tokenRequests(sites.world);
        const again = await visitor.open(sites.loginServer + callback);
        expect(await again.text(ended('failed'))).toContain('COOKIE_LOST');
        expect(tokenRequests(sites.world)).toBe(before);
      });

      it('the window names a page that is not listed', async () => {
        sites.world.env['CMS_AUTH_ORIGINS'] = 'https://www.example.com';
        const { popup, posted } = await fromPage();
        expect(await popup.text(ended('refused'))).toContain(opener.url);
        expect(await posted()).not.toContain('gho_');
      });

      it('the window says that nobody opened it', async () => {
        const alone = await visitor.open(address());
        expect(await alone.text(ended('alone'))).toContain('Cross-Origin-Opener-Policy');
      });

      it('the window says that its opener does not answer', async () => {
        const { popup, posted } = await fromPage('window.mute = true');
        expect(await popup.text(ended('silent'))).toContain(sites.loginServer);
        expect(await posted()).toBe('authorizing:github');
      });
    });
  });

  describeHere(`${name} with the strictest protection against tracking`, () => {
    let sites: Sites;
    let browser: Browser;
    let visitor: Visitor;
    beforeAll(
      async () => void ([browser, sites] = await Promise.all([engine.launch({ strict: true }), startSites('https')])),
    );
    afterAll(async () => {
      await browser?.close();
      await sites?.close();
    });
    beforeEach(async () => {
      sites.reset();
      visitor = await browser.visitor();
    });
    afterEach(() => visitor.leave());

    it('is protected: a site that is in a frame of another does not know who visits', async () => {
      const { alone, framed, knows } = sites.tracker;
      for (const url of [alone, alone, framed]) await (await visitor.open(url)).text('//h1');
      await expect.poll(() => knows, { timeout: timeoutMs }).toEqual([false, true, false]);
    });

    it.each(places)('decap logs in from %s', async (place) => {
      const editor = await visitor.open(sites.page('decap', place));
      const popup = await editor.popup(screens.decap.login);
      await agree(popup);
      await editor.text(screens.decap.entry);
    });
  });
}
