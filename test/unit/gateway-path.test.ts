import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hosts } from '../../functions/gateway.ts';
import { findRule, isHostile } from '../../lib/gateway/rules/match.ts';
import { factsOf } from '../../lib/providers/facts.ts';
import { apiRoots } from '../../lib/providers/provider.ts';
import { isPath, isWritable, readPaths } from '../../lib/gateway/rules/paths.ts';
import type { Gateway } from '../../lib/gateway/settings.ts';
import type { GatewayHost } from '../../lib/gateway/rules/rule.ts';

const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'];

/** What a client, a proxy or somebody hostile makes of a path. */
const piece = fc.oneof(
  fc.constantFrom(
    '..',
    '.',
    '%2e%2e',
    '.%2e',
    '%2E',
    '%252e%252e',
    '..%2f',
    '%2f',
    '%252f',
    '\\',
    '%5c',
    '%255c',
    '//',
    '/',
    '?',
    '%3f',
    '#',
    '%23',
    '\t',
    '%09',
    '%0a',
    '%00',
    '%2500',
    ' ',
    '%20',
    '%',
    '%zz',
    '%c0%ae',
    '%e2%80%ae',
    'ü',
    '%C3%BC',
    ';',
    ':',
    '@',
    '...',
    '&',
    '=',
  ),
  fc.constantFrom(
    'git',
    'refs',
    'heads',
    'trees',
    'blobs',
    'branches',
    'repository',
    'files',
    'raw',
    'src',
    'pulls',
    'compare',
    'main',
    'cms',
    'posts',
    'user',
    'repos',
    'merge',
    '7',
    'a'.repeat(40),
    'owner',
  ),
  fc.string({ maxLength: 5 }),
);
const path = fc.oneof(
  fc.array(piece, { maxLength: 12 }).map((pieces) => `/${pieces.join('/')}`),
  fc.array(piece, { maxLength: 12 }).map((pieces) => `/${pieces.join('')}`),
  fc
    .tuple(
      fc.constantFrom(
        '/branches/',
        '/git/trees/main:',
        '/git/refs/heads/cms/',
        '/compare/main...',
        '/repository/files/',
        '/refs/branches/',
        '/src/main/',
      ),
      fc.array(piece, { maxLength: 8 }),
    )
    .map(([start, pieces]) => start + pieces.join('')),
);

describe('A path that means one thing here and another to whoever reads it next', () => {
  const hostile = [
    '/a\\b',
    '/a\tb',
    '/a\u0085b',
    '/a//b',
    '//a',
    '/a/./b',
    '/a/../b',
    '/a/..',
    '/a/.',
    '../a',
    './a',
    '..',
    '/a/%2e%2E/b',
    '/a/.%2e/b',
    '/a/%2E/b',
    '/a%2f..%2fb',
    '/a%2F/b',
    '/a%5Cb',
    '/a%00b',
    '/a%0Ab',
    '/a%7Fb',
    '/%zz%c0/%2e%2e/b',
  ];
  /** The same, encoded once more. */
  const twice = hostile.filter((each) => each.includes('%')).map((each) => each.replaceAll('%', '%25'));

  it.each([...hostile, ...twice])('is known: %j', (given) => {
    expect(isHostile(given)).toBe(true);
  });

  it.each(['/a/b', '/a/...', '/a/.b', '/a/..b', '/a/b..', '/a..b/c', '/a.', '/%zz', '/%C3%BC', '/a/%25252e%25252e/b'])(
    'is none of these: %j',
    (given) => {
      expect(isHostile(given)).toBe(false);
    },
  );

  it.each(hosts.map((host) => [host.provider.name, host] as const))('passes nowhere at %s', (_, host: GatewayHost) => {
    const gateway = { host, fullName: 'owner/name', branch: 'main' } as unknown as Gateway;
    const starts = { github: '/git/trees/main:', gitlab: '/repository/files/', bitbucket: '/src/main/' };
    const end = host.provider.id === 'gitlab' ? '/raw' : '';
    const find = (name: string) => {
      const path = starts[host.provider.id as keyof typeof starts] + name + end;
      return findRule(host.rules, { method: 'GET', path, query: new URLSearchParams(), isDecoded: false }, gateway);
    };
    expect(find('a%2Fb')).toHaveProperty('rule');
    // Decoded once, this names a file; decoded once more, it leads upwards.
    expect(find('a%252f%252e%252e%252fb')).toBeUndefined();
  });

  it('is a slash in a part that has none, however it is written', () => {
    const host = hosts.find(({ provider }) => provider.id === 'bitbucket');
    const gateway = { host, fullName: 'owner/name', branch: 'main' } as unknown as Gateway;
    const find = (path: string) =>
      findRule(host?.rules ?? [], { method: 'GET', path, query: new URLSearchParams(), isDecoded: false }, gateway);
    expect(find('/src/main/content/a.md')).toHaveProperty('rule');
    expect(find('/src/feature%2Fmain/content/a.md')).toBeUndefined();
  });
});

describe.each(hosts.map((host) => [host.provider.name, host] as const))('A path at %s', (_, host: GatewayHost) => {
  const fullName = host.provider.id === 'gitlab' ? 'group/sub/name' : 'owner/name';
  const roots = apiRoots(factsOf(host.provider), host.provider.url);
  const gateway = { host, roots, fullName, branch: 'main', paths: { allowed: undefined } } as unknown as Gateway;
  const prefix = `${roots?.api_root}${host.repositoryPath(fullName)}`;

  it('that passes leads into the repository, whoever reads it, and however often it is decoded', () => {
    let passed = 0;
    fc.assert(
      fc.property(path, fc.constantFrom(...methods), fc.boolean(), (given, method, isDecoded) => {
        const found = findRule(host.rules, { method, path: given, query: new URLSearchParams(), isDecoded }, gateway);
        if (found === undefined || found === 'mangled') return;
        passed++;
        const address = prefix + found.path;
        // A browser, and Node, read it as it stands.
        expect(new URL(address).href).toBe(address);
        expect(new URL(address).hash + new URL(address).search).toBe('');
        expect(isHostile(found.path)).toBe(false);
        // Who decodes first, and then makes an address of it, stays below the repository as well.
        let text = found.path;
        for (let round = 0; round < 2; round++) {
          text = text.replace(/%([0-9a-f]{2})/gi, (whole, hex: string) =>
            parseInt(hex, 16) < 0x80 ? String.fromCharCode(parseInt(hex, 16)) : whole,
          );
          const [before = ''] = text.split(/[?#]/);
          expect(new URL(prefix + before).pathname.startsWith(new URL(prefix).pathname)).toBe(true);
        }
      }),
      { numRuns: 20_000 },
    );
    expect(passed).toBeGreaterThan(20);
  });

  it('is found again in what it becomes', () => {
    fc.assert(
      fc.property(path, fc.constantFrom(...methods), (given, method) => {
        const ask = (text: string) =>
          findRule(host.rules, { method, path: text, query: new URLSearchParams(), isDecoded: false }, gateway);
        const found = ask(given);
        if (found === undefined || found === 'mangled') return;
        expect(ask(found.path)).toEqual(found);
      }),
      { numRuns: 5_000 },
    );
  });
});

describe('A name that a platform has decoded', () => {
  const [github] = hosts;
  const find = (given: string, isDecoded: boolean) => {
    const gateway = { host: github, fullName: 'owner/name', branch: 'main' } as unknown as Gateway;
    const found = findRule(
      github?.rules ?? [],
      { method: 'GET', path: `/git/trees/main:${given}`, query: new URLSearchParams(), isDecoded },
      gateway,
    );
    return typeof found === 'object' ? found.parameters['tree'] : found;
  };

  it('is the same as one that it has not', () => {
    for (const name of [
      'content/posts',
      'content/über uns',
      'a&b',
      'a+b',
      '100% x',
      '50%fun',
      'a%',
      "it's",
      'a=b',
      '[1]',
    ])
      expect([find(encodeURIComponent(name), false), find(name, true)], name).toEqual([`main:${name}`, `main:${name}`]);
  });

  it('is no other file’s where nobody can tell', () => {
    expect(find('50%20off', true)).toBe('mangled');
    expect(find('50%2520off', false)).toBe('main:50%20off');
    expect(find('content%2F50%20off', true)).toBe('main:content/50 off');
    // Decoded, it is a file whose name holds these three characters.
    expect(find('content/50%2Foff', true)).toBe('mangled');
  });
});

describe('What may be written', () => {
  it('is never what hosts run or obey by themselves, whatever is set', () => {
    const all = readPaths('**');
    if ('problem' in all) throw new Error(all.problem);
    for (const name of [
      '.github/workflows/a.yml',
      '.GitHub/a',
      'a/.GITLAB-CI.yml',
      'bitbucket-pipelines.yml',
      '.gitmodules',
      'x/.gitattributes',
      '.git/config',
      '.g\u200dit/config',
      '.github./a',
      '.gith\uff55b/a',
      'CODEOWNERS',
      'docs/CodeOwners',
      '.github/CODEOWNERS',
      'CODEOWNER\u017f',
      'CODEOWNERS.',
      '.bitbucket/CODEOWNERS',
      '.devcontainer/devcontainer.json',
      '.devcontainer.json',
      'content/.devcontainer/x',
      '.devfile.yaml',
      '.lfsconfig',
      'content/.lfsconfig',
      'GIT~1/config',
      '.gitkeep/x',
      '.gitKeep',
      'Jenkinsfile',
      '.cirrus.yml',
      '.cirrus.star',
      'appveyor.yml',
      '.semaphore/semaphore.yml',
      '.tekton/push.yaml',
      '.teamcity/settings.kts',
      'bitrise.yml',
      'codefresh.yml',
      'buildspec.yml',
      'cloudbuild.yaml',
      '.build.yml',
      '.builds/main.yml',
      '.mergify.yml',
      'renovate.json',
      '.renovaterc.json',
      '.circleci/config.yml',
      'Jenkinsfile..',
      'Jenkinsfile. .',
      'Jenkinsfile:x',
      // To some these are slashes.
      'x\uff0f.github\uff0fworkflows',
      'x\uff0fJenkinsfile',
      'Jenkinsfile\uff0fx',
    ])
      expect(isWritable(name, all), name).toBe(false);
    for (const name of [
      'package.json',
      'netlify.toml',
      'content/a.md',
      'a/git/b',
      'legit/x',
      'my.github.md',
      '.gitkeep',
      'content/posts/.gitkeep',
      'content/codeowners.md',
      'content/über uns/日本語 – ёж.md',
      'content/e\u0301te\u0301 👩\u200d👩\u200d👧.md',
    ])
      expect(isWritable(name, all), name).toBe(true);
  });

  it('has a name that everybody reads alike', () => {
    const all = readPaths('**');
    if ('problem' in all) throw new Error(all.problem);
    for (const name of [
      'content/a.md ',
      ' content/a.md',
      'content /a.md',
      'content/\u00a0a.md',
      'content/a.md\u3000',
      'content/\ud800.md',
      `content/${'a'.repeat(256)}`,
      `content/${'ü'.repeat(128)}`,
      `${'a/'.repeat(512)}a.md`,
    ])
      expect(isWritable(name, all), JSON.stringify(name)).toBe(false);
    // What is there already can be read, whatever it is called.
    for (const name of ['content/a.md ', `content/${'a'.repeat(256)}`]) expect(isPath(name)).toBe(true);
    expect(isPath('content/\ud800.md')).toBe(false);
    for (const name of [`content/${'a'.repeat(255)}`, 'content/a b.md', `${'a/'.repeat(511)}aa`])
      expect(isWritable(name, all)).toBe(true);
  });

  it('is matched in linear time', () => {
    const paths = readPaths('_posts/*-*-*-*.md, **/a/**/a/**/a/**/b, *a*a*a*a*a*a*b/**');
    if ('problem' in paths) throw new Error(paths.problem);
    expect(isWritable('_posts/2026-01-02-title-of-it.md', paths)).toBe(true);
    expect(isWritable('_posts/2026-01-02.md', paths)).toBe(false);
    // With what goes back, these take longer than the universe is old.
    expect(isWritable(`_posts/${'-'.repeat(250)}`, paths)).toBe(false);
    expect(isWritable(`${'a/'.repeat(500)}c`, paths)).toBe(false);
    expect(isWritable(`${'a'.repeat(250)}/c`, paths)).toBe(false);
    expect(isWritable(`${'a/'.repeat(500)}b`, paths)).toBe(true);
  });

  it('has each sign of a pattern once: what begins a name does not end it as well', () => {
    const may = (pattern: string, name: string) => {
      const paths = readPaths(pattern);
      if ('problem' in paths) throw new Error(paths.problem);
      return isWritable(name, paths);
    };
    for (const name of ['aa', 'aba', 'aaa']) expect(may('a*a', name), name).toBe(true);
    for (const name of ['a', 'ab', 'ba']) expect(may('a*a', name), name).toBe(false);
    for (const name of ['aa', 'baca']) expect(may('*a*a', name), name).toBe(true);
    for (const name of ['a', 'ba', 'ab']) expect(may('*a*a', name), name).toBe(false);
    for (const name of ['a', 'a/b']) expect(may('*/*/**', name), name).toBe(false);
    expect(may('*/*/**', 'a/b/c')).toBe(true);
    expect(may('*/**/*/*', 'a/b')).toBe(false);
  });

  it('is what the same pattern as a regular expression says', () => {
    const part = fc.constantFrom('a', 'ab', 'b', '*', 'a*', '*b', 'a*b', '*a*', '**');
    const name = fc.constantFrom('a', 'ab', 'b', 'aab', 'ba', 'abab');
    const source = (pattern: string) =>
      pattern
        .split('/')
        .map((each) => each.replace(/^\*\*$/, '\0').replaceAll('*', '[^/]*'))
        .join('/')
        .replace(/^(?:\0\/)+(?!$)/, '(?:.+/)?')
        .replace(/\/(?:\0\/)+/g, '/(?:.+/)?')
        .replace(/\0$/, '.+');
    fc.assert(
      fc.property(
        fc.array(part, { minLength: 1, maxLength: 5 }),
        fc.array(name, { minLength: 1, maxLength: 6 }),
        (pattern, names) => {
          // Two in a row mean the same as one.
          const written = pattern.filter((each, at) => each !== '**' || pattern[at - 1] !== '**').join('/');
          const paths = readPaths(written);
          if ('problem' in paths) throw new Error(paths.problem);
          const path = names.join('/');
          expect(isWritable(path, paths), `${written} ${path}`).toBe(new RegExp(`^${source(written)}$`).test(path));
        },
      ),
      { numRuns: 5_000 },
    );
  });

  it('is below the folders that are named, and nowhere else', () => {
    const paths = readPaths('content/**, static/img/*.png, **/_index.md, data.json');
    if ('problem' in paths) throw new Error(paths.problem);
    for (const name of [
      'content/a.md',
      'content/a/b/c.md',
      'static/img/a.png',
      '_index.md',
      'a/b/_index.md',
      'data.json',
    ])
      expect(isWritable(name, paths), name).toBe(true);
    for (const name of [
      'content',
      'contents/a',
      'x/content/a',
      'static/img/a/b.png',
      'static/img/a.pngx',
      'a_index.md',
      'dataXjson',
      'x/data.json',
      'content/../a',
      'content/./a',
      'content//a',
      '/content/a',
    ])
      expect(isWritable(name, paths), name).toBe(false);
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 6 }), (pieces) => {
        const name = `content/${pieces.join('/')}`;
        if (!isWritable(name, paths)) return;
        expect(isPath(name)).toBe(true);
        expect(
          new URL(`https://x/${name.split('/').map(encodeURIComponent).join('/')}`).pathname.startsWith('/content/'),
        ).toBe(true);
      }),
    );
  });

  it.each(['', ' ', ',', ' , ,', '/content/**', 'content/', 'a//b', '../a', 'a\\b', 'a**b', 'content/**x'])(
    '"%s" is no pattern',
    (value) => {
      expect(readPaths(value)).toHaveProperty('problem');
    },
  );
});
