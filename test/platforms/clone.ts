/** Clones of this repository, for what owners do in theirs: set, build, pack. */
import { execFile } from 'node:child_process';
import { mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { workspace } from './tool.ts';

const execute = promisify(execFile);

/**
 * @param settings in the file that the build reads
 * @param flags of the build
 * @returns its folder, with `dist/` as the build makes it of these settings
 */
export async function buildClone(settings: Readonly<Record<string, string>>, ...flags: string[]): Promise<string> {
  const folder = await clone();
  const lines = Object.entries(settings).map(([name, value]) => `${name}=${value}\n`);
  await writeFile(path.join(folder, '.env'), lines.join(''));
  await execute(process.execPath, ['lib/build/build.mjs', '--silent', ...flags], options(folder));
  return folder;
}

/** @returns what `npm install github:…` makes of the repository: a tarball, built by its own `prepare` */
export async function packClone(): Promise<string> {
  const folder = await clone();
  await execute('npm', ['pack', '--offline'], options(folder));
  const tarball = (await readdir(folder)).find((name) => name.endsWith('.tgz'));
  return path.join(folder, tarball ?? '');
}

/** As npm does it, but alone: what the package names as its dependencies is bundled, so nothing else may be needed. */
export async function installPackage(tarball: string, folder: string): Promise<void> {
  const target = path.join(folder, 'node_modules', 'cms-auth-functions');
  await mkdir(target, { recursive: true });
  await execute('tar', ['-xzf', tarball, '--strip-components=1', '-C', target], options(folder));
}

async function clone(): Promise<string> {
  const folder = await workspace(
    'firebase.json',
    'functions',
    'lib',
    'LICENSE',
    'package.json',
    'package-lock.json',
    'README.md',
    'tsconfig.json',
    'test',
  );
  await symlink(path.resolve('node_modules'), path.join(folder, 'node_modules'));
  return folder;
}

/** Without the environment of whoever runs the tests: the build reads settings from it. */
const options = (folder: string) => ({ cwd: folder, env: { PATH: process.env['PATH'], HOME: folder } });
