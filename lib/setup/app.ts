import { createPrivateKey } from 'node:crypto';
import { SignJWT } from 'jose';
import { factsOf } from '../providers/facts.ts';
import { apiRoots } from '../providers/provider.ts';
import { callbackAddress } from '../config/settings.ts';
import { isLoopback } from '../http/origins.ts';
import type { Options, Repository } from './options.ts';
import { ask, textIn, type Question } from './request.ts';

/** A call that registers by a manifest. */
export type ManifestOptions = Options & { byManifest: NonNullable<Options['byManifest']> };

/** Where the local server is that people try the login with. */
const localServer = { origin: 'http://localhost:8888', prefix: '', secure: false };

/** The host of the app, and what was made there. */
export interface App {
  id: number;
  slug: string;
  clientId: string;
  clientSecret: string;
  /** The private key, as the host sends it. */
  pem: string;
  /** Its page at the host. */
  page: string;
  owner: string | undefined;
}

/** Puts what is named into the places for it, in a form that fits an address. */
export const fillIn = (path: string, values: Readonly<Record<string, string>>): string =>
  path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(values[name] ?? ''));

/** A name that fits, from the repository's own. */
export const appName = ({ byManifest: { flow, repository, gateway } }: ManifestOptions): string =>
  `CMS ${gateway === 'alone' ? 'gateway' : 'login'} for ${repository.name}`
    .slice(0, flow.longestName)
    .replace(/[\s._-]+$/, '');

/**
 * What is to be registered. Fields without a value are left out, not null, and there is no webhook at all: the host refuses
 * the one and wants more for the other.
 */
export function manifestOf(
  { provider, byManifest: { flow, gateway }, address, site }: ManifestOptions,
  name: string,
  created: string,
) {
  const url = address.origin + address.prefix;
  return {
    name,
    url: site ?? url,
    redirect_url: created,
    callback_urls: [...new Set([callbackAddress(address, provider), callbackAddress(localServer, provider)])],
    setup_url: `${url}/${gateway === 'alone' ? 'git' : 'auth'}`,
    setup_on_update: false,
    // Only its owner's own repositories may have it.
    public: false,
    // It would send the owner into our callback with a code that no login of ours has asked for.
    request_oauth_on_install: false,
    default_permissions: flow.permissions,
  };
}

/** Where the form posts the manifest to. */
export const registrationTarget = (
  { base, byManifest: { flow, repository } }: ManifestOptions,
  isOrganisation: boolean,
  state: string,
): string => base + fillIn(isOrganisation ? flow.organisationPath : flow.path, { owner: repository.owner, state });

/** Where the owner changes the app later. */
export const settingsPage = (
  { base, byManifest: { flow, repository } }: ManifestOptions,
  isOrganisation: boolean,
  { slug }: App,
): string =>
  base + fillIn(isOrganisation ? flow.organisationSettingsPath : flow.settingsPath, { owner: repository.owner, slug });

export const installPage = ({ byManifest: { flow } }: ManifestOptions, { page }: App): string =>
  page + flow.installPath;

const askApi = (options: ManifestOptions, path: string, values: Record<string, string>, question: Question = {}) =>
  ask(
    options.provider.name,
    (apiRoots(factsOf(options.provider), options.base)?.api_root ?? options.base) + fillIn(path, values),
    {
      ...question,
      headers: { accept: 'application/vnd.github+json', 'x-github-api-version': '2022-11-28' },
    },
  );

/**
 * Whether the repository's owner is an organisation: its apps are registered at another address.
 *
 * @returns the status of the answer if the host does not say, as those do that answer nobody who is not logged in
 * @throws Error in words if there is no such owner, or no answer
 */
export async function isOrganisation(options: ManifestOptions): Promise<boolean | { status: number }> {
  const { flow, repository } = options.byManifest;
  const { status, body } = await askApi(options, flow.ownerPath, { owner: repository.owner });
  if (status === 404)
    throw new Error(`There is no "${repository.owner}" at ${options.provider.name}. Is --repo right?`);
  const type = textIn(body, 'type');
  return status === 200 && type !== undefined ? type === 'Organization' : { status };
}

/**
 * Hands in the code for the app that was registered. A code works once.
 *
 * @throws Error in words
 */
export async function convert(options: ManifestOptions, code: string): Promise<App> {
  const { name } = options.provider;
  const { status, body } = await askApi(options, options.byManifest.flow.conversionPath, { code }, { method: 'POST' });
  const again = `If the app was made, delete it in its settings at ${name}; then start again.`;
  if (status === 404 || status === 422)
    throw new Error(
      `${name} does not take the code of this registration: it was used already, or is older than an hour. ${again}`,
    );
  if (status !== 201) throw new Error(`${name} answered with ${status}, and did not hand over the app. ${again}`);
  const { id, owner } = (body ?? {}) as { id?: unknown; owner?: unknown };
  const app = {
    id,
    slug: visible(textIn(body, 'slug')) ?? '',
    clientId: visible(textIn(body, 'client_id')),
    clientSecret: visible(textIn(body, 'client_secret')),
    pem: textIn(body, 'pem') ?? '',
    page: sameHost(textIn(body, 'html_url'), options.base),
    owner: visible(textIn(owner, 'login')),
  };
  if (!isWhole(app)) throw new Error(`${name} answered something that is no app. ${again}`);
  return app;
}

const isWhole = (app: { [Key in keyof App]: unknown }): app is App =>
  Number.isSafeInteger(app.id) && Boolean(app.clientId && app.clientSecret && app.page) && isKey(String(app.pem));

function isKey(pem: string): boolean {
  try {
    return createPrivateKey(pem).asymmetricKeyType === 'rsa';
  } catch {
    return false;
  }
}

/** Only what can stand in a setting and in a shell without surprises. */
const visible = (text: string | undefined): string | undefined =>
  text !== undefined && /^[\x21-\x7e]{1,255}$/.test(text) ? text : undefined;

/** People will follow this link. */
function sameHost(link: string | undefined, base: string): string | undefined {
  const url = link !== undefined && URL.canParse(link) ? new URL(link) : undefined;
  const isSafe = url && (url.protocol === 'https:' || isLoopback(url)) && url.origin === new URL(base).origin;
  return isSafe ? url.href.replace(/\/$/, '') : undefined;
}

export interface Installation {
  /** It reaches all repositories of its owner, where one was meant. */
  everywhere: boolean;
  /** Where that can be changed. */
  page: string | undefined;
}

/** What the clock says, and how time passes: so that tests need not wait. */
export interface Clock {
  now(): number;
  /** @throws when the command is to end */
  wait(milliseconds: number): Promise<void>;
}

const every = 3_000;
const timeoutMs = 10 * 60_000;

/**
 * Asks as the app until it is installed on the repository.
 *
 * @returns nothing if it was not in time
 */
export async function untilInstalled(
  options: ManifestOptions,
  app: App,
  { now, wait }: Clock,
): Promise<Installation | undefined> {
  const { flow, repository } = options.byManifest;
  const values = { owner: repository.owner, repository: repository.name };
  const deadline = now() + timeoutMs;
  let ahead = 0;
  for (;;) {
    try {
      const authorization = `Bearer ${await passOf(app, now() + ahead)}`;
      const answer = await askApi(options, flow.installationPath, values, { authorization });
      // The host refuses a pass from another time, and clocks differ.
      if (answer.time !== undefined) ahead = answer.time - now();
      if (answer.status === 200)
        return {
          everywhere: textIn(answer.body, 'repository_selection') === 'all',
          page: sameHost(textIn(answer.body, 'html_url'), options.base),
        };
    } catch {
      // A host that is down for the moment is asked again like one that says "not yet".
    }
    if (now() + every > deadline) return undefined;
    await wait(every);
  }
}

/** @see https://docs.github.com/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-json-web-token-jwt-for-a-github-app */
function passOf({ id, pem }: App, time: number): Promise<string> {
  const seconds = Math.floor(time / 1000);
  return new SignJWT()
    .setProtectedHeader({ alg: 'RS256', typ: 'JWT' })
    .setIssuer(String(id))
    .setIssuedAt(seconds - 60)
    .setExpirationTime(seconds + 540)
    .sign(createPrivateKey(pem));
}

/** The repository's address as a browser shows it. */
export const repositoryPage = (base: string, { owner, name }: Repository): string => `${base}/${owner}/${name}`;
