/** A platform is a shell, a row, and what the two lead to: whoever adds one is told here what is missing, as with hosts. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { platforms, type Target } from '../../lib/build/targets.mjs';
import * as limits from '../../lib/platforms/limits.ts';

const read = (file: string): string => (existsSync(file) ? readFileSync(file, 'utf8') : '');
const readAll = (folder: string): string =>
  readdirSync(folder)
    .filter((file) => file.endsWith('.ts'))
    .map((file) => read(`${folder}/${file}`))
    .join('\n');

/** What several shells are made of, and what they need besides. */
const parts = ['aws.ts', 'limits.ts'];
const shells = readdirSync('lib/platforms')
  .filter((file) => !parts.includes(file))
  .map((file) => file.replace('.ts', ''));

interface Need {
  /** The file it is done in, as CONTRIBUTING names it. */
  place: string;
  words: string;
  isDone: boolean;
}

const packageJson = JSON.parse(read('package.json')) as {
  exports: Record<string, { types?: string; default?: string }>;
  files: string[];
};

/** What somebody who has added a shell has to do, one by one. */
function needs(name: string, row: Target | undefined): Need[] {
  const contract = readAll('test/contract') + readAll('test/platforms');
  const suites = ['describeLogin', 'describeRefresh', 'describeHosts', 'describeGateway', 'describeSignIn'];
  const ownContract = read(`test/contract/${name}.test.ts`);
  const inRuntime = new RegExp(`describeRuntime\\(.*shell: '${name}'`).test(contract);
  const docs = read(`docs/${row?.docs}.md`);
  const own = (limits as Record<string, unknown>)[`${name}Limits`];
  const given = typeof own === 'function' ? (own({ platform: {} }) as Record<string, number>) : {};
  const isExported = (subpath: string, folder: string | undefined, file: string) => {
    const found = packageJson.exports[`./${name}/${subpath}`] ?? packageJson.exports[`./${name}/*`];
    return (
      found?.types === `./dist/types/${name}.d.mts` &&
      found.default?.replace('*', file) === `./dist/${folder}/${file}.mjs` &&
      packageJson.files.some((entry) => entry === `dist/${folder}` || entry === `dist/${folder}/*.mjs`)
    );
  };
  const made: Need[] = [
    {
      place: 'lib/platforms/limits.ts',
      words: `what it takes, lets out and when it ends a request, as ${name}Limits`,
      isDone: Number(given['deadline']) > Date.now(),
    },
    {
      place: 'test/frameworks/types/all.ts',
      words: 'import a function of it, and name the type of what the platform calls: applications are compiled with it',
      isDone: read('test/frameworks/types/all.ts').includes(`from 'cms-auth-functions/${name}/`),
    },
    {
      place: 'package.json',
      words: `export ./${name}/auth and ./${name}/gateway, with their types, and list their folders among the files`,
      isDone: isExported('auth', row?.login, 'auth') && isExported('gateway', row?.gateway, 'gateway'),
    },
    {
      place: 'test/platforms/<name>.ts',
      words: 'start the login under its vendor’s own tool, and run describePlatform on that',
      isDone: row?.tool !== undefined && isRun(row.tool),
    },
    {
      place: 'test/platforms/gateways.ts',
      words: 'the same for the gateway',
      isDone: row?.tool !== undefined && read('test/platforms/gateways.ts').includes(`from './${row.tool}.ts'`),
    },
  ];
  return [
    {
      place: 'lib/platforms/<name>.ts',
      words: `the shell, exported as ${name}`,
      isDone: new RegExp(`export (const|function) ${name}\\b`).test(read(`lib/platforms/${name}.ts`)),
    },
    { place: 'lib/build/targets.mjs', words: 'a row', isDone: row !== undefined },
    {
      place: 'test/contract/<name>.test.ts',
      words: `call it in ${suites.join(', ')}`,
      isDone: inRuntime || suites.every((suite) => ownContract.includes(`${suite}(`)),
    },
    // A server that is started as it is needs nothing made for it, and `npm start` is its tool.
    ...(row && row.login === undefined ? [] : made),
    {
      place: 'docs/<name>.md',
      words: 'from nothing to a login, and where the log is',
      isDone: docs.includes('/auth') && /\blogs?\b/i.test(docs),
    },
    {
      place: 'docs/tested.md',
      words: 'what was run, with which tool and version, and what was not',
      isDone: row !== undefined && read('docs/tested.md').includes(`| [${row.label}](${row.docs}.md) |`),
    },
    {
      place: 'README.md',
      words: 'name it in the table of where it runs, with a link to its page',
      isDone: row !== undefined && read('README.md').includes(`[${row.label}](docs/${row.docs}.md)`),
    },
  ];
}

/** Whether the black-box suite is run on something that this file starts. */
function isRun(tool: string): boolean {
  const tests = readdirSync('test/platforms').filter((file) => file.endsWith('.test.ts'));
  return tests.some((file) => {
    const text = read(`test/platforms/${file}`);
    return /describePlatform\(/.test(text) && text.includes(`from './${tool}.ts'`);
  });
}

const lacks = (name: string, row: Target | undefined): string[] =>
  needs(name, row)
    .filter(({ isDone }) => !isDone)
    .map(({ place, words }) => `${place.replace('<name>', name)}: ${words}`);

describe('A platform', () => {
  it('is a shell with a row, both ways', () => expect(shells.toSorted()).toEqual(Object.keys(platforms).toSorted()));

  it.each(Object.entries(platforms))('is complete: %s', (name, row) => expect(lacks(name, row)).toEqual([]));

  it('that is new is told what it lacks', () => {
    const lonely = { label: 'Nowhere', docs: 'nowhere', login: 'nowhere', gateway: 'nowhere' };
    expect(lacks('nowhere', undefined)).toHaveLength(needs('nowhere', undefined).length);
    expect(lacks('nowhere', lonely)).toHaveLength(needs('nowhere', lonely).length - 1);
  });

  it('that is new is told the same by CONTRIBUTING, no more and no less', () => {
    const [, section = ''] = /^## Add a platform$([\s\S]*?)^## /m.exec(read('CONTRIBUTING.md')) ?? [];
    const named = [...section.matchAll(/\[?`((?:lib|docs|test)\/[^`]*<name>[^`]*|[\w/]+\.(?:ts|mjs|md|json))`/g)];
    const examples = /netlify|lambda\.ts|node\.ts|vercel\.ts/;
    expect(new Set(named.map(([, place = '']) => place).filter((place) => !examples.test(place)))).toEqual(
      new Set(needs('nowhere', undefined).map(({ place }) => place)),
    );
  });

  it('was run with the versions that its row names', () => {
    const { devDependencies } = JSON.parse(read('test/platforms/package.json')) as {
      devDependencies: Record<string, string>;
    };
    const table = read('docs/tested.md');
    for (const [tool, version] of Object.entries(devDependencies))
      expect(table, `${tool} ${version}`).toContain(`${tool} ${version.replace('npm:wrangler@', '')}`);
    const known = new Set(Object.entries(devDependencies).map((pair) => pair.join(' ')));
    for (const [, named = ''] of table.matchAll(/`([\w@/.-]+ \d+\.\d[\w.]*)`/g))
      expect([...known, ...[...known].map((pair) => pair.replace('npm:wrangler@', ''))]).toContain(named);
  });
});
