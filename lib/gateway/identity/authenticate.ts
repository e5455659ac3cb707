import { errors, jwtVerify } from 'jose';
import { verifyAccessToken, sessionKeys, tokenSkew, type SessionKeys, type SignInClient } from './access-token.ts';
import { editorOf, isAllowed, type Claims, type Editor } from './editors.ts';
import { Failure } from '../../http/errors.ts';
import { gatewayErrors } from '../errors.ts';
import { Answers, endOf, hashOf } from './cache.ts';
import { fetchUser, isConfirmed } from './gotrue.ts';
import { verifyJwt } from './jwks.ts';
import type { Gateway } from '../settings.ts';
import type { Address } from '../../config/settings.ts';

interface Moment {
  address: Address;
  /** Milliseconds since the epoch. */
  now: number;
  deadline: number;
}

/**
 * Who sends this, and whether they may in: asked at every call.
 *
 * @param authorization the header
 * @throws Failure NO_TOKEN, BAD_TOKEN, NOT_AN_EDITOR, NOT_CONFIRMED, IDENTITY_UNREACHABLE, SIGN_UP_OPEN
 */
export async function authenticate(
  authorization: string | undefined,
  gateway: Gateway,
  moment: Moment,
): Promise<Editor> {
  if (authorization === undefined) throw new Failure(gatewayErrors.NO_TOKEN);
  // RFC 6750, 2.1, or GitHub's own word for the same, which the CMSs say to it; and no longer than any issuer makes them.
  const token = /^(?:bearer|token) +([\w.~+/-]{1,16384}=*) *$/i.exec(authorization)?.[1];
  const editor = token === undefined ? undefined : await verifyToken(token, gateway, moment);
  if (!editor) throw new Failure(gatewayErrors.BAD_TOKEN);
  if (!isAllowed(editor, gateway.lists)) throw new Failure(gatewayErrors.NOT_AN_EDITOR);
  return editor;
}

/** Tokens that were good. One that was refused is not remembered: its issuer may publish the key for it a moment later. */
const verified = new Answers<{ editor: Editor; end: number }>();

/** @returns undefined if the token is not good here */
async function verifyToken(token: string, gateway: Gateway, moment: Moment): Promise<Editor | undefined> {
  // A GoTrue is asked, and what it answers is kept with it.
  if (gateway.auth.kind === 'gotrue') return read(token, gateway, moment);
  // With all that decides: a secret that was changed ends its sessions at once.
  const hash = hashOf(token, JSON.stringify([gateway.auth, gateway.lists.rolesClaim, moment.address]));
  const kept = await verified.find(hash);
  if (kept && moment.now < kept.end) return kept.editor;
  const editor = await read(token, gateway, moment);
  const end = endOf(token) ?? 0;
  if (editor) verified.keep(hash, Promise.resolve({ editor, end }), end);
  return editor;
}

async function read(token: string, { auth, lists }: Gateway, moment: Moment): Promise<Editor | undefined> {
  const { rolesClaim } = lists;
  switch (auth.kind) {
    case 'oidc':
      return verifyAccessToken(keysOf(auth), token, moment);
    case 'jwt': {
      const claims = await verifyJwt(token, auth, moment);
      return claims && editorOf(claims, { issuer: auth.issuer, rolesClaim });
    }
    case 'hs256': {
      const claims = await verifySharedJwt(token, auth.secret, moment.now);
      return claims && editorOf(claims, { issuer: undefined, rolesClaim });
    }
    case 'gotrue': {
      const claims = await fetchUser(auth.address, token, { lists, ...moment });
      if (claims && !isConfirmed(claims)) throw new Failure(gatewayErrors.NOT_CONFIRMED);
      return claims && editorOf(claims, { issuer: undefined, rolesClaim });
    }
  }
}

let kept: { client: SignInClient; keys: SessionKeys } | undefined;

/** Deriving them takes longer than opening a session. */
function keysOf(client: SignInClient): SessionKeys {
  const same =
    kept?.client.clientSecret === client.clientSecret &&
    kept.client.clientId === client.clientId &&
    kept.client.issuer === client.issuer;
  if (!kept || !same) kept = { client, keys: sessionKeys(client) };
  return kept.keys;
}

/** A JWT by a secret that both know, as GoTrue makes them; it names neither issuer nor audience that could be checked. */
async function verifySharedJwt(token: string, secret: string, now: number): Promise<Claims | undefined> {
  try {
    const { payload } = await jwtVerify(token, new TextEncoder().encode(secret), {
      algorithms: ['HS256'],
      requiredClaims: ['exp'],
      clockTolerance: tokenSkew,
      currentDate: new Date(now),
    });
    return payload;
  } catch (error) {
    if (error instanceof errors.JOSEError) return undefined;
    throw error;
  }
}
