// @ts-check
/** Guards of settings, cookies and platforms, and what notices that one is gone: see mutants.mjs. */

const stars = 'test/unit/stars.test.ts';
const cookies = 'test/unit/cookies.test.ts';

/** @type {import('./mutants.mjs').Mutant[]} */
export const repairs = [
  // Stars
  {
    guard: 'a star only below a domain of one owner',
    file: 'lib/web/origins.ts',
    find: 'if (!preview && !own.some(',
    replace: 'if (false && !own.some(',
    tests: stars,
  },
  {
    guard: 'a star below a listed domain, not beside it',
    file: 'lib/web/origins.ts',
    find: 'domain.endsWith(`.${name}`)',
    replace: 'domain.endsWith(name)',
    tests: stars,
  },
  {
    guard: 'a star in the place of a preview’s name, not of a site’s',
    file: 'lib/web/origins.ts',
    find: 'if (preview && !preview.test(label))',
    replace: 'if (false as boolean)',
    tests: stars,
  },
  {
    guard: 'no star in punycode',
    file: 'lib/web/origins.ts',
    find: `if (label.startsWith('xn--'))`,
    replace: 'if (false as boolean)',
    tests: stars,
  },

  // Firebase's cookie
  {
    guard: 'what is planted is not carried over',
    file: 'lib/oauth/cookies.ts',
    find: 'begun.length === 1 ? (begun[0] ?? [])',
    replace: 'begun.length > 0 ? begun.flat()',
    tests: cookies,
  },
  {
    guard: 'entries from the future push out no login',
    file: 'lib/oauth/cookies.ts',
    find: 'time > now ? lifetime : now - time',
    replace: 'now - time',
    tests: cookies,
  },
];
