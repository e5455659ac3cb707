/** What `npx cms-auth-functions` is to somebody who has not cloned the project. */
import { execFile } from 'node:child_process';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { buildApart } from '../contract/secrets/instances.ts';

let folder: string;
beforeAll(async () => void (folder = await buildApart()), 60_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

const run = (...words: string[]) =>
  new Promise<{ code: unknown; out: string; complaints: string }>((resolve) =>
    execFile(process.execPath, [path.join(folder, 'dist/node/cli.mjs'), ...words], (error, out, complaints) =>
      resolve({ code: error?.code ?? 0, out, complaints }),
    ),
  );

it('names its commands', async () => {
  const { code, out } = await run('--help');
  expect([code, out]).toEqual([0, expect.stringMatching(/doctor[\s\S]*setup/)]);
});

it.each(['deploy', 'doctor', 'setup'])('%s explains itself', async (command) => {
  const { code, out } = await run(command, '--help');
  expect([code, out]).toEqual([0, expect.stringContaining(command)]);
});

it.each([['nonsense'], ['constructor']])('says how it is called, and fails: %j', async (...words) => {
  const { code, out, complaints } = await run(...words.flat());
  expect([code, out, complaints]).toEqual([2, '', expect.stringContaining('doctor')]);
});

it.each([[], ['--to', 'netlify']])(
  'deploys if nothing else is said, and asks for what is missing: %j',
  async (...words) => {
    const { code, complaints } = await run(...words.flat());
    expect([code, complaints]).toEqual([2, expect.stringContaining('Something is missing: --cms')]);
  },
);

it('the gateway for Lambda can be loaded as it is built', async () => {
  const { handler } = (await import(path.join(folder, 'dist/lambda-gateway/gateway.mjs'))) as { handler: unknown };
  expect(handler).toBeTypeOf('function');
});
