import { gatewayEvents } from '../gateway/handler.ts';
import { checkSignUp } from '../gateway/identity/gotrue.ts';
import { loginEvents, loginRoutes } from '../login/handler.ts';
import { awsPointers } from '../platforms/aws.ts';
import { closeOnSignal, listen, node, readHost, readPort } from '../platforms/node.ts';
import { settingPrefix, type Provider } from '../providers/provider.ts';
import { signInEvents } from '../gateway/sign-in/handler.ts';
import { serve } from '../handler/serve.ts';
import type { RouteModule } from '../handler/router.ts';
import { checkSettings } from '../config/check.ts';
import { checkGateway, gatewaySettings, hasGateway } from '../gateway/settings.ts';
import { isPointer } from '../config/environment.ts';
import { isConfigured, readAddress } from '../config/settings.ts';
import { settingsOf } from '../config/table.ts';
import { unknownSettings } from '../config/unknown.ts';
import { openSettings } from '../config/request-settings.ts';
import { forOwner } from '../http/for-owner.ts';
import { printLine, writeLog } from '../http/log.ts';
import { byTurn } from './lines.ts';
import type { GatewayHost } from '../gateway/rules/rule.ts';
import { requestTimeoutMs } from '../gateway/timeouts.ts';
import { Failure } from '../http/errors.ts';
import { redirect, type Handler } from '../http/http.ts';
import type { Platform } from '../http/platform.ts';

/** What the server can be, as functions/ puts it together. */
export interface Served {
  providers: readonly Provider[];
  gateway: { hosts: readonly GatewayHost[]; routes: readonly RouteModule[] };
}

/** These say that somebody else does not answer, which may be over in a minute. */
const passingCodes = ['PARAMETER_UNREADABLE', 'IDENTITY_UNREACHABLE'];

/** These say that a setting is not there yet. */
const incompleteCodes = [
  'SETTING_MISSING',
  'SETTING_EMPTY',
  'SETTING_INCOMPLETE',
  'PARAMETER_MISSING',
  'PARAMETER_EMPTY',
];

/**
 * The login server, the gateway or both, whichever is set up, as a server of its own. Without any settings, or with one that cannot
 * be used, it says so and stops. Where a setting is only not there yet, it lets nobody in, and its page says what is missing.
 */
export async function main({ providers, gateway: { hosts, routes } }: Served): Promise<void> {
  // Node asks the system for each variable anew, and nobody else can change ours.
  const env = { ...process.env };
  const port = readPort(env['PORT']);
  const host = readHost(env['HOST']);
  const platform = {
    url: `http://localhost:${port}`,
    // By the console, which keeps what a slow reader does not take yet. `writeSync` may stop in the middle of a text.
    print: byTurn(console.log),
    // Without a pointer to it there is nothing to look for at each request.
    ...(Object.values(env).some(isPointer) && { loadPointers: awsPointers() }),
  };
  process.stdout.on('error', () => {}); // whoever read the log is gone: editors are served all the same
  const hasLogin = providers.some((provider) => isConfigured(env, provider));
  const withGateway = hasGateway(env);
  const problems = await checkSettings(env, providers, platform);
  const ofGateway = withGateway ? await checkGateway(env, hosts, platform) : [];
  // What is only not there yet does not keep the server from starting: its pages say what is missing.
  const isLacking = ({ code }: Failure) => (hasLogin || withGateway) && incompleteCodes.includes(code);
  const lacking = { login: problems.filter(isLacking), gateway: ofGateway.filter(isLacking) };
  problems.push(...ofGateway);
  const writable =
    withGateway && problems.length === 0 ? await checkIdentity(env, hosts, platform).catch(note(problems)) : undefined;
  // A store or a service that is down for the moment is asked again at the next login. Everything else stays wrong.
  const words = (of: readonly Failure[]) => [...new Set(of.map(({ message }) => forOwner(message)))];
  const passing = words(problems.filter(({ code }) => passingCodes.includes(code)));
  const lasting = words(problems.filter((problem) => !passingCodes.includes(problem.code) && !isLacking(problem)));
  if (!hasLogin && !withGateway)
    lasting.unshift(
      `Nothing is set up. For the login, set ${providers.map((provider) => `${settingPrefix(provider)}_CLIENT_ID`).join(' or ')}. For the gateway, set CMS_GATEWAY_REPO.`,
    );
  const known = settingsOf(undefined, providers).map(({ name }) => name);
  const unknown = unknownSettings(env, known);
  lasting.push(...(lasting.length > 0 ? unknown.map(({ message }) => message) : []));
  if (lasting.length > 0)
    throw new Error(
      `The settings cannot be used:\n${bulleted([...new Set([...lasting, ...words([...lacking.login, ...lacking.gateway]), ...passing])])}`,
    );

  const address = readAddress(env, platform.url);
  // Machines collect the lines of a server in production; of any other one a person reads them.
  const log =
    env['NODE_ENV'] === 'production' ? writeLog : printLine({ ...loginEvents, ...gatewayEvents, ...signInEvents });
  const server = serve([...(withGateway ? routes : []), loginRoutes(providers)], { env, log });
  const home = `${address.origin}${address.prefix}`;
  // Whoever opens the bare address is looking for the set-up page.
  const handler: Handler = (request) =>
    request.path === '/' ? Promise.resolve(redirect(`${home}/${hasLogin ? 'auth' : 'git'}`)) : server(request);
  closeOnSignal(await listen(node(handler, platform), { port, host, ...(withGateway && { requestTimeoutMs }) }));
  const where = `port ${port}${host ? ` of ${host}` : ', for this machine alone'}`;
  for (const { name, page, isOn, missing } of [
    { name: 'login server', page: '/auth', isOn: hasLogin, missing: words(lacking.login) },
    { name: 'gateway', page: '/git', isOn: withGateway, missing: words(lacking.gateway) },
  ]) {
    if (!isOn) continue;
    console.log(`The ${name} listens on ${where}. Set-up and checks: ${home}${page}`);
    if (missing.length > 0)
      console.log(`It lets nobody in yet. What is missing, also at ${home}${page}:\n${bulleted(missing)}`);
  }
  if (withGateway && lacking.gateway.length === 0)
    console.log(`Through the gateway, editors may change ${writable ?? 'what CMS_GATEWAY_PATHS says'}.`);
  for (const problem of passing) console.log(`For the moment, logins fail: ${problem}`);
  for (const { message } of unknown) console.log(`Mind: ${message}`);
}

const bulleted = (lines: readonly string[]): string => lines.map((line) => `  - ${line}`).join('\n');

const note =
  (problems: Failure[]) =>
  (error: unknown): undefined => {
    if (!(error instanceof Failure)) throw error;
    problems.push(error);
  };

/**
 * Whether everybody could sign up where editors are known. The host is not asked: that is for the page at `/git`.
 *
 * @returns what editors may change, as the settings have it
 */
async function checkIdentity(
  env: NodeJS.ProcessEnv,
  hosts: readonly GatewayHost[],
  platform: Platform,
): Promise<string> {
  const deadline = Date.now() + 8_000;
  const all = gatewaySettings(hosts, readAddress(env, platform.url));
  const [{ auth, lists, paths }] = await openSettings(env, platform, deadline).read([all]);
  if (auth.kind === 'gotrue') await checkSignUp(auth.address, lists, deadline);
  return paths.allowed.join(', ');
}
