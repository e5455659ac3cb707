/** The login server as it is on https, with three Git hosts behind it, asked over plain HTTP by whoever likes to. */
import { loginHandler } from '../contract/handlers.ts';
import { listen, node } from '../../lib/platforms/node.ts';
import { providers } from '../../functions/auth.ts';
import { expect } from 'vitest';
import { askOver } from '../contract/http.ts';
import { codeOf, popupResultOf, nextOf, tokenOf } from '../popup.ts';
import { startBitbucket, type BitbucketHost } from '../hosts/bitbucket.ts';
import { startGitHub, type GitHubHost } from '../hosts/github.ts';
import { startGitLab, type GitLabHost } from '../hosts/gitlab.ts';
import type { Platform } from '../../lib/http/platform.ts';
import type { LogEntry } from '../../lib/http/log.ts';
import type { Call, Reply, Request } from '../contract/login.ts';
import { freePort } from '../hosts/port.ts';

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

interface Opened {
  headers?: Record<string, string>;
  /** The opener's. */
  origin?: string;
}

/** Where the login server is played instead of Node, which runs it in this process. */
let inRuntime: Call | undefined;

/** From here on, every login server that is started here is asked in another runtime. */
export const playIn = (call: Call): void => void (inRuntime = call);

export async function startLoginServer(platform: Platform = {}) {
  const [github, gitlab, bitbucket] = await Promise.all([startGitHub(), startGitLab(), startBitbucket()]);
  const hosts: { github: GitHubHost; gitlab: GitLabHost; bitbucket: BitbucketHost } = { github, gitlab, bitbucket };
  const env: Record<string, string | undefined> = {};
  const log: LogEntry[] = [];
  const port = await freePort();

  const loginServer = {
    hosts,
    env,
    log,
    port,
    /** Milliseconds that have passed without anybody waiting. */
    ahead: 0,

    reset() {
      loginServer.ahead = 0;
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
      call(handler, { method: 'GET', path, query, headers: {}, ...request }),

    /** The first two steps, with an opener of this origin. */
    async start(path: string, query = '', { headers = {}, origin = site }: Opened = {}) {
      const opening = await loginServer.ask(path, query, { headers });
      const cookie = opening.cookies.at(-1)?.split(';', 1)[0] ?? '';
      const next = nextOf(opening, origin);
      const reply = await loginServer.ask(next.path, next.query, { headers: { ...headers, cookie } });
      const state = new URL(reply.headers['location'] ?? 'x:').searchParams.get('state') ?? '';
      return { opening, next, reply, state, cookie };
    },

    async begin(id: Id, path = `/auth/${id}`, opened: Opened = {}): Promise<Begun> {
      const { opening, reply, cookie } = await loginServer.start(path, '', opened);
      const location = new URL(reply.headers['location'] ?? '');
      const consent = await fetch(location, { redirect: 'manual' });
      const { searchParams: parameters } = new URL(consent.headers.get('location') ?? '');
      return {
        location,
        parameters,
        state: parameters.get('state') ?? '',
        code: parameters.get('code') ?? '',
        cookie,
        setCookies: opening.cookies,
      };
    },

    finish: (id: Id, query: string | URLSearchParams, cookie = '') =>
      loginServer.ask(`/auth/${id}/callback`, String(query), { headers: cookie === '' ? {} : { cookie } }),

    /** A refresh token, come by honestly. */
    async refreshToken(id: Id): Promise<string> {
      const { parameters, cookie } = await loginServer.begin(id, `/auth/${id}/authorize`);
      const { message = '' } = popupResultOf(await loginServer.finish(id, parameters, cookie)) ?? {};
      return /"refresh_?[tT]oken":"([^"]+)"/.exec(message)?.[1] ?? '';
    },

    /** Requests of any kind that the Git hosts got. */
    asked: () => Object.values(hosts).flatMap(({ requests }) => requests).length,

    /** Requests for a token that the Git hosts got. */
    spent: () =>
      Object.values(hosts).flatMap(({ requests }) =>
        requests.filter(({ method, path }) => method === 'POST' && path.includes('token')),
      ).length,

    /** It was refused with this code, without a token, and without a word to any Git host but what was `spent` before. */
    expectRefused(reply: Reply, code: string, spent = 0): string {
      expect(codeOf(reply)).toBe(code);
      expect(reply.body).not.toMatch(/gh[our]_|"token"/);
      expect(loginServer.spent()).toBe(spent);
      return `refused: ${code}`;
    },

    close: async () => void (await Promise.all([close(), ...Object.values(hosts).map((host) => host.close())])),
  };
  loginServer.reset();
  const handler = loginHandler(providers, {
    env,
    log: (entry) => log.push(entry),
    now: () => Date.now() + loginServer.ahead,
  });
  const close = await listen(node(handler, platform), { port });
  const call = inRuntime ?? ((_, request) => askOver(port, request));
  return loginServer;
}

export type LoginServer = Awaited<ReturnType<typeof startLoginServer>>;

export { codeOf, popupResultOf, tokenOf as tokenIn };
