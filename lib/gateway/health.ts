import { Failure } from '../http/errors.ts';
import { issuerFacts } from '../providers/issuers.ts';
import { openCredential, requestHeaders } from './credential.ts';
import { gatewayErrors } from './errors.ts';
import { fetchExpiry, expiryWarning } from './expiry.ts';
import { upstreamUrl } from './proxy.ts';
import { checkSignUp } from './identity/gotrue.ts';
import { sendRequest, rateLimited, mapError, CachedValue } from './upstream.ts';
import type { Gateway } from './settings.ts';
import type { GatewayHost } from './rules/rule.ts';

/** What only asking others can tell, for the owner. */
export interface Health {
  problems: readonly Failure[];
  warnings: readonly string[];
}

const cached = new Map<string, CachedValue<Health>>();

/**
 * Looks whether those whom the gateway needs work with it: the identity service, and the host with our credential. Not oftener
 * than once a minute, whoever opens the page.
 */
export function probe(gateway: Gateway<GatewayHost>, deadline: number): Promise<Health> {
  const key = JSON.stringify([gateway.base, gateway.fullName, gateway.auth, gateway.credential]);
  const kept = cached.get(key) ?? new CachedValue();
  cached.clear(); // of other settings than today's
  cached.set(key, kept);
  return kept.get(async () => ({ value: await probeAll(gateway, deadline), until: Date.now() + 60_000 }));
}

async function probeAll(gateway: Gateway<GatewayHost>, deadline: number): Promise<Health> {
  const { auth, lists, host } = gateway;
  const problems: Failure[] = [];
  const warnings: string[] = [];
  const attempt = (question: () => Promise<void>) =>
    question().catch((error: unknown) => {
      if (!(error instanceof Failure)) throw error;
      problems.push(error);
    });
  if (lists.everyone && 'issuer' in auth && issuerFacts(auth.issuer).signUp === 'possible')
    warnings.push(
      `CMS_GATEWAY_EDITORS is "*", and at ${issuerFacts(auth.issuer).name} anybody can sign up unless that was switched off, which cannot be seen from here. Make sure that it is, or list addresses or roles.`,
    );
  const name = host.provider.name;
  async function fetchUpstream(url: string): Promise<void> {
    const refused = new Failure(gatewayErrors.CREDENTIAL_REFUSED, { host: name });
    const { token } = await openCredential(gateway, deadline).catch((error: unknown) => {
      throw error instanceof Failure && error.code === gatewayErrors.UPSTREAM_CREDENTIAL.code ? refused : error;
    });
    const answer = await sendRequest(url, {
      method: 'GET',
      headers: { ...requestHeaders, ...host.authorization(token) },
      deadline: Math.min(deadline, Date.now() + 5_000),
    }).catch((error: unknown) => {
      throw mapError(error, name);
    });
    const limit = rateLimited(answer, name, Date.now());
    if (limit) throw limit;
    if (answer.status === 401) throw refused;
    if (answer.status === 404 || answer.status === 403)
      throw new Failure(gatewayErrors.REPOSITORY_HIDDEN, { host: name });
    const end =
      host.expiry && 'header' in host.expiry ? answer.headers[host.expiry.header] : await fetchExpiry(gateway, token);
    const warning = typeof end === 'string' ? expiryWarning(end, name, Date.now()) : undefined;
    if (warning !== undefined) warnings.push(warning);
  }
  await Promise.all([
    attempt(async () => {
      if (auth.kind === 'gotrue') await checkSignUp(auth.address, lists, deadline);
    }),
    attempt(() => fetchUpstream(upstreamUrl(gateway, ''))),
  ]);
  return { problems, warnings };
}
