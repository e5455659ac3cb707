import { Failure } from '../http/errors.ts';
import { issuerFacts } from '../providers/issuers.ts';
import { LoadingCache } from '../http/cache.ts';
import { clockWarning, openCredential, requestHeaders } from './credential.ts';
import { gatewayErrors } from './errors.ts';
import { fetchExpiry, expiryWarning } from './expiry.ts';
import { checkSignUp } from './identity/gotrue.ts';
import { sendRequest, rateLimited, mapError, jsonOf, maxBytes, quoteOf, upstreamUrl } from './upstream.ts';
import type { ClientResponse } from '../oauth/request.ts';
import type { Gateway } from './settings.ts';
import type { GatewayHost, Json } from './rules/rule.ts';

/** What only asking others can tell, for the owner. */
export interface Health {
  problems: readonly Failure[];
  warnings: readonly string[];
  /** What nobody can see from here, as a sentence. */
  unseen: readonly string[];
}

const kept = new LoadingCache<Health>({ size: 4 });

/** Milliseconds that what was seen is believed. */
const goodFor = 60_000;

/**
 * Looks whether the host works with the gateway: with its credential, the repository, the branch, and the right to write. Not oftener
 * than once a minute, whoever asks.
 */
export function probeHost(gateway: Gateway<GatewayHost>, deadline: number): Promise<Health> {
  const { base, fullName, branch, credential } = gateway;
  return kept.get(JSON.stringify([base, fullName, branch, credential]), async () => ({
    value: await collect((found) => lookAtHost(gateway, found, deadline)),
    until: Date.now() + goodFor,
  }));
}

/** The same, and whether the identity service works with it. */
export async function probe(gateway: Gateway<GatewayHost>, deadline: number): Promise<Health> {
  const { auth, lists } = gateway;
  const [identity, host] = await Promise.all([
    collect(async ({ warnings }) => {
      if (lists.everyone && 'issuer' in auth && issuerFacts(auth.issuer).signUp === 'possible')
        warnings.push(
          `CMS_GATEWAY_EDITORS is "*", and at ${issuerFacts(auth.issuer).name} anybody can sign up unless that was switched off, which cannot be seen from here. Make sure that it is, or list addresses or roles.`,
        );
      if (auth.kind === 'gotrue') await checkSignUp(auth.address, lists, deadline);
    }),
    probeHost(gateway, deadline),
  ]);
  return {
    problems: [...identity.problems, ...host.problems],
    warnings: [...identity.warnings, ...host.warnings],
    unseen: host.unseen,
  };
}

interface Found {
  problems: Failure[];
  warnings: string[];
  unseen: string[];
}

/** What is thrown is the last thing that was found. */
async function collect(look: (found: Found) => Promise<void>): Promise<Found> {
  const found: Found = { problems: [], warnings: [], unseen: [] };
  await look(found).catch((error: unknown) => {
    if (!(error instanceof Failure)) throw error;
    found.problems.push(error);
  });
  return found;
}

async function lookAtHost(gateway: Gateway<GatewayHost>, found: Found, deadline: number): Promise<void> {
  const { host, credential, branch } = gateway;
  const name = host.provider.name;
  const refused = new Failure(gatewayErrors.CREDENTIAL_REFUSED, { host: name });
  const { token } = await openCredential(gateway, deadline).catch((error: unknown) => {
    throw error instanceof Failure && error.code === gatewayErrors.UPSTREAM_CREDENTIAL.code ? refused : error;
  });
  const ask = async (url: string | URL): Promise<ClientResponse> => {
    const answer = await sendRequest(url, {
      method: 'GET',
      headers: { ...requestHeaders, ...host.authorization(token) },
      deadline: Math.min(deadline, Date.now() + 5_000),
      limit: maxBytes,
    }).catch((error: unknown) => {
      throw mapError(error, name);
    });
    const limit = rateLimited(answer, name, Date.now());
    if (limit) throw limit;
    if (answer.status === 401) throw refused;
    if (answer.status === 403) {
      const words = quoteOf(answer, name, [token]);
      throw new Failure(gatewayErrors.REPOSITORY_HIDDEN, { host: name, words });
    }
    return answer;
  };

  const answer = await ask(upstreamUrl(gateway, ''));
  const clock = clockWarning(answer, name);
  if (clock !== undefined) found.warnings.push(clock);
  const end =
    host.expiry && 'header' in host.expiry ? answer.headers[host.expiry.header] : await fetchExpiry(gateway, token);
  const warning = typeof end === 'string' ? expiryWarning(end, name, Date.now()) : undefined;
  if (warning !== undefined) found.warnings.push(warning);

  if (isRedirect(answer)) throw await moved(answer, gateway, ask);
  if (answer.status === 404) throw new Failure(gatewayErrors.REPOSITORY_HIDDEN, { host: name, words: '' });
  const repository = jsonOf(answer);
  if (answer.status !== 200 || !isRecord(repository)) throw new Failure(gatewayErrors.UPSTREAM_FAILED, { host: name });

  const scopes = answer.headers['x-oauth-scopes'];
  const rights = host.repository.rights(repository, typeof scopes === 'string' ? scopes : undefined);
  if (rights === 'archived') found.problems.push(new Failure(gatewayErrors.REPOSITORY_ARCHIVED, { host: name }));
  // The token of an app was made with the right to write, or not at all.
  else if (rights === 'read' && credential.kind !== 'app')
    found.problems.push(new Failure(gatewayErrors.CREDENTIAL_READ_ONLY, { host: name, right: host.repository.needed }));
  else if (rights === 'unknown' && credential.kind !== 'app')
    found.unseen.push(`Whether the token may write, ${name} does not say. Save an entry to see it.`);

  const looked = await ask(upstreamUrl(gateway, host.repository.branch(branch)));
  // A branch that was renamed leads to the new one, which is another than the owner has named.
  if (looked.status === 404 || isRedirect(looked)) {
    const usual = host.repository.defaultBranch(repository);
    const others =
      usual === branch || usual === null
        ? ', which is empty'
        : typeof usual === 'string' && isShown(usual)
          ? `. Its default branch is "${usual}"`
          : '';
    throw new Failure(gatewayErrors.BRANCH_MISSING, { branch, others });
  }
  const state = jsonOf(looked);
  if (looked.status !== 200 || !isRecord(state)) throw new Failure(gatewayErrors.UPSTREAM_FAILED, { host: name });
  if (state['can_push'] === false)
    found.warnings.push(
      `${name} lets the credential not push to "${branch}": only drafts can be saved there, with the editorial workflow.`,
    );
}

export const isRedirect = ({ status }: ClientResponse): boolean => [301, 302, 307, 308].includes(status);

/** Where it leads, in words, if that is a repository there and the credential reaches it. */
async function moved(
  { headers, ...rest }: ClientResponse,
  { host, base, roots }: Gateway<GatewayHost>,
  ask: (url: string | URL) => Promise<ClientResponse>,
): Promise<Failure> {
  const root = roots.api_root;
  const body = jsonOf({ headers, ...rest });
  const given = headers.location ?? (isRecord(body) ? body['url'] : undefined);
  const nowhere = new Failure(gatewayErrors.REPOSITORY_MOVED, { to: '' });
  if (typeof given !== 'string' || !URL.canParse(given, root)) return nowhere;
  // Of the host's API, and of a repository: the credential goes nowhere else.
  const { href, search, hash } = new URL(given, root);
  const path = href.slice(root.length);
  const [prefix] = host.links.prefix.exec(`${path}/`) ?? [];
  if (!href.startsWith(`${root}/`) || search !== '' || hash !== '' || prefix !== path) return nowhere;
  const answer = await ask(href).catch(() => undefined);
  const found = answer?.status === 200 ? jsonOf(answer) : undefined;
  const fullName = isRecord(found) ? host.repository.fullName(found) : undefined;
  if (typeof fullName !== 'string' || !host.fullName.test(fullName) || !isShown(fullName)) return nowhere;
  return new Failure(gatewayErrors.REPOSITORY_MOVED, { to: ` to ${base}/${fullName}` });
}

/** A name of the host's that may stand among words of ours. */
const isShown = (name: string): boolean => /^[\p{L}\p{M}\p{N}\p{P}\p{S}]{1,255}$/u.test(name);

const isRecord = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
