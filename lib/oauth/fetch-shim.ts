/**
 * As much of the web's `Headers` and `Response` as the OAuth library looks at. The first touch of Node's own loads all of its
 * fetch, which is nearly half of what a cold callback costs; so the build gives these to the library in the place of those
 * on Lambda and Firebase (lib/build/build.mjs). Nothing in here decides anything: what is sent and what is believed is in exchange.ts.
 */
export class Headers {
  readonly #fields = new Map<string, string>();

  constructor(fields: Readonly<Record<string, string>> | Headers = {}) {
    const entries = fields instanceof Headers ? fields.entries() : Object.entries(fields);
    for (const [name, value] of entries) this.set(name, value);
  }

  get = (name: string): string | null => this.#fields.get(name.toLowerCase()) ?? null;
  has = (name: string): boolean => this.#fields.has(name.toLowerCase());
  set = (name: string, value: string): void => void this.#fields.set(name.toLowerCase(), value);
  entries = (): IterableIterator<[string, string]> => this.#fields.entries();
}

/** An answer that has been read already. */
export class Response {
  readonly status: number;
  readonly headers: Headers;
  readonly bodyUsed = false;
  readonly #body: object | undefined;

  /** @param body what its JSON says; undefined if it was none */
  constructor(body: object | undefined, status: number) {
    this.#body = body;
    this.status = status;
    this.headers = new Headers(body && { 'content-type': 'application/json' });
  }

  json = async (): Promise<object> => {
    if (!this.#body) throw new SyntaxError('This is not JSON.');
    return this.#body;
  };

  clone = (): this => this;

  /** By this the library knows it for a `Response` where it has Node's own: on Netlify and on a Node server. */
  get [Symbol.toStringTag](): string {
    return 'Response';
  }
}
