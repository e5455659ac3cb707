// @ts-check
/**
 * Has Stryker change every line of the cores, and tells which changes no test notices: `npm run test:stryker`, with the name of an
 * area for that one, and then with files for these alone: `npm run test:stryker -- rules lib/gateway/rules/match.ts`.
 */
import { spawnSync } from 'node:child_process';
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
}
process.exitCode = failed ? 1 : 0;
