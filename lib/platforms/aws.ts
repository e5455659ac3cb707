import { lazy } from '../http/cache.ts';
import type { OpenPointers } from '../http/platform.ts';

/**
 * AWS's Parameter Store, opened when the first setting points to it: the SDK is large, and most never need it. One for each
 * instance, which keeps what it has read for as long as it is warm.
 */
export const awsPointers = (): (() => Promise<OpenPointers>) =>
  lazy(async () => (await import('../config/ssm.ts')).pointersToAws());
