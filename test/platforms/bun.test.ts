import { describeRuntime, bun, startOn } from './runtimes.ts';
import { describePlatform } from './suite.ts';

describeRuntime('Bun', bun, { shell: 'fetch', megabytes: 32 });
describePlatform('Bun', startOn(bun), { owns: 'everything' });
