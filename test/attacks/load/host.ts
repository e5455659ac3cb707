/** A Git host for many: it knows whose code it is asked about, forgets it at once, and fails as it is told. */
import { createHash, randomBytes } from 'node:crypto';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { faults } from '../../hosts/faults.ts';
import { send, sendJson } from '../../hosts/http.ts';

interface Way {
  put: (response: ServerResponse, token: Record<string, string>) => unknown;
  /** What the login ends with. */
  code: RegExp;
}

const json = 'application/json; charset=utf-8';
const refusal = (error: string, status = 200) => ({
  put: (response: ServerResponse, token: Record<string, string>) => sendJson(response, status, { ...token, error }),
});
const sixfold = { 'Content-Type': json, 'Content-Encoding': 'gzip, gzip, gzip, gzip, gzip, gzip' };

/** Every way to fail. Where it can be, the bad answer holds the right token. */
export const ways: Record<string, Way> = {
  html200: { put: faults.html200, code: /^HOST_MALFORMED$/ },
  html502: { put: faults.html502, code: /^HOST_FAILED$/ },
  json500: { put: faults.json500, code: /^HOST_FAILED$/ },
  limited: { put: faults.limited, code: /^HOST_BUSY$/ },
  empty: { put: faults.empty, code: /^HOST_MALFORMED$/ },
  array: { put: faults.array, code: /^HOST_MALFORMED$/ },
  huge: { put: faults.huge, code: /^HOST_MALFORMED$/ },
  gzipBomb: { put: faults.gzipBomb, code: /^HOST_MALFORMED$/ },
  truncated: { put: faults.truncated, code: /^HOST_UNREACHABLE$/ },
  drip: { put: faults.drip, code: /^HOST_TIMEOUT$/ },
  hang: { put: faults.hang, code: /^HOST_TIMEOUT$/ },
  reset: { put: faults.reset, code: /^HOST_UNREACHABLE$/ },
  redirect: { put: faults.redirect, code: /^HOST_FAILED$/ },
  found: {
    put: (response) => response.writeHead(302, { Location: '/login' }).end(),
    code: /^HOST_FAILED$/,
  },
  nothing: { put: (response) => response.writeHead(204).end(), code: /^HOST_FAILED$/ },
  closed: { put: (response) => response.socket?.end(), code: /^HOST_UNREACHABLE$/ },
  noHttp: { put: (response) => response.socket?.end('It works!\r\n\r\n'), code: /^HOST_UNREACHABLE$/ },
  half: {
    put: (response) => response.socket?.write('HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-'),
    code: /^HOST_TIMEOUT$/,
  },
  cut: {
    put: (response, token) => send(response, 200, json, JSON.stringify(token).slice(0, -1)),
    code: /^HOST_MALFORMED$/,
  },
  noGzip: {
    put: (response, token) => {
      response.writeHead(200, { 'Content-Type': json, 'Content-Encoding': 'gzip', Connection: 'close' });
      response.useChunkedEncodingByDefault = false;
      response.end(JSON.stringify(token));
    },
    code: /^HOST_(MALFORMED|UNREACHABLE|TIMEOUT)$/,
  },
  sixfold: {
    put: (response) => {
      response.writeHead(200, { ...sixfold, 'Content-Length': 99 });
      response.write('null', () => response.destroy());
    },
    code: /^HOST_(MALFORMED|UNREACHABLE)$/,
  },
  rejected: { ...refusal('bad_verification_code'), code: /^CODE_REJECTED$/ },
  grant: { ...refusal('invalid_grant', 400), code: /^CODE_REJECTED$/ },
  secret: { ...refusal('invalid_client', 401), code: /^BAD_CLIENT_CREDENTIALS$/ },
  address: { ...refusal('redirect_uri_mismatch'), code: /^REDIRECT_URI_MISMATCH$/ },
  email: { ...refusal('unverified_user_email'), code: /^UNVERIFIED_EMAIL$/ },
  slow: { ...refusal('slow_down', 400), code: /^HOST_BUSY$/ },
  unknown: { ...refusal('server_error', 400), code: /^HOST_REFUSED$/ },
};
const names = Object.keys(ways);

/** Of twenty logins the last one fails, each time in the next way. */
export const wayOf = (login: number): string | undefined =>
  login % 20 === 19 ? names[Math.floor(login / 20) % names.length] : undefined;

export async function startHost(secret: string) {
  const codes = new Map<string, { login: number; asked: URLSearchParams }>();
  let requests = 0;
  /** What was asked otherwise than it should be. */
  const wrong: string[] = [];

  const server = createServer((request, response) => {
    response.on('error', () => {});
    void text(request).then((body) => {
      requests++;
      const form = new URLSearchParams(body);
      const [, basic = ''] = /^Basic (.*)$/.exec(request.headers.authorization ?? '') ?? [];
      const given = form.get('client_secret') ?? Buffer.from(basic, 'base64').toString().split(':')[1];
      const code = form.get('code') ?? '';
      const grant = codes.get(code);
      codes.delete(code);
      if (!grant || given !== secret) {
        wrong.push(`${request.url}: ${grant ? 'another secret' : 'no such code'}`);
        return sendJson(response, 400, { error: 'invalid_grant' });
      }
      const { login, asked } = grant;
      const challenge = createHash('sha256')
        .update(form.get('code_verifier') ?? '')
        .digest('base64url');
      if (asked.has('code_challenge') && asked.get('code_challenge') !== challenge)
        wrong.push(`login ${login}: another's verifier`);
      if (asked.get('redirect_uri') !== form.get('redirect_uri')) wrong.push(`login ${login}: another's address`);

      const token = { token_type: 'bearer', access_token: `access-${code}`, refresh_token: `refresh-${code}` };
      const way = wayOf(login);
      if (way !== undefined) return ways[way]?.put(response, token);
      if (login % 20 === 3)
        return send(response, 200, 'application/x-www-form-urlencoded', new URLSearchParams(token).toString());
      if (login % 20 === 7) return setTimeout(sendJson, 30, response, 200, token);
      sendJson(response, 200, token);
    });
  });
  server.on('clientError', (_error, socket) => socket.destroy());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    wrong,
    requests: () => requests,
    /** Codes that nobody asked about. */
    left: () => codes.size,
    /** The user agrees. @returns the query of the callback, and the code in it, which the tokens will be named after */
    consent(login: number, location: string): { code: string; query: string } {
      const asked = new URL(location).searchParams;
      const code = `${login}-${randomBytes(9).toString('base64url')}`;
      codes.set(code, { login, asked });
      return { code, query: new URLSearchParams({ code, state: asked.get('state') ?? '' }).toString() };
    },
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

export type Host = Awaited<ReturnType<typeof startHost>>;
