import { requestHeaders } from './credential.ts';
import { sendRequest, jsonOf } from './upstream.ts';
import { LoadingCache } from '../http/cache.ts';
import type { Gateway } from './settings.ts';
import type { GatewayHost, Json } from './rules/rule.ts';

/**
 * A credential that ends soon, in words for the owner. GitHub has been seen to name the present time, so only what lies ahead
 * counts.
 *
 * @param end as the host says it: `2026-12-01`, `2026-12-01 10:00:00 UTC`, or with an offset in the place of the name. V8 and
 *   JavaScriptCore read all of these
 * @see https://docs.github.com/rest/authentication/authenticating-to-the-rest-api
 */
export function expiryWarning(end: string, host: string, now: number): string | undefined {
  const time = Date.parse(end);
  const days = (time - now) / 86_400_000;
  if (!(days > 1 / 24 && days <= 30)) return undefined;
  const date = new Date(time).toISOString().slice(0, 10);
  return `The credential of the gateway at ${host} ends on ${date}. Make a new one before that day.`;
}

/** A day changes once a day; an answer that did not come may come later. Milliseconds. */
const goodFor = { answer: 12 * 3_600_000, nothing: 10 * 60_000 };

/** Longer than this nobody waits for a mere warning. Milliseconds. */
const timeoutMs = 2_000;

/** By host and credential, which no key holds in clear. What is asked for here does not fail. */
const ends = new LoadingCache<string | undefined>();

/**
 * When the credential ends, where the host says so only to whoever asks. Asked seldom, and never in anybody's way: whatever goes
 * wrong, nothing is known.
 *
 * @returns as the host says it; undefined where there is nothing to ask
 */
export function fetchExpiry(
  { host, roots }: Gateway<GatewayHost>,
  token: string,
): Promise<string | undefined> | undefined {
  const { expiry } = host;
  if (!expiry || !('path' in expiry)) return undefined;
  const { hash } = process.getBuiltinModule('node:crypto');
  const key = hash('sha256', `${roots.api_root} ${token}`, 'base64url');
  return ends.get(key, async () => {
    const end = await sendRequest(`${roots.api_root}${expiry.path}`, {
      method: 'GET',
      headers: { ...requestHeaders, ...host.authorization(token) },
      deadline: Date.now() + timeoutMs,
    })
      .then((answer) => (answer.status === 200 ? (jsonOf(answer) as Json | undefined)?.[expiry.field] : undefined))
      .catch(() => undefined);
    const value = typeof end === 'string' ? end : undefined;
    return { value, until: Date.now() + (value === undefined ? goodFor.nothing : goodFor.answer) };
  });
}
