/** A large picture on a slow line, in Chromium, through the gateway on a server of one's own. */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { json, openWorld, sessionOf, startHost, type Host } from '../contract/gateway/world.ts';
import { listen as listenHere, send } from '../hosts/http.ts';
import { freePort } from '../hosts/port.ts';
import { listen, node } from '../../lib/platforms/node.ts';
import { requestTimeoutMs } from '../../lib/gateway/timeouts.ts';
import { browserMissing, launch } from './browser.ts';
import type { Handler } from '../../lib/http/http.ts';

describe.skipIf(browserMissing)('On a line of 3 Mbit/s', () => {
  let host: Host;
  const toClose: (() => Promise<void>)[] = [];
  beforeAll(async () => {
    host = await startHost();
  });
  afterAll(async () => {
    await Promise.all([host.close(), ...toClose.map((close) => close())]);
  });

  it('a picture of 13 MB is saved, once', async () => {
    host.script = json(201, { sha: 'a'.repeat(40) });
    const site = await listenHere((_, response) => send(response, 200, 'text/html', '<!doctype html><h1>CMS</h1>'), {
      host: 'localhost',
    });
    let handler: Handler | undefined;
    const world = openWorld(
      host,
      async (made) => {
        handler = made;
        return { status: 0, headers: {}, cookies: [], body: '' };
      },
      { CMS_AUTH_ORIGINS: site.url },
    );
    await world.ask('/git/status'); // hands the handler over
    const port = await freePort();
    const close = await listen(
      node((request) => (handler as Handler)(request)),
      { port, requestTimeoutMs },
    );
    const browser = await launch();
    toClose.push(site.close, close, () => browser.close());

    const page = await (await browser.newContext()).newPage();
    await page.goto(site.url);
    const devtools = await page.context().newCDPSession(page);
    await devtools.send('Network.enable');
    await devtools.send('Network.emulateNetworkConditions', {
      offline: false,
      latency: 30,
      downloadThroughput: 1_250_000,
      uploadThroughput: 375_000,
    });
    const picture = randomBytes(9_750_000).toString('base64'); // 13 MB on its way
    const heard = await page.evaluate(
      async ({ url, authorization, content }) => {
        const headers = { authorization, 'content-type': 'application/json' };
        const body = JSON.stringify({ content, encoding: 'base64' });
        const reply = await fetch(url, { method: 'POST', headers, body });
        return `${reply.status} ${await reply.text()}`;
      },
      {
        url: `http://localhost:${port}/git/github/git/blobs`,
        authorization: `Bearer ${await sessionOf()}`,
        content: picture,
      },
    );
    expect(heard).toMatch(/^201 /);
    const sent = host.asked.filter(({ method }) => method === 'POST');
    expect(sent).toHaveLength(1);
    expect(sent[0]?.body.toString()).toContain(picture);
  }, 180_000);
});
