// @ts-check
/** @param {...string} names */
const unit = (...names) => names.map((name) => `test/unit/${name}.test.ts`);

export const areas = {
  rules: {
    mutate: ['lib/gateway/rules/*.ts'],
    tests: [
      ...unit(
        'apply',
        'rule',
        'branches',
        'github',
        'gitlab',
        'bitbucket',
        'fence',
        'committer',
        'form',
        'gateway-path',
        'graphql',
      ),
      'test/stryker/gateway.test.ts',
    ],
  },
  login: {
    mutate: [
      'lib/oauth/*.ts',
      'lib/http/{cookies,session-cookie}.ts',
      'lib/login/*.ts',
      '!lib/login/setup-page*.ts',
      '!lib/oauth/fetch-shim*.ts',
    ],
    tests: [
      ...unit(
        'cookies',
        'cookie-store',
        'transaction',
        'handler',
        'token-request',
        'tls',
        'issuer',
        'settings',
        'lambda',
        'netlify',
        'workers',
        'unknown',
      ),
      'test/contract/two.test.ts',
      'test/stryker/login.test.ts',
      'test/stryker/secrets.test.ts',
      'test/stryker/sign-in.test.ts',
      ...unit('editor'),
    ],
  },
  identity: {
    mutate: ['lib/gateway/identity/*.ts', '!lib/gateway/identity/public-mail.ts'],
    tests: [...unit('gateway-settings', 'committer', 'editor'), 'test/stryker/sign-in.test.ts'],
  },
  'sign-in': {
    mutate: ['lib/gateway/sign-in/*.ts'],
    tests: [...unit('gateway-settings', 'sign-in'), 'test/stryker/sign-in.test.ts'],
  },
  gateway: {
    mutate: [
      'lib/gateway/{proxy,upstream,stream,secret,kept,body,credential,expiry,health,handler,api,origins}.ts',
      'lib/gateway/graphql/*.ts',
    ],
    tests: [
      ...unit(
        'gateway-settings',
        'secret',
        'kept',
        'body',
        'gateway-body',
        'upstream',
        'stream',
        'proxy',
        'gateway-calls',
        'gateway-handler',
        'gateway-api',
        'expiry',
        'lambda',
        'committer',
        'graphql',
        'upload',
        'health',
        'probe',
        'credential',
        'gateway-path',
      ),
      'test/stryker/gateway.test.ts',
    ],
  },
};

const wanted = process.env['STRYKER_AREA'] ?? 'rules';
if (!Object.hasOwn(areas, wanted)) throw new Error(`There is no area ${wanted}: ${Object.keys(areas).join(', ')}.`);
/** The one of this run. */
export const area = /** @type {keyof typeof areas} */ (wanted);
