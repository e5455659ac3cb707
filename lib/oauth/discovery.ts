import {
  createLocalJWKSet,
  decodeProtectedHeader,
  errors,
  jwtVerify,
  type CompactJWSHeaderParameters,
  type FlattenedJWSInput,
  type JSONWebKeySet,
  type JWK,
  type JWTPayload,
  type JWTVerifyOptions,
} from 'jose';
import { isAlias, withoutMetadataPath } from '../providers/issuers.ts';
import { Cache, lazy, LoadingCache } from '../http/cache.ts';
import { isLoopback } from '../http/origins.ts';
import { readObject } from './response.ts';
import { plain, send, textOf } from './request.ts';
import type { ServerMetadata } from 'openid-client';

/** The OAuth library's part of a sign-in, loaded when the first one needs it. */
export const loadConnect = lazy(() => import('./connect.ts'));

/** Milliseconds that what an issuer publishes is not asked for again, and that it still counts if it cannot be had anew. */
const freshMs = 10 * 60_000;
/**
 * A key that an issuer has taken back counts for so long at the most, for whoever can keep us from asking. Longer would help nobody:
 * while an issuer is down it makes no new tokens, and those that it made have ended by then.
 */
const staleMs = 60 * 60_000;

/** Milliseconds that a key which is not among an issuer's is not asked for again. */
const unknownKeyPauseMs = 30_000;

/** What one question may take of the time that is left. Milliseconds. */
const timeoutMs = 5_000;

/** Signatures of which everybody can check, and only the issuer can make. Nothing that is named in a token adds to these. */
export const algorithms = [
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

/** What an issuer says about itself, and that its keys are at an address that nobody on the way can change. */
export type IssuerMetadata = ServerMetadata & { jwks_uri: string };

/** The issuer answers, but what it publishes cannot be used. The message is for the owner. */
export class UnusableIssuer extends Error {}

/** Documents that an issuer publishes: kept while they are fresh, and the last good one for a while longer. */
class Published<Value> {
  readonly #fresh = new LoadingCache<Value>();
  readonly #last = new Cache<Value>();

  async get(key: string, load: () => Promise<Value>): Promise<Value> {
    try {
      return await this.#fresh.get(key, async () => {
        const value = await load();
        this.#last.set(key, value, Date.now() + staleMs);
        return { value, until: Date.now() + freshMs };
      });
    } catch (error) {
      const last = this.#last.get(key);
      if (last === undefined) throw error;
      return last;
    }
  }

  invalidate(key: string, value: Value): void {
    this.#fresh.invalidate(key, value);
  }
}

const metadata = new Published<IssuerMetadata>();
const keySets = new Published<KeySet>();
/** Whose keys were asked for because of a token that names another. */
const askedAnew = new Cache<true>();

/**
 * What an OpenID provider publishes about itself (OpenID Connect Discovery, 4).
 *
 * @param issuer as the owner writes it: a final slash may be missing, and the path of the metadata may be there
 * @param deadline when to give up, in milliseconds since the epoch
 * @throws UnusableIssuer, and what the library and `send` throw, if there is none to be had
 */
export function discover(issuer: string, deadline: number): Promise<IssuerMetadata> {
  const written = withoutMetadataPath(issuer);
  return metadata.get(written, () => loadMetadata(written, deadline));
}

async function loadMetadata(issuer: string, deadline: number): Promise<IssuerMetadata> {
  const oauth = await loadConnect();
  const insecure = isLoopback(new URL(issuer));
  // It is one document for all the spellings below, and it is asked for once.
  let document: Promise<Response> | undefined;
  const find = (name: string) =>
    oauth.discovery(new URL(name), 'none', undefined, undefined, {
      [oauth.customFetch]: (url: string) =>
        (document ??= read(url, deadline).then(({ status, body }) => {
          const name = body?.['issuer'];
          // The library would throw what looks like a mistake of ours.
          if (typeof name === 'string' && !URL.canParse(name))
            throw new UnusableIssuer(`it calls itself ${quoted(name)}, which is no address.`);
          return new oauth.Response(body, status) as unknown as Response;
        })),
      ...(insecure && { execute: [oauth.allowInsecureRequests] }),
    });
  const found = await find(issuer)
    // Some write themselves with a slash at the end. Whatever else was wrong is still wrong.
    .catch(() => find(`${issuer}/`))
    // Some answer at more addresses than they have names. For Microsoft's first host the library knows that; we know the others.
    .catch((error: unknown) => {
      const named = namedBy(error);
      if (named === undefined) throw error;
      if (!isAlias(issuer, named))
        throw new UnusableIssuer(`CMS_GATEWAY_ISSUER is not its name: it calls itself ${quoted(named)}.`);
      // By this path the library takes any name. The document is here already, and the address is not asked.
      return find(`${issuer}/.well-known/openid-configuration`);
    });
  const said = found.serverMetadata();
  if (/(?:\{|%7B)\w+(?:\}|%7D)/i.test(said.issuer))
    throw new UnusableIssuer(
      `it is the address for everybody's accounts (it calls itself ${quoted(said.issuer)}). Write the address of your own tenant, with its id.`,
    );
  if (!isSafe(said.jwks_uri, insecure))
    throw new UnusableIssuer('it names no address of its keys (jwks_uri) that begins with https://.');
  return said as IssuerMetadata;
}

/** Which issuer the metadata names instead, if that is what is wrong. */
function namedBy(error: unknown): string | undefined {
  const { cause } = error as { cause?: { body?: { issuer?: string } } };
  return cause?.body?.issuer;
}

/** Somebody else's text, for the owner: printable, and not too much of it. */
export const quoted = (text: string): string => JSON.stringify(cleaned(text, 120));

/** Printable text of one line: without control, format and other invisible characters. */
export const cleaned = (text: string, length: number): string =>
  text
    .normalize('NFC')
    .replace(/[\p{C}\s]+/gu, ' ')
    .trim()
    .slice(0, length);

/** Whether nobody on the way to this address can read or change anything: https, or http on loopback if the issuer is there, too. */
export function isSafe(address: unknown, insecure: boolean): boolean {
  if (typeof address !== 'string' || !URL.canParse(address)) return false;
  const url = new URL(address);
  return url.protocol === 'https:' || (insecure && url.protocol === 'http:' && isLoopback(url));
}

interface KeySet {
  all: ReturnType<typeof createLocalJWKSet>;
  /** Those without a name (`kid`), for tokens that name one. */
  unnamed: ReturnType<typeof createLocalJWKSet>;
}

/**
 * Checks a JWT by the keys that its issuer publishes (RFC 7515, RFC 7517). It may leave out which key that is, and so may the issuer.
 *
 * @param options what the claims have to say; the algorithms are ours
 * @throws JOSEError if it is not good; what `send` throws if the keys cannot be had
 */
export async function verifyJws(
  token: string,
  { jwks_uri: url }: IssuerMetadata,
  options: Omit<JWTVerifyOptions, 'algorithms'>,
  deadline: number,
): Promise<JWTPayload> {
  const get = () => keySets.get(url, () => loadKeys(url, deadline));
  const keys = await get();
  try {
    return await verifyWith(token, keys, options);
  } catch (error) {
    if (!(error instanceof errors.JWKSNoMatchingKey) || askedAnew.get(url)) throw error;
    // The issuer may have new ones. Not oftener: anybody can make up the name of a key.
    askedAnew.set(url, true, Date.now() + unknownKeyPauseMs);
    keySets.invalidate(url, keys);
    return verifyWith(token, await get(), options);
  }
}

async function verifyWith(
  token: string,
  { all, unnamed }: KeySet,
  options: Omit<JWTVerifyOptions, 'algorithms'>,
): Promise<JWTPayload> {
  type Find = (header: CompactJWSHeaderParameters, token: FlattenedJWSInput) => ReturnType<typeof all>;
  const tryAll = async (find: Find, isNamed: () => boolean): Promise<JWTPayload> => {
    try {
      return (await jwtVerify(token, find, { ...options, algorithms })).payload;
    } catch (error) {
      // The one key that there is, and it has no name: the issuer may have put another in its place.
      if (error instanceof errors.JWSSignatureVerificationFailed && !isNamed()) throw new errors.JWKSNoMatchingKey();
      if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error;
      // Several fit, since the token does not say which, or they have no names or the same one: all are the issuer's.
      for await (const key of error)
        try {
          return (await jwtVerify(token, key, { ...options, algorithms })).payload;
        } catch (inner) {
          if (!(inner instanceof errors.JWSSignatureVerificationFailed)) throw inner;
        }
      throw new errors.JWKSNoMatchingKey();
    }
  };
  try {
    return await tryAll(all, () => decodeProtectedHeader(token).kid !== undefined);
  } catch (error) {
    if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
    return tryAll(
      ({ alg }, input) => unnamed({ alg }, input),
      () => false,
    );
  }
}

async function loadKeys(url: string, deadline: number): Promise<KeySet> {
  const { status, body } = await read(url, deadline);
  const keys: unknown = status === 200 ? body?.['keys'] : undefined;
  if (!Array.isArray(keys)) throw new UnusableIssuer(`there are no keys at its jwks_uri (${status}).`);
  const set = (list: JWK[]) => createLocalJWKSet({ keys: list } as JSONWebKeySet);
  return { all: set(keys), unnamed: set(keys.filter(({ kid }: JWK) => kid === undefined)) };
}

/** Issuers are free in what they call their JSON. */
async function read(
  url: string,
  deadline: number,
): Promise<{ status: number; body: Record<string, unknown> | undefined }> {
  const answer = await send(url, {
    method: 'GET',
    headers: { accept: 'application/json', ...plain },
    deadline: Math.min(deadline, Date.now() + timeoutMs),
  });
  return { status: answer.status, body: readObject(textOf(answer), undefined) };
}
