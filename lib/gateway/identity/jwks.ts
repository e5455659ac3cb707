import { createLocalJWKSet, errors, jwtVerify, type JSONWebKeySet, type JWTPayload } from 'jose';
import { tokenSkew } from './access-token.ts';
import { textOf } from '../../oauth/request.ts';
import { Failure } from '../../http/errors.ts';
import { isLoopback } from '../../http/origins.ts';
import { gatewayErrors } from '../errors.ts';
import { sendRequest, jsonOf, CachedValue } from '../upstream.ts';
import type { Claims } from './editors.ts';

/** Signatures of which everybody can check, and only the issuer can make. Nothing that is named in a token adds to these. */
const algorithms = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
];

/** Milliseconds that the keys are kept, and that a key which is not among them is not asked for again. */
const keptFor = 10 * 60_000;
const pause = 30_000;

interface Known {
  /** As the issuer itself writes it. */
  issuer: string;
  jwksUri: string;
}

type Keys = ReturnType<typeof createLocalJWKSet>;

/** What one issuer publishes. */
class Issuer {
  readonly metadata = new CachedValue<Known>();
  readonly keys = new CachedValue<Keys>();
  /** What was good a while ago is good enough while the issuer is down. */
  last: (Known & { keys: Keys }) | undefined;
  /** When an unknown key made us ask anew, in milliseconds since the epoch. */
  askedAnew = 0;
}

const known = new Map<string, Issuer>();

/**
 * Checks a JWT that somebody else issued, by the keys they publish: signature, issuer, audience and time.
 *
 * @returns its claims; undefined for whatever is not good here
 * @throws Failure IDENTITY_UNREACHABLE if the issuer cannot be asked for its keys
 */
export async function verifyJwt(
  token: string,
  { issuer, audience }: { issuer: string; audience: readonly string[] },
  { now, deadline }: { now: number; deadline: number },
): Promise<Claims | undefined> {
  let published = known.get(issuer);
  if (!published) {
    known.clear();
    published = new Issuer();
    known.set(issuer, published);
  }
  const { metadata, keys } = published;
  try {
    const read = async () => {
      const found = await metadata.get(() => discover(issuer, deadline));
      return (published.last = { ...found, keys: await keys.get(() => readKeys(found.jwksUri, deadline)) });
    };
    let current = await read().catch((error: unknown) => {
      if (published.last) return published.last;
      throw error;
    });
    const options = {
      issuer: current.issuer,
      algorithms,
      requiredClaims: ['sub', 'exp'],
      clockTolerance: tokenSkew,
      currentDate: new Date(now),
    };
    let claims = await verify(token, current.keys, options);
    if (claims === 'unknown key' && Date.now() - published.askedAnew > pause) {
      published.askedAnew = Date.now();
      keys.invalidate(current.keys); // the issuer may have new ones
      current = await read();
      claims = await verify(token, current.keys, options);
    }
    return claims === 'unknown key' || !isFor(claims, audience) ? undefined : claims;
  } catch (error) {
    if (error instanceof errors.JOSEError) return undefined;
    throw new Failure(gatewayErrors.IDENTITY_UNREACHABLE, {}, { cause: error });
  }
}

async function verify(
  token: string,
  find: Keys,
  options: Parameters<typeof jwtVerify>[2],
): Promise<JWTPayload | 'unknown key'> {
  try {
    return (await jwtVerify(token, find, options)).payload;
  } catch (error) {
    if (error instanceof errors.JWKSNoMatchingKey) return 'unknown key';
    if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error;
    // A token that does not say which key, of an issuer that has several.
    for await (const key of error)
      try {
        return (await jwtVerify(token, key, options)).payload;
      } catch (inner) {
        if (!(inner instanceof errors.JWSSignatureVerificationFailed)) throw inner;
      }
    throw new errors.JWSSignatureVerificationFailed();
  }
}

/** Cognito's access tokens have no audience, and say in `client_id` who they were made for. */
function isFor({ aud, client_id: client }: JWTPayload, audience: readonly string[]): boolean {
  const named = aud === undefined ? [client] : [aud].flat();
  return named.some((name) => typeof name === 'string' && audience.includes(name));
}

/** OpenID Connect Discovery, 4. */
async function discover(issuer: string, deadline: number): Promise<{ value: Known; until: number }> {
  const oauth = await import('../../oauth/connect.ts');
  const insecure = isLoopback(new URL(issuer));
  const find = (name: string) =>
    oauth.discovery(new URL(name), 'none', undefined, undefined, {
      // All of an answer that the library looks at.
      [oauth.customFetch]: async (url: string) =>
        new oauth.Response(await read(url, deadline), 200) as unknown as Response,
      ...(insecure && { execute: [oauth.allowInsecureRequests] }),
    });
  // Some write themselves with a slash at the end.
  const configuration = await find(issuer).catch((error: unknown) => {
    if (issuer.endsWith('/') || !(error instanceof oauth.ClientError)) throw error;
    return find(`${issuer}/`);
  });
  const { issuer: name, jwks_uri: jwksUri } = configuration.serverMetadata();
  const url = jwksUri !== undefined && URL.canParse(jwksUri) ? new URL(jwksUri) : undefined;
  if (!url || !(url.protocol === 'https:' || (insecure && url.protocol === 'http:' && isLoopback(url))))
    throw new Error('This issuer names no address of its keys that can be trusted.');
  return { value: { issuer: name, jwksUri: url.href }, until: Date.now() + keptFor };
}

async function readKeys(url: string, deadline: number): Promise<{ value: Keys; until: number }> {
  const find = createLocalJWKSet((await read(url, deadline)) as JSONWebKeySet);
  return { value: find, until: Date.now() + keptFor };
}

/** @throws Error unless it answers with a JSON object */
async function read(url: string, deadline: number): Promise<object> {
  const answer = await sendRequest(url, {
    method: 'GET',
    headers: { accept: 'application/json' },
    deadline: Math.min(deadline, Date.now() + 5_000),
  });
  // Issuers are free in what they call their JSON.
  const value: unknown = answer.status === 200 ? (jsonOf(answer) ?? JSON.parse(textOf(answer))) : undefined;
  if (typeof value !== 'object' || value === null) throw new Error('This is no answer of an issuer.');
  return value;
}
