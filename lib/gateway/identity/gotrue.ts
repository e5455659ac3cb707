import { Failure } from '../../http/errors.ts';
import { Answers, endOf, hashOf } from './cache.ts';
import { gatewayErrors } from '../errors.ts';
import { TooLarge } from '../../oauth/request.ts';
import { sendRequest, jsonOf, CachedValue } from '../upstream.ts';
import type { Claims, EditorLists } from './editors.ts';
import type { Json } from '../rules/rule.ts';

/** How long its settings are believed. Milliseconds. */
const keptFor = 60_000;

/** How long one that cannot be asked is left in peace, and how long it may take to answer. Milliseconds. */
const pause = 2_000;
const timeoutMs = 5_000;

/** A GoTrue, as one instance of us knows it. */
class GoTrue {
  readonly settings = new CachedValue<Json>();
  /** Also that a token is not good: whoever tries again asks nobody. */
  readonly answers = new Answers<Claims | undefined>();
  /** Until when it is not asked, in milliseconds since the epoch. */
  silentUntil = 0;
}

const known = new Map<string, GoTrue>();

const gotrueAt = (address: string): GoTrue => {
  const gotrue = known.get(address) ?? new GoTrue();
  known.set(address, gotrue);
  return gotrue;
};

/**
 * Asks a GoTrue (Netlify Identity is one) who a token belongs to.
 *
 * @returns what it says about them; undefined if it does not accept the token
 * @throws Failure IDENTITY_UNREACHABLE: nobody gets in unasked. SIGN_UP_OPEN
 */
export async function fetchUser(
  address: string,
  token: string,
  { lists, now, deadline }: { lists: EditorLists; now: number; deadline: number },
): Promise<Claims | undefined> {
  const gotrue = gotrueAt(address);
  await checkSignUp(address, lists, deadline);
  const end = endOf(token);
  if (end !== undefined && end <= now) return undefined;
  const hash = hashOf(token);
  const kept = gotrue.answers.find(hash);
  if (kept) return kept;
  if (Date.now() < gotrue.silentUntil) throw new Failure(gatewayErrors.IDENTITY_UNREACHABLE);

  const claims = user(address, token, deadline);
  gotrue.answers.keep(hash, claims, end);
  try {
    return await claims;
  } catch (error) {
    gotrue.answers.forget(hash);
    gotrue.silentUntil = Date.now() + pause;
    throw error;
  }
}

async function user(address: string, token: string, deadline: number): Promise<Claims | undefined> {
  const { status, value } = await question(`${address}/user`, deadline, { authorization: `Bearer ${token}` }).catch(
    (error: unknown) => {
      // No user record is this large, so this token is refused. The service itself works, and other tokens are still asked about.
      if (error instanceof Failure && error.cause instanceof TooLarge) return { status: 413, value: undefined };
      throw error;
    },
  );
  // Any other 4xx is an answer about this token. 408 and 429 say nothing about it: the service was too slow or is asked too often.
  if (status >= 400 && status < 500 && status !== 408 && status !== 429) return undefined;
  if (status !== 200 || !value) throw new Failure(gatewayErrors.IDENTITY_UNREACHABLE);
  return value;
}

/** What only Supabase's users have: `phone` is there even if it is empty. */
const ofSupabase = ['email_confirmed_at', 'phone_confirmed_at', 'phone', 'identities', 'is_anonymous'];

/**
 * Whether a user has confirmed the e-mail address. Netlify's GoTrue says so in `confirmed_at`. Supabase's sets that one as soon as
 * the address **or** the phone number is confirmed, so there only `email_confirmed_at` counts; and an anonymous user is nobody.
 */
export function isConfirmed(user: Claims): boolean {
  if (user['is_anonymous'] !== undefined && user['is_anonymous'] !== false) return false;
  const name = ofSupabase.some((own) => Object.hasOwn(user, own)) ? 'email_confirmed_at' : 'confirmed_at';
  return typeof user[name] === 'string' && user[name] !== '';
}

/**
 * Where anybody can sign up, "whoever it vouches for" is everybody, and an address counts only if the service says in so many words
 * that it verifies addresses. What it does not say counts as no: Netlify's GoTrue says `autoconfirm`, Supabase's says
 * `mailer_autoconfirm`, and others of the kind say nothing.
 *
 * @see https://github.com/netlify/gotrue `GET /settings` https://github.com/supabase/auth `GET /settings`
 * @throws Failure SIGN_UP_OPEN, IDENTITY_UNREACHABLE
 */
export async function checkSignUp(address: string, lists: EditorLists, deadline: number): Promise<void> {
  const settings = await gotrueAt(address).settings.get(async () => {
    const { status, value } = await question(`${address}/settings`, deadline);
    if (status !== 200 || !value) throw new Failure(gatewayErrors.IDENTITY_UNREACHABLE);
    return { value, until: Date.now() + keptFor };
  });
  if (settings['disable_signup'] === true) return;
  if (lists.everyone)
    throw new Failure(gatewayErrors.SIGN_UP_OPEN, { detail: 'CMS_GATEWAY_EDITORS lets in everybody it knows' });
  const said = ['autoconfirm', 'mailer_autoconfirm'].filter((name) => Object.hasOwn(settings, name));
  if (said.length === 0)
    throw new Failure(gatewayErrors.SIGN_UP_OPEN, { detail: 'it does not say that it verifies addresses' });
  // Both, where it says both: one that is not plainly false may be the one that counts.
  if (said.some((name) => settings[name] !== false))
    throw new Failure(gatewayErrors.SIGN_UP_OPEN, { detail: 'addresses are not verified' });
}

async function question(
  url: string,
  deadline: number,
  headers: Readonly<Record<string, string>> = {},
): Promise<{ status: number; value: Json | undefined }> {
  try {
    const answer = await sendRequest(url, {
      method: 'GET',
      headers: { accept: 'application/json', ...headers },
      deadline: Math.min(deadline, Date.now() + timeoutMs),
    });
    const value = jsonOf(answer);
    return { status: answer.status, value: typeof value === 'object' && value !== null ? (value as Json) : undefined };
  } catch (error) {
    throw new Failure(gatewayErrors.IDENTITY_UNREACHABLE, {}, { cause: error });
  }
}
