/** What the popup's pages carry, read as their script and a curious stranger read it. */
import type { HandOver, Opening } from '../lib/hop/errand.ts';

const read = (id: string, body: string): unknown => {
  const [, json] = new RegExp(`<script type="application/json" id="${id}">(.*?)</script>`).exec(body) ?? [];
  return json === undefined ? undefined : JSON.parse(json);
};

/** What a login begins with, if it does. */
export const openingOf = ({ body }: { body: string }): Opening | undefined =>
  read('opening', body) as Opening | undefined;

/** What is said to the opener, if anything. */
export const handOverOf = ({ body }: { body: string }): HandOver | undefined =>
  read('hand-over', body) as HandOver | undefined;

/** Where the page goes on to once an opener of this origin has answered. */
export function nextOf(reply: { body: string }, origin: string): { url: string; path: string; query: string } {
  const { next } = openingOf(reply) ?? {};
  if (next === undefined) throw new Error(`No login begins here: ${/Code: \w+/.exec(reply.body)?.[0]}`);
  const { href, pathname, search } = new URL(next + encodeURIComponent(origin));
  return { url: href, path: pathname, query: search.slice(1) };
}

/** The code of a failure, as on the page. */
export const codeOf = ({ body }: { body: string }): string | undefined => /Code: (\w+)</.exec(body)?.[1];

/** The token that a page hands over. */
export const tokenOf = (reply: { body: string }): string | undefined =>
  /:success:.*"token":"([^"]+)"/.exec(handOverOf(reply)?.message ?? '')?.[1];
