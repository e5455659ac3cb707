import type { CmsName } from '../providers/provider.ts';
import { elementsOf } from './html.ts';

/** What can be read from an admin page without running it. */
export interface Page {
  /** The CMSs whose scripts it loads: one, if all is well. */
  cms: Cms[];
  /** Its links to configurations. */
  links: Link[];
  /** `<base href>`, which moves every relative address. */
  base?: string | undefined;
  /** Its scripts, in their order: an address, or a text. */
  scripts: Script[];
  /** Whether it asks for a password. */
  asksPassword: boolean;
  /** Where it sends visitors by itself: `<meta http-equiv="refresh" content="0; url=/admin/">` */
  refresh?: string | undefined;
  /** Policies in `<meta>`, which count as those in headers do. */
  policies: string[];
}

export interface Cms {
  name: CmsName;
  /** As the script's address says it, which may be a range: `3.16.3`, `^3.0.0`, `3`. */
  version?: string | undefined;
}

export interface Script {
  src?: string;
  text: string;
  /** Whether a `nonce` or a hash of its content lets it through a policy. */
  isVouched: boolean;
}

interface Link {
  href: string;
  /** The browser's `link.type`, which is empty where the page names none. */
  type: string;
}

export const cmsTitles: Readonly<Record<CmsName, string>> = {
  decap: 'Decap CMS',
  netlify: 'Netlify CMS',
  sveltia: 'Sveltia CMS',
  static: 'Static CMS',
};

/** Whether a script of this address is a CMS itself. */
export const isCmsScript = (src: string): boolean => Object.values(scripts).some((pattern) => pattern.test(src));

/** Names of packages and of files copied from them; what goes on with another word is a widget or a plug-in. */
const scripts: Readonly<Record<CmsName, RegExp>> = {
  decap: /(?:^|[/@])decap-cms(?:-app)?(?:@([^/]*))?(?:[/.]|$)/,
  netlify: /(?:^|[/@])netlify-cms(?:-app)?(?:@([^/]*))?(?:[/.]|$)/,
  sveltia: /(?:^|\/)(?:@sveltia\/|sveltia-)cms(?:@([^/]*))?(?:[/.]|$)/,
  static: /(?:^|\/)(?:@staticcms\/app|static-cms(?:-app)?)(?:@([^/]*))?(?:[/.]|$)/,
};

/** What is longer than this is no address that anybody wrote, and could keep a regular expression busy. */
const isAddress = (text: string): boolean => text.length <= 2048;

export function parseAdminPage(html: string): Page {
  const elements = elementsOf(html, 'script', 'link', 'base', 'meta', 'input');
  const all = (name: string) => elements.filter((element) => element.name === name);
  const attributes = (name: string) => all(name).map((element) => element.attributes);
  const code = all('script').filter(({ attributes: { type = '' } }) =>
    /^(?:|module|(?:text|application)\/(?:java|ecma)script)$/i.test(type.trim()),
  );
  const inline = code.map(({ text }) => text).join('\n');
  const sources = [
    ...attributes('script').map(({ src }) => src ?? ''),
    ...[...inline.matchAll(/["'`]([^"'`\s]{3,300})["'`]/g)].map(([, quoted]) => quoted ?? ''),
  ].filter(isAddress);
  const names = Object.keys(scripts) as CmsName[];
  return {
    cms: names.flatMap((name) => {
      const found = sources.map((source) => scripts[name].exec(source)).filter((match) => match !== null);
      const version = found.map(([, range]) => (/\d/.test(range ?? '') ? range : undefined)).find(Boolean);
      return found.length > 0 ? { name, version } : [];
    }),
    links: attributes('link').flatMap(({ rel, href, type }) =>
      rel?.trim().toLowerCase() === 'cms-config-url' && href !== undefined && isAddress(href)
        ? { href: href.trim(), type: type?.trim() ?? '' }
        : [],
    ),
    base: attributes('base')
      .find(({ href }) => href !== undefined)
      ?.['href']?.trim(),
    scripts: code.map(({ attributes: { src, nonce, integrity }, text }) => ({
      ...(src !== undefined && isAddress(src) && { src: src.trim() }),
      text: src === undefined ? text : '',
      isVouched: nonce !== undefined || integrity !== undefined,
    })),
    asksPassword: attributes('input').some(({ type }) => type?.toLowerCase() === 'password'),
    refresh: attributes('meta')
      .filter((meta) => meta['http-equiv']?.trim().toLowerCase() === 'refresh')
      .map(({ content = '' }) => /^\s*[\d.]+\s*[;,]\s*(?:url\s*=\s*)?["']?([^"']+)/i.exec(content)?.[1]?.trim())
      .find((address) => address !== undefined && address !== '' && isAddress(address)),
    policies: attributes('meta').flatMap((meta) =>
      meta['http-equiv']?.toLowerCase() === 'content-security-policy' ? (meta['content'] ?? '') : [],
    ),
  };
}

/**
 * Whether the newest version that the range allows is older. `^3.0.0` is the newest 3, `~3.8.1` and `3.8` are the newest 3.8.
 *
 * @returns false where the range does not say
 */
export function isOlder({ version = '' }: Cms, major: number, minor: number): boolean {
  const [, sign = '', first, second] = /^([~^]?)v?(\d+)(?:\.(\d+))?/.exec(version) ?? [];
  if (first === undefined) return false;
  if (Number(first) !== major) return Number(first) < major;
  return sign !== '^' && second !== undefined && Number(second) < minor;
}
