import type { Environment } from '../config/environment.ts';

/** As `parseArgs` takes them. */
export type ArgumentTypes = Readonly<Record<string, { type: 'string' | 'boolean'; short?: string; default?: boolean }>>;

/**
 * Options in front of which nobody wrote `--` stay with npm, which warns of few. It leaves them in the environment.
 *
 * @param script of package.json
 * @throws Error in words if npm kept one of ours
 * @see https://docs.npmjs.com/cli/v11/using-npm/config#environment-variables
 */
export function refuseKept(
  script: string,
  types: ArgumentTypes,
  parameters: readonly string[],
  env: Environment,
): void {
  const kept = Object.keys(types).filter((name) => {
    // `npx --yes` sets the one, and npm answers to the other itself.
    if (name === 'yes' || name === 'help') return false;
    // What npm sets to false is blank.
    const [key, isKept] = name.startsWith('no-')
      ? [name.slice(3), (value: string) => value === '']
      : [name, (value: string) => value !== ''];
    const value = env[`npm_config_${key.replaceAll('-', '_')}`];
    const isGiven = parameters.some((one) => one === `--${name}` || one.startsWith(`--${name}=`));
    return value !== undefined && isKept(value) && !isGiven;
  });
  if (kept.length === 0) return;
  const words = kept.map((name) => `--${name}${types[name]?.type === 'string' ? ' …' : ''}`);
  throw new Error(
    `npm kept ${kept.map((name) => `--${name}`).join(', ')} for itself. Write -- in front of the options: npm run ${script} -- ${words.join(' ')}`,
  );
}
