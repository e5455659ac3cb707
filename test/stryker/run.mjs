// @ts-check
/**
 * Has Stryker change every line of the cores, and tells which changes no test notices: `npm run test:stryker`, with the name of an
 * area for that one, and then with files for these alone: `npm run test:stryker -- rules lib/gateway/rules/match.ts`.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { areas } from './areas.mjs';

const [wanted, ...files] = process.argv.slice(2);
const stryker = 'test/stryker/node_modules/@stryker-mutator/core/bin/stryker.js';
let failed = false;
for (const area of wanted === undefined ? Object.keys(areas) : [wanted]) {
  console.log(`\n${area}`);
  const only = files.length > 0 ? ['--mutate', files.join(',')] : [];
  const { status } = spawnSync(process.execPath, [stryker, 'run', 'test/stryker/stryker.config.mjs', ...only], {
    stdio: 'inherit',
    env: { ...process.env, STRYKER_AREA: area },
  });
  failed ||= status !== 0;
  // Stryker does not mind a suite that is skipped, because what it begins with fails where the lines are changed.
  for (const file of status === 0 && files.length === 0 ? idle(area) : []) {
    console.error(`${file} runs no line of the area: does it run at all?`);
    failed = true;
  }
}
process.exitCode = failed ? 1 : 0;

/**
 * The test files of the last run in which no test comes by any change.
 *
 * @param {string} area
 */
function idle(area) {
  /** @type {{ files: Record<string, { mutants: { coveredBy?: string[] }[] }>, testFiles: Record<string, { tests: { id: string }[] }> }} */
  const report = JSON.parse(readFileSync(`.cache/stryker-reports/${area}.json`, 'utf8'));
  const used = new Set(
    Object.values(report.files).flatMap(({ mutants }) => mutants.flatMap(({ coveredBy = [] }) => coveredBy)),
  );
  return Object.entries(report.testFiles).flatMap(([file, { tests }]) =>
    tests.some(({ id }) => used.has(id)) ? [] : [file],
  );
}
