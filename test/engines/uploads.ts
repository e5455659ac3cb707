/**
 * A refusal of a large upload, as a page reads it, in one engine. Firefox and WebKit look at no answer before they have sent all;
 * a connection that is closed by then is to them an error of the network.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { json, openWorld, sessionOf, startHost, type Host } from '../contract/gateway/world.ts';
import { listen as listenHere, send } from '../hosts/http.ts';
import { freePort } from '../hosts/port.ts';
import { listen, node } from '../../lib/platforms/node.ts';
import { missing, type Browser, type Engine } from './engine.ts';
import type { Handler } from '../../lib/http/http.ts';

export function uploads(name: string, engine: Engine): void {
  describe.skipIf(missing(name, engine))(`${name}, with a large picture`, () => {
    let browser: Browser;
    let host: Host;
    let handler: Handler;
    let site: { url: string; close(): Promise<void> };
    let port: number;
    let close: () => Promise<void>;
    let token: string;

    beforeAll(async () => {
      [browser, host, port, token] = await Promise.all([engine.launch(), startHost(), freePort(), sessionOf()]);
      host.script = json(201, { sha: 'a'.repeat(40) });
      site = await listenHere((_, response) => send(response, 200, 'text/html', '<!doctype html><h1>CMS</h1>'), {
        host: 'localhost',
      });
      const world = openWorld(
        host,
        async (made) => {
          handler = made;
          return { status: 0, headers: {}, cookies: [], body: '' };
        },
        { CMS_AUTH_ORIGINS: site.url },
      );
      await world.ask('/git/status'); // hands the handler over
      close = await listen(
        node((request) => handler(request)),
        { port },
      );
    });
    afterAll(async () => {
      await browser?.close();
      await Promise.all([close?.(), site?.close(), host?.close()]);
    });

    it.each([
      ['of 4 MB is told that its session has ended', 4, false, 401, 'session has ended'],
      ['of 20 MB likewise', 20, false, 401, 'session has ended'],
      ['of 40 MB is told how much fits', 40, true, 413, '32 MB'],
      ['of 90 MB likewise', 90, true, 413, '32 MB'],
      ['of 20 MB is saved', 20, true, 201, 'aaaa'],
    ])('an editor %s', async (_, megabytes, isGood, status, words) => {
      const visitor = await browser.visitor();
      try {
        const page = await visitor.open(site.url);
        await page.text('//h1');
        const heard = await page.run<string>(`(async () => {
          const authorization = 'Bearer ${isGood ? token : 'x'}';
          const headers = { authorization, 'content-type': 'application/json' };
          const body = new Blob(Array(${megabytes}).fill('x'.repeat(1024 * 1024)));
          try {
            const reply = await fetch('http://localhost:${port}/git/github/git/blobs', { method: 'POST', headers, body });
            return reply.status + ' ' + (await reply.text());
          } catch (error) {
            return String(error);
          }
        })()`);
        expect(heard).toMatch(new RegExp(`^${status} .*${words}`));
      } finally {
        await visitor.leave();
      }
    });
  });
}
