import { createHandler, hopEvents } from '../hop/handler.ts';
import { awsParameterStore } from '../platforms/aws.ts';
import { closeOnSignal, listen, node, readHost, readPort } from '../platforms/node.ts';
import { settingPrefix, type Provider } from '../providers/provider.ts';
import { checkSettings } from '../settings/check.ts';
import { isConfigured, readAddress } from '../settings/settings.ts';
import { printLine, writeLog } from '../web/log.ts';

/** The hop as a server of its own. Without settings it says so and stops. */
export async function main(providers: readonly Provider[]): Promise<void> {
  const port = readPort(process.env['PORT']);
  const host = readHost(process.env['HOST']);
  const platform = { url: `http://localhost:${port}`, openParameterStore: awsParameterStore() };
  const problems = await checkSettings(process.env, providers, platform);
  // A store that is down for the moment is asked again at the next login. Everything else stays wrong.
  const passing = problems.filter(({ code }) => code === 'PARAMETER_UNREADABLE').map(({ message }) => message);
  const lasting = problems.map(({ message }) => message).filter((message) => !passing.includes(message));
  if (!providers.some((provider) => isConfigured(process.env, provider)))
    lasting.unshift(
      `No Git host is set up: ${providers.map((provider) => `${settingPrefix(provider)}_CLIENT_ID`).join(', ')} is not set.`,
    );
  if (lasting.length > 0)
    throw new Error(
      `The settings cannot be used:\n${[...lasting, ...passing].map((problem) => `  - ${problem}`).join('\n')}`,
    );

  const address = readAddress(process.env, platform.url);
  // Machines collect the lines of a server in production; of any other one a person reads them.
  const handler = createHandler(providers, {
    log: process.env['NODE_ENV'] === 'production' ? writeLog : printLine(hopEvents),
  });
  closeOnSignal(await listen(node(handler, platform), { port, host }));
  console.log(
    `The login server listens on port ${port}${host ? ` of ${host}` : ', for this machine alone'}. Set-up and checks: ${address.origin}${address.prefix}/auth`,
  );
  for (const problem of passing) console.log(`For the moment, logins fail: ${problem}`);
}
