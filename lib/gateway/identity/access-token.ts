import { jwtVerify, SignJWT } from 'jose';
import { commitAddress, type Editor } from './editors.ts';
import type { Address } from '../../config/settings.ts';

/**
 * What an editor carries who signed in with us: a session, which is a JWT of ours, and before it a code, which is one that only
 * we can read. Both keys come out of the client secret, so there is none to set, and a new client secret ends every session.
 * Whoever can read the client secret can therefore be any editor.
 */
export interface SessionKeys {
  session: Uint8Array;
  code: Uint8Array;
}

/** The client of the provider that editors sign in at. */
export interface SignInClient {
  issuer: string;
  clientId: string;
  clientSecret: string;
}

/** RFC 5869. Another provider or client makes other keys, even with the same secret. */
export function sessionKeys({ issuer, clientId, clientSecret }: SignInClient): SessionKeys {
  const { hkdfSync } = process.getBuiltinModule('node:crypto');
  const salt = JSON.stringify([issuer, clientId]);
  const derive = (info: string) => new Uint8Array(hkdfSync('sha256', clientSecret, salt, info, 32));
  return { session: derive('cms gateway session/1'), code: derive('cms gateway code/1') };
}

/** The client that a CMS is: there is only one, and everybody knows its name (RFC 6749, 2.1: a public client). */
export const cmsClientId = 'cms';

/** Between our clock and another's. Seconds. */
export const tokenSkew = 30;

/** Who issues and who takes both: another gateway's, even with the same client, are not good here. */
export const parties = ({ origin, prefix }: Address) => ({
  issuer: `${origin}${prefix}`,
  audience: `${origin}${prefix}/git`,
});

/** @param now milliseconds since the epoch, here and below */
export interface Moment {
  address: Address;
  now: number;
}

/**
 * The access token of an editor.
 *
 * @param seconds how long it is good for
 */
export function issueAccessToken(
  keys: SessionKeys,
  editor: Editor,
  { seconds, address, now }: Moment & { seconds: number },
): Promise<string> {
  const { issuer, audience } = parties(address);
  const time = Math.floor(now / 1000);
  return (
    // With all that RFC 9068, 2.2 asks of an access token.
    new SignJWT({ ...claimsOf(editor, address), client_id: cmsClientId })
      // Not "JWT": a code or somebody else's token can never pass for one.
      .setProtectedHeader({ alg: 'HS256', typ: 'at+jwt' })
      .setIssuer(issuer)
      .setAudience(audience)
      .setSubject(editor.sub)
      .setJti(process.getBuiltinModule('node:crypto').randomUUID())
      .setIssuedAt(time)
      .setExpirationTime(time + seconds)
      .sign(keys.session)
  );
}

/** @returns undefined for whatever is not a session of ours, or not any more */
export async function verifyAccessToken(
  keys: SessionKeys,
  token: string,
  { address, now }: Moment,
): Promise<Editor | undefined> {
  try {
    const { payload } = await jwtVerify(token, keys.session, {
      ...parties(address),
      algorithms: ['HS256'],
      typ: 'at+jwt',
      requiredClaims: ['sub', 'exp'],
      clockTolerance: tokenSkew,
      currentDate: new Date(now),
    });
    return editorIn(payload);
  } catch {
    return undefined;
  }
}

/** The CMS shows name, address and picture. It cannot do without an address, so there is always one. */
export const claimsOf = (editor: Editor, { origin }: Address) => ({
  email: commitAddress(editor, origin),
  email_verified: editor.email !== undefined,
  ...(editor.domain !== undefined && { domain: editor.domain }),
  name: editor.name,
  ...(editor.picture !== undefined && { picture: editor.picture }),
  roles: editor.roles,
});

/** The other way round. Whoever gets here has our own signature, so the shape is known. */
export const editorIn = (claims: object): Editor => {
  const { sub, email, email_verified, domain, name, picture, roles } = claims as ReturnType<typeof claimsOf> & {
    sub: string;
  };
  return {
    sub,
    ...(email_verified && { email }),
    ...(domain !== undefined && { domain }),
    name,
    ...(picture !== undefined && { picture }),
    roles,
  };
};
