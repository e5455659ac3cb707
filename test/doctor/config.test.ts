import { describe, expect, it } from 'vitest';
import { onFiles } from './run.ts';
import { broken } from './setups.ts';

describe('A broken set-up', () => {
  it.each(broken)('is named in the first line: $name', async (setup) => {
    const { text, says, line, cms, file = 'config.yml', args = [], severity = 'broken', write } = setup;
    // What every configuration needs, so that nothing else is wrong with it.
    const rest =
      file.endsWith('.yml') && severity !== 'broken' ? 'media_folder: uploads\ncollections: [{ name: pages }]\n' : '';
    const { first, out, code, complaint } = await onFiles({ [file]: text.replace(/\n?$/, `\n${rest}`) }, [
      file,
      ...(cms ? ['--cms', cms] : []),
      ...args,
    ]);
    expect(complaint).toBe('');
    expect(first).toMatch(says);
    if (line !== undefined) expect(first).toContain(`(${file}:${line})`);
    if (write !== undefined) expect(out.split('\n').map((row) => row.trim())).toContain(write);
    expect(first.startsWith(severity.padEnd(7)), first).toBe(true);
    expect(code).toBe(severity === 'broken' ? 1 : 0);
  });
});
