import { json, type HttpReply } from '../../http/http.ts';
import { errorDescription, errorName, signInErrors } from './errors.ts';
import type { Failure } from '../../http/errors.ts';

/** RFC 6749, 5.2, and `message`, which Decap CMS reads. */
export const tokenFailure = (failure: Failure): HttpReply =>
  json(failure.status, {
    // An unknown client has another name here than at the authorization endpoint (5.2, 4.1.2.1).
    error: failure.code === signInErrors.WRONG_CLIENT.code ? 'invalid_client' : errorName(failure),
    error_description: errorDescription(failure),
    message: failure.message,
  });
