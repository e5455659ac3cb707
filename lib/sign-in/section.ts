import { issuerFacts, knownIssuers } from '../providers/issuers.ts';
import { copyable, html, type Html } from '../web/page.ts';
import { callbackAddress } from './login.ts';
import type { Environment } from '../settings/environment.ts';
import type { Address } from '../settings/settings.ts';

/**
 * What the owner's page says about the sign-in: what to register and where, and a sign-in to try. It says nothing that an
 * outsider could not find out by trying.
 *
 * @param env only its names are looked at, and the issuer, to whom every editor is sent
 */
export function signInSection(env: Environment, address: Address): Html {
  const issuer = env['CMS_GATEWAY_ISSUER']?.trim() || undefined;
  const isSet = (name: string) => Boolean(env[name]?.trim());
  const missing = ['CMS_GATEWAY_ISSUER', 'CMS_GATEWAY_CLIENT_ID', 'CMS_GATEWAY_CLIENT_SECRET'].filter(
    (name) => !isSet(name),
  );
  return html`<section><h2>Sign-in</h2>
${issuer === undefined ? chooseProvider() : registration(issuer)}
${copyable(callbackAddress(address))}
${
  missing.length > 0
    ? html`<p>Then set ${missing.map((name, i) => html`${i > 0 && ', '}<code>${name}</code>`)}, and deploy again.</p>`
    : html`<p><a href="${address.prefix}/git/oauth2/authorize?try=1">Try a sign-in</a>: it shows each step, and ends on a page here. No CMS is told, and no session is made.</p>`
}
</section>`;
}

function registration(issuer: string): Html {
  const { name, console, advice } = issuerFacts(issuer);
  const where = `Register a client at ${name}`;
  return html`<p>Editors sign in at ${name}. ${console === undefined ? where : html`<a href="${console}">${where}</a>`} with this redirect address. ${advice}</p>`;
}

const chooseProvider = (): Html =>
  html`<p>Editors sign in at a provider of your choice, where you register a client with the redirect address below:</p>
<ul>${knownIssuers.map(
    ({ name, example, console }) =>
      html`<li>${console?.includes('$') === false ? html`<a href="${console}">${name}</a>` : name}: <code>CMS_GATEWAY_ISSUER=${example}</code></li>`,
  )}<li>any other OpenID provider: the address in front of its <code>/.well-known/openid-configuration</code></li></ul>`;
