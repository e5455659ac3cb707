import { readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';

/**
 * The text of a file that some editor wrote. Windows' own write UTF-8 with a mark in front, and PowerShell's `>` writes UTF-16:
 * Node would find no setting in the one, and lose the first of the other.
 *
 * @param file what it is called
 * @throws Error in words if it is neither
 */
export function decodeText(bytes: Uint8Array, file: string): string {
  const encoding = encodingOf(bytes);
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes); // which leaves the mark out
  } catch (error) {
    throw new Error(`${file} is not written in UTF-8. Save it as UTF-8 in your editor first.`, { cause: error });
  }
}

/** By the mark, or by the zero beside each letter where there is none. */
function encodingOf([first, second]: Uint8Array): string {
  if ((first === 0xff && second === 0xfe) || (first !== undefined && first !== 0 && second === 0)) return 'utf-16le';
  if ((first === 0xfe && second === 0xff) || (first === 0 && second !== undefined)) return 'utf-16be';
  return 'utf-8';
}

/**
 * Takes the settings of a file `.env` into the environment. What is set there already stays, as with Node's own `loadEnvFile`.
 *
 * @throws Error in words if it cannot be read
 */
export function loadEnvFile(file: string, env: Record<string, string | undefined> = process.env): void {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw new Error(`${file} cannot be read: is it a file, and may you read it?`, { cause: error });
  }
  for (const [name, value] of Object.entries(parseEnv(decodeText(bytes, file)))) env[name] ??= value;
}
