/**
 * The packed package in applications of other people's, in a bare project each: the examples beside this file, which are those of
 * docs/embed.md, with the published frameworks.
 */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { promisify } from 'node:util';
import { transform } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startGitHub, type GitHubHost } from '../hosts/github.ts';
import { freePort } from '../hosts/port.ts';
import { login, site } from '../platforms/visit.ts';

const execute = promisify(execFile);
const modules = path.resolve('test/frameworks/node_modules');

let temporary: string;
let host: GitHubHost;

beforeAll(async () => {
  temporary = await mkdtemp(path.join(tmpdir(), 'frameworks-'));
  host = await startGitHub();
  host.consent = 'always';
  host.expiring = true;
  await execute('npm', ['pack', '--ignore-scripts', '--pack-destination', temporary]);
});
afterAll(async () => {
  await host?.close();
  await rm(temporary, { recursive: true, force: true });
});

/**
 * @param copied whether the frameworks are copied instead of linked: Turbopack, which builds with Next, follows no link out of the project
 * @returns the folder of an application with the package in it, and nothing else of ours
 */
async function project(example: string, copied = false): Promise<string> {
  const folder = await mkdtemp(path.join(temporary, `${example}-`));
  await cp(path.resolve('test/frameworks', example), folder, { recursive: true });
  await writeFile(path.join(folder, 'package.json'), '{ "private": true, "type": "module" }\n');
  const own = path.join(folder, 'node_modules');
  if (copied) await execute('cp', ['-R', modules, own]);
  await mkdir(path.join(own, 'cms-auth-functions'), { recursive: true });
  if (!copied)
    for (const name of await readdir(modules))
      if (!name.startsWith('.')) await symlink(path.join(modules, name), path.join(own, name));
  const tarball = (await readdir(temporary)).find((name) => name.endsWith('.tgz')) ?? '';
  const target = ['--strip-components=1', '-C', path.join(own, 'cms-auth-functions')];
  await execute('tar', ['-xzf', path.join(temporary, tarball), ...target]);
  return folder;
}

/** Older versions of Node do not leave types out by themselves. */
const withoutTypes = async (file: string): Promise<string> =>
  (await transform(await readFile(file, 'utf8'), { loader: 'ts' })).code;

interface Running {
  url: string;
  stop: () => void;
}

/** @param program by which Node starts the application, once it is built */
async function start(example: string, program: readonly string[], builder?: readonly string[]): Promise<Running> {
  const folder = await project(example, example === 'next');
  const port = await freePort();
  const url = `http://localhost:${port}`;
  const env = {
    PATH: process.env['PATH'],
    HOME: folder,
    PORT: String(port),
    HOST: 'localhost',
    ORIGIN: url,
    CMS_AUTH_URL: url,
    CMS_AUTH_ORIGINS: site,
    CMS_AUTH_REFRESH: 'github',
    GITHUB_URL: host.url,
    GITHUB_CLIENT_ID: host.app.clientId,
    GITHUB_CLIENT_SECRET: host.app.clientSecret,
    ASTRO_TELEMETRY_DISABLED: '1',
    NEXT_TELEMETRY_DISABLED: '1',
  };
  host.app.redirectUris.push(`${url}/auth/github/callback`);
  if (builder) await execute(process.execPath, [...builder], { cwd: folder, env });
  else await writeFile(path.join(folder, 'server.mjs'), await withoutTypes(path.join(folder, 'server.ts')));
  const child: ChildProcess = spawn(process.execPath, [...program], { cwd: folder, env });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (data: Buffer) => (output += data.toString()));
  const deadline = Date.now() + 60_000;
  for (;;) {
    if (child.exitCode !== null || Date.now() > deadline) {
      child.kill();
      throw new Error(`${example} does not answer:\n${output}`);
    }
    const answered = await fetch(url).then(
      ({ ok }) => ok,
      () => false,
    );
    if (answered) return { url, stop: () => child.kill() };
    await wait(100);
  }
}

/** Within the project, where it is a copy. */
const next = 'node_modules/next/dist/bin/next';
const examples = [
  { name: 'hono', program: ['server.mjs'] },
  { name: 'express', program: ['server.mjs'] },
  { name: 'astro', program: ['dist/server/entry.mjs'], builder: [path.join(modules, 'astro/astro.js'), 'build'] },
  { name: 'sveltekit', program: ['build/index.js'], builder: [path.join(modules, 'vite/bin/vite.js'), 'build'] },
  { name: 'next', program: [next, 'start'], builder: [next, 'build'] },
];

describe.each(examples)('In an application made with $name', ({ name, program, builder }) => {
  let app: Running;

  beforeAll(async () => {
    app = await start(name, program, builder);
  });
  afterAll(() => app?.stop());

  it('an editor logs in, and the session is renewed', async () => {
    const done = await login(app.url);
    const body = await done.text();
    expect(body).toContain('authorization:github:success:');
    const again = await fetch(`${app.url}/auth/github/access_token`, {
      method: 'POST',
      headers: { origin: site, 'content-type': 'application/x-www-form-urlencoded' },
      body: 'grant_type=refresh_token&refresh_token=not-one-of-the-hosts',
    });
    expect([again.status, await again.json()]).toEqual([400, expect.objectContaining({ error: 'REFRESH_REJECTED' })]);
  });

  it('what was there before is there still', async () => {
    const reply = await fetch(app.url);
    expect([reply.status, await reply.text()]).toEqual([
      200,
      expect.stringContaining('The page that was there before'),
    ]);
  });
});

it('an application has addresses of its own beside ours, and settings by their names', async () => {
  const app = await start('express', ['server.mjs']);
  try {
    const read = async (address: string) => (await fetch(app.url + address)).text();
    expect(await read('/auth/logout')).toBe('Logged out');
    // Not even the repository is among the settings that this gateway got.
    expect(await read('/git')).toContain('data-page="gateway" data-code="NOT_READY"');
    expect((await fetch(`${app.url}/auth/github/callback?code=x&state=x`)).status).toBe(400);
    expect(JSON.parse(await read('/failures'))).toEqual([expect.objectContaining({ code: 'STATE_MISMATCH' })]);
  } finally {
    app.stop();
  }
});

it.each(['hono', 'express', 'types'])('the types fit what applications write: %s', async (example) => {
  const folder = await project(example);
  const compilerOptions = {
    strict: true,
    exactOptionalPropertyTypes: true,
    module: 'nodenext',
    target: 'es2022',
    lib: ['es2023', 'dom', 'dom.iterable'],
    noEmit: true,
    types: ['node'],
    // With nothing but ours in it, our declarations are checked, too.
    skipLibCheck: example !== 'types',
    typeRoots: [path.resolve('node_modules/@types')],
  };
  await writeFile(path.join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*.ts'] }));
  const compiler = path.resolve('node_modules/typescript/bin/tsc');
  const said = await execute(process.execPath, [compiler, '-p', folder]).then(
    () => '',
    ({ stdout }: { stdout: string }) => stdout,
  );
  expect(said).toBe('');
});

it.each([
  ['Hono', 'hono/server.ts'],
  ['Express', 'express/server.ts'],
  ['Astro', 'astro/src/pages/auth/[...path].ts'],
  ['SvelteKit', 'sveltekit/src/routes/auth/[...path]/+server.js'],
  ['Next', 'next/app/auth/[[...path]]/route.js'],
])('docs/embed.md shows what runs here: %s', async (heading, file) => {
  const [, section = ''] = (await readFile('docs/embed.md', 'utf8')).split(`\n## ${heading}\n`);
  const [, block = ''] = /```[jt]s\n(.*?)```/s.exec(section) ?? [];
  const lines = (await readFile(`test/frameworks/${file}`, 'utf8')).split('\n');
  expect(block.trim()).not.toBe('');
  for (const line of block.trim().split('\n')) expect(lines).toContain(line);
});
