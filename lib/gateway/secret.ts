import { memoize } from '../http/cache.ts';

/**
 * Whether a secret is in a text, in any of the ways in which its reader would find it there: JSON may write it in escapes, an
 * address in percent, and one of them within the other.
 */
export const textHolds = (text: string, secret: string): boolean =>
  text.includes(secret) || (/[\\%]/.test(text) && bytesHold(Buffer.from(text), secret, true));

/**
 * The same for what a host has sent.
 *
 * @param isText whether it is JSON, so that somebody will read it as that; a file goes out byte for byte
 */
export const bytesHold = (bytes: Buffer, secret: string, isText: boolean): boolean =>
  searchFor(secret, isText).finds(bytes, true);

/**
 * The same for what comes piece by piece.
 *
 * @param secret in ASCII, since what is no ASCII is not read
 * @param isText as in `bytesHold`
 */
export const searchFor = (secret: string, isText: boolean): Search =>
  new Search(formsOf(secret), isText ? mostLayers : 0);

/** Made once for a credential, which every answer is searched for. */
const formsOf = memoize((secret: string): Forms => {
  const wide = Buffer.from(secret, 'utf16le');
  return [Buffer.from(secret), wide, Buffer.from(wide).swap16()];
}, 1);

/** How many layers of writing are taken off, at most: each costs a look at all of it, and whoever can write a file could pile them up. */
const mostLayers = 3;

/** Bytes of which escapes are taken off in one go. */
const leastPart = 16 * 1024;

/**
 * Looks for a secret piece by piece. Whoever can write a file decides what is in it: so the time grows with the bytes and the memory
 * does not, however many escapes there are and however they are piled up.
 */
export class Search {
  /** How many bytes at the end may be a part of the secret, or of an escape, as long as there was no escape. */
  readonly reach: number;
  readonly #forms: Forms;
  readonly #layers: number;
  /** So many of the last bytes. */
  #tail = none;
  /** From the first escape on: before that, it would find what is found here. */
  #inner: Layer | undefined;

  constructor(forms: Forms, layers: number) {
    this.#forms = forms;
    this.#layers = layers;
    this.reach = 1;
    for (const { length } of forms) this.reach = Math.max(this.reach, length + 1);
  }

  /** Whether there was an escape, so that the secret may have begun any number of bytes ago. */
  get hasEscapes(): boolean {
    return this.#inner !== undefined;
  }

  /**
   * @param piece what comes next
   * @param isLast whether nothing comes behind it
   * @returns whether the secret is in all that came until now
   */
  finds(piece: Buffer, isLast: boolean): boolean {
    const before = this.#tail;
    // Where the two meet, too.
    const seam = before.length > 0 ? Buffer.concat([before, piece.subarray(0, this.reach)]) : undefined;
    // A copy, since the room of the piece may be written anew.
    if (!isLast) this.#tail = Buffer.from((piece.length < this.reach ? (seam ?? piece) : piece).subarray(-this.reach));
    if (this.#forms.some((form) => piece.includes(form) || seam?.includes(form))) return true;
    if (this.#inner) return this.#inner.finds(piece, isLast);
    if (this.#layers === 0 || !(holdsEscapes(piece) || (seam && holdsEscapes(seam)))) return false;
    this.#inner = new Layer(this.#forms[0], this.#layers - 1);
    return this.#inner.finds(before, false) || this.#inner.finds(piece, isLast);
  }
}

/** Ways of writing a secret without escapes; the first is the one that can have some. */
type Forms = readonly [Buffer, ...Buffer[]];

const none = Buffer.alloc(0);

/** Whether there is an escape or a percent sign in it. Most of what a host sends has neither, and may be large. */
const holdsEscapes = (text: Buffer): boolean =>
  text.includes(percent) || (text.includes(backslash) && marks.some((mark) => text.includes(mark)));

/** As bytes: to look for one of those takes less than to look for a text. */
const [percent, backslash] = [0x25, 0x5c];
const marks = ['\\u', '\\U', '\\/', '\\"', '\\\\'];

/** Reads a text as JSON, and then as an address. */
class Layer {
  readonly #json = new Step(backslash);
  readonly #address = new Step(percent);
  readonly #open: Search;
  readonly #plain: Search;

  constructor(secret: Buffer, layers: number) {
    // Also between the two: a secret may hold by itself what looks like percent.
    this.#open = new Search([secret], 0);
    this.#plain = new Search([secret], layers);
  }

  finds(piece: Buffer, isLast: boolean): boolean {
    let at = 0;
    do {
      const part = piece.subarray(at, (at += leastPart));
      const ends = isLast && at >= piece.length;
      const open = this.#json.take(part, ends);
      if (this.#open.finds(open, ends) || this.#plain.finds(this.#address.take(open, ends), ends)) return true;
    } while (at < piece.length);
    return false;
  }
}

/** Takes the escapes off that begin with a sign. */
class Step {
  readonly #sign: number;
  /** The beginning of an escape of which the end has not come yet. */
  #rest = none;
  #room = none;

  constructor(sign: number) {
    this.#sign = sign;
  }

  /** @returns what may be written anew by the next call */
  take(part: Buffer, isLast: boolean): Buffer {
    const bytes = this.#rest.length > 0 ? Buffer.concat([this.#rest, part]) : part;
    this.#rest = none;
    const sign = this.#sign;
    let at = bytes.indexOf(sign);
    if (at < 0) return bytes;
    if (this.#room.length < bytes.length) this.#room = Buffer.allocUnsafe(bytes.length);
    const room = this.#room;
    let length = bytes.copy(room, 0, 0, at);
    const whole = isLast ? bytes.length : bytes.length - longest + 1;
    while (at < bytes.length) {
      // By hand where the next sign is near: there, to look for it and to copy what is in between would take longer.
      const near = Math.min(bytes.length, at + 32);
      while (at < near && bytes[at] !== sign) room[length++] = bytes[at++] as number;
      if (at === near) {
        const next = bytes.indexOf(sign, at);
        const end = next < 0 ? bytes.length : next;
        length += bytes.copy(room, length, at, end);
        at = end;
      }
      if (at === bytes.length) break;
      if (at >= whole) {
        this.#rest = Buffer.from(bytes.subarray(at));
        break;
      }
      const size = sizeOf(bytes, at);
      room[length++] = valueOf(bytes, at, size);
      at += size;
    }
    return room.subarray(0, length);
  }
}

/** Bytes of the longest escape. */
const longest = 6;

/** @returns 1 for what is no escape, and stands for itself */
function sizeOf(bytes: Buffer, at: number): number {
  if (bytes[at] === percent) return isHex(bytes, at + 1, 2) ? 3 : 1;
  switch (bytes[at + 1]) {
    case 0x75: // u
    case 0x55:
      return isHex(bytes, at + 2, 4) ? longest : 1;
    case 0x22: // RFC 8259, 7, without those that stand for blanks and line ends, of which no secret has any
    case 0x2f:
    case backslash:
      return 2;
    default:
      return 1;
  }
}

/** @returns of what is not in ASCII only that it is not */
function valueOf(bytes: Buffer, at: number, size: number): number {
  const end = at + size;
  if (size < 3) return bytes[end - 1] as number;
  if (size === longest && (bytes[at + 2] !== zero || bytes[at + 3] !== zero)) return 0xff;
  return digitOf(bytes[end - 2]) * 16 + digitOf(bytes[end - 1]);
}

function isHex(bytes: Buffer, at: number, count: number): boolean {
  for (let i = at; i < at + count; i++) if (digitOf(bytes[i]) < 0) return false;
  return true;
}

const zero = 0x30;

/** @returns below 0 for what is no hexadecimal digit */
function digitOf(byte = 0): number {
  if (byte >= zero && byte <= 0x39) return byte - zero;
  const small = byte | 0x20;
  return small >= 0x61 && small <= 0x66 ? small - 0x57 : -1;
}
