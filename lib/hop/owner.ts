import { copyable } from '../web/copy.ts';
import { html, page, type Html } from '../web/page.ts';
import {
  articled,
  registrationAddress,
  settingPrefix,
  type Provider,
  type Registration,
} from '../providers/provider.ts';
import { baseUrl, callbackAddress, isConfigured, type Address } from '../settings/settings.ts';
import type { Environment } from '../settings/environment.ts';
import { configuration } from '../settings/configuration.ts';
import script from './owner.client.ts?inline';
import { Failure } from '../web/errors.ts';
import type { TextReply } from '../web/http.ts';

export { readiness } from './readiness.ts';

/**
 * The page at `/auth` for whoever sets the login up: what to register, what to write into the CMS configuration, and a login
 * to try. It says nothing that an outsider could not find out by trying, and so neither the allow-list nor anything about a
 * secret.
 */
export function ownerPage(env: Environment, providers: readonly Provider[], address: Address): TextReply {
  return page(200, {
    title: 'Login for your CMS',
    script,
    body: html`<main class="wide">
<h1>Login for your CMS</h1>
<p>This server logs editors in to a Git-based CMS. There is nothing to do here for editors: press Login in the CMS.</p>
${providers.map((provider) => html`<section><h2>${provider.name}</h2>${section(provider, env, address)}</section>`)}
</main>`,
  });
}

function section(provider: Provider, env: Environment, address: Address): Html {
  try {
    return setUp(provider, env, address);
  } catch (error) {
    if (error instanceof Failure) return html`<p>${error.message}</p>`;
    throw error;
  }
}

function setUp(provider: Provider, env: Environment, address: Address): Html {
  const prefix = settingPrefix(provider);
  const base = `${address.prefix}/auth`;
  const registration = howToRegister(provider, env, address);
  if (!isConfigured(env, provider))
    return html`<p>Switched off: <code>${prefix}_CLIENT_ID</code> is not set.</p>
<details><summary>Switch it on</summary>
${registration}
<p>2. Set <code>${prefix}_CLIENT_ID</code> and <code>${prefix}_CLIENT_SECRET</code>, and <code>CMS_AUTH_ORIGINS</code> to the origin of your CMS page.</p>
</details>`;
  return html`<p><code>${prefix}_CLIENT_ID</code> is set. <a href="${base}/${provider.id}/callback">Is everything else?</a></p>
<p>How long a session lasts: ${provider.session}${provider.refresh && html` Renewing needs <code>CMS_AUTH_REFRESH</code> to name <code>${provider.id}</code>.`}</p>
<div data-try="${base}?provider=${provider.id}" data-provider="${provider.id}" data-origin="${address.origin}" hidden><button type="button">Try a login</button><ol aria-live="polite"></ol></div>
<details><summary>Registration and CMS configuration</summary>
${registration}
<p>2. In the configuration of Decap CMS or Netlify CMS:</p>
${copyable(configuration(provider, env, address, { cms: 'decap' }))}
${provider.cms.sveltia ? html`<p>Or in that of Sveltia CMS:</p>${copyable(configuration(provider, env, address, { cms: 'sveltia' }))}` : html`<p>Sveltia CMS does not support ${provider.name}.</p>`}
</details>`;
}

function howToRegister(provider: Provider, env: Environment, address: Address): Html {
  const base = baseUrl(env, provider);
  const fill = { name: 'CMS login', homepage: address.origin, callback: callbackAddress(address, provider) };
  const [best, ...others] = provider.registration;
  const link = (form: Registration) =>
    html`<a href="${registrationAddress(base, form, fill)}">Register ${articled(form.what)} at ${provider.name}</a>`;
  const steps = (form: Registration) => html`<ol>${form.steps.map((step) => html`<li>${step}</li>`)}</ol>`;
  const organisation =
    best.organisationPath !== undefined &&
    html`<p>If the repository belongs to an organisation, the app should, too. Put its name in the place of ORG:</p>
${copyable(registrationAddress(base, best, { ...fill, organisation: 'ORG' }))}`;
  return html`<p>1. ${link(best)}. ${best.advice ?? ''}</p>
${steps(best)}
${organisation}
<p>The callback address:</p>
${copyable(fill.callback)}
${others.map((form) => html`<details><summary>Or ${articled(form.what)}. ${form.advice ?? ''}</summary><p>${link(form)}.</p>${steps(form)}</details>`)}`;
}
