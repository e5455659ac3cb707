/** Who may receive a token: the allow-list of CMS origins. */

/** Exact origins, and patterns as sources of anchored regular expressions. */
export interface OriginList {
  exact: readonly string[];
  patterns: readonly string[];
}

/**
 * How an origin is listed. A pattern is a departure from RFC 9700's exact comparison (section 4.17): whoever can open a
 * pull request may run script on a deploy preview. So callers give less to `pattern` than to `exact`.
 *
 * @param origin as the browser serialises it (`event.origin`, `Origin`): compared as text, never parsed or repaired
 */
export function matchOrigin(list: OriginList, origin: string): 'exact' | 'pattern' | undefined {
  if (list.exact.includes(origin)) return 'exact';
  if (list.patterns.some((source) => new RegExp(source).test(origin))) return 'pattern';
  return undefined;
}

/** Whether a text is an origin of the web as the browser writes it, which a message can be addressed to: not `null`, not `*`. */
export const isOrigin = (text: string): boolean =>
  text.startsWith('http') && URL.canParse(text) && new URL(text).origin === text;

/**
 * Reads a comma-separated list of origins.
 *
 * @returns the list, or in `problem` the first entry that cannot be used, by its position and in words that say what to
 *   write instead (never with its value)
 */
export function parseOrigins(text: string): { list: OriginList } | { problem: string } {
  // The slash at the end of what an address bar gives is no path.
  const entries = text.split(',').map((entry) => withoutSlash(entry.trim()));
  if (entries.length > 1 && entries.at(-1) === '') entries.pop(); // a trailing comma
  const exact = entries.filter((entry) => !entry.includes('*'));
  const patterns = entries.filter((entry) => entry.includes('*'));
  const own = exact.filter((entry) => !problemOfOrigin(entry)).map(domainOf);
  for (const [index, entry] of entries.entries()) {
    const problem = strays.test(entry)
      ? 'has a space, a quotation mark or ";" in it; put only commas between the sites'
      : entry.includes('*')
        ? (problemOfPath(entry) ?? problemOfPattern(entry, own))
        : problemOfOrigin(entry);
    if (problem) return { problem: `entry ${index + 1} ${problem}` };
  }
  return { list: { exact, patterns: patterns.map(sourceOf) } };
}

const withoutSlash = (entry: string): string =>
  entry !== '/' && entry.endsWith('/') && !entry.endsWith('//') ? entry.slice(0, -1) : entry;

/** What the owner of this origin owns as a whole. */
const domainOf = (origin: string): string => withoutWww(new URL(origin).hostname);
const withoutWww = (host: string): string => (host.startsWith('www.') ? host.slice(4) : host);

const loopback = new Set(['localhost', '127.0.0.1', '[::1]']);

/** Loopback is the only place where plain http is safe: nothing leaves the machine. */
export const isLoopback = (url: URL): boolean => loopback.has(url.hostname);

/** Whether each `xn--…` stands for a name: versions of Node disagree on taking others, and no browser ever reports one. */
function isSpelled(host: string): boolean {
  if (!host.includes('xn--')) return true;
  const { domainToASCII, domainToUnicode } = process.getBuiltinModule('node:url');
  const name = domainToUnicode(host);
  return !/(^|\.)xn--/.test(name) && domainToASCII(name) === host;
}

/**
 * Where everybody's pages are on one origin, each below a path of its own: to a browser they are all the same page. Object stores at
 * their own address (a bucket's own host name is fine), and services that show anybody's files. The known ones: which names, below
 * which domains. Patterns as texts, since each cold start would pay for them, and hardly any needs one.
 */
const sharedByPath: readonly (readonly [names: string, domains: string])[] = [
  [
    '(s3|f\\d+|objectstorage)([.-][\\w-]+)*',
    'amazonaws.com amazonaws.com.cn wasabisys.com backblazeb2.com scw.cloud oraclecloud.com',
  ],
  ['[a-z-]+\\d', 'digitaloceanspaces.com linodeobjects.com'],
  ['(firebase)?storage', 'googleapis.com'],
  ['(storage\\.cloud|sites)', 'google.com'],
  ['storage', 'yandexcloud.net'],
  ['\\w+', 'githack.com'],
  ['htmlpreview', 'github.io'],
  ['cdn', 'jsdelivr.net statically.io'],
  ['web', 'archive.org'],
  ['', 'unpkg.com cdpn.io ipfs.io'],
];

function isSharedByPath(host: string): boolean {
  const labels = host.split('.');
  if (labels.at(-1) === '') labels.pop(); // a dot at the end, which names the same host
  const domain = labels.splice(labels.at(-1) === 'cn' ? -3 : -2).join('.');
  return sharedByPath.some(
    ([names, domains]) => domains.split(' ').includes(domain) && new RegExp(`^${names}$`).test(labels.join('.')),
  );
}

/** What copying and other lists leave between the entries or behind them, with the quotation marks of other languages, “”„. */
const strays = /[\s;"'`\u201c\u201d\u201e]/;

function problemOfPath(entry: string): string | undefined {
  // Not with the flag `i`, for which Node asks its tables of all scripts.
  return /^[a-zA-Z]+:\/\/[^/?#]+[/?#]/.test(entry)
    ? 'has a path behind the host name; leave it out, as in https://www.example.com for https://www.example.com/admin/'
    : undefined;
}

function problemOfOrigin(entry: string): string | undefined {
  const url = URL.canParse(entry) ? new URL(entry) : undefined;
  if (!url) return 'is not the address of a site; write it as https://www.example.com';
  // The browser reports origins in one spelling only, so any other spelling in the list could never match.
  if (url.origin !== entry)
    return (
      problemOfPath(entry) ??
      'is not spelled as in the browser’s address bar; write only https:// and the host name, in lower case (international names as xn--…)'
    );
  if (!isSpelled(url.hostname)) return 'has a part that begins with xn-- and is no name; copy it from the address bar';
  if (isSharedByPath(url.hostname))
    return 'is shared with strangers, whose pages could take a token; give the CMS a host name of its own';
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLoopback(url)))
    return 'must begin with https:// (http:// is for localhost, 127.0.0.1 and [::1] only)';
  return undefined;
}

/**
 * How these join the name of a site, which is one owner's, and that of a preview. A star in the place of the site's name would
 * list everybody's sites.
 *
 * @see https://docs.netlify.com/deploy/deploy-overview/ https://firebase.google.com/docs/hosting/test-preview-deploy
 */
const previews: Readonly<Record<string, string>> = {
  'netlify.app': '\\*--[a-z0-9]+(-[a-z0-9]+)*$',
  'web.app': '^[a-z0-9]+(-[a-z0-9]+)*--\\*',
  'firebaseapp.com': '^[a-z0-9]+(-[a-z0-9]+)*--\\*',
};

/**
 * One star, in the left-most label, touching a `--` that has literal text on its other side: that is how previews are named. And
 * only where nobody else gets a name: in the form of the hosts above, or below a domain whose owner is listed exactly. Of all
 * the other domains on which strangers live side by side there is no complete list.
 *
 * @param own the domains of the origins that are listed exactly
 */
function problemOfPattern(entry: string, own: readonly string[]): string | undefined {
  const [scheme, rest = ''] = entry.split('://', 2);
  if (scheme !== 'https') return 'has a star, so it must begin with https://';
  const [label = '', ...parents] = rest.replace(/:\d+$/, '').split('.');
  if (entry.split('*').length !== 2 || !label.includes('*') || parents.length < 2 || parents.includes(''))
    return 'may have one star only, in the first of at least three parts of the host name, such as https://deploy-preview-*--site.netlify.app';
  // What follows xn-- is not a name but its code: browsers disagree on which of them are valid.
  if (label.startsWith('xn--')) return 'has a star in a name that begins with xn--; list such a name exactly';
  if (!/[^*-]--\*|\*--[^*-]/.test(label))
    return 'has a star that does not touch a "--" with a name behind it, so strangers could register names that match; write https://deploy-preview-*--site.netlify.app';
  const domain = parents.join('.');
  const preview = Object.hasOwn(previews, domain) ? previews[domain] : undefined;
  if (preview !== undefined && !new RegExp(preview).test(label))
    return 'has a star in the place of the name of your site, so it would list the sites of strangers; write https://deploy-preview-*--site.netlify.app or https://site--*.web.app, with the name of your site for "site"';
  if (preview === undefined && !own.some((name) => domain === name || domain.endsWith(`.${name}`)))
    return 'has a star below a domain where strangers may have names, too; list your own site there without a star as well, such as https://www.example.com for https://preview-*--site.example.com, or list each preview without a star';
  return problemOfOrigin(entry.replace('*', 'x'));
}

/** The star stands for letters, digits and single inner hyphens: not for a dot, and not for another `--`. */
const sourceOf = (pattern: string): string =>
  `^${pattern.replace(/[.*+?^${}()|[\]\\]/g, (c) => (c === '*' ? '[a-z0-9]+(?:-[a-z0-9]+)*' : `\\${c}`))}$`;
