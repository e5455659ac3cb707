// @ts-check
/** Transactions, cookies and what a Git host answers: guards of lib/oauth, and what notices that one is gone. See mutants.mjs. */

const callback = 'test/attacks/callback.test.ts';
const pages = 'test/attacks/pages.test.ts';
const server = 'test/attacks/server.test.ts';
const transaction = 'test/unit/transaction.test.ts';
const tokenRequest = 'test/unit/token-request.test.ts';
const cookieStore = 'test/unit/cookie-store.test.ts';

/** @type {import('./mutants.mjs').Mutant[]} */
export const oauth = [
  {
    guard: 'what is brought back is ours (mac)',
    file: 'lib/oauth/transaction.ts',
    find: 'sameText(signToken(candidate, purpose, binding, payload), token)',
    replace: 'true',
    tests: transaction,
  },
  {
    guard: 'bound to whether refresh is wanted and to the opener',
    file: 'lib/oauth/transaction.ts',
    find: '[...binding, payload, time, id]',
    replace: '[...binding, time, id]',
    tests: transaction,
  },
  {
    guard: 'bound to its time',
    file: 'lib/oauth/transaction.ts',
    find: '[...binding, payload, time, id]',
    replace: '[...binding, payload, id]',
    tests: transaction,
  },
  {
    guard: 'bound to its id',
    file: 'lib/oauth/transaction.ts',
    find: '[...binding, payload, time, id]',
    replace: '[...binding, payload, time]',
    tests: callback,
    named: 'S2 ',
  },
  {
    guard: 'a transaction expires',
    file: 'lib/oauth/transaction.ts',
    find: 'if (age > lifetime + clockSkew || age < -clockSkew) throw new Failure(transactionErrors.ATTEMPT_EXPIRED);',
    replace: '',
    tests: transaction,
  },
  {
    guard: 'PKCE: the verifier is a secret',
    file: 'lib/oauth/transaction.ts',
    find: 'hmac(key, `pkce/1${state}`)',
    replace: "hmac('', `pkce/1${state || key}`)",
    tests: callback,
    named: 'S5 ',
  },
  {
    guard: 'an answer has an end (64 KiB)',
    file: 'lib/oauth/request.ts',
    find: 'if ((size += chunk.length) > limit)',
    replace: 'if ((size += chunk.length) < 0)',
    tests: tokenRequest,
    named: 'as long as the answer has no more',
  },
  {
    guard: 'an answer ends in time',
    file: 'lib/oauth/request.ts',
    find: 'setTimeout(() => stop(new TooLate()), deadline - Date.now())',
    replace: 'undefined',
    tests: tokenRequest,
    named: 'one request: hang',
  },
  {
    guard: 'redirects of a token endpoint are not followed',
    file: 'lib/oauth/request.ts',
    find: 'const chunks: Buffer[] = [];',
    replace: `const { location } = response.headers;
      if (location)
        return void send(new URL(location, url).href, { method, headers, body, deadline, limit, agent } as never).then(resolve, reject);
      const chunks: Buffer[] = [];`,
    tests: server,
    named: 'a token endpoint that redirects',
  },
  {
    guard: 'the token endpoint’s words are not shown',
    file: 'lib/oauth/response.ts',
    find: 'new Failure(tokenError(error.error, rejected), fill, options)',
    replace: 'new Failure(tokenError(error.error, rejected), { ...fill, host: error.error }, options)',
    tests: pages,
    named: 'the token endpoint’s words',
  },
  {
    guard: 'a fresh key for each login',
    file: 'lib/oauth/transaction.ts',
    find: 'randomBytes(32 + 9)',
    replace: 'Buffer.alloc(32 + 9)',
    tests: transaction,
  },
  {
    guard: 'no key of a request is used for a new login',
    file: 'lib/oauth/transaction.ts',
    find: "const key = random.toString('base64url', 0, 32);",
    replace: `const brought = /\\.([\\w-]{43})/.exec(cookieStore.keep({ id: '', time: 0, key: '' }).join())?.[1];
  const key = brought ?? random.toString('base64url', 0, 32);`,
    tests: cookieStore,
  },
  {
    guard: 'PKCE: the verifier is sent',
    file: 'lib/oauth/token-request.ts',
    find: '...(client.provider.pkce && {',
    replace: '...(false && {',
    tests: tokenRequest,
  },
  {
    guard: 'no forged __Host- with a space of Unicode’s in front',
    file: 'lib/http/cookies.ts',
    find: ".replace(/^ +/, '')",
    replace: '.trim()',
    tests: callback,
    named: 'with a space in front',
  },
  {
    guard: '__Host- keeps sub-domains out',
    file: 'lib/http/cookies.ts',
    find: "`${secure ? '__Host-' : ''}${cookieName.name}-`",
    replace: '`${cookieName.name}-`',
    tests: transaction,
  },
  {
    guard: 'no script reads the cookie',
    file: 'lib/http/cookies.ts',
    find: ' HttpOnly;',
    replace: '',
    tests: transaction,
  },
  {
    guard: 'no other site’s form or frame brings the cookie',
    file: 'lib/http/cookies.ts',
    find: 'SameSite=Lax',
    replace: 'SameSite=None',
    tests: transaction,
  },
];
