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
  /** As far as the script's address says it: `3.16.3`, `3`. */
  version?: string | undefined;
}

export type CmsName = 'decap' | 'netlify' | 'sveltia' | 'static';

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

/**
 * Tags are found by pattern: a page that a person wrote by hand for one script and two links needs no HTML parser, and
 * what a parser would read otherwise only makes the doctor say that it does not know.
 */
export function readPage(html: string): Page {
  const text = html.replace(/<!--.*?-->/gs, '');
  const inline = [...text.matchAll(/<script\b[^>]*>(.*?)<\/script>/gis)].map(([, script]) => script ?? '').join('\n');
  const sources = [
    ...tags(text, 'script').map(({ src }) => src ?? ''),
    ...[...inline.matchAll(/["'`]([^"'`\s]{3,300})["'`]/g)].map(([, quoted]) => quoted ?? ''),
  ];
  const names = Object.keys(scripts) as CmsName[];
  return {
    cms: names.flatMap((name) => {
      const found = sources.map((source) => scripts[name].exec(source)).filter((match) => match !== null);
      const version = found.map(([, range]) => /\d[\w.-]*/.exec(range ?? '')?.[0]).find(Boolean);
      return found.length > 0 ? { name, version } : [];
    }),
    links: tags(text, 'link').flatMap(({ rel, href, type }) =>
      rel?.toLowerCase() === 'cms-config-url' && href !== undefined ? { href, type: type ?? '' } : [],
    ),
    base: tags(text, 'base')[0]?.['href'],
    isManual: /\bCMS_MANUAL_INIT\s*=\s*(?:true|!0)|\b(?:CMS\.init|initCMS)\s*\(|\bCMS_CONFIG\s*=/.test(inline),
    policies: tags(text, 'meta').flatMap((meta) =>
      meta['http-equiv']?.toLowerCase() === 'content-security-policy' ? (meta['content'] ?? '') : [],
    ),
  };
}

function tags(html: string, name: string): Record<string, string>[] {
  return [...html.matchAll(new RegExp(`<${name}\\b((?:"[^"]*"|'[^']*'|[^"'>])*)>`, 'gi'))].map(([, inside = '']) =>
    Object.fromEntries(
      [...inside.matchAll(/([\w-]+)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))/g)].map(([, key = '', a, b, c]) => [
        key.toLowerCase(),
        (a ?? b ?? c ?? '').replaceAll('&amp;', '&').trim(),
      ]),
    ),
  );
}
