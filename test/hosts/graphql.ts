/**
 * As much of GraphQL as the CMSs speak: one operation, aliases, arguments, variables and inline fragments. Running the
 * real query, instead of recognizing its text, lets a host find out when a new CMS version asks for something else.
 *
 * A schema is an object: fields are its own properties, those with arguments are functions, `__typename` picks fragments.
 */

type Value = { variable: string } | { literal: unknown } | { list: Value[] } | { object: Array<[string, Value]> };

interface Selection {
  /** Set for `... on Type { }`, where alias and name mean nothing. */
  type?: string;
  alias: string;
  name: string;
  args: Array<[string, Value]>;
  selections?: Selection[];
}

export class GraphQLError extends Error {
  readonly type: string | undefined;

  constructor(message: string, type?: string) {
    super(message);
    this.type = type;
  }
}

export function executeGraphQL(
  query: string,
  variables: Record<string, unknown>,
  schema: { query: object; mutation: object },
) {
  const { operation, selections } = parse(query);
  return complete(schema[operation], selections, variables);
}

// Execution

function complete(value: unknown, selections: Selection[] | undefined, variables: Record<string, unknown>): unknown {
  if (value === null || value === undefined || selections === undefined) return value ?? null;
  if (Array.isArray(value)) return value.map((item) => complete(item, selections, variables));
  const node = value as Record<string, unknown>;
  const result: Record<string, unknown> = {};
  for (const { type, alias, name, args, selections: inner } of selections) {
    if (type !== undefined) {
      if (node['__typename'] === type) Object.assign(result, complete(node, inner, variables));
      continue;
    }
    if (!Object.hasOwn(node, name)) {
      throw new GraphQLError(`Field '${name}' doesn't exist on type '${String(node['__typename'])}'`, 'undefinedField');
    }
    const field = node[name];
    const given = Object.fromEntries(args.map(([key, arg]) => [key, evaluate(arg, variables)]));
    result[alias] = complete(typeof field === 'function' ? field(given) : field, inner, variables);
  }
  return result;
}

function evaluate(value: Value, variables: Record<string, unknown>): unknown {
  if ('variable' in value) return variables[value.variable];
  if ('list' in value) return value.list.map((item) => evaluate(item, variables));
  if ('object' in value) {
    return Object.fromEntries(value.object.map(([name, item]) => [name, evaluate(item, variables)]));
  }
  return value.literal;
}

// Parsing

function parse(query: string) {
  const ignored = /^(?:[\s,\uFEFF]|#.*)+/;
  const token = /^(?:\.\.\.|[{}()[\]:=!$]|[A-Za-z_]\w*|-?\d+(?:\.\d+)?|"(?:[^"\\\n]|\\.)*")/;
  let rest = query.replace(ignored, '');

  const peek = () => token.exec(rest)?.[0] ?? '';
  const take = (expected?: string) => {
    const taken = peek();
    if (taken === '' || (expected !== undefined && taken !== expected)) {
      throw new GraphQLError(`Expected ${expected ?? 'more'} at "${rest.slice(0, 20)}"`, 'parseError');
    }
    rest = rest.slice(taken.length).replace(ignored, '');
    return taken;
  };
  const until = <T>(open: string, item: () => T, close: string) => {
    const items: T[] = [];
    for (take(open); peek() !== close;) items.push(item());
    take(close);
    return items;
  };

  const pair = (): [string, Value] => {
    const name = take();
    take(':');
    return [name, value()];
  };
  const value = (): Value => {
    const next = peek();
    if (next === '$') {
      take();
      return { variable: take() };
    }
    if (next === '[') return { list: until('[', value, ']') };
    if (next === '{') return { object: until('{', pair, '}') };
    const text = take();
    // Numbers, strings and booleans are written as in JSON; any other bare word is an enum value.
    return { literal: /^(?:["\d-]|(?:true|false|null)$)/.test(text) ? (JSON.parse(text) as unknown) : text };
  };
  const selection = (): Selection => {
    if (peek() === '...') {
      take();
      take('on');
      return { type: take(), alias: '', name: '', args: [], selections: until('{', selection, '}') };
    }
    const first = take();
    const name = peek() === ':' ? (take(), take()) : first;
    const args = peek() === '(' ? until('(', pair, ')') : [];
    const selected: Selection = { alias: first, name, args };
    if (peek() === '{') selected.selections = until('{', selection, '}');
    return selected;
  };

  const operation = peek() === '{' ? 'query' : take();
  if (operation !== 'query' && operation !== 'mutation') throw new GraphQLError(`No ${operation} here`, 'parseError');
  if (!/^[({]/.test(peek())) take();
  // The types of variables are declared here; we read the values as they come.
  if (peek() === '(') until('(', take, ')');
  return { operation, selections: until('{', selection, '}') } as const;
}
