/**
 * The pages in the popup, which speak with the CMS that opened it.
 *
 * The CMSs' protocol: the popup posts `authorizing:P`, the opener echoes it, the popup answers with one result. Only the
 * echo's `event.origin` tells who is asking: `site_id` and `Referer` are written by, or can be withheld by, anybody. So the
 * first page asks and takes the answer to the server; the last one holds one message for that one origin, and posts it
 * without asking again, because Decap, Netlify CMS and Static CMS answer a single greeting.
 */
export interface PopupGreeting {
  greeting: string;
  /** The address of the second step, to which the encoded origin is appended. */
  next: string;
}

/** What a page has to tell the opener. */
export interface PopupResult {
  greeting: string;
  message: string;
  /**
   * The opener's origin. `null`: the opener answered before, but the request does not say who it was; the window remembers.
   * Absent: the opener has not answered yet, so it has to be asked first.
   */
  origin?: string | null;
}

/** What the script finds on the page (`popup.client.ts`). */
export type PopupMessage = PopupGreeting | PopupResult;
