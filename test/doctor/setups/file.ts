import { backend, github, base, loginServer, type Setup } from './setup.ts';

/** The file itself. */
export const file: Setup[] = [
  // The file itself
  { name: 'a tab', text: 'backend:\n\tname: github\n', says: /indented with a tab/, line: 2 },
  {
    name: 'a key twice',
    text: backend(...github, base, `base_url: ${loginServer}`),
    says: /A key stands twice/,
    line: 6,
  },
  {
    name: 'no space after the colon',
    text: backend(...github, 'base_url:https://auth.invalid'),
    says: /no blank after a colon/,
    line: 5,
  },
  { name: 'uneven indentation', text: 'backend:\n  name: github\n   repo: a/b\n', says: /indented unevenly/, line: 3 },
  {
    name: 'two documents',
    text: `${backend(...github, base)}---\ncollections: [{ name: pages }]\n`,
    says: /a line "---" in the middle/,
  },
  {
    name: 'an anchor that is not there',
    text: 'backend: *github\n',
    says: /not valid YAML: there is no anchor "github"/,
    line: 1,
  },
  {
    name: 'a slug without quotation marks',
    text: `${backend(...github, base)}collections:\n  - name: blog\n    slug: {{year}}-{{month}}-{{slug}}\n`,
    says: /begins with a brace, and has no quotation marks/,
    line: 8,
    write: 'slug: "{{year}}-{{month}}-{{slug}}"',
  },
  {
    name: 'a colon beside what a build fills in',
    text: `${backend(...github, base)}logo_title: Acme: {{ site.title }}\n`,
    says: /has a colon in it, and no quotation marks/,
    line: 6,
    write: 'logo_title: "Acme: {{ site.title }}"',
  },
  { name: 'an empty file', text: '', says: /configuration is empty/ },
  { name: 'a file of comments', text: '# nothing\n', says: /holds no keys/ },
  { name: 'a file of another kind', text: 'hello', says: /holds no keys/ },
  {
    name: 'a web page',
    text: '<!doctype html><title>Home</title>',
    says: /There is a web page where the CMS configuration should be/,
  },
  { name: 'UTF-16', text: '\0b\0a\0c', says: /not a UTF-8 text/ },
  {
    name: 'JSON with a comma too many',
    text: '{"backend": {"name": "github",}}',
    file: 'config.json',
    cms: 'sveltia',
    says: /not valid JSON/,
  },
  {
    name: 'TOML with a key twice',
    text: 'a = 1\na = 2\n',
    file: 'config.toml',
    cms: 'sveltia',
    says: /not valid TOML/,
    line: 2,
  },
  {
    name: 'TOML in Decap',
    text: `[backend]\nname = "github"\nrepo = "a/b"\nbranch = "main"\nbase_url = "${loginServer}"\n`,
    file: 'config.toml',
    cms: 'decap',
    says: /Decap CMS does not read TOML/,
  },
  {
    name: 'a path in base_url, in TOML',
    text: `[backend]\nname = "github"\nrepo = "a/b"\nbase_url = "${loginServer}/auth"\n`,
    file: 'config.toml',
    cms: 'sveltia',
    says: /base_url has a path/,
    line: 4,
    write: `base_url = "${loginServer}"`,
  },
  {
    name: 'a path in base_url, in JSON',
    text: `{\n  "backend": {\n    "name": "github",\n    "repo": "a/b",\n    "base_url": "${loginServer}/auth"\n  }\n}\n`,
    file: 'config.json',
    cms: 'sveltia',
    says: /base_url has a path/,
    line: 5,
    write: `"base_url": "${loginServer}"`,
  },
];
