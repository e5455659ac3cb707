import { expect, it } from 'vitest';
import { lazy } from '../../lib/http/lazy.ts';

it('What is loaded when it is needed is loaded once', async () => {
  let loaded = 0;
  const load = lazy(async () => ++loaded);
  expect(loaded).toBe(0);
  expect(await Promise.all([load(), load()])).toEqual([1, 1]);
  expect(await load()).toBe(1);
});

it('A failure to load is told to all who wait, and to nobody after them', async () => {
  let tries = 0;
  const load = lazy(async () => {
    if (++tries === 1) throw new Error('no such file');
    return tries;
  });
  const both = await Promise.allSettled([load(), load()]);
  expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  expect(await load()).toBe(2);
  expect(await load()).toBe(2);
});
