/** A gateway in front of a host that says what it is told to and remembers what it was asked. */
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { SignJWT } from 'jose';
import { afterAll, beforeAll, beforeEach } from 'vitest';
import { gatewayHandler } from '../handlers.ts';
import { listen, readBody } from '../../hosts/http.ts';
import type { Environment } from '../../../lib/config/environment.ts';
import type { LogEntry } from '../../../lib/http/log.ts';
import type { Call, Reply, Request } from '../login.ts';

export const site = 'https://www.example.com';
export const own = 'https://gateway.example.com';
export const upstreamToken = 'github_pat_the-credential-of-the-gateway';
export const secret = 'the-secret-that-gotrue-and-we-share';

export interface Asked {
  method: string;
  /** With its query, as it came. */
  url: string;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

export type Script = (asked: Asked, response: ServerResponse, request: IncomingMessage) => void;

const emptyHost = () => ({
  asked: [] as Asked[],
  script: json(200, {}),
  url: '',
  close: async () => {},
});

/** A host with no file on its branch, so that nothing is in the way of one that is written. @param write its answer to a write */
export const withoutFiles =
  (write: Script = json(201, {})): Script =>
  (asked, ...rest) => {
    const found = asked.url.includes('/refs/branches/') ? { target: { hash: 'a'.repeat(40) } } : undefined;
    const look = found ? json(200, found) : json(404, { message: '404 Not Found' });
    (/^(GET|HEAD)$/.test(asked.method) ? look : write)(asked, ...rest);
  };

/** A host that answers whatever a test wants. */
export async function startHost(host = emptyHost()) {
  const listening = await listen(async (request, response) => {
    const asked: Asked = {
      method: request.method ?? '',
      url: request.url ?? '',
      headers: request.headers,
      body: await readBody(request, 64 * 1024 * 1024),
    };
    host.asked.push(asked);
    host.script(asked, response, request);
  });
  return Object.assign(host, { url: listening.url, close: listening.close });
}

export type Host = Awaited<ReturnType<typeof startHost>>;

/** One for the tests around: before each of them it has forgotten the others, and says nothing in particular. */
export function useHost(): Host {
  const host = emptyHost();
  beforeAll(() => startHost(host));
  afterAll(() => host.close());
  beforeEach(() => void Object.assign(host, { asked: [], script: json(200, {}) }));
  return host;
}

let credentials = 0;
/** What was seen of one is kept for a minute: so each world that has to see for itself has a credential of its own. */
export const nextToken = (): string => `${upstreamToken}${++credentials}`;

export const json =
  (status: number, body: unknown, headers: Record<string, string> = {}): Script =>
  (_, response) => {
    response.writeHead(status, { 'content-type': 'application/json; charset=utf-8', ...headers });
    response.end(typeof body === 'string' ? body : JSON.stringify(body));
  };

/** As GoTrue makes them. */
export const sessionOf = (
  claims: Record<string, unknown> = {},
  { key = secret, seconds = 3600, header = {} }: { key?: string; seconds?: number; header?: object } = {},
) =>
  new SignJWT({
    sub: '4b1c',
    email: 'zoe@example.org',
    app_metadata: { provider: 'email' },
    user_metadata: { full_name: 'Zoë Editor' },
    ...claims,
  })
    .setProtectedHeader({ alg: 'HS256', ...header })
    .setExpirationTime(Math.floor(Date.now() / 1000) + seconds)
    .sign(new TextEncoder().encode(key));

/** Calls the handler itself, without a platform's shell; its bytes are told as text. */
export const direct =
  (platform: object = {}): Call =>
  async (handler, request) => {
    const reply = await handler({ ...request, platform, body: () => [Buffer.from(request.body ?? '')] });
    return { ...reply, body: await new Response(reply.body as BodyInit).text() };
  };

export function openWorld(host: Host, call: Call, more: Record<string, string | undefined> = {}) {
  const log: LogEntry[] = [];
  const env: Record<string, string | undefined> = {
    CMS_AUTH_URL: own,
    CMS_AUTH_ORIGINS: `${site}, https://deploy-preview-*--site.netlify.app`,
    CMS_GATEWAY_REPO: `${host.url}/owner/name`,
    CMS_GATEWAY_TOKEN: upstreamToken,
    CMS_GATEWAY_JWT_SECRET: secret,
    CMS_GATEWAY_PATHS: '**',
    CMS_GATEWAY_EDITORS: 'zoe@example.org, @parish.example',
    GITHUB_URL: host.url,
    ...more,
  };
  const handler = gatewayHandler({ env: env as Environment, log: (entry) => void log.push(entry) });
  return {
    log,
    env,
    /** With a good session and from a listed page, unless said otherwise; a header that is `undefined` is not sent. */
    async ask(
      target: string,
      {
        method = 'GET',
        headers = {},
        body,
      }: Partial<Omit<Request, 'path' | 'headers'>> & {
        headers?: Record<string, string | undefined>;
      } = {},
    ): Promise<Reply> {
      const [path = '', ...query] = target.split('?');
      const all = {
        origin: site,
        authorization: `Bearer ${await sessionOf()}`,
        ...(body !== undefined && { 'content-type': 'application/json; charset=utf-8' }),
        ...headers,
      };
      const sent = Object.fromEntries(
        Object.entries(all).filter((pair): pair is [string, string] => pair[1] !== undefined),
      );
      return call(handler, {
        method,
        path,
        query: query.join('?'),
        headers: sent,
        ...(body !== undefined && { body }),
      });
    },
  };
}
