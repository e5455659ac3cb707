import type { Failure } from '../http/errors.ts';
import { commonHeaders, type HttpReply, type TextReply } from '../http/http.ts';

export const refreshPreflight: HttpReply = {
  status: 204,
  headers: { ...commonHeaders, 'access-control-allow-methods': 'POST', 'access-control-allow-headers': 'content-type' },
  cookies: [],
  body: '',
};

export const json = (status: number, value: Record<string, string>): TextReply => ({
  status,
  headers: { 'content-type': 'application/json; charset=utf-8', ...commonHeaders },
  cookies: [],
  body: JSON.stringify(value),
});

/** A failure as the clients read it; RFC 6749, 5.2 has `error` and `error_description`. */
export const refreshFailure = ({ status, code, message }: Failure): TextReply =>
  json(status, { error: code, error_description: message, message });
