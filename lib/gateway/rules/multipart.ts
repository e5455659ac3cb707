import { parseMultipart } from '@remix-run/multipart-parser';

/** The most parts of one form. Each costs far more memory here than in the bytes of a body. */
const maxParts = 1_000;

/** A part of a form as a browser sends it. */
export interface FormPart {
  name: string;
  /** A file has one, a plain value has none. */
  filename: string | undefined;
  content: Uint8Array;
}

/**
 * How browsers write the header of a part: a plain value has a name alone, a file has a name for itself and a type. Two quotes would be
 * two readings: browsers write a quote, CR and LF in a name as `%22`, `%0D`, `%0A`, and nothing else. An empty file name is
 * a value to some parsers (Django up to 3.2) and a file to others (Werkzeug).
 */
const disposition = /^form-data; name="([^"\\]+)"(?:; filename="([^"\\/]+)")?$/;
const escaped = /%(?:22|0d|0a)/i;
const mediaType = /^[\w.+-]+\/[\w.+-]+(?:; ?charset=[\w-]+)?$/;
// Control characters are what it is about.
// oxlint-disable-next-line no-control-regex
const control = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/;

/**
 * Reads a form exactly as browsers write it, and nothing else.
 *
 * What we judge and what the host then reads is the same only if no other parser can find another form in these bytes. So the form
 * is read, and what was read has to account for every byte: nothing before the first part, between two, or after the last; no
 * header but the two that browsers send, each once; the boundary nowhere but where a part begins (some parsers take it anywhere).
 *
 * @returns undefined for anything else
 * @see https://www.rfc-editor.org/rfc/rfc7578
 * @see https://html.spec.whatwg.org/multipage/form-control-infrastructure.html#multipart-form-data
 */
export function readMultipart(contentType: string | undefined, body: Uint8Array): FormPart[] | undefined {
  const boundary = /^multipart\/form-data; ?boundary=([\w-]{1,70})$/i.exec(contentType ?? '')?.[1];
  if (boundary === undefined) return undefined;
  const bytes = view(body);
  const delimiter = `--${boundary}`;
  const parts: FormPart[] = [];
  let position = 0;
  const follows = (text: string) => {
    const expected = Buffer.from(text);
    const found = bytes.subarray(position, position + expected.length).equals(expected);
    position += expected.length;
    return found;
  };
  try {
    const limits = { maxFileSize: bytes.length, maxTotalSize: bytes.length, maxParts };
    for (const { headers, content } of parseMultipart(body, { boundary, ...limits })) {
      const { 'content-disposition': what = '', 'content-type': type } = headers;
      const [, name, filename] = disposition.exec(what) ?? [];
      if (name === undefined || escaped.test(name) || control.test(what)) return undefined;
      // Django takes blanks around a name away, and what we took for a file would be the branch.
      if (isPadded(name)) return undefined;
      if ((type === undefined) !== (filename === undefined)) return undefined;
      if (type !== undefined && !mediaType.test(type)) return undefined;
      const typed = type === undefined ? '' : `\r\nContent-Type: ${type}`;
      if (!follows(`${delimiter}\r\nContent-Disposition: ${what}${typed}\r\n\r\n`)) return undefined;
      const [only = new Uint8Array(), ...more] = content;
      if (more.length > 0) return undefined;
      position += only.length;
      if (!follows('\r\n')) return undefined;
      parts.push({ name, filename, content: only });
    }
  } catch {
    return undefined; // the parser's own refusals, and headers that are not UTF-8
  }
  if (!follows(`${delimiter}--`)) return undefined;
  const rest = bytes.length - position;
  if (rest !== 0 && !(rest === 2 && follows('\r\n'))) return undefined;
  return isThere(bytes, delimiter, parts.length + 1) ? parts : undefined;
}

/**
 * Writes a form anew, so that nothing of the one that was read gets through but names and contents: with a boundary that nobody could
 * know beforehand, in the one spelling that every parser reads alike.
 *
 * @param parts with names as `readMultipart` lets them pass
 */
export function writeMultipart(parts: readonly FormPart[]): { body: Buffer; type: string } {
  let boundary: string;
  do boundary = `form-${process.getBuiltinModule('node:crypto').randomUUID()}`;
  while (parts.some(({ name, content }) => name.includes(boundary) || view(content).includes(boundary)));
  const written = parts.flatMap(({ name, filename, content }) => [
    `--${boundary}\r\nContent-Disposition: form-data; name="${name}"`,
    filename === undefined ? '\r\n\r\n' : `; filename="file"\r\nContent-Type: application/octet-stream\r\n\r\n`,
    content,
    '\r\n',
  ]);
  return {
    body: Buffer.concat(
      [...written, `--${boundary}--\r\n`].map((each) => (typeof each === 'string' ? Buffer.from(each) : each)),
    ),
    type: `multipart/form-data; boundary=${boundary}`,
  };
}

/** Whether there are blanks at an end, in the sense of any language that parsers are written in. */
const isPadded = (name: string): boolean => /^[\s\p{White_Space}]|[\s\p{White_Space}]$/u.test(name);

/** The same bytes, not a copy. */
const view = ({ buffer, byteOffset, byteLength }: Uint8Array): Buffer => Buffer.from(buffer, byteOffset, byteLength);

/** Counts no further than it has to: a boundary of one dash is in a file of dashes everywhere. */
function isThere(bytes: Buffer, text: string, times: number): boolean {
  let count = 0;
  for (let at = bytes.indexOf(text); at >= 0 && count <= times; at = bytes.indexOf(text, at + 1)) count += 1;
  return count === times;
}
