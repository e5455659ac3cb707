// @ts-check
/** Leaves words for people as they are: tests hold codes, headers and what is sent, not prose. */

/** Members whose texts are for people, for the log or for the table of the fence. */
const members = /^(?:what|checks|names|detail|description|title|name)$/;
/** Functions that are told something in words. */
const callees = /^(?:refuse|guard|queryValue|passthrough|jsonBody|Error|TypeError|RangeError)$/;

/**
 * As far as we look at it.
 *
 * @typedef {{ type: string, value?: unknown, key?: Node, callee?: Node, name?: string, quasis?: { value: { cooked?: string } }[] }} Node
 * @param {{ node: Node, parent: Node }} place in the tree of Babel's
 */
function shouldIgnore({ node, parent }) {
  if (node.type !== 'StringLiteral' && node.type !== 'TemplateLiteral') return undefined;
  const text = node.quasis?.map(({ value }) => value.cooked ?? '').join('x') ?? String(node.value);
  const isSentence = /\p{L}{2,},? \p{L}+/u.test(text) && !/[;=<]/.test(text);
  const isMember = parent.type === 'ObjectProperty' && parent.value === node && members.test(parent.key?.name ?? '');
  const isSaid = /^(?:Call|New)Expression$/.test(parent.type) && callees.test(parent.callee?.name ?? '');
  return isSentence || isMember || isSaid ? 'words for people' : undefined;
}

export const strykerPlugins = [{ kind: 'Ignore', name: 'prose', value: { shouldIgnore } }];
