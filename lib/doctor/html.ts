import { Parser } from 'htmlparser2';

/** An element of a page, with all of the text in it. */
export interface Element {
  name: string;
  attributes: Readonly<Record<string, string>>;
  text: string;
}

/** Browsers run and follow nothing in these. */
const inert = ['template', 'noscript'];

/** Milliseconds. Real pages take one or two; those that were made to take minutes are read as far as this reaches. */
const timeoutMs = 1000;

/**
 * The elements of these names, in the order in which they begin. Of elements within others of the same name only the outer
 * one is given.
 */
export function elementsOf(html: string, ...names: string[]): Element[] {
  const found: Element[] = [];
  const open = new Map<string, Element>();
  let hidden = 0;
  const parser = new Parser({
    onopentag(name, attributes) {
      if (inert.includes(name)) hidden++;
      if (hidden > 0 || !names.includes(name) || open.has(name)) return;
      const element = { name, attributes, text: '' };
      found.push(element);
      open.set(name, element);
    },
    ontext(text) {
      if (hidden === 0) for (const element of open.values()) element.text += text;
    },
    onclosetag(name) {
      if (inert.includes(name)) hidden--;
      else open.delete(name);
    },
  });
  const end = performance.now() + timeoutMs;
  for (let at = 0; at < html.length && performance.now() < end; at += chunk) parser.write(html.slice(at, at + chunk));
  parser.end();
  return found;
}

/** Between two looks at the clock. */
const chunk = 4 * 1024;
