import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { describePlatform } from './suite.ts';
import { shipped } from './tool.ts';
import { packageWorker, startWrangler } from './wrangler.ts';

describePlatform('wrangler dev', startWrangler, { owns: 'everything' });

describe.each([
  ['wrangler.jsonc', 'auth.mjs', 'gateway.mjs'],
  ['wrangler-gateway.jsonc', 'gateway.mjs', 'auth.mjs'],
])('What goes to Cloudflare by %s', (config, own, other) => {
  it('is one file as the build made it, and nothing of the other Worker', async () => {
    const { output, folder } = await packageWorker(config);
    const files = await readdir(folder, { recursive: true });
    expect(files.filter((name) => name.endsWith('.mjs'))).toEqual([own]);
    expect(files).not.toContain(other);
    const sent = await readFile(path.join(folder, own));
    expect(sent.equals(await readFile(shipped(`dist/workers/${own}`)))).toBe(true);
    expect(output).not.toMatch(/warning|deprecated/i);
  });
});
