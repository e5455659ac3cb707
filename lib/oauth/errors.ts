import { table, type ErrorRow } from '../http/errors.ts';

/** What a Git host or an OpenID provider can answer. A login that only begins does not carry these. */
export const hostErrors = table({
  ACCESS_DENIED: {
    status: 400,
    text: 'Access was refused at {host}, by you or by your organisation. To try again, press Login in the CMS.',
  },
  REDIRECT_URI_MISMATCH: {
    status: 500,
    text: 'The callback address registered at {host} is not the one of this login server. The owner has to register exactly {callback}',
  },
  APPLICATION_SUSPENDED: {
    status: 500,
    text: '{host} has suspended the app of this site. Its owner has to contact {host}.',
  },
  INVALID_SCOPE: {
    status: 500,
    text: 'The app at {host} was not registered with the permission that the CMS asks for. Its owner has to add it.',
  },
  CLIENT_NOT_ALLOWED: {
    status: 500,
    text: 'The app at {host} may not be used for this kind of login. Its owner has to check its settings at {host}.',
  },
  HOST_REFUSED: {
    status: 502,
    text: '{host} ended the login with an error. Try again. If it keeps happening, the owner should check the app at {host}.',
  },
  BAD_CLIENT_CREDENTIALS: {
    status: 500,
    text: '{host} does not accept the client id and client secret. The owner has to check {prefix}_CLIENT_ID and {prefix}_CLIENT_SECRET, and whether the secret was renewed.',
  },
  CODE_REJECTED: {
    status: 400,
    text: '{host} did not accept the login code any more. It took too long, or the page was loaded twice. Start again from the CMS.',
  },
  REFRESH_REJECTED: {
    status: 400,
    text: '{host} did not renew the session. It has ended, or was renewed elsewhere. Log in again.',
  },
  UNVERIFIED_EMAIL: { status: 400, text: 'Verify your primary e-mail address at {host} first, then log in again.' },
  HOST_BUSY: {
    status: 502,
    text: '{host} takes no more logins for the moment. Wait a minute, then start again from the CMS.',
  },
  HOST_TIMEOUT: { status: 504, text: '{host} did not answer in time. Start again from the CMS in a minute.' },
  HOST_UNREACHABLE: {
    status: 502,
    text: '{host} could not be reached. Start again from the CMS in a minute. If it keeps happening, the owner should check {setting}.',
  },
  HOST_FAILED: {
    status: 502,
    text: '{host} answered with an error of its own ({status}). Start again from the CMS in a minute.',
  },
  HOST_MALFORMED: {
    status: 502,
    text: '{host} sent an answer that this login server cannot read. Start again from the CMS in a minute. If it keeps happening, the owner should check {setting}.',
  },
});

/** What can go wrong at an OpenID provider besides. A login at a Git host does not carry it. */
export const connectErrors = /* @__PURE__ */ table({
  NO_ISSUER: {
    status: 502,
    text: '{host} does not say how to sign in there. The owner has to check {setting}: it must be exactly the issuer that the provider names, and <issuer>/.well-known/openid-configuration must answer.',
  },
  ID_TOKEN_REFUSED: {
    status: 502,
    text: 'What {host} says about you could not be verified. {why} Start again from the CMS. If it happens again, tell the owner of the site: the log has the reason, and so has "Try a sign-in" at /git.',
  },
});

/**
 * What the hosts' own codes mean, for all hosts together: where two hosts use one word, they mean the same by it.
 * @see https://docs.github.com/apps/oauth-apps/maintaining-oauth-apps/troubleshooting-authorization-request-errors
 * @see https://docs.github.com/apps/oauth-apps/maintaining-oauth-apps/troubleshooting-oauth-app-access-token-request-errors
 */
const authorizationErrors: Readonly<Record<string, ErrorRow>> = {
  access_denied: hostErrors.ACCESS_DENIED,
  redirect_uri_mismatch: hostErrors.REDIRECT_URI_MISMATCH,
  application_suspended: hostErrors.APPLICATION_SUSPENDED,
  invalid_scope: hostErrors.INVALID_SCOPE,
  unauthorized_client: hostErrors.CLIENT_NOT_ALLOWED,
  unsupported_response_type: hostErrors.CLIENT_NOT_ALLOWED,
};

const grantErrors = new Set(['invalid_grant', 'bad_verification_code', 'bad_refresh_token']);

const tokenErrors: Readonly<Record<string, ErrorRow>> = {
  incorrect_client_credentials: hostErrors.BAD_CLIENT_CREDENTIALS,
  invalid_client: hostErrors.BAD_CLIENT_CREDENTIALS,
  unauthorized_client: hostErrors.BAD_CLIENT_CREDENTIALS,
  redirect_uri_mismatch: hostErrors.REDIRECT_URI_MISMATCH,
  unverified_user_email: hostErrors.UNVERIFIED_EMAIL,
  slow_down: hostErrors.HOST_BUSY,
};

/** The `error` of a callback, which anybody can write into the address, as a code of ours. */
export const authorizationError = (error: string): ErrorRow => lookUp(authorizationErrors, error);

/** The `error` of a token endpoint as a code of ours; `rejected` is the one for a code or refresh token that was refused. */
export const tokenError = (error: string, rejected: ErrorRow): ErrorRow =>
  grantErrors.has(error) ? rejected : lookUp(tokenErrors, error);

const lookUp = (table: Readonly<Record<string, ErrorRow>>, error: string): ErrorRow =>
  (Object.hasOwn(table, error) ? table[error] : undefined) ?? hostErrors.HOST_REFUSED;
