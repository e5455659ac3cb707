import { readFile, readdir } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { providers } from '../../functions/auth.ts';
import { startGate } from '../../lib/doctor/browser-gate.ts';
import { findBrowser, visit } from '../../lib/doctor/browser.ts';
import { main } from '../../lib/doctor/main.ts';
import { withFacts } from '../../lib/providers/facts.ts';
import { cmsBundle } from '../cms/bundles.ts';
import { browserMissing } from '../e2e/browser.ts';
import { listen } from '../hosts/http.ts';
import { doctor, onFiles } from './run.ts';
import { startWorld } from './world.ts';

/** A page with a published CMS beside it. What is in `head` runs before, what is in `tail` after it. */
const page = (cms: string, { head = '', tail = '' } = {}) =>
  `<!doctype html><html><head><meta charset="utf-8">${head}</head><body><script src="${cms}-cms.js"></script>${tail}</body></html>`;

/** As bundlers and frameworks do it: nobody can read from the script what it hands over. */
const init = (config: object) =>
  `<script>fetch('settings.json').then((answer) => answer.json()).then((config) => CMS.init({ config }));</script><!--${JSON.stringify(config)}-->`;

const collections = [{ name: 'a', label: 'A', folder: 'a', fields: [{ name: 'title', label: 'T', widget: 'string' }] }];

const timeoutMs = 60_000;

describe.skipIf(browserMissing)('With a browser, the doctor', () => {
  let world: Awaited<ReturnType<typeof startWorld>>;
  const bundles: Record<string, string> = {};
  const profiles = async () => (await readdir(tmpdir())).filter((name) => name.startsWith('cms-auth-doctor-'));

  beforeAll(async () => {
    world = await startWorld();
    for (const cms of ['decap', 'sveltia'] as const) {
      const { directory, script } = await cmsBundle(cms);
      bundles[cms] = await readFile(path.join(directory, script), 'utf8');
    }
  }, timeoutMs);
  afterAll(() => world?.close());
  beforeEach(() => {
    world.reset();
    for (const [cms, body] of Object.entries(bundles))
      world.pages[`/admin/${cms}-cms.js`] = { body, headers: { 'content-type': 'text/javascript; charset=utf-8' } };
  });
  // Whatever happens, nothing of the browser's is left.
  afterEach(async () => expect(await profiles()).toEqual([]));

  /** With what real CMSs insist on. */
  const config = () =>
    world
      .config('github', { graphql_api_root: `${world.hosts.github.url}/api/graphql` })
      .replace('collections: [{ name: pages }]', `collections: ${JSON.stringify(collections)}`);
  const publish = (cms: string, text: string, parts?: Parameters<typeof page>[1]) => {
    world.publish('decap', text);
    world.pages['/admin/'] = { body: page(cms, parts) };
  };
  const examine = async () => {
    const { out, code } = await doctor([world.admin, '--browser', '--json']);
    const report = JSON.parse(out) as { findings: { id: string; severity: string; what: string; why: string }[] };
    return { ...report, code, ids: report.findings.map(({ id, severity }) => `${severity} ${id}`) };
  };

  it.each(['decap', 'sveltia'])(
    'sees that the login of %s shows, and where its button leads',
    async (cms) => {
      publish(cms, config());
      const { ids, findings, code } = await examine();
      expect(ids.filter((id) => !id.startsWith('note'))).toEqual([]);
      expect(findings.find(({ id }) => id === 'browser-login')?.what).toBe(
        `In the browser the login shows, and its button opens ${world.loginServer}/auth`,
      );
      expect(code).toBe(0);
    },
    timeoutMs,
  );

  it.each(['decap', 'sveltia'])(
    'judges the configuration that a script makes for %s',
    async (cms) => {
      const backend = { base_url: `${world.loginServer}/api/v1` };
      publish(cms, config(), {
        head: '<script>window.CMS_MANUAL_INIT = true</script>',
        tail: init(backend),
      });
      world.pages['/admin/settings.json'] = { body: JSON.stringify({ backend }) };
      const { ids, findings } = await examine();
      expect(ids.filter((id) => /base-url-path|browser-config|manual-init/.test(id))).toEqual([
        // Sveltia compares origins, Decap texts.
        cms === 'decap' ? 'broken base-url-path' : 'note base-url-path',
        'note browser-config',
      ]);
      expect(findings.find(({ id }) => id === 'browser-config')?.what).toContain('backend.base_url');
    },
    timeoutMs,
  );

  it(
    'needs no file where a script has it all',
    async () => {
      const { loginServer, hosts } = world;
      const backend = {
        name: 'github',
        repo: 'a/b',
        branch: 'main',
        base_url: loginServer,
        api_root: `${hosts.github.url}/api/v3`,
      };
      const whole = {
        load_config_file: false,
        backend,
        media_folder: 'x',
        collections,
      };
      publish('decap', '', { head: '<script>window.CMS_MANUAL_INIT = true</script>', tail: init(whole) });
      delete world.pages['/admin/config.yml'];
      world.pages['/admin/settings.json'] = { body: JSON.stringify(whole) };
      const { ids } = await examine();
      expect(ids.filter((id) => !id.startsWith('note'))).toEqual([]);
      expect(ids).toContain('note browser-login');
    },
    timeoutMs,
  );

  it(
    'says that the CMS does not start, and what the page complains about',
    async () => {
      publish('decap', config());
      world.pages['/admin/decap-cms.js'] = {
        body: "throw new TypeError('the widget is not there')",
        headers: { 'content-type': 'text/javascript' },
      };
      const seen = await visit(findBrowser() ?? '', new URL(world.admin), 4_000);
      expect(seen.config).toBeUndefined();
      expect(seen.errors.join()).toContain('the widget is not there');
      let out = '';
      const { visited } = await import('../../lib/doctor/visit.ts');
      const { readGiven } = await import('../../lib/doctor/read.ts');
      const { asker } = await import('../../lib/doctor/fetch.ts');
      const given = await readGiven(world.admin, { ask: asker(2000), folder: '.' });
      const { late = [] } = await visited(given, () => Promise.resolve(seen));
      out = late.map(({ id, severity, why }) => `${severity} ${id} ${why}`).join();
      expect(out).toMatch(/^broken cms-not-started The page complains: “TypeError: the widget is not there”/);
    },
    timeoutMs,
  );

  it(
    'is back in time from a page that never ends',
    async () => {
      const server = await listen(() => {}, { host: '127.0.0.1' });
      const seen = await visit(findBrowser() ?? '', new URL(`${server.url}/admin/`), 3_000).finally(() =>
        server.close(),
      );
      expect(seen.config).toBeUndefined();
    },
    timeoutMs,
  );

  it('opens no file', async () => {
    const { out } = await onFiles({ 'config.yml': config() }, ['config.yml', '--browser']);
    expect(out).toContain('there is no admin page on the web to open');
  });
});

describe('Without a browser, the doctor', () => {
  it('says how to get one', async () => {
    let complaint = '';
    const code = await main(providers.map(withFacts), ['https://www.example.com/admin/', '--browser'], {
      write: () => {},
      complain: (text) => (complaint += text),
      findBrowser: () => undefined,
    });
    expect([code, complaint]).toEqual([2, expect.stringMatching(/Install one, or say where it is: CHROMIUM_PATH=/)]);
  });
});

describe('What the browser asks', () => {
  const through = async (gatePage: string, { announced = true } = {}) => {
    const server = await listen((_, response) => void response.end('from this computer'), { host: '127.0.0.1' });
    const gate = await startGate(new URL(gatePage));
    if (announced) gate.announce(`${server.url}/x`);
    try {
      return await new Promise<string>((resolve) => {
        request({ host: '127.0.0.1', port: gate.port, path: `${server.url}/x` }, (answer) => {
          answer.setEncoding('utf8').once('data', resolve);
        })
          .on('error', () => resolve('refused'))
          .end();
      });
    } finally {
      gate.close();
      await server.close();
    }
  };

  it('is not this computer, for a page on the web', async () => {
    expect(await through('https://www.example.com/admin/')).toBe('refused');
  });
  it('may be this computer, for a page on it', async () => {
    expect(await through('http://localhost:1/admin/')).toBe('from this computer');
  });
  it('is what the page asks for, and nothing that the browser wants for itself', async () => {
    expect(await through('http://localhost:1/admin/', { announced: false })).toBe('refused');
  });
});
