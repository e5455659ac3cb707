import { Failure } from '../http/errors.ts';
import { settingErrors } from './errors.ts';
import { isLoopback } from '../http/origins.ts';

/**
 * The settings, read from the environment at every request: one mechanism on every platform, and a changed value counts
 * at once where the platform allows it. Whatever is wrong is refused by its name, never with its value.
 */
export type Environment = Readonly<Record<string, string | undefined>>;

/** A value without the spaces and newlines that copying leaves around it; blank counts as not set. */
export function optional(env: Environment, name: string): string | undefined {
  const value = env[name]?.trim() || undefined;
  // What is read from a store has been put in its place before (settings/store.ts). A pointer must never pass for a value.
  if (isPointer(value))
    throw invalid(
      name,
      'it points to the AWS Parameter Store ("ssm:"), which only AWS Lambda and the local server can read, and not for every setting. Set the value itself.',
    );
  return value;
}

/** Whether a value only says where the value is. */
export const isPointer = (value: string | undefined): boolean => /^\s*ssm:/i.test(value ?? '');

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
 * Remembers the last text that it read: settings are the same at nearly every request.
 *
 * @param read gives what nobody changes afterwards; what it throws is not remembered
 */
export function remembering<Text extends string | undefined, Value>(read: (text: Text) => Value) {
  let last: { text: Text; value: Value } | undefined;
  return (text: Text): Value => {
    if (!last || last.text !== text) last = { text, value: read(text) };
    return last.value;
  };
}

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
  if (url.username || url.password || withoutFinalSlash(url.pathname).includes('//') || /[?#@\\\s]/.test(value))
    throw invalid(name, 'write it without user name, spaces, "?", "#", "\\" and double slashes.');
  return url;
}

export const withoutFinalSlash = (text: string): string => text.replace(/\/+$/, '');
