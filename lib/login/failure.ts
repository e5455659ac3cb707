import { failurePage } from '../handler/popup.ts';
import { plainErrorPage } from '../http/page.ts';
import type { FailureContext } from '../handler/router.ts';
import type { Failure } from '../http/errors.ts';
import type { HttpReply } from '../http/http.ts';

/**
 * What went wrong at a step of a login: a page for the editor, with a message to the CMS.
 *
 * @param provider the name that the CMS listens for
 * @param origin as in `PopupResult`
 */
export const failedStep = (
  failure: Failure,
  { provider, origin }: { provider: string; origin: string | null | undefined },
  context: FailureContext,
): HttpReply => failurePage({ provider, error: failure, origin, codes: codesAddress(context) });

/** What went wrong where no CMS waits for an answer. */
export const failedPage = (failure: Failure, context: FailureContext): HttpReply =>
  plainErrorPage(failure, codesAddress(context));

/** Where the codes are explained: on the set-up page, if it is certain to be on. The parameter store is not asked for that. */
const codesAddress = ({ address, env }: FailureContext): string | undefined =>
  address && ['', 'on', undefined].includes(env['CMS_AUTH_PAGE']?.trim()) ? `${address.prefix}/auth` : undefined;
