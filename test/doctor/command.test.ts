import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { providers } from '../../functions/auth.ts';
import { isFuzzyMatch } from '../../lib/doctor/fuzzy-match.ts';
import { help, main } from '../../lib/doctor/main.ts';
import { withFacts } from '../../lib/providers/facts.ts';
import { parseAdminPage } from '../../lib/doctor/admin-page.ts';
import { connects, policiesOf, runs } from '../../lib/doctor/policy.ts';
import { esbuildInline } from '../../lib/build/inline.mjs';
import { doctor, onFiles } from './run.ts';
import { loginServer } from './setups.ts';

const good = `backend:\n  name: github\n  repo: owner/repository\n  branch: main\n  base_url: ${loginServer}\nmedia_folder: uploads\ncollections: [{ name: pages }]\n`;
const bad = good.replace(loginServer, `${loginServer}/auth`);

describe('The command', () => {
  it.each([
    [[], /What is to be examined/],
    [['a.yml', 'b.yml'], /One at a time/],
    [['a.yml', '--hop'], /--hop/],
    [['a.yml', '--hop', 'http://auth.example.com'], /--hop takes the address/],
    [['a.yml', '--hop', 'ftp://auth.example.com'], /--hop takes the address/],
    [['a.yml', '--hop', 'https://auth.example.com/?x'], /--hop takes the address/],
    [['a.yml', '--cms', 'wordpress'], /--cms takes decap, netlify, sveltia/],
    [['a.yml', '--timeout', '0'], /--timeout takes a number/],
    [['a.yml', '--timeout', 'soon'], /--timeout takes a number/],
    [['a.yml', '--verbose'], /--verbose/],
  ])('was called wrongly: %j', async (args, says) => {
    const { code, out, complaint } = await doctor(args);
    expect(code).toBe(2);
    expect(out).toBe('');
    expect(complaint.split('\n', 1)[0]).toMatch(says);
    expect(complaint).toContain('npm run doctor -- <admin/config.yml');
  });

  it('helps', async () => {
    const { code, out, complaint } = await doctor(['--help']);
    expect([code, complaint]).toEqual([0, '']);
    expect(out).toContain('--hop <address>');
  });

  it('prints one JSON document', async () => {
    const { code, out } = await onFiles({ 'config.yml': bad }, ['config.yml', '--json', '--cms', 'decap']);
    expect(code).toBe(1);
    const report = JSON.parse(out) as Record<string, unknown>;
    expect(report).toMatchObject({
      source: 'config.yml',
      cms: { name: 'decap' },
      backend: 'github',
      ok: false,
      counts: { broken: 1 },
    });
    expect((report['findings'] as unknown[])[0]).toEqual({
      id: 'base-url-path',
      severity: 'broken',
      what: expect.stringContaining('base_url has a path') as string,
      why: expect.any(String) as string,
      write: `backend:\n  base_url: ${loginServer}`,
      where: 'config.yml:5',
    });
  });

  it('uses colours only where they are wanted', async () => {
    const outputs: string[] = [];
    for (const colour of [true, false])
      await main(providers.map(withFacts), ['nowhere.yml'], {
        write: (text) => outputs.push(text),
        complain: () => {},
        colour,
      });
    // oxlint-disable-next-line no-control-regex
    expect(outputs.map((out) => /\x1b\[/.test(out))).toEqual([true, false]);
  });

  it('lets nothing in a file move the cursor of the terminal', async () => {
    const text = `backend:\n  name: "git\\e[2Jhub\\u202e"\n  "re\\e]0;x\\apo": a/b\n`;
    const { out } = await onFiles({ 'config.yml': text }, ['config.yml']);
    expect(out).not.toMatch(/[^\P{Cc}\n]|\p{Cf}/u);
    expect(out).toContain('backend.name is git·[2Jhub·');
  });

  it('never shows a secret', async () => {
    const { out } = await onFiles(
      { 'config.yml': good.replace('  base_url', '  client_secret: hunter2\n  base_url') },
      ['config.yml', '--json'],
    );
    expect(out).not.toContain('hunter2');
    const gateway = `backend:\n  name: git-gateway\n  gateway_url: https://gateway.example.com/git\n  auth_type: pkce\nauth:\n  client_secret: hunter2\n`;
    for (const more of [[], ['--json']]) {
      const below = await onFiles({ 'config.yml': gateway }, ['config.yml', '--cms', 'decap', ...more]);
      expect(below.out).toContain('client_secret stands in the CMS configuration');
      expect(below.out).not.toContain('hunter2');
    }
  });

  it('tells to revoke what is personal, and to set it nowhere', async () => {
    const text = good.replace('  base_url', '  token: abc\n  client_secret: abc\n  base_url');
    const { out } = await onFiles({ 'config.yml': text }, ['config.yml', '--json']);
    const { findings } = JSON.parse(out) as { findings: { id: string; what: string; why: string; write?: string }[] };
    const [app, own] = findings.filter(({ id }) => id === 'secret');
    expect(app?.what).toMatch(/^client_secret stands/);
    expect(app?.write).toMatch(/^GITHUB_CLIENT_SECRET=…/);
    expect(own?.what).toMatch(/^token stands/);
    expect(own?.why).toContain('revoke it where it was made');
    expect(own?.write).toBeUndefined();
  });

  it('quotes nothing of a file that is not valid JSON', async () => {
    const text = '{"backend": {"client_secret": hunter2}}';
    const { first } = await onFiles({ 'config.json': text }, ['config.json', '--cms', 'sveltia']);
    expect(first).toContain('is not valid JSON');
    expect(first).not.toContain('unter2');
  });

  const keys = ['name', 'repo', 'branch', 'base_url', 'auth_endpoint', 'api_root', 'graphql_api_root', 'site_domain'];
  const gatewayKeys = ['gateway_url', 'identity_url', 'status_endpoint', 'base_url', 'app_id'];
  const others = ['api-root', 'baseurl', 'x', 'password'];
  it.each([
    ...[...keys, ...others].map((key) => ['github', key] as const),
    ...gatewayKeys.map((key) => ['git-gateway', key] as const),
  ])('shows no secret of an address, with %s in %s', async (name, key) => {
    for (const value of [
      'https://hunter2@auth.example.com/o/r',
      'https://me:hunter2@auth.example.com/api/v4',
      'HTTP://me:hunt@hunter2@auth.example.com/',
      '//me:hunter2@auth.example.com',
      'me:hunter2@auth.example.com/{{x}}',
      'https://auth.example.com/git?client_secret=hunter2',
      'https://auth.example.com/auth?a=b&token=hunter2#key=hunter2',
    ]) {
      const group = { name, ...(name === 'git-gateway' && { auth_type: 'pkce' }), [key]: value };
      const text = JSON.stringify({ backend: group, auth: group, [key]: value, site_url: value });
      for (const more of [[], ['--json']]) {
        const { out, complaint } = await onFiles({ 'config.yml': text }, ['config.yml', '--cms', 'decap', ...more]);
        expect(complaint).toBe('');
        expect(out).toMatch(/Examined|"source"/);
        expect(out).not.toContain('hunter2');
      }
    }
  });

  it.each([
    'https://me:hunter2@example.com/admin/',
    'HTTPS://me:hunter2@example.com/',
    ' https://hunter2@example.com/',
    'me:hunter2@example.com/admin',
    '//me:hunter2@example.com/',
  ])('takes no password in an address: %s', async (source) => {
    const { code, out, complaint } = await doctor([source]);
    expect([code, out]).toEqual([2, '']);
    expect(complaint).toContain('Leave the user name and the password out');
    expect(complaint).not.toContain('hunter2');
  });

  it('shows no value of the query of an admin page', async () => {
    const { out, first } = await doctor(['http://localhost:9/admin/?token=hunter2']);
    expect(first).toContain('http://localhost:9/admin/?token=…');
    expect(out).not.toContain('hunter2');
  });
});

describe('A file', () => {
  it('may hold several values that are no text: each is named for what it is', async () => {
    const text =
      'backend:\n  name: github\n  repo: 123\n  branch: 2024\n  base_url: 5\nmedia_folder: uploads\ncollections: [{ name: pages }]\n';
    const { out } = await onFiles({ 'config.yml': text }, ['config.yml', '--json', '--cms', 'decap']);
    const { findings } = JSON.parse(out) as { findings: { id: string; where: string }[] };
    expect(findings.map(({ id, where }) => `${id} ${where}`)).toEqual(
      [3, 5, 4].map((line) => `not-text config.yml:${line}`),
    );
  });

  it('may be a folder, and tells its CMS by the page beside it', async () => {
    const script = '<script src="https://cdn.jsdelivr.net/npm/@sveltia/cms@0.221.1/dist/sveltia-cms.js"></script>';
    const { out } = await onFiles({ 'config.yml': good, 'index.html': script }, ['.']);
    expect(out).toContain('Sveltia CMS 0.221.1');
  });

  it('may be the admin page', async () => {
    const page =
      '<link rel="cms-config-url" type="application/json" href="/admin/cms.json"><script src="sveltia-cms.js"></script>';
    const text = JSON.stringify({ backend: { name: 'bitbucket' } });
    const { first } = await onFiles({ 'index.html': page, 'cms.json': text }, ['index.html']);
    expect(first).toMatch(/Sveltia CMS has no bitbucket backend \(cms\.json:1\)/);
  });

  it.each([
    ['nowhere.yml', /There is no file nowhere\.yml/],
    ['.', /There is no config\.yml in \./],
  ])('is not there: %s', async (name, says) => {
    const { first, code } = await onFiles({}, [name]);
    expect(first).toMatch(says);
    expect(code).toBe(1);
  });

  it('may begin with a byte order mark, as browsers allow', async () => {
    const { out } = await onFiles({ 'config.yml': `\ufeff${bad}` }, ['config.yml']);
    expect(out).toMatch(/^broken {2}base_url has a path .*config\.yml:5\)/);
  });

  it('may have Windows line ends, anchors and merged groups', async () => {
    const text = `x: &x\n  repo: owner/repository\n  base_url: ${loginServer}/auth\nbackend:\n  <<: *x\n  name: github\n`;
    const { first } = await onFiles({ 'config.yml': text.replaceAll('\n', '\r\n') }, ['config.yml']);
    expect(first).toMatch(/base_url has a path.*config\.yml:3\)/);
  });

  it('may not be in UTF-16 or have megabytes', async () => {
    const utf16 = Buffer.from(`\ufeff${good}`, 'utf16le');
    expect((await onFiles({ 'config.yml': utf16 }, ['config.yml'])).first).toMatch(/is not a UTF-8 text/);
    const huge = good.padEnd(3_000_000, '#');
    expect((await onFiles({ 'config.yml': huge }, ['config.yml'])).first).toMatch(/larger than 2 MB/);
  });

  it('may hold aliases of aliases without end', async () => {
    const levels = Array.from({ length: 30 }, (_, i) => `a${i + 1}: &a${i + 1} [*a${i}, *a${i}, *a${i}, *a${i}]\n`);
    const { first } = await onFiles({ 'config.yml': `a0: &a0 x\n${levels.join('')}${bad}` }, ['config.yml']);
    expect(first).toMatch(/base_url has a path/);
  });

  it('gets an answer whatever is in it', async () => {
    const keys = fc.constantFrom('name', 'repo', 'branch', 'base_url', 'auth_endpoint', 'api_root', 'site_domain', 'x');
    const values = fc.oneof(
      fc.string(),
      fc.constantFrom(
        'github',
        'gitlab',
        'bitbucket',
        loginServer,
        `${loginServer}/a`,
        '//',
        'https://',
        '[::1]',
        'a/b',
        'auth',
      ),
      fc.jsonValue({ maxDepth: 1 }),
    );
    const config = fc.record({ backend: fc.dictionary(keys, values) }, { requiredKeys: [] });
    await fc.assert(
      fc.asyncProperty(config, async (value) => {
        const named = value.backend?.['base_url'];
        // No name is looked up here.
        if (value.backend && (typeof named !== 'string' || !named.startsWith(loginServer)))
          delete value.backend['base_url'];
        const { out, complaint } = await onFiles({ 'config.json': JSON.stringify(value) }, ['config.json']);
        expect(complaint).toBe('');
        expect(out).toMatch(/^(?:broken|risky|Nothing)/);
      }),
      { numRuns: 200 },
    );
  });
});

describe('The parts', () => {
  it.each([
    ['decap', 'https://unpkg.com/decap-cms@^3.0.0/dist/decap-cms.js', '^3.0.0'],
    ['decap', 'https://esm.sh/decap-cms-app@3.8', '3.8'],
    ['decap', '/admin/decap-cms.js', undefined],
    ['netlify', 'https://unpkg.com/netlify-cms@~2.10.192/dist/netlify-cms.js', '~2.10.192'],
    ['sveltia', 'https://unpkg.com/@sveltia/cms/dist/sveltia-cms.js', undefined],
    ['sveltia', 'https://unpkg.com/@sveltia/cms@0.221.1/dist/sveltia-cms.mjs', '0.221.1'],
    ['static', 'https://unpkg.com/@staticcms/app@^4.0.0/dist/static-cms-app.js', '^4.0.0'],
  ])('tell %s by %s', (name, script, version) => {
    for (const html of [
      `<script src="${script}"></script>`,
      `<script type=module>import CMS from '${script}'</script>`,
    ])
      expect(parseAdminPage(html).cms).toEqual([{ name, version }]);
  });

  it('take no widget for a CMS, and nothing in a comment', () => {
    const html =
      '<script src="https://unpkg.com/netlify-cms-widget-x@1.0.0/a.js"></script><!-- <script src="decap-cms.js"></script> -->';
    expect(parseAdminPage(html).cms).toEqual([]);
  });

  it.each([
    ['connect-src *', true],
    ['connect-src https:', true],
    ['connect-src https://api.github.com', true],
    ['connect-src api.github.com/', true],
    ['connect-src *.github.com', true],
    ["default-src 'none'; connect-src api.github.com:443", true],
    ['connect-src api.github.com:8443', false],
    ["connect-src 'none'", false],
    ["default-src 'self'", false],
    ['connect-src http://api.github.com', true],
    ['connect-src http://api.github.com:80', true],
    ['connect-src *.api.github.com', false],
    ["script-src 'self'", true],
  ])('know what a policy lets through: %s', (policy, allowed) => {
    const policies = policiesOf(new Headers({ 'content-security-policy': policy }), undefined);
    expect(policies.every((one) => connects(one, 'https://api.github.com', 'https://www.example.com'))).toBe(allowed);
  });

  // https://www.w3.org/TR/CSP3/#match-paths
  it.each([
    ['https://unpkg.com/', true],
    ['https://unpkg.com/decap-cms@^3.0.0/', true],
    ['https://unpkg.com/decap-cms@%5E3.0.0/', true],
    ['https://unpkg.com/decap-cms@%5e3.0.0/dist/decap-cms.js', true],
    ['https://unpkg.com/decap-cms@^3.0.0', false],
    ['https://unpkg.com/decap-cms@^3.0.0/dist', false],
    ['https://unpkg.com/decap-cms@^3.0.0/dist/decap-cms.js/', false],
    ['https://unpkg.com/decap-cms@%5/', false],
    ['https://unpkg.com/DECAP-CMS@^3.0.0/', false],
  ])('know which scripts a policy lets through: %s', (source, allowed) => {
    const [policy] = policiesOf(new Headers({ 'content-security-policy': `script-src ${source}` }), undefined);
    const url = new URL('https://unpkg.com/decap-cms@^3.0.0/dist/decap-cms.js');
    expect(policy && runs(policy, { url, isVouched: false }, 'https://www.example.com')).toBe(allowed);
  });

  it('know a slip from another word', () => {
    for (const slip of ['BaseURL', 'base-url', 'base_ulr', 'bas_url', 'base_urll'])
      expect(isFuzzyMatch(slip, 'base_url')).toBe(true);
    for (const word of ['base_path', 'logo_url', 'site_url', 'url']) expect(isFuzzyMatch(word, 'base_url')).toBe(false);
  });
});

describe('The bundle', () => {
  const run = promisify(execFile);
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'doctor-'));
    await build({
      stdin: {
        contents: `import { providers } from './functions/auth.ts';
          import { doctor } from './lib/cli/doctor.ts';
          await doctor(providers);`,
        resolveDir: process.cwd(),
      },
      outfile: join(folder, 'doctor.mjs'),
      bundle: true,
      platform: 'node',
      format: 'esm',
      target: 'node20',
      // The package's build for Node is CommonJS, which asks for its own `require`.
      alias: { yaml: './node_modules/yaml/browser/index.js' },
      plugins: [esbuildInline],
    });
    await writeFile(join(folder, 'config.yml'), bad);
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('runs by itself, from the folder in which the command was given', async () => {
    const env = { PATH: process.env['PATH'], INIT_CWD: folder };
    const result = run(process.execPath, [join(folder, 'doctor.mjs'), 'config.yml'], { env });
    await expect(result).rejects.toMatchObject({
      code: 1,
      stderr: '',
      stdout: expect.stringMatching(/^broken {2}base_url has a path/) as string,
    });
  });
});

describe('docs/doctor.md', () => {
  it('shows what is really printed, and all options', async () => {
    const page = await readFile('docs/doctor.md', 'utf8');
    const [, example] = /```text\n(.*?)```/s.exec(page) ?? [];
    const text = good.replace(loginServer, `${loginServer}/prod`);
    const { out } = await onFiles({ 'config.yml': text }, ['config.yml', '--cms', 'decap']);
    // The name in the example is not asked, which is a finding of its own.
    const printed = out.replace(/risky {3}.*?\n\n/s, '').replace('1 risky', '0 risky');
    expect(printed).toBe(example);
    for (const [option] of help().matchAll(/--(?!help)[a-z]+/g)) expect(page).toContain(option);
  });
});
