// @ts-check
/** The sign-in: what keeps strangers out of it, and what notices that one is gone. See mutants.mjs. */

const contract = 'test/contract/node.test.ts';
const issuer = 'test/unit/issuer.test.ts';
const login = 'lib/gateway/sign-in/login.ts';
const token = 'lib/gateway/sign-in/token.ts';

/** @type {import('./mutants.mjs').Mutant[]} */
export const signIn = [
  {
    guard: 'only pages of the list get an answer',
    file: login,
    find: 'if (redirectUri === undefined || !pages.includes(redirectUri))',
    replace: 'if (redirectUri === undefined)',
    tests: contract,
    named: 'the redirect address',
  },
  {
    guard: 'nor at the callback, whatever a state says',
    file: login,
    find: 'if (claimed && pages.includes(claimed.redirectUri))',
    replace: 'if (claimed)',
    tests: contract,
    named: 'never sends anybody',
  },
  {
    guard: 'the list of pages is read anew at the callback',
    file: login,
    find: 'if (signIn.request && !gateway.pages.includes(signIn.request.redirectUri))',
    replace: 'if (false as boolean)',
    tests: contract,
    named: 'pages of the list of old',
  },
  {
    guard: 'PKCE towards the CMS is not optional',
    file: login,
    find: "if (code_challenge_method !== 'S256' || !/^[\\w-]{43}$/.test(code_challenge ?? ''))",
    replace: 'if (false as boolean)',
    tests: contract,
    named: 'refuses what a CMS does not ask',
  },
  {
    guard: 'a sign-in works once',
    file: login,
    find: "cookies.push(...forgetTransactions(parameters.getAll('state').slice(0, 5), cookieStore));",
    replace: '',
    tests: contract,
    named: 'The sign-in on a Node server ends only where it began not twice',
  },
  {
    guard: 'the answer names the issuer that was asked',
    file: login,
    find: 'issuer.checkAnswer({ iss, error });',
    replace: '',
    tests: contract,
    named: 'not mixed up',
  },
  {
    guard: 'only editors of the list get a code',
    file: 'lib/gateway/identity/authorize.ts',
    find: 'if (isAllowed(editor, lists)) return editor;',
    replace: 'if (editor) return editor;',
    tests: contract,
    named: 'tells the CMS who is not on the list',
  },
  {
    guard: 'the code needs its verifier',
    file: token,
    find: "!sameText(codeChallenge(given.code_verifier ?? ''), code.challenge) ||",
    replace: '',
    tests: contract,
    named: 'only to who has the verifier',
  },
  {
    guard: 'the code is for one page',
    file: token,
    find: 'given.redirect_uri !== code.redirectUri',
    replace: '(false as boolean)',
    tests: contract,
    named: 'only for the page that it was made for',
  },
  {
    guard: 'the list is asked once more for the token',
    file: token,
    find: 'if (!isAllowed(code.editor, gateway.lists))',
    replace: 'if (false as boolean)',
    tests: contract,
    named: 'only as long as the editor is on the list',
  },
  {
    guard: 'no token for pages that are not listed',
    file: 'lib/gateway/sign-in/handler.ts',
    find: 'admit: admitListed(hosts),',
    replace: 'admit: () => void admitListed,',
    tests: contract,
    named: 'to pages on the list only',
  },
  {
    guard: 'the nonce is the one of this sign-in',
    file: 'lib/oauth/relying-party.ts',
    find: '        expectedNonce: nonceOf(checks),\n',
    replace: '',
    tests: issuer,
    named: 'without a nonce',
  },
  {
    guard: 'the ID token is signed',
    file: 'lib/oauth/relying-party.ts',
    find: 'const claims: Claims = await verifyJws(',
    replace: 'const claims: Claims = (tokens.claims() as Claims) ?? (await verifyJws)(',
    tests: issuer,
    named: 'is not: with',
  },
  {
    guard: 'a verified address is the one that was verified',
    file: 'lib/oauth/relying-party.ts',
    find: "claims['email'] === more['email'] ?",
    replace: '(true as boolean) ?',
    tests: issuer,
    named: 'no other address',
  },
  {
    guard: 'an address is as verified as whoever names it says',
    file: 'lib/oauth/relying-party.ts',
    find: '...withoutVerdict(claims)',
    replace: '...claims',
    tests: issuer,
    named: 'no other address',
  },
];
