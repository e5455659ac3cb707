import { defineConfig } from 'vitest/config';
import { viteInline } from '../../lib/build/inline.mjs';
import { Table } from './table.ts';

export default defineConfig({
  plugins: [
    viteInline,
    // Not among `reporters`, since the command line's would replace it.
    { name: 'table', configureVitest: ({ vitest }) => void vitest.config.reporters.push(new Table() as never) },
  ],
  test: { include: ['test/attacks/*.test.ts'], testTimeout: 60_000, hookTimeout: 120_000 },
});
