import type { Reporter, TestCase, TestModule } from 'vitest/node';
import './attack.ts';

/** As many tests without words of their own as make a list, of which the number says enough. */
const list = 9;

/** Prints, at the end, what came of each attack. */
export class Table implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const rows: [string, string][] = [];
    for (const module of modules) {
      const groups = new Map<string, TestCase[]>();
      for (const test of module.children.allTests()) {
        const group = test.parent.type === 'suite' ? test.parent.fullName : '';
        groups.set(group, [...(groups.get(group) ?? []), test]);
      }
      for (const [group, tests] of groups) {
        rows.push([group || module.relativeModuleId, '']);
        const told = tests.filter((test) => test.meta().outcome !== undefined || !passed(test));
        const others = tests.filter((test) => !told.includes(test));
        if (others.length >= list) rows.push([`  ${others.length} of ${tests.length}`, 'as it should be']);
        else told.push(...others);
        for (const test of tests)
          if (told.includes(test))
            rows.push([`  ${test.name}`, passed(test) ? (test.meta().outcome ?? 'held') : failure(test)]);
      }
    }
    const width = Math.max(...rows.map(([attack]) => attack.length));
    const lines = rows.map(([attack, outcome]) => (outcome ? `${attack.padEnd(width)}  ${outcome}` : `\n${attack}`));
    console.log(`\n${'Attack'.padEnd(width)}  Outcome\n${'='.repeat(width + 9)}${lines.join('\n')}\n`);
  }
}

const passed = (test: TestCase): boolean => test.result().state === 'passed';

const failure = (test: TestCase): string => (test.result().state === 'failed' ? 'FAILED' : 'NOT RUN');
