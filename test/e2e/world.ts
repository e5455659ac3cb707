import { createHandler } from '../../lib/login/handler.ts';
import type { LogEntry } from '../../lib/http/log.ts';
import { listen, node } from '../../lib/platforms/node.ts';
import { providers } from '../../functions/auth.ts';
import { startBitbucket, type BitbucketHost } from '../hosts/bitbucket.ts';
import { startGitHub, type GitHubHost } from '../hosts/github.ts';
import { startGitLab, type GitLabHost } from '../hosts/gitlab.ts';

/** The login server on `localhost`, the Git hosts on `127.0.0.1`: another site, as in the field. */
export interface World {
  loginServer: string;
  hosts: { github: GitHubHost; gitlab: GitLabHost; bitbucket: BitbucketHost };
  host: GitHubHost;
  /** The login server's settings; assign to change them. */
  env: Record<string, string>;
  log: LogEntry[];
  /** Milliseconds by which the login server holds back each answer. */
  hold: number;
  close(): Promise<void>;
}

export async function startWorld(port: number): Promise<World> {
  const loginServer = `http://localhost:${port}`;
  const [github, gitlab, bitbucket] = await Promise.all([startGitHub(), startGitLab(), startBitbucket()]);
  const hosts = { github, gitlab, bitbucket };
  const env: Record<string, string> = { CMS_AUTH_URL: loginServer };
  for (const [id, host] of Object.entries(hosts)) {
    host.consent = 'always';
    host.app.redirectUris.push(`${loginServer}/auth/${id}/callback`);
    env[`${id.toUpperCase()}_URL`] = host.url;
    env[`${id.toUpperCase()}_CLIENT_ID`] = host.app.clientId;
    env[`${id.toUpperCase()}_CLIENT_SECRET`] = host.app.clientSecret;
  }
  const log: LogEntry[] = [];
  const listener = node(createHandler(providers, { env, log: (entry) => log.push(entry) }));
  const close = await listen((request, response) => void setTimeout(() => listener(request, response), world.hold), {
    port,
  });
  const world: World = {
    loginServer,
    hosts,
    host: github,
    env,
    log,
    hold: 0,
    close: async () => void (await Promise.all([close(), ...Object.values(hosts).map((host) => host.close())])),
  };
  return world;
}

/** Requests for a token that the Git host got so far. */
export const tokenRequests = ({ host }: World): number =>
  host.requests.filter(({ path }) => path === '/login/oauth/access_token').length;
