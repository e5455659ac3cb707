import { commonHeaders, type TextReply } from './http.ts';
import type { Failure } from './errors.ts';
import style from './page.css?inline';

/** HTML that is safe as it stands: made by `html`, or by hand where the text is known to be safe. */
export class Html {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

type Piece = string | Html | readonly Html[] | false | undefined;

/** A template that escapes every string put into it; what is `Html` already stays. */
export function html(literals: TemplateStringsArray, ...pieces: Piece[]): Html {
  const text = (piece: Piece): string => {
    if (piece instanceof Html) return piece.text;
    if (typeof piece === 'string') return piece.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
    return piece ? piece.map((part) => part.text).join('') : '';
  };
  return new Html(literals.map((literal, i) => literal + text(pieces[i])).join(''));
}

/**
 * JSON on one line that is safe inside a script element, and inside a message that a client takes apart with a regular
 * expression whose `.` stops at U+2028 and U+2029: `JSON.stringify` alone leaves `</script>` and both of these as they are.
 */
export const safeJson = (value: unknown): string =>
  JSON.stringify(value).replace(/[<>&\u2028\u2029]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);

/** A text that the build put into the bundle, with its hash for the Content-Security-Policy. */
export interface Inline {
  text: string;
  /** `sha256-…` */
  hash: string;
}

/**
 * A keyhole. It stands in the page because browsers ask for `/favicon.ico` where a page names no icon, which the policy below
 * refuses: an error in the console of whoever looks there for what is wrong.
 */
const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><rect width="16" height="16" rx="4" fill="#2457c5"/><path d="M8 3a3 3 0 0 0-1.3 5.7L6 13h4l-.7-4.3A3 3 0 0 0 8 3" fill="#fff"/></svg>`;
const icon = `data:image/svg+xml,${encodeURIComponent(svg)}`;

/**
 * A page of ours: of all scripts and styles that might ever get into it, the browser runs those alone whose hash we name,
 * and no request goes out from it except where `formAction` and `connect` say (as in a Content-Security-Policy).
 */
export function page(
  status: number,
  {
    title,
    body,
    script,
    ownerStyle,
    formAction = `'none'`,
    connect,
  }: { title: string; body: Html; script?: Inline; ownerStyle?: Inline; formAction?: string; connect?: string },
): TextReply {
  const policy = [
    `default-src 'none'`,
    script && `script-src '${script.hash}'`,
    `style-src '${style.hash}'${ownerStyle ? ` '${ownerStyle.hash}'` : ''}`,
    // For the icon. A picture that is in the page itself asks nobody for anything.
    `img-src data:`,
    `base-uri 'none'`,
    connect !== undefined && `connect-src ${connect}`,
    `form-action ${formAction}`,
    `frame-ancestors 'none'`,
  ];
  // Nothing may stand between a tag and its script or style: the hash is of every character in there.
  const document = html`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<link rel="icon" href="${icon}">
<style>${new Html(style.text)}</style>${ownerStyle && html`<style>${new Html(ownerStyle.text)}</style>`}
${body}
${script && html`<script>${new Html(script.text)}</script>`}
</html>
`;
  return {
    status,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': policy.filter(Boolean).join('; '),
      ...commonHeaders,
    },
    cookies: [],
    body: document.text,
  };
}

/** @param codes the address of the page that says what the codes mean, if there is one */
export const codeLine = (code: string, codes?: string): Html =>
  html`<p class="quiet">Code: ${code}</p>${codes !== undefined && html`<p class="quiet"><a href="${codes}#${code}">What the code means</a></p>`}`;

/**
 * What went wrong, as attributes of the element that says so: for programs, such as our doctor, which never read the words.
 *
 * @param code the failure, or a code of the page's own
 */
export const outcome = (code: Failure | string): Html =>
  typeof code === 'string'
    ? html` data-code="${code}"`
    : html` data-code="${code.code}"${code.setting !== undefined && html` data-setting="${code.setting}"`}`;

/** For addresses and methods that are not part of any login, so that there is no CMS to tell. */
export function plainErrorPage(error: Failure, codes?: string): TextReply {
  const title = 'This does not work';
  return page(error.status, {
    title,
    body: html`<main class="failed"${outcome(error)}>
<h1>${title}</h1>
<p>${error.message}</p>
${codeLine(error.code, codes)}
</main>`,
  });
}
