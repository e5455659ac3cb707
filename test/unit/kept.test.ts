import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { Files, noteAnswer, placeOf } from '../../lib/gateway/kept.ts';
import type { Gateway } from '../../lib/gateway/settings.ts';
import { direct, json, openWorld, sessionOf, startHost, upstreamToken, type Host } from '../contract/gateway/world.ts';

/** As Sveltia asks for the same, which has another form of it. */
const ofApi = (path: string) => path.replace('/github/', '/api/v3/repos/owner/name/');

describe('Files that never change', () => {
  let host: Host;
  let count = 0;
  let sha = '';
  beforeAll(async () => {
    host = await startHost();
  });
  afterAll(() => host.close());
  beforeEach(() => {
    vi.useRealTimers();
    sha = String(++count).padStart(40, '0');
    host.asked = [];
    host.script = json(200, { sha, content: 'QQ==' });
  });
  const open = (more: Record<string, string | undefined> = {}) => openWorld(host, direct(), more);
  const blob = () => `/git/github/git/blobs/${sha}`;
  const asked = () => host.asked.filter(({ url }) => url.endsWith(sha)).length;

  it('are asked for once, for all editors, in each form', async () => {
    const { ask, log } = open();
    const first = await ask(blob());
    const ann = { authorization: `Bearer ${await sessionOf({ sub: '2', email: 'ann@parish.example' })}` };
    const second = await ask(blob(), { headers: ann });
    expect(second).toEqual(first);
    expect(log.at(-1)).toMatchObject({ event: 'read', outcome: 'ok', route: 'blob', status: 200 });
    expect(asked()).toBe(1);
    await ask(ofApi(blob()), { headers: { accept: 'application/vnd.github.raw' } });
    expect(asked()).toBe(2);
  });

  it('are not sent again to a browser that has them', async () => {
    const { ask } = open();
    host.script = json(200, { sha }, { etag: 'W/"abc"' });
    await ask(blob());
    const again = await ask(blob(), { headers: { 'if-none-match': '"x",W/"abc"' } });
    expect([again.status, again.body, again.headers['etag']]).toEqual([304, '', 'W/"abc"']);
    expect((await ask(blob(), { headers: { 'if-none-match': '"x"' } })).status).toBe(200);
    expect(asked()).toBe(1);
  });

  it('are not kept as the host’s word that a browser has them', async () => {
    const { ask } = open();
    host.script = (_, response) => void response.writeHead(304, { etag: '"abc"' }).end();
    expect((await ask(blob(), { headers: { 'if-none-match': '"abc"' } })).status).toBe(304);
    host.script = json(200, { sha });
    expect((await ask(blob())).status).toBe(200);
    expect(asked()).toBe(2);
  });

  it('are for nobody who would not get them from the host', async () => {
    const { ask, env } = open();
    await ask(blob());
    const eve = `Bearer ${await sessionOf({ email: 'eve@example.net' })}`;
    expect((await ask(blob(), { headers: { authorization: eve } })).status).toBe(401);
    expect((await ask(blob(), { headers: { authorization: undefined } })).status).toBe(401);
    expect((await ask(blob(), { headers: { origin: 'https://evil.example' } })).status).toBe(400);
    env['CMS_GATEWAY_EDITORS'] = '@parish.example';
    expect((await ask(blob())).status).toBe(401);
    expect(asked()).toBe(1);
  });

  it.each([
    ['another credential', { CMS_GATEWAY_TOKEN: 'github_pat_another' }],
    ['another repository', { CMS_GATEWAY_REPO: 'another' }],
  ])('are not for %s', async (_, more: Record<string, string>) => {
    await open().ask(blob());
    const { CMS_GATEWAY_REPO: name } = more;
    const other = open({ ...more, ...(name !== undefined && { CMS_GATEWAY_REPO: `${host.url}/owner/${name}` }) });
    host.asked = [];
    await other.ask('/git/github/branches/main'); // its credential is good
    host.script = json(404, { message: 'Not Found' });
    expect((await other.ask(blob())).status).toBe(404);
    expect(asked()).toBe(1);
  });

  it.each([401, 403, 301, 300])('are asked for again once the host has said %i to anything', async (status) => {
    const { ask } = open();
    await ask(blob());
    const well = host.script;
    host.script = json(status, { message: 'Bad credentials' });
    await ask('/git/github/pulls');
    expect((await ask(blob())).status).toBeGreaterThanOrEqual(400);
    host.script = well;
    expect((await ask(blob())).status).toBe(200);
    expect(asked()).toBeGreaterThanOrEqual(3);
  });

  it.each([304, 404, 422, 500])('are still there when the host has said %i to something else', async (status) => {
    const { ask } = open();
    await ask(blob());
    const well = host.script;
    host.script = json(status, { message: 'words' });
    await ask('/git/github/pulls');
    host.script = well;
    expect((await ask(blob())).status).toBe(200);
    expect(asked()).toBe(1);
  });

  // What is written says nothing of the right to read, except that a credential is none any more.
  it.each([
    [401, 'are asked for again', 2],
    [403, 'are still there', 1],
    [404, 'are still there', 1],
  ])('where the host has refused a write with %i, %s', async (status, _, times) => {
    const { ask } = open();
    await ask(blob());
    const well = host.script;
    host.script = json(status, { message: 'words' });
    await ask('/git/github/git/blobs', { method: 'POST', body: '{"content":"","encoding":"base64"}' });
    host.script = well;
    expect((await ask(blob())).status).toBe(200);
    expect(asked()).toBe(times);
  });

  it('are asked for again once the host has not been heard for a minute: what it says of writes does not count', async () => {
    const { ask } = open();
    const headers = { authorization: `Bearer ${await sessionOf({}, { seconds: 7200 })}` };
    vi.useFakeTimers({ toFake: ['Date'] });
    await ask(blob(), { headers });
    vi.setSystemTime(Date.now() + 59_000);
    const written = await ask('/git/github/git/refs/heads/cms%2Fposts%2Fa', { method: 'DELETE', headers });
    expect(written.status).toBe(200);
    vi.setSystemTime(Date.now() + 1_000);
    await ask(blob(), { headers });
    expect(asked()).toBe(2);
  });

  it('are still there as long as the host says that a browser has something else of it', async () => {
    const { ask } = open();
    const headers = { authorization: `Bearer ${await sessionOf({}, { seconds: 7200 })}` };
    vi.useFakeTimers({ toFake: ['Date'] });
    await ask(blob(), { headers });
    vi.setSystemTime(Date.now() + 59_000);
    host.script = json(304, '');
    await ask('/git/github/pulls', { headers: { ...headers, 'if-none-match': '"abc"' } });
    vi.setSystemTime(Date.now() + 59_000);
    expect((await ask(blob(), { headers })).status).toBe(200);
    expect(asked()).toBe(1);
  });

  it('are asked for again once the host has not been heard for a minute', async () => {
    const { ask } = open();
    const headers = { authorization: `Bearer ${await sessionOf({}, { seconds: 7200 })}` };
    vi.useFakeTimers({ toFake: ['Date'] });
    await ask(blob(), { headers });
    vi.setSystemTime(Date.now() + 59_000);
    await ask(blob(), { headers });
    expect(asked()).toBe(1);
    vi.setSystemTime(Date.now() + 1_000); // what was kept is no answer of the host's
    await ask(blob(), { headers });
    expect(asked()).toBe(2);
    vi.setSystemTime(Date.now() + 59_000);
    host.script = json(404, { message: 'Not Found' });
    await ask('/git/github/git/trees/main:gone', { headers }); // says nothing about the credential
    vi.setSystemTime(Date.now() + 1_000);
    expect((await ask(blob(), { headers })).status).toBe(404);
  });

  it.each([
    ['an error', json(404, { message: 'Not Found' })],
    ['a page', json(200, '<title>Sign in</title>')],
    ['what is packed', json(200, { sha }, { 'content-encoding': 'gzip' })],
    ['what holds the credential', json(200, { sha, content: upstreamToken })],
    ['what is too large', json(200, { sha, content: 'A'.repeat(1024 * 1024) })],
  ])('are not %s', async (_, script) => {
    const { ask } = open();
    await ask('/git/github/branches/main');
    host.script = script;
    const first = await ask(blob());
    expect(await ask(blob())).toEqual(first);
    expect(asked()).toBe(2);
  });

  it('are not what may change: a branch, a folder, a list', async () => {
    const { ask } = open();
    for (const path of ['branches/main', 'git/trees/main:content', 'commits?path=content&sha=main']) {
      host.asked = [];
      await ask(`/git/github/${path}`);
      await ask(`/git/github/${path}`);
      expect(host.asked).toHaveLength(2);
    }
  });

  it('come without what the host said of the moment', async () => {
    const { ask, log } = open();
    const more = { 'x-ratelimit-remaining': '12', 'github-authentication-token-expiration': '2020-01-01 00:00:00 UTC' };
    host.script = json(200, { sha }, { etag: '"abc"', ...more });
    expect((await ask(blob())).headers).toMatchObject({ etag: '"abc"', 'x-ratelimit-remaining': '12' });
    const { headers } = await ask(blob());
    expect(headers).toMatchObject({ etag: '"abc"', 'cache-control': 'private, max-age=31536000, immutable' });
    expect(headers).not.toHaveProperty('x-ratelimit-remaining');
    expect(log.at(-1)).not.toHaveProperty('warning');
  });
});

describe('Files that many ask for at the same moment', () => {
  let host: Host;
  beforeAll(async () => {
    host = await startHost();
  });
  afterAll(() => host.close());
  beforeEach(() => {
    host.asked = [];
  });
  const open = (more: Record<string, string | undefined> = {}) => openWorld(host, direct(), more);
  const shas = {
    refused: 'f'.repeat(40),
    'known twice': '1'.repeat(40),
    file: 'a'.repeat(40),
    error: 'b'.repeat(40),
    lost: 'c'.repeat(40),
    known: 'd'.repeat(40),
    two: 'e'.repeat(40),
  };
  const blob = (name: keyof typeof shas) => `/git/github/git/blobs/${shas[name]}`;
  const asked = (name: keyof typeof shas) => host.asked.filter(({ url }) => url.endsWith(shas[name])).length;
  /** The first is answered so, once all others are here, and these otherwise. */
  const first = (own: NonNullable<Host['script']>, others: NonNullable<Host['script']>) => {
    let count = 0;
    host.script = (...given) => {
      if (count++ > 0) return others(...given);
      setTimeout(() => void own(...given), 100);
    };
  };
  const file = json(200, { content: 'QQ==' }, { etag: '"abc"', 'x-ratelimit-remaining': '12' });

  it('are asked for once', async () => {
    const { ask } = open();
    host.script = file;
    await ask('/git/github/branches/main'); // so that the session of all is known, and they go in step
    first(file, json(500, {}));
    const replies = await Promise.all(Array.from({ length: 16 }, () => ask(blob('file'))));
    expect(replies.map(({ status, body }) => [status, body])).toEqual(replies.map(() => [200, '{"content":"QQ=="}']));
    expect(replies.filter(({ headers }) => 'x-ratelimit-remaining' in headers)).toHaveLength(1);
    expect(asked('file')).toBe(1);
  });

  it('are asked for once again, when they are asked for again', async () => {
    const { ask } = open();
    const headers = { authorization: `Bearer ${await sessionOf({}, { seconds: 7200 })}` };
    vi.useFakeTimers({ toFake: ['Date'] });
    for (const times of [1, 2]) {
      host.script = json(404, { message: 'Not Found' });
      await ask('/git/github/git/trees/main:gone', { headers }); // the session is known again
      first(file, json(500, {}));
      const replies = await Promise.all(Array.from({ length: 8 }, () => ask(blob('known twice'), { headers })));
      expect(replies.map(({ status }) => status)).toEqual(replies.map(() => 200));
      expect(asked('known twice')).toBe(times);
      vi.setSystemTime(Date.now() + 61_000);
    }
    vi.useRealTimers();
  });

  it('leave only if each of them may leave: nobody gets by another’s call what would be refused', async () => {
    const { ask } = open();
    for (const own of [
      json(200, { content: 'QQ==' }, { 'content-encoding': 'gzip' }),
      json(200, { content: upstreamToken }),
      json(200, { content: 'QQ==' }, { etag: `"${upstreamToken}"` }),
      json(200, '<title>Sign in</title>'),
    ]) {
      first(own, own);
      const replies = await Promise.all(Array.from({ length: 4 }, () => ask(blob('refused'))));
      expect(replies.map(({ status }) => status)).toEqual([502, 502, 502, 502]);
      expect((await ask(blob('refused'))).status).toBe(502);
    }
  });

  it('are waited for no longer than the host is given for them', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const place = () => placeOf({ credential } as Gateway, 'https://api.example.com/blob', 'application/json');
    const credential = { kind: 'token', token: 'github_pat' } as const;
    void place().inTurn(() => new Promise(() => {})); // stopped where it stands
    const second = place().inTurn(() => Promise.resolve('asked'));
    await vi.advanceTimersByTimeAsync(8_000);
    expect(await second).toBe('asked');
    expect(await place().inTurn(() => Promise.resolve('asked at once'))).toBe('asked at once');
    vi.useRealTimers();
  });

  describe('in turn', () => {
    const credential = { kind: 'token', token: 'github_pat' } as const;
    let files = 0;
    let address = '';
    beforeEach(() => {
      address = `https://api.example.com/${++files}`;
    });
    afterEach(() => void vi.useRealTimers());
    const inTurn = (work: () => Promise<string>) =>
      placeOf({ credential } as Gateway, address, 'application/json').inTurn(work);
    const never = () => new Promise<string>(() => {});
    /** What all these have come to by now. */
    const now = (...promises: Promise<string>[]) =>
      Promise.all(promises.map((promise) => Promise.race([promise, Promise.resolve().then(() => 'waits')])));

    it('go on by turns after one has ended, well or not', async () => {
      for (const work of [() => Promise.resolve('asked'), () => Promise.reject(new Error('lost'))]) {
        await inTurn(work).catch(() => {});
        await new Promise(setImmediate);
        const asks = vi.fn(never);
        void inTurn(asks);
        void inTurn(asks);
        await new Promise(setImmediate);
        expect(asks).toHaveBeenCalledOnce();
        address += '/another';
      }
    });

    it.each([
      ['has lost patience with an earlier one', 4_000, false],
      ['was waited for in vain, and ends late', 0, true],
    ])('are waited for, whoever %s', async (_, later, ends) => {
      vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
      let end = (_value: string) => {};
      void inTurn(() => new Promise((resolve) => (end = resolve)));
      void inTurn(never); // until 8 s
      await vi.advanceTimersByTimeAsync(later);
      const patient = inTurn(() => Promise.resolve('asked'));
      await vi.advanceTimersByTimeAsync(9_000 - later);
      void inTurn(never); // is under way from now on
      if (ends) end('late');
      await vi.advanceTimersByTimeAsync(3_000);
      expect(await now(patient)).toEqual(['asked']);
      const next = inTurn(() => Promise.resolve('asked'));
      await vi.advanceTimersByTimeAsync(4_000);
      expect(await now(next)).toEqual(['waits']);
      await vi.advanceTimersByTimeAsync(4_000);
      expect(await now(next)).toEqual(['asked']);
    });
  });

  it('are asked for by each in its own form, and with its own credential', async () => {
    const { ask } = open();
    const other = open({ CMS_GATEWAY_TOKEN: 'github_pat_another' });
    first(file, file);
    const raw = { accept: 'application/vnd.github.raw' };
    await Promise.all([ask(blob('two')), ask(ofApi(blob('two')), { headers: raw }), other.ask(blob('two'))]);
    expect(asked('two')).toBe(3);
  });

  it.each([
    ['error', json(500, { message: 'Out of order' })],
    ['lost', ((_, response) => void response.destroy()) as NonNullable<Host['script']>],
  ] as const)('are asked for by each of the others, if the first gets nothing: %s', async (name, own) => {
    const { ask } = open();
    first(own, file);
    const statuses = (await Promise.all(Array.from({ length: 5 }, () => ask(blob(name))))).map(({ status }) => status);
    expect(statuses.filter((status) => status === 200).length).toBeGreaterThanOrEqual(4);
    expect(asked(name)).toBeGreaterThan(1);
  });

  it('are not sent to a browser that has them', async () => {
    const { ask } = open();
    host.script = file;
    await ask('/git/github/branches/main'); // so that the session is known, and they go in step
    first(file, json(500, {}));
    const sending = ask(blob('known'));
    await vi.waitFor(() => expect(asked('known')).toBe(1));
    const had = await ask(blob('known'), { headers: { 'if-none-match': '"abc"' } });
    const sent = await sending;
    expect([sent.status, had.status, had.body]).toEqual([200, 304, '']);
    expect(asked('known')).toBe(1);
  });
});

describe('The room for them', () => {
  const answer = (size: number) => ({ status: 200, headers: {}, bytes: Buffer.alloc(size) });
  const all = 10 * 1024;

  it('has an end: those that were not used for the longest time go', () => {
    const files = new Files({ all, one: all });
    for (const key of ['a', 'b']) files.set(key, answer(3 * 1024));
    files.get('a');
    files.set('c', answer(3 * 1024));
    expect(['a', 'b', 'c'].map((key) => files.get(key)?.bytes.length)).toEqual([3072, undefined, 3072]);
    files.set('d', answer(8 * 1024));
    expect(['a', 'c', 'd'].map((key) => files.get(key)?.bytes.length)).toEqual([undefined, undefined, 8192]);
  });

  it('counts a file once, however often it comes', () => {
    const files = new Files({ all, one: all });
    files.set('a', answer(3 * 1024));
    for (let i = 0; i < 10; i++) files.set('b', answer(3 * 1024));
    expect(files.get('a')).toBeDefined();
  });

  it('counts what the client says of the form that it wants', () => {
    const files = new Files({ all, one: all });
    files.set(`a${'x'.repeat(5 * 1024)}`, answer(1));
    files.set(`b${'x'.repeat(5 * 1024)}`, answer(1));
    expect(files.get(`a${'x'.repeat(5 * 1024)}`)).toBeUndefined();
  });

  it('is all that a file takes', () => {
    const place = placeOf({ credential: {} } as Gateway, new URL('https://api.example.com/blob'), 'application/json');
    const set = vi.spyOn(Files.prototype, 'set');
    place.put({ status: 200, headers: {}, bytes: Buffer.concat([Buffer.from('some'), Buffer.from('text')]) });
    const { bytes } = set.mock.calls[0]?.[1] ?? {};
    expect([bytes?.toString(), bytes?.buffer.byteLength]).toEqual(['sometext', 8]);
  });

  it('takes a file once, however often it goes out from there', () => {
    const gateway = { credential: {} } as Gateway;
    const place = placeOf(gateway, 'https://api.example.com/blob', 'application/json');
    place.put(answer(8));
    noteAnswer(gateway, answer(0));
    const set = vi.spyOn(Files.prototype, 'set').mockClear();
    const taken = place.take();
    expect(taken?.bytes).toHaveLength(8);
    if (taken) place.put(taken);
    expect(set).not.toHaveBeenCalled();
  });

  it('takes none that would push all others out', () => {
    const files = new Files({ all, one: 2 * 1024 });
    files.set('a', answer(2 * 1024));
    expect(files.get('a')).toBeUndefined();
  });
});
