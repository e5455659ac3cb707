import { table } from '../http/errors.ts';

/** What can be wrong with what a browser brings back from the server that it was sent to. */
export const transactionErrors = table({
  STATE_MISSING: {
    status: 400,
    text: 'This did not begin as a login in the CMS (installing a GitHub App ends here, too). Go back to the CMS and press Login.',
  },
  STATE_MISMATCH: {
    status: 400,
    text: 'This answer does not belong to a login that was started here, or the settings have changed since. Start again from the CMS.',
  },
  ATTEMPT_EXPIRED: { status: 400, text: 'This login took longer than 10 minutes. Start again from the CMS.' },
  COOKIE_LOST: {
    status: 400,
    text: 'Your browser did not bring back the cookie of this login. Start again from the CMS. If it happens every time: the login starts at another address than {origin} ("base_url" in the CMS configuration must be exactly that), or cookies are blocked. It also happens when this page is loaded a second time.',
  },
  ISSUER_MISMATCH: {
    status: 400,
    text: 'The answer came from another server than the login was sent to. Start again from the CMS. If it happens again, the owner should check {setting}.',
  },
});
