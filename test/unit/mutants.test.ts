import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { mutants } from '../mutants/mutants.mjs';

describe('A mutant', () => {
  it.each(mutants)('of “$guard” can still be made, and has a test to notice it', ({ file, find, tests }) => {
    expect(readFileSync(file, 'utf8').split(find)).toHaveLength(2);
    expect(existsSync(tests), tests).toBe(true);
  });
});
