import { isExample, isLogin, isThisProduct, reported, unlisted, type Begun, type LoginProbe } from './probe-result.ts';
import { elementsOf } from './html.ts';
import { joined, serversOf, trimSlashes, type Server } from './server.ts';
import { baseOf, scopesOf, siteOrigin, type CheckContext } from './context.ts';
import { usualServer } from '../providers/login-servers.ts';
import { reachOf, isSafe, isNetworkError, parseUrl, target, type HttpResponse, type Ask } from './fetch.ts';

/**
 * Asks the login server what anybody may ask, as the CMS would: it begins logins that nobody ends, and sends no secret.
 *
 * @returns undefined if there is nobody to ask
 */
export async function probeLogin(context: CheckContext, ask: Ask): Promise<LoginProbe | undefined> {
  const { provider, usesLoginServer } = context;
  const [server = context.server, ...others] = serversOf(context);
  if (!provider || !usesLoginServer || !server || isExample(server) || !mayAsk(context, server)) return undefined;
  const site = siteOrigin(context);
  // By the site's name alone does the usual server know what to do.
  if (context.text('base_url') === undefined && isUsual(server) && !site && !context.text('site_domain'))
    return undefined;
  const probe: LoginProbe = { site, ...(await begin(context, server, site, ask)) };
  if (isNetworkError(probe.begin)) return probe;
  const { ours, next } = probe;
  if (!isLogin(next) && !probe.onwardUrl && !reported(probe.begin)) {
    const isBegun = (attempt: Begun) =>
      isLogin(attempt.next) ||
      attempt.onwardUrl !== undefined ||
      (attempt.ours && reported(attempt.begin) !== undefined);
    const seen = [joined(server.origin, server.endpoint)];
    for (let at = next; at && isSafe(at) && seen.length <= mostRedirects;) {
      const moved = { origin: at.origin, prefix: '', endpoint: trimSlashes(at.pathname) };
      const address = joined(moved.origin, moved.endpoint);
      if (isExample(moved) || seen.includes(address)) break;
      seen.push(address);
      const attempt = await begin(context, moved, site, ask);
      if (isBegun(attempt)) return { ...probe, works: moved, isMoved: true };
      at = attempt.next;
    }
    for (const other of others) if (isBegun(await begin(context, other, site, ask))) return { ...probe, works: other };
    return probe;
  }
  const base = `${server.origin}${server.prefix}`;
  if (ours && !context.atGateway) {
    probe.callback = await ask(new URL(`${base}/auth/${provider.id}/callback`));
    if (provider.refresh && site !== undefined) {
      const url = new URL(base + provider.refresh.path);
      const wish = { 'access-control-request-method': 'POST', 'access-control-request-headers': 'content-type' };
      probe.preflight = await ask(url, { method: 'OPTIONS', headers: { origin: site, ...wish } });
      // Asked without a token, the server says whether it would have renewed one; it asks the Git host nothing then.
      probe.renewal = await ask(url, { method: 'POST', headers: { origin: site } });
    }
  }
  // Only where it should lead to: nobody makes the doctor ask somewhere else.
  if (next && isLogin(next) && isSafe(next) && next.origin === parseUrl(baseOf(context) ?? '')?.origin)
    probe.consent = await ask(next);
  return probe;
}

/**
 * A page of somebody's does not get the doctor to ask what only its user's computer or network can reach: nobody else would
 * get an answer there, and that is found without asking.
 */
export function mayAsk({ answer, namedServer }: CheckContext, { origin }: Pick<Server, 'origin'>): boolean {
  const reach = reachOf(new URL(origin));
  if (namedServer || reach === 'public') return true;
  const from = answer && reachOf(answer.url);
  return reach === 'loopback' ? from !== 'public' : from === 'private' || from === 'loopback';
}

const isUsual = ({ origin }: Server): boolean => origin === usualServer?.origin;

/** So many does the doctor follow to a login. */
const mostRedirects = 5;

/** Opens the popup's address, and goes on as our page there does if it is ours. */
async function begin(context: CheckContext, server: Server, site: string | undefined, ask: Ask): Promise<Begun> {
  const url = new URL(joined(server.origin, server.endpoint));
  url.search = new URLSearchParams({
    provider: context.host ?? '',
    site_id: context.text('site_domain') ?? (site === undefined ? 'localhost' : new URL(site).hostname),
    scope: scopesOf(context).join(','),
  }).toString();
  const answer = await ask(url);
  if (isNetworkError(answer)) return { server, begin: answer, ours: false };
  const begun: Begun = { server, begin: answer, ours: isThisProduct(answer), ...withNext(target(answer)) };
  const opening = begun.ours ? popupGreetingOf(answer) : undefined;
  if (opening === undefined) return begun;
  const cookie = answer.headers.getSetCookie().map((line) => line.split(';', 1)[0] ?? '');
  // Our own origin is listed unless the owner says otherwise: it shows where the login leads although the page is not listed.
  for (const origin of new Set([site ?? server.origin, server.origin])) {
    const onwardUrl = parseUrl(opening + encodeURIComponent(origin), answer.url);
    if (!onwardUrl) return begun;
    begun.onwardUrl ??= onwardUrl;
    // The cookie is for this server only.
    if (onwardUrl.origin !== server.origin) return begun;
    const onward = await ask(onwardUrl, { headers: { cookie: cookie.join('; ') } });
    begun.onward ??= onward;
    if (isNetworkError(onward)) return begun;
    Object.assign(begun, withNext(target(onward)));
    if (begun.next || reported(onward)?.code !== unlisted) return begun;
  }
  return begun;
}

const withNext = (next: URL | undefined) => (next ? { next } : {});

/** The address that our page in the popup appends the opener's origin to. */
function popupGreetingOf({ body }: HttpResponse): string | undefined {
  const element = elementsOf(body, 'script').find(({ attributes }) => attributes['id'] === 'opening');
  try {
    const { next } = JSON.parse(element?.text ?? '') as { next?: unknown };
    return typeof next === 'string' ? next : undefined;
  } catch {
    return undefined;
  }
}
