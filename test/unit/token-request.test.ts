import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { beginTransaction, checksOf, codeChallenge, type AuthorizationChecks } from '../../lib/oauth/transaction.ts';
import { ownCookies } from '../../lib/http/cookies.ts';
import { Failure } from '../../lib/http/errors.ts';
import { exchangeCode } from '../../lib/oauth/token-request.ts';
import { github } from '../../lib/providers/github.ts';
import { clientSettings, type Client } from '../../lib/config/settings.ts';
import { faults, type Fault } from '../hosts/faults.ts';
import { startGitHub, type GitHubHost } from '../hosts/github.ts';
import { listen, send, type Listener } from '../hosts/http.ts';

const address = { origin: 'https://auth.example.com', prefix: '', secure: true };
const redirectUri = 'https://auth.example.com/auth/github/callback';
const clientSecret = 'the-client-secret';
const app = { name: 'CMS', clientId: 'the-client-id', clientSecret, redirectUris: [redirectUri] };
const tokenPath = '/login/oauth/access_token';

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.close()));
});

const clientAt = (url: string): Client =>
  clientSettings(github, address).read({ GITHUB_CLIENT_ID: app.clientId, GITHUB_URL: url });

const newChecks = (): AuthorizationChecks => {
  const { transaction } = beginTransaction({
    cookieStore: ownCookies('', address, { name: 'login', path: '/auth' }),
    now: Date.now(),
  });
  return checksOf(transaction, `${transaction.id}.state`);
};

async function start(settings: Partial<GitHubHost> = {}) {
  const { fault, expiring } = settings;
  const host = await startGitHub({ app, consent: 'always', ...(expiring && { expiring }) });
  host.fault = fault;
  open.push(host);
  const client = clientAt(host.url);
  const checks = newChecks();
  const code = host.grants.issueCode({
    clientId: app.clientId,
    user: host.user.login,
    scopes: ['repo'],
    redirectUri,
    challenge: codeChallenge(checks.codeVerifier),
  });
  return { host, client, checks, code };
}

/** A token endpoint that answers exactly as it is told. */
async function answering(listener: Listener) {
  const server = await listen(listener);
  open.push(server);
  const client = clientAt(server.url);
  const checks = newChecks();
  return (deadline = Date.now() + 8000) => exchangeCode(client, clientSecret, checks, { code: 'the-code' }, deadline);
}

const json =
  (value: unknown, status = 200): Listener =>
  (_, response) =>
    send(response, status, 'application/json', typeof value === 'string' ? value : JSON.stringify(value));

async function refusal(exchange: Promise<unknown>): Promise<Failure> {
  const error: unknown = await exchange.then(
    () => new Error('It gave a token.'),
    (reason: unknown) => reason,
  );
  if (error instanceof Failure) return error;
  throw error;
}

function expectNoSecrets(error: Failure, ...secrets: string[]) {
  const shown = [error.message, JSON.stringify(error), String(error), ...Object.values(error)].join('\n');
  for (const secret of [clientSecret, 'token_from_a_fault', ...secrets]) expect(shown).not.toContain(secret);
}

describe('A code is exchanged', () => {
  it('for a token that the host knows, with one request that says what it has to', async () => {
    const { host, client, checks, code } = await start();
    const tokens = await exchangeCode(client, clientSecret, checks, { code, iss: client.issuer }, Date.now() + 8000);
    expect(Object.keys(tokens)).toEqual(['accessToken']);
    expect(host.grants.holder(tokens.accessToken)).toMatchObject({ user: 'demo-editor', scopes: ['repo'] });
    expect(host.requests).toEqual([
      {
        method: 'POST',
        path: tokenPath,
        parameters: {
          grant_type: 'authorization_code',
          code,
          redirect_uri: redirectUri,
          code_verifier: checks.codeVerifier,
          client_id: app.clientId,
          client_secret: clientSecret,
        },
      },
    ]);
  });

  it('for a refresh token, too, where tokens expire', async () => {
    const { client, checks, code } = await start({ expiring: true });
    const tokens = await exchangeCode(client, clientSecret, checks, { code }, Date.now() + 8000);
    expect(tokens).toEqual({
      accessToken: expect.stringMatching(/^ghu_/),
      refreshToken: expect.stringMatching(/^ghr_/),
    });
  });

  it.each([
    ['a form', 'application/x-www-form-urlencoded; charset=utf-8', 'access_token=gho_1&scope=repo&token_type=bearer'],
    [
      'a form of an app whose tokens expire',
      'application/x-www-form-urlencoded',
      'access_token=gho_1&expires_in=28800&refresh_token=&refresh_token_expires_in=15897600&scope=&token_type=bearer',
    ],
    ['JSON under the name of text', 'text/plain', '{"access_token":"gho_1","token_type":"bearer"}'],
    ['JSON behind a byte order mark', 'application/json', '\ufeff{"access_token":"gho_1","token_type":"bearer"}'],
    [
      'JSON with members that are null or empty',
      'application/json',
      '{"access_token":"gho_1","token_type":"bearer","refresh_token":null,"expires_in":null,"scope":"","id_token":""}',
    ],
    [
      'JSON with members that nobody knows',
      'application/json',
      '{"access_token":"gho_1","token_type":"Bearer","scope":["repo"],"__proto__":{"x":1},"x":{}}',
    ],
  ])('from %s', async (_, type, body) => {
    const exchange = await answering((_request, response) => send(response, 200, type, body));
    expect(await exchange()).toEqual({ accessToken: 'gho_1' });
  });

  it('as long as the answer has no more than 64 KiB', async () => {
    const body = (size: number) => '{"access_token":"gho_1","token_type":"bearer"}'.padEnd(size);
    const fits = await answering(json(body(64 * 1024)));
    expect(await fits()).toEqual({ accessToken: 'gho_1' });
    const exceeds = await answering(json(body(64 * 1024 + 1)));
    expect((await refusal(exceeds())).code).toBe('HOST_MALFORMED');
  });
});

const codes: Record<Fault, string> = {
  html200: 'HOST_MALFORMED',
  html502: 'HOST_FAILED',
  json500: 'HOST_FAILED',
  limited: 'HOST_BUSY',
  empty: 'HOST_MALFORMED',
  array: 'HOST_MALFORMED',
  huge: 'HOST_MALFORMED',
  gzipBomb: 'HOST_MALFORMED',
  truncated: 'HOST_UNREACHABLE',
  drip: 'HOST_TIMEOUT',
  hang: 'HOST_TIMEOUT',
  reset: 'HOST_UNREACHABLE',
  redirect: 'HOST_FAILED',
};

describe('A host that fails costs one login and one request:', () => {
  it.each(Object.keys(faults) as Fault[])('%s', async (fault) => {
    const { host, client, checks, code } = await start({ fault });
    const timeoutMs = codes[fault] === 'HOST_TIMEOUT' ? 500 : 8000;
    const began = performance.now();
    const error = await refusal(exchangeCode(client, clientSecret, checks, { code }, Date.now() + timeoutMs));
    const took = performance.now() - began;
    expect(error.code).toBe(codes[fault]);
    expect(host.requests.map(({ method, path }) => `${method} ${path}`)).toEqual([`POST ${tokenPath}`]);
    expectNoSecrets(error, code, checks.codeVerifier, checks.state);
    if (error.code === 'HOST_TIMEOUT') {
      expect(took).toBeGreaterThan(400);
      expect(took).toBeLessThan(1500);
    }
  });

  it('nobody listens', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    const client = clientAt(`http://127.0.0.1:${port}`);
    const exchange = exchangeCode(client, clientSecret, newChecks(), { code: 'the-code' }, Date.now() + 8000);
    const error = await refusal(exchange);
    expect(error.code).toBe('HOST_UNREACHABLE');
    expectNoSecrets(error, 'the-code');
  });

  it('the deadline has passed before it is asked', async () => {
    const { client, checks, code } = await start({ fault: 'hang' });
    const exchange = exchangeCode(client, clientSecret, checks, { code }, Date.now() - 1000);
    expect((await refusal(exchange)).code).toBe('HOST_TIMEOUT');
  });

  it('the deadline has passed before it is asked, and then nothing is sent that could spend the code', async () => {
    const { client, checks, code } = await start();
    const request = vi.spyOn(process.getBuiltinModule('node:http'), 'request');
    onTestFinished(() => request.mockRestore());
    const exchange = (deadline: number) => exchangeCode(client, clientSecret, checks, { code }, deadline);
    vi.useFakeTimers({ toFake: ['Date'] });
    onTestFinished(() => void vi.useRealTimers());
    for (const late of [1000, 0]) expect((await refusal(exchange(Date.now() - late))).code).toBe('HOST_TIMEOUT');
    expect(request).not.toHaveBeenCalled();
    expect((await exchange(Date.now() + 8000)).accessToken).toMatch(/^gho_/);
    expect(request).toHaveBeenCalledOnce();
  });

  it('the size of an answer is counted while it comes, so that an endless one ends', async () => {
    let sent = 0;
    const exchange = await answering((_, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      const blocks = function* () {
        for (const block = Buffer.alloc(16 * 1024, ' '); sent < 64 * 1024 * 1024; sent += block.length) yield block;
      };
      return pipeline(Readable.from(blocks()), response).catch(() => {});
    });
    expect((await refusal(exchange())).code).toBe('HOST_MALFORMED');
    expect(sent).toBeLessThan(64 * 1024 * 1024);
  });
});

describe('A host that refuses is understood:', () => {
  it('a wrong secret', async () => {
    const { client, checks, code } = await start();
    const wrong = 'a-wrong-secret';
    const error = await refusal(exchangeCode(client, wrong, checks, { code }, Date.now() + 8000));
    expect(error.code).toBe('BAD_CLIENT_CREDENTIALS');
    expectNoSecrets(error, wrong, code, checks.codeVerifier);
  });

  it('a wrong client id', async () => {
    const { client, checks, code } = await start();
    const exchange = exchangeCode({ ...client, clientId: 'x' }, clientSecret, checks, { code }, Date.now() + 8000);
    expect((await refusal(exchange)).code).toBe('BAD_CLIENT_CREDENTIALS');
  });

  it('a wrong verifier', async () => {
    const { client, checks, code } = await start();
    const other = { ...checks, codeVerifier: newChecks().codeVerifier };
    const error = await refusal(exchangeCode(client, clientSecret, other, { code }, Date.now() + 8000));
    expect(error.code).toBe('CODE_REJECTED');
    expectNoSecrets(error, code, other.codeVerifier);
  });

  it('a code that is used again', async () => {
    const { client, checks, code } = await start();
    const { accessToken } = await exchangeCode(client, clientSecret, checks, { code }, Date.now() + 8000);
    const error = await refusal(exchangeCode(client, clientSecret, checks, { code }, Date.now() + 8000));
    expect(error.code).toBe('CODE_REJECTED');
    expectNoSecrets(error, code, accessToken);
  });

  it('a code for another address', async () => {
    const { client, checks, code } = await start();
    const other = { ...client, redirectUri: `${redirectUri}/x` };
    const exchange = exchangeCode(other, clientSecret, checks, { code }, Date.now() + 8000);
    expect((await refusal(exchange)).code).toBe('REDIRECT_URI_MISMATCH');
  });

  it.each([
    [{ error: 'bad_verification_code' }, 200, 'CODE_REJECTED'],
    [{ error: 'bad_verification_code', access_token: 'gho_1', token_type: 'bearer' }, 200, 'CODE_REJECTED'],
    [{ error: 'incorrect_client_credentials' }, 200, 'BAD_CLIENT_CREDENTIALS'],
    [{ error: 'redirect_uri_mismatch' }, 200, 'REDIRECT_URI_MISMATCH'],
    [{ error: 'unverified_user_email' }, 200, 'UNVERIFIED_EMAIL'],
    [{ error: 'slow_down' }, 400, 'HOST_BUSY'],
    [{ error: 'invalid_grant' }, 400, 'CODE_REJECTED'],
    [{ error: 'invalid_client' }, 401, 'BAD_CLIENT_CREDENTIALS'],
    [{ error: 'never heard of' }, 400, 'HOST_REFUSED'],
    [{ error: '__proto__' }, 200, 'HOST_REFUSED'],
    [{ error: 'constructor' }, 200, 'HOST_REFUSED'],
    [{ error: 'temporarily_unavailable' }, 429, 'HOST_BUSY'],
  ])('%j with status %i is %s', async (body, status, code) => {
    const exchange = await answering((_, response) => {
      // As Doorkeeper does with every error.
      if (status === 401) response.setHeader('www-authenticate', 'Bearer realm="x", error="invalid_client"');
      return json({ ...body, error_description: 'the-secret-description' }, status)(_, response);
    });
    const error = await refusal(exchange());
    expect(error.code).toBe(code);
    expectNoSecrets(error, 'the-secret-description', 'the-code');
  });

  it('an error in a form', async () => {
    const exchange = await answering((_, response) =>
      send(response, 200, 'application/x-www-form-urlencoded', 'error=bad_verification_code&error_description=x'),
    );
    expect((await refusal(exchange())).code).toBe('CODE_REJECTED');
  });
});

it('An answer with a token and an error of whatever form is refused', async () => {
  const exchange = await answering(json({ access_token: 'gho_1', token_type: 'bearer', error: { code: 'x' } }));
  expect((await refusal(exchange())).code).toBe('HOST_FAILED');
});

it.each([204, 205, 304])('A %i that calls itself a form is an error of the host, not one of ours', async (status) => {
  const exchange = await answering((_, response) => {
    response.writeHead(status, { 'content-type': 'application/x-www-form-urlencoded' }).end();
  });
  expect((await refusal(exchange())).code).toBe('HOST_FAILED');
});

describe('An answer that holds no token that can be used is refused:', () => {
  it.each([
    [{}],
    [{ token_type: 'bearer' }],
    [{ access_token: '', token_type: 'bearer' }],
    [{ access_token: null, token_type: 'bearer' }],
    [{ access_token: 1, token_type: 'bearer' }],
    [{ access_token: ['gho_1'], token_type: 'bearer' }],
    [{ access_token: 'gho_1 x', token_type: 'bearer' }],
    [{ access_token: 'gho_1\n', token_type: 'bearer' }],
    [{ access_token: 'gho_\u00e9', token_type: 'bearer' }],
    [{ access_token: 'gho_1', token_type: 'bearer', refresh_token: 'ghr_1\r\nx' }],
    [{ access_token: 'gho_1', token_type: 'bearer', refresh_token: 1 }],
    [{ access_token: 'gho_1', token_type: 'mac' }],
    ['null'],
    ['"gho_1"'],
    ['1'],
    ['{"access_token":"gho_1","token_type":"bearer"'],
    ['{"access_token":"gho_1","token_type":"bearer"}{}'],
    ['access_token=gho_1&token_type=bearer'],
  ])('%j', async (body) => {
    const exchange = await answering(json(body));
    const error = await refusal(exchange());
    expect(error.code).toBe('HOST_MALFORMED');
    expectNoSecrets(error, 'gho_', 'ghr_', 'the-code');
  });

  it('gzip that is none', async () => {
    const exchange = await answering((_, response) => {
      response.setHeader('content-encoding', 'gzip');
      send(response, 200, 'application/json', '{"access_token":"gho_1","token_type":"bearer"}');
    });
    const error = await refusal(exchange());
    expect(error.status).toBe(502);
    expectNoSecrets(error, 'gho_1');
  });
});

describe("The callback's own words are checked once more:", () => {
  it("an issuer that is not the client's gets no secret", async () => {
    const { host, client, checks, code } = await start();
    const answer = { code, iss: 'https://evil.example/login/oauth' };
    await refusal(exchangeCode(client, clientSecret, checks, answer, Date.now() + 8000));
    expect(host.requests).toEqual([]);
  });
});
