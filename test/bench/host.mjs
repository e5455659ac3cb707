// @ts-check
/**
 * GitHub's token endpoint, and something for a gateway to pass on. It is the floor of every throughput, so it does as little as it can: no
 * code is remembered, and nothing is written down unless somebody wants to read it.
 *
 * `node host.mjs` prints its address and lasts until its standard input ends, so that it cannot outlive who started it.
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { argv, env, stdin } from 'node:process';
import { fileURLToPath } from 'node:url';

/**
 * @param {{ clientId?: string, clientSecret?: string, record?: boolean }} [options] `record`: keep what was asked for
 */
export async function startHost({ clientId = 'id', clientSecret = 'secret', record = false } = {}) {
  const basic = `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}`;
  /** @type {Record<string, string>[]} */
  const requests = [];
  let issued = 0;

  const server = createServer((request, response) => {
    let body = '';
    request
      .setEncoding('utf8')
      .on('data', (chunk) => (body += chunk))
      .on('end', () => {
        if (request.url?.startsWith('/api/')) {
          const text = '{"name":"main","sha":"9d4f6dc4e3c5a4ae1a0dd7d4f6dc4e3c5a4ae1a0"}';
          const status = request.method === 'GET' ? 200 : 201;
          response.writeHead(status, { 'content-type': 'application/json', 'content-length': text.length }).end(text);
          return;
        }
        const { accept = '', authorization, 'content-type': type = '' } = request.headers;
        const asked = type.includes('json') ? JSON.parse(body) : Object.fromEntries(new URLSearchParams(body));
        if (record) requests.push(asked);
        const known = authorization === basic || (asked.client_id === clientId && asked.client_secret === clientSecret);
        const answer = known ? exchange(asked) : { error: 'incorrect_client_credentials' };
        // As GitHub does: errors with 200, too, and a form for whoever does not ask for JSON.
        const json = accept.includes('json');
        const text = json ? JSON.stringify(answer) : new URLSearchParams(answer).toString();
        response
          .writeHead(200, {
            'content-type': json ? 'application/json; charset=utf-8' : 'application/x-www-form-urlencoded',
            'content-length': text.length,
          })
          .end(text);
      });
  });

  /** @param {Record<string, string>} asked @returns {Record<string, string>} */
  function exchange({ grant_type, code, refresh_token }) {
    const id = String(++issued).padStart(36, '0');
    const token = { access_token: `gho_${id}`, token_type: 'bearer', scope: 'repo' };
    if (grant_type === 'refresh_token')
      return refresh_token ? { ...token, refresh_token: `ghr_${id}` } : { error: 'bad_refresh_token' };
    return code && !code.startsWith('bad') ? token : { error: 'bad_verification_code' };
  }

  // Longer than any pause between two rounds: a connection that is closed in between would cost its client a request.
  server.keepAliveTimeout = 600_000;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

if (argv[1] === fileURLToPath(import.meta.url)) {
  const host = await startHost({
    clientId: env['BENCH_CLIENT_ID'] ?? 'id',
    clientSecret: env['BENCH_CLIENT_SECRET'] ?? 'secret',
  });
  console.log(host.url);
  stdin.resume().on('end', () => void host.close());
}
