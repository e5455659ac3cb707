import { decodeJwt } from 'jose';
import { Failure } from '../web/errors.ts';
import { gatewayErrors } from './errors.ts';
import { ask, jsonOf, Kept } from './upstream.ts';
import type { Claims, EditorLists } from '../settings/editors.ts';
import type { Json } from './host.ts';

/** How long an answer is believed, and how many are kept. */
const keptFor = 60_000;
const mostAnswers = 1_000;

/** How long one that cannot be asked is left in peace, and how long it may take to answer. Milliseconds. */
const pause = 2_000;
const patience = 5_000;

interface Answer {
  claims: Promise<Claims | undefined>;
  until: number;
}

/** A GoTrue, as one instance of us knows it. */
class Identity {
  readonly settings = new Kept<Json>();
  /** By the hash of the token: who reads our memory finds none. The oldest come first. */
  readonly answers = new Map<string, Answer>();
  /** Until when it is not asked, in milliseconds since the epoch. */
  silentUntil = 0;
}

const known = new Map<string, Identity>();

const identityAt = (address: string): Identity => {
  const identity = known.get(address) ?? new Identity();
  known.set(address, identity);
  return identity;
};

/**
 * Asks a GoTrue (Netlify Identity is one) who a token belongs to.
 *
 * @returns what it says about them; undefined if it does not accept the token
 * @throws Failure IDENTITY_UNREACHABLE: nobody gets in unasked. SIGN_UP_OPEN
 */
export async function askIdentity(
  address: string,
  token: string,
  { lists, now, deadline }: { lists: EditorLists; now: number; deadline: number },
): Promise<Claims | undefined> {
  const identity = identityAt(address);
  await checkSignUp(address, lists, deadline);
  const end = endOf(token);
  if (end !== undefined && end <= now) return undefined;
  const { createHash } = process.getBuiltinModule('node:crypto');
  const hash = createHash('sha256').update(token).digest('base64url');
  const kept = identity.answers.get(hash);
  if (kept && Date.now() < kept.until) return kept.claims;
  if (Date.now() < identity.silentUntil) throw new Failure(gatewayErrors.IDENTITY_UNREACHABLE);

  const claims = user(address, token, deadline);
  identity.answers.delete(hash);
  identity.answers.set(hash, { claims, until: Math.min(Date.now() + keptFor, end ?? Infinity) });
  for (const [oldest] of identity.answers) {
    if (identity.answers.size <= mostAnswers) break;
    identity.answers.delete(oldest);
  }
  try {
    return await claims;
  } catch (error) {
    identity.answers.delete(hash);
    identity.silentUntil = Date.now() + pause;
    throw error;
  }
}

async function user(address: string, token: string, deadline: number): Promise<Claims | undefined> {
  const { status, value } = await question(`${address}/user`, deadline, { authorization: `Bearer ${token}` });
  // It has looked at the token and will not have it. 429 and the like are about the asking.
  if (status === 400 || status === 401 || status === 403 || status === 404) return undefined;
  if (status !== 200 || !value) throw new Failure(gatewayErrors.IDENTITY_UNREACHABLE);
  return value;
}

/**
 * Where anybody can sign up, "whoever it vouches for" is everybody, and an address that it takes unread says nothing.
 *
 * @throws Failure SIGN_UP_OPEN, IDENTITY_UNREACHABLE
 */
export async function checkSignUp(address: string, lists: EditorLists, deadline: number): Promise<void> {
  const { disable_signup: closed, autoconfirm } = await identityAt(address).settings.get(async () => {
    const { status, value } = await question(`${address}/settings`, deadline);
    if (status !== 200 || !value) throw new Failure(gatewayErrors.IDENTITY_UNREACHABLE);
    return { value, until: Date.now() + keptFor };
  });
  if (closed === true) return;
  if (lists.everyone)
    throw new Failure(gatewayErrors.SIGN_UP_OPEN, { detail: 'CMS_GATEWAY_EDITORS lets in everybody it knows' });
  if (autoconfirm === true) throw new Failure(gatewayErrors.SIGN_UP_OPEN, { detail: 'addresses are not verified' });
}

async function question(
  url: string,
  deadline: number,
  headers: Readonly<Record<string, string>> = {},
): Promise<{ status: number; value: Json | undefined }> {
  try {
    const answer = await ask(url, {
      method: 'GET',
      headers: { accept: 'application/json', ...headers },
      deadline: Math.min(deadline, Date.now() + patience),
    });
    const value = jsonOf(answer);
    return { status: answer.status, value: typeof value === 'object' && value !== null ? (value as Json) : undefined };
  } catch (error) {
    throw new Failure(gatewayErrors.IDENTITY_UNREACHABLE, {}, { cause: error });
  }
}

/** When a token ends by its own account, in milliseconds since the epoch; undefined if it does not say. */
function endOf(token: string): number | undefined {
  try {
    const { exp } = decodeJwt(token);
    return exp === undefined ? undefined : exp * 1000;
  } catch {
    return undefined;
  }
}
