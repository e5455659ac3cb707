import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { build } from 'esbuild';
import { describe, expect, it } from 'vitest';
import { providers } from '../../functions/auth.ts';
import { esbuildInline } from '../../lib/build/inline.mjs';
import { loginByRecord } from '../contract/login/hosts.ts';
import type { Call } from '../contract/login.ts';
import { bitbucket } from '../../lib/providers/bitbucket.ts';
import { factsOf } from '../../lib/providers/facts.ts';
import { github } from '../../lib/providers/github.ts';
import { gitlab } from '../../lib/providers/gitlab.ts';
import { apiRoots, baseOfApi, pathsOf, renewable, settingPrefix, type Provider } from '../../lib/providers/provider.ts';

/** Without a platform in between. */
const direct: Call = async (handler, { body, ...request }) => {
  const reply = await handler({ ...request, platform: {}, body: () => [Buffer.from(body ?? '')] });
  return { ...reply, body: String(reply.body) };
};

const read = (file: string): string => (existsSync(file) ? readFileSync(file, 'utf8') : '');

/** Something that a new record needs besides itself. */
interface Need {
  /** The file it is done in, as CONTRIBUTING names it: `<id>` stands for the host's id. */
  place: string;
  /** What to do there. */
  words: string;
  isDone: boolean;
}

/** What somebody who has added a record has to do, one by one. */
function needs(provider: Provider): Need[] {
  const { id, name, refresh } = provider;
  const prefix = settingPrefix(provider);
  const serverless = read('serverless.yml');
  const readme = read('README.md');
  const settings = ['CLIENT_ID', 'CLIENT_SECRET', 'URL', ...(provider.scope ? ['SCOPE'] : [])];
  return [
    {
      place: 'lib/providers/<id>.ts',
      words: `export the record as ${id}, and what no login needs as facts`,
      isDone:
        records.includes(provider) &&
        [id, 'facts'].every((record) => new RegExp(`export const ${record} = `).test(read(`lib/providers/${id}.ts`))),
    },
    ...(refresh
      ? [
          {
            place: 'lib/providers/provider.ts',
            words: `add ${id} to "renewable", since a CMS renews its tokens`,
            isDone: renewable.includes(id),
          },
        ]
      : []),
    {
      place: 'lib/providers/facts.ts',
      words: `put the "facts" of lib/providers/${id}.ts into the list`,
      isDone: hasFacts(provider),
    },
    {
      place: 'functions/auth.ts',
      words: `put ${id} into the list "providers"`,
      isDone: providers.some((one) => one.id === id),
    },
    {
      place: 'functions/<id>.ts',
      words: `a function for ${name} alone, as functions/github.ts is for GitHub`,
      isDone:
        new RegExp(`createHandler\\(\\[${id}\\]\\)`).test(read(`functions/${id}.ts`)) &&
        new RegExp(`paths = .*pathsOf\\(${id}\\)`).test(read(`functions/${id}.ts`)),
    },
    ...settings.map((setting) => ({
      place: 'serverless.yml',
      words: `pass ${prefix}_${setting} on, or a deploy to AWS never sees it`,
      isDone: serverless.includes(`${prefix}_${setting}: \${env:${prefix}_${setting}, '`),
    })),
    {
      place: 'serverless.yml',
      words: `let the function read the parameter of ${name}'s secret`,
      isDone: serverless.includes(`parameter\${self:custom.secrets}/${id}\n`),
    },
    {
      place: 'docs/<id>.md',
      words: `what to register at ${name}, and what to write into the CMS`,
      isDone: read(`docs/${id}.md`).includes(`/auth/${id}/callback`),
    },
    {
      place: 'README.md',
      words: `name ${name} among the hosts, with a link to docs/${id}.md`,
      isDone: readme.includes(name) && readme.includes(`docs/${id}.md`),
    },
  ];
}

/** Its own, and not another host's. */
function hasFacts({ id, name }: Provider): boolean {
  try {
    const own = modules.find((module) => id in module) as { facts?: unknown } | undefined;
    return factsOf({ id, name }) === own?.facts;
  } catch {
    return false;
  }
}

const lacks = (provider: Provider): string[] =>
  needs(provider)
    .filter(({ isDone }) => !isDone)
    .map(({ place, words }) => `${place.replace('<id>', provider.id)}: ${words}`);

/** A host that nobody has set up, with the facts of Gitea. */
const gitea: Provider = {
  ...github,
  id: 'gitea',
  name: 'Gitea',
  url: 'https://gitea.com',
};

const modules = await Promise.all(
  readdirSync('lib/providers').map((file) => import(`../../lib/providers/${file}`) as Promise<object>),
);
/** All records that there are, listed anywhere or not. */
const records = modules.flatMap((module) =>
  Object.values(module).filter(
    (value: unknown): value is Provider => typeof value === 'object' && value !== null && 'authorizePath' in value,
  ),
);

describe('A provider', () => {
  it.each(records)('is known everywhere: $id', async (record) => {
    expect(Object.keys(await import(`../../lib/providers/${record.id}.ts`))).toContain(record.id);
    expect(lacks(record)).toEqual([]);
  });

  it('has a record', () => expect(records.length).toBeGreaterThanOrEqual(providers.length));

  it('that is new is told what it lacks', () => {
    const words = lacks(gitea);
    expect(words).toHaveLength(needs(gitea).length);
    for (const place of ['functions/auth.ts', 'functions/gitea.ts', 'GITEA_CLIENT_ID', 'docs/gitea.md', 'README.md'])
      expect(words.join('\n')).toContain(place);
  });

  it('that is new is told the same by CONTRIBUTING, no more and no less', () => {
    const [, section = ''] = /^## Add a host$([\s\S]*?)^## /m.exec(read('CONTRIBUTING.md')) ?? [];
    const named = [...section.matchAll(/`((?:functions|lib|docs|test)\/[^`]*<id>[^`]*|[\w/]+\.(?:ts|yml|md))`/g)];
    // Examples to copy from, and the page that explains the fields, ask for nothing.
    const examples = /gitlab\.(ts|md)$|^functions\/github\.ts$/;
    expect(new Set(named.map(([, place = '']) => place).filter((place) => !examples.test(place)))).toEqual(
      new Set(needs(gitea).map(({ place }) => place)),
    );
  });

  it.each(
    Object.entries({
      'the page where editors agree': { authorizePath: '/elsewhere' },
      'where the code is redeemed': { tokenPath: '/elsewhere' },
      'that it takes PKCE': { pkce: false },
      'how the client says who it is': { clientAuthentication: 'client_secret_basic' },
      'its issuer': { issuerPath: '/elsewhere' },
      'its scopes': { scope: { default: 'everything', allowed: { everything: [] } } },
      'that it takes a scope': { scope: undefined },
      'that sessions can be renewed': { refresh: undefined },
    }),
  )('is played at every login: a host that differs in %s lets nobody in', async (_, fact) => {
    const real = { ...gitlab, ...fact } as Provider;
    const { refusals, renewed } = await loginByRecord(gitlab, direct, { host: real });
    expect(refusals).not.toEqual([]);
    expect(renewed?.['access_token']).toBeUndefined();
    expect((await loginByRecord(gitlab, direct)).renewed).toHaveProperty('access_token');
  });

  it.each(providers.map((provider) => [provider.id, provider] as const))(
    'is named nowhere in the doctor: %s',
    (id, { name }) => {
      const sources = readdirSync('lib/doctor', { recursive: true, encoding: 'utf8' }).filter((file) =>
        file.endsWith('.ts'),
      );
      expect(sources.length).toBeGreaterThan(10);
      for (const file of sources) {
        const text = read(`lib/doctor/${file}`);
        expect(text.includes(name) || new RegExp(`\\b${id}\\b`, 'i').test(text), `lib/doctor/${file}`).toBe(false);
      }
    },
  );

  it('is in a login with its record alone, and what else is known of it is for others', async () => {
    const { outputFiles } = await build({
      entryPoints: ['functions/auth.ts'],
      bundle: true,
      platform: 'node',
      format: 'esm',
      write: false,
      // What no login loads.
      external: ['./setup-page.ts', './refresh.ts'],
      plugins: [esbuildInline],
    });
    const text = outputFiles.map((file) => file.text).join('\n');
    for (const provider of providers) {
      const { session, repository, api, registrations } = factsOf(provider);
      expect(text).toContain(`"${provider.tokenPath}"`);
      for (const fact of [session, repository.form, api[0]?.api_root ?? '', registrations[0].steps[0] ?? '']) {
        expect(fact).not.toBe('');
        expect(text).not.toContain(fact);
      }
    }
  });

  it('answers at paths that follow from its record', () => {
    expect(pathsOf(github)).toEqual([
      '/auth/github',
      '/auth/github/begin',
      '/auth/github/authorize',
      '/auth/github/callback',
      '/auth/github/access_token',
    ]);
    expect(pathsOf({ id: 'gitea' })).toEqual(
      ['gitea', 'gitea/begin', 'gitea/authorize', 'gitea/callback'].map((path) => `/auth/${path}`),
    );
    const all = providers.flatMap(pathsOf);
    expect(new Set(all).size).toBe(all.length);
  });
});

describe('The API of a host', () => {
  it.each([
    [github, 'https://github.com', 'https://api.github.com', 'https://api.github.com/graphql'],
    [github, 'https://octo.ghe.com', 'https://api.octo.ghe.com', 'https://api.octo.ghe.com/graphql'],
    [github, 'https://git.example.com', 'https://git.example.com/api/v3', 'https://git.example.com/api/graphql'],
    [gitlab, 'https://gitlab.com', 'https://gitlab.com/api/v4', 'https://gitlab.com/api/graphql'],
    [gitlab, 'https://a.b/gitlab', 'https://a.b/gitlab/api/v4', 'https://a.b/gitlab/api/graphql'],
    [gitlab, 'http://127.0.0.1:9', 'http://127.0.0.1:9/api/v4', 'http://127.0.0.1:9/api/graphql'],
    [bitbucket, 'https://bitbucket.org', 'https://api.bitbucket.org/2.0', undefined],
    [bitbucket, 'http://127.0.0.1:9', 'http://127.0.0.1:9/2.0', undefined],
  ])('of $id at %s is at %s', (provider, base, root, graphql) => {
    expect(apiRoots(factsOf(provider), base)).toEqual({
      api_root: root,
      ...(graphql !== undefined && { graphql_api_root: graphql }),
    });
    expect(baseOfApi(factsOf(provider), root)).toBe(base);
  });

  it.each([
    [github, 'https://github.com/api/v3'],
    [github, 'https://octo.ghe.com/api/v3'],
    [github, 'https://api.github.com/'],
    [github, 'https://a.b.ghe.com'],
    [github, '/api/v3'],
    [gitlab, 'https://gitlab.com'],
    [gitlab, 'https://a.b/api/v4?x'],
    [gitlab, 'ftp://a.b/api/v4'],
    [bitbucket, 'https://bitbucket.org/2.0'],
    [bitbucket, ''],
  ])('of $id is not at %s', (provider, root) => {
    expect(baseOfApi(factsOf(provider), root)).toBeUndefined();
  });
});
