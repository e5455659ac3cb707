import { styleText } from 'node:util';
import { severities, shown, unprintable, type Finding, type Severity } from './finding.ts';
import { cmsTitles, type Cms } from './admin-page.ts';

/** What the doctor found, the most probable cause first. */
export interface Report {
  /** What was examined. */
  source: string;
  cms: Cms | undefined;
  /** The Git host, as the configuration names it. */
  backend: string | undefined;
  /** The login server that was asked. */
  hop: string | undefined;
  /** What editors may change, as the gateway says. */
  writable: string | undefined;
  findings: Finding[];
  notChecked: string[];
}

const colours = { broken: 'red', risky: 'yellow', note: 'cyan' } as const;

/** Plain text; its first line names the most probable cause. */
export function toText(report: Report, { colour }: { colour: boolean }): string {
  const { findings, notChecked } = report;
  const paint = (severity: Severity | 'good', text: string) =>
    colour
      ? styleText(['bold', severity === 'good' ? 'green' : colours[severity]], text, { validateStream: false })
      : text;
  const isFine = findings.every(({ severity }) => severity === 'note');
  const parts = findings
    .map(clean)
    .map(({ severity, what, why, write, remove, where }) =>
      [
        `${paint(severity, severity.padEnd(7))} ${what}${where === undefined ? '' : ` (${where})`}`,
        ...wrap(why).map((line) => `        ${line}`),
        ...(remove ? ['', `            (delete: ${remove.join(', ')})`] : []),
        ...(write === undefined ? [] : ['', ...write.split('\n').map((line) => `            ${line}`)]),
      ].join('\n'),
    );
  return [
    ...(isFine
      ? [paint('good', 'Nothing wrong found.') + (findings[0] ? ` To know: ${line(findings[0].what)}.` : '')]
      : []),
    ...parts,
    ...(notChecked.length === 0
      ? []
      : [['Not checked:', ...notChecked.flatMap((text) => wrap(`- ${line(text)}`))].join('\n')]),
    summary(report),
    '',
  ]
    .join('\n\n')
    .replace(/\n+$/, '\n');
}

function summary({ source, cms, backend, hop, writable, findings }: Report): string {
  const counts = severities.map((severity) => {
    const count = findings.filter((finding) => finding.severity === severity).length;
    return `${count} ${severity === 'note' && count !== 1 ? 'notes' : severity}`;
  });
  const parts = [
    shown(source),
    cms
      ? cmsTitles[cms.name] + (cms.version === undefined ? '' : ` ${shown(cms.version)}`)
      : 'CMS unknown (--cms says which)',
    backend === undefined ? undefined : shown(backend),
    hop === undefined ? undefined : `login server ${shown(hop)}`,
    writable === undefined ? undefined : `the gateway, where editors may change ${line(writable)}`,
  ];
  return `${counts.join(', ')}. Examined: ${parts.filter(Boolean).join(', ')}.`;
}

function wrap(text: string, width = 100): string[] {
  const rows = [''];
  for (const word of text.split(' ')) {
    const row = rows.at(-1) ?? '';
    if (row !== '' && row.length + word.length >= width) rows.push(word);
    else rows[rows.length - 1] = row === '' ? word : `${row} ${word}`;
  }
  return rows;
}

/** What others wrote must move nobody's cursor, however it got into a sentence; nor make up a line of ours. */
const line = (text: string): string => {
  const plain = text.replace(unprintable, '·');
  return plain.length > longest ? `${plain.slice(0, longest)}…` : plain;
};

const longest = 2000;

const clean = ({ what, why, write, where, ...rest }: Finding): Finding => ({
  ...rest,
  what: line(what),
  why: line(why),
  ...(write !== undefined && { write: write.split('\n').map(line).join('\n') }),
  ...(where !== undefined && { where: line(where) }),
});

/** One document for other programs. What a terminal would obey stands in it escaped, as JSON allows for every character. */
export function toJson(report: Report): string {
  const { source, cms, backend, hop, writable, findings, notChecked } = report;
  const count = (severity: Severity) => findings.filter((finding) => finding.severity === severity).length;
  return `${JSON.stringify(
    {
      source,
      cms: cms ?? null,
      backend: backend ?? null,
      hop: hop ?? null,
      ...(writable !== undefined && { writable }),
      ok: count('broken') === 0,
      counts: Object.fromEntries(severities.map((severity) => [severity, count(severity)])),
      findings,
      notChecked,
    },
    undefined,
    2,
  ).replace(/(?!\n)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, escaped)}\n`;
}

const escaped = (character: string): string =>
  Array.from({ length: character.length }, (_, i) => character.charCodeAt(i))
    .map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`)
    .join('');
