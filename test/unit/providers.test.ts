import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { providers } from '../../functions/auth.ts';

/** What a host needs besides its record; settings, serverless.yml and paths have tests of their own. */
describe.each(providers)('$name', ({ id, name }) => {
  const readme = readFileSync('README.md', 'utf8');
  it.each([
    [`functions/${id}.ts: copy another host's`, () => existsSync(`functions/${id}.ts`)],
    [`docs/${id}.md: how its owner registers an app`, () => existsSync(`docs/${id}.md`)],
    [`a link to docs/${id}.md in README.md`, () => readme.includes(`docs/${id}.md`)],
    [`${id.toUpperCase()}_ among the settings in README.md`, () => readme.includes(`\`${id.toUpperCase()}_`)],
    [
      `${name} in serverless.yml`,
      () => readFileSync('serverless.yml', 'utf8').includes(`${id.toUpperCase()}_CLIENT_ID`),
    ],
  ])('has %s', (what, isThere) => {
    expect(isThere(), `${name} still lacks ${what}.`).toBe(true);
  });
});
