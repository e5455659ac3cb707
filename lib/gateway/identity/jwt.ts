import { decodeJwt, decodeProtectedHeader, errors, jwtVerify, type JWTPayload } from 'jose';
import { discover, quoted, UnusableIssuer, verifyJws } from '../../oauth/discovery.ts';
import { reasonOf, reasonOfSignature, reasonOfTime, type Reason } from '../../oauth/reasons.ts';
import { Failure } from '../../http/errors.ts';
import { gatewayErrors } from '../errors.ts';
import { tokenSkew } from './access-token.ts';
import { identityErrors } from './errors.ts';
import type { Claims } from './editors.ts';

/**
 * The longest that a token by a shared secret may still be good for. GoTrue makes them for an hour, Supabase for a week at the most;
 * one that never ends would let somebody in for ever who got hold of it once. Seconds.
 */
const longestLife = 7 * 24 * 3600;

/** A JWT that somebody else issued, and by which name its issuer is to be judged. */
export interface Verified {
  claims: Claims;
  /** As its metadata names it; undefined where a shared secret says who may issue. */
  issuer: string | undefined;
}

/**
 * Checks a JWT by the keys that its issuer publishes: signature, issuer, audience and time.
 *
 * @throws Failure BAD_TOKEN, TOKEN_UNUSABLE with the reason; IDENTITY_UNREACHABLE if the issuer cannot be asked for its keys
 */
export async function verifyJwt(
  token: string,
  { issuer, audience }: { issuer: string; audience: readonly string[] },
  { now, deadline }: { now: number; deadline: number },
): Promise<Verified> {
  try {
    const metadata = await discover(issuer, deadline);
    const claims = await verifyJws(
      token,
      metadata,
      {
        issuer: metadata.issuer,
        requiredClaims: ['sub', 'exp'],
        clockTolerance: tokenSkew,
        currentDate: new Date(now),
      },
      deadline,
    );
    checkAudience(claims, audience);
    return { claims, issuer: metadata.issuer };
  } catch (error) {
    if (error instanceof Failure) throw error;
    if (error instanceof errors.JOSEError) throw refused(token, error, now);
    throw new Failure(
      gatewayErrors.IDENTITY_UNREACHABLE,
      {},
      { cause: error, ...(error instanceof UnusableIssuer && { reason: `issuer: ${reasonOf(error).owner}` }) },
    );
  }
}

/** Cognito's access tokens have no audience, and say in `client_id` who they were made for. */
function checkAudience({ aud, client_id: client }: JWTPayload, audience: readonly string[]): void {
  const named = (aud === undefined ? [client] : [aud].flat()).filter((name) => typeof name === 'string');
  if (named.some((name) => audience.includes(name))) return;
  throw unusable({
    id: 'audience',
    owner: `the token was made for ${named.map(quoted).join(', ') || 'nobody ("aud" is missing)'}, and CMS_GATEWAY_AUDIENCE is ${audience.map(quoted).join(', ')}.`,
    editor: `it was made for ${named.map(quoted).join(', ') || 'nobody in particular'}, not for ${audience.map(quoted).join(' or ')}.`,
  });
}

/**
 * Checks a JWT by a secret that both know, as GoTrue makes them. It names no issuer that could be checked, and an audience only where
 * the owner says which.
 *
 * @throws Failure BAD_TOKEN, TOKEN_UNUSABLE with the reason
 */
export async function verifySharedJwt(
  token: string,
  { secret, audience }: { secret: string; audience?: readonly string[] },
  now: number,
): Promise<Verified> {
  try {
    const { payload } = await jwtVerify(token, new TextEncoder().encode(secret), {
      algorithms: ['HS256'],
      requiredClaims: ['exp'],
      clockTolerance: tokenSkew,
      currentDate: new Date(now),
    });
    if (audience) checkAudience(payload, audience);
    const left = (payload.exp ?? Infinity) - Math.floor(now / 1000);
    if (!(left <= longestLife + tokenSkew))
      throw unusable({
        id: 'too_long',
        owner: `the token is good for ${Math.ceil(left / 86_400)} more days. Make tokens that end within ${longestLife / 86_400} days.`,
        editor: 'it is made to last too long.',
      });
    return { claims: payload, issuer: undefined };
  } catch (error) {
    if (error instanceof errors.JOSEError) throw refused(token, error, now);
    throw error;
  }
}

/** @param reason its words for the editor go on after a colon */
export const unusable = ({ id, owner, editor }: Reason): Failure =>
  new Failure(identityErrors.TOKEN_UNUSABLE, { why: editor }, { reason: `${id}: ${owner}` });

/**
 * A token that is not good. Only of one whose signature is valid is anything said but that it is bad: what a stranger made up is
 * not worth an answer, and its text is not shown.
 */
function refused(token: string, error: errors.JOSEError, now: number): Failure {
  const bad = (reason: string) => new Failure(gatewayErrors.BAD_TOKEN, {}, { cause: error, reason });
  const claims = (error as { payload?: JWTPayload }).payload;
  if (error instanceof errors.JWTExpired)
    return bad(`ended: ${reasonOfTime(claims ?? {}, now, tokenSkew)?.owner ?? 'the token has ended.'}`);
  if (error instanceof errors.JWTClaimValidationFailed && claims) {
    const { claim } = error;
    if (claim === 'iss')
      return unusable({
        id: 'issuer_other',
        owner: `the token was issued by ${quoted(String(claims.iss))}, which is not what the metadata of CMS_GATEWAY_ISSUER says.`,
        editor: 'it was issued by another server than the one that is set here.',
      });
    if (claim === 'nbf') {
      const reason = reasonOfTime(claims, now, tokenSkew);
      if (reason) return unusable({ ...reason, editor: `it is not good yet: the clocks of two servers differ.` });
    }
    return unusable({
      id: 'claim',
      owner: `"${claim}" is ${claims[claim] === undefined ? 'missing in the token' : 'not what it should be'}.`,
      editor: 'it is not complete.',
    });
  }
  return bad(describe(token, error));
}

function describe(token: string, error: errors.JOSEError): string {
  try {
    decodeJwt(token);
    const { id, owner } = reasonOfSignature(decodeProtectedHeader(token), error);
    return `${id}: ${owner}`;
  } catch {
    return 'not_a_jwt: the token is no JWT that could be read. Some providers give out others unless they are asked for an API or audience.';
  }
}
