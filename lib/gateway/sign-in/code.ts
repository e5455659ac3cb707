import { EncryptJWT, jwtDecrypt } from 'jose';
import { claimsOf, editorIn, parties, type Moment, type SessionKeys } from '../identity/access-token.ts';
import type { Editor } from '../identity/editors.ts';

/** Seconds that a code is good for; the CMS hands it in at once. */
const codeLifetime = 60;

/** What the code that goes through the browser holds. */
export interface Code {
  editor: Editor;
  /** The CMS's own (RFC 7636, S256). */
  challenge: string;
  redirectUri: string;
}

/** A code for the CMS, good for a minute and to be read by nobody else. */
export function encryptCode(keys: SessionKeys, code: Code, { address, now }: Moment): Promise<string> {
  const { issuer, audience } = parties(address);
  const time = Math.floor(now / 1000);
  const { editor, challenge, redirectUri } = code;
  return new EncryptJWT({ ...claimsOf(editor, address), challenge, redirect_uri: redirectUri })
    .setProtectedHeader({ alg: 'dir', enc: 'A256GCM', typ: 'code+jwt' })
    .setIssuer(issuer)
    .setAudience(audience)
    .setSubject(editor.sub)
    .setIssuedAt(time)
    .setExpirationTime(time + codeLifetime)
    .encrypt(keys.code);
}

/** @returns undefined for whatever is not a code of ours, or not any more */
export async function decryptCode(
  keys: SessionKeys,
  code: string,
  { address, now }: Moment,
): Promise<Code | undefined> {
  try {
    const { payload } = await jwtDecrypt(code, keys.code, {
      ...parties(address),
      keyManagementAlgorithms: ['dir'],
      contentEncryptionAlgorithms: ['A256GCM'],
      typ: 'code+jwt',
      requiredClaims: ['sub', 'exp'],
      currentDate: new Date(now),
    });
    const { challenge, redirect_uri: redirectUri } = payload;
    return { editor: editorIn(payload), challenge: String(challenge), redirectUri: String(redirectUri) };
  } catch {
    return undefined;
  }
}
