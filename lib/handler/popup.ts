import { Failure } from '../http/errors.ts';
import { popupErrors } from './errors.ts';
import { codeLine, html, outcome, page, safeJson, Html } from '../http/page.ts';
import script from './popup.client.ts?inline';
import type { PopupMessage } from './message.ts';
import type { TextReply } from '../http/http.ts';

/** Names that a CMS may have asked for; anything else is not put into a message. */
const providerName = /^[a-z][a-z0-9-]{0,30}$/;

const greetingOf = (provider: string): string => `authorizing:${provider}`;

/**
 * The page that asks who opened the popup.
 *
 * @param ownOrigin our own origin, which the CMS's `base_url` has to equal
 */
export const greetingPage = ({
  provider,
  next,
  ownOrigin,
}: {
  provider: string;
  next: string;
  ownOrigin: string;
}): TextReply =>
  popup(200, {
    title: 'Signing in',
    state: 'waiting',
    content: html`<p>Asking the CMS.</p>${withoutScript(ownOrigin)}`,
    popupMessage: { greeting: greetingOf(provider), next },
    ownOrigin,
  });

/**
 * The page that hands the token over.
 *
 * @param origin of the page that gets it, and of nobody else
 */
export const successPage = ({
  provider,
  result,
  origin,
  ownOrigin,
}: {
  provider: string;
  result: Record<string, string>;
  origin: string;
  ownOrigin: string;
}): TextReply =>
  popup(200, {
    title: 'Signing in',
    state: 'waiting',
    content: html`<p>Handing over to the CMS.</p>${withoutScript(ownOrigin)}`,
    popupMessage: {
      greeting: greetingOf(provider),
      message: `authorization:${provider}:success:${safeJson({ ...result, provider })}`,
      origin,
    },
    ownOrigin,
  });

/**
 * The page that says what went wrong, to the CMS and to the editor. To the CMS in fixed words, so it does not matter who that is.
 *
 * @param provider the name to announce: what the CMS asked for, since it listens for nothing else. Undefined if it named none.
 * @param origin as in `PopupResult`
 * @param codes as in `codeLine`
 */
export function failurePage({
  provider,
  error,
  origin,
  codes,
}: {
  provider: string | undefined;
  error: Failure;
  origin?: string | null | undefined;
  codes?: string | undefined;
}): TextReply {
  const { message, code, status } = error;
  const refused = code === popupErrors.UNSUPPORTED_DOMAIN.code && typeof origin === 'string';
  return popup(status, {
    title: refused ? 'This site is not listed' : 'Not signed in',
    state: refused ? 'refused' : 'failed',
    error,
    content: html`${refused ? notListed(origin) : html`<p>${message}</p>`}${codeLine(code, codes)}`,
    popupMessage:
      provider !== undefined && providerName.test(provider)
        ? {
            greeting: greetingOf(provider),
            // Decap shows `message`, Sveltia `error` (or words of its own, if it knows the `errorCode`).
            message: `authorization:${provider}:error:${safeJson({ provider, message, error: message, errorCode: code })}`,
            ...(origin !== undefined && { origin }),
          }
        : undefined,
  });
}

const notListed = (origin: string): Html =>
  html`<p><code>${origin}</code> is not on the list of sites that may get a token from here, so the login ends here.</p>
<p>If it is your site, add <code>${origin}</code> to the setting <code>CMS_AUTH_ORIGINS</code> of this login server, then deploy again. If it is not, close this window: somebody tried to log in as you.</p>`;

const withoutScript = (ownOrigin: string): Html =>
  html`<noscript><p>This step needs JavaScript. Allow it for ${ownOrigin}, then log in again.</p></noscript>`;

interface Popup {
  title: string;
  state: 'waiting' | 'refused' | 'failed';
  error?: Failure;
  content: Html;
  popupMessage: PopupMessage | undefined;
  /** Our own origin, for pages that may have to say why nobody answers. */
  ownOrigin?: string;
}

/** The templates hold what the script may have to say later, so that all words stand here and the script only chooses. */
function popup(status: number, { title, state, error, content, popupMessage, ownOrigin }: Popup): TextReply {
  const body = html`<main class="${state === 'waiting' ? state : 'failed'}" data-state="${state}"${error && outcome(error)}>
<div role="status">
<h1>${title}</h1>
${content}
</div>
</main>
${popupMessage && html`<script type="application/json" id="${'next' in popupMessage ? 'opening' : 'hand-over'}">${new Html(safeJson(popupMessage))}</script>`}
${ownOrigin !== undefined && endings(ownOrigin)}`;
  return page(status, { title, body, ...(popupMessage && { script }) });
}

/** @param ownOrigin our own origin */
const endings = (ownOrigin: string): Html[] => [
  ending('done', 'Signed in', html`<p>You may close this window.</p>`),
  ending(
    'alone',
    'The CMS cannot be reached',
    html`<p>This window has no connection to the page that opened it. Usually one of these is why:</p>
<ul>
<li>This page was opened by hand or loaded again. Close it and press Login in the CMS.</li>
<li>The CMS page, or a page of the Git host on the way, sends the header <code>Cross-Origin-Opener-Policy</code>. On the CMS page it has to be <code>same-origin-allow-popups</code> or absent.</li>
<li>The CMS window was closed, or the browser or an extension separates windows.</li>
</ul>`,
  ),
  ending(
    'silent',
    'The CMS does not answer',
    html`<p>The page that opened this window did not answer. Usually one of these is why:</p>
<ul>
<li>In the CMS configuration, <code>base_url</code> is not exactly <code>${ownOrigin}</code>: no path, no final slash, the same host name.</li>
<li>The CMS page sends the header <code>Cross-Origin-Opener-Policy: same-origin</code>. It has to be <code>same-origin-allow-popups</code> or absent.</li>
<li>The CMS page is shown in a sandboxed frame, or was opened as a file.</li>
<li>The CMS window was closed or has moved to another page. Close this one and press Login again.</li>
</ul>`,
  ),
];

const ending = (id: string, title: string, content: Html): Html =>
  html`<template id="${id}"><h1>${title}</h1>${content}</template>`;
