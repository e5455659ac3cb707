import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { providers } from '../../functions/auth.ts';
import { bitbucket } from '../../lib/providers/bitbucket.ts';
import { github } from '../../lib/providers/github.ts';
import { gitlab } from '../../lib/providers/gitlab.ts';
import { apiRoots, baseOfApi, pathsOf, settingPrefix, type Provider } from '../../lib/providers/provider.ts';

const read = (file: string): string => (existsSync(file) ? readFileSync(file, 'utf8') : '');

/** What somebody who has added a record has still to do, in words. */
function lacks(provider: Provider): string[] {
  const { id, name } = provider;
  const prefix = settingPrefix(provider);
  const serverless = read('serverless.yml');
  const readme = read('README.md');
  const settings = ['CLIENT_ID', 'CLIENT_SECRET', 'URL', ...(provider.scope ? ['SCOPE'] : [])];
  const wanted: [boolean, string][] = [
    [providers.some((one) => one.id === id), `functions/auth.ts: put ${id} into the list "providers"`],
    [
      new RegExp(`createHandler\\(\\[${id}\\]\\)`).test(read(`functions/${id}.ts`)) &&
        new RegExp(`paths = .*pathsOf\\(${id}\\)`).test(read(`functions/${id}.ts`)),
      `functions/${id}.ts: a function for ${name} alone, as functions/github.ts is for GitHub`,
    ],
    ...settings.map((setting): [boolean, string] => [
      serverless.includes(`${prefix}_${setting}: \${env:${prefix}_${setting}, '`),
      `serverless.yml: pass ${prefix}_${setting} on, or a deploy to AWS never sees it`,
    ]),
    [
      serverless.includes(`parameter\${self:custom.secrets}/${id}\n`),
      `serverless.yml: let the function read the parameter of ${name}'s secret`,
    ],
    [existsSync(`docs/${id}.md`), `docs/${id}.md: what to register at ${name}, and what to write into the CMS`],
    [readme.includes(`docs/${id}.md`), `README.md: link to docs/${id}.md`],
    [readme.includes(name), `README.md: name ${name} among the hosts`],
    [existsSync(`test/hosts/${id}.ts`), `test/hosts/${id}.ts: a ${name} to test against, as strict as the real one`],
    [read('test/doctor/world.ts').includes(`'${id}'`), `test/doctor/world.ts: whole set-ups with ${name}`],
  ];
  return wanted.flatMap(([isThere, words]) => (isThere ? [] : [words]));
}

/** A host that nobody has set up, with the facts of Gitea. */
const gitea: Provider = {
  ...github,
  id: 'gitea',
  name: 'Gitea',
  url: 'https://gitea.com',
  api: [{ base: '*', api_root: '*/api/v1' }],
};

/** All records that there are, listed anywhere or not. */
const modules = readdirSync('lib/providers').map((file) => import(`../../lib/providers/${file}`) as Promise<object>);
const records = (await Promise.all(modules)).flatMap((module) =>
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
    expect(words).toHaveLength(12);
    for (const place of ['functions/auth.ts', 'functions/gitea.ts', 'GITEA_CLIENT_ID', 'docs/gitea.md', 'README.md'])
      expect(words.join('\n')).toContain(place);
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
    expect(apiRoots(provider, base)).toEqual({
      api_root: root,
      ...(graphql !== undefined && { graphql_api_root: graphql }),
    });
    expect(baseOfApi(provider, root)).toBe(base);
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
    expect(baseOfApi(provider, root)).toBeUndefined();
  });
});
