import { cp, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startGitHub, type GitHubHost } from '../hosts/github.ts';
import { startParameterStore } from '../hosts/parameters.ts';
import { freePort } from '../hosts/port.ts';
import { installPackage, packClone } from './clone.ts';
import { functionPaths } from './paths.ts';
import { buildFirebase, emulate, readConfig } from './firebase.ts';
import { startPackage } from './lambda.ts';
import { buildNetlify, serveNetlify } from './netlify.ts';
import { packageService } from './osls.ts';
import type { Platform } from './suite.ts';
import { installed, shipped, workspace } from './tool.ts';
import { login } from './visit.ts';

// Beside what owners have already, and taken there as the documentation says: word for word, so that it cannot drift.

let tarball: string;
let host: GitHubHost;
let settings: Record<string, string>;

/** Several starts of a tool each. */
const patient = { timeout: 120_000 };

beforeAll(async () => {
  [tarball, host] = await Promise.all([packClone(), startGitHub()]);
  host.consent = 'always';
  settings = {
    CMS_AUTH_ORIGINS: 'https://www.example.com',
    GITHUB_URL: host.url,
    GITHUB_CLIENT_ID: host.app.clientId,
    GITHUB_CLIENT_SECRET: host.app.clientSecret,
  };
});
afterAll(() => host?.close());

/** All that a page of the documentation has to say about this, by its capturing groups. */
async function documented(page: string, pattern: RegExp): Promise<string[][]> {
  const found = [...(await readFile(`docs/${page}.md`, 'utf8')).matchAll(pattern)].map(([, ...groups]) => groups);
  if (found.length === 0) throw new Error(`docs/${page}.md has nothing like ${pattern}`);
  return found;
}

/** @returns the folder of a project that has nothing of ours yet */
async function project(files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await workspace();
  await addFiles(folder, files);
  return folder;
}

async function addFiles(folder: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    await mkdir(path.dirname(path.join(folder, name)), { recursive: true });
    await writeFile(path.join(folder, name), content);
  }
}

/** What has to be true of our functions there, and of what was there before. */
async function expectBoth(platform: Platform, theirs: Readonly<Record<string, string>>): Promise<void> {
  try {
    host.app.redirectUris.push(`${platform.url}/auth/github/callback`);
    const owner = await fetch(`${platform.url}/auth`);
    expect(await owner.text()).toContain(`${platform.url}/auth/github/callback`);
    const done = await login(platform.url);
    expect(await done.text()).toContain('authorization:github:success:');
    for (const [address, content] of Object.entries(theirs)) {
      const reply = await fetch(platform.url + address);
      expect(`${address}: ${reply.status} ${await reply.text()}`).toBe(`${address}: 200 ${content}`);
    }
  } finally {
    await platform.stop();
  }
}

describe('Beside a Netlify site', patient, () => {
  const page = 'The page that was there before';
  const theirs = { '/': page, '/hello': 'Hello', '/.netlify/functions/old': 'Old' };
  let folder: string;

  /** Their own, and those of ours, with their paths. */
  async function expectRoutes() {
    const { functions } = await buildNetlify(folder);
    const { gateway: _apart, ...login } = await functionPaths();
    const routes = functions.map(({ name, routes: own = [] }) => [name, own.map(({ pattern }) => pattern)]);
    expect(Object.fromEntries(routes)).toEqual({
      ...login,
      hello: ['/hello'],
      old: [],
    });
  }

  beforeAll(async () => {
    folder = await project({
      'package.json': '{ "private": true }',
      'netlify.toml': '[build]\npublish = "public"\n[dev]\nframework = "#static"\n',
      'public/index.html': page,
      'netlify/functions/hello.mjs':
        "export default () => new Response('Hello');\nexport const config = { path: '/hello' };\n",
      'netlify/functions/old.mjs': "export default () => new Response('Old');\n",
    });
  });

  it('with files of two lines, and the package', async () => {
    await installPackage(tarball, folder);
    const files = await documented('netlify', /`(netlify\/functions\/\w+\.mjs)`:\n\n```js\n([^`]+)```/g);
    await addFiles(folder, Object.fromEntries(files.map(([name = '', content = '']) => [name, content])));
    // The other two are told in words: GitHub's file, with their own name and paths.
    const [, model = ''] = files.find(([name]) => name?.endsWith('/github.mjs')) ?? [];
    for (const [name = '', paths = ''] of await documented('netlify', /`(\w+)` has\s+((?:`\/auth[^`]*`[,\sand]*)+)/g)) {
      const literals = [...paths.matchAll(/`([^`]+)`/g)].map(([, literal]) => `'${literal}'`);
      const content = model.replace('netlify/github', `netlify/${name}`).replace(/\[.*\]/, `[${literals.join(', ')}]`);
      await addFiles(folder, { [`netlify/functions/${name}.mjs`]: content });
    }
    await expectRoutes();
    await expectBoth(await serveNetlify(folder, 'serve', { ...settings, CMS_AUTH_URL: '' }), theirs);
  });

  it('with the built files, copied', async () => {
    await cp(shipped('dist/netlify'), path.join(folder, 'netlify/functions'), { recursive: true });
    await expectRoutes();
    await expectBoth(await serveNetlify(folder, 'serve', { ...settings, CMS_AUTH_URL: '' }), theirs);
  });
});

describe('Beside a Serverless service', patient, () => {
  it('with a file of one line, and the package', async () => {
    const [[line = ''] = []] = await documented('aws', /```js\n(export \{ handler \} [^`]+)```/g);
    const [[block = ''] = []] = await documented('aws', /```yaml\n(package:[^`]+)```/g);
    const environment = `$&
      GITHUB_URL: ${host.url}
      CMS_AUTH_URL: ''`;
    const store = await startParameterStore();
    store.put('/cms-auth/live/github', host.app.clientSecret);
    const folder = await project({
      'package.json': '{ "private": true }',
      'hello.mjs': "export const handler = async () => ({ statusCode: 200, body: 'Hello' });\n",
      'auth.mjs': line,
      'serverless.yml': `
service: theirs
provider: { name: aws, runtime: nodejs24.x }
${block.replace('the-client-id', host.app.clientId).replace(/environment:/, environment)}
  hello:
    handler: hello.handler
    events: [httpApi: 'GET /hello']
`,
    });
    await installPackage(tarball, folder);
    const packaged = await packageService(folder);
    expect([...packaged.files.keys()]).toEqual(
      expect.arrayContaining([
        'auth.mjs',
        'hello.mjs',
        ...['auth', 'openid', 'ssm'].map((name) => `node_modules/cms-auth-functions/dist/lambda/${name}.mjs`),
      ]),
    );
    try {
      const { accessKeyId, secretAccessKey, sessionToken } = store.credentials;
      const aws = {
        AWS_ENDPOINT_URL_SSM: store.url,
        AWS_ACCESS_KEY_ID: accessKeyId,
        AWS_SECRET_ACCESS_KEY: secretAccessKey,
        AWS_SESSION_TOKEN: sessionToken,
      };
      await expectBoth(await startPackage(packaged, { handler: 'auth.handler', aws }), {});
      const others = await startPackage(packaged, { handler: 'hello.handler' });
      const hello = await fetch(`${others.url}/hello`).finally(others.stop);
      expect(await hello.text()).toBe('Hello');
    } finally {
      await store.close();
    }
  });
});

describe('Beside a Firebase project', patient, () => {
  const page = 'The single page that was there before';
  const theirs = { '/': page, '/somewhere/else': page, '/hello': 'Hello' };
  const hello = "export const hello = onRequest((request, response) => void response.send('Hello'));\n";
  let folder: string;
  let port: number;
  let values: Record<string, string>;

  beforeAll(async () => {
    const [[block = ''] = []] = await documented('firebase', /```json\n(\{ "source"[^`]+)```/g);
    const at = { functionId: 'hello', region: 'us-central1' };
    folder = await project({
      'functions/package.json':
        '{ "private": true, "type": "module", "main": "index.js", "engines": { "node": "24" } }',
      'functions/index.js': `import { onRequest } from 'firebase-functions/https';\n${hello}`,
      'public/index.html': page,
      'firebase.json': JSON.stringify({
        functions: [{ source: 'functions', codebase: 'default' }],
        hosting: {
          public: 'public',
          rewrites: [
            ...(JSON.parse(`[${block}]`) as object[]),
            { source: '/hello', function: at },
            { source: '**', destination: '/index.html' },
          ],
        },
      }),
    });
    await installPackage(tarball, path.join(folder, 'functions'));
    for (const name of ['firebase-admin', 'firebase-functions'])
      await symlink(installed(name), path.join(folder, 'functions/node_modules', name));
    port = await freePort();
    values = { ...settings, CMS_AUTH_URL: `http://localhost:${port}` };
  });

  it('as a second codebase', async () => {
    const ours = await buildFirebase(values);
    const config = await readConfig(folder);
    const [entry] = (await readConfig(ours)).functions;
    config.functions.push({ codebase: '', ...entry, source: 'login' });
    await writeFile(path.join(folder, 'firebase.json'), JSON.stringify(config));
    await cp(path.join(ours, 'dist/firebase'), path.join(folder, 'login'), { recursive: true });
    await expectBoth(await emulate(folder, port), theirs);

    config.functions.pop();
    await writeFile(path.join(folder, 'firebase.json'), JSON.stringify(config));
  });

  it('as one of its own functions', async () => {
    const [[index = ''] = []] = await documented('firebase', /```js\n([^`]+)```/g);
    const { GITHUB_CLIENT_SECRET, ...others } = values;
    await addFiles(folder, {
      'functions/index.js': index + hello,
      'functions/.env': Object.entries(others)
        .map((pair) => pair.join('='))
        .join('\n'),
      'functions/.secret.local': `GITHUB_CLIENT_SECRET=${GITHUB_CLIENT_SECRET}`,
    });
    await expectBoth(await emulate(folder, port), theirs);
  });
});
