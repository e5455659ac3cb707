import { copyable } from '../web/copy.ts';
import { html, page, type Html } from '../web/page.ts';
import { apiRoots, settingPrefix, type Provider } from '../providers/provider.ts';
import { baseUrl, callbackAddress, isConfigured, type Address } from '../settings/settings.ts';
import type { Environment } from '../settings/environment.ts';
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
  const registration = html`<p>1. <a href="${registrationAddress(provider, env, address)}">Register an app at ${provider.name}</a> with this callback address. ${provider.registration.advice}</p>
${copyable(callbackAddress(address, provider))}`;
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
${copyable(configuration(provider, env, address, 'decap'))}
${provider.cms.sveltia ? html`<p>Or in that of Sveltia CMS:</p>${copyable(configuration(provider, env, address, 'sveltia'))}` : html`<p>Sveltia CMS does not support ${provider.name}.</p>`}
</details>`;
}

/** What the owner writes into `config.yml`; comments say what only some need. */
function configuration(provider: Provider, env: Environment, address: Address, cms: 'decap' | 'sveltia'): string {
  const endpoint = `${address.prefix}/auth`.slice(1);
  const base = baseUrl(env, provider);
  const own = base === provider.url ? [] : Object.entries(apiRoots(provider, base) ?? {});
  const authorize = cms === 'sveltia' && provider.refresh?.by.includes(cms);
  return [
    'backend:',
    `  name: ${provider.id}`,
    `  repo: ${provider.repository.form}`,
    '  branch: main',
    `  base_url: ${address.origin}`,
    ...(endpoint === 'auth' ? [] : [`  auth_endpoint: ${endpoint}`]),
    ...(authorize ? [`  # only with CMS_AUTH_REFRESH=${provider.id}, in place of any other:`] : []),
    ...(authorize ? [`  # auth_endpoint: ${endpoint}/${provider.id}/authorize`] : []),
    ...own.filter(([key]) => cms === 'sveltia' || key === 'api_root').map(([key, root]) => `  ${key}: ${root}`),
    // Decap and Netlify CMS ask for a new token at the root of this one.
    ...(provider.refresh?.by.includes('decap')
      ? [`# only with CMS_AUTH_REFRESH=${provider.id}:`, `# base_url: ${address.origin}`]
      : []),
  ].join('\n');
}

function registrationAddress(provider: Provider, env: Environment, address: Address): string {
  const url = new URL(baseUrl(env, provider) + provider.registration.path);
  const { prefill } = provider.registration;
  if (prefill) {
    url.searchParams.set(prefill.name, 'CMS');
    url.searchParams.set(prefill.homepage, address.origin);
    url.searchParams.set(prefill.callback, callbackAddress(address, provider));
  }
  return url.href;
}
