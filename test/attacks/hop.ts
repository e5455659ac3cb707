/** The hop as it is on https, with three Git hosts behind it, asked over plain HTTP by whoever likes to. */
import { createHandler } from '../../lib/hop/handler.ts';
import { listen, node } from '../../lib/platforms/node.ts';
import { providers } from '../../functions/auth.ts';
import { askOver, freePort } from '../contract/http.ts';
import { startBitbucket, type BitbucketHost } from '../hosts/bitbucket.ts';
import { startGitHub, type GitHubHost } from '../hosts/github.ts';
import { startGitLab, type GitLabHost } from '../hosts/gitlab.ts';
import type { Platform } from '../../lib/web/platform.ts';
import type { LogEntry } from '../../lib/web/log.ts';
import type { HandOver } from '../../lib/hop/errand.ts';
import type { Reply, Request } from '../contract/login.ts';

export type Id = 'github' | 'gitlab' | 'bitbucket';

export const address = 'https://auth.example.com';
export const site = 'https://www.example.com';
export const preview = 'https://deploy-preview-7--site.example.com';

/** What an attacker, or a victim, holds of a login once the host has sent the browser back. */
export interface Begun {
  location: URL;
  /** Of the callback. */
  parameters: URLSearchParams;
  state: string;
  code: string;
  /** As the browser sends it. */
  cookie: string;
  setCookies: string[];
}

export async function startHop(platform: Platform = {}) {
  const [github, gitlab, bitbucket] = await Promise.all([startGitHub(), startGitLab(), startBitbucket()]);
  const hosts: { github: GitHubHost; gitlab: GitLabHost; bitbucket: BitbucketHost } = { github, gitlab, bitbucket };
  const env: Record<string, string | undefined> = {};
  const log: LogEntry[] = [];
  const port = await freePort();

  const hop = {
    hosts,
    env,
    log,
    port,
    /** Milliseconds that have passed without anybody waiting. */
    ahead: 0,

    reset() {
      hop.ahead = 0;
      log.length = 0;
      for (const name of Object.keys(env)) delete env[name];
      Object.assign(env, {
        CMS_AUTH_URL: address,
        CMS_AUTH_ORIGINS: `${site}, https://deploy-preview-*--site.example.com`,
        CMS_AUTH_REFRESH: 'github gitlab bitbucket',
      });
      github.expiring = true;
      for (const [id, host] of Object.entries(hosts)) {
        host.consent = 'always';
        host.fault = undefined;
        host.iss = id === 'github' ? 'right' : 'none';
        host.requests.length = 0;
        host.app.redirectUris = [`${address}/auth/${id}/callback`];
        env[`${id.toUpperCase()}_URL`] = host.url;
        env[`${id.toUpperCase()}_CLIENT_ID`] = host.app.clientId;
        env[`${id.toUpperCase()}_CLIENT_SECRET`] = host.app.clientSecret;
      }
    },

    ask: (path: string, query = '', request: Partial<Request> = {}): Promise<Reply> =>
      askOver(port, { method: 'GET', path, query, headers: {}, ...request }),

    async begin(id: Id, path = `/auth/${id}`, headers: Record<string, string> = {}): Promise<Begun> {
      const { headers: answer, cookies } = await hop.ask(path, '', { headers });
      const location = new URL(answer['location'] ?? '');
      const consent = await fetch(location, { redirect: 'manual' });
      const { searchParams: parameters } = new URL(consent.headers.get('location') ?? '');
      return {
        location,
        parameters,
        state: parameters.get('state') ?? '',
        code: parameters.get('code') ?? '',
        cookie: cookies.at(-1)?.split(';', 1)[0] ?? '',
        setCookies: cookies,
      };
    },

    finish: (id: Id, query: string | URLSearchParams, cookie = '') =>
      hop.ask(`/auth/${id}/callback`, String(query), { headers: cookie === '' ? {} : { cookie } }),

    /** A refresh token, come by honestly. */
    async refreshToken(id: Id): Promise<string> {
      const { parameters, cookie } = await hop.begin(id, `/auth/${id}/authorize`);
      const { exact } = handOver(await hop.finish(id, parameters, cookie)).results;
      return /"refresh_?[tT]oken":"([^"]+)"/.exec(exact ?? '')?.[1] ?? '';
    },

    /** Requests for a token that the Git hosts got. */
    spent: () =>
      Object.values(hosts).flatMap(({ requests }) =>
        requests.filter(({ method, path }) => method === 'POST' && path.includes('token')),
      ).length,

    close: async () => void (await Promise.all([close(), ...Object.values(hosts).map((host) => host.close())])),
  };
  hop.reset();
  const handler = createHandler(providers, {
    env,
    log: (entry) => log.push(entry),
    now: () => Date.now() + hop.ahead,
  });
  const close = await listen(node(handler, platform), { port });
  return hop;
}

export type Hop = Awaited<ReturnType<typeof startHop>>;

/** The code of a failure, as on the page. */
export const codeOf = ({ body }: { body: string }): string | undefined => /Code: (\w+)</.exec(body)?.[1];

export const handOver = ({ body }: Reply): HandOver =>
  JSON.parse(/id="hand-over">(.*?)<\/script>/.exec(body)?.[1] ?? '{"results":{}}') as HandOver;

export const tokenIn = (reply: Reply): string | undefined =>
  /"token":"([^"]+)"/.exec(handOver(reply).results.exact ?? '')?.[1];
