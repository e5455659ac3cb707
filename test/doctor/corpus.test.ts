import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { providers } from '../../functions/auth.ts';
import { main } from '../../lib/doctor/main.ts';
import { withFacts } from '../../lib/providers/facts.ts';
import type { Ask, HttpResponse } from '../../lib/doctor/fetch.ts';

/**
 * Forms of real configurations, in our own words and with names of our own, each with the right judgement: what is found, and
 * nothing else. A file says `# what it is`, `> what the doctor is given`, `= severity id` for each finding, and then
 * `@ address [status] [header: value | …]` or `@ file` with what is there below it. `@login address host` is a login server
 * of somebody's where a login begins. `{decap}` and the like are the scripts of the CMSs.
 */
const folder = path.join(import.meta.dirname, 'corpus');

interface Case {
  args: string[];
  expected: string[];
  web: Map<string, Omit<HttpResponse, 'url' | 'cut'>>;
  files: Map<string, string>;
}

const scripts = {
  decap: '<script src="https://unpkg.com/decap-cms@^3.16.3/dist/decap-cms.js"></script>',
  netlify: '<script src="https://unpkg.com/netlify-cms@^2.10.192/dist/netlify-cms.js"></script>',
  sveltia: '<script src="https://unpkg.com/@sveltia/cms/dist/sveltia-cms.js"></script>',
  static: '<script src="https://unpkg.com/@staticcms/app@4.3.0/dist/static-cms-app.js"></script>',
  many: '# one of many lines that a generator wrote, and that say nothing here\n'.repeat(10_500),
  rest: 'media_folder: uploads\ncollections:\n  - { name: pages, label: Pages, folder: pages }',
};
const filled = (text: string) => text.replace(/\{(\w+)\}/g, (all, key) => scripts[key as keyof typeof scripts] ?? all);

const authorize: Record<string, string> = {
  github: 'https://github.com/login/oauth/authorize',
  gitlab: 'https://gitlab.com/oauth/authorize',
  bitbucket: 'https://bitbucket.org/site/oauth2/authorize',
};

function read(text: string): Case {
  const { args, expected, web, files }: Case = { args: [], expected: [], web: new Map(), files: new Map() };
  const [head = '', ...parts] = text.split(/^@ ?/m);
  for (const line of head.split('\n')) {
    if (line.startsWith('> ')) args.push(...line.slice(2).split(' '));
    if (line.startsWith('= ')) expected.push(line.slice(2).trim());
  }
  for (const part of parts) {
    const [first = '', ...rows] = part.split('\n');
    const body = filled(rows.join('\n'));
    const [, place = '', status = '200', more = ''] = /^(\S+)(?: (\d{3}))?(?: (.*))?$/.exec(first) ?? [];
    if (place === 'login') {
      const [address = '', host = '', clientId = 'Iv23liAbCdEfGhIjKlMn'] = more.split(' ');
      const query = `client_id=${clientId}&scope=repo,api&state=x&redirect_uri=${encodeURIComponent(`${address}/done`)}`;
      const headers = new Headers({
        location: `${authorize[host]}?${query}`,
        'set-cookie': 's=1; HttpOnly; Secure; SameSite=Lax',
      });
      web.set(address, { status: 302, headers, body: '' });
    } else if (/^https?:/.test(place)) {
      const type = /\.ya?ml$/.test(place) ? 'text/yaml' : /\.m?js$/.test(place) ? 'text/javascript' : 'text/html';
      const headers = new Headers({ 'content-type': type });
      for (const pair of more === '' ? [] : more.split(' | '))
        headers.set(pair.split(': ')[0] ?? '', pair.replace(/^.*?: /, ''));
      web.set(place, { status: Number(status), headers, body });
    } else files.set(place, body);
  }
  for (const address of Object.values(authorize))
    if (!web.has(address)) web.set(address, { status: 302, headers: new Headers({ location: '/login' }), body: '' });
  return { args, expected, web, files };
}

/** What stands for the web: what the case says is there, "not found" at the same hosts, and no other hosts. */
const webOf =
  ({ web }: Case, asked: string[]) =>
  (): Ask =>
  (url) => {
    asked.push(url.origin);
    const found = web.get(`${url.origin}${url.pathname}`);
    const isHost = [...web.keys()].some((address) => new URL(address).origin === url.origin);
    if (found) return Promise.resolve({ url, cut: false, ...found });
    // Every repository is there, and public; repository.test.ts has the others.
    const [, repo] = /\/(?:repos|projects)\/([^/]+(?:\/[^/]+)?)$/.exec(url.pathname) ?? [];
    if (repo !== undefined) {
      const name = decodeURIComponent(repo);
      const body = JSON.stringify({ full_name: name, path_with_namespace: name, default_branch: 'main' });
      return Promise.resolve({ url, status: 200, headers: new Headers(), body, cut: false });
    }
    return Promise.resolve(
      isHost
        ? { url, status: 404, headers: new Headers(), body: '', cut: false }
        : { networkError: 'there is no such host name' },
    );
  };

const names = (await readdir(folder)).filter((name) => name.endsWith('.txt')).sort();

describe('Real configurations', () => {
  it('are many', () => expect(names.length).toBeGreaterThanOrEqual(60));

  it.each(names)('%s', async (name) => {
    const text = await readFile(path.join(folder, name), 'utf8');
    const one = read(text);
    const asked: string[] = [];
    const home = await mkdtemp(path.join(tmpdir(), 'corpus-'));
    let out = '';
    try {
      for (const [file, body] of one.files) {
        await mkdir(path.dirname(path.join(home, file)), { recursive: true });
        await writeFile(path.join(home, file), body);
      }
      await main(providers.map(withFacts), [...one.args, '--json'], {
        write: (more) => (out += more),
        complain: (more) => (out += more),
        folder: home,
        fetcher: webOf(one, asked),
      });
    } finally {
      await rm(home, { recursive: true });
    }
    const { findings } = JSON.parse(out) as {
      findings: { id: string; severity: string; what: string; where?: string }[];
    };
    const found = findings.map(({ id, severity, where }) => {
      const line = /:(\d+)$/.exec(where ?? '')?.[1];
      const said = `${severity} ${id}`;
      // A line is compared where the case names one.
      return one.expected.includes(`${said} ${line}`) ? `${said} ${line}` : said;
    });
    expect(found.toSorted(), out).toEqual(one.expected.toSorted());
    // Nobody is asked whom neither the user nor the page nor the configuration names, or the CMS asks by itself.
    for (const origin of asked)
      expect(`${text} https://api.netlify.com https://api.github.com ${Object.values(authorize).join(' ')}`).toContain(
        new URL(origin).host,
      );
  });
});
