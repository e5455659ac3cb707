import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { browserMissing, launch } from '../e2e/browser.ts';
import { editAndPublish, startSignIn, type SignInWorld } from '../e2e/sign-in.ts';
import { gateways } from './gateways.ts';
import type { Platform } from './suite.ts';

/** Gateway and CMS on `localhost`, the provider and the Git host on `127.0.0.1`: another site, as in the field. */
describe.skipIf(browserMissing).each(gateways)('Decap CMS with the gateway on %s', (_, start) => {
  let browser: Browser;
  let world: SignInWorld;
  let platform: Platform;

  beforeAll(async () => {
    [browser, world] = await Promise.all([launch(), startSignIn()]);
    platform = await start(world.settings);
    world.introduce(platform.url);
  });
  afterAll(async () => {
    await browser?.close();
    await Promise.all([platform?.stop(), world?.close()]);
  });

  it('lets an editor in, who edits and publishes', { timeout: 90_000 }, async () => {
    const context = await browser.newContext();
    await editAndPublish(await context.newPage(), world, platform.url);
  });
});
