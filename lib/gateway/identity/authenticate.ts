import { decodeJwt } from 'jose';
import { Cache, memoize } from '../../http/cache.ts';
import { Failure } from '../../http/errors.ts';
import { issuerFacts } from '../../providers/issuers.ts';
import { gatewayErrors } from '../errors.ts';
import { sessionKeys, verifyAccessToken, type SignInClient } from './access-token.ts';
import { authorize, reasonOfRoles } from './authorize.ts';
import { checkOpen, identify, isAllowed, type Editor, type Identity } from './editors.ts';
import { fetchUser, isConfirmed } from './gotrue.ts';
import { unusable, verifyJwt, verifySharedJwt } from './jwt.ts';
import { hashOf } from './token-hash.ts';
import type { Gateway } from '../settings.ts';
import type { Address } from '../../config/settings.ts';

interface Moment {
  address: Address;
  /** Milliseconds since the epoch. */
  now: number;
  deadline: number;
}

/** Somebody whose token was good, before anybody asks whether they may in. */
interface Known extends Identity {
  /** Who says so: what people call it, and its issuer if it has one. Undefined for a session of ours. */
  from?: { host: string; issuer?: string | undefined };
}

/**
 * Who sends this, and whether they may in: asked at every call.
 *
 * @param authorization the header
 * @throws Failure NO_TOKEN, BAD_TOKEN, TOKEN_UNUSABLE, NOT_AN_EDITOR, NO_EMAIL, EMAIL_NOT_VERIFIED, EMAIL_UNVOUCHED, ROLE_NOT_LISTED,
 *   NOT_CONFIRMED, IDENTITY_UNREACHABLE, SIGN_UP_OPEN
 */
export async function authenticate(
  authorization: string | undefined,
  gateway: Gateway,
  moment: Moment,
): Promise<Editor> {
  if (authorization === undefined) throw new Failure(gatewayErrors.NO_TOKEN);
  const known = await verify(authorization, gateway, moment);
  if (isAllowed(known.editor, gateway.lists)) return known.editor;
  const { lists } = gateway;
  // A session of ours was begun by somebody who was on the list: there is no more to say about it.
  if (!known.from) throw new Failure(gatewayErrors.NOT_AN_EDITOR);
  if (known.editor.email !== undefined && lists.addresses.length + lists.domains.length > 0)
    throw new Failure(gatewayErrors.NOT_AN_EDITOR, {}, lists.roles.length > 0 ? { reason: reasonOfRoles(known) } : {});
  return authorize(known, lists, { ...known.from, status: 401 });
}

/**
 * The token of the header.
 *
 * @throws Failure BAD_TOKEN if it holds none
 */
function tokenOf(authorization: string): string {
  // RFC 6750, 2.1, or GitHub's own word for the same, which the CMSs say to it; and no longer than any issuer makes them.
  const token = /^(?:bearer|token) +([\w.~+/-]{1,16384}=*) *$/i.exec(authorization)?.[1];
  if (token === undefined) throw new Failure(gatewayErrors.BAD_TOKEN);
  return token;
}

/**
 * Tokens that were good, by a hash of the header that they came in: who reads our memory finds none. A CMS that opens a list sends fifty
 * requests with one token. For a minute only, and no longer than the token itself, in which somebody whom the issuer has put out may
 * still come in; the list of editors is asked at every call. One that was refused is not remembered: its issuer may publish the key
 * for it a moment later.
 */
const verified = new WeakMap<Gateway, Cache<{ known: Known; end: number }>>();
const keptMs = 60_000;

/** @throws Failure if the token is not good here */
function verify(authorization: string, gateway: Gateway, moment: Moment): Known | Promise<Known> {
  // A GoTrue is asked, and what it answers is kept with it.
  if (gateway.auth.kind === 'gotrue') return readToken(tokenOf(authorization), gateway, moment);
  // Other settings make another gateway: a secret that was changed ends its sessions at once.
  let sessions = verified.get(gateway);
  if (!sessions) verified.set(gateway, (sessions = new Cache(1_000)));
  const hash = hashOf(authorization);
  const kept = sessions.get(hash);
  if (kept && moment.now < kept.end) return kept.known;
  const token = tokenOf(authorization);
  return readToken(token, gateway, moment).then((known) => {
    const end = endOf(token);
    sessions.set(hash, { known, end }, Math.min(Date.now() + keptMs, end));
    return known;
  });
}

async function readToken(token: string, { auth, lists }: Gateway, moment: Moment): Promise<Known> {
  const { rolesClaim } = lists;
  switch (auth.kind) {
    case 'oidc': {
      const editor = await verifyAccessToken(keysOf(auth), token, moment);
      if (!editor) throw new Failure(gatewayErrors.BAD_TOKEN);
      return { editor, email: { state: 'verified' }, rolesFound: '' };
    }
    case 'jwt': {
      const { claims, issuer } = await verifyJwt(token, auth, moment);
      checkOpen(issuer, lists);
      return known(identify(claims, { issuer, rolesClaim }), { host: issuerFacts(issuer ?? auth.issuer).name, issuer });
    }
    case 'hs256': {
      const { claims } = await verifySharedJwt(token, auth, moment.now);
      return known(identify(claims, { issuer: undefined, rolesClaim }), { host: identityService });
    }
    case 'gotrue': {
      const claims = await fetchUser(auth.address, token, { lists, ...moment });
      if (!claims) throw new Failure(gatewayErrors.BAD_TOKEN);
      if (!isConfirmed(claims)) throw new Failure(gatewayErrors.NOT_CONFIRMED);
      return known(identify(claims, { issuer: undefined, rolesClaim }), { host: identityService });
    }
  }
}

const identityService = 'The service that you log in with';

/** @throws Failure TOKEN_UNUSABLE if nobody is meant */
function known(identity: Identity | undefined, from: NonNullable<Known['from']>): Known {
  if (identity) return { ...identity, from };
  throw unusable({
    id: 'nobody',
    owner: 'the token names nobody ("sub"), or an anonymous user.',
    editor: 'it belongs to nobody in particular. Log in with an account of your own.',
  });
}

/** Deriving them takes longer than opening a session. */
const derive = memoize((issuer: string, clientId: string, clientSecret: string) =>
  sessionKeys({ issuer, clientId, clientSecret }),
);
const keysOf = ({ issuer, clientId, clientSecret }: SignInClient) => derive(issuer, clientId, clientSecret);

/** When a token ends by its own account, in milliseconds since the epoch; 0 if it does not say. */
function endOf(token: string): number {
  try {
    return (decodeJwt(token).exp ?? 0) * 1000;
  } catch {
    return 0;
  }
}
