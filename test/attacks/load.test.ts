/** Many logins at once, at a host that fails in every way that it can: see `load/host.ts`. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, vi } from 'vitest';
import { esbuildInline } from '../../lib/build/inline.mjs';
import { attack } from './attack.ts';
import { ways } from './load/host.ts';
import type { Report } from './load/program.ts';

// Those that hang do so for as long as the login server lets them.
vi.setConfig({ testTimeout: 600_000 });

const logins = 10_000;
const folder = mkdtempSync(path.join(tmpdir(), 'load-'));

beforeAll(async () => {
  await build({
    entryPoints: [path.join(import.meta.dirname, 'load/program.ts')],
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    // What points to the Parameter Store would load it; nothing here does.
    splitting: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    external: ['@aws-sdk/*'],
    plugins: [esbuildInline],
  });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function run(platform: 'server' | 'lambda'): Promise<Report> {
  const args = ['--expose-gc', path.join(folder, 'program.mjs'), platform, String(logins)];
  const { stdout, stderr } = await promisify(execFile)(process.execPath, args, { maxBuffer: 1024 * 1024 });
  expect(stderr).toBe('');
  return JSON.parse(stdout) as Report;
}

// Together, since most of the time is spent on waiting for those that hang.
describe.concurrent('10,000 logins, 50 at a time, of which the host fails 500', () => {
  for (const [platform, name] of [
    ['server', 'a server of one\u2019s own'],
    ['lambda', 'AWS Lambda'],
  ] as const)
    attack(`on ${name}`, async () => {
      const report = await run(platform);
      expect(report.wrong).toEqual([]);
      expect(report.logins).toBe(logins);
      expect(report.ended['token']).toBe(logins * 0.95);
      expect(Object.values(report.failed).reduce((sum, count) => sum + count)).toBe(logins * 0.05);
      expect(Object.keys(report.failed).sort()).toEqual(Object.keys(ways).sort());
      // Each asked once, each logged twice, and nothing left behind.
      expect(report).toMatchObject({ tokenRequests: logins, codesLeft: 0, logged: 3 * logins });
      expect(report.handles[1]).toEqual(report.handles[0]);
      expect(report.files[1]).toBeLessThanOrEqual(report.files[0]);
      const [early, late] = report.heap;
      expect(late / early).toBeLessThan(1.5);
      const codes = Object.keys(report.ended).length - 1;
      return `each its own token or its own of ${codes} errors; heap ${(late / early).toFixed(2)} x that of a fifth`;
    });
});
