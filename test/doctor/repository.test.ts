import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { providers } from '../../functions/auth.ts';
import { main } from '../../lib/doctor/main.ts';
import { withFacts } from '../../lib/providers/facts.ts';
import type { HttpResponse } from '../../lib/doctor/fetch.ts';
import { adminPage } from './world.ts';

/** Answers as the hosts' documentation has them; whatever else is asked cannot be reached. */
const json = (status: number, body: object, headers: Record<string, string> = {}) => ({
  status,
  headers: { 'content-type': 'application/json', ...headers },
  body: JSON.stringify(body),
});
const notFound = json(404, { message: 'Not Found', documentation_url: 'https://docs.github.com/rest', status: '404' });
const site = json(200, { full_name: 'acme/site', default_branch: 'main', archived: false });

type Web = Record<string, { status: number; headers?: Record<string, string>; body: string }>;

async function examine(backend: string, web: Web, source = 'https://www.example.com/admin/') {
  const asked: string[] = [];
  const pages: Web = {
    'https://www.example.com/admin/': { status: 200, body: adminPage('decap') },
    'https://www.example.com/admin/config.yml': {
      status: 200,
      headers: { 'content-type': 'text/yaml' },
      body: `backend:\n${backend}\n  base_url: https://auth.example.com\nmedia_folder: x\ncollections: [{ name: pages }]\n`,
    },
    ...web,
  };
  let out = '';
  const code = await main(providers.map(withFacts), [source, '--json'], {
    write: (text) => (out += text),
    complain: (text) => (out += text),
    fetcher: () => (url) => {
      asked.push(url.href);
      const page = pages[url.href];
      if (!page) return Promise.resolve({ networkError: 'nothing answers there' });
      const answer: HttpResponse = { url, ...page, headers: new Headers(page.headers), cut: false };
      return Promise.resolve(answer);
    },
  });
  const { findings } = JSON.parse(out) as {
    findings: { id: string; severity: string; what: string; write?: string }[];
  };
  const about = findings.filter(({ id }) => /^(?:repository|branch)/.test(id));
  return { code, asked, about, first: about[0] && `${about[0].severity} ${about[0].id}`, write: about[0]?.write };
}

const github = '  name: github\n  repo: acme/site\n  branch: main';
const api = 'https://api.github.com/repos/acme/site';

describe('The repository', () => {
  it('is there', async () => {
    const { about, asked } = await examine(github, { [api]: site });
    expect(about).toEqual([]);
    expect(asked).toContain(api);
  });

  it('is private, or not there: a note, for nobody can tell', async () => {
    const { first, code, about } = await examine(github, { [api]: notFound });
    expect([first, code]).toEqual(['note repository-hidden', 0]);
    expect(about[0]?.what).toBe('The repository acme/site is private, or does not exist');
  });

  it('has moved', async () => {
    const location = 'https://api.github.com/repositories/1296269';
    const { first, write } = await examine(github, {
      [api]: json(301, { message: 'Moved Permanently', url: location }, { location }),
      [location]: json(200, { full_name: 'acme/website', default_branch: 'main' }),
    });
    expect(first).toBe('risky repository-moved');
    expect(write).toContain('repo: acme/website');
  });

  it('sends nobody elsewhere', async () => {
    const location = 'https://other.example.net/repositories/1';
    const { about, asked } = await examine(github, { [api]: json(301, {}, { location }), [location]: site });
    expect(about).toEqual([]);
    expect(asked).not.toContain(location);
  });

  it('is archived', async () => {
    const { first, code } = await examine(github, { [api]: json(200, { full_name: 'acme/site', archived: true }) });
    expect([first, code]).toEqual(['broken repository-archived', 1]);
  });

  it('has no such branch, if the host says so', async () => {
    const backend = github.replace('main', 'master');
    const { first, write } = await examine(backend, {
      [api]: site,
      [`${api}/branches/master`]: json(404, { message: 'Branch not found' }),
    });
    expect(first).toBe('broken branch-missing');
    expect(write).toContain('branch: main');
    expect((await examine(backend, { [api]: site, [`${api}/branches/master`]: notFound })).about).toEqual([]);
  });

  it('is at GitLab', async () => {
    const at = 'https://gitlab.com/api/v4/projects/group%2Fsub%2Fsite';
    const backend = '  name: gitlab\n  repo: group/sub/site\n  branch: old';
    const { first } = await examine(backend, {
      [at]: json(200, { path_with_namespace: 'group/sub/site', default_branch: 'main' }),
      [`${at}/repository/branches/old`]: json(404, { message: '404 Branch Not Found' }),
    });
    expect(first).toBe('broken branch-missing');
    expect((await examine(backend, { [at]: json(404, { message: '404 Project Not Found' }) })).first).toBe(
      'note repository-hidden',
    );
  });

  it.each([
    ['403, when too much was asked', json(403, { message: 'API rate limit exceeded' })],
    ['401', json(401, { message: 'Requires authentication' })],
    ['500', json(500, {})],
    ['a page that is no answer', { status: 200, body: '<html>' }],
    ['nothing', { status: 200, body: 'null' }],
    ['an answer without a name', json(200, {})],
  ])('is not judged by %s', async (_, answer) => {
    expect((await examine(github, { [api]: answer })).about).toEqual([]);
  });

  it('is asked for at the address that the configuration names', async () => {
    const own = 'https://git.acme.org/api/v3';
    const { asked, first } = await examine(`${github}\n  api_root: ${own}`, { [`${own}/repos/acme/site`]: notFound });
    expect(first).toBe('note repository-hidden');
    expect(asked.filter((url) => url.includes('api.github.com'))).toEqual([]);
  });

  it.each([
    'http://192.168.1.5/api/v3',
    'https://10.0.0.7/api/v3',
    'http://localhost:3000/api/v3',
    'https://[::1]/api/v3',
  ])('is not asked for in the network of whoever runs the doctor: %s', async (root) => {
    const { asked } = await examine(`${github}\n  api_root: "${root}"`, {});
    expect(asked.filter((url) => url.includes('/repos/'))).toEqual([]);
  });

  it.each(['acme/..', '../../user', 'acme/site?x=1', 'acme/site#'])('is not asked for by %s', async (repo) => {
    const { asked } = await examine(github.replace('acme/site', `"${repo}"`), {});
    expect(asked.filter((url) => url.includes('api.github.com'))).toEqual([]);
  });

  it('is not asked for where a file is given', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'doctor-'));
    await writeFile(`${folder}/config.yml`, `backend:\n${github}\nmedia_folder: x\ncollections: [{ name: pages }]\n`);
    const { asked } = await examine(github, { [api]: site }, `${folder}/config.yml`).finally(() =>
      rm(folder, { recursive: true }),
    );
    expect(asked).not.toContain(api);
  });
});
