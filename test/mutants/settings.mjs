// @ts-check
/** Settings and secrets: guards of lib/settings, and what notices that one is gone. See mutants.mjs. */

const server = 'test/attacks/server.test.ts';
const callback = 'test/attacks/callback.test.ts';
const secrets = 'test/contract/secrets.test.ts';
const reading = 'test/unit/settings.test.ts';

/** @type {import('./mutants.mjs').Mutant[]} */
export const settings = [
  {
    guard: 'https only, but on loopback (our address, Git hosts)',
    file: 'lib/config/environment.ts',
    find: "if (url.protocol === 'http:' && !isLoopback(url))",
    replace: 'if (false as boolean)',
    tests: callback,
    named: 'plain http anywhere',
  },
  {
    guard: 'a pointer never passes for a value (ssm:)',
    file: 'lib/config/environment.ts',
    find: 'if (isPointer(value))',
    replace: 'if (false as boolean)',
    tests: reading,
  },
  {
    guard: 'quotation marks are no part of a value',
    file: 'lib/config/environment.ts',
    find: 'isQuoted(value) ||',
    replace: '',
    tests: reading,
    named: 'is refused by its name, in words that fit',
  },
  {
    guard: 'what copying leaves in a client id or secret is refused',
    file: 'lib/config/settings.ts',
    find: 'if (/[^\\x21-\\x7e]|["\'`;,]/.test(value))',
    replace: 'if (false as boolean)',
    tests: reading,
    named: 'is refused by its name, in words that fit',
  },
  {
    guard: 'an App ID or a secret is no client id',
    file: 'lib/config/settings.ts',
    find: 'if (other !== undefined)',
    replace: 'if (false as boolean)',
    tests: reading,
    named: 'is refused by its name, in words that fit',
  },
  {
    guard: 'an editor who was taken off the list is out at once',
    file: 'lib/http/cache.ts',
    find: 'texts.every((text, i) => text === entry.texts[i])',
    replace: 'entry !== undefined',
    tests: 'test/unit/gateway-settings.test.ts',
    named: 'counts as soon as it is changed',
  },
  {
    guard: 'no wider scope',
    file: 'lib/config/settings.ts',
    find: 'wanted.length > 0 && wanted.every(within)',
    replace: 'wanted.length > 0',
    tests: server,
    named: 'a wider scope',
  },
  {
    guard: 'a failed read of a secret is remembered',
    file: 'lib/config/ssm.ts',
    find: 'const pause = 2_000;',
    replace: 'const pause = 0;',
    tests: secrets,
    named: 'from the source a store that fails is asked again after two seconds',
  },
  {
    guard: 'the store is asked anew for a refused secret, and not for whatever anybody sends',
    file: 'lib/login/handler.ts',
    find: "if (code === ('BAD_CLIENT_CREDENTIALS' satisfies keyof typeof hostErrors)) settings.invalidate();",
    replace:
      "if (typeof code === 'string' || code === ('BAD_CLIENT_CREDENTIALS' satisfies keyof typeof hostErrors)) settings.invalidate();",
    tests: secrets,
    named: 'is not looked for because of whatever else fails',
  },
  {
    guard: 'what two of one request read at once is one reading',
    file: 'lib/config/request-settings.ts',
    find: 'const open = await loadPointers();\n        pointers ??= open(env, deadline, warnings);',
    replace: 'pointers ??= (await loadPointers())(env, deadline, warnings);',
    tests: 'test/unit/settings.test.ts',
    named: 'is one reading for all of them, also where two ask at once',
  },
];
