import { deploy } from './deploy.ts';
import { doctor } from './doctor.ts';
import { setup } from './setup.ts';
import type { Provider } from '../providers/provider.ts';

const help = `The login behind your CMS's "Login" button.

  npx cms-auth-functions                                      puts it online, and asks for what it needs
  npx cms-auth-functions doctor <address of the admin page>   says why a login does not work, and what to write
  npx cms-auth-functions setup github                         registers the login at GitHub, GitLab or Bitbucket

  Each of them explains itself with --help.
`;

/** `npx cms-auth-functions …`: the commands for people who have not cloned the project. Wrong calls end with exit code 2. */
export async function cli(providers: readonly Provider[]): Promise<void> {
  const [given] = process.argv.slice(2);
  // Without a command, or with options alone, it deploys: what most people come for.
  const isDeploy = given === undefined || (given.startsWith('-') && given !== '--help' && given !== '-h');
  const command = isDeploy ? 'deploy' : given;
  if (!isDeploy) process.argv.splice(2, 1);
  const commands: Readonly<Record<string, (providers: readonly Provider[]) => Promise<void>>> = {
    deploy,
    doctor: (all) => doctor(all, 'npx cms-auth-functions doctor'),
    setup,
  };
  const run = Object.hasOwn(commands, command) ? commands[command] : undefined;
  if (run) return run(providers);
  if (command === '--help' || command === '-h') return void process.stdout.write(help);
  process.stderr.write(help);
  process.exitCode = 2;
}
