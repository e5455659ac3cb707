import { hostErrors } from '../../oauth/errors.ts';
import { identityErrors } from '../identity/errors.ts';
import { parameterErrors } from '../../config/errors.ts';
import { table } from '../../http/errors.ts';
import type { Failure } from '../../http/errors.ts';

/** What only a sign-in can say. */
export const signInErrors = table({
  PAGE_NOT_LISTED: {
    status: 400,
    text: 'After this sign-in you would be sent to a page that is not on the list. The owner of the site has to set CMS_GATEWAY_PAGES to the address of the CMS page, exactly as the browser shows it there, without "?" and "#".',
  },
  WRONG_CLIENT: { status: 400, text: 'The CMS has another name here. Write "app_id: cms" into its configuration.' },
  WRONG_RESPONSE_TYPE: {
    status: 400,
    text: 'Only "response_type=code" is answered here. Write "auth_type: pkce" into the configuration of the CMS.',
  },
  NO_CHALLENGE: {
    status: 400,
    text: 'The sign-in needs PKCE with S256, and a challenge of 43 characters. Write "auth_type: pkce" into the configuration of the CMS; Decap CMS has it since version 3.8.3.',
  },
  SIGN_IN_OFF: {
    status: 500,
    text: 'Editors do not sign in here: the owner has to set CMS_GATEWAY_ISSUER, CMS_GATEWAY_CLIENT_ID and CMS_GATEWAY_CLIENT_SECRET first.',
  },
  WRONG_BACKEND: {
    status: 400,
    text: 'The CMS asked for another Git host than the repository of this site is at, which is {host}. Write "name: {id}" under "backend" in the configuration of the CMS.',
  },
  NO_POPUP: {
    status: 400,
    text: 'The repository of this site is at {host}, and a CMS that speaks to {host} itself cannot use this gateway. Use Decap CMS with "name: git-gateway", as the page of the gateway at /git shows.',
  },
  WRONG_GRANT: {
    status: 400,
    text: 'Only the code of a sign-in is exchanged here: "grant_type" must be authorization_code.',
  },
  CODE_SPENT: {
    status: 400,
    text: 'The code of this sign-in cannot be used: it is older than a minute, or was made for another page or another browser. Log in to the CMS again.',
  },
});

/** As RFC 6749 calls it, 4.1.2.1 and 5.2, for a client that reads `error`. The words say more. */
const names: Readonly<Record<string, string>> = {
  ...named('access_denied', [hostErrors.ACCESS_DENIED, ...Object.values(identityErrors), hostErrors.UNVERIFIED_EMAIL]),
  ...named('temporarily_unavailable', [
    hostErrors.HOST_BUSY,
    hostErrors.HOST_FAILED,
    hostErrors.HOST_TIMEOUT,
    hostErrors.HOST_UNREACHABLE,
    parameterErrors.PARAMETER_UNREADABLE,
  ]),
  ...named('unauthorized_client', [signInErrors.WRONG_CLIENT]),
  ...named('unsupported_response_type', [signInErrors.WRONG_RESPONSE_TYPE]),
  ...named('unsupported_grant_type', [signInErrors.WRONG_GRANT]),
  ...named('invalid_grant', [signInErrors.CODE_SPENT]),
};

function named(name: string, rows: readonly { code: string }[]): Record<string, string> {
  return Object.fromEntries(rows.map(({ code }) => [code, name]));
}

/** The name for `error`: what is not on the list above is the request's fault or ours. */
export const errorName = ({ code, status }: Failure): string =>
  names[code] ?? (status < 500 ? 'invalid_request' : 'server_error');

/** The words for `error_description`, which RFC 6749 gives a part of ASCII only. */
export const errorDescription = ({ message }: Failure): string =>
  message
    .replaceAll('"', "'")
    .replaceAll('\\', '/')
    .replace(/[^ -~]/g, '?');
