import { elementsOf } from './html.ts';
import { isExample, isOurs } from './heard.ts';
import { gatewayBase } from './server.ts';
import { siteOrigin, type View } from './view.ts';
import { isSafe, isSilence, type Answer, type Ask, type Silence } from './web.ts';

/** What the gateway answered, asked without a token. */
export interface GatewayHeard {
  /** Where the CMS would ask it, without a slash at the end. */
  base: string;
  /** Its page for owners, or whatever else is there. */
  page: Answer | Silence;
  /** What it says to a CMS that is not logged in. */
  settings: Answer | Silence;
  /** Where a gateway of ours is, if it is not at `base` but below. */
  works?: string;
}

/** Whether editors work through a gateway; Sveltia CMS stops before it asks one. */
export const usesGateway = ({ host, isSveltia }: View): boolean => host === 'git-gateway' && !isSveltia;

/**
 * Asks the gateway what anybody may ask: its page, and its settings without a token, in the name of the page's origin.
 *
 * @returns undefined if there is nobody to ask
 */
export async function gatherGateway(view: View, ask: Ask): Promise<GatewayHeard | undefined> {
  if (!usesGateway(view)) return undefined;
  const site = siteOrigin(view);
  const base = gatewayBase(view);
  if (base === undefined) return undefined;
  const url = new URL(base);
  if (!isSafe(url) || isExample({ origin: url.origin, prefix: '', endpoint: '' })) return undefined;
  const page = await ask(new URL(base));
  if (isSilence(page)) return { base, page, settings: page };
  const settings = await ask(new URL(`${base}/settings`), { headers: site === undefined ? {} : { origin: site } });
  if (isGatewayPage(page) || url.pathname.startsWith('/.netlify/')) return { base, page, settings };
  const other = `${url.origin}${url.pathname.replace(/\/(?:auth|git)?\/*$/, '')}/git`;
  const there = other === base ? undefined : await ask(new URL(other));
  return { base, page, settings, ...(there && !isSilence(there) && isGatewayPage(there) && { works: other }) };
}

/** Whether this is our page at `/git`. */
export const isGatewayPage = (answer: Answer): boolean =>
  isOurs(answer) &&
  elementsOf(answer.body, 'h1').some(({ text }) => /^The gateway is (?:not )?ready$/.test(text.trim()));

/** What our page says is missing. */
export function missingAt({ body }: Answer): string[] {
  const elements = elementsOf(body, 'h2', 'li');
  const first = elements.findIndex(({ name, text }) => name === 'h2' && text.trim() === 'What is missing');
  if (first < 0) return [];
  const rest = elements.slice(first + 1);
  const end = rest.findIndex(({ name }) => name === 'h2');
  return rest.slice(0, end < 0 ? undefined : end).map(({ text }) => text.replace(/\s+/g, ' ').trim());
}

/** The code of a gateway's refusal, if it gives one. */
export function codeOf(answer: Answer | Silence): string | undefined {
  if (isSilence(answer)) return undefined;
  try {
    const { code } = JSON.parse(answer.body) as { code?: unknown };
    return typeof code === 'string' ? code : undefined;
  } catch {
    return undefined;
  }
}
