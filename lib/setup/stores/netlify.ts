import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import envPaths from 'env-paths';
import type { Environment } from '../../config/environment.ts';
import { isAnother, isSecret, joined, ofAdded, ofSites, sites, type Entry, type Store, type Value } from '../values.ts';
import { ask, textIn, type Question } from '../request.ts';
import { readIfThere, replaceFile } from './file.ts';

interface Site {
  token: string;
  id: string;
  account: string;
  name: string;
  /** Its main address, without a slash at the end. */
  url: string;
}

/** A variable as the API gives it. Of a secret one, it gives no values outside of local development. */
interface Variable {
  key: string;
  is_secret?: boolean;
  scopes?: string[];
  values?: { context?: string; context_parameter?: string; value?: string }[];
}

/** Logging in can help. */
export class NotLoggedIn extends Error {
  override readonly name = 'NotLoggedIn';
}

/** @throws Error in words */
async function call(env: Environment, token: string, at: string, question: Question = {}): Promise<unknown> {
  const { status, body } = await ask('Netlify', apiAddress(env) + at, {
    ...question,
    authorization: `Bearer ${token}`,
  });
  if (status >= 200 && status < 300) return body;
  const words = textIn(body, 'message') ?? textIn(body, 'msg') ?? textIn(body, 'error');
  if (status === 401) throw new NotLoggedIn('Netlify does not know the token. Run "npx netlify-cli login" first.');
  throw new Error(`Netlify answered with ${status}${words ? `: ${words}` : '.'}`);
}

/** @throws Error in words if nobody is logged in */
async function loggedIn(env: Environment): Promise<string> {
  const token = await readToken(env);
  if (token === undefined)
    throw new NotLoggedIn('You are not logged in to Netlify. Run "npx netlify-cli login" first.');
  return token;
}

function toSite(token: string, body: unknown, id?: string): Site {
  const account = textIn(body, 'account_slug') ?? textIn(body, 'account_id');
  const found = textIn(body, 'id') ?? id;
  const url = textIn(body, 'ssl_url') ?? textIn(body, 'url');
  if (account === undefined || found === undefined || url === undefined)
    throw new Error('Netlify answered something unexpected about the site.');
  return { token, id: found, account, name: textIn(body, 'name') ?? found, url: new URL(url).origin };
}

/** Where the link to a site counts: in the folder itself, or in one that it is in, too, as Netlify's own tool has it. */
export type Reach = 'folder' | 'upwards';

/**
 * The Netlify site that a folder belongs to.
 *
 * @param reach `folder` where a site is deployed over: a site further up is another one, such as the owner's website
 * @returns nothing if it belongs to none
 * @throws Error in words if nobody is logged in, or the site is gone
 */
export async function linkedSite(env: Environment, folder: string, reach: Reach): Promise<Site | undefined> {
  const token = await loggedIn(env);
  const id = await readSite(env, folder, reach);
  return id === undefined ? undefined : toSite(token, await call(env, token, `/sites/${encodeURIComponent(id)}`), id);
}

/**
 * Makes a site, and has the folder belong to it, as Netlify's own tool does.
 *
 * @throws Error in words, such as if the name is taken
 */
export async function createSite(env: Environment, folder: string, name: string): Promise<Site> {
  const token = await loggedIn(env);
  const body = await call(env, token, '/sites', { method: 'POST', json: { name } }).catch((error: unknown) => {
    const taken = error instanceof Error && error.message.startsWith('Netlify answered with 422');
    throw taken ? new Error(`Netlify has a site called "${name}" already. Choose another name with --name.`) : error;
  });
  const site = toSite(token, body);
  await mkdir(path.join(folder, '.netlify'), { recursive: true });
  await replaceFile(
    path.join(folder, '.netlify', 'state.json'),
    `${JSON.stringify({ siteId: site.id }, undefined, 2)}\n`,
  );
  return site;
}

/**
 * The variables of a Netlify site, for production alone: a deploy preview runs the code of whoever opened the pull request.
 * By Netlify's API, since its command-line tool takes values as arguments only, which every program on the machine can see.
 *
 * @see https://open-api.netlify.com/#tag/environmentVariables
 */
export function netlifyVariables(env: Environment, folder: string, reach: Reach): Store {
  let found: Promise<Site> | undefined;

  async function findSite(): Promise<Site> {
    const site = await linkedSite(env, folder, reach);
    if (site) return site;
    throw new Error('This folder belongs to no Netlify site yet. Run "npx netlify-cli link", or deploy once.');
  }

  const variables = ({ account, id }: Site, key?: string): string =>
    `/accounts/${encodeURIComponent(account)}/env${key === undefined ? '' : `/${key}`}?site_id=${encodeURIComponent(id)}`;

  async function read(site: Site): Promise<Variable[]> {
    const body = await call(env, site.token, variables(site));
    return Array.isArray(body) ? (body as Variable[]) : [];
  }

  return {
    place: "the site's variables on Netlify",
    async taken(entries) {
      const site = await (found ??= findSite());
      const kept = await read(site);
      return entries.filter((entry) => kept.some((variable) => isOther(variable, entry))).map(({ name }) => name);
    },
    async write(values) {
      const site = await (found ??= findSite());
      const kept = await read(site);
      const isThere = ({ name }: Value) => kept.find(({ key }) => key === name);
      const added = values.filter((value) => !isThere(value));
      if (added.length > 0) await call(env, site.token, variables(site), { method: 'POST', json: added.map(variable) });
      for (const value of values) {
        const old = isThere(value);
        if (!old) continue;
        const at = variables(site, value.name);
        const text = joined(value, readable(old));
        // Whether it is a secret can only be said of a whole variable; otherwise its values elsewhere stay.
        if (isSecret(value) && old.is_secret !== true)
          await call(env, site.token, at, { method: 'PUT', json: variable(value) });
        else await call(env, site.token, at, { method: 'PATCH', json: { context: 'production', value: text } });
      }
      return [
        `Set for production on the Netlify site ${site.name}: ${values.map(({ name }) => name).join(', ')}.`,
        ...ofAdded(values, readable(kept.find(({ key }) => key === sites))),
        ...ofSites(values, (name) => kept.some(({ key }) => key === name)),
      ];
    },
    deployAgain: 'Deploy again, since variables reach functions only with a deploy: npx netlify-cli deploy --prod',
    otherwise:
      'On app.netlify.com, open the site, Project configuration, Environment variables, and add each line of .env.setup for production alone; the secret ones with "Contains secret values".',
  };
}

/** As Netlify's own tool sends it: a secret may not be had by what works on the pages after a build. */
const variable = (value: Value) => ({
  key: value.name,
  is_secret: isSecret(value),
  scopes: ['builds', 'functions', 'runtime', ...(isSecret(value) ? [] : ['post_processing'])],
  values: [{ context: 'production', value: value.value }],
});

/** What counts in production: what is set for that comes first. */
const inProduction = ({ values = [] }: Variable): string[] =>
  ['production', 'all'].flatMap((wanted) =>
    values.flatMap(({ context, value }) => (context === wanted ? (value ?? '') : [])),
  );

const readable = (variable: Variable | undefined): string | undefined =>
  variable?.is_secret === true ? undefined : inProduction(variable ?? { key: '' })[0];

function isOther(variable: Variable, entry: Entry): boolean {
  if (variable.key !== entry.name) return false;
  if (variable.is_secret === true || entry.value === undefined) return true;
  return inProduction(variable).some((value) => isAnother(entry.name, value, entry.value));
}

/** As Netlify's own tool reads it: a bare origin has the usual path. */
function apiAddress(env: Environment): string {
  const url = env['NETLIFY_API_URL']?.trim().replace(/\/+$/, '') || 'https://api.netlify.com';
  return URL.canParse(url) && new URL(url).pathname === '/' ? `${url}/api/v1` : url;
}

async function readToken(env: Environment): Promise<string | undefined> {
  const given = env['NETLIFY_AUTH_TOKEN']?.trim();
  if (given && given !== 'null') return given;
  const file = path.join(envPaths('netlify', { suffix: '' }).config, 'config.json');
  const config = parse(await readIfThere(file)) as {
    userId?: string;
    users?: Record<string, { auth?: { token?: unknown } }>;
  };
  const token = config.users?.[config.userId ?? '']?.auth?.token;
  return typeof token === 'string' && token !== '' ? token : undefined;
}

async function readSite(env: Environment, folder: string, reach: Reach): Promise<string | undefined> {
  const given = env['NETLIFY_SITE_ID']?.trim();
  if (given) return given;
  for (let at = folder; ; at = path.dirname(at)) {
    const id = textIn(parse(await readIfThere(path.join(at, '.netlify', 'state.json'))), 'siteId');
    if (id !== undefined || reach === 'folder' || at === path.dirname(at)) return id;
  }
}

/** @returns nothing usable of what is no JSON object */
function parse(text: string): object {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    return {};
  }
}
