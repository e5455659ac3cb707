import { parseArgs } from 'node:util';
import { gapsOf } from './checks/redirect.ts';
import { byImportance, masked, shown, withoutUser } from './finding.ts';
import { probeLogin } from './probe.ts';
import { probeGateway } from './probe-gateway.ts';
import { probeRepository } from './probe-repository.ts';
import { diagnose } from './diagnose.ts';
import { readGiven, type Given, type ReadOptions } from './read.ts';
import { toJson, toText, type Report } from './report.ts';
import { readAddress } from './server.ts';
import { contextOf } from './context.ts';
import { asker, isNetworkError, isSafe, type Ask } from './fetch.ts';
import { writableAt } from './probe-result.ts';
import type { CmsName, KnownHost } from '../providers/provider.ts';

export const help = (
  command = 'npm run doctor --',
): string => `Says why a login does not work, and what to write instead.

  ${command} <admin/config.yml | address of the admin page> [options]

  --hop <address>   the login server, such as https://auth.example.com; otherwise what base_url says
  --cms <name>      decap, netlify or sveltia; otherwise what the admin page loads
  --json            one JSON document instead of text
  --browser         open the page in an installed Chromium, Chrome or Edge, too: what its scripts come to
  --timeout <s>     seconds to wait for each answer (10)
  --help

  Exit code: 0 nothing is broken, 1 something is broken, 2 wrong usage.
`;

export interface Console {
  write: (text: string) => void;
  complain: (text: string) => void;
  /** Whether colours may be used. */
  colour?: boolean;
  /** Where relative paths begin. */
  folder?: string;
  /** How the command is called: `npm run doctor --`. */
  command?: string;
  /** What stands for the web. */
  fetcher?: (timeoutMs: number) => Ask;
  /** Where a browser is; by itself the doctor looks in the usual places. */
  findBrowser?: () => string | undefined;
}

/**
 * @param providers the Git hosts that the login server knows
 * @returns the exit code
 */
export async function main(
  providers: readonly KnownHost[],
  args: readonly string[],
  console: Console,
): Promise<number> {
  let call;
  try {
    call = readCall(args);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    console.complain(`${shown(message, 2000)}\n\n${help(console.command)}`);
    return 2;
  }
  if (call === undefined) {
    console.write(help(console.command));
    return 0;
  }
  const { source, namedServer, json, timeoutMs, cms } = call;
  // Only whoever wants a browser pays for what drives one.
  const browsers = call.browser ? await import('./browser.ts') : undefined;
  const browser = (console.findBrowser ?? browsers?.findBrowser)?.();
  if (browsers && browser === undefined) {
    console.complain(
      '--browser needs Chromium, Chrome or Edge on this computer. Install one, or say where it is: CHROMIUM_PATH=/path/to/chromium.\n',
    );
    return 2;
  }
  const fetcher = console.fetcher ?? asker;
  const options = {
    cms,
    ask: fetcher(timeoutMs),
    folder: console.folder ?? process.cwd(),
    ...(browsers &&
      browser !== undefined && {
        visit: async (given: Given) =>
          (await import('./visit.ts')).visited(given, (url) => browsers.visit(browser, url)),
        // The time with the browser is not taken from the questions after it.
        askAfter: () => fetcher(timeoutMs),
      }),
  };
  const report = await examine(providers, source, namedServer, options);
  console.write(json ? toJson(report) : toText(report, { colour: console.colour ?? false }));
  return report.findings.some(({ severity }) => severity === 'broken') ? 1 : 0;
}

/** With a browser, if one is wanted. */
interface ExamineOptions extends ReadOptions {
  visit?: (given: Given) => Promise<Given>;
  askAfter?: () => Ask;
}

/** Reads, asks, judges: first all that is to be known, then what it means. */
export async function examine(
  providers: readonly KnownHost[],
  source: string,
  namedServer: URL | undefined,
  options: ExamineOptions,
): Promise<Report> {
  const read = await readGiven(source, options);
  const given = (read.answer && (await options.visit?.(read))) ?? read;
  const ask = options.askAfter?.() ?? options.ask;
  const isRead = given.config !== undefined;
  const probe = isRead ? await probeLogin(contextOf(given, { providers, namedServer }), ask) : undefined;
  const gateway = isRead ? await probeGateway(contextOf(given, { providers, namedServer }), ask) : undefined;
  const repository = isRead ? await probeRepository(contextOf(given, { providers, namedServer }), ask) : undefined;
  const context = contextOf(given, { providers, namedServer, probe, gateway, repository });
  return {
    source: masked(given.name),
    cms: given.cms,
    backend: context.host && masked(context.host),
    hop: probe?.server.origin,
    writable: gateway && !isNetworkError(gateway.page) ? writableAt(gateway.page) : undefined,
    findings: byImportance([...given.findings, ...diagnose(context), ...(given.late ?? [])]).map(
      ({ where, ...finding }) => ({
        ...finding,
        ...(where !== undefined && { where: masked(where) }),
      }),
    ),
    notChecked: [
      ...(options.visit && !read.answer
        ? ['What the browser makes of the page: there is no admin page on the web to open.']
        : []),
      ...(isRead ? gapsOf(context) : ['The login server: what the CMS asks of it is in the configuration.']),
    ],
  };
}

const cmsNames: readonly CmsName[] = ['decap', 'netlify', 'sveltia'];

/** @returns undefined if help was asked for; throws in words */
function readCall(args: readonly string[]) {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      hop: { type: 'string' },
      cms: { type: 'string' },
      json: { type: 'boolean', default: false },
      browser: { type: 'boolean', default: false },
      timeout: { type: 'string', default: '10' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return undefined;
  const [source, ...more] = positionals;
  if (source === undefined) throw new Error('What is to be examined? Name the CMS configuration or the admin page.');
  if (withoutUser(source) !== source)
    throw new Error('Leave the user name and the password out of the address: the doctor needs none.');
  if (more.length > 0) throw new Error('One at a time, please: there is more than one configuration here.');
  const cms = cmsNames.find((name) => name === values.cms);
  if (values.cms !== undefined && cms === undefined) throw new Error(`--cms takes ${cmsNames.join(', ')}.`);
  const namedServer = values.hop === undefined ? undefined : readAddress(values.hop);
  if (values.hop !== undefined && (!namedServer || !isSafe(namedServer) || /[?#@\s]/.test(values.hop)))
    throw new Error('--hop takes the address of the login server, such as https://auth.example.com.');
  const seconds = Number(values.timeout);
  if (!(seconds > 0 && seconds <= 120)) throw new Error('--timeout takes a number of seconds, up to 120.');
  return { source, namedServer, cms, json: values.json, browser: values.browser, timeoutMs: seconds * 1000 };
}
