import {
  Kind,
  parse,
  type ArgumentNode,
  type DocumentNode,
  type FieldNode,
  type InlineFragmentNode,
  type ObjectFieldNode,
  type SelectionSetNode,
  type ValueNode,
} from 'graphql';
import { Failure } from '../../http/errors.ts';
import { gatewayErrors } from '../errors.ts';
import type { Gateway } from '../settings.ts';
import type { Field, Fields, Selected } from './table.ts';

/**
 * Which documents of GraphQL may pass. The reference library reads the text; what it finds is held against a table, and only what
 * was found there is handed on. Nothing of the client's own text is.
 *
 * This file is loaded for GraphQL alone, so it keeps nothing in memory that another part would have to share.
 */

/**
 * What is read at all. Sveltia CMS asks for 250 files at a time, which is 15,000 words, 3,000 fields and 250 lists. GitHub counts the lists
 * that it has to open: a hundred are one of the 5,000 points that it gives in an hour, to all editors together.
 *
 * @see https://docs.github.com/graphql/overview/rate-limits-and-query-limits-for-the-graphql-api
 */
const limits = { text: 1024 * 1024, tokens: 60_000, fields: 6_000, lists: 1_000 };

export interface Judged {
  operation: 'query' | 'mutation';
  fields: readonly Selected[];
}

/**
 * @param source what the client wrote
 * @param variables what its variables stand for
 * @param tables what may be asked for
 * @throws Failure UNKNOWN_DOCUMENT with the name of what is not on the table, or NOT_ALLOWED for an argument
 */
export function judge(
  source: string,
  variables: Readonly<Record<string, unknown>>,
  tables: { query: Fields; mutation: Fields },
  gateway: Gateway,
): Judged {
  const document = read(source);
  const [definition, ...others] = document.definitions;
  // One operation, which nothing has to choose from. Fragments with names are definitions, too.
  if (definition?.kind !== Kind.OPERATION_DEFINITION || others.length > 0) throw unknown('more than one operation');
  const { operation, directives = [], variableDefinitions = [], selectionSet } = definition;
  if (operation !== 'query' && operation !== 'mutation') throw unknown(`the operation "${operation}"`);
  const [directive] = [...directives, ...variableDefinitions.flatMap((one) => one.directives ?? [])];
  if (directive) throw unknown(`the directive "@${short(directive.name.value)}"`);
  if (variableDefinitions.some(({ defaultValue }) => defaultValue)) throw unknown('a variable with a value of its own');

  let count = 0;
  let lists = 0;

  /** @param times that it is looked up: within a list, once for each entry */
  function readFields({ selections }: SelectionSetNode, table: Fields, place: string, times = 1): Selected[] {
    return selections.map((selection) => {
      if ((count += 1) > limits.fields) throw unknown('so many fields at a time');
      if (selection.kind === Kind.FRAGMENT_SPREAD) throw unknown('a fragment with a name');
      const [marked] = selection.directives ?? [];
      if (marked) throw unknown(`the directive "@${short(marked.name.value)}"`);
      return selection.kind === Kind.FIELD
        ? readField(selection, table, place, times)
        : readFragment(selection, table, place, times);
    });
  }

  function readField(node: FieldNode, table: Fields, place: string, times: number): Selected {
    const name = node.name.value;
    const at = place === '' ? short(name) : `${place}.${short(name)}`;
    // `__typename` and all of introspection are names like any other that is not on the table.
    if (!Object.hasOwn(table, name)) throw unknown(`the field "${at}"`);
    const rule = table[name] as Field;
    const { written, given } = readArguments(node.arguments ?? [], rule, at);
    if (Boolean(rule.fields) !== Boolean(node.selectionSet)) throw unknown(`the field "${at}" in this way`);
    const length = given['first'] ?? given['last'];
    const isList = typeof length === 'number';
    if (isList && (lists += times) > limits.lists) throw unknown('so many lists at a time');
    const within = isList ? times * length : times;
    return {
      alias: node.alias?.value ?? name,
      name,
      written,
      given,
      ...(rule.fields && node.selectionSet && { fields: readFields(node.selectionSet, rule.fields, at, within) }),
    };
  }

  function readFragment(node: InlineFragmentNode, table: Fields, place: string, times: number): Selected {
    const name = `... on ${node.typeCondition?.name.value ?? ''}`;
    const below = Object.hasOwn(table, name) ? table[name]?.fields : undefined;
    if (!below) throw unknown(`"${short(name)}" of the field "${place}"`);
    return { alias: '', name, written: {}, given: {}, fields: readFields(node.selectionSet, below, place, times) };
  }

  function readArguments(nodes: readonly ArgumentNode[], rule: Field, at: string): Pick<Selected, 'written' | 'given'> {
    const written: Record<string, string> = {};
    const given: Record<string, unknown> = {};
    for (const { name, value } of nodes) {
      const key = name.value;
      const check = rule.arguments && Object.hasOwn(rule.arguments, key) ? rule.arguments[key] : undefined;
      if (!check) throw unknown(`the argument "${short(key)}" of the field "${at}"`);
      // Two readers might each believe another one.
      if (Object.hasOwn(given, key)) throw unknown(`two arguments "${short(key)}" of the field "${at}"`);
      const decoded = valueOf(value, variables);
      if (decoded === undefined) continue; // a variable that nobody has set
      given[key] = decoded;
      written[key] = check(decoded, gateway);
    }
    const { required = [], oneOf } = rule;
    const missing = required.find((key) => !Object.hasOwn(given, key));
    if (missing !== undefined) throw unknown(`the field "${at}" without the argument "${missing}"`);
    if (oneOf && oneOf.filter((key) => Object.hasOwn(given, key)).length !== 1)
      throw unknown(`the field "${at}" without one of the arguments "${oneOf.join('", "')}"`);
    return { written, given };
  }

  const fields = readFields(selectionSet, tables[operation], '');
  // GraphQL carries several out one after the other, and what the first one changed stays if the second one fails.
  if (operation === 'mutation' && fields.length !== 1) throw unknown('two mutations at a time');
  return { operation, fields };
}

function read(source: string): DocumentNode {
  if (source.length > limits.text) throw unknown('a document of this size');
  try {
    return parse(source, { maxTokens: limits.tokens, noLocation: true });
  } catch (error) {
    // Also what is nested so deep that the reader runs out of stack.
    throw new Failure(gatewayErrors.UNKNOWN_DOCUMENT, { what: 'this document' }, { cause: error });
  }
}

function valueOf(node: ValueNode, variables: Readonly<Record<string, unknown>>): unknown {
  switch (node.kind) {
    case Kind.VARIABLE:
      return Object.hasOwn(variables, node.name.value) ? variables[node.name.value] : undefined;
    case Kind.INT:
      return Number(node.value);
    case Kind.STRING:
    case Kind.ENUM:
    case Kind.BOOLEAN:
      return node.value;
    case Kind.NULL:
      return null;
    case Kind.LIST:
      return node.values.map((value) => valueOf(value, variables));
    case Kind.OBJECT:
      return recordOf(node.fields, variables);
    case Kind.FLOAT:
      throw unknown('a number with a fraction');
  }
}

function recordOf(fields: readonly ObjectFieldNode[], variables: Readonly<Record<string, unknown>>): object {
  const names = new Set(fields.map(({ name }) => name.value));
  if (names.size < fields.length) throw unknown('two values of one name');
  return Object.fromEntries(fields.map(({ name, value }) => [name.value, valueOf(value, variables)]));
}

const unknown = (what: string) => new Failure(gatewayErrors.UNKNOWN_DOCUMENT, { what });

/** Names are letters, digits and underscores, whoever wrote them: they may be said, but not at any length. */
const short = (name: string): string => (name.length > 60 ? `${name.slice(0, 60)}…` : name);
