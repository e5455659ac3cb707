import { TooLate, type ClientResponse } from '../oauth/request.ts';
import { hostTimeoutMs, inTime } from './timeouts.ts';
import type { Gateway } from './settings.ts';

/**
 * Files that are named by their own hash, kept for the next call: they never change, and whoever opens a long list asks for hundreds
 * of them. Nobody gets one who would not be let through to the host: a file is looked for only after all that a call is judged by.
 */

/**
 * How much one file may weigh: more are posts than pictures, and those must not push them out. Where the platform streams, what is
 * larger is passed on as it comes. Bytes.
 */
export const largestKept = 512 * 1024;
/** The same, and how much is kept in all. Bytes. */
const room = { all: 16 * 1024 * 1024, one: largestKept };

/** What a file takes besides its bytes and its key: a little of the answer. Bytes. */
const overhead = 1024;

/** How long an answer of the host's says that it still takes the credential. Milliseconds. */
const trustedMs = 60_000;

/** Answers by key, up to so many bytes. Beyond that, those that were not used for the longest time go. */
export class Files {
  readonly #answers = new Map<string, ClientResponse>();
  readonly #room: typeof room;
  #size = 0;

  constructor(limits = room) {
    this.#room = limits;
  }

  get(key: string): ClientResponse | undefined {
    const answer = this.#answers.get(key);
    if (answer) {
      this.#answers.delete(key);
      this.#answers.set(key, answer); // a map keeps its order: the last used are at the end
    }
    return answer;
  }

  set(key: string, answer: ClientResponse): void {
    if (weigh(key, answer) > this.#room.one) return;
    this.#delete(key);
    this.#answers.set(key, answer);
    this.#size += weigh(key, answer);
    for (const oldest of this.#answers.keys()) {
      if (this.#size <= this.#room.all) break;
      this.#delete(oldest);
    }
  }

  #delete(key: string): void {
    const answer = this.#answers.get(key);
    if (answer && this.#answers.delete(key)) this.#size -= weigh(key, answer);
  }
}

/** With its key, in which the client says how it wants the file: in as many words as it likes. */
const weigh = (key: string, { bytes }: ClientResponse): number => key.length + bytes.length + overhead;

const files = new Files();

/** Calls that ask the host for a file. They do not reject. */
const underWay = new Map<string, Promise<unknown>>();

/**
 * Of each credential, what its files are found by and until when the host is known to take it. By the object that the settings were
 * read into: with other settings it is another one, and none of these files are found any more.
 */
const shelves = new WeakMap<Gateway['credential'], Shelf>();
let made = 0;

interface Shelf {
  id: number;
  /** Milliseconds since the epoch. */
  until: number;
}

function shelfOf({ credential }: Gateway): Shelf {
  let shelf = shelves.get(credential);
  if (!shelf) shelves.set(credential, (shelf = { id: made++, until: 0 }));
  return shelf;
}

/** Where one file is kept. */
export interface Place {
  /** @returns undefined if it is not there, or if it is not known that the host still takes the credential */
  take(): ClientResponse | undefined;
  /**
   * Does the work, which takes the file from here or asks for it. If another call is at it just now, that one's end is waited for:
   * whatever may be kept is here then, and by nothing else does one call get the answer of another.
   */
  inTurn<Result>(work: () => Promise<Result>): Promise<Result>;
  /** @param answer that may leave the gateway */
  put(answer: ClientResponse): void;
}

/**
 * @param url of the host's API
 * @param accept in which form it was asked for
 * @param match `If-None-Match`: a browser asks so for what it has kept for an earlier session
 */
export function placeOf(gateway: Gateway, url: string | URL, accept: string, match = ''): Place {
  const shelf = shelfOf(gateway);
  const key = JSON.stringify([shelf.id, accept, url]);
  return {
    take() {
      const answer = Date.now() < shelf.until ? files.get(key) : undefined;
      const { etag } = answer?.headers ?? {};
      return etag !== undefined && match.split(/, */).includes(etag)
        ? { status: 304, headers: { etag }, bytes: Buffer.alloc(0) }
        : answer;
    },
    async inTurn(work) {
      // Without one, nothing is waited for: calls may come in the same moment.
      const running = underWay.get(key);
      if (running) {
        await inTime(running, hostTimeoutMs(false, 0), () => new TooLate()).catch(() => {});
        // It is still at it, and may have been stopped where it stands: some platforms do that.
        if (underWay.get(key) === running) underWay.delete(key);
        return work();
      }
      const done = work();
      const ended: Promise<unknown> = done
        .catch(() => {})
        .then(() => underWay.get(key) === ended && underWay.delete(key));
      underWay.set(key, ended);
      return done;
    },
    put({ status, headers: { 'content-type': type, etag }, bytes }) {
      // Without what the host says of this moment: how many questions are left, when the credential ends.
      // In memory of its own: Node puts small answers into pieces of 8 KiB, and one of them would hold the whole piece.
      if (status === 200 && files.get(key)?.bytes !== bytes)
        files.set(key, { status, headers: { 'content-type': type, etag }, bytes: copyOf(bytes) });
    },
  };
}

function copyOf(bytes: Buffer): Buffer {
  const own = Buffer.allocUnsafeSlow(bytes.length);
  bytes.copy(own);
  return own;
}

/** Takes note of what the host thinks of the credential. Good news counts of reads below the repository, a 401 of any call. */
export function noteAnswer(gateway: Gateway, { status }: ClientResponse): void {
  const shelf = shelfOf(gateway);
  if (status < 300 || status === 304) shelf.until = Date.now() + trustedMs;
  // A file or a branch may be missing, or the host be out of order. All else says that it is not ours to read any more.
  else if (status < 404) shelf.until = 0;
}
