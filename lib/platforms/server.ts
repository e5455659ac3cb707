import { handler, providers } from '../../functions/auth.ts';
import { checkSettings, isConfigured, readAddress } from '../settings.ts';
import { closeOnSignal, listen, node, readPort } from './node.ts';

/** The hop as a server of its own. Without settings it says so and stops. */
export async function main(): Promise<void> {
  const port = readPort(process.env['PORT']);
  const platformUrl = `http://localhost:${port}`;
  const problems = checkSettings(process.env, providers, platformUrl);
  if (!providers.some((provider) => isConfigured(process.env, provider)))
    problems.unshift(
      `No Git host is set up: ${providers.map(({ id }) => `${id.toUpperCase()}_CLIENT_ID`).join(', ')} is not set.`,
    );
  if (problems.length > 0)
    throw new Error(`The settings cannot be used:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`);

  const address = readAddress(process.env, platformUrl);
  // On plain http nobody else could log in anyway, and nobody else should be able to try.
  closeOnSignal(await listen(node(handler, platformUrl), { port, loopbackOnly: !address.secure }));
  console.log(`The login server listens on port ${port}. Set-up and checks: ${address.origin}${address.prefix}/auth`);
}
