import { copyable } from '../http/copy.ts';
import { forOwner } from '../http/for-owner.ts';
import { html, outcome, type Html } from '../http/page.ts';
import { ownerPage } from '../http/owner-page.ts';
import {
  articled,
  registrationAddress,
  settingPrefix,
  type Provider,
  type Registration,
} from '../providers/provider.ts';
import { factsOf } from '../providers/facts.ts';
import { callbackAddress, isConfigured, urlSetting, type Address } from '../config/settings.ts';
import { configuration } from '../config/cms-config.ts';
import { loginNames, unknownSettings } from '../config/unknown.ts';
import script from './setup-page.client.ts?inline';
import { hostErrors } from '../oauth/errors.ts';
import { transactionErrors } from '../oauth/transaction-errors.ts';
import { parameterErrors, settingErrors } from '../config/errors.ts';
import { Failure, webErrors } from '../http/errors.ts';
import { loginErrors, refreshErrors } from './errors.ts';
import { describeAllowedSites } from './allowed-sites.ts';
import { firstProblem, checkReadiness } from './readiness.ts';
import type { Context } from '../handler/router.ts';
import type { TextReply } from '../http/http.ts';

export { callbackPage } from './callback-page.ts';

/**
 * The page at `/auth` for whoever sets the login up: for each Git host what is done, what is missing, and the next step with the
 * value to copy. It says nothing that an outsider could not find out by trying, so neither the list of sites nor a secret.
 */
export async function setupPage(providers: readonly Provider[], context: Context): Promise<TextReply> {
  const sections: Html[] = [];
  // One clear next step: where nothing is set up, it is the first host's.
  const { env } = context.settings;
  const first = providers.some((provider) => isConfigured(env, provider)) ? undefined : providers[0];
  for (const provider of providers)
    sections.push(html`<section id="${provider.id}">${await section(provider, context, provider === first)}</section>`);
  // Strangers can read this: nothing that belongs to another program on the same machine.
  const unknown = unknownSettings(env, loginNames, /^CMS_AUTH_/);
  return ownerPage(200, {
    title: 'Login for your CMS',
    script,
    body: html`<main class="wide" data-page="setup">
<h1>Login for your CMS</h1>
<p>This server logs editors in to a CMS. Editors have nothing to do here: they press Login in the CMS. For its owner, this page says what is done and what comes next.</p>
${unknown.length > 0 && html`<section><h2>Perhaps misspelt</h2><ul>${unknown.map(({ name, message }) => html`<li data-setting="${name}">${message}</li>`)}</ul></section>`}
${sections}
<section>${codes}</section>
</main>`,
  });
}

/** What an error page can say, for whoever follows the link there. */
const codes = html`<details id="codes"><summary>What the error codes mean</summary>
<dl>${Object.values({
  ...webErrors,
  ...settingErrors,
  ...parameterErrors,
  ...transactionErrors,
  ...hostErrors,
  ...loginErrors,
  ...refreshErrors,
}).map(
  ({ code, text }) =>
    html`<dt id="${code}">${code}</dt><dd>${forOwner(text)
      .replace('{advice}', '')
      .replace(/\{\w+\}\.?/g, '…')}</dd>`,
)}</dl></details>`;

async function section(provider: Provider, context: Context, isNext: boolean): Promise<Html> {
  const { address, request, settings } = context;
  try {
    const [base] = await settings.read([urlSetting(provider)]);
    if (isConfigured(settings.env, provider)) return await checklist(provider, base, context);
    const prefix = settingPrefix(provider);
    return html`<h2>${provider.name} <span class="quiet">switched off</span></h2>
<details${isNext && html` open`}><summary>Switch it on</summary>
<ol class="steps">
<li data-step="next">${howToRegister(provider, base, address, isNext)}</li>
<li data-step="next"><p>Set <code>${prefix}_CLIENT_ID</code> and <code>${prefix}_CLIENT_SECRET</code> to what ${provider.name} showed you. ${request.platform.adviceOnMissing ?? 'Then start the server again.'}</p></li>
<li data-step="next"><p>${await describeAllowedSites(context).catch(toWords)}</p></li>
</ol></details>`;
  } catch (error) {
    return html`<h2>${provider.name}</h2><p>${toWords(error)}</p>`;
  }
}

/** @throws what is no failure of ours */
function toWords(error: unknown): Html {
  if (error instanceof Failure) return html`${forOwner(error.message)}`;
  throw error;
}

/** What is there, what is missing, and what comes next. Nothing is called ready that nobody has tried. */
async function checklist(provider: Provider, base: string, context: Context): Promise<Html> {
  const { address } = context;
  const prefix = settingPrefix(provider);
  const { cms, session } = factsOf(provider);
  const found = await checkReadiness(provider, context);
  const step = (problem: Failure | undefined, fine: Html, more: Html | false = false) =>
    html`<li data-step="${problem ? 'missing' : 'done'}"${problem && outcome(problem)}><p>${problem ? forOwner(problem.message) : fine}</p>${more}</li>`;
  return html`<h2>${provider.name} <span class="quiet">${firstProblem(found) ? 'something is missing' : 'not tried yet'}</span></h2>
<ol class="steps">
${step(found.app, html`<code>${prefix}_CLIENT_ID</code> is set.`, html`<details${found.app && html` open`}><summary>How to register the app</summary>${howToRegister(provider, base, address, found.app !== undefined)}</details>`)}
${step(found.secret, html`<code>${prefix}_CLIENT_SECRET</code> is there.`)}
${step(found.sites, found.sites ? html`` : await describeAllowedSites(context))}
${found.renewal && step(found.renewal, html``)}
<li data-step="next"><p>Write this into the configuration of your CMS.</p>
<details><summary>Decap CMS and Netlify CMS</summary>${copyable(configuration(provider, base, address, { cms: 'decap' }))}</details>
${cms.sveltia ? html`<details><summary>Sveltia CMS</summary>${copyable(configuration(provider, base, address, { cms: 'sveltia' }))}</details>` : html`<p class="quiet">Sveltia CMS does not support ${provider.name}.</p>`}
<p class="quiet">${session}${provider.refresh && html` For that, set <code>CMS_AUTH_REFRESH</code> to <code>${provider.id}</code>.`}</p></li>
<li data-step="next"><p>Try it, here or in your CMS.</p>
<div data-try="${address.prefix}/auth?provider=${provider.id}" data-provider="${provider.id}" data-origin="${address.origin}" hidden><button type="button"${!firstProblem(found) && html` class="primary"`}>Try a login</button><ol aria-live="polite"></ol></div></li>
</ol>`;
}

/** @param isNext whether it is the owner's next step, which the page shows at first sight */
function howToRegister(provider: Provider, base: string, address: Address, isNext: boolean): Html {
  const fill = { name: 'CMS login', homepage: address.origin, callback: callbackAddress(address, provider) };
  const [best, ...others] = factsOf(provider).registrations;
  const link = (form: Registration, isPrimary = false) =>
    html`<a${isPrimary && html` class="primary"`} href="${registrationAddress(base, form, fill)}">Register ${articled(form.what)} at ${provider.name}</a>`;
  const steps = (form: Registration) => html`<ol>${form.steps.map((step) => html`<li>${step}</li>`)}</ol>`;
  const organisation =
    best.organisationPath !== undefined &&
    html`<p>If the repository belongs to an organisation, the app should, too. Put its name in the place of ORG:</p>
${copyable(registrationAddress(base, best, { ...fill, organisation: 'ORG' }))}`;
  return html`<p>${link(best, isNext)} ${best.advice ?? ''}</p>
${steps(best)}
${organisation}
<p>The callback address:</p>
${copyable(fill.callback)}
${others.map((form) => html`<details><summary>Or ${articled(form.what)}. ${form.advice ?? ''}</summary><p>${link(form)}.</p>${steps(form)}</details>`)}`;
}
