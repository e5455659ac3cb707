// @ts-check
import { area, areas } from './areas.mjs';

export default {
  plugins: ['@stryker-mutator/vitest-runner', './test/stryker/prose.mjs'],
  testRunner: 'vitest',
  // Which tests a mutant needs is known from the first run.
  vitest: { configFile: 'test/stryker/vitest.config.ts', related: false },
  mutate: areas[area].mutate,
  ignorers: ['prose'],
  // What decides is changed: conditions, comparisons, regular expressions, calls. What is only built is seen by the same tests.
  mutator: {
    excludedMutations: [
      'ArrayDeclaration',
      'ArrowFunction',
      'AssignmentOperator',
      'BlockStatement',
      'ObjectLiteral',
      'OptionalChaining',
      'StringLiteral',
      'UpdateOperator',
    ],
  },
  ignorePatterns: ['dist', 'test/*/node_modules'],
  coverageAnalysis: 'perTest',
  // A mutant of what is computed when a module is loaded costs a run of all tests. The rules themselves are such:
  // test/unit/fence.test.ts holds them word by word.
  ignoreStatic: true,
  disableTypeChecks: false,
  // There is none: Stryker would read ours by an interface that this TypeScript has no more.
  tsconfigFile: 'none.json',
  concurrency: 2,
  // Only what never ends takes as long.
  timeoutMS: 15_000,
  timeoutFactor: 4,
  dryRunTimeoutMinutes: 10,
  tempDirName: '.cache/stryker',
  reporters: ['clear-text', 'progress-append-only', 'json', 'html'],
  jsonReporter: { fileName: `.cache/stryker-reports/${area}.json` },
  htmlReporter: { fileName: `.cache/stryker-reports/${area}.html` },
  clearTextReporter: { allowColor: false, allowEmojis: false, logTests: false, reportTests: false },
};
