// @ts-check
import { writeFileSync } from 'node:fs';

/**
 * A run as JSON, into the file that REPORT names: how many tests passed, which of them at the second time only, and what did not
 * pass and why. vitest's own JSON leaves out why a hook failed.
 */
export default class {
  /**
   * @param {readonly import('vitest/node').TestModule[]} modules
   * @param {readonly import('vitest').SerializedError[]} unhandled
   */
  onTestRunEnd(modules, unhandled) {
    let passed = 0;
    /** @type {string[]} */
    const again = [];
    /** @type {string[]} */
    const failures = [];
    /** @param {string} what @param {readonly import('vitest').SerializedError[]} errors */
    const fail = (what, errors) =>
      failures.push([what, ...errors.map((error) => error.stack ?? error.message)].join('\n'));
    for (const module of modules) {
      for (const part of [module, ...module.children.allSuites()])
        if (part.errors().length > 0)
          fail(`broken: ${part.type === 'suite' ? part.fullName : module.moduleId}`, part.errors());
      for (const test of module.children.allTests()) {
        const { state, errors = [] } = test.result();
        if (state === 'passed') passed++;
        else fail(`${state}: ${test.fullName}`, errors);
        if (test.diagnostic()?.flaky) again.push(test.fullName);
      }
    }
    if (unhandled.length > 0) fail('beside the tests', unhandled);
    writeFileSync(process.env['REPORT'] ?? '', JSON.stringify({ passed, again, failures }));
  }
}
