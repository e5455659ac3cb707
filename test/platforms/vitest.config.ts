import { defineConfig } from 'vitest/config';
import { viteInline } from '../../lib/build/inline.mjs';

export default defineConfig({
  plugins: [viteInline],
  test: {
    include: ['test/platforms/*.test.ts'],
    // See wrangler.ts.
    exclude: Number.parseInt(process.versions.node) >= 22 ? [] : ['test/platforms/wrangler.test.ts'],
    globalSetup: 'test/platforms/setup.ts',
    // Every tool has ports and a folder of its own, and mostly waits.
    maxWorkers: 3,
    testTimeout: 30_000,
    // Those tools have bad moments. What passes at the second time only is named at the end of `.ci/run`.
    retry: 1,
    hookTimeout: 180_000,
  },
});
