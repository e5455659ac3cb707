// @ts-check
/** The chart of the README, once for light pages and once for dark ones. */
import { lambda, netlify } from './subjects.mjs';

const colours = {
  light: { text: '#1f2328', quiet: '#59636e', line: '#d1d9e0', ours: '#1a7f37', others: '#8c959f' },
  dark: { text: '#f0f6fc', quiet: '#9198a1', line: '#3d444d', ours: '#3fb950', others: '#656c76' },
};

const width = 880;
const left = 232; // of the bars
const panel = 190; // one measure's bars
const gap = 34;
const row = 30;
const top = 64;

/**
 * @param {import('./report.mjs').Results} results
 * @param {'light' | 'dark'} theme
 * @returns {string} SVG
 */
export function drawChart({ ratios, sizes, can, node, date, machine, rounds }, theme) {
  const { text, quiet, line, ours, others } = colours[theme];
  const names = Object.keys(sizes);
  const height = top + names.length * row + 44;
  const measures = [
    { title: 'Begin a login', what: 'cold begin' },
    { title: 'End it, with one request', what: 'cold callback' },
  ].map(({ title, what }, i) => {
    const values = names.map((name) => ratios[`${what}: ${name} / empty script`]?.median ?? NaN);
    return { title, values, x: left + i * (panel + gap), most: Math.max(...values) };
  });
  const abilities = /** @type {const} */ (['state', 'pkce', 'refresh', 'origin']);
  const column = (/** @type {number} */ i) => left + 2 * (panel + gap) + 12 + i * 52;

  /** @param {number} x @param {number} y @param {string} content @param {string} [more] attributes */
  const words = (x, y, content, more = '') => `<text x="${x}" y="${y}" ${more}>${escape(content)}</text>`;
  const parts = measures.flatMap(({ title, values, x, most }) => {
    const scale = (panel - 36) / most; // the number stands behind the bar
    const end = top + names.length * row;
    return [
      words(x, top - 30, title, 'font-weight="600"'),
      words(x, top - 13, 'CPU, × an empty Node script', `fill="${quiet}"`),
      ...values.flatMap((value, i) => {
        const y = top + i * row;
        const own = names[i] === lambda || names[i] === netlify;
        return [
          `<rect x="${x}" y="${y + 5}" width="${(value * scale).toFixed(1)}" height="${row - 12}" rx="2" fill="${own ? ours : others}"/>`,
          words(x + value * scale + 6, y + 19, value.toFixed(2), own ? 'font-weight="600"' : ''),
        ];
      }),
      // Where an empty script ends: nobody can be to the left of it.
      `<line x1="${(x + scale).toFixed(1)}" x2="${(x + scale).toFixed(1)}" y1="${top}" y2="${end}" stroke="${line}" stroke-dasharray="3 3"/>`,
    ];
  });
  const labels = names.map((name, i) =>
    words(
      left - 12,
      top + i * row + 19,
      name,
      `text-anchor="end"${name === lambda || name === netlify ? ' font-weight="600"' : ''}`,
    ),
  );
  const heads = ['state', 'PKCE', 'refresh', 'origin'].map((head, i) =>
    words(column(i), top - 13, head, `text-anchor="middle" fill="${quiet}"`),
  );
  const marks = names.flatMap((name, i) =>
    abilities.map((ability, j) => {
      const able = can[name]?.[ability] === true;
      return words(
        column(j),
        top + i * row + 20,
        able ? '✓' : '–',
        `text-anchor="middle" fill="${able ? ours : quiet}"`,
      );
    }),
  );
  const caption = `Whole processes, medians of ${rounds} paired rounds. Node ${node}, ${machine}, ${date}.`;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="What a cold function costs, and what is checked for it">
<g font-family="system-ui, sans-serif" font-size="13" fill="${text}">
${[...labels, ...parts, words(column(0) - 20, top - 30, 'Checked', 'font-weight="600"'), ...heads, ...marks].join('\n')}
${words(0, height - 12, caption, `fill="${quiet}" font-size="12"`)}
</g>
</svg>
`;
}

/** @param {string} text */
const escape = (text) => text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
