import path from 'node:path';
import { parseEnv } from 'node:util';
import type { Provider } from '../providers/provider.ts';
import type { Environment } from '../config/environment.ts';
import { help, readCall, type Call } from './call.ts';
import { registerByHand } from './hand.ts';
import { registerByManifest } from './manifest.ts';
import { readIfThere } from './stores/file.ts';
import { Cancelled } from './terminal.ts';
import type { World } from './world.ts';

/** @returns the exit code */
export async function main(
  parameters: readonly string[],
  providers: readonly Provider[],
  world: World,
): Promise<number> {
  let file: Environment;
  try {
    // An instance of one's own is named where the login server reads it, too.
    file = parseEnv(await readIfThere(path.join(world.folder, '.env')));
  } catch (error) {
    return fail(world, error);
  }
  let call: Call | undefined;
  try {
    call = await readCall(parameters, providers, { ...file, ...world.env }, world.prompts);
  } catch (error) {
    if (error instanceof Cancelled) return fail(world, error);
    world.complain(`${inWords(error)}\n\n${help}`);
    return 2;
  }
  if (call === undefined) {
    world.write(help);
    return 0;
  }
  try {
    const { byManifest, ...rest } = call;
    await (byManifest ? registerByManifest({ ...rest, byManifest }, world) : registerByHand(call, world));
    return 0;
  } catch (error) {
    return fail(world, error);
  }
}

function fail(world: World, error: unknown): number {
  world.complain(`\n${inWords(error)}\n`);
  return 1;
}

const inWords = (error: unknown): string => (error instanceof Error ? error.message : String(error));
