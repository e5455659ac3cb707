/**
 * The pages in the popup, which speak with the CMS that opened it.
 *
 * The CMSs' protocol: the popup posts `authorizing:P`, the opener echoes it, the popup answers with one result. Only the
 * echo's `event.origin` tells who is asking: `site_id` and `Referer` are written by, or can be withheld by, anybody. So the
 * first page asks and takes the answer to the server; the last one holds one message for that one origin, and posts it
 * without asking again, because Decap, Netlify CMS and Static CMS answer a single greeting.
 */
export interface Opening {
  greeting: string;
  /** The address of the second step, to which the encoded origin is appended. */
  next: string;
}

/** What a page has to tell the opener. */
export interface HandOver {
  greeting: string;
  message: string;
  /**
   * The opener's origin. `null`: it was heard before, but the address does not say who it is; the window remembers.
   * Absent: nobody was heard yet, so it has to be asked first.
   */
  origin?: string | null;
}

/** What the script finds on the page (`popup.client.ts`). */
export type Errand = Opening | HandOver;
