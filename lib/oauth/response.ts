import { Failure, webErrors, type ErrorRow } from '../http/errors.ts';
import { hostErrors, tokenError } from './errors.ts';
import { TooLate, Unreachable } from './request.ts';

/** The classes of the OAuth library by which its errors are known. Each file that brings the library has its own. */
interface OAuthClasses {
  ResponseBodyError: typeof import('openid-client').ResponseBodyError;
  Response: typeof import('./fetch-shim.ts').Response;
}

/** What our words say about whoever was asked. */
export interface FailureDetails extends Readonly<Record<string, string>> {
  host: string;
  /** The setting that says where the host is. */
  setting: string;
  /** Of the settings for client id and secret. */
  prefix: string;
  /** Our address that is registered there. */
  callback: string;
}

/** The JSON object or the form that an answer is; undefined if it is neither. */
export function readObject(text: string, type: string | undefined): Record<string, unknown> | undefined {
  if (type?.startsWith('application/x-www-form-urlencoded')) return Object.fromEntries(new URLSearchParams(text));
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

/**
 * The library's errors hold codes and tokens, so nothing of them is shown or logged but what is picked here.
 *
 * @param rejected what it means here that the host does not take the grant
 */
export function toFailure(
  oauth: OAuthClasses,
  error: unknown,
  { fill, rejected }: { fill: FailureDetails; rejected: ErrorRow },
): Failure {
  if (error instanceof Failure) return error;
  const options = { cause: error };

  if (error instanceof oauth.ResponseBodyError)
    return error.status === 429
      ? new Failure(hostErrors.HOST_BUSY, fill, options)
      : new Failure(tokenError(error.error, rejected), fill, options);

  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof TooLate) return new Failure(hostErrors.HOST_TIMEOUT, fill, options);
    if (cause instanceof Unreachable) return new Failure(hostErrors.HOST_UNREACHABLE, fill, options);
    if (cause.cause instanceof oauth.Response && cause.cause.status !== 200) {
      const status = cause.cause.status;
      return status === 429
        ? new Failure(hostErrors.HOST_BUSY, fill, options)
        : new Failure(hostErrors.HOST_FAILED, { ...fill, status: String(status) }, options);
    }
  }
  // A bare TypeError is neither the library's nor the network's: it is a mistake of ours.
  return new Failure(error instanceof TypeError ? webErrors.INTERNAL : hostErrors.HOST_MALFORMED, fill, options);
}
