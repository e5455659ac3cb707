import type { IncomingMessage, ServerResponse } from 'node:http';
import { gatewayErrors } from './gateway/errors.ts';
import { gateway } from './gateway/handler.ts';
import { bitbucket as bitbucketRules } from './gateway/rules/bitbucket.ts';
import { github as githubRules } from './gateway/rules/github.ts';
import { gitlab as gitlabRules } from './gateway/rules/gitlab.ts';
import { identityErrors } from './gateway/identity/errors.ts';
import { signInErrors } from './gateway/sign-in/errors.ts';
import { signIn } from './gateway/sign-in/handler.ts';
import { popupErrors } from './handler/errors.ts';
import { owns, serve } from './handler/serve.ts';
import { corsErrors } from './http/cors.ts';
import { webErrors } from './http/errors.ts';
import { loginErrors, refreshErrors } from './login/errors.ts';
import { loginRoutes } from './login/handler.ts';
import { connectErrors, hostErrors } from './oauth/errors.ts';
import { transactionErrors } from './oauth/transaction-errors.ts';
import { parameterErrors, settingErrors } from './config/errors.ts';
import * as web from './platforms/fetch.ts';
import * as nodeShell from './platforms/node.ts';
import { bitbucket } from './providers/bitbucket.ts';
import { github } from './providers/github.ts';
import { gitlab } from './providers/gitlab.ts';
import type { LogEntry } from './http/log.ts';
import type { RouteModule } from './handler/router.ts';

export type { LogEntry };

/** What both are made with. */
export interface Options {
  /**
   * The settings, by the names that docs/settings.md and docs/gateway.md list: `{ GITHUB_CLIENT_ID: '…' }`. Nothing else is read
   * then. Absent: the environment of this process. `CMS_AUTH_URL` always has to be among them.
   */
  settings?: Readonly<Record<string, string | undefined>>;
  /** Gets one entry for each request, without secrets. Absent: each is written to standard output as a line of JSON. */
  log?: (entry: LogEntry) => void;
}

/** A Git host that editors can log in at. */
export type HostId = 'github' | 'gitlab' | 'bitbucket';

export interface LoginOptions extends Options {
  /** The Git hosts that it serves. Absent: all, of which those are switched on that have a client id. */
  hosts?: readonly HostId[];
}

/** A login server or a gateway, to be put into an application. */
export interface App {
  /** Answers every request, a path that is not its own with 404. For hosts of web-standard handlers. Does not reject. */
  fetch(request: Request): Promise<Response>;
  /** The same, but `undefined` for a path that is not its own: for an application with routes besides. Does not reject. */
  respond(request: Request): Promise<Response | undefined>;
  /**
   * For Node's `http`, Express and everything that is made like it. It has to stand before whatever reads the body of requests
   * (`express.json()`), since it reads that itself.
   *
   * @param next is called for a path that is not its own; without it, that is answered with 404
   */
  node(request: IncomingMessage, response: ServerResponse, next?: () => void): void;
}

const providers = { github, gitlab, bitbucket };
const rules = [githubRules, gitlabRules, bitbucketRules];

/**
 * The login server, below `/auth`: lets a CMS's editors log in at the Git host.
 *
 * @throws TypeError if `hosts` names one that there is not. What is wrong with the settings is said where somebody logs in, and on
 *   the page at `/auth`.
 */
export function createLogin({ hosts = ['github', 'gitlab', 'bitbucket'], ...options }: LoginOptions = {}): App {
  const unknown = hosts.find((id) => !Object.hasOwn(providers, id));
  if (unknown !== undefined)
    throw new TypeError(`"hosts" names "${unknown}". It may name ${Object.keys(providers).join(', ')}.`);
  return createApp([loginRoutes(hosts.map((id) => providers[id]))], options);
}

/** The gateway with its sign-in, below `/git`: lets editors without an account at the Git host publish. */
export const createGateway = (options: Options = {}): App => createApp([signIn(rules), gateway(rules)], options);

function createApp(modules: readonly RouteModule[], { settings: env = process.env, log }: Options): App {
  const handler = serve(modules, { env, ...(log && { log: (entry: LogEntry) => log(entry) }) });
  const platform = { adviceOnMissing: 'Set it in "settings", or in the environment of this program.' };
  const streaming = { ...platform, streams: true };
  const answer = web.fetchHandler(handler, () => platform);
  return {
    fetch: (request) => answer(request),
    respond: async (request) =>
      owns(modules, env, web.toRequest(request, platform)) ? await answer(request) : undefined,
    node(request, response, next) {
      // Express takes the path off that an application is mounted at.
      const { originalUrl } = request as IncomingMessage & { originalUrl?: string };
      const asked = nodeShell.toRequest(request, streaming, originalUrl);
      if (next && !owns(modules, env, asked)) return next();
      void nodeShell.answer(handler, asked, response);
    },
  };
}

/**
 * All that can go wrong, by the codes that pages, messages to the CMS, replies and the log have: with the HTTP status, and the words,
 * in which `{name}` is filled in. Codes stay as they are; words may change.
 */
export const errors = {
  ...webErrors,
  ...settingErrors,
  ...parameterErrors,
  ...transactionErrors,
  ...hostErrors,
  ...connectErrors,
  ...popupErrors,
  ...loginErrors,
  ...refreshErrors,
  ...corsErrors,
  ...identityErrors,
  ...signInErrors,
  ...gatewayErrors,
};

export type ErrorCode = keyof typeof errors;
