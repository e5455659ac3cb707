/** The gateway's settings as a whole: what contradicts itself, or lets in more than its owner meant, is refused by name. */
import { generateKeyPairSync } from 'node:crypto';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { hosts } from '../../functions/gateway.ts';
import { checkGateway, gatewaySettings } from '../../lib/gateway/settings.ts';

const address = { origin: 'https://gateway.example.com', prefix: '', secure: true };
const secret = 'a-secret-of-more-than-thirty-two-characters';
const google = {
  CMS_GATEWAY_JWT_SECRET: '',
  CMS_GATEWAY_ISSUER: 'https://accounts.google.com',
  CMS_GATEWAY_CLIENT_ID: 'cms',
  CMS_GATEWAY_CLIENT_SECRET: secret,
};
const good = {
  CMS_AUTH_URL: address.origin,
  CMS_AUTH_ORIGINS: 'https://www.example.com',
  CMS_GATEWAY_REPO: 'https://github.com/owner/name',
  CMS_GATEWAY_TOKEN: 'github_pat_x',
  CMS_GATEWAY_JWT_SECRET: secret,
  CMS_GATEWAY_PATHS: 'content/**',
  CMS_GATEWAY_EDITORS: 'ann@example.org',
};
const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const pem = (type: 'pkcs1' | 'pkcs8') => privateKey.export({ type, format: 'pem' }) as string;
const app = { CMS_GATEWAY_TOKEN: '', GITHUB_APP_ID: '77', GITHUB_APP_PRIVATE_KEY: pem('pkcs1') };

const read = (more: Readonly<Record<string, string>>) => gatewaySettings(hosts, address).read({ ...good, ...more });

describe('The gateway takes', () => {
  it.each<[string, Record<string, string>, object]>([
    ['as little as it needs', {}, { branch: 'main', fullName: 'owner/name', auth: { kind: 'hs256' } }],
    [
      'a repository as a browser copies it',
      { CMS_GATEWAY_REPO: 'https://github.com/owner/name.git/' },
      { fullName: 'owner/name' },
    ],
    [
      'a repository below groups, at an address of one’s own',
      {
        CMS_GATEWAY_REPO: 'https://git.example.com/gitlab/group/sub/project',
        GITLAB_URL: 'https://git.example.com/gitlab',
        CMS_GATEWAY_TOKEN: 'glpat-x',
      },
      { fullName: 'group/sub/project', base: 'https://git.example.com/gitlab' },
    ],
    ['an app’s key as GitHub gives it', app, { credential: { kind: 'app', id: '77' } }],
    ['a key of the other kind', { ...app, GITHUB_APP_PRIVATE_KEY: pem('pkcs8') }, { credential: { kind: 'app' } }],
    [
      'a key on one line',
      { ...app, GITHUB_APP_PRIVATE_KEY: pem('pkcs1').replaceAll('\n', '\\n') },
      { credential: { kind: 'app' } },
    ],
    [
      'addresses and domains in any case',
      { CMS_GATEWAY_EDITORS: 'Ann@Example.org, @Parish.example' },
      { lists: { addresses: ['ann@example.org'], domains: ['parish.example'] } },
    ],
    [
      'everybody, where the owner’s own server says who there is',
      { ...google, CMS_GATEWAY_ISSUER: 'https://id.example.org', CMS_GATEWAY_EDITORS: '*' },
      { lists: { everyone: true } },
    ],
    ['a session of a day', { CMS_GATEWAY_SESSION: '24' }, { session: 86_400 }],
    [
      'an audience beside a shared secret',
      { CMS_GATEWAY_AUDIENCE: 'authenticated, cms' },
      { auth: { kind: 'hs256', audience: ['authenticated', 'cms'] } },
    ],
    ...[
      'https://id.example.org/.well-known/openid-configuration',
      'https://id.example.org/.well-known/openid-configuration/',
      'https://id.example.org/.well-known/oauth-authorization-server',
      'https://id.example.org',
    ].map((issuer): [string, Record<string, string>, object] => [
      `an issuer written as ${issuer}`,
      { ...google, CMS_GATEWAY_ISSUER: issuer },
      { auth: { kind: 'oidc', issuer: 'https://id.example.org' } },
    ]),
    [
      'an issuer’s slash at the end, which is a part of its name',
      { ...google, CMS_GATEWAY_ISSUER: 'https://tenant.eu.auth0.com/' },
      { auth: { issuer: 'https://tenant.eu.auth0.com/' } },
    ],
    ...[
      'groups',
      'realm_access.roles',
      'https://site.example/roles',
      'cognito:groups',
      'app_metadata.roles, groups',
    ].map((claim): [string, Record<string, string>, object] => [
      `roles in ${claim}`,
      { CMS_GATEWAY_ROLES: 'editor', CMS_GATEWAY_ROLES_CLAIM: claim },
      { lists: { rolesClaim: claim } },
    ]),
    ...[
      '@parish.example',
      '@my-gmail.com',
      '@gmail.com.parish.example',
      '@live.parish.example',
      '@mail.parish.org',
    ].map((entry): [string, Record<string, string>, object] => [
      `the domain ${entry}`,
      { CMS_GATEWAY_EDITORS: entry },
      { lists: { domains: [entry.slice(1)] } },
    ]),
    [
      'single addresses at a public mail service',
      { CMS_GATEWAY_EDITORS: 'ann@gmail.com' },
      { lists: { addresses: ['ann@gmail.com'] } },
    ],
  ])('%s', (_, more, expected) => {
    expect(read(more)).toMatchObject(expected);
  });
});

describe('What editors may change is never implied', () => {
  it.each([
    ['not set', undefined],
    ['empty', ''],
    ['blank', '  '],
    ['a comma', ','],
    ['commas and blanks', ' , ,, '],
  ])('%s', (_, value) => {
    const env = { ...good, CMS_GATEWAY_PATHS: value };
    for (const words of ['CMS_GATEWAY_PATHS', 'content/**, static/img/**', 'write **', 'folder, media_folder'])
      expect(() => gatewaySettings(hosts, address).read(env)).toThrow(words);
  });

  it('everything is said in so many words', () => {
    expect(read({ CMS_GATEWAY_PATHS: ' ** ' }).paths.allowed).toEqual(['**']);
  });
});

describe('The gateway refuses', () => {
  const world = [
    'https://accounts.google.com',
    'https://login.microsoftonline.com/common/v2.0',
    'https://login.microsoftonline.com/organizations/v2.0/',
    'https://gitlab.com',
    'HTTPS://Accounts.google.com/',
    'https://accounts.google.com:443',
    'https://login.microsoftonline.com:443/common/v2.0',
    'https://accounts.google.com/.well-known/openid-configuration',
    'https://accounts.google.com/.well-known/openid-configuration/',
    'HTTPS://accounts.google.com:443/.well-known/oauth-authorization-server',
    'https://login.microsoftonline.com/common/v2.0/.well-known/openid-configuration',
    'https://login.microsoftonline.com/consumers/v2.0',
    'https://login.microsoftonline.us/organizations/v2.0',
    'https://login.partner.microsoftonline.cn/common/v2.0',
    'https://sts.windows.net/9188040d-6c67-4c5b-b112-36a304b66dad/',
    'https://gitlab.com/.well-known/openid-configuration',
  ];
  it.each<[string, Record<string, string>, string, string]>([
    [
      'two ways to know an editor',
      { CMS_GATEWAY_IDENTITY: 'https://www.example.com/.netlify/identity' },
      'CMS_GATEWAY_JWT_SECRET',
      'one way only',
    ],
    [
      'an audience that is none',
      { ...google, CMS_GATEWAY_CLIENT_ID: '', CMS_GATEWAY_CLIENT_SECRET: '', CMS_GATEWAY_AUDIENCE: ' , ' },
      'CMS_GATEWAY_AUDIENCE',
      'nobody',
    ],
    ['no way at all', { CMS_GATEWAY_JWT_SECRET: '' }, 'CMS_GATEWAY_ISSUER', 'not set'],
    [
      'a client beside an audience',
      { ...google, CMS_GATEWAY_AUDIENCE: 'cms' },
      'CMS_GATEWAY_CLIENT_ID',
      'CMS_GATEWAY_AUDIENCE',
    ],
    [
      'an issuer alone',
      { ...google, CMS_GATEWAY_CLIENT_ID: '', CMS_GATEWAY_CLIENT_SECRET: '' },
      'CMS_GATEWAY_ISSUER',
      'CMS_GATEWAY_AUDIENCE',
    ],
    [
      'what belongs to another way',
      { CMS_GATEWAY_CLIENT_SECRET: secret },
      'CMS_GATEWAY_CLIENT_SECRET',
      'CMS_GATEWAY_ISSUER',
    ],
    [
      'a secret that could be guessed',
      { CMS_GATEWAY_JWT_SECRET: secret.slice(0, 31) },
      'CMS_GATEWAY_JWT_SECRET',
      '32 characters',
    ],
    [
      'a client secret that could be guessed',
      { ...google, CMS_GATEWAY_CLIENT_SECRET: secret.slice(0, 31) },
      'CMS_GATEWAY_CLIENT_SECRET',
      '32 characters',
    ],
    [
      'an issuer on plain http',
      { ...google, CMS_GATEWAY_ISSUER: 'http://id.example.org' },
      'CMS_GATEWAY_ISSUER',
      'https',
    ],
    [
      'an identity on plain http',
      { CMS_GATEWAY_JWT_SECRET: '', CMS_GATEWAY_IDENTITY: 'http://id.example.org' },
      'CMS_GATEWAY_IDENTITY',
      'https',
    ],
    ['nobody on the list', { CMS_GATEWAY_EDITORS: '' }, 'CMS_GATEWAY_EDITORS', 'nobody'],
    ...world.map((issuer): [string, Record<string, string>, string, string] => [
      `everybody whom the world’s ${issuer} knows`,
      { ...google, CMS_GATEWAY_ISSUER: issuer, CMS_GATEWAY_EDITORS: '*' },
      'CMS_GATEWAY_EDITORS',
      '"*"',
    ]),
    ['everybody with a token by a shared secret', { CMS_GATEWAY_EDITORS: '*' }, 'CMS_GATEWAY_EDITORS', '"*"'],
    [
      'everybody and somebody',
      { ...google, CMS_GATEWAY_ISSUER: 'https://id.example.org', CMS_GATEWAY_EDITORS: '*, a@b.c' },
      'CMS_GATEWAY_EDITORS',
      '"*"',
    ],
    ...['ann', 'ann@', '@', 'a@b@c', '*@example.org', 'Ann <a@b.c>', '"a"@b.c'].map(
      (entry): [string, Record<string, string>, string, string] => [
        `what is no address: ${entry}`,
        { CMS_GATEWAY_EDITORS: `x@example.org, ${entry}` },
        'CMS_GATEWAY_EDITORS',
        'entry 2',
      ],
    ),
    ...[
      'owner/name',
      'https://github.com/owner',
      'https://github.com/owner/name/tree/main',
      'https://github.com/owner/..',
      'https://example.com/owner/name',
      'http://github.com/owner/name',
    ].map((repo): [string, Record<string, string>, string, string] => [
      `no repository: ${repo}`,
      { CMS_GATEWAY_REPO: repo },
      'CMS_GATEWAY_REPO',
      '',
    ]),
    ...[
      'user_metadata.roles',
      'user_metadata',
      'raw_user_meta_data.role',
      'https://site.example/user_metadata',
      'app_metadata.roles, user_metadata.roles',
      'User_Metadata.roles',
      'nickname',
      'email',
      'preferred_username',
    ].map((claim): [string, Record<string, string>, string, string] => [
      `roles that people give themselves: ${claim}`,
      { CMS_GATEWAY_ROLES: 'editor', CMS_GATEWAY_ROLES_CLAIM: claim },
      'CMS_GATEWAY_ROLES_CLAIM',
      'write themselves',
    ]),
    [
      'roles in no claim',
      { CMS_GATEWAY_ROLES: 'editor', CMS_GATEWAY_ROLES_CLAIM: ' , ' },
      'CMS_GATEWAY_ROLES_CLAIM',
      'no claim',
    ],
    ...[
      '@gmail.com',
      '@GMail.com',
      '@googlemail.com',
      '@outlook.de',
      '@yahoo.co.jp',
      '@hotmail.com',
      '@web.de',
      '@qq.com',
    ].map((entry): [string, Record<string, string>, string, string] => [
      `everybody with an address ${entry}`,
      { CMS_GATEWAY_EDITORS: `ann@example.org, ${entry}` },
      'CMS_GATEWAY_EDITORS',
      'entry 2',
    ]),
    [
      'an audience beside an identity service',
      {
        CMS_GATEWAY_JWT_SECRET: '',
        CMS_GATEWAY_IDENTITY: 'https://www.example.com/.netlify/identity',
        CMS_GATEWAY_AUDIENCE: 'x',
      },
      'CMS_GATEWAY_AUDIENCE',
      'CMS_GATEWAY_ISSUER',
    ],
    ['no credential', { CMS_GATEWAY_TOKEN: '' }, 'CMS_GATEWAY_TOKEN', 'GITHUB_APP_ID'],
    ['two credentials', { ...app, CMS_GATEWAY_TOKEN: good.CMS_GATEWAY_TOKEN }, 'CMS_GATEWAY_TOKEN', 'one of the two'],
    ['an app without its key', { ...app, GITHUB_APP_PRIVATE_KEY: '' }, 'GITHUB_APP_PRIVATE_KEY', ''],
    [
      'half a key',
      { ...app, GITHUB_APP_PRIVATE_KEY: pem('pkcs1').slice(0, 400) },
      'GITHUB_APP_PRIVATE_KEY',
      'private key',
    ],
    ['a credential of another host', { CMS_GATEWAY_TOKEN: 'glpat-x' }, 'CMS_GATEWAY_TOKEN', 'GitLab'],
    [
      'an app for a repository elsewhere',
      { ...app, CMS_GATEWAY_REPO: 'https://gitlab.com/group/name' },
      'GITHUB_APP_ID',
      'GitLab',
    ],
    ['a branch as no branch can be called', { CMS_GATEWAY_BRANCH: 'a..b' }, 'CMS_GATEWAY_BRANCH', ''],
    ['a branch of drafts', { CMS_GATEWAY_BRANCH: 'cms/main' }, 'CMS_GATEWAY_BRANCH', 'drafts'],
    ['a path that leads out', { CMS_GATEWAY_PATHS: '../**' }, 'CMS_GATEWAY_PATHS', ''],
    ['a page with a query', { CMS_GATEWAY_PAGES: 'https://www.example.com/admin/?x' }, 'CMS_GATEWAY_PAGES', 'entry 1'],
    ['a page by a pattern', { CMS_GATEWAY_PAGES: 'https://www.example.com/*' }, 'CMS_GATEWAY_PAGES', 'entry 1'],
    [
      'a page of a stranger’s',
      { CMS_GATEWAY_PAGES: 'https://evil.example/admin/' },
      'CMS_GATEWAY_PAGES',
      'CMS_AUTH_ORIGINS',
    ],
    ...['0', '25', '1.5', 'ten'].map((hours): [string, Record<string, string>, string, string] => [
      `a session of ${hours} hours`,
      { CMS_GATEWAY_SESSION: hours },
      'CMS_GATEWAY_SESSION',
      '1 to 24',
    ]),
  ])('%s', async (_, more, name, words) => {
    const env = { ...good, ...more };
    const problems = await checkGateway(env, hosts, { url: address.origin });
    expect(problems.map(({ message }) => message).join('\n')).toContain(name);
    expect(problems.map(({ message }) => message).join('\n')).toContain(words);
    // And it lets nobody in until that is mended.
    expect(() => read(more)).toThrow(name);
    for (const { message } of problems)
      for (const hidden of [secret.slice(0, 31), 'glpat-x', 'github_pat_x', 'BEGIN RSA PRIVATE KEY-----\n'])
        expect(message).not.toContain(hidden);
  });

  it('all of it at once, where the owner looks', async () => {
    const env = { ...good, CMS_GATEWAY_EDITORS: '', CMS_GATEWAY_BRANCH: 'a..b', CMS_GATEWAY_SESSION: '0' };
    const text = (await checkGateway(env, hosts, { url: address.origin })).map(({ message }) => message).join('\n');
    for (const name of ['CMS_GATEWAY_EDITORS', 'CMS_GATEWAY_BRANCH', 'CMS_GATEWAY_SESSION'])
      expect(text).toContain(name);
  });
});

describe('Where Node is told to take any certificate', () => {
  afterEach(() => void vi.unstubAllEnvs());

  it('the gateway refuses to work, and says what to set instead', async () => {
    read({});
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
    expect(() => read({})).toThrow('NODE_EXTRA_CA_CERTS');
    const problems = await checkGateway(good, hosts, { url: address.origin });
    expect(problems.map(({ message }) => message).join()).toContain('NODE_TLS_REJECT_UNAUTHORIZED');
  });

  it('what only looks like that changes nothing', () => {
    for (const value of ['1', '', 'false']) {
      vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', value);
      expect(read({})).toMatchObject({ branch: 'main' });
    }
  });
});

describe('What was read is not read again, but', () => {
  const outcome = (more: Readonly<Record<string, string>>) => {
    try {
      return JSON.stringify(read(more));
    } catch (error) {
      return String(error);
    }
  };

  it.each(gatewaySettings(hosts, address).names)('%s counts as soon as it is changed', (name) => {
    const before = outcome({});
    expect(outcome({})).toBe(before);
    expect(outcome({ [name]: 'x y' })).not.toBe(before);
    expect(outcome({})).toBe(before);
  });

  it('two configurations do not disturb each other', () => {
    const editors = (list: string) => read({ CMS_GATEWAY_EDITORS: list }).lists.addresses;
    for (const name of ['ann', 'bob', 'ann', 'bob'])
      expect(editors(`${name}@example.org`)).toEqual([`${name}@example.org`]);
    const others = [...hosts];
    expect(gatewaySettings(others, address).read(good).host).toBe(others[0]);
  });

  it('so does our own address', () => {
    const without = { ...good, CMS_AUTH_ORIGINS: '' };
    const pages = (origin: string) => gatewaySettings(hosts, { ...address, origin }).read(without).pages[0];
    expect(pages('https://a.example')).toBe('https://a.example/admin/');
    expect(pages('https://b.example')).toBe('https://b.example/admin/');
  });
});
