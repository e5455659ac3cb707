import { commonHeaders, type HttpReply } from '../../http/http.ts';
import { errorDescription, errorName } from './errors.ts';
import type { Failure } from '../../http/errors.ts';

/** RFC 6749, 5.2, and `message`, which Decap CMS reads. */
export const tokenFailure = (failure: Failure): HttpReply =>
  json(failure.status, {
    error: errorName(failure),
    error_description: errorDescription(failure),
    message: failure.message,
  });

/** RFC 6749, 5.1 wants `no-store`, which is on every answer of ours. */
export const json = (status: number, value: Record<string, string | number>): HttpReply => ({
  status,
  headers: { ...commonHeaders, 'content-type': 'application/json; charset=utf-8' },
  cookies: [],
  body: JSON.stringify(value),
});
