import { Failure } from '../web/errors.ts';
import { hopErrors } from './errors.ts';
import { html, page, safeJson, Html } from '../web/page.ts';
import script from './popup.client.ts?inline';
import type { TextReply } from '../web/http.ts';
import type { OriginList } from '../web/origins.ts';

/**
 * The page in the popup that hands the outcome of a login to the CMS that opened it, and says it in words.
 *
 * The CMSs' protocol: the popup posts `authorizing:P`, the opener echoes it, the popup answers with one result. Only the
 * echo's `event.origin` tells who is asking: `site_id` and `Referer` are written by, or can be withheld by, anybody.
 * So the page carries a result for each kind of asker and picks by the echo's origin (see `popup.client.ts`).
 */
export interface HandOver {
  greeting: string;
  /** Who counts as listed. Empty on failures: only a page that holds a token also holds the list. */
  origins: OriginList;
  /** The one message to post, by how the asker is listed. `other` never holds a token. */
  results: { exact?: string; pattern?: string; other: string };
}

const nobody: OriginList = { exact: [], patterns: [] };

/** Names that a CMS may have asked for; anything else is not put into a message. */
const providerName = /^[a-z][a-z0-9-]{0,30}$/;

/**
 * @param hop our own origin, which the CMS's `base_url` has to equal
 */
export function successPage({
  provider,
  result,
  resultForExact,
  origins,
  hop,
}: {
  provider: string;
  result: Record<string, string>;
  resultForExact: Record<string, string>;
  origins: OriginList;
  hop: string;
}): TextReply {
  const success = (fields: Record<string, string>) =>
    `authorization:${provider}:success:${safeJson({ ...fields, provider })}`;
  return popup(200, {
    title: 'Signing in',
    state: 'waiting',
    content: html`<p>Handing over to the CMS.</p><noscript><p>This step needs JavaScript. Allow it for ${hop}, then log in again.</p></noscript>`,
    handOver: {
      greeting: `authorizing:${provider}`,
      origins,
      results: {
        exact: success(resultForExact),
        pattern: success(result),
        other: failure(provider, new Failure(hopErrors.UNSUPPORTED_DOMAIN)),
      },
    },
    hop,
  });
}

/**
 * @param provider the name to announce: what the CMS asked for, since it listens for nothing else. Undefined if it named none.
 */
export function failurePage({
  provider,
  error,
  hop = 'the address of this login server',
}: {
  provider: string | undefined;
  error: Failure;
  hop?: string | undefined;
}): TextReply {
  return popup(error.status, {
    title: 'Not signed in',
    state: 'failed',
    code: error.code,
    content: html`<p>${error.message}</p><p class="quiet">Code: ${error.code}</p>`,
    handOver:
      provider !== undefined && providerName.test(provider)
        ? { greeting: `authorizing:${provider}`, origins: nobody, results: { other: failure(provider, error) } }
        : undefined,
    hop,
  });
}

/** Decap shows `message`, Sveltia `error` (or words of its own, if it knows the `errorCode`). */
const failure = (provider: string, { message, code }: Pick<Failure, 'message' | 'code'>): string =>
  `authorization:${provider}:error:${safeJson({ provider, message, error: message, errorCode: code })}`;

interface Popup {
  title: string;
  state: 'waiting' | 'failed';
  code?: string;
  content: Html;
  handOver: HandOver | undefined;
  hop: string;
}

/** The templates hold what the script may have to say later, so that all words stand here and the script only chooses. */
function popup(status: number, { title, state, code, content, handOver, hop }: Popup): TextReply {
  const body = html`<main class="${state}" data-state="${state}"${code !== undefined && html` data-code="${code}"`}>
<div role="status">
<h1>${title}</h1>
${content}
</div>
</main>
${handOver && [html`<script type="application/json" id="hand-over">${new Html(safeJson(handOver))}</script>`, ...endings(hop)]}`;
  return page(status, { title, body, ...(handOver && { script }) });
}

/** @param hop our own origin */
const endings = (hop: string): Html[] => [
  ending('done', 'Signed in', html`<p>You may close this window.</p>`),
  ending(
    'refused',
    'This site is not listed',
    html`<p>The login itself worked, but <code data-origin></code> is not on the list of sites that may get a token from here, so it got none.</p>
<p>If it is your site, add <code data-origin></code> to the setting <code>CMS_AUTH_ORIGINS</code> of this login server. If it is not, close this window: somebody tried to log in as you.</p>`,
  ),
  ending(
    'alone',
    'The CMS cannot be reached',
    html`<p>This window has lost its connection to the page that opened it. Usually one of these is why:</p>
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
<li>In the CMS configuration, <code>base_url</code> is not exactly <code>${hop}</code>: no path, no final slash, the same host name.</li>
<li>The CMS page sends the header <code>Cross-Origin-Opener-Policy: same-origin</code>. It has to be <code>same-origin-allow-popups</code> or absent.</li>
<li>The CMS window was closed or has moved to another page. Close this one and press Login again.</li>
</ul>`,
  ),
];

const ending = (id: string, title: string, content: Html): Html =>
  html`<template id="${id}"><h1>${title}</h1>${content}</template>`;
