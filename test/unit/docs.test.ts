import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { providers } from '../../functions/auth.ts';
import { originsSetting } from '../../lib/config/settings.ts';
import { matchOrigin } from '../../lib/http/origins.ts';
import { gatewayErrors } from '../../lib/gateway/errors.ts';
import { errors } from '../errors.ts';
import { settingsOf } from '../../lib/config/table.ts';

const pages = ['README.md', 'SECURITY.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'test/README.md', 'test/bench/README.md'];
const files = [...pages, ...readdirSync('docs').map((file) => `docs/${file}`)];
const texts = new Map(files.map((file) => [file, readFileSync(file, 'utf8')]));
const everything = [...texts.values()].join('\n');

const settings = settingsOf(undefined, providers).map(({ name }) => name);

/** As GitHub makes them of headings. */
const anchors = (text: string): string[] =>
  [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  );

describe.each(files)('%s', (file) => {
  const text = texts.get(file) ?? '';

  it('links to what there is', () => {
    for (const [, link = ''] of text.matchAll(/(?:\]\(|\bsrc(?:set)?=")([^)"]+)[)"]/g)) {
      if (/^https?:/.test(link)) continue;
      const [target = '', anchor] = link.split('#');
      const linked = target === '' ? file : path.join(path.dirname(file), target);
      expect(existsSync(linked), `${link} in ${file}`).toBe(true);
      if (anchor !== undefined) expect(anchors(readFileSync(linked, 'utf8')), `${link} in ${file}`).toContain(anchor);
    }
  });

  it('names no setting, script or file that does not exist', () => {
    for (const [name] of text.matchAll(/\b(?:CMS_AUTH|CMS_GATEWAY|GITHUB|GITLAB|BITBUCKET)_[A-Z_]+\b/g))
      // Others have settings of these names, and a page that says what becomes of theirs may name them.
      if (!file.endsWith('coming-from.md')) expect(settings).toContain(name);
    const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Record<string, string> };
    for (const [, script = ''] of text.matchAll(/npm run ([\w:]+)/g)) expect(Object.keys(scripts)).toContain(script);
    for (const [, named = ''] of text.matchAll(/`((?:lib|test|functions|docs)\/[\w./-]+)`/g))
      expect(existsSync(named), `${named} in ${file}`).toBe(true);
  });
});

describe('SECURITY.md', () => {
  const text = texts.get('SECURITY.md') ?? '';
  const section = (heading: string) => text.split(/^(?=##+ )/m).find((part) => part.startsWith(`${heading}\n`)) ?? '';
  /** The cell of each row that says which test shows it. */
  const rowsOf = (heading: string) => {
    const [head = [], , ...rows] = section(heading)
      .split('\n')
      .filter((line) => line.startsWith('|'))
      .map((line) => line.split('|').map((cell) => cell.trim()));
    return rows.map((row): [string, string] => [`${row[1]}: ${row[2]}`, row[head.indexOf('Shown by')] ?? '']);
  };
  const promises = section('## Promises')
    .split(/^(?=\d+\. )/m)
    .slice(1)
    .map((promise): [string, string] => [promise.split('\n', 1)[0] ?? '', promise.slice(promise.lastIndexOf('\n   '))]);
  const threats = ['## Threats', '### The gateway', '## The sign-in of the gateway'].map(rowsOf);

  it('has promises and threats', () => {
    expect(promises).toHaveLength(10);
    for (const rows of threats) expect(rows.length).toBeGreaterThan(5);
  });

  it.each([...promises, ...threats.flat()])('names the test, or says that there is none: %s', (_, shown) => {
    if (/^\s*no test/i.test(shown)) return;
    const named = [...shown.matchAll(/`(test\/[^`]+)`/g)].map(([, file = '']) => file);
    expect(named.length, `"${shown}" names no file in test/, and does not say "no test"`).toBeGreaterThan(0);
    for (const file of named) expect(existsSync(file) && statSync(file).isFile(), `${file} is no file`).toBe(true);
  });
});

describe('The docs', () => {
  it('list every error code with its status and its words, and no other', () => {
    const rows = [...(texts.get('docs/errors.md') ?? '').matchAll(/^\| `([A-Z_]+)` \| (\d+) \| \w+ \| (.*) \|$/gm)];
    const words = (text: string) => text.replace(/\{advice\}/, '').replace(/\{(\w+)\}/g, '*$1*');
    const sorted = (list: [string, number, string][]) => list.sort(([a], [b]) => (a < b ? -1 : 1));
    expect(sorted(rows.map(([, code = '', status, text = '']) => [code, Number(status), text]))).toEqual(
      sorted(
        Object.values({ ...errors, ...gatewayErrors }).map(({ code, status, text }) => [code, status, words(text)]),
      ),
    );
  });

  it('list the page in the set-up on localhost, so that it gets a token', () => {
    const [, section = ''] = /^## Everything on localhost\n(.*?)^## /ms.exec(texts.get('docs/set-ups.md') ?? '') ?? [];
    const [, block = ''] = /```sh\n(.*?)```/s.exec(section) ?? [];
    const env = Object.fromEntries(
      block
        .trim()
        .split('\n')
        .map((row) => row.split('=', 2)),
    );
    const address = { origin: 'http://localhost:8888', prefix: '', secure: false };
    expect(section).toContain(`base_url: ${address.origin}`);
    expect(matchOrigin(originsSetting(address).read(env), 'http://localhost:8080')).toBe('exact');
    expect(matchOrigin(originsSetting(address).read({}), 'http://localhost:8080')).toBeUndefined();
  });

  it('are all found from the README', () => {
    const seen = new Set(['README.md']);
    for (const file of seen)
      for (const [, link = ''] of (texts.get(file) ?? '').matchAll(/\]\(([^)#]+\.md)/g))
        if (!/^https?:/.test(link)) seen.add(path.join(path.dirname(file), link));
    expect(files.filter((file) => !seen.has(file))).toEqual([]);
  });

  it('hold nothing that was left behind', () => {
    expect(everything).not.toMatch(/TODO|FIXME|lorem|XXX/i);
  });
});
