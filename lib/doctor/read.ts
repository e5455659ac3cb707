import { createReadStream } from 'node:fs';
import { realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { isComputed, merged, parseConfig, rest, type Format, type Group } from './config.ts';
import { shown, type Finding } from './finding.ts';
import { cmsTitles, isCmsScript, parseAdminPage, type Cms, type Page } from './admin-page.ts';
import { decode, isNetworkError, parseUrl, target, type HttpResponse, type Ask } from './fetch.ts';
import { noScripts, readScript, type ScriptFacts } from './script.ts';
import type { CmsName } from '../providers/provider.ts';

/** What there is to examine. */
export interface Given {
  /** The configuration's name in findings: its path or address. */
  name: string;
  config?: Group;
  /** How the configuration is written; `script` where it stands in one. */
  format?: Format | 'script';
  /** Whether a script that cannot be read has a say: then nothing is certain. */
  isUncertain?: boolean;
  /** Backends that the page registers itself. */
  ownBackends?: readonly string[];
  cms?: Cms | undefined;
  page?: Page;
  /** The page as the browser gets it in the end, if it was asked for. */
  answer?: HttpResponse;
  findings: Finding[];
  /** What only repeats what another finding explains, if there is one. */
  late?: readonly Finding[];
}

export interface ReadOptions {
  /** The CMS, if somebody says which. */
  cms?: CmsName | undefined;
  ask: Ask;
  /** Where relative paths begin. */
  folder: string;
}

/** Bytes. Configurations have some thousands; generated ones have had 735 kB. Whatever is larger than this is something else. */
const limit = 2 * 1024 * 1024;

/** Bytes of one script, and how many of them: a bundle with a CMS in it has some millions. */
const scriptLimit = 8 * 1024 * 1024;
const mostScripts = 12;

const formats: ReadonlyMap<string, Format> = new Map(
  Object.entries({
    yml: 'yaml',
    yaml: 'yaml',
    json: 'json',
    toml: 'toml',
    'text/yaml': 'yaml',
    'application/x-yaml': 'yaml',
    'application/yaml': 'yaml',
    'application/json': 'json',
    'application/toml': 'toml',
  }),
);

const extension = (name: string): string => /\.(\w+)$/.exec(name)?.[1]?.toLowerCase() ?? '';

/** Reads what the command was given: a configuration or an admin page, as a file or from the web. */
export async function readGiven(source: string, options: ReadOptions): Promise<Given> {
  const url = await addressOf(source, options);
  if (url)
    return formats.get(extension(url.pathname))
      ? readConfig(url, { name: source, findings: [] }, options)
      : readSite(url, options);
  const file = path.resolve(options.folder, source);
  const found = await stat(file).catch(() => undefined);
  if (found?.isDirectory()) {
    // The page says which configuration it reads, and whether a script has a say.
    if (await stat(path.join(file, 'index.html')).catch(() => undefined))
      return readLocalPage(path.join(source, 'index.html'), options);
    for (const name of ['config.yml', 'config.yaml', 'config.json', 'config.toml'])
      if (await stat(path.join(file, name)).catch(() => undefined)) return readGiven(path.join(source, name), options);
    const what = `There is no config.yml in ${shown(source)}`;
    const why = 'That is where the CMS looks for its configuration, unless the admin page links to another place.';
    return stopped(source, 'config-missing', what, why);
  }
  return /^html?$/.test(extension(file)) ? readLocalPage(source, options) : readLocalConfig(source, options);
}

/** An address may lack its scheme, as browsers show it, unless there is a file of that name. */
async function addressOf(source: string, { folder }: ReadOptions): Promise<URL | undefined> {
  if (/^https?:\/\//i.test(source)) return parseUrl(source);
  const [, host = '', name = '', rest = ''] = /^((?:([^\s/:@\\]+\.)?[^\s/:@.\\]+)(?::\d+)?)(\/.*)?$/.exec(source) ?? [];
  const isLocal = /^(?:localhost|127\.0\.0\.1)(?::|$)/.test(host);
  const isFile = rest === '' && (formats.has(extension(host)) || /^html?$/.test(extension(host)));
  if (
    host === '' ||
    (!isLocal && (name === '' || isFile || /^\.+$/.test(name) || !/\p{L}$/u.test(host.replace(/:\d+$/, ''))))
  )
    return undefined;
  if (await stat(path.resolve(folder, source)).catch(() => undefined)) return undefined;
  return parseUrl(`${isLocal ? 'http' : 'https'}://${source}`);
}

const stopped = (name: string, id: string, what: string, why: string, write?: string): Given => ({
  name,
  findings: [{ id, severity: 'broken', what, why, where: name, ...(write !== undefined && { write }) }],
});

/** @returns the text, or why there is none */
async function readLocal(source: string, folder: string, most = limit): Promise<string | Given> {
  const file = path.resolve(folder, source);
  try {
    // Devices and pipes may have no end, or no beginning.
    if (!(await stat(file)).isFile())
      return stopped(source, 'config-unreadable', `${shown(source)} is no file`, 'The doctor reads files only.');
    const chunks: Uint8Array[] = [];
    for await (const chunk of createReadStream(file, { end: most })) chunks.push(chunk as Uint8Array);
    const bytes = Buffer.concat(chunks);
    return bytes.length > most ? tooLarge(source) : decode(bytes);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === 'ENOENT'
      ? stopped(
          source,
          'config-missing',
          `There is no file ${shown(source)}`,
          'Give the path of the CMS configuration, or the address of the admin page with https:// in front.',
        )
      : stopped(
          source,
          'config-unreadable',
          `${shown(source)} cannot be read: ${code}`,
          'The doctor needs to read it.',
        );
  }
}

const tooLarge = (name: string) =>
  stopped(
    name,
    'config-too-large',
    `${shown(name)} is larger than 2 MB, so it was not read`,
    'A CMS configuration has some kilobytes. Something else is at this place.',
  );

async function readLocalPage(source: string, options: ReadOptions): Promise<Given> {
  const html = await readLocal(source, options.folder);
  if (typeof html !== 'string') return html;
  const page = parseAdminPage(html);
  const cms = chosen(page, options);
  const findings = pageFindings(page, cms, source);
  const facts = await scriptsOf(page, source, async (src) => {
    const file = path.join(
      path.dirname(source),
      src.startsWith('/') ? path.basename(src) : (src.split(/[?#]/)[0] ?? ''),
    );
    if (/^[a-z][a-z\d+.-]*:|^\/\//i.test(src) || !(await mayRead(file, source, options.folder, scriptFiles)))
      return undefined;
    const text = await readLocal(file, options.folder, scriptLimit);
    return typeof text === 'string' ? { text, name: file } : undefined;
  });
  const start = startOf(page, facts);
  const given = { name: source, cms, page, findings, ownBackends: facts.backends };
  if (!start.readsFile) return started(given, start, source);
  const href = configHref(page, cms);
  // A path from the site's root begins at a folder that only the site's build knows; beside the page is what is usual.
  const beside = href.startsWith('/') ? path.basename(href) : (href.split(/[?#]/)[0] ?? '');
  const file = path.join(path.dirname(source), beside);
  if (/^[a-z][a-z\d+.-]*:|^\/\//i.test(href) || !(await mayRead(file, source, options.folder)))
    return { ...given, findings: [...findings, elsewhere(source, href)] };
  const read = await readLocalConfig(file, options, given, formatOf(page, cms, href));
  // Whether there is a file beside does not matter where a script hands over what counts.
  if (!read.config && (start.config || start.isOpaque || start.isUnknown))
    return started({ ...given, findings: read.findings.filter(({ id }) => id !== 'config-missing') }, start, source);
  return started(read, start, source);
}

const scriptFiles: ReadonlySet<string> = new Set(['js', 'mjs', 'cjs']);

/**
 * A page names what it likes, and what is wrong in a file is quoted in the findings: so it may name configurations and scripts only, in
 * its own folder or in the one where the command was given.
 */
async function mayRead(
  file: string,
  page: string,
  folder: string,
  kinds: { has(extension: string): boolean } = formats,
): Promise<boolean> {
  if (!kinds.has(extension(file))) return false;
  const real = async (name: string) => realpath(path.resolve(folder, name)).catch(() => undefined);
  const target = await real(file);
  if (target === undefined) return true; // that it is not there will be said
  if (!kinds.has(extension(target))) return false;
  const folders = [await real(path.dirname(page)), await real('.')];
  return folders.some((one) => one !== undefined && target.startsWith(one.endsWith(path.sep) ? one : one + path.sep));
}

const elsewhere = (where: string, href: string): Finding => ({
  id: 'config-elsewhere',
  severity: 'risky',
  what: `The page takes its configuration from ${shown(href)}, which was not read`,
  why: 'Give the doctor that file or address itself, or the address of the page.',
  where,
});

async function readLocalConfig(
  source: string,
  options: ReadOptions,
  given?: Given,
  format = formats.get(extension(source)) ?? 'yaml',
): Promise<Given> {
  const text = await readLocal(source, options.folder);
  if (typeof text !== 'string') return { ...given, ...text, findings: [...(given?.findings ?? []), ...text.findings] };
  const beside = given ? undefined : await readLocal(path.join(path.dirname(source), 'index.html'), options.folder);
  const page = given?.page ?? (typeof beside === 'string' ? parseAdminPage(beside) : undefined);
  const cms = given?.cms ?? (page ? chosen(page, options) : options.cms && { name: options.cms });
  return withConfig({ findings: [], ...given, cms, name: source }, text, format, { isSource: true });
}

/** @param asked what the command was given, where a page there sends visitors on to this address */
async function readSite(url: URL, options: ReadOptions, asked?: URL): Promise<Given> {
  const name = url.href;
  const answer = await follow(url, options);
  if ('networkError' in answer)
    return stopped(
      name,
      'page-unreachable',
      `The admin page cannot be reached: ${answer.networkError}`,
      `The doctor asked ${shown(name)}.`,
    );
  if (answer.status !== 200)
    return stopped(
      name,
      'page-status',
      `The admin page answers ${answer.status}`,
      [401, 403].includes(answer.status)
        ? 'The page is protected. Run the doctor on the configuration file instead.'
        : answer.status >= 500
          ? 'Something is wrong on that server; its log says what. Try again, or run the doctor on the configuration file.'
          : 'There is no admin page at this address. Is the site deployed, and is the path right?',
    );
  if (answer.cut) return tooLarge(name);
  const page = parseAdminPage(answer.body);
  const cms = chosen(page, options);
  const findings = pageFindings(page, cms, answer.url.href);
  const base = parseUrl(page.base ?? '', answer.url) ?? new URL(answer.url);
  const facts = await scriptsOf(page, answer.url.href, async (src) => {
    const address = parseUrl(src, base);
    // What comes from elsewhere is a library.
    if (address?.origin !== answer.url.origin) return undefined;
    const script = await follow(address, options, scriptLimit);
    return isNetworkError(script) || script.status !== 200 || script.cut
      ? undefined
      : { text: script.body, name: address.href };
  });
  const start = startOf(page, facts);
  const isCmsThere = page.cms.length > 0 || page.links.length > 0 || facts.inits.length > 0 || facts.isManual;
  if (!isCmsThere && isProtected(asked ?? url, answer.url, page))
    return { name: answer.url.href, findings: [protectedPage(asked ?? url, answer.url)] };
  // Generators of sites leave such pages at old addresses.
  const onward = isCmsThere || asked ? undefined : parseUrl(page.refresh ?? '', base);
  if (page.refresh !== undefined && onward?.origin === answer.url.origin && onward.pathname !== answer.url.pathname)
    return readSite(onward, options, url);
  if (url.origin !== answer.url.origin)
    findings.push({
      id: 'page-origin',
      severity: 'note',
      what: `The admin page redirects to ${shown(answer.url.origin)}, which is the origin that counts`,
      why: 'The origin where the page ends up is the one that asks for the token, so that one has to be listed.',
      ...(isCmsThere && { write: `CMS_AUTH_ORIGINS=${answer.url.origin}` }),
      where: name,
    });
  const given = { name: answer.url.href, cms, page, answer, findings, ownBackends: facts.backends };
  if (!start.readsFile) return started(given, start, answer.url.href);
  const isManual = start.config !== undefined && start.config.size > 0;
  const read = await readLinked(given, base, options, isManual);
  // A host that answers every address answers this one with its start page.
  const isMissing = read.findings.some(({ id }) => ['config-status', 'config-html'].includes(id));
  if (isMissing && !isCmsThere && !start.config && !start.isOpaque) {
    const admin = await adminPageAt(new URL('/admin/', answer.url), answer.url, options);
    // Scripts may bring a CMS along that nobody sees without running them.
    if (admin || !start.isUnknown) return withoutCms(given, admin);
  }
  if (!read.config && (start.config || start.isOpaque || start.isUnknown)) {
    // Whether there is a file beside does not matter then.
    const found = read.findings.filter(({ id }) => !['config-status', 'config-html'].includes(id));
    return started({ ...given, findings: found }, start, answer.url.href);
  }
  const isBeside = cms?.name !== 'sveltia' && page.base === undefined && configHref(page, cms) === 'config.yml';
  if (isMissing && isBeside && !/\/$|\.[^/]*$/.test(answer.url.pathname))
    read.findings.unshift({
      id: 'page-slash',
      severity: 'broken',
      what: `The admin page is at ${shown(answer.url.pathname)} without a final slash, so the CMS looks for config.yml in the wrong folder`,
      why: 'To a browser, "config.yml" beside /admin is /config.yml. Redirect to the address with the slash, or say in the page where the file is.',
      write: `<link rel="cms-config-url" type="text/yaml" href="${answer.url.pathname}/config.yml">`,
      where: answer.url.href,
    });
  return started(read, start, answer.url.href);
}

/** The address of a page with a CMS, if there is one where it usually is. */
async function adminPageAt(address: URL, seen: URL, options: ReadOptions): Promise<URL | undefined> {
  if (address.pathname === seen.pathname) return undefined;
  const answer = await follow(address, options);
  const isOne =
    !isNetworkError(answer) &&
    answer.status === 200 &&
    answer.url.origin === seen.origin &&
    parseAdminPage(answer.body).cms.length > 0;
  return isOne ? answer.url : undefined;
}

const withoutCms = ({ name, findings }: Given, admin: URL | undefined): Given => ({
  name,
  findings: [
    ...findings,
    {
      id: 'page-no-cms',
      severity: 'broken',
      what: 'There is no CMS on this page',
      why: admin
        ? `There is one at ${shown(admin.href)}. Run the doctor on that address.`
        : 'The doctor needs the address at which editors open the CMS, which often ends with /admin/.',
      where: name,
    },
  ],
});

/** The configurations that the page links to: Sveltia CMS merges several, the others take the first. */
async function readLinked(
  given: Given & { page: Page; answer: HttpResponse },
  base: URL,
  options: ReadOptions,
  isManual: boolean,
) {
  const { page, cms, answer, findings } = given;
  const links = cms?.name === 'sveltia' ? page.links.map(({ href }) => href) : [];
  const [first = configHref(page, cms), ...more] = links;
  // Sveltia takes /admin for a folder; to a browser, and so to the others, it is a file beside which config.yml would be.
  if (cms?.name === 'sveltia' && links.length === 0 && !/\/$|\.[^/]*$/.test(base.pathname)) base.pathname += '/';
  let read: Given | undefined;
  for (const href of [first, ...more.slice(0, 9)]) {
    const address = parseUrl(href, base);
    if (!address) return { ...given, findings: [...findings, elsewhere(answer.url.href, href)] };
    const one = await readConfig(
      address,
      { ...given, findings: read?.findings ?? findings },
      options,
      formatOf(page, cms, href),
      isManual,
    );
    if (!one.config) return one;
    read = read?.config ? { ...one, name: read.name, config: merged(read.config, named(one.config, one.name)) } : one;
  }
  return read ?? given;
}

/** The same with the name of its file at each key. */
const named = (config: Group, file: string): Group =>
  new Map(
    [...config].map(([key, { value, ...entry }]) => [
      key,
      { file, ...entry, value: value instanceof Map ? named(value, file) : value },
    ]),
  );

/** Pages where people sign in, by their address. */
const signIn =
  /(?:^|[./_-])(?:log-?in|sign-?in|sign_in|sso|saml2?|oauth2?|authorize|auth|cloudflareaccess|cdn-cgi|accounts?|idp|password)(?:[./_?-]|$)/i;

/** Whether a page without a CMS is one to sign in at: an access proxy's, a host's, a company's. */
function isProtected(asked: URL, found: URL, { asksPassword }: Page): boolean {
  if (asksPassword) return true;
  const bare = ({ host }: URL) => host.replace(/^www\./, '');
  if (bare(asked) !== bare(found)) return true;
  return asked.pathname !== found.pathname && signIn.test(found.pathname);
}

const protectedPage = (asked: URL, { origin }: URL): Finding => ({
  id: 'page-protected',
  severity: 'risky',
  what: `The admin page is protected${asked.origin === origin ? '' : `: ${shown(asked.host)} sends visitors to ${shown(origin)}`}`,
  why: 'There is a page to sign in at, and no CMS on it. Run the doctor on the configuration file instead.',
  where: asked.href,
});

// What scripts have to do with it

/** What the scripts of a page do, those of its own site included. Nothing is run. */
async function scriptsOf(
  page: Page,
  name: string,
  load: (src: string) => Promise<{ text: string; name: string } | undefined>,
): Promise<ScriptFacts> {
  const facts = noScripts();
  let left = mostScripts;
  for (const { src, text } of page.scripts) {
    if (src === undefined) readScript(text, name, facts);
    else if (!isCmsScript(src)) {
      const script = left-- > 0 ? await load(src) : undefined;
      if (script) readScript(script.text, script.name, facts);
    }
  }
  return facts;
}

/** How the CMS of a page begins. */
interface Start {
  /** What a script hands to it. */
  config?: Group;
  /** Whether it reads the file, too. */
  readsFile: boolean;
  /** Whether something is handed to it that cannot be read. */
  isOpaque: boolean;
  /** Whether no CMS was seen at all, though scripts were. */
  isUnknown: boolean;
  environment?: string | undefined;
}

function startOf(page: Page, { config, inits, isManual, environment }: ScriptFacts): Start {
  const usual = { isOpaque: false, isUnknown: false, environment };
  if (config !== undefined)
    return config instanceof Map
      ? { ...usual, config, readsFile: false }
      : { ...usual, readsFile: false, isOpaque: true };
  const given = inits.filter((value) => value !== undefined);
  const [first] = given;
  if (given.length === 0)
    return {
      ...usual,
      readsFile: true,
      isOpaque: isManual && inits.length === 0,
      isUnknown: page.cms.length === 0 && page.scripts.length > 0 && inits.length === 0,
    };
  if (given.length > 1 || !(first instanceof Map)) return { ...usual, readsFile: true, isOpaque: true };
  return { ...usual, config: first, readsFile: first.get('load_config_file')?.value !== false };
}

/** What the CMS has in the end, of what it reads and of what a script hands to it. */
function started(given: Given, { config, isOpaque, isUnknown, environment }: Start, page: string): Given {
  const group = environment === undefined ? undefined : given.config?.get(environment)?.value;
  const read = given.config && group instanceof Map ? new Map([...given.config, ...group]) : given.config;
  const isPartial =
    config !== undefined &&
    (config.has(rest) || isComputed(config, 'backend') || hasRest(config.get('backend')?.value));
  const isUncertain = isOpaque || isPartial || (isUnknown && !read);
  const result: Given = {
    ...given,
    ...(read && { config: config ? merged(read, config) : read }),
    ...(!read && config && { config, format: 'script' as const, name: page }),
    ...(isUncertain && { isUncertain }),
  };
  const keys = config && [...config.keys()].filter((key) => !['load_config_file', rest].includes(key));
  if (isUncertain)
    result.findings = [
      {
        id: 'manual-init',
        severity: 'risky',
        what: 'The configuration is made by a script in the admin page, so it could not be checked',
        why: `${isUnknown ? 'No CMS was seen in the page, and scripts are not run here.' : 'Scripts are not run here.'} Save the configuration as a file and run the doctor on that.`,
        where: page,
      },
      ...given.findings.map((finding) =>
        finding.severity === 'broken' ? { ...finding, severity: 'risky' as const } : finding,
      ),
    ];
  else if (read && keys && keys.length > 0)
    result.findings = [
      ...given.findings,
      {
        id: 'script-config',
        severity: 'note',
        what: `A script in the admin page changes the configuration: ${shown(keys.join(', '))}`,
        why: 'What it hands to the CMS goes before what stands in the file. Both were read.',
        where: page,
      },
    ];
  return result;
}

const hasRest = (value: unknown): boolean => value instanceof Map && value.has(rest);

async function readConfig(
  url: URL,
  given: Given,
  options: ReadOptions,
  format = formats.get(extension(url.pathname)) ?? 'yaml',
  isManual = false,
): Promise<Given> {
  const name = url.href;
  const base = { ...given, cms: given.cms ?? (options.cms && { name: options.cms }), name };
  const failed = ({ findings }: Given): Given => ({ ...base, findings: [...given.findings, ...findings] });
  const answer = await follow(url, options);
  if (isNetworkError(answer))
    return failed(
      stopped(
        name,
        'config-unreachable',
        `The CMS configuration cannot be reached: ${answer.networkError}`,
        `The CMS asks for ${shown(name)}.`,
      ),
    );
  if (answer.status !== 200)
    return failed(
      stopped(
        name,
        'config-status',
        `The CMS configuration is not there: ${shown(url.pathname)} answers ${answer.status}`,
        'The CMS stops with "Failed to load config.yml". Is the file published with the site, beside the admin page?',
      ),
    );
  if (answer.cut) return failed(tooLarge(name));
  if (answer.url.origin !== url.origin && signIn.test(answer.url.host + answer.url.pathname))
    return failed({
      name,
      findings: [{ ...protectedPage(url, answer.url), what: 'The CMS configuration is protected' }],
    });
  const type = answer.headers.get('content-type') ?? '';
  // With a configuration of a script's at hand, these two take from the server only what it calls YAML.
  if (isManual && base.cms?.name !== 'sveltia' && !type.includes('yaml'))
    return failed({
      name,
      findings: [
        {
          id: 'config-type',
          severity: 'risky',
          what: `The CMS ignores ${shown(url.pathname)}: the server calls it ${shown(type || 'nothing')}`,
          why: 'Where a script hands over a configuration as well, Decap and Netlify CMS read the file only if its Content-Type is YAML.',
          write: 'Content-Type: text/yaml        (for this file)',
          where: name,
        },
      ],
    });
  return withConfig(base, answer.body, format);
}

function withConfig(given: Given, text: string, format: Format, { isSource = false } = {}): Given {
  const { findings, name, cms } = given;
  const parsed = parseConfig(text, format, name, { isSource });
  if ('problem' in parsed) return { ...given, findings: [...findings, { severity: 'broken', ...parsed.problem }] };
  if (format === 'toml' && cms && cms.name !== 'sveltia')
    findings.push({
      id: 'config-format',
      severity: 'broken',
      what: `${cmsTitles[cms.name]} does not read TOML`,
      why: 'Only Sveltia CMS does. Write the configuration as YAML: config.yml.',
      where: name,
    });
  if (parsed.isTemplate)
    findings.push({
      id: 'config-template',
      severity: 'note',
      what: 'The CMS configuration is a template, which the build of the site fills in',
      why: 'What is filled in was not checked. Run the doctor on the built file, or on the address of the admin page.',
      where: name,
    });
  return { ...given, config: parsed.config, format };
}

/** A request as a browser makes it, over up to five redirects. */
async function follow(url: URL, { ask }: ReadOptions, most = limit): ReturnType<Ask> {
  for (let at = url, hops = 0; ; hops++) {
    const answer = await ask(at, { limit: most, headers: { accept: 'text/html,*/*;q=0.8' } });
    const next = isNetworkError(answer) ? undefined : target(answer);
    if (!next) return answer;
    if (hops === 5) return { networkError: 'it redirects in circles' };
    at = next;
  }
}

// Which configuration a page means

const chosen = (page: Page, { cms }: ReadOptions): Cms | undefined =>
  cms === undefined ? page.cms[0] : { name: cms, version: page.cms.find(({ name }) => name === cms)?.version };

/** What each CMS accepts as `type` of the link to its configuration, from their sources. */
const linkTypes = {
  sveltia: ['text/yaml', 'application/yaml', 'application/toml', 'application/json'],
  others: ['text/yaml', 'application/x-yaml'],
};

const acceptedTypes = (cms: Cms | undefined): string[] =>
  cms?.name === 'sveltia' ? linkTypes.sveltia : linkTypes.others;

function configHref(page: Page, cms: Cms | undefined): string {
  const [link] = page.links;
  return link && (cms === undefined || acceptedTypes(cms).includes(link.type)) ? link.href : 'config.yml';
}

const formatOf = (page: Page, cms: Cms | undefined, href: string): Format | undefined =>
  cms?.name === 'sveltia'
    ? (formats.get(page.links.find((link) => link.href === href)?.type ?? '') ?? 'yaml')
    : cms
      ? 'yaml'
      : undefined;

function pageFindings(page: Page, cms: Cms | undefined, where: string): Finding[] {
  const findings: Finding[] = [];
  if (page.cms.length > 1)
    findings.push({
      id: 'two-cms',
      severity: 'broken',
      what: `The admin page loads ${page.cms.map(({ name }) => cmsTitles[name]).join(' and ')} at once`,
      why: 'They start in the same place of the page and disturb each other. Keep one of the scripts.',
      where,
    });
  const [link] = page.links;
  if (link && cms && !acceptedTypes(cms).includes(link.type)) {
    const sveltia = cms.name === 'sveltia';
    const type = link.type === '' ? 'no type' : `the type "${shown(link.type)}"`;
    findings.push({
      id: 'link-type',
      severity: sveltia || !/(?:^|\/)config\.yml$/.test(link.href) ? 'broken' : 'risky',
      what: `The link to the configuration has ${type}, which ${cmsTitles[cms.name]} does not take`,
      why: sveltia
        ? 'It stops with "unsupported type".'
        : 'It then ignores the link without a word and reads config.yml beside the page.',
      write: `<link rel="cms-config-url" type="text/yaml" href="${shown(link.href)}">`,
      where,
    });
  }
  return findings;
}
