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
  /^https?:/.test(text) && URL.canParse(text) && new URL(text).origin === text;

/**
 * Reads a comma-separated list of origins.
 *
 * @returns the list, or in `problem` the first entry that cannot be used, by its position and in words that say what to
 *   write instead (never with its value)
 */
export function parseOrigins(text: string): { list: OriginList } | { problem: string } {
  const exact: string[] = [];
  const patterns: string[] = [];
  const entries = text.split(',').map((entry) => entry.trim());
  for (const [index, entry] of entries.entries()) {
    if (entry === '' && index === entries.length - 1) continue; // a trailing comma
    const problem = entry.includes('*') ? problemOfPattern(entry) : problemOfOrigin(entry);
    if (problem) return { problem: `entry ${index + 1} ${problem}` };
    if (entry.includes('*')) patterns.push(sourceOf(entry));
    else exact.push(entry);
  }
  return { list: { exact, patterns } };
}

const loopback = new Set(['localhost', '127.0.0.1', '[::1]']);

/** Loopback is the only place where plain http is safe: nothing leaves the machine. */
export const isLoopback = (url: URL): boolean => loopback.has(url.hostname);

function problemOfOrigin(entry: string): string | undefined {
  const url = URL.canParse(entry) ? new URL(entry) : undefined;
  if (!url) return 'is not an origin; write scheme and host, such as https://www.example.com';
  // The browser reports origins in one spelling only, so any other spelling in the list could never match.
  if (url.origin !== entry)
    return 'is more or less than an origin; write only scheme, host and perhaps port, in lower case and with international names as xn--…, without a path or final slash, such as https://www.example.com';
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLoopback(url)))
    return 'must begin with https:// (http:// is for localhost, 127.0.0.1 and [::1] only)';
  return undefined;
}

/** On these, the name of the site stands on one side of the `--`; a star on that side would list everybody's sites. */
const wrongSide: Readonly<Record<string, string>> = {
  'netlify.app': '--*',
  'web.app': '*--',
  'firebaseapp.com': '*--',
};

/**
 * On these (and below suffixes such as co.uk), `--` may be a part of anybody's name. There are more than anybody can list; these
 * are those where sites with such a CMS are found.
 *
 * @see https://publicsuffix.org/list/
 */
const shared =
  /^((vercel|onrender|herokuapp|azurestaticapps|cloudfunctions)\.(app|com|net)|(pages|workers|fly)\.dev|(github|gitlab|bitbucket)\.io|codeberg\.page|surge\.sh|cloudfront\.net|(ac|co|com|edu|gov|ne|net|or|org)\.[a-z]{2})$/;

/**
 * One star, in the left-most label, touching a `--` that has literal text on its other side. That is how Netlify and Firebase
 * join a preview's name to the site's own. On shared domains everyone owns a sub-domain, so a star that stood for a whole
 * label (`https://*.netlify.app`) or for a name's free end (`https://mysite-*.netlify.app`) would list strangers; and so would
 * one in the registrable name itself (`https://*--example.com`), which is why two more labels have to follow.
 */
function problemOfPattern(entry: string): string | undefined {
  const [scheme, rest = ''] = entry.split('://', 2);
  if (scheme !== 'https') return 'has a star, so it must begin with https://';
  const [label = '', ...parents] = rest.replace(/:\d+$/, '').split('.');
  if (entry.split('*').length !== 2 || !label.includes('*') || parents.length < 2 || parents.includes(''))
    return 'may have one star only, in the first of at least three parts of the host name, such as https://deploy-preview-*--site.netlify.app';
  if (!/[^*-]--\*|\*--[^*-]/.test(label))
    return 'has a star that does not touch a "--" with a name behind it, so strangers could register names that match; write https://deploy-preview-*--site.netlify.app';
  const domain = parents.join('.');
  if (label.includes(wrongSide[domain] ?? '*--*') || shared.test(domain))
    return 'has a star where anybody can register a name, so strangers would match; on shared domains only deploy-preview-*--site.netlify.app and site--*.web.app tell yours from theirs';
  return problemOfOrigin(entry.replace('*', 'x'));
}

/** The star stands for letters, digits and single inner hyphens: not for a dot, and not for another `--`. */
const sourceOf = (pattern: string): string =>
  `^${pattern.replace(/[.*+?^${}()|[\]\\]/g, (c) => (c === '*' ? '[a-z0-9]+(?:-[a-z0-9]+)*' : `\\${c}`))}$`;
