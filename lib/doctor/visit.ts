import { groupOf, merged, type Entry, type Group } from './config.ts';
import { shown, type Finding } from './finding.ts';
import type { Visit } from './browser.ts';
import { parseUrl } from './fetch.ts';
import type { Given } from './read.ts';

/** What a CMS adds by itself, and what is its own, says nothing about what somebody wrote. */
const counted: ReadonlySet<string> = new Set(
  'backend auth base_url local_backend media_folder collections site_url display_url'.split(' '),
);

/** What does not matter any more where the CMS has its configuration. */
const settled = /^(?:manual-init|script-config|page-slash|config-(?!template|format))/;

/**
 * What there is to examine once a real browser has opened the page: the configuration that the CMS has in the end goes before what
 * was read of it, and whether a login shows is known.
 */
export async function visited(given: Given, visit: (url: URL) => Promise<Visit>): Promise<Given> {
  const { answer } = given;
  if (!answer) return given;
  const where = answer.url.href;
  let seen;
  try {
    seen = await visit(answer.url);
  } catch (error) {
    const why = `${error instanceof Error ? shown(error.message) : ''} The page was examined without it.`.trim();
    const what = 'The browser could not be used';
    return { ...given, late: [{ id: 'browser-failed', severity: 'note', what, why, where }] };
  }
  const { config } = seen;
  if (!config) return { ...given, late: [notStarted(given, seen, where)] };
  const found = groupOf(config);
  const counts = new Map([...found].filter(([key]) => counted.has(key) || given.config?.has(key)));
  const final = given.config ? merged(given.config, likeWritten(counts, given.config)) : counts;
  const changed = given.config ? differences(counts, given.config) : [];
  const { isUncertain: _, ...rest } = given;
  return {
    ...rest,
    cms: given.cms ?? { name: seen.isSveltia ? 'sveltia' : 'decap' },
    config: final,
    ...(!given.config && { format: 'script' as const, name: where }),
    findings: given.findings.filter(({ id }) => !settled.test(id)),
    late: [
      ...(seen.hasLogin ? [showsLogin(seen, where)] : [noLogin(seen, where)]),
      ...(changed.length > 0
        ? [
            {
              id: 'browser-config',
              severity: 'note' as const,
              what: `In the browser the configuration comes out otherwise than it was read: ${shown(changed.join(', '))}`,
              why: 'A script of the page changes it. What the CMS has in the end was judged.',
              where,
            },
          ]
        : []),
    ],
  };
}

/** The same with the lines of what is written, where that is what counts. */
const likeWritten = (found: Group, written: Group): Group =>
  new Map(
    [...found].map(([key, entry]): [string, Entry] => {
      const own = written.get(key);
      if (entry.value instanceof Map && own?.value instanceof Map)
        return [key, { ...own, value: likeWritten(entry.value, own.value) }];
      return [key, own && (own.value === entry.value || own.items !== undefined) ? own : entry];
    }),
  );

/** Under `backend`, and at the top where the login looks. */
function differences(found: Group, written: Group, place = ''): string[] {
  return [...found].flatMap(([key, { value }]) => {
    const own = written.get(key)?.value;
    if (value instanceof Map)
      return key === 'backend' ? differences(value, own instanceof Map ? own : new Map(), 'backend.') : [];
    return typeof value === 'symbol' || typeof own === 'symbol' || value === own || value === null ? [] : [place + key];
  });
}

const showsLogin = ({ popup }: Visit, where: string): Finding => {
  const url = popup === undefined ? undefined : parseUrl(popup, new URL(where));
  return {
    id: 'browser-login',
    severity: 'note',
    what: `In the browser the login shows${url ? `, and its button opens ${shown(url.origin + url.pathname)}` : ''}`,
    why: 'The popup itself was not opened.',
    where,
  };
};

const noLogin = (seen: Visit, where: string): Finding => ({
  id: 'browser-no-login',
  severity: 'risky',
  what: 'In the browser the CMS reads its configuration, but shows no login',
  why: saidBy(seen),
  where,
});

function notStarted({ cms, isUncertain }: Given, seen: Visit, where: string): Finding {
  const [host] = seen.unreachable;
  return {
    id: 'cms-not-started',
    // Whoever is offline sees no CMS, either.
    severity: host === undefined && cms && !isUncertain ? 'broken' : 'risky',
    what: 'In the browser the CMS does not start',
    why: `${host === undefined ? '' : `${shown(host)} could not be reached from here. `}${saidBy(seen)}`,
    where,
  };
}

/** The page's own words. */
function saidBy({ errors: [first], text = '' }: Visit): string {
  const words = text.replace(/\s+/g, ' ').trim();
  return [
    first === undefined ? '' : `The page complains: “${shown(first)}”.`,
    words === '' ? 'The page is blank.' : `It says “${shown(words)}”.`,
  ]
    .filter(Boolean)
    .join(' ');
}
