import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Cache, lazy, LoadingCache, memoize } from '../../lib/http/cache.ts';

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

describe('With a clock', () => {
  const start = Date.UTC(2026, 5, 1);
  beforeEach(() => vi.useFakeTimers({ toFake: ['Date'], now: start }));
  afterEach(() => vi.useRealTimers());

  it('a value is found until its time is over, and under its own key alone', () => {
    const cache = new Cache<string>();
    cache.set('a', 'one', start + 1_000);
    expect(cache.get('a')).toBe('one');
    expect(cache.get('b')).toBeUndefined();
    expect(cache.get('__proto__')).toBeUndefined();
    vi.setSystemTime(start + 999);
    expect(cache.get('a')).toBe('one');
    vi.setSystemTime(start + 1_000);
    expect(cache.get('a')).toBeUndefined();
  });

  it('of more values than there is room for, the one that was not used for the longest time goes', () => {
    const cache = new Cache<number>(2);
    cache.set('a', 1);
    cache.set('b', 2);
    cache.get('a');
    cache.set('c', 3);
    expect(['a', 'b', 'c'].map((key) => cache.get(key))).toEqual([1, undefined, 3]);
  });

  it('many who want a value at once ask for it once, and again when its time is over', async () => {
    let asked = 0;
    const cache = new LoadingCache<number>();
    const load = async () => ({ value: ++asked, until: Date.now() + 1_000 });
    expect(await Promise.all([cache.get('a', load), cache.get('a', load)])).toEqual([1, 1]);
    expect(await cache.get('a', load)).toBe(1);
    expect(await cache.get('b', load)).toBe(2);
    vi.setSystemTime(start + 1_000);
    expect(await cache.get('a', load)).toBe(3);
  });

  it('what failed is not asked for again for a while', async () => {
    let asked = 0;
    const cache = new LoadingCache<number>({ pauseMs: 500 });
    const load = async () => {
      if (++asked === 1) throw new Error('down');
      return { value: asked, until: Infinity };
    };
    await expect(cache.get('a', load)).rejects.toThrow('down');
    await expect(cache.get('a', load)).rejects.toThrow('down');
    vi.setSystemTime(start + 500);
    expect(await cache.get('a', load)).toBe(2);
  });

  it('a value that was refused is loaded anew, once', async () => {
    let asked = 0;
    const cache = new LoadingCache<number>();
    const load = async () => ({ value: ++asked, until: Infinity });
    expect(await cache.get('a', load)).toBe(1);
    cache.invalidate('a', 1);
    expect(await cache.get('a', load)).toBe(2);
    cache.invalidate('a', 1); // by somebody who was slower
    expect(await cache.get('a', load)).toBe(2);
  });

  it('a text is read once, also where two configurations take turns', () => {
    const read: (string | undefined)[] = [];
    const parse = memoize((text: string | undefined) => {
      read.push(text);
      if (text === 'wrong') throw new Error('wrong');
      return `${text}!`;
    });
    for (let turn = 0; turn < 3; turn++)
      expect(['a', 'b', undefined, 'undefined'].map((text) => parse(text))).toHaveLength(4);
    expect(read).toEqual(['a', 'b', undefined, 'undefined']);
    expect(() => parse('wrong')).toThrow('wrong');
    expect(() => parse('wrong')).toThrow('wrong');
    expect(read).toHaveLength(6);
  });

  it('several texts are read again if one of them is another, and beyond the last few, those used last are kept', () => {
    const read: string[] = [];
    const join = memoize((a: string, b: string | undefined) => {
      read.push(`${a} ${b}`);
      return { text: `${a} ${b}` };
    }, 2);
    const first = join('a', 'b');
    expect(join('a', undefined)).toEqual({ text: 'a undefined' });
    expect(join('a', 'b')).toBe(first);
    join('b', 'a');
    expect(join('a', 'b')).toBe(first);
    expect(join('a', undefined)).toEqual({ text: 'a undefined' });
    expect(read).toEqual(['a b', 'a undefined', 'b a', 'a undefined']);
  });
});
