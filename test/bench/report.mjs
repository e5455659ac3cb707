// @ts-check
/** What was measured, for people and for the next run: tables, a JSON file, charts. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { drawChart } from './chart.mjs';
import { memoryRounds } from './cold.mjs';
import { byHand, byHandWhole } from './gateway.mjs';
import { lambda, netlify } from './subjects.mjs';

/**
 * @typedef {import('./statistics.mjs').Ratio} Ratio
 *
 * @typedef {object} Results
 * @property {string} date
 * @property {string} node
 * @property {string} machine
 * @property {number} rounds
 * @property {Record<string, string>} versions of the others
 * @property {Record<string, Ratio>} ratios by what was compared with what; less is better
 * @property {Record<string, { bytes: number; gzip: number }>} sizes
 * @property {Record<string, import('./capabilities.mjs').Capabilities>} can
 * @property {{ logins: number; heap: number; time: number }} growth
 * @property {number} beginPeakAboveEmpty MiB
 * @property {number} gatewayLargePeak what the largest body takes of the gateway's memory at most, in parts of that body; once for what the platform hands over
 * @property {{ memory: number; firstByte: number }} largeFile through a server: see `large.mjs`
 * @property {number} warmBegin microseconds, which say something about this machine alone; both steps of it
 * @property {number} warmFirstStep the same for the first one
 */

const folder = path.join(import.meta.dirname, 'results');

/** @param {Pick<Results, 'node'>} results one set for each major version of Node */
const fileOf = ({ node }) => path.join(folder, `node${/\d+/.exec(node)?.[0]}`);

/**
 * Prints the tables.
 *
 * @param {Results} results
 * @param {{ keep: boolean }} options whether they become what is published and compared with
 */
export async function report(results, { keep }) {
  const text = tables(results);
  console.log(text);
  if (!keep) return;
  await mkdir(folder, { recursive: true });
  const file = fileOf(results);
  await writeFile(`${file}.json`, `${JSON.stringify(rounded(results), undefined, 2)}\n`);
  await writeFile(`${file}.md`, text);
  await writeFile(`${file}-light.svg`, drawChart(results, 'light'));
  await writeFile(`${file}-dark.svg`, drawChart(results, 'dark'));
}

/**
 * Reads what is published for this version of Node.
 *
 * @returns {Promise<(results: Results) => void>} names what has got worse since by more than 20 %, and fails if there is
 *   anything that is not noise, or that is not done any more
 */
export async function comparison() {
  const file = `${fileOf({ node: process.version })}.json`;
  /** @type {Results} */
  const before = await readFile(file, 'utf8').then(JSON.parse, () => {
    throw new Error(`Nothing to compare with: "npm run bench" on this Node makes ${path.relative('', file)}.`);
  });
  return (results) => {
    const now = numbers(results);
    const lines = Object.entries(numbers(before)).map(([what, old]) => ({
      what,
      old,
      value: now[what] ?? NaN,
      noise: Boolean(results.ratios[what]?.noise || before.ratios[what]?.noise),
    }));
    const worse = lines.filter(({ old, value }) => !(value <= old * 1.2));
    const lost = Object.entries(before.can).flatMap(([name, able]) =>
      Object.entries(able)
        .filter(([what, was]) => was === true && Object(results.can[name])[what] !== true)
        .map(([what]) => `LOST   ${name}: ${what}`),
    );
    const sure = lines.filter(({ noise }) => !noise);
    const apart = sure.filter(({ old, value }) => !(Math.abs(value / old - 1) <= 0.1));
    console.log(
      `${lines.length} numbers compared with those of ${before.date}, of which ${lines.length - sure.length} are noise.`,
    );
    console.log(`Of the others, ${apart.length} differ by more than 10 %.`);
    for (const { what, old, value, noise } of worse)
      console.log(`${noise ? 'noise ' : 'WORSE '} ${what}  ${old.toFixed(2)} -> ${value.toFixed(2)}`);
    for (const line of lost) console.log(line);
    if (lost.length > 0 || worse.some(({ noise }) => !noise)) process.exitCode = 1;
    else console.log('Nothing that is not noise has got worse by more than 20 %.');
  };
}

/** @param {Results} results @returns {Record<string, number>} all that may get worse */
const numbers = ({ ratios, sizes, growth, beginPeakAboveEmpty, gatewayLargePeak, largeFile }) => ({
  ...Object.fromEntries(Object.entries(ratios).map(([what, { median }]) => [what, median])),
  ...Object.fromEntries(Object.entries(sizes).map(([name, { bytes }]) => [`bytes: ${name}`, bytes])),
  'growth: heap': growth.heap,
  'growth: time': growth.time,
  "MiB: begin's peak memory above an empty script's": beginPeakAboveEmpty,
  'gateway: memory for the largest body': gatewayLargePeak,
  'gateway: memory for a large file': largeFile.memory,
});

/** @param {Results} results */
const rounded = (results) =>
  JSON.parse(JSON.stringify(results), (_, value) =>
    typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(4)) : value,
  );

/**
 * What we aim at.
 *
 * @param {Results} results
 * @returns {[what: string, value: number, limit: number, unit: string, ratio: Ratio | undefined][]}
 */
function targets({ ratios, sizes, beginPeakAboveEmpty, warmBegin, gatewayLargePeak }) {
  /** @param {string} what @param {number} limit @returns {[string, number, number, string, Ratio | undefined]} */
  const times = (what, limit) => [what, ratios[what]?.median ?? NaN, limit, '×', ratios[what]];
  return [
    times(`cold begin: ${lambda} / the same job by hand`, 1.08),
    times(`cold begin: ${netlify} / the same job by hand`, 1.08),
    times(`cold callback: ${lambda} / one fetch`, 1.1),
    times(`cold callback, secret in the store: ${lambda} / one GetParameters with the SDK as it comes`, 1.1),
    ['warm begin', warmBegin, 50, 'µs', undefined],
    times(`warm callback: ${lambda} / fetch`, 1.15),
    ["begin's peak memory above an empty script's", beginPeakAboveEmpty, 4, 'MiB', undefined],
    [`size: ${lambda}`, (sizes[lambda]?.bytes ?? NaN) / 1000, 45, 'kB', undefined],
    [`size: ${netlify}`, (sizes[netlify]?.bytes ?? NaN) / 1000, 45, 'kB', undefined],
    times('cold gateway / one HS256 and one fetch', 1.15),
    times(`warm gateway / ${byHand}`, 1.3),
    times(`64 gateway calls at once / ${byHand}`, 1.3),
    times("GitHub's API, rest, host 20 ms away / pass-through", 1.3),
    times("GitHub's API, graphql, host 20 ms away / pass-through", 1.3),
    ["the gateway's memory for the largest body, in parts of it", gatewayLargePeak, 3, '×', undefined],
  ];
}

/** @param {Results} results @returns {string} Markdown, good to read as it is */
function tables(results) {
  const { ratios, sizes, can, versions, growth, gatewayLargePeak, largeFile } = results;
  const names = Object.keys(sizes);
  /** @param {string} what */
  const times = (what) => {
    const { median, noise } = ratios[what] ?? { median: NaN, noise: true };
    return `${median.toFixed(2)}${noise ? ' ~' : ''}`;
  };
  /** @param {boolean | 'no page'} able */
  const word = (able) => (able === true ? 'yes' : able || 'no');
  const cold = names.map((name) => [
    versions[name] === undefined ? name : `${name} ${versions[name]}`,
    times(`cold begin: ${name} / empty script`),
    times(`cold begin, on the clock: ${name} / empty script`),
    times(`cold begin, memory: ${name} / empty script`),
    times(`cold callback: ${name} / empty script`),
    times(`cold callback, on the clock: ${name} / empty script`),
    times(`cold callback, memory: ${name} / empty script`),
    ((sizes[name]?.bytes ?? NaN) / 1000).toFixed(1),
    ((sizes[name]?.gzip ?? NaN) / 1000).toFixed(1),
  ]);
  const warm = names.map((name) => [
    name,
    times(`warm begin: ${name} / fetch`),
    times(`warm callback: ${name} / fetch`),
    times(`warm callback, 99th percentile: ${name} / fetch`),
    times(`16 warm callbacks at once: ${name} / fetch`),
    times(`64 warm callbacks at once: ${name} / fetch`),
    times(`warm callback: ${name} / node:http`),
    times(`warm callback: ${name} / node:http, a connection each`),
  ]);
  const able = names.map((name) => {
    const { state, pkce, refresh, origin } = can[name] ?? { state: false, pkce: false, refresh: false, origin: false };
    return [name, word(state), word(pkce), word(refresh), word(origin)];
  });
  const aims = targets(results).map(([what, value, limit, unit, ratio]) => [
    what,
    `${value.toFixed(unit === '×' ? 2 : 1)} ${unit}${ratio?.noise ? ' ~' : ''}`,
    ratio ? `${ratio.low.toFixed(2)} to ${ratio.high.toFixed(2)}` : '',
    `${limit.toFixed(unit === '×' ? 2 : 0)} ${unit}`,
    value <= limit ? 'yes' : 'no',
  ]);
  const floors = Object.entries(ratios)
    .filter(([what]) => /^(random|one) .* \/ empty script$/.test(what))
    .map(([what]) => `${what.replace(' / empty script', '')} ${times(what)}`);
  return `# Node ${results.node}, ${results.date}

${results.machine}. Medians of paired rounds in one run: ${results.rounds}, for memory ${Math.min(results.rounds, memoryRounds)}. Less is better. A number with \`~\` is
noise: another run may differ by more than 10 %.

## Whole processes, as ratios to an empty script

CPU, clock and peak memory of a login's beginning and of its end (a \`fetch\` or what takes its place included), and what has to be
deployed, in kB (of ours on Lambda, without the AWS SDK, a file that only \`ssm:\` settings load).

${table(['', 'begin: CPU', 'clock', 'memory', 'callback: CPU', 'clock', 'memory', 'minified', 'gzip'], cold)}

Floors: ${floors.join('; ')}.

Ours begin with two requests, and both are in these numbers, in one process: the first gives out the page that asks who opened the
popup, the second judges the answer and sends the browser on. CPU of both, as a ratio to the first alone: ${times(`cold begin: ${lambda} / its first step alone`)} on Lambda,
${times(`cold begin: ${netlify} / its first step alone`)} on Netlify. On a warm Lambda instance of this machine: ${results.warmBegin.toFixed(0)} µs for both, ${results.warmFirstStep.toFixed(0)} µs for the first.

## What they do for it

Each found by trying: a login that another browser began is refused (state), the host can tell whose code it is (PKCE), a CMS
can renew a token, the popup gives the token to the site that it is set up for and to no other. For those by hand this is what we
wrote, as an owner might: the libraries leave it to them.

${table(['', 'state', 'PKCE', 'refresh', 'origin'], able)}

## Warm instances, as ratios to one bare \`fetch\`

Latency one at a time, and the time for each of 16 and 64 at once; then the callback as a ratio to a bare \`node:http\` request that
keeps its connection, and to one that makes a new one, as we do. All ask the same token endpoint on this machine; a real one
takes a hundred times as long as all of this.

${table(['', 'begin', 'callback', '99th percentile', '16 at once', '64 at once', 'to node:http', 'to one that connects'], warm)}

After ${growth.logins} logins on one warm instance the heap is ${growth.heap.toFixed(2)} × and the time for a login ${growth.time.toFixed(2)} × what they were.

## The gateway

One call that a CMS makes: a session token verified, the editor looked up on the list, the request judged and passed on. Cold, on Lambda, as
a ratio to a process that verifies one such token and makes one \`fetch\`: CPU ${times('cold gateway / one HS256 and one fetch')}, clock ${times('cold gateway, on the clock / one HS256 and one fetch')}. Warm, \`npm start\` as a
ratio to a Node server that does the same job without rules, settings and words: ${times(`warm gateway / ${byHand}`)}; with 64 at once, the time for each: ${times(`64 gateway calls at once / ${byHand}`)}. To the
same server with limits of time and size, our headers and a line of log: ${times(`warm gateway / ${byHandWhole}`)} and ${times(`64 gateway calls at once / ${byHandWhole}`)}. To
one that passes everything on and looks at nothing: ${times('warm gateway / pass-through')} and ${times('64 gateway calls at once / pass-through')}. The largest
body that Lambda lets through takes ${gatewayLargePeak.toFixed(1)} × its size. A file of 24 MB that comes through \`npm start\` takes ${largeFile.memory.toFixed(2)} × its size,
and its first byte is there after ${largeFile.firstByte.toFixed(2)} of the time that the last one takes.

GitHub's API in front of the gateway, as Sveltia asks, to a server that passes everything on and looks at nothing. With the host 20 ms away:
one call of REST ${times("GitHub's API, rest, host 20 ms away / pass-through")}, one of GraphQL for the texts of 250 posts ${times("GitHub's API, graphql, host 20 ms away / pass-through")}. With the host at no distance, which shows
what is ours: ${times("GitHub's API, rest, host 0 ms away / pass-through")} and ${times("GitHub's API, graphql, host 0 ms away / pass-through")}.

## Targets

${table(['', 'now', 'middle half', 'at most', 'met'], aims)}
`;
}

/** @param {string[]} head @param {string[][]} rows */
function table(head, rows) {
  const widths = head.map((_, column) => Math.max(...[head, ...rows].map((row) => row[column]?.length ?? 0), 3));
  /** @param {string[]} row */
  const line = (row) =>
    `| ${row.map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0))).join(' | ')} |`;
  const rule = widths.map((width, column) => (column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`));
  return [line(head), line(rule), ...rows.map(line)].join('\n');
}
