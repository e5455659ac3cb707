/** What the popup's pages carry, read as their script and a curious stranger read it. */
import type { PopupResult, PopupGreeting } from '../lib/handler/message.ts';

const read = (id: string, body: string): unknown => {
  const [, json] = new RegExp(`<script type="application/json" id="${id}">(.*?)</script>`).exec(body) ?? [];
  return json === undefined ? undefined : JSON.parse(json);
};

/** What a login begins with, if it does. */
export const popupGreetingOf = ({ body }: { body: string }): PopupGreeting | undefined =>
  read('opening', body) as PopupGreeting | undefined;

/** What is said to the opener, if anything. */
export const popupResultOf = ({ body }: { body: string }): PopupResult | undefined =>
  read('hand-over', body) as PopupResult | undefined;

/** Where the page goes on to once an opener of this origin has answered. */
export function nextOf(reply: { body: string }, origin: string): { url: string; path: string; query: string } {
  const { next } = popupGreetingOf(reply) ?? {};
  if (next === undefined) throw new Error(`No login begins here: ${/Code: \w+/.exec(reply.body)?.[0]}`);
  const { href, pathname, search } = new URL(next + encodeURIComponent(origin));
  return { url: href, path: pathname, query: search.slice(1) };
}

/** The code of a failure, as on the page. */
export const codeOf = ({ body }: { body: string }): string | undefined => /Code: (\w+)</.exec(body)?.[1];

/** The token that a page hands over. */
export const tokenOf = (reply: { body: string }): string | undefined =>
  /:success:.*"token":"([^"]+)"/.exec(popupResultOf(reply)?.message ?? '')?.[1];

export interface Minted {
  /** Where the host sends the browser. */
  callback: string;
  /** The login's, `name=value`. */
  cookie: string;
  /** As it was set. */
  set: string;
}

/**
 * A login up to the callback, in a browser that is a program: it takes the answer of an opener with this origin for granted,
 * as nobody could in the browser of somebody else. The host has to agree without being asked.
 *
 * @param begin the address that the login begins at
 */
export async function mint(begin: string, origin: string, cookies?: string): Promise<Minted> {
  const first = cookies === undefined ? {} : { headers: { cookie: cookies } };
  const opening = await fetch(begin, { redirect: 'manual', ...first });
  const set = opening.headers.getSetCookie().at(-1) ?? '';
  const [cookie = ''] = set.split(';', 1);
  const { path, query } = nextOf({ body: await opening.text() }, origin);
  const next = `${new URL(begin).origin}${path}?${query}`;
  const begun = await fetch(next, { redirect: 'manual', headers: { cookie } });
  const location = begun.headers.get('location');
  if (location === null) throw new Error(`Nothing is asked of the host: ${codeOf({ body: await begun.text() })}`);
  const consent = await fetch(location, { redirect: 'manual' });
  return { callback: consent.headers.get('location') ?? '', cookie, set };
}
