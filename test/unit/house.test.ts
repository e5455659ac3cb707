import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

const oxlint = path.resolve('node_modules/oxlint/bin/oxlint');

/** What the linter says about files, under the rules of this house. */
async function lint(files: Record<string, string>): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'house-'));
  try {
    await cp('.oxlintrc.json', path.join(folder, '.oxlintrc.json'));
    for (const [name, text] of Object.entries(files)) {
      await mkdir(path.join(folder, path.dirname(name)), { recursive: true });
      await writeFile(path.join(folder, name), text);
    }
    const run = promisify(execFile)(process.execPath, [oxlint, '--deny-warnings', '.'], { cwd: folder });
    return await run.then(
      () => '',
      ({ stdout }: { stdout: string }) => stdout,
    );
  } finally {
    await rm(folder, { recursive: true });
  }
}

const uses = (target: string) => `import type { Thing } from '${target}';\nexport type Mine = Thing;\n`;

describe('The linter', () => {
  it.each([
    ['lib/login/a.ts', '../oauth/b.ts'],
    ['lib/login/a.ts', '../handler/serve.ts'],
    ['lib/doctor/checks/a.ts', '../../http/b.ts'],
    ['lib/doctor/checks/a.ts', '../context.ts'],
    ['lib/handler/serve.ts', '../config/b.ts'],
    ['lib/oauth/a.ts', '../config/b.ts'],
    ['lib/config/a.ts', '../http/b.ts'],
    ['lib/http/a.ts', '../providers/b.ts'],
    ['lib/cli/a.ts', '../login/b.ts'],
    ['functions/a.ts', '../lib/login/b.ts'],
    ['functions/a.ts', '../lib/providers/b.ts'],
  ])('lets %s import %s', async (file, target) => {
    expect(await lint({ [file]: uses(target) })).toBe('');
  });

  it.each([
    ['a routes another routes', 'lib/login/a.ts', '../doctor/b.ts'],
    ['a routes another routes, from a folder of its own', 'lib/doctor/checks/a.ts', '../../login/b.ts'],
    ['a routes a platform', 'lib/gateway/a.ts', '../platforms/b.ts'],
    ['a routes a program', 'lib/setup/a.ts', '../cli/b.ts'],
    ['the frame a routes', 'lib/handler/serve.ts', '../login/b.ts'],
    ['the client a routes', 'lib/oauth/a.ts', '../login/b.ts'],
    ['the client the frame', 'lib/oauth/a.ts', '../handler/serve.ts'],
    ['settings the client', 'lib/config/a.ts', '../oauth/b.ts'],
    ['web the settings', 'lib/http/a.ts', '../config/b.ts'],
    ['a provider web', 'lib/providers/a.ts', '../http/b.ts'],
    ['a platform a routes', 'lib/platforms/a.ts', '../login/b.ts'],
    ['the library a function', 'lib/doctor/a.ts', '../../functions/b.ts'],
    ['a program a function', 'lib/cli/a.ts', '../../functions/b.ts'],
    ['a program a test', 'lib/cli/a.ts', '../../test/b.ts'],
    ['a function a program', 'functions/a.ts', '../lib/build/b.ts'],
    ['a function a test', 'functions/a.ts', '../test/b.ts'],
  ])('lets not %s', async (_, file, target) => {
    expect(await lint({ [file]: uses(target) })).toContain('no-restricted-imports');
    expect(await lint({ [file]: `export const later = () => import('${target}');\n` })).toContain('no-restricted');
  });

  it('finds circles, also of types', async () => {
    const files = { 'lib/http/a.ts': uses('./b.ts'), 'lib/http/b.ts': uses('./a.ts') };
    expect(await lint(files)).toContain('no-cycle');
  });
});
