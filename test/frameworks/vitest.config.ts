import { defineConfig } from 'vitest/config';
import { viteInline } from '../../lib/build/inline.mjs';

export default defineConfig({
  plugins: [viteInline],
  test: { include: ['test/frameworks/*.test.ts'], testTimeout: 120_000, hookTimeout: 180_000 },
});
