import { openSettings } from '../config/request-settings.ts';
import { readAddress, type Address } from '../config/settings.ts';
import { isLoopback } from '../http/origins.ts';
import { Failure, webErrors } from '../http/errors.ts';
import { writeLog, type LogEntry } from '../http/log.ts';
import { dispatch, failed, findRoute, longestQuery, notFound, type RouteModule } from './router.ts';
import type { Environment } from '../config/environment.ts';
import { commonHeaders, withoutPrefix, type Handler, type HttpReply, type HttpRequest } from '../http/http.ts';

export interface ServeOptions {
  env?: Environment;
  log?: (entry: LogEntry, print?: (line: string) => void) => void;
  /** Milliseconds since the epoch. */
  now?: () => number;
}

/**
 * The one frame of every request, on every platform: deadline, settings, the router, one catch, one line in the log. It does not
 * reject: whatever happens becomes an answer in words.
 *
 * @param modules the first that has an address answers there; what none of them has is the last one's to refuse
 */
export function serve(modules: readonly RouteModule[], options: ServeOptions = {}): Handler {
  const { env = process.env, log = writeLog, now = Date.now } = options;
  /** The last one: it hardly ever changes, and is the first thing that a request needs. */
  let own: { text: string | undefined; url: string | undefined; address: Address; headers: object } | undefined;
  function readOwn(url: string | undefined) {
    const text = env['CMS_AUTH_URL'];
    if (own && own.text === text && own.url === url) return own;
    const address = readAddress(env, url);
    return (own = { text, url, address, headers: keptSafe(address) });
  }

  return async (request) => {
    const start = now();
    const { platform } = request;
    const parameters = new URLSearchParams(request.query.slice(0, longestQuery));
    const find = (path: string) => findRoute(modules, path, request, parameters);
    // Without a prefix at first: if our own address cannot be read, then that has to be told to the CMS, too.
    let found = find(request.path);
    const deadline = (timeoutMs: number) => Math.min(Date.now() + timeoutMs, platform.deadline ?? Infinity);
    const settings = openSettings(env, platform, deadline(found.module.timeoutMs));
    const cookies: string[] = [];
    const headers: Record<string, string> = {};
    const logged: Partial<LogEntry> = {};
    let address: Address | undefined;
    let safe = {};
    let reply: HttpReply;
    let failure: Failure | undefined;
    let body: ReturnType<NonNullable<RouteModule['openBody']>> | undefined;
    try {
      ({ address, headers: safe } = readOwn(platform.url));
      if (address.prefix !== '') found = find(withoutPrefix(request.path, address.prefix));
      body = found.module.openBody?.(request);
      reply = await dispatch(found, {
        request: body?.request ?? request,
        parameters,
        settings,
        address,
        now: start,
        deadline: deadline(found.module.timeoutMs),
        cookies,
        headers,
        log: logged,
      });
    } catch (error) {
      failure = asFailure(error).withAdvice(platform.adviceOnMissing);
      try {
        reply = await failed(found, failure, { address, settings, env });
      } catch (another) {
        // Not even the words for what went wrong could be written: that is told in its place, and the line in the log has both.
        const { code } = failure;
        failure = asFailure(another);
        failure.reason ??= code;
        reply = plainly(failure);
      }
    }
    if (body) await body.drain();
    const { event, provider } = found.route;
    const entry = {
      event,
      ...(provider !== undefined && { provider: provider.id }),
      ...(failure ? failureOf(failure) : { outcome: 'ok' as const }),
      ...(settings.warnings.length > 0 && { warning: settings.warnings.join(' ') }),
      ...logged,
      duration: Math.round(now() - start),
      ...(platform.requestId !== undefined && { request: platform.requestId }),
    };
    if (!reply.ended) log(entry, platform.print);
    else
      void reply.ended
        .then(
          () => entry,
          (error: unknown) => ({ ...entry, ...failureOf(asFailure(error)) }),
        )
        .then((last) => log({ ...last, duration: Math.round(now() - start) }, platform.print))
        .catch(() => {});
    return {
      ...reply,
      // A new one: some replies are made once for all requests. Not spread: see `fetchWith` of the gateway.
      headers: Object.assign({}, reply.headers, safe, headers),
      cookies,
      body: request.method === 'HEAD' ? '' : reply.body,
    };
  };
}

/** Whoever was here by https comes back by https (RFC 6797). Not on loopback, where other programs have their pages on http. */
const keptSafe = ({ origin, secure }: Address): object =>
  secure && !isLoopback(new URL(origin)) ? { 'strict-transport-security': 'max-age=31536000' } : {};

const asFailure = (error: unknown): Failure =>
  error instanceof Failure ? error : new Failure(webErrors.INTERNAL, {}, { cause: error });

const failureOf = ({ code, message, reason }: Failure): Pick<LogEntry, 'outcome' | 'code' | 'message' | 'reason'> => ({
  outcome: 'failed',
  code,
  message,
  ...(reason !== undefined && { reason }),
});

/** Where nothing else can be said. */
const plainly = ({ status, message }: Failure): HttpReply => ({
  status,
  headers: { ...commonHeaders, 'content-type': 'text/plain; charset=utf-8' },
  cookies: [],
  body: message,
});

/** Whether a request leads to an address of these modules: for an application that has addresses of its own beside them. */
export function owns(modules: readonly RouteModule[], env: Environment, request: HttpRequest): boolean {
  let path = request.path;
  try {
    path = withoutPrefix(path, readAddress(env, request.platform.url).prefix);
  } catch {
    // Our own address cannot be read. Whoever asks there is told so.
  }
  const parameters = new URLSearchParams(request.query.slice(0, longestQuery));
  const { route } = findRoute(modules, path, request, parameters);
  return route !== notFound && route.stray !== true;
}
