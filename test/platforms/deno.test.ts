import { describeRuntime, deno, startOn } from './runtimes.ts';
import { describePlatform } from './suite.ts';

describeRuntime('Deno', deno, { shell: 'fetch', megabytes: 32 });
describePlatform('Deno', startOn(deno), { owns: 'everything' });
