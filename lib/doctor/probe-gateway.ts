import { isExample, isGatewayPage, type GatewayProbe } from './probe-result.ts';
import { gatewayBase } from './server.ts';
import { siteOrigin, type CheckContext } from './context.ts';
import { isSafe, isNetworkError, type Ask } from './fetch.ts';

/** Whether editors work through a gateway. Sveltia CMS stops before it asks one, and with `local_backend` none is asked. */
export const usesGateway = ({ host, isSveltia, isLocal, atGateway }: CheckContext): boolean =>
  (host === 'git-gateway' && !isSveltia && !isLocal) || atGateway !== undefined;

/**
 * Asks the gateway what anybody may ask: its page, and its settings without a token, in the name of the page's origin.
 *
 * @returns undefined if there is nobody to ask
 */
export async function probeGateway(context: CheckContext, ask: Ask): Promise<GatewayProbe | undefined> {
  if (!usesGateway(context)) return undefined;
  const site = siteOrigin(context);
  const base = context.atGateway ?? gatewayBase(context);
  if (base === undefined) return undefined;
  const url = new URL(base);
  if (!isSafe(url) || isExample({ origin: url.origin, prefix: '', endpoint: '' })) return undefined;
  const page = await ask(new URL(base));
  if (isNetworkError(page)) return { base, page, settings: page };
  const settings = await ask(new URL(`${base}/settings`), { headers: site === undefined ? {} : { origin: site } });
  if (isGatewayPage(page) || url.pathname.startsWith('/.netlify/')) return { base, page, settings };
  const other = `${url.origin}${url.pathname.replace(/\/(?:auth|git)?\/*$/, '')}/git`;
  const there = other === base ? undefined : await ask(new URL(other));
  return { base, page, settings, ...(there && !isNetworkError(there) && isGatewayPage(there) && { works: other }) };
}
