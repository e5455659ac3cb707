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

export function connects(policy: Policy, origin: string, own: string): boolean {
  const sources = policy.get('connect-src') ?? policy.get('default-src');
  return sources === undefined || sources.some((source) => matches(source, new URL(origin), own));
}

function matches(source: string, url: URL, own: string): boolean {
  if (source === '*') return true;
  if (source.toLowerCase() === "'self'") return url.origin === own;
  if (/^[a-z][a-z\d+.-]*:$/i.test(source)) return source.toLowerCase() === url.protocol;
  const [, scheme, host = '', port] =
    /^(?:([a-z][a-z\d+.-]*):\/\/)?([^/:']+)(?::(\d+|\*))?(?:\/.*)?$/i.exec(source) ?? [];
  if (host === '' || (scheme !== undefined && scheme.toLowerCase() !== url.protocol.slice(0, -1))) return false;
  const isHost = host.startsWith('*.')
    ? url.hostname.endsWith(host.slice(1).toLowerCase())
    : host === '*' || url.hostname === host.toLowerCase();
  return isHost && (port === '*' || (port ?? '') === url.port);
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
