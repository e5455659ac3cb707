import { factsOf } from '../../providers/facts.ts';
import { apiRoots } from '../../providers/provider.ts';
import { issuerFacts } from '../../providers/issuers.ts';
import { checkPlace, openStore, putKept, saveValues } from '../save.ts';
import type { Environment } from '../../config/environment.ts';
import type { Io } from '../io.ts';
import type { Options } from '../options.ts';
import type { Target } from '../targets/target.ts';
import { entry, type Entry } from '../values.ts';
import type { DeployOptions, GatewayOptions } from './options.ts';

/** Secrets that no argument may hold: typed without being shown, or from the environment. */
async function secretOf(io: Io, name: string, message: string): Promise<string> {
  const given = io.env[name]?.trim();
  if (given) return given;
  if (io.prompts) return (await io.prompts.secret(message, problemOf)).trim();
  throw new Error(
    `${name} is missing. Set it in the environment, or run this in a terminal, where you are asked for it.`,
  );
}

/** What scripts set of that which nobody knows yet: it counts before what an earlier run kept. */
const givenOf = ({ env }: Io, entries: readonly Entry[]): Environment =>
  Object.fromEntries(entries.flatMap(({ name, value }) => (value === undefined ? [[name, env[name]?.trim()]] : [])));

const problemOf = (text: string): string | undefined =>
  /^[\x21-\x7e]{8,4096}$/.test(text.trim()) ? undefined : 'Copy it whole: it has no spaces, and at least 8 characters.';

/**
 * The key to the repository, where the host has no app for that: a token that the owner makes.
 *
 * @throws Error in words
 */
export async function saveToken(options: Options, { repositoryUrl }: GatewayOptions, io: Io): Promise<void> {
  const { provider } = options;
  const entriesOf = (token?: string) => [
    entry(provider, 'CMS_GATEWAY_TOKEN', token),
    entry(provider, 'CMS_GATEWAY_REPO', repositoryUrl),
  ];
  const kept = await putKept(openStore(options, io), entriesOf(), io, repositoryUrl, givenOf(io, entriesOf()));
  if (kept) return io.write(kept.join('\n'));
  io.write(
    `Make a token at ${provider.name} that may write to this one repository: docs/gateway-hosts.md says which kind, and where.\n  ${repositoryUrl}\n`,
  );
  const token = await secretOf(io, 'CMS_GATEWAY_TOKEN', 'The token');
  await put(options, entriesOf(token), io, `Make a new token at ${provider.name}.`, repositoryUrl);
}

/**
 * Where editors sign in, and who may edit.
 *
 * @param url an address of the owner's own, if there is one
 * @throws Error in words
 */
export async function saveSignIn(
  options: Options,
  { repositoryUrl, issuer, editors, paths, branch }: GatewayOptions,
  target: Target,
  url: string | undefined,
  io: Io,
): Promise<void> {
  const { provider, base, address, site } = options;
  const { name, console, advice } = issuerFacts(issuer);
  const own = address.origin + address.prefix;
  const known = target.gatewayUrl !== undefined && url === undefined;
  const entriesOf = (client: { id?: string; secret?: string } = {}) => [
    entry(provider, 'CMS_GATEWAY_ISSUER', issuer),
    entry(provider, 'CMS_GATEWAY_CLIENT_ID', client.id),
    entry(provider, 'CMS_GATEWAY_CLIENT_SECRET', client.secret),
    entry(provider, 'CMS_GATEWAY_EDITORS', editors),
    entry(provider, 'CMS_GATEWAY_PATHS', paths),
    ...(branch === undefined ? [] : [entry(provider, 'CMS_GATEWAY_BRANCH', branch)]),
    ...(known ? [] : [entry(provider, target.gatewayUrl ?? 'CMS_AUTH_URL', own)]),
    ...(site === undefined ? [] : [entry(provider, 'CMS_AUTH_ORIGINS', site)]),
    ...(base === provider.url ? [] : [entry(provider, '{HOST}_URL', base)]),
  ];
  const kept = await putKept(openStore(options, io), entriesOf(), io, repositoryUrl, givenOf(io, entriesOf()));
  if (kept) return io.write(kept.join('\n'));
  io.write(
    [
      `Register a client for a web application at ${name}${console === undefined ? '.' : `:\n\n  ${console}\n`}`,
      ...(advice === undefined ? [] : [advice]),
      '',
      'The redirect addresses, exactly:',
      '',
      `  ${own}/git/auth/callback`,
      `  ${own}/git/oauth2/callback`,
      '',
    ].join('\n'),
  );
  if (console !== undefined && options.open) await io.open(console).catch(() => {});
  const clientId =
    io.env['CMS_GATEWAY_CLIENT_ID']?.trim() ||
    (await io.prompts?.text('Client id', 'as shown there', problemOf))?.trim() ||
    '';
  if (clientId === '')
    throw new Error('CMS_GATEWAY_CLIENT_ID is missing. Set it in the environment, or run this in a terminal.');
  const secret = await secretOf(io, 'CMS_GATEWAY_CLIENT_SECRET', 'Client secret');
  await put(options, entriesOf({ id: clientId, secret }), io, `Make a new client secret at ${name}.`, repositoryUrl);
}

async function put(
  options: Options,
  entries: readonly Entry[],
  io: Io,
  lost: string,
  repository: string,
): Promise<void> {
  const store = openStore(options, io);
  const replace = await checkPlace(options, store, entries, io);
  io.write((await saveValues(store, entries, replace, io, lost, repository)).join('\n'));
}

/** What the owner writes into the CMS's configuration for a gateway. */
export function tellCmsOfGateway(
  { provider, repository, base }: DeployOptions,
  { branch = 'main' }: GatewayOptions,
  url: string,
  io: Io,
): Promise<void> {
  const own = `${url}/git`;
  const { origin, pathname } = new URL(own);
  // Where the gateway speaks the host's own API, one configuration serves all CMSs.
  const lines =
    repository && apiRoots(factsOf(provider), base)
      ? [
          'backend:',
          `  name: ${provider.id}`,
          `  repo: ${repository.owner}/${repository.name}`,
          `  branch: ${branch}`,
          `  base_url: ${origin}`,
          `  auth_endpoint: ${pathname.slice(1)}/auth`,
          `  api_root: ${own}/api/v3`,
        ]
      : [
          'backend:',
          '  name: git-gateway',
          '  auth_type: pkce',
          `  branch: ${branch}`,
          `  gateway_url: ${own}`,
          `  status_endpoint: ${own}/status`,
          'auth:',
          `  base_url: ${own}`,
          '  app_id: cms',
          '  full_name_claim: name',
        ];
  io.write(
    [
      'Write this into the configuration of your CMS (config.yml), in the place of its "backend:":',
      '',
      ...lines.map((line) => `  ${line}`),
      '',
      `Publish it, then open your CMS and press Login. ${own} tries a sign-in, and says what is wrong if something is.`,
    ].join('\n'),
  );
  return Promise.resolve();
}
