import type { Handler, HttpRequest } from '../http/http.ts';
import type { Platform } from '../http/platform.ts';

/**
 * How much of a request and how much time a platform gives, for functions that take whole files. A login needs neither, so it does
 * not carry this.
 */
type Limits = (request: HttpRequest) => Partial<Platform>;

const megabyte = 1024 * 1024;

/** Functions are given 30 s; what is left is for the answer's way back. Milliseconds. */
const time = 25_000;

/**
 * Netlify streams the answers of functions that take a `Request`.
 *
 * @see https://docs.netlify.com/build/functions/configuration/#default-values
 */
export const netlifyLimits: Limits = () => ({
  largestBody: 6 * megabyte,
  largestAnswer: 20 * megabyte,
  deadline: Date.now() + time,
});

/** What Lambda counts besides the body: status, headers, cookies. Node takes no more than 16 kB of headers from a host. */
const envelope = 64 * 1024;

/** As a text in JSON, or in base64. */
const sizeForLambda = (body: string | Uint8Array): number =>
  envelope + (typeof body === 'string' ? Buffer.byteLength(JSON.stringify(body)) : Math.ceil(body.length / 3) * 4);

/**
 * An HTTP API decodes the path before it hands it over; a Function URL does not, and has no name but its own.
 *
 * @see https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
 */
export const lambdaLimits: Limits = ({ platform: { url } }) => ({
  largestBody: 6 * megabyte,
  largestAnswer: 6 * megabyte,
  sizeOf: sizeForLambda,
  base64: true,
  deadline: Date.now() + time,
  decodesPath: !/^https:\/\/[^/]+\.lambda-url\.[^/]+\.on\.aws(\/|$)/.test(url ?? ''),
});

/** @see https://cloud.google.com/functions/quotas */
export const firebaseLimits: Limits = () => ({
  largestBody: 32 * megabyte,
  largestAnswer: 32 * megabyte,
  deadline: Date.now() + time,
});

/**
 * An isolate has 128 MB for all that it does at a time, and a file stands in there several times over: as it came, as text, as
 * what the text says, and as what goes on.
 *
 * @see https://developers.cloudflare.com/workers/platform/limits/
 */
export const workersLimits: Limits = () => ({
  largestBody: 16 * megabyte,
  largestAnswer: 16 * megabyte,
  deadline: Date.now() + time,
});

/** Of its 4.5 MB, half a megabyte is left for what else it counts. @see https://vercel.com/docs/functions/limitations#request-body-size */
export const vercelLimits: Limits = () => ({
  largestBody: 4 * megabyte,
  largestAnswer: 4 * megabyte,
  deadline: Date.now() + time,
});

/** A server of one's own: it is the Git host that sets bounds there. */
export const fetchLimits: Limits = () => ({ deadline: Date.now() + time });

/** The handler, told of these limits with each request. */
export const withLimits =
  (limits: Limits, handler: Handler): Handler =>
  (request) =>
    handler({ ...request, platform: Object.assign({}, request.platform, limits(request)) });
