/** The script of the set-up page (`setup-page.ts`): copies, and plays a CMS that logs in. */
import '../http/copy.client.ts';
import { forOwner } from '../http/for-owner.ts';

// Whoever comes from an error page looks for one code. Not every browser opens what is folded around it.
const named = document.getElementById(location.hash.slice(1));
named?.closest('details')?.setAttribute('open', '');
named?.scrollIntoView();

for (const box of document.querySelectorAll<HTMLElement>('[data-try]')) {
  const button = box.querySelector('button');
  const list = box.querySelector('ol');
  if (!button || !list) continue;
  box.hidden = false;
  button.onclick = () =>
    tryLogin(box.dataset['try'] ?? '', box.dataset['provider'] ?? '', list, [
      location.origin,
      box.dataset['origin'] ?? '',
    ]);
}

let stop = () => {};

/** The CMS's side of the handshake, step by step. What it is handed is not shown, nor kept. */
function tryLogin(address: string, provider: string, list: HTMLOListElement, origins: readonly string[]): void {
  stop();
  list.replaceChildren();
  const say = (text: string) => list.appendChild(document.createElement('li')).append(text);
  const popup = open(address, 'login', 'width=700,height=800');
  if (!popup) return say('The browser blocked the window. Allow windows for this page, then try again.');
  say(`A window opened at ${location.origin}${address}`);
  const greeting = `authorizing:${provider}`;
  const tried = (text: string) => {
    say(text);
    const mark = list.closest('section')?.querySelector('h2 .quiet');
    if (mark) mark.textContent = 'tried: it works';
  };

  function receive({ source, origin, data }: MessageEvent<unknown>): void {
    // The window may have gone to any page by now; ours, and the one that base_url names, are of these origins.
    if (source !== popup || typeof data !== 'string' || !origins.includes(origin)) return;
    if (data === greeting) {
      say(`It said "${greeting}", from ${origin}. A CMS whose base_url is not exactly that would not hear it.`);
      popup?.postMessage(greeting, origin);
      return;
    }
    const [, outcome, json] = /^authorization:[^:]*:(success|error):(.*)$/.exec(data) ?? [];
    if (outcome === undefined || json === undefined) return;
    const result = JSON.parse(json) as { token?: string; message?: string; errorCode?: string };
    stop();
    if (result.token !== undefined)
      return tried('The login works. (This page may use it because its address is on the list of sites.)');
    if (result.errorCode === 'UNSUPPORTED_DOMAIN')
      return say(
        `This page was refused before the Git host was asked: ${location.origin} is not on the list of sites that may get a token. That is right if your CMS is elsewhere; then press Login there.`,
      );
    say(`The login did not work: ${forOwner(result.message ?? '')} (${result.errorCode ?? ''})`);
  }

  addEventListener('message', receive);
  // A window that is cut off by a page of the host on the way counts as closed, so this is a hint and no end.
  const watch = setInterval(() => {
    if (!popup.closed) return;
    clearInterval(watch);
    say('The window was closed, or a page on the way cut it off with a Cross-Origin-Opener-Policy header.');
  }, 1_000);
  stop = () => {
    removeEventListener('message', receive);
    clearInterval(watch);
  };
}
