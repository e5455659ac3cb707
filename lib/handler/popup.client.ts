/** The script of the popup's pages (`popup.ts`). Bundled alone; it runs in the browser and holds no words of its own. */
import type { PopupMessage } from './message.ts';

const element = document.querySelector('script[type="application/json"]');
const popupMessage = JSON.parse(element?.textContent ?? '') as PopupMessage;
const main = document.querySelector('main');
const waiting = main?.dataset['state'] === 'waiting';
const opener = window.opener as Window | null;
const memory = 'login-opener';

let openerOrigin: string | null | undefined;
if ('message' in popupMessage) {
  element?.remove(); // it may hold a token
  openerOrigin = popupMessage.origin;
  // Code and state are spent, but they need not stay in the history either (RFC 9700, 4.3.1).
  if (openerOrigin !== undefined) history.replaceState(null, '', location.pathname);
  if (openerOrigin === null) openerOrigin = remembered();
}

if (!opener) show('alone');
else if (openerOrigin) tell(openerOrigin);
else ask();

/** Asks the opener who it is. */
function ask(): void {
  const timer = setTimeout(show, 10_000, 'silent');
  addEventListener('message', function receive({ source, data, origin }: MessageEvent): void {
    // Frames and other windows can post here, too; only the opener is meant, and it must say exactly this.
    // An opaque origin ("null", a sandboxed page) is nobody: it cannot be named as a target.
    if (!isOpener(source) || data !== popupMessage.greeting || origin === 'null') return;
    // Once: a second click on Login leaves a second listener in the CMS, and it is one login all the same.
    removeEventListener('message', receive);
    clearTimeout(timer);
    if (!('next' in popupMessage)) return tell(origin);
    remember(origin);
    location.replace(popupMessage.next + encodeURIComponent(origin));
  });
  // To anyone, since nobody is known yet: it says nothing that the opener does not know, having asked for this login itself.
  opener?.postMessage(popupMessage.greeting, '*');
}

/**
 * In WebKit (seen in WebKitGTK 2.50), a message that a page of our own origin posts by `return popup.postMessage(…)`, as Decap
 * does, comes with this very window as its source. So the window stands for an opener of our own origin, and for no other: such
 * a page could script this window anyway, and a page of another origin cannot be read here.
 */
const isOpener = (source: unknown): boolean => source === opener || (source === window && isSameOrigin(opener));

function isSameOrigin(page: Window | null): boolean {
  try {
    return page?.location.origin === location.origin;
  } catch {
    return false; // another origin's
  }
}

/** The origin is named, so that the browser drops the message if the opener has gone to another page since it spoke. */
function tell(addressee: string): void {
  if ('message' in popupMessage) opener?.postMessage(popupMessage.message, addressee);
  if (waiting) show('done');
}

/** For an answer of the host's that comes back without its `state`. A browser that keeps nothing will then be asked again. */
function remember(origin: string): void {
  try {
    sessionStorage.setItem(memory, origin);
  } catch {}
}

function remembered(): string | null {
  try {
    return sessionStorage.getItem(memory);
  } catch {
    return null;
  }
}

function show(ending: 'done' | 'alone' | 'silent'): void {
  const template = document.getElementById(ending) as HTMLTemplateElement | null;
  const status = document.querySelector('[role=status]');
  // A page that says what went wrong says nothing else.
  if (!template || !main || !status) return;
  const content = template.content.cloneNode(true) as DocumentFragment;
  main.className = ending === 'done' ? 'done' : 'failed';
  main.dataset['state'] = ending;
  document.title = content.querySelector('h1')?.textContent ?? '';
  status.replaceChildren(content);
}
