import { createReadStream } from 'node:fs';
import { realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { parseConfig, type Format, type Group } from './config.ts';
import { shown, type Finding } from './finding.ts';
import { cmsTitles, parseAdminPage, type Cms, type Page } from './admin-page.ts';
import { decode, isNetworkError, parseUrl, target, type HttpResponse, type Ask } from './fetch.ts';
import type { CmsName } from '../providers/provider.ts';

/** What there is to examine. */
export interface Given {
  /** The configuration's name in findings: its path or address. */
  name: string;
  config?: Group;
  format?: Format;
  cms?: Cms | undefined;
  page?: Page;
  /** The page as the browser gets it in the end, if it was asked for. */
  answer?: HttpResponse;
  findings: Finding[];
}

export interface ReadOptions {
  /** The CMS, if somebody says which. */
  cms?: CmsName | undefined;
  ask: Ask;
  /** Where relative paths begin. */
  folder: string;
}

/** Bytes. Configurations have some thousands; whatever is larger than this is something else. */
const limit = 512 * 1024;

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
  const url = /^https?:\/\//i.test(source) ? parseUrl(source) : undefined;
  if (url)
    return formats.get(extension(url.pathname))
      ? readConfig(url, { name: source, findings: [] }, options)
      : readSite(url, options);
  const file = path.resolve(options.folder, source);
  const found = await stat(file).catch(() => undefined);
  if (found?.isDirectory()) {
    for (const name of ['config.yml', 'config.yaml', 'config.json', 'config.toml'])
      if (await stat(path.join(file, name)).catch(() => undefined)) return readGiven(path.join(source, name), options);
    const what = `There is no config.yml in ${shown(source)}`;
    const why = 'That is where the CMS looks for its configuration, unless the admin page links to another place.';
    return stopped(source, 'config-missing', what, why);
  }
  return /^html?$/.test(extension(file)) ? readLocalPage(source, options) : readLocalConfig(source, options);
}

const stopped = (name: string, id: string, what: string, why: string, write?: string): Given => ({
  name,
  findings: [{ id, severity: 'broken', what, why, where: name, ...(write !== undefined && { write }) }],
});

/** @returns the text, or why there is none */
async function readLocal(source: string, folder: string): Promise<string | Given> {
  const file = path.resolve(folder, source);
  try {
    // Devices and pipes may have no end, or no beginning.
    if (!(await stat(file)).isFile())
      return stopped(source, 'config-unreadable', `${shown(source)} is no file`, 'The doctor reads files only.');
    const chunks: Uint8Array[] = [];
    for await (const chunk of createReadStream(file, { end: limit })) chunks.push(chunk as Uint8Array);
    const bytes = Buffer.concat(chunks);
    return bytes.length > limit ? tooLarge(source) : decode(bytes);
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
    `${shown(name)} is larger than 512 kB, so it was not read`,
    'A CMS configuration has some kilobytes. Something else is at this place.',
  );

async function readLocalPage(source: string, options: ReadOptions): Promise<Given> {
  const html = await readLocal(source, options.folder);
  if (typeof html !== 'string') return html;
  const page = parseAdminPage(html);
  const cms = chosen(page, options);
  const findings = pageFindings(page, cms, source);
  const given = { name: source, cms, page, findings };
  const href = configHref(page, cms);
  // A path from the site's root begins at a folder that only the site's build knows; beside the page is what is usual.
  const beside = href.startsWith('/') ? path.basename(href) : (href.split(/[?#]/)[0] ?? '');
  const file = path.join(path.dirname(source), beside);
  if (/^[a-z][a-z\d+.-]*:|^\/\//i.test(href) || !(await mayRead(file, source, options.folder)))
    return { ...given, findings: [...findings, elsewhere(source, href)] };
  return readLocalConfig(file, options, given, formatOf(page, cms, href));
}

/**
 * A page names what it likes, and what is wrong in a file is quoted in the findings: so it may name configurations only, in
 * its own folder or in the one where the command was given.
 */
async function mayRead(file: string, page: string, folder: string): Promise<boolean> {
  if (!formats.has(extension(file))) return false;
  const real = async (name: string) => realpath(path.resolve(folder, name)).catch(() => undefined);
  const target = await real(file);
  if (target === undefined) return true; // that it is not there will be said
  if (!formats.has(extension(target))) return false;
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
  return withConfig({ findings: [], ...given, cms, name: source }, text, format);
}

async function readSite(url: URL, options: ReadOptions): Promise<Given> {
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
  if (url.origin !== answer.url.origin)
    findings.push({
      id: 'page-origin',
      severity: 'note',
      what: `The admin page redirects to ${shown(answer.url.origin)}, which is the origin that counts`,
      why: 'The origin where the page ends up is the one that asks for the token, so that one has to be listed.',
      write: `CMS_AUTH_ORIGINS=${answer.url.origin}`,
      where: name,
    });
  const given = { name: answer.url.href, cms, page, answer, findings };
  const base = parseUrl(page.base ?? '', answer.url) ?? new URL(answer.url);
  const href = configHref(page, cms);
  // Sveltia takes /admin for a folder; to a browser, and so to the others, it is a file beside which config.yml would be.
  if (cms?.name === 'sveltia' && page.links.length === 0 && !/\/$|\.[^/]*$/.test(base.pathname)) base.pathname += '/';
  const address = parseUrl(href, base);
  if (!address) return { ...given, findings: [...findings, elsewhere(answer.url.href, href)] };
  const read = await readConfig(address, given, options, formatOf(page, cms, href));
  if (!read.config && page.isManual)
    return {
      ...given,
      findings: [
        ...findings,
        {
          id: 'manual-init',
          severity: 'risky',
          what: 'The configuration is made by a script in the admin page, so it could not be checked',
          why: 'The page starts the CMS by hand (CMS_MANUAL_INIT), and scripts are not run here. Save the configuration as a file and run the doctor on that.',
          where: answer.url.href,
        },
      ],
    };
  if (read.findings.some(({ id }) => id === 'config-status') && !/\/$|\.[^/]*$/.test(answer.url.pathname))
    read.findings.unshift({
      id: 'page-slash',
      severity: 'broken',
      what: `The admin page is at ${shown(answer.url.pathname)} without a final slash, so the CMS looks for config.yml in the wrong folder`,
      why: 'To a browser, "config.yml" beside /admin is /config.yml. Redirect to the address with the slash, or say in the page where the file is.',
      write: `<link rel="cms-config-url" type="text/yaml" href="${answer.url.pathname}/config.yml">`,
      where: answer.url.href,
    });
  return read;
}

async function readConfig(
  url: URL,
  given: Given,
  options: ReadOptions,
  format = formats.get(extension(url.pathname)) ?? 'yaml',
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
  return withConfig(base, answer.body, format);
}

function withConfig(given: Given, text: string, format: Format): Given {
  const { findings, name, cms } = given;
  const parsed = parseConfig(text, format, name);
  if ('problem' in parsed) return { ...given, findings: [...findings, { severity: 'broken', ...parsed.problem }] };
  if (format === 'toml' && cms && cms.name !== 'sveltia')
    findings.push({
      id: 'config-format',
      severity: 'broken',
      what: `${cmsTitles[cms.name]} does not read TOML`,
      why: 'Only Sveltia CMS does. Write the configuration as YAML: config.yml.',
      where: name,
    });
  return { ...given, config: parsed.config, format };
}

/** A request as a browser makes it, over up to five redirects. */
async function follow(url: URL, { ask }: ReadOptions): ReturnType<Ask> {
  for (let at = url, hops = 0; ; hops++) {
    const answer = await ask(at, { limit, headers: { accept: 'text/html,*/*;q=0.8' } });
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
