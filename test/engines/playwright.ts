/** Chromium and Firefox. The Firefox is Mozilla's own: Playwright knows it by WebDriver BiDi, beside the one it patches. */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { firefox as firefoxType, type Browser as Playwright, type Page } from 'playwright-core';
import { browserMissing, launch } from '../e2e/browser.ts';
import { ours, timeoutMs, type Browser, type Engine, type Tab } from './engine.ts';

export const chromium: Engine = {
  missing: browserMissing ? 'see above' : undefined,
  hearsErrors: true,
  // Playwright's windows are private ones, where Chromium keeps third parties' cookies out as it is.
  launch: async () => drive(await launch()),
};

const firefoxPath = [
  process.env['FIREFOX_PATH'] ?? '',
  '/usr/bin/firefox-esr',
  '/usr/bin/firefox',
  '/Applications/Firefox.app/Contents/MacOS/firefox',
].find((path) => existsSync(path));

/** "Strict" in the settings, and protection against fingerprinting, which is not part of that. */
const strictly = { 'browser.contentblocking.category': 'strict', 'privacy.resistFingerprinting': true };

export const firefox: Engine = {
  missing:
    firefoxPath === undefined ? 'install it ("apt-get install firefox-esr") or set FIREFOX_PATH to one.' : undefined,
  hearsErrors: true,
  async launch({ strict = false } = {}) {
    answerForFirefox();
    return drive(
      await firefoxType.launch({
        channel: 'moz-firefox',
        ...(firefoxPath !== undefined && { executablePath: firefoxPath }),
        ...(strict && { firefoxUserPrefs: strictly }),
      }),
    );
  },
};

/**
 * Playwright tells every window which colours to prefer, by a command that Firefox ESR does not know yet, and gives up when that is
 * refused. No colour matters here, so the command is answered without asking Firefox.
 */
function answerForFirefox(): void {
  interface Socket {
    send(data: string, ...rest: unknown[]): void;
    emit(event: 'message', data: Buffer, binary: boolean): void;
  }
  const { ws } = createRequire(import.meta.url)('playwright-core/lib/utilsBundle') as { ws: { prototype: Socket } };
  const { send } = ws.prototype;
  ws.prototype.send = function (data, ...rest) {
    if (!data.includes('"emulation.setMediaFeaturesOverride"')) return send.call(this, data, ...rest);
    const { id } = JSON.parse(data) as { id: number };
    const answer = Buffer.from(JSON.stringify({ type: 'success', id, result: {} }));
    setImmediate(() => this.emit('message', answer, false));
  };
}

function drive(browser: Playwright): Browser {
  return {
    async visitor() {
      const context = await browser.newContext({ ignoreHTTPSErrors: true });
      context.setDefaultTimeout(timeoutMs);
      const errors: string[] = [];
      const note = (page: Page | null, text: string) => {
        if (page && ours(page.url())) errors.push(`${page.url()}: ${text}`);
      };
      context.on('console', (message) => {
        // Chromium's line about the status of a page that fails is right: the page has that status on purpose.
        const ofThePage = ours(message.location().url) && message.text().includes('responded with a status of 4');
        if (message.type() === 'error' && !ofThePage) note(message.page(), message.text());
      });
      context.on('weberror', (error) => note(error.page(), String(error.error())));
      return {
        errors,
        async open(url) {
          const page = await context.newPage();
          await page.goto(url, { waitUntil: 'commit' });
          return tab(page);
        },
        leave: () => context.close(),
      };
    },
    close: () => browser.close(),
  };
}

function tab(page: Page): Tab {
  const all = (element: string) => page.locator(`xpath=${element}`);
  return {
    click: (element) => all(element).first().click(),
    async popup(element) {
      const [popup] = await Promise.all([page.waitForEvent('popup'), all(element).first().click()]);
      return tab(popup);
    },
    text: (element) => all(element).first().innerText(),
    count: (element) => all(element).count(),
    run: (expression) => page.evaluate(expression),
    async closed() {
      if (!page.isClosed()) await page.waitForEvent('close');
    },
  };
}
