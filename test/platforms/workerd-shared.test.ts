/** What is particular about Workers: requests share a process, and one whose client has gone is stopped where it stands. */
import { cp } from 'node:fs/promises';
import { get } from 'node:http';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { ServerResponse } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { secret, site, upstreamToken } from '../contract/gateway/world.ts';
import { listen, type Listening } from '../hosts/http.ts';
import { startRuntime, workerd } from './runtimes.ts';
import { shipped, workspace, type Tool } from './tool.ts';

describe('A question that several requests wait for', () => {
  let worker: Tool & { port: number };
  let issuer: Listening;
  const waiting: ServerResponse[] = [];

  beforeAll(async () => {
    issuer = await listen((_, response) => void waiting.push(response));
    const module = path.join(await workspace(), 'worker.mjs');
    await cp(shipped('dist/workers/gateway.mjs'), module);
    worker = await startRuntime(
      workerd({
        CMS_AUTH_URL: 'https://gateway.example.com',
        CMS_AUTH_ORIGINS: site,
        CMS_GATEWAY_REPO: 'https://github.com/owner/name',
        CMS_GATEWAY_TOKEN: upstreamToken,
        CMS_GATEWAY_ISSUER: issuer.url,
        CMS_GATEWAY_CLIENT_ID: 'client',
        CMS_GATEWAY_CLIENT_SECRET: secret,
        CMS_GATEWAY_EDITORS: 'zoe@example.org',
        CMS_GATEWAY_PATHS: '**',
      }),
      module,
      '/git',
    );
  });
  afterAll(async () => void (await Promise.all([worker?.stop(), issuer?.close()])));

  it('is answered though the first who asked has gone', async () => {
    const query = new URLSearchParams({
      client_id: 'cms',
      redirect_uri: `${site}/admin/`,
      response_type: 'code',
      scope: 'openid email',
      state: 'x',
      code_challenge: 'a'.repeat(43),
      code_challenge_method: 'S256',
    });
    const ask = () => get({ port: worker.port, path: `/git/oauth2/authorize?${query}`, agent: false });
    const first = ask();
    first.on('error', () => {});
    while (waiting.length === 0) await wait(20);
    first.destroy();
    await wait(300);
    const second = new Promise<string | undefined>((resolve, reject) => {
      ask()
        .on('response', (response) => (response.resume(), resolve(response.headers.location)))
        .on('error', reject);
    });
    await wait(300);
    const metadata = {
      issuer: issuer.url,
      authorization_endpoint: `${issuer.url}/authorize`,
      token_endpoint: `${issuer.url}/token`,
      jwks_uri: `${issuer.url}/keys`,
      response_types_supported: ['code'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: ['RS256'],
    };
    for (const response of waiting)
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(metadata));
    expect((await second)?.split('?')[0]).toBe(`${issuer.url}/authorize`);
    expect(waiting).toHaveLength(1);
  });
});
