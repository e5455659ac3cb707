/** A real browser, and the pages that play the CMS's part where a real CMS would only be in the way. */
import { existsSync } from 'node:fs';
import { chromium, type Page } from 'playwright-core';
import { listen, send } from '../hosts/http.ts';

const executablePath = [
  process.env['CHROMIUM_PATH'] ?? '',
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
].find((path) => existsSync(path));

/** On a developer's machine the browser tests are left out, loudly; in CI they must run. */
export const browserMissing = executablePath === undefined;
if (browserMissing) {
  const how = 'No Chromium found: install it ("apt-get install chromium") or set CHROMIUM_PATH to one.';
  if (process.env['CI']) throw new Error(how);
  console.error(`\n!!!!!!!! THE BROWSER TESTS DO NOT RUN. ${how} !!!!!!!!\n`);
}

export const launch = () =>
  chromium.launch({
    ...(executablePath !== undefined && { executablePath }),
    // Chromium calls home by itself; on a machine without a way out that only costs time.
    args: ['--disable-background-networking', '--disable-component-update', '--disable-sync', '--no-first-run'],
  });

/** Notes all that the server at `origin` answers to the page: addresses, headers and texts. */
export function noteAnswers(page: Page, origin: string, seen: string[]): void {
  page.on('response', (response) => {
    if (!response.url().startsWith(origin)) return;
    seen.push(response.url(), JSON.stringify(response.headers()));
    response.text().then(
      (text) => seen.push(text),
      () => {},
    );
  });
}

/**
 * A page that opens popups and plays the CMS's side of the handshake, as any page on any origin can.
 * `window.begin(url)` opens a popup, and so does the button, at the address behind the page's own `#`; `window.messages` is all
 * that was posted to it, with the sender's origin.
 */
export const startOpener = ({ headers = {} }: { headers?: Record<string, string> } = {}) =>
  listen(
    (_, response) => {
      for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
      send(response, 200, 'text/html; charset=utf-8', opener);
    },
    { host: 'localhost' },
  );

const opener = `<!doctype html><title>Opener</title><script>
  window.messages = [];
  window.echoes = 1;
  addEventListener('message', (event) => {
    messages.push(event.data);
    if (window.mute || !/^authorizing:/.test(event.data)) return;
    for (let i = 0; i < window.echoes; i++) event.source.postMessage(event.data, event.origin);
  });
  window.begin = (url, name) => void (window.popup = open(url, name, 'width=600,height=800'));
</script><button onclick="begin(decodeURIComponent(location.hash.slice(1)))">Log in</button>`;
