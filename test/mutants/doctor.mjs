// @ts-check
/** Guards of the doctor. @type {import('./mutants.mjs').Mutant[]} */
export const doctor = [
  {
    guard: 'a page of the web does not get the doctor to ask in its user’s network',
    file: 'lib/doctor/probe.ts',
    find: "if (namedServer || reach === 'public') return true;",
    replace: 'if (true) return true;',
    tests: 'test/doctor/repository.test.ts',
    named: 'is not asked for in the network',
  },
  {
    guard: 'the address of a sign-in page is no value for anything',
    file: 'lib/doctor/read.ts',
    find: 'if (!isCmsThere && isProtected(asked ?? url, answer.url, page))',
    replace: 'if (false)',
    tests: 'test/doctor/corpus.test.ts',
  },
  {
    guard: 'what a script makes that cannot be read is not called broken',
    file: 'lib/doctor/diagnose.ts',
    find: "found === 'broken' && context.given.isUncertain ? 'risky' : found;",
    replace: 'found;',
    tests: 'test/doctor/corpus.test.ts',
  },
  {
    guard: 'a foreign server at which a login begins is not called broken',
    file: 'lib/doctor/probe.ts',
    find: 'if (!isLogin(next) && !probe.onwardUrl && !reported(probe.begin)) {',
    replace:
      'if (!ours) delete probe.next;\n  if (!isLogin(probe.next) && !probe.onwardUrl && !reported(probe.begin)) {',
    tests: 'test/doctor/corpus.test.ts',
  },
  {
    guard: 'a local page names scripts and configurations in its folder, and no others',
    file: 'lib/doctor/read.ts',
    find: 'return folders.some((one) => one !== undefined && target.startsWith(one.endsWith(path.sep) ? one : one + path.sep));',
    replace: 'return folders.length > 0;',
    tests: 'test/doctor/hostile.test.ts',
    named: 'makes nobody read',
  },
  {
    guard: 'a page of the web does not get the doctor’s browser into its user’s network',
    file: 'lib/doctor/browser-gate.ts',
    find: "const isFree = reachOf(page) !== 'public';",
    replace: 'const isFree = true;',
    tests: 'test/doctor/browser.test.ts',
    named: 'is not this computer',
  },
  {
    guard: 'a private repository is not called missing',
    file: 'lib/doctor/checks/repository.ts',
    find: "id: 'repository-hidden',\n    severity: 'note',",
    replace: "id: 'repository-hidden',\n    severity: 'broken',",
    tests: 'test/doctor/repository.test.ts',
  },
];
