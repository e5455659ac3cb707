import { Failure } from '../../http/errors.ts';
import { issuerFacts } from '../../providers/issuers.ts';
import { identityErrors } from './errors.ts';
import { isAllowed, type Editor, type EditorLists, type Identity } from './editors.ts';

/**
 * Whether somebody may in.
 *
 * @param from who says who they are: what people call it, and its issuer if it has one
 * @param status of the answer, if they may not
 * @throws Failure with the reason why not, and what to do about it
 */
export function authorize(
  identity: Identity,
  lists: EditorLists,
  { host, issuer, status = 400 }: { host: string; issuer?: string | undefined; status?: number },
): Editor {
  const { editor, email, rolesFound } = identity;
  if (isAllowed(editor, lists)) return editor;
  // What an owner sees who looks at a list that is right: that the other list was looked at, too.
  const reason = lists.roles.length > 0 ? reasonOfRoles(identity) : undefined;
  const refuse = (row: { code: string; status: number; text: string }, fill: Readonly<Record<string, string>>) =>
    new Failure({ ...row, status }, { host, ...fill }, reason === undefined ? undefined : { reason });
  const { state, address } = email;
  const byRole = lists.roles.length > 0 && address === undefined && editor.roles.length > 0;
  if (lists.addresses.length + lists.domains.length === 0 || byRole)
    throw refuse(identityErrors.ROLE_NOT_LISTED, { found: rolesFound });
  if (address === undefined) throw refuse(identityErrors.NO_EMAIL, {});
  if (state === 'denied') throw refuse(identityErrors.EMAIL_NOT_VERIFIED, { email: address });
  if (state === 'unsaid')
    throw refuse(identityErrors.EMAIL_UNVOUCHED, {
      email: address,
      claim: ['email_verified', issuer && issuerFacts(issuer).verifiedClaim].filter(Boolean).join(' or '),
    });
  throw refuse(identityErrors.EMAIL_NOT_LISTED, { email: address });
}

/** For the log, where roles are one of two ways in. */
export const reasonOfRoles = ({ rolesFound }: Identity): string => `roles: looked at ${rolesFound}.`;
