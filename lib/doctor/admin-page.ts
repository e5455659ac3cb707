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
  /** Whether a script hands a configuration to the CMS. */
  isManual: boolean;
  /** Policies in `<meta>`, which count as those in headers do. */
  policies: string[];
}

export interface Cms {
  name: CmsName;
  /** As the script's address says it, which may be a range: `3.16.3`, `^3.0.0`, `3`. */
  version?: string | undefined;
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
  const elements = elementsOf(html, 'script', 'link', 'base', 'meta');
  const all = (name: string) => elements.filter((element) => element.name === name);
  const attributes = (name: string) => all(name).map((element) => element.attributes);
  const inline = all('script')
    .map(({ text }) => text)
    .join('\n');
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
    isManual: /\bCMS_MANUAL_INIT\s*=\s*(?:true|!0)|\b(?:CMS\.init|initCMS)\s*\(|\bCMS_CONFIG\s*=/.test(inline),
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
