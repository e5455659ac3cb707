/** Settings in the Parameter Store, read by a server of one’s own. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { end, start, type Instance } from './secrets/instances.ts';
import type { Environment } from '../../lib/config/environment.ts';
import {
  id,
  secret,
  credentials,
  aws,
  secretOnly,
  both,
  login,
  about,
  toReply,
  deployed,
  expectToken,
  expectFailure,
  store,
  host,
  outputs,
  closing,
  callback,
  buildOnce,
} from './secrets/world.ts';
import { freePort } from '../hosts/port.ts';

buildOnce();

describe('Settings in the Parameter Store, on a server of one’s own', () => {
  /** Runs until it listens or gives up. */
  async function serve(settings: Environment, environment: Environment = aws()) {
    const port = await freePort();
    host.app.redirectUris.push(`http://localhost:${port}${callback}`);
    const { child, written, said } = start('dist/node/start.mjs', {
      folder: deployed.folder,
      env: { ...environment, ...settings, PORT: String(port) },
      args: ['--import', pathToFileURL(join(deployed.folder, 'clock.mjs')).href],
    });
    const replies: unknown[] = [];
    outputs.push(() => JSON.stringify([replies, written]));
    closing.push(() => end(child));
    await said('listens');
    const ask: Instance['ask'] = async ({ path: at, query, headers = {} }) => {
      const address = `http://localhost:${port}${at}${query ? `?${query}` : ''}`;
      const response = await fetch(address, { headers, redirect: 'manual' });
      const reply = await toReply(response);
      replies.push(reply);
      return reply;
    };
    const advance = (time: number) => {
      store.ahead += time;
      child.send({ advance: time });
    };
    return { ask, advance, written, said, child };
  }

  it('are found with the credentials of a profile, kept, and read anew when they were renewed', async () => {
    const folder = join(deployed.folder, '.aws');
    await mkdir(folder, { recursive: true });
    await writeFile(
      join(folder, 'credentials'),
      `[the-profile]\naws_access_key_id=${credentials.accessKeyId}\naws_secret_access_key=${credentials.secretAccessKey}\naws_session_token=${credentials.sessionToken}\n`,
    );
    await writeFile(join(folder, 'config'), `[profile the-profile]\nregion=${store.region}\n`);
    const server = await serve(both(), { AWS_ENDPOINT_URL_SSM: store.url, AWS_PROFILE: 'the-profile' });
    const calls = store.requests.length;
    expectToken(await login(server));
    expectToken(await login(server));
    expect(store.requests).toHaveLength(calls);
    store.put(secret, (host.app.clientSecret = 'marked-secret-2'));
    expectFailure(await login(server), 'BAD_CLIENT_CREDENTIALS');
    expectToken(await login(server));
  });

  it('are looked at before it starts', async () => {
    store.delete(secret);
    store.put(id, ' ');
    const { child, written } = await serve({ ...both(), CMS_AUTH_PAGE: 'ssm:page', CMS_AUTH_SECRETS_TTL: 'soon' });
    expect(child.exitCode).toBe(1);
    expect(written.stderr).toContain('CMS_AUTH_PAGE cannot be used: write ssm:');
    expect(written.stderr).toContain('CMS_AUTH_SECRETS_TTL cannot be used');
  });

  it('name what is missing and what is empty', async () => {
    store.delete(secret);
    store.put(id, ' ');
    const { written, said, ask } = await serve(both());
    await said('It lets nobody in yet');
    expect(written.stdout).toContain(`GITHUB_CLIENT_ID points to ssm:${id}, which is empty.`);
    expect(written.stdout).toContain(`${about} does not exist in eu-central-1.`);
    expect((await ask({ path: '/auth' })).body).toContain(`GITHUB_CLIENT_ID points to ssm:${id}, which is empty.`);
  });

  it('may be out of reach for the moment', async () => {
    await store.stop();
    const server = await serve(secretOnly());
    expectFailure(await login(server), 'PARAMETER_UNREADABLE');
    expect(server.written.stdout).toContain(`For the moment, logins fail: ${about} could not be read: AWS could not`);
    await store.start();
    server.advance(2_000);
    expectToken(await login(server));
  });
});
