import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';
import { viteInline } from '../../lib/build/inline.mjs';
import { area, areas } from './areas.mjs';

/** The short ones first: the first that fails ends a mutant. */
class ShortFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification) => areas[area].tests.findIndex((name) => moduleId.includes(name));
    return files.toSorted((a, b) => place(a) - place(b));
  }
}

export default defineConfig({
  plugins: [viteInline],
  test: {
    include: areas[area].tests,
    testTimeout: 60_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 20_000 } },
    isolate: false,
    setupFiles: ['test/stryker/seed.ts'],
    sequence: { sequencer: ShortFirst },
  },
});
