/** Where a server of one's own can be reached: from this machine alone, unless `HOST` says otherwise. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { networkInterfaces } from 'node:os';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { rm } from 'node:fs/promises';
import { byTurn } from '../../lib/cli/lines.ts';
import { listen, node, readHost } from '../../lib/platforms/node.ts';
import { askOver } from '../contract/http.ts';
import { buildApart, end, start } from '../contract/secrets/instances.ts';
import { freePort } from '../hosts/port.ts';

/** Addresses of this machine under which others, or nobody, would ask; on Linux all of 127.0.0.0/8 is this machine. */
const others = [
  ...Object.values(networkInterfaces()).flatMap((all) => all ?? []),
  ...(process.platform === 'linux' ? [{ address: '127.0.0.2', internal: false, family: 'IPv4' }] : []),
].flatMap(({ address, internal, family }) => (internal || family !== 'IPv4' ? [] : [address]));

const answers = (host: string, port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ host, port, timeout: 2_000 });
    const finish = (reached: boolean) => {
      socket.destroy();
      resolve(reached);
    };
    socket
      .on('connect', () => finish(true))
      .on('error', () => finish(false))
      .on('timeout', () => finish(false));
  });
const reached = async (port: number) => Promise.all(others.map((host) => answers(host, port)));
const nobody = others.map(() => false);
const everybody = others.map(() => true);

describe('A server of one’s own', () => {
  const closing: (() => Promise<void>)[] = [];
  afterEach(async () => void (await Promise.all(closing.splice(0).map((close) => close()))));
  const open = async (host?: string) => {
    const port = await freePort();
    closing.push(await listen((_, response) => void response.end(), { port, host }));
    return port;
  };

  it('has an address here that is not loopback, or nothing of this is proved', () => {
    expect(others.length).toBeGreaterThan(0);
  });

  it('listens for this machine alone', async () => {
    const port = await open();
    expect(await answers('127.0.0.1', port)).toBe(true);
    expect(await reached(port)).toEqual(nobody);
  });

  it('listens where it is told to', async () => {
    const port = await open('0.0.0.0');
    expect(await reached(port)).toEqual(everybody);
  });

  it.each([
    ['a text', 200, 'GET', 'Zoë', '4'],
    ['a file', 200, 'GET', Buffer.alloc(7), '7'],
    ['nothing', 204, 'GET', '', undefined],
    ['the head of something', 200, 'HEAD', '', undefined],
  ])('says how long its answer is: %s', async (_, status, method, body, length) => {
    const port = await freePort();
    const answer = node(async () => ({ status, headers: {}, cookies: [], body }));
    closing.push(await listen(answer, { port }));
    const reply = await askOver(port, { method, path: '/', query: '', headers: {} });
    expect([reply.status, reply.headers['content-length']]).toEqual([status, length]);
  });

  it.each(['203.0.113.7', '2001:db8::7'])('says so if this machine has no such address: %s', async (host) => {
    await expect(open(host)).rejects.toThrow(/^This machine has no address such as HOST names\. Remove HOST, and only/);
  });
});

describe('What is no request that anybody could answer', () => {
  let port: number;
  let close: () => Promise<void>;
  beforeAll(async () => {
    port = await freePort();
    close = await listen((_, response) => void response.end('answered'), { port });
  });
  afterAll(() => close());
  /** @returns all that comes back, until the connection is closed; '' for nothing */
  const say = (text: string): Promise<string> =>
    new Promise((resolve) => {
      let heard = '';
      const socket = connect({ port, host: '127.0.0.1' }, () => socket.write(text));
      socket
        .on('data', (chunk) => (heard += String(chunk)))
        .on('error', () => {})
        .on('close', () => resolve(heard));
    });
  const get = (path: string, more = '') =>
    `GET ${path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n${more}\r\n`;

  it('is refused in words, with a length and without a 408', async () => {
    expect(await say(get(`/?${'x'.repeat(200_000)}`))).toMatch(
      /^HTTP\/1\.1 431 [^]*no-store[^]*too long\. Start again from the CMS\.$/,
    );
    expect(await say('hello\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 [^]*no request of HTTP\.$/);
  });

  it('but a query that only we find too long, and the cookies of a browser that never forgets any, get to us', async () => {
    expect(await say(get(`/?${'x'.repeat(24_000)}`))).toMatch(/^HTTP\/1\.1 200 [^]*answered/);
    expect(await say(get('/', `cookie: ${'a=b; '.repeat(3_000)}\r\n`))).toMatch(/^HTTP\/1\.1 200 [^]*answered/);
  });

  it('holds no more than 32 KiB of headers', async () => {
    expect(await say(get('/', `x-a: ${'x'.repeat(33 * 1024)}\r\n`))).toMatch(/^HTTP\/1\.1 431 /);
  });
});

describe('HOST', () => {
  it.each([
    [undefined, undefined],
    ['', undefined],
    [' \n', undefined],
    ['localhost', undefined],
    ['0.0.0.0', '0.0.0.0'],
    [' ::\n', '::'],
    ['127.0.0.1', '127.0.0.1'],
    ['10.1.2.3', '10.1.2.3'],
  ])('%j is %j', (text, host) => {
    expect(readHost(text)).toBe(host);
  });

  it.each([
    'my-machine',
    'my-machine.local',
    '*',
    'http://0.0.0.0',
    '0.0.0.0:8888',
    '[::]',
    '0.0.0',
    'true',
    'ssm:/host',
  ])('that is no address is refused in words: %s', (text) => {
    expect(() => readHost(text)).toThrow(
      /^HOST must be the address of this machine to listen at, without a port\. Remove HOST, and only this machine gets in; or write 0\.0\.0\.0/,
    );
  });
});

describe('Lines of log', () => {
  const turn = () => new Promise((resolve) => setImmediate(resolve));

  it('go out together where they are of one turn, in order, and at its end', async () => {
    const written: string[] = [];
    const print = byTurn((text) => written.push(text));
    print('one');
    await Promise.resolve();
    print('two');
    expect(written).toEqual([]);
    await turn();
    expect(written).toEqual(['one\ntwo']);
    print('three');
    await turn();
    await turn();
    expect(written).toEqual(['one\ntwo', 'three']);
  });

  it('go out again after a write that failed', () => {
    const turns: (() => void)[] = [];
    vi.stubGlobal('setImmediate', (end: () => void) => turns.push(end));
    const written: string[] = [];
    const print = byTurn((text) => {
      if (text === 'one') throw new Error('full');
      written.push(text);
    });
    print('one');
    expect(() => turns.shift()?.()).toThrow('full');
    print('two');
    turns.shift()?.();
    vi.unstubAllGlobals();
    expect(written).toEqual(['two']);
  });

  it('are not lost where the process ends before its turn does', async () => {
    const written: string[] = [];
    const others = new Set(process.listeners('exit'));
    const print = byTurn((text) => written.push(text));
    const added = process.listeners('exit').filter((listener) => !others.has(listener));
    print('last');
    for (const listener of added) listener(1);
    expect(written).toEqual(['last']);
    await turn();
    expect(written).toEqual(['last']);
  });
});

describe('npm start', () => {
  let folder: string;
  beforeAll(async () => (folder = await buildApart()), 60_000);
  afterAll(() => rm(folder, { recursive: true, force: true }));

  /** Until it listens or gives up. */
  async function run(env: Record<string, string>) {
    const port = await freePort();
    const settings = { GITHUB_CLIENT_ID: 'id', GITHUB_CLIENT_SECRET: 'secret', PORT: String(port) };
    const { child, written, said } = start('dist/node/start.mjs', { folder, env: { ...settings, ...env } });
    await said('listens');
    return { port, written, said, child, stop: () => end(child) };
  }

  const gateway = {
    CMS_GATEWAY_REPO: 'https://github.com/acme/site',
    CMS_GATEWAY_TOKEN: 'a-token',
    CMS_GATEWAY_PATHS: 'content/**',
  };
  const editors = { CMS_GATEWAY_EDITORS: 'ann@example.org', CMS_GATEWAY_JWT_SECRET: 's'.repeat(32) };

  it('begins with the login where the gateway still lacks something, and /git says what', async () => {
    const { port, written, said, stop } = await run({ ...gateway, CMS_GATEWAY_TOKEN: '', GITHUB_APP_ID: '1' });
    try {
      await said('/git:\n');
      for (const name of ['CMS_GATEWAY_ISSUER', 'CMS_GATEWAY_EDITORS', 'GITHUB_APP_PRIVATE_KEY'])
        await said(`  - ${name} `);
      expect(written.stdout).toContain('It lets nobody in yet. What is missing, also at');
      expect(written.stdout).toContain('GITHUB_APP_PRIVATE_KEY is not set. Set it.');
      const git = await fetch(`http://localhost:${port}/git`);
      const page = await git.text();
      for (const name of ['CMS_GATEWAY_ISSUER', 'CMS_GATEWAY_EDITORS', 'GITHUB_APP_PRIVATE_KEY'])
        expect(page).toMatch(new RegExp(`<li[^>]*>${name} `));
      expect((await fetch(`http://localhost:${port}/auth`)).status).toBe(200);
      const closed = await fetch(`http://localhost:${port}/git/settings`, { headers: { authorization: 'Bearer x' } });
      expect(await closed.json()).toHaveProperty('code', 'SETTING_INCOMPLETE');
    } finally {
      await stop();
    }
  });

  it.each([
    ['the login', { GITHUB_CLIENT_SECRET: '' }, '/auth', 'GITHUB_CLIENT_SECRET'],
    ['a gateway alone', { ...gateway, GITHUB_CLIENT_ID: '', GITHUB_CLIENT_SECRET: '' }, '/git', 'CMS_GATEWAY_EDITORS'],
  ])('where a setting of %s is not there yet, its page says so, to the owner', async (_, env, at, name) => {
    const { port, written, said, stop } = await run(env);
    try {
      await said(`${at}:\n`);
      await said(`  - ${name} `);
      const page = await (await fetch(`http://localhost:${port}${at}`)).text();
      expect(page).toContain(name);
      for (const text of [written.stdout, page]) expect(text).not.toMatch(/\b(the|its) owner (of|has|should)/i);
    } finally {
      await stop();
    }
  });

  it('writes one line for each of many calls that come at once, and has written them when it is told to end', async () => {
    const { port, written, child, stop } = await run({
      NODE_ENV: 'production',
      CMS_AUTH_ORIGINS: 'https://www.example.com',
    });
    try {
      const { length } = written.stdout;
      const ask = async (i: number) =>
        (await askOver(port, { method: 'GET', path: i % 2 ? '/auth' : '/none', query: '', headers: {} })).status;
      const statuses = await Promise.all(Array.from({ length: 200 }, (_, i) => ask(i)));
      child.kill('SIGTERM');
      await once(child, 'close');
      const lines = written.stdout.slice(length).trimEnd().split('\n');
      const outcomes = lines.map((line) => (JSON.parse(line) as { outcome: string }).outcome);
      expect(outcomes.filter((outcome) => outcome === 'ok')).toHaveLength(
        statuses.filter((status) => status === 200).length,
      );
      expect([outcomes.length, new Set(statuses)]).toEqual([200, new Set([200, 404])]);
    } finally {
      await stop();
    }
  });

  it('gives a slow reader of its log time for the last lines, and goes on without one', async () => {
    const production = { NODE_ENV: 'production', CMS_AUTH_ORIGINS: 'https://www.example.com' };
    const asked = { method: 'GET', path: '/none', query: '', headers: {} };
    const slow = await run(production);
    try {
      const { length } = slow.written.stdout;
      slow.child.stdout?.pause();
      // More than a pipe holds.
      const count = 3_000;
      for (let i = 0; i < count; i += 100)
        await Promise.all(Array.from({ length: 100 }, () => askOver(slow.port, asked)));
      slow.child.kill('SIGTERM');
      setTimeout(() => slow.child.stdout?.resume(), 50);
      await once(slow.child, 'close');
      const lines = slow.written.stdout.slice(length).trimEnd().split('\n');
      expect(lines.map((line) => (JSON.parse(line) as { code: string }).code)).toEqual(Array(count).fill('NOT_FOUND'));
    } finally {
      await slow.stop();
    }
    const alone = await run(production);
    try {
      alone.child.stdout?.destroy();
      for (let i = 0; i < 5; i++) expect((await askOver(alone.port, asked)).status).toBe(404);
    } finally {
      await alone.stop();
    }
  });

  it.each<[string, Record<string, string>, string]>([
    ['the gateway’s settings are wrong', { ...gateway, ...editors, CMS_GATEWAY_EDITORS: '*' }, '"*" does not go with'],
    [
      'nothing at all is set',
      { GITHUB_CLIENT_ID: '', GITHUB_CLIENT_SECRET: '', NODE_ENV: 'production' },
      'Nothing is set up',
    ],
  ])('does not start where %s', async (_, env, words) => {
    const { written, child, stop } = await run(env);
    await stop();
    expect(written.stderr).toContain(words);
    expect([written.stdout, child.exitCode]).toEqual(['', 1]);
  });

  it.each([
    ['for this machine alone, although its address is https', 'https://auth.example.com', '', nobody],
    ['for all, if HOST says so', 'https://auth.example.com', '0.0.0.0', everybody],
    ['for this machine alone on http', '', '', nobody],
  ])('listens %s', async (_, CMS_AUTH_URL, HOST, expected) => {
    const { port, stop } = await run({ CMS_AUTH_URL, HOST });
    try {
      expect(await answers('127.0.0.1', port)).toBe(true);
      expect(await reached(port)).toEqual(expected);
    } finally {
      await stop();
    }
  });

  it('does not start with a HOST that is no address', async () => {
    const { written } = await run({ HOST: 'my-machine' });
    expect(written.stderr).toMatch(/HOST must be the address of this machine/);
    expect(written.stderr).not.toContain('my-machine');
  });
});
