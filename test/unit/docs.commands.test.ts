/**
 * Every command and every file block of the docs is run by a test, or `docs.commands.json` says why not. What this file can
 * run by itself needs no row there: settings, CMS configurations, calls of the set-up, JSON, JavaScript and unit files.
 */
import { generateKeyPairSync } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { parseEnv } from 'node:util';
import { transform } from 'esbuild';
import { parse } from 'yaml';
import { describe, expect, it } from 'vitest';
import { providers } from '../../functions/auth.ts';
import { hosts } from '../../functions/gateway.ts';
import { github } from '../../lib/providers/github.ts';
import { factsOf } from '../../lib/providers/facts.ts';
import { checkSettings } from '../../lib/config/check.ts';
import { pointersTo } from '../../lib/config/pointers.ts';
import { checkGateway, hasGateway } from '../../lib/gateway/settings.ts';
import { readOptions } from '../../lib/setup/options.ts';
import type { Prompts } from '../../lib/setup/terminal.ts';
import { onFiles } from '../doctor/run.ts';

interface Table {
  /** By test file: what it runs, and words in that file which show it. */
  run: Record<string, Record<string, string>>;
  /** By reason. */
  notRun: Record<string, string[]>;
}

const rows = 'test/unit/docs.commands.json';
const table = JSON.parse(readFileSync(rows, 'utf8')) as Table;

/** A command, or a block that is the content of a file. */
interface Item {
  name: string;
  file: string;
  /** Runs it here, in these words; undefined if only a row can tell. */
  here?: { how: string; check: () => void | Promise<void> } | undefined;
}

const files = ['README.md', 'SECURITY.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'test/README.md', 'test/bench/README.md'];
const items = [...files, ...readdirSync('docs').map((name) => `docs/${name}`)].flatMap(itemsOf);

function itemsOf(file: string): Item[] {
  const text = readFileSync(file, 'utf8');
  const fence = /^( *)```(\w*)\n([\s\S]*?)^\1```$/gm;
  const blocks = [...text.matchAll(fence)].map(([, indent = '', language = '', body = '']) => ({
    language,
    body: body.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
  }));
  const isSettings = (body: string) => /^[A-Z][A-Z_]*=/.test(body);
  const shell = blocks.filter(({ language, body }) => language === 'sh' && !isSettings(body));
  const inline = [...text.replaceAll(fence, '').matchAll(/`([^`]+)`/g)]
    .map(([, code = '']) => code.replaceAll(/\s+/g, ' '))
    .filter((code) => /^(?:aws|cd|docker|export|git|npm|npx|sudo) /.test(code));
  return [
    ...[...shell.flatMap(({ body }) => linesOf(body)), ...inline]
      .flatMap((line) => line.split(' && '))
      .filter((command) => !command.startsWith('cd '))
      .map((name) => ({ name, file, here: call(name) })),
    ...blocks
      .filter((block) => !shell.includes(block))
      .map(({ language, body }, index, all) => ({
        name: `${file}: ${nameOf(body, all.slice(0, index))}`,
        file,
        here: block(file, isSettings(body) ? 'env' : language, body),
      })),
  ];
}

function firstLine(body: string): string {
  return body.split('\n', 1)[0]?.trim() ?? '';
}

/** By its first line, with a number from the second block on that begins with it. */
function nameOf(body: string, before: readonly { body: string }[]): string {
  const alike = before.filter((other) => firstLine(other.body) === firstLine(body)).length;
  return firstLine(body) + (alike === 0 ? '' : ` (${alike + 1})`);
}

/** Commands of a block, without comments, each on one line. */
function linesOf(body: string): string[] {
  const lines = body.replaceAll(/\\\n\s*/g, '').split('\n');
  return lines.map((line) => line.replace(/(?:^|\s+)#.*$/, '').trim()).filter(Boolean);
}

function call(command: string): Item['here'] {
  const [, words] = /^npm run setup(?: --(.*))?$/.exec(command) ?? [];
  if (!command.startsWith('npm run setup')) return undefined;
  return {
    how: 'the set-up reads the call',
    // As in a terminal, where somebody accepts what is suggested.
    check: async () => {
      const prompts: Prompts = {
        text: async (_message, example) => example,
        secret: async () => 'secret',
        choose: async (_message, [first]) => first?.value ?? expect.unreachable(),
        confirm: async () => true,
      };
      const given = (words ?? '').split(/[\s…]+/).filter(Boolean);
      expect(await readOptions(given, providers, {}, prompts)).toBeDefined();
    },
  };
}

function block(file: string, language: string, body: string): Item['here'] {
  if (language === 'env') return { how: 'our settings take it', check: () => takenBySettings(body) };
  if (language === 'diff' || (language === 'yaml' && /^(?:backend|base_url):/m.test(body)))
    return { how: 'the doctor finds nothing broken', check: () => soundToTheDoctor(file, language, body) };
  if (body.startsWith('https://github.com/settings/apps/new?'))
    return { how: 'it fills in what the login fills in', check: () => filledIn(body) };
  if (language === 'json') return { how: 'it can be parsed', check: () => void JSON.parse(`[${body}]`) };
  if (language === 'js')
    return { how: 'it can be parsed, and what it imports is exported', check: () => loadable(body) };
  if (language === 'ini') return { how: 'it can be parsed', check: () => unit(body) };
  return undefined;
}

/** What is in every parameter of the store: a key, which is long enough for a secret, too. */
const { privateKey: value } = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  publicKeyEncoding: { type: 'spki', format: 'pem' },
});

async function takenBySettings(body: string): Promise<void> {
  const shown = parseEnv(body.replaceAll('…', 'x'.repeat(40)));
  // What a page leaves out because another one has it.
  const editors = { CMS_GATEWAY_EDITORS: 'ann@example.org', CMS_GATEWAY_ISSUER: 'https://accounts.google.com' };
  const client = { CMS_GATEWAY_CLIENT_ID: 'client', CMS_GATEWAY_CLIENT_SECRET: 'x'.repeat(40) };
  const platform = {
    url: 'https://auth.example.com',
    loadPointers: async () =>
      pointersTo({
        read: async (names: readonly string[]) => new Map(names.map((name) => [name, { value }])),
        invalidate: () => {},
      }),
  };
  const env = { ...(hasGateway(shown) && { ...editors, ...client }), ...shown };
  const problems = await checkSettings(
    { GITHUB_CLIENT_ID: 'id', GITHUB_CLIENT_SECRET: 'secret', ...env },
    providers,
    platform,
  );
  if (hasGateway(env)) problems.push(...(await checkGateway(env, hosts, platform)));
  expect(problems.map(({ message }) => message)).toEqual([]);
}

type Config = Record<string, unknown> & { backend?: Record<string, unknown> };

/** Judged as a whole configuration: a page shows only the part that it is about. */
async function soundToTheDoctor(file: string, language: string, body: string): Promise<void> {
  const lines = body.split('\n').filter((line) => language !== 'diff' || !line.startsWith('-'));
  const text = lines.map((line) => (language === 'diff' ? line.slice(1) : line)).join('\n');
  const shown = parse(/^(?:backend|base_url):/m.test(text) ? text : `backend:\n${text}`) as Config;
  const isSveltia = /authorize|graphql/.test(text);
  const [, host = 'github'] = /docs\/(gitlab|bitbucket)\./.exec(file) ?? [];
  const config = {
    media_folder: 'static/img',
    collections: [{ name: 'posts', label: 'Posts', folder: 'content', fields: [{ name: 'title', label: 'Title' }] }],
    ...shown,
    backend: { name: host, repo: 'owner/repository', branch: 'main', ...shown.backend },
  };
  // Addresses that nobody has are not asked.
  const json = JSON.stringify(config).replaceAll('your-login.web.app', 'auth.example.com');
  const { out, complaint } = await onFiles({ 'config.json': json }, [
    'config.json',
    '--json',
    '--cms',
    isSveltia ? 'sveltia' : 'decap',
  ]);
  expect(complaint).toBe('');
  const { findings } = JSON.parse(out) as { findings: { severity: string; what: string }[] };
  expect(findings.filter(({ severity }) => severity === 'broken').map(({ what }) => what)).toEqual([]);
}

function filledIn(address: string): void {
  const app = factsOf(github).registrations.find(({ path }) => address.includes(path));
  const places: Record<string, string> = {
    '{name}': 'CMS login',
    '{homepage}': 'https://www.example.com',
    '{callback}': 'https://auth.example.com/auth/github/callback',
  };
  const prefill = Object.entries(app?.prefill ?? {}).map(([key, value]) => [key, places[value] ?? value]);
  expect(Object.fromEntries(new URL(address.trim()).searchParams)).toEqual(Object.fromEntries(prefill));
}

async function loadable(body: string): Promise<void> {
  await transform(body, { loader: 'js', format: 'esm' });
  const { resolve } = createRequire(import.meta.url);
  for (const [, name = ''] of body.matchAll(/from '(cms-auth-functions[^']*)'/g))
    expect(existsSync(resolve(name)), name).toBe(true);
}

function unit(body: string): void {
  expect(body.trim()).toMatch(/^(?:\[\w+\]\n(?:[A-Z]\w+=\S.*(?:\n+|$))+)+$/);
}

const run = Object.entries(table.run).flatMap(([file, commands]) =>
  Object.entries(commands).map(([name, words]) => ({ name, file, words })),
);
const notRun = Object.entries(table.notRun).flatMap(([why, names]) => names.map((name) => ({ name, why })));

/** In words; undefined where nobody knows. */
function whatRuns({ name, here }: Item): string | undefined {
  const row = run.find((one) => one.name === name);
  if (row) return `run by ${row.file}`;
  if (here) return `run here: ${here.how}`;
  const reason = notRun.find((one) => one.name === name);
  return reason && `not run: ${reason.why}`;
}

describe('Each command and file block in the docs', () => {
  it('is run by a test, or a row says why not', () => {
    const lost = items.filter((item) => whatRuns(item) === undefined);
    const advice = lost.map(
      ({ name, file }) =>
        `${file} has a command or file that no test runs:\n    ${name}\n` +
        `  Write it into ${rows}: under "run", below the test file that runs it, with words of that file which show it; ` +
        `or under "notRun", below the reason.`,
    );
    expect(advice.join('\n')).toBe('');
    const ways = new Map<string | undefined, Set<string>>();
    for (const item of items) ways.set(whatRuns(item), (ways.get(whatRuns(item)) ?? new Set()).add(item.name));
    console.log(
      [...ways].map(([how, names]) => [how, ...[...names].map((name) => `    ${name}`)].join('\n')).join('\n'),
    );
  });

  it('has its row for as long as it stands there, and no second one', () => {
    const names = [...run, ...notRun].map(({ name }) => name);
    const gone = names.filter((name) => !items.some((item) => item.name === name));
    const twice = names.filter((name, index) => names.indexOf(name) !== index);
    expect([...gone, ...twice].map((name) => `Remove this row from ${rows}: ${name}`)).toEqual([]);
    const needless = notRun.filter(({ name }) => items.some((item) => item.name === name && item.here));
    expect(needless.map(({ name }) => `It is run here, so remove its row from ${rows}: ${name}`)).toEqual([]);
  });

  it.each(run)('is in the test that its row names: $name', ({ file, words }) => {
    expect(existsSync(file), `${file}, which ${rows} names, does not exist`).toBe(true);
    expect(readFileSync(file, 'utf8'), `${file} does not hold what ${rows} says`).toContain(words);
  });

  const here = items.flatMap(({ name, file, here: own }) => (own ? [{ name, file, ...own }] : []));
  it.each(here)('$file: $how: $name', ({ check }) => check());
});
