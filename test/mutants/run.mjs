// @ts-check
/**
 * Takes each guard away, in a copy, and runs the tests that should notice: `npm run test:mutants`, or with a part of a
 * guard's name, or of its file's or its tests', for some of them. Fails if a guard can go unnoticed.
 */
import { execFile } from 'node:child_process';
import { rmSync } from 'node:fs';
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { mutants } from './mutants.mjs';

const began = Date.now();
/** They mostly wait, for Node to start and for time to pass. */
const atOnce = 3;
const wanted = process.argv[2] ?? '';
const chosen = mutants.filter(({ guard, file, tests }) => [guard, file, tests].some((text) => text.includes(wanted)));

/** @typedef {{ fullName: string, status: string }} Result */

/** In a folder of its own: nobody's working tree is without a guard for a moment. */
async function copy() {
  const folder = await mkdtemp(path.join(tmpdir(), 'cms-auth-mutant-'));
  // What tests read besides the code.
  const files = ['package.json', 'package-lock.json', 'tsconfig.json', 'netlify.toml', 'serverless.yml', 'docs'];
  for (const part of [...files, 'functions', 'lib', 'test'])
    await cp(part, path.join(folder, part), {
      recursive: true,
      filter: (source) => path.basename(source) !== 'node_modules',
    });
  await symlink(path.resolve('node_modules'), path.join(folder, 'node_modules'), 'junction');
  return folder;
}

/**
 * @param {string} folder @param {string[]} files @param {string[]} names
 * @returns {Promise<{ results: Result[], output: string }>} `results` of the tests that were run
 */
async function test(folder, files, names) {
  const config = files.every((file) => file.startsWith('test/attacks/')) ? 'test/attacks' : 'test';
  const report = path.join(folder, 'report.json');
  await rm(report, { force: true });
  const parameters = [
    'node_modules/vitest/vitest.mjs',
    'run',
    ...files,
    `--config=${config}/vitest.config.ts`,
    ...(names.length > 0 ? [`--testNamePattern=${names.map(escape).join('|')}`] : []),
    '--test-timeout=12000',
    '--bail=1',
    '--cache=false',
    '--pool=threads',
    '--reporter=json',
    `--outputFile=${report}`,
  ];
  const output = await new Promise((resolve) =>
    execFile(process.execPath, parameters, { cwd: folder, timeout: 120_000 }, (_, out, errors) =>
      resolve(out + errors),
    ),
  );
  const text = await readFile(report, 'utf8').catch(() => '{"testResults":[]}');
  /** @type {{ testResults: { assertionResults: Result[] }[] }} */
  const { testResults } = JSON.parse(text);
  const results = testResults.flatMap(({ assertionResults }) => assertionResults);
  return { results: results.filter(({ status }) => status === 'passed' || status === 'failed'), output };
}

/** @param {string} text */
const escape = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

/** @param {string} problem @returns {never} */
function stop(problem) {
  console.error(problem);
  process.exit(1);
}

for (const { guard, file, find } of mutants) {
  const count = (await readFile(file, 'utf8')).split(find).length - 1;
  if (count !== 1) stop(`"${guard}": its text stands in ${file} ${count} times, and should once. Correct mutants.mjs.`);
}
if (chosen.length === 0) stop(`No guard is called "${wanted}".`);

const folders = await Promise.all(Array.from({ length: atOnce }, copy));
process.on('exit', () => folders.forEach((folder) => rmSync(folder, { recursive: true, force: true, maxRetries: 9 })));

/**
 * Hands each job to a folder as one becomes free.
 *
 * @template Job @param {Job[]} jobs @param {(folder: string, job: Job) => Promise<void>} work
 */
async function each(jobs, work) {
  const queue = [...jobs];
  await Promise.all(
    folders.map(async (folder) => {
      for (let job = queue.shift(); job !== undefined; job = queue.shift()) await work(folder, job);
    }),
  );
}

// A test that fails anyway notices nothing.
await each([...new Set(chosen.map(({ tests }) => tests))], async (folder, file) => {
  const names = chosen.filter(({ tests }) => tests === file).map(({ named }) => named ?? '');
  const { results, output } = await test(folder, [file], names.includes('') ? [] : names);
  const failed = results.find(({ status }) => status === 'failed');
  if (results.length === 0 || failed)
    stop(`With every guard in its place, ${file} fails: ${failed?.fullName ?? output}`);
});

/** @type {Map<string, string | undefined>} */
const killers = new Map();
await each(chosen, async (folder, { guard, file, find, replace, tests, named }) => {
  const target = path.join(folder, file);
  const source = await readFile(target, 'utf8');
  await writeFile(target, source.split(find).join(replace));
  const { results, output } = await test(folder, [tests], named === undefined ? [] : [named]);
  await writeFile(target, source);
  if (results.length === 0) stop(`"${guard}": no test was run.\n${output}`);
  const killer = results.find(({ status }) => status === 'failed');
  killers.set(guard, killer && `${path.basename(tests, '.test.ts')}: ${killer.fullName}`);
});

const width = Math.max(...chosen.map(({ guard }) => guard.length));
console.log(`${'Without this guard'.padEnd(width)}  this test fails\n${'='.repeat(width + 17)}`);
for (const { guard } of chosen) console.log(`${guard.padEnd(width)}  ${killers.get(guard) ?? 'NONE: it survives'}`);
const survivors = chosen.filter(({ guard }) => killers.get(guard) === undefined);
console.log(
  `\n${chosen.length} guards, ${survivors.length} can go unnoticed. ${Math.round((Date.now() - began) / 1000)} s`,
);
process.exit(survivors.length > 0 ? 1 : 0);
