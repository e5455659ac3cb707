import { redirect, type HttpReply } from '../../http/http.ts';
import { errorDescription, errorName } from './errors.ts';
import type { Failure } from '../../http/errors.ts';
import type { AuthorizationRequest } from './transaction.ts';
import type { TryOut } from './try.ts';

/** Where a sign-in ends. With neither, our own page says what happened. */
export interface ResponseTarget {
  /** The CMS's page: one of the list, so that no error, and no code either, goes to anybody else's. */
  back?: Pick<AuthorizationRequest, 'redirectUri' | 'state'>;
  /** The owner's try, which ends here. */
  tryOut?: TryOut;
}

/**
 * Sends the browser back to the CMS with an error (RFC 6749, 4.1.2.1). Always with the CMS's state, without which Decap CMS
 * shows nothing but a blank page.
 */
export const refuse = (back: Pick<AuthorizationRequest, 'redirectUri' | 'state'>, failure: Failure): HttpReply =>
  redirectBack(back, { error: errorName(failure), error_description: errorDescription(failure) });

export function redirectBack(
  { redirectUri, state }: Pick<AuthorizationRequest, 'redirectUri' | 'state'>,
  answer: Record<string, string>,
): HttpReply {
  const query = { ...answer, ...(state !== undefined && { state }) };
  const pairs = Object.entries(query).map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
  return redirect(`${redirectUri}?${pairs.join('&')}`);
}
