/**
 * What can go wrong. Each room brings a table of its own (`errors.ts`), in which a failure has a stable code, the HTTP status,
 * and the words that both the editor and the CMS get to read. `{name}` is filled in from what we know ourselves, or from an
 * origin in the form that browsers give it; never from another text that the Git host or the request said: somebody else's words
 * are not shown as ours.
 */
export interface ErrorRow {
  code: string;
  status: number;
  text: string;
}

/** Gives each row of a table its name as its code: to the row itself, since this runs at every cold start. */
export function table<Code extends string>(
  rows: Readonly<Record<Code, Omit<ErrorRow, 'code'>>>,
): Readonly<Record<Code, ErrorRow>> {
  for (const code in rows) Object.assign(rows[code], { code });
  return rows as Readonly<Record<Code, ErrorRow>>;
}

/** What every route module can say. */
export const webErrors = table({
  BAD_REQUEST: { status: 400, text: 'This request cannot be used: {detail}. Start again from the CMS.' },
  REQUEST_TOO_LARGE: { status: 414, text: 'This request is too large. Start again from the CMS.' },
  METHOD_NOT_ALLOWED: { status: 405, text: 'This address does not take requests of this kind.' },
  NOT_FOUND: { status: 404, text: 'There is nothing at this address. The login begins at /auth.' },
  NAVIGATION_ONLY: {
    status: 403,
    text: 'A login only works in a window of its own, not in a frame, in the background or ahead of time. If the site has a service worker, it must not answer {path}.',
  },
  INTERNAL: { status: 500, text: 'Something went wrong in this login server. Start again from the CMS.' },
});

interface FailureOptions extends ErrorOptions {
  reason?: string;
}

/**
 * A request that ends without what it asked for. `message` is public. `cause` is for a debugger and is never logged: the
 * errors of the OAuth library hold authorization codes and even tokens.
 */
export class Failure extends Error {
  /** A file that is loaded on its own has a copy of this class, and what it throws is caught in another. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return value instanceof Error && value.name === 'Failure';
  }

  override readonly name = 'Failure';
  readonly code: string;
  readonly status: number;
  readonly #row: ErrorRow;
  /** What stands in the places of the text. */
  readonly fill: Readonly<Record<string, string>>;
  /** For the owner alone, in the log: which of several causes it was. */
  reason?: string;

  /** @param fill the values for the `{name}` places in the text; from our own settings and facts only */
  constructor(row: ErrorRow, fill: Readonly<Record<string, string>> = {}, options?: FailureOptions) {
    super(
      row.text.replace(/\{(\w+)\}/g, (_, name: string) => fill[name] ?? ''),
      options,
    );
    this.code = row.code;
    this.status = row.status;
    this.#row = row;
    this.fill = fill;
    if (options?.reason !== undefined) this.reason = options.reason;
  }

  /** The setting that it is about, by name, if it is about one. */
  get setting(): string | undefined {
    return this.fill['setting'];
  }

  /** The same with a platform's advice, where the words have a place for it. */
  withAdvice(advice: string | undefined): Failure {
    if (advice === undefined || !this.#row.text.includes('{advice}')) return this;
    return new Failure(this.#row, { ...this.fill, advice: ` ${advice}` }, this as FailureOptions);
  }
}
