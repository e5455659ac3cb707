import { invalid } from '../../config/environment.ts';
import { issuerFacts } from '../../providers/issuers.ts';
import type { Failure } from '../../http/errors.ts';

/** Somebody who writes through the gateway, however we came to know them. */
export interface Editor {
  /** What the issuer calls them; never changes. */
  sub: string;
  /** Only if somebody we trust has verified it. */
  email?: string;
  /** The domain that an entry such as `@example.org` may let in by; see `IssuerFacts.domainClaim`. */
  domain?: string;
  name: string;
  picture?: string;
  roles: readonly string[];
}

/** What a token or an identity service says about somebody. */
export type Claims = Readonly<Record<string, unknown>>;

/** Who may in: any one of these is enough. */
export interface EditorLists {
  /** Whoever the issuer vouches for. */
  everyone: boolean;
  /** Addresses and domains, both in lower case. */
  addresses: readonly string[];
  domains: readonly string[];
  roles: readonly string[];
  /** Where the roles are: one claim, or several with commas between; `app_metadata.roles` unless the owner says otherwise. */
  rolesClaim: string;
}

/** Somebody, and what was said about them: enough to tell them why they may not in. */
export interface Identity {
  editor: Editor;
  email: EmailFinding;
  /** What stood in the claims that may hold roles, in words. */
  rolesFound: string;
}

/** What is said about the e-mail address. */
export interface EmailFinding {
  /** `denied`: the issuer says that it is not verified. `unsaid`: it says nothing, or nothing that can be read. */
  state: 'verified' | 'denied' | 'unsaid' | 'missing';
  /** If it is one that could stand on the list. */
  address?: string;
}

/** ASCII only: Unicode knows other letters whose small form is one of ours, and then two addresses would be one. */
export const lowerCase = (text: string): string =>
  /[A-Z]/.test(text) ? text.replace(/[A-Z]/g, (letter) => letter.toLowerCase()) : text;

/** One address: one `@`, and nothing in it that could make two of one or end up as something else in a commit. */
export const isAddress = (text: string): boolean =>
  text.length <= 254 && /^[^\s"`,;:<>()[\]\\@\p{Cc}]+@[^\s"`,;:<>()[\]\\@\p{Cc}]+$/u.test(text);

/**
 * Makes an editor of what is said about somebody.
 *
 * @param claims that have been verified: of a token, or as an identity service answered
 * @param issuer who says so, as its metadata names it; undefined for a GoTrue, which confirms addresses by itself
 * @returns undefined if they have no name of their own (`sub`), or are an anonymous user, who is nobody
 */
export function identify(
  claims: Claims,
  { issuer, rolesClaim }: { issuer: string | undefined; rolesClaim: string },
): Identity | undefined {
  const names = issuer === undefined ? ['sub', 'id', 'email'] : ['sub'];
  const sub = names.map((name) => text(claims[name])).find(Boolean);
  if (sub === undefined || isAnonymous(claims)) return undefined;
  const { domainClaim, verifiedClaim } = issuer === undefined ? {} : issuerFacts(issuer);
  const given = text(claims['email']);
  const address = given !== undefined && isAddress(given) ? given : undefined;
  const state =
    address === undefined ? 'missing' : issuer === undefined ? confirmation(claims) : verdict(claims, verifiedClaim);
  const email = state === 'verified' ? address : undefined;
  const domain = email === undefined ? undefined : lowerCase(email.slice(email.indexOf('@') + 1));
  const domainCounts =
    domain !== undefined && (domainClaim === undefined || lowerCase(text(claims[domainClaim]) ?? '') === domain);
  const profile = record(claims['user_metadata']);
  const picture = text(claims['picture']) ?? text(profile['avatar_url']);
  const { roles, found } = rolesOf(claims, rolesClaim);
  return {
    editor: {
      sub,
      ...(email !== undefined && { email }),
      ...(domainCounts && { domain }),
      name: nameOf(claims, profile, email) ?? sub,
      ...(picture !== undefined && picture.startsWith('https://') && { picture }),
      roles,
    },
    email: { state, ...(address !== undefined && { address }) },
    rolesFound: found,
  };
}

/** What an issuer says of the address: nothing but a plain `true` is a yes (OpenID Connect Core, 5.1). */
function verdict(claims: Claims, verifiedClaim: string | undefined): EmailFinding['state'] {
  if (Object.hasOwn(claims, 'email_verified')) {
    const said = claims['email_verified'];
    return said === true ? 'verified' : isNo(said) ? 'denied' : 'unsaid';
  }
  if (verifiedClaim === undefined || !Object.hasOwn(claims, verifiedClaim)) return 'unsaid';
  return [true, 1, '1', 'true'].includes(claims[verifiedClaim] as string) ? 'verified' : 'denied';
}

/**
 * A GoTrue gives out tokens once an address is confirmed, and need not say so. But an explicit no is a no, wherever this kind of
 * service writes it: Supabase in `user_metadata`, others at the top or in `app_metadata`, each in its own spelling.
 */
function confirmation(claims: Claims): EmailFinding['state'] {
  const places = [claims, record(claims['app_metadata']), record(claims['user_metadata'])];
  const denied = places.some(
    (place) =>
      ['email_verified', 'emailVerified', 'verified_email', 'email_confirmed', 'confirmed', 'verified'].some(
        (name) => Object.hasOwn(place, name) && ![true, 'true', 1, '1'].includes(place[name] as string),
      ) || ['email_confirmed_at', 'confirmed_at'].some((name) => Object.hasOwn(place, name) && !text(place[name])),
  );
  return denied ? 'denied' : 'verified';
}

const isNo = (value: unknown): boolean => [false, 'false', 0, '0'].includes(value as string);

/** Nobody has to sign up for that: Supabase's `is_anonymous`, Firebase's `provider_id`. */
function isAnonymous(claims: Claims): boolean {
  const flags = [claims, record(claims['app_metadata'])].map((place) => place['is_anonymous']);
  const providers = [claims['provider_id'], record(claims['firebase'])['sign_in_provider']];
  return flags.some((flag) => flag !== undefined && flag !== null && !isNo(flag)) || providers.includes('anonymous');
}

function nameOf(claims: Claims, profile: Claims, email: string | undefined): string | undefined {
  const names = [
    text(claims['name']),
    text(profile['full_name']),
    text(profile['name']),
    [text(claims['given_name']), text(claims['family_name'])].join(' '),
    text(claims['preferred_username']),
    text(claims['nickname']),
    email?.split('@')[0],
  ];
  // It becomes part of a commit, where these end a name.
  return names.map((name) => name?.replace(/[<>\p{Cc}]/gu, '').trim()).find(Boolean);
}

/**
 * The roles in all the claims that may hold them, and what was there, in words. Issuers write them as a list, as one text, or as an
 * object whose names are the roles (Zitadel).
 */
function rolesOf(claims: Claims, rolesClaim: string): { roles: string[]; found: string } {
  const roles: string[] = [];
  const found: string[] = [];
  for (const name of rolesClaim
    .split(',')
    .map((part) => part.trim())
    .filter(Boolean)) {
    const value = valueAt(claims, name);
    const here = rolesIn(value);
    roles.push(...here);
    found.push(`"${name}" (${describe(claims, name, value, here)})`);
  }
  return { roles: [...new Set(roles)], found: found.join(', ') };
}

/** The literal name first, since many issuers want their own claims to be called like an address; else a dotted path. */
function valueAt(claims: Claims, name: string): unknown {
  if (Object.hasOwn(claims, name)) return claims[name];
  let value: unknown = claims;
  for (const part of name.split('.')) value = Object.hasOwn(record(value), part) ? record(value)[part] : undefined;
  return value;
}

function rolesIn(value: unknown): string[] {
  const list: unknown[] = Array.isArray(value)
    ? value
    : typeof value === 'object' && value !== null
      ? Object.entries(value).flatMap(([name, given]) => (given === false || given === null ? [] : name))
      : [value];
  return list.filter((role): role is string => typeof role === 'string' && role !== '');
}

/** For whoever has to find the right claim. Names only, and of roles no more than a few: there may be hundreds of groups. */
function describe(claims: Claims, name: string, value: unknown, roles: readonly string[]): string {
  const few = (names: readonly string[]) =>
    names
      .slice(0, 5)
      .map((role) => role.replace(/[\p{C}\s]+/gu, ' ').slice(0, 60))
      .join(', ') + (names.length > 5 ? ` and ${names.length - 5} more` : '');
  if (roles.length > 0) return few(roles);
  // https://learn.microsoft.com/entra/identity-platform/id-token-claims-reference#groups-overage-claim
  const isOverage =
    Object.hasOwn(record(claims['_claim_names']), name) || (name === 'groups' && claims['hasgroups'] !== undefined);
  if (isOverage) return 'left out, because there are too many';
  if (value !== undefined) return Array.isArray(value) || typeof value === 'object' ? 'empty' : 'no role';
  const there = Object.keys(claims).filter((key) => !ofEveryToken.has(key));
  return there.length > 0 ? `not there; there are ${few(there)}` : 'not there';
}

const ofEveryToken = new Set(
  'iss sub aud exp nbf iat jti azp nonce at_hash c_hash auth_time acr amr sid typ ver email email_verified name picture'.split(
    ' ',
  ),
);

/**
 * "Whoever it vouches for" is everybody where anybody can get an account. What the owner typed was looked at before; this is what the
 * issuer calls itself.
 *
 * @throws Failure SETTING_INVALID
 */
export function checkOpen(issuer: string | undefined, { everyone }: EditorLists): void {
  if (everyone && issuer !== undefined && issuerFacts(issuer).signUp === 'open') throw everyoneRefused();
}

/** Also where the settings are read. */
export const everyoneRefused = (): Failure =>
  invalid(
    'CMS_GATEWAY_EDITORS',
    '"*" lets in whoever has an account at CMS_GATEWAY_ISSUER, and there anybody can get one. List addresses, or @example.org for all of a domain.',
  );

/**
 * The one question, asked at every call: whoever is taken off the list is out at the next one.
 */
export const isAllowed = (editor: Editor, lists: EditorLists): boolean =>
  lists.everyone ||
  (editor.email !== undefined && lists.addresses.includes(lowerCase(editor.email))) ||
  (editor.domain !== undefined && lists.domains.includes(editor.domain)) ||
  lettingIn(editor.roles, lists.roles).length > 0;

/** Those of somebody's roles that are on the list. Keycloak writes a group as a path: `/editor` is `editor`, and `/a/editor` is not. */
export function lettingIn(roles: readonly string[], listed: readonly string[]): string[] {
  const plain = (role: string) => role.replace(/^\//, '');
  const names = new Set(listed.map(plain));
  return roles.filter((role) => names.has(plain(role)));
}

/**
 * The address an editor commits under: theirs if it is verified, else one that belongs to nobody and is always the same.
 *
 * @param origin our own
 */
export function commitAddress({ sub, email }: Editor, origin: string): string {
  if (email !== undefined) return email;
  const { hash } = process.getBuiltinModule('node:crypto');
  return `${hash('sha256', sub, 'hex').slice(0, 16)}@users.noreply.${new URL(origin).hostname}`;
}

/**
 * Whether the gateway would write this address into a commit of somebody who may in today. Whoever comes by a role, or where
 * everybody may in, can have any address: then only its form counts.
 *
 * @param origin our own
 */
export function isEditorAddress(email: string, lists: EditorLists, origin: string): boolean {
  if (!isAddress(email)) return false;
  const [name = '', domain = ''] = lowerCase(email).split('@');
  return (
    lists.everyone ||
    lists.roles.length > 0 ||
    lists.addresses.includes(lowerCase(email)) ||
    lists.domains.includes(domain) ||
    (domain === `users.noreply.${new URL(origin).hostname}` && /^[0-9a-f]{16}$/.test(name))
  );
}

const text = (value: unknown): string | undefined =>
  typeof value === 'string' && value.trim() !== '' ? value : undefined;

const record = (value: unknown): Claims =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Claims) : {};
