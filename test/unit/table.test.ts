/** The table of settings: it is what the docs, the platforms and the program itself go by. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { providers } from '../../functions/auth.ts';
import { hosts } from '../../functions/gateway.ts';
import { cloudFormation } from '../../lib/build/template.mjs';
import { neededSecrets, othersVariables, settingsOf, table } from '../../lib/config/table.ts';
import type { Reader } from '../../lib/config/environment.ts';
import { commonSettings, hostSettings, pageSetting, timeToLiveSetting } from '../../lib/config/settings.ts';
import { gatewaySettings as gatewayReader } from '../../lib/gateway/settings.ts';
import { gatewaySettings, listings, loginSettings, type Rows } from '../settings.ts';

/** A setting that somebody has added to the table, and nowhere else. */
const planted: Rows = {
  ...table,
  CMS_AUTH_NEW: { usedBy: ['login', 'gateway'], meaning: 'something new', ifNotSet: 'nothing' },
};
const plantedSecret: Rows = {
  ...table,
  '{HOST}_NEW_SECRET': {
    usedBy: ['login', 'gateway'],
    secret: { parameter: '{host}-new' },
    meaning: 'something new',
    ifNotSet: 'nothing',
  },
};

describe.each([...listings])('$file', ({ file, made, holds }) => {
  it('holds what the table makes of it (npm test -- table -u writes it)', async () => {
    await expect(made()).toMatchFileSnapshot(`../../${file}`);
  });

  it('would not, with one setting more', () => {
    const text = readFileSync(file, 'utf8');
    expect(made(plantedSecret)).not.toBe(text);
    expect(made(plantedSecret)).toContain('GITHUB_NEW_SECRET');
    if (holds === 'secrets') return;
    expect(made(planted)).not.toBe(text);
    expect(made(planted)).toContain('CMS_AUTH_NEW');
  });
});

it('the CloudFormation template passes on what is on the table, secrets by where they are', () => {
  const made = (rows?: Rows) => cloudFormation(loginSettings(rows));
  const variables = (rows?: Rows) => made(rows).Resources.Function.Properties.Environment.Variables;
  expect(Object.keys(variables())).toEqual(expect.arrayContaining(loginSettings().map(({ name }) => name)));
  expect(Object.keys(variables())).toHaveLength(loginSettings().length);
  expect(variables(planted)).toHaveProperty('CMS_AUTH_NEW', { Ref: 'CmsAuthNew' });
  expect(variables(plantedSecret)).toHaveProperty('GITHUB_NEW_SECRET', { 'Fn::Sub': 'ssm:${Secrets}/github-new' });
  expect(JSON.stringify(made(plantedSecret).Resources.Role)).toContain('${Secrets}/github-new');
});

describe('A function that has to name its secrets', () => {
  const needs = (names: string[]) =>
    neededSecrets(gatewaySettings(), (name) => names.includes(name), providers).map(({ name }) => name);

  it.each([
    [['CMS_GATEWAY_IDENTITY'], ['CMS_GATEWAY_TOKEN']],
    [[], ['CMS_GATEWAY_TOKEN', 'CMS_GATEWAY_JWT_SECRET']],
    [['CMS_GATEWAY_ISSUER', 'CMS_GATEWAY_AUDIENCE'], ['CMS_GATEWAY_TOKEN']],
    [
      ['GITHUB_APP_ID', 'CMS_GATEWAY_ISSUER', 'CMS_GATEWAY_CLIENT_ID'],
      ['GITHUB_APP_PRIVATE_KEY', 'CMS_GATEWAY_CLIENT_SECRET'],
    ],
  ])('names, with %j set, %j', (set, secrets) => {
    expect(needs(set)).toEqual(secrets);
  });

  it('names the client secrets of the hosts that are switched on', () => {
    const found = neededSecrets(loginSettings(), (name) => name === 'GITLAB_CLIENT_ID', providers);
    expect(found.map(({ name }) => name)).toEqual(['GITLAB_CLIENT_SECRET']);
  });
});

describe('What is on the table', () => {
  const all = settingsOf(undefined, providers);

  it('is there once, and in words', () => {
    const names = all.map(({ name }) => name);
    expect(names).toEqual([...new Set(names)]);
    for (const { name, meaning, ifNotSet, usedBy } of all) {
      expect(name).toMatch(/^[A-Z][A-Z_]+$/);
      expect(meaning.length, name).toBeGreaterThan(10);
      expect(ifNotSet, name).not.toBe('');
      expect(usedBy.length, name).toBeGreaterThan(0);
    }
  });

  it('is a secret if its name says so', () => {
    for (const { name, secret } of all)
      expect(secret !== undefined, name).toBe(/_(SECRET|TOKEN|PRIVATE_KEY)$/.test(name));
  });

  it('has the settings of an app for the hosts that have one', () => {
    const named = (name: string) => all.some((setting) => setting.name === name);
    for (const { provider, apps } of hosts) expect(named(`${provider.id.toUpperCase()}_APP_ID`)).toBe(apps);
  });
});

describe('The table says of each function what its readers read:', () => {
  const address = { origin: 'https://a.example', prefix: '', secure: true };
  const named = (readers: readonly Reader<unknown>[]) => [...new Set(readers.flatMap(({ names }) => names))].sort();
  // Not from a store: it has to be known before anything is read.
  const own = { name: 'CMS_AUTH_URL', names: ['CMS_AUTH_URL'], read: () => undefined };

  it('the login', () => {
    const ofHosts = providers.flatMap((provider) => hostSettings(provider, address));
    const readers = [own, ...commonSettings(address), ...ofHosts];
    expect(
      loginSettings()
        .map(({ name }) => name)
        .sort(),
    ).toEqual(named(readers));
  });

  it('the gateway', () => {
    const readers = [own, gatewayReader(hosts, address), pageSetting, timeToLiveSetting];
    expect(
      gatewaySettings()
        .map(({ name }) => name)
        .sort(),
    ).toEqual(named(readers));
  });
});

/**
 * Names of environment variables that a source reads: in so many words, or by what it puts behind the id of a host. Beside them
 * `?`, where a name is taken from elsewhere.
 */
function namesIn(source: string): string[] {
  const code = source.replaceAll(/\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/.*$/gm, '');
  const hostPrefix = providers.map(({ id }) => id.toUpperCase()).join('|');
  const found = [
    // Any text that is such a name and nothing else, wherever it stands.
    ...[...code.matchAll(new RegExp(`(['"\`])((?:CMS_AUTH|CMS_GATEWAY|${hostPrefix})_[A-Z0-9_]+)\\1`, 'g'))].map(
      ([, , name]) => name,
    ),
    ...[...code.matchAll(/\benv\.([A-Z]\w*)/g)].map(([, name]) => name),
    ...[...code.matchAll(/\benv\[(?!`\$\{settingPrefix)(?:'([^']*)'|[^\]]*)\]/g)].map(([, name]) => name ?? '?'),
    ...[...code.matchAll(/\b(?:optional|required)\(\w+, '(\w+)'\)/g)].map(([, name]) => name),
    ...[...code.matchAll(/settingPrefix\(\w+\)\}_([A-Z_]+)/g)].map(([, name]) => `{HOST}_${name}`),
  ];
  return [...new Set(found.map((name) => name ?? ''))];
}

describe('Nothing reads a name that is not on the table', () => {
  const sources = ['lib', 'functions']
    .flatMap((folder) =>
      readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((file) => path.join(folder, file)),
    )
    .filter((file) => /\.(ts|mjs)$/.test(file) && !file.includes('node_modules') && file !== 'lib/config/table.ts');
  const known = new Set([
    ...Object.keys(table),
    ...settingsOf(undefined, providers).map(({ name }) => name),
    ...Object.keys(othersVariables),
    // What the CMSs call things on their own page, which the doctor reads.
    'CMS_MANUAL_INIT',
    'CMS_CONFIG',
    'CMS_ENV',
  ]);
  /** These are handed names by others, which is where those are looked for. */
  const handed = [
    ...['environment', 'env-file', 'request-settings', 'pointers', 'unknown'].map((name) => `lib/config/${name}.ts`),
    'lib/gateway/settings.ts',
    'lib/setup/deploy/gateway.ts',
    'lib/setup/npm.ts', // npm's own names
    'lib/build/build.mjs',
  ];
  const unknown = (file: string, source: string) =>
    namesIn(source).filter(
      (name) =>
        !known.has(name) &&
        ![...known].some((whole) => whole.startsWith(`${name}_`)) && // the beginning of several
        !(name === '?' && handed.includes(file)),
    );

  it.each(sources)('%s', (file) => {
    expect(unknown(file, readFileSync(file, 'utf8'))).toEqual([]);
  });

  it.each([
    "const on = env['CMS_AUTH_NEW'];",
    'const on = process.env.CMS_AUTH_NEW;',
    "const on = env['SOMETHING'];",
    "const on = optional(env, 'SOMETHING');",
    "const names = ['CMS_AUTH_URL', 'CMS_AUTH_NEW'];",
    'const on = env[`${settingPrefix(provider)}_NEW`];',
    'const on = env[name];',
  ])('would be noticed in: %s', (line) => {
    expect(unknown('lib/login/login.ts', line)).toHaveLength(1);
  });

  it('has only names in it that something reads', () => {
    const read = new Set(sources.flatMap((file) => namesIn(readFileSync(file, 'utf8'))));
    const unread = Object.entries(table)
      .filter(([key, { usedBy }]) => !read.has(key) && !usedBy.some((service) => service === 'deploy'))
      .map(([key]) => key);
    expect(unread).toEqual([]);
  });
});
