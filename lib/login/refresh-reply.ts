import type { Failure } from '../http/errors.ts';
import { commonHeaders, json, type HttpReply, type TextReply } from '../http/http.ts';

export const refreshPreflight: HttpReply = {
  status: 204,
  headers: { ...commonHeaders, 'access-control-allow-methods': 'POST', 'access-control-allow-headers': 'content-type' },
  cookies: [],
  body: '',
};

/** A failure as the clients read it; RFC 6749, 5.2 has `error` and `error_description`. */
export const refreshFailure = ({ status, code, message }: Failure): TextReply =>
  json(status, { error: code, error_description: message, message });
