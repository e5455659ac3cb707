import { table } from '../../http/errors.ts';

/** Why somebody who is known may not in, or is not known. The editor reads this, and the owner finds it in the log. */
export const identityErrors = table({
  NO_EMAIL: {
    status: 400,
    text: '{host} did not say which e-mail address your account has, so it cannot be found on the list of editors. Sign in with another account, or ask the owner of the site.',
  },
  EMAIL_NOT_VERIFIED: {
    status: 400,
    text: '{host} says that the e-mail address of your account ({email}) is not verified. Have it confirmed there, then sign in again.',
  },
  EMAIL_UNVOUCHED: {
    status: 400,
    text: '{host} does not say whether the e-mail address of your account ({email}) is verified, so it does not count. You can do nothing about that: the owner of the site has to make {host} say so ({claim}).',
  },
  EMAIL_NOT_LISTED: {
    status: 400,
    text: '{email} is not on the list of editors. Ask the owner of the site to add it, or sign in with another account.',
  },
  ROLE_NOT_LISTED: {
    status: 400,
    text: 'Your account at {host} has no role that lets it in here. Looked at: {found}. Ask the owner of the site, or sign in with another account.',
  },
  TOKEN_UNUSABLE: {
    status: 401,
    text: 'The login worked, but its session cannot be used here: {why} Tell the owner of the site.',
  },
});
