import { main } from '../doctor/main.ts';
import { withFacts } from '../providers/facts.ts';
import type { Provider } from '../providers/provider.ts';

/**
 * `npm run doctor`: npm changes into the project first, so relative paths begin where the command was given.
 *
 * @param command how it is called, for its help
 */
export async function doctor(providers: readonly Provider[], command?: string): Promise<void> {
  process.exitCode = await main(providers.map(withFacts), process.argv.slice(2), {
    write: (text) => process.stdout.write(text),
    complain: (text) => process.stderr.write(text),
    colour: process.stdout.isTTY && !process.env['NO_COLOR'],
    folder: process.env['INIT_CWD'] ?? process.cwd(),
    ...(command !== undefined && { command }),
  });
}
