import { createHandler } from '../../lib/handler.ts';
import type { LogEntry } from '../../lib/log.ts';
import { listen, node } from '../../lib/platforms/node.ts';
import { github } from '../../lib/providers/github.ts';
import { startGitHub, type GitHubHost } from '../hosts/github.ts';

/** The hop on `localhost`, a Git host on `127.0.0.1`: another site, as in the field. */
export interface World {
  hop: string;
  host: GitHubHost;
  /** The hop's settings; assign to change them. */
  env: Record<string, string>;
  log: LogEntry[];
  /** Milliseconds by which the hop holds back each answer. */
  hold: number;
  close(): Promise<void>;
}

export async function startWorld(port: number): Promise<World> {
  const hop = `http://localhost:${port}`;
  const host = await startGitHub({ consent: 'always' });
  host.app.redirectUris.push(`${hop}/auth/github/callback`);
  const env: Record<string, string> = {
    CMS_AUTH_URL: hop,
    GITHUB_URL: host.url,
    GITHUB_CLIENT_ID: host.app.clientId,
    GITHUB_CLIENT_SECRET: host.app.clientSecret,
  };
  const log: LogEntry[] = [];
  const listener = node(createHandler([github], { env, log: (entry) => log.push(entry) }));
  const close = await listen((request, response) => void setTimeout(() => listener(request, response), world.hold), {
    port,
    loopbackOnly: true,
  });
  const world: World = {
    hop,
    host,
    env,
    log,
    hold: 0,
    close: async () => void (await Promise.all([close(), host.close()])),
  };
  return world;
}

/** Requests for a token that the Git host got so far. */
export const tokenRequests = ({ host }: World): number =>
  host.requests.filter(({ path }) => path === '/login/oauth/access_token').length;
