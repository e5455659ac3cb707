/** How many layers of writing are taken off, at most: each costs a look at all of it, and whoever can write a file could pile them up. */
const mostLayers = 3;

/**
 * Whether a secret is in a text, in any of the ways in which its reader would find it there: JSON may write it in escapes, an
 * address in percent, and one of them within the other.
 */
export function textHolds(text: string, secret: string, layers = mostLayers): boolean {
  if (text.includes(secret)) return true;
  if (layers === 0 || !/[\\%]/.test(text)) return false;
  const open = unescaped(text);
  const plain = decoded(open);
  if (plain === text) return false;
  // Also between the two: a secret may hold by itself what looks like percent.
  return open.includes(secret) || textHolds(plain, secret, layers - 1);
}

/**
 * The same for what a host has sent.
 *
 * @param isText whether it is JSON, so that somebody will read it as that; a file goes out byte for byte
 */
export function bytesHold(bytes: Buffer, secret: string, isText: boolean): boolean {
  if (bytes.includes(secret)) return true;
  const wide = Buffer.from(secret, 'utf16le');
  if (bytes.includes(wide) || bytes.includes(wide.swap16())) return true;
  return isText && holdsEscapes(bytes) && textHolds(bytes.toString(), secret);
}

/** Whether there is an escape or a percent sign in it. Most of what a host sends has neither, and may be large. */
export const holdsEscapes = (text: Buffer): boolean =>
  text.includes(percent) || (text.includes(backslash) && marks.some((mark) => text.includes(mark)));

/** As bytes: to look for one of those takes less than to look for a text. */
const [percent, backslash] = [0x25, 0x5c];
const marks = ['\\u', '\\/', '\\"', '\\\\'];

/** RFC 8259, 7, without those that stand for blanks and line ends, of which no secret has any. */
const unescaped = (text: string): string =>
  text.replace(/\\(?:u([0-9a-f]{4})|(["\\/]))/gi, (_, code: string | undefined, character: string) =>
    code === undefined ? character : String.fromCharCode(parseInt(code, 16)),
  );

/** RFC 3986, 2.1. */
const decoded = (text: string): string =>
  text.replace(/%([0-9a-f]{2})/gi, (_, code: string) => String.fromCharCode(parseInt(code, 16)));
