/**
 * The one cache of this program. A value is found by all that decides it (settings, a hash of a token, the address of a server), so
 * handlers with different configurations can share one process, and so one cache: none gets what was made for another.
 */
interface Entry<Value> {
  value: Value;
  /** Milliseconds since the epoch. */
  until: number;
}

/** Values by key, each until its time. Beyond `size` entries, those that were not used for the longest time go. */
export class Cache<Value> {
  readonly #entries = new Map<string, Entry<Value>>();
  readonly #size: number;

  constructor(size = 100) {
    this.#size = size;
  }

  /** @returns undefined if there is none, or if its time is over */
  get(key: string): Value | undefined {
    const entry = this.#entries.get(key);
    if (!entry) return undefined;
    this.#entries.delete(key);
    if (Date.now() >= entry.until) return undefined;
    this.#entries.set(key, entry); // a map keeps its order: the last used are at the end
    return entry.value;
  }

  /** @param until when it may no longer be used, in milliseconds since the epoch */
  set(key: string, value: Value, until = Infinity): void {
    this.#entries.delete(key);
    this.#entries.set(key, { value, until });
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size <= this.#size) break;
      this.#entries.delete(oldest);
    }
  }

  delete(key: string): void {
    this.#entries.delete(key);
  }
}

/**
 * The same for values that have to be asked for: many who want one at once ask once. A failure is told to all who wait for it, and
 * is not repeated for `pauseMs`.
 */
export class LoadingCache<Value> {
  readonly #loading: Cache<{ promise: Promise<Value>; value?: Value }>;
  readonly #pauseMs: number;

  /** @param options.pauseMs how long a failure is kept, in milliseconds */
  constructor({ size = 100, pauseMs = 2_000 }: { size?: number; pauseMs?: number } = {}) {
    this.#loading = new Cache(size);
    this.#pauseMs = pauseMs;
  }

  /**
   * @param load gives the value, and until when it may be used, in milliseconds since the epoch
   * @throws what `load` throws
   */
  get(key: string, load: () => Promise<{ value: Value; until: number }>): Promise<Value> {
    const kept = this.#loading.get(key);
    if (kept) return kept.promise;
    const keep = (until: number) => {
      // Not if somebody has invalidated it meanwhile: what is there now is another one.
      if (this.#loading.get(key) === loading) this.#loading.set(key, loading, until);
    };
    const loading: { promise: Promise<Value>; value?: Value } = {
      promise: load().then(
        ({ value, until }) => {
          loading.value = value;
          keep(until);
          return value;
        },
        (error: unknown) => {
          keep(Date.now() + this.#pauseMs);
          throw error;
        },
      ),
    };
    this.#loading.set(key, loading);
    return loading.promise;
  }

  /** Has this value loaded anew, unless that was done already. */
  invalidate(key: string, value: Value): void {
    if (this.#loading.get(key)?.value === value) this.#loading.delete(key);
  }
}

/**
 * A function that reads texts, so that the same ones are read once: settings are the same at nearly every request. The last few are
 * kept, one for each configuration in the process.
 *
 * @param read depends on its texts alone, and gives what nobody changes afterwards; what it throws is not kept
 */
export function memoize<Texts extends readonly (string | undefined)[], Value>(
  read: (...texts: Texts) => Value,
  size = 16,
): (...texts: Texts) => Value {
  /** The last used first. Compared and not hashed: texts that are the same object, as most are, cost nothing. */
  const kept: { texts: Texts; value: Value }[] = [];
  return (...texts) => {
    const at = kept.findIndex(
      (entry) => texts.every((text, i) => text === entry.texts[i]) && texts.length === entry.texts.length,
    );
    if (at === 0 && kept[0]) return kept[0].value;
    const [entry = { texts, value: read(...texts) }] = at < 0 ? [] : kept.splice(at, 1);
    kept.unshift(entry);
    kept.splice(size);
    return entry.value;
  };
}

/**
 * Loads at the first call and keeps what it got, since Node goes through its whole loader at each `import()`. A failure is not
 * kept: it would stay for as long as the instance lives.
 */
export function lazy<Loaded>(load: () => Promise<Loaded>): () => Promise<Loaded> {
  let kept: Promise<Loaded> | undefined;
  return () => {
    const loading = (kept ??= load());
    loading.catch(() => {
      if (kept === loading) kept = undefined;
    });
    return loading;
  };
}
