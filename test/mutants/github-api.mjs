// @ts-check
/** Guards of GitHub's own API in front of the gateway: the table of GraphQL, what is done by it, and the popup login. See mutants.mjs. */

const table = 'test/unit/graphql.test.ts';
const contract = 'test/contract/node.test.ts';
const named = 'GitHub’s API in front of the gateway';
const popup = 'The popup login of the gateway';

/** @type {import('./mutants.mjs').Mutant[]} */
export const githubApi = [
  {
    guard: 'a field that is not on the table does not exist',
    file: 'lib/gateway/graphql/document.ts',
    find: 'if (!Object.hasOwn(table, name)) throw',
    replace: 'if (!(name in table)) throw',
    tests: table,
  },
  {
    guard: 'arguments that decide must be there',
    file: 'lib/gateway/graphql/document.ts',
    find: 'if (missing !== undefined) throw',
    replace: 'if (false) throw',
    tests: table,
  },
  {
    guard: 'an argument comes once',
    file: 'lib/gateway/graphql/document.ts',
    find: 'if (Object.hasOwn(given, key)) throw',
    replace: 'if (false) throw',
    tests: table,
  },
  {
    guard: 'directives do not pass',
    file: 'lib/gateway/graphql/document.ts',
    find: 'if (marked) throw',
    replace: 'if (false) throw',
    tests: table,
  },
  {
    guard: 'one operation',
    file: 'lib/gateway/graphql/document.ts',
    find: '|| others.length > 0) throw',
    replace: ') throw',
    tests: table,
  },
  {
    guard: 'one mutation at a time',
    file: 'lib/gateway/graphql/document.ts',
    find: "operation === 'mutation' && fields.length !== 1",
    replace: 'false',
    tests: table,
  },
  {
    guard: 'so many fields and no more',
    file: 'lib/gateway/graphql/document.ts',
    find: 'if ((count += 1) > limits.fields) throw',
    replace: 'if (false) throw',
    tests: table,
  },
  {
    guard: 'no other repository',
    file: 'lib/gateway/rules/github-api.ts',
    find: 'if (sameName(value, name)) return',
    replace: "if (typeof value === 'string') return",
    tests: table,
  },
  {
    guard: 'a commit names this repository',
    file: 'lib/gateway/rules/github-api.ts',
    find: 'if (!sameName(repositoryNameWithOwner, gateway.fullName))',
    replace: 'if (false)',
    tests: contract,
    named,
  },
  {
    guard: 'a commit is on what the client has seen',
    file: 'lib/gateway/rules/github-api.ts',
    find: "if (found['sha'] !== expectedHeadOid) throw",
    replace: 'if (false) throw',
    tests: contract,
    named,
  },
  {
    guard: 'of an input nothing is left out',
    file: 'lib/gateway/rules/github-api.ts',
    find: 'if (Object.keys(known).every((name) => names.includes(name))) return known;',
    replace: 'return known;',
    tests: contract,
    named,
  },
  {
    guard: 'only drafts of the CMS are made ready',
    file: 'lib/gateway/rules/github-api.ts',
    find: 'if (!isOurs || !isDraft(headRefName) || baseRefName !== gateway.branch)',
    replace: 'if (false)',
    tests: contract,
    named,
  },
  {
    guard: 'a repository of which nothing is said is not this one',
    file: 'lib/gateway/rules/github-api.ts',
    find: 'ownId !== undefined && ',
    replace: '',
    tests: table,
  },
  {
    guard: 'the REST API has one repository',
    file: 'lib/gateway/api.ts',
    find: "const isBelow = isRepository && (rest === '' || rest.startsWith('/'));",
    replace: 'const isBelow = true;',
    tests: contract,
    named,
  },
  {
    guard: 'only a listed page gets a session by the popup',
    file: 'lib/gateway/sign-in/popup.ts',
    find: 'if (!isListed(origins, origin)) {',
    replace: 'if (false) {',
    tests: contract,
    named: popup,
  },
  {
    guard: 'a page that is listed no longer gets none',
    file: 'lib/gateway/sign-in/popup.ts',
    find: 'if (!isListed(origins, login.opener)) throw',
    replace: 'if (false) throw',
    tests: contract,
    named: popup,
  },
  {
    guard: 'a host’s own words are not in the log',
    file: 'lib/gateway/api.ts',
    find: "undefined, 'The Git host refuses it, in words that went to the CMS.')",
    replace: 'undefined)',
    tests: contract,
    named,
  },
  {
    guard: 'a file whose new text the host lost is not deleted',
    file: 'lib/gateway/rules/github-api.ts',
    find: "hash(blobs[index]?.['sha'], 'sha')",
    replace: "blobs[index]?.['sha']",
    tests: contract,
    named,
  },
];
