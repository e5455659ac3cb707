/** The Parameter Store itself, and what the deployed files do with it on Lambda. */
import { execFile } from 'node:child_process';
import { cp, mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { openParameterStore } from '../../lib/config/ssm.ts';
import { webErrors } from '../../lib/http/errors.ts';
import { listen } from '../hosts/http.ts';
import {
  credentials,
  aws,
  secretOnly,
  finish,
  login,
  opener,
  deployed,
  begin,
  expectToken,
  expectFailure,
  store,
  outputs,
  closing,
  buildOnce,
} from './secrets/world.ts';

buildOnce();

describe('The Parameter Store', () => {
  const limits = { timeToLive: 300_000, deadline: Infinity };
  const names = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => `/many/${from + i}`);

  beforeEach(() => {
    for (const [name, value] of Object.entries(aws())) vi.stubEnv(name, value);
    for (const name of names(0, 30)) store.put(name, `marked${name}`);
  });

  it('is read in calls of ten names, of which each succeeds or fails for itself', async () => {
    store.delete('/many/3');
    store.denied.add('/many/13');
    const found = await openParameterStore().read(names(0, 23), limits);
    expect(store.requests.map((request) => request.names.length).sort()).toEqual([10, 10, 3]);
    for (const name of names(0, 23)) {
      const number = Number(name.slice(6));
      const { value, problem } = found.get(name) ?? {};
      if (number === 3) expect(problem).toEqual({ code: 'PARAMETER_MISSING', fill: { region: store.region } });
      else if (number >= 10 && number < 20) expect(problem?.fill['detail']).toMatch(/:parameter\/many\/13$/);
      else expect(value).toBe(`marked${name}`);
    }
  });

  it('is asked by many at once for nothing twice', async () => {
    const parameters = openParameterStore();
    const spans = [names(0, 8), names(4, 12), names(0, 12), names(11, 14), ['/many/2', '/many/2']];
    const found = await Promise.all(spans.map((span) => parameters.read(span, limits)));
    found.forEach((one, i) => spans[i]?.forEach((name) => expect(one.get(name)?.value).toBe(`marked${name}`)));
    const asked = store.requests.map((request) => request.names).sort(([a = ''], [b = '']) => (a < b ? -1 : 1));
    expect(asked).toEqual([names(0, 8), names(12, 14), names(8, 12)]);
  });

  it('is waited for no longer than there is time', async () => {
    store.fault = 'hang';
    const found = await openParameterStore().read(['/many/1'], { ...limits, deadline: Date.now() + 50 });
    expect(found.get('/many/1')?.problem?.fill['detail']).toBe('AWS did not answer in time');
  });

  it('may be slow', async () => {
    store.delay = 100;
    const found = await openParameterStore().read(['/many/1'], limits);
    expect(found.get('/many/1')?.value).toBe('marked/many/1');
  });

  it('has a value read anew that is invalidated, and no newer one', async () => {
    const parameters = openParameterStore();
    const read = async () => (await parameters.read(['/many/1'], limits)).get('/many/1')?.value;
    await read();
    store.put('/many/1', 'marked-new');
    parameters.invalidate('/many/1', 'marked/many/1');
    expect(await read()).toBe('marked-new');
    parameters.invalidate('/many/1', 'marked/many/1');
    expect(await read()).toBe('marked-new');
    expect(store.requests).toHaveLength(2);
  });
});

describe('What is deployed', () => {
  const open = opener(deployed);
  const text = async (file: string) => readFile(join(deployed.folder, 'dist', file), 'utf8');
  // The gateway is apart from the login, and on Netlify it is elsewhere.
  const functions = async () =>
    (await readdir('functions'))
      .filter((file) => file !== 'gateway.ts')
      .map((file) => file.replace(/ts$/, 'mjs'))
      .sort();
  // Of the SDK's: the service it asks for and the signature it makes.
  const sdk = /AmazonSSM|aws4_request/;

  it('on Lambda has the AWS SDK in a file of its own', async () => {
    expect(await text('lambda/ssm.mjs')).toMatch(sdk);
    for (const name of await functions()) {
      const source = await text(`lambda/${name}`);
      expect(source).not.toMatch(sdk);
      expect(source).toContain('./ssm.mjs');
    }
  });

  it('on Netlify and Firebase has neither', async () => {
    // Netlify takes every file there for a function, and none of a folder below.
    const files = (await readdir(join(deployed.folder, 'dist/netlify'))).filter((name) => name.endsWith('.mjs'));
    expect(files.sort()).toEqual(await functions());
    for (const folder of ['netlify', 'netlify/apart', 'firebase'])
      for (const name of (await readdir(join(deployed.folder, 'dist', folder))).filter((file) => file !== 'apart'))
        expect(await text(`${folder}/${name}`)).not.toMatch(/AmazonSSM|aws4_request|ssm\.mjs/);
  });

  it('begins a login without the SDK and without the OAuth library, and ends it without Node’s fetch', async () => {
    const bare = join(deployed.folder, 'bare');
    await mkdir(join(bare, 'dist/lambda'), { recursive: true });
    for (const file of ['clock.mjs', 'runtime.mjs', 'package.json', 'dist/lambda/auth.mjs'])
      await cp(join(deployed.folder, file), join(bare, file));
    const instance = await deployed.open(secretOnly(), aws(), bare);
    outputs.push(() => instance.output());
    closing.push(() => instance.close());
    const attempt = await begin(instance);
    const stack = /undici|internal.deps.*fetch/;
    const loads = ({ loaded }: { loaded: string[] }) => loaded.some((name) => stack.test(name));
    expect(loads(instance)).toBe(false);
    expect(store.requests).toEqual([]);
    // Which proves something, because what comes back needs them. Where even the page for that is missing, there are words.
    expect(await finish(instance, attempt)).toMatchObject({ status: 500, body: webErrors.INTERNAL.text });
    await cp(join(deployed.folder, 'dist/lambda/failure.mjs'), join(bare, 'dist/lambda/failure.mjs'));
    expectFailure(await finish(instance, attempt), 'INTERNAL');
    // A file that could not be read is not missing for ever.
    for (const file of ['openid.mjs', 'ssm.mjs'])
      await cp(join(deployed.folder, 'dist/lambda', file), join(bare, 'dist/lambda', file));
    expectToken(await login(instance));
    const whole = await deployed.open(secretOnly(), aws());
    outputs.push(() => whole.output());
    closing.push(() => whole.close());
    expectToken(await login(whole));
    expect(loads(whole)).toBe(false);
    // It would be noticed.
    const touching = await promisify(execFile)(process.execPath, [
      '-p',
      'new Response(); process.moduleLoadList.join()',
    ]);
    expect(touching.stdout).toMatch(stack);
  });

  it('finds out by itself that there are no credentials', async () => {
    const none = { AWS_ACCESS_KEY_ID: undefined, AWS_SECRET_ACCESS_KEY: undefined, AWS_SESSION_TOKEN: undefined };
    const reply = await login(await open(secretOnly(), { ...aws(), ...none }));
    expectFailure(reply, 'PARAMETER_UNREADABLE', /there are no AWS credentials here/);
    expect(store.requests).toEqual([]);
  });

  it('can be bundled once more, since nothing in it has to be found elsewhere', async () => {
    const { errors: found } = await build({
      entryPoints: [join(deployed.folder, 'dist/lambda/auth.mjs')],
      bundle: true,
      platform: 'node',
      format: 'esm',
      write: false,
      outdir: 'out',
    });
    expect(found).toEqual([]);
  });

  it('asks for credentials where a function gets an address instead of them', async () => {
    const { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, sessionToken: Token } = credentials;
    const Expiration = new Date(Date.now() + 3_600_000).toISOString();
    const keeper = await listen(({ headers }, response) => {
      response.writeHead(headers.authorization === 'marked-authorization' ? 200 : 403);
      response.end(JSON.stringify({ AccessKeyId, SecretAccessKey, Token, Expiration }));
    });
    closing.push(() => keeper.close());
    const instead = {
      AWS_ACCESS_KEY_ID: undefined,
      AWS_SECRET_ACCESS_KEY: undefined,
      AWS_SESSION_TOKEN: undefined,
      AWS_CONTAINER_CREDENTIALS_FULL_URI: `${keeper.url}/`,
      AWS_CONTAINER_AUTHORIZATION_TOKEN: 'marked-authorization',
    };
    expectToken(await login(await open(secretOnly(), { ...aws(), ...instead })));
  });

  it('has no code that looks for credentials anywhere else', async () => {
    const elsewhere = /child_process|sso_start_url|AssumeRoleWithWebIdentity|security-credentials/;
    expect(elsewhere.exec(await text('lambda/ssm.mjs'))?.[0]).toBeUndefined();
  });

  it('waits four seconds at the most for the store: with an old value the login succeeds, without one it ends in words', async () => {
    const [warm, cold] = [await open(secretOnly()), await open(secretOnly())];
    expectToken(await login(warm));
    warm.advance(300_000);
    store.fault = 'hang';
    const began = performance.now();
    const [served, refused] = await Promise.all([login(warm), login(cold)]);
    expect(performance.now() - began).toBeLessThan(8_000);
    expectToken(served);
    expect(warm.log.at(-1)?.warning).toContain('AWS did not answer in time');
    expectFailure(refused, 'PARAMETER_UNREADABLE', /AWS did not answer in time/);
  });
});
