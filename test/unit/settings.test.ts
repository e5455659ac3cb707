import { describe, expect, it } from 'vitest';
import { providers } from '../../functions/auth.ts';
import { createHandler } from '../../lib/login/handler.ts';
import { Failure } from '../../lib/http/errors.ts';
import { github } from '../../lib/providers/github.ts';
import { renewable, type Provider } from '../../lib/providers/provider.ts';
import { pointersTo, type ParameterStore } from '../../lib/config/pointers.ts';
import { openSettings } from '../../lib/config/request-settings.ts';
import type { Environment } from '../../lib/config/environment.ts';
import { checkSettings } from '../../lib/config/check.ts';
import {
  callbackAddress,
  isConfigured,
  clientSettings,
  originsSetting,
  pageSetting,
  readAddress,
  scopeSetting,
  secretSetting,
} from '../../lib/config/settings.ts';

const address = { origin: 'https://auth.example.com', prefix: '', secure: true };
const good = { GITHUB_CLIENT_ID: 'id', GITHUB_CLIENT_SECRET: 'secret' };

function refusal(read: () => unknown): Failure {
  try {
    read();
  } catch (error) {
    if (error instanceof Failure) return error;
    throw error;
  }
  throw new Error('It was not refused.');
}

describe('A setting that cannot be used', () => {
  it.each([
    ['GITHUB_CLIENT_ID', undefined, 'SETTING_MISSING'],
    ['GITHUB_CLIENT_ID', '', 'SETTING_EMPTY'],
    ['GITHUB_CLIENT_ID', ' \n', 'SETTING_EMPTY'],
    ['GITHUB_CLIENT_ID', 'ssm:/cms/id', 'SETTING_INVALID'],
    ['GITHUB_URL', 'nonsense', 'SETTING_INVALID'],
    ['GITHUB_URL', 'ssm:/cms/url', 'SETTING_INVALID'],
  ])('%s = %j is refused with a code of its own and by its name', (name, value, code) => {
    const error = refusal(() => clientSettings(github, address).read({ ...good, [name]: value }));
    expect(error.code).toBe(code);
    expect(error.message).toContain(name);
  });

  it.each([
    [undefined, 'SETTING_MISSING'],
    ['', 'SETTING_EMPTY'],
    ['\r\n\t ', 'SETTING_EMPTY'],
    ['ssm:/cms/secret', 'SETTING_INVALID'],
    [' ssm:/cms/secret\n', 'SETTING_INVALID'],
  ])('a client secret of %j is refused with a code of its own and by its name', (value, code) => {
    const error = refusal(() => secretSetting(github).read({ GITHUB_CLIENT_SECRET: value }));
    expect(error.code).toBe(code);
    expect(error.message).toContain('GITHUB_CLIENT_SECRET');
    expect(error.message).not.toContain('/cms/secret');
  });

  it('that is our own address, and that no platform knows, is missing', () => {
    expect(refusal(() => readAddress({}, undefined)).code).toBe('SETTING_MISSING');
    expect(refusal(() => readAddress({ CMS_AUTH_URL: ' ' }, undefined)).code).toBe('SETTING_MISSING');
  });

  it('that points to the Parameter Store is refused by name, wherever it stands', () => {
    const name = 'GITHUB_SCOPE';
    const error = refusal(() => scopeSetting(github, undefined).read({ [name]: 'ssm:/cms/scope' }));
    expect(error.code).toBe('SETTING_INVALID');
    expect(error.message).toContain(name);
    for (const [setting, read] of [
      ['CMS_AUTH_URL', () => readAddress({ CMS_AUTH_URL: 'ssm:/cms/url' }, undefined)],
      ['CMS_AUTH_ORIGINS', () => originsSetting(address).read({ CMS_AUTH_ORIGINS: 'ssm:/cms/origins' })],
    ] as const) {
      const { code, message } = refusal(read);
      expect(code).toBe('SETTING_INVALID');
      expect(message).toContain(setting);
    }
  });
});

describe('A value that cannot work', () => {
  // As they stand in environments: Docker's --env-file and systemd keep quotation marks, forms keep what was pasted.
  it.each([
    ['GITHUB_CLIENT_ID', '"Iv1.8a61f9b3a7aba766"', 'quotation marks'],
    ['GITHUB_CLIENT_ID', "'Iv1.8a61f9b3a7aba766'", 'quotation marks'],
    ['GITHUB_CLIENT_ID', '“Iv1.8a61f9b3a7aba766”', 'quotation marks'],
    ['GITHUB_CLIENT_ID', '""', 'quotation marks'],
    ['GITHUB_CLIENT_ID', '"Iv1.8a61f9b3a7aba766', 'another character'],
    ['GITHUB_CLIENT_ID', 'Iv1.8a61f9b3a7aba766;', '";"'],
    ['GITHUB_CLIENT_ID', 'Iv1.8a61f9b3 a7aba766', 'a space'],
    ['GITHUB_CLIENT_ID', 'Iv1.8a61f9b3\u200ba7aba766', 'another character'],
    ['GITHUB_CLIENT_ID', 'GITHUB_CLIENT_ID=Iv1.8a61f9b3a7aba766', 'its own name'],
    ['GITHUB_CLIENT_ID', '1234567', 'App ID'],
    ['GITHUB_CLIENT_ID', '0123456789abcdef0123456789abcdef01234567', 'client secret'],
    ['GITHUB_CLIENT_SECRET', 'Iv1.8a61f9b3a7aba766', 'client id'],
    ['GITHUB_CLIENT_SECRET', 'Ov23liAbCdEfGhIjKlMn', 'client id'],
    ['GITHUB_CLIENT_SECRET', '1234567', 'App ID'],
    ['GITHUB_CLIENT_SECRET', '"0123456789abcdef0123456789abcdef01234567"', 'quotation marks'],
    ['GITHUB_CLIENT_SECRET', '-----BEGIN RSA PRIVATE KEY-----\nabc', 'a space'],
    ['GITHUB_URL', 'https://git.example.com;', '";"'],
    ['GITHUB_URL', '"https://git.example.com"', 'quotation marks'],
    ['CMS_AUTH_ORIGINS', '"https://www.example.com"', 'quotation marks'],
    ['CMS_AUTH_ORIGINS', 'https://a.example.com; https://b.example.com', 'commas'],
    ['CMS_AUTH_REFRESH', '"github"', 'quotation marks'],
  ])('is refused by its name, in words that fit: %s = %j', async (name, value, words) => {
    const [problem, ...others] = await checkSettings({ ...good, [name]: value }, [github], {
      url: 'https://auth.example.com',
    });
    expect(others).toEqual([]);
    expect(problem).toMatchObject({ code: 'SETTING_INVALID', setting: name });
    expect(problem?.message).toContain(words);
    expect(problem?.message).not.toContain(value);
    expect(problem?.message).not.toMatch(/8a61|0123/);
  });

  it.each([
    ['GITHUB_CLIENT_ID', 'Iv1.8a61f9b3a7aba766'],
    ['GITHUB_CLIENT_ID', 'Iv23liAbCdEfGhIjKlMn'],
    ['GITHUB_CLIENT_ID', 'Ov23liAbCdEfGhIjKlMn'],
    ['GITHUB_CLIENT_ID', '0123456789abcdef0123'],
    ['GITHUB_CLIENT_ID', '01234567890123456789'],
    ['GITHUB_CLIENT_SECRET', '0123456789abcdef0123456789abcdef01234567'],
    ['CMS_AUTH_ORIGINS', 'https://www.example.com/'],
  ])('is not what a host really gives out: %s = %s', async (name, value) => {
    expect(await checkSettings({ ...good, [name]: value }, [github], { url: 'https://auth.example.com' })).toEqual([]);
  });
});

describe('Two configurations in one process', () => {
  const login = (host: string, id: string) =>
    createHandler([github], {
      env: {
        CMS_AUTH_URL: `https://auth.${host}`,
        CMS_AUTH_ORIGINS: `https://www.${host}`,
        GITHUB_CLIENT_ID: id,
        GITHUB_CLIENT_SECRET: `secret-of-${id}`,
        GITHUB_URL: `https://git.${host}`,
      },
      log: () => {},
    });

  it('do not disturb each other, however their requests come', async () => {
    const [a, b] = [login('a.example', 'ida'), login('b.example', 'idb')];
    const open = async (handler: typeof a) =>
      String((await handler({ method: 'GET', path: '/auth', query: '', headers: {}, platform: {} })).body);
    for (const [handler, own, other] of [
      [a, 'a.example', 'b.example'],
      [b, 'b.example', 'a.example'],
      [a, 'a.example', 'b.example'],
    ] as const) {
      const text = await open(handler);
      expect(text).toContain(`https://auth.${own}/auth/github/callback`);
      expect(text).toContain(`https://git.${own}/`);
      expect(text).not.toContain(other);
    }
    const pages = await Promise.all([a, b, a, b].map(open));
    expect(pages[0]).toBe(pages[2]);
    expect(pages[1]).toBe(pages[3]);
  });
});

describe('An address', () => {
  it.each([
    'https://hidden@host.example',
    'https://user:hidden@host.example',
    'https://@host.example/hidden',
    'https://host.example/?hidden',
    'https://host.example/hidden?',
    'https://host.example/#hidden',
    'https://host.example/hidden#',
    'http://hidden.example',
    'http://hidden.localhost.example',
    'http://127.0.0.2/hidden',
    'ftp://hidden.example',
    'hidden.example',
    'hidden',
    '//hidden.example',
    'javascript:hidden',
    'https://hid den.example',
  ])('such as %s is refused without being shown', (value) => {
    for (const [name, read] of [
      ['CMS_AUTH_URL', () => readAddress({ CMS_AUTH_URL: value }, undefined)],
      ['GITHUB_URL', () => clientSettings(github, address).read({ ...good, GITHUB_URL: value })],
    ] as const) {
      const error = refusal(read);
      expect(error.code).toBe('SETTING_INVALID');
      expect(error.message).toContain(name);
      expect(error.message).not.toContain('hid');
    }
  });

  it.each([
    ['https://auth.example.com', 'https://auth.example.com', '', true],
    ['https://auth.example.com/', 'https://auth.example.com', '', true],
    [' https://auth.example.com\n', 'https://auth.example.com', '', true],
    ['https://AUTH.example.com:443/prod', 'https://auth.example.com', '/prod', true],
    ['https://auth.example.com/a/b//', 'https://auth.example.com', '/a/b', true],
    ['http://localhost:8888', 'http://localhost:8888', '', false],
    ['http://127.0.0.1:8888/x', 'http://127.0.0.1:8888', '/x', false],
    ['http://[::1]:8888', 'http://[::1]:8888', '', false],
  ])('CMS_AUTH_URL = %j is %s and %j', (value, origin, prefix, secure) => {
    expect(readAddress({ CMS_AUTH_URL: value }, 'https://platform.example.com')).toEqual({ origin, prefix, secure });
  });

  it.each([
    '/auth',
    '/auth/',
    '/auth/github',
    '/prod/auth/github/callback',
    '/git',
    '/git/oauth2/callback',
    '/prod/git',
  ])('CMS_AUTH_URL that is one of our own is refused: …%s', (path) => {
    const { code, message } = refusal(() => readAddress({ CMS_AUTH_URL: `https://host.example${path}` }, undefined));
    expect(code).toBe('SETTING_INVALID');
    expect(message).toContain('leave out /auth or /git and everything after it');
  });

  it.each(['/authors', '/auth2', '/my-auth', '/github', '/digit', '/prod/gitea', '/services/auth/cms', '/callback'])(
    'CMS_AUTH_URL with another path is not: …%s',
    (prefix) => {
      expect(readAddress({ CMS_AUTH_URL: `https://host.example${prefix}` }, undefined)).toHaveProperty(
        'prefix',
        prefix,
      );
    },
  );

  it('comes from the platform where it is not set', () => {
    expect(readAddress({}, 'https://platform.example.com/prod')).toEqual({
      origin: 'https://platform.example.com',
      prefix: '/prod',
      secure: true,
    });
  });

  it('has its path in the redirect URI', () => {
    expect(callbackAddress({ ...address, prefix: '/prod' }, github)).toBe(
      'https://auth.example.com/prod/auth/github/callback',
    );
  });
});

describe('The client', () => {
  it('is at the public service unless an address is set', () => {
    expect(clientSettings(github, address).read(good)).toEqual({
      provider: github,
      issuer: 'https://github.com/login/oauth',
      authorizationEndpoint: 'https://github.com/login/oauth/authorize',
      tokenEndpoint: 'https://github.com/login/oauth/access_token',
      clientId: 'id',
      redirectUri: 'https://auth.example.com/auth/github/callback',
    });
  });

  it.each(['https://git.example.com/hub', 'https://git.example.com/hub/', ' https://git.example.com/hub//\n'])(
    'is below the path of %j',
    (GITHUB_URL) => {
      expect(clientSettings(github, address).read({ ...good, GITHUB_URL })).toMatchObject({
        issuer: 'https://git.example.com/hub/login/oauth',
        authorizationEndpoint: 'https://git.example.com/hub/login/oauth/authorize',
        tokenEndpoint: 'https://git.example.com/hub/login/oauth/access_token',
      });
    },
  );

  it('has its id and secret without the spaces and newlines around them', () => {
    expect(clientSettings(github, address).read({ GITHUB_CLIENT_ID: '\t the-id \r\n' }).clientId).toBe('the-id');
    expect(secretSetting(github).read({ GITHUB_CLIENT_SECRET: '\n the-secret \n' })).toBe('the-secret');
  });

  it('needs no secret before the callback', () => {
    expect(clientSettings(github, address).read({ GITHUB_CLIENT_ID: 'id' }).clientId).toBe('id');
  });

  it('is switched on by an id that is not blank', () => {
    expect(isConfigured({ GITHUB_CLIENT_ID: 'id' }, github)).toBe(true);
    expect(isConfigured({ GITHUB_CLIENT_ID: ' ' }, github)).toBe(false);
    expect(isConfigured({ GITHUB_CLIENT_SECRET: 'secret' }, github)).toBe(false);
  });
});

describe('The list of origins', () => {
  it.each([undefined, '', ' \n'])('is our own alone where it is %j', (CMS_AUTH_ORIGINS) => {
    const behindStage = { ...address, prefix: '/prod' };
    expect(originsSetting(behindStage).read({ CMS_AUTH_ORIGINS })).toEqual({
      exact: ['https://auth.example.com'],
      patterns: [],
    });
  });

  it('does not hold our own where others are listed', () => {
    const list = originsSetting(address).read({ CMS_AUTH_ORIGINS: ' https://a.example.com,\nhttps://b.example.com\n' });
    expect(list).toEqual({ exact: ['https://a.example.com', 'https://b.example.com'], patterns: [] });
  });

  it('is refused by name and without its value', () => {
    const error = refusal(() => originsSetting(address).read({ CMS_AUTH_ORIGINS: 'https://*.hidden.example' }));
    expect(error.code).toBe('SETTING_INVALID');
    expect(error.message).toContain('CMS_AUTH_ORIGINS');
    expect(error.message).not.toContain('hidden');
  });
});

describe('The scope', () => {
  it.each([
    // setting, wish, what is asked for
    [undefined, undefined, 'repo'],
    [undefined, '', 'repo'],
    [undefined, ' , ', 'repo'],
    [undefined, 'repo', 'repo'],
    [undefined, 'repo,user', 'repo user'], // Sveltia's
    [undefined, 'repo user', 'repo user'],
    [undefined, 'repo,repo', 'repo'],
    [undefined, 'public_repo', 'public_repo'],
    [undefined, 'read:user user:email', 'read:user user:email'],
    [undefined, 'admin:org', 'repo'],
    [undefined, 'repo admin:org', 'repo'],
    [undefined, 'delete_repo,workflow', 'repo'],
    [undefined, 'REPO', 'repo'],
    [undefined, '__proto__', 'repo'],
    [undefined, 'constructor', 'repo'],
    [undefined, 'toString,hasOwnProperty', 'repo'],
    [undefined, 'public_repo __proto__', 'repo'],
    ['', 'repo user', 'repo user'],
    ['public_repo', undefined, 'public_repo'],
    ['public_repo', 'public_repo', 'public_repo'],
    ['public_repo', 'repo', 'public_repo'],
    ['public_repo', 'repo,user', 'public_repo'],
    ['public_repo', '__proto__', 'public_repo'],
    ['public_repo', 'constructor', 'public_repo'],
    ['repo', 'repo,user', 'repo'],
    ['repo', 'public_repo', 'public_repo'],
    ['repo', 'user:email', 'repo'],
    ['repo,user', undefined, 'repo user'],
    ['repo user', 'read:user', 'read:user'],
    [' repo,\nuser\n', 'user', 'user'],
    ['repo admin:org', 'admin:org', 'admin:org'], // the owner's own choice
    ['repo admin:org', 'workflow', 'repo admin:org'],
  ])('with GITHUB_SCOPE = %j and a wish for %j is %j', (GITHUB_SCOPE, wish, expected) => {
    expect(scopeSetting(github, wish).read({ GITHUB_SCOPE })).toBe(expected);
  });

  it.each([',', ' , ,'])(
    'is never empty, not even with GITHUB_SCOPE = %j, since the host would then choose',
    (value) => {
      let scope: string | undefined;
      try {
        scope = scopeSetting(github, undefined).read({ GITHUB_SCOPE: value });
      } catch (error) {
        expect(error).toMatchObject({ code: 'SETTING_INVALID' });
        return;
      }
      expect(scope).not.toBe('');
    },
  );
});

describe("The owner's page", () => {
  it.each([
    [undefined, true],
    ['', true],
    ['on', true],
    ['off', false],
    [' off\n', false],
  ])('with CMS_AUTH_PAGE = %j is on: %s', (CMS_AUTH_PAGE, on) => {
    expect(pageSetting.read({ CMS_AUTH_PAGE })).toBe(on);
  });
});

describe('The check of all settings', () => {
  const platform = { url: 'http://localhost:8888' };

  it('finds nothing where all is well', async () => {
    expect(await checkSettings(good, [github], platform)).toEqual([]);
  });

  it('does not miss a secret of a provider that is switched off', async () => {
    expect(await checkSettings({}, [github], platform)).toEqual([]);
  });

  it('names every problem once and shows no value', async () => {
    const env = {
      GITHUB_CLIENT_ID: 'hidden',
      GITHUB_URL: 'http://hidden.example',
      CMS_AUTH_ORIGINS: 'hidden',
      CMS_AUTH_SECRETS_TTL: 'hidden',
    };
    const problems = (await checkSettings(env, [github, github], platform)).map(({ message }) => message);
    expect(problems).toHaveLength(4);
    for (const name of ['CMS_AUTH_ORIGINS', 'GITHUB_URL', 'GITHUB_CLIENT_SECRET', 'CMS_AUTH_SECRETS_TTL'])
      expect(problems.filter((problem) => problem.includes(name))).toHaveLength(1);
    expect(problems.join()).not.toContain('hidden');
  });
});

describe('A name in CMS_AUTH_REFRESH that is no host’s', () => {
  const CMS_AUTH_URL = 'https://auth.example.com';
  const words = 'CMS_AUTH_REFRESH cannot be used: it may name github, gitlab, bitbucket only, in lower case.';

  it('may be any of those whose sessions a CMS can renew', () => {
    expect(renewable).toEqual(providers.filter((provider: Provider) => provider.refresh).map(({ id }) => id));
  });

  it.each(['Github', 'githbu', 'github, gitlab.com', 'github;gitlab', '*', '__proto__'])(
    'is refused at start: %s',
    async (CMS_AUTH_REFRESH) => {
      const problems = await checkSettings({ CMS_AUTH_REFRESH, CMS_AUTH_URL }, [github]);
      expect(problems.map(({ message }) => message)).toEqual([words]);
    },
  );

  /** A function for one host alone does not serve the others, but the setting is the same for all. */
  it.each([
    ['Github', words],
    ['github,bitbuckt', words],
    ['gitlab, bitbucket', ': all settings are there'],
    ['github gitlab\nbitbucket', ': all settings are there'],
    ['', ': all settings are there'],
  ])(
    'is named where the owner looks, and by a login before the host is asked: %j',
    async (CMS_AUTH_REFRESH, expected) => {
      const env = { CMS_AUTH_URL, CMS_AUTH_REFRESH, GITHUB_CLIENT_ID: 'id', GITHUB_CLIENT_SECRET: 'secret' };
      for (const served of [[github], providers]) {
        const handler = createHandler(served, { env, log: () => {} });
        const open = (path: string) => handler({ method: 'GET', path, query: '', headers: {}, platform: {} });
        expect((await open('/auth/github/callback')).body).toContain(expected);
        const isRefused = expected === words;
        expect(String((await open('/auth')).body).includes(words)).toBe(isRefused);
        const login = await open('/auth/github');
        expect(login.status).toBe(isRefused ? 500 : 200);
        expect(String(login.body).includes(words)).toBe(isRefused);
      }
    },
  );
});

describe('What several settings of one request point to', () => {
  it('is one reading for all of them, also where two ask at once', async () => {
    const forgotten: string[] = [];
    const store: ParameterStore = {
      read: async (names) => new Map(names.map((name) => [name, { value: `of ${name}`, problem }])),
      invalidate: (name) => void forgotten.push(name),
    };
    const problem = { code: 'PARAMETER_UNREADABLE' as const, fill: { detail: 'it is closed' } };
    const env = { A: 'ssm:/a', B: 'ssm:/b' };
    const settings = openSettings(env, { loadPointers: async () => pointersTo(store) }, Infinity);
    const [a, b] = ['A', 'B'].map((name) => ({ name, names: [name], read: (all: Environment) => all[name] }));
    if (!a || !b) throw new Error();
    expect(await Promise.all([settings.read([a]), settings.read([b])])).toEqual([['of /a'], ['of /b']]);
    expect(settings.warnings).toHaveLength(2);
    settings.invalidate();
    expect(forgotten).toEqual(['/a', '/b']);
  });
});
