import { decodeJwt, decodeProtectedHeader, errors, type JWTPayload, type ProtectedHeaderParameters } from 'jose';
import { algorithms, cleaned, quoted, UnusableIssuer } from './discovery.ts';
import { TooLarge, TooLate, Unreachable } from './request.ts';

/** Why what a provider says was not believed. */
export interface Reason {
  /** One of a fixed list, for whoever searches the log. */
  id: string;
  /** For the owner, in the log and on the owner's pages: what was there, what should be, and where to change it. */
  owner: string;
  /** For the editor: what happened, in words that need no knowledge of tokens. `{host}` is the provider. */
  editor: string;
}

/** What an ID token is compared with. */
export interface Expected {
  /** As it came, or what came in its place. */
  idToken?: unknown;
  issuer: string;
  clientId: string;
  nonce: string;
  /** Milliseconds since the epoch. */
  now: number;
  /** Seconds. */
  clockTolerance: number;
}

/**
 * Names what is wrong. Everything was refused before: this looks at it again, and what it finds decides nothing.
 *
 * @param expected of an ID token; absent if there is none yet
 */
export function reasonOf(error: unknown, expected?: Expected): Reason {
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof TooLarge) return tooLarge;
    if (cause instanceof UnusableIssuer)
      return { id: 'issuer_metadata', owner: cause.message, editor: 'Its settings do not fit together with ours.' };
    if (cause instanceof Unreachable || cause instanceof TooLate) return noKeys;
  }
  if (!expected) return described(error);
  const { idToken } = expected;
  if (idToken === undefined || idToken === null)
    return {
      id: 'id_token_missing',
      owner:
        'its token endpoint answered without an ID token. The client there must be one for OpenID Connect, with the scope openid.',
      editor: 'It did not say who you are.',
    };
  const token = decode(idToken);
  if (token === 'encrypted')
    return {
      id: 'id_token_encrypted',
      owner: 'the ID token is encrypted. Switch that off for this client there.',
      editor: 'What it says is encrypted, and cannot be read here.',
    };
  if (!token)
    return {
      id: 'id_token_malformed',
      owner: 'what should be the ID token is none.',
      editor: 'What it says cannot be read.',
    };
  return reasonOfClaims(token.claims, expected) ?? reasonOfSignature(token.header, error);
}

function reasonOfClaims(claims: JWTPayload, expected: Expected): Reason | undefined {
  const { issuer, clientId, nonce, now, clockTolerance } = expected;
  for (const name of ['iss', 'aud', 'sub', 'exp', 'iat'])
    if (claims[name] === undefined)
      return {
        id: 'claim_missing',
        owner: `the ID token has no "${name}".`,
        editor: 'What it says is not complete.',
      };
  if (claims.iss !== issuer)
    return {
      id: 'issuer_other',
      owner: `the ID token was issued by ${quoted(String(claims.iss))}, and its metadata says ${quoted(issuer)}.`,
      editor: 'It calls itself by two names.',
    };
  const audience = [claims.aud].flat().map(String);
  if (!audience.includes(clientId))
    return {
      id: 'audience',
      owner: `the ID token was made for ${audience.map(quoted).join(', ')}, and CMS_GATEWAY_CLIENT_ID is ${quoted(clientId)}.`,
      editor: 'What it says was meant for another program.',
    };
  if (audience.length > 1 && claims['azp'] !== clientId)
    return {
      id: 'authorized_party',
      owner: `the ID token was made for ${audience.map(quoted).join(', ')}, and "azp" is ${claims['azp'] === undefined ? 'missing' : quoted(String(claims['azp']))}: it should be ${quoted(clientId)}.`,
      editor: 'What it says was meant for several programs.',
    };
  if (claims['nonce'] === undefined)
    return {
      id: 'nonce_missing',
      owner:
        'the ID token has no "nonce". A provider has to repeat the one of the request; some do only if a setting of the client says so.',
      editor: 'It left out what ties its answer to your sign-in.',
    };
  if (claims['nonce'] !== nonce)
    return {
      id: 'nonce_other',
      owner: 'the "nonce" of the ID token belongs to another sign-in.',
      editor: 'Its answer belongs to another sign-in.',
    };
  return reasonOfTime(claims, now, clockTolerance);
}

/** @param now milliseconds since the epoch */
export function reasonOfTime(claims: JWTPayload, now: number, clockTolerance: number): Reason | undefined {
  const { exp = 0, nbf = 0 } = claims;
  const time = Math.floor(now / 1000);
  const early = Math.max(nbf - time, 0);
  if (early > clockTolerance)
    return {
      id: 'clock',
      owner: `by our clock the token becomes valid in ${early} s: the clock of the provider is ahead of ours by that much or more. Set the clock that is wrong.`,
      editor: `The clocks of {host} and of this server differ by ${early} seconds or more.`,
    };
  if (exp <= time - clockTolerance)
    return {
      id: 'clock',
      owner: `by our clock the token ended ${time - exp} s ago${claims.iat === undefined ? '' : ` and was made ${time - claims.iat} s ago`}: the clocks differ, or it was late. Set the clock that is wrong.`,
      editor: `The clocks of {host} and of this server differ, by more than ${time - exp} seconds.`,
    };
  return undefined;
}

/** @param error what was thrown */
export function reasonOfSignature({ alg, kid }: ProtectedHeaderParameters, error: unknown): Reason {
  if (!algorithms.includes(String(alg)))
    return {
      id: 'algorithm',
      owner: `the token is signed by ${quoted(String(alg))}. Choose one for this client that uses a key which the provider publishes, such as RS256.`,
      editor: 'It signs its answer in a way that is not accepted here.',
    };
  if (error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWSSignatureVerificationFailed)
    return {
      id: 'signature',
      owner: `the token is not signed by a key that the provider publishes at its jwks_uri${kid === undefined ? ', and does not say by which' : `; it names the key ${quoted(String(kid))}`}. The algorithm is ${alg}.`,
      editor: 'The signature of its answer is not valid.',
    };
  return described(error);
}

/** Whatever else: by the kind of the error only, since the library's own words may hold parts of tokens. */
function described(error: unknown): Reason {
  const code = String((error as { code?: unknown } | undefined)?.code);
  const name = /^[A-Z_]{1,60}$/.test(code) ? ` (${code})` : '';
  return {
    id: 'malformed',
    owner: `it sent an answer that is not as it should be${name}.`,
    editor: 'Its answer cannot be read.',
  };
}

const tooLarge: Reason = {
  id: 'too_large',
  owner:
    'it sent an answer of more than 64 kB, or one that is packed. Leave out what nobody needs, such as long lists of groups.',
  editor: 'It says more than can be read here.',
};

const noKeys: Reason = {
  id: 'keys_unreachable',
  owner: 'its keys (jwks_uri) could not be read in time.',
  editor: 'Its keys cannot be read at the moment.',
};

function decode(token: unknown): { header: ProtectedHeaderParameters; claims: JWTPayload } | 'encrypted' | undefined {
  if (typeof token !== 'string') return undefined;
  if (token.split('.').length === 5) return 'encrypted';
  try {
    return { header: decodeProtectedHeader(token), claims: decodeJwt(token) };
  } catch {
    return undefined;
  }
}

/**
 * A provider's own `error` and `error_description` (RFC 6749, 4.1.2.1 and 5.2), for the owner. They are the provider's words, so only
 * what can be printed is left of them, and nothing that looks like a token or is a secret of this sign-in.
 */
export function saidBy(error: unknown, description: unknown, secrets: readonly string[] = []): string {
  const words = [error, description]
    .filter((text): text is string => typeof text === 'string' && text.trim() !== '')
    .map((text) => {
      let shown = text;
      for (const secret of secrets) if (secret !== '') shown = shown.replaceAll(secret, '…');
      return cleaned(shown.replace(/[\w-]{16,}\.[\w-]{16,}\.[\w-]*|[\w~+/-]{40,}=*/g, '…'), 200);
    });
  return words.length > 0 ? words.join(': ') : 'it gave no reason.';
}
