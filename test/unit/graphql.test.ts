import { buildSchema, parse, print, validate, visit, Kind, type GraphQLSchema } from 'graphql';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { judge } from '../../lib/gateway/graphql/document.ts';
import { writeQuery, type Fields } from '../../lib/gateway/graphql/table.ts';
import { api } from '../../lib/gateway/rules/github-api.ts';
import { readPaths } from '../../lib/gateway/rules/paths.ts';
import { github } from '../../lib/gateway/rules/github.ts';
import type { ApiCall } from '../../lib/gateway/rules/api.ts';
import type { Gateway } from '../../lib/gateway/settings.ts';

const paths = readPaths('content/**');
const gateway = {
  host: github,
  base: 'https://github.com',
  fullName: 'Owner/name',
  branch: 'main',
  paths,
} as unknown as Gateway;

const mutation: Fields = Object.fromEntries(Object.entries(api.mutations).map(([name, { field }]) => [name, field]));
const tables = { query: api.query, mutation };
const sha = 'a'.repeat(40);

/** What would be sent to GitHub. */
const sent = (source: string, variables: Record<string, unknown> = {}) => {
  const { operation, fields } = judge(source, variables, tables, gateway);
  expect(operation).toBe('query');
  return writeQuery(fields);
};

const ours = 'owner: "owner", name: "name"';

let schema: GraphQLSchema;
const githubSchema = () =>
  (schema ??= buildSchema(readFileSync('node_modules/@octokit/graphql-schema/schema.graphql', 'utf8'), {
    assumeValid: true,
    assumeValidSDL: true,
    noLocation: true,
  }));

describe('A document of GraphQL', () => {
  it('is written anew, with aliases kept and variables put in', () => {
    const source = `query($owner: String!, $repo: String!, $branch: String!) {
      repository(owner: $owner, name: $repo) {
        commit_0: ref(qualifiedName: $branch) { target { ... on Commit { history(first: 1, path: "content/ü \\"x\\".md") { nodes { author { name user { id: databaseId } } } } } } }
        content_0: object(oid: "${sha}") { ... on Blob { text isTruncated } }
      } # and no comment
    }`;
    expect(sent(source, { owner: 'OWNER', repo: 'name', branch: 'main', more: 'unused' })).toBe(
      `query{repository(owner:"Owner",name:"name"){commit_0:ref(qualifiedName:"main"){target{... on Commit{history(first:1,path:"content/ü \\"x\\".md"){nodes{author{name user{id:databaseId}}}}}}} content_0:object(oid:"${sha}"){... on Blob{text isTruncated}}}}`,
    );
  });

  it.each([
    ['viewer', '{ viewer { login } }', '"viewer"'],
    ['search', '{ search(query: "x", type: CODE, first: 1) { codeCount } }', '"search"'],
    ['node', '{ node(id: "R_1") { id } }', '"node"'],
    ['nodes', '{ nodes(ids: ["R_1"]) { id } }', '"nodes"'],
    ['introspection', '{ __schema { types { name } } }', '"__schema"'],
    ['the name of a type', `{ repository(${ours}) { __typename } }`, '"repository.__typename"'],
    ['a name of every object', `{ repository(${ours}) { constructor } }`, '"repository.constructor"'],
    ['a prototype', `{ repository(${ours}) { __proto__ { id } } }`, '"repository.__proto__"'],
    ['the owner', `{ repository(${ours}) { owner { login } } }`, '"repository.owner"'],
    ['collaborators', `{ repository(${ours}) { collaborators { totalCount } } }`, '"repository.collaborators"'],
    ['environments', `{ repository(${ours}) { environments(first: 1) { totalCount } } }`, '"repository.environments"'],
    [
      'the repository of a commit',
      `{ repository(${ours}) { object(oid: "${sha}") { ... on Commit { repository { id } } } } }`,
      '"repository.object.repository"',
    ],
    [
      'a tree',
      `{ repository(${ours}) { object(oid: "${sha}") { ... on Tree { entries { name } } } } }`,
      '"... on Tree"',
    ],
    ['a fragment without a type', `{ repository(${ours}) { ... { id } } }`, '"... on "'],
    ['a fragment with a name', `{ repository(${ours}) { ...F } } fragment F on Repository { id }`, 'more than one'],
    [
      'two operations',
      `query A { repository(${ours}) { id } } query B { repository(${ours}) { id } }`,
      'more than one',
    ],
    ['a subscription', 'subscription { x }', 'subscription'],
    ['a directive', `{ repository(${ours}) @include(if: true) { id } }`, '"@include"'],
    ['a directive of the query', `query @a { repository(${ours}) { id } }`, '"@a"'],
    ['a directive of a variable', `query($o: String @a) { repository(owner: $o, name: "name") { id } }`, '"@a"'],
    [
      'a directive of a fragment',
      `{ repository(${ours}) { ref(qualifiedName: "main") { target { ... on Commit @a { oid } } } } }`,
      '"@a"',
    ],
    [
      'a variable with a default',
      `query($o: String = "x") { repository(owner: $o, name: "name") { id } }`,
      'a value of its own',
    ],
    ['no repository', '{ repository { id } }', '"owner"'],
    ['half a repository', '{ repository(owner: "owner") { id } }', '"name"'],
    ['a variable that nobody has set', 'query($o: String!) { repository(owner: $o, name: "name") { id } }', '"owner"'],
    ['an argument twice', `{ repository(${ours}, owner: "other") { id } }`, 'two arguments'],
    ['another argument', `{ repository(${ours}, followRenames: true) { id } }`, '"followRenames"'],
    ['an argument where there is none', `{ repository(${ours}) { id(x: 1) } }`, '"x"'],
    ['a fragment that stands nowhere', `{ repository(${ours}) { ...F } }`, 'a fragment with a name'],
    [
      'two values of one name',
      `{ repository(${ours}) { pullRequests(first: 1, orderBy: { field: CREATED_AT, direction: ASC, field: UPDATED_AT }) { totalCount } } }`,
      'two values of one name',
    ],
    ['a long name', `{ ${'x'.repeat(61)} }`, `"${'x'.repeat(60)}…"`],
    ['a name that is nearly long', `{ ${'x'.repeat(60)} }`, `"${'x'.repeat(60)}"`],
    ['no ref', `{ repository(${ours}) { ref { name } } }`, '"qualifiedName"'],
    ['no object', `{ repository(${ours}) { object { ... on Blob { text } } } }`, '"oid", "expression"'],
    [
      'two objects',
      `{ repository(${ours}) { object(oid: "${sha}", expression: "main:a") { ... on Blob { text } } } }`,
      '"oid", "expression"',
    ],
    ['pull requests without an end', `{ repository(${ours}) { pullRequests { totalCount } } }`, '"first"'],
    ['a value with more below it', `{ repository(${ours}) { id { x } } }`, '"repository.id"'],
    ['an object without', `{ repository(${ours}) { ref(qualifiedName: "main") } }`, '"repository.ref"'],
    ['a fraction', `{ repository(${ours}) { pullRequests(first: 1.5) { totalCount } } }`, 'fraction'],
    ['no document', '{ repository(', 'this document'],
    ['nothing', '', 'this document'],
    ['a schema', 'type Query { a: Int }', 'more than one'],
    ['what runs out of stack', `{ repository(owner: ${'['.repeat(50_000)}`, 'this document'],
  ])('does not pass with %s', (_, source, word) => {
    expect(() => judge(source, {}, tables, gateway)).toThrow(word);
  });

  it.each([
    ['another repository', '{ repository(owner: "other", name: "name") { id } }'],
    [
      'another repository by an alias',
      `{ a: repository(${ours}) { id } b: repository(owner: "owner", name: "other") { id } }`,
    ],
    ['a letter that Unicode has more of', '{ repository(owner: "Owner", name: "nam\u0435") { id } }'],
    ['a long s, which is an s in upper case', '{ repository(owner: "owner", name: "na\u017fme") { id } }'],
    ['a number', '{ repository(owner: 1, name: "name") { id } }'],
    ['a list', '{ repository(owner: ["owner"], name: "name") { id } }'],
    ['null', '{ repository(owner: null, name: "name") { id } }'],
    ['a branch with a caret', `{ repository(${ours}) { ref(qualifiedName: "main^") { name } } }`],
    [
      'a search in history',
      `{ repository(${ours}) { object(expression: "main^{/secret}") { ... on Commit { oid } } } }`,
    ],
    [
      'a path that leads upwards',
      `{ repository(${ours}) { object(expression: "main:../x") { ... on Blob { text } } } }`,
    ],
    ['more than a hundred', `{ repository(${ours}) { pullRequests(first: 101) { totalCount } } }`],
    ['none', `{ repository(${ours}) { pullRequests(first: 0) { totalCount } } }`],
    [
      'another order',
      `{ repository(${ours}) { pullRequests(first: 1, orderBy: { field: COMMENTS, direction: ASC }) { totalCount } } }`,
    ],
    ['another state', `{ repository(${ours}) { pullRequests(first: 1, states: [OPEN, LOCKED]) { totalCount } } }`],
  ])('does not pass with %s as an argument', (_, source) => {
    expect(() => judge(source, {}, tables, gateway)).toThrow('The gateway does not pass this on');
  });

  /** A list of drafts, and what is sent for its arguments. */
  const drafts = (given: Record<string, unknown>) =>
    sent(
      `query($s: X, $l: X, $n: X, $o: X) { repository(${ours}) { pullRequests(states: $s, labels: $l, first: $n, orderBy: $o) { totalCount } } }`,
      { s: 'OPEN', l: 'x', n: 1, o: { field: 'UPDATED_AT', direction: 'DESC' }, ...given },
    ).replace(/^.*pullRequests/, '');

  it('has a list where GitHub takes one, also of one, with words of GitHub’s own unquoted', () => {
    const order = 'orderBy:{field:UPDATED_AT,direction:DESC}';
    expect(drafts({})).toBe(`(states:[OPEN],labels:["x"],first:1,${order}){totalCount}}}`);
    expect(drafts({ s: ['OPEN', 'MERGED'], l: ['a', '"'], n: 100 })).toBe(
      `(states:[OPEN,MERGED],labels:["a","\\""],first:100,${order}){totalCount}}}`,
    );
  });

  it('asks for one thing twice, by two names, and in an order that is written down in it', () => {
    const order = 'orderBy: { field: CREATED_AT, direction: ASC }';
    expect(
      sent(
        `{ a: repository(${ours}) { id } b: repository(${ours}) { pullRequests(first: 1, ${order}) { totalCount } } }`,
      ),
    ).toBe(
      'query{a:repository(owner:"Owner",name:"name"){id} b:repository(owner:"Owner",name:"name"){pullRequests(first:1,orderBy:{field:CREATED_AT,direction:ASC}){totalCount}}}',
    );
  });

  it('names as many labels as the CMS ever does, and as long ones', () => {
    const labels = (count: number) => Array.from({ length: count }, (_, index) => `label ${index}`);
    expect(drafts({ l: labels(100) })).toContain('"label 99"');
    expect(() => drafts({ l: labels(101) })).toThrow('more than the CMS');
    expect(drafts({ l: 'x'.repeat(100) })).toContain(`["${'x'.repeat(100)}"]`);
    expect(() => drafts({ l: 'x'.repeat(101) })).toThrow('no label');
  });

  it.each([
    ['a fraction', { n: 1.5 }],
    ['a number in quotes', { n: '1' }],
    ['a list in a list', { l: [['x']] }],
    ['an object for a label', { l: { length: 1 } }],
    ['a list for a state', { s: [['OPEN']] }],
    ['a direction that there is not', { o: { field: 'UPDATED_AT', direction: 'UP' } }],
    ['an order that is a text', { o: 'UPDATED_AT' }],
  ])('does not pass with %s in a variable', (_, given) => {
    expect(() => drafts(given)).toThrow('The gateway does not pass this on');
  });

  it.each([[['main']], [1], [true], [null], [{ toString: 'main' }]])(
    'takes %j for no branch, file or hash',
    (given) => {
      for (const field of ['ref(qualifiedName: $x) { name }', 'object(oid: $x) { ... on Blob { oid } }'])
        expect(() => sent(`query($x: X) { repository(${ours}) { ${field} } }`, { x: given })).toThrow(
          'The gateway does not pass this on',
        );
      expect(() =>
        sent(`query($x: X) { repository(${ours}) { object(expression: $x) { ... on Blob { oid } } } }`, { x: given }),
      ).toThrow('The gateway does not pass this on');
    },
  );

  it('switches no pull request of which GitHub does not say whose it is', async () => {
    const asked: string[] = [];
    const run = api.mutations['markPullRequestReadyForReview']?.run;
    // A repository that the credential cannot see is null, and so is a fork that has been deleted.
    const unseen = { headRefName: 'cms/a', baseRefName: 'main', headRepository: null, baseRepository: null };
    const call = {
      gateway,
      graphql: (document: string) => {
        asked.push(document);
        return Promise.resolve({ repository: null, node: unseen });
      },
    } as unknown as ApiCall;
    await expect(run?.({ pullRequestId: 'PR_1' }, call)).rejects.toThrow('none of the CMS');
    expect(asked).toEqual([expect.stringMatching(/^query/)]);
  });

  it('does not pass with another repository in a variable', () => {
    const source = 'query($o: String!, $n: String!) { repository(owner: $o, name: $n) { id } }';
    expect(() => sent(source, { o: 'other', n: 'name' })).toThrow('another repository');
    expect(() => sent(source, { o: { toString: 'owner' }, n: 'name' })).toThrow('another repository');
    expect(() =>
      sent(source, JSON.parse('{"__proto__": {"o": "owner"}, "n": "name"}') as Record<string, unknown>),
    ).toThrow('owner');
  });

  it('has an end', () => {
    const many = (count: number, field: string) => Array.from({ length: count }, (_, i) => `a${i}: ${field}`).join(' ');
    expect(() => sent(`{ ${many(10_000, `repository(${ours}) { id }`)} }`)).toThrow('does not know');
    expect(() => sent(`{ repository(${ours}) { ${many(10_000, 'id')} } }`)).toThrow('so many fields');
    expect(() => sent(`{ repository(${ours}) { ${many(5_000, 'id')} } }`)).not.toThrow();
    expect(() => sent(' '.repeat(2 * 1024 * 1024))).toThrow('of this size');
  });

  // GitHub counts them: https://docs.github.com/graphql/overview/rate-limits-and-query-limits-for-the-graphql-api
  describe('opens so many lists at GitHub and no more', () => {
    const times = (count: number, field: string) =>
      Array.from({ length: count }, (_, i) => `a${i}: ${field}`).join(' ');
    const histories = (count: number) =>
      `ref(qualifiedName: "main") { target { ... on Commit { ${times(count, 'history(first: 1) { nodes { oid } }')} } } }`;
    const labels = (count: number, first: number | string = 100) =>
      `pullRequests(first: ${first}) { nodes { ${times(count, 'labels(first: 1) { nodes { name } }')} } }`;
    const checks = (last: number) =>
      `object(oid: "${sha}") { ... on Commit { checkSuites(last: ${last}) { nodes { checkRuns(last: 20) { nodes { name } } } } } }`;
    const whole = (fields: string) => `query($n: Int) { repository(${ours}) { ${fields} } }`;

    it.each([
      ['what Sveltia CMS asks of its drafts', labels(2)],
      ['what it asks of many commits', times(20, checks(10))],
      ['many beside each other', histories(1_000)],
      ['many within each entry of another', labels(9)],
      ['many within each entry of several', times(9, checks(100))],
    ])('passes: %s', (_, fields) => {
      expect(() => sent(whole(fields))).not.toThrow();
    });

    it.each([
      ['too many beside each other', histories(1_001)],
      ['too many within each entry of another', labels(10)],
      ['the same, by a variable', labels(10, '$n')],
      ['too many within each entry of several', times(10, checks(100))],
    ])('does not pass: %s', (_, fields) => {
      expect(() => sent(whole(fields), { n: 100 })).toThrow('so many lists');
    });
  });

  it.each([
    ['another', 'mutation { deleteRef(input: { refId: "x" }) { clientMutationId } }', '"deleteRef"'],
    [
      'two',
      'mutation($i: CreateRefInput!) { a: createRef(input: $i) { ref { name } } b: createRef(input: $i) { ref { name } } }',
      'two mutations',
    ],
    ['one without an input', 'mutation { createRef { ref { name } } }', '"input"'],
    [
      'one that asks for more',
      'mutation($i: X!) { createRef(input: $i) { ref { target { oid } } } }',
      '"createRef.ref.target"',
    ],
    ['one of an object', 'mutation { constructor(input: 1) { x } }', '"constructor"'],
  ])('does not pass with %s as a mutation', (_, source, word) => {
    expect(() => judge(source, { i: {} }, tables, gateway)).toThrow(word);
  });

  /** Every way through the table, as a client would write it. */
  function* documents(fields: Fields, gatewayArguments: Record<string, string>): Generator<string> {
    for (const [name, { required = [], oneOf = [], fields: below }] of Object.entries(fields)) {
      const written = [...required, ...oneOf.slice(0, 1)].map((key) => `${key}: ${gatewayArguments[key]}`).join(', ');
      const head = `${name}${written && `(${written})`}`;
      if (!below) yield head;
      else for (const inner of documents(below, gatewayArguments)) yield `${head} { ${inner} }`;
    }
  }
  const samples = { owner: '"owner"', name: '"name"', qualifiedName: '"main"', oid: `"${sha}"`, first: '1', last: '1' };

  it('is one of GitHub’s own, whatever of the table it asks for', () => {
    const all = [...documents(api.query, samples)];
    expect(all.length).toBeGreaterThan(50);
    for (const one of all)
      expect(validate(githubSchema(), parse(sent(`{ ${one} }`))).map(({ message }) => message)).toEqual([]);
  });

  it('stays within the table, whatever it is made of', () => {
    const known = [...documents(api.query, samples)].map((one) => `{ ${one} }`);
    const name = fc.oneof(
      fc.constantFrom('viewer', 'node', 'owner', 'repository', 'id', 'refs', '__typename', 'target', 'text'),
      fc.stringMatching(/^[a-zA-Z_]\w{0,6}$/),
    );
    const texts = fc.oneof(
      fc.constantFrom('owner', 'other', 'name', 'main', 'main:a', sha, '"', '\\', '\u2028'),
      fc.string(),
    );
    // Known documents with something in them exchanged, and pieces put together at random.
    const changed = fc
      .tuple(fc.constantFrom(...known), fc.array(fc.tuple(fc.nat(), name, texts), { maxLength: 3 }))
      .map(([source, changes]) => {
        let at = -1;
        return print(
          visit(parse(source), {
            Field: (node) => {
              at += 1;
              const change = changes.find(([place]) => place % 7 === at);
              return change && { ...node, name: { kind: Kind.NAME, value: change[1] } };
            },
            StringValue: (node) => (changes[0] ? { ...node, value: changes[0][2] } : node),
          }),
        );
      });
    const scraps = fc
      .array(fc.oneof(fc.constantFrom('{', '}', '(', ')', ':', '...', 'on', '@', '$', '[', ']', '"'), name), {
        maxLength: 30,
      })
      .map((words) => words.join(' '));
    const allowed = new Set(namesIn(api.query));
    fc.assert(
      fc.property(fc.oneof(changed, scraps, fc.string()), fc.dictionary(name, fc.jsonValue()), (source, variables) => {
        let text: string;
        try {
          const { operation, fields } = judge(source, variables, tables, gateway);
          if (operation === 'mutation') return;
          text = writeQuery(fields);
        } catch (error) {
          expect(error).toMatchObject({ name: 'Failure', status: 422 });
          return;
        }
        visit(parse(text), {
          Field: ({ name: { value }, arguments: given = [] }) => {
            expect(allowed).toContain(value);
            if (value === 'repository')
              expect(given.map((one) => print(one))).toEqual(['owner: "Owner"', 'name: "name"']);
          },
          Variable: () => expect.unreachable(),
          Directive: () => expect.unreachable(),
        });
        expect(validate(githubSchema(), parse(text)).filter(({ message }) => !message.includes('conflict'))).toEqual(
          [],
        );
      }),
      { numRuns: 1_000 },
    );
  });
});

function namesIn(fields: Fields): string[] {
  return Object.entries(fields).flatMap(([name, { fields: below }]) => [name, ...(below ? namesIn(below) : [])]);
}
