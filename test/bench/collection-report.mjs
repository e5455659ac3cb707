// @ts-check
/** What `collection.mjs` has measured, for people. */
import { cpus, loadavg } from 'node:os';
import { quantile, ratio } from './statistics.mjs';

/**
 * @typedef {object} Visit
 * @property {number} asked the CMS has started, and asks for something. All of these in milliseconds since the page was asked for
 * @property {number} read the first of the posts was asked for
 * @property {number} answered the last answer was there
 * @property {number} shown all posts are in the list
 * @property {number} calls of the CMS
 * @property {number} kept of these, how many the browser answered by itself
 * @property {number} preflights the browser's own questions before calls
 * @property {number} atHost calls that the host got, from whomever
 * @property {import('./many.mjs').Asked[]} sent what left the browser
 *
 * @typedef {{ time: number; atHost: number }} Crowd the median editor's milliseconds, and the calls that the host got for each
 */

/** @typedef {keyof typeof kinds} Kind */
const kinds = {
  first: 'first visit: the browser has kept nothing, and nobody else was here',
  other: 'first visit of somebody else',
  second: 'second visit, in the same session',
  later: 'second visit, after a new sign-in',
};

/** @param {readonly (readonly (string | number)[])[]} rows the first is the head */
function table([head = [], ...rows]) {
  const widths = head.map((_, i) => Math.max(4, ...[head, ...rows].map((row) => String(row[i]).length)));
  /** @param {readonly (string | number)[]} row */
  const line = (row) =>
    `| ${row.map((cell, i) => (i === 0 ? String(cell).padEnd(widths[i] ?? 0) : String(cell).padStart(widths[i] ?? 0))).join(' | ')} |`;
  const rule = widths.map((width, i) => (i === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`));
  return [head, rule, ...rows].map(line).join('\n');
}

/** @param {number} milliseconds */
const seconds = (milliseconds) => `${(milliseconds / 1000).toFixed(1)} s`;

/**
 * @param {readonly number[]} of @param {readonly number[]} to of the same rounds
 * @returns {string} with a mark if it may be noise, as it may be wherever there are too few rounds to tell
 */
function times(of, to) {
  const { median, noise } = ratio(of, to);
  return `${median.toFixed(2)} ×${noise || of.length < 4 ? ' ~' : ''}`;
}

/**
 * @param {object} measured
 * @param {ReadonlyMap<string, readonly Visit[]>} measured.visits by way and kind
 * @param {ReadonlyMap<string, readonly Crowd[]>} measured.many by how many, way and kind
 * @param {readonly number[]} measured.crowds how many editors at once
 * @param {number} measured.rounds
 * @param {number} measured.manyRounds
 * @param {number} measured.posts
 * @param {number} measured.delay milliseconds
 * @param {string} measured.decap which version
 * @param {string} measured.chromium which version
 * @returns {string} for people
 */
export function report({ visits, many, rounds, manyRounds, crowds, posts, delay, decap, chromium }) {
  /** @param {string} way @param {string} kind */
  const of = (way, kind) => visits.get(`${way}: ${kind === 'other' && way === 'direct' ? 'first' : kind}`);
  /** @param {string} way @param {string} kind @param {(visit: Visit) => number} what */
  const median = (way, kind, what) => quantile((of(way, kind) ?? []).map(what), 0.5);
  /** @param {string} way @param {string} kind @param {(visit: Visit) => number} what */
  const toDirect = (way, kind, what) => {
    const values = of(way, kind);
    return values ? times(values.map(what), (of('direct', kind) ?? []).map(what)) : '';
  };
  /** @param {Visit} visit */
  const shown = (visit) => visit.shown;
  /** @param {Visit} visit the part that depends on the host */
  const answers = (visit) => visit.answered - visit.asked;
  const all = Object.entries(kinds);
  const phases = /** @type {const} */ ([
    ['the CMS starts', (/** @type {Visit} */ { asked }) => asked],
    ['it asks who and where', (/** @type {Visit} */ { asked, read }) => read - asked],
    ['it reads posts', (/** @type {Visit} */ { read, answered }) => answered - read],
    ['it draws the list', (/** @type {Visit} */ { answered, shown: end }) => end - answered],
  ]);
  return `# A collection of ${posts} posts, ${new Date().toISOString().slice(0, 10)}

Decap CMS ${decap} opens a collection of ${posts} posts that is sorted by date, so that it reads all of them. GitHub is played by a
process on the same machine, ${delay} ms away: each of its answers comes so much later, preflights included. The gateway is \`npm start\`. It
is at no distance from the browser; "far" is another one, ${delay} ms away from the browser and ${delay} ms from GitHub. ${cpus().length} cores for
all of it, Node ${process.version}, Chromium ${chromium}, ${rounds} rounds in turn. Medians; ratios are of pairs. A number with \`~\` is noise.
With all that ran on the machine, ${Math.round(loadavg()[2] ?? 0)} programs wanted a core at a time (load average of 15 minutes).

## One editor

${table([
  ['until all posts are in the list', 'direct', 'gateway', 'ratio', 'far gateway', 'ratio', 'at most'],
  ...all.map(([kind, words]) => [
    words,
    seconds(median('direct', kind, shown)),
    seconds(median('gateway', kind, shown)),
    toDirect('gateway', kind, shown),
    of('far gateway', kind) ? seconds(median('far gateway', kind, shown)) : '',
    toDirect('far gateway', kind, shown),
    { first: '1.30 ×', second: '1.00 ×' }[kind] ?? '',
  ]),
])}

Without what the CMS takes to start and to draw, from the first question to the last answer:

${table([
  ['', 'direct', 'gateway', 'ratio', 'far gateway', 'ratio'],
  ...all.map(([kind, words]) => [
    words,
    seconds(median('direct', kind, answers)),
    seconds(median('gateway', kind, answers)),
    toDirect('gateway', kind, answers),
    of('far gateway', kind) ? seconds(median('far gateway', kind, answers)) : '',
    toDirect('far gateway', kind, answers),
  ]),
])}

Where the time goes:

${table([
  ['', ...phases.map(([name]) => name)],
  ...['direct', 'gateway', 'far gateway'].flatMap((way) =>
    ['first', 'second']
      .filter((kind) => of(way, kind))
      .map((kind) => [`${way}, ${kind} visit`, ...phases.map(([, what]) => seconds(median(way, kind, what)))]),
  ),
])}

## What is asked

${table([
  ['', 'calls of the CMS', 'kept by the browser', 'preflights', 'calls that GitHub gets'],
  ...['direct', 'gateway'].flatMap((way) =>
    all
      .filter(([kind]) => visits.has(`${way}: ${kind}`))
      .map(([kind, words]) => [
        `${way}, ${words.split(':')[0]}`,
        ...[
          (/** @type {Visit} */ { calls }) => calls,
          (/** @type {Visit} */ { kept }) => kept,
          (/** @type {Visit} */ { preflights }) => preflights,
          (/** @type {Visit} */ { atHost }) => atHost,
        ].map((what) => median(way, kind, what)),
      ]),
  ),
])}

${manyRounds === 0 ? '' : ofMany(many, crowds, manyRounds)}`;
}

/**
 * @param {ReadonlyMap<string, readonly Crowd[]>} many @param {readonly number[]} crowds @param {number} rounds
 * @returns {string} a section
 */
function ofMany(many, crowds, rounds) {
  const middle = (/** @type {readonly number[]} */ values) => quantile(values, 0.5);
  const rows = crowds.flatMap((editors) =>
    /** @type {const} */ (['first', 'second', 'later']).map((kind) => {
      const [direct, own] = ['direct', 'gateway'].map((way) => many.get(`${editors} ${way}: ${kind}`) ?? []);
      if (!direct || !own) throw new Error();
      const [to, of] = [direct.map(({ time }) => time), own.map(({ time }) => time)];
      return [
        `${editors} editors, ${kinds[kind].split(':')[0]}`,
        ...[to, of].map((values) => seconds(middle(values))),
        times(of, to),
        ...[direct, own].map((crowd) => middle(crowd.map(({ atHost }) => atHost)).toFixed(0)),
      ];
    }),
  );
  return `## Many editors at once

So many browsers do not run on this machine. A program sends what Chromium has sent above, on six connections for each editor, and draws
nothing. The median editor's time until all is answered, and the calls that GitHub gets for each editor. Rounds: ${rounds}.

${table([['', 'direct', 'gateway', 'ratio', 'calls, direct', 'calls, gateway'], ...rows])}
`;
}
