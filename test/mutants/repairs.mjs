// @ts-check
/** Guards of settings, cookies and platforms, and what notices that one is gone: see mutants.mjs. */

const stars = 'test/unit/stars.test.ts';
const cookies = 'test/unit/cookies.test.ts';

/** @type {import('./mutants.mjs').Mutant[]} */
export const repairs = [
  // Stars
  {
    guard: 'a star only below a domain of one owner',
    file: 'lib/http/origins.ts',
    find: 'if (preview === undefined && !own.some(',
    replace: 'if (false && !own.some(',
    tests: stars,
  },
  {
    guard: 'a star below a listed domain, not beside it',
    file: 'lib/http/origins.ts',
    find: 'domain.endsWith(`.${name}`)',
    replace: 'domain.endsWith(name)',
    tests: stars,
  },
  {
    guard: 'a star in the place of a preview’s name, not of a site’s',
    file: 'lib/http/origins.ts',
    find: 'if (preview !== undefined && !new RegExp(preview).test(label))',
    replace: 'if (false as boolean)',
    tests: stars,
  },
  {
    guard: 'no star in punycode',
    file: 'lib/http/origins.ts',
    find: `if (label.startsWith('xn--'))`,
    replace: 'if (false as boolean)',
    tests: stars,
  },

  // Firebase's cookie
  {
    guard: 'what is planted is not carried over',
    file: 'lib/http/session-cookie.ts',
    find: 'begun.length === 1 ? (begun[0] ?? [])',
    replace: 'begun.length > 0 ? begun.flat()',
    tests: cookies,
  },
  {
    guard: 'entries from the future push out no login',
    file: 'lib/http/session-cookie.ts',
    find: 'time > now ? lifetime : now - time',
    replace: 'now - time',
    tests: cookies,
  },

  // Platforms
  {
    guard: 'a host’s certificate is checked',
    file: 'lib/oauth/request.ts',
    find: 'rejectUnauthorized: true }',
    replace: 'rejectUnauthorized: false }',
    tests: 'test/unit/tls.test.ts',
  },
  {
    guard: 'Netlify’s address is not the request’s',
    file: 'lib/platforms/netlify.ts',
    find: `context?.site?.url ?? process.env['URL']`,
    replace: `context?.site?.url ?? process.env['URL'] ?? url.origin`,
    tests: 'test/unit/netlify.test.ts',
  },
  {
    guard: 'a body has an end, on every platform',
    file: 'lib/http/http.ts',
    find: '(size += chunk.length) > limit',
    replace: '(size += chunk.length) < 0',
    tests: 'test/unit/body.test.ts',
  },
  {
    guard: 'a body ends in time, on Netlify',
    file: 'lib/http/http.ts',
    find: 'await Promise.race([read(), late])',
    replace: 'await read()',
    tests: 'test/unit/body.test.ts',
    named: 'that never comes',
  },
  {
    guard: 'a body is not read on behind the answer (late)',
    file: 'lib/http/http.ts',
    find: 'stopped || (size',
    replace: '(size',
    tests: 'test/unit/body.test.ts',
    named: 'that never comes',
  },
  {
    guard: 'a body is not read on behind the answer (Node)',
    file: 'lib/platforms/node.ts',
    find: `if (!response.req.complete) headers['connection'] = 'close';`,
    replace: '',
    tests: 'test/unit/body.test.ts',
    named: 'is not read on behind the answer',
  },
  {
    guard: 'a server listens for this machine alone',
    file: 'lib/platforms/node.ts',
    find: `? ['127.0.0.1', '::1'] :`,
    replace: `? ['0.0.0.0', '::1'] :`,
    tests: 'test/unit/server.test.ts',
    named: 'for this machine alone',
  },
  {
    guard: 'https in front opens no server',
    file: 'lib/cli/server.ts',
    find: '{ port, host, ...',
    replace: `{ port, host: address.secure ? '0.0.0.0' : host, ...`,
    tests: 'test/unit/server.test.ts',
    named: 'although its address is https',
  },
  {
    guard: 'a gateway whose settings are wrong keeps a server from starting',
    file: 'lib/cli/server.ts',
    find: '(hasLogin || withGateway) && incompleteCodes.includes(code)',
    replace: 'hasLogin || withGateway',
    tests: 'test/unit/server.test.ts',
    named: 'settings are wrong',
  },
  {
    guard: 'a machine’s name is no HOST',
    file: 'lib/platforms/node.ts',
    find: `if (process.getBuiltinModule('node:net').isIP(host))`,
    replace: 'if (host)',
    tests: 'test/unit/server.test.ts',
    named: 'HOST that is no address',
  },
  {
    guard: 'the stage is cut where the event says so',
    file: 'lib/platforms/lambda.ts',
    find: 'withoutPrefix(rawPath, root)',
    replace: 'rawPath',
    tests: 'test/unit/lambda.test.ts',
  },

  // The Parameter Store
  {
    guard: 'a refused secret is read anew every two seconds at the most',
    file: 'lib/config/ssm.ts',
    find: 'if (refused) return Date.now() - reread >= pause;',
    replace: 'if (refused) return true;',
    tests: 'test/unit/ssm.test.ts',
  },
  {
    guard: 'an answer of the store has an end',
    file: 'lib/config/ssm.ts',
    find: '(size += chunk.length) > largestAnswer',
    replace: '(size += chunk.length) < 0',
    tests: 'test/unit/ssm.test.ts',
  },
  {
    guard: 'nobody waits for what an instance slept through',
    file: 'lib/config/ssm.ts',
    find: 'Date.now() < (underWay.get(name)?.until ?? 0)',
    replace: 'underWay.has(name)',
    tests: 'test/unit/ssm.test.ts',
  },
  {
    guard: 'a failed import is not remembered',
    file: 'lib/http/cache.ts',
    find: 'if (kept === loading) kept = undefined;',
    replace: '',
    tests: 'test/unit/cache.test.ts',
  },
  {
    guard: 'the folder that a deploy makes stays out of the commits of a site',
    file: 'lib/setup/deploy/main.ts',
    find: 'if (io.folder !== checkout) await keepFromGit(io.folder);',
    replace: '',
    tests: 'test/setup/deploy.test.ts',
  },
  {
    guard: 'a Netlify site that a folder further up belongs to is not deployed over',
    file: 'lib/setup/stores/netlify.ts',
    find: "if (id !== undefined || reach === 'folder' || at",
    replace: 'if (id !== undefined || at',
    tests: 'test/setup/deploy.test.ts',
  },
  {
    guard: 'a website on the Hosting of a Firebase project is not deployed over',
    file: 'lib/setup/targets/firebase.ts',
    find: 'if (isNew) await checkFree(project);',
    replace: '',
    tests: 'test/setup/deploy.test.ts',
  },
  {
    guard: 'a login on AWS that another folder deployed is not deployed over',
    file: 'lib/setup/targets/aws.ts',
    find: 'if (deployment.isNew) await checkFree(deployment);',
    replace: '',
    tests: 'test/setup/deploy.test.ts',
  },
  {
    guard: 'nothing is done where npm kept --dry-run for itself',
    file: 'lib/setup/deploy/options.ts',
    find: "refuseKept('deploy', argumentTypes, parameters, env);",
    replace: '',
    tests: 'test/setup/deploy.test.ts',
  },
  {
    guard: 'what an earlier run kept goes into the place that it was for, and into no other',
    file: 'lib/setup/save.ts',
    find: 'if (!isOwn) return undefined;',
    replace: "if (text === '') return undefined;",
    tests: 'test/setup/command.test.ts',
  },
  {
    guard: 'no step comes after Ctrl-C',
    file: 'lib/setup/deploy/main.ts',
    find: "if (io.stopped.aborted) throw new Cancelled('Stopped.');",
    replace: '',
    tests: 'test/setup/deploy.test.ts',
  },
  {
    guard: 'a list of sites keeps those that are on it',
    file: 'lib/setup/stores/env.ts',
    find: 'value: joined({ name, value }, kept[name])',
    replace: 'value',
    tests: 'test/setup/command.test.ts',
  },
  {
    guard: 'what only says better that nothing is there is not taken from an application',
    file: 'lib/handler/serve.ts',
    find: 'route !== notFound && route.stray !== true',
    replace: 'route !== notFound',
    tests: 'test/contract/two.test.ts',
  },
];
