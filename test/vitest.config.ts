import { defineConfig } from 'vitest/config';
import { viteInline } from '../lib/build/inline.mjs';

export default defineConfig({
  plugins: [viteInline],
  test: {
    include: ['test/{unit,contract,doctor,setup,e2e}/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 20_000 } },
  },
});
