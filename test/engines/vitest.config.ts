import { defineConfig } from 'vitest/config';
import { viteInline } from '../../lib/build/inline.mjs';

export default defineConfig({
  plugins: [viteInline],
  test: { include: ['test/engines/*.test.ts'], testTimeout: 240_000, hookTimeout: 120_000 },
});
