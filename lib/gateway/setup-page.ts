import { loginNames, unknownSettings } from '../config/unknown.ts';
import { checkGateway, gatewaySettings, hasGateway, type Gateway } from './settings.ts';
import { issuerFacts, knownIssuers } from '../providers/issuers.ts';
import { settingPrefix } from '../providers/provider.ts';
import { copyable } from '../http/copy.ts';
import { forOwner } from '../http/for-owner.ts';
import { html, outcome, type Html } from '../http/page.ts';
import { ownerPage } from '../http/owner-page.ts';
import { probe } from './health.ts';
import script from '../http/copy.client.ts?inline';
import type { Context } from '../handler/router.ts';
import type { Address } from '../config/settings.ts';
import type { TextReply } from '../http/http.ts';
import type { GatewayHost } from './rules/rule.ts';

/**
 * The page at `/git` for whoever sets the gateway up: what to set, what to write into the CMS configuration, what is missing. It
 * names no editor, no repository and nothing of a secret.
 */
export async function gatewayPage(hosts: readonly GatewayHost[], context: Context): Promise<TextReply> {
  const { request, settings, address, deadline } = context;
  const { env } = settings;
  const problems = await checkGateway(env, hosts, request.platform);
  const [read] = problems.length === 0 ? await settings.read([gatewaySettings(hosts, address)]) : [];
  const health = read && (await probe(read, Math.min(deadline, Date.now() + 8_000)));
  const all = [...problems, ...(health?.problems ?? [])].map((problem) =>
    problem.withAdvice(request.platform.adviceOnMissing),
  );
  const names = [...loginNames, 'CMS_GATEWAY_URL', ...gatewaySettings(hosts, address).names];
  const unknown = unknownSettings(env, names, /^CMS_(AUTH|GATEWAY)_/);
  const title = all.length > 0 ? 'The gateway is not ready' : 'The gateway: nothing is missing';
  return ownerPage(200, {
    title,
    script,
    body: html`<main class="wide ${all.length > 0 ? 'failed' : 'done'}" data-page="gateway"${outcome(all.length > 0 ? 'NOT_READY' : 'READY')}>
<h1>${title}</h1>
<p>This server lets editors publish without an account at a Git host. They have nothing to do here: they press Login in the CMS.</p>
${read && all.length === 0 && html`<p>All settings are there. At ${read.host.provider.name}, the credential, the repository and the branch were found${health?.unseen.length === 0 && ', and the right to write'}. ${health?.unseen.join(' ')} Now try a sign-in${read.auth.kind === 'oidc' && ', below and then'} in your CMS.</p>`}
${read && html`<p>Editors may change: <code data-writable="${read.paths.allowed.join(', ')}">${read.paths.allowed.join(', ')}</code>${read.paths.allowed.includes('**') && ' (everything, except what the Git host runs or obeys by itself)'}. That is <code>CMS_GATEWAY_PATHS</code>.</p>`}
${all.length > 0 && html`<section><h2>What is missing</h2><ul>${all.map((problem) => html`<li${outcome(problem)}>${forOwner(problem.message)}</li>`)}</ul></section>`}
${unknown.length > 0 && html`<section><h2>Perhaps misspelt</h2><ul>${unknown.map(({ name, message }) => html`<li data-setting="${name}">${message}</li>`)}</ul></section>`}
${health && health.warnings.length > 0 && html`<section><h2>To look at</h2><ul>${health.warnings.map((warning) => html`<li>${warning}</li>`)}</ul></section>`}
${!hasGateway(env) && introduction(hosts, `${address.origin}${address.prefix}/git`)}
${read && configuration(read, address)}
</main>`,
  });
}

const introduction = (hosts: readonly GatewayHost[], own: string): Html => html`<section><h2>What to set</h2>
<ul>
<li><code>CMS_GATEWAY_REPO</code>: the address of the repository, as a browser shows it.</li>
<li><code>CMS_GATEWAY_TOKEN</code>: a token of the host that may write to this repository alone.${hosts
  .filter(({ apps }) => apps)
  .map(
    ({ provider }) =>
      html` On ${provider.name}, better use <code>${settingPrefix(provider)}_APP_ID</code> and <code>${settingPrefix(provider)}_APP_PRIVATE_KEY</code> of an app.`,
  )}</li>
<li>How editors sign in: <code>CMS_GATEWAY_ISSUER</code> with <code>CMS_GATEWAY_CLIENT_ID</code> and <code>CMS_GATEWAY_CLIENT_SECRET</code> (an OpenID provider), <code>CMS_GATEWAY_IDENTITY</code> (Netlify Identity or another GoTrue) or <code>CMS_GATEWAY_JWT_SECRET</code>.</li>
<li><code>CMS_GATEWAY_PATHS</code>: what editors may change: the folders of your CMS configuration, such as <code>content/**, static/img/**</code>. <code>**</code> is everything.</li>
<li><code>CMS_GATEWAY_EDITORS</code>: who is let in, by address or <code>@example.org</code>.</li>
<li><code>CMS_AUTH_ORIGINS</code>: the origin of your CMS page.</li>
</ul></section>
<section><h2>OpenID providers</h2>
<p>Register a client for a web application at one of them, with these two redirect addresses:</p>
${copyable(redirectAddresses(own))}
<ul>${knownIssuers.map(
  ({ name, example, console }) =>
    html`<li>${console?.includes('$') === false ? html`<a href="${console}">${name}</a>` : name}: <code>${example}</code></li>`,
)}<li>any other: the part of its address before <code>/.well-known/openid-configuration</code></li></ul></section>`;

/** The first is for CMSs with `name: git-gateway`, the second for those that speak to the host itself. */
const redirectAddresses = (own: string): string => `${own}/oauth2/callback\n${own}/auth/callback`;

/** What to register where, and a try that shows each step. */
function signIn(issuer: string, own: string): Html {
  const { name, console, advice } = issuerFacts(issuer);
  const where = `the client at ${name}`;
  return html`<section><h2>Sign-in</h2>
<p>Editors sign in at ${name}. Enter these two redirect addresses for ${console === undefined ? where : html`<a href="${console}">${where}</a>`}. ${advice}</p>
${copyable(redirectAddresses(own))}
<p><a href="${own}/oauth2/authorize?try">Try a sign-in</a>: it shows each step and ends on a page here. It does not reach the CMS and starts no session.</p></section>`;
}

/** For CMSs that speak to the host itself, with a sign-in of ours. */
function hostConfiguration({ host, branch }: Gateway<GatewayHost>, { origin, prefix }: Address): Html {
  const lines = [
    'backend:',
    `  name: ${host.provider.id}`,
    '  repo: OWNER/NAME', // which one it is, is nobody's business here
    `  branch: ${JSON.stringify(branch)}`,
    `  base_url: ${origin}`,
    `  auth_endpoint: ${`${prefix}/git/auth`.slice(1)}`,
    `  api_root: ${origin}${prefix}/git${host.api?.rest}`,
  ];
  return html`<p>For Sveltia CMS, Decap CMS and Netlify CMS:</p>
${copyable(lines.join('\n'))}
<p>Or, for Decap CMS without a popup:</p>`;
}

function configuration(gateway: Gateway<GatewayHost>, address: Address): Html {
  const { auth, branch, host } = gateway;
  const { origin, prefix } = address;
  const own = `${origin}${prefix}/git`;
  const backend = [
    'backend:',
    '  name: git-gateway',
    `  branch: ${JSON.stringify(branch)}`,
    `  gateway_url: ${own}`,
    `  status_endpoint: ${own}/status`,
  ];
  const login = {
    oidc: ['  auth_type: pkce', 'auth:', `  base_url: ${own}`, '  app_id: cms', '  full_name_claim: name'],
    jwt: [
      '  auth_type: pkce',
      'auth:',
      `  base_url: ${'issuer' in auth ? auth.issuer : ''}`,
      '  use_oidc: true',
      '  app_id: the client id of the CMS there',
      '  full_name_claim: name',
    ],
    gotrue: [`  identity_url: ${'address' in auth ? auth.address : ''}`],
    hs256: ['  identity_url: the address of your GoTrue'],
  }[auth.kind];
  const isForHostToo = auth.kind === 'oidc' && host.api !== undefined;
  return html`<section><h2>CMS configuration</h2>
${isForHostToo && hostConfiguration(gateway, address)}
${copyable([...backend, ...login].join('\n'))}
<p>For Decap CMS 3.8.3 or newer${(auth.kind === 'gotrue' || auth.kind === 'hs256') && html`, and Netlify CMS 2`}.${!isForHostToo && html` Sveltia CMS works with a repository at GitHub and <code>CMS_GATEWAY_CLIENT_ID</code>.`}</p></section>
${auth.kind === 'oidc' && signIn(auth.issuer, own)}`;
}
