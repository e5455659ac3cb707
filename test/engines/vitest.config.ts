import { defineConfig } from 'vitest/config';
import { viteInline } from '../../lib/build/inline.mjs';

export default defineConfig({
  plugins: [viteInline],
  // The drivers have bad moments. What passes at the second time only is named at the end of `.ci/run`.
  test: { include: ['test/engines/*.test.ts'], retry: 1, testTimeout: 240_000, hookTimeout: 120_000 },
});
