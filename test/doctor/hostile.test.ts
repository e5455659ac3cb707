import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import type { RequestListener } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { listen } from '../hosts/http.ts';
import { doctor, onFiles } from './run.ts';
import { serve } from './world.ts';
import { loginServer } from './setups.ts';

/** Files and servers of people who want to harm whoever examines them. */

const good = `backend:\n  name: github\n  repo: owner/repository\n  branch: main\n  base_url: ${loginServer}\n`;
const decap = '<script src="https://unpkg.com/decap-cms@3.16.3/dist/decap-cms.js"></script>';

/** Far more than is needed, and far less than the minutes that a bad pattern takes. Milliseconds. */
const soon = 30_000;

describe('What moves a terminal', () => {
  const evil = 'a\u009b2J\u001b[31mb\u202ec\u2028d\u{e0041}e\u0007';
  const yaml = JSON.stringify(evil).replace('\u{e0041}', '\\U000e0041').replaceAll('\u009b', '\\x9b');
  const files = {
    'a value that is quoted': good.replace('owner/repository', yaml),
    'a value to paste': `${good}auth_endpoint: ${yaml}\n`,
    'a value to paste, of a key that is spelt wrongly': `${good}  api-root: ${yaml}\n`,
    'a key': `${good}  ${yaml}: 1\n  base_ulr: 1\n`,
    'a secret’s key': `${yaml.replace(/"$/, '_secret"')}: 1\n${good}`,
    'a placeholder': good.replace(
      'owner/repository',
      `"{{${evil.replaceAll('\u001b', '\\e').replaceAll('\u0007', '')}}}"`,
    ),
    'a value of a parser’s message': `backend: *${evil.replace(/[^\w\u202e\u009b]/gu, '')}\n`,
  };

  it.each(Object.entries(files))('does not get through in %s', async (_, text) => {
    for (const args of [[], ['--json']]) {
      const { out } = await onFiles({ 'config.yml': text }, ['config.yml', '--cms', 'decap', ...args]);
      expect(out.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
      if (args.length > 0) expect(() => JSON.parse(out) as unknown).not.toThrow();
    }
  });

  it('does not get through in names of files, nor in what is complained about', async () => {
    const page = `<link rel="cms-config-url" type="text/yaml" href="x&#x9b;31m&#x202e;.yml">${decap}`;
    for (const args of [[], ['--json']]) {
      const { out } = await onFiles({ 'index.html': page }, ['index.html', ...args]);
      expect(out).toContain('There is no file');
      expect(out.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}]/u);
    }
    const { complaint } = await doctor(['--\u009b31m']);
    expect(complaint.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  });

  it('makes up no line that looks like ours', async () => {
    const { out } = await onFiles({ 'config.yml': good.replace('owner/repository', '"a\\nbroken  x"') }, [
      'config.yml',
    ]);
    expect(out).not.toMatch(/^broken {2}x/m);
  });
});

describe('What takes time', () => {
  const many = (text: string, bytes = 360_000) => text.repeat(Math.ceil(bytes / text.length));
  const distinct = (row: (i: number) => string) => Array.from({ length: 30_000 }, (_, i) => row(i)).join('');
  const pages = {
    'links that never end': '<link '.repeat(60_000),
    'a link with a quote that never ends': `<link rel="${many('<link a="')}`,
    attributes: `<link ${distinct((i) => `a${i} `)}`,
    'elements in elements': many('<a>'),
    'elements that are never closed': many('<b>') + many('</i>'),
    forms: many('<form>'),
    'comments that never end': many('<!--'),
    'scripts that never end': many('<script>'),
    'a script of quotes': `<script>${many('"')}`,
    'a script’s address': `<script src="${many('@decap-cms')}"></script>`,
    'spaces in a script': `<script>CMS_MANUAL_INIT${many(' ')}</script>`,
  };

  it.each(Object.entries(pages))(
    'is over soon, in a page: %s',
    async (_, html) => {
      const begun = Date.now();
      const { out } = await onFiles({ 'index.html': html, 'config.yml': good }, ['index.html']);
      expect(out).toMatch(/Examined: /);
      expect(Date.now() - begun).toBeLessThan(soon);
    },
    600_000,
  );

  const configs = {
    keys: ['config.yml', distinct((i) => `k${i}: 1\n`)],
    'anchors and aliases': ['config.yml', distinct((i) => `k${i}: &a${i} 1\nl${i}: *a${i}\n`).slice(0, 400_000)],
    'a list of aliases to merge': ['config.yml', `a: &a {b: 1}\n<<: [${many('*a, ', 100_000)}*a]\n`],
    'merges of merges of merges': [
      'config.yml',
      `x: &x {${distinct((i) => `k${i}: 1, `).slice(0, 200_000)} z: 1}\na: &a {<<: [${many('*x, ', 100)}*x]}\nb: &b {<<: [${many('*a, ', 100)}*a]}\n<<: [${many('*b, ', 100)}*b]\n`,
    ],
    'lists in lists': ['config.yml', many('[', 100_000)],
    placeholders: ['config.yml', `${good}  x: "${many('{{')}"\n`],
    'groups in groups, in JSON': ['config.json', many('{"a":', 100_000)],
    'groups in groups, in TOML': ['config.toml', `[${many('a.', 100_000)}a]\n`],
  } as const;

  it.each(Object.entries(configs))(
    'is over soon, in a configuration: %s',
    async (_, [name, text]) => {
      const begun = Date.now();
      const { out, complaint } = await onFiles({ [name]: text }, [name]);
      expect(complaint).toBe('');
      expect(out).toMatch(/Examined: /);
      expect(Date.now() - begun).toBeLessThan(soon);
    },
    600_000,
  );

  const servers: Record<string, RequestListener> = {
    'an answer without end': (_, response) => {
      const more = () => {
        while (!response.destroyed && response.write(Buffer.alloc(64 * 1024, 'a')));
        response.once('drain', more);
      };
      more();
    },
    'an answer by the byte': (_, response) => {
      const timer = setInterval(() => response.write('a'), 50);
      response.on('close', () => clearInterval(timer));
    },
    'addresses without end': (request, response) =>
      void setTimeout(() => response.writeHead(302, { location: `/${request.url?.length}${request.url}` }).end(), 150),
  };

  it.each(Object.entries(servers))('is over soon, from a server: %s', async (_, answer) => {
    const server = await listen(answer, { host: '127.0.0.1' });
    const begun = Date.now();
    const { code } = await doctor([`${server.url}/admin/`, '--timeout', '0.3']).finally(() => server.close());
    expect(code).toBe(1);
    expect(Date.now() - begun).toBeLessThan(10_000);
  });
});

describe('A script', () => {
  const call = `;CMS.init({ config: { backend: { name: 'github', repo: 'a/b' } } })`;
  const scripts: Record<string, string> = {
    'of many megabytes': `/*${'x'.repeat(9 * 1024 * 1024)}*/${call}`,
    'of groups in groups': `${'['.repeat(200_000)}${call}`,
    'of sums without end': `a=${'1+'.repeat(200_000)}1${call}`,
    'of names that stand for each other': `var a=b,b=a;CMS.init({ config: a })`,
    'of groups that hold each other ever so often': `const a0={};${Array.from({ length: 60 }, (_, i) => `const a${i + 1}={x:a${i},y:a${i},...a${i}};`).join('')}CMS.init({ config: a60 })`,
    'of JSON in JSON': `CMS.init({ config: JSON.parse('${'['.repeat(100_000)}') })`,
    'that is none': '<!doctype html>CMS.init()',
  };

  it.each(Object.entries(scripts))('is over soon: %s', async (_, body) => {
    const begun = Date.now();
    const page = { body: `<script>window.CMS_MANUAL_INIT = true</script>${decap}<script src="own.js"></script>` };
    const pages = { '/admin/': page, '/admin/config.yml': { body: good }, '/admin/own.js': { body } };
    const site = await serve(pages);
    const { out, complaint } = await doctor([`${site.url}/admin/`]).finally(() => site.close());
    expect([complaint, out.includes('Examined: ')]).toEqual(['', true]);
    expect(Date.now() - begun).toBeLessThan(soon);
  });

  it('without end is read no further than a bundle goes', async () => {
    let sent = 0;
    const site = await listen(
      (request, response) => {
        if (request.url === '/admin/') return void response.end(`${decap}<script src="own.js"></script>`);
        if (request.url !== '/admin/own.js') return void response.end(good);
        const more = () => {
          while (!response.destroyed && response.write(Buffer.alloc(64 * 1024, ' '))) sent += 64 * 1024;
          response.once('drain', more);
        };
        more();
      },
      { host: '127.0.0.1' },
    );
    const { out } = await doctor([`${site.url}/admin/`]).finally(() => site.close());
    expect(out).toContain('Examined: ');
    expect(sent).toBeLessThan(64 * 1024 * 1024);
  });

  it('of another site is not asked for', async () => {
    const asked: string[] = [];
    const other = await listen((request, response) => (asked.push(request.url ?? ''), void response.end(call)), {
      host: '127.0.0.1',
    });
    const site = await serve({
      '/admin/': { body: `${decap}<script src="${other.url}/own.js"></script>` },
      '/admin/config.yml': { body: good },
    });
    const { out } = await doctor([`${site.url}/admin/`]).finally(() => Promise.all([site.close(), other.close()]));
    expect(out).toContain('Examined: ');
    expect(asked).toEqual([]);
  });
});

describe('What is no address', () => {
  const bases = ['http://[', 'data:text/plain,x', 'javascript:x', 'http://', '\\\\', '//'];
  it.each(bases)('is no base of a page: %s', async (base) => {
    const pages = { '/admin/': { body: `<base href="${base}">${decap}` }, '/admin/config.yml': { body: good } };
    const site = await serve(pages);
    const { out, complaint } = await doctor([`${site.url}/admin/`]).finally(() => site.close());
    expect([complaint, out.includes('Examined: ')]).toEqual(['', true]);
    if (base !== '//' && base !== '\\\\') expect(out).toContain('/admin/config.yml');
  });

  it.each(['http://[', 'data:text/yaml,a: 1', 'file:///etc/passwd', 'http://'])(
    'is no configuration: %s',
    async (href) => {
      const link = `<link rel="cms-config-url" type="text/yaml" href="${href}">`;
      const site = await serve({ '/admin/': { body: link + decap } });
      const { out } = await doctor([`${site.url}/admin/`]).finally(() => site.close());
      expect(out).toContain('takes its configuration from');
    },
  );

  it('is nothing to go on to', async () => {
    const location = 'data:text/html,x';
    const site = await serve({ '/admin/': { status: 302, headers: { location } } });
    const { first } = await doctor([`${site.url}/admin/`]).finally(() => site.close());
    expect(first).toContain('The admin page answers 302');
  });

  it.each(['foo:bar', 'http://[', 'data:x', '//'])('is no place of an API: %s', async (root) => {
    const site = await serve({
      '/admin/': { body: decap, headers: { 'content-security-policy': "connect-src 'self'" } },
      '/admin/config.yml': { body: `${good}  api_root: "${root}"\n` },
    });
    const { out, complaint } = await doctor([`${site.url}/admin/`]).finally(() => site.close());
    expect(complaint).toBe('');
    expect(out).toMatch(/api_root (?:is|begins)/);
  });
});

describe('A local page', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'doctor-'));
    await mkdir(join(folder, 'site/admin'), { recursive: true });
    await writeFile(join(folder, 'secret.yml'), 'topsecret: &a [\n');
    await writeFile(join(folder, 'passwd'), 'root:topsecret:0\n');
  });
  afterEach(() => rm(folder, { recursive: true }));

  const examine = async (href: string) => {
    const page = `<link rel="cms-config-url" type="text/yaml" href="${href}">${decap}`;
    await writeFile(join(folder, 'site/admin/index.html'), page);
    return doctor(['admin/index.html'], join(folder, 'site'));
  };

  it.each([
    '../../secret.yml',
    '../../passwd',
    '../../../../../../../../../etc/passwd',
    '../../../../../../../../../dev/zero',
    '../../../../../../../../../proc/self/environ',
    'file:///etc/passwd',
    'link.yml',
    'link-to-no-configuration.yml',
  ])('makes nobody read %s', async (href) => {
    await symlink(join(folder, 'secret.yml'), join(folder, 'site/admin/link.yml'));
    await symlink('/etc/passwd', join(folder, 'site/admin/link-to-no-configuration.yml'));
    const { out } = await examine(href);
    expect(out).toMatch(/takes its configuration from .*, which was not read/);
    expect(out).not.toMatch(/root:|topsecret|not valid YAML/);
  });

  it('may name a configuration in the folder where the command was given', async () => {
    await writeFile(join(folder, 'site/cms.yml'), good.replace(loginServer, `${loginServer}/auth`));
    expect((await examine('../cms.yml')).first).toMatch(/base_url has a path .*cms\.yml:5/);
  });

  it.each([
    '../../secret.js',
    '../../../../../../../../../etc/passwd',
    '../../../../../../../../../dev/zero',
    'file:///etc/passwd',
    '//127.0.0.1/x.js',
    'link.js',
    'link-to-no-script.js',
  ])('makes nobody read the script %s', async (src) => {
    await writeFile(join(folder, 'secret.js'), "CMS.init({ config: { backend: { name: 'topsecret' } } })");
    await writeFile(join(folder, 'site/admin/config.yml'), `${good}media_folder: x\ncollections: [{ name: pages }]\n`);
    await symlink(join(folder, 'secret.js'), join(folder, 'site/admin/link.js'));
    await symlink('/etc/passwd', join(folder, 'site/admin/link-to-no-script.js'));
    await writeFile(join(folder, 'site/admin/index.html'), `${decap}<script src="${src}"></script>`);
    const { first, out } = await doctor(['admin/index.html'], join(folder, 'site'));
    expect(out).not.toMatch(/root:|topsecret|A script in the admin page/);
    expect(first).toContain('is the address of an example');
  });

  it('is no device and no pipe', async () => {
    execFileSync('mkfifo', [join(folder, 'pipe.yml')]);
    await symlink('/dev/zero', join(folder, 'zero.yml'));
    await symlink('/dev/zero', join(folder, 'index.html'));
    for (const name of ['pipe.yml', 'zero.yml', '/dev/zero'])
      expect((await doctor([name], folder)).first).toMatch(/is no file/);
    await writeFile(join(folder, 'config.yml'), good);
    expect((await doctor(['config.yml'], folder)).out).toMatch(/Examined: /);
  });
});
