// @ts-check
/** Guards of GitLab and Bitbucket behind the gateway. @type {import('./mutants.mjs').Mutant[]} */
export const hosts = [
  {
    guard: 'a form accounts for every byte',
    file: 'lib/gateway/form.ts',
    find: 'if (!follows(`${delimiter}\\r\\nContent-Disposition: ${what}${typed}\\r\\n\\r\\n`)) return undefined;',
    replace: 'follows(`${delimiter}\\r\\nContent-Disposition: ${what}${typed}\\r\\n\\r\\n`);',
    tests: 'test/unit/form.test.ts',
  },
  {
    guard: 'the boundary is nowhere but where a part begins',
    file: 'lib/gateway/form.ts',
    find: 'return isThere(bytes, delimiter, parts.length + 1) ? parts : undefined;',
    replace: 'return parts;',
    tests: 'test/unit/form.test.ts',
  },
  {
    guard: 'nothing stands behind a form',
    file: 'lib/gateway/form.ts',
    find: "if (rest !== 0 && !(rest === 2 && follows('\\r\\n'))) return undefined;",
    replace: '',
    tests: 'test/unit/form.test.ts',
  },
  {
    guard: 'deleted files are files, too (Bitbucket)',
    file: 'lib/gateway/hosts/bitbucket.ts',
    find: "const paths = [...files, ...(given.get('files') ?? [])];",
    replace: 'const paths = files;',
    tests: 'test/unit/bitbucket.test.ts',
  },
  {
    guard: 'the author is the editor (Bitbucket)',
    file: 'lib/gateway/hosts/bitbucket.ts',
    find: 'if (lowerCase(sent) !== lowerCase(author))',
    replace: 'if (false)',
    tests: 'test/unit/bitbucket.test.ts',
  },
  {
    guard: 'a pull request is no fork’s (Bitbucket)',
    file: 'lib/gateway/hosts/bitbucket.ts',
    find: '!isHere(from) || ',
    replace: '',
    tests: 'test/unit/bitbucket.test.ts',
  },
  {
    guard: 'the author is the editor (GitLab)',
    file: 'lib/gateway/hosts/gitlab.ts',
    find: 'author_email: email,',
    replace: "author_email: body['author_email'],",
    tests: 'test/unit/gitlab.test.ts',
  },
  {
    guard: 'where a file is moved from counts, too (GitLab)',
    file: 'lib/gateway/hosts/gitlab.ts',
    find: '...(from === undefined ? [] : [from])',
    replace: '',
    tests: 'test/unit/gitlab.test.ts',
  },
  {
    guard: 'a merge request is no fork’s (GitLab)',
    file: 'lib/gateway/hosts/gitlab.ts',
    find: ' || from !== to',
    replace: '',
    tests: 'test/unit/gitlab.test.ts',
  },
  {
    guard: 'a description holds no commands (GitLab)',
    file: 'lib/gateway/hosts/gitlab.ts',
    find: 'description: oneOf(...descriptions),',
    replace: 'description: anything,',
    tests: 'test/unit/gitlab.test.ts',
  },
];
