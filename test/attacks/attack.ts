import { it, type TestContext } from 'vitest';

declare module 'vitest' {
  interface TaskMeta {
    outcome?: string;
  }
}

/**
 * A test that plays an attack.
 *
 * @param body returns what the attacker was seen to get, for the table at the end
 */
export const attack = (name: string, body: (context: TestContext) => string | Promise<string>): void =>
  it(name, async (context) => {
    context.task.meta.outcome = await body(context);
  });
