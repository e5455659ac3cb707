/**
 * How GitHub Apps come to be: the form, filled in by an address or by a manifest, the code for what was made, and the
 * installation. It refuses what GitHub refuses, and a few things that GitHub lets pass but nobody can have meant.
 *
 * @see https://docs.github.com/apps/sharing-github-apps/registering-a-github-app-from-a-manifest
 * @see https://docs.github.com/apps/sharing-github-apps/registering-a-github-app-using-url-parameters
 */
import { createPublicKey, generateKeyPairSync, randomBytes, verify } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { GitHubHost } from '../github.ts';
import { fromOurPage, sendPage } from '../host.ts';
import { HttpError, readParameters, sendJson, sendRedirect } from '../http.ts';
import { errorPage, escapeHtml, page } from '../page.ts';

export interface RegisteredApp {
  id: number;
  slug: string;
  name: string;
  owner: string;
  clientId: string;
  clientSecret: string;
  pem: string;
  manifest: Record<string, unknown>;
  /** `owner/name` of repositories, or `all`. */
  installed: Set<string> | 'all';
}

export class Registry {
  /** Names and slugs are unique in all of GitHub. */
  readonly apps: RegisteredApp[] = [];
  /** Those that the one user may register apps for. */
  readonly organisations = new Set<string>();
  /** What each code stands for, and when it was given out. */
  readonly codes = new Map<string, { app: RegisteredApp; at: number }>();
  /** How often a code was handed in, good or bad. */
  conversions = 0;
  /** What a conversion gets instead of its answer. */
  fault: 'down' | 'html' | 'partial' | 'hang' | undefined;
  /** Enterprise Servers in private mode tell nobody anything who is not logged in. */
  privateMode = false;
  /** By how much its clock is ahead, in milliseconds. */
  ahead = 0;

  install(app: RegisteredApp, repository: string) {
    if (repository === 'all') app.installed = 'all';
    else if (app.installed !== 'all') app.installed.add(repository.toLowerCase());
  }
}

const permissions: Record<string, readonly string[]> = {
  metadata: ['read'],
  contents: ['read', 'write'],
  pull_requests: ['read', 'write'],
  statuses: ['read', 'write'],
  checks: ['read', 'write'],
  deployments: ['read', 'write'],
  issues: ['read', 'write'],
  workflows: ['write'],
  administration: ['read', 'write'],
  members: ['read', 'write'],
};

const isAddress = (value: unknown): boolean =>
  typeof value === 'string' && /^https?:\/\//.test(value) && URL.canParse(value);

const isFlag = (value: unknown): boolean => typeof value === 'boolean';

const fields: Record<string, (value: unknown) => boolean> = {
  name: (value) => typeof value === 'string' && value !== '',
  url: isAddress,
  redirect_url: isAddress,
  setup_url: isAddress,
  callback_urls: (value) => Array.isArray(value) && value.length <= 10 && value.every(isAddress),
  description: (value) => typeof value === 'string',
  public: isFlag,
  request_oauth_on_install: isFlag,
  setup_on_update: isFlag,
  default_events: Array.isArray,
  default_permissions: (value) =>
    typeof value === 'object' &&
    value !== null &&
    Object.entries(value).every(([name, access]) => permissions[name]?.includes(String(access))),
  hook_attributes: (value) => typeof value === 'object' && value !== null,
};

/** @returns what GitHub has against it */
export function problemsOf(registry: Registry, manifest: Record<string, unknown>): string[] {
  const problems: string[] = [];
  for (const [name, value] of Object.entries(manifest)) {
    const check = fields[name];
    if (!check) problems.push(`"${name}" is not a permitted key.`);
    else if (value === null) problems.push(`For 'properties/${name}', nil is not a ${name}.`);
    else if (!check(value)) problems.push(`Invalid value for "${name}".`);
  }
  for (const name of ['name', 'url', 'redirect_url'])
    if (manifest[name] === undefined) problems.push(`"${name}" wasn't supplied.`);
  const hook = manifest['hook_attributes'] as Record<string, unknown> | undefined;
  if (hook && hook['url'] === undefined) problems.push(`Invalid request. "url" wasn't supplied.`);
  if (hook && 'secret' in hook) problems.push(`"secret" is not a permitted key.`);
  const events = manifest['default_events'];
  if (Array.isArray(events) && events.length > 0 && !hook) problems.push('Default events unsupported: no hook.');
  if (manifest['request_oauth_on_install'] === true && manifest['setup_url'] !== undefined)
    problems.push('Setup URL cannot be set together with request_oauth_on_install.');
  return [...problems, ...problemsOfName(registry, String(manifest['name'] ?? ''))];
}

function problemsOfName({ apps }: Registry, name: string): string[] {
  if (name.length > 34) return ['Name is too long (maximum is 34 characters)'];
  if (/^(github|gist)/i.test(name)) return ['Name cannot begin with "GitHub" or "Gist".'];
  if (!/[a-z0-9]/i.test(name)) return ['Name must contain a letter or a number.'];
  return apps.some(({ slug }) => slug === slugOf(name)) ? ['Name is already taken.'] : [];
}

const slugOf = (name: string): string =>
  name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '');

/** False if the request is for something else. */
export async function githubRegistration(
  github: GitHubHost,
  request: IncomingMessage,
  response: ServerResponse,
  url: URL,
): Promise<boolean> {
  const { registry } = github;
  const method = request.method ?? 'GET';
  const [, organisation] = /^\/organizations\/([^/]+)\/settings\/apps\/new$/.exec(url.pathname) ?? [];
  if (organisation !== undefined || url.pathname === '/settings/apps/new') {
    const owner = organisation ?? github.user.login;
    if (organisation !== undefined && !registry.organisations.has(organisation))
      sendPage(response, 404, errorPage('Not found', 'This is not the organisation you are looking for.'));
    else if (method === 'GET') showForm(github, owner, url, response);
    else if (method === 'POST') await takeManifest(github, owner, url, request, response);
    else sendPage(response, 405, errorPage('Not allowed', 'Not this way.'));
    return true;
  }
  if (url.pathname === '/settings/apps/manifest' && method === 'POST') {
    await create(github, request, response);
    return true;
  }
  const [, slug, installing] = /^\/github-apps\/([a-z0-9-]+)(\/installations\/new)?$/.exec(url.pathname) ?? [];
  if (slug !== undefined) {
    await appPage(github, slug, installing !== undefined, request, response);
    return true;
  }
  const [, code] = /^\/api\/v3\/app-manifests\/([^/]+)\/conversions$/.exec(url.pathname) ?? [];
  if (code !== undefined && method === 'POST') {
    await convert(github, code, response);
    return true;
  }
  const [, login] = /^\/api\/v3\/users\/([^/]+)$/.exec(url.pathname) ?? [];
  if (login !== undefined && request.headers.authorization === undefined) {
    describeOwner(github, login, response);
    return true;
  }
  const [, repository] = /^\/api\/v3\/repos\/([^/]+\/[^/]+)\/installation$/.exec(url.pathname) ?? [];
  // One that is installed already answers for itself: see app.ts.
  const speaks = repository !== undefined || url.pathname === '/api/v3/app';
  if (speaks && (registry.apps.length > 0 || url.pathname === '/api/v3/app')) {
    asApp(github, repository, request, response);
    return true;
  }
  return false;
}

// The form, filled in by its address

const plainFields = new Set([
  'name',
  'description',
  'url',
  'callback_urls[]',
  'request_oauth_on_install',
  'setup_url',
  'setup_on_update',
  'public',
  'webhook_active',
  'webhook_url',
]);

function showForm({ registry, user }: GitHubHost, owner: string, { searchParams }: URL, response: ServerResponse) {
  const problems = [...searchParams].flatMap(([name, value]) => {
    if (plainFields.has(name)) return [];
    return permissions[name]?.includes(value) ? [] : [`There is no field "${name}" with "${value}".`];
  });
  const names = problemsOfName(registry, searchParams.get('name') ?? 'x');
  const all = [...problems, ...names];
  const rows = [...searchParams].map(
    ([name, value]) =>
      `<p><label>${escapeHtml(name)} <input name="${escapeHtml(name)}" value="${escapeHtml(value)}"></label></p>`,
  );
  sendPage(
    response,
    all.length > 0 ? 422 : 200,
    page(
      'Register new GitHub App',
      `<p class="quiet">Signed in as <strong>${escapeHtml(user.login)}</strong>. The app will belong to <strong>${escapeHtml(owner)}</strong>.</p>
<ul>${all.map((problem) => `<li>${escapeHtml(problem)}</li>`).join('')}</ul>${rows.join('')}`,
    ),
  );
}

// The form, filled in by a manifest

async function takeManifest(
  { registry, user }: GitHubHost,
  owner: string,
  url: URL,
  request: IncomingMessage,
  response: ServerResponse,
) {
  const text = (await readParameters(request)).get('manifest') ?? '';
  let manifest: Record<string, unknown>;
  try {
    manifest = JSON.parse(text) as Record<string, unknown>;
  } catch {
    return sendPage(response, 422, errorPage('Error', 'The manifest is no JSON.'));
  }
  const name = String(manifest['name'] ?? '');
  // The name can be mended on the page; everything else cannot.
  const problems = problemsOf(registry, { ...manifest, name: 'a' });
  if (problems.length > 0) return sendPage(response, 422, errorPage('Error', problems.join(' ')));
  sendPage(
    response,
    200,
    page(
      'Create GitHub App',
      `<p class="quiet">Signed in as <strong>${escapeHtml(user.login)}</strong>. The app will belong to <strong>${escapeHtml(owner)}</strong>.</p>
<p>${escapeHtml(problemsOfName(registry, name).join(' '))}</p>
<form method="post" action="/settings/apps/manifest">
<input type="hidden" name="owner" value="${escapeHtml(owner)}">
<input type="hidden" name="state" value="${escapeHtml(url.searchParams.get('state') ?? '')}">
<input type="hidden" name="manifest" value="${escapeHtml(text)}">
<input name="name" aria-label="GitHub App name" value="${escapeHtml(name)}">
<button>Create GitHub App for ${escapeHtml(owner)}</button>
</form>`,
    ),
  );
}

async function create({ registry, user }: GitHubHost, request: IncomingMessage, response: ServerResponse) {
  const form = await readParameters(request);
  const owner = form.get('owner') ?? '';
  if (!fromOurPage(request) || (owner !== user.login && !registry.organisations.has(owner)))
    return sendPage(response, 403, errorPage('Forbidden', 'Not from here.'));
  const manifest = JSON.parse(form.get('manifest') ?? '') as Record<string, unknown>;
  const name = form.get('name') ?? '';
  const problems = problemsOf(registry, { ...manifest, name });
  if (problems.length > 0) return sendPage(response, 422, errorPage('Error', problems.join(' ')));
  const { privateKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    // As GitHub has them: PKCS#1.
    privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
  });
  const app: RegisteredApp = {
    id: 100_000 + registry.apps.length,
    slug: slugOf(name),
    name,
    owner,
    clientId: `Iv23li${randomBytes(7).toString('hex')}`,
    clientSecret: randomBytes(20).toString('hex'),
    pem: privateKey,
    manifest,
    installed: new Set(),
  };
  registry.apps.push(app);
  const code = randomBytes(20).toString('hex');
  registry.codes.set(code, { app, at: Date.now() });
  sendRedirect(response, String(manifest['redirect_url']), { code, state: form.get('state') ?? '' });
}

async function convert({ registry, url }: GitHubHost, code: string, response: ServerResponse) {
  registry.conversions += 1;
  const found = registry.codes.get(code);
  registry.codes.delete(code);
  if (registry.fault === 'hang') return;
  if (registry.fault === 'down') return sendJson(response, 503, { message: 'Service unavailable' });
  if (registry.fault === 'html') return sendPage(response, 200, '<h1>Unicorn!</h1>');
  if (!found || Date.now() - found.at > 60 * 60_000) return sendJson(response, 404, { message: 'Not Found' });
  const { app } = found;
  sendJson(response, 201, {
    id: app.id,
    slug: app.slug,
    node_id: 'A_kwHOAA',
    owner: { login: app.owner, type: registry.organisations.has(app.owner) ? 'Organization' : 'User' },
    name: app.name,
    external_url: app.manifest['url'],
    html_url: `${url}/github-apps/${app.slug}`,
    permissions: app.manifest['default_permissions'],
    events: [],
    client_id: app.clientId,
    webhook_secret: null,
    ...(registry.fault !== 'partial' && { client_secret: app.clientSecret, pem: app.pem }),
  });
}

// The app

async function appPage(
  { registry, repository, user }: GitHubHost,
  slug: string,
  installing: boolean,
  request: IncomingMessage,
  response: ServerResponse,
) {
  const app = registry.apps.find((one) => one.slug === slug);
  const mayInstall = app && (app.owner === user.login || registry.organisations.has(app.owner));
  if (!mayInstall) return sendPage(response, 404, errorPage('Not found', 'There is no such app.'));
  if (!installing) return sendPage(response, 200, page(app.name, '<p><a href="installations/new">Install</a></p>'));
  if (request.method === 'POST') {
    const choice = (await readParameters(request)).get('repository') ?? '';
    if (choice !== 'all' && choice.split('/')[0] !== app.owner) throw new HttpError(422, 'Not yours.');
    registry.install(app, choice);
    return sendPage(response, 200, page(`Installed ${app.name}`, `<p>On ${escapeHtml(choice)}.</p>`));
  }
  const site = `${app.owner}/${repository.fullName.split('/')[1]}`;
  sendPage(
    response,
    200,
    page(
      `Install ${app.name}`,
      `<p>On ${escapeHtml(app.owner)}, for:</p><form method="post">
<button name="repository" value="all">All repositories</button>
<button name="repository" value="${escapeHtml(site)}">Only ${escapeHtml(site)}</button></form>`,
    ),
  );
}

function describeOwner({ registry, user, url }: GitHubHost, login: string, response: ServerResponse) {
  if (registry.privateMode) return sendJson(response, 401, { message: 'Must authenticate to access this API.' });
  const same = (name: string) => name.toLowerCase() === login.toLowerCase();
  const organisation = [...registry.organisations].find(same);
  if (organisation === undefined && !same(user.login)) return sendJson(response, 404, { message: 'Not Found' });
  const type = organisation === undefined ? 'User' : 'Organization';
  sendJson(response, 200, { login: organisation ?? user.login, type, html_url: `${url}/${login}` });
}

function asApp(
  { registry, url }: GitHubHost,
  repository: string | undefined,
  request: IncomingMessage,
  response: ServerResponse,
) {
  const now = (Date.now() + registry.ahead) / 1000;
  response.setHeader('Date', new Date(now * 1000).toUTCString());
  const refuse = (message: string) => sendJson(response, 401, { message });
  const [, token = ''] = /^bearer (\S+)$/i.exec(request.headers.authorization ?? '') ?? [];
  const [header = '', payload = '', signature = ''] = token.split('.');
  let claims: Record<string, unknown>;
  try {
    if (JSON.parse(Buffer.from(header, 'base64url').toString()).alg !== 'RS256') return refuse('Bad algorithm');
    claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Record<string, unknown>;
  } catch {
    return refuse('A JSON web token could not be decoded');
  }
  const { iss, iat, exp } = claims;
  const app = registry.apps.find(({ id, clientId }) => String(iss) === String(id) || iss === clientId);
  if (!app) return refuse('Integration not found');
  if (!Number.isInteger(exp) || Number(exp) <= now)
    return refuse(
      "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion expires",
    );
  if (Number(exp) > now + 600) return refuse("'Expiration time' claim ('exp') is too far in the future");
  if (!Number.isInteger(iat) || Number(iat) > now)
    return refuse("'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued");
  const signed = verify(
    'RSA-SHA256',
    Buffer.from(`${header}.${payload}`),
    createPublicKey(app.pem),
    Buffer.from(signature, 'base64url'),
  );
  if (!signed) return refuse('A JSON web token could not be decoded');
  if (repository === undefined) return sendJson(response, 200, { id: app.id, slug: app.slug, name: app.name });
  const all = app.installed === 'all';
  const there =
    app.installed === 'all' ? repository.startsWith(`${app.owner}/`) : app.installed.has(repository.toLowerCase());
  if (!there) return sendJson(response, 404, { message: 'Not Found' });
  sendJson(response, 200, {
    id: 1,
    app_id: app.id,
    repository_selection: all ? 'all' : 'selected',
    html_url: `${url}/settings/installations/1`,
  });
}
