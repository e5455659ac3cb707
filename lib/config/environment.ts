import { Failure } from '../http/errors.ts';
import { settingErrors } from './errors.ts';
import { memoize } from '../http/cache.ts';
import { isLoopback } from '../http/origins.ts';
import type { Environment } from '../http/platform.ts';
import type { SettingName } from './table.ts';

/**
 * The settings, read from the environment at every request: one mechanism on every platform, and a changed value counts
 * at once where the platform allows it. Whatever is wrong is refused by its name, never with its value.
 */
export type { Environment };

/** Of several languages. */
const quotationMarks = `"'\`\u201c\u201d\u201e\u00ab\u00bb`;
const isQuoted = (text: string): boolean =>
  text.length > 1 && quotationMarks.includes(text.charAt(0)) && quotationMarks.includes(text.slice(-1));

/** A value without the spaces and newlines that copying leaves around it; blank counts as not set. */
export function optional(env: Environment, name: string): string | undefined {
  const value = env[name]?.trim() || undefined;
  // What is read from a store has been put in its place before (pointers.ts). A pointer must never pass for a value.
  if (isPointer(value))
    throw invalid(
      name,
      'it points to the AWS Parameter Store ("ssm:"), which only AWS Lambda and the local server can read, and not for every setting. Set the value itself.',
    );
  // Shells take quotation marks away; Docker, systemd and the forms of most platforms keep them.
  if (value !== undefined && (isQuoted(value) || value.startsWith(`${name}=`)))
    throw invalid(name, 'it has quotation marks or its own name around it. Write the value alone.');
  return value;
}

/** Whether a value only says where the value is. */
export const isPointer = (value: string | undefined): boolean =>
  value !== undefined && value.trimStart().slice(0, 4).toLowerCase() === 'ssm:';

/** @throws Failure SETTING_MISSING, SETTING_EMPTY, SETTING_INVALID */
export function required(env: Environment, name: string): string {
  const value = optional(env, name);
  if (value !== undefined) return value;
  throw new Failure(env[name] === undefined ? settingErrors.SETTING_MISSING : settingErrors.SETTING_EMPTY, {
    setting: name,
  });
}

export const invalid = (setting: string, detail: string) =>
  new Failure(settingErrors.SETTING_INVALID, { setting, detail });

/**
 * How a value is made of one setting, or of several that belong together. It knows the names of all that it reads, so whoever
 * wants the value has to name nothing (`settings.read` in request-settings.ts).
 */
export interface Reader<Value> {
  /** The one that it is about. */
  readonly name: string;
  /** All that it reads. */
  readonly names: readonly string[];
  /** @throws Failure SETTING_MISSING, SETTING_EMPTY, SETTING_INVALID, SETTING_INCOMPLETE */
  read(env: Environment): Value;
}

/** The texts of some settings, by name: no others can be asked for. */
export interface Texts<Name extends SettingName> {
  optional(name: Name): string | undefined;
  /** @throws Failure SETTING_MISSING, SETTING_EMPTY */
  required(name: Name): string;
}

/** @param names on the table of settings (table.ts) */
export const reader = <const Name extends SettingName, Value>(
  names: readonly [Name, ...Name[]],
  read: (texts: Texts<Name>) => Value,
): Reader<Value> => ({
  name: names[0],
  names,
  read: (env) => read({ optional: (name) => optional(env, name), required: (name) => required(env, name) }),
});

/**
 * The same reader, which judges the same texts once: for what is read at every call. What it throws is not kept.
 *
 * @param own gives what nobody changes afterwards
 */
export function remembering<Value>(own: Reader<Value>): Reader<Value> {
  const read = memoize((...texts: readonly (string | undefined)[]) =>
    own.read(Object.fromEntries(own.names.map((name, i) => [name, texts[i]]))),
  );
  return { ...own, read: (env) => read(...own.names.map((name) => env[name])) };
}

/**
 * For one setting.
 *
 * @param name on the table of settings (table.ts)
 * @param parse is given `refuse`, which makes the failure from words that say what to write instead: never with the value
 */
export const setting = <Value>(
  name: SettingName,
  parse: (text: string | undefined, refuse: (detail: string) => Failure) => Value,
): Reader<Value> => reader([name], (texts) => parse(texts.optional(name), (detail) => invalid(name, detail)));

/** What is listed with spaces or commas between. */
export const list = (text: string): string[] => [...new Set(text.split(/[\s,]+/).filter(Boolean))];

/**
 * An address that a setting holds: https, or http on loopback.
 *
 * @throws Failure SETTING_MISSING, SETTING_INVALID
 */
export function readUrl(name: string, value: string | undefined): URL {
  if (value === undefined) throw new Failure(settingErrors.SETTING_MISSING, { setting: name });
  const url = URL.canParse(value) ? new URL(value) : undefined;
  if (!url || (url.protocol !== 'https:' && url.protocol !== 'http:'))
    throw invalid(name, 'write a complete address that begins with https://, such as https://www.example.com.');
  if (url.protocol === 'http:' && !isLoopback(url))
    throw invalid(name, 'it must begin with https:// (http:// is for localhost, 127.0.0.1 and [::1] only).');
  if (url.username || url.password || withoutFinalSlash(url.pathname).includes('//') || /[?#@\\\s"'`;,]/.test(value))
    throw invalid(name, 'write one address and nothing else: no user name, spaces, quotation marks, "?", "#" or ";".');
  return url;
}

export function withoutFinalSlash(text: string): string {
  while (text.endsWith('/')) text = text.slice(0, -1);
  return text;
}
