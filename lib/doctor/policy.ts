import type { Page } from './admin-page.ts';

/**
 * As much of Content-Security-Policy as decides whether the CMS may call its Git host and its login server.
 *
 * @see https://www.w3.org/TR/CSP3/#match-url-to-source-expression
 */
export type Policy = ReadonlyMap<string, string[]>;

/** All policies of a page. Each of them has to allow a request. */
export function policiesOf(headers: Headers, page: Page | undefined): Policy[] {
  const texts = [...(headers.get('content-security-policy') ?? '').split(','), ...(page?.policies ?? [])];
  return texts
    .filter((text) => text.trim() !== '')
    .map(
      (text) =>
        new Map(
          text
            .split(';')
            .map((directive) => directive.trim().split(/\s+/))
            .reverse() // of two directives of one name, the first counts
            .map(([name = '', ...sources]) => [name.toLowerCase(), sources]),
        ),
    );
}

/** @param origin an origin: paths in sources, of which nothing is known here, count as fitting */
export function connects(policy: Policy, origin: string, own: string): boolean {
  const sources = policy.get('connect-src') ?? policy.get('default-src');
  return (
    sources === undefined ||
    sources.some((source) => matches(source.replace(/([^:/])\/.*$/, '$1'), new URL(origin), own))
  );
}

function matches(source: string, url: URL, own: string): boolean {
  if (source === '*') return true;
  if (source.toLowerCase() === "'self'") return url.origin === own;
  if (/^[a-z][a-z\d+.-]*:$/i.test(source)) return source.toLowerCase() === url.protocol;
  const [, scheme, host = '', port, path] =
    /^(?:([a-z][a-z\d+.-]*):\/\/)?([^/:']+)(?::(\d+|\*))?(\/.*)?$/i.exec(source) ?? [];
  // What is allowed over http is allowed over https.
  const schemes =
    scheme === undefined
      ? undefined
      : [`${scheme.toLowerCase()}:`, ...(scheme.toLowerCase() === 'http' ? ['https:'] : [])];
  if (host === '' || (schemes && !schemes.includes(url.protocol))) return false;
  const portOf = (given: string, protocol: string) => given || (protocol === 'https:' ? '443' : '80');
  const isHost = host.startsWith('*.')
    ? url.hostname.endsWith(host.slice(1).toLowerCase())
    : host === '*' || url.hostname === host.toLowerCase();
  const isPort =
    port === '*' ||
    (port === undefined ? url.port === '' : portOf(port, url.protocol) === portOf(url.port, url.protocol)) ||
    (port === '80' && url.protocol === 'https:' && url.port === '');
  return isHost && isPort && (path === undefined || isPathAllowed(path, url.pathname));
}

/** @see https://www.w3.org/TR/CSP3/#match-paths */
function isPathAllowed(allowed: string, path: string): boolean {
  // Browsers, and Node from version 24 on, encode some characters that others leave: `^` is one of them.
  const [whole, asked] = [allowed, path].map((text) => text.split('/').map(percentDecoded)) as [string[], string[]];
  const pieces = whole.at(-1) === '' ? whole.slice(0, -1) : whole;
  return (
    (pieces.length < whole.length ? asked.length >= whole.length : asked.length === whole.length) &&
    pieces.every((piece, index) => piece === asked[index])
  );
}

function percentDecoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** What a policy says about scripts; undefined if it says nothing. */
const scriptSources = (policy: Policy): string[] | undefined =>
  policy.get('script-src-elem') ?? policy.get('script-src') ?? policy.get('default-src');

/** Whether a policy lets a page load the script at an address, or run one that stands in the page. */
export function runs(policy: Policy, script: { url: URL | undefined; isVouched: boolean }, own: string): boolean {
  const sources = scriptSources(policy);
  if (sources === undefined) return true;
  // Which nonce or hash belongs to which script is the page's own care.
  const vouches = sources.some((source) => /^'(?:nonce|sha\d+)-/i.test(source));
  if (vouches && (script.isVouched || script.url === undefined)) return true;
  if (sources.includes("'strict-dynamic'")) return vouches;
  const { url } = script;
  return url === undefined
    ? sources.includes("'unsafe-inline'") && !vouches
    : sources.some((source) => matches(source, url, own));
}

/** Whether a policy lets scripts make functions of texts, which Decap and Netlify CMS do to check their configuration. */
export function evaluates(policy: Policy): boolean {
  const sources = policy.get('script-src') ?? policy.get('default-src');
  return sources === undefined || sources.includes("'unsafe-eval'");
}

export function sandboxed(policy: Policy): boolean {
  const flags = policy.get('sandbox');
  return (
    flags !== undefined && !['allow-scripts', 'allow-same-origin', 'allow-popups'].every((flag) => flags.includes(flag))
  );
}

/** The value that counts: what follows a semicolon only says where to report. */
export const openerPolicy = (headers: Headers | undefined): string | undefined =>
  headers?.get('cross-origin-opener-policy')?.split(';', 1)[0]?.trim().toLowerCase() || undefined;
