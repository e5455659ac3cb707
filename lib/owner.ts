import { html, page } from './page.ts';
import { settingPrefix, type Provider } from './providers/provider.ts';
import { callbackAddress, isConfigured, type Address, type Environment } from './settings.ts';
import type { LoginError } from './errors.ts';
import type { HttpReply } from './http.ts';

/**
 * The page at `/auth` for whoever sets the login up: what to register and what to write into the CMS configuration. It says
 * nothing that an outsider could not find out by trying, and so neither the allow-list nor anything about a secret.
 */
export function ownerPage(env: Environment, providers: readonly Provider[], address: Address): HttpReply {
  const endpoint = `${address.prefix}/auth`.slice(1);
  const sections = providers.map((provider) => {
    const id = html`<code>${settingPrefix(provider)}_CLIENT_ID</code>`;
    return html`<section>
<h2>${provider.name}</h2>
<p>${
      isConfigured(env, provider)
        ? html`${id} is set. <a href="${address.prefix}/auth/${provider.id}/callback">Is everything else?</a>`
        : html`Switched off: ${id} is not set.`
    }</p>
<p>Callback address to register at ${provider.name}:</p>
<pre>${callbackAddress(address, provider)}</pre>
<p>In the configuration of the CMS:</p>
<pre>backend:
  name: ${provider.id}
  repo: owner/repository
  branch: main
  base_url: ${address.origin}${endpoint === 'auth' ? '' : `\n  auth_endpoint: ${endpoint}`}</pre>
</section>`;
  });
  return page(200, {
    title: 'Login for your CMS',
    body: html`<main class="wide">
<h1>Login for your CMS</h1>
<p>This server logs editors in to a Git-based CMS. There is nothing to do here for editors: press Login in the CMS.</p>
${sections}
</main>`,
  });
}

/** `/auth/P/callback` opened by hand: whether P is ready, by names of settings only. */
export function readinessPage(provider: Provider, problem: LoginError | undefined): HttpReply {
  const title = `${provider.name} is ${problem ? 'not ready' : 'ready'}`;
  return page(200, {
    title,
    body: html`<main class="${problem ? 'failed' : 'done'}">
<h1>${title}</h1>
<p>${problem?.message ?? 'All settings that a login needs are there.'}</p>
<p class="quiet">This address is for ${provider.name} to send editors back to. To log in, press Login in the CMS.</p>
</main>`,
  });
}

/** For addresses and methods that are not part of any login, so that there is no CMS to tell. */
export function plainErrorPage(error: LoginError): HttpReply {
  const title = 'This does not work';
  return page(error.status, {
    title,
    body: html`<main class="failed">
<h1>${title}</h1>
<p>${error.message}</p>
<p class="quiet">Code: ${error.code}</p>
</main>`,
  });
}
