/** The script of the popup page (`popup.ts`). Bundled alone; it runs in the browser and holds no words of its own. */
import { matchOrigin } from '../web/origins.ts';
import type { HandOver } from './popup.ts';

type Ending = 'done' | 'refused' | 'alone' | 'silent';

// Code and state are spent, but they need not stay in the history either (RFC 9700, 4.3.1).
history.replaceState(null, '', location.pathname);

const element = document.getElementById('hand-over');
let handOver: HandOver | undefined = JSON.parse(element?.textContent ?? '');
element?.remove();

const opener = window.opener as Window | null;
const failed = document.querySelector('main')?.dataset['state'] === 'failed';

if (!opener) {
  handOver = undefined;
  show('alone');
} else {
  addEventListener('message', receive);
  // To anyone, since nobody is known yet: it says nothing that the opener does not know, having asked for this login itself.
  opener.postMessage(handOver?.greeting, '*');
  setTimeout(() => handOver && show('silent'), 10_000);
}

function receive(event: MessageEvent): void {
  // Frames and other windows can post here, too; only the opener is meant, and it must say exactly this.
  // An opaque origin ("null", a sandboxed page) is nobody: it cannot be named as a target.
  if (!handOver || event.source !== opener || event.data !== handOver.greeting || event.origin === 'null') return;
  const { origins, results } = handOver;
  // Once: a second click on Login leaves a second listener in the CMS, and a token is not to be had twice.
  handOver = undefined;
  removeEventListener('message', receive);

  const listed = matchOrigin(origins, event.origin);
  const result = listed && results[listed];
  // The origin is named, so that the browser drops the message if the opener has gone to another page since it spoke.
  opener?.postMessage(result ?? results.other, event.origin);
  if (!failed) show(result === undefined ? 'refused' : 'done', event.origin);
}

function show(ending: Ending, origin = ''): void {
  const content = (document.getElementById(ending) as HTMLTemplateElement).content.cloneNode(true) as DocumentFragment;
  for (const place of content.querySelectorAll('[data-origin]')) place.textContent = origin;
  const main = document.querySelector('main');
  const status = document.querySelector('[role=status]');
  if (!main || !status) return;
  // What went wrong stays, and why nobody was told comes below it.
  if (failed) {
    const heading = content.querySelector('h1');
    const smaller = document.createElement('h2');
    smaller.append(...(heading?.childNodes ?? []));
    heading?.replaceWith(smaller);
    status.append(content);
    return;
  }
  main.className = ending === 'done' ? 'done' : 'failed';
  main.dataset['state'] = ending;
  document.title = content.querySelector('h1')?.textContent ?? '';
  status.replaceChildren(content);
}
