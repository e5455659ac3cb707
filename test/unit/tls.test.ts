import { Agent } from 'node:https';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { exchangeCode, renewTokens } from '../../lib/oauth/token-request.ts';
import { send } from '../../lib/oauth/request.ts';
import { github } from '../../lib/providers/github.ts';
import { clientSettings } from '../../lib/config/settings.ts';
import { listenTls } from '../attacks/tls.ts';

const address = { origin: 'https://auth.example.com', prefix: '', secure: true };

describe('A Git host whose certificate nobody vouches for', () => {
  let host: Awaited<ReturnType<typeof listenTls>>;
  let url: string;
  let asked = 0;
  beforeAll(async () => {
    host = await listenTls((_, response) => {
      asked++;
      response.setHeader('content-type', 'application/json');
      response.end('{"access_token":"gho_x","token_type":"bearer"}');
    });
    url = `https://localhost:${host.port}`;
  });
  afterAll(() => host.close());

  const client = () => clientSettings(github, address).read({ GITHUB_CLIENT_ID: 'id', GITHUB_URL: url });
  const deadline = () => Date.now() + 5_000;

  it('gets neither code nor secret', async () => {
    const checks = { state: 'a-state', codeVerifier: 'v'.repeat(43) };
    await expect(exchangeCode(client(), 'secret', checks, { code: 'c' }, deadline())).rejects.toMatchObject({
      code: 'HOST_UNREACHABLE',
    });
    expect(asked).toBe(0);
  });

  it('gets neither, whatever Node is told to take', async () => {
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
    const attempt = { state: 'a-state', codeVerifier: 'v'.repeat(43) };
    await expect(exchangeCode(client(), 'secret', attempt, { code: 'c' }, deadline())).rejects.toMatchObject({
      code: 'HOST_UNREACHABLE',
    });
    vi.unstubAllEnvs();
    expect(asked).toBe(0);
  });

  it('gets no refresh token', async () => {
    await expect(renewTokens(client(), 'secret', 'refresh', deadline())).rejects.toMatchObject({
      code: 'HOST_UNREACHABLE',
    });
    expect(asked).toBe(0);
  });

  it('would answer if somebody looked away', async () => {
    const agent = new Agent({ rejectUnauthorized: false });
    const answer = await send(url, { method: 'POST', headers: {}, deadline: deadline(), agent });
    agent.destroy();
    expect([answer.status, asked]).toEqual([200, 1]);
  });
});
