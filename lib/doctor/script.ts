import { parse, type Node } from 'acorn';
import { computed, list, rest, type Entry, type Group, type Value } from './config.ts';

/** What the scripts of an admin page do with the CMS, as far as it can be read without running them. */
export interface ScriptFacts {
  /** Whether `CMS_MANUAL_INIT` keeps the CMS from starting by itself. */
  isManual: boolean;
  /** What is handed to `init`, once for each place where that happens; `undefined` where nothing is. */
  inits: (Value | undefined)[];
  /** `CMS_CONFIG`, which Decap and Netlify CMS take in the place of everything else. */
  config?: Value;
  /** `CMS_ENV`: the group of the configuration that Decap and Netlify CMS put over the rest. */
  environment?: string;
  /** Names of backends that the page registers itself. */
  backends: string[];
  /** Whether there is a script that could not be read. */
  isUnread: boolean;
}

export const noScripts = (): ScriptFacts => ({ isManual: false, inits: [], backends: [], isUnread: false });

/** Whatever mentions none of these neither starts the CMS nor changes it. */
const mentions = /\binit(?:CMS)?\b|CMS_MANUAL_INIT|CMS_CONFIG|CMS_ENV|registerBackend/;

/** What the CMS is called where a page calls it. */
const isCms = (name: string): boolean => /^(?:\w*cms\w*)$/i.test(name);

/** Steps of reading one script. Bundles with a CMS in them have a few millions. */
const mostSteps = 20_000_000;

/** Adds what one script does. Nothing of it is run; a script in a language that cannot be read counts as unread. */
export function readScript(text: string, file: string, facts: ScriptFacts): void {
  if (!mentions.test(text)) return;
  const program = parsed(text);
  if (program) new Reader(text, file, facts).read(program);
  else facts.isUnread = true;
}

function parsed(text: string): Node | undefined {
  for (const sourceType of ['module', 'script'] as const)
    try {
      return parse(text, { ecmaVersion: 'latest', sourceType, allowHashBang: true, allowReturnOutsideFunction: true });
    } catch {
      // As a script of the other kind, perhaps. Groups within groups without end are a RangeError.
    }
  return undefined;
}

/** A node of the tree, as loosely as it is looked at here. */
type Any = Node & Record<string, unknown>;

const isNode = (value: unknown): value is Any =>
  typeof value === 'object' && value !== null && typeof (value as { type?: unknown }).type === 'string';

class Reader {
  readonly #text: string;
  readonly #file: string;
  readonly #facts: ScriptFacts;
  /** What a name stands for; `undefined` where it is given more than once, as minified names are. */
  readonly #constants = new Map<string, Any | undefined>();
  readonly #calls: Any[] = [];
  #left = 100_000;

  constructor(text: string, file: string, facts: ScriptFacts) {
    this.#text = text;
    this.#file = file;
    this.#facts = facts;
  }

  read(program: Node): void {
    const open: Any[] = [program as Any];
    for (let steps = 0, node; (node = open.pop()); steps++) {
      if (steps > mostSteps) {
        this.#facts.isUnread = true;
        break;
      }
      this.#look(node);
      for (const value of Object.values(node)) {
        if (isNode(value)) open.push(value);
        else if (Array.isArray(value)) for (const one of value) if (isNode(one)) open.push(one);
      }
    }
    for (const call of this.#calls) this.#call(call);
  }

  #look(node: Any): void {
    switch (node.type) {
      case 'VariableDeclarator':
        return this.#name(node['id'], node['init']);
      case 'AssignmentExpression':
        return this.#assign(node);
      case 'FunctionDeclaration':
      case 'ClassDeclaration':
        return this.#name(node['id'], undefined);
      case 'ImportSpecifier':
      case 'ImportDefaultSpecifier':
      case 'ImportNamespaceSpecifier':
        return this.#name(node['local'], undefined);
      case 'CallExpression':
        return void this.#calls.push(node);
    }
  }

  #name(id: unknown, value: unknown): void {
    if (!isNode(id) || id.type !== 'Identifier') return;
    const name = String(id['name']);
    const isNew = !this.#constants.has(name);
    this.#constants.set(name, isNew && isNode(value) ? value : undefined);
    if (isNew && isNode(value)) this.#global(name, value);
  }

  /** `window.NAME = …`, or `NAME = …` */
  #assign({ left, right }: Any): void {
    if (!isNode(left) || !isNode(right)) return;
    if (left.type === 'MemberExpression') {
      const name = propertyOf(left);
      if (name !== undefined) this.#global(name, right);
      // Whatever is changed behind our back is not known any more.
      const owner = rootOf(left);
      if (owner !== undefined) this.#constants.set(owner, undefined);
    } else if (left.type === 'Identifier') {
      const name = String(left['name']);
      this.#constants.set(name, undefined);
      this.#global(name, right);
    }
  }

  #global(name: string, value: Any): void {
    if (name === 'CMS_MANUAL_INIT') this.#facts.isManual ||= this.#value(value) !== false;
    if (name === 'CMS_CONFIG') this.#facts.config ??= this.#value(value);
    if (name === 'CMS_ENV') {
      const environment = this.#value(value);
      if (typeof environment === 'string') this.#facts.environment ??= environment;
    }
  }

  #call(node: Any): void {
    const { callee } = node;
    const [first] = node['arguments'] as unknown[];
    if (!isNode(callee)) return;
    const name = callee.type === 'Identifier' ? String(callee['name']) : propertyOf(callee);
    if (name === 'registerBackend') {
      const backend = isNode(first) ? this.#value(first) : undefined;
      if (typeof backend === 'string') this.#facts.backends.push(backend);
      return;
    }
    if (name !== 'init' && name !== 'initCMS') return;
    const options = isNode(first) ? this.#value(first) : undefined;
    const config = options instanceof Map ? options.get('config') : undefined;
    if (config) return void this.#facts.inits.push(config.value);
    const owner = callee.type === 'MemberExpression' && isNode(callee['object']) ? callee['object'] : undefined;
    const called = owner && (owner.type === 'Identifier' ? String(owner['name']) : propertyOf(owner));
    // Many other things have an `init`.
    if (name === 'init' && (called === undefined || !isCms(called))) return;
    const isNothing = first === undefined || (options instanceof Map && !options.has(rest));
    this.#facts.inits.push(isNothing ? undefined : computed);
  }

  /** What an expression is, where that is written out; `computed` otherwise. */
  #value(node: Any, depth = 0): Value {
    if (this.#left-- < 0 || depth > 20) return computed;
    const value = (key: string) => (isNode(node[key]) ? this.#value(node[key], depth + 1) : computed);
    switch (node.type) {
      case 'Literal': {
        const literal = node['value'];
        if (literal === null && node['raw'] === 'null') return null;
        return ['string', 'number', 'boolean'].includes(typeof literal) ? (literal as string) : computed;
      }
      case 'TemplateLiteral': {
        const quasis = node['quasis'] as { value: { cooked?: string } }[];
        return quasis.length === 1 ? (quasis[0]?.value.cooked ?? computed) : computed;
      }
      case 'UnaryExpression': {
        const argument = value('argument');
        if (argument === computed || typeof argument === 'object' || typeof argument === 'symbol') return computed;
        if (node['operator'] === '!') return !argument;
        return node['operator'] === 'void' ? null : node['operator'] === '-' ? -Number(argument) : computed;
      }
      case 'BinaryExpression': {
        const [left, right] = [value('left'), value('right')];
        return node['operator'] === '+' && typeof left === 'string' && typeof right === 'string'
          ? left + right
          : computed;
      }
      case 'ArrayExpression':
        return list;
      case 'ObjectExpression':
        return this.#group(node, depth);
      case 'Identifier': {
        const name = String(node['name']);
        if (name === 'undefined') return null;
        const constant = this.#constants.get(name);
        return constant ? this.#value(constant, depth + 1) : computed;
      }
      case 'MemberExpression': {
        const owner = value('object');
        const name = propertyOf(node);
        return owner instanceof Map && name !== undefined && !owner.has(rest)
          ? (owner.get(name)?.value ?? computed)
          : computed;
      }
      case 'CallExpression':
        return this.#callValue(node, depth);
      case 'ParenthesizedExpression':
        return value('expression');
      default:
        return computed;
    }
  }

  /** `JSON.parse('…')`, as bundlers write large objects, and `Object.freeze(…)` */
  #callValue(node: Any, depth: number): Value {
    const callee = node['callee'];
    const [first] = node['arguments'] as unknown[];
    if (!isNode(callee) || !isNode(first)) return computed;
    const name = `${rootOf(callee) ?? ''}.${propertyOf(callee) ?? ''}`;
    if (name === 'Object.freeze') return this.#value(first, depth + 1);
    const text = name === 'JSON.parse' ? this.#value(first, depth + 1) : computed;
    try {
      return typeof text === 'string' ? this.#plain(JSON.parse(text), this.#lineOf(first)) : computed;
    } catch {
      return computed;
    }
  }

  #group(node: Any, depth: number): Group {
    const entries = new Map<string, Entry>();
    for (const property of node['properties'] as Any[]) {
      const line = this.#lineOf(property);
      if (property.type === 'SpreadElement') {
        const spread = isNode(property['argument']) ? this.#value(property['argument'], depth + 1) : computed;
        if (spread instanceof Map) for (const [key, entry] of spread) entries.set(key, entry);
        else if (spread !== null) entries.set(rest, { value: computed, line, file: this.#file });
        continue;
      }
      const key = property['computed'] === true ? undefined : keyOf(property['key']);
      const value = property['value'];
      if (key === undefined) entries.set(rest, { value: computed, line, file: this.#file });
      else
        entries.set(key, {
          value: property['kind'] === 'init' && isNode(value) ? this.#value(value, depth + 1) : computed,
          line,
          file: this.#file,
        });
    }
    return entries;
  }

  #plain(value: unknown, line: number): Value {
    if (this.#left-- < 0) return computed;
    if (Array.isArray(value)) return list;
    if (typeof value !== 'object' || value === null) return value as string | number | boolean | null;
    return new Map(
      Object.entries(value).map(([key, one]): [string, Entry] => [
        key,
        { value: this.#plain(one, line), line, file: this.#file },
      ]),
    );
  }

  #lineOf({ start }: Node): number {
    let line = 1;
    for (let at = this.#text.indexOf('\n'); at >= 0 && at < start; at = this.#text.indexOf('\n', at + 1)) line++;
    return line;
  }
}

const keyOf = (key: unknown): string | undefined =>
  !isNode(key) ? undefined : key.type === 'Identifier' ? String(key['name']) : keyText(key);

const keyText = (key: Any): string | undefined =>
  ['string', 'number'].includes(typeof key['value']) ? String(key['value']) : undefined;

/** The name behind the last dot. */
function propertyOf(node: Any): string | undefined {
  if (node.type === 'ChainExpression' && isNode(node['expression'])) return propertyOf(node['expression']);
  if (node.type !== 'MemberExpression' || !isNode(node['property'])) return undefined;
  return node['computed'] === true ? keyText(node['property']) : keyOf(node['property']);
}

/** The name in front of the first dot. */
function rootOf(node: Any): string | undefined {
  let at: unknown = node;
  for (let steps = 0; isNode(at) && at.type === 'MemberExpression' && steps < 100; steps++) at = at['object'];
  return isNode(at) && at.type === 'Identifier' ? String(at['name']) : undefined;
}
