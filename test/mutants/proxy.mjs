// @ts-check
/** Guards of what the gateway takes, asks and hands out. See mutants.mjs. */

const upload = 'test/unit/upload.test.ts';
const health = 'test/unit/health.test.ts';
const committer = 'test/unit/committer.test.ts';
const secret = 'test/unit/secret.test.ts';
const server = 'test/unit/server.test.ts';

/** @type {import('./mutants.mjs').Mutant[]} */
export const proxy = [
  {
    guard: 'a body on a slow line is given time by its length',
    file: 'lib/gateway/timeouts.ts',
    find: '30_000 + onTheWay(bytes, slowest.editor)',
    replace: '30_000',
    tests: upload,
  },
  {
    guard: 'a body is not waited for without an end',
    file: 'lib/gateway/body.ts',
    find: 'timer = setTimeout(refuse, Math.max(0, deadline - Date.now()));',
    replace: 'void [refuse, deadline];',
    tests: upload,
  },
  {
    guard: 'the host is given time by the size of what it is sent',
    file: 'lib/gateway/timeouts.ts',
    find: '(isWrite ? 12_000 : 8_000) + onTheWay(bytes, slowest.host)',
    replace: '(isWrite ? 12_000 : 8_000)',
    tests: upload,
  },
  {
    guard: 'an answer that is on its way is waited for',
    file: 'lib/gateway/upstream.ts',
    find: 'const left = deadlineAt(size) - Date.now();',
    replace: 'const left = deadlineAt(0) - Date.now();',
    tests: upload,
  },
  {
    guard: 'a server gives a request the time that its body may take',
    file: 'lib/gateway/timeouts.ts',
    find: 'bodyTimeoutMs(maxBytes) + drainTimeoutMs + 30_000',
    replace: '30_000',
    tests: upload,
  },
  {
    guard: 'what is left of a refused body is read before the answer',
    file: 'lib/handler/serve.ts',
    find: 'await body?.drain();',
    replace: 'void body;',
    tests: upload,
  },
  {
    guard: 'somebody who sends without an end is hung up on',
    file: 'lib/gateway/body.ts',
    find: 'while (!ended && size - before <= most) await next();',
    replace: 'void before; while (!ended) await next();',
    tests: upload,
  },
  {
    guard: 'a connection holds 32 KiB of headers and no more',
    file: 'lib/platforms/node.ts',
    find: 'const maxHeaderSize = 32 * 1024;',
    replace: 'const maxHeaderSize = 256 * 1024;',
    tests: server,
    named: 'What is no request',
  },
  {
    guard: 'what is no request is refused in words',
    file: 'lib/platforms/node.ts',
    find: "server.on('clientError', refuse);",
    replace: 'void refuse;',
    tests: server,
    named: 'What is no request',
  },
  {
    guard: 'a credential in escapes does not leave',
    file: 'lib/gateway/secret.ts',
    find: 'const plain = decoded(unescaped(text));',
    replace: 'const plain = decoded(text);',
    tests: secret,
  },
  {
    guard: 'a credential in percent does not leave',
    file: 'lib/gateway/secret.ts',
    find: 'const plain = decoded(unescaped(text));',
    replace: 'const plain = unescaped(text);',
    tests: secret,
  },
  {
    guard: 'a credential in UTF-16 does not leave',
    file: 'lib/gateway/secret.ts',
    find: 'if (bytes.includes(wide) || bytes.includes(wide.swap16())) return true;',
    replace: '',
    tests: secret,
  },
  {
    guard: 'layers upon layers are not taken off for ever',
    file: 'lib/gateway/secret.ts',
    find: 'if (layers === 0 || ',
    replace: 'if (',
    tests: secret,
  },
  {
    guard: 'what leaves is what is looked at',
    file: 'lib/gateway/proxy.ts',
    find: 'Object.values(headers).some((value) => textHolds(value, token)) ||',
    replace: '',
    tests: secret,
  },
  {
    guard: 'no status leaves that a platform cannot pass on',
    file: 'lib/gateway/proxy.ts',
    find: 'status >= 200 && status <= 599;',
    replace: 'status >= 200;',
    tests: 'test/contract/netlify.test.ts',
    named: 'The gateway on',
  },
  {
    guard: 'the frame catches what is thrown while words are written',
    file: 'lib/handler/serve.ts',
    find: 'reply = failed(found, failure, { address, settings, env });\n      } catch (another) {',
    replace:
      'reply = failed(found, failure, { address, settings, env });\n      } catch (another) {\n        throw another;',
    tests: 'test/unit/handler.test.ts',
  },
  {
    guard: 'a state that nobody signed holds whole characters',
    file: 'lib/gateway/sign-in/transaction.ts',
    find: "typeof text === 'string' && !/\\p{Surrogate}/u.test(text)",
    replace: "typeof text === 'string'",
    tests: 'test/contract/node.test.ts',
    named: 'half a character',
  },
  {
    guard: 'the credential follows a repository no further than to itself',
    file: 'lib/gateway/health.ts',
    find: "if (!href.startsWith(`${root}/`) || search !== '' || hash !== '' || prefix !== path) return nowhere;",
    replace: '',
    tests: health,
  },
  {
    guard: 'the branch is looked up',
    file: 'lib/gateway/health.ts',
    find: 'if (looked.status === 404 || isRedirect(looked)) {',
    replace: 'if (looked.status === 0) {',
    tests: health,
  },
  {
    guard: 'the right to write is looked at',
    file: 'lib/gateway/health.ts',
    find: "else if (rights === 'read' && credential.kind !== 'app')",
    replace: "else if (rights === 'read' && (false as boolean))",
    tests: health,
  },
  {
    guard: 'what a host says is no page of its own',
    file: 'lib/gateway/upstream.ts',
    find: 'secrets.some((secret) => textHolds(text, secret))',
    replace: 'false',
    tests: health,
  },
  {
    guard: 'a JWT is made by the clock of the host',
    file: 'lib/gateway/credential.ts',
    find: 'installation.ahead = ahead;',
    replace: 'installation.ahead = 0;',
    tests: health,
  },
  {
    guard: 'a message names an editor only where the app stands as committer',
    file: 'lib/gateway/rules/github.ts',
    find: "(gateway.committer === 'app' ? signerOf(message) : undefined) ??",
    replace: 'signerOf(message) ??',
    tests: committer,
  },
  {
    guard: 'who is named in a message is one person',
    file: 'lib/gateway/rules/rule.ts',
    find: "${editor.name.replace(/[<>\\p{Cc}]/gu, '').trim()} <${email}>`;\n  const lines",
    replace: '${editor.name} <${email}>`;\n  const lines',
    tests: committer,
  },
  {
    guard: 'browsers come back by https',
    file: 'lib/handler/serve.ts',
    find: '...reply.headers, ...safe,',
    replace: '...reply.headers,',
    tests: 'test/unit/handler.test.ts',
  },
];
