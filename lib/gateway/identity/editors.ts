import { issuerOf } from '../../providers/issuers.ts';

/** Somebody who writes through the gateway, however we came to know them. */
export interface Editor {
  /** What the issuer calls them; never changes. */
  sub: string;
  /** Only if somebody we trust has verified it. */
  email?: string;
  /** The domain that an entry such as `@example.org` may let in by; see `Issuer.domainClaim`. */
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
  /** Where the roles are; `app_metadata.roles` unless the owner says otherwise. */
  rolesClaim: string;
}

/** ASCII only: Unicode knows other letters whose small form is one of ours, and then two addresses would be one. */
export const lowerCase = (text: string): string => text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());

/** One address: one `@`, and nothing in it that could make two of one or end up as something else in a commit. */
export const isAddress = (text: string): boolean =>
  text.length <= 254 && /^[^\s"`,;:<>()[\]\\@\p{Cc}]+@[^\s"`,;:<>()[\]\\@\p{Cc}]+$/u.test(text);

/**
 * Makes an editor of what is said about somebody.
 *
 * @param claims that have been verified: of a token, or as an identity service answered
 * @param issuer who says so; undefined for a GoTrue, which confirms addresses by itself
 * @returns undefined if they have no name of their own (`sub`)
 */
export function editorOf(
  claims: Claims,
  { issuer, rolesClaim }: { issuer: string | undefined; rolesClaim: string },
): Editor | undefined {
  const names = issuer === undefined ? ['sub', 'id', 'email'] : ['sub'];
  const sub = names.map((name) => text(claims[name])).find(Boolean);
  if (sub === undefined) return undefined;
  const { domainClaim, verifiedClaim } = issuer === undefined ? {} : issuerOf(issuer);
  const email = text(claims['email']);
  const verified =
    issuer === undefined ||
    claims['email_verified'] === true ||
    (verifiedClaim !== undefined &&
      !Object.hasOwn(claims, 'email_verified') &&
      [true, 1, '1', 'true'].includes(claims[verifiedClaim] as string));
  const known = verified && email !== undefined && isAddress(email) ? email : undefined;
  const domain = known === undefined ? undefined : lowerCase(known.slice(known.indexOf('@') + 1));
  const domainCounts =
    domain !== undefined && (domainClaim === undefined || lowerCase(text(claims[domainClaim]) ?? '') === domain);
  const profile = record(claims['user_metadata']);
  const picture = text(claims['picture']) ?? text(profile['avatar_url']);
  return {
    sub,
    ...(known !== undefined && { email: known }),
    ...(domainCounts && { domain }),
    name: nameOf(claims, profile, known) ?? sub,
    ...(picture !== undefined && picture.startsWith('https://') && { picture }),
    roles: rolesOf(claims, rolesClaim),
  };
}

function nameOf(claims: Claims, profile: Claims, email: string | undefined): string | undefined {
  const parts = [text(claims['given_name']), text(claims['family_name'])].filter((part) => part !== undefined);
  const names = [
    text(claims['name']),
    text(profile['full_name']),
    text(profile['name']),
    parts.join(' '),
    text(claims['preferred_username']),
    text(claims['nickname']),
    email?.split('@')[0],
  ];
  // It becomes part of a commit, where these end a name.
  return names.map((name) => name?.replace(/[<>\p{Cc}]/gu, '').trim()).find(Boolean);
}

/** The literal name first, since many issuers want their own claims to be called like an address; else a dotted path. */
function rolesOf(claims: Claims, rolesClaim: string): string[] {
  let value: unknown = claims;
  if (Object.hasOwn(claims, rolesClaim)) value = claims[rolesClaim];
  else
    for (const name of rolesClaim.split('.'))
      value = Object.hasOwn(record(value), name) ? record(value)[name] : undefined;
  const list: unknown[] = Array.isArray(value) ? value : [value];
  return list.filter((role): role is string => typeof role === 'string' && role !== '');
}

/**
 * The one question, asked at every call: whoever is taken off the list is out at the next one.
 */
export const isAllowed = (editor: Editor, lists: EditorLists): boolean =>
  lists.everyone ||
  (editor.email !== undefined && lists.addresses.includes(lowerCase(editor.email))) ||
  (editor.domain !== undefined && lists.domains.includes(editor.domain)) ||
  editor.roles.some((role) => lists.roles.includes(role));

/**
 * The address an editor commits under: theirs if it is verified, else one that belongs to nobody and is always the same.
 *
 * @param origin our own
 */
export function commitAddress({ sub, email }: Editor, origin: string): string {
  if (email !== undefined) return email;
  const { createHash } = process.getBuiltinModule('node:crypto');
  const hash = createHash('sha256').update(sub).digest('hex').slice(0, 16);
  return `${hash}@users.noreply.${new URL(origin).hostname}`;
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
