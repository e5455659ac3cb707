import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  interface ProvidedContext {
    /** Removed after the run. */
    temporary: string;
  }
}

/** What an owner deploys. */
const deployed = [
  'api',
  'dist',
  'firebase.json',
  'netlify.toml',
  'serverless.yml',
  'serverless-gateway.yml',
  'vercel.json',
  'wrangler.jsonc',
  'wrangler-gateway.jsonc',
];
/** What that is made of, for owners who build with settings of their own. */
const sources = [
  'functions',
  'lib',
  'LICENSE',
  'package.json',
  'package-lock.json',
  'README.md',
  'tsconfig.json',
  'test/cms',
  'test/demo',
  'test/hosts',
];

/** Everything runs outside the repository, where the tools may leave what they like, and on one copy of one build. */
export default async function setUp({ provide }: TestProject): Promise<() => Promise<void>> {
  if (!existsSync('dist')) throw new Error('There is nothing to test yet: npm run build');
  const temporary = await mkdtemp(path.join(tmpdir(), 'platforms-'));
  await mkdir(path.join(temporary, 'shipped'));
  for (const name of [...deployed, ...sources])
    await cp(name, path.join(temporary, 'shipped', name), { recursive: true });
  provide('temporary', temporary);
  return () => rm(temporary, { recursive: true, force: true, maxRetries: 5 });
}
