// @ts-check
import { repairs } from './repairs.mjs';

/**
 * What the code looks like without each of its guards, and the tests that have to notice. `find` must stand in the file
 * exactly once: whoever changes a guard changes its mutant, too.
 *
 * @typedef {object} Mutant
 * @property {string} guard what is taken away
 * @property {string} file
 * @property {string} find
 * @property {string} replace
 * @property {string} tests a file
 * @property {string} [named] part of the names of the tests in it that are run; all of them if absent
 */

const attempt = 'test/unit/attempt.test.ts';
const exchange = 'test/unit/exchange.test.ts';
const http = 'test/attacks/http.test.ts';
const opener = 'test/attacks/opener.test.ts';
const origins = 'test/attacks/origins.test.ts';
const terms = '[provider.id, issuer, clientId, redirectUri, refresh, time, id]';

/** @param {string} name @returns {Pick<Mutant, 'find' | 'replace'>} */
const unbound = (name) => ({
  find: terms,
  replace: `[${terms
    .slice(1, -1)
    .split(', ')
    .filter((term) => term !== name)
    .join(', ')}]`,
});

/** @type {Mutant[]} */
export const mutants = [
  ...repairs,

  // The page
  {
    guard: 'the opener’s origin is checked (page)',
    file: 'lib/hop/popup.client.ts',
    find: 'matchOrigin(origins, event.origin);',
    replace: `matchOrigin(origins, event.origin) ?? 'exact';`,
    tests: origins,
  },
  {
    guard: 'the answer names its addressee',
    file: 'lib/hop/popup.client.ts',
    find: 'postMessage(result ?? results.other, event.origin)',
    replace: `postMessage(result ?? results.other, '*')`,
    tests: origins,
  },
  {
    guard: 'only the opener is heard',
    file: 'lib/hop/popup.client.ts',
    find: 'event.source !== opener || ',
    replace: '',
    tests: opener,
    named: 'speaks in the opener’s place',
  },
  {
    guard: 'only the very text is heard',
    file: 'lib/hop/popup.client.ts',
    find: 'event.data !== handOver.greeting || ',
    replace: '',
    tests: opener,
    named: 'answers with objects',
  },
  {
    guard: 'an opaque origin is nobody',
    file: 'lib/hop/popup.client.ts',
    find: ` || event.origin === 'null'`,
    replace: '',
    tests: origins,
  },
  {
    guard: 'one answer only',
    file: 'lib/hop/popup.client.ts',
    find: `  handOver = undefined;\n  removeEventListener('message', receive);`,
    replace: '',
    tests: opener,
    named: 'floods the popup',
  },
  {
    guard: 'code and state leave the address bar',
    file: 'lib/hop/popup.client.ts',
    find: `history.replaceState(null, '', location.pathname);`,
    replace: '',
    tests: 'test/attacks/window.test.ts',
    named: 'reload of the page',
  },
  {
    guard: 'HTML is escaped',
    file: 'lib/web/page.ts',
    find: 'return piece.replace(/[&<>"\']/g, (c) => `&#${c.charCodeAt(0)};`);',
    replace: 'return piece;',
    tests: 'test/unit/page.test.ts',
  },
  {
    guard: 'JSON in a script is escaped',
    file: 'lib/web/page.ts',
    find: '/[<>&\\u2028\\u2029]/g',
    replace: '/[^\\s\\S]/g',
    tests: http,
    named: 'a token that would end the script',
  },
  {
    guard: 'no page of ours is framed',
    file: 'lib/web/page.ts',
    find: "    `frame-ancestors 'none'`,\n",
    replace: '',
    tests: http,
    named: 'without its headers',
  },
  {
    guard: 'no address of ours is a Referer',
    file: 'lib/web/http.ts',
    find: `  'referrer-policy': 'no-referrer',\n`,
    replace: '',
    tests: http,
    named: 'without its headers',
  },
  {
    guard: 'no answer is stored',
    file: 'lib/web/http.ts',
    find: `'private, no-store'`,
    replace: `'private'`,
    tests: http,
    named: 'without its headers',
  },

  // The attempt
  {
    guard: 'the state is ours (mac)',
    file: 'lib/oauth/attempt.ts',
    find: 'sameText(stateMac(candidate, client, `${id}.${time}.${refresh}`), mac)',
    replace: 'candidate !== mac',
    tests: attempt,
  },
  {
    guard: 'an attempt expires',
    file: 'lib/oauth/attempt.ts',
    find: `if (age > lifetime + clockSkew || age < -clockSkew) throw new LoginError('ATTEMPT_EXPIRED');`,
    replace: '',
    tests: attempt,
  },
  {
    guard: 'an attempt works once',
    file: 'lib/hop/login.ts',
    find: `cookies.push(...forgetAttempts(parameters.getAll('state').slice(0, 5), jar));`,
    replace: '',
    tests: http,
    named: 'a callback that fails, tried again',
  },
  { guard: 'bound to the provider', file: 'lib/oauth/attempt.ts', ...unbound('provider.id'), tests: attempt },
  { guard: 'bound to the issuer', file: 'lib/oauth/attempt.ts', ...unbound('issuer'), tests: attempt },
  { guard: 'bound to the client id', file: 'lib/oauth/attempt.ts', ...unbound('clientId'), tests: attempt },
  { guard: 'bound to the redirect URI', file: 'lib/oauth/attempt.ts', ...unbound('redirectUri'), tests: attempt },
  { guard: 'bound to the wish for refresh', file: 'lib/oauth/attempt.ts', ...unbound('refresh'), tests: attempt },
  { guard: 'bound to its time', file: 'lib/oauth/attempt.ts', ...unbound('time'), tests: attempt },
  { guard: 'bound to its id', file: 'lib/oauth/attempt.ts', ...unbound('id'), tests: http, named: 'S2 ' },
  {
    guard: 'a fresh key for each login',
    file: 'lib/oauth/attempt.ts',
    find: 'randomBytes(32 + 9)',
    replace: 'Buffer.alloc(32 + 9)',
    tests: attempt,
  },
  {
    guard: 'no key of a request is used for a new login',
    file: 'lib/oauth/attempt.ts',
    find: `const key = random.toString('base64url', 0, 32);`,
    replace: `const brought = /\\.([\\w-]{43})/.exec(jar.keep({ id: '', time: 0, key: '' }).join())?.[1];
  const key = brought ?? random.toString('base64url', 0, 32);`,
    tests: attempt,
  },
  {
    guard: 'PKCE: a challenge is sent',
    file: 'lib/hop/login.ts',
    find: '...(provider.pkce && {',
    replace: '...(false && {',
    tests: http,
    named: 'S4 ',
  },
  {
    guard: 'PKCE: the verifier is sent',
    file: 'lib/oauth/exchange.ts',
    find: '...(client.provider.pkce && {',
    replace: '...(false && {',
    tests: exchange,
  },
  {
    guard: 'PKCE: the verifier is a secret',
    file: 'lib/oauth/attempt.ts',
    find: '=> hmac(key, `pkce/1${state}`)',
    replace: `=> hmac('', \`pkce/1\${state || key}\`)`,
    tests: http,
    named: 'S5 ',
  },
  {
    guard: 'the issuer is the one that was asked',
    file: 'lib/hop/login.ts',
    find: 'if (iss !== undefined && iss !== client.issuer)',
    replace: 'if (false as boolean)',
    tests: http,
    named: 'the answer of another issuer',
  },
  {
    guard: 'no parameter twice',
    file: 'lib/web/http.ts',
    find: 'if (given.length > 1)',
    replace: 'if (false as boolean)',
    tests: http,
    named: 'S1 two states',
  },

  // The cookie
  {
    guard: 'no forged __Host- with a space of Unicode’s in front',
    file: 'lib/oauth/cookies.ts',
    find: `.replace(/^ +/, '')`,
    replace: '.trim()',
    tests: http,
    named: 'with a space in front',
  },
  {
    guard: '__Host- keeps sub-domains out',
    file: 'lib/oauth/cookies.ts',
    find: "`${secure ? '__Host-' : ''}${label}-`",
    replace: '`${label}-`',
    tests: attempt,
  },
  {
    guard: 'no script reads the cookie',
    file: 'lib/oauth/cookies.ts',
    find: ' HttpOnly;',
    replace: '',
    tests: attempt,
  },
  {
    guard: 'no other site’s form or frame brings the cookie',
    file: 'lib/oauth/cookies.ts',
    find: 'SameSite=Lax',
    replace: 'SameSite=None',
    tests: attempt,
  },

  // What may be asked
  {
    guard: 'navigation only',
    file: 'lib/hop/handler.ts',
    find: `destination !== 'document' || `,
    replace: '',
    tests: http,
    named: 'in a frame, by a script',
  },
  {
    guard: 'nothing ahead of time',
    file: 'lib/hop/handler.ts',
    find: ` || headers['sec-purpose']?.includes('prefetch')`,
    replace: '',
    tests: http,
    named: 'in a frame, by a script',
  },
  {
    guard: 'no other methods',
    file: 'lib/hop/handler.ts',
    find: `if (method !== 'GET' && method !== 'HEAD')`,
    replace: 'if (false as boolean)',
    tests: http,
    named: 'by POST, PUT',
  },
  {
    guard: 'a query has an end',
    file: 'lib/hop/handler.ts',
    find: 'if (query.length > longestQuery)',
    replace: 'if (false as boolean)',
    tests: http,
    named: 'of a megabyte',
  },
  {
    guard: 'no wider scope',
    file: 'lib/settings/settings.ts',
    find: 'wished.length > 0 && wished.every(within)',
    replace: 'wished.length > 0',
    tests: http,
    named: 'a wider scope',
  },

  // Who is listed
  {
    guard: 'a pattern is anchored at its start',
    file: 'lib/web/origins.ts',
    find: '`^${pattern',
    replace: '`${pattern',
    tests: origins,
  },
  {
    guard: 'a pattern is anchored at its end',
    file: 'lib/web/origins.ts',
    find: '`\\\\${c}`))}$`',
    replace: '`\\\\${c}`))}`',
    tests: origins,
  },
  {
    guard: 'a dot is a dot',
    file: 'lib/web/origins.ts',
    find: ': `\\\\${c}`',
    replace: ': c',
    tests: origins,
  },
  {
    guard: 'a star stands for no dot',
    file: 'lib/web/origins.ts',
    find: `'[a-z0-9]+(?:-[a-z0-9]+)*'`,
    replace: `'[a-z0-9.]+(?:-[a-z0-9.]+)*'`,
    tests: origins,
  },
  {
    guard: 'a star stands for no other "--"',
    file: 'lib/web/origins.ts',
    find: `'[a-z0-9]+(?:-[a-z0-9]+)*'`,
    replace: `'[a-z0-9]+(?:-+[a-z0-9]+)*'`,
    tests: origins,
  },
  {
    guard: 'a star touches a "--"',
    file: 'lib/web/origins.ts',
    find: 'if (!/[^*-]--\\*|\\*--[^*-]/.test(label))',
    replace: 'if (false as boolean)',
    tests: origins,
  },
  {
    guard: 'a star is not in a registered name',
    file: 'lib/web/origins.ts',
    find: 'parents.length < 2',
    replace: '!parents',
    tests: origins,
  },
  {
    guard: 'https only, but on loopback (origins)',
    file: 'lib/web/origins.ts',
    find: `if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLoopback(url)))`,
    replace: 'if (false as boolean)',
    tests: origins,
  },
  {
    guard: 'https only, but on loopback (our address, Git hosts)',
    file: 'lib/settings/settings.ts',
    find: `if (url.protocol === 'http:' && !isLoopback(url))`,
    replace: 'if (false as boolean)',
    tests: http,
    named: 'plain http anywhere',
  },

  // Refresh tokens
  {
    guard: 'no refresh token to a pattern origin (login)',
    file: 'lib/hop/login.ts',
    find: 'result: { token: tokens.accessToken },',
    replace: 'result: { token: tokens.accessToken, ...refreshToken },',
    tests: http,
    named: 'a deploy preview that a pattern lists',
  },
  {
    guard: 'no refresh token that the owner has not allowed (login)',
    file: 'lib/hop/login.ts',
    find: 'readRefresh(env, provider) && ',
    replace: '',
    tests: http,
    named: 'that the owner has not named',
  },
  {
    guard: 'Origin is checked (renewal)',
    file: 'lib/hop/refresh.ts',
    find: 'listed === undefined',
    replace: 'false as boolean',
    tests: http,
    named: 'from a page that is not listed',
  },
  {
    guard: 'no renewal for a pattern origin',
    file: 'lib/hop/refresh.ts',
    find: `listed !== 'exact' || `,
    replace: '',
    tests: http,
    named: 'from an origin that only a pattern lists',
  },
  {
    guard: 'no renewal that the owner has not allowed',
    file: 'lib/hop/refresh.ts',
    find: ' || !readRefresh(env, provider)',
    replace: '',
    tests: http,
    named: 'that the owner has not named',
  },
  {
    guard: 'refresh tokens only',
    file: 'lib/hop/refresh.ts',
    find: `if (grant !== 'refresh_token')`,
    replace: 'if (false as boolean)',
    tests: http,
    named: 'of something else',
  },
  {
    guard: 'a body has an end',
    file: 'lib/hop/refresh.ts',
    find: 'body.length > longest',
    replace: 'body.length < 0',
    tests: http,
    named: 'of a megabyte',
  },
  {
    guard: 'a body ends in time',
    file: 'lib/hop/refresh.ts',
    find: 'await withinDeadline(request.body?.(), deadline)',
    replace: `(await request.body?.()) ?? (await withinDeadline(undefined, deadline))`,
    tests: http,
    named: 'a body that never ends',
  },

  // The Git host and the Parameter Store
  {
    guard: 'an answer has an end (64 KiB)',
    file: 'lib/oauth/exchange.ts',
    find: 'if ((size += chunk.length) > sizeLimit)',
    replace: 'if ((size += chunk.length) < 0)',
    tests: exchange,
    named: 'as long as the answer has no more',
  },
  {
    guard: 'an answer ends in time',
    file: 'lib/oauth/exchange.ts',
    find: 'setTimeout(() => sent.destroy(new TooLate()), deadline - Date.now())',
    replace: 'undefined',
    tests: exchange,
    named: 'one request: hang',
  },
  {
    guard: 'the deadline of eight seconds',
    file: 'lib/hop/handler.ts',
    find: 'const patience = 8_000;',
    replace: 'const patience = 80_000;',
    tests: http,
    named: 'byte by byte',
  },
  {
    guard: 'redirects of a token endpoint are not followed',
    file: 'lib/oauth/exchange.ts',
    find: 'const chunks: Buffer[] = [];',
    replace: `const { location } = response.headers;
      if (location) return void send(new URL(location, url).href, { method, headers, body } as never, signal).then(resolve, reject);
      const chunks: Buffer[] = [];`,
    tests: http,
    named: 'a token endpoint that redirects',
  },
  {
    guard: 'the callback’s words are not shown',
    file: 'lib/hop/login.ts',
    find: '{ host: provider.name, callback: client.redirectUri }',
    replace: `{ host: parameters.get('error_description') ?? '', callback: client.redirectUri }`,
    tests: http,
    named: 'somebody else’s words',
  },
  {
    guard: 'the token endpoint’s words are not shown',
    file: 'lib/oauth/exchange.ts',
    find: 'new LoginError(tokenError(error.error, rejected), fill, options)',
    replace: 'new LoginError(tokenError(error.error, rejected), { ...fill, host: error.error }, options)',
    tests: http,
    named: 'the token endpoint’s words',
  },
  {
    guard: 'a pointer never passes for a value (ssm:)',
    file: 'lib/settings/settings.ts',
    find: 'if (isPointer(value))',
    replace: 'if (false as boolean)',
    tests: 'test/unit/settings.test.ts',
  },
  {
    guard: 'a failed read of a secret is remembered',
    file: 'lib/settings/ssm.ts',
    find: 'const pause = 2_000;',
    replace: 'const pause = 0;',
    tests: 'test/contract/secrets.test.ts',
    named: 'from the source a store that fails is asked again after two seconds',
  },
];
