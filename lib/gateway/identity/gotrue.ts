import { decodeJwt } from 'jose';
import { Cache, LoadingCache } from '../../http/cache.ts';
import { Failure } from '../../http/errors.ts';
import { gatewayErrors } from '../errors.ts';
import { TooLarge } from '../../oauth/request.ts';
import { sendRequest, jsonOf } from '../upstream.ts';
import { hashOf } from './token-hash.ts';
import type { Claims, EditorLists } from './editors.ts';
import type { Json } from '../rules/rule.ts';

/** How long its settings, and what it says about a token, are believed without asking again. Milliseconds. */
const keptMs = 60_000;

/** How long one that cannot be asked is left in peace, and how long it may take to answer. Milliseconds. */
const pauseMs = 2_000;
const longestPauseMs = 60_000;
const timeoutMs = 5_000;

/**
 * How many questions a minute are asked for tokens of which nothing is known. Strangers can send as many made-up tokens as they like:
 * without a limit those would use up what the service takes from us, and then editors are locked out. Editors who were let in before
 * are not counted here, nor is an editor's next token, which names the same user.
 */
const budget = { perMinute: 60, perKnownUser: 10 };

/** A GoTrue, as one instance of us knows it. */
class GoTrue {
  /** The last settings that were read, while it is silent. */
  settings: Json | undefined;
  /** Tokens that were good, by their hash, up to their own end. No stranger can push one out. */
  readonly good = new Cache<{ user: Claims; askedAt: number }>(1_000);
  /** Those that it refused: whoever tries again asks nobody. */
  readonly refused = new Cache<true>(10_000);
  /** Who was let in before, by their `sub`. */
  readonly users = new Cache<Bucket>(1_000);
  readonly strangers = new Bucket(budget.perMinute);
  /** One question for many calls with one token. */
  readonly asking = new LoadingCache<Claims | undefined>({ pauseMs: 0 });
  /** Until when it is not asked, in milliseconds since the epoch. */
  silentUntil = 0;
}

/** So many a minute, and no more. */
class Bucket {
  readonly #size: number;
  #left: number;
  #at = Date.now();

  constructor(size: number) {
    this.#size = this.#left = size;
  }

  take(): boolean {
    const now = Date.now();
    this.#left = Math.min(this.#size, this.#left + (Math.max(now - this.#at, 0) / 60_000) * this.#size);
    this.#at = now;
    if (this.#left < 1) return false;
    this.#left--;
    return true;
  }
}

const known = new Cache<GoTrue>();
/** Each address is asked for its settings once a minute. */
const settingsOf = new LoadingCache<Json>({ pauseMs });

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
  const hash = hashOf(token);
  const { sub, end } = readToken(token);
  if (end <= now) return undefined;
  const good = gotrue.good.get(hash);
  await checkSignUp(address, lists, deadline, { mayBeSilent: good !== undefined });
  if (good && Date.now() < good.askedAt + keptMs) return good.user;
  if (gotrue.refused.get(hash)) return undefined;
  try {
    return await gotrue.asking.get(hash, async () => ({
      value: await ask(address, gotrue, { token, hash, sub, end, isKnown: good !== undefined }, deadline),
      until: 0, // what is kept is kept above
    }));
  } catch (error) {
    // Who was good stays good while the service says nothing, up to the token's own end.
    if (good && error instanceof Failure && error.code === gatewayErrors.IDENTITY_UNREACHABLE.code) return good.user;
    throw error;
  }
}

interface AskedToken {
  token: string;
  hash: string;
  /** What it says about itself, and nobody has checked: good for nothing but to tell whose budget it is. */
  sub: string | undefined;
  end: number;
  isKnown: boolean;
}

async function ask(
  address: string,
  gotrue: GoTrue,
  { token, hash, sub, end, isKnown }: AskedToken,
  deadline: number,
): Promise<Claims | undefined> {
  if (Date.now() < gotrue.silentUntil) throw new Failure(gatewayErrors.IDENTITY_UNREACHABLE);
  const ofUser = sub === undefined ? undefined : gotrue.users.get(sub);
  if (!isKnown && !ofUser?.take() && !gotrue.strangers.take())
    throw new Failure(
      gatewayErrors.IDENTITY_UNREACHABLE,
      {},
      { reason: 'budget: too many unknown tokens a minute; editors who are in stay in.' },
    );
  const user = await fetchOne(address, token, deadline).catch((error: unknown) => {
    gotrue.silentUntil = Date.now() + (error instanceof Silence ? error.pauseMs : pauseMs);
    throw new Failure(gatewayErrors.IDENTITY_UNREACHABLE, {}, { cause: error });
  });
  if (!user) {
    gotrue.good.delete(hash);
    gotrue.refused.set(hash, true, Date.now() + keptMs);
    return undefined;
  }
  gotrue.good.set(hash, { user, askedAt: Date.now() }, end);
  if (sub !== undefined && (sub === user['id'] || sub === user['sub']))
    gotrue.users.set(sub, ofUser ?? new Bucket(budget.perKnownUser));
  return user;
}

/** That it says nothing for the moment, and for how long it wants to be left in peace. */
class Silence extends Error {
  readonly pauseMs: number;
  constructor(pause: number) {
    super();
    this.pauseMs = pause;
  }
}

function readToken(token: string): { sub: string | undefined; end: number } {
  try {
    const { sub, exp } = decodeJwt(token);
    // Without an end, what is known about it is kept for a minute, as about any other.
    return {
      sub: typeof sub === 'string' ? sub : undefined,
      end: exp === undefined ? Date.now() + keptMs : exp * 1000,
    };
  } catch {
    return { sub: undefined, end: Date.now() + keptMs };
  }
}

/** @throws Silence, and what `sendRequest` throws */
async function fetchOne(address: string, token: string, deadline: number): Promise<Claims | undefined> {
  const { status, value, retryAfter } = await question(`${address}/user`, deadline, {
    authorization: `Bearer ${token}`,
  }).catch((error: unknown) => {
    // No user record is this large, so this token is refused. The service itself works, and other tokens are still asked about.
    if (error instanceof TooLarge) return { status: 413, value: undefined, retryAfter: 0 };
    throw error;
  });
  // Any other 4xx is an answer about this token. 408 and 429 say nothing about it: the service was too slow or is asked too often.
  if (status >= 400 && status < 500 && status !== 408 && status !== 429) return undefined;
  if (status !== 200 || !value) throw new Silence(Math.min(Math.max(retryAfter * 1000, pauseMs), longestPauseMs));
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
export async function checkSignUp(
  address: string,
  lists: EditorLists,
  deadline: number,
  { mayBeSilent = false } = {},
): Promise<void> {
  const gotrue = gotrueAt(address);
  const settings = await settingsOf
    .get(address, async () => {
      const { status, value } = await question(`${address}/settings`, deadline);
      if (status !== 200 || !value) throw new Error(`It answered ${status} to the question for its settings.`);
      return { value: (gotrue.settings = value), until: Date.now() + keptMs };
    })
    .catch((error: unknown) => {
      // For those who were good already, what it said last is enough while it says nothing.
      if (mayBeSilent && gotrue.settings) return gotrue.settings;
      throw new Failure(gatewayErrors.IDENTITY_UNREACHABLE, {}, { cause: error });
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
): Promise<{ status: number; value: Json | undefined; retryAfter: number }> {
  const answer = await sendRequest(url, {
    method: 'GET',
    headers: { accept: 'application/json', ...headers },
    deadline: Math.min(deadline, Date.now() + timeoutMs),
  });
  const value = jsonOf(answer);
  return {
    status: answer.status,
    value: typeof value === 'object' && value !== null ? (value as Json) : undefined,
    retryAfter: Number(answer.headers['retry-after']) || 0,
  };
}
