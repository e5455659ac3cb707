// @ts-check
/** Pages, origins and requests: guards of lib/web, and what notices that one is gone. See mutants.mjs. */

const callback = 'test/attacks/callback.test.ts';
const origins = 'test/attacks/origins.test.ts';
const pages = 'test/attacks/pages.test.ts';
const page = 'test/unit/page.test.ts';

/** @type {import('./mutants.mjs').Mutant[]} */
export const web = [
  {
    guard: 'HTML is escaped',
    file: 'lib/http/page.ts',
    find: 'return piece.replace(/[&<>"\']/g, (c) => `&#${c.charCodeAt(0)};`);',
    replace: 'return piece;',
    tests: page,
  },
  {
    guard: 'JSON in a script is escaped',
    file: 'lib/http/page.ts',
    find: '/[<>&\\u2028\\u2029]/g',
    replace: '/[^\\s\\S]/g',
    tests: pages,
    named: 'a token that would end the script',
  },
  {
    guard: 'no page of ours is framed',
    file: 'lib/http/page.ts',
    find: `    \`frame-ancestors 'none'\`,
`,
    replace: '',
    tests: pages,
    named: 'without its headers',
  },
  {
    guard: 'no address of ours is a Referer',
    file: 'lib/http/http.ts',
    find: `  'referrer-policy': 'no-referrer',
`,
    replace: '',
    tests: pages,
    named: 'without its headers',
  },
  {
    guard: 'no answer is stored',
    file: 'lib/http/http.ts',
    find: "'private, no-store'",
    replace: "'private'",
    tests: pages,
    named: 'without its headers',
  },
  {
    guard: 'no parameter twice',
    file: 'lib/http/http.ts',
    find: 'if (given.length > 1)',
    replace: 'if (false as boolean)',
    tests: callback,
    named: 'S1 two states',
  },
  {
    guard: 'an origin that strangers share is not listed',
    file: 'lib/http/origins.ts',
    find: 'if (isSharedByPath(url.hostname))',
    replace: 'if (false as boolean)',
    tests: 'test/unit/origins.test.ts',
  },
  {
    guard: 'a pattern is anchored at its start',
    file: 'lib/http/origins.ts',
    find: '`^${pattern',
    replace: '`${pattern',
    tests: origins,
  },
  {
    guard: 'a pattern is anchored at its end',
    file: 'lib/http/origins.ts',
    find: '`\\\\${c}`))}$`',
    replace: '`\\\\${c}`))}`',
    tests: origins,
  },
  {
    guard: 'a dot is a dot',
    file: 'lib/http/origins.ts',
    find: ': `\\\\${c}`',
    replace: ': c',
    tests: origins,
  },
  {
    guard: 'a star stands for no dot',
    file: 'lib/http/origins.ts',
    find: "'[a-z0-9]+(?:-[a-z0-9]+)*'",
    replace: "'[a-z0-9.]+(?:-[a-z0-9.]+)*'",
    tests: origins,
  },
  {
    guard: 'a star stands for no other "--"',
    file: 'lib/http/origins.ts',
    find: "'[a-z0-9]+(?:-[a-z0-9]+)*'",
    replace: "'[a-z0-9]+(?:-+[a-z0-9]+)*'",
    tests: origins,
  },
  {
    guard: 'a star touches a "--"',
    file: 'lib/http/origins.ts',
    find: 'if (!/[^*-]--\\*|\\*--[^*-]/.test(label))',
    replace: 'if (false as boolean)',
    tests: origins,
  },
  {
    guard: 'https only, but on loopback (origins)',
    file: 'lib/http/origins.ts',
    find: "if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLoopback(url)))",
    replace: 'if (false as boolean)',
    tests: origins,
  },
  {
    guard: 'navigation only',
    file: 'lib/http/http.ts',
    find: "destination !== 'document' || ",
    replace: '',
    tests: callback,
    named: 'in a frame, by a script',
  },
  {
    guard: 'nothing ahead of time',
    file: 'lib/http/http.ts',
    find: " || headers['sec-purpose']?.includes('prefetch')",
    replace: '',
    tests: callback,
    named: 'in a frame, by a script',
  },
  {
    guard: 'a Worker works on though the one who asked has gone',
    file: 'lib/platforms/workers.ts',
    find: 'context?.waitUntil(reply);',
    replace: '',
    tests: 'test/unit/workers.test.ts',
  },
  {
    guard: 'an address comes from the host of fetch handlers, not from the request',
    file: 'lib/platforms/workers.ts',
    find: "requestId: request.headers.get('cf-ray') ?? undefined,",
    replace: "requestId: request.headers.get('cf-ray') ?? undefined, url: new URL(request.url).origin,",
    tests: 'test/unit/workers.test.ts',
  },
];
