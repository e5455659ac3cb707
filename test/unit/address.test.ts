/** Where the code is: said in package.json, and nowhere else by hand. */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { addressOf, ours, pages, withAddress } from '../address.ts';

const published = { name: 'cms-auth-functions', version: '1.0.0', repository: 'github:acme/cms-auth-functions' };

describe.each(pages)('%s', (file) => {
  const text = readFileSync(file, 'utf8');

  it('says where the code is as package.json has it (npm test -- address -u writes it)', async () => {
    await expect(withAddress(text)).toMatchFileSnapshot(`../../${file}`);
  });

  it('would say something else with another address', () => {
    expect(withAddress(text, published)).not.toBe(text);
    // Where to clone it from, or what to install.
    expect(withAddress(text, published)).toMatch(/acme\/cms-auth-functions|npm install cms-auth-functions\n/);
  });
});

it('what is made reads as it should, published and not', () => {
  const page =
    '<!-- made: clone x -->\n<!-- /made -->\n\n  <!-- made: install -->\n  <!-- /made -->\n<!-- made: buttons -->\n<!-- /made -->\n';
  expect(withAddress(page, { name: 'a', version: '1.2.3', private: true })).toBe(
    "<!-- made: clone x -->\n\nCopy this project's folder to your machine as `x`, and open a terminal in it.\n\n<!-- /made -->\n\n  <!-- made: install -->\n\n  Run `npm pack` in this project. It makes a package, which you install in yours:\n\n  ```sh\n  npm install ../a/a-1.2.3.tgz\n  ```\n\n  <!-- /made -->\n<!-- made: buttons -->\n<!-- /made -->\n",
  );
  const made = withAddress(page, published);
  expect(made).toContain('git clone https://github.com/acme/cms-auth-functions x\ncd x');
  expect(made).toContain('npm install cms-auth-functions\n');
  expect(made).toContain('start/deploy?repository=https://github.com/acme/cms-auth-functions)');
  expect(made).toContain('deploy.workers.cloudflare.com/?url=https://github.com/acme/cms-auth-functions)');
  expect(withAddress(made, published)).toBe(made);
  expect(() => withAddress('<!-- made: nonsense -->\n<!-- /made -->')).toThrow('nonsense');
});

it.each([
  [undefined, undefined],
  ['github:acme/x', 'https://github.com/acme/x'],
  ['https://github.com/acme/x.git', 'https://github.com/acme/x'],
  [{ url: 'git+https://git.example.com/acme/x.git' }, 'https://git.example.com/acme/x'],
])('takes what npm takes: %j', (repository, address) => {
  expect(addressOf({ name: 'x', version: '1.0.0', ...(repository !== undefined && { repository }) })).toBe(address);
});

it('no page names an address of the code by hand', () => {
  const own = addressOf(ours);
  for (const file of ['README.md', 'CONTRIBUTING.md', ...readdirSync('docs').map((name) => `docs/${name}`)]) {
    const text = withAddress(readFileSync(file, 'utf8'), { name: 'x', version: '0', private: true });
    expect(text, file).not.toMatch(/github\.com\/YOU|github:YOU|git clone https?:/);
    if (own !== undefined) expect(text, file).not.toContain(own);
  }
});
