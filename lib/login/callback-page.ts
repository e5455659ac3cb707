import { forOwner } from '../http/for-owner.ts';
import { html, outcome } from '../http/page.ts';
import { ownerPage } from '../http/owner-page.ts';
import { pageSetting } from '../config/settings.ts';
import { firstProblem, checkReadiness } from './readiness.ts';
import { describeAllowedSites } from './allowed-sites.ts';
import type { HttpReply } from '../http/http.ts';
import type { Provider } from '../providers/provider.ts';
import type { Context } from '../handler/router.ts';

/** The callback's address opened by hand: whether the provider's settings are all there, by their names only. */
export async function callbackPage(provider: Provider, context: Context): Promise<HttpReply> {
  const { address, settings } = context;
  const found = await checkReadiness(provider, context);
  const problem = firstProblem(found);
  const [hasPage] = await settings.read([pageSetting]);
  const next = html`Nobody has tried them yet. ${hasPage ? html`<a href="${address.prefix}/auth">Try a login</a>.` : 'Press Login in the CMS.'}`;
  const title = problem ? `${provider.name} is not ready` : `${provider.name}: all settings are there`;
  return ownerPage(200, {
    title,
    body: html`<main class="${problem ? 'failed' : 'done'}" data-page="callback"${outcome(problem ?? 'READY')}>
<h1>${title}</h1>
<p>${problem ? forOwner(problem.message) : next}</p>
${!found.sites && html`<p>${await describeAllowedSites(context)}</p>`}
<p class="quiet">This address is for ${provider.name} to send editors back to. To log in, press Login in the CMS.</p>
</main>`,
  });
}
