import { openSettings, type Settings } from '../config/store.ts';
import { readAddress, type Address } from '../config/settings.ts';
import { Failure, webErrors } from '../http/errors.ts';
import { writeLog, type LogEntry } from '../http/log.ts';
import type { Environment } from '../config/environment.ts';
import { commonHeaders, withoutPrefix, type Handler, type HttpReply, type HttpRequest } from '../http/http.ts';

/** More than any CMS or Git host sends, less than any platform refuses. Characters. */
export const longestQuery = 16 * 1024;

export interface ServeOptions {
  env?: Environment;
  log?: (entry: LogEntry) => void;
  /** Milliseconds since the epoch. */
  now?: () => number;
}

/** What a request finds around it. */
export interface Context {
  request: HttpRequest;
  /** Of its query, cut at `longestQuery`. */
  parameters: URLSearchParams;
  settings: Settings;
  address: Address;
  /** Milliseconds since the epoch. */
  now: number;
  /** When the answer has to be ready, likewise; always by the machine's own clock, which the timers go by, too. */
  deadline: number;
  /** `Set-Cookie` values that go out with the reply, whatever it turns out to be. */
  cookies: string[];
  /** Headers that do, likewise. */
  headers: Record<string, string>;
  /** More for the log. */
  log: Partial<LogEntry>;
}

/** Where a request leads: each route module has more to say of its own. One that leads nowhere has the event `none`. */
export interface Routed {
  event: string;
  provider?: { id: string } | undefined;
}

/** What a route module does with a request. */
export interface RouteModule<Route extends Routed> {
  /** How long a request may take, reading secrets and asking others included. Milliseconds. */
  timeoutMs: number;
  /**
   * Does not throw: what leads nowhere is a route, too.
   *
   * @param path without the prefix of our own address
   */
  route(path: string, request: HttpRequest, parameters: URLSearchParams): Route;
  /** @throws Failure for whatever stands in the way */
  answer(route: Route, context: Context): Promise<HttpReply>;
  /**
   * A failure as those who ask here can read it.
   *
   * @param seen our own address, unless that setting is what is wrong
   */
  fail(
    route: Route,
    failure: Failure,
    seen: { address: Address | undefined; settings: Settings; env: Environment },
  ): HttpReply;
}

/**
 * The one frame of every request, on every platform: deadline, settings, the way in, one catch, one line in the log. It does not
 * reject: whatever happens becomes an answer in words.
 */
export function serve<Route extends Routed>(routes: RouteModule<Route>, options: ServeOptions = {}): Handler {
  const { env = process.env, log, now = Date.now } = options;

  return async (request) => {
    const start = now();
    const { platform } = request;
    const deadline = Math.min(Date.now() + routes.timeoutMs, platform.deadline ?? Infinity);
    const settings = openSettings(env, platform, deadline);
    const cookies: string[] = [];
    const headers: Record<string, string> = {};
    const logged: Partial<LogEntry> = {};
    const parameters = new URLSearchParams(request.query.slice(0, longestQuery));
    // Without a prefix at first: if our own address cannot be read, then that has to be told to the CMS, too.
    let route = routes.route(request.path, request, parameters);
    let address: Address | undefined;
    let reply: HttpReply;
    let failure: Failure | undefined;
    try {
      address = readAddress(env, platform.url);
      route = routes.route(withoutPrefix(request.path, address.prefix), request, parameters);
      reply = await routes.answer(route, {
        request,
        parameters,
        settings,
        address,
        now: start,
        deadline,
        cookies,
        headers,
        log: logged,
      });
    } catch (error) {
      failure = asFailure(error).withAdvice(platform.adviceOnMissing);
      try {
        reply = routes.fail(route, failure, { address, settings, env });
      } catch (another) {
        // Not even the words for what went wrong could be written: that is told in its place, and the line in the log stays.
        failure = asFailure(another);
        reply = plainly(failure);
      }
    }
    const entry: LogEntry = {
      event: route.event,
      ...(route.provider !== undefined && { provider: route.provider.id }),
      outcome: failure ? 'failed' : 'ok',
      ...(failure && { code: failure.code, message: failure.message }),
      ...(failure?.reason !== undefined && { reason: failure.reason }),
      ...(settings.warnings.length > 0 && { warning: settings.warnings.join(' ') }),
      ...logged,
      duration: Math.round(now() - start),
      ...(platform.requestId !== undefined && { request: platform.requestId }),
    };
    if (log) log(entry);
    else writeLog(entry, platform.print);
    return {
      ...reply,
      headers: { ...reply.headers, ...headers },
      cookies,
      body: request.method === 'HEAD' ? '' : reply.body,
    };
  };
}

const asFailure = (error: unknown): Failure =>
  error instanceof Failure ? error : new Failure(webErrors.INTERNAL, {}, { cause: error });

/** Where nothing else can be said. */
const plainly = ({ status, message }: Failure): HttpReply => ({
  status,
  headers: { ...commonHeaders, 'content-type': 'text/plain; charset=utf-8' },
  cookies: [],
  body: message,
});
