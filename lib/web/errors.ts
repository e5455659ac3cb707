/**
 * Everything that can go wrong, in one table: a stable code, the HTTP status, and the words that both the editor in the
 * popup and the CMS get to read. `{name}` is filled in from what we know ourselves, never from what the Git host or the
 * request said: somebody else's text is not shown as ours.
 *
 * Whatever can happen to a real login has 400 or 5xx: static hosting often replaces 403 and 404 with a page of its own
 * (CloudFront's custom error responses do it for the whole distribution), and the CMS would then wait for ever.
 *
 * Sveltia CMS replaces our words by its own for the codes it knows. `UNSUPPORTED_DOMAIN` is the only one of those here:
 * for all others our words say more about what to do.
 */
export const errors = {
  // What was asked of us
  BAD_REQUEST: { status: 400, text: 'This login request cannot be used: {detail}. Start again from the CMS.' },
  REQUEST_TOO_LARGE: { status: 414, text: 'This request is too large. Start the login again from the CMS.' },
  METHOD_NOT_ALLOWED: { status: 405, text: 'This address does not take requests of this kind.' },
  NOT_FOUND: { status: 404, text: 'There is nothing at this address. The login begins at /auth.' },
  NAVIGATION_ONLY: {
    status: 403,
    text: 'A login only works in a window of its own, not in a frame, in the background or ahead of time. A service worker of the site must leave /auth alone.',
  },
  UNKNOWN_PROVIDER: {
    status: 400,
    text: 'This login server does not know that Git host. It knows: {known}. Check "backend: name:" in the CMS configuration.',
  },
  PROVIDER_MISMATCH: {
    status: 400,
    text: 'The CMS asked for another Git host than this address is for. Check "auth_endpoint" and "backend: name:" in the CMS configuration: they must name the same host.',
  },

  // Our own settings
  SETTING_MISSING: {
    status: 500,
    text: '{setting} is not set. The owner of this login server has to set it, then deploy again.{advice}',
  },
  SETTING_EMPTY: { status: 500, text: '{setting} is set but empty. The owner of this login server has to fill it in.' },
  SETTING_INVALID: { status: 500, text: '{setting} cannot be used: {detail}' },
  PARAMETER_MISSING: {
    status: 500,
    text: '{setting} points to {pointer}, which does not exist in {region}. The owner of this login server has to create it there, or to correct the name.',
  },
  PARAMETER_EMPTY: {
    status: 500,
    text: '{setting} points to {pointer}, which is empty. The owner of this login server has to fill it in.',
  },
  PARAMETER_UNREADABLE: {
    status: 500,
    text: '{setting} points to {pointer}, which could not be read: {detail}. Start again from the CMS in a minute; if it stays, the owner of this login server has to see to it.',
  },

  // The browser came back with something else than it left with
  STATE_MISSING: {
    status: 400,
    text: 'This did not begin as a login in the CMS (installing a GitHub App ends here, too). Go back to the CMS and press Login.',
  },
  STATE_MISMATCH: {
    status: 400,
    text: 'This answer does not belong to a login that was started here with the settings of now. Start again from the CMS.',
  },
  ATTEMPT_EXPIRED: { status: 400, text: 'This login took longer than 10 minutes. Start again from the CMS.' },
  COOKIE_LOST: {
    status: 400,
    text: 'Your browser did not bring back the cookie of this login. Start again from the CMS. If it happens every time: the login starts at another address than {origin} ("base_url" in the CMS configuration must be exactly that), or cookies are blocked. It also happens when this page is loaded a second time.',
  },
  ISSUER_MISMATCH: {
    status: 400,
    text: 'The answer came from another server than the login was sent to. Start again from the CMS; if it happens again, the owner should check {setting}.',
  },

  // What the Git host answered in the browser (RFC 6749, 4.1.2.1)
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
    text: '{host} has suspended the OAuth application of this site. Its owner has to contact {host}.',
  },
  INVALID_SCOPE: {
    status: 500,
    text: 'The OAuth application at {host} was not registered with the permission that the CMS asks for. Its owner has to add it.',
  },
  CLIENT_NOT_ALLOWED: {
    status: 500,
    text: 'The OAuth application at {host} may not be used for this kind of login. Its owner has to check its settings at {host}.',
  },
  HOST_REFUSED: {
    status: 502,
    text: '{host} ended the login with an error. Try again; if it stays, the owner should check the OAuth application at {host}.',
  },

  // What the Git host answered to us (RFC 6749, 5.2)
  BAD_CLIENT_CREDENTIALS: {
    status: 500,
    text: '{host} does not accept the client id and client secret. The owner has to check {prefix}_CLIENT_ID and {prefix}_CLIENT_SECRET, and whether the secret was renewed.',
  },
  CODE_REJECTED: {
    status: 400,
    text: '{host} did not accept the login code any more: it took too long, or the page was loaded twice. Start again from the CMS.',
  },
  REFRESH_REJECTED: {
    status: 400,
    text: '{host} did not renew the session: it has ended, or was renewed elsewhere. Log in again.',
  },
  UNVERIFIED_EMAIL: { status: 400, text: 'Verify your primary e-mail address at {host} first, then log in again.' },
  HOST_BUSY: {
    status: 502,
    text: '{host} refuses more logins for the moment. Wait a minute, then start again from the CMS.',
  },
  HOST_TIMEOUT: { status: 504, text: '{host} did not answer in time. Start again from the CMS in a minute.' },
  HOST_UNREACHABLE: {
    status: 502,
    text: '{host} could not be reached. Start again from the CMS in a minute; if it stays, the owner should check {setting}.',
  },
  HOST_FAILED: {
    status: 502,
    text: '{host} answered with an error of its own ({status}). Start again from the CMS in a minute.',
  },
  HOST_MALFORMED: {
    status: 502,
    text: '{host} answered something that is no OAuth answer. Start again from the CMS in a minute; if it stays, the owner should check {setting}.',
  },

  // Renewing a session
  ORIGIN_NOT_LISTED: { status: 403, text: 'Sessions are renewed for pages on listed origins only.' },
  REFRESH_NOT_ALLOWED: {
    status: 400,
    text: 'Sessions are not renewed here: the owner has not named this Git host in CMS_AUTH_REFRESH, or lists this site only by a pattern. Log in again.',
  },

  // At the hand-over, and everything else
  UNSUPPORTED_DOMAIN: {
    status: 400,
    text: 'This site is not on the list of sites that may get a token from this login server. Its owner has to add the address of the site to CMS_AUTH_ORIGINS.',
  },
  INTERNAL: { status: 500, text: 'Something went wrong in this login server. Start again from the CMS.' },
} as const satisfies Record<string, { status: number; text: string }>;

export type LoginErrorCode = keyof typeof errors;

/**
 * A login that ends without a token. `message` is public. `cause` is for a debugger and is never logged: the errors of
 * the OAuth library hold authorization codes and even tokens.
 */
export class LoginError extends Error {
  override readonly name = 'LoginError';
  readonly code: LoginErrorCode;
  readonly #fill: Readonly<Record<string, string>>;

  /** @param fill the values for the `{name}` places in the text; from our own settings and facts only */
  constructor(code: LoginErrorCode, fill: Readonly<Record<string, string>> = {}, options?: ErrorOptions) {
    super(
      errors[code].text.replace(/\{(\w+)\}/g, (_, name: string) => fill[name] ?? ''),
      options,
    );
    this.code = code;
    this.#fill = fill;
  }

  /** The same with a platform's advice for settings that are missing. */
  withAdvice(advice: string | undefined): LoginError {
    if (this.code !== 'SETTING_MISSING' || advice === undefined) return this;
    return new LoginError(this.code, { ...this.#fill, advice: ` ${advice}` });
  }

  get status(): number {
    return errors[this.code].status;
  }
}

/**
 * What the hosts' own codes mean, for all hosts together: where two hosts use one word, they mean the same by it.
 * @see https://docs.github.com/apps/oauth-apps/maintaining-oauth-apps/troubleshooting-authorization-request-errors
 * @see https://docs.github.com/apps/oauth-apps/maintaining-oauth-apps/troubleshooting-oauth-app-access-token-request-errors
 */
const authorizationErrors: Readonly<Record<string, LoginErrorCode>> = {
  access_denied: 'ACCESS_DENIED',
  redirect_uri_mismatch: 'REDIRECT_URI_MISMATCH',
  application_suspended: 'APPLICATION_SUSPENDED',
  invalid_scope: 'INVALID_SCOPE',
  unauthorized_client: 'CLIENT_NOT_ALLOWED',
  unsupported_response_type: 'CLIENT_NOT_ALLOWED',
};

const grantErrors = new Set(['invalid_grant', 'bad_verification_code', 'bad_refresh_token']);

const tokenErrors: Readonly<Record<string, LoginErrorCode>> = {
  incorrect_client_credentials: 'BAD_CLIENT_CREDENTIALS',
  invalid_client: 'BAD_CLIENT_CREDENTIALS',
  unauthorized_client: 'BAD_CLIENT_CREDENTIALS',
  redirect_uri_mismatch: 'REDIRECT_URI_MISMATCH',
  unverified_user_email: 'UNVERIFIED_EMAIL',
  slow_down: 'HOST_BUSY',
};

/** The `error` of a callback, which anybody can write into the address, as a code of ours. */
export const authorizationError = (error: string): LoginErrorCode => lookUp(authorizationErrors, error);

/** The `error` of a token endpoint as a code of ours; `rejected` is the one for a code or refresh token that was refused. */
export const tokenError = (error: string, rejected: LoginErrorCode): LoginErrorCode =>
  grantErrors.has(error) ? rejected : lookUp(tokenErrors, error);

const lookUp = (table: Readonly<Record<string, LoginErrorCode>>, error: string): LoginErrorCode =>
  (Object.hasOwn(table, error) ? table[error] : undefined) ?? 'HOST_REFUSED';
