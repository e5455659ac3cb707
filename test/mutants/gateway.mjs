// @ts-check
/** Guards of the gateway itself, and of GitHub behind it. See mutants.mjs. */

const editor = 'test/unit/editor.test.ts';
const contract = 'test/contract/node.test.ts';
const named = 'The gateway on';

/** @type {import('./mutants.mjs').Mutant[]} */
export const gateway = [
  {
    guard: 'who was let in is out by another secret',
    file: 'lib/gateway/editor.ts',
    find: 'JSON.stringify([gateway.way, gateway.lists.rolesClaim, moment.address])',
    replace: "''",
    tests: editor,
    named: 'An editor who has just been let in',
  },
  {
    guard: 'who was let in is out when the session is over',
    file: 'lib/gateway/editor.ts',
    find: 'moment.now < end ? await recognised.find(hash) : undefined',
    replace: 'await recognised.find(hash)',
    tests: editor,
    named: 'An editor who has just been let in',
  },
  {
    guard: 'the list is asked at every call',
    file: 'lib/gateway/editor.ts',
    find: 'if (!mayIn(editor, gateway.lists))',
    replace: 'if (false as boolean)',
    tests: editor,
  },
  {
    guard: 'a session ends (exp is required)',
    file: 'lib/gateway/editor.ts',
    find: "requiredClaims: ['exp'],",
    replace: '',
    tests: editor,
  },
  {
    guard: 'a page that is not listed is refused before any work',
    file: 'lib/gateway/handler.ts',
    find: `  admitOrigin(
    request,
    readOrigins(await settings.read(['CMS_AUTH_ORIGINS'], gatewaySettings(hosts)), address),
    headers,
  );`,
    replace: '  void [admitOrigin, readOrigins, headers];',
    tests: contract,
    named,
  },
  {
    guard: 'another host than the repository’s is asked nothing',
    file: 'lib/gateway/handler.ts',
    find: 'if (route.provider.id !== read.host.provider.id)',
    replace: 'if (false as boolean)',
    tests: contract,
    named,
  },
  {
    guard: 'an answer that holds the credential does not leave',
    file: 'lib/gateway/forward.ts',
    find: 'if (answer.bytes.includes(token) || spoken.some((value) => value.includes(token)))',
    replace: 'if (false as boolean)',
    tests: contract,
    named,
  },
  {
    guard: 'no redirect of the host’s is passed on',
    file: 'lib/gateway/forward.ts',
    find: 'if (status < 200 || (status >= 300 && status < 400 && status !== 304)) throw failed();',
    replace: '',
    tests: contract,
    named,
  },
  {
    guard: 'what is larger than the platform takes is refused',
    file: 'lib/gateway/forward.ts',
    find: 'if (!bytes) throw tooLarge;',
    replace: "if (!bytes) return { bytes: Buffer.alloc(0), type: '' };",
    tests: 'test/contract/lambda.test.ts',
    named,
  },
  {
    guard: 'a query key comes once',
    file: 'lib/gateway/forward.ts',
    find: 'if (values.length > 1)',
    replace: 'if (false as boolean)',
    tests: contract,
    named,
  },
  {
    guard: 'a tree has a base (GitHub)',
    file: 'lib/gateway/hosts/github.ts',
    find: "base_tree: hash(base, 'base_tree'),",
    replace: 'base_tree: base,',
    tests: contract,
    named,
  },
  {
    guard: 'only plain files are written (GitHub)',
    file: 'lib/gateway/hosts/github.ts',
    find: "if (mode !== '100644' || type !== 'blob')",
    replace: 'if (false as boolean)',
    tests: contract,
    named,
  },
  {
    guard: 'only files that are for editors are written (GitHub)',
    file: 'lib/gateway/hosts/github.ts',
    find: "if (typeof path !== 'string' || !isWritable(path, gateway.paths))",
    replace: "if (typeof path !== 'string')",
    tests: contract,
    named,
  },
  {
    guard: 'a commit has one parent (GitHub)',
    file: 'lib/gateway/hosts/github.ts',
    find: 'if (!Array.isArray(parents) || parents.length !== 1)',
    replace: 'if (!Array.isArray(parents))',
    tests: contract,
    named,
  },
];
