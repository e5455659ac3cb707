import { table } from '../http/errors.ts';

/**
 * What the gateway can say. The CMS shows these words to the editor. Never 403: Decap CMS takes it for a rate limit, tries again
 * for a minute and holds everything else back meanwhile, unless there is a `message`.
 *
 * `{words}` are the host's own, as a quotation; `{branch}`, `{given}` and the like are names that have been checked.
 */
export const gatewayErrors = table({
  NO_TOKEN: { status: 401, text: 'You are not logged in. Log in to the CMS again.' },
  BAD_TOKEN: { status: 401, text: 'Your session has ended or cannot be used here. Log in to the CMS again.' },
  NOT_AN_EDITOR: {
    status: 401,
    text: 'Your account may not edit this site. Ask its owner to put your address on the list of editors.',
  },
  NOT_CONFIRMED: {
    status: 401,
    text: 'Your address is not confirmed yet. Open the link in the mail that you were sent, then log in again.',
  },
  NO_SUCH_ADDRESS: { status: 404, text: 'There is nothing at this address. The page of the gateway is at /git.' },
  NOT_ON_LIST: { status: 404, text: 'The gateway does not pass this on: the CMS does not need it.' },
  MANGLED_PATH: {
    status: 404,
    text: 'The gateway does not pass this on: the name of the file did not arrive as it was sent. Names without "%" and "?" do.',
  },
  NOT_ALLOWED: { status: 422, text: 'The gateway does not pass this on: {detail}.' },
  UNKNOWN_DOCUMENT: {
    status: 422,
    text: 'The gateway does not pass this on: it does not know {what}. A CMS newer than the gateway may ask for it; the owner can look for a newer gateway.',
  },
  BRANCH_MOVED: {
    status: 422,
    text: 'What is published has changed since this was begun. Reload the CMS, then save again. (Update is not a fast forward.)',
  },
  BODY_TOO_LARGE: {
    status: 413,
    text: 'This is too large: at most {limit} MB fit through here at a time, and a file grows by a third on its way.',
  },
  // Never 408, upon which browsers send it all again, by themselves and without an end.
  UPLOAD_TOO_SLOW: {
    status: 413,
    text: 'Only {part} arrived within {seconds} seconds, and the gateway waits no longer. Upload a smaller file, or from a faster connection.',
  },
  IDENTITY_UNREACHABLE: {
    status: 503,
    text: 'The service that knows the editors cannot be asked at the moment. Try again in a minute.',
  },
  SIGN_UP_OPEN: {
    status: 500,
    text: 'CMS_GATEWAY_IDENTITY cannot be used: anybody can sign up there, and {detail}. The owner has to make registration there "invite only".',
  },
  UPSTREAM_CREDENTIAL: { status: 401, text: 'Bad credentials' },
  CREDENTIAL_REFUSED: {
    status: 500,
    text: '{host} does not accept the credential of the gateway. The owner has to make a new one.',
  },
  REPOSITORY_HIDDEN: {
    status: 500,
    text: 'The credential of the gateway does not reach the repository of CMS_GATEWAY_REPO at {host}.{words} The owner has to check its address, and what the credential may do.',
  },
  REPOSITORY_MOVED: {
    status: 500,
    text: 'The repository has moved{to}. The owner has to set CMS_GATEWAY_REPO to its new address.',
  },
  REPOSITORY_ARCHIVED: {
    status: 500,
    text: 'The repository of CMS_GATEWAY_REPO is archived at {host}, so nobody can write to it.',
  },
  CREDENTIAL_READ_ONLY: {
    status: 500,
    text: '{host} lets the credential of the gateway read the repository, but not write to it. The owner has to give it the right to write: {right}.',
  },
  BRANCH_MISSING: {
    status: 500,
    text: 'There is no branch "{branch}" in the repository of CMS_GATEWAY_REPO{others}. The owner has to set CMS_GATEWAY_BRANCH, and "branch" in the CMS configuration, to the branch that is published.',
  },
  OTHER_BRANCH: {
    status: 422,
    text: 'The gateway does not pass this on: the CMS writes to the branch "{given}", and the gateway publishes to "{branch}". The owner has to make CMS_GATEWAY_BRANCH and "branch" in the CMS configuration the same.',
  },
  UPSTREAM_FORBIDDEN: {
    status: 403,
    text: '{host} does not let the gateway do this.{words} The owner has to look at what its credential may do there.',
  },
  DRAFT_OUTDATED: {
    status: 405, // as the hosts say it: Decap CMS then writes the draft's files anew on top of what is published (GitHub)
    text: 'A file that this draft changes was deleted or renamed in what is published. Make the change anew, or have somebody merge it at {host}.',
  },
  MERGE_REFUSED: {
    status: 422,
    text: '{host} does not let the gateway merge this draft. The branch is protected, and the owner has to give its credential a role that may merge into it.',
  },
  UPSTREAM_BUSY: { status: 429, text: '{host} takes no more requests for the moment. Try again in {seconds} seconds.' },
  UPSTREAM_FAILED: { status: 502, text: '{host} did not answer as it should. Try again in a minute.' },
  ANSWER_TOO_LARGE: {
    status: 502,
    text: '{host} answered with more than fits through here: at most {limit} MB at a time, and a file grows by a third on its way. If it is a file, put a smaller one in its place.',
  },
  UPSTREAM_TOO_LARGE: { status: 502, text: '{host} answered with more than fits through here.' },
  UPSTREAM_UNREACHABLE: { status: 502, text: '{host} could not be reached. Try again in a minute.' },
  UPSTREAM_TOO_SLOW: {
    status: 504,
    text: '{host} {detail} within {seconds} seconds, and the gateway cannot wait longer. Use a smaller file.',
  },
  UPSTREAM_TIMEOUT: { status: 504, text: '{host} did not answer in time. Try again in a minute.' },
  APP_NOT_INSTALLED: {
    status: 500,
    text: 'The app at {host} is not installed on the repository of CMS_GATEWAY_REPO, or is suspended, or lacks a permission: Contents and Pull requests, read and write; Commit statuses, read.{words}',
  },
});
